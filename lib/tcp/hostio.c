/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the host asks of one connection: send, post receive requests,
 * disconnect, refuse an indication, return lent data (spec 5.1, 5.2, 5.5, 5.7).
 * An operation that cannot be done becomes a completion with its status, which
 * chim_tcp_next_io() tells in its order; a connection with nothing queued has
 * nothing to keep an order with, and gives it back at once.
 */
#include "tcp_internal.h"

/* Chains are completed with a status, in their order. */
static void
send_back(struct chim_conn *c, struct tcp_list *to, struct rte_mbuf *list, enum chim_status status)
{
	c->head.todo |= CHIM_TODO_DELIVER;
	while (list != NULL) {
		struct rte_mbuf *m = list;

		list = chim_nbl(m)->next;
		chim_nbl(m)->status = status;
		chim_nbl(m)->bytes = 0;
		tcp_list_append(to, m);
	}
}

static bool
is_sane_list(struct rte_mbuf *list)
{
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list)
		if (!tcp_chain_is_sane(m))
			return false;
	return true;
}

/* Why data cannot be taken now; SUCCESS when it can. */
static enum chim_status
send_status(const struct chim_conn *c, struct rte_mbuf *list)
{
	if (c->flags & (TCP_EXPORTED | TCP_UPLOADING))
		return CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->state == CHIM_TCP_CLOSED)
		return CHIM_STATUS_REQUEST_ABORTED;
	if (c->flags & TCP_FIN_QUEUED)
		return CHIM_STATUS_INVALID_STATE;
	return is_sane_list(list) ? CHIM_STATUS_SUCCESS : CHIM_STATUS_FAILURE;
}

static enum chim_status
host_send(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	enum chim_status status = send_status(c, list);

	if (status == CHIM_STATUS_SUCCESS && !tcp_queues_attach_or_retrieve(c, env))
		status = CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->q == NULL)
		return status;
	if (status == CHIM_STATUS_SUCCESS)
		tcp_sendq_append(c, list);
	else
		send_back(c, &c->q->sent_done, list, status);
	c->head.todo |= CHIM_TODO_OUTPUT;
	return CHIM_STATUS_SUCCESS;
}

static enum chim_status
receive_status(const struct chim_conn *c)
{
	if (c->flags & (TCP_EXPORTED | TCP_UPLOADING))
		return CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->flags & TCP_FIN_TOLD)
		return CHIM_STATUS_INVALID_STATE;
	return c->state == CHIM_TCP_CLOSED ? CHIM_STATUS_REQUEST_ABORTED : CHIM_STATUS_SUCCESS;
}

static enum chim_status
host_receive(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	enum chim_status status = receive_status(c);

	if (status == CHIM_STATUS_SUCCESS && !tcp_queues_attach_or_retrieve(c, env))
		status = CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->q == NULL)
		return status;
	if (status == CHIM_STATUS_SUCCESS)
		tcp_indicate_post(c, list, env);
	else
		send_back(c, &c->q->recv_done, list, status);
	return CHIM_STATUS_SUCCESS;
}

static void
host_abort(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	c->flags |= TCP_ABORTING;
	send_back(c, &c->q->abort_done, list, CHIM_STATUS_SUCCESS);
	tcp_close_abort(c, env);
}

static void
host_close(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	c->flags |= TCP_DISCONNECTING;
	c->q->disconnect = io->m;
	tcp_sendq_append(c, io->m);
	tcp_close_send(c, env);
	if ((io->flags & CHIM_DISCONNECT_FULL_CLOSE) == 0)
		return;
	c->flags |= TCP_FULL_CLOSE;
	/* Data the client has not taken and never will: the peer must hear of it (RFC 1122,
	 * 4.2.2.13). */
	if (c->q->rcvq_bytes != 0) {
		tcp_indicate_event(c, TCP_EVENT_ABORT);
		tcp_close_abort(c, env);
	}
}

/* Why a disconnect cannot be carried out (spec 5.7: uploading, or aborted); SUCCESS: it can. */
static enum chim_status
disconnect_status(const struct chim_conn *c, const struct chim_io *io)
{
	if (c->flags & (TCP_EXPORTED | TCP_UPLOADING))
		return CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->state == CHIM_TCP_CLOSED)
		return CHIM_STATUS_REQUEST_ABORTED;
	if (io->flags & CHIM_DISCONNECT_ABORTIVE)
		return CHIM_STATUS_SUCCESS;
	if ((c->flags & TCP_FIN_QUEUED) || !is_sane_list(io->m))
		return CHIM_STATUS_INVALID_STATE;
	return CHIM_STATUS_SUCCESS;
}

static void
refuse_disconnect(struct chim_conn *c, struct rte_mbuf *list, enum chim_status status)
{
	send_back(c, &c->q->disc_refused, list, status);
	c->q->refused_status = status;
	if (c->q->nb_disc_refused < UINT8_MAX)
		c->q->nb_disc_refused++;
}

static enum chim_status
host_disconnect(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	enum chim_status status = disconnect_status(c, io);

	if (status == CHIM_STATUS_SUCCESS && !tcp_queues_attach_or_retrieve(c, env))
		status = CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (c->q == NULL)
		return status;
	if (status != CHIM_STATUS_SUCCESS)
		refuse_disconnect(c, io->m, status);
	else if (io->flags & CHIM_DISCONNECT_ABORTIVE)
		host_abort(c, io->m, env);
	else
		host_close(c, io, env);
	return CHIM_STATUS_SUCCESS;
}

enum chim_status
chim_tcp_host_io(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	enum chim_status status = CHIM_STATUS_SUCCESS;

	switch (io->op) {
	case CHIM_IO_SEND:
		status = host_send(c, io->m, env);
		break;
	case CHIM_IO_RECEIVE:
		status = host_receive(c, io->m, env);
		break;
	case CHIM_IO_DISCONNECT:
		status = host_disconnect(c, io, env);
		break;
	case CHIM_IO_REFUSE:
		tcp_indicate_refuse(c, io->m, io->bytes, env);
		break;
	default:
		break;
	}
	tcp_check_slow(c, env);
	return status;
}

void
chim_tcp_credit(struct chim_conn *c, uint32_t bytes, struct chim_tcp_env *env)
{
	tcp_receive_credit(c, bytes);
	/* What was lent is often answered at once: output settles what is left of the queues. */
	if (c->q != NULL && c->q->lent_bytes == 0)
		c->head.todo |= CHIM_TODO_OUTPUT;
}
