/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Congestion control of whole connections over a bottleneck of 20 Mbit/s, 20 ms
 * and a short queue: each algorithm fills the link, with ECN nothing is lost,
 * and no tail waits for a timeout.
 */
#include "pair.h"

#define MIB	   (1024u * 1024u)
#define BITS_A_US  20u
#define DELAY_US   10000u
#define SHARE(pct) ((uint64_t)4 * MIB * 8 / BITS_A_US * 100 / (pct))

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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(newreno_fills_a_link_with_a_short_queue),
	cmocka_unit_test(cubic_fills_a_link_with_a_short_queue),
	cmocka_unit_test(ecn_spares_every_loss),
	cmocka_unit_test(dctcp_answers_marks_in_proportion),
};
CHIM_CMOCKA_SUITE(engine_congestion_autotest, tests, NULL, NULL)
