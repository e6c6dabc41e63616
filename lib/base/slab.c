/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The fixed pool. Generations and the free list share one array beside the
 * slots: a free slot's entry holds the next free slot, and taking it is what
 * makes the generation valid.
 */
#include <string.h>

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
	return align_up(sizeof(struct chim_slab)) + align_up(nb * sizeof(struct chim_slab_meta)) +
		(size_t)nb * align_up(elt_size);
}

struct chim_slab *
chim_slab_init(void *mem, uint32_t nb, uint32_t elt_size)
{
	struct chim_slab *s = mem;

	if (nb == 0 || nb >= CHIM_SLAB_TAKEN || elt_size == 0)
		return NULL;
	s->magic = CHIM_SLAB_MAGIC;
	s->nb = nb;
	s->elt_size = (uint32_t)align_up(elt_size);
	s->nb_used = 0;
	s->free_head = CHIM_SLAB_NONE;
	s->fresh = 0;
	s->meta_off = align_up(sizeof(*s));
	s->slots_off = s->meta_off + align_up(nb * sizeof(struct chim_slab_meta));
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

	if (index != CHIM_SLAB_NONE) {
		s->free_head = chim_slab_meta_of(s, index)->next_free;
	} else if (s->fresh < s->nb) {
		index = s->fresh++;
		chim_slab_meta_of(s, index)->generation = 1;
	} else {
		return CHIM_SLAB_NONE;
	}
	chim_slab_meta_of(s, index)->next_free = CHIM_SLAB_TAKEN;
	s->nb_used++;
	chim_unpoison(chim_slab_at(s, index), s->elt_size);
	return index;
}

void
chim_slab_put(struct chim_slab *s, uint32_t index)
{
	struct chim_slab_meta *meta;

	chim_assert(index < s->fresh);
	meta = chim_slab_meta_of(s, index);
	chim_assert(meta->next_free == CHIM_SLAB_TAKEN);
	/* 24 bits travel in a handle, and 0 is "never was". */
	meta->generation = (meta->generation + 1) & CHIM_GENERATION_MASK;
	if (meta->generation == 0)
		meta->generation = 1;
	meta->next_free = s->free_head;
	s->free_head = index;
	s->nb_used--;
	chim_poison(chim_slab_at(s, index), s->elt_size);
}
