/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Query, and what is the host's and what the engine's (checklist 10 to 15 and
 * 73 to 83).
 */
#include <string.h>

#include "rig.h"

static int
open_rig(void **state)
{
	*state = rig_open(&(struct rig_config){ .nb_workers = 1 });
	return 0;
}

static int
close_rig(void **state)
{
	rig_close(*state);
	return 0;
}

/* A block for a connection, path or neighbor with room for every structure; type says which. */
static struct rig_tcp *
tcp_query(struct rig *r, chim_handle_t h, uint8_t type)
{
	struct rig_tcp *q = rig_alloc(r, sizeof(*q));

	chim_tcp_block_init(&q->b, &q->h);
	q->b.block.header.type = type;
	q->h = h;
	return q;
}

static void
checklist_73_each_structure_can_be_queried(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q = tcp_query(r, t.t->h, CHIM_STATE_TCP_CONST);
	struct chim_tcp_cached *cached;
	struct chim_tcp_delegated *delegated;

	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(&q->b.tcp_const, &t.t->b.tcp_const, sizeof(q->b.tcp_const));
	/* A single structure stands right behind the block. */
	q = tcp_query(r, t.t->h, CHIM_STATE_TCP_CACHED);
	cached = (struct chim_tcp_cached *)&q->b.tcp_const;
	cached->header.length = sizeof(*cached);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(cached, &t.t->b.cached, sizeof(*cached));
	q = tcp_query(r, t.t->h, CHIM_STATE_TCP_DELEGATED);
	delegated = (struct chim_tcp_delegated *)&q->b.tcp_const;
	delegated->header.length = sizeof(*delegated);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(delegated, &t.t->b.delegated, sizeof(*delegated));
	q = tcp_query(r, t.t->h, CHIM_STATE_TCP);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(&q->b.tcp_const, &t.t->b.tcp_const, sizeof(q->b.tcp_const));
	assert_memory_equal(&q->b.cached, &t.t->b.cached, sizeof(q->b.cached));
	assert_memory_equal(&q->b.delegated, &t.t->b.delegated, sizeof(q->b.delegated));
	rig_terminate(r, &t);
}

static void
checklist_73_paths_and_neighbors_can_be_queried(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *n = rig_alloc(r, sizeof(*n));
	struct rig_path *p = rig_alloc(r, sizeof(*p));

	chim_neighbor_block_init(&n->b, &n->h);
	chim_path_block_init(&p->b, CHIM_AF_INET, &p->h);
	n->h = t.n->h;
	p->h = t.p->h;
	rig_add(&n->b.block, &p->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(p->b.block.status, CHIM_STATUS_SUCCESS);
	assert_memory_equal(
		&n->b.neighbor_const, &t.n->b.neighbor_const, sizeof(n->b.neighbor_const));
	assert_memory_equal(&n->b.cached, &t.n->b.cached, sizeof(n->b.cached));
	assert_int_equal(n->b.delegated.nic_reachability_delta, 5);
	assert_int_equal(p->b.cached.path_mtu, 1500);
	assert_memory_equal(p->b.path_const.source_address, t.p->source, 4);
	assert_memory_equal(p->b.path_const.destination_address, t.p->destination, 4);
	rig_terminate(r, &t);
}

static void
checklist_74_a_neighbors_age_is_current_and_the_latest_of_all_workers(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .nb_workers = 2 });
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_neighbor *q = rig_alloc(r, sizeof(*q));

	n->b.delegated.nic_reachability_delta = 0xfffffffe; /* the age wraps */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	chim_neighbor_block_init(&q->b, &q->h);
	q->h = n->h;
	r->now += 10 * CHIM_US_PER_MS; /* ten ticks */
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(q->b.delegated.nic_reachability_delta, 8);
	r->worker[0]->nic_delta = 3;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(q->b.delegated.nic_reachability_delta, 3);
	r->worker[1]->nic_delta = 1;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(q->b.delegated.nic_reachability_delta, 1);
	rig_remove(r, n->h);
	rig_close(r);
	(void)state;
}

static void
checklist_75_two_queries_of_one_object_overlap(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q[2] = { tcp_query(r, t.t->h, CHIM_STATE_TCP),
		tcp_query(r, t.t->h, CHIM_STATE_TCP) };

	r->worker[0]->keep = 1ull << CHIM_MSG_QUERY;
	rig_submit(r, CHIM_OP_QUERY, &q[0]->b.block);
	rig_submit(r, CHIM_OP_QUERY, &q[1]->b.block);
	rig_run(r);
	assert_false(rig_has_completion(r));
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	for (int i = 0; i < 2; i++) {
		struct chim_completion e = rig_reap(r);

		assert_ptr_equal(e.root, &q[i]->b.block);
		assert_int_equal(e.status, CHIM_STATUS_SUCCESS);
		assert_int_equal(q[i]->b.delegated.rcv_nxt, 0xffffff00);
	}
	rig_terminate(r, &t);
}

static void
checklist_76_77_79_80_81_what_the_worker_reports_reaches_the_host(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q = tcp_query(r, t.t->h, CHIM_STATE_TCP);
	struct chim_tcp_delegated *d =
		&r->worker[0]->conns[chim_handle_index(t.t->h)].tcp.delegated;

	d->send_backlog_size = 123456;
	d->receive_backlog_size = 789;
	d->srtt = 8 * 40;
	d->rttvar = 4 * 10;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(q->b.delegated.send_backlog_size, 123456);
	assert_int_equal(q->b.delegated.receive_backlog_size, 789);
	assert_int_equal(q->b.delegated.srtt, 320);
	assert_int_equal(q->b.delegated.rttvar, 40);
	assert_int_equal(q->b.delegated.retransmit_timeout_delta, CHIM_TICKS_NONE);
	assert_int_equal(q->b.delegated.keep_alive_timeout_delta, CHIM_TICKS_NONE);
	/* The header is the host's, and nothing is lent by a query. */
	assert_int_equal(q->b.delegated.header.length, sizeof(q->b.delegated));
	assert_null(q->b.delegated.send_data_head);
	rig_terminate(r, &t);
}

static void
checklist_82_only_success_and_failure_after_initiate(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t op;
		uint32_t kind;
	} ops[] = { { CHIM_OP_QUERY, CHIM_MSG_QUERY }, { CHIM_OP_UPDATE, CHIM_MSG_UPDATE },
		{ CHIM_OP_INVALIDATE, CHIM_MSG_INVALIDATE },
		{ CHIM_OP_TERMINATE, CHIM_MSG_TERMINATE } };
	struct rig_trio t = rig_offload(r);

	for (uint32_t i = 0; i < CHIM_DIM(ops); i++) {
		struct rig_tcp *q = tcp_query(r, t.t->h, CHIM_STATE_TCP);

		/* Whatever a worker says, the host is told no third word; the reason says more. */
		fake_refuse(r->worker[0],
			(struct fake_rule){
				ops[i].kind, 0, 1, CHIM_STATUS_RESOURCES, CHIM_REASON_NO_MEMORY });
		assert_int_equal(rig_do(r, ops[i].op, &q->b.block), CHIM_STATUS_FAILURE);
		assert_int_equal(r->last.reason, CHIM_REASON_NO_MEMORY);
	}
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_83_a_corrupt_connection_fails_its_query(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q = tcp_query(r, t.t->h, CHIM_STATE_TCP);

	q->b.delegated.rcv_nxt = 0x5a5a5a5a;
	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_QUERY, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_CORRUPT });
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_CORRUPT);
	assert_int_equal(q->b.delegated.rcv_nxt, 0x5a5a5a5a); /* not written */
	rig_terminate(r, &t);
}

static void
a_query_of_the_wrong_family_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_path *p = rig_alloc(r, sizeof(*p));

	chim_path_block_init(&p->b, CHIM_AF_INET6, &p->h);
	p->h = t.p->h;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &p->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_TYPE);
	rig_terminate(r, &t);
}

static void
checklist_10_11_what_the_host_gave_is_unchanged_by_other_operations(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *q = tcp_query(r, t.t->h, CHIM_STATE_TCP);
	struct rig_neighbor *n = rig_alloc(r, sizeof(*n));

	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.t->h)->b);
	rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.n->h)->b);
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &q->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(&q->b.tcp_const, &t.t->b.tcp_const, sizeof(q->b.tcp_const));
	assert_memory_equal(&q->b.cached, &t.t->b.cached, sizeof(q->b.cached));
	chim_neighbor_block_init(&n->b, &n->h);
	n->h = t.n->h;
	r->now += CHIM_US_PER_S;
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(&n->b.cached, &t.n->b.cached, sizeof(n->b.cached));
	rig_terminate(r, &t);
}

static void
checklist_12_nothing_is_volunteered(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct chim_io io;

	r->worker[0]->conns[chim_handle_index(t.t->h)].tcp.delegated.rcv_nxt += 1000;
	r->now += 100 * CHIM_US_PER_S;
	rig_run(r);
	assert_false(rig_has_completion(r));
	assert_int_equal(chim_host_collect(r->host[0], &io, 1), 0);
	assert_int_equal(t.t->b.delegated.rcv_nxt, 0xffffff00);
	rig_terminate(r, &t);
}

static void
checklist_14_15_the_hosts_names_of_objects_are_kept(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	const struct ctl_path *p = chim_slab_at(r->ctl->paths, chim_handle_index(t.p->h));

	assert_int_equal(r->worker[0]->conns[chim_handle_index(t.t->h)].tcp.offload_handle,
		t.t->b.block.offload_handle);
	assert_int_equal(r->worker[0]->neighbor[chim_handle_index(t.n->h)].offload_handle,
		t.n->b.block.offload_handle);
	assert_int_equal(p->offload_handle, t.p->b.block.offload_handle);
	rig_terminate(r, &t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_10_11_what_the_host_gave_is_unchanged_by_other_operations),
	T(checklist_12_nothing_is_volunteered),
	T(checklist_14_15_the_hosts_names_of_objects_are_kept),
	T(checklist_73_each_structure_can_be_queried),
	T(checklist_73_paths_and_neighbors_can_be_queried),
	cmocka_unit_test(checklist_74_a_neighbors_age_is_current_and_the_latest_of_all_workers),
	T(checklist_75_two_queries_of_one_object_overlap),
	T(checklist_76_77_79_80_81_what_the_worker_reports_reaches_the_host),
	T(checklist_82_only_success_and_failure_after_initiate),
	T(checklist_83_a_corrupt_connection_fails_its_query),
	T(a_query_of_the_wrong_family_is_refused),
};
CHIM_CMOCKA_SUITE(ctl_query_autotest, tests, NULL, NULL)
