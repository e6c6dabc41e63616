/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One fuzz target as a program: FUZZ_TARGET says which. The EAL starts once,
 * before the first input and before AFL++ forks.
 */
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const args[] = { "fuzz", "--no-huge", "--no-shconf", "--no-pci",
		"--no-telemetry", "-m", "512", "-l", "0", "--log-level=error" };
	char *copy[CHIM_DIM(args) + 1];
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "--file-prefix=fuzz%d", getpid());
	for (size_t i = 0; i < CHIM_DIM(args); i++)
		copy[i] = strdup(args[i]);
	copy[CHIM_DIM(args)] = prefix;
	/* what does not hold ends the program where it is seen */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return rte_eal_init(CHIM_DIM(copy), copy) < 0 ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FUZZ_TARGET(data, size);
	return 0;
}
