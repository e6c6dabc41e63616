/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What an idle worker does between turns. Used by loop.c alone.
 */
#ifndef DP_IDLE_H
#define DP_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct chim_worker;

struct dp_idle {
	bool can_interrupt; /* every queue of the worker is in the lcore's epoll set */
};

/* Prepare; falls back from interrupts to sleeping where a driver has none. */
void dp_idle_begin(struct dp_idle *idle, struct chim_worker *w);

/* Rest after so many empty turns in a row, as configured. */
void dp_idle_rest(struct dp_idle *idle, struct chim_worker *w, uint32_t empty);

/* How long to sleep after so many empty turns, idle_turns or more. */
uint32_t dp_idle_sleep_us(const struct chim_worker *w, uint32_t empty);

void dp_idle_end(struct dp_idle *idle, struct chim_worker *w);

#endif /* DP_IDLE_H */
