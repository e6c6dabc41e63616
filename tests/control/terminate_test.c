/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Terminate as control decides it (checklist 110, 113, 116 to 119, 121, 126,
 * 127, 130). What the engine exports is proved in its own tests.
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

static struct rig_tcp *
with_delegated(struct rig *r, chim_handle_t h)
{
	struct rig_tcp *b = rig_alloc(r, sizeof(*b));

	chim_tcp_block_init(&b->b, &b->h);
	b->h = h;
	return b;
}

static struct chim_tcp_delegated *
delegated_of(struct rig *r, chim_handle_t h)
{
	return &r->worker[0]->conns[chim_handle_index(h)].tcp.delegated;
}

static void
checklist_110_terminate_waits_for_no_promise_the_host_broke(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q = with_delegated(r, t.t->h);
	struct rig_bare *b = rig_bare(r, t.t->h);

	/* A query is outstanding: so no terminate can complete before it does. */
	r->worker[0]->keep = 1ull << CHIM_MSG_QUERY;
	rig_submit(r, CHIM_OP_QUERY, &q->b.block);
	rig_run(r);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_OVERLAP);
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	assert_ptr_equal(rig_reap(r).root, &q->b.block);
	rig_terminate(r, &t);
}

static void
checklist_113_delegated_state_is_returned_and_nothing_else(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *b = with_delegated(r, t.t->h);

	delegated_of(r, t.t->h)->rcv_nxt = 12345;
	b->b.tcp_const.remote_mss = 11;
	b->b.cached.ttl = 22;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(b->b.delegated.rcv_nxt, 12345);
	assert_int_equal(b->b.tcp_const.remote_mss, 11);
	assert_int_equal(b->b.cached.ttl, 22);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_113_a_neighbors_delegated_state_is_returned(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_neighbor *b = rig_alloc(r, sizeof(*b));

	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	r->now += 7 * CHIM_US_PER_MS;
	chim_neighbor_block_init(&b->b, &b->h);
	b->h = n->h;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(b->b.delegated.nic_reachability_delta, 12);
	assert_int_equal(b->b.cached.host_reachability_delta, 0);
}

static void
checklist_116_no_send_data_is_null(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *b = with_delegated(r, t.t->h);

	b->b.block.send_chain = (struct rte_mbuf *)64; /* whatever stood there */
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_SUCCESS);
	assert_null(b->b.block.send_chain);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_117_118_119_121_data_comes_back_as_the_worker_gives_it(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rte_mbuf *m[2] = { rig_buffer(r, 10), rig_buffer(r, 20) };
	struct rte_mbuf *lent = rig_buffer(r, 5);
	struct fake_conn *c = &r->worker[0]->conns[chim_handle_index(t.t->h)];
	struct rig_tcp *b = with_delegated(r, t.t->h);
	struct chim_io io;

	chim_nbl(m[0])->next = m[1];
	c->tcp.send_chain = m[0];
	c->tcp.delegated.send_data_head = m[0];
	c->tcp.delegated.send_data_tail = m[1];
	c->tcp.delegated.buffered_data = lent;
	c->tcp.delegated.snd_max += 30;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_SUCCESS);
	assert_ptr_equal(b->b.block.send_chain, m[0]);
	assert_ptr_equal(chim_nbl(b->b.block.send_chain)->next, m[1]);
	assert_ptr_equal(b->b.delegated.send_data_head, m[0]);
	assert_ptr_equal(b->b.delegated.send_data_tail, m[1]);
	assert_ptr_equal(b->b.delegated.buffered_data, lent);
	assert_int_equal(b->b.delegated.snd_max, t.t->b.delegated.snd_max + 30);
	/* Returned, so not completed as well. */
	assert_int_equal(chim_host_collect(r->host[0], &io, 1), 0);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
	rte_pktmbuf_free(lent);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
a_block_without_state_asks_for_none(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	delegated_of(r, t.t->h)->buffered_data = NULL;
	rig_remove(r, t.t->h);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_126_a_terminated_object_is_free_for_another(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){
		.caps = { .max_connections = 1, .max_paths = 1, .max_neighbors = 1 } });

	for (int i = 0; i < 5; i++) {
		struct rig_trio t = rig_offload(r);

		rig_terminate(r, &t);
	}
	rig_close(r);
	(void)state;
}

static void
checklist_127_tcp_path_and_neighbor_go_in_one_tree(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_bare *c = rig_bare(r, t.t->h);

	rig_add(&n->b, &p->b);
	rig_add(&p->b, &c->b);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &n->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(p->b.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(c->b.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.nb_blocks, 3);
}

static void
what_others_depend_on_stays(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);

	/* The connection is outside the tree, so the path stays, and so does its neighbor. */
	rig_add(&n->b, &p->b);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &n->b), CHIM_STATUS_FAILURE);
	assert_int_equal(n->b.reason, CHIM_REASON_HAS_DEPENDENTS);
	assert_int_equal(p->b.status, CHIM_STATUS_FAILURE);
	assert_int_equal(p->b.reason, CHIM_REASON_HAS_DEPENDENTS);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_PATH_REMOVE), 0);
	/* Nothing has come to harm. */
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, t.p->h)->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
a_path_waits_for_its_connections_to_be_gone(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_bare *c = rig_bare(r, t.t->h);

	rig_add(&p->b, &c->b);
	r->worker[0]->keep = 1ull << CHIM_MSG_TERMINATE;
	rig_submit(r, CHIM_OP_TERMINATE, &p->b);
	rig_run(r);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_PATH_REMOVE), 0);
	/* Meanwhile nothing may hang itself there. */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &rig_bare(r, t.p->h)->b), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_OVERLAP);
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_remove(r, t.n->h);
}

static void
checklist_130_a_lost_connection_is_a_failure_and_gone(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *b = with_delegated(r, t.t->h);

	b->b.block.send_chain = (struct rte_mbuf *)64;
	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_TERMINATE, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_CORRUPT });
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_CORRUPT);
	assert_null(b->b.block.send_chain);
	assert_int_equal(r->ctl->counters.connections, 0);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
a_length_that_does_not_fit_terminates_nothing(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *b = with_delegated(r, t.t->h);

	b->b.delegated.header.length = 16;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &b->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_SIZE);
	assert_int_equal(r->ctl->counters.connections, 1);
	rig_terminate(r, &t);
}

static void
the_same_object_twice_in_one_tree_goes_once(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *c[2] = { rig_bare(r, t.t->h), rig_bare(r, t.t->h) };

	c[0]->b.next_block = &c[1]->b;
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &c[0]->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(c[1]->b.status, CHIM_STATUS_FAILURE);
	assert_int_equal(c[1]->b.reason, CHIM_REASON_OVERLAP);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_TERMINATE), 1);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_110_terminate_waits_for_no_promise_the_host_broke),
	T(checklist_113_delegated_state_is_returned_and_nothing_else),
	T(checklist_113_a_neighbors_delegated_state_is_returned),
	T(checklist_116_no_send_data_is_null),
	T(checklist_117_118_119_121_data_comes_back_as_the_worker_gives_it),
	T(a_block_without_state_asks_for_none),
	cmocka_unit_test(checklist_126_a_terminated_object_is_free_for_another),
	T(checklist_127_tcp_path_and_neighbor_go_in_one_tree),
	T(what_others_depend_on_stays),
	T(a_path_waits_for_its_connections_to_be_gone),
	T(checklist_130_a_lost_connection_is_a_failure_and_gone),
	T(a_length_that_does_not_fit_terminates_nothing),
	T(the_same_object_twice_in_one_tree_goes_once),
};
CHIM_CMOCKA_SUITE(ctl_terminate_autotest, tests, NULL, NULL)
