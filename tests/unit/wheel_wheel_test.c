/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The timer wheel: each behaviour by name, then a random run against a plain
 * array of deadlines. Time starts just below the wrap of 32-bit milliseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "chim_wheel.h"
#include "test.h"

#define NB_THINGS 1024u
#define START	  (UINT32_MAX - 100u) /* wraps after 101 ms */
#define TWO_HOURS (2u * 3600u * 1000u)

struct thing {
	uint64_t other;
	struct chim_wheel_link link;
	uint32_t more;
};

struct fixture {
	struct chim_wheel wheel;
	struct thing things[NB_THINGS];
	uint32_t expired[NB_THINGS];
};

static int
setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	if (f == NULL)
		return -1;
	chim_wheel_init(
		&f->wheel, f->things, sizeof(struct thing), offsetof(struct thing, link), START);
	for (uint32_t i = 0; i < NB_THINGS; i++)
		chim_wheel_link_init(&f->things[i].link);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int left = (int)f->wheel.nb_armed;

	free(f);
	return left; /* each test ends with an empty wheel */
}

static uint32_t
advance(struct fixture *f, uint32_t ms_from_start)
{
	return chim_wheel_advance(&f->wheel, START + ms_from_start, f->expired, NB_THINGS);
}

static void
nothing_expires_before_its_time(void **state)
{
	struct fixture *f = *state;

	chim_wheel_arm(&f->wheel, 7, START + 200);
	assert_true(chim_wheel_is_armed(&f->things[7].link));
	assert_int_equal(advance(f, 199), 0);
	assert_int_equal(advance(f, 200), 1);
	assert_int_equal(f->expired[0], 7);
	assert_false(chim_wheel_is_armed(&f->things[7].link));
	assert_int_equal(advance(f, 1000), 0);
}

static void
a_moment_that_has_come_is_taken_by_the_next_advance(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(advance(f, 50), 0);
	chim_wheel_arm(&f->wheel, 1, START + 50);
	chim_wheel_arm(&f->wheel, 2, START + 10);
	assert_int_equal(advance(f, 50), 2);
	chim_wheel_arm(&f->wheel, 1, START);
	assert_int_equal(advance(f, 51), 1);
}

static void
each_distance_around_the_level_boundaries_is_on_time(void **state)
{
	static const uint32_t distances[] = { 0, 1, 2, 155, 156, 254, 255, 256, 257, 511, 512, 513,
		65279, 65280, 65281, 65535, 65536, 65537, 131072, 200000 };
	struct fixture *f = *state;

	for (uint32_t phase = 0; phase < 300; phase += 23) {
		for (uint32_t i = 0; i < CHIM_DIM(distances); i++) {
			chim_ms_t base = f->wheel.now + phase;

			chim_wheel_advance(&f->wheel, base, f->expired, NB_THINGS);
			chim_wheel_arm(&f->wheel, 3, base + distances[i]);
			if (distances[i] > 0)
				assert_int_equal(chim_wheel_advance(&f->wheel,
							 base + distances[i] - 1, f->expired, 1),
					0);
			assert_int_equal(
				chim_wheel_advance(&f->wheel, base + distances[i], f->expired, 1),
				1);
		}
	}
}

static void
a_two_hour_deadline_comes_round_at_its_time(void **state)
{
	struct fixture *f = *state;

	chim_wheel_arm(&f->wheel, 0, START + TWO_HOURS);
	for (uint32_t ms = 0; ms < TWO_HOURS; ms += 97)
		assert_int_equal(advance(f, ms), 0);
	assert_int_equal(advance(f, TWO_HOURS - 1), 0);
	assert_int_equal(advance(f, TWO_HOURS), 1);
}

static void
one_call_may_jump_over_hours(void **state)
{
	struct fixture *f = *state;

	chim_wheel_arm(&f->wheel, 0, START + TWO_HOURS);
	chim_wheel_arm(&f->wheel, 1, START + 5);
	chim_wheel_arm(&f->wheel, 2, START + 70000);
	assert_int_equal(advance(f, 3 * TWO_HOURS), 3);
	assert_int_equal(f->expired[0], 1);
	assert_int_equal(f->expired[1], 2);
	assert_int_equal(f->expired[2], 0);
}

static void
arming_again_moves_earlier_and_later(void **state)
{
	struct fixture *f = *state;

	chim_wheel_arm(&f->wheel, 9, START + 400);
	chim_wheel_arm(&f->wheel, 9, START + 40000);
	assert_int_equal(f->wheel.nb_armed, 1);
	assert_int_equal(advance(f, 401), 0);
	chim_wheel_arm(&f->wheel, 9, START + 402);
	assert_int_equal(f->wheel.nb_armed, 1);
	assert_int_equal(advance(f, 402), 1);
	assert_int_equal(advance(f, 50000), 0);
}

static void
cancel_takes_out_of_the_head_the_middle_and_the_end(void **state)
{
	struct fixture *f = *state;

	for (uint32_t victim = 0; victim < 4; victim++) {
		chim_ms_t when = f->wheel.now + 20;

		for (uint32_t i = 0; i < 4; i++)
			chim_wheel_arm(&f->wheel, i, when);
		chim_wheel_cancel(&f->wheel, victim);
		chim_wheel_cancel(&f->wheel, victim); /* not in: nothing happens */
		assert_false(chim_wheel_is_armed(&f->things[victim].link));
		assert_int_equal(chim_wheel_advance(&f->wheel, when, f->expired, 8), 3);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_not_equal(f->expired[i], victim);
	}
}

static void
what_max_leaves_over_comes_with_the_next_call(void **state)
{
	struct fixture *f = *state;
	uint32_t seen = 0;
	uint32_t n;

	for (uint32_t i = 0; i < 100; i++)
		chim_wheel_arm(&f->wheel, i, START + 30 + i / 50);
	do {
		n = chim_wheel_advance(&f->wheel, START + 500, f->expired, 7);
		seen += n;
		assert_true(n == 7 || seen == 100);
	} while (n > 0);
	assert_int_equal(seen, 100);
	assert_int_equal(f->wheel.now, START + 500);
	assert_int_equal(chim_wheel_advance(&f->wheel, START + 501, f->expired, 0), 0);
}

static void
a_mass_of_equal_deadlines_is_spread_over_several_calls(void **state)
{
	struct fixture *f = *state;
	uint32_t calls = 0;
	uint32_t seen = 0;

	for (uint32_t i = 0; i < NB_THINGS; i++)
		chim_wheel_arm(&f->wheel, i, START + 5000);
	assert_int_equal(advance(f, 4000), 0);
	while (seen < NB_THINGS) {
		seen += advance(f, 5000);
		assert_true(++calls < 10);
	}
	assert_true(calls > 1); /* 1024 links are more than one call moves */
}

static void
a_clock_that_steps_back_moves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(advance(f, 90), 0);
	chim_wheel_arm(&f->wheel, 4, START + 92);
	assert_int_equal(advance(f, 20), 0);
	assert_int_equal(f->wheel.now, START + 90);
	assert_int_equal(advance(f, 92), 1);
}

/* The model: an array of deadlines. Nothing early, nothing late, nothing twice, nothing lost. */
struct model {
	bool is_armed[NB_THINGS];
	chim_ms_t when[NB_THINGS];
	uint32_t nb_armed;
};

static uint32_t
random_distance(void)
{
	static const uint32_t spans[] = { 4, 300, 3000, 70000, TWO_HOURS };

	return (uint32_t)rand() % spans[(uint32_t)rand() % CHIM_DIM(spans)];
}

static void
model_arm_or_cancel(struct fixture *f, struct model *m)
{
	uint32_t i = (uint32_t)rand() % NB_THINGS;

	m->nb_armed -= m->is_armed[i];
	m->is_armed[i] = rand() % 4 != 0;
	m->nb_armed += m->is_armed[i];
	if (m->is_armed[i]) {
		m->when[i] = f->wheel.now + random_distance() - (uint32_t)rand() % 3;
		chim_wheel_arm(&f->wheel, i, m->when[i]);
	} else {
		chim_wheel_cancel(&f->wheel, i);
	}
}

static void
model_advance(struct fixture *f, struct model *m, chim_ms_t now)
{
	uint32_t max = 1 + (uint32_t)rand() % 64;
	uint32_t n;

	do {
		n = chim_wheel_advance(&f->wheel, now, f->expired, max);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t index = f->expired[i];

			assert_true(m->is_armed[index]);
			assert_true(chim_ms_is_due(m->when[index], now));
			m->is_armed[index] = false;
			m->nb_armed--;
		}
	} while (n > 0 || f->wheel.now != now);
	for (uint32_t i = 0; i < NB_THINGS; i++)
		assert_false(m->is_armed[i] && chim_ms_is_due(m->when[i], now));
	assert_int_equal(f->wheel.nb_armed, m->nb_armed);
}

static void
a_random_run_agrees_with_an_array_of_deadlines(void **state)
{
	struct fixture *f = *state;
	struct model m = { .nb_armed = 0 };

	srand(20261);
	for (uint32_t round = 0; round < 4000; round++) {
		uint32_t ops = (uint32_t)rand() % 20;

		while (ops-- > 0)
			model_arm_or_cancel(f, &m);
		model_advance(f, &m, f->wheel.now + random_distance() / 8);
	}
	model_advance(f, &m, f->wheel.now + TWO_HOURS);
	assert_int_equal(m.nb_armed, 0);
}

#define WHEEL_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	WHEEL_TEST(nothing_expires_before_its_time),
	WHEEL_TEST(a_moment_that_has_come_is_taken_by_the_next_advance),
	WHEEL_TEST(each_distance_around_the_level_boundaries_is_on_time),
	WHEEL_TEST(a_two_hour_deadline_comes_round_at_its_time),
	WHEEL_TEST(one_call_may_jump_over_hours),
	WHEEL_TEST(arming_again_moves_earlier_and_later),
	WHEEL_TEST(cancel_takes_out_of_the_head_the_middle_and_the_end),
	WHEEL_TEST(what_max_leaves_over_comes_with_the_next_call),
	WHEEL_TEST(a_mass_of_equal_deadlines_is_spread_over_several_calls),
	WHEEL_TEST(a_clock_that_steps_back_moves_nothing),
	WHEEL_TEST(a_random_run_agrees_with_an_array_of_deadlines),
};
CHIM_CMOCKA_SUITE(wheel_wheel_autotest, tests, NULL, NULL)
