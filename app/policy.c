/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Policy: who is worth a place in the engine, and who has lost it. Checked
 * after traffic in the kernel home, and swept once a second. A connection that
 * a person has moved is left where it is.
 */
#include "agent.h"

#define ROOM_EVERY_US (100 * CHIM_US_PER_MS)

static uint64_t
bytes_moved(const struct agent_conn *c)
{
	struct chim_stream_stats st;

	chim_stream_stats(c->stream, &st);
	return st.bytes_in + st.bytes_out;
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
	switch (c->policy.kind) {
	case APP_POLICY_NEVER:
		break;
	case APP_POLICY_ACCEPT:
		agent_move_want(a, c, AGENT_WANT_OFFLOAD, AGENT_CAUSE_ACCEPT);
		break;
	case APP_POLICY_BYTES:
		if (bytes_moved(c) >= c->policy.threshold)
			agent_move_want(a, c, AGENT_WANT_OFFLOAD, AGENT_CAUSE_BYTES);
		break;
	case APP_POLICY_AGE:
		if (a->now - c->born >= c->policy.threshold * CHIM_US_PER_MS)
			agent_move_want(a, c, AGENT_WANT_OFFLOAD, AGENT_CAUSE_AGE);
		break;
	}
}

static void
sweep_one(struct agent *a, struct agent_conn *c)
{
	chim_us_t limit = (chim_us_t)a->opt->upload_idle_s * CHIM_US_PER_S;
	struct chim_stream_stats st;

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
	if (victim != NULL)
		agent_move_want(a, victim, AGENT_WANT_UPLOAD, AGENT_CAUSE_CAPACITY);
}
