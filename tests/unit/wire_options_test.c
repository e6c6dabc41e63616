/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * TCP options in (RFC 9293 3.1, RFC 7323 3.2, RFC 2018 3) and out; malformed
 * ones end the reading and do no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "wire_internal.h"

static struct chim_seg
read_options(const uint8_t *opt, uint32_t len)
{
	/* In a block of just that size, so that ASan sees a byte too many. */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct chim_seg seg = { 0 };

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, opt, len);
	wire_options_parse(copy, len, &seg);
	free(copy);
	return seg;
}

#define READ(...) read_options((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

static void
timestamps_are_read_wherever_they_stand(void **state)
{
	struct chim_seg aligned = READ(1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);
	struct chim_seg bare = READ(8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1);
	struct chim_seg late = READ(1, 3, 3, 7, 1, 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0);
	struct chim_seg none = READ(1, 1, 1, 0, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct chim_seg *seg = i == 0 ? &aligned : i == 1 ? &bare : &late;

		assert_int_equal(seg->info, CHIM_SEG_TS);
		assert_int_equal(seg->tsval, 5);
		assert_int_equal(seg->tsecr, 6);
	}
	assert_int_equal(none.info, 0); /* behind the end of the list */
}

static void
one_to_four_sack_blocks_are_read(void **state)
{
	(void)state;
	for (uint8_t nb = 1; nb <= 4; nb++) {
		uint8_t opt[2 + 32] = { 5, (uint8_t)(2 + 8 * nb) };
		struct chim_seg seg;

		for (uint8_t i = 0; i < nb; i++) {
			opt[2 + 8 * i] = 0xFF; /* near the wrap */
			opt[2 + 8 * i + 3] = i;
			opt[6 + 8 * i + 3] = (uint8_t)(i + 10);
		}
		seg = read_options(opt, opt[1]);
		assert_int_equal(seg.nb_sack, nb);
		for (uint8_t i = 0; i < nb; i++) {
			assert_int_equal(seg.sack[i].start, 0xFF000000u + i);
			assert_int_equal(seg.sack[i].end, i + 10);
		}
	}
}

static void
timestamps_and_sack_go_together(void **state)
{
	struct chim_seg seg =
		READ(1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1, 5, 10, 0, 0, 0, 7, 0, 0, 0, 8);

	(void)state;
	assert_int_equal(seg.info, CHIM_SEG_TS);
	assert_int_equal(seg.nb_sack, 1);
	assert_int_equal(seg.sack[0].start, 7);
	assert_int_equal(seg.sack[0].end, 8);
}

static void
unknown_options_are_stepped_over(void **state)
{
	struct chim_seg seg = READ(254, 4, 9, 9, 253, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);

	(void)state;
	assert_int_equal(seg.info, CHIM_SEG_TS);
	assert_int_equal(seg.tsval, 5);
}

static void
an_illegal_length_ends_the_list(void **state)
{
	struct chim_seg zero = READ(254, 0, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);
	struct chim_seg one = READ(254, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);
	struct chim_seg beyond = READ(8, 11, 0, 0, 0, 5, 0, 0, 0, 6);
	struct chim_seg no_length = READ(1, 1, 1, 8);
	struct chim_seg empty = read_options(NULL, 0);
	struct chim_seg kept = READ(1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 5, 200, 0, 0);

	(void)state;
	assert_int_equal(zero.info, 0);
	assert_int_equal(one.info, 0);
	assert_int_equal(beyond.info, 0);
	assert_int_equal(no_length.info, 0);
	assert_int_equal(empty.info, 0);
	assert_int_equal(kept.info, CHIM_SEG_TS);
	assert_int_equal(kept.nb_sack, 0);
}

static void
a_known_kind_of_another_length_is_stepped_over(void **state)
{
	struct chim_seg ts = READ(8, 6, 0, 0, 0, 5, 5, 10, 0, 0, 0, 7, 0, 0, 0, 8);
	struct chim_seg empty_sack = READ(5, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);
	struct chim_seg odd_sack = READ(5, 6, 0, 0, 0, 7, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6);
	uint8_t five_blocks[2 + 40] = { 5, 42 };

	(void)state;
	assert_int_equal(ts.info, 0);
	assert_int_equal(ts.nb_sack, 1);
	assert_int_equal(empty_sack.nb_sack, 0);
	assert_int_equal(empty_sack.info, CHIM_SEG_TS);
	assert_int_equal(odd_sack.nb_sack, 0);
	assert_int_equal(odd_sack.info, CHIM_SEG_TS);
	/* More than a header can hold, yet a caller may come with any length. */
	assert_int_equal(read_options(five_blocks, sizeof(five_blocks)).nb_sack, 0);
}

static void
random_bytes_do_no_harm(void **state)
{
	(void)state;
	srand(7323);
	for (uint32_t round = 0; round < 100000; round++) {
		uint8_t opt[40];
		uint32_t len = (uint32_t)rand() % (sizeof(opt) + 1);
		struct chim_seg seg;

		for (uint32_t i = 0; i < len; i++)
			opt[i] = (uint8_t)(rand() % 3 == 0 ? rand() : rand() % 12);
		seg = read_options(opt, len);
		assert_true(seg.nb_sack <= CHIM_SACK_IN);
		assert_int_equal(seg.info & ~CHIM_SEG_TS, 0);
	}
}

static void
what_is_written_is_read_back(void **state)
{
	(void)state;
	for (uint8_t has_ts = 0; has_ts < 2; has_ts++) {
		for (uint8_t nb = 0; nb <= CHIM_SACK_OUT; nb++) {
			struct chim_hdr h = { .has_ts = has_ts,
				.nb_sack = nb,
				.tsval = UINT32_MAX,
				.tsecr = 1,
				.sack = { { 1, 2 }, { 0xFFFFFFFE, 3 }, { 5, 6 }, { 7, 8 } } };
			uint8_t want = RTE_MIN(nb, chim_wire_max_sack(has_ts));
			uint8_t opt[64];
			uint8_t *end = wire_options_write(opt, &h);
			struct chim_seg seg = read_options(opt, (uint32_t)(end - opt));

			assert_int_equal(end - opt + 20, chim_wire_tcp_len(has_ts, nb));
			assert_true(end - opt <= 40);
			assert_int_equal((end - opt) % 4, 0);
			assert_int_equal(seg.info, has_ts ? CHIM_SEG_TS : 0);
			assert_int_equal(seg.tsval, has_ts ? UINT32_MAX : 0);
			assert_int_equal(seg.nb_sack, want);
			assert_memory_equal(seg.sack, h.sack, want * sizeof(h.sack[0]));
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(timestamps_are_read_wherever_they_stand),
	cmocka_unit_test(one_to_four_sack_blocks_are_read),
	cmocka_unit_test(timestamps_and_sack_go_together),
	cmocka_unit_test(unknown_options_are_stepped_over),
	cmocka_unit_test(an_illegal_length_ends_the_list),
	cmocka_unit_test(a_known_kind_of_another_length_is_stepped_over),
	cmocka_unit_test(random_bytes_do_no_harm),
	cmocka_unit_test(what_is_written_is_read_back),
};
CHIM_CMOCKA_SUITE(wire_options_autotest, tests, NULL, NULL)
