/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Allocations that fail on demand. The linker replaces DPDK's allocating calls
 * (see meson.build); until a test asks, they are only passed on.
 */
#ifndef ALLOCFAIL_H
#define ALLOCFAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Let the n-th allocation from now on fail, and no other; 0 is the next one. */
void allocfail_at(uint32_t n);

/* Stop. @return whether it has failed. */
bool allocfail_end(void);

/* Bytes in use in the EAL's heaps. */
size_t allocfail_in_use(void);

#endif /* ALLOCFAIL_H */
