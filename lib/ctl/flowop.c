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

static void
start_inject(struct chim_ctl *c, struct ctl_op *op)
{
	struct rte_mbuf *frames = op->req.inject.frames;
	uint32_t port = op->req.inject.port_number;
	struct chim_msg *m;

	if (frames == NULL || !is_port(c, port)) {
		/* Taken with the request, so they are ours to free (chim_request.h). */
		chim_nbl_free(frames);
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE,
			frames == NULL ? CHIM_REASON_NULL_POINTER : CHIM_REASON_BAD_VALUE);
		return;
	}
	m = ctl_mail_new(c, op, NULL, CHIM_MSG_INJECT);
	m->flow = (struct chim_msg_flow){ .frames = frames, .port_number = port };
	op->nb_open++;
	ctl_mail_send(c, 0, m);
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
	uint32_t worker = 0;
	struct chim_msg *m;

	if (op->req.op == CHIM_OP_INJECT) {
		start_inject(c, op);
		return;
	}
	if (!is_port(c, tuple->port_number) ||
		(tuple->family != CHIM_AF_INET && tuple->family != CHIM_AF_INET6)) {
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
		return;
	}
	if (c->cfg.nb_workers > 1)
		worker = chim_port_steer(c->cfg.port[tuple->port_number], c->cfg.nb_workers, tuple);
	m = ctl_mail_new(c, op, NULL, message_of(op->req.op));
	m->flow = (struct chim_msg_flow){ .tuple = *tuple };
	if (op->req.op == CHIM_OP_HOLD)
		m->flow.limits = op->req.flow.limits;
	else if (op->req.op == CHIM_OP_SEAL)
		m->flow.marker = op->req.flow.marker;
	op->nb_open++;
	ctl_mail_send(c, worker, m);
}
