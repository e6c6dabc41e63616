/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The adapter as a whole: pause, resume, upload-all, parameters, statistics,
 * workers' events; and the operations on frames in transit (checklist 205 to
 * 208, 253, 255).
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

static void
expect_event(struct rig *r, enum chim_completion_kind kind)
{
	assert_int_equal(rig_reap(r).kind, kind);
}

static void
checklist_205_upload_all_is_told_and_terminates_may_come_in_any_grouping(void **state)
{
	struct rig *r = *state;
	struct rig_trio t[2] = { rig_offload(r), rig_offload(r) };
	struct rig_bare *n = rig_bare(r, t[0].n->h);
	struct rig_bare *p = rig_bare(r, t[0].p->h);

	chim_ctl_upload_all(r->ctl);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_UPLOAD_ALL);
	rig_add(&n->b, &p->b);
	rig_add(&p->b, &rig_bare(r, t[0].t->h)->b);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &n->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t[1]);
}

static void
checklist_206_while_paused_initiates_wait_and_the_rest_goes_on(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *n = rig_neighbor(r);

	chim_ctl_pause(r->ctl);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	rig_submit(r, CHIM_OP_INITIATE, &n->b.block);
	rig_run(r);
	assert_false(rig_has_completion(r));
	assert_int_equal(rig_do(r, CHIM_OP_QUERY, &rig_bare(r, t.t->h)->b), CHIM_STATUS_SUCCESS);
	rig_terminate(r, &t);
	assert_int_equal(r->ctl->counters.neighbors, 0);
	chim_ctl_resume(r->ctl, NULL);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	assert_ptr_equal(rig_reap(r).root, &n->b.block);
	assert_int_equal(n->b.block.status, CHIM_STATUS_SUCCESS);
	rig_remove(r, n->h);
}

static void
waiting_initiates_leave_room_for_terminates(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .max_requests = 8 });
	struct rig_trio t = rig_offload(r);
	struct rig_neighbor *n[10];
	struct chim_completion e;

	chim_ctl_pause(r->ctl);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	for (int i = 0; i < 10; i++) {
		n[i] = rig_neighbor(r);
		rig_submit(r, CHIM_OP_INITIATE, &n[i]->b.block);
	}
	rig_run(r);
	/* Six of eight records may wait; the others are told why not. */
	for (int i = 6; i < 10; i++) {
		e = rig_reap(r);
		assert_ptr_equal(e.root, &n[i]->b.block);
		assert_int_equal(e.status, CHIM_STATUS_FAILURE);
		assert_int_equal(e.reason, CHIM_REASON_PAUSED);
	}
	rig_terminate(r, &t);
	chim_ctl_resume(r->ctl, NULL);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	for (int i = 0; i < 6; i++)
		assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	for (int i = 0; i < 6; i++)
		rig_remove(r, n[i]->h);
	rig_close(r);
	(void)state;
}

static void
checklist_207_capabilities_change_between_pause_and_resume(void **state)
{
	struct rig *r = *state;
	struct chim_caps caps;
	struct chim_caps after;
	struct rig_neighbor *n = rig_neighbor(r);

	chim_host_caps(r->host[0], &caps);
	caps.max_neighbors = 1;
	chim_ctl_resume(r->ctl, &caps); /* not paused: the host is told of both all the same */
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	chim_host_caps(r->host[0], &after);
	assert_int_equal(after.max_neighbors, 1);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &rig_neighbor(r)->b.block),
		CHIM_STATUS_OFFLOAD_NEIGHBOR_ENTRIES);
	/* Never more than there are tables. */
	caps.max_neighbors = 1u << 30;
	chim_ctl_resume(r->ctl, &caps);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	chim_host_caps(r->host[0], &after);
	assert_int_equal(after.max_neighbors, r->ctl->neighbors->nb);
	rig_remove(r, n->h);
}

static void
pause_and_resume_told_in_one_turn_keep_their_order(void **state)
{
	struct rig *r = *state;

	chim_ctl_resume(r->ctl, NULL); /* nothing to resume: nothing to tell */
	rig_run(r);
	assert_false(rig_has_completion(r));
	chim_ctl_pause(r->ctl);
	chim_ctl_resume(r->ctl, NULL);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	chim_ctl_pause(r->ctl);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	chim_ctl_resume(r->ctl, NULL);
	chim_ctl_pause(r->ctl);
	rig_run(r);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_RESUME);
	expect_event(r, CHIM_COMPLETION_OFFLOAD_PAUSE);
	assert_true(r->ctl->is_paused);
}

static void
checklist_208_nothing_but_the_operator_asks_for_everything_back(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);

	/* There is no way from a port to an upload: days without a frame tell the host nothing. */
	r->now += 10ull * 86400 * CHIM_US_PER_S;
	r->port[0].mtu = 0;
	rig_run(r);
	assert_false(rig_has_completion(r));
	r->port[0].mtu = 9000;
	rig_terminate(r, &t);
}

/* ---- parameters and capabilities ---- */

static enum chim_status
set_params(struct rig *r, const struct chim_params *p)
{
	struct chim_request req = { .op = CHIM_OP_SET_PARAMS, .params = p };

	return rig_do_request(r, 0, &req);
}

static void
parameters_reach_every_worker_and_the_capabilities(void **state)
{
	struct rig *r = *state;
	struct chim_params p = { .ticks_per_second = 100, .ack_frequency = 4 };
	struct chim_caps before;
	struct chim_caps caps = { 0 };
	struct chim_request req = { .op = CHIM_OP_GET_CAPS, .caps = &caps };

	chim_host_caps(r->host[0], &before);
	assert_int_equal(set_params(r, &p), CHIM_STATUS_SUCCESS);
	for (int w = 0; w < 2; w++) {
		assert_int_equal(r->worker[w]->params.ticks_per_second, 100);
		assert_int_equal(r->worker[w]->params.ack_frequency, 4);
		/* A zero keeps what is. */
		assert_int_equal(r->worker[w]->params.push_ticks, before.params.push_ticks);
	}
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	assert_int_equal(caps.params.ticks_per_second, 100);
	assert_int_equal(caps.abi, CHIM_ABI);
	assert_int_equal(caps.nb_workers, 2);
	chim_host_caps(r->host[0], &before);
	assert_memory_equal(&caps, &before, sizeof(caps));
}

static void
parameters_that_cannot_be_are_refused(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct chim_request req = { .op = CHIM_OP_GET_CAPS };
	struct chim_params p = { .ticks_per_second = 50 };

	assert_int_equal(set_params(r, NULL), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_NULL_POINTER);
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(set_params(r, &p), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
	p.ticks_per_second = 10; /* good, but ticks have been handed over */
	assert_int_equal(set_params(r, &p), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_STATE);
	p = (struct chim_params){ .congestion_algorithm = CHIM_CC_DCTCP + 1 };
	assert_int_equal(set_params(r, &p), CHIM_STATUS_FAILURE);
	p = (struct chim_params){ .reserved[5] = 1 };
	assert_int_equal(set_params(r, &p), CHIM_STATUS_FAILURE);
	assert_int_equal(fake_count(r->worker[0], CHIM_MSG_PARAMS), 0);
	rig_terminate(r, &t);
	p = (struct chim_params){ .ticks_per_second = 10 };
	assert_int_equal(set_params(r, &p), CHIM_STATUS_SUCCESS);
}

/* ---- statistics ---- */

static enum chim_status
stats(struct rig *r, uint32_t op, struct chim_family_stats *s, uint32_t family)
{
	struct chim_request req = { .op = op, .stats = { .stats = s, .family = family } };

	return rig_do_request(r, 0, &req);
}

static void
checklist_253_each_family_has_its_own_statistics_summed_over_workers(void **state)
{
	struct rig *r = *state;
	struct chim_family_stats s = { 0 };

	r->worker[0]->stats[0].tcp_in_segments = 3;
	r->worker[1]->stats[0].tcp_in_segments = 4;
	r->worker[1]->stats[0].ip_out_no_routes = 9;
	r->worker[1]->stats[1].tcp_in_segments = 100;
	assert_int_equal(stats(r, CHIM_OP_GET_STATS, &s, CHIM_AF_INET), CHIM_STATUS_SUCCESS);
	assert_int_equal(s.tcp_in_segments, 7);
	assert_int_equal(s.ip_out_no_routes, 9);
	assert_int_equal(stats(r, CHIM_OP_GET_STATS, &s, CHIM_AF_INET6), CHIM_STATUS_SUCCESS);
	assert_int_equal(s.tcp_in_segments, 100);
	assert_int_equal(s.ip_out_no_routes, 0);
	assert_int_equal(stats(r, CHIM_OP_GET_STATS, NULL, CHIM_AF_INET), CHIM_STATUS_FAILURE);
	assert_int_equal(stats(r, CHIM_OP_GET_STATS, &s, 5), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
}

static void
checklist_255_a_reset_zeroes_that_family_only(void **state)
{
	struct rig *r = *state;
	struct chim_family_stats s;

	for (int w = 0; w < 2; w++) {
		r->worker[w]->stats[0].tcp_in_segments = 1;
		r->worker[w]->stats[1].tcp_in_segments = 1;
	}
	assert_int_equal(stats(r, CHIM_OP_RESET_STATS, NULL, CHIM_AF_INET), CHIM_STATUS_SUCCESS);
	stats(r, CHIM_OP_GET_STATS, &s, CHIM_AF_INET);
	assert_int_equal(s.tcp_in_segments, 0);
	stats(r, CHIM_OP_GET_STATS, &s, CHIM_AF_INET6);
	assert_int_equal(s.tcp_in_segments, 2);
}

/* ---- hold, seal, release, inject ---- */

static struct chim_request
flow_request(uint32_t op)
{
	struct chim_request req = { .op = op };

	req.flow.tuple.family = CHIM_AF_INET;
	req.flow.tuple.local_port = 7;
	req.flow.tuple.remote_port = 8;
	return req;
}

static struct fake_worker *
worker_with_flow(struct rig *r)
{
	return r->worker[0]->flow.tuple.remote_port != 0 ? r->worker[0] : r->worker[1];
}

static void
flow_operations_go_to_the_worker_of_the_tuple_and_bring_the_record(void **state)
{
	struct rig *r = *state;
	struct chim_request req = flow_request(CHIM_OP_HOLD);
	struct fake_worker *w;

	req.flow.limits.deadline_ms = 250;
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.record.snd_max, 77);
	w = worker_with_flow(r);
	assert_int_equal(w->flow.limits.deadline_ms, 250);
	assert_int_equal(w->id, chim_port_steer(&r->port[0], 2, &req.flow.tuple));
	req = flow_request(CHIM_OP_SEAL);
	req.flow.marker = 0x1122;
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	assert_int_equal(w->flow.marker, 0x1122);
	assert_int_equal(r->last.record.flags, CHIM_RECORD_DATA);
	req = flow_request(CHIM_OP_RELEASE);
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	assert_int_equal(fake_count(w, CHIM_MSG_RELEASE), 1);
}

static void
a_workers_refusal_of_a_flow_operation_reaches_the_host(void **state)
{
	struct rig *r = *state;
	struct chim_request req = flow_request(CHIM_OP_SEAL);

	for (int w = 0; w < 2; w++)
		fake_refuse(r->worker[w],
			(struct fake_rule){
				CHIM_MSG_SEAL, 0, 1, CHIM_STATUS_FAILURE, CHIM_REASON_NO_HOLD });
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_NO_HOLD);
	assert_int_equal(r->ctl->counters.reason[CHIM_REASON_NO_HOLD], 1);
}

static void
flows_that_cannot_be_are_refused(void **state)
{
	struct rig *r = *state;
	struct chim_request req = flow_request(CHIM_OP_HOLD);

	req.flow.tuple.family = 5;
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	req = flow_request(CHIM_OP_HOLD);
	req.flow.tuple.port_number = 3;
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
	assert_int_equal(r->worker[0]->nb_log + r->worker[1]->nb_log, 0);
}

static void
injected_frames_are_taken_whatever_comes_of_it(void **state)
{
	struct rig *r = *state;
	struct chim_request req = { .op = CHIM_OP_INJECT };
	uint32_t by[2] = { 0 };

	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_NULL_POINTER);
	req.inject.frames = rig_buffer(r, 60);
	chim_nbl(req.inject.frames)->next = rig_buffer(r, 60);
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->nb_injected, 2);
	/* those of a flow go by its worker, which releases its kept frames too */
	r->port[0].nb_exception_queues = 2;
	for (uint16_t port = 1; port < 20; port++) {
		uint32_t owner, before;

		req.inject.tuple = flow_request(CHIM_OP_INJECT).flow.tuple;
		req.inject.tuple.remote_port = port;
		owner = chim_port_steer(&r->port[0], 2, &req.inject.tuple);
		before = r->worker[owner]->nb_injected;
		req.inject.frames = rig_buffer(r, 60);
		assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
		assert_int_equal(r->worker[owner]->nb_injected, before + 1);
		by[owner]++;
	}
	assert_true(by[0] != 0 && by[1] != 0);
	/* only one queue to the kernel: the worker that has it */
	r->port[0].nb_exception_queues = 1;
	for (uint16_t port = 1; port < 20; port++) {
		req.inject.tuple.remote_port = port;
		req.inject.frames = rig_buffer(r, 60);
		assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	}
	assert_int_equal(r->worker[1]->nb_injected, by[1]);
	req.inject.frames = rig_buffer(r, 60);
	req.inject.tuple.port_number = 7;
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
	req = (struct chim_request){ .op = CHIM_OP_INJECT, .flags = 1 };
	req.inject.frames = rig_buffer(r, 60);
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_BAD_VALUE);
	/* and frames are freed: see the close */
	assert_int_equal(r->worker[0]->nb_injected, 2 + by[0] + 19);
}

/* ---- events of workers ---- */

static void
a_reachability_query_reaches_the_owner_of_the_neighbor(void **state)
{
	struct rig *r = *state;
	struct rig_neighbor *n = rig_neighbor(r);
	static struct chim_msg m;
	struct chim_completion e;

	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	m = (struct chim_msg){ .kind = CHIM_MSG_EVENT_REACHABILITY };
	m.neighbor.handle = n->h;
	m.neighbor.offload_handle = n->b.block.offload_handle;
	m.neighbor.nic_reachability_delta = 31000;
	fake_raise(r->worker[1], &m);
	rig_run(r);
	e = rig_reap(r);
	assert_int_equal(e.kind, CHIM_COMPLETION_REACHABILITY_QUERY);
	assert_int_equal(e.neighbor.handle, n->h);
	assert_int_equal(e.neighbor.offload_handle, n->b.block.offload_handle);
	assert_int_equal(e.neighbor.nic_reachability_delta, 31000);
	assert_int_equal(r->worker[1]->nb_events_back, 1);
	/* A neighbor that has gone meanwhile is not asked about, but the message goes back. */
	rig_remove(r, n->h);
	fake_raise(r->worker[1], &m);
	rig_run(r);
	assert_false(rig_has_completion(r));
	assert_int_equal(r->worker[1]->nb_events_back, 2);
}

static void
the_end_of_a_hold_reaches_the_host_that_asked(void **state)
{
	struct rig *r = *state;
	static struct chim_msg m;
	struct chim_completion e;

	m = (struct chim_msg){ .kind = CHIM_MSG_EVENT_HOLD_ENDED,
		.reason = CHIM_REASON_HOLD_EXPIRED };
	m.flow.tuple.local_port = 99;
	fake_raise(r->worker[0], &m);
	rig_run(r);
	e = rig_reap(r);
	assert_int_equal(e.kind, CHIM_COMPLETION_HOLD_ENDED);
	assert_int_equal(e.reason, CHIM_REASON_HOLD_EXPIRED);
	assert_int_equal(e.tuple.local_port, 99);
	assert_int_equal(r->worker[0]->nb_events_back, 1);
	m.host = 3; /* a slot nobody owns: nobody is told */
	fake_raise(r->worker[0], &m);
	rig_run(r);
	assert_int_equal(r->worker[0]->nb_events_back, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

static const struct CMUnitTest tests[] = {
	T(checklist_205_upload_all_is_told_and_terminates_may_come_in_any_grouping),
	T(checklist_206_while_paused_initiates_wait_and_the_rest_goes_on),
	cmocka_unit_test(waiting_initiates_leave_room_for_terminates),
	T(checklist_207_capabilities_change_between_pause_and_resume),
	T(pause_and_resume_told_in_one_turn_keep_their_order),
	T(checklist_208_nothing_but_the_operator_asks_for_everything_back),
	T(parameters_reach_every_worker_and_the_capabilities),
	T(parameters_that_cannot_be_are_refused),
	T(checklist_253_each_family_has_its_own_statistics_summed_over_workers),
	T(checklist_255_a_reset_zeroes_that_family_only),
	T(flow_operations_go_to_the_worker_of_the_tuple_and_bring_the_record),
	T(a_workers_refusal_of_a_flow_operation_reaches_the_host),
	T(flows_that_cannot_be_are_refused),
	T(injected_frames_are_taken_whatever_comes_of_it),
	T(a_reachability_query_reaches_the_owner_of_the_neighbor),
	T(the_end_of_a_hold_reaches_the_host_that_asked),
};
CHIM_CMOCKA_SUITE(ctl_adapter_autotest, tests, NULL, NULL)
