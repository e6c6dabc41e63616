/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Hold, seal, release and inject: frames of a flow that is between two stacks.
 * The worker that steering names does the work; here the request is checked and
 * becomes one message, and the answer one completion (adapter.c).
 */
#include "chim_io.h"
#include "ctl_internal.h"

static bool
is_port(const struct chim_ctl *c, uint32_t port)
{
	return port < CHIM_MAX_PORTS && c->cfg.port[port] != NULL;
}

static bool
is_flow(const struct chim_ctl *c, const struct chim_tuple *tuple)
{
	return is_port(c, tuple->port_number) &&
		(tuple->family == CHIM_AF_INET || tuple->family == CHIM_AF_INET6);
}

static uint32_t
worker_of(const struct chim_ctl *c, const struct chim_tuple *tuple)
{
	if (c->cfg.nb_workers == 1)
		return 0;
	return chim_port_steer(c->cfg.port[tuple->port_number], c->cfg.nb_workers, tuple);
}

/*
 * The one whose queue also takes the flow's kept frames, so that all keep their order; a worker
 * without a queue of the exception port passes them on to the first.
 */
static uint32_t
worker_to_inject(const struct chim_ctl *c, const struct chim_tuple *tuple)
{
	uint32_t worker = tuple->family != 0 ? worker_of(c, tuple) : 0;

	return worker < c->cfg.port[tuple->port_number]->nb_exception_queues ? worker : 0;
}

static void
start_inject(struct chim_ctl *c, struct ctl_op *op)
{
	const struct chim_tuple *tuple = &op->req.inject.tuple;
	struct rte_mbuf *frames = op->req.inject.frames;
	bool is_known = is_flow(c, tuple) || (tuple->family == 0 && is_port(c, tuple->port_number));
	struct chim_msg *m;

	if (frames == NULL || !is_known) {
		/* Taken with the request, so they are ours to free (chim_request.h). */
		chim_nbl_free(frames);
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE,
			frames == NULL ? CHIM_REASON_NULL_POINTER : CHIM_REASON_BAD_VALUE);
		return;
	}
	m = ctl_mail_new(c, op, NULL, CHIM_MSG_INJECT);
	m->flow = (struct chim_msg_flow){ .frames = frames, .port_number = tuple->port_number };
	op->nb_open++;
	ctl_mail_send(c, worker_to_inject(c, tuple), m);
}

static enum chim_msg_op
message_of(uint32_t op)
{
	if (op == CHIM_OP_HOLD)
		return CHIM_MSG_HOLD;
	return op == CHIM_OP_SEAL ? CHIM_MSG_SEAL : CHIM_MSG_RELEASE;
}

void
ctl_flow_start(struct chim_ctl *c, struct ctl_op *op)
{
	const struct chim_tuple *tuple = &op->req.flow.tuple;
	struct chim_msg *m;

	if (op->req.op == CHIM_OP_INJECT) {
		start_inject(c, op);
		return;
	}
	if (!is_flow(c, tuple)) {
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
		return;
	}
	m = ctl_mail_new(c, op, NULL, message_of(op->req.op));
	m->flow = (struct chim_msg_flow){ .tuple = *tuple };
	if (op->req.op == CHIM_OP_HOLD)
		m->flow.limits = op->req.flow.limits;
	else if (op->req.op == CHIM_OP_SEAL)
		m->flow.marker = op->req.flow.marker;
	op->nb_open++;
	ctl_mail_send(c, worker_of(c, tuple), m);
}
