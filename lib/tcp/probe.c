/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Segments that ask the peer something: whether its window is still closed
 * (RFC 9293, 3.8.6.1; spec 8.3), whether the tail of a flight got lost
 * (RFC 8985, 7.3), whether it is there at all (RFC 1122, 4.2.3.6). Timers say
 * when; output.c calls in its order. False: no room or no buffer, again later.
 */
#include "tcp_internal.h"

/* The octet of an earlier probe again, or the first new one (spec 8.3: one new byte). */
static bool
probe_octet(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	struct tcp_sent_rec *rec = tcp_recover_first(&c->recover);

	if (rec != NULL)
		return tcp_output_resend(c, t, rec, env);
	return tcp_unsent(c) == 0 || tcp_output_new(c, t, 1, c->mss, env);
}

bool
tcp_probe_window(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	if ((c->flags & (TCP_PROBE_DUE | TCP_RESEND_FIRST)) == 0)
		return true;
	if (!probe_octet(c, t, env))
		return false;
	if (c->flags & TCP_PROBE_DUE)
		env->counters->zero_window_probes++;
	c->flags &= ~(TCP_PROBE_DUE | TCP_RESEND_FIRST);
	return true;
}

/* The first segment of a record again, or new data. */
static bool
probe_with(struct chim_conn *c, const struct chim_tmpl *t, struct tcp_sent_rec *rec,
	struct chim_tcp_env *env)
{
	if (rec != NULL)
		return tcp_output_resend(c, t, rec, env);
	return tcp_output_new(c, t, tcp_output_piece(c, t, env), c->mss, env);
}

/* One segment of new data if there is any, else the last of what is out. */
bool
tcp_probe_tail(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	struct tcp_sent_rec *rec = NULL;

	if ((c->flags & TCP_TLP_DUE) == 0)
		return true;
	bool has_new = tcp_output_has_new(c);

	if (tcp_is_in_flight(c)) {
		if (!has_new)
			rec = tcp_recover_probe(&c->recover, c->mss, env);
		if (!probe_with(c, t, rec, env))
			return false;
		tcp_recover_on_probe(&c->recover, c->snd_max, !has_new, env);
		tcp_timer_stop(c, TCP_TIMER_TLP);
		tcp_timer_rto(c, env);
	}
	c->flags &= ~TCP_TLP_DUE;
	return true;
}

/* A number just below the window: the peer answers with an ACK. */
bool
tcp_probe_keepalive(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	if ((c->flags & TCP_KEEPALIVE_DUE) == 0)
		return true;
	const struct tcp_tx tx = { .t = t, .seq = c->snd_una - 1, .is_new = true };

	if (!tcp_emit(c, &tx, env))
		return false;
	c->flags &= ~TCP_KEEPALIVE_DUE;
	env->counters->keepalive_probes++;
	return true;
}
