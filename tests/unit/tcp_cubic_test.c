/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * CUBIC (RFC 9438) against its formulas computed in floating point: the cube
 * root, the curve, the region friendly to NewReno, fast convergence.
 */
#include "tcp_cc.h"
#include "tcp_cc_algo.h"
#include "test.h"

#define MSS 1000u
#define ISS 0xFFFFFF00u
#define T0  ((chim_us_t)0xFFFFFF00u * 1000u)
#define RTT 100000u

static struct tcp_cc cc;
static struct tcp_cc_run run;
static struct tcp_cc_ack a;

/* The cube root of RFC 9438, 4.2 by bisection: no libm, nothing of the code under test. */
static double
cube_root(double x)
{
	double low = 0, high = x < 1 ? 1 : x;

	for (int i = 0; i < 200; i++) {
		double mid = (low + high) / 2;

		if (mid * mid * mid <= x)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static void
begin(uint32_t cwnd, uint32_t ssthresh, uint32_t w_max)
{
	tcp_cc_init(&cc, CHIM_CC_CUBIC, cwnd, ssthresh);
	run = (struct tcp_cc_run){ 0 };
	cc.w_max = w_max;
	a = (struct tcp_cc_ack){ .now_us = T0,
		.una = ISS,
		.max = ISS + cwnd,
		.mss = MSS,
		.abc_limit = 4,
		.srtt_us = RTT };
}

/* Time passes, a window's ACKs at a time, a round trip each. */
static void
run_for(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += RTT / 1000) {
		uint32_t nb = cc.cwnd / MSS;

		for (uint32_t i = 0; i < nb; i++) {
			a.now_us += RTT / nb;
			a.acked = MSS;
			a.una += MSS;
			a.max = a.una + cc.cwnd;
			tcp_cc_on_ack(&cc, &run, &a);
		}
		a.now_us += RTT - RTT / nb * nb;
	}
}

static void
the_cube_root_is_the_whole_part(void **state)
{
	(void)state;
	assert_int_equal(tcp_cubic_root(0), 0);
	assert_int_equal(tcp_cubic_root(1), 1);
	assert_int_equal(tcp_cubic_root(7), 1);
	assert_int_equal(tcp_cubic_root(8), 2);
	assert_int_equal(tcp_cubic_root(UINT64_MAX), 2642245);
	for (uint64_t y = 1; y < 2642245; y += 997) {
		assert_int_equal(tcp_cubic_root(y * y * y), y);
		assert_int_equal(tcp_cubic_root(y * y * y - 1), y - 1);
	}
}

/* 4.2: after a loss at W_max the window is at W_max again after K, and on the curve between. */
static void
the_window_follows_the_curve(void **state)
{
	const double w_max = 1000, beta = 0.7, c = 0.4;
	const double k = cube_root(w_max * (1 - beta) / c); /* 9.09 s */

	(void)state;
	begin(700 * MSS, 700 * MSS, 1000 * MSS);
	for (uint32_t t = 1; t <= 16; t++) {
		run_for(1000);
		double want = c * (t - k) * (t - k) * (t - k) + w_max;
		double have = (double)cc.cwnd / MSS;

		/* half a round trip is how late an ACK can be */
		assert_true(have > want * 0.985 && have < want * 1.015 + 1);
	}
	assert_in_range(run.cubic.k_ms, (uint32_t)(k * 1000) - 2, (uint32_t)(k * 1000) + 2);
}

/* 4.3: on a short and slow path NewReno would be faster; CUBIC is not slower than it. */
static void
small_windows_grow_like_newreno(void **state)
{
	uint32_t first;

	(void)state;
	begin(14 * MSS, 14 * MSS, 20 * MSS);
	run_for(1000);
	first = cc.cwnd;
	/* 9/17 of a segment a round trip, until the window of the loss */
	assert_in_range(first, 14 * MSS + 10 * 450, 14 * MSS + 10 * 560);
	run_for(1000);
	assert_true(cc.cwnd >= 20 * MSS - 1500);
	/* then one a round trip */
	uint32_t at = cc.cwnd;
	run_for(1000);
	assert_in_range(cc.cwnd, at + 8 * MSS, at + 11 * MSS);
}

/* 4.6, 4.7 */
static void
a_loss_below_the_last_maximum_makes_room(void **state)
{
	(void)state;
	begin(1000 * MSS, 700 * MSS, 0);
	tcp_cc_on_loss(&cc, 1000 * MSS, MSS);
	assert_int_equal(cc.ssthresh, 700 * MSS);
	assert_int_equal(cc.w_max, 1000 * MSS);
	tcp_cc_on_exit(&cc, MSS);
	assert_int_equal(cc.cwnd, 700 * MSS);
	tcp_cc_on_loss(&cc, 700 * MSS, MSS);
	assert_int_equal(cc.w_max, 700 * MSS / 20 * 17);
	assert_int_equal(cc.ssthresh, 490 * MSS);
}

/* 4.8: after a timeout the curve begins at the window it finds. */
static void
a_timeout_forgets_the_maximum(void **state)
{
	(void)state;
	begin(1000 * MSS, 700 * MSS, 1200 * MSS);
	tcp_cc_on_rto(&cc, 1000 * MSS, MSS, true);
	assert_int_equal(cc.w_max, 0);
	assert_int_equal(cc.ssthresh, 700 * MSS);
	a.max = a.una + MSS;
	while (tcp_cc_is_slow_start(&cc))
		run_for(100);
	run_for(100);
	assert_int_equal(run.cubic.k_ms, 0);
	assert_in_range(cc.cwnd, 700 * MSS, 704 * MSS);
}

/* 5.8: while little is sent, the curve's time stands still. */
static void
time_without_data_does_not_count(void **state)
{
	(void)state;
	begin(700 * MSS, 700 * MSS, 1000 * MSS);
	run_for(1000);
	uint32_t before = cc.cwnd;
	a.now_us += 60 * CHIM_US_PER_S;
	a.max = a.una + MSS;
	a.acked = MSS;
	a.una += MSS;
	tcp_cc_on_ack(&cc, &run, &a);
	assert_int_equal(cc.cwnd, before);
	run_for(1000);
	assert_true(cc.cwnd <= 1000 * MSS);
}

static void
large_windows_and_long_times_do_not_overflow(void **state)
{
	(void)state;
	begin(0x30000000u, 0x30000000u, 0x40000000u);
	a.mss = 9000;
	a.acked = 60000;
	for (int i = 0; i < 1000; i++) {
		uint32_t before = cc.cwnd;

		a.now_us += 10 * CHIM_US_PER_S;
		a.max = a.una + cc.cwnd;
		tcp_cc_on_ack(&cc, &run, &a);
		assert_true(cc.cwnd >= before);
		assert_true(cc.cwnd <= 0x40000000u);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_cube_root_is_the_whole_part),
	cmocka_unit_test(the_window_follows_the_curve),
	cmocka_unit_test(small_windows_grow_like_newreno),
	cmocka_unit_test(a_loss_below_the_last_maximum_makes_room),
	cmocka_unit_test(a_timeout_forgets_the_maximum),
	cmocka_unit_test(time_without_data_does_not_count),
	cmocka_unit_test(large_windows_and_long_times_do_not_overflow),
};
CHIM_CMOCKA_SUITE(tcp_cubic_autotest, tests, NULL, NULL)
