/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames in transit (doc/handover.md): hold, seal, release, inject, and what
 * becomes of a hold at an install, a terminate, its deadline and its bound.
 */
#include <string.h>

#include "rings.h"
#include "worker.h"

static struct chim_msg *
seal(struct rings *r, uint16_t flow, uint64_t marker)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_SEAL);

	msg->flow.tuple = rings_tuple(flow);
	msg->flow.marker = marker;
	rings_send(r, 0, msg);
	rings_settle(r);
	return msg;
}

/* The event that ends a hold early; ctl gives it back. @return the flow it is about. */
static uint16_t
take_ended(struct rings *r, enum chim_reason reason)
{
	struct chim_msg *msg = rings_reply(r, 0);
	struct chim_tuple tuple;
	uint16_t flow;

	assert_non_null(msg);
	assert_int_equal(msg->kind, CHIM_MSG_EVENT_HOLD_ENDED);
	assert_int_equal(msg->reason, reason);
	assert_int_equal(msg->host, RINGS_HOST);
	flow = (uint16_t)(rte_be_to_cpu_16(msg->flow.tuple.remote_port) - FRAME_REMOTE_PORT);
	tuple = rings_tuple(flow);
	assert_memory_equal(&msg->flow.tuple, &tuple, sizeof(tuple));
	rings_send(r, 0, msg);
	rings_settle(r);
	return flow;
}

static void
expect_ended(struct rings *r, uint16_t flow, enum chim_reason reason)
{
	assert_int_equal(take_ended(r, reason), flow);
}

static void
a_hold_keeps_what_the_wire_brings_and_releases_it_in_order(void **state)
{
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	assert_int_equal(rings_hold(&r, 0, 0, 0), CHIM_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 80; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 10, 10));
	rings_wire_in(&r, 0, rings_data(&r, 1, 0, 10)); /* another flow passes */
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 1);
	assert_int_equal(rings_why(&r, CHIM_WHY_HELD), 80);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	rings_wire_in(&r, 0, rings_data(&r, 0, 800, 10));
	rings_settle(&r);
	for (uint32_t i = 0; i <= 80; i++) {
		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + i * 10);
	}
	assert_false(rings_kernel_seg(&r, &seg));
	assert_int_equal(rings_why(&r, CHIM_WHY_RELEASED), 80);
	rings_down(&r);
}

/* More is kept than the exception port takes at once: newer frames queue behind. */
static void
a_release_into_a_full_exception_port_keeps_the_order(void **state)
{
	struct chim_seg seg;
	uint32_t next = 0;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 5 });
	rings_hold(&r, 0, 0, 0);
	for (uint32_t i = 0; i < 500; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	rings_settle(&r);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	for (uint32_t i = 500; i < 600; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	for (uint32_t turn = 0; turn < 200; turn++) {
		rings_poll(&r);
		while (rings_kernel_seg(&r, &seg))
			assert_int_equal(seg.seq, RINGS_PEER_SEQ + next++);
	}
	assert_int_equal(next, 600);
	assert_int_equal(rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 0);
	rings_down(&r);
}

static void
a_hold_takes_back_what_still_waits_for_the_exception_port(void **state)
{
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 2 });
	for (uint32_t i = 0; i < 6; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 10, 10));
		rings_wire_in(&r, 0, rings_data(&r, 1, i * 10, 10));
	}
	for (uint32_t i = 0; i < 3; i++)
		rings_poll(&r);
	assert_int_equal(rings_hold(&r, 0, 0, 0), CHIM_STATUS_SUCCESS);
	assert_int_equal(rings_kernel_drain(&r), 2); /* one of each had gone before */
	for (uint32_t turn = 0; turn < 10; turn++) {
		rings_poll(&r);
		while (rings_kernel_seg(&r, &seg))
			assert_int_equal(seg.seq % 10, RINGS_PEER_SEQ % 10);
	}
	assert_int_equal(rings_why(&r, CHIM_WHY_HELD), 5);
	rings_release(&r, 0);
	for (uint32_t next = 1; next < 6; rings_poll(&r)) {
		while (rings_kernel_seg(&r, &seg))
			assert_int_equal(seg.seq, RINGS_PEER_SEQ + 10 * next++);
	}
	rings_down(&r);
}

static void
a_hold_passes_and_records_what_the_kernel_says(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 100, 50));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 50)); /* an older one, resent */
	/* A pure ACK says nothing of how far was sent: its number may count what never was. */
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 900, 0));
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 3);
	msg = rings_msg(&r, CHIM_MSG_RELEASE);
	msg->flow.tuple = rings_tuple(0);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(
		msg->flow.record.flags, CHIM_RECORD_SENT | CHIM_RECORD_DATA | CHIM_RECORD_PEER);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 150));
	assert_int_equal(msg->flow.record.rcv_nxt, RINGS_PEER_SEQ);
	assert_int_equal(msg->flow.record.wnd, 1234);
	assert_int_equal(msg->flow.record.kept, 1);
	rings_down(&r);
}

/* Everything before the marker has gone out and is in the record; nothing after it does. */
static void
a_seal_takes_effect_where_its_marker_stands(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	msg = seal(&r, 0, 99);
	assert_null(rings_reply(&r, 0));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 100));
	rings_kernel_in(&r, 0, rings_marker(&r, 98)); /* another's */
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 100, 100));
	rings_kernel_in(&r, 0, rings_marker(&r, 99));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 200, 100));
	rings_settle(&r);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 200));
	assert_int_equal(rings_wire_drain(&r), 2);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_SEALED), 1);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_MARKER), 1);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_MARKER_UNKNOWN), 1);
	rings_release(&r, 0);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 200, 100));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_down(&r);
}

static void
a_marker_that_overtakes_its_seal_is_remembered(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_kernel_in(&r, 0, rings_marker(&r, 3));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 100));
	rings_settle(&r);
	msg = seal(&r, 0, 3);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 100));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 100, 100));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_down(&r);
}

static void
a_seal_needs_a_hold_and_ends_with_it(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = seal(&r, 0, 1);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_NO_HOLD);
	rings_hold(&r, 0, 100, 0);
	msg = seal(&r, 0, 1);
	assert_null(rings_reply(&r, 0));
	rings_wait(&r, 101);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->reason, CHIM_REASON_HOLD_EXPIRED);
	expect_ended(&r, 0, CHIM_REASON_HOLD_EXPIRED);
	rings_down(&r);
}

static void
at_its_deadline_a_hold_gives_its_frames_to_the_kernel(void **state)
{
	struct rings r;
	struct chim_msg *msg;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 300, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_wait(&r, 299);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_wait(&r, 1);
	assert_int_equal(rings_kernel_drain(&r), 1);
	expect_ended(&r, 0, CHIM_REASON_HOLD_EXPIRED);
	/* From now on the kernel owns the flow: frames pass, a late initiate fails. */
	rings_wire_in(&r, 0, rings_data(&r, 0, 10, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 1);
	msg = rings_install_msg(&r, 0);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_HOLD_EXPIRED);
	/* The second one comes without a hold: it is as good as any. */
	rings_install(&r, 0);
	rings_down(&r);
}

static void
a_release_that_comes_too_late_is_told_so(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_holds = 1 });
	rings_hold(&r, 0, 10, 0);
	rings_wait(&r, 11);
	expect_ended(&r, 0, CHIM_REASON_HOLD_EXPIRED);
	assert_int_equal(rings_hold(&r, 1, 10, 0), CHIM_STATUS_FAILURE); /* still remembered */
	msg = rings_msg(&r, CHIM_MSG_RELEASE);
	msg->flow.tuple = rings_tuple(0);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_HOLD_EXPIRED);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_FAILURE);
	assert_int_equal(rings_hold(&r, 1, 10, 0), CHIM_STATUS_SUCCESS);
	rings_down(&r);
}

static void
nobody_asking_a_hold_that_ran_out_is_forgotten(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_holds = 1 });
	rings_hold(&r, 0, 10, 0);
	rings_wait(&r, 11);
	expect_ended(&r, 0, CHIM_REASON_HOLD_EXPIRED);
	rings_wait(&r, 30000);
	assert_int_equal(rings_hold(&r, 1, 10, 0), CHIM_STATUS_FAILURE);
	rings_wait(&r, 30001);
	assert_int_equal(rings_hold(&r, 1, 10, 0), CHIM_STATUS_SUCCESS);
	rings_down(&r);
}

static void
beyond_its_bound_a_hold_gives_everything_to_the_kernel(void **state)
{
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 4 * 256);
	for (uint32_t i = 0; i < 5; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	rings_settle(&r);
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + i);
	}
	expect_ended(&r, 0, CHIM_REASON_HOLD_OVERFLOW);
	assert_int_equal(rings_call(&r, 0, rings_install_msg(&r, 0)), CHIM_STATUS_FAILURE);
	rings_down(&r);
}

/* The kernel reads slowly: what has ended still has its bound. */
static void
beyond_its_bound_a_hold_that_drains_drops(void **state)
{
	const uint32_t bound = 2 * CHIM_TXQ_SIZE;
	uint32_t nb = bound + 1;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 2 });
	rings_hold(&r, 0, 0, bound * 256);
	for (uint32_t i = 0; i < nb; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	rings_settle(&r);
	expect_ended(&r, 0, CHIM_REASON_HOLD_OVERFLOW);
	assert_int_equal(rings_why(&r, CHIM_WHY_HOLD_NO_ROOM), 0);
	for (; rings_why(&r, CHIM_WHY_HOLD_NO_ROOM) < 10; nb++) {
		assert_true(nb < 3 * bound);
		rings_wire_in(&r, 0, rings_data(&r, 0, nb, 1));
		rings_settle(&r);
	}
	for (uint32_t got = 0; got < nb - 10; rings_settle(&r))
		got += rings_kernel_drain(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_down(&r);
}

static void
all_holds_together_have_a_bound(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_hold_bytes = 3 * 256 });
	rings_hold(&r, 0, 0, 0);
	rings_hold(&r, 1, 0, 0);
	for (uint32_t i = 0; i < 3; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	rings_wire_in(&r, 0, rings_data(&r, 1, 0, 1));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_HOLD_NO_ROOM), 1);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_release(&r, 1), CHIM_STATUS_SUCCESS);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 3);
	rings_down(&r);
}

/* One event message: the second hold waits for it to come back. */
static void
several_holds_that_end_at_once_are_all_told(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 10, 0);
	rings_hold(&r, 1, 10, 0);
	rings_wait(&r, 11);
	assert_int_equal(
		take_ended(&r, CHIM_REASON_HOLD_EXPIRED) + take_ended(&r, CHIM_REASON_HOLD_EXPIRED),
		1);
	assert_null(rings_reply(&r, 0));
	rings_down(&r);
}

static void
an_install_feeds_the_kept_frames_to_tcp_in_order(void **state)
{
	uint32_t got = 0;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	for (uint32_t i = 0; i < 100; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 10, 10));
	rings_settle(&r);
	rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 1000, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(chim_dp_counters(r.worker[0])->tcp.out_of_order, 0);
	while (rings_collect(&r, 0, &io)) {
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		got += io.bytes;
		io.op = CHIM_IO_RETURN;
		rings_post(&r, &io);
		rings_settle(&r);
	}
	assert_int_equal(got, 1010);
	rings_down(&r);
}

static void
an_install_that_fails_leaves_the_hold_as_it_was(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	msg = rings_install_msg(&r, 0);
	msg->tcp.delegated.state = CHIM_TCP_LISTEN;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_BAD_STATE);
	rings_wire_in(&r, 0, rings_data(&r, 0, 10, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 2);
	rings_down(&r);
}

static void
checklist_122_123_what_arrives_from_terminate_on_waits_and_goes_up(void **state)
{
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_terminate(&r, h);
	rings_wire_drain(&r);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_wire_in(&r, 0, rings_data(&r, 0, 10, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_wire_drain(&r), 0);
	/* What the kernel answers to injected segments is not for the peer. */
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 0);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_SEALED), 1);
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 2);
	/* The kernel speaks for it again. */
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_wire_in(&r, 0, rings_data(&r, 0, 20, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 1);
	rings_down(&r);
}

static void
the_hold_of_a_terminate_ends_by_itself(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_holds = 1 });
	rings_terminate(&r, rings_install(&r, 0));
	rings_wait(&r, DP_TERMINATE_HOLD_MS + 1);
	assert_null(rings_reply(&r, 0)); /* it kept nothing: no news */
	rings_terminate(&r, rings_install(&r, 0));
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_wait(&r, DP_TERMINATE_HOLD_MS - 1);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_wait(&r, 2);
	assert_int_equal(rings_kernel_drain(&r), 1);
	expect_ended(&r, 0, CHIM_REASON_HOLD_EXPIRED);
	/* Nobody asked for that hold: the flow may come again. */
	rings_install(&r, 0);
	rings_down(&r);
}

static void
without_room_for_a_hold_a_terminate_gives_the_flow_to_the_kernel(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_holds = 1 });
	rings_hold(&r, 1, 0, 0);
	rings_terminate(&r, rings_install(&r, 0));
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 1);
	rings_down(&r);
}

static void
holds_that_cannot_be_are_refused(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	msg = rings_msg(&r, CHIM_MSG_HOLD);
	msg->flow.tuple = rings_tuple(0);
	rings_call(&r, 0, msg);
	assert_int_equal(msg->reason, CHIM_REASON_DUPLICATE);
	rings_hold(&r, 1, 0, 0);
	msg = rings_msg(&r, CHIM_MSG_HOLD);
	msg->flow.tuple = rings_tuple(1);
	rings_call(&r, 0, msg);
	assert_int_equal(msg->reason, CHIM_REASON_OVERLAP);
	msg = rings_msg(&r, CHIM_MSG_HOLD);
	msg->flow.tuple = rings_tuple(2);
	msg->flow.tuple.port_number = 7;
	rings_call(&r, 0, msg);
	assert_int_equal(msg->reason, CHIM_REASON_BAD_VALUE);
	assert_int_equal(rings_release(&r, 5), CHIM_STATUS_FAILURE);
	rings_down(&r);
}

static void
injected_frames_go_up_in_order_before_what_is_kept(void **state)
{
	struct chim_msg *msg = NULL;
	struct rte_mbuf *first;
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 500, 10));
	rings_settle(&r);
	first = rings_data(&r, 0, 100, 1);
	chim_nbl(first)->next = rings_data(&r, 0, 200, 1);
	chim_nbl(chim_nbl(first)->next)->next = NULL;
	msg = rings_msg(&r, CHIM_MSG_INJECT);
	msg->flow.frames = first;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	rings_release(&r, 0);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t rel[] = { 100, 200, 500 };

		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + rel[i]);
	}
	rings_down(&r);
}

static void
an_injection_without_a_way_is_refused_and_freed(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .has_no_exception = true });
	msg = rings_msg(&r, CHIM_MSG_INJECT);
	msg->flow.frames = rings_data(&r, 0, 100, 1);
	chim_nbl(msg->flow.frames)->next = NULL;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_BAD_VALUE);
	rings_down(&r);
}

/* The other family: its own table, its own key; same ports, so that only the family differs. */
static struct chim_tuple
tuple6(void)
{
	struct chim_tuple t = rings_tuple(0);

	t.family = CHIM_AF_INET6;
	for (uint8_t i = 0; i < 16; i++) {
		t.local_addr[i] = i == 0 ? 0xfd : i;
		t.remote_addr[i] = t.local_addr[i];
	}
	t.local_addr[15] = 1;
	t.remote_addr[15] = 2;
	return t;
}

static struct rte_mbuf *
data6(struct rings *r, bool is_from_us, uint32_t seq)
{
	return rings_frame(r,
		&(struct frame){ .is_ip6 = true,
			.is_from_us = is_from_us,
			.seq = seq,
			.flags = CHIM_ACK,
			.ttl = 64,
			.len = 10 },
		0);
}

static void
a_hold_of_ip6_is_not_one_of_ip4(void **state)
{
	struct chim_msg *msg;
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 1 });
	for (uint32_t i = 0; i < 3; i++)
		rings_wire_in(&r, 0, data6(&r, false, i * 10));
	rings_poll(&r); /* one left, two wait for the exception port */
	msg = rings_msg(&r, CHIM_MSG_HOLD);
	msg->flow.tuple = tuple6();
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.kept, 2);
	rings_kernel_in(&r, 0, data6(&r, true, 500));
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_wire_in(&r, 0, data6(&r, false, 30));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_true(rings_kernel_seg(&r, &seg));
	assert_int_equal(seg.seq, 0);
	rings_settle(&r);
	assert_true(rings_kernel_seg(&r, &seg)); /* the IPv4 flow passes */
	assert_int_equal(seg.seq, RINGS_PEER_SEQ);
	msg->kind = CHIM_MSG_RELEASE;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, 510);
	for (uint32_t next = 10; next <= 30; rings_settle(&r)) {
		while (rings_kernel_seg(&r, &seg)) {
			assert_int_equal(seg.seq, next);
			next += 10;
		}
	}
	rings_down(&r);
}

/* Spec 11.2: urgent data is the host's own stack's, and so is all that follows it. */
static void
checklist_216_what_urgent_data_held_up_goes_up_after_terminate_in_order(void **state)
{
	struct frame f = { .seq = RINGS_PEER_SEQ,
		.ack = RINGS_OUR_SEQ,
		.flags = CHIM_ACK | CHIM_URG,
		.urgent = 5,
		.wnd = RINGS_WND,
		.ttl = 64,
		.len = 10 };
	struct chim_seg seg;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_frame(&r, &f, 0));
	rings_wire_in(&r, 0, rings_data(&r, 0, 10, 10));
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.event, CHIM_EVENT_RETRIEVE);
	assert_int_equal(io.info, CHIM_UPLOAD_RECEIVED_URGENT_DATA);
	assert_int_equal(rings_wire_drain(&r), 0); /* no ACK */
	rings_terminate(&r, h);
	rings_wire_in(&r, 0, rings_data(&r, 0, 20, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_release(&r, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + 10 * i);
		assert_int_equal((seg.flags & CHIM_URG) != 0, i == 0);
	}
	assert_int_equal(rings_why(&r, CHIM_WHY_URGENT_HANDED), 2);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_hold_keeps_what_the_wire_brings_and_releases_it_in_order),
	cmocka_unit_test(a_release_into_a_full_exception_port_keeps_the_order),
	cmocka_unit_test(a_hold_takes_back_what_still_waits_for_the_exception_port),
	cmocka_unit_test(a_hold_passes_and_records_what_the_kernel_says),
	cmocka_unit_test(a_seal_takes_effect_where_its_marker_stands),
	cmocka_unit_test(a_marker_that_overtakes_its_seal_is_remembered),
	cmocka_unit_test(a_seal_needs_a_hold_and_ends_with_it),
	cmocka_unit_test(at_its_deadline_a_hold_gives_its_frames_to_the_kernel),
	cmocka_unit_test(a_release_that_comes_too_late_is_told_so),
	cmocka_unit_test(nobody_asking_a_hold_that_ran_out_is_forgotten),
	cmocka_unit_test(beyond_its_bound_a_hold_gives_everything_to_the_kernel),
	cmocka_unit_test(beyond_its_bound_a_hold_that_drains_drops),
	cmocka_unit_test(all_holds_together_have_a_bound),
	cmocka_unit_test(several_holds_that_end_at_once_are_all_told),
	cmocka_unit_test(an_install_feeds_the_kept_frames_to_tcp_in_order),
	cmocka_unit_test(an_install_that_fails_leaves_the_hold_as_it_was),
	cmocka_unit_test(checklist_122_123_what_arrives_from_terminate_on_waits_and_goes_up),
	cmocka_unit_test(the_hold_of_a_terminate_ends_by_itself),
	cmocka_unit_test(without_room_for_a_hold_a_terminate_gives_the_flow_to_the_kernel),
	cmocka_unit_test(holds_that_cannot_be_are_refused),
	cmocka_unit_test(a_hold_of_ip6_is_not_one_of_ip4),
	cmocka_unit_test(checklist_216_what_urgent_data_held_up_goes_up_after_terminate_in_order),
	cmocka_unit_test(injected_frames_go_up_in_order_before_what_is_kept),
	cmocka_unit_test(an_injection_without_a_way_is_refused_and_freed),
};
CHIM_CMOCKA_SUITE(dp_hold_autotest, tests, NULL, NULL)
