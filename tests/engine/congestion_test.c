/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Congestion control of whole connections over a bottleneck of 20 Mbit/s, 20 ms
 * and a short queue: each algorithm fills the link, with ECN nothing is lost,
 * no tail waits for a timeout, and two flows through one bottleneck share it.
 * CHIM_SOAK=n shares n times as long.
 */
#include "eng_int.h"
#include "pair.h"
#include "pick.h"

#define MIB	    (1024u * 1024u)
#define BITS_A_US   20u
#define SHARED_BITS 10u
#define DELAY_US    10000u
#define SHARE(pct)  ((uint64_t)4 * MIB * 8 / BITS_A_US * 100 / (pct))

static struct pair *
bottleneck(uint32_t algorithm, uint32_t queue, uint32_t mark_above)
{
	return pair_new(&(struct pair_opts){
		.eng = {
			.mss = 1448,
			.has_ts = true,
			.has_ecn = mark_above != 0,
			.algorithm = algorithm,
			.snd_wnd = 4 * MIB,
			.rcv_wnd = 4 * MIB,
			.snd_wscale = 8,
			.rcv_wscale = 8,
		},
		.bytes = { 4 * MIB },
		.outstanding = MIB,
		.delay_us = DELAY_US,
		.bits_per_us = BITS_A_US,
		.queue = queue,
		.mark_above = mark_above,
	});
}

/* Run; the share of the link, in per cent, is at least so much. */
static void
run_and_measure(struct pair *p, uint32_t least)
{
	chim_us_t begin = p->now;

	assert_true(pair_run(p, 60000));
	/* less what crosses in the first and the last round trip */
	if (p->done_at - begin > SHARE(least) + 8 * DELAY_US)
		fail_msg("took %lu us", (unsigned long)(p->done_at - begin));
	assert_int_equal(p->end[0].e->counters.rto, 0);
}

/* RFC 5681 with RFC 6675, RFC 9937: losses are repaired, the link stays busy. */
static void
newreno_fills_a_link_with_a_short_queue(void **state)
{
	struct pair *p = bottleneck(CHIM_CC_NEWRENO, 40, 0);

	(void)state;
	run_and_measure(p, 75);
	assert_true(p->end[0].e->counters.fast_recovery > 0);
	pair_finish(p);
}

/* RFC 9438, RFC 9406 */
static void
cubic_fills_a_link_with_a_short_queue(void **state)
{
	struct pair *p = bottleneck(CHIM_CC_CUBIC, 40, 0);

	(void)state;
	run_and_measure(p, 80);
	assert_true(p->end[0].e->counters.fast_recovery > 0);
	pair_finish(p);
}

/* RFC 3168: marks instead of losses; both ends' parts of the echo work. */
static void
ecn_spares_every_loss(void **state)
{
	struct pair *p = bottleneck(CHIM_CC_CUBIC, 400, 30);

	(void)state;
	run_and_measure(p, 80);
	assert_true(p->end[1].e->counters.ecn_ce_in > 0);
	assert_true(p->end[0].e->counters.ecn_reductions > 0);
	assert_true(p->end[0].e->counters.ecn_reductions < p->end[1].e->counters.ecn_ce_in);
	assert_int_equal(eng_view(p->end[0].e).retransmits, 0);
	pair_finish(p);
}

/* RFC 8257 */
static void
dctcp_answers_marks_in_proportion(void **state)
{
	struct pair *p = bottleneck(CHIM_CC_DCTCP, 400, 10);

	(void)state;
	run_and_measure(p, 80);
	assert_true(p->end[0].e->counters.ecn_reductions > 3);
	assert_int_equal(eng_view(p->end[0].e).retransmits, 0);
	pair_finish(p);
}

/* Two flows of these algorithms through one bottleneck; their bytes after the first 5 s. */
static void
share(uint32_t a, uint32_t b, uint32_t ms_after, uint64_t got[2])
{
	const uint32_t algorithm[2] = { a, b };
	uint64_t before[2] = { 0 };
	chim_us_t link = 0;
	struct pair *p[2];

	for (uint32_t i = 0; i < 2; i++) {
		p[i] = pair_new(&(struct pair_opts){
			.eng = {
				.mss = 1448,
				.has_ts = true,
				.algorithm = algorithm[i],
				.snd_wnd = 4 * MIB,
				.rcv_wnd = 4 * MIB,
				.snd_wscale = 8,
				.rcv_wscale = 8,
			},
			.bytes = { 1ull << 40 },
			.outstanding = MIB,
			.delay_us = DELAY_US,
			.bits_per_us = SHARED_BITS,
			.queue = 40,
			.shared = &link,
			.seed = i + 1,
		});
	}
	chim_us_t begin = p[0]->now;

	/* in slices of a millisecond, so that neither is much ahead of the other at the link */
	for (uint32_t ms = 1; ms <= 5000 + ms_after; ms++) {
		for (uint32_t k = 0; k < 2; k++) {
			uint32_t i = (ms + k) % 2; /* first at the queue by turns */
			chim_us_t until = begin + (chim_us_t)ms * CHIM_US_PER_MS;

			if (until > p[i]->now)
				pair_run(p[i], (uint32_t)((until - p[i]->now) / CHIM_US_PER_MS));
			if (ms == 5000)
				before[i] = p[i]->end[1].got;
		}
	}
	for (uint32_t i = 0; i < 2; i++)
		got[i] = p[i]->end[1].got - before[i];
	uint32_t in_use = p[0]->end[0].e->in_use;

	for (uint32_t i = 0; i < 2; i++)
		pair_release(p[i]);
	assert_int_equal(eng_in_use(), in_use);
}

/* 10 Mbit/s for 10 s, or a multiple; each gets its half, about, and nothing is left lying. */
static void
expect_shares(uint32_t a, uint32_t b, uint32_t least_of_100)
{
	uint32_t ms = 10000 * (uint32_t)pick_setting("CHIM_SOAK", 1);
	uint64_t whole = (uint64_t)ms * 1000 * SHARED_BITS / 8;
	uint64_t got[2];

	share(a, b, ms, got);
	uint64_t sum = got[0] + got[1];
	uint64_t less = RTE_MIN(got[0], got[1]);

	if (sum * 100 < whole * 80 || less * 100 < sum * least_of_100)
		fail_msg("shares of %lu and %lu bytes", got[0], got[1]);
}

static void
two_of_a_kind_share_a_link(void **state)
{
	(void)state;
	expect_shares(CHIM_CC_NEWRENO, CHIM_CC_NEWRENO, 30);
	expect_shares(CHIM_CC_CUBIC, CHIM_CC_CUBIC, 30);
}

/* RFC 9438, 5.1: where windows are small CUBIC takes about what Reno takes. */
static void
cubic_leaves_newreno_its_share(void **state)
{
	(void)state;
	expect_shares(CHIM_CC_CUBIC, CHIM_CC_NEWRENO, 20);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(newreno_fills_a_link_with_a_short_queue),
	cmocka_unit_test(cubic_fills_a_link_with_a_short_queue),
	cmocka_unit_test(ecn_spares_every_loss),
	cmocka_unit_test(dctcp_answers_marks_in_proportion),
	cmocka_unit_test(two_of_a_kind_share_a_link),
	cmocka_unit_test(cubic_leaves_newreno_its_share),
};
CHIM_CMOCKA_SUITE(engine_congestion_autotest, tests, NULL, NULL)
