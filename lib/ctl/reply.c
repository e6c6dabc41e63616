/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What workers say: their answers, each to the block or the operation it
 * belongs to, and the two events they raise unasked. An event keeps its message
 * until the host's completion ring has taken it; the message then goes back,
 * which lets the worker raise the next one.
 */
#include "ctl_internal.h"

#define TAKE_BURST 32u
#define TAKE_MAX   512u /* from one worker in one turn */

/* Spec 4, table: what is not an initiate knows only success and failure. */
static enum chim_status
block_status(const struct ctl_op *op, const struct chim_msg *m)
{
	return op->req.op == CHIM_OP_INITIATE ? m->status : CHIM_STATUS_FAILURE;
}

static void
to_block(struct chim_ctl *c, struct ctl_op *op, struct chim_msg *m)
{
	struct chim_block *b = m->block;
	struct ctl_node *n = ctl_node_of(b);

	if (m->status != CHIM_STATUS_SUCCESS) {
		enum chim_reason why = m->reason < CHIM_REASON_MAX ? m->reason : CHIM_REASON_NONE;

		b->status = ctl_refuse(c, b, block_status(op, m), why);
		n->flags |= CTL_NODE_FAILED;
		/* A replica that one worker refused is undone on all, dependents permitting. */
		if (m->kind == CHIM_MSG_NEIGHBOR_SET || m->kind == CHIM_MSG_PATH_SET)
			n->flags |= op->req.op == CHIM_OP_INITIATE ? CTL_NODE_AFTER : 0;
	}
	if (m->kind <= CHIM_MSG_TERMINATE)
		ctl_tcp_reply(c, op, m);
	else if (m->kind == CHIM_MSG_NEIGHBOR_QUERY ||
		(m->kind == CHIM_MSG_NEIGHBOR_REMOVE && op->req.op == CHIM_OP_TERMINATE))
		ctl_neigh_reply(m);
	ctl_walk_release(c, op, b);
}

static void
to_event(struct chim_ctl *c, uint32_t worker, struct chim_msg *m)
{
	struct ctl_host *h = &c->host[m->host % CHIM_MAX_HOSTS];

	m->worker = (uint8_t)worker;
	m->next = NULL;
	*h->events_end = m;
	h->events_end = &m->next;
}

static void
dispatch(struct chim_ctl *c, uint32_t worker, struct chim_msg *m)
{
	struct ctl_op *op = m->op;

	if (m->kind >= CHIM_MSG_EVENT_REACHABILITY) {
		to_event(c, worker, m);
		return;
	}
	if (m->block != NULL)
		to_block(c, op, m);
	else
		ctl_adapter_reply(c, op, m);
	ctl_mail_free(c, m);
}

static uint32_t
take_from(struct chim_ctl *c, uint32_t worker)
{
	void *burst[TAKE_BURST];
	uint32_t total = 0;
	uint32_t nb;

	do {
		nb = chim_box_take(c->cfg.from_worker[worker], burst, TAKE_BURST);
		for (uint32_t i = 0; i < nb; i++)
			dispatch(c, worker, burst[i]);
		total += nb;
	} while (nb == TAKE_BURST && total < TAKE_MAX);
	return total;
}

uint32_t
ctl_reply_poll(struct chim_ctl *c)
{
	uint32_t total = 0;

	for (uint32_t w = 0; w < c->cfg.nb_workers; w++)
		total += take_from(c, w);
	return total;
}

static void
fill_event(const struct chim_msg *m, struct chim_completion *e)
{
	*e = (struct chim_completion){ .status = CHIM_STATUS_SUCCESS };
	if (m->kind == CHIM_MSG_EVENT_HOLD_ENDED) {
		e->kind = CHIM_COMPLETION_HOLD_ENDED;
		e->op = CHIM_OP_HOLD;
		e->reason = m->reason;
		e->tuple = m->flow.tuple;
		return;
	}
	e->kind = CHIM_COMPLETION_REACHABILITY_QUERY;
	e->neighbor.offload_handle = m->neighbor.offload_handle;
	e->neighbor.handle = m->neighbor.handle;
	e->neighbor.nic_reachability_delta = m->neighbor.nic_reachability_delta;
}

/* Is there anybody to tell, and anything left to tell of? */
static bool
is_news(const struct chim_ctl *c, uint32_t host, const struct chim_msg *m)
{
	const struct ctl_neighbor *nb;
	chim_handle_t handle = m->neighbor.handle;

	if (atomic_load_explicit(&c->cfg.target->slot[host].state, memory_order_acquire) !=
		CHIM_SLOT_OPEN)
		return false;
	if (m->kind == CHIM_MSG_EVENT_HOLD_ENDED)
		return true;
	nb = chim_slab_find(
		c->neighbors, chim_handle_generation(handle), chim_handle_index(handle));
	return nb != NULL && nb->use.host == host;
}

/* Tell a host what workers raised. Returns false when its completion ring is full. */
bool
ctl_reply_events(struct chim_ctl *c, uint32_t host)
{
	struct ctl_host *h = &c->host[host];

	while (h->events != NULL) {
		struct chim_msg *m = h->events;
		struct chim_completion e;

		fill_event(m, &e);
		if (is_news(c, host, m) &&
			chim_chan_put(c->cfg.target->slot[host].completions, &e, 1) == 0) {
			c->counters.completion_full++;
			return false;
		}
		h->events = m->next;
		if (h->events == NULL)
			h->events_end = &h->events;
		ctl_mail_send(c, m->worker, m);
	}
	return true;
}
