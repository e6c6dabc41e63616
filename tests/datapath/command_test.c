/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * ctl's messages: each answered once, with the status and reason that fit,
 * and nothing left behind by those that fail.
 */
#include <string.h>

#include "rings.h"

static void
expect_failure(struct rings *r, struct chim_msg *msg, enum chim_reason reason)
{
	assert_int_equal(rings_call(r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, reason);
}

static void
the_same_connection_twice_is_a_duplicate(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	expect_failure(&r, rings_install_msg(&r, 0), CHIM_REASON_DUPLICATE);
	assert_int_equal(chim_dp_nb_connections(r.worker[0]), 1);
	rings_down(&r);
}

static void
checklist_42_a_full_table_is_tcp_entries(void **state)
{
	chim_handle_t h = CHIM_HANDLE_NONE;
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_connections = 4 });
	for (uint16_t flow = 0; flow < 4; flow++)
		h = rings_install(&r, flow);
	msg = rings_install_msg(&r, 4);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_OFFLOAD_TCP_ENTRIES);
	assert_int_equal(msg->reason, CHIM_REASON_TABLE_FULL);
	rings_terminate(&r, h);
	rings_install(&r, 4);
	rings_down(&r);
}

static void
an_install_needs_a_path_that_is_valid(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = rings_install_msg(&r, 0);
	msg->tcp.path = 1;
	expect_failure(&r, msg, CHIM_REASON_NO_PARENT);
	msg = rings_install_msg(&r, 0);
	msg->tcp.path = 1000000;
	expect_failure(&r, msg, CHIM_REASON_NO_PARENT);
	rings_set_neighbor(&r, 2, true);
	expect_failure(&r, rings_install_msg(&r, 0), CHIM_REASON_INVALIDATED);
	assert_int_equal(chim_dp_nb_connections(r.worker[0]), 0);
	rings_down(&r);
}

static void
what_the_engine_refuses_leaves_nothing_behind(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_connections = 1 });
	for (int i = 0; i < 3; i++) {
		msg = rings_install_msg(&r, 0);
		msg->tcp.delegated.state = CHIM_TCP_TIME_WAIT;
		expect_failure(&r, msg, CHIM_REASON_BAD_STATE);
		msg = rings_install_msg(&r, 0);
		msg->tcp.delegated.snd_nxt += 1000;
		expect_failure(&r, msg, CHIM_REASON_BAD_SEQUENCE);
	}
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 1);
	rings_install(&r, 0);
	rings_down(&r);
}

static void
handles_that_name_nothing_here_are_told_apart(void **state)
{
	static const enum chim_msg_op kinds[] = { CHIM_MSG_QUERY, CHIM_MSG_UPDATE,
		CHIM_MSG_INVALIDATE, CHIM_MSG_TERMINATE };
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	for (size_t i = 0; i < CHIM_DIM(kinds); i++) {
		msg = rings_msg(&r, kinds[i]);
		msg->handle = h + 1;
		expect_failure(&r, msg, CHIM_REASON_STALE);
		msg = rings_msg(&r, kinds[i]);
		msg->handle = h + ((uint64_t)1 << 32);
		expect_failure(&r, msg, CHIM_REASON_STALE);
		msg = rings_msg(&r, kinds[i]);
		msg->handle = h | (uint64_t)7 << 56;
		expect_failure(&r, msg, CHIM_REASON_FOREIGN);
		msg = rings_msg(&r, kinds[i]);
		msg->handle = h;
		msg->host = 0;
		expect_failure(&r, msg, CHIM_REASON_FOREIGN);
	}
	assert_int_equal(chim_dp_nb_connections(r.worker[0]), 1);
	rings_terminate(&r, h);
	msg = rings_msg(&r, CHIM_MSG_TERMINATE);
	msg->handle = h;
	expect_failure(&r, msg, CHIM_REASON_STALE);
	rings_down(&r);
}

static void
checklist_74_a_query_gives_the_values_of_now(void **state)
{
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	msg = rings_msg(&r, CHIM_MSG_QUERY);
	msg->handle = h;
	msg->tcp.want = CHIM_WANT_CONST | CHIM_WANT_CACHED | CHIM_WANT_DELEGATED;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->tcp.delegated.rcv_nxt, (uint32_t)(RINGS_PEER_SEQ + 100));
	assert_int_equal(msg->tcp.delegated.state, CHIM_TCP_ESTABLISHED);
	assert_int_equal(msg->tcp.cached.initial_rcv_wnd, 65535);
	assert_int_equal(msg->tcp.tcp_const.remote_mss, 1460);
	rings_expect_data(&r, 0, 100);
	rings_settle(&r);
	rings_down(&r);
}

static void
checklist_99_an_updated_ttl_is_in_the_next_packet(void **state)
{
	struct chim_msg *msg;
	struct chim_seg seg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	msg = rings_msg(&r, CHIM_MSG_UPDATE);
	msg->handle = h;
	msg->tcp.cached = rings_install_msg(&r, 0)->tcp.cached;
	msg->tcp.cached.ttl = 17;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	rings_wire_drain(&r);
	rings_host_send(&r, h, 10);
	rings_settle(&r);
	assert_true(rings_wire_seg(&r, &seg));
	assert_int_equal(seg.ttl, 17);
	rings_down(&r);
}

/* A neighbor in a VLAN or in none, and the tag of what is sent to it; -1: no tag. */
static int32_t
tag_of_a_frame(uint16_t vlan_id, uint8_t user_priority)
{
	struct chim_msg *msg;
	struct chim_seg seg;
	chim_handle_t h;
	struct rings r;
	int32_t tag;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_SET);
	msg->neighbor = (struct chim_msg_neighbor){ .dl_source = { 2, 0, 0, 0, 0, 1 },
		.dl_destination = { 2, 0, 0, 0, 0, 2 },
		.vlan_id = vlan_id,
		.is_fresh = 1,
		.host = RINGS_HOST };
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	msg = rings_install_msg(&r, 0);
	msg->tcp.cached.user_priority = user_priority;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	h = msg->handle;
	rings_settle(&r);
	rings_wire_drain(&r);
	rings_host_send(&r, h, 10);
	rings_settle(&r);
	assert_true(rings_wire_seg(&r, &seg));
	tag = (seg.info & CHIM_SEG_VLAN) != 0 ? seg.vlan : -1;
	rings_down(&r);
	return tag;
}

static void
checklist_225_frames_bear_the_neighbors_vlan_and_the_connections_priority(void **state)
{
	assert_int_equal(tag_of_a_frame(0, 0), -1);
	assert_int_equal(tag_of_a_frame(0, 5), 5 << 13);
	assert_int_equal(tag_of_a_frame(100, 0), 100);
	assert_int_equal(tag_of_a_frame(4094, 7), 7 << 13 | 4094);
}

static void
checklist_112_a_delayed_ack_goes_out_before_terminate_completes(void **state)
{
	struct chim_msg *msg;
	struct chim_seg seg;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 0); /* its ACK is delayed */
	assert_true(rings_collect(&r, 0, &io));
	msg = rings_terminate(&r, h);
	assert_true(rings_wire_seg(&r, &seg));
	assert_int_equal(seg.ack, (uint32_t)(RINGS_PEER_SEQ + 10));
	assert_int_equal(msg->tcp.delegated.rcv_nxt, (uint32_t)(RINGS_PEER_SEQ + 10));
	io.op = CHIM_IO_RETURN;
	rings_post(&r, &io);
	rings_settle(&r);
	rings_down(&r);
}

/* What the host posted before its terminate is in what it gets back. */
static void
checklist_117_a_terminate_returns_what_was_posted_before_it(void **state)
{
	struct rte_mbuf *m, *next;
	struct chim_msg *msg;
	uint32_t bytes = 0;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	for (uint32_t i = 1; i <= 5; i++)
		rings_host_send(&r, h, i * 100);
	msg = rings_terminate(&r, h);
	assert_int_equal(msg->reason, CHIM_REASON_NONE);
	for (m = msg->tcp.send_chain; m != NULL; m = next) {
		next = chim_nbl(m)->next;
		bytes += 100;
		assert_int_equal(rte_pktmbuf_pkt_len(m), bytes);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(bytes, 500);
	assert_int_equal(chim_dp_nb_connections(r.worker[0]), 0);
	rings_settle(&r);
	rings_down(&r);
}

/* Spec 4.5: without a place for send data, the sends are completed. */
static void
a_terminate_without_state_completes_the_sends(void **state)
{
	struct chim_msg *msg;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 100);
	msg = rings_msg(&r, CHIM_MSG_TERMINATE);
	msg->handle = h;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_null(msg->tcp.send_chain);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_SEND_DONE);
	assert_int_equal(chim_nbl(io.m)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	rte_pktmbuf_free(io.m);
	rings_down(&r);
}

static void
operations_with_a_stale_handle_give_their_buffers_back(void **state)
{
	static const uint16_t ops[][2] = {
		{ CHIM_IO_SEND, CHIM_IO_SEND_DONE },
		{ CHIM_IO_RECEIVE, CHIM_IO_RECEIVE_DONE },
		{ CHIM_IO_DISCONNECT, CHIM_IO_DISCONNECT_DONE },
		{ CHIM_IO_FORWARD, CHIM_IO_FORWARD_DONE },
	};
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_terminate(&r, h);
	for (size_t i = 0; i < CHIM_DIM(ops); i++) {
		struct rte_mbuf *m = rings_data(&r, 0, 0, 10);

		memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
		rings_post(&r, &(struct chim_io){ .op = ops[i][0], .handle = h, .m = m });
		rings_settle(&r);
		assert_true(rings_collect(&r, 0, &io));
		assert_int_equal(io.op, ops[i][1]);
		assert_int_equal(io.status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
		assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
		assert_int_equal(io.handle, h);
		assert_ptr_equal(io.m, m);
		rte_pktmbuf_free(m);
	}
	for (uint16_t op = CHIM_IO_RETURN; op <= CHIM_IO_REFUSE; op++) {
		struct rte_mbuf *m = rings_data(&r, 0, 0, 10);

		memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
		chim_nbl(m)->cookie = h;
		rings_post(&r, &(struct chim_io){ .op = op, .handle = h, .m = m });
	}
	rings_settle(&r);
	assert_false(rings_collect(&r, 0, &io));
	rings_down(&r);
}

static void
checklist_203_a_larger_send_backlog_reaches_the_host(void **state)
{
	struct chim_msg *msg;
	uint32_t sent = 0;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = rings_install_msg(&r, 0);
	msg->tcp.delegated.cwnd = 30000;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	h = msg->handle;
	for (; sent < 30000; sent += 1500)
		rings_host_send(&r, h, 1500);
	rings_settle(&r);
	assert_false(rings_collect(&r, 0, &io));
	rings_wire_in(&r, 0, rings_ack(&r, 0, 29200));
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_EVENT);
	assert_int_equal(io.event, CHIM_EVENT_SEND_BACKLOG_CHANGE);
	assert_int_equal(io.info, 128 * 1024);
	assert_int_equal(io.handle, h);
	assert_int_equal(io.offload_handle, 1000);
	rings_host_drop(&r);
	/* the rest, and no other event */
	rings_wire_in(&r, 0, rings_ack(&r, 0, sent));
	rings_settle(&r);
	while (rings_collect(&r, 0, &io)) {
		assert_int_equal(io.op, CHIM_IO_SEND_DONE);
		chim_nbl_free(io.m);
	}
	rings_down(&r);
}

/* A forwarded segment is one of the wire without its IP header (spec 5.9). */
static void
checklist_195_a_forwarded_segment_is_delivered_like_one_of_the_wire(void **state)
{
	struct rte_mbuf *m;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	m = rings_data(&r, 0, 0, 50);
	assert_non_null(rte_pktmbuf_adj(m, 14 + 20));
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	rings_post(&r, &(struct chim_io){ .op = CHIM_IO_FORWARD, .handle = h, .m = m });
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_FORWARD_DONE);
	assert_int_equal(io.status, CHIM_STATUS_SUCCESS);
	assert_ptr_equal(io.m, m);
	assert_int_equal(io.offload_handle, 1000);
	rte_pktmbuf_free(m);
	rings_expect_data(&r, 0, 50);
	rings_settle(&r);
	rings_down(&r);
}

static void
checklist_255_reset_zeroes_a_familys_counters_but_no_gauge(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	msg = rings_msg(&r, CHIM_MSG_STATS);
	msg->stats.family = CHIM_AF_INET;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->stats.stats.tcp_in_segments, 1);
	assert_int_equal(msg->stats.stats.tcp_currently_established, 1);
	msg->kind = CHIM_MSG_STATS_RESET;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	msg->kind = CHIM_MSG_STATS;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->stats.stats.tcp_in_segments, 0);
	assert_int_equal(msg->stats.stats.tcp_currently_established, 1);
	msg->stats.family = 9;
	expect_failure(&r, msg, CHIM_REASON_BAD_VALUE);
	rings_expect_data(&r, 0, 10);
	rings_settle(&r);
	rings_down(&r);
}

static void
parameters_out_of_range_are_refused(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = rings_msg(&r, CHIM_MSG_PARAMS);
	msg->params.ticks_per_second = 7;
	expect_failure(&r, msg, CHIM_REASON_BAD_VALUE);
	msg = rings_msg(&r, CHIM_MSG_PARAMS);
	msg->params.ticks_per_second = 100;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	msg = rings_msg(&r, (enum chim_msg_op)40);
	expect_failure(&r, msg, CHIM_REASON_UNSUPPORTED);
	rings_down(&r);
}

/* No more is taken than can be answered: a full mailbox loses nothing. */
static void
messages_wait_while_ctl_does_not_read_its_answers(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .mailbox_size = 4 });
	for (uint32_t i = 0; i < 4; i++)
		rings_send(&r, 0, rings_msg(&r, CHIM_MSG_QUERY));
	rings_settle(&r);
	for (uint32_t i = 0; i < 3; i++)
		rings_send(&r, 0, rings_msg(&r, CHIM_MSG_QUERY));
	rings_settle(&r);
	assert_int_equal(chim_dp_counters(r.worker[0])->commands, 2 + 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_non_null(rings_reply(&r, 0));
	rings_settle(&r);
	for (uint32_t i = 0; i < 3; i++)
		assert_non_null(rings_reply(&r, 0));
	assert_null(rings_reply(&r, 0));
	rings_down(&r);
}

static void
a_connection_is_described_in_plain_numbers(void **state)
{
	struct chim_tuple tuple = rings_tuple(3);
	struct chim_dp_conn_view v;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	assert_int_equal(chim_dp_describe(r.worker[0], 0, &v), -ENOENT);
	assert_int_equal(chim_dp_describe(r.worker[0], 16, &v), -ERANGE);
	h = rings_install(&r, 3);
	assert_int_equal(chim_dp_describe(r.worker[0], chim_handle_index(h), &v), 0);
	assert_int_equal(v.handle, h);
	assert_int_equal(v.offload_handle, 1003);
	assert_int_equal(v.host, RINGS_HOST);
	assert_memory_equal(&v.tuple, &tuple, sizeof(tuple));
	assert_int_equal(v.tcp.state, CHIM_TCP_ESTABLISHED);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_same_connection_twice_is_a_duplicate),
	cmocka_unit_test(checklist_42_a_full_table_is_tcp_entries),
	cmocka_unit_test(an_install_needs_a_path_that_is_valid),
	cmocka_unit_test(what_the_engine_refuses_leaves_nothing_behind),
	cmocka_unit_test(handles_that_name_nothing_here_are_told_apart),
	cmocka_unit_test(checklist_74_a_query_gives_the_values_of_now),
	cmocka_unit_test(checklist_99_an_updated_ttl_is_in_the_next_packet),
	cmocka_unit_test(checklist_225_frames_bear_the_neighbors_vlan_and_the_connections_priority),
	cmocka_unit_test(checklist_112_a_delayed_ack_goes_out_before_terminate_completes),
	cmocka_unit_test(checklist_117_a_terminate_returns_what_was_posted_before_it),
	cmocka_unit_test(a_terminate_without_state_completes_the_sends),
	cmocka_unit_test(operations_with_a_stale_handle_give_their_buffers_back),
	cmocka_unit_test(checklist_203_a_larger_send_backlog_reaches_the_host),
	cmocka_unit_test(checklist_195_a_forwarded_segment_is_delivered_like_one_of_the_wire),
	cmocka_unit_test(checklist_255_reset_zeroes_a_familys_counters_but_no_gauge),
	cmocka_unit_test(parameters_out_of_range_are_refused),
	cmocka_unit_test(messages_wait_while_ctl_does_not_read_its_answers),
	cmocka_unit_test(a_connection_is_described_in_plain_numbers),
};
CHIM_CMOCKA_SUITE(dp_command_autotest, tests, NULL, NULL)
