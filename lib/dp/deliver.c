/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sink 1: what the touched connections have to tell goes into their hosts'
 * rings. A ring without room is not an error: the connection stays on the list
 * and tells the rest when there is room, in order.
 *
 * A terminate goes on here too, because what it waits for is room.
 */
#include "worker.h"

#define AT_ONCE 16u

/* What the engine has left open of an entry. */
static void
finish(struct chim_worker *w, struct chim_conn *c, struct chim_io *io)
{
	io->offload_handle = dp_side(w, c)->offload_handle;
	w->nb_lent += io->op == CHIM_IO_INDICATE;
}

static uint32_t
tell(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct chim_chan *ring = w->target->slot[head->host].from_worker[w->id];
	struct chim_io io[AT_ONCE];
	uint32_t done = 0;

	for (;;) {
		uint32_t room = RTE_MIN(chim_chan_room(ring), AT_ONCE);
		uint32_t nb = 0;

		if (room == 0) {
			w->counters.host_full++;
			return done;
		}
		while (nb < room && chim_tcp_next_io(c, &io[nb], &w->env))
			finish(w, c, &io[nb++]);
		chim_chan_put(ring, io, nb);
		done += nb;
		if (nb < room) {
			head->todo &= ~CHIM_TODO_DELIVER;
			return done;
		}
	}
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

uint32_t
dp_deliver(struct chim_worker *w)
{
	uint32_t done = 0;

	for (struct chim_conn *c = w->touched; c != NULL; c = dp_touched_next(w, c)) {
		rte_prefetch0(dp_touched_next(w, c));
		if (dp_side(w, c)->is_ending)
			dp_terminate_resume(w, c);
		if ((chim_tcp_head(c)->todo & CHIM_TODO_DELIVER) != 0 && is_open(dp_side(w, c)))
			done += tell(w, c);
	}
	return done;
}
