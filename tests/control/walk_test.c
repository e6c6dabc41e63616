/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The tree walk: order, roles of blocks, what the engine may write, and every
 * kind of tree that is not one (checklist 5 to 9 and 17 to 33).
 */
#include <string.h>

#include "rig.h"

static int
open_rig(void **state)
{
	*state = rig_open(&(struct rig_config){ 0 });
	return 0;
}

static int
close_rig(void **state)
{
	rig_close(*state);
	return 0;
}

/* The tree of the specification's figure (3.4). */
struct figure {
	struct rig_neighbor *n[2];
	struct rig_path *p[3];
	struct rig_tcp *t[5];
};

static struct figure
make_figure(struct rig *r)
{
	static const int path_of[] = { 0, 0, 1, 2, 2 };
	static const int neighbor_of[] = { 0, 0, 1 };
	struct figure f;

	for (int i = 0; i < 2; i++)
		f.n[i] = rig_neighbor(r);
	for (int i = 0; i < 3; i++) {
		f.p[i] = rig_path(r, CHIM_AF_INET);
		rig_add(&f.n[neighbor_of[i]]->b.block, &f.p[i]->b.block);
	}
	for (int i = 0; i < 5; i++) {
		f.t[i] = rig_tcp(r);
		rig_add(&f.p[path_of[i]]->b.block, &f.t[i]->b.block);
	}
	f.n[0]->b.block.next_block = &f.n[1]->b.block;
	return f;
}

/* The same objects as a tree of blocks without state. */
static struct chim_block *
bare_figure(struct rig *r, const struct figure *f)
{
	struct rig_bare *n[2];
	struct rig_bare *p[3];
	static const int path_of[] = { 0, 0, 1, 2, 2 };
	static const int neighbor_of[] = { 0, 0, 1 };

	for (int i = 0; i < 2; i++)
		n[i] = rig_bare(r, f->n[i]->h);
	for (int i = 0; i < 3; i++) {
		p[i] = rig_bare(r, f->p[i]->h);
		rig_add(&n[neighbor_of[i]]->b, &p[i]->b);
	}
	for (int i = 0; i < 5; i++)
		rig_add(&p[path_of[i]]->b, &rig_bare(r, f->t[i]->h)->b);
	n[0]->b.next_block = &n[1]->b;
	return &n[0]->b;
}

static void
expect_log(const struct rig *r, uint32_t first, const uint32_t *kinds, uint32_t nb)
{
	for (uint32_t i = 0; i < nb; i++)
		assert_int_equal(r->worker[0]->log[first + i].kind, kinds[i]);
	assert_int_equal(r->worker[0]->nb_log, first + nb);
}

static void
checklist_17_the_example_tree_is_walked_in_the_example_order(void **state)
{
	struct rig *r = *state;
	struct figure f = make_figure(r);
	static const uint32_t kinds[] = { CHIM_MSG_NEIGHBOR_SET, CHIM_MSG_PATH_SET,
		CHIM_MSG_INSTALL, CHIM_MSG_INSTALL, CHIM_MSG_PATH_SET, CHIM_MSG_INSTALL,
		CHIM_MSG_NEIGHBOR_SET, CHIM_MSG_PATH_SET, CHIM_MSG_INSTALL, CHIM_MSG_INSTALL };
	static const int tcp_at[] = { 2, 3, 5, 8, 9 };

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &f.n[0]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.nb_blocks, 10);
	expect_log(r, 0, kinds, CHIM_DIM(kinds));
	for (int i = 0; i < 5; i++)
		assert_int_equal(r->worker[0]->log[tcp_at[i]].offload_handle,
			f.t[i]->b.block.offload_handle);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_figure(r, &f)), CHIM_STATUS_SUCCESS);
}

static void
checklist_18_dependents_come_before_the_next_sibling(void **state)
{
	struct rig *r = *state;
	struct figure f = make_figure(r);
	uint32_t first_of_path[3] = { 0 };

	rig_do(r, CHIM_OP_INITIATE, &f.n[0]->b.block);
	for (uint32_t i = 0; i < r->worker[0]->nb_log; i++) {
		if (r->worker[0]->log[i].kind == CHIM_MSG_PATH_SET)
			first_of_path[r->worker[0]->log[i].index] = i;
	}
	for (uint32_t i = 0; i < r->worker[0]->nb_log; i++) {
		const struct fake_entry *e = &r->worker[0]->log[i];

		if (e->kind == CHIM_MSG_INSTALL)
			assert_true(
				i > first_of_path[e->index] && i <= first_of_path[e->index] + 2);
	}
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_figure(r, &f)), CHIM_STATUS_SUCCESS);
}

static void
terminate_takes_tcp_before_path_before_neighbor(void **state)
{
	struct rig *r = *state;
	struct figure f = make_figure(r);
	bool has_path_gone[3] = { false };
	uint32_t first;

	rig_do(r, CHIM_OP_INITIATE, &f.n[0]->b.block);
	first = r->worker[0]->nb_log;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_figure(r, &f)), CHIM_STATUS_SUCCESS);
	for (uint32_t i = first; i < r->worker[0]->nb_log; i++) {
		const struct fake_entry *e = &r->worker[0]->log[i];

		if (e->kind == CHIM_MSG_PATH_REMOVE)
			has_path_gone[e->index] = true;
		if (e->kind == CHIM_MSG_NEIGHBOR_REMOVE)
			assert_true(e->index == 0 ? has_path_gone[0] && has_path_gone[1]
						  : has_path_gone[2]);
	}
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_TERMINATE), 5);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_NEIGHBOR_REMOVE), 2);
}

static void
checklist_19_a_connection_is_usable_before_the_walk_ends(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .slice = 4 });
	struct figure f = make_figure(r);

	rig_submit(r, CHIM_OP_INITIATE, &f.n[0]->b.block);
	rig_turn(r);
	rig_turn(r);
	assert_true(r->worker[0]->conns[0].is_live);
	assert_false(rig_has_completion(r));
	assert_int_equal(r->ctl->counters.neighbors, 1);
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_figure(r, &f)), CHIM_STATUS_SUCCESS);
	rig_close(r);
	(void)state;
}

static void
checklist_5_every_operation_completes_once_later_with_its_root(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	static const uint32_t ops[] = { CHIM_OP_QUERY, CHIM_OP_UPDATE, CHIM_OP_INVALIDATE,
		CHIM_OP_TERMINATE };

	for (uint32_t i = 0; i < CHIM_DIM(ops); i++) {
		struct rig_bare *b = rig_bare(r, t.t->h);
		struct chim_completion e;

		b->b.status = CHIM_STATUS_PENDING;
		rig_submit(r, ops[i], &b->b);
		assert_false(rig_has_completion(r)); /* never inside the call */
		rig_run(r);
		e = rig_reap(r);
		assert_ptr_equal(e.root, &b->b);
		assert_int_equal(e.op, ops[i]);
		assert_int_equal(e.cookie, r->cookie);
		assert_int_equal(e.status, CHIM_STATUS_SUCCESS);
		assert_false(rig_has_completion(r));
	}
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static struct chim_block *
placeholder_tree(struct rig *r, const struct rig_trio *t, struct rig_bare **top)
{
	struct rig_bare *p = rig_bare(r, CHIM_HANDLE_NONE);

	*top = rig_bare(r, CHIM_HANDLE_NONE);
	p->b.status = CHIM_STATUS_PENDING;
	(*top)->b.status = CHIM_STATUS_PENDING;
	rig_add(&(*top)->b, &p->b);
	rig_add(&p->b, &rig_bare(r, t->t->h)->b);
	return &p->b;
}

static void
checklist_6_every_block_has_its_status_placeholders_too(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	for (uint32_t op = CHIM_OP_QUERY; op <= CHIM_OP_TERMINATE; op++) {
		struct rig_bare *top;
		struct chim_block *p = placeholder_tree(r, &t, &top);

		assert_int_equal(rig_do(r, op, &top->b), CHIM_STATUS_SUCCESS);
		assert_int_equal(p->status, CHIM_STATUS_SUCCESS);
		assert_int_equal(p->dependent_list->status, CHIM_STATUS_SUCCESS);
	}
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_7_nothing_is_touched_after_completion(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp copy = *t.t;

	/* What happens to the connection later must not reach the blocks it came with. */
	r->worker[0]->nic_delta = 1;
	rig_do(r, CHIM_OP_QUERY, &rig_bare(r, t.t->h)->b);
	rig_terminate(r, &t);
	assert_memory_equal(&copy, t.t, sizeof(copy));
}

static void
checklist_8_reserved_members_of_the_host_are_unchanged(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct chim_block *blocks[] = { &t.n->b.block, &t.p->b.block, &t.t->b.block };
	static const uint64_t mark[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };

	rig_add(blocks[0], blocks[1]);
	rig_add(blocks[1], blocks[2]);
	for (int i = 0; i < 3; i++) {
		memcpy(blocks[i]->protocol_reserved, mark, sizeof(mark));
		memcpy(blocks[i]->im_reserved, mark, sizeof(mark));
		memcpy(blocks[i]->host_reserved, mark, sizeof(mark));
		blocks[i]->source_handle = mark[0];
	}
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, blocks[0]), CHIM_STATUS_SUCCESS);
	for (int i = 0; i < 3; i++) {
		assert_memory_equal(blocks[i]->protocol_reserved, mark, sizeof(mark));
		assert_memory_equal(blocks[i]->im_reserved, mark, sizeof(mark));
		assert_memory_equal(blocks[i]->host_reserved, mark, sizeof(mark));
		assert_int_equal(blocks[i]->source_handle, mark[0]);
	}
	rig_terminate(r, &t);
}

static void
checklist_9_target_reserved_and_scratch_may_hold_anything_before(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct chim_block *blocks[] = { &t.n->b.block, &t.p->b.block, &t.t->b.block };

	rig_add(blocks[0], blocks[1]);
	rig_add(blocks[1], blocks[2]);
	for (int i = 0; i < 3; i++) {
		memset(blocks[i]->target_reserved, 0xff, sizeof(blocks[i]->target_reserved));
		memset(blocks[i]->scratch, 0xff, sizeof(blocks[i]->scratch));
	}
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, blocks[0]), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
checklist_13_a_handle_stays_good_until_terminate(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	chim_handle_t h = t.t->h;

	for (int i = 0; i < 3; i++)
		assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, h)->b), CHIM_STATUS_SUCCESS);
	rig_remove(r, h);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, h)->b), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_STALE);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_16_path_addresses_are_copied(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	const struct chim_msg_path *replica = &r->worker[0]->path[chim_handle_index(t.p->h)];
	uint8_t before[4];

	memcpy(before, t.p->destination, 4);
	memset(t.p->destination, 0xff, 4);
	memset(t.p->source, 0xff, 4);
	assert_memory_equal(replica->destination, before, 4);
	assert_int_equal(replica->source[0], 10);
	rig_terminate(r, &t);
}

static void
checklist_20_a_row_of_a_hundred_thousand_and_one_slice_a_turn(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .slice = 100 });
	enum {
		NB = 100000
	};
	struct chim_block *row = rig_alloc(r, NB * sizeof(*row));
	struct rig_bare *other = rig_bare(r, CHIM_HANDLE_NONE);
	uint64_t before;

	for (int i = 0; i < NB; i++) {
		chim_bare_block_init(&row[i], NULL);
		row[i].next_block = i + 1 < NB ? &row[i + 1] : NULL;
	}
	rig_submit(r, CHIM_OP_QUERY, row);
	rig_turn(r);
	before = r->ctl->counters.blocks;
	assert_int_equal(before, 99); /* one step started the operation */
	rig_submit(r, CHIM_OP_QUERY, &other->b);
	rig_turn(r);
	rig_turn(r);
	/* The second request was done within a slice of the first. */
	assert_int_equal(rig_reap(r).cookie, r->cookie);
	assert_true(r->ctl->counters.blocks - before <= 201);
	rig_run(r);
	assert_int_equal(rig_reap(r).nb_blocks, NB);
	for (int i = 0; i < NB; i++)
		assert_int_equal(row[i].status, CHIM_STATUS_SUCCESS);
	rig_close(r);
	(void)state;
}

static void
checklist_21_children_of_a_wrong_kind_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct rig_tcp *under_neighbor = rig_tcp(r);
	struct rig_neighbor *under_path = rig_neighbor(r);
	struct rig_path *under_tcp = rig_path(r, CHIM_AF_INET);

	rig_add(&t.n->b.block, &under_neighbor->b.block);
	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &under_path->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	rig_add(&t.t->b.block, &under_tcp->b.block);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &t.n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(under_neighbor->b.block.reason, CHIM_REASON_WRONG_KIND);
	assert_int_equal(under_path->b.block.reason, CHIM_REASON_WRONG_KIND);
	assert_int_equal(under_tcp->b.block.reason, CHIM_REASON_WRONG_KIND);
	assert_int_equal(under_tcp->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(t.t->b.block.status, CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(r->ctl->counters.reason[CHIM_REASON_WRONG_KIND], 3);
	rig_terminate(r, &t);
}

static void
checklist_22_a_lone_block_is_a_tree(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, n->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &rig_bare(r, n->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, n->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &rig_bare(r, n->h)->b), CHIM_STATUS_SUCCESS);
}

static void
checklist_23_a_placeholder_is_a_null_context_whatever_its_type(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, CHIM_HANDLE_NONE);

	/* Neither type nor size is looked at, and no state is read: there is none behind it. */
	p->b.header.type = CHIM_STATE_TCP;
	p->b.header.size = 1;
	rig_add(&p->b, &rig_bare(r, t.p->h)->b);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &p->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(p->b.dependent_list->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.reason, CHIM_REASON_NONE);
	rig_terminate(r, &t);
}

static void
checklist_24_a_linker_takes_new_dependents_and_has_no_state(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *more = rig_tcp(r);

	rig_add(&n->b, &p->b);
	rig_add(&p->b, &more->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(n->h, t.n->h);
	assert_int_equal(p->h, t.p->h);
	assert_int_equal(r->worker[0]->conns[chim_handle_index(more->h)].tcp.path,
		chim_handle_index(t.p->h));
	rig_remove(r, more->h);
	rig_terminate(r, &t);
}

static void
checklist_25_a_null_context_value_is_a_new_offload(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	assert_int_equal(n->h, CHIM_HANDLE_NONE);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_handle_owner(n->h), CHIM_OWNER_NEIGHBOR);
	rig_remove(r, n->h);
}

static void
checklist_26_a_placeholder_succeeds_whatever_hangs_under_it(void **state)
{
	struct rig *r = *state;
	struct rig_bare *top = rig_bare(r, CHIM_HANDLE_NONE);
	struct rig_path *orphan = rig_path(r, CHIM_AF_INET);

	rig_add(&top->b, &orphan->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &top->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(orphan->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(orphan->b.block.reason, CHIM_REASON_NO_PARENT);
	assert_int_equal(orphan->h, CHIM_HANDLE_NONE);
}

static void
checklist_27_an_empty_placeholder_succeeds(void **state)
{
	struct rig *r = *state;

	for (uint32_t op = CHIM_OP_INITIATE; op <= CHIM_OP_TERMINATE; op++)
		assert_int_equal(
			rig_do(r, op, &rig_bare(r, CHIM_HANDLE_NONE)->b), CHIM_STATUS_SUCCESS);
}

static void
checklist_31_full_state_is_const_then_cached_then_delegated(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	/* The structures at other places than the struct's: longer ones, stepped over by length. */
	struct chim_block *b = rig_alloc(r, 1024);
	uint8_t *at = (uint8_t *)(b + 1);
	struct chim_tcp_const k = { .header.length = sizeof(k) + 8 };
	struct chim_tcp_cached c = { .header.length = sizeof(c) + 16 };
	struct chim_tcp_delegated d = { .header.length = sizeof(d) };
	struct rig_tcp *good = rig_tcp(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	const struct chim_msg_tcp *got;
	chim_handle_t h = CHIM_HANDLE_NONE;

	chim_bare_block_init(b, &h);
	b->header.type = CHIM_STATE_TCP;
	memcpy((uint8_t *)&k + 8, (uint8_t *)&good->b.tcp_const + 8, sizeof(k) - 8);
	memcpy((uint8_t *)&c + 8, (uint8_t *)&good->b.cached + 8, sizeof(c) - 8);
	memcpy((uint8_t *)&d + 8, (uint8_t *)&good->b.delegated + 8, sizeof(d) - 8);
	memcpy(at, &k, sizeof(k));
	memcpy(at + k.header.length, &c, sizeof(c));
	memcpy(at + k.header.length + c.header.length, &d, sizeof(d));
	rig_add(&p->b, b);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_SUCCESS);
	got = &r->worker[0]->conns[chim_handle_index(h)].tcp;
	assert_int_equal(got->tcp_const.remote_mss, 1460);
	assert_int_equal(got->cached.initial_rcv_wnd, 65536);
	assert_int_equal(got->delegated.rcv_nxt, 0xffffff00);
	rig_remove(r, h);
	rig_terminate(r, &t);
}

static void
checklist_32_the_family_is_told_by_the_type(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p4 = rig_path(r, CHIM_AF_INET);
	struct rig_path *p6 = rig_path(r, CHIM_AF_INET6);

	memset(p6->source, 0x20, 16);
	rig_add(&n->b.block, &p4->b.block);
	rig_add(&n->b.block, &p6->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->path[chim_handle_index(p4->h)].is_ip6, 0);
	assert_int_equal(r->worker[0]->path[chim_handle_index(p4->h)].source[4], 0);
	assert_int_equal(r->worker[0]->path[chim_handle_index(p6->h)].is_ip6, 1);
	assert_int_equal(r->worker[0]->path[chim_handle_index(p6->h)].source[15], 0x20);
	rig_remove(r, p4->h);
	rig_remove(r, p6->h);
	rig_remove(r, n->h);
}

static void
checklist_33_a_path_has_many_connections_a_neighbor_many_paths(void **state)
{
	struct rig *r = *state;
	struct figure f = make_figure(r);

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &f.n[0]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->path[0].neighbor, r->worker[0]->path[1].neighbor);
	assert_int_equal(r->worker[0]->conns[0].tcp.path, r->worker[0]->conns[1].tcp.path);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_figure(r, &f)), CHIM_STATUS_SUCCESS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_5_every_operation_completes_once_later_with_its_root),
	T(checklist_6_every_block_has_its_status_placeholders_too),
	T(checklist_7_nothing_is_touched_after_completion),
	T(checklist_8_reserved_members_of_the_host_are_unchanged),
	T(checklist_9_target_reserved_and_scratch_may_hold_anything_before),
	T(checklist_13_a_handle_stays_good_until_terminate),
	T(checklist_16_path_addresses_are_copied),
	T(checklist_17_the_example_tree_is_walked_in_the_example_order),
	T(checklist_18_dependents_come_before_the_next_sibling),
	T(terminate_takes_tcp_before_path_before_neighbor),
	cmocka_unit_test(checklist_19_a_connection_is_usable_before_the_walk_ends),
	cmocka_unit_test(checklist_20_a_row_of_a_hundred_thousand_and_one_slice_a_turn),
	T(checklist_21_children_of_a_wrong_kind_are_refused),
	T(checklist_22_a_lone_block_is_a_tree),
	T(checklist_23_a_placeholder_is_a_null_context_whatever_its_type),
	T(checklist_24_a_linker_takes_new_dependents_and_has_no_state),
	T(checklist_25_a_null_context_value_is_a_new_offload),
	T(checklist_26_a_placeholder_succeeds_whatever_hangs_under_it),
	T(checklist_27_an_empty_placeholder_succeeds),
	T(checklist_31_full_state_is_const_then_cached_then_delegated),
	T(checklist_32_the_family_is_told_by_the_type),
	T(checklist_33_a_path_has_many_connections_a_neighbor_many_paths),
};
CHIM_CMOCKA_SUITE(ctl_walk_autotest, tests, NULL, NULL)
