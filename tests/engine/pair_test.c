/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Two engines over a virtual link: whatever the link does, both streams arrive
 * as they were sent, and both ends close.
 */
#include "pair.h"

#define MIB (1024u * 1024u)

static void
both_streams_arrive_over_a_clean_link(void **state)
{
	struct pair *p = pair_new(&(struct pair_opts){
		.bytes = { MIB, MIB },
		.delay_us = 5000,
	});

	assert_true(pair_run(p, 60000));
	assert_int_equal(p->end[0].e->counters.rto, 0);
	assert_int_equal(p->end[1].e->counters.rto, 0);
	assert_int_equal(eng_view(p->end[0].e).retransmits, 0);
	pair_finish(p);
}

static void
one_lost_segment_is_repaired_without_a_timeout(void **state)
{
	struct pair *p = pair_new(&(struct pair_opts){ .bytes = { MIB }, .delay_us = 5000 });
	struct pair_rule *r = pair_drop(
		p, 0, &(struct pair_rule){ .has_seq = true, .seq_at = 300000, .first = 1 });

	assert_true(pair_run(p, 60000));
	assert_int_equal(r->dropped, 1);
	assert_int_equal(p->end[0].e->counters.rto, 0);
	assert_int_equal(p->end[0].e->counters.fast_recovery, 1);
	assert_int_equal(eng_view(p->end[0].e).retransmits, 1);
	pair_finish(p);
}

static void
a_lost_fin_is_sent_again(void **state)
{
	struct pair *p = pair_new(&(struct pair_opts){ .bytes = { 5000, 5000 }, .delay_us = 5000 });

	pair_drop(p, 0, &(struct pair_rule){ .fin = true, .first = 2 });
	pair_drop(p, 1, &(struct pair_rule){ .fin = true, .first = 1 });
	assert_true(pair_run(p, 60000));
	pair_finish(p);
}

/* Seeds are part of the name of a run: a failure says which. */
static void
stress(const struct pair_opts *base, uint64_t first_seed, uint32_t runs)
{
	for (uint64_t seed = first_seed; seed < first_seed + runs; seed++) {
		struct pair_opts o = *base;

		o.seed = seed;
		struct pair *p = pair_new(&o);

		if (!pair_run(p, 600000))
			fail_msg("seed %lu: the streams did not complete: got %lu %lu", seed,
				p->end[0].got, p->end[1].got);
		pair_finish(p);
	}
}

static void
streams_survive_loss_reordering_and_duplicates(void **state)
{
	const struct pair_opts o = {
		.eng = { .has_ts = true },
		.bytes = { MIB / 2, MIB / 4 },
		.delay_us = 8000,
		.bits_per_us = 20,
		.loss = 20,
		.reorder = 30,
		.duplicate = 10,
	};

	stress(&o, 1, 10);
}

static void
streams_survive_without_sack_and_timestamps(void **state)
{
	const struct pair_opts o = {
		.eng = { .no_sack = true },
		.bytes = { MIB / 4, MIB / 4 },
		.delay_us = 8000,
		.loss = 20,
		.reorder = 20,
		.duplicate = 10,
	};

	stress(&o, 100, 10);
}

static void
streams_survive_small_windows_and_slow_readers(void **state)
{
	const struct pair_opts o = {
		.eng = { .rcv_wnd = 5000, .snd_wnd = 5000 },
		.bytes = { 200000, 100000 },
		.delay_us = 2000,
		.hold_data_ms = 30,
		.loss = 10,
		.chunk = 777,
	};

	stress(&o, 200, 5);
}

static void
streams_survive_in_place_sending_and_posted_requests(void **state)
{
	const struct pair_opts o = {
		.eng = { .is_attached = true,
			.snd_wscale = 7,
			.rcv_wscale = 7,
			.rcv_wnd = 512 * 1024,
			.snd_wnd = 512 * 1024,
			.mss = 1448,
			.has_ts = true },
		.bytes = { MIB, MIB },
		.chunk = 70000,
		.delay_us = 4000,
		.bits_per_us = 100,
		.queue = 60,
		.loss = 5,
		.post = 9000,
	};

	stress(&o, 300, 5);
}

/* Frames of up to 64 KB that the port cuts; the link loses segments of them. */
static void
streams_survive_frames_that_the_port_cuts(void **state)
{
	for (uint64_t seed = 500; seed < 510; seed++) {
		struct pair *p = pair_new(&(struct pair_opts){
			.eng = { .has_tso = true,
				.is_ip6 = seed % 4 == 3,
				.no_sack = seed % 5 == 0,
				.snd_wscale = 7,
				.rcv_wscale = 7,
				.rcv_wnd = 512 * 1024,
				.snd_wnd = 512 * 1024,
				.mss = 1448,
				.has_ts = true },
			.bytes = { 2 * MIB, MIB },
			.chunk = 100000,
			.refer = seed % 4,
			.outstanding = MIB,
			.delay_us = 4000,
			.bits_per_us = 200,
			.queue = 200,
			.loss = seed % 2 ? 5 : 0,
			.reorder = seed % 3 ? 5 : 0,
			.duplicate = 3,
			.seed = seed,
		});

		if (!pair_run(p, 600000))
			fail_msg("seed %lu: the streams did not complete", seed);
		assert_true(p->end[0].nb_cut > 20);
		pair_finish(p);
	}
}

/* The connection changes owners every few milliseconds, at both ends, in every state. */
static void
streams_survive_hundreds_of_handovers(void **state)
{
	for (uint64_t seed = 400; seed < 410; seed++) {
		struct pair *p = pair_new(&(struct pair_opts){
			.eng = { .has_ts = seed % 2,
				.no_sack = seed % 3 == 0,
				.has_tso = seed % 2 == 0 },
			.bytes = { MIB, MIB / 2 },
			.delay_us = 3000,
			.bits_per_us = 50,
			.loss = 10,
			.reorder = 10,
			.post = seed % 4 == 0 ? 5000 : 0,
			.refer = seed % 3,
			.seed = seed,
		});
		uint32_t n = 0;

		while (!pair_run(p, 5 + n % 23)) {
			if (++n == 20000)
				fail_msg("seed %lu: the streams did not complete", seed);
			pair_move(p, n % 2);
		}
		assert_true(p->end[0].nb_moves + p->end[1].nb_moves > 20);
		pair_finish(p);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(both_streams_arrive_over_a_clean_link),
	cmocka_unit_test(one_lost_segment_is_repaired_without_a_timeout),
	cmocka_unit_test(a_lost_fin_is_sent_again),
	cmocka_unit_test(streams_survive_loss_reordering_and_duplicates),
	cmocka_unit_test(streams_survive_without_sack_and_timestamps),
	cmocka_unit_test(streams_survive_small_windows_and_slow_readers),
	cmocka_unit_test(streams_survive_in_place_sending_and_posted_requests),
	cmocka_unit_test(streams_survive_frames_that_the_port_cuts),
	cmocka_unit_test(streams_survive_hundreds_of_handovers),
};

CHIM_CMOCKA_SUITE(engine_pair_autotest, tests, NULL, NULL)
