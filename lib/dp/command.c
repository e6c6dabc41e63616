/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 1: messages from ctl. Each is answered in the turn that took it,
 * except SEAL, which waits for its marker, and TERMINATE, which waits for room
 * in the host's ring. Only as many are taken as can be answered.
 */
#include "worker.h"

void
dp_reply(struct chim_worker *w, struct chim_msg *msg, enum chim_status status,
	enum chim_reason reason)
{
	uint32_t put;

	msg->worker = (uint8_t)w->id;
	msg->status = status;
	msg->reason = reason;
	chim_assert(w->owed != 0);
	w->owed--;
	put = chim_box_put(w->to_ctl, (void **)&msg, 1);
	chim_assert(put == 1);
}

struct chim_conn *
dp_find(struct chim_worker *w, chim_handle_t handle, uint8_t host, enum chim_reason *why)
{
	struct chim_conn *c = NULL;

	*why = CHIM_REASON_FOREIGN;
	if (chim_handle_owner(handle) != w->id)
		return NULL;
	c = chim_slab_find(w->conns, chim_handle_generation(handle), chim_handle_index(handle));
	if (c == NULL) {
		*why = CHIM_REASON_STALE;
		return NULL;
	}
	if (chim_tcp_head(c)->host != host)
		return NULL;
	*why = CHIM_REASON_NONE;
	return c;
}

struct chim_conn *
dp_find_idle(struct chim_worker *w, chim_handle_t handle, uint8_t host, enum chim_reason *why)
{
	struct chim_conn *c = dp_find(w, handle, host, why);

	if (c == NULL || !dp_side(w, c)->is_ending)
		return c;
	*why = CHIM_REASON_OVERLAP;
	return NULL;
}

/* Spec 4.6: the object is lost. The engine has the host take it back, then aborts it. */
static bool
is_corrupt(struct chim_worker *w, struct chim_conn *c)
{
	if (chim_tcp_check(c) == NULL)
		return false;
	w->counters.tcp.check_failed++;
	chim_tcp_retrieve(c, CHIM_UPLOAD_HARDWARE_FAILURE, &w->env);
	dp_touch(w, c);
	return true;
}

static void
query(struct chim_worker *w, struct chim_msg *msg, struct chim_conn *c)
{
	struct chim_msg_tcp *t = &msg->tcp;

	chim_tcp_query(c, (t->want & CHIM_WANT_CONST) != 0 ? &t->tcp_const : NULL,
		(t->want & CHIM_WANT_CACHED) != 0 ? &t->cached : NULL,
		(t->want & CHIM_WANT_DELEGATED) != 0 ? &t->delegated : NULL, &w->env);
}

static void
invalidate(struct chim_worker *w, struct chim_conn *c)
{
	chim_tcp_head(c)->is_invalid = 1;
	chim_tcp_retrieve(c, CHIM_UPLOAD_INVALID_STATE, &w->env);
}

/* QUERY, UPDATE, INVALIDATE */
static void
tcp_object(struct chim_worker *w, struct chim_msg *msg)
{
	enum chim_reason why;
	struct chim_conn *c = dp_find_idle(w, msg->handle, msg->host, &why);

	if (c == NULL) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, why);
		return;
	}
	if (msg->kind != CHIM_MSG_UPDATE && is_corrupt(w, c)) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_CORRUPT);
		return;
	}
	if (msg->kind == CHIM_MSG_QUERY)
		query(w, msg, c);
	else if (msg->kind == CHIM_MSG_UPDATE)
		chim_tcp_update(c, &msg->tcp.cached, &w->env);
	else
		invalidate(w, c);
	dp_touch(w, c);
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

static void
keep_or_set(uint32_t *field, uint32_t value)
{
	if (value != 0)
		*field = value;
}

static void
params(struct chim_worker *w, struct chim_msg *msg)
{
	const struct chim_params *p = &msg->params;
	struct chim_tcp_config *t = &w->tcp;
	uint32_t ms;

	if (p->ticks_per_second != 0 && p->ticks_per_second != 10 && p->ticks_per_second != 100 &&
		p->ticks_per_second != 1000) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
		return;
	}
	keep_or_set(&t->ticks_per_second, p->ticks_per_second);
	ms = 1000 / t->ticks_per_second;
	keep_or_set(&t->ack_frequency, p->ack_frequency);
	keep_or_set(&t->delayed_ack_ms, p->delayed_ack_ticks * ms);
	keep_or_set(&t->max_retransmits, p->maximum_retransmissions);
	keep_or_set(&t->dupack_threshold, p->duplicate_ack_threshold);
	keep_or_set(&t->push_ms, p->push_ticks * ms);
	keep_or_set(&t->sws_ms, p->sws_prevention_ticks * ms);
	keep_or_set(&t->congestion_algorithm, p->congestion_algorithm);
	keep_or_set(&w->nce_stale_ticks, p->nce_stale_ticks);
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

static struct chim_family_stats *
family_of(struct chim_worker *w, const struct chim_msg *msg)
{
	if (msg->stats.family == CHIM_AF_INET)
		return &w->counters.ip4;
	return msg->stats.family == CHIM_AF_INET6 ? &w->counters.ip6 : NULL;
}

static void
stats(struct chim_worker *w, struct chim_msg *msg)
{
	struct chim_family_stats *family = family_of(w, msg);
	uint64_t established;

	if (family == NULL) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
		return;
	}
	if (msg->kind == CHIM_MSG_STATS) {
		msg->stats.stats = *family;
	} else {
		/* A gauge tells what is, not what was: it has nothing to reset. */
		established = family->tcp_currently_established;
		memset(family, 0, sizeof(*family));
		family->tcp_currently_established = established;
	}
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

static void
unknown(struct chim_worker *w, struct chim_msg *msg)
{
	dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_UNSUPPORTED);
}

typedef void (*command_fn)(struct chim_worker *w, struct chim_msg *msg);

static const command_fn commands[] = {
	[CHIM_MSG_INSTALL] = dp_install,
	[CHIM_MSG_QUERY] = tcp_object,
	[CHIM_MSG_UPDATE] = tcp_object,
	[CHIM_MSG_INVALIDATE] = tcp_object,
	[CHIM_MSG_TERMINATE] = dp_terminate,
	[CHIM_MSG_NEIGHBOR_SET] = dp_neighbor_set,
	[CHIM_MSG_NEIGHBOR_REMOVE] = dp_neighbor_remove,
	[CHIM_MSG_NEIGHBOR_QUERY] = dp_neighbor_query,
	[CHIM_MSG_PATH_SET] = dp_path_set,
	[CHIM_MSG_PATH_REMOVE] = dp_path_remove,
	[CHIM_MSG_HOLD] = dp_flow_hold_cmd,
	[CHIM_MSG_SEAL] = dp_flow_seal,
	[CHIM_MSG_RELEASE] = dp_flow_release,
	[CHIM_MSG_INJECT] = dp_flow_inject,
	[CHIM_MSG_PARAMS] = params,
	[CHIM_MSG_STATS] = stats,
	[CHIM_MSG_STATS_RESET] = stats,
};

static void
run(struct chim_worker *w, struct chim_msg *msg)
{
	command_fn fn = unknown;

	/* The worker's own event messages, given back. */
	if (msg == w->event_reachability) {
		w->is_reachability_out = false;
		return;
	}
	if (msg == w->event_hold) {
		dp_hold_event_back(w);
		return;
	}
	w->owed++;
	w->counters.commands++;
	if (msg->kind < RTE_DIM(commands) && commands[msg->kind] != NULL)
		fn = commands[msg->kind];
	fn(w, msg);
}

uint32_t
dp_commands(struct chim_worker *w)
{
	struct chim_msg *msg[DP_COMMANDS];
	uint32_t room = chim_box_room(w->to_ctl);
	uint32_t nb = room > w->owed ? RTE_MIN(room - w->owed, DP_COMMANDS) : 0;

	nb = chim_box_take(w->from_ctl, (void **)msg, nb);
	for (uint32_t i = 0; i < nb; i++)
		run(w, msg[i]);
	return nb;
}
