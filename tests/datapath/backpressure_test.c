/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A host that does not read, a wire that does not take: nothing is lost,
 * nothing overtakes, nobody else waits.
 */
#include <rte_tcp.h>

#include "rings.h"

static uint32_t
take_all(struct rings *r, uint32_t *bytes)
{
	struct chim_io io;
	uint32_t nb = 0;

	while (rings_collect(r, 0, &io)) {
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		*bytes += io.bytes;
		io.op = CHIM_IO_RETURN;
		rings_post(r, &io);
		nb++;
		if (nb % 4 == 0)
			rings_poll(r);
	}
	return nb;
}

static void
a_full_host_ring_delays_and_loses_nothing(void **state)
{
	uint32_t bytes = 0;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .host_entries = 4 });
	rings_install(&r, 0);
	for (uint32_t i = 0; i < 20; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
		rings_poll(&r);
	}
	assert_true(chim_dp_counters(r.worker[0])->host_full > 0);
	for (uint32_t i = 0; i < 50; i++) {
		rings_poll(&r);
		take_all(&r, &bytes);
	}
	assert_int_equal(bytes, 2000);
	rings_settle(&r);
	rings_down(&r);
}

static void
a_terminate_waits_for_room_to_tell_everything_first(void **state)
{
	struct chim_msg *msg;
	uint32_t bytes = 0;
	chim_handle_t h;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .host_entries = 2 });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 2; i++) { /* the ring is full */
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
		rings_poll(&r);
	}
	rings_host_send(&r, h, 100);
	msg = rings_msg(&r, CHIM_MSG_TERMINATE);
	msg->handle = h;
	rings_send(&r, 0, msg);
	for (uint32_t i = 0; i < 20; i++)
		rings_poll(&r);
	assert_null(rings_reply(&r, 0));
	/* Meanwhile others are served, and this one may not be touched again. */
	rings_install(&r, 1);
	struct chim_msg *query = rings_msg(&r, CHIM_MSG_QUERY);

	query->handle = h;
	assert_int_equal(rings_call(&r, 0, query), CHIM_STATUS_FAILURE);
	assert_int_equal(query->reason, CHIM_REASON_OVERLAP);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(rings_collect(&r, 0, &io));
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		bytes += io.bytes;
		rte_pktmbuf_free(io.m);
		for (uint32_t turn = 0; turn < 3; turn++)
			rings_poll(&r);
	}
	assert_int_equal(bytes, 200);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_SEND_DONE);
	assert_int_equal(chim_nbl(io.m)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	rte_pktmbuf_free(io.m);
	rings_down(&r);
}

static void
one_host_that_does_not_read_keeps_no_other_waiting(void **state)
{
	struct chim_msg *msg;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .host_entries = 2 });
	msg = rings_install_msg(&r, 0);
	msg->host = 0;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	rings_install(&r, 1);
	for (uint32_t i = 0; i < 10; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 10, 10)); /* the silent host's */
		rings_wire_in(&r, 0, rings_data(&r, 1, i * 10, 10));
		rings_poll(&r);
		rings_expect_data(&r, 0, 10);
		rings_poll(&r);
	}
	while (chim_chan_take(r.target->slot[0].from_worker[0], &io, 1) == 1) {
		rte_pktmbuf_free(io.m);
		rings_poll(&r);
	}
	rings_down(&r);
}

static void
a_full_wire_delays_and_loses_nothing(void **state)
{
	uint32_t sent = 0;
	struct chim_seg seg;
	chim_handle_t h;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .wire_size = 2 });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 5; i++)
		rings_host_send(&r, h, 1460);
	for (uint32_t turn = 0; turn < 50; turn++) {
		rings_poll(&r);
		if (!rings_wire_seg(&r, &seg))
			continue;
		assert_int_equal(seg.seq, (uint32_t)(RINGS_OUR_SEQ + sent));
		sent += seg.len;
	}
	assert_int_equal(sent, 5 * 1460);
	assert_int_equal(chim_dp_counters(r.worker[0])->ip4.tcp_retransmitted_segments, 0);
	rings_wire_in(&r, 0, rings_ack(&r, 0, sent));
	rings_settle(&r);
	while (rings_collect(&r, 0, &io)) {
		for (struct rte_mbuf *m = io.m, *next; m != NULL; m = next) {
			next = chim_nbl(m)->next;
			rte_pktmbuf_free(m);
		}
	}
	rings_down(&r);
}

/* The wire takes nothing at all: the terminate comes to its end without the ACK. */
static void
a_dead_wire_cannot_keep_a_connection(void **state)
{
	struct rte_mbuf *m, *next;
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .wire_size = 1, .nb_mbufs = 4095 });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 400; i++)
		rings_kernel_in(&r, 0, rings_kernel_data(&r, 1, i, 1));
	rings_host_send(&r, h, 1000);
	for (uint32_t i = 0; i < 30; i++)
		rings_poll(&r);
	msg = rings_msg(&r, CHIM_MSG_TERMINATE);
	msg->handle = h;
	msg->tcp.want = CHIM_WANT_DELEGATED;
	rings_send(&r, 0, msg);
	for (uint32_t i = 0; i < 250; i++)
		rings_poll(&r);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	for (m = msg->tcp.send_chain; m != NULL; m = next) {
		next = chim_nbl(m)->next;
		rte_pktmbuf_free(m);
	}
	rings_down(&r);
}

/* ---- many that wait ---- */

#define MANY 300u /* more than a transmit vector holds */

/* The wire takes a frame at a time, and every connection has data for it, in their order. */
static void
many_up(struct rings *r, chim_handle_t *h)
{
	rings_up(r,
		&(struct rings_opts){ .wire_size = 1,
			.nb_mbufs = 4095,
			.max_connections = MANY,
			.host_entries = 1024 });
	for (uint16_t flow = 0; flow < MANY; flow++)
		h[flow] = rings_install(r, flow);
	/* Their first ACKs. */
	for (uint32_t i = 0; i < MANY; i++) {
		rings_poll(r);
		rings_wire_drain(r);
	}
	rings_settle(r);
	for (uint16_t flow = 0; flow < MANY; flow++) {
		rings_host_send(r, h[flow], 100);
		rings_poll(r);
	}
}

/* The flow of the next frame that leaves. */
static uint32_t
next_flow(struct rings *r)
{
	struct rte_mbuf *m = NULL;
	const struct rte_tcp_hdr *tcp;
	uint32_t flow;

	for (uint32_t i = 0; i < 3 && m == NULL; i++) {
		rings_poll(r);
		m = rings_wire_out(r, 0);
	}
	assert_non_null(m);
	tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, 14 + 20);
	flow = rte_be_to_cpu_16(tcp->dst_port) - FRAME_REMOTE_PORT;
	rte_pktmbuf_free(m);
	return flow;
}

static void
who_waits_for_the_wire_is_served_in_turn(void **state)
{
	chim_handle_t h[MANY];
	struct rings r;

	many_up(&r, h);
	/* Who has more to send now comes behind those who wait. */
	rings_host_send(&r, h[MANY - 1], 100);
	for (uint32_t i = 0; i < 10; i++)
		rings_host_send(&r, h[0], 100);
	for (uint32_t flow = 0; flow < MANY; flow++)
		assert_int_equal(next_flow(&r), flow);
	rings_settle(&r);
	rings_down(&r);
}

/* Those who wait are not looked at while nothing can be sent; one of them may have to go. */
static void
who_waits_for_a_dead_wire_can_be_terminated(void **state)
{
	static const uint16_t flows[] = { MANY - 1, MANY - 20, MANY - 2 };
	chim_handle_t h[MANY];
	struct rings r;

	many_up(&r, h);
	for (uint32_t i = 0; i < CHIM_DIM(flows); i++) {
		struct chim_msg *msg = rings_msg(&r, CHIM_MSG_TERMINATE);

		msg->handle = h[flows[i]];
		msg->tcp.want = CHIM_WANT_DELEGATED;
		rings_send(&r, 0, msg);
		for (uint32_t turn = 0; turn < 250; turn++)
			rings_poll(&r);
		assert_ptr_equal(rings_reply(&r, 0), msg);
		assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
		chim_nbl_free(msg->tcp.send_chain);
	}
	/* The others are all served; nobody is left out, nobody comes twice. */
	uint32_t seen[MANY] = { 0 };

	for (uint32_t i = 0; i < MANY - CHIM_DIM(flows); i++)
		seen[next_flow(&r)]++;
	for (uint32_t i = 0; i < CHIM_DIM(flows); i++)
		seen[flows[i]]++;
	for (uint32_t flow = 0; flow < MANY; flow++)
		assert_int_equal(seen[flow], 1);
	rings_settle(&r);
	rings_down(&r);
}

static void
who_waits_for_the_host_is_heard_in_turn(void **state)
{
	enum {
		NB = 12
	};
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .host_entries = 2 });
	for (uint16_t flow = 0; flow < NB; flow++)
		rings_install(&r, flow);
	for (uint16_t flow = 0; flow < NB; flow++) {
		rings_wire_in(&r, 0, rings_data(&r, flow, 0, 10));
		rings_poll(&r);
	}
	/* Who gets more meanwhile keeps his place. */
	for (uint16_t flow = 0; flow < NB; flow++)
		rings_wire_in(&r, 0, rings_data(&r, NB - 1 - flow, 10, 10));
	rings_poll(&r);
	/* 0 and 1 were heard; 1 filled the ring, and waits since then. */
	for (uint32_t i = 0; i < NB + 2; i++) {
		uint32_t flow = i < 2 ? i : (i - 1) % NB;

		assert_true(rings_collect(&r, 0, &io));
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		assert_int_equal(io.offload_handle, 1000 + flow);
		assert_int_equal(io.bytes, flow < 2 ? 10 : 20);
		rte_pktmbuf_free(io.m);
		rings_poll(&r);
	}
	assert_false(rings_collect(&r, 0, &io));
	assert_true(chim_dp_counters(r.worker[0])->host_full >= NB - 2);
	rings_down(&r);
}

/* Its host has no socket yet that they could go to: a kernel would answer them with a reset. */
static void
beyond_its_bound_the_hold_of_a_terminate_drops(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_hold_bytes = 4 * 256 });
	rings_terminate(&r, rings_install(&r, 0));
	for (uint32_t i = 0; i < 7; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_why(&r, CHIM_WHY_HOLD_NO_ROOM), 3);
	assert_null(rings_reply(&r, 0));
	assert_int_equal(rings_release(&r, 0), CHIM_STATUS_SUCCESS);
	assert_int_equal(rings_kernel_drain(&r), 4);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(who_waits_for_the_wire_is_served_in_turn),
	cmocka_unit_test(who_waits_for_a_dead_wire_can_be_terminated),
	cmocka_unit_test(who_waits_for_the_host_is_heard_in_turn),
	cmocka_unit_test(a_full_host_ring_delays_and_loses_nothing),
	cmocka_unit_test(a_terminate_waits_for_room_to_tell_everything_first),
	cmocka_unit_test(one_host_that_does_not_read_keeps_no_other_waiting),
	cmocka_unit_test(a_full_wire_delays_and_loses_nothing),
	cmocka_unit_test(a_dead_wire_cannot_keep_a_connection),
	cmocka_unit_test(beyond_its_bound_the_hold_of_a_terminate_drops),
};
CHIM_CMOCKA_SUITE(dp_backpressure_autotest, tests, NULL, NULL)
