/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Keepalive (RFC 1122, 4.2.3.6) and its use against blind resets (spec 8.6):
 * a suspect RST or SYN makes the engine ask the peer, five minutes later,
 * whether it is there. One slot serves both; TCP_BLIND says for which.
 */
#include "tcp_internal.h"

#define BLIND_DELAY_MS (5u * 60u * 1000u)
#define INTERVAL_MS    1000u /* when the host gives none (spec 8.6) */
#define PROBES	       10u
#define IDLE_MS	       (2u * 3600u * 1000u) /* ... (RFC 1122, 4.2.3.6) */

static uint32_t
interval_ms(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	return c->ka_interval != 0 ? tcp_ticks_to_ms(env, c->ka_interval) : INTERVAL_MS;
}

/* 0 would probe again as soon as the peer has answered, for ever. */
static uint32_t
idle_ms(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	return c->ka_timeout != 0 ? tcp_ticks_to_ms(env, c->ka_timeout) : IDLE_MS;
}

static bool
is_enabled(const struct chim_conn *c)
{
	return (c->cached_flags & CHIM_TCP_KEEP_ALIVE_ENABLED) != 0;
}

void
tcp_keepalive_start(struct chim_conn *c, const struct chim_tcp_env *env)
{
	c->keep_alive_probe_count = 0;
	c->flags &= ~(TCP_BLIND | TCP_KEEPALIVE_DUE);
	if (is_enabled(c) && c->state != CHIM_TCP_TIME_WAIT && c->state != CHIM_TCP_CLOSED)
		tcp_timer_arm(c, TCP_TIMER_KEEPALIVE, idle_ms(c, env), env);
	else
		tcp_timer_stop(c, TCP_TIMER_KEEPALIVE);
}

void
tcp_keepalive_alive(struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (is_enabled(c) || (c->flags & TCP_BLIND))
		tcp_keepalive_start(c, env);
	c->flags &= ~TCP_CHALLENGED;
	if (c->state == CHIM_TCP_FIN_WAIT_2 && !tcp_is_in_flight(c))
		tcp_timer_fin_wait_2(c, env);
}

void
tcp_keepalive_blind(struct chim_conn *c, const struct chim_tcp_env *env)
{
	uint32_t left = chim_ms_left(c->deadline[TCP_TIMER_KEEPALIVE], tcp_now(env));

	if (c->flags & TCP_BLIND)
		return;
	c->flags |= TCP_BLIND;
	if (!tcp_timer_is_armed(c, TCP_TIMER_KEEPALIVE) || left < BLIND_DELAY_MS)
		tcp_timer_arm(c, TCP_TIMER_KEEPALIVE, BLIND_DELAY_MS, env);
}

void
tcp_keepalive_expire(struct chim_conn *c, struct chim_tcp_env *env)
{
	bool is_blind = (c->flags & TCP_BLIND) != 0;
	uint32_t probes = c->ka_probe_count != 0 ? c->ka_probe_count : PROBES;

	if (!is_blind && !is_enabled(c))
		return;
	/* While something waits for an ACK the retransmission timer finds out. */
	if (!is_blind && (tcp_is_in_flight(c) || (c->flags & TCP_PERSIST))) {
		tcp_timer_arm(c, TCP_TIMER_KEEPALIVE, idle_ms(c, env), env);
		return;
	}
	/* Nobody has been asked (spec 7). */
	if (c->flags & TCP_MUTE) {
		tcp_timer_arm(c, TCP_TIMER_KEEPALIVE, interval_ms(c, env), env);
		return;
	}
	if (c->keep_alive_probe_count >= probes) {
		if (is_blind)
			tcp_conn_set_state(c, CHIM_TCP_CLOSED, env);
		c->flags &= ~(TCP_BLIND | TCP_CHALLENGED);
		tcp_close_timeout(c, env);
		return;
	}
	c->keep_alive_probe_count++;
	c->flags |= TCP_KEEPALIVE_DUE;
	c->head.todo |= CHIM_TODO_OUTPUT;
	tcp_timer_arm(c, TCP_TIMER_KEEPALIVE, interval_ms(c, env), env);
}
