/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * chimney-test: EAL first, then the commands named by DPDK_TEST, by the
 * arguments after the EAL's, or at the prompt. Exit status as dpdk-test: 0
 * passed, 77 skipped, anything else failed.
 *
 * A command is a cmocka group. cmocka's result leaves out the skipped tests, a
 * group whose setup failed (one failure, whatever its size) and a teardown that
 * failed (none at all): those are counted here.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "test.h"

#define MAX_EAL_ARGS 64

static struct test_command *commands;

void
test_command_add(struct test_command *t)
{
	struct test_command **at = &commands;

	while (*at != NULL && strcmp((*at)->command, t->command) < 0)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static struct {
	CMFixtureFunction setup, teardown;
	bool has_started; /* the group's setup succeeded */
	bool has_teardown_failed;
	unsigned int skipped;
} group;

void
test_skip(const char *file, int line)
{
	group.skipped++;
	_skip(file, line);
}

static int
setup_group(void **state)
{
	if (group.setup != NULL && group.setup(state) != 0)
		return -1;
	group.has_started = true;
	return 0;
}

static int
teardown_group(void **state)
{
	group.has_teardown_failed = true; /* stays, should the teardown be left by an assertion */
	if (group.teardown != NULL && group.teardown(state) != 0)
		return -1;
	group.has_teardown_failed = false;
	return 0;
}

/* In the words and the order of dpdk-test's suites. */
static void
print_summary(const char *name, unsigned int total, unsigned int failed)
{
	unsigned int skipped = group.skipped;

	printf(" + Test Suite Summary : %s\n", name);
	printf(" + Tests Total :       %4u\n", total);
	printf(" + Tests Skipped :     %4u\n", skipped);
	printf(" + Tests Executed :    %4u\n", group.has_started ? total - skipped : 0);
	printf(" + Tests Unsupported:  %4u\n", 0u);
	printf(" + Tests Passed :      %4u\n", total - skipped - failed);
	printf(" + Tests Failed :      %4u\n", failed);
}

int
test_run_group(const char *name, const struct CMUnitTest *tests, size_t nb, CMFixtureFunction setup,
	CMFixtureFunction teardown)
{
	unsigned int total = nb, failed;
	int rc;

	memset(&group, 0, sizeof(group));
	group.setup = setup;
	group.teardown = teardown;
	rc = _cmocka_run_group_tests(name, tests, nb, setup_group, teardown_group);

	failed = group.has_started && rc >= 0 ? (unsigned int)rc : total;
	failed = RTE_MIN(failed, total - group.skipped);
	print_summary(name, total, failed);
	if (group.has_teardown_failed)
		printf("The teardown of the group failed\n");
	if (rc != 0 || group.has_teardown_failed || total == 0)
		return TEST_FAILED;
	return group.skipped == total ? TEST_SKIPPED : TEST_SUCCESS;
}

static int
run_command(const char *name)
{
	for (struct test_command *t = commands; t != NULL; t = t->next) {
		if (strcmp(t->command, name) != 0)
			continue;
		int rc = t->callback();

		if (rc == TEST_SUCCESS)
			printf("Test OK\n");
		else if (rc == TEST_SKIPPED)
			printf("Test Skipped\n");
		else
			printf("Test Failed\n");
		fflush(stdout);
		return rc;
	}
	printf("Error: invalid test command: %s (\"list\" shows them)\n", name);
	return TEST_FAILED;
}

static void
list_commands(void)
{
	for (struct test_command *t = commands; t != NULL; t = t->next)
		printf("%s\n", t->command);
}

static int
prompt(void)
{
	char line[256];
	int rc = TEST_SUCCESS;

	for (;;) {
		printf("RTE>>");
		fflush(stdout);
		if (fgets(line, sizeof(line), stdin) == NULL)
			return rc;
		line[strcspn(line, " \t\r\n")] = '\0';
		if (line[0] == '\0')
			continue;
		if (strcmp(line, "quit") == 0)
			return rc;
		if (strcmp(line, "list") == 0)
			list_commands();
		else
			rc = run_command(line);
	}
}

/* The command line plus what DPDK_TEST_PARAMS adds, as dpdk-test does. */
static int
eal_arguments(int argc, char **argv, char **out)
{
	char *extra = getenv("DPDK_TEST_PARAMS");
	int n = 0;

	for (int i = 0; i < argc && n < MAX_EAL_ARGS - 1; i++)
		out[n++] = argv[i];
	if (extra != NULL) {
		for (char *word = strtok(strdup(extra), " "); word != NULL && n < MAX_EAL_ARGS - 1;
			word = strtok(NULL, " "))
			out[n++] = word;
	}
	out[n] = NULL;
	return n;
}

int
main(int argc, char **argv)
{
	char *args[MAX_EAL_ARGS];
	int nb_args = eal_arguments(argc, argv, args);
	int used = rte_eal_init(nb_args, args);
	const char *wanted = getenv("DPDK_TEST");
	int rc = TEST_SUCCESS;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash shall not swallow what was said before */
	if (used < 0) {
		fprintf(stderr, "EAL did not start with these arguments\n");
		return EXIT_FAILURE;
	}
	if (wanted != NULL && wanted[0] != '\0') {
		rc = run_command(wanted);
	} else if (used + 1 < nb_args) {
		for (int i = used + 1; i < nb_args && rc != TEST_FAILED; i++)
			rc = run_command(args[i]);
	} else {
		rc = prompt();
	}
	rte_eal_cleanup();
	return rc;
}
