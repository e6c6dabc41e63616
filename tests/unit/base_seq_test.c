/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sequence comparison around the wrap (RFC 9293, 3.4).
 */
#include "chim_seq.h"
#include "test.h"

static void
order_holds_across_the_wrap(void **state)
{
	(void)state;
	assert_true(chim_seq_lt(0xFFFFFFFFu, 0));
	assert_true(chim_seq_gt(5, 0xFFFFFFF0u));
	assert_true(chim_seq_le(7, 7));
	assert_true(chim_seq_ge(7, 7));
	assert_false(chim_seq_lt(7, 7));
	assert_int_equal(chim_seq_max(0xFFFFFFF0u, 16), 16);
	assert_int_equal(chim_seq_min(0xFFFFFFF0u, 16), 0xFFFFFFF0u);
}

static void
an_interval_may_contain_the_wrap(void **state)
{
	(void)state;
	assert_true(chim_seq_in(0xFFFFFFFEu, 0xFFFFFFFEu, 4));
	assert_true(chim_seq_in(1, 0xFFFFFFFEu, 4));
	assert_false(chim_seq_in(2, 0xFFFFFFFEu, 4));
	assert_false(chim_seq_in(0xFFFFFFFDu, 0xFFFFFFFEu, 4));
	assert_false(chim_seq_in(5, 5, 0));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(order_holds_across_the_wrap),
	cmocka_unit_test(an_interval_may_contain_the_wrap),
};
CHIM_CMOCKA_SUITE(base_seq_autotest, tests, NULL, NULL)
