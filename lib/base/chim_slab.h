/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A fixed pool of equal objects in memory that the caller provides (a memzone,
 * or an array in a test): index <-> pointer, and a generation for each slot so
 * that a handle to an object that is gone is recognised.
 *
 * Everything, the free list included, is indices and offsets inside the given
 * memory: an EAL secondary process can attach to a slab and read it.
 *
 * Thread: the one owner of the slab.
 */
#ifndef CHIM_SLAB_H
#define CHIM_SLAB_H

#include "chim_base.h"

#define CHIM_SLAB_NONE UINT32_MAX
/* Beside each slot: the generation of its present or next user, and whether it has one now. */
#define CHIM_SLAB_TAKEN 0x80000000u

struct chim_slab {
	uint32_t magic;	    /* CHIM_SLAB_MAGIC, checked by attach */
	uint32_t nb;	    /* slots */
	uint32_t elt_size;  /* bytes a slot, a multiple of the cache line */
	uint32_t nb_used;   /* slots handed out */
	uint32_t free_head; /* first free slot, CHIM_SLAB_NONE */
	uint32_t fresh;	    /* slots from here on were never used */
	uint64_t slots_off; /* from the slab to slot 0 */
	uint64_t meta_off;  /* from the slab to the array of what is beside them */
};

/**
 * Bytes of memory a slab of nb objects of elt_size bytes needs.
 */
size_t chim_slab_size(uint32_t nb, uint32_t elt_size);

/**
 * Make a slab in mem (cache-line aligned, chim_slab_size() bytes, borrowed for the slab's life).
 * Does not touch the slots: a big slab costs memory only as it is used.
 *
 * @return mem as a slab; NULL for nb 0 or CHIM_SLAB_NONE, or an elt_size of 0.
 */
struct chim_slab *chim_slab_init(void *mem, uint32_t nb, uint32_t elt_size);

/**
 * The end of a slab, before its memory goes back: whoever has it next may write to every slot.
 */
void chim_slab_fini(struct chim_slab *s);

/**
 * Take a free slot. Its first four bytes are anything; the others are what the last user left
 * (zero at first use, where the memory was).
 *
 * @return the index, CHIM_SLAB_NONE when all are taken.
 */
uint32_t chim_slab_take(struct chim_slab *s);

/**
 * Give a slot back; bumps its generation. In builds with AddressSanitizer the slot is poisoned
 * until it is taken again.
 */
void chim_slab_put(struct chim_slab *s, uint32_t index);

/* ---- looking up, for every frame and operation ---- */

/** What stands beside a slot that is in range. */
static inline uint32_t *
chim_slab_meta_of(const struct chim_slab *s, uint32_t index)
{
	return (uint32_t *)((uintptr_t)s + s->meta_off) + index;
}

/** Pointer to a slot that is in range. */
static inline void *
chim_slab_slot(const struct chim_slab *s, uint32_t index)
{
	return (void *)((uintptr_t)s + s->slots_off + (size_t)index * s->elt_size);
}

/**
 * Pointer to a slot, whether taken or free. @return NULL when the index is out of range.
 */
static inline void *
chim_slab_at(const struct chim_slab *s, uint32_t index)
{
	return index < s->nb ? chim_slab_slot(s, index) : NULL;
}

/**
 * Generation of a slot: 1 .. 2^24-1. @return 0 when the index is out of range or the slot is free.
 */
static inline uint32_t
chim_slab_generation(const struct chim_slab *s, uint32_t index)
{
	uint32_t meta;

	if (index >= s->fresh)
		return 0;
	meta = *chim_slab_meta_of(s, index);
	return (meta & CHIM_SLAB_TAKEN) != 0 ? meta & ~CHIM_SLAB_TAKEN : 0;
}

/**
 * Resolve (generation, index). @return the object; NULL when it is gone or never was.
 */
static inline void *
chim_slab_find(const struct chim_slab *s, uint32_t generation, uint32_t index)
{
	if (generation == 0 || chim_slab_generation(s, index) != generation)
		return NULL;
	return chim_slab_slot(s, index);
}

#endif /* CHIM_SLAB_H */
