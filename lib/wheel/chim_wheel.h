/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A timer wheel for one worker: one link in each connection, armed for the
 * earliest of its deadlines. Millisecond slots, two levels of 256 with the
 * far future parked in the last one and re-armed when it comes round.
 *
 * An expiry may come early (a parked deadline) but never late by more than the
 * step between two calls of advance; the owner looks at its own deadlines and
 * arms again. Links are indices into an array of equal objects, so the wheel
 * and its links may live in shared memory.
 *
 * Thread: the owning worker. No clock: the time is an argument.
 */
#ifndef CHIM_WHEEL_H
#define CHIM_WHEEL_H

#include "chim_base.h"
#include "chim_time.h"

#define CHIM_WHEEL_SLOTS 256u
#define CHIM_WHEEL_NONE	 UINT32_MAX

/* In each timed object. Zero-initialised is not valid: chim_wheel_link_init(). */
struct chim_wheel_link {
	uint32_t next;	/* index of the next object in the slot */
	uint32_t prev;	/* of the previous, or CHIM_WHEEL_NONE at the head */
	chim_ms_t when; /* armed for */
	uint32_t slot;	/* 0..511, CHIM_WHEEL_NONE when not armed */
};

struct chim_wheel {
	chim_ms_t now; /* last advanced to */
	uint32_t nb_armed;
	uint32_t nb_near;		     /* of them, in the first level */
	uint8_t *base;			     /* object 0 of the array */
	uint32_t stride;		     /* bytes between objects */
	uint32_t link_off;		     /* of the link in an object */
	uint32_t head[2 * CHIM_WHEEL_SLOTS]; /* index of the first object of each slot */
};

/** Make an empty wheel over the array at base. */
void chim_wheel_init(
	struct chim_wheel *w, void *base, uint32_t stride, uint32_t link_off, chim_ms_t now);

/** Make a link not armed. */
void chim_wheel_link_init(struct chim_wheel_link *l);

/** Is the link in the wheel? */
static inline bool
chim_wheel_is_armed(const struct chim_wheel_link *l)
{
	return l->slot != CHIM_WHEEL_NONE;
}

/**
 * Arm object index for a moment, or move it there. A moment that has come is taken by the next
 * advance. Cost: constant.
 */
void chim_wheel_arm(struct chim_wheel *w, uint32_t index, chim_ms_t when);

/** Take object index out, if it is in. Cost: constant. */
void chim_wheel_cancel(struct chim_wheel *w, uint32_t index);

/**
 * Move the wheel to now and take out what has expired, at most max objects. When max is reached
 * the rest comes with the next call (nothing is skipped). A now before the last one moves nothing.
 * Calls are less than 24.8 days apart.
 *
 * Cost: bounded by max, a constant number of links moved between levels, and the slots passed
 * (one for each 256 ms while nothing is due soon).
 *
 * @param expired receives indices, no longer armed.
 * @return how many.
 */
uint32_t chim_wheel_advance(struct chim_wheel *w, chim_ms_t now, uint32_t *expired, uint32_t max);

#endif /* CHIM_WHEEL_H */
