/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Initiate: the status of each role, contexts, what a failure leaves behind
 * (checklist 28 to 41, 50 to 60, 71).
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

/* A path with nb new connections under an offloaded one, refused as the script says. */
static struct rig_bare *
linker_with(struct rig *r, const struct rig_trio *t, struct rig_tcp **out, int nb)
{
	struct rig_bare *p = rig_bare(r, t->p->h);

	for (int i = 0; i < nb; i++) {
		out[i] = rig_tcp(r);
		rig_add(&p->b, &out[i]->b.block);
	}
	return p;
}

static void
refuse_installs(struct rig *r, uint32_t skip, uint32_t count)
{
	fake_refuse(r->worker[0],
		(struct fake_rule){ CHIM_MSG_INSTALL, skip, count, CHIM_STATUS_RESOURCES,
			CHIM_REASON_NO_MEMORY });
}

static void
checklist_28_a_linker_with_all_dependents_in_succeeds(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[2];
	struct rig_bare *p = linker_with(r, &t, c, 2);

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_SUCCESS);
	rig_remove(r, c[0]->h);
	rig_remove(r, c[1]->h);
	rig_terminate(r, &t);
}

static void
checklist_29_a_linker_with_some_dependents_failed_is_partial(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[2];
	struct rig_bare *p = linker_with(r, &t, c, 2);

	refuse_installs(r, 0, 1);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(c[0]->b.block.status, CHIM_STATUS_RESOURCES);
	rig_remove(r, c[1]->h);
	rig_terminate(r, &t);
}

static void
checklist_30_a_linker_with_all_dependents_failed_fails(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[2];
	struct rig_bare *p = linker_with(r, &t, c, 2);
	struct rig_bare *n = rig_bare(r, t.n->h);

	refuse_installs(r, 0, 2);
	rig_add(&n->b, &p->b);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b), CHIM_STATUS_FAILURE);
	assert_int_equal(p->b.status, CHIM_STATUS_FAILURE);
	/* The linked objects are as they were. */
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, t.p->h)->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
}

static void
checklist_34_the_handle_is_written_on_success(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	assert_int_equal(chim_handle_owner(t.n->h), CHIM_OWNER_NEIGHBOR);
	assert_int_equal(chim_handle_owner(t.p->h), CHIM_OWNER_PATH);
	assert_int_equal(chim_handle_owner(t.t->h), 0);
	assert_int_not_equal(chim_handle_generation(t.t->h), 0);
	rig_terminate(r, &t);
}

static void
checklist_35_a_failed_block_leaves_its_context_alone(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p = rig_path(r, CHIM_AF_INET);
	struct rig_tcp *t = rig_tcp(r);

	p->b.cached.path_mtu = 1;
	rig_add(&n->b.block, &p->b.block);
	rig_add(&p->b.block, &t->b.block);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(p->h, CHIM_HANDLE_NONE);
	assert_int_equal(t->h, CHIM_HANDLE_NONE);
	assert_int_not_equal(n->h, CHIM_HANDLE_NONE);
	rig_remove(r, n->h);
}

static void
checklist_36_a_new_block_succeeds_with_all_its_immediate_dependents(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };

	/* One level only: the path got in, so the neighbor has all it asks for. */
	refuse_installs(r, 0, 1);
	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &t.n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(t.p->b.block.status, CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	rig_remove(r, t.p->h);
	rig_remove(r, t.n->h);
}

static void
checklist_37_a_new_block_with_a_failed_dependent_is_partial(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p = rig_path(r, CHIM_AF_INET);

	/* All of them failed, and it is still partial: unlike a linker. */
	p->b.path_const.source_address = NULL;
	rig_add(&n->b.block, &p->b.block);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(p->b.block.reason, CHIM_REASON_NULL_POINTER);
	rig_remove(r, n->h);
}

struct failure {
	struct rig_neighbor *n;
	struct rig_path *p[2];
	struct rig_tcp *t[3];
};

static struct failure
failure_example(struct rig *r)
{
	struct failure f = { .n = rig_neighbor(r) };

	for (int i = 0; i < 2; i++) {
		f.p[i] = rig_path(r, CHIM_AF_INET);
		rig_add(&f.n->b.block, &f.p[i]->b.block);
	}
	for (int i = 0; i < 3; i++) {
		f.t[i] = rig_tcp(r);
		rig_add(&f.p[i / 2]->b.block, &f.t[i]->b.block);
	}
	refuse_installs(r, 1, 1);	   /* TCP2 */
	memset(f.p[1]->destination, 0, 4); /* Path2 */
	return f;
}

static void
checklist_38_the_failure_example(void **state)
{
	struct rig *r = *state;
	struct failure f = failure_example(r);

	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &f.n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(f.p[0]->b.block.status, CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(f.t[0]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(f.t[1]->b.block.status, CHIM_STATUS_RESOURCES);
	assert_int_equal(f.p[1]->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(f.t[2]->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(f.p[1]->b.block.reason, CHIM_REASON_BAD_ADDRESS);
	assert_int_equal(f.t[2]->b.block.reason, CHIM_REASON_PARENT_FAILED);
	rig_remove(r, f.t[0]->h);
	rig_remove(r, f.p[0]->h);
	rig_remove(r, f.n->h);
}

static void
checklist_39_the_walk_goes_on_after_a_resource_failure(void **state)
{
	struct rig *r = *state;
	struct failure f = failure_example(r);

	memcpy(f.p[1]->destination, &(uint8_t[]){ 10, 9, 9, 9 }, 4); /* Path2 is good now */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &f.n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(f.t[1]->b.block.status, CHIM_STATUS_RESOURCES);
	assert_int_equal(f.p[1]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(f.t[2]->b.block.status, CHIM_STATUS_SUCCESS);
	rig_remove(r, f.t[0]->h);
	rig_remove(r, f.t[2]->h);
	rig_remove(r, f.p[0]->h);
	rig_remove(r, f.p[1]->h);
	rig_remove(r, f.n->h);
}

static void
checklist_40_dependents_of_a_failed_block_are_not_offloaded(void **state)
{
	struct rig *r = *state;
	struct failure f = failure_example(r);

	rig_do(r, CHIM_OP_INITIATE, &f.n->b.block);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_INSTALL), 2);
	assert_int_equal(f.t[2]->h, CHIM_HANDLE_NONE);
	rig_remove(r, f.t[0]->h);
	rig_remove(r, f.p[0]->h);
	rig_remove(r, f.n->h);
}

static void
checklist_41_nothing_is_offloaded_after_a_failed_root(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct rig_neighbor *next = rig_neighbor(r);

	t.n->b.cached.dl_destination[0] = 1; /* multicast */
	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	t.n->b.block.next_block = &next->b.block;
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &t.n->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_ADDRESS);
	assert_int_equal(t.p->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(t.t->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(next->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(r->worker[0]->nb_log, 0);
}

static void
checklist_50_a_worker_without_memory_answers_resources(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[1];
	struct rig_bare *p = linker_with(r, &t, c, 1);

	refuse_installs(r, 0, 1);
	rig_do(r, CHIM_OP_INITIATE, &p->b);
	assert_int_equal(c[0]->b.block.status, CHIM_STATUS_RESOURCES);
	assert_int_equal(c[0]->b.block.reason, CHIM_REASON_NO_MEMORY);
	rig_terminate(r, &t);
}

static void
checklist_52_53_a_failed_block_leaves_its_send_chain_alone(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[1];
	struct rig_bare *p = linker_with(r, &t, c, 1);
	struct rte_mbuf *m = rig_buffer(r, 100);
	struct chim_io io;

	chim_nbl(m)->status = 0x5a5a5a5a;
	c[0]->b.block.send_chain = m;
	refuse_installs(r, 0, 1);
	rig_do(r, CHIM_OP_INITIATE, &p->b);
	assert_ptr_equal(c[0]->b.block.send_chain, m);
	assert_int_equal(chim_nbl(m)->status, 0x5a5a5a5a);
	assert_int_equal(chim_host_collect(r->host[0], &io, 1), 0);
	rte_pktmbuf_free(m);
	rig_terminate(r, &t);
}

static void
checklist_54_a_second_initiate_is_taken_while_the_first_is_pending(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n[2] = { rig_neighbor(r), rig_neighbor(r) };
	struct rig_path *p = rig_path(r, CHIM_AF_INET);
	struct rig_tcp *t = rig_tcp(r);

	rig_add(&n[0]->b.block, &p->b.block);
	rig_add(&p->b.block, &t->b.block);
	r->worker[0]->keep = 1ull << CHIM_MSG_INSTALL;
	rig_submit(r, CHIM_OP_INITIATE, &n[0]->b.block);
	rig_run(r);
	assert_false(rig_has_completion(r));
	rig_submit(r, CHIM_OP_INITIATE, &n[1]->b.block);
	rig_run(r);
	assert_ptr_equal(rig_reap(r).root, &n[1]->b.block);
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	assert_ptr_equal(rig_reap(r).root, &n[0]->b.block);
	rig_remove(r, t->h);
	rig_remove(r, p->h);
	rig_remove(r, n[0]->h);
	rig_remove(r, n[1]->h);
}

static void
checklist_58_states_that_may_not_go_are_refused_by_the_worker(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[2];
	struct rig_bare *p = linker_with(r, &t, c, 2);

	/* Which states those are is the engine's to know; here the answer must reach the block. */
	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_INSTALL, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_STATE });
	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_INSTALL, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_SEQUENCE });
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_FAILURE);
	assert_int_equal(c[0]->b.block.reason, CHIM_REASON_BAD_STATE);
	assert_int_equal(c[1]->b.block.reason, CHIM_REASON_BAD_SEQUENCE);
	assert_int_equal(r->ctl->counters.reason[CHIM_REASON_BAD_STATE], 1);
	rig_terminate(r, &t);
}

static void
checklist_60_no_memory_for_buffered_data_is_failure(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[1];
	struct rig_bare *p = linker_with(r, &t, c, 1);
	struct rte_mbuf *m = rig_buffer(r, 10);

	c[0]->b.delegated.buffered_data = m;
	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_INSTALL, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_NO_MEMORY });
	rig_do(r, CHIM_OP_INITIATE, &p->b);
	assert_int_equal(c[0]->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(c[0]->h, CHIM_HANDLE_NONE);
	rte_pktmbuf_free(m);
	rig_terminate(r, &t);
}

static void
checklist_71_the_hosts_own_buffers_reach_the_worker(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_tcp *c[1];
	struct rig_bare *p = linker_with(r, &t, c, 1);
	struct rte_mbuf *m = rig_buffer(r, 100);

	c[0]->b.block.send_chain = m;
	rig_do(r, CHIM_OP_INITIATE, &p->b);
	assert_ptr_equal(r->worker[0]->conns[chim_handle_index(c[0]->h)].tcp.send_chain, m);
	rig_remove(r, c[0]->h);
	rte_pktmbuf_free(m);
	rig_terminate(r, &t);
}

static void
a_replica_one_worker_refused_is_undone_on_all(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	fake_refuse(r->worker[0],
		(struct fake_rule){
			CHIM_MSG_NEIGHBOR_SET, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE });
	r->worker[0]->has_neighbor[0] = true; /* as another worker, which did take it */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
	assert_int_equal(n->h, CHIM_HANDLE_NONE);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_NEIGHBOR_REMOVE), 1);
	assert_int_equal(r->ctl->counters.neighbors, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_28_a_linker_with_all_dependents_in_succeeds),
	T(checklist_29_a_linker_with_some_dependents_failed_is_partial),
	T(checklist_30_a_linker_with_all_dependents_failed_fails),
	T(checklist_34_the_handle_is_written_on_success),
	T(checklist_35_a_failed_block_leaves_its_context_alone),
	T(checklist_36_a_new_block_succeeds_with_all_its_immediate_dependents),
	T(checklist_37_a_new_block_with_a_failed_dependent_is_partial),
	T(checklist_38_the_failure_example),
	T(checklist_39_the_walk_goes_on_after_a_resource_failure),
	T(checklist_40_dependents_of_a_failed_block_are_not_offloaded),
	T(checklist_41_nothing_is_offloaded_after_a_failed_root),
	T(checklist_50_a_worker_without_memory_answers_resources),
	T(checklist_52_53_a_failed_block_leaves_its_send_chain_alone),
	T(checklist_54_a_second_initiate_is_taken_while_the_first_is_pending),
	T(checklist_58_states_that_may_not_go_are_refused_by_the_worker),
	T(checklist_60_no_memory_for_buffered_data_is_failure),
	T(checklist_71_the_hosts_own_buffers_reach_the_worker),
	T(a_replica_one_worker_refused_is_undone_on_all),
};
CHIM_CMOCKA_SUITE(ctl_initiate_autotest, tests, NULL, NULL)
