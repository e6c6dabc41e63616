/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Random tests that live many lives: the seed of the one that is being lived,
 * told after a failure. The test sets seeds_now, and 0 when all is over.
 *
 *   cmocka_unit_test_teardown(nothing_breaks_it, seeds_tell)
 */
#ifndef SEEDS_H
#define SEEDS_H

#include <stdint.h>

extern uint64_t seeds_now; /* 0: none */

/** Teardown: say what to give CHIM_SEED where a life did not come to its end. */
int seeds_tell(void **state);

#endif /* SEEDS_H */
