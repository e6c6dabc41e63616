/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Rings of 64-byte entries and mailboxes of pointers, both an rte_ring with one
 * producer and one consumer. The opaque types are the ring itself: a ring lives
 * in a memzone at the same address in every process of an EAL, so a pointer to
 * it kept in the target's registry is good in a secondary process too.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>

#include "chim_chan.h"

/* Exactly the asked number of slots: what a caller counts on is what there is. */
#define RING_FLAGS (RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ)

static struct rte_ring *
ring_of_chan(const struct chim_chan *c)
{
	return (struct rte_ring *)(uintptr_t)c;
}

static struct rte_ring *
ring_of_box(const struct chim_box *b)
{
	return (struct rte_ring *)(uintptr_t)b;
}

/* A ring in another node's memory is slower; none at all is no engine. */
static struct rte_ring *
ring_create(const char *name, uint32_t elt_size, uint32_t nb, int socket_id)
{
	struct rte_ring *ring;

	if (nb == 0 || nb > RTE_RING_SZ_MASK) {
		rte_errno = EINVAL;
		return NULL;
	}
	ring = rte_ring_create_elem(name, elt_size, nb, socket_id, RING_FLAGS);
	if (ring == NULL && rte_errno == ENOMEM && socket_id != SOCKET_ID_ANY)
		ring = rte_ring_create_elem(name, elt_size, nb, SOCKET_ID_ANY, RING_FLAGS);
	return ring;
}

struct chim_chan *
chim_chan_create(const char *name, uint32_t nb, int socket_id)
{
	return (struct chim_chan *)ring_create(name, CHIM_CHAN_ENTRY, nb, socket_id);
}

void
chim_chan_destroy(struct chim_chan *c)
{
	rte_ring_free(ring_of_chan(c));
}

/* Of a size that the compiler knows: vectors. rte_ring copies such entries in words of 32 bits. */
static void
copy(void *to, const void *from, uint32_t n)
{
	for (uint32_t i = 0; i < n * CHIM_CHAN_ENTRY; i += CHIM_CHAN_ENTRY)
		memcpy((uint8_t *)to + i, (const uint8_t *)from + i, CHIM_CHAN_ENTRY);
}

uint32_t
chim_chan_put(struct chim_chan *c, const void *entries, uint32_t n)
{
	struct rte_ring *r = ring_of_chan(c);
	struct rte_ring_zc_data z;

	n = rte_ring_enqueue_zc_burst_elem_start(r, CHIM_CHAN_ENTRY, n, &z, NULL);
	if (n == 0)
		return 0;
	copy(z.ptr1, entries, z.n1);
	copy(z.ptr2, (const uint8_t *)entries + z.n1 * CHIM_CHAN_ENTRY, n - z.n1);
	rte_ring_enqueue_zc_elem_finish(r, n);
	return n;
}

uint32_t
chim_chan_begin(struct chim_chan *c, uint32_t n, void **entries)
{
	struct rte_ring_zc_data z;

	if (rte_ring_enqueue_zc_burst_elem_start(ring_of_chan(c), CHIM_CHAN_ENTRY, n, &z, NULL) ==
		0)
		return 0;
	*entries = z.ptr1;
	return z.n1;
}

void
chim_chan_finish(struct chim_chan *c, uint32_t n)
{
	rte_ring_enqueue_zc_elem_finish(ring_of_chan(c), n);
}

uint32_t
chim_chan_take(struct chim_chan *c, void *entries, uint32_t n)
{
	struct rte_ring *r = ring_of_chan(c);
	struct rte_ring_zc_data z;

	n = rte_ring_dequeue_zc_burst_elem_start(r, CHIM_CHAN_ENTRY, n, &z, NULL);
	if (n == 0)
		return 0;
	copy(entries, z.ptr1, z.n1);
	copy((uint8_t *)entries + z.n1 * CHIM_CHAN_ENTRY, z.ptr2, n - z.n1);
	rte_ring_dequeue_zc_elem_finish(r, n);
	return n;
}

uint32_t
chim_chan_room(const struct chim_chan *c)
{
	return rte_ring_free_count(ring_of_chan(c));
}

uint32_t
chim_chan_count(const struct chim_chan *c)
{
	return rte_ring_count(ring_of_chan(c));
}

uint32_t
chim_chan_size(const struct chim_chan *c)
{
	return rte_ring_get_capacity(ring_of_chan(c));
}

struct chim_box *
chim_box_create(const char *name, uint32_t nb, int socket_id)
{
	return (struct chim_box *)ring_create(name, sizeof(void *), nb, socket_id);
}

void
chim_box_destroy(struct chim_box *b)
{
	rte_ring_free(ring_of_box(b));
}

uint32_t
chim_box_put(struct chim_box *b, void *const *objs, uint32_t n)
{
	return rte_ring_sp_enqueue_burst(ring_of_box(b), objs, n, NULL);
}

uint32_t
chim_box_take(struct chim_box *b, void **objs, uint32_t n)
{
	return rte_ring_sc_dequeue_burst(ring_of_box(b), objs, n, NULL);
}

uint32_t
chim_box_room(const struct chim_box *b)
{
	return rte_ring_free_count(ring_of_box(b));
}
