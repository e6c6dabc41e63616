/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * RACK-TLP (RFC 8985): loss by time, the reordering window and what widens it,
 * probe timeouts, and what a probe's ACK means. Ten segments a millisecond
 * apart, a round trip of 40 ms; sequence numbers and times begin below their wraps.
 */
#include "pools.h"
#include "tcp_rack.h"

#define ISS 0xFFFFFE00u
#define T0  0xFFFFD000u
#define MSS 100u
#define RTT 40000u

static struct rte_mempool *pool;
static struct tcp_sent q;
static struct tcp_rack rack;
static struct tcp_rack_kept kept;

static int
group_setup(void **state)
{
	(void)state;
	pool = pools_objects("rack_sent", 256, sizeof(struct tcp_sent_rec));
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	tcp_sent_init(&q);
	rack = (struct tcp_rack){ 0 };
	tcp_rack_kept_init(&kept);
	for (uint32_t i = 0; i < 10; i++) {
		const struct tcp_sent_new tx = {
			.seq = ISS + i * MSS, .len = MSS, .now_us = T0 + i * 1000, .segs = 1
		};

		assert_true(tcp_sent_append(&q, pool, &tx));
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tcp_sent_free(&q, pool);
	pools_check_full(pool);
	return 0;
}

/* Segment i is SACKED at a time. */
static void
sacked(uint32_t i, uint32_t at)
{
	const struct chim_sack b = { ISS + i * MSS, ISS + (i + 1) * MSS };
	struct tcp_delivery d = { .now_us = T0 + at, .has_sack = true };

	tcp_sent_sack(&q, pool, &b, MSS, &d);
	tcp_rack_min_rtt(&kept, d.rtt_us, (T0 + at) / 1000);
	tcp_rack_update(&rack, &kept, &d);
}

static uint32_t
detect(uint32_t at, bool in_recovery, uint32_t *left)
{
	const struct tcp_rack_in in = { .now_us = T0 + at,
		.srtt_us = RTT,
		.mss = MSS,
		.dup_thresh = 3,
		.in_recovery = in_recovery };
	uint32_t nb = tcp_rack_detect(&rack, &kept, &q, &in, left);

	assert_null(tcp_sent_check(&q));
	return nb;
}

static void
nothing_is_lost_before_anything_is_delivered(void **state)
{
	uint32_t left;

	(void)state;
	assert_int_equal(detect(RTT * 100, false, &left), 0);
	assert_int_equal(left, 0);
}

/* 6.2 step 5: sent before the delivered one, and a quarter of the round trip has passed. */
static void
a_segment_is_lost_after_the_reordering_window(void **state)
{
	uint32_t left;

	(void)state;
	sacked(1, 1000 + RTT);
	assert_int_equal(kept.min_rtt_us, RTT);
	assert_int_equal(rack.rtt_us, RTT);
	assert_int_equal(detect(1000 + RTT, false, &left), 0);
	assert_int_equal(left, RTT / 4 - 1000);
	assert_int_equal(detect(1000 + RTT + left - 1, false, &left), 0);
	assert_int_equal(left, 1);
	assert_int_equal(detect(RTT + RTT / 4, false, &left), 1);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, ISS);
	/* those sent after the delivered one do not run out of time */
	assert_int_equal(left, 0);
	assert_int_equal(detect(RTT * 50, false, &left), 0);
}

/* 6.2.4: three SACKED segments and no reordering seen: at once, as by RFC 6675. */
static void
three_sacked_need_no_window(void **state)
{
	uint32_t left;

	(void)state;
	sacked(1, 1000 + RTT);
	sacked(2, 2000 + RTT);
	assert_int_equal(detect(2000 + RTT, false, &left), 0);
	sacked(3, 3000 + RTT);
	assert_int_equal(detect(3000 + RTT, false, &left), 1);
}

static void
in_recovery_the_window_is_zero_until_reordering_is_seen(void **state)
{
	uint32_t left;

	(void)state;
	sacked(3, 3000 + RTT);
	assert_int_equal(detect(3000 + RTT, true, &left), 3);
}

/* 6.2 step 3 */
static void
a_late_original_shows_reordering(void **state)
{
	uint32_t left;

	(void)state;
	sacked(2, 2000 + RTT);
	assert_int_equal(kept.is_reordering, 0);
	sacked(1, 2500 + RTT);
	assert_int_equal(kept.is_reordering, 1);
	sacked(3, 3000 + RTT);
	/* three are SACKED, yet the first has a quarter of a round trip */
	assert_int_equal(detect(3000 + RTT, true, &left), 0);
	assert_int_equal(left, RTT / 4 - 3000);
}

static void
a_late_resend_shows_none(void **state)
{
	(void)state;
	sacked(2, 2000 + RTT);
	tcp_sent_lose(&q, tcp_sent_first(&q));
	tcp_sent_resent(&q, tcp_sent_first(&q), T0 + RTT + 3000);
	sacked(0, 3000 + 2 * RTT);
	assert_int_equal(kept.is_reordering, 0);
}

/* 6.2: a resend is lost when something sent after it is delivered. */
static void
a_lost_resend_is_found(void **state)
{
	uint32_t left;

	(void)state;
	sacked(1, 1000 + RTT);
	sacked(2, 2000 + RTT);
	sacked(3, 3000 + RTT);
	assert_int_equal(detect(3000 + RTT, true, &left), 1);
	tcp_sent_resent(&q, tcp_sent_first(&q), T0 + RTT + 3000);
	const struct tcp_sent_new tx = {
		.seq = ISS + 1000, .len = MSS, .now_us = T0 + RTT + 3001, .segs = 1
	};
	assert_true(tcp_sent_append(&q, pool, &tx));
	for (uint32_t i = 4; i < 10; i++)
		sacked(i, i * 1000 + RTT);
	assert_int_equal(detect(9000 + RTT, true, &left), 0);
	sacked(10, 3001 + 2 * RTT);
	assert_int_equal(detect(3001 + 2 * RTT, true, &left), 1);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, ISS);
}

/* 6.2.4: a DSACK widens, once a round trip, and 16 recoveries keep it. */
static void
dsack_widens_the_window_and_recoveries_narrow_it(void **state)
{
	const struct tcp_rack_in in = { .srtt_us = RTT, .dup_thresh = 3 };

	(void)state;
	kept.min_rtt_us = 8000;
	kept.is_reordering = 1;
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 2000);
	tcp_rack_dsack(&rack, &kept, true, ISS, ISS + 1000);
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 4000);
	tcp_rack_dsack(&rack, &kept, true, ISS + 500, ISS + 1500);
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 4000);
	tcp_rack_dsack(&rack, &kept, true, ISS + 1000, ISS + 2000);
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 6000);
	for (int i = 0; i < 15; i++)
		tcp_rack_recovered(&kept);
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 6000);
	tcp_rack_recovered(&kept);
	assert_int_equal(tcp_rack_window(&kept, &q, &in), 2000);
	/* never more than a round trip */
	kept.reo_mult = 255;
	assert_int_equal(tcp_rack_window(&kept, &q, &in), RTT);
}

static void
the_smallest_round_trip_is_forgotten_after_minutes(void **state)
{
	chim_ms_t at = 0xFFFFFF00u;

	(void)state;
	tcp_rack_min_rtt(&kept, 5000, at);
	tcp_rack_min_rtt(&kept, 9000, at + 1000);
	assert_int_equal(kept.min_rtt_us, 5000);
	tcp_rack_min_rtt(&kept, 4000, at + 2000);
	assert_int_equal(kept.min_rtt_us, 4000);
	tcp_rack_min_rtt(&kept, 9000, at + 2000 + 300000);
	assert_int_equal(kept.min_rtt_us, 9000);
	tcp_rack_min_rtt(&kept, 0, at + 2000000);
	assert_int_equal(kept.min_rtt_us, 9000);
}

/* 6.3: a timeout loses the first, and what RACK would call lost; not what left just now. */
static void
a_timeout_spares_what_was_just_sent(void **state)
{
	const struct tcp_rack_in in = {
		.now_us = T0 + RTT + 4500, .srtt_us = RTT, .dup_thresh = 3
	};

	(void)state;
	kept.min_rtt_us = 0;
	rack.rtt_us = RTT;
	kept.is_reordering = 1;
	kept.min_rtt_us = 4000; /* a window of 1 ms */
	tcp_rack_rto(&rack, &kept, &q, &in);
	assert_null(tcp_sent_check(&q));
	assert_int_equal(q.lost_bytes, 4 * MSS);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, ISS);
	/* soon after it was sent, the first alone */
	teardown(state);
	setup(state);
	rack.rtt_us = RTT;
	const struct tcp_rack_in soon = { .now_us = T0 + 9000, .srtt_us = RTT, .dup_thresh = 3 };
	tcp_rack_rto(&rack, &kept, &q, &soon);
	assert_int_equal(q.lost_bytes, MSS);
}

/* 7.2 */
static void
the_probe_timeout_follows_the_round_trip(void **state)
{
	(void)state;
	assert_int_equal(tcp_rack_pto(&q, RTT, MSS, 200000, 1000000), 2 * RTT);
	assert_int_equal(tcp_rack_pto(&q, RTT, 2000, 200000, 1000000), 2 * RTT + 200000);
	assert_int_equal(tcp_rack_pto(&q, 0, MSS, 200000, 3000000), 1000000);
	assert_int_equal(tcp_rack_pto(&q, RTT, MSS, 200000, 50000), 50000);
	assert_int_equal(tcp_rack_pto(&q, 100, MSS, 200000, 1000000), 2000);
}

/* 7.4.2 */
static void
a_probe_of_new_data_needs_no_answer(void **state)
{
	const struct tcp_delivery d = { .acked = 100 };

	(void)state;
	tcp_rack_tlp_sent(&rack, ISS + 1000, false);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &d, ISS + 900, false), TCP_TLP_NONE);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &d, ISS + 1000, false), TCP_TLP_DONE);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &d, ISS + 1000, false), TCP_TLP_NONE);
}

static void
a_duplicate_of_the_probe_means_no_loss(void **state)
{
	const struct tcp_delivery dsack = {
		.is_dsack = true, .dsack_start = ISS + 900, .dsack_end = ISS + 1000
	};
	const struct tcp_delivery plain = { .acked = 0 };

	(void)state;
	tcp_rack_tlp_sent(&rack, ISS + 1000, true);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &plain, ISS + 1000, false), TCP_TLP_NONE);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &dsack, ISS + 1000, false), TCP_TLP_DONE);
	/* without DSACK: the second, duplicate ACK */
	tcp_rack_tlp_sent(&rack, ISS + 1000, true);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &plain, ISS + 1000, false), TCP_TLP_NONE);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &plain, ISS + 1000, true), TCP_TLP_DONE);
}

static void
a_probe_that_repaired_a_loss_is_told(void **state)
{
	const struct tcp_delivery d = { .acked = 200 };

	(void)state;
	tcp_rack_tlp_sent(&rack, ISS + 1000, true);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &d, ISS + 1100, false), TCP_TLP_REPAIRED);
	assert_int_equal(tcp_rack_tlp_ack(&rack, &d, ISS + 1100, false), TCP_TLP_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(nothing_is_lost_before_anything_is_delivered),
	T(a_segment_is_lost_after_the_reordering_window),
	T(three_sacked_need_no_window),
	T(in_recovery_the_window_is_zero_until_reordering_is_seen),
	T(a_late_original_shows_reordering),
	T(a_late_resend_shows_none),
	T(a_lost_resend_is_found),
	T(dsack_widens_the_window_and_recoveries_narrow_it),
	T(the_smallest_round_trip_is_forgotten_after_minutes),
	T(a_timeout_spares_what_was_just_sent),
	T(the_probe_timeout_follows_the_round_trip),
	T(a_probe_of_new_data_needs_no_answer),
	T(a_duplicate_of_the_probe_means_no_loss),
	T(a_probe_that_repaired_a_loss_is_told),
};
CHIM_CMOCKA_SUITE(tcp_rack_autotest, tests, group_setup, group_teardown)
