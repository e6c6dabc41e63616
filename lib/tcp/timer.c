/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The timers of one connection: plain deadlines, one bit each that says
 * whether it runs. The datapath's wheel is armed for the earliest; an early
 * call finds nothing due.
 *
 *   chim_tcp_deadline   when to call
 *   chim_tcp_expire     the call: one function for each slot that is due
 *
 * Retransmission, persist and FIN_WAIT_2 share a slot, as in the chimney's
 * state (spec 8.3); keepalive is in keepalive.c. Nothing is sent here.
 */
#include "tcp_internal.h"

/* Half the wrap of the millisecond clock, less a day: beyond it "due" would be wrong. */
#define ARM_MAX_MS ((1u << 31) - 24u * 3600u * 1000u)
#define SHIFT_MAX  16u

void
tcp_timer_arm(struct chim_conn *c, enum tcp_timer t, uint32_t ms, const struct chim_tcp_env *env)
{
	chim_ms_t when = tcp_now(env) + RTE_MIN(ms, ARM_MAX_MS);

	if (t < TCP_TIMER_KEPT)
		c->deadline[t] = when;
	else
		c->q->deadline[t - TCP_TIMER_KEPT] = when;
	c->armed |= 1u << t;
	if (!chim_wheel_is_armed(&c->head.wheel) || chim_ms_is_before(when, c->head.wheel.when))
		c->head.todo |= CHIM_TODO_TIMER;
}

bool
chim_tcp_deadline(const struct chim_conn *c, chim_ms_t *when)
{
	bool is_first = true;

	for (uint32_t t = 0; t < TCP_TIMER_MAX; t++) {
		if (!tcp_timer_is_armed(c, t))
			continue;
		if (is_first || chim_ms_is_before(tcp_timer_at(c, t), *when))
			*when = tcp_timer_at(c, t);
		is_first = false;
	}
	return !is_first;
}

uint32_t
tcp_ticks_to_ms(const struct chim_tcp_env *env, chim_ticks_t ticks)
{
	if (env->cfg->ticks_per_second == 1000)
		return RTE_MIN(ticks, UINT32_MAX - 1);
	uint64_t ms = (uint64_t)ticks * 1000 / env->cfg->ticks_per_second;

	return (uint32_t)RTE_MIN(ms, (uint64_t)UINT32_MAX - 1);
}

chim_ticks_t
tcp_ms_to_ticks(const struct chim_tcp_env *env, uint32_t ms)
{
	uint64_t ticks = (uint64_t)ms * env->cfg->ticks_per_second / 1000;

	return (chim_ticks_t)RTE_MIN(ticks, (uint64_t)CHIM_TICKS_NONE - 1);
}

/* The timeout after count expiries (RFC 6298, 5.5). */
static uint32_t
backed_off(const struct chim_conn *c, uint32_t count, const struct chim_tcp_env *env)
{
	uint64_t ms = (uint64_t)tcp_rtt_rto_ms(c, env) << RTE_MIN(count, SHIFT_MAX);

	return (uint32_t)RTE_MIN(ms, (uint64_t)env->cfg->rto_max_us / CHIM_US_PER_MS);
}

/* A probe may come before the retransmission timeout (RFC 8985, 7.2). */
static void
arm_probe(struct chim_conn *c, uint32_t rto_ms, const struct chim_tcp_env *env)
{
	const struct tcp_recover_in in = {
		.mss = c->mss,
		.srtt_us = c->srtt_us8 >> 3,
		.has_sack = tcp_has_sack(c),
	};
	uint32_t left_us;

	if (c->retransmit_count == 0 &&
		tcp_recover_pto_us(&c->recover, &in, rto_ms * CHIM_US_PER_MS, &left_us))
		tcp_timer_arm(c, TCP_TIMER_TLP, left_us / CHIM_US_PER_MS + 1, env);
	else
		tcp_timer_stop(c, TCP_TIMER_TLP);
}

void
tcp_timer_restart(struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (c->flags & TCP_PERSIST)
		return;
	if (!tcp_is_in_flight(c)) {
		tcp_timer_stop(c, TCP_TIMER_RETRANSMIT);
		tcp_timer_stop(c, TCP_TIMER_TLP);
		tcp_timer_stop(c, TCP_TIMER_RACK);
		return;
	}
	uint32_t ms = backed_off(c, c->retransmit_count, env);

	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, ms, env);
	arm_probe(c, ms, env);
}

void
tcp_timer_sent(struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (c->flags & TCP_PERSIST)
		return;
	if (!tcp_timer_is_armed(c, TCP_TIMER_RETRANSMIT))
		tcp_timer_arm(
			c, TCP_TIMER_RETRANSMIT, backed_off(c, c->retransmit_count, env), env);
	arm_probe(c, chim_ms_left(c->deadline[TCP_TIMER_RETRANSMIT], tcp_now(env)), env);
}

void
tcp_timer_rto(struct chim_conn *c, const struct chim_tcp_env *env)
{
	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, backed_off(c, c->retransmit_count, env), env);
}

/* ---- persist (RFC 9293, 3.8.6.1; spec 8.3) ---- */

void
tcp_timer_persist(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags |= TCP_PERSIST;
	c->snd_wnd_probe_count = 0;
	c->retransmit_count = 0;
	tcp_timer_stop(c, TCP_TIMER_TLP);
	tcp_timer_stop(c, TCP_TIMER_RACK);
	tcp_timer_stop(c, TCP_TIMER_SWS);
	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, backed_off(c, 0, env), env);
	env->counters->persist_entered++;
	chim_trace_persist(c->head.handle, tcp_unsent(c));
}

void
tcp_timer_persist_round(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (c->snd_wnd_probe_count < UINT8_MAX)
		c->snd_wnd_probe_count++;
	c->retransmit_count = 0;
	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, backed_off(c, c->snd_wnd_probe_count, env), env);
}

void
tcp_timer_persist_end(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags &= ~(TCP_PERSIST | TCP_PROBE_DUE);
	c->snd_wnd_probe_count = 0;
	c->retransmit_count = 0;
	tcp_timer_stop(c, TCP_TIMER_RETRANSMIT);
	/* The octet of the last probe was beyond the window then: nobody may have kept it. */
	if (tcp_is_in_flight(c)) {
		c->flags |= TCP_RESEND_FIRST;
		tcp_timer_restart(c, env);
	}
	c->head.todo |= CHIM_TODO_OUTPUT;
}

static void
expire_persist(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (c->retransmit_count >= env->cfg->max_retransmits) {
		tcp_close_timeout(c, env);
		return;
	}
	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, backed_off(c, c->retransmit_count, env), env);
	c->retransmit_count++;
	c->flags |= TCP_PROBE_DUE;
	c->head.todo |= CHIM_TODO_OUTPUT;
}

/* ---- retransmission (RFC 6298, 5) ---- */

/* MaxRT: 0 = the adapter's count, NONE = no limit, else a time (spec 2.3). */
static bool
is_exhausted(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (c->max_rt == 0)
		return c->retransmit_count >= env->cfg->max_retransmits;
	return c->max_rt != CHIM_TICKS_NONE && c->total_rt_ms >= tcp_ticks_to_ms(env, c->max_rt);
}

static void
expire_rto(struct chim_conn *c, struct chim_tcp_env *env)
{
	struct tcp_recover_in in = tcp_ack_recover_in(c);
	uint32_t spent = backed_off(c, c->retransmit_count, env);

	c->total_rt_ms += RTE_MIN(spent, UINT32_MAX - c->total_rt_ms);
	if (is_exhausted(c, env)) {
		tcp_close_timeout(c, env);
		return;
	}
	chim_trace_rto(c->head.handle, c->snd_una, c->retransmit_count, spent);
	tcp_recover_on_rto(&c->recover, &in, c->retransmit_count == 0, env);
	if (c->retransmit_count < UINT8_MAX)
		c->retransmit_count++;
	c->flags &= ~TCP_TLP_DUE;
	tcp_timer_stop(c, TCP_TIMER_TLP);
	tcp_timer_stop(c, TCP_TIMER_RACK);
	tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, backed_off(c, c->retransmit_count, env), env);
	c->head.todo |= CHIM_TODO_OUTPUT;
}

/* The conditions may have gone since it was armed: SACKed data, an episode (RFC 8985, 7.2). */
static void
expire_tlp(struct chim_conn *c, struct chim_tcp_env *env)
{
	struct tcp_recover_in in = tcp_ack_recover_in(c);
	uint32_t left_us;

	if ((c->flags & TCP_PERSIST) || !tcp_recover_pto_us(&c->recover, &in, 0, &left_us))
		return;
	c->flags |= TCP_TLP_DUE;
	c->head.todo |= CHIM_TODO_OUTPUT;
}

/* A probe that is due with the timeout goes in its stead, and the timeout follows it (7.2, 7.3). */
static void
probe_first(struct chim_conn *c, struct chim_tcp_env *env)
{
	tcp_timer_stop(c, TCP_TIMER_TLP);
	expire_tlp(c, env);
	if (c->flags & TCP_TLP_DUE)
		tcp_timer_rto(c, env);
	else
		expire_rto(c, env);
}

static void
expire_retransmit(struct chim_conn *c, struct chim_tcp_env *env)
{
	bool is_waiting = (c->flags & TCP_PERSIST) != 0 || tcp_is_in_flight(c);

	/* What cannot be sent is not to be given up for want of an answer (spec 7). */
	if ((c->flags & TCP_MUTE) && is_waiting)
		tcp_timer_rto(c, env);
	else if (c->flags & TCP_PERSIST)
		expire_persist(c, env);
	else if (tcp_timer_is_armed(c, TCP_TIMER_TLP))
		probe_first(c, env);
	else if (tcp_is_in_flight(c))
		expire_rto(c, env);
	else if (c->state == CHIM_TCP_FIN_WAIT_2)
		tcp_close_fin_wait_2(c, env);
}

/* ---- the small ones ---- */

static void
expire_delayed_ack(struct chim_conn *c, struct chim_tcp_env *env)
{
	env->counters->delayed_acks++;
	tcp_ack_soon(c);
}

/* Data that waits for a window worth using goes as it is (RFC 1122, 4.2.3.4; spec 8.5). */
static void
expire_sws(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags |= TCP_FORCE_SEND;
	c->head.todo |= CHIM_TODO_OUTPUT;
}

static void
expire_rack(struct chim_conn *c, struct chim_tcp_env *env)
{
	struct tcp_recover_in in = tcp_ack_recover_in(c);

	if (tcp_recover_on_reo(&c->recover, &in, env)) {
		tcp_timer_restart(c, env);
		c->head.todo |= CHIM_TODO_OUTPUT;
	}
	tcp_timer_reorder(c, env);
}

void
tcp_timer_reorder(struct chim_conn *c, const struct chim_tcp_env *env)
{
	uint32_t left_us;

	if (tcp_recover_reo_us(&c->recover, env, &left_us))
		tcp_timer_arm(c, TCP_TIMER_RACK, left_us / CHIM_US_PER_MS + 1, env);
	else
		tcp_timer_stop(c, TCP_TIMER_RACK);
}

void
chim_tcp_expire(struct chim_conn *c, struct chim_tcp_env *env)
{
	static void (*const expire[TCP_TIMER_MAX])(struct chim_conn *, struct chim_tcp_env *) = {
		[TCP_TIMER_RETRANSMIT] = expire_retransmit,
		[TCP_TIMER_DELAYED_ACK] = expire_delayed_ack,
		[TCP_TIMER_KEEPALIVE] = tcp_keepalive_expire,
		[TCP_TIMER_PUSH] = tcp_indicate_push,
		[TCP_TIMER_SWS] = expire_sws,
		[TCP_TIMER_RACK] = expire_rack,
		[TCP_TIMER_TLP] = expire_tlp,
	};
	chim_ms_t now = tcp_now(env);

	for (uint32_t t = 0; t < TCP_TIMER_MAX; t++) {
		if (!tcp_timer_is_armed(c, t) || !chim_ms_is_due(tcp_timer_at(c, t), now))
			continue;
		tcp_timer_stop(c, t);
		expire[t](c, env);
	}
	c->head.todo |= CHIM_TODO_TIMER;
	tcp_check_slow(c, env);
}
