/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The last value that is good and the first that is not; what is counted; what
 * a message says beyond what is asked for. Each test fails on a change of the
 * code that no other test noticed (devtools/mutate).
 */
#include <string.h>

#include <rte_byteorder.h>

#include "chim_handle.h"
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

/* The one connection that is live, wherever it went. */
static const struct fake_conn *
live_conn(const struct rig *r, chim_handle_t h)
{
	return &r->worker[chim_handle_owner(h)]->conns[chim_handle_index(h)];
}

static void
a_tuple_has_nothing_but_what_it_names(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct chim_tuple want;

	memset(&want, 0, sizeof(want));
	want.family = CHIM_AF_INET;
	want.local_port = t.t->b.tcp_const.local_port;
	want.remote_port = t.t->b.tcp_const.remote_port;
	memcpy(want.local_addr, t.p->source, 4);
	memcpy(want.remote_addr, t.p->destination, 4);
	assert_memory_equal(&live_conn(r, t.t->h)->tcp.tuple, &want, sizeof(want));
	rig_terminate(r, &t);
}

static void
handles_of_the_first_worker_and_slot_that_are_not_there(void **state)
{
	struct rig *r = *state;
	const chim_handle_t forged[] = { chim_handle_make(2, 1, 7),
		chim_handle_make(0, 1, r->ctl->cfg.max_connections_per_worker),
		chim_handle_make(CHIM_OWNER_PATH, 1, r->ctl->paths->nb),
		chim_handle_make(CHIM_OWNER_NEIGHBOR, 1, r->ctl->neighbors->nb) };

	for (uint32_t i = 0; i < CHIM_DIM(forged); i++) {
		struct rig_bare *b = rig_bare(r, forged[i]);

		assert_int_equal(rig_do(r, CHIM_OP_QUERY, &b->b), CHIM_STATUS_FAILURE);
		assert_int_equal(b->b.reason, CHIM_REASON_FOREIGN);
	}
}

static enum chim_reason
set_ticks(struct rig *r, uint32_t rate)
{
	struct chim_params p = { .ticks_per_second = rate };
	struct chim_request req = { .op = CHIM_OP_SET_PARAMS, .params = &p };

	rig_do_request(r, 0, &req);
	return r->last.reason;
}

static void
ticks_do_not_change_while_anything_is_offloaded(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	assert_int_equal(set_ticks(r, 100), CHIM_REASON_NONE);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(set_ticks(r, 10), CHIM_REASON_BAD_STATE);
	assert_int_equal(set_ticks(r, 100), CHIM_REASON_NONE);
	rig_remove(r, n->h);
	assert_int_equal(set_ticks(r, 10), CHIM_REASON_NONE);
}

static void
what_a_turn_did_is_what_it_returns(void **state)
{
	struct rig *r = *state;
	const struct chim_ctl_counters *n = chim_ctl_counters(r->ctl);
	uint64_t busy = n->busy_turns;

	assert_int_equal(chim_ctl_poll(r->ctl, r->now), 0);
	assert_int_equal(n->busy_turns, busy);
	rig_submit(r, CHIM_OP_INITIATE, &rig_neighbor(r)->b.block);
	/* a request taken, a step to begin and one to enter and leave, two messages */
	assert_in_range(chim_ctl_poll(r->ctl, r->now), 4, 6);
	assert_int_equal(n->busy_turns, busy + 1);
	rig_run(r);
	assert_int_equal(n->requests, 1);
	assert_int_equal(n->completions, 1);
	assert_int_equal(n->neighbors, 1);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_remove(r, chim_handle_make(CHIM_OWNER_NEIGHBOR, 1, 0));
}

static void
a_full_completion_ring_is_counted_each_time(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .ring_entries = 1 });
	const struct chim_ctl_counters *n = chim_ctl_counters(r->ctl);

	rig_submit(r, CHIM_OP_QUERY, &rig_bare(r, CHIM_HANDLE_NONE)->b);
	rig_run(r);
	chim_ctl_upload_all(r->ctl);
	chim_ctl_poll(r->ctl, r->now);
	assert_int_equal(n->completion_full, 1);
	chim_ctl_poll(r->ctl, r->now);
	assert_int_equal(n->completion_full, 2);
	rig_reap(r);
	rig_run(r);
	assert_int_equal(n->completion_full, 2);
	assert_int_equal(rig_reap(r).kind, CHIM_COMPLETION_UPLOAD_ALL);
	/* a request that has no room for its completion: the host library takes care that there is
	 * none, another host might not */
	rig_submit(r, CHIM_OP_QUERY, &rig_bare(r, CHIM_HANDLE_NONE)->b);
	chim_ctl_upload_all(r->ctl);
	rig_run(r);
	assert_in_range(n->completion_full, 3, 10);
	assert_int_equal(n->completions, 1);
	rig_reap(r);
	rig_run(r);
	assert_int_equal(n->completions, 2);
	rig_reap(r);
	rig_close(r);
	(void)state;
}

static void
smaller_capacities_of_distinct_values_hold_after_a_resume(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n[3] = { rig_neighbor(r), rig_neighbor(r), rig_neighbor(r) };
	struct rig_path *p = rig_path(r, CHIM_AF_INET);
	struct chim_caps caps;

	chim_host_caps(r->host[0], &caps);
	caps.max_vlans = 1;
	caps.max_source_macs = 1;
	caps.max_source_ips = 0;
	chim_ctl_resume(r->ctl, &caps);
	rig_run(r);
	rig_reap(r);
	rig_reap(r);
	for (uint16_t i = 0; i < 3; i++)
		n[i]->b.neighbor_const.vlan_id = 1 + i;
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[0]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n[1]->b.block), CHIM_STATUS_OFFLOAD_VLAN_ENTRIES);
	n[1]->b.neighbor_const.vlan_id = 1;
	n[2]->b.neighbor_const.vlan_id = 1;
	memcpy(n[1]->b.neighbor_const.dl_source, &(uint8_t[]){ 2, 1, 1, 1, 1, 1 }, 6);
	memcpy(n[2]->b.neighbor_const.dl_source, &(uint8_t[]){ 2, 1, 1, 1, 1, 2 }, 6);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[1]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[2]->b.block),
		CHIM_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES);
	struct rig_bare *linker = rig_bare(r, n[0]->h);

	rig_add(&linker->b, &p->b.block);
	rig_do(r, CHIM_OP_INITIATE, &linker->b);
	assert_int_equal(p->b.block.status, CHIM_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES);
	rig_remove(r, n[0]->h);
	rig_remove(r, n[1]->h);
}

static void
capacities_that_nobody_asked_for_are_as_documented(void **state)
{
	struct rig *r = *state;
	struct chim_caps caps;

	chim_host_caps(r->host[0], &caps);
	assert_int_equal(caps.abi, CHIM_ABI);
	assert_int_equal(caps.nb_workers, 2);
	assert_int_equal(caps.max_connections, 1024);
	assert_int_equal(caps.max_paths, 1024);
	assert_int_equal(caps.max_neighbors, 1024);
	assert_int_equal(caps.max_source_ips, 1024);
	assert_int_equal(caps.max_rcv_wnd, 16u << 20);
	assert_int_equal(caps.max_mtu, 9000);
	assert_int_equal(caps.max_send_bytes, 64u << 20);
	assert_int_equal(caps.max_recv_bytes, 64u << 20);
	assert_int_equal(caps.params.ticks_per_second, 1000);
	assert_int_equal(caps.params.ack_frequency, 2);
	assert_int_equal(caps.params.delayed_ack_ticks, 200);
	assert_int_equal(caps.params.maximum_retransmissions, 15);
	assert_int_equal(caps.params.doubt_reachability_retransmissions, 3);
	assert_int_equal(caps.params.sws_prevention_ticks, 500);
	assert_int_equal(caps.params.duplicate_ack_threshold, 3);
	assert_int_equal(caps.params.push_ticks, 500);
	assert_int_equal(caps.params.nce_stale_ticks, 30000);
}

/* Only a new neighbor and an update bring news of what the host knows (spec 8.1). */
static void
news_of_a_neighbor_are_news_once(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[1]->neighbor[0].is_fresh, 1);
	n->b.block.header.type = CHIM_STATE_NEIGHBOR;
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[1]->neighbor[0].is_fresh, 1);
	assert_int_equal(rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, n->h)->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[1]->neighbor[0].is_fresh, 0);
	assert_int_equal(r->worker[1]->neighbor[0].is_invalid, 1);
	rig_remove(r, n->h);
}

/* A worker refuses what another took, and something got in below before that was known. */
static void
a_replica_with_dependents_that_one_worker_refused_stays(void **state)
{
	static const uint32_t kinds[] = { CHIM_MSG_NEIGHBOR_SET, CHIM_MSG_PATH_SET };
	struct rig *r = *state;

	for (uint32_t i = 0; i < CHIM_DIM(kinds); i++) {
		struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };

		rig_add(&t.n->b.block, &t.p->b.block);
		rig_add(&t.p->b.block, &t.t->b.block);
		fake_refuse(r->worker[1],
			(struct fake_rule){
				kinds[i], 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE });
		r->worker[1]->has_neighbor[0] = true; /* what it refused, it does not have */
		r->worker[1]->has_path[0] = true;
		rig_do(r, CHIM_OP_INITIATE, &t.n->b.block);
		assert_int_equal(t.t->b.block.status, CHIM_STATUS_SUCCESS);
		assert_int_equal(t.p->b.block.status,
			i == 0 ? CHIM_STATUS_SUCCESS : CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
		assert_int_equal(t.n->b.block.status,
			i == 0 ? CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS : CHIM_STATUS_SUCCESS);
		assert_int_not_equal(t.n->h, CHIM_HANDLE_NONE);
		assert_int_not_equal(t.p->h, CHIM_HANDLE_NONE);
		rig_terminate(r, &t);
	}
}

/* One connection is in, the next is on its way: nothing of the tree may be used yet. */
static void
a_connection_that_is_in_waits_for_the_rest_of_its_initiate(void **state)
{
	static const uint32_t ops[] = { CHIM_OP_QUERY, CHIM_OP_UPDATE, CHIM_OP_INVALIDATE,
		CHIM_OP_TERMINATE };
	struct rig *r = rig_open(&(struct rig_config){ .slice = 1 });
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };
	struct rig_tcp *slow = rig_tcp(r);

	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	rig_add(&t.p->b.block, &slow->b.block);
	rig_submit(r, CHIM_OP_INITIATE, &t.n->b.block);
	while (fake_count(r->worker[0], CHIM_MSG_INSTALL) == 0)
		rig_turn(r);
	r->worker[0]->keep = UINT64_C(1) << CHIM_MSG_INSTALL;
	rig_run(r);
	assert_int_not_equal(t.t->h, CHIM_HANDLE_NONE);
	for (uint32_t i = 0; i < CHIM_DIM(ops); i++) {
		struct rig_bare *b = rig_bare(r, t.t->h);

		assert_int_equal(rig_do(r, ops[i], &b->b), CHIM_STATUS_FAILURE);
		assert_int_equal(b->b.reason, CHIM_REASON_OVERLAP);
	}
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	rig_remove(r, slow->h);
	rig_terminate(r, &t);
	rig_close(r);
	(void)state;
}

static void
a_slot_that_was_invalidated_is_as_new_for_the_next(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .max_connections = 1 });
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *next = rig_tcp(r);

	assert_int_equal(
		rig_do(r, CHIM_OP_INVALIDATE, &rig_bare(r, t.t->h)->b), CHIM_STATUS_SUCCESS);
	rig_remove(r, t.t->h);
	rig_add(&p->b, &next->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_handle_index(next->h), chim_handle_index(t.t->h));
	assert_int_equal(rig_do(r, CHIM_OP_UPDATE, &next->b.block), CHIM_STATUS_SUCCESS);
	t.t = next;
	rig_terminate(r, &t);
	rig_close(r);
	(void)state;
}

static void
one_part_of_a_path_of_the_wrong_family_is_refused(void **state)
{
	static const uint8_t types[] = { CHIM_STATE_IP6_CONST, CHIM_STATE_IP6_CACHED,
		CHIM_STATE_IP6_DELEGATED };
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	for (uint32_t i = 0; i < CHIM_DIM(types); i++) {
		t.p->b.block.header.type = types[i];
		t.p->b.block.dependent_list = NULL;
		assert_int_equal(rig_do(r, CHIM_OP_QUERY, &t.p->b.block), CHIM_STATUS_FAILURE);
		assert_int_equal(r->last.reason, CHIM_REASON_BAD_TYPE);
	}
	rig_terminate(r, &t);
}

static void
as_many_workers_as_there_may_be(void **state)
{
	struct chim_ctl_config c = { .nb_workers = CHIM_MAX_WORKERS,
		.socket_id = SOCKET_ID_ANY,
		.max_connections_per_worker = 1 };
	struct chim_target_config most = { .nb_hosts = 1,
		.nb_workers = CHIM_MAX_WORKERS,
		.ring_entries = 1,
		.socket_id = SOCKET_ID_ANY };
	struct chim_box *box = chim_box_create("border", 1, SOCKET_ID_ANY);
	struct chim_ctl *ctl;

	(void)state;
	assert_non_null(box);
	for (uint32_t w = 0; w < CHIM_MAX_WORKERS; w++) {
		c.to_worker[w] = box;
		c.from_worker[w] = box;
	}
	c.target = chim_target_create(&most);
	assert_non_null(c.target);
	ctl = chim_ctl_create(&c);
	assert_non_null(ctl);
	assert_int_equal(c.target->caps.nb_workers, CHIM_MAX_WORKERS);
	chim_ctl_destroy(ctl);
	chim_target_destroy(c.target);
	chim_box_destroy(box);
}

static void
options_that_are_not_advertised_are_refused(void **state)
{
	static const uint16_t flags[] = { CHIM_TCP_SACK_ENABLED, CHIM_TCP_ECN_ENABLED };
	static const uint32_t caps[] = { CHIM_CAP_SACK, CHIM_CAP_ECN };

	for (uint32_t i = 0; i < CHIM_DIM(flags); i++) {
		for (uint32_t has = 0; has < 2; has++) {
			struct rig *r = rig_open(&(struct rig_config){
				.caps.support = CHIM_CAP_IPV4 | (has != 0 ? caps[i] : 0) });
			struct rig_trio t = rig_offload(r);
			struct rig_bare *p = rig_bare(r, t.p->h);
			struct rig_tcp *c = rig_tcp(r);

			c->b.tcp_const.flags |= flags[i];
			rig_add(&p->b, &c->b.block);
			rig_do(r, CHIM_OP_INITIATE, &p->b);
			assert_int_equal(c->b.block.reason,
				has != 0 ? CHIM_REASON_NONE : CHIM_REASON_UNSUPPORTED);
			if (has != 0)
				rig_remove(r, c->h);
			rig_terminate(r, &t);
			rig_close(r);
		}
	}
	(void)state;
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(a_tuple_has_nothing_but_what_it_names),
	T(handles_of_the_first_worker_and_slot_that_are_not_there),
	T(ticks_do_not_change_while_anything_is_offloaded),
	T(what_a_turn_did_is_what_it_returns),
	cmocka_unit_test(a_full_completion_ring_is_counted_each_time),
	T(smaller_capacities_of_distinct_values_hold_after_a_resume),
	T(capacities_that_nobody_asked_for_are_as_documented),
	T(news_of_a_neighbor_are_news_once),
	T(a_replica_with_dependents_that_one_worker_refused_stays),
	cmocka_unit_test(a_connection_that_is_in_waits_for_the_rest_of_its_initiate),
	cmocka_unit_test(options_that_are_not_advertised_are_refused),
	cmocka_unit_test(a_slot_that_was_invalidated_is_as_new_for_the_next),
	T(one_part_of_a_path_of_the_wrong_family_is_refused),
	cmocka_unit_test(as_many_workers_as_there_may_be),
};
CHIM_CMOCKA_SUITE(ctl_border_autotest, tests, NULL, NULL)
