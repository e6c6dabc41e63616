/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Update and invalidate (checklist 84 to 92, 100 to 103, 107), and what may
 * overlap what (spec 4.7).
 */
#include <string.h>

#include "rig.h"

static int
open_rig(void **state)
{
	*state = rig_open(&(struct rig_config){ .nb_workers = 2 });
	return 0;
}

static int
close_rig(void **state)
{
	rig_close(*state);
	return 0;
}

static struct fake_conn *
conn_of(struct rig *r, chim_handle_t h)
{
	return &r->worker[chim_handle_owner(h)]->conns[chim_handle_index(h)];
}

/* A block that updates a connection: const and delegated are there, and must not matter. */
static struct rig_tcp *
tcp_update(struct rig *r, const struct rig_tcp *t)
{
	struct rig_tcp *u = rig_alloc(r, sizeof(*u));

	*u = *t;
	u->b.block.context = &u->h;
	u->b.block.next_block = NULL;
	u->b.block.dependent_list = NULL;
	return u;
}

static void
checklist_84_only_cached_state_is_applied(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *u = tcp_update(r, t.t);

	u->b.tcp_const.remote_mss = 999;
	u->b.delegated.rcv_nxt = 999;
	u->b.cached.ttl = 7;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(conn_of(r, t.t->h)->tcp.tcp_const.remote_mss, 1460);
	assert_int_equal(conn_of(r, t.t->h)->tcp.delegated.rcv_nxt, 0xffffff00);
	assert_int_equal(conn_of(r, t.t->h)->tcp.cached.ttl, 7);
	rig_terminate(r, &t);
}

static void
checklist_85_a_new_mac_reaches_every_replica_without_relinking(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *u = rig_neighbor(r);
	uint32_t at = chim_handle_index(t.n->h);

	u->h = t.n->h;
	u->b.cached.dl_destination[5] = 0x77;
	u->b.cached.host_reachability_delta = 42;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_SUCCESS);
	for (int w = 0; w < 2; w++) {
		assert_int_equal(r->worker[w]->neighbor[at].dl_destination[5], 0x77);
		assert_int_equal(r->worker[w]->neighbor[at].is_fresh, 1);
		assert_int_equal(r->worker[w]->neighbor[at].host_reachability_delta, 42);
		assert_int_equal(fake_count(r->worker[w], CHIM_MSG_PATH_SET), 1);
	}
	u->b.cached.dl_destination[0] = 1;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_ADDRESS);
	assert_int_equal(r->worker[0]->neighbor[at].dl_destination[0], 2);
	rig_terminate(r, &t);
}

static void
checklist_86_a_new_path_mtu_reaches_every_replica(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_path *u = rig_path(r, CHIM_AF_INET);

	u->h = t.p->h;
	u->b.cached.path_mtu = 1400;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->path[chim_handle_index(t.p->h)].mtu, 1400);
	assert_int_equal(r->worker[1]->path[chim_handle_index(t.p->h)].mtu, 1400);
	u->b.cached.path_mtu = 65535;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_LIMIT);
	assert_int_equal(r->worker[0]->path[chim_handle_index(t.p->h)].mtu, 1400);
	rig_terminate(r, &t);
}

/* An update tree that moves a path to another neighbor. */
static struct rig_bare *
relink_tree(struct rig *r, chim_handle_t to, chim_handle_t path)
{
	struct rig_bare *n = rig_bare(r, to);

	rig_add(&n->b, &rig_bare(r, path)->b);
	return n;
}

static void
checklist_87_88_a_path_moves_to_another_neighbor(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_bare *u;

	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.n->h)->b); /* as a host does it */
	u = relink_tree(r, n->h, t.p->h);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(u->b.dependent_list->status, CHIM_STATUS_SUCCESS);
	for (int w = 0; w < 2; w++) {
		const struct chim_msg_path *p = &r->worker[w]->path[chim_handle_index(t.p->h)];

		assert_int_equal(p->neighbor, chim_handle_index(n->h));
		assert_int_equal(p->mtu, 1500);
	}
	/* Nothing depends on the old neighbor any more; the new one cannot go. */
	rig_remove(r, t.n->h);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &rig_bare(r, n->h)->b), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_HAS_DEPENDENTS);
	rig_remove(r, t.t->h);
	rig_remove(r, t.p->h);
	rig_remove(r, n->h);
}

static void
a_path_does_not_move_where_it_cannot_live(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *invalid = rig_neighbor(r);
	struct rig_neighbor *far = rig_neighbor(r);
	struct rig_bare *u;

	far->b.block.port_number = 1;
	rig_do(r, CHIM_OP_INITIATE, &invalid->b.block);
	rig_do(r, CHIM_OP_INITIATE, &far->b.block);
	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, invalid->h)->b);
	u = relink_tree(r, invalid->h, t.p->h);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b), CHIM_STATUS_FAILURE);
	assert_int_equal(u->b.reason, CHIM_REASON_INVALIDATED);
	assert_int_equal(u->b.dependent_list->reason, CHIM_REASON_PARENT_FAILED);
	u = relink_tree(r, far->h, t.p->h);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(u->b.dependent_list->status, CHIM_STATUS_FAILURE);
	assert_int_equal(u->b.dependent_list->reason, CHIM_REASON_UNSUPPORTED);
	assert_int_equal(
		r->worker[0]->path[chim_handle_index(t.p->h)].neighbor, chim_handle_index(t.n->h));
	rig_remove(r, invalid->h);
	rig_remove(r, far->h);
	rig_terminate(r, &t);
}

static void
checklist_89_a_connection_never_changes_its_path(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_trio other = rig_offload(r);
	struct rig_bare *p = rig_bare(r, other.p->h);
	struct rig_tcp *u = tcp_update(r, t.t);

	rig_add(&p->b, &u->b.block);
	rig_do(r, CHIM_OP_UPDATE, &p->b);
	assert_int_equal(u->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(u->b.block.reason, CHIM_REASON_UNSUPPORTED);
	assert_int_equal(conn_of(r, t.t->h)->tcp.path, chim_handle_index(t.p->h));
	/* Under its own path it is updated. */
	p = rig_bare(r, t.p->h);
	u = tcp_update(r, t.t);
	rig_add(&p->b, &u->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &p->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(u->b.block.status, CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
	rig_terminate(r, &other);
}

static void
checklist_90_an_update_completes_when_every_worker_has_it(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_path *u = rig_path(r, CHIM_AF_INET);

	u->h = t.p->h;
	r->worker[1]->keep = 1ull << CHIM_MSG_PATH_SET;
	rig_submit(r, CHIM_OP_UPDATE, &u->b.block);
	rig_run(r);
	assert_false(rig_has_completion(r));
	fake_answer_kept(r->worker[1]);
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
checklist_92_a_receive_window_beyond_the_capability_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *u = tcp_update(r, t.t);
	struct chim_caps caps;

	chim_host_caps(r->host[0], &caps);
	u->b.cached.initial_rcv_wnd = caps.max_rcv_wnd;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(conn_of(r, t.t->h)->tcp.cached.initial_rcv_wnd, caps.max_rcv_wnd);
	u->b.cached.initial_rcv_wnd++;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_LIMIT);
	assert_int_equal(conn_of(r, t.t->h)->tcp.cached.initial_rcv_wnd, caps.max_rcv_wnd);
	rig_terminate(r, &t);
}

static void
checklist_100_after_a_failed_update_the_connection_is_as_it_was(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *u = tcp_update(r, t.t);

	fake_refuse(r->worker[chim_handle_owner(t.t->h)],
		(struct fake_rule){
			CHIM_MSG_UPDATE, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE });
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &u->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, t.t->h)->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
keep_all(struct rig *r, uint32_t kind)
{
	r->worker[0]->keep = 1ull << kind;
	r->worker[1]->keep = 1ull << kind;
}

static void
answer_all(struct rig *r)
{
	fake_answer_kept(r->worker[0]);
	fake_answer_kept(r->worker[1]);
	rig_run(r);
}

static void
checklist_101_updates_of_different_objects_overlap(void **state)
{
	struct rig *r = *state;
	struct rig_trio t[2] = { rig_offload(r), rig_offload(r) };
	struct rig_tcp *u[2] = { tcp_update(r, t[0].t), tcp_update(r, t[1].t) };
	struct rig_tcp *again = tcp_update(r, t[0].t);

	keep_all(r, CHIM_MSG_UPDATE);
	rig_submit(r, CHIM_OP_UPDATE, &u[0]->b.block);
	rig_submit(r, CHIM_OP_UPDATE, &u[1]->b.block);
	rig_run(r);
	assert_false(rig_has_completion(r));
	/* The same object twice is what the host has promised not to do. */
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &again->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_OVERLAP);
	answer_all(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &again->b.block), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t[0]);
	rig_terminate(r, &t[1]);
}

/* While first is on its way to the workers, second on the same connection has this outcome. */
/* long: the columns of a table, one row a call */
static void
overlap(struct rig *r, const struct rig_trio *t, uint32_t first, uint32_t kind, uint32_t second,
	enum chim_reason why)
{
	struct rig_tcp *a = tcp_update(r, t->t);
	struct rig_tcp *b = tcp_update(r, t->t);

	keep_all(r, kind);
	rig_submit(r, first, &a->b.block);
	rig_run(r);
	rig_submit(r, second, &b->b.block);
	rig_run(r);
	answer_all(r);
	if (rig_reap(r).root == &a->b.block) {
		assert_int_equal(why, CHIM_REASON_NONE);
		assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	} else {
		assert_string_equal(chim_reason_name(b->b.block.reason), chim_reason_name(why));
		assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	}
	assert_int_equal(a->b.block.status, CHIM_STATUS_SUCCESS);
}

static void
what_may_overlap_on_one_connection(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	overlap(r, &t, CHIM_OP_QUERY, CHIM_MSG_QUERY, CHIM_OP_QUERY, CHIM_REASON_NONE);
	overlap(r, &t, CHIM_OP_QUERY, CHIM_MSG_QUERY, CHIM_OP_UPDATE, CHIM_REASON_NONE);
	overlap(r, &t, CHIM_OP_QUERY, CHIM_MSG_QUERY, CHIM_OP_TERMINATE, CHIM_REASON_OVERLAP);
	overlap(r, &t, CHIM_OP_UPDATE, CHIM_MSG_UPDATE, CHIM_OP_QUERY, CHIM_REASON_NONE);
	overlap(r, &t, CHIM_OP_UPDATE, CHIM_MSG_UPDATE, CHIM_OP_TERMINATE, CHIM_REASON_OVERLAP);
	overlap(r, &t, CHIM_OP_UPDATE, CHIM_MSG_UPDATE, CHIM_OP_INVALIDATE, CHIM_REASON_NONE);
	overlap(r, &t, CHIM_OP_INVALIDATE, CHIM_MSG_INVALIDATE, CHIM_OP_TERMINATE,
		CHIM_REASON_OVERLAP);
	overlap(r, &t, CHIM_OP_INVALIDATE, CHIM_MSG_INVALIDATE, CHIM_OP_UPDATE,
		CHIM_REASON_INVALIDATED);
	overlap(r, &t, CHIM_OP_INVALIDATE, CHIM_MSG_INVALIDATE, CHIM_OP_INVALIDATE,
		CHIM_REASON_NONE);
	overlap(r, &t, CHIM_OP_TERMINATE, CHIM_MSG_TERMINATE, CHIM_OP_QUERY, CHIM_REASON_OVERLAP);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
nothing_may_overlap_an_initiate(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct rig_tcp *slow = rig_tcp(r);
	struct rig_bare *b;

	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	rig_add(&t.p->b.block, &slow->b.block);
	rig_submit(r, CHIM_OP_INITIATE, &t.n->b.block);
	/* The first connection gets in, the second is on its way: the operation is not over. */
	chim_ctl_poll(r->ctl, r->now);
	keep_all(r, CHIM_MSG_INSTALL);
	for (int w = 0; w < 2; w++) {
		fake_poll(r->worker[w]);
		if (r->worker[w]->kept != NULL && r->worker[w]->kept->next == NULL)
			fake_answer_kept(r->worker[w]);
	}
	rig_run(r);
	if (t.t->h != CHIM_HANDLE_NONE) {
		b = rig_bare(r, t.t->h);
		assert_int_equal(rig_do(r, CHIM_OP_QUERY, &b->b), CHIM_STATUS_FAILURE);
		assert_int_equal(b->b.reason, CHIM_REASON_OVERLAP);
	}
	/* A path's handle is not out yet, so it takes guessing. */
	assert_int_equal(t.p->h, CHIM_HANDLE_NONE);
	b = rig_bare(r, chim_handle_make(CHIM_OWNER_PATH, 1, 0));
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b), CHIM_STATUS_FAILURE);
	assert_int_equal(b->b.reason, CHIM_REASON_OVERLAP);
	answer_all(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_remove(r, slow->h);
	rig_terminate(r, &t);
}

static void
checklist_102_no_state_is_read_by_invalidate(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *b = rig_bare(r, t.n->h);

	/* The type promises state, and there is none behind the block. */
	b->b.header.type = CHIM_STATE_NEIGHBOR;
	assert_int_equal(rig_do(r, CHIM_OP_INVALIDATE, &b->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
checklist_103_an_invalidated_object_is_marked(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	assert_int_equal(
		rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.t->h)->b), CHIM_STATUS_SUCCESS);
	assert_true(conn_of(r, t.t->h)->is_invalid);
	assert_int_equal(
		rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.p->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->path[chim_handle_index(t.p->h)].is_invalid, 1);
	assert_int_equal(
		rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.n->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[1]->neighbor[chim_handle_index(t.n->h)].is_invalid, 1);
	assert_int_equal(r->worker[1]->neighbor[chim_handle_index(t.n->h)].is_fresh, 0);
	rig_terminate(r, &t);
}

static void
an_invalidated_object_takes_no_update_and_no_dependents(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	chim_handle_t h[] = { t.n->h, t.p->h, t.t->h };
	struct rig_bare *link = rig_bare(r, t.p->h);
	struct rig_tcp *c = rig_tcp(r);

	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.n->h)->b);
	/* The neighbor under the path is gone for sending: nothing new goes there. */
	rig_add(&link->b, &c->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &link->b), CHIM_STATUS_FAILURE);
	assert_int_equal(link->b.reason, CHIM_REASON_INVALIDATED);
	assert_int_equal(c->b.block.reason, CHIM_REASON_PARENT_FAILED);
	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.p->h)->b);
	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.t->h)->b);
	for (uint32_t i = 0; i < CHIM_DIM(h); i++) {
		assert_int_equal(
			rig_do(r, CHIM_OP_UPDATE, &rig_bare(r, h[i])->b), CHIM_STATUS_FAILURE);
		assert_int_equal(r->last.reason, CHIM_REASON_INVALIDATED);
		assert_int_equal(
			rig_do(r, CHIM_OP_QUERY, &rig_bare(r, h[i])->b), CHIM_STATUS_SUCCESS);
	}
	rig_terminate(r, &t);
}

static void
checklist_107_nothing_is_freed_before_terminate(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);

	rig_add(&n->b, &p->b);
	rig_add(&p->b, &rig_bare(r, t.t->h)->b);
	assert_int_equal(rig_do(r, CHIM_OP_INVALIDATE, &n->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->ctl->counters.neighbors, 1);
	assert_int_equal(r->ctl->counters.paths, 1);
	assert_int_equal(r->ctl->counters.connections, 1);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_PATH_REMOVE), 0);
	assert_true(conn_of(r, t.t->h)->is_live);
	rig_terminate(r, &t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_84_only_cached_state_is_applied),
	T(checklist_85_a_new_mac_reaches_every_replica_without_relinking),
	T(checklist_86_a_new_path_mtu_reaches_every_replica),
	T(checklist_87_88_a_path_moves_to_another_neighbor),
	T(a_path_does_not_move_where_it_cannot_live),
	T(checklist_89_a_connection_never_changes_its_path),
	T(checklist_90_an_update_completes_when_every_worker_has_it),
	T(checklist_92_a_receive_window_beyond_the_capability_is_refused),
	T(checklist_100_after_a_failed_update_the_connection_is_as_it_was),
	T(checklist_101_updates_of_different_objects_overlap),
	T(what_may_overlap_on_one_connection),
	T(nothing_may_overlap_an_initiate),
	T(checklist_102_no_state_is_read_by_invalidate),
	T(checklist_103_an_invalidated_object_is_marked),
	T(an_invalidated_object_takes_no_update_and_no_dependents),
	T(checklist_107_nothing_is_freed_before_terminate),
};
CHIM_CMOCKA_SUITE(ctl_update_autotest, tests, NULL, NULL)
