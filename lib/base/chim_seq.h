/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sequence-number arithmetic modulo 2^32 (RFC 9293, 3.4).
 */
#ifndef CHIM_SEQ_H
#define CHIM_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t chim_seq_t;

/** a < b */
static inline bool
chim_seq_lt(chim_seq_t a, chim_seq_t b)
{
	return (int32_t)(a - b) < 0;
}

/** a <= b */
static inline bool
chim_seq_le(chim_seq_t a, chim_seq_t b)
{
	return (int32_t)(a - b) <= 0;
}

/** a > b */
static inline bool
chim_seq_gt(chim_seq_t a, chim_seq_t b)
{
	return (int32_t)(a - b) > 0;
}

/** a >= b */
static inline bool
chim_seq_ge(chim_seq_t a, chim_seq_t b)
{
	return (int32_t)(a - b) >= 0;
}

/** The later of two. */
static inline chim_seq_t
chim_seq_max(chim_seq_t a, chim_seq_t b)
{
	return chim_seq_gt(a, b) ? a : b;
}

/** The earlier of two. */
static inline chim_seq_t
chim_seq_min(chim_seq_t a, chim_seq_t b)
{
	return chim_seq_lt(a, b) ? a : b;
}

/** Is s in [start, start + len)? */
static inline bool
chim_seq_in(chim_seq_t s, chim_seq_t start, uint32_t len)
{
	return s - start < len;
}

#endif /* CHIM_SEQ_H */
