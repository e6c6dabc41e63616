/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The seed that is being tried. Called by the random tests of the engine and of
 * control.
 */
#include <inttypes.h>

#include "seeds.h"
#include "test.h"

uint64_t seeds_now;

int
seeds_tell(void **state)
{
	(void)state;
	if (seeds_now != 0)
		print_error("replay with CHIM_SEED=%" PRIu64 "\n", seeds_now);
	return 0;
}
