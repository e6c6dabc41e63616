/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * How much of a path congestion control takes: under random loss what the
 * formulas of the RFCs say, within a factor of two; beside another flow of its
 * kind a fair share. Over the simulated link, in virtual time; CHIM_SOAK=n
 * makes the runs n times as long.
 */
#include <math.h>
#include <stdio.h>

#include "pick.h"
#include "pools.h"
#include "sim.h"

#define S   ((chim_us_t)CHIM_US_PER_S)
#define INF (1ull << 32)

static struct sim one, other;

/* Segments of window that a path with random loss lets a flow have, on average. */
static double
window_under_loss(uint8_t algorithm, uint32_t rtt_ms, uint32_t loss_every)
{
	chim_us_t us = 300 * S * pick_setting("CHIM_SOAK", 1);

	sim_begin(&one, algorithm, INF, 7);
	one.link.bytes_per_ms = 1000000; /* the loss alone bounds it */
	one.link.queue_bytes = 1u << 30;
	one.link.delay_us = rtt_ms * 1000 / 2;
	one.link.loss_every = loss_every;
	one.peer.delayed_ack_us = 0;
	sim_run(&one, 20 * S);
	uint64_t before = one.acked;

	sim_run(&one, us);
	double window = (double)(one.acked - before) / SIM_MSS * rtt_ms * 1000 / (double)us;

	sim_end(&one);
	return window;
}

static void
expect_about(double window, double formula)
{
	if (window < formula / 2 || window > formula * 2)
		fail_msg("%.1f segments on average; the formula says %.1f", window, formula);
}

/* RFC 5681; the square root formula of RFC 8312, 5.1: sqrt(3/2 / p). */
static void
newreno_has_the_window_of_its_formula(void **state)
{
	for (uint32_t every = 200; every <= 5000; every *= 5)
		expect_about(window_under_loss(CHIM_CC_NEWRENO, 50, every), sqrt(1.5 * every));
}

/* RFC 9438, 5.1: 1.054 (RTT / p)^3/4 segments where that is more than NewReno's. */
static void
cubic_has_the_window_of_its_formula(void **state)
{
	expect_about(window_under_loss(CHIM_CC_CUBIC, 200, 5000), 1.054 * pow(0.2 * 5000, 0.75));
	/* short paths: as NewReno (4.3) */
	expect_about(window_under_loss(CHIM_CC_CUBIC, 20, 500), sqrt(1.5 * 500));
}

/* Both flows in the one bottleneck: its queue is who waits there, of both. */
static void
run_together(chim_us_t us)
{
	const chim_us_t slice = 200;

	for (chim_us_t t = 0; t < us; t += slice) {
		one.busy_until = RTE_MAX(one.busy_until, other.busy_until);
		sim_run(&one, slice);
		other.busy_until = one.busy_until;
		sim_run(&other, slice);
	}
}

/* Jain's index of two: 1 is equal shares, 1/2 is nothing for one of them. */
static double
jain(double a, double b)
{
	return (a + b) * (a + b) / (2 * (a * a + b * b));
}

static void
share(uint8_t algorithm, uint8_t other_algorithm, double least)
{
	chim_us_t us = 120 * S * pick_setting("CHIM_SOAK", 1);

	sim_begin(&one, algorithm, INF, 3);
	sim_run(&one, 10 * S); /* it has all of the link when the other comes */
	sim_begin(&other, other_algorithm, INF, 5);
	chim_tcp_set_now(&other.env, one.env.now_us);
	run_together(60 * S);
	uint64_t of_one = one.acked, of_other = other.acked;

	run_together(us);
	of_one = one.acked - of_one;
	of_other = other.acked - of_other;
	double index = jain((double)of_one, (double)of_other);

	if (index < least)
		fail_msg("%lu and %lu bytes: Jain's index is %.3f", of_one, of_other, index);
	/* and nothing of the link is lost by sharing it */
	assert_true((of_one + of_other) * 1000 >= us * one.link.bytes_per_ms * 9 / 10);
	sim_drop(&other);
	sim_end(&one);
}

static void
two_flows_of_a_kind_have_equal_shares(void **state)
{
	share(CHIM_CC_NEWRENO, CHIM_CC_NEWRENO, 0.9);
	share(CHIM_CC_CUBIC, CHIM_CC_CUBIC, 0.9);
}

/* On a short path CUBIC takes no more than NewReno would (RFC 9438, 4.3), or not much. */
static void
cubic_leaves_newreno_its_share(void **state)
{
	share(CHIM_CC_NEWRENO, CHIM_CC_CUBIC, 0.75);
}

static int
teardown(void **state)
{
	sim_drop(&one);
	sim_drop(&other);
	return 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(newreno_has_the_window_of_its_formula, teardown),
	cmocka_unit_test_teardown(cubic_has_the_window_of_its_formula, teardown),
	cmocka_unit_test_teardown(two_flows_of_a_kind_have_equal_shares, teardown),
	cmocka_unit_test_teardown(cubic_leaves_newreno_its_share, teardown),
};

CHIM_CMOCKA_SUITE(tcp_response_autotest, tests, NULL, NULL)
