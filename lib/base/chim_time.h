/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Time as an argument. There is no clock here: the two poll loops read one and
 * pass it down.
 *
 *   chim_us_t   64-bit microseconds since an arbitrary start; never wraps
 *   chim_ms_t   32-bit milliseconds of the same clock, for deadlines; wraps
 *               every 49.7 days, so only differences below 24.8 days compare
 */
#ifndef CHIM_TIME_H
#define CHIM_TIME_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t chim_us_t;
typedef uint32_t chim_ms_t;

#define CHIM_US_PER_MS 1000u
#define CHIM_US_PER_S  1000000u

/** Milliseconds of a moment, modulo 2^32. */
static inline chim_ms_t
chim_us_to_ms(chim_us_t us)
{
	return (chim_ms_t)(us / CHIM_US_PER_MS);
}

/** Has the deadline come? @return true when now is at or after it. */
static inline bool
chim_ms_is_due(chim_ms_t deadline, chim_ms_t now)
{
	return (int32_t)(now - deadline) >= 0;
}

/** Is a earlier than b? */
static inline bool
chim_ms_is_before(chim_ms_t a, chim_ms_t b)
{
	return (int32_t)(a - b) < 0;
}

/** Left until the deadline, 0 when it has come. */
static inline chim_ms_t
chim_ms_left(chim_ms_t deadline, chim_ms_t now)
{
	return chim_ms_is_due(deadline, now) ? 0 : deadline - now;
}

#endif /* CHIM_TIME_H */
