/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What always holds of a connection between two calls, recomputed from its
 * queues. Tests and -Dcheck=true builds ask after every step; terminate asks
 * once, before it promises the host a state that can be trusted.
 */
#include "tcp_internal.h"

static uint64_t
bytes_of(struct rte_mbuf *list)
{
	uint64_t n = 0;
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list)
		n += m->pkt_len;
	return n;
}

static bool
has_empty(struct rte_mbuf *list)
{
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list)
		if (m->pkt_len == 0)
			return true;
	return false;
}

static const char *
check_send(const struct chim_conn *c)
{
	const struct tcp_queues *q = tcp_queues(c);
	uint32_t queued = tcp_is_fin_acked(c) ? 0 : c->snd_end - c->snd_una;
	uint64_t before = q->una.off;

	if (!chim_seq_le(c->snd_una, c->snd_max))
		return "SND.UNA is beyond SND.MAX";
	if (chim_seq_gt(c->snd_max, c->snd_end + ((c->flags & TCP_FIN_QUEUED) != 0)))
		return "SND.MAX is beyond what is queued";
	if (q->una.chain != q->sendq.head)
		return "SND.UNA is not in the first chain";
	for (const struct rte_mbuf *seg = q->una.chain; seg != NULL && seg != q->una.seg;
		seg = seg->next)
		before += seg->data_len;
	if (bytes_of(q->sendq.head) != before + queued)
		return "the send queue is not as long as it says";
	if (c->snd_wnd > c->max_snd_wnd)
		return "SND.WND is larger than the largest";
	return NULL;
}

static const char *
check_receive(const struct chim_conn *c)
{
	const struct tcp_queues *q = tcp_queues(c);

	if (q->rcvq_bytes != bytes_of(q->rcvq.head) + bytes_of(q->refused.head))
		return "the receive queue is not as long as it says";
	if (bytes_of(q->refused.head) != q->refused_bytes)
		return "the refused queue is not as long as it says";
	if (has_empty(q->rcvq.head))
		return "there is nothing in a packet for the host";
	if (!chim_seq_le(c->rcv_nxt, c->rcv_adv + ((c->flags & TCP_FIN_RCVD) != 0)))
		return "RCV.NXT is beyond the window";
	if (!chim_seq_le(c->ack_sent, c->rcv_nxt))
		return "acknowledged more than was received";
	return NULL;
}

static const char *
check_timers(const struct chim_conn *c)
{
	uint8_t borrowed = c->armed >> TCP_TIMER_KEPT;
	bool is_running =
		(c->flags & (TCP_STOPPED | TCP_EXPORTED)) == 0 && c->state != CHIM_TCP_CLOSED;

	if (c->q == NULL && (borrowed != 0 || tcp_is_in_flight(c)) && c->state != CHIM_TCP_CLOSED)
		return "something waits without queues";
	if (c->q == NULL && c->recover.flight != NULL)
		return "a flight is kept without queues";
	if (is_running && tcp_is_in_flight(c) && !tcp_timer_is_armed(c, TCP_TIMER_RETRANSMIT))
		return "data is in flight and no timer runs";
	if (is_running && (c->flags & TCP_PERSIST) && !tcp_timer_is_armed(c, TCP_TIMER_RETRANSMIT))
		return "the window is closed and no timer runs";
	return NULL;
}

const char *
chim_tcp_check(const struct chim_conn *c)
{
	const char *why;

	/* What an export leaves is not a connection any more. */
	if (c->flags & TCP_EXPORTED)
		return NULL;
	if (c->state < CHIM_TCP_ESTABLISHED && c->state != CHIM_TCP_CLOSED)
		return "a state that the engine does not have";
	why = check_receive(c);
	if (why == NULL && c->state != CHIM_TCP_CLOSED)
		why = check_send(c);
	if (why == NULL)
		why = check_timers(c);
	if (why == NULL)
		why = tcp_reass_check(&tcp_queues(c)->reass);
	if (why == NULL && c->state != CHIM_TCP_CLOSED)
		why = tcp_recover_check(&c->recover, c->snd_una, c->snd_max);
	return why;
}

void
tcp_check_slow(const struct chim_conn *c, struct chim_tcp_env *env)
{
	chim_assert_slow(chim_tcp_check(c) == NULL);
}
