/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the host asks of one connection: send, post receive requests,
 * disconnect, refuse an indication, return lent data (spec 5.1, 5.2, 5.5, 5.7).
 * Every operation that cannot be done becomes a completion with its status;
 * nothing is answered here, chim_tcp_next_io() does that.
 */
#include "tcp_internal.h"

/* Sends and requests are completed at once with a status. */
static void
send_back(struct tcp_list *to, struct rte_mbuf *list, enum chim_status status)
{
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

static void
host_send(struct chim_conn *c, struct rte_mbuf *list)
{
	enum chim_status status = send_status(c, list);

	c->head.todo |= CHIM_TODO_OUTPUT;
	if (status == CHIM_STATUS_SUCCESS) {
		tcp_sendq_append(c, list);
		return;
	}
	send_back(&c->sent_done, list, status);
	c->head.todo |= CHIM_TODO_DELIVER;
}

static void
host_receive(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	enum chim_status status = CHIM_STATUS_SUCCESS;

	if (c->flags & (TCP_EXPORTED | TCP_UPLOADING))
		status = CHIM_STATUS_UPLOAD_IN_PROGRESS;
	else if (c->flags & TCP_FIN_TOLD)
		status = CHIM_STATUS_INVALID_STATE;
	else if (c->state == CHIM_TCP_CLOSED)
		status = CHIM_STATUS_REQUEST_ABORTED;
	c->head.todo |= CHIM_TODO_DELIVER;
	if (status == CHIM_STATUS_SUCCESS)
		tcp_indicate_post(c, list, env);
	else
		send_back(&c->recv_done, list, status);
}

static void
host_abort(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	c->flags |= TCP_ABORTING;
	send_back(&c->abort_done, list, CHIM_STATUS_SUCCESS);
	tcp_close_abort(c, env);
}

static void
host_close(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	c->flags |= TCP_DISCONNECTING;
	c->disconnect = io->m;
	tcp_sendq_append(c, io->m);
	tcp_close_send(c, env);
	if ((io->flags & CHIM_DISCONNECT_FULL_CLOSE) == 0)
		return;
	c->flags |= TCP_FULL_CLOSE;
	/* Data the client has not taken and never will: the peer must hear of it (RFC 1122,
	 * 4.2.2.13). */
	if (c->rcvq_bytes != 0) {
		tcp_indicate_event(c, CHIM_EVENT_ABORT);
		tcp_close_abort(c, env);
	}
}

/* A disconnect that cannot be carried out any more (spec 5.7: uploading, or aborted). */
static void
refuse_disconnect(struct chim_conn *c, struct rte_mbuf *list, enum chim_status status)
{
	send_back(&c->disc_refused, list, status);
	c->refused_status = status;
	if (c->nb_disc_refused < UINT8_MAX)
		c->nb_disc_refused++;
	c->head.todo |= CHIM_TODO_DELIVER;
}

static void
host_disconnect(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	bool is_abortive = (io->flags & CHIM_DISCONNECT_ABORTIVE) != 0;

	if (c->flags & (TCP_EXPORTED | TCP_UPLOADING))
		refuse_disconnect(c, io->m, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	else if (c->state == CHIM_TCP_CLOSED)
		refuse_disconnect(c, io->m, CHIM_STATUS_REQUEST_ABORTED);
	else if (is_abortive)
		host_abort(c, io->m, env);
	else if ((c->flags & TCP_FIN_QUEUED) || !is_sane_list(io->m))
		refuse_disconnect(c, io->m, CHIM_STATUS_INVALID_STATE);
	else
		host_close(c, io, env);
}

void
chim_tcp_host_io(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env)
{
	switch (io->op) {
	case CHIM_IO_SEND:
		host_send(c, io->m);
		break;
	case CHIM_IO_RECEIVE:
		host_receive(c, io->m, env);
		break;
	case CHIM_IO_DISCONNECT:
		host_disconnect(c, io, env);
		break;
	case CHIM_IO_REFUSE:
		tcp_indicate_refuse(c, io->m, io->bytes, env);
		break;
	default:
		break;
	}
	tcp_check_slow(c, env);
}

void
chim_tcp_credit(struct chim_conn *c, uint32_t bytes, struct chim_tcp_env *env)
{
	c->lent_bytes -= RTE_MIN(bytes, c->lent_bytes);
	tcp_receive_room(c);
}
