/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The messages about frames in transit: HOLD, SEAL, RELEASE, INJECT
 * (chim_request.h says what each promises). Called by command.c; the holds
 * themselves are in hold.c.
 */
#include "worker.h"

static bool
read_flow(struct chim_worker *w, const struct chim_msg *msg, union chim_key *key, bool *is_ip6)
{
	const struct chim_tuple *t = &msg->flow.tuple;

	if (t->family != CHIM_AF_INET && t->family != CHIM_AF_INET6)
		return false;
	if (t->port_number >= CHIM_MAX_PORTS || w->ports[t->port_number].port == NULL)
		return false;
	*is_ip6 = t->family == CHIM_AF_INET6;
	chim_wire_key(t, key);
	return true;
}

static void
answer(struct chim_worker *w, struct chim_msg *msg, const struct dp_hold *hold)
{
	msg->flow.record = hold->record;
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

static void
refuse(struct chim_worker *w, struct chim_msg *msg, enum chim_reason reason)
{
	dp_reply(w, msg, CHIM_STATUS_FAILURE, reason);
}

/* Does the frame at i of the burst belong to the hold? */
static bool
is_of(const struct dp_hold *hold, const struct chim_burst *b, uint16_t i)
{
	size_t len = hold->is_ip6 ? sizeof(struct chim_key6) : sizeof(struct chim_key4);
	bool is_ip6 = (b->seg[i].info & CHIM_SEG_IP6) != 0;

	if ((b->seg[i].info & CHIM_SEG_LOOKUP) == 0 || b->seg[i].why == CHIM_WHY_NOT_TCP)
		return false;
	return is_ip6 == (hold->is_ip6 != 0) && memcmp(&b->key[i], &hold->key, len) == 0;
}

/*
 * The barrier of hold: nothing of the flow may be left on the way to the kernel. What the device
 * does not take now is looked through, and the flow's frames are kept: they are its oldest. Not
 * reached here is what this worker has passed to another because the device has a single queue:
 * that worker sends it within its next turn.
 */
static void
take_back_punted(struct chim_worker *w, struct dp_hold *hold)
{
	struct dp_port *p = &w->ports[hold->port_number];
	struct chim_burst *b = &w->replay;
	uint16_t left = 0;
	uint16_t nb;

	dp_kernel_room(w, p, CHIM_TXQ_SIZE);
	nb = p->has_exception ? p->kernel.nb : 0;
	b->port_number = hold->port_number;
	for (uint16_t from = 0; from < nb; from = (uint16_t)(from + b->nb)) {
		b->nb = RTE_MIN((uint16_t)(nb - from), (uint16_t)CHIM_BURST);
		for (uint16_t i = 0; i < b->nb; i++)
			b->m[i] = p->kernel.m[from + i];
		chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
		for (uint16_t i = 0; i < b->nb; i++) {
			if (is_of(hold, b, i))
				dp_hold_keep(w, hold, b->m[i], &b->seg[i]);
			else
				p->kernel.m[left++] = b->m[i];
		}
	}
	if (p->has_exception)
		p->kernel.nb = left;
}

void
dp_flow_hold_cmd(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_hold *hold;
	union chim_key key;
	bool is_ip6;
	void *flow;

	if (!read_flow(w, msg, &key, &is_ip6)) {
		refuse(w, msg, CHIM_REASON_BAD_VALUE);
		return;
	}
	flow = chim_flow_find(w->flow, &key, is_ip6);
	hold = dp_flow_hold(flow);
	if (flow != NULL && hold == NULL) {
		refuse(w, msg, CHIM_REASON_DUPLICATE);
		return;
	}
	if (hold != NULL && hold->is_asked && hold->state == DP_HOLD_ACTIVE) {
		refuse(w, msg, CHIM_REASON_OVERLAP);
		return;
	}
	if (hold == NULL)
		hold = dp_hold_add(w, &key, is_ip6, msg->flow.tuple.port_number);
	if (hold == NULL) {
		refuse(w, msg, CHIM_REASON_TABLE_FULL);
		return;
	}
	hold->is_asked = 1;
	hold->host = msg->host;
	dp_hold_start(w, hold, &msg->flow.limits);
	take_back_punted(w, hold);
	if (hold->state == DP_HOLD_ACTIVE)
		answer(w, msg, hold);
	else
		refuse(w, msg, hold->reason);
}

/* The marker may have been faster than the message: what was read since then has gone out too. */
static void
wait_for_marker(struct chim_worker *w, struct dp_hold *hold, struct chim_msg *msg)
{
	hold->marker = msg->flow.marker;
	hold->seal_left =
		dp_marker_queues(w, hold->port_number) & ~dp_marker_read_by(w, msg->flow.marker);
	if (hold->seal_left == 0) {
		hold->is_sealed = 1;
		answer(w, msg, hold);
		return;
	}
	hold->seal = msg;
	TAILQ_INSERT_TAIL(&w->sealing, hold, sealing);
}

/* The hold a message names. NULL when the flow is not held. */
static struct dp_hold *
find_hold(struct chim_worker *w, const struct chim_msg *msg)
{
	union chim_key key;
	bool is_ip6;

	if (!read_flow(w, msg, &key, &is_ip6))
		return NULL;
	return dp_flow_hold(chim_flow_find(w->flow, &key, is_ip6));
}

static enum chim_reason
why_ended(const struct dp_hold *hold)
{
	return hold->reason != CHIM_REASON_NONE ? hold->reason : CHIM_REASON_NO_HOLD;
}

void
dp_flow_seal(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_hold *hold = find_hold(w, msg);

	if (hold == NULL) {
		refuse(w, msg, CHIM_REASON_NO_HOLD);
	} else if (hold->state != DP_HOLD_ACTIVE) {
		refuse(w, msg, why_ended(hold));
	} else if (hold->seal != NULL) {
		refuse(w, msg, CHIM_REASON_OVERLAP);
	} else if (hold->is_sealed) {
		answer(w, msg, hold);
	} else {
		wait_for_marker(w, hold, msg);
	}
}

void
dp_seal_answer(struct chim_worker *w, struct dp_hold *hold, enum chim_status status,
	enum chim_reason reason)
{
	struct chim_msg *msg = hold->seal;

	if (msg == NULL)
		return;
	hold->seal = NULL;
	TAILQ_REMOVE(&w->sealing, hold, sealing);
	msg->flow.record = hold->record;
	dp_reply(w, msg, status, reason);
}

void
dp_flow_release(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_hold *hold = find_hold(w, msg);

	if (hold == NULL) {
		refuse(w, msg, CHIM_REASON_NO_HOLD);
	} else if (hold->state == DP_HOLD_ACTIVE) {
		msg->flow.record = hold->record;
		dp_hold_end(w, hold, CHIM_REASON_NONE);
		dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
	} else {
		refuse(w, msg, why_ended(hold));
		dp_hold_forget(w, hold);
	}
}

static uint16_t
count_frames(struct rte_mbuf *list)
{
	struct rte_mbuf *m;
	uint16_t nb = 0;

	CHIM_NBL_FOREACH (m, list) {
		if (++nb == CHIM_TXQ_SIZE)
			break;
	}
	return nb;
}

void
dp_flow_inject(struct chim_worker *w, struct chim_msg *msg)
{
	struct rte_mbuf *m = msg->flow.frames;
	enum chim_reason reason = CHIM_REASON_NONE;
	struct dp_port *p = NULL;
	uint16_t nb = count_frames(m);

	msg->flow.frames = NULL;
	if (msg->flow.port_number < CHIM_MAX_PORTS)
		p = &w->ports[msg->flow.port_number];
	if (p == NULL || p->port == NULL || !p->has_exception)
		reason = CHIM_REASON_BAD_VALUE;
	else if (dp_kernel_room(w, p, nb) < nb || nb == CHIM_TXQ_SIZE)
		reason = CHIM_REASON_NO_MEMORY;
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		chim_nbl(m)->next = NULL;
		if (reason == CHIM_REASON_NONE)
			chim_txq_put(&p->kernel, m);
		else
			chim_row_put(&w->row, m);
		m = next;
	}
	/* The kernel has them before their owner is told so. */
	if (reason == CHIM_REASON_NONE)
		dp_kernel_room(w, p, CHIM_TXQ_SIZE);
	dp_reply(w, msg, reason == CHIM_REASON_NONE ? CHIM_STATUS_SUCCESS : CHIM_STATUS_FAILURE,
		reason);
}
