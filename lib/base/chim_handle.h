/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Making and taking apart handles; the layout is in include/chim.h.
 */
#ifndef CHIM_HANDLE_H
#define CHIM_HANDLE_H

#include "chim.h"

#define CHIM_GENERATION_MASK 0xFFFFFFu

/** Owner, generation (1 .. 2^24-1), index -> handle. */
static inline chim_handle_t
chim_handle_make(uint32_t owner, uint32_t generation, uint32_t index)
{
	return (uint64_t)owner << 56 | (uint64_t)(generation & CHIM_GENERATION_MASK) << 32 | index;
}

/** Worker number, CHIM_OWNER_PATH or CHIM_OWNER_NEIGHBOR. */
static inline uint32_t
chim_handle_owner(chim_handle_t h)
{
	return (uint32_t)(h >> 56);
}

/** Generation, 0 in a handle that was never given out. */
static inline uint32_t
chim_handle_generation(chim_handle_t h)
{
	return (uint32_t)(h >> 32) & CHIM_GENERATION_MASK;
}

/** Index in the owner's pool. */
static inline uint32_t
chim_handle_index(chim_handle_t h)
{
	return (uint32_t)h;
}

#endif /* CHIM_HANDLE_H */
