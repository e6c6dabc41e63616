/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The fixed pool. The generations are an array beside the slots, with a bit that says whether the
 * slot is taken; a free slot itself holds the index of the next free one.
 */
#include "chim_handle.h"
#include "chim_poison.h"
#include "chim_slab.h"

#define CHIM_SLAB_MAGIC 0x534c4142u

static size_t
align_up(size_t n)
{
	return RTE_CACHE_LINE_ROUNDUP(n);
}

size_t
chim_slab_size(uint32_t nb, uint32_t elt_size)
{
	return align_up(sizeof(struct chim_slab)) + align_up(nb * sizeof(uint32_t)) +
		(size_t)nb * align_up(elt_size);
}

struct chim_slab *
chim_slab_init(void *mem, uint32_t nb, uint32_t elt_size)
{
	struct chim_slab *s = mem;

	if (nb == 0 || nb == CHIM_SLAB_NONE || elt_size == 0)
		return NULL;
	s->magic = CHIM_SLAB_MAGIC;
	s->nb = nb;
	s->elt_size = (uint32_t)align_up(elt_size);
	s->nb_used = 0;
	s->free_head = CHIM_SLAB_NONE;
	s->fresh = 0;
	s->meta_off = align_up(sizeof(*s));
	s->slots_off = s->meta_off + align_up(nb * sizeof(uint32_t));
	chim_poison(chim_slab_at(s, 0), (size_t)nb * s->elt_size);
	return s;
}

void
chim_slab_fini(struct chim_slab *s)
{
	chim_unpoison(chim_slab_at(s, 0), (size_t)s->nb * s->elt_size);
	s->magic = 0;
}

uint32_t
chim_slab_take(struct chim_slab *s)
{
	uint32_t index = s->free_head;

	if (index == CHIM_SLAB_NONE) {
		if (s->fresh == s->nb)
			return CHIM_SLAB_NONE;
		index = s->fresh++;
		*chim_slab_meta_of(s, index) = 1;
		chim_unpoison(chim_slab_slot(s, index), s->elt_size);
	} else {
		chim_unpoison(chim_slab_slot(s, index), s->elt_size);
		s->free_head = *(uint32_t *)chim_slab_slot(s, index);
	}
	*chim_slab_meta_of(s, index) |= CHIM_SLAB_TAKEN;
	s->nb_used++;
	return index;
}

/* 24 bits travel in a handle, and 0 is "never was". */
static uint32_t
next_generation(uint32_t generation)
{
	return generation == CHIM_GENERATION_MASK ? 1 : generation + 1;
}

void
chim_slab_put(struct chim_slab *s, uint32_t index)
{
	uint32_t generation = chim_slab_generation(s, index);

	chim_assert(generation != 0);
	*chim_slab_meta_of(s, index) = next_generation(generation);
	*(uint32_t *)chim_slab_slot(s, index) = s->free_head;
	s->free_head = index;
	s->nb_used--;
	chim_poison(chim_slab_slot(s, index), s->elt_size);
}
