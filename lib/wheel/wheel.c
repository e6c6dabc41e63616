/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The timer wheel. The first level has a slot for each of the 256 milliseconds
 * from now on, the second one for each of the 255 blocks of 256 ms after the
 * present block; what lies farther waits in the last of those and is placed
 * again when its slot comes round.
 *
 * Two rules make it restartable at any point: the slot of "now" is always
 * drained first, and the second-level slot of the present block is always
 * empty unless its move to the first level was cut short.
 */
#include "chim_wheel.h"

#define SLOT_MASK   (CHIM_WHEEL_SLOTS - 1)
#define BLOCK_SHIFT 8 /* log2(CHIM_WHEEL_SLOTS) */
#define LAST_BLOCK  (CHIM_WHEEL_SLOTS - 1)

/* Links moved from level to level in one call: a mass of equal deadlines must not stall a turn. */
#define MAX_MOVES 256u

static struct chim_wheel_link *
link_of(const struct chim_wheel *w, uint32_t index)
{
	return (struct chim_wheel_link *)(w->base + (size_t)index * w->stride + w->link_off);
}

static void
insert(struct chim_wheel *w, uint32_t index, uint32_t slot)
{
	struct chim_wheel_link *l = link_of(w, index);
	uint32_t next = w->head[slot];

	l->slot = slot;
	l->prev = CHIM_WHEEL_NONE;
	l->next = next;
	if (next != CHIM_WHEEL_NONE)
		link_of(w, next)->prev = index;
	w->head[slot] = index;
	w->nb_armed++;
	w->nb_near += slot < CHIM_WHEEL_SLOTS;
}

static void
take_out(struct chim_wheel *w, struct chim_wheel_link *l)
{
	if (l->prev == CHIM_WHEEL_NONE)
		w->head[l->slot] = l->next;
	else
		link_of(w, l->prev)->next = l->next;
	if (l->next != CHIM_WHEEL_NONE)
		link_of(w, l->next)->prev = l->prev;
	w->nb_armed--;
	w->nb_near -= l->slot < CHIM_WHEEL_SLOTS;
	l->slot = CHIM_WHEEL_NONE;
}

static uint32_t
far_slot(chim_ms_t when)
{
	return CHIM_WHEEL_SLOTS + (when >> BLOCK_SHIFT & SLOT_MASK);
}

/* The slot for a moment, seen from now. */
static uint32_t
slot_for(chim_ms_t when, chim_ms_t now)
{
	uint32_t blocks =
		((when >> BLOCK_SHIFT) - (now >> BLOCK_SHIFT)) & (UINT32_MAX >> BLOCK_SHIFT);

	if (chim_ms_is_due(when, now))
		return now & SLOT_MASK;
	if (when - now < CHIM_WHEEL_SLOTS)
		return when & SLOT_MASK;
	if (blocks > LAST_BLOCK)
		return far_slot(now + LAST_BLOCK * CHIM_WHEEL_SLOTS);
	return far_slot(when);
}

void
chim_wheel_init(struct chim_wheel *w, void *base, uint32_t stride, uint32_t link_off, chim_ms_t now)
{
	w->now = now;
	w->nb_armed = 0;
	w->nb_near = 0;
	w->base = base;
	w->stride = stride;
	w->link_off = link_off;
	for (uint32_t i = 0; i < CHIM_DIM(w->head); i++)
		w->head[i] = CHIM_WHEEL_NONE;
}

void
chim_wheel_link_init(struct chim_wheel_link *l)
{
	l->next = CHIM_WHEEL_NONE;
	l->prev = CHIM_WHEEL_NONE;
	l->when = 0;
	l->slot = CHIM_WHEEL_NONE;
}

void
chim_wheel_arm(struct chim_wheel *w, uint32_t index, chim_ms_t when)
{
	struct chim_wheel_link *l = link_of(w, index);
	uint32_t slot = slot_for(when, w->now);

	l->when = when;
	if (l->slot == slot)
		return;
	if (chim_wheel_is_armed(l))
		take_out(w, l);
	insert(w, index, slot);
}

void
chim_wheel_cancel(struct chim_wheel *w, uint32_t index)
{
	struct chim_wheel_link *l = link_of(w, index);

	if (chim_wheel_is_armed(l))
		take_out(w, l);
}

/* Spread the present block over the first level. @return false when moves ran out first. */
static bool
spread_block(struct chim_wheel *w, uint32_t *moves)
{
	uint32_t slot = far_slot(w->now);
	uint32_t index;

	while ((index = w->head[slot]) != CHIM_WHEEL_NONE) {
		struct chim_wheel_link *l = link_of(w, index);

		if (*moves == 0)
			return false;
		(*moves)--;
		take_out(w, l);
		insert(w, index, slot_for(l->when, w->now));
	}
	return true;
}

/* To the next slot that can hold something, not beyond the target. */
static void
step(struct chim_wheel *w, chim_ms_t target)
{
	chim_ms_t next_block = (w->now | SLOT_MASK) + 1;

	if (w->nb_armed == 0)
		w->now = target;
	else if (w->nb_near > 0)
		w->now++;
	else
		w->now = chim_ms_is_before(next_block, target) ? next_block : target;
}

uint32_t
chim_wheel_advance(struct chim_wheel *w, chim_ms_t now, uint32_t *expired, uint32_t max)
{
	chim_ms_t target = chim_ms_is_before(now, w->now) ? w->now : now;
	uint32_t moves = MAX_MOVES;
	uint32_t n = 0;

	while (spread_block(w, &moves)) {
		uint32_t *head = &w->head[w->now & SLOT_MASK];

		while (*head != CHIM_WHEEL_NONE && n < max) {
			expired[n++] = *head;
			take_out(w, link_of(w, *head));
		}
		if (*head != CHIM_WHEEL_NONE || w->now == target)
			break;
		step(w, target);
	}
	return n;
}
