/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * TERMINATE: a connection goes back to its host. The order is the point:
 *
 *   1  the host's data ring is drained: what was posted before is in the connection
 *   2  the flow is on hold: what arrives from here on waits for the host (spec 6.5)
 *   3  the engine sends the pending ACK, stops its timers and exports
 *   4  the timer is taken out of the wheel
 *   5  every completion and indication promised is in the host's ring
 *   6  the slot is free, its generation another
 *   7  the answer
 *
 * 1 and 3 may have to wait for room, 5 for a host that does not read; each
 * turn tries again in its sinks. Nothing is answered before everything has been
 * told.
 */
#include "worker.h"

static bool
wants_state(const struct chim_msg *msg)
{
	return (msg->tcp.want & CHIM_WANT_DELEGATED) != 0;
}

/* A host that wants the state goes on with the connection, as soon as it gets a CPU. */
static struct dp_hold *
hold_flow(struct chim_worker *w, struct chim_conn *c, const struct chim_msg *msg)
{
	const struct chim_hold_limits limits = {
		.deadline_ms = wants_state(msg) ? DP_TERMINATE_HOLD_MS : CHIM_HOLD_DEADLINE_MS,
	};
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_hold *hold;
	union chim_key key;

	dp_path_key(w, head, &key);
	hold = dp_hold_add(w, &key, head->is_ip6, dp_neighbor_of(w, head)->port_number);

	/* Without a slot for a hold the kernel gets the frames at once, as if released. */
	if (hold == NULL) {
		chim_flow_remove(w->flow, &key, head->is_ip6);
		return NULL;
	}
	hold->host = head->host;
	dp_hold_start(w, hold, &limits);
	/* Until the release nobody speaks for the connection: what the kernel answers to injected
	 * segments is nothing that the peer has not heard. */
	hold->is_sealed = 1;
	return hold;
}

/* Spec 11.2, step 6: what was queued behind urgent data is the kernel's, before anything newer. */
static void
hand_urgent(struct chim_worker *w, struct chim_conn *c, struct dp_hold *hold)
{
	uint16_t port = dp_neighbor_of(w, chim_tcp_head(c))->port_number;
	struct rte_mbuf *m = chim_tcp_take_kept(c);

	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		if (hold != NULL) {
			w->counters.why[CHIM_WHY_URGENT_HANDED]++;
			dp_hold_append(w, hold, m);
		} else {
			dp_punt(w, port, m, CHIM_WHY_URGENT_HANDED);
		}
		m = next;
	}
}

/* Room for the pending ACK; a device that takes nothing cannot keep the connection for ever. */
static bool
has_room_for_ack(struct chim_worker *w, struct chim_conn *c)
{
	struct dp_port *p = &w->ports[dp_neighbor_of(w, chim_tcp_head(c))->port_number];

	return dp_wire_room(w, p, 1) != 0 || ++dp_side(w, c)->tries >= DP_TERMINATE_TRIES;
}

static void export(struct chim_worker *w, struct chim_conn *c, struct chim_msg *msg)
{
	struct dp_port *p = &w->ports[dp_neighbor_of(w, chim_tcp_head(c))->port_number];
	const struct chim_tmpl *tmpl = NULL;
	bool has_state = wants_state(msg);
	struct rte_mbuf *m;

	msg->tcp.send_chain = NULL;
	if (dp_wire_room(w, p, 1) != 0)
		tmpl = dp_path_tmpl(w, chim_tcp_head(c));
	dp_output_lend(w, p);
	msg->status = chim_tcp_terminate(
		c, tmpl, has_state ? &msg->tcp.delegated : NULL, &msg->tcp.send_chain, &w->env);
	dp_output_settle(w, p);
	if (has_state && msg->status == CHIM_STATUS_SUCCESS) {
		CHIM_NBL_FOREACH (m, msg->tcp.delegated.buffered_data)
			w->nb_lent++;
	}
}

void
dp_terminate_resume(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_side *side = dp_side(w, c);
	struct dp_hold *hold;

	if (side->is_exported)
		return;
	if (!dp_io_drain(w, head->host) || !has_room_for_ack(w, c))
		return;
	hold = hold_flow(w, c, side->terminate);
	export(w, c, side->terminate);
	hand_urgent(w, c, hold);
	chim_wheel_cancel(&w->wheel, dp_index(head));
	side->is_exported = 1;
	w->nb_leaving += head->is_waiting;
	head->todo = CHIM_TODO_DELIVER;
}

void
dp_terminate_finish(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_side *side = dp_side(w, c);
	struct chim_msg *msg = side->terminate;
	enum chim_status status = msg->status;

	chim_assert(!head->is_waiting && !side->is_unheard);
	chim_trace_terminate(head->handle, w->id, status);
	side->is_ending = 0;
	chim_tcp_release(c, &w->env);
	chim_slab_put(w->conns, dp_index(head));
	w->counters.terminates++;
	dp_reply(w, msg, status,
		status == CHIM_STATUS_SUCCESS ? CHIM_REASON_NONE : CHIM_REASON_CORRUPT);
}

void
dp_terminate(struct chim_worker *w, struct chim_msg *msg)
{
	enum chim_reason why;
	struct chim_conn *c = dp_find_idle(w, msg->handle, msg->host, &why);

	if (c == NULL) {
		msg->tcp.send_chain = NULL;
		dp_reply(w, msg, CHIM_STATUS_FAILURE, why);
		return;
	}
	dp_side(w, c)->terminate = msg;
	dp_side(w, c)->is_ending = 1;
	dp_touch(w, c);
}
