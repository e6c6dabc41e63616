/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Groups with every outcome, linked with main.c into a runner of its own:
 * runner_test.sh looks at what that one prints and returns for each.
 */
#include "test.h"

static void
passes(void **state)
{
	(void)state;
}

static void
fails(void **state)
{
	(void)state;
	fail();
}

static void
skips(void **state)
{
	(void)state;
	skip();
}

static int
refuses(void **state)
{
	(void)state;
	return -1;
}

static const struct CMUnitTest good[] = {
	cmocka_unit_test(passes),
	cmocka_unit_test(skips),
};

static const struct CMUnitTest mixed[] = {
	cmocka_unit_test(passes),
	cmocka_unit_test(fails),
	cmocka_unit_test(skips),
	cmocka_unit_test_setup_teardown(passes, refuses, NULL),
	cmocka_unit_test_setup_teardown(passes, NULL, refuses),
};

static const struct CMUnitTest skipped[] = {
	cmocka_unit_test(skips),
	cmocka_unit_test(skips),
};

CHIM_CMOCKA_SUITE(good_autotest, good, NULL, NULL)
CHIM_CMOCKA_SUITE(mixed_autotest, mixed, NULL, NULL)
CHIM_CMOCKA_SUITE(skipped_autotest, skipped, NULL, NULL)
CHIM_CMOCKA_SUITE(setup_autotest, good, refuses, NULL)
CHIM_CMOCKA_SUITE(teardown_autotest, good, NULL, refuses)
