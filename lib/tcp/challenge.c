/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Challenge ACKs (RFC 5961) with one budget for all connections of a worker.
 * The budget of each second is drawn at random between half of what is
 * configured and all of it, so that nobody can count what is left of it from
 * another connection (the side channel of a fixed limit).
 *
 * The limit of RFC 5961, 7 is one of the whole stack: the datapath configures
 * each worker with its part, so that all of them together keep within it and
 * no lcore writes what another reads. A flow is always the same worker's, so
 * whoever attacks one connection spends the part of one worker only.
 */
#include "tcp_internal.h"

#define PERIOD_MS 1000u
/* Answers to segments without data that are not acceptable: two stacks that disagree must not
 * answer each other for ever. */
#define ANSWER_GAP_MS 500u

static bool
take_from_budget(struct chim_tcp_env *env)
{
	chim_ms_t now = tcp_now(env);
	uint32_t budget = env->cfg->challenge_per_second;

	if (chim_ms_is_due(env->challenge_reset, now) ||
		chim_ms_is_before(now + PERIOD_MS, env->challenge_reset)) {
		env->challenge_reset = now + PERIOD_MS;
		env->challenge_left = budget - budget / 2 +
			(uint32_t)((uint64_t)tcp_conn_random(env) * (budget / 2 + 1u) >> 32);
	}
	if (env->challenge_left == 0)
		return false;
	env->challenge_left--;
	return true;
}

bool
tcp_challenge_ack(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (!take_from_budget(env))
		return false;
	env->counters->challenge_acks++;
	tcp_ack_soon(c);
	return true;
}

bool
tcp_challenge_may_answer(struct chim_conn *c, struct chim_tcp_env *env)
{
	chim_ms_t now = tcp_now(env);

	if ((c->flags & TCP_ANSWERED) && now - c->answered_at < ANSWER_GAP_MS)
		return false;
	c->flags |= TCP_ANSWERED;
	c->answered_at = now;
	return true;
}
