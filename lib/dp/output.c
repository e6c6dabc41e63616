/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sink 2: the touched list is taken down; each connection sends what it may,
 * straight into its port's transmit vector, and gets its timer armed. Who is
 * left with something to do (no room, or more to tell) goes on the next list.
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

static uint32_t
send(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	const struct chim_tmpl *tmpl;
	struct dp_port *p;

	dp_replica_sync(w, c);
	tmpl = dp_path_tmpl(w, head);
	if (tmpl == NULL) {
		/* Nothing is sent, pure ACKs included; a valid path sets the bit again. */
		head->todo &= ~CHIM_TODO_OUTPUT;
		return 0;
	}
	p = &w->ports[dp_neighbor_of(w, head)->port_number];
	if (dp_wire_room(w, p, DP_FLUSH_BELOW) == 0)
		return 0;
	dp_reach_check(w, w->paths[head->path].neighbor);
	head->todo &= ~CHIM_TODO_OUTPUT;
	dp_output_lend(w, p);
	if (chim_tcp_output(c, tmpl, &w->env))
		head->todo |= CHIM_TODO_OUTPUT;
	return dp_output_settle(w, p);
}

uint32_t
dp_output(struct chim_worker *w)
{
	struct chim_conn *next;
	uint32_t done = 0;
	struct chim_conn *c = w->touched;

	w->touched = NULL;
	for (; c != NULL; c = next) {
		struct chim_conn_head *head = chim_tcp_head(c);
		bool is_ending = dp_side(w, c)->is_ending;

		next = dp_touched_next(w, c);
		head->is_touched = 0;
		if (is_ending && dp_side(w, c)->is_exported && head->todo == 0) {
			dp_terminate_finish(w, c);
			done++;
			continue;
		}
		if ((head->todo & CHIM_TODO_OUTPUT) != 0)
			done += send(w, c);
		if ((head->todo & CHIM_TODO_TIMER) != 0)
			dp_timer_arm(w, c);
		if (head->todo != 0 || is_ending)
			dp_touch(w, c);
	}
	return done;
}
