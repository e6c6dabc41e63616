/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a burst costs: one visit of each touched connection a turn, whatever
 * the number of its segments; and what must not be merged.
 */
#include "rings.h"

static void
a_burst_makes_one_indication_and_few_acks(void **state)
{
	struct chim_io io;
	uint32_t acks;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	for (uint32_t i = 0; i < 32; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
	rings_poll(&r);
	acks = rings_wire_drain(&r);
	assert_true(acks >= 1 && acks <= 2);
	assert_int_equal(chim_dp_counters(r.worker[0])->segments, 32);
	rings_expect_data(&r, 0, 3200);
	assert_false(rings_collect(&r, 0, &io));
	rings_settle(&r);
	rings_down(&r);
}

/* Duplicate ACKs say how many segments arrived: one for each (RFC 5681, 3.2). */
static void
duplicate_acks_are_counted_not_merged(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	for (uint32_t i = 1; i <= 5; i++)
		rings_wire_in(&r, 0, rings_data(&r, 0, i * 100, 100));
	rings_poll(&r);
	assert_int_equal(rings_wire_drain(&r), 5);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	rings_expect_data(&r, 0, 600);
	rings_settle(&r);
	rings_down(&r);
}

static void
connections_in_one_burst_do_not_mix(void **state)
{
	struct chim_io io;
	uint32_t sum[4] = { 0 };
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	for (uint16_t flow = 0; flow < 4; flow++)
		rings_install(&r, flow);
	for (uint32_t i = 0; i < 8; i++) {
		for (uint16_t flow = 0; flow < 4; flow++)
			rings_wire_in(&r, 0, rings_data(&r, flow, i * 10, (uint16_t)10));
	}
	rings_settle(&r);
	while (rings_collect(&r, 0, &io)) {
		assert_int_equal(io.op, CHIM_IO_INDICATE);
		assert_in_range(io.offload_handle, 1000, 1003);
		sum[io.offload_handle - 1000] += io.bytes;
		io.op = CHIM_IO_RETURN;
		rings_post(&r, &io);
	}
	rings_settle(&r);
	for (uint16_t flow = 0; flow < 4; flow++)
		assert_int_equal(sum[flow], 80);
	rings_down(&r);
}

static void
a_turn_takes_no_more_than_its_budget_from_each_source(void **state)
{
	const struct chim_dp_counters *n;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	n = chim_dp_counters(r.worker[0]);
	for (uint32_t i = 0; i < 100; i++) {
		rings_wire_in(&r, 0, rings_data(&r, 0, i, 1));
		rings_kernel_in(&r, 0, rings_kernel_data(&r, 0, i, 1));
	}
	rings_poll(&r);
	assert_int_equal(n->rx_frames, 32);
	assert_int_equal(n->kernel_rx_frames, 32);
	rings_settle(&r);
	assert_int_equal(n->rx_frames, 100);
	assert_int_equal(n->kernel_rx_frames, 100);
	rings_down(&r);
}

static void
data_goes_both_ways_to_the_last_byte(void **state)
{
	uint32_t sent = 0, acked = 0, turn;
	struct chim_seg seg;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 10; i++)
		rings_host_send(&r, h, 2000);
	for (turn = 0; turn < 200 && acked < 10; turn++) {
		rings_poll(&r);
		while (rings_wire_seg(&r, &seg)) {
			assert_int_equal(seg.seq, (uint32_t)(RINGS_OUR_SEQ + sent));
			assert_true(seg.info & CHIM_SEG_CSUM_OK || seg.why == CHIM_WHY_NONE);
			sent += seg.len;
		}
		rings_wire_in(&r, 0, rings_ack(&r, 0, sent));
		while (rings_collect(&r, 0, &io)) {
			assert_int_equal(io.op, CHIM_IO_SEND_DONE);
			for (struct rte_mbuf *m = io.m, *next; m != NULL; m = next) {
				next = chim_nbl(m)->next;
				assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_SUCCESS);
				assert_int_equal(chim_nbl(m)->bytes, 2000);
				rte_pktmbuf_free(m);
				acked++;
			}
		}
	}
	assert_int_equal(acked, 10);
	assert_int_equal(sent, 20000);
	rings_down(&r);
}

static void
an_idle_worker_does_nothing(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_settle(&r);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(rings_poll(&r), 0);
	rings_wait(&r, 20000);
	assert_int_equal(rings_wire_drain(&r), 0);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_burst_makes_one_indication_and_few_acks),
	cmocka_unit_test(duplicate_acks_are_counted_not_merged),
	cmocka_unit_test(connections_in_one_burst_do_not_mix),
	cmocka_unit_test(a_turn_takes_no_more_than_its_budget_from_each_source),
	cmocka_unit_test(data_goes_both_ways_to_the_last_byte),
	cmocka_unit_test(an_idle_worker_does_nothing),
};
CHIM_CMOCKA_SUITE(dp_batch_autotest, tests, NULL, NULL)
