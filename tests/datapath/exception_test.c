/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The way to the kernel and back: order, full devices, frames that do not fit,
 * budgets under a flood, and the kernel's frames of an offloaded connection.
 */
#include <string.h>

#include "rings.h"

static void
frames_of_both_sides_keep_their_order(void **state)
{
	struct chim_seg seg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	for (uint32_t i = 0; i < 100; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 3, i * 10, 10));
		rings_kernel_in(&r, 0, rings_kernel_data(&r, 3, i * 10, 10));
	}
	rings_settle(&r);
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + i * 10);
		assert_true(rings_wire_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_OUR_SEQ + i * 10);
	}
	assert_int_equal(rings_why(&r, CHIM_WHY_MISS), 100);
	assert_int_equal(chim_dp_counters(r.worker[0])->kernel_rx_frames, 100);
	assert_int_equal(chim_dp_counters(r.worker[0])->kernel_tx_frames, 100);
	assert_int_equal(chim_dp_counters(r.worker[0])->tx_frames, 100);
	rings_down(&r);
}

static void
a_full_exception_port_drops_and_counts(void **state)
{
	uint32_t kept;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 10 });
	for (uint32_t i = 0; i < 600; i++)
		rings_wire_in(&r, 0, rings_data(&r, 3, i * 10, 10));
	for (uint32_t i = 0; i < 30; i++)
		rings_poll(&r);
	kept = 10 + CHIM_TXQ_SIZE;
	assert_int_equal(rings_why(&r, CHIM_WHY_MISS), 600);
	assert_int_equal(rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 600 - kept);
	/* The connection beside it is not disturbed. */
	rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	rings_expect_data(&r, 0, 100);
	for (uint32_t got = 0; got < kept; rings_poll(&r)) {
		uint32_t nb = rings_kernel_drain(&r);

		got += nb;
		assert_true(got <= kept);
	}
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_down(&r);
}

static void
without_an_exception_port_frames_are_dropped_and_counted(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .has_no_exception = true });
	rings_wire_in(&r, 0, rings_data(&r, 3, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_MISS), 1);
	assert_int_equal(rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 1);
	rings_down(&r);
}

static void
a_frame_that_can_never_fit_does_not_block_those_behind_it(void **state)
{
	struct rte_mbuf *m;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	m = rings_data(&r, 3, 0, 1460);
	while (rte_pktmbuf_pkt_len(m) < (uint32_t)r.port.exception_mtu + 100) {
		struct rte_mbuf *more = rings_data(&r, 3, 0, 1000);

		assert_int_equal(rte_pktmbuf_chain(m, more), 0);
	}
	rings_wire_in(&r, 0, m);
	rings_wire_in(&r, 0, rings_data(&r, 3, 1460, 10));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 1);
	assert_int_equal(rings_kernel_drain(&r), 1);
	rings_down(&r);
}

static void
the_kernels_frames_of_an_offloaded_connection_are_dropped(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, 0, 10));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, 1, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_OF_OFFLOADED), 1);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_down(&r);
}

static void
a_marker_nobody_waits_for_is_consumed(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_kernel_in(&r, 0, rings_marker(&r, 4711));
	rings_settle(&r);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_MARKER_UNKNOWN), 1);
	assert_int_equal(rings_wire_drain(&r), 0);
	rings_down(&r);
}

/* However much the kernel wants to send, the wire is read and the connection answers. */
static void
a_flood_of_kernel_frames_does_not_starve_the_wire(void **state)
{
	uint32_t kernel = 0;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_mbufs = 4095 });
	rings_install(&r, 0);
	for (uint32_t i = 0; i < 3000; i++)
		rings_kernel_in(&r, 0, rings_kernel_data(&r, 3, i, 1));
	for (uint32_t i = 0; i < 20; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
		rings_poll(&r);
		rings_expect_data(&r, 0, 100);
		kernel += rings_wire_drain(&r);
	}
	assert_int_equal(chim_dp_counters(r.worker[0])->kernel_rx_frames, 20 * 32);
	assert_true(kernel >= 20 * 32);
	rings_settle(&r);
	rings_down(&r);
}

/* A kernel that reads nothing while the wire brings frames for it: what they can keep of the pool
 * is bounded, and the connection beside them has buffers to receive and to send. */
static void
a_flood_for_a_kernel_that_does_not_read_keeps_few_buffers(void **state)
{
	const uint32_t most = 10 + CHIM_TXQ_SIZE + 4 * CHIM_BURST;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .kernel_size = 10, .nb_mbufs = most + 255 });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 100; i++) {
		for (uint32_t k = 0; k < CHIM_BURST - 1; k++)
			rings_wire_in(&r, 0, rings_data(&r, 3, i * 100 + k, 1));
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
		rings_poll(&r);
		rings_expect_data(&r, 0, 100);
		assert_true(rte_mempool_in_use_count(r.pool) <= most);
		rings_wire_drain(&r);
	}
	rings_host_send(&r, h, 1000);
	rings_settle(&r);
	assert_true(rings_wire_drain(&r) >= 1);
	assert_int_equal(rings_why(&r, CHIM_WHY_MISS), 100 * (CHIM_BURST - 1));
	assert_int_equal(
		rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 100 * (CHIM_BURST - 1) - 10 - CHIM_TXQ_SIZE);
	rings_down(&r);
}

/* A wire that takes nothing: the kernel's frames wait in the device, the engine keeps its room. */
static void
a_full_wire_leaves_the_kernels_frames_where_they_are(void **state)
{
	uint64_t taken;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .wire_size = 7 });
	for (uint32_t i = 0; i < 600; i++)
		rings_kernel_in(&r, 0, rings_kernel_data(&r, 3, i, 1));
	for (uint32_t i = 0; i < 50; i++)
		rings_poll(&r);
	taken = chim_dp_counters(r.worker[0])->kernel_rx_frames;
	assert_true(taken <= 7 + CHIM_TXQ_SIZE / 2 + CHIM_BURST);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_NO_ROOM), 0);
	for (uint32_t got = 0; got < 600; rings_poll(&r))
		got += rings_wire_drain(&r);
	assert_int_equal(chim_dp_counters(r.worker[0])->tx_frames, 600);
	rings_down(&r);
}

static void
an_empty_pool_costs_segments_not_the_worker(void **state)
{
	struct rte_mbuf *hoard[64];
	uint32_t nb = 0;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_mbufs = 63 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 1000);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	while (nb < CHIM_DIM(hoard) && (hoard[nb] = rte_pktmbuf_alloc(r.pool)) != NULL)
		nb++;
	for (uint32_t i = 0; i < 10; i++)
		rings_poll(&r);
	assert_int_equal(rings_wire_drain(&r), 0);
	rte_pktmbuf_free_bulk(hoard, nb);
	/* With buffers again, what was owed goes out, at the latest when a timer says so. */
	rings_expect_data(&r, 0, 100);
	rings_wait(&r, 5000);
	assert_true(rings_wire_drain(&r) > 0);
	rings_down(&r);
}

static uint32_t
hoard(struct rings *r, struct rte_mbuf **m, uint32_t leave)
{
	uint32_t nb = rte_mempool_avail_count(r->pool) - leave;

	assert_int_equal(rte_pktmbuf_alloc_bulk(r->pool, m, nb), 0);
	return nb;
}

/* A flow that waits for others to give buffers back may not have those with which they would. */
static void
the_last_buffers_are_for_what_does_not_wait(void **state)
{
	static struct rte_mbuf *hoarded[1023];
	struct rings r;
	uint32_t nb;

	rings_up(&r, &(struct rings_opts){ .nb_mbufs = 1023 });
	rings_install(&r, 0);
	rings_hold(&r, 1, 0, 0);
	nb = hoard(&r, hoarded, 127);
	/* Counted now and then: by the end of these it is known. */
	for (uint32_t i = 0; i < 70; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 2, i * 10, 10));
		rings_poll(&r);
		rings_kernel_drain(&r);
	}
	rings_wire_in(&r, 0, rings_data(&r, 0, 1000, 100));
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_NO_BUFFER), 2);
	/* A hold lasts, and keeps nothing more. */
	rings_wire_in(&r, 0, rings_data(&r, 1, 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_HOLD_NO_ROOM), 1);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rte_pktmbuf_free_bulk(hoarded, nb);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	rings_expect_data(&r, 0, 100);
	rings_settle(&r);
	rings_wire_drain(&r);
	rings_down(&r);
}

/* What a hold of the first flow has recorded when the kernel says this. */
static struct chim_flow_record
recorded(const struct frame *f)
{
	struct chim_flow_record record;
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_kernel_in(&r, 0, rings_frame(&r, f, 0));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	msg = rings_msg(&r, CHIM_MSG_RELEASE);
	msg->flow.tuple = rings_tuple(0);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	record = msg->flow.record;
	rings_down(&r);
	return record;
}

/* It answers a stray, and its numbers are those of no connection: a window of 0 to 0, from 0. */
static void
a_reset_of_a_held_flow_reaches_nobody(void **state)
{
	const struct frame reset = { .is_from_us = true, .flags = CHIM_RST, .ttl = 64 };
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_kernel_in(&r, 0, rings_frame(&r, &reset, 0));
	rings_kernel_in(&r, 0, rings_frame(&r, &reset, 1)); /* of another, which is the kernel's */
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_RESET), 1);
	msg = rings_msg(&r, CHIM_MSG_RELEASE);
	msg->flow.tuple = rings_tuple(0);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.flags, 0);
	/* Once it is the kernel's again, so is its word. */
	rings_kernel_in(&r, 0, rings_frame(&r, &reset, 0));
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_down(&r);
}

static void
a_pure_ack_alone_says_nothing_of_how_far_was_sent(void **state)
{
	const struct frame ack = {
		.is_from_us = true,
		.seq = RINGS_OUR_SEQ + 900,
		.ack = RINGS_PEER_SEQ + 7,
		.flags = CHIM_ACK,
		.wnd = 1234,
		.ttl = 64,
	};
	struct chim_flow_record record = recorded(&ack);

	assert_int_equal(record.flags, CHIM_RECORD_SENT);
	assert_int_equal(record.rcv_nxt, RINGS_PEER_SEQ + 7);
	assert_int_equal(record.wnd, 1234);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_reset_of_a_held_flow_reaches_nobody),
	cmocka_unit_test(a_pure_ack_alone_says_nothing_of_how_far_was_sent),
	cmocka_unit_test(frames_of_both_sides_keep_their_order),
	cmocka_unit_test(a_full_exception_port_drops_and_counts),
	cmocka_unit_test(without_an_exception_port_frames_are_dropped_and_counted),
	cmocka_unit_test(a_frame_that_can_never_fit_does_not_block_those_behind_it),
	cmocka_unit_test(the_kernels_frames_of_an_offloaded_connection_are_dropped),
	cmocka_unit_test(a_marker_nobody_waits_for_is_consumed),
	cmocka_unit_test(a_flood_of_kernel_frames_does_not_starve_the_wire),
	cmocka_unit_test(a_flood_for_a_kernel_that_does_not_read_keeps_few_buffers),
	cmocka_unit_test(a_full_wire_leaves_the_kernels_frames_where_they_are),
	cmocka_unit_test(an_empty_pool_costs_segments_not_the_worker),
	cmocka_unit_test(the_last_buffers_are_for_what_does_not_wait),
};
CHIM_CMOCKA_SUITE(dp_exception_autotest, tests, NULL, NULL)
