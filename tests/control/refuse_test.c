/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is not a tree, not a block, not a handle, or not now: each gets a status
 * and a counted reason, the rest of the tree proceeds, nothing leaks.
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static int
open_rig(void **state)
{
	*state = rig_open(&(struct rig_config){ .nb_hosts = 2 });
	return 0;
}

static int
close_rig(void **state)
{
	rig_close(*state);
	return 0;
}

static void
expect_reason(struct rig *r, const struct chim_block *b, enum chim_reason why)
{
	assert_int_equal(b->status, CHIM_STATUS_FAILURE);
	assert_string_equal(chim_reason_name(b->reason), chim_reason_name(why));
	assert_true(r->ctl->counters.reason[why] > 0);
}

/* ---- trees that are none ---- */

static void
a_block_that_links_to_itself_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *c = rig_bare(r, t.t->h);

	c->b.next_block = &c->b;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &c->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &c->b, CHIM_REASON_CYCLE);
	assert_int_equal(r->last.nb_blocks, 1);
	rig_terminate(r, &t);
}

static void
a_cycle_of_rows_is_refused_where_it_closes(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_bare *c = rig_bare(r, t.t->h);

	rig_add(&n->b, &p->b);
	rig_add(&p->b, &c->b);
	c->b.dependent_list = &n->b;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &n->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(p->b.status, CHIM_STATUS_SUCCESS);
	expect_reason(r, &c->b, CHIM_REASON_CYCLE);
	assert_int_equal(r->last.nb_blocks, 3);
	rig_terminate(r, &t);
}

static void
a_shared_node_is_refused_where_it_is_shared(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p[2] = { rig_path(r, CHIM_AF_INET), rig_path(r, CHIM_AF_INET) };
	struct rig_tcp *t = rig_tcp(r);

	rig_add(&n->b.block, &p[0]->b.block);
	rig_add(&n->b.block, &p[1]->b.block);
	rig_add(&p[0]->b.block, &t->b.block);
	p[1]->b.block.dependent_list = &t->b.block;
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(p[0]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(t->b.block.status, CHIM_STATUS_SUCCESS);
	expect_reason(r, &p[1]->b.block, CHIM_REASON_CYCLE);
	assert_int_equal(p[1]->h, CHIM_HANDLE_NONE);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_INSTALL), 1);
	rig_remove(r, t->h);
	rig_remove(r, p[0]->h);
	rig_remove(r, n->h);
}

static void
a_placeholder_in_a_cycle_succeeds_and_says_why(void **state)
{
	struct rig *r = *state;
	struct rig_bare *b = rig_bare(r, CHIM_HANDLE_NONE);

	b->b.dependent_list = &b->b;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &b->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.reason, CHIM_REASON_CYCLE);
	assert_int_equal(r->last.nb_blocks, 1);
}

static void
a_link_to_nowhere_aligned_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);

	n->b.next_block = (struct chim_block *)((uintptr_t)&n->b + 4);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &n->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &n->b, CHIM_REASON_BAD_VALUE);
	rig_terminate(r, &t);
}

static void
a_chain_far_too_deep_ends_with_a_status_in_every_block(void **state)
{
	struct rig *r = *state;
	enum {
		DEEP = 50000
	};
	struct chim_block *b = rig_alloc(r, DEEP * sizeof(*b));

	for (int i = 0; i < DEEP; i++) {
		chim_bare_block_init(&b[i], NULL);
		b[i].status = CHIM_STATUS_PENDING;
		b[i].dependent_list = i + 1 < DEEP ? &b[i + 1] : NULL;
	}
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.nb_blocks, DEEP);
	for (int i = 0; i < DEEP; i++)
		assert_int_equal(b[i].status, CHIM_STATUS_SUCCESS);
}

static void
a_block_of_a_tree_in_progress_is_not_part_of_another(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *c = rig_bare(r, t.t->h);
	struct rig_bare *top = rig_bare(r, CHIM_HANDLE_NONE);
	struct chim_completion e;

	r->worker[0]->keep = 1ull << CHIM_MSG_INVALIDATE;
	rig_submit(r, CHIM_OP_INVALIDATE, &c->b);
	rig_run(r);
	/* As a root it is not touched at all; as a child it fails the block that links to it. */
	rig_submit(r, CHIM_OP_QUERY, &c->b);
	rig_run(r);
	e = rig_reap(r);
	assert_int_equal(e.status, CHIM_STATUS_FAILURE);
	assert_int_equal(e.reason, CHIM_REASON_OVERLAP);
	assert_int_equal(e.nb_blocks, 0);
	assert_int_equal(c->b.status, CHIM_STATUS_PENDING);
	top->b.dependent_list = &c->b;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &top->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.reason, CHIM_REASON_OVERLAP);
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
a_null_root_is_refused(void **state)
{
	struct rig *r = *state;

	for (uint32_t op = CHIM_OP_INITIATE; op <= CHIM_OP_TERMINATE; op++) {
		assert_int_equal(rig_do(r, op, NULL), CHIM_STATUS_FAILURE);
		assert_int_equal(r->last.reason, CHIM_REASON_NULL_POINTER);
		assert_int_equal(r->last.nb_blocks, 0);
	}
}

/* ---- blocks that are none ---- */

static void
initiate_refused(struct rig *r, struct chim_block *b, enum chim_reason why)
{
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, b), CHIM_STATUS_FAILURE);
	expect_reason(r, b, why);
	assert_int_equal(*b->context, CHIM_HANDLE_NONE);
	assert_int_equal(r->worker[0]->nb_log, 0);
}

static void
a_size_that_is_not_a_blocks_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	n->b.block.header.size--;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_SIZE);
	n->b.block.header.size += 2;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_SIZE);
}

static void
a_revision_nobody_knows_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	n->b.block.header.revision = CHIM_BLOCK_REVISION + 1;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_TYPE);
}

static void
a_length_that_does_not_fit_is_refused(void **state)
{
	struct rig *r = *state;
	static const uint32_t lengths[] = { 0, 8, 40, 47, 49, 56 + 256, 0xffffffff };
	struct rig_neighbor *n = rig_neighbor(r);
	uint32_t *at[] = { &n->b.neighbor_const.header.length, &n->b.cached.header.length };

	for (uint32_t i = 0; i < CHIM_DIM(at); i++) {
		uint32_t good = *at[i];

		for (uint32_t k = 0; k < CHIM_DIM(lengths); k++) {
			*at[i] = lengths[k];
			initiate_refused(r, &n->b.block, CHIM_REASON_BAD_SIZE);
		}
		*at[i] = good;
	}
	n->b.delegated.header.length = 8;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_SIZE);
}

static void
types_that_start_nothing_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	for (uint32_t type = 0; type < 256; type++) {
		n->b.block.header.type = (uint8_t)type;
		if (type == CHIM_STATE_NEIGHBOR)
			continue;
		if (type == CHIM_STATE_IP4 || type == CHIM_STATE_IP6 || type == CHIM_STATE_TCP ||
			(type >= CHIM_STATE_IP4_CONST && type < CHIM_STATE_TCP &&
				type != CHIM_STATE_TCP_RESOURCE))
			initiate_refused(r, &n->b.block, CHIM_REASON_NO_PARENT);
		else
			initiate_refused(r, &n->b.block, CHIM_REASON_BAD_TYPE);
	}
}

static void
a_type_of_another_kind_than_the_handle_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	static const uint32_t ops[] = { CHIM_OP_QUERY, CHIM_OP_UPDATE, CHIM_OP_INVALIDATE,
		CHIM_OP_TERMINATE, CHIM_OP_INITIATE };

	for (uint32_t i = 0; i < CHIM_DIM(ops); i++) {
		struct rig_bare *b = rig_bare(r, t.n->h);

		b->b.header.type = CHIM_STATE_TCP_CACHED;
		assert_int_equal(rig_do(r, ops[i], &b->b), CHIM_STATUS_FAILURE);
		expect_reason(r, &b->b, CHIM_REASON_BAD_TYPE);
	}
	rig_terminate(r, &t);
}

static void
path_values_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint32_t family;
		uint8_t source[16];
		uint8_t destination[16];
		uint32_t mtu;
		enum chim_reason why;
	} bad[] = {
		{ CHIM_AF_INET, { 0 }, { 10, 0, 0, 1 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET, { 10, 0, 0, 1 }, { 0 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET, { 10, 0, 0, 1 }, { 224, 0, 0, 1 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET, { 239, 1, 1, 1 }, { 10, 0, 0, 1 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET, { 10, 0, 0, 1 }, { 255, 255, 255, 255 }, 1500,
			CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET, { 10, 0, 0, 1 }, { 10, 0, 0, 2 }, 67, CHIM_REASON_BAD_VALUE },
		{ CHIM_AF_INET6, { 0 }, { 0x20, 1 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET6, { 0x20, 1 }, { 0xff, 2 }, 1500, CHIM_REASON_BAD_ADDRESS },
		{ CHIM_AF_INET6, { 0x20, 1 }, { 0x20, 2 }, 1279, CHIM_REASON_BAD_VALUE },
	};
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	for (uint32_t i = 0; i < CHIM_DIM(bad); i++) {
		struct rig_bare *link = rig_bare(r, n->h);
		struct rig_path *p = rig_path(r, bad[i].family);

		memcpy(p->source, bad[i].source, 16);
		memcpy(p->destination, bad[i].destination, 16);
		p->b.cached.path_mtu = bad[i].mtu;
		rig_add(&link->b, &p->b.block);
		assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &link->b), CHIM_STATUS_FAILURE);
		expect_reason(r, &p->b.block, bad[i].why);
	}
	rig_remove(r, n->h);
}

static void
neighbor_values_that_cannot_be_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	n->b.cached.dl_destination[0] = 0xff;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_ADDRESS);
	memset(n->b.cached.dl_destination, 0, 6);
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_ADDRESS);
	n = rig_neighbor(r);
	n->b.neighbor_const.dl_source[0] = 0x01;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_ADDRESS);
	n = rig_neighbor(r);
	n->b.neighbor_const.vlan_id = 4095;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_VALUE);
	n = rig_neighbor(r);
	n->b.block.port_number = 2; /* the rig has ports 0 and 1 */
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_VALUE);
	n->b.block.port_number = 0xffffffff;
	initiate_refused(r, &n->b.block, CHIM_REASON_BAD_VALUE);
}

static void
connection_values_that_cannot_be_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c[4] = { rig_tcp(r), rig_tcp(r), rig_tcp(r), rig_tcp(r) };

	c[0]->b.tcp_const.local_port = 0;
	c[1]->b.tcp_const.remote_port = 0;
	c[2]->b.tcp_const.flags = CHIM_TCP_ECN_ENABLED; /* a capability the rig does not have */
	c[3]->b.tcp_const.flags = 0x8000;
	for (int i = 0; i < 4; i++)
		rig_add(&p->b, &c[i]->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &c[0]->b.block, CHIM_REASON_BAD_ADDRESS);
	expect_reason(r, &c[1]->b.block, CHIM_REASON_BAD_ADDRESS);
	expect_reason(r, &c[2]->b.block, CHIM_REASON_UNSUPPORTED);
	expect_reason(r, &c[3]->b.block, CHIM_REASON_UNSUPPORTED);
	rig_terminate(r, &t);
}

static void
a_buffer_list_that_ends_nowhere_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c = rig_tcp(r);
	struct rte_mbuf *m = rig_buffer(r, 0);

	chim_nbl(m)->next = m;
	c->b.block.send_chain = m;
	rig_add(&p->b, &c->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &c->b.block, CHIM_REASON_BAD_BUFFER);
	rte_pktmbuf_free(m);
	rig_terminate(r, &t);
}

static void
a_buffer_without_a_list_node_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c = rig_tcp(r);
	struct rte_mbuf *m = rig_buffer(r, 1);

	m->priv_size = 0;
	c->b.block.send_chain = m;
	rig_add(&p->b, &c->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &c->b.block, CHIM_REASON_BAD_BUFFER);
	m->priv_size = CHIM_NBL_PRIV_SIZE;
	rte_pktmbuf_free(m);
	rig_terminate(r, &t);
}

static void
the_same_tuple_twice_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *again = rig_tcp(r);

	again->b.tcp_const = t.t->b.tcp_const;
	rig_add(&p->b, &again->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	expect_reason(r, &again->b.block, CHIM_REASON_DUPLICATE);
	/* So is a connection that is offloaded already, by its handle. */
	p = rig_bare(r, t.p->h);
	rig_add(&p->b, &rig_bare(r, t.t->h)->b);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	expect_reason(r, p->b.dependent_list, CHIM_REASON_DUPLICATE);
	rig_terminate(r, &t);
}

/* ---- handles that are none ---- */

static void
every_op_refuses(struct rig *r, chim_handle_t h, enum chim_reason why)
{
	for (uint32_t op = CHIM_OP_INITIATE; op <= CHIM_OP_TERMINATE; op++) {
		struct rig_bare *b = rig_bare(r, h);

		assert_int_equal(rig_do(r, op, &b->b), CHIM_STATUS_FAILURE);
		expect_reason(r, &b->b, why);
		assert_int_equal(b->h, h);
	}
}

static void
stale_handles_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio old = rig_offload(r);
	struct rig_trio t;

	rig_terminate(r, &old);
	every_op_refuses(r, old.t->h, CHIM_REASON_STALE);
	every_op_refuses(r, old.p->h, CHIM_REASON_STALE);
	every_op_refuses(r, old.n->h, CHIM_REASON_STALE);
	/* The slots are in use again, and the old names still mean nothing. */
	t = rig_offload(r);
	assert_int_equal(chim_handle_index(t.p->h), chim_handle_index(old.p->h));
	every_op_refuses(r, old.p->h, CHIM_REASON_STALE);
	every_op_refuses(r, old.n->h, CHIM_REASON_STALE);
	rig_terminate(r, &t);
}

static void
forged_handles_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	every_op_refuses(r, chim_handle_make(7, 1, 0), CHIM_REASON_FOREIGN); /* no such worker */
	every_op_refuses(r, chim_handle_make(0xFD, 1, 0), CHIM_REASON_FOREIGN);
	every_op_refuses(r, chim_handle_make(0, 0, 1), CHIM_REASON_FOREIGN); /* generation 0 */
	every_op_refuses(r, chim_handle_make(0, 1, 1u << 30), CHIM_REASON_FOREIGN);
	every_op_refuses(r, chim_handle_make(CHIM_OWNER_PATH, 1, 1u << 30), CHIM_REASON_FOREIGN);
	every_op_refuses(r, chim_handle_make(CHIM_OWNER_NEIGHBOR, 0xffffff, 0), CHIM_REASON_STALE);
	every_op_refuses(r, chim_handle_make(0, 0xffffff, 5), CHIM_REASON_STALE);
	rig_terminate(r, &t);
}

static void
anothers_objects_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	chim_handle_t h[] = { t.n->h, t.p->h, t.t->h };

	for (uint32_t i = 0; i < CHIM_DIM(h); i++) {
		for (uint32_t op = CHIM_OP_INITIATE; op <= CHIM_OP_TERMINATE; op++) {
			struct rig_bare *b = rig_bare(r, h[i]);
			struct chim_request req = { .op = op, .root = &b->b };

			assert_int_equal(rig_do_request(r, 1, &req), CHIM_STATUS_FAILURE);
			expect_reason(r, &b->b, CHIM_REASON_FOREIGN);
		}
	}
	rig_terminate(r, &t);
}

static void
a_null_handle_names_nothing_to_query(void **state)
{
	struct rig *r = *state;
	struct rig_bare *b = rig_bare(r, 1);

	b->h = CHIM_HANDLE_NONE;
	for (uint32_t op = CHIM_OP_QUERY; op <= CHIM_OP_TERMINATE; op++) {
		assert_int_equal(rig_do(r, op, &b->b), CHIM_STATUS_FAILURE);
		expect_reason(r, &b->b, CHIM_REASON_NULL_POINTER);
	}
}

static void
a_linked_path_must_be_of_the_neighbor_above_it(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *other = rig_neighbor(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c = rig_tcp(r);

	rig_add(&other->b.block, &p->b);
	rig_add(&p->b, &c->b.block);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &other->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	expect_reason(r, &p->b, CHIM_REASON_FOREIGN);
	expect_reason(r, &c->b.block, CHIM_REASON_PARENT_FAILED);
	rig_remove(r, other->h);
	rig_terminate(r, &t);
}

static void
requests_that_are_none_are_refused(void **state)
{
	struct rig *r = *state;
	struct chim_request req = { .op = CHIM_OP_MAX };

	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_UNSUPPORTED);
	req = (struct chim_request){ .op = CHIM_OP_QUERY, .flags = 1 };
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(a_block_that_links_to_itself_is_refused),
	T(a_cycle_of_rows_is_refused_where_it_closes),
	T(a_shared_node_is_refused_where_it_is_shared),
	T(a_placeholder_in_a_cycle_succeeds_and_says_why),
	T(a_link_to_nowhere_aligned_is_refused),
	T(a_chain_far_too_deep_ends_with_a_status_in_every_block),
	T(a_block_of_a_tree_in_progress_is_not_part_of_another),
	T(a_null_root_is_refused),
	T(a_size_that_is_not_a_blocks_is_refused),
	T(a_revision_nobody_knows_is_refused),
	T(a_length_that_does_not_fit_is_refused),
	T(types_that_start_nothing_are_refused),
	T(a_type_of_another_kind_than_the_handle_is_refused),
	T(path_values_that_cannot_be_are_refused),
	T(neighbor_values_that_cannot_be_are_refused),
	T(connection_values_that_cannot_be_are_refused),
	T(a_buffer_list_that_ends_nowhere_is_refused),
	T(a_buffer_without_a_list_node_is_refused),
	T(the_same_tuple_twice_is_refused),
	T(stale_handles_are_refused),
	T(forged_handles_are_refused),
	T(anothers_objects_are_refused),
	T(a_null_handle_names_nothing_to_query),
	T(a_linked_path_must_be_of_the_neighbor_above_it),
	T(requests_that_are_none_are_refused),
};
CHIM_CMOCKA_SUITE(ctl_refuse_autotest, tests, NULL, NULL)
