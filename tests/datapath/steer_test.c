/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Two workers, polled in turn: frames that land on the wrong one reach their
 * connection, in order; a device with one queue pair serves both; time is each
 * worker's own.
 */
#include <rte_tcp.h>

#include "rings.h"

static void
collect_stream(struct rings *r, uint32_t worker, uint32_t *bytes)
{
	struct chim_io io;

	while (rings_collect(r, worker, &io)) {
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		*bytes += io.bytes;
		io.op = CHIM_IO_RETURN;
		rings_post(r, &io);
		rings_poll(r);
	}
}

/* All frames of both workers' flows come in by one queue. */
static void
run_by_queue(const struct rings_opts *opts, uint32_t queue)
{
	uint32_t bytes[2] = { 0, 0 };
	uint16_t flow[2];
	struct rings r;

	rings_up(&r, opts);
	for (uint32_t i = 0; i < 2; i++) {
		flow[i] = rings_flow_of(&r, i);
		rings_install(&r, flow[i]);
	}
	for (uint32_t i = 0; i < 40; i++) {
		rings_wire_in(&r, queue, rings_data(&r, flow[0], i * 50, 50));
		rings_wire_in(&r, queue, rings_data(&r, flow[1], i * 50, 50));
		if (i % 7 == 0)
			rings_poll(&r);
	}
	rings_settle(&r);
	collect_stream(&r, 0, &bytes[0]);
	collect_stream(&r, 1, &bytes[1]);
	assert_int_equal(bytes[0], 2000);
	assert_int_equal(bytes[1], 2000);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(chim_dp_counters(r.worker[i])->segments, 40);
		assert_int_equal(chim_dp_counters(r.worker[i])->tcp.out_of_order, 0);
	}
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_true(rings_wire_drain(&r) > 0);
	rings_settle(&r);
	rings_down(&r);
}

static void
frames_on_the_wrong_queue_reach_their_connection_in_order(void **state)
{
	run_by_queue(&(struct rings_opts){ .nb_workers = 2 }, 0);
	run_by_queue(&(struct rings_opts){ .nb_workers = 2 }, 1);
}

static void
checklist_177_every_frame_delivered_to_the_wrong_worker_first(void **state)
{
	run_by_queue(&(struct rings_opts){ .nb_workers = 2, .deliver_to_wrong_worker = true }, 0);
	run_by_queue(&(struct rings_opts){ .nb_workers = 2, .deliver_to_wrong_worker = true }, 1);
}

static void
a_device_with_one_queue_serves_both_workers(void **state)
{
	run_by_queue(&(struct rings_opts){ .nb_workers = 2, .has_one_queue = true }, 0);
}

static void
take_turns(struct rings *r, const uint32_t *order)
{
	for (uint32_t i = 0; i < 2; i++)
		chim_dp_poll(r->worker[order[i]], r->now);
}

/*
 * Frames by both queues, by turns: what was handed over is taken before what comes by the own
 * queue. With the reader polled first nothing is out of order; with the owner first it is, and
 * is put right.
 */
static void
run_mixed(const uint32_t *order, bool is_in_order)
{
	uint64_t early = 0;
	uint32_t bytes = 0;
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	flow = rings_flow_of(&r, 1);
	rings_install(&r, flow);
	for (uint32_t i = 0; i < 60; i += 3) {
		rings_wire_in(&r, 0, rings_data(&r, flow, i * 50, 50));
		rings_wire_in(&r, 0, rings_data(&r, flow, (i + 1) * 50, 50));
		rings_wire_in(&r, 1, rings_data(&r, flow, (i + 2) * 50, 50));
		take_turns(&r, order);
	}
	rings_settle(&r);
	collect_stream(&r, 1, &bytes);
	assert_int_equal(bytes, 60 * 50);
	early = chim_dp_counters(r.worker[1])->tcp.out_of_order;
	assert_int_equal(early != 0, !is_in_order);
	assert_int_equal(chim_dp_counters(r.worker[0])->handed_over, 40);
	rings_wire_drain(&r);
	rings_settle(&r);
	rings_down(&r);
}

static void
frames_of_the_right_and_the_wrong_worker_mixed_make_one_stream(void **state)
{
	run_mixed((const uint32_t[]){ 0, 1 }, true);
	run_mixed((const uint32_t[]){ 1, 0 }, false);
}

/* Whose frame is it? By the peer's port. */
static uint16_t
flow_of_frame(const struct rte_mbuf *m)
{
	const struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, 34);

	return (uint16_t)(rte_be_to_cpu_16(tcp->dst_port) - FRAME_REMOTE_PORT);
}

/* What a worker has sent: of its own connection only, its acknowledgments never going back. */
static uint32_t
expect_own_acks(struct rings *r, uint32_t worker, uint16_t flow, uint32_t *acked)
{
	struct rte_mbuf *m;
	uint32_t nb = 0;

	while ((m = rings_wire_out(r, worker)) != NULL) {
		const struct rte_tcp_hdr *tcp =
			rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, 34);
		uint32_t ack = rte_be_to_cpu_32(tcp->recv_ack) - RINGS_PEER_SEQ;

		assert_int_equal(flow_of_frame(m), flow);
		assert_true(ack >= *acked);
		*acked = ack;
		nb++;
		rte_pktmbuf_free(m);
	}
	return nb;
}

/* Delayed ACKs run out between the frames, each on its connection's worker. */
static void
every_frame_on_the_wrong_worker_and_timers_between_them(void **state)
{
	uint32_t acked[2] = { 0 }, bytes[2] = { 0 }, nb[2] = { 0 };
	uint16_t flow[2];
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2, .deliver_to_wrong_worker = true });
	for (uint32_t i = 0; i < 2; i++) {
		flow[i] = rings_flow_of(&r, i);
		rings_install(&r, flow[i]);
	}
	for (uint32_t k = 0; k < 40; k++) {
		for (uint32_t i = 0; i < 2; i++)
			rings_wire_in(&r, (k / 3) % 2, rings_data(&r, flow[i], k * 50, 50));
		rings_settle(&r);
		rings_wait(&r, k % 4 == 0 ? 7 : 50);
		for (uint32_t i = 0; i < 2; i++) {
			collect_stream(&r, i, &bytes[i]);
			nb[i] += expect_own_acks(&r, i, flow[i], &acked[i]);
		}
	}
	for (uint32_t i = 0; i < 2; i++) {
		const struct chim_dp_counters *n = chim_dp_counters(r.worker[i]);

		assert_int_equal(bytes[i], 40 * 50);
		assert_int_equal(acked[i], 40 * 50);
		assert_int_equal(n->tcp.out_of_order, 0);
		assert_true(n->tcp.delayed_acks >= 15);
		assert_true(nb[i] >= n->tcp.delayed_acks);
	}
	rings_down(&r);
}

/* One wheel for each worker: the time of one that is not polled stands still, and is made up for.
 */
static void
each_worker_has_its_own_wheel(void **state)
{
	struct chim_seg seg;
	chim_handle_t h[2];
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	for (uint32_t i = 0; i < 2; i++) {
		h[i] = rings_install(&r, rings_flow_of(&r, i));
		rings_host_send(&r, h[i], 100);
	}
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 2);
	for (uint32_t i = 0; i < 50; i++) {
		r.now += 100 * CHIM_US_PER_MS;
		chim_dp_poll(r.worker[0], r.now);
	}
	assert_true(chim_dp_counters(r.worker[0])->tcp.rto >= 2);
	assert_int_equal(chim_dp_counters(r.worker[1])->tcp.rto, 0);
	while (rings_wire_seg(&r, &seg))
		assert_int_equal(seg.seq, RINGS_OUR_SEQ);
	chim_dp_poll(r.worker[1], r.now);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_settle(&r);
	rings_down(&r);
}

/* The engine speaks for the flow, whoever reads what the kernel says of it. */
static void
the_kernels_frames_of_an_offloaded_flow_are_dropped_whoever_reads_them(void **state)
{
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	flow = rings_flow_of(&r, 1);
	rings_install(&r, flow);
	for (uint32_t i = 0; i < 20; i++)
		rings_kernel_in(&r, i % 2, rings_kernel_data(&r, flow, i * 10, 10));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, (uint16_t)(flow + 100), 0, 10));
	rings_settle(&r);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_OF_OFFLOADED), 20);
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_int_equal(rings_kernel_drain(&r), 0);
	rings_down(&r);
}

static void
misses_are_punted_by_their_owner_and_once(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	for (uint32_t i = 0; i < 2; i++) {
		for (uint16_t flow = 0; flow < 20; flow++)
			rings_wire_in(&r, i, rings_data(&r, flow, 0, 1));
	}
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_MISS), 40);
	assert_int_equal(rings_kernel_drain(&r), 40);
	assert_int_equal(chim_dp_counters(r.worker[0])->handed_over +
			chim_dp_counters(r.worker[1])->handed_over,
		20);
	rings_down(&r);
}

static void
a_hold_is_kept_by_the_owner_whoever_reads_the_frame(void **state)
{
	struct chim_seg seg;
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	flow = rings_flow_of(&r, 1);
	assert_int_equal(rings_hold(&r, flow, 0, 0), CHIM_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 10; i++)
		rings_wire_in(&r, 0, rings_data(&r, flow, i, 1));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, flow, 0, 5));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_int_equal(rings_release(&r, flow), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(rings_kernel_seg(&r, &seg));
		assert_int_equal(seg.seq, RINGS_PEER_SEQ + i);
	}
	rings_down(&r);
}

/* Worker 0 reads the kernel's frames and the marker; the hold is worker 1's. */
static void
a_marker_reaches_the_worker_whose_seal_it_ends(void **state)
{
	struct chim_msg *msg;
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2, .has_one_queue = true });
	flow = rings_flow_of(&r, 1);
	rings_hold(&r, flow, 0, 0);
	msg = rings_msg(&r, CHIM_MSG_SEAL);
	msg->flow.tuple = rings_tuple(flow);
	msg->flow.marker = 5;
	rings_send(&r, 1, msg);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, flow, 0, 100));
	rings_kernel_in(&r, 0, rings_marker(&r, 5));
	rings_kernel_in(&r, 0, rings_kernel_data(&r, flow, 100, 100));
	rings_settle(&r);
	assert_ptr_equal(rings_reply(&r, 1), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 100));
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_SEALED), 1);
	rings_down(&r);
}

/* Two queues: the one without the marker must have been read too, and what it held recorded. */
static void
a_seal_waits_for_every_queue_of_the_exception_port(void **state)
{
	struct chim_msg *msg;
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	flow = rings_flow_of(&r, 1);
	rings_hold(&r, flow, 0, 0);
	msg = rings_msg(&r, CHIM_MSG_SEAL);
	msg->flow.tuple = rings_tuple(flow);
	msg->flow.marker = 5;
	rings_send(&r, 1, msg);
	chim_dp_poll(r.worker[1], r.now);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, flow, 0, 100));
	rings_kernel_in(&r, 1, rings_marker(&r, 5));
	chim_dp_poll(r.worker[1], r.now);
	assert_null(rings_reply(&r, 1));
	rings_settle(&r);
	assert_ptr_equal(rings_reply(&r, 1), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 100));
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_kernel_in(&r, 0, rings_kernel_data(&r, flow, 100, 100));
	rings_settle(&r);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_SEALED), 1);
	rings_down(&r);
}

static void
a_full_mailbox_between_workers_drops_and_counts(void **state)
{
	uint16_t flow;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .nb_workers = 2 });
	flow = rings_flow_of(&r, 1);
	for (uint32_t i = 0; i < 300; i++)
		rings_wire_in(&r, 0, rings_data(&r, flow, i, 1));
	for (uint32_t i = 0; i < 20; i++)
		chim_dp_poll(r.worker[0], r.now);
	assert_int_equal(rings_why(&r, CHIM_WHY_HANDOFF_NO_ROOM), 300 - 255);
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 255);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(frames_on_the_wrong_queue_reach_their_connection_in_order),
	cmocka_unit_test(checklist_177_every_frame_delivered_to_the_wrong_worker_first),
	cmocka_unit_test(a_device_with_one_queue_serves_both_workers),
	cmocka_unit_test(frames_of_the_right_and_the_wrong_worker_mixed_make_one_stream),
	cmocka_unit_test(every_frame_on_the_wrong_worker_and_timers_between_them),
	cmocka_unit_test(each_worker_has_its_own_wheel),
	cmocka_unit_test(the_kernels_frames_of_an_offloaded_flow_are_dropped_whoever_reads_them),
	cmocka_unit_test(misses_are_punted_by_their_owner_and_once),
	cmocka_unit_test(a_hold_is_kept_by_the_owner_whoever_reads_the_frame),
	cmocka_unit_test(a_marker_reaches_the_worker_whose_seal_it_ends),
	cmocka_unit_test(a_seal_waits_for_every_queue_of_the_exception_port),
	cmocka_unit_test(a_full_mailbox_between_workers_drops_and_counts),
};
CHIM_CMOCKA_SUITE(dp_steer_autotest, tests, NULL, NULL)
