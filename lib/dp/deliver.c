/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sink 1: what connections have to tell goes into their hosts' rings, first of
 * those who wait for room there, then of those touched in this turn. A ring
 * without room is not an error: the connection waits in the host's queue and
 * tells the rest when there is room, in order.
 *
 * A terminate goes on here too, because what it waits for is room.
 */
#include "worker.h"

#define AT_ONCE 32u

/* Entries begun in one host's ring, for several connections. */
struct news {
	struct chim_chan *ring; /* NULL: none are begun */
	struct chim_io *io;
	uint32_t room;
	uint32_t nb; /* of them are written */
};

static void
finish(struct news *n)
{
	if (n->ring != NULL && n->room != 0)
		chim_chan_finish(n->ring, n->nb);
	n->ring = NULL;
	n->room = 0;
	n->nb = 0;
}

/* Is there room for another entry in this ring? */
static bool
has_room(struct news *n, struct chim_chan *ring)
{
	void *entries;

	if (n->ring == ring && n->nb != n->room)
		return true;
	finish(n);
	n->ring = ring;
	n->room = chim_chan_begin(ring, AT_ONCE, &entries);
	n->io = entries;
	return n->room != 0;
}

/* What the engine has left open in entries of a connection. */
static void
complete(struct chim_worker *w, const struct dp_side *side, struct chim_io *io, uint32_t nb)
{
	uint64_t offload_handle = side->offload_handle;

	for (uint32_t i = 0; i < nb; i++) {
		io[i].offload_handle = offload_handle;
		w->nb_lent += io[i].op == CHIM_IO_INDICATE;
	}
}

/* The host's ring is full: whoever comes later comes behind. */
static void
wait_for_host(struct chim_worker *w, struct chim_conn_head *head)
{
	struct dp_queue *q = &w->unheard[head->host];
	uint32_t index = dp_index(head);

	w->counters.host_full++;
	w->side[index].is_unheard = 1;
	w->side[index].unheard = CHIM_SLAB_NONE;
	if (q->first == CHIM_SLAB_NONE)
		q->first = index;
	else
		w->side[q->last].unheard = index;
	q->last = index;
}

static uint32_t
tell(struct chim_worker *w, struct chim_conn *c, const struct dp_side *side, struct news *n)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct chim_chan *ring = w->target->slot[head->host].from_worker[w->id];
	uint32_t done = 0;

	while (has_room(n, ring)) {
		uint32_t space = n->room - n->nb;
		struct chim_io *io = &n->io[n->nb];
		uint32_t nb = chim_tcp_next_io(c, io, space, &w->env);

		complete(w, side, io, nb);
		n->nb += nb;
		done += nb;
		if (nb < space) {
			head->todo &= ~CHIM_TODO_DELIVER;
			return done;
		}
	}
	wait_for_host(w, head);
	return done;
}

/* May the host hear of the connection yet? Not before its initiate has completed (spec 4.1). */
static bool
is_open(struct dp_side *side)
{
	if (side->is_ending || side->gate == NULL)
		return true;
	/* Acquire: with ctl's release, after it has put the completion. */
	if (atomic_load_explicit(side->gate, memory_order_acquire) == side->gate_stamp)
		return false;
	side->gate = NULL;
	return true;
}

static uint32_t
tell_waiting(struct chim_worker *w, uint32_t host, struct news *n)
{
	struct chim_chan *ring = w->target->slot[host].from_worker[w->id];
	struct dp_queue *q = &w->unheard[host];
	uint32_t done = 0;

	while (q->first != CHIM_SLAB_NONE && has_room(n, ring)) {
		struct chim_conn *c = dp_conn_at(w, q->first);
		struct dp_side *side = dp_side(w, c);

		q->first = side->unheard;
		side->is_unheard = 0;
		done += tell(w, c, side, n);
		/* A terminate waits for it. */
		if (side->is_ending)
			dp_touch(w, c);
	}
	return done;
}

static uint32_t
tell_touched(struct chim_worker *w, struct chim_conn *c, struct news *n)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_side *side = dp_side(w, c);

	if (side->is_ending) {
		/* It may answer the host too, behind what is here. */
		finish(n);
		dp_terminate_resume(w, c);
	}
	if ((head->todo & CHIM_TODO_DELIVER) == 0 || side->is_unheard || !is_open(side))
		return 0;
	return tell(w, c, side, n);
}

uint32_t
dp_deliver(struct chim_worker *w)
{
	struct news n = { 0 };
	uint32_t done = 0;

	for (uint32_t host = 0; host < w->nb_hosts; host++)
		done += tell_waiting(w, host, &n);
	for (uint32_t i = 0; i < w->nb_touched; i++)
		done += tell_touched(w, dp_conn_at(w, w->touched[i]), &n);
	finish(&n);
	return done;
}
