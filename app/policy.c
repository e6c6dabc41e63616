/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Policy: who is worth a place in the engine, and who has lost it. Checked
 * after traffic in the kernel home, and swept once a second. A connection that
 * a person has moved is left where it is.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "agent.h"

#define ROOM_EVERY_US (100 * CHIM_US_PER_MS)
#define ROOM_REST_US  (10 * CHIM_US_PER_S) /* who made room does not ask for it at once */
#define RTT_EVERY_US  (100 * CHIM_US_PER_MS)

static uint64_t
bytes_moved(const struct agent_conn *c)
{
	struct chim_stream_stats st;

	chim_stream_stats(c->stream, &st);
	return st.bytes_in + st.bytes_out;
}

/* Which threshold is it? With several, all of them. */
static enum agent_cause
cause_of(const struct app_policy *p)
{
	if ((p->bytes != 0) + (p->rate != 0) + (p->age_ms != 0) + (p->rtt_ms != 0) > 1)
		return AGENT_CAUSE_WORTH;
	if (p->bytes != 0)
		return AGENT_CAUSE_BYTES;
	if (p->rate != 0)
		return AGENT_CAUSE_RATE;
	return p->age_ms != 0 ? AGENT_CAUSE_AGE : AGENT_CAUSE_RTT;
}

/* The cheap ones first: the round trip is asked of the kernel, and not at every segment. */
static bool
is_worth_it(struct agent *a, struct agent_conn *c)
{
	const struct app_policy *p = &c->policy;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (p->bytes != 0 && bytes_moved(c) < p->bytes)
		return false;
	if (p->rate != 0 && c->rate_in + c->rate_out < p->rate)
		return false;
	if (p->age_ms != 0 && a->now - c->born < p->age_ms * CHIM_US_PER_MS)
		return false;
	if (p->rtt_ms == 0)
		return true;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_rtt > 0 &&
		info.tcpi_rtt <= p->rtt_ms * CHIM_US_PER_MS)
		return true;
	c->retry_at = a->now + RTT_EVERY_US;
	return false;
}

void
agent_policy_check(struct agent *a, struct agent_conn *c)
{
	if (c->want != AGENT_WANT_NOTHING || c->is_pinned || c->is_away || c->kc == NULL ||
		a->now < c->retry_at || agent_conn_home(c) != CHIM_HOME_KERNEL)
		return;
	/* After a move back it must have become active again. */
	if (c->moves > 0 && c->active <= c->moved)
		return;
	if (c->policy.kind == APP_POLICY_ACCEPT)
		agent_move_want(a, c, AGENT_WANT_OFFLOAD, AGENT_CAUSE_ACCEPT);
	else if (c->policy.kind == APP_POLICY_WORTH && is_worth_it(a, c))
		agent_move_want(a, c, AGENT_WANT_OFFLOAD, cause_of(&c->policy));
}

static void
sweep_one(struct agent *a, struct agent_conn *c)
{
	chim_us_t limit = (chim_us_t)a->opt->upload_idle_s * CHIM_US_PER_S;
	struct chim_stream_stats st;

	if (agent_conn_check_linger(a, c))
		return;
	chim_stream_stats(c->stream, &st);
	c->rate_in = st.bytes_in - c->seen_in;
	c->rate_out = st.bytes_out - c->seen_out;
	c->seen_in = st.bytes_in;
	c->seen_out = st.bytes_out;
	if (c->is_pinned || c->want != AGENT_WANT_NOTHING)
		return;
	if (agent_conn_home(c) == CHIM_HOME_ENGINE && limit != 0 && a->now - c->active >= limit)
		agent_move_want(a, c, AGENT_WANT_UPLOAD, AGENT_CAUSE_IDLE);
	else
		agent_policy_check(a, c);
}

void
agent_policy_sweep(struct agent *a)
{
	for (uint32_t i = 0; i < a->top; i++) {
		if (a->conn[i].generation != 0)
			sweep_one(a, &a->conn[i]);
	}
}

void
agent_policy_make_room(struct agent *a, const struct agent_conn *for_whom)
{
	uint64_t least = for_whom->rate_in + for_whom->rate_out;
	struct agent_conn *victim = NULL;

	if (a->now - a->room_asked < ROOM_EVERY_US)
		return;
	a->room_asked = a->now;
	for (uint32_t i = 0; i < a->top; i++) {
		struct agent_conn *c = &a->conn[i];

		if (c->generation == 0 || c->is_pinned || c->want != AGENT_WANT_NOTHING ||
			agent_conn_home(c) != CHIM_HOME_ENGINE)
			continue;
		if (c->rate_in + c->rate_out < least) {
			least = c->rate_in + c->rate_out;
			victim = c;
		}
	}
	if (victim == NULL)
		return;
	a->room_for = agent_conn_cookie(a, for_whom);
	agent_move_want(a, victim, AGENT_WANT_UPLOAD, AGENT_CAUSE_CAPACITY);
}

void
agent_policy_give_room(struct agent *a, struct agent_conn *left)
{
	struct agent_conn *c = agent_conn_find(a, a->room_for);

	left->retry_at = a->now + ROOM_REST_US;
	a->room_for = 0;
	if (c != NULL && c->want == AGENT_WANT_NOTHING && agent_conn_home(c) == CHIM_HOME_KERNEL)
		agent_move_want(a, c, AGENT_WANT_OFFLOAD, c->cause);
}
