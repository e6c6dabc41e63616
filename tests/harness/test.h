/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Registering tests with chimney-test, which runs them as dpdk-test does:
 * DPDK_TEST=name, names as arguments, or a prompt.
 *
 * One command is one cmocka group:
 *
 *   static void wraps_are_crossed(void **state) { ... assert_int_equal(...); }
 *
 *   static const struct CMUnitTest tests[] = { cmocka_unit_test(wraps_are_crossed) };
 *   CHIM_CMOCKA_SUITE(seq_autotest, tests, NULL, NULL)
 *
 * and a line in the meson.build of its folder: ['seq_autotest', 'fast-tests', 'unit'].
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_common.h>

#include "chim_base.h"

#define TEST_SUCCESS 0
#define TEST_FAILED  (-1)
#define TEST_SKIPPED 77

struct test_command {
	const char *command;
	int (*callback)(void); /* TEST_SUCCESS, TEST_FAILED, TEST_SKIPPED */
	struct test_command *next;
};

void test_command_add(struct test_command *t);

/* Run a cmocka group; TEST_SKIPPED when every test of it was skipped. */
int test_run_group(const char *name, const struct CMUnitTest *tests, size_t nb,
	CMFixtureFunction setup, CMFixtureFunction teardown);

/* cmocka does not count skipped tests in its result; this does. */
void test_skip(const char *file, int line);

#undef skip
#define skip() test_skip(__FILE__, __LINE__)

#define REGISTER_TEST_COMMAND(cmd, fn)                                            \
	static struct test_command test_struct_##cmd = { .command = RTE_STR(cmd), \
		.callback = fn };                                                 \
	RTE_INIT(test_register_##cmd)                                             \
	{                                                                         \
		test_command_add(&test_struct_##cmd);                             \
	}

#define CHIM_CMOCKA_SUITE(cmd, tests, setup, teardown)                                        \
	static int test_run_##cmd(void)                                                       \
	{                                                                                     \
		return test_run_group(RTE_STR(cmd), tests, CHIM_DIM(tests), setup, teardown); \
	}                                                                                     \
	REGISTER_TEST_COMMAND(cmd, test_run_##cmd)

#endif /* TEST_H */
