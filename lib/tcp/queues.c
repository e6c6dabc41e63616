/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The queues of a connection, taken and given back. Whoever puts something in
 * attaches them first; the calls after which they may be empty settle:
 * chim_tcp_next_io, and chim_tcp_output, which follows chim_tcp_credit.
 *
 * A flight lives no longer than the queues, and beyond its last ACK only while
 * the host has data that it may answer: from a request to the next of a client
 * that waits for each answer nothing is taken and nothing given back.
 */
#include "tcp_internal.h"

const struct tcp_queues tcp_queues_none;

uint32_t
chim_tcp_queues_size(void)
{
	return sizeof(struct tcp_queues);
}

bool
tcp_queues_take(struct chim_conn *c, struct chim_tcp_env *env)
{
	void *obj;

	if (rte_mempool_get(env->queues_pool, &obj) != 0) {
		env->counters->no_queues++;
		return false;
	}
	c->q = obj;
	*c->q = (struct tcp_queues){ .snd_sml = c->snd_una };
	return true;
}

bool
tcp_queues_take_or_retrieve(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (tcp_queues_take(c, env))
		return true;
	/* What the host wants done and cannot be done here can be done there. */
	chim_tcp_retrieve(c, CHIM_UPLOAD_UPLOAD_REQUESTED, env);
	return false;
}

/* Will anything of the send side be needed: the FIN's timers included? */
static bool
is_sending(const struct chim_conn *c)
{
	bool is_fin_out = (c->flags & TCP_FIN_QUEUED) != 0 && !tcp_is_fin_acked(c);

	return tcp_is_in_flight(c) || is_fin_out || c->q->sendq.head != NULL ||
		c->q->sent_done.head != NULL;
}

static bool
is_receiving(const struct tcp_queues *q)
{
	/* What is lent may be refused: then there must be a place for it. */
	return q->lent_bytes != 0 || q->rcvq.head != NULL || q->refused.head != NULL ||
		q->gap_bytes != 0 || q->requests.head != NULL || !tcp_reass_is_empty(&q->reass) ||
		q->recv_done.head != NULL || q->kept.head != NULL ||
		q->dsack.start != q->dsack.end || q->nb_ce_acks != 0;
}

static bool
is_disconnecting(const struct chim_conn *c)
{
	return (c->flags & (TCP_DISCONNECTING | TCP_ABORTING)) != 0 || c->q->nb_disc_refused != 0;
}

static void
detach(struct chim_conn *c, struct chim_tcp_env *env)
{
	tcp_recover_release(&c->recover, env);
	rte_mempool_put(env->queues_pool, c->q);
	c->q = NULL;
	c->armed &= (1u << TCP_TIMER_KEPT) - 1;
}

void
tcp_queues_give(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (is_sending(c))
		return;
	/* Nothing is lent either: no answer is to be expected. */
	if (c->q->rcvq_bytes == 0)
		tcp_recover_release(&c->recover, env);
	if (is_receiving(c->q))
		return;
	/* An event may still want its info. */
	if (is_disconnecting(c) || c->events != 0)
		return;
	detach(c, env);
}

void
tcp_queues_release(struct chim_conn *c, struct chim_tcp_env *env)
{
	struct tcp_queues *q = c->q;

	if (q == NULL)
		return;
	tcp_conn_free_list(&q->rcvq, env);
	tcp_conn_free_list(&q->refused, env);
	tcp_conn_free_list(&q->kept, env);
	tcp_conn_free_list(&q->sendq, env);
	tcp_conn_free_list(&q->requests, env);
	tcp_conn_free_list(&q->sent_done, env);
	tcp_conn_free_list(&q->recv_done, env);
	tcp_conn_free_list(&q->disc_done, env);
	tcp_conn_free_list(&q->abort_done, env);
	tcp_conn_free_list(&q->disc_refused, env);
	tcp_reass_flush(&q->reass, env->row);
	detach(c, env);
}
