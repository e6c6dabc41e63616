/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 3: what time brings. One link a connection is in the wheel, armed for
 * the earliest of its deadlines; an expiry may be early, so it is always armed
 * again.
 */
#include "worker.h"

void
dp_timer_arm(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	chim_ms_t when;

	head->todo &= ~CHIM_TODO_TIMER;
	if (chim_tcp_deadline(c, &when))
		chim_wheel_arm(&w->wheel, dp_index(head), when);
	else
		chim_wheel_cancel(&w->wheel, dp_index(head));
}

uint32_t
dp_timers(struct chim_worker *w)
{
	chim_ms_t now = (chim_ms_t)w->env.now_ms;
	uint32_t expired[DP_TIMERS];
	uint32_t nb = chim_wheel_advance(&w->wheel, now, expired, DP_TIMERS);

	for (uint32_t i = 0; i < nb; i++) {
		struct chim_conn *c = dp_conn_at(w, expired[i]);
		chim_ms_t when;

		if (dp_side(w, c)->is_exported)
			continue;
		if (!chim_tcp_deadline(c, &when))
			continue;
		/* Mostly it is the deadline of long ago, and another has taken its place. */
		if (!chim_ms_is_due(when, now)) {
			chim_wheel_arm(&w->wheel, expired[i], when);
			continue;
		}
		chim_tcp_expire(c, &w->env);
		chim_tcp_head(c)->todo |= CHIM_TODO_TIMER;
		dp_touch(w, c);
	}
	return nb;
}
