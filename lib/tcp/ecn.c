/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The receiver's side of ECN: what CE in the segments that come says in the
 * ACKs that go. Called by input.c for each acceptable segment, and by output.c
 * for ACKs that are owed apart.
 */
#include <string.h>

#include "tcp_internal.h"

/*
 * RFC 8257, 3.2: what waits for its ACK came in the other state, and is acknowledged with that, at
 * once; the segment that is looked at begins a new wait. The oldest of too many changes in one turn
 * is given up: its octets go with those after it.
 */
static void
change(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (c->rcv_nxt != c->ack_sent && tcp_queues_attach(c, env)) {
		struct tcp_queues *q = c->q;

		if (q->nb_ce_acks == CHIM_DIM(q->ce_ack)) {
			q->nb_ce_acks--;
			memmove(q->ce_ack, q->ce_ack + 1, q->nb_ce_acks * sizeof(q->ce_ack[0]));
		}
		q->ce_ack[q->nb_ce_acks++] = c->rcv_nxt;
		c->ack_sent = c->rcv_nxt;
		c->acks_delayed = 0;
		tcp_timer_stop(c, TCP_TIMER_DELAYED_ACK);
		c->head.todo |= CHIM_TODO_OUTPUT;
	}
	c->flags ^= TCP_ECE_OWED;
}

void
tcp_ecn_input(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	bool is_ce = (s->info & CHIM_SEG_CE) != 0;
	bool was_ce = (c->flags & TCP_ECE_OWED) != 0;

	env->counters->ecn_ce_in += is_ce;
	if (c->recover.cc.algorithm == CHIM_CC_DCTCP) {
		if (s->len != 0 && is_ce != was_ce)
			change(c, env);
		return;
	}
	/* RFC 3168, 6.1.3: echoed until CWR comes. */
	if (s->flags & CHIM_CWR)
		c->flags &= ~TCP_ECE_OWED;
	if (is_ce)
		c->flags |= TCP_ECE_OWED;
}

bool
tcp_ecn_send_acks(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	struct tcp_queues *q = c->q;

	while (q != NULL && q->nb_ce_acks != 0) {
		bool is_ce = (c->flags & TCP_ECE_OWED) != 0;
		const struct tcp_tx tx = {
			.t = t,
			.seq = c->snd_max,
			.is_new = true,
			.is_apart = true,
			.ack = q->ce_ack[0],
			/* each change is to the other state; the last was to that of now */
			.flags = is_ce != (q->nb_ce_acks & 1) ? CHIM_ECE : 0,
		};

		if (!tcp_emit(c, &tx, env))
			return false;
		env->counters->pure_acks++;
		q->nb_ce_acks--;
		memmove(q->ce_ack, q->ce_ack + 1, q->nb_ce_acks * sizeof(q->ce_ack[0]));
	}
	return true;
}
