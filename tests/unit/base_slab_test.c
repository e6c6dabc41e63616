/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The fixed pool: slots, generations, and what a stale handle finds.
 */
#include <stdlib.h>
#include <string.h>

#include "chim_handle.h"
#include "chim_poison.h"
#include "chim_slab.h"
#include "death.h"
#include "test.h"

#define NB   64u
#define SIZE 100u

static struct chim_slab *
make_slab(uint32_t nb)
{
	size_t len = chim_slab_size(nb, SIZE);
	void *mem = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(len));
	struct chim_slab *s;

	assert_non_null(mem);
	memset(mem, 0, len);
	s = chim_slab_init(mem, nb, SIZE);
	assert_non_null(s);
	return s;
}

static void
every_slot_is_given_once_and_then_none(void **state)
{
	struct chim_slab *s = make_slab(NB);
	uint8_t seen[NB] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < NB; i++) {
		uint32_t index = chim_slab_take(s);

		assert_true(index < NB);
		assert_int_equal(seen[index]++, 0);
		/* Slots do not overlap: the sanitizer sees a write past the end. */
		memset(chim_slab_at(s, index), (int)index, SIZE);
	}
	assert_int_equal(chim_slab_take(s), CHIM_SLAB_NONE);
	assert_int_equal(s->nb_used, NB);
	for (uint32_t i = 0; i < NB; i++)
		assert_int_equal(*(uint8_t *)chim_slab_at(s, i), i);
	chim_slab_put(s, 17);
	assert_int_equal(chim_slab_take(s), 17);
	free(s);
}

static void
a_stale_handle_finds_nothing(void **state)
{
	struct chim_slab *s = make_slab(NB);
	uint32_t index = chim_slab_take(s);
	uint32_t generation = chim_slab_generation(s, index);
	chim_handle_t h = chim_handle_make(3, generation, index);

	(void)state;
	assert_int_equal(chim_handle_owner(h), 3);
	assert_int_equal(chim_handle_index(h), index);
	assert_int_equal(chim_handle_generation(h), generation);
	assert_ptr_equal(chim_slab_find(s, generation, index), chim_slab_at(s, index));
	chim_slab_put(s, index);
	assert_null(chim_slab_find(s, generation, index));
	assert_int_equal(chim_slab_generation(s, index), 0);
	assert_int_equal(chim_slab_take(s), index);
	assert_null(chim_slab_find(s, generation, index));
	assert_non_null(chim_slab_find(s, chim_slab_generation(s, index), index));
	free(s);
}

static void
a_forged_handle_finds_nothing(void **state)
{
	struct chim_slab *s = make_slab(NB);

	(void)state;
	assert_null(chim_slab_find(s, 0, 0));
	assert_null(chim_slab_find(s, 1, 0));
	assert_null(chim_slab_find(s, 1, NB));
	assert_null(chim_slab_find(s, 1, UINT32_MAX));
	assert_null(chim_slab_at(s, NB));
	free(s);
}

static void
the_generation_skips_zero_when_it_wraps(void **state)
{
	struct chim_slab *s = make_slab(1);
	uint32_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < CHIM_GENERATION_MASK + 2; i++) {
		uint32_t index = chim_slab_take(s);

		last = chim_slab_generation(s, index);
		assert_int_not_equal(last, 0);
		chim_slab_put(s, index);
	}
	assert_int_equal(last, 2);
	free(s);
}

static void
sizes_that_make_no_sense_are_refused(void **state)
{
	uint8_t mem[256] __rte_cache_aligned;

	(void)state;
	assert_null(chim_slab_init(mem, 0, SIZE));
	assert_null(chim_slab_init(mem, 1, 0));
	assert_null(chim_slab_init(mem, CHIM_SLAB_NONE, SIZE));
}

/* ---- mistakes that are caught ---- */

static void
put_17(void *slab)
{
	chim_slab_put(slab, 17);
}

static void
a_slot_given_back_twice_is_caught(void **state)
{
	struct chim_slab *s = make_slab(NB);

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		chim_slab_take(s);
	assert_false(death_of(put_17, s)); /* the child's is a copy */
	chim_slab_put(s, 17);
	assert_true(death_of(put_17, s));
	chim_slab_fini(s);
	free(s);
}

#ifdef CHIM_HAS_POISON
static void
write_to_17(void *slab)
{
	memset(chim_slab_at(slab, 17), 0, 1);
}

static void
use_after_free_is_caught(void **state)
{
	struct chim_slab *s = make_slab(NB);

	(void)state;
	assert_true(death_of(write_to_17, s)); /* never taken */
	for (uint32_t i = 0; i < 20; i++)
		chim_slab_take(s);
	assert_false(death_of(write_to_17, s));
	chim_slab_put(s, 17);
	assert_true(death_of(write_to_17, s));
	assert_int_equal(chim_slab_take(s), 17);
	assert_false(death_of(write_to_17, s));
	chim_slab_fini(s);
	free(s);
}
#endif

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_slot_is_given_once_and_then_none),
	cmocka_unit_test(a_stale_handle_finds_nothing),
	cmocka_unit_test(a_forged_handle_finds_nothing),
	cmocka_unit_test(the_generation_skips_zero_when_it_wraps),
	cmocka_unit_test(sizes_that_make_no_sense_are_refused),
	cmocka_unit_test(a_slot_given_back_twice_is_caught),
#ifdef CHIM_HAS_POISON
	cmocka_unit_test(use_after_free_is_caught),
#endif
};
CHIM_CMOCKA_SUITE(base_slab_autotest, tests, NULL, NULL)
