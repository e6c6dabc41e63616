/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * INSTALL: a connection comes in. Everything that can refuse it comes before
 * the engine takes anything, so that a failure leaves the host's state and the
 * flow as they were. A flow on hold becomes the connection: its kept frames
 * are TCP input, in order, before anything newer.
 */
#include "worker.h"

static void
refuse(struct chim_worker *w, struct chim_msg *msg, enum chim_status status,
	enum chim_reason reason)
{
	dp_reply(w, msg, status, reason);
}

/* The flow's hold, when one is there. @return false when the flow may not be installed. */
static bool
check_flow(struct chim_worker *w, struct chim_msg *msg, void *flow)
{
	struct dp_hold *hold = dp_flow_hold(flow);

	if (flow != NULL && hold == NULL) {
		refuse(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_DUPLICATE);
		return false;
	}
	/* Architecture 7: frames have gone to the kernel meanwhile; it owns the connection. */
	if (hold != NULL && hold->is_asked && hold->reason != CHIM_REASON_NONE) {
		refuse(w, msg, CHIM_STATUS_FAILURE, hold->reason);
		dp_hold_forget(w, hold);
		return false;
	}
	return true;
}

static bool
check_path(struct chim_worker *w, struct chim_msg *msg)
{
	uint32_t path = msg->tcp.path;

	if (path >= w->max_paths || !w->paths[path].is_present) {
		refuse(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_NO_PARENT);
		return false;
	}
	if (!dp_path_is_usable(w, path)) {
		refuse(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_INVALIDATED);
		return false;
	}
	return true;
}

static struct chim_conn *
make_slot(struct chim_worker *w, const struct chim_msg *msg)
{
	uint32_t index = chim_slab_take(w->conns);
	struct chim_conn_head *head;
	struct dp_side *side;

	if (index == CHIM_SLAB_NONE)
		return NULL;
	head = (struct chim_conn_head *)dp_conn_at(w, index);
	memset(head, 0, sizeof(*head));
	head->handle = chim_handle_make(w->id, chim_slab_generation(w->conns, index), index);
	head->path = msg->tcp.path;
	head->host = msg->host;
	head->is_ip6 = msg->tcp.tuple.family == CHIM_AF_INET6;
	chim_wheel_link_init(&head->wheel);
	side = &w->side[index];
	memset(side, 0, sizeof(*side));
	side->seen = dp_path_epoch(w, head->path);
	side->offload_handle = msg->tcp.offload_handle;
	side->gate = msg->tcp.gate;
	side->gate_stamp = msg->tcp.gate_stamp;
	return (struct chim_conn *)head;
}

static int
claim_flow(struct chim_worker *w, const union chim_key *key, struct chim_conn *c, void *old)
{
	bool is_ip6 = chim_tcp_head(c)->is_ip6;

	if (old != NULL)
		return chim_flow_set(w->flow, key, is_ip6, c);
	return chim_flow_add(w->flow, key, is_ip6, c);
}

static void
unclaim_flow(struct chim_worker *w, const union chim_key *key, struct chim_conn *c, void *old)
{
	bool is_ip6 = chim_tcp_head(c)->is_ip6;

	if (old != NULL)
		chim_flow_set(w->flow, key, is_ip6, old);
	else
		chim_flow_remove(w->flow, key, is_ip6);
}

/* The kept frames are the connection's now. */
static void
replay(struct chim_worker *w, struct dp_hold *hold, struct chim_conn *c)
{
	struct chim_burst *b = &w->replay;

	b->port_number = hold->port_number;
	while (hold->head != NULL) {
		for (b->nb = 0; b->nb < CHIM_BURST && hold->head != NULL; b->nb++)
			b->m[b->nb] = dp_hold_pop(w, hold);
		chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
		for (uint16_t i = 0; i < b->nb; i++)
			dp_receive_input(w, c, b->m[i], &b->seg[i]);
	}
	dp_hold_free(w, hold);
}

static enum chim_status
import(struct chim_worker *w, const struct chim_msg *msg, struct chim_conn *c,
	enum chim_reason *why)
{
	const struct chim_tcp_import in = {
		.tcp_const = &msg->tcp.tcp_const,
		.cached = &msg->tcp.cached,
		.delegated = &msg->tcp.delegated,
		.send_chain = msg->tcp.send_chain,
		.path_mtu = dp_path_mtu(w, msg->tcp.path),
	};

	*why = CHIM_REASON_NONE;
	return chim_tcp_import(c, &in, &w->env, why);
}

void
dp_install(struct chim_worker *w, struct chim_msg *msg)
{
	enum chim_status status;
	enum chim_reason why;
	struct chim_conn *c;
	union chim_key key;
	void *old;

	if (!check_path(w, msg))
		return;
	chim_wire_key(&msg->tcp.tuple, &key);
	old = chim_flow_find(w->flow, &key, msg->tcp.tuple.family == CHIM_AF_INET6);
	if (!check_flow(w, msg, old))
		return;
	c = make_slot(w, msg);
	if (c == NULL) {
		refuse(w, msg, CHIM_STATUS_OFFLOAD_TCP_ENTRIES, CHIM_REASON_TABLE_FULL);
		return;
	}
	if (claim_flow(w, &key, c, old) != 0) {
		chim_slab_put(w->conns, dp_index(chim_tcp_head(c)));
		refuse(w, msg, CHIM_STATUS_OFFLOAD_TCP_ENTRIES, CHIM_REASON_TABLE_FULL);
		return;
	}
	status = import(w, msg, c, &why);
	chim_trace_install(chim_tcp_head(c)->handle, w->id, status);
	if (status != CHIM_STATUS_SUCCESS) {
		unclaim_flow(w, &key, c, old);
		chim_slab_put(w->conns, dp_index(chim_tcp_head(c)));
		refuse(w, msg, status, why);
		return;
	}
	if (old != NULL)
		replay(w, dp_flow_hold(old), c);
	dp_touch(w, c);
	w->counters.installs++;
	msg->handle = chim_tcp_head(c)->handle;
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}
