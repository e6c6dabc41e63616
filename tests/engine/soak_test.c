/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Two engines over links that do to frames whatever links do, while the
 * connection changes owners at random instants at both ends, by plain state.
 * Each octet is compared, both ends' hashes of both streams too, and what the
 * link carried is about what the RFCs let a flow carry over it.
 *
 * CHIM_SOAK=n makes the streams n times as long: 100 are gigabytes. CHIM_SEED=n
 * begins with another seed.
 */
#include <math.h>
#include <stdio.h>

#include "pair.h"
#include "pick.h"
#include "pools.h"

#define MIB 1048576u

/* RFC 5681, 6675, 8985: what a link carries; all of it both ways at once. */
struct shape {
	const char *name;
	struct pair_opts o;
	uint32_t move_ms; /* a move after so long, on average; 0 = none */
	uint32_t mib[2];  /* the streams */
	uint32_t least;	  /* per cent of what is expected of the first one; at most it is twice
			   * as much; 0 = whatever it is */
};

#define LARGE                                                                                 \
	.has_ts = true, .mss = 1448, .snd_wnd = 4 * MIB, .rcv_wnd = 4 * MIB, .snd_wscale = 8, \
	.rcv_wscale = 8

/* No slow start beyond what the loss lets a flow have: from the beginning it is as in the long run.
 */
#define STEADY LARGE, .ssthresh = 27 * 1448

#define FAST_AND_FAR .outstanding = 2 * MIB, .delay_us = 5000, .bits_per_us = 1000

static const struct shape shapes[] = {
	{ .name = "a link of 1 Gbit/s, frames cut by the port",
		.o = { .eng = { LARGE, .algorithm = CHIM_CC_CUBIC, .has_tso = true },
			.outstanding = 2 * MIB,
			.delay_us = 2000,
			.bits_per_us = 1000,
			.queue = 400,
			.has_rx_csum = true },
		.mib = { 10, 3 },
		.least = 60 },
	{ .name = "the same, and moves",
		.o = { .eng = { LARGE, .algorithm = CHIM_CC_CUBIC, .has_tso = true },
			.outstanding = 2 * MIB,
			.delay_us = 2000,
			.bits_per_us = 1000,
			.queue = 400 },
		.move_ms = 60,
		.mib = { 10, 3 },
		.least = 20 },
	{ .name = "random loss, NewReno",
		.o = { .eng = { STEADY, .algorithm = CHIM_CC_NEWRENO }, FAST_AND_FAR, .loss = 2 },
		.mib = { 3, 1 },
		.least = 50 },
	{ .name = "random loss, CUBIC, moves",
		.o = { .eng = { STEADY, .algorithm = CHIM_CC_CUBIC }, FAST_AND_FAR, .loss = 2 },
		.move_ms = 100,
		.mib = { 3, 1 },
		.least = 50 },
	{ .name = "spoiled frames, checksums by the port",
		.o = { .eng = { STEADY, .is_attached = true },
			FAST_AND_FAR,
			.corrupt = 2,
			.has_rx_csum = true },
		.mib = { 3, 1 },
		.least = 50 },
	{ .name = "spoiled frames, checksums by the engine",
		.o = { .eng = { STEADY, .has_tso = true }, FAST_AND_FAR, .corrupt = 2 },
		.mib = { 3, 1 },
		.least = 50 },
	{ .name = "spoiled frames of IPv6",
		.o = { .eng = { STEADY, .is_ip6 = true }, FAST_AND_FAR, .corrupt = 2 },
		.mib = { 3, 1 },
		.least = 50 },
	{ .name = "everything at once, and moves",
		.o = { .eng = { STEADY, .algorithm = CHIM_CC_CUBIC },
			.outstanding = MIB,
			.delay_us = 3000,
			.bits_per_us = 200,
			.queue = 60,
			.loss = 2,
			.reorder = 10,
			.duplicate = 5,
			.corrupt = 2,
			.post = 20000 },
		.move_ms = 50,
		.mib = { 2, 1 } },
	{ .name = "everything at once without options, and moves",
		.o = { .eng = { .no_sack = true, .mss = 1000 },
			.delay_us = 1000,
			.bits_per_us = 100,
			.queue = 60,
			.loss = 2,
			.reorder = 10,
			.duplicate = 5,
			.corrupt = 2 },
		.move_ms = 50,
		.mib = { 1, 1 } },
};

/* Octets a second of the first stream: the link's rate, or what the loss allows if that is less.
 * RFC 5681 by the formula of RFC 8312, 5.1; CUBIC takes as much on such short paths (RFC 9438,
 * 4.3). */
static double
expected(const struct pair_opts *o)
{
	double rate = o->bits_per_us * 1e6 / 8 * o->eng.mss / (o->eng.mss + 66.0);
	double lost = (o->loss + o->corrupt) / 1000.0;

	if (lost == 0)
		return rate;
	return fmin(rate, sqrt(1.5 / lost) * o->eng.mss * 1e6 / (2.0 * o->delay_us));
}

/* Until both streams have arrived, or a day has passed. */
static bool
run_with_moves(struct pair *p, const struct shape *s)
{
	uint64_t random = p->opts.seed * 0x9E3779B97F4A7C15ull | 1;
	chim_us_t end = p->now + 24 * 3600 * CHIM_US_PER_S;

	while (p->now < end) {
		uint32_t ms = s->move_ms != 0 ? 1 + pools_below(&random, 2 * s->move_ms) : 3600000;

		if (pair_run(p, ms))
			return true;
		if (s->move_ms != 0)
			pair_move(p, pools_below(&random, 2));
	}
	return false;
}

/* Each spoiled frame was refused for what was wrong with it, or nothing covers what was changed. */
static void
check_spoiled(const struct pair *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct pair_end *end = &p->end[i];
		uint32_t sum = end->nb_harmless;

		for (uint32_t why = 0; why < CHIM_WHY_MAX; why++)
			sum += end->why[why];
		assert_int_equal(sum, end->nb_spoiled);
		if (p->opts.corrupt == 0)
			continue;
		assert_true(end->why[CHIM_WHY_BAD_TCP_CHECKSUM] != 0);
		/* IPv4 has a checksum over every octet; IPv6 leaves out some of its header. */
		if (!p->opts.eng.is_ip6)
			assert_int_equal(end->nb_harmless, 0);
		if (p->opts.eng.is_ip6)
			assert_int_equal(end->why[CHIM_WHY_BAD_IP_CHECKSUM], 0);
	}
}

static void
report(const struct shape *s, const struct pair *p, double got, double want)
{
	print_message("%s: %lu and %lu MiB, %u moves, %u and %u frames lost, %u spoiled, "
		      "%.1f Mbit/s of %.1f expected, %u timeouts\n",
		s->name, p->opts.bytes[0] / MIB, p->opts.bytes[1] / MIB,
		p->end[0].nb_moves + p->end[1].nb_moves, p->end[0].nb_dropped, p->end[1].nb_dropped,
		p->end[0].nb_spoiled + p->end[1].nb_spoiled, got * 8e-6, want * 8e-6,
		(uint32_t)(p->end[0].e->counters.rto + p->end[1].e->counters.rto));
}

/* @return whether it was fast enough. */
static bool
run_shape(const struct shape *s, uint64_t seed, uint64_t times)
{
	struct pair_opts o = s->o;
	double got, want = expected(&o);
	struct pair *p;
	chim_us_t begin;

	o.seed = seed;
	for (uint32_t i = 0; i < 2; i++)
		o.bytes[i] = times * s->mib[i] * MIB;
	p = pair_new(&o);
	begin = p->now;
	if (!run_with_moves(p, s))
		fail_msg("%s, seed %lu: got %lu and %lu", s->name, seed, p->end[0].got,
			p->end[1].got);
	got = (double)o.bytes[0] * CHIM_US_PER_S / (double)(p->done_at - begin);
	report(s, p, got, want);
	check_spoiled(p);
	assert_true(s->move_ms == 0 || p->end[0].nb_moves + p->end[1].nb_moves > 0);
	pair_finish(p);
	return s->least == 0 || (got * 100 >= want * s->least && got <= want * 2);
}

static void
streams_are_whole_whatever_the_link_does(void **state)
{
	uint64_t seed = pick_setting("CHIM_SEED", 1);

	uint32_t nb_bad = 0;

	for (uint32_t i = 0; i < CHIM_DIM(shapes); i++)
		nb_bad += !run_shape(&shapes[i], seed + i, pick_setting("CHIM_SOAK", 1));
	if (nb_bad != 0)
		fail_msg("%u of them not as fast as they should be, or faster than they may",
			nb_bad);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(streams_are_whole_whatever_the_link_does),
};

CHIM_CMOCKA_SUITE(engine_soak_autotest, tests, NULL, NULL)
