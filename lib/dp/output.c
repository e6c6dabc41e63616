/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sink 2: first who waits for the wire, then who was touched in this turn;
 * each connection sends what it may, straight into its port's transmit vector,
 * and gets its timer armed.
 *
 * Who finds no room, or no buffer, waits in its port's queue for its turn, and
 * is not looked at before: while the wire is full a turn costs what happens in
 * it, not what waits. Who has another thing to do is touched for the next turn.
 */
#include "worker.h"

void
dp_output_lend(struct chim_worker *w, struct dp_port *p)
{
	w->out.m = p->wire.m + p->wire.nb;
	w->out.nb = 0;
	w->out.room = chim_txq_room(&p->wire);
}

uint16_t
dp_output_settle(struct chim_worker *w, struct dp_port *p)
{
	uint16_t nb = w->out.nb;

	chim_assert(nb <= w->out.room);
	p->wire.nb = (uint16_t)(p->wire.nb + nb);
	w->out.m = NULL;
	w->out.nb = 0;
	w->out.room = 0;
	return nb;
}

static struct dp_port *
port_of(struct chim_worker *w, struct chim_conn *c)
{
	return &w->ports[dp_neighbor_of(w, chim_tcp_head(c))->port_number];
}

/* ---- the queue of those who wait ---- */

static void
wait_for_wire(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_queue *q = &port_of(w, c)->waiting;

	head->is_waiting = 1;
	head->waiting = CHIM_SLAB_NONE;
	if (q->first == CHIM_SLAB_NONE)
		q->first = dp_index(head);
	else
		chim_tcp_head(dp_conn_at(w, q->last))->waiting = dp_index(head);
	q->last = dp_index(head);
}

/* The next whose turn it is; somebody waits. */
static struct chim_conn *
call_next(struct chim_worker *w, struct dp_queue *q)
{
	struct chim_conn *c = dp_conn_at(w, q->first);

	q->first = chim_tcp_head(c)->waiting;
	chim_tcp_head(c)->is_waiting = 0;
	w->nb_leaving -= dp_side(w, c)->is_exported;
	return c;
}

/* ---- a connection ---- */

static uint32_t
send(struct chim_worker *w, struct chim_conn *c, struct dp_port *p)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	const struct chim_tmpl *tmpl;

	dp_replica_sync(w, c);
	tmpl = dp_path_tmpl(w, head);
	if (tmpl == NULL) {
		/* Nothing is sent, pure ACKs included; a valid path sets the bit again. */
		head->todo &= ~CHIM_TODO_OUTPUT;
		return 0;
	}
	if (dp_wire_room(w, p, DP_FLUSH_BELOW) == 0)
		return 0;
	dp_reach_check(w, w->paths[head->path].neighbor);
	head->todo &= ~CHIM_TODO_OUTPUT;
	dp_output_lend(w, p);
	if (chim_tcp_output(c, tmpl, &w->env))
		head->todo |= CHIM_TODO_OUTPUT;
	return dp_output_settle(w, p);
}

/* It sends, unless others wait and it was not called. */
static __rte_always_inline uint32_t
serve(struct chim_worker *w, struct chim_conn *c, bool is_called)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	uint32_t sent = 0;

	if ((head->todo & CHIM_TODO_PROGRESS) != 0)
		dp_reach_progress(w, head);
	if ((head->todo & CHIM_TODO_OUTPUT) != 0) {
		struct dp_port *p = port_of(w, c);

		if (is_called || p->waiting.first == CHIM_SLAB_NONE)
			sent = send(w, c, p);
	}
	if ((head->todo & CHIM_TODO_TIMER) != 0)
		dp_timer_arm(w, c);
	if ((head->todo & CHIM_TODO_OUTPUT) != 0 && !head->is_waiting)
		wait_for_wire(w, c);
	return sent;
}

/* Is there anything that no queue will remind of? */
static bool
is_restless(const struct dp_side *side, const struct chim_conn_head *head)
{
	if (side->is_ending)
		return !side->is_exported || (!head->is_waiting && !side->is_unheard);
	return (head->todo & CHIM_TODO_DELIVER) != 0 && !side->is_unheard;
}

/*
 * As far as there is room. Somebody who was terminated while waiting leaves whether or not there
 * is: then they are all called, a few in each turn, and who cannot send goes to the end.
 */
static uint32_t
serve_waiting(struct chim_worker *w, struct dp_port *p)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < DP_WAITING && p->waiting.first != CHIM_SLAB_NONE; i++) {
		struct chim_conn *c;
		uint32_t sent;

		if (dp_wire_room(w, p, DP_FLUSH_BELOW) == 0 && w->nb_leaving == 0)
			break;
		c = call_next(w, &p->waiting);
		sent = serve(w, c, true);
		done += sent;
		if (is_restless(dp_side(w, c), chim_tcp_head(c)))
			dp_touch(w, c);
		/* Room, but no buffers: there will be none for the next either. */
		if (sent == 0 && chim_tcp_head(c)->is_waiting && w->nb_leaving == 0)
			break;
	}
	return done;
}

static uint32_t
serve_touched(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_side *side = dp_side(w, c);
	uint32_t sent;

	head->is_touched = 0;
	if (side->is_exported && head->todo == 0 && !head->is_waiting) {
		dp_terminate_finish(w, c);
		return 1;
	}
	sent = serve(w, c, false);
	if (is_restless(side, head))
		dp_touch(w, c);
	return sent;
}

uint32_t
dp_output(struct chim_worker *w)
{
	uint32_t done = 0;
	uint32_t nb;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		if (w->ports[i].port != NULL)
			done += serve_waiting(w, &w->ports[i]);
	}
	/* Who is touched meanwhile goes to a place that has been read. */
	nb = w->nb_touched;
	w->nb_touched = 0;
	for (uint32_t i = 0; i < nb; i++)
		done += serve_touched(w, dp_conn_at(w, w->touched[i]));
	return done;
}
