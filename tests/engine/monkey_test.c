/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A peer and a host that do anything in any order (tests/harness/monkey.h), by
 * a seeded generator. tests/fuzz/segments_fuzz.c is the same by the bytes of a
 * fuzzer.
 *
 *   CHIM_SEED=n   live one life again (printed when one fails)
 *   CHIM_SOAK=n   so many lives instead of the usual few
 */
#include "monkey.h"
#include "seeds.h"

#define LIVES 300u
#define STEPS 400u

static uint32_t
live(uint64_t seed)
{
	struct pick pick = pick_by_seed(seed);

	seeds_now = seed;
	return monkey_live(&pick, STEPS);
}

static void
nothing_a_peer_or_a_host_does_breaks_it(void **state)
{
	uint64_t one = pick_setting("CHIM_SEED", 0);
	uint64_t nb = pick_setting("CHIM_SOAK", LIVES);
	uint32_t nb_moves = 0;

	for (uint64_t seed = 1; one == 0 && seed <= nb; seed++)
		nb_moves += live(seed);
	if (one != 0)
		live(one);
	else
		assert_true(nb_moves > nb);
	seeds_now = 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(nothing_a_peer_or_a_host_does_breaks_it, seeds_tell),
};

CHIM_CMOCKA_SUITE(engine_monkey_autotest, tests, NULL, NULL)
