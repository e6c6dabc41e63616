/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The send queue: the host's own mbuf chains from snd_una to snd_end, in
 * order, never copied and never changed before they are done.
 *
 *   append   what the host sends, or brings with it
 *   seek     where an octet is; forward from the last place is cheap
 *   ack      the una place moves on; chains it leaves are completed
 *   fail     the rest is completed with another status
 *   export   the rest goes back to the host as it is
 *
 * A chain that came with a graceful disconnect completes with the disconnect,
 * not with the sends (spec 5.7).
 */
#include "tcp_internal.h"

/* The engine is done with the chain: n of its bytes are acknowledged (spec 5.1). */
static void
complete(struct chim_conn *c, struct rte_mbuf *m, enum chim_status status, uint32_t n)
{
	struct tcp_list *to = &c->q->sent_done;

	if (m == c->q->disconnect) {
		c->q->disconnect = chim_nbl(m)->next;
		to = &c->q->disc_done;
	} else {
		c->head.todo |= CHIM_TODO_DELIVER;
	}
	chim_nbl(m)->status = status;
	chim_nbl(m)->bytes = n;
	tcp_chain_cut_front(m, n);
	tcp_list_append(to, m);
}

/* Leave finished segments and chains, so that una is at an octet or the queue is empty. */
static void
settle(struct chim_conn *c)
{
	struct tcp_place *u = &c->q->una;

	while (u->chain != NULL && u->off == u->seg->data_len) {
		u->off = 0;
		u->seg = u->seg->next;
		if (u->seg != NULL)
			continue;
		struct rte_mbuf *done = u->chain;
		struct rte_mbuf *next = chim_nbl(done)->next;

		c->q->sendq.head = next;
		if (next == NULL)
			c->q->sendq.tail = NULL;
		u->chain = next;
		u->seg = next;
		complete(c, done, CHIM_STATUS_SUCCESS, done->pkt_len);
	}
}

void
tcp_sendq_append(struct chim_conn *c, struct rte_mbuf *list)
{
	while (list != NULL) {
		struct rte_mbuf *m = list;

		list = chim_nbl(m)->next;
		c->snd_end += m->pkt_len;
		tcp_list_append(&c->q->sendq, m);
		if (c->q->una.chain == NULL)
			c->q->una = (struct tcp_place){ .chain = m, .seg = m };
	}
	settle(c);
}

void
tcp_sendq_ack(struct chim_conn *c, uint32_t n)
{
	struct tcp_place *u = &c->q->una;

	while (n > 0 && u->chain != NULL) {
		uint32_t part = RTE_MIN(n, u->seg->data_len - u->off);

		u->off += part;
		n -= part;
		settle(c);
	}
	/* Places that fell behind may be in chains that are the host's again. */
	if (chim_seq_le(c->q->fresh.seq, c->snd_una))
		c->q->fresh.chain = NULL;
	if (chim_seq_le(c->q->again.seq, c->snd_una))
		c->q->again.chain = NULL;
}

bool
tcp_sendq_next(struct tcp_place *p)
{
	struct rte_mbuf *chain = p->chain;
	struct rte_mbuf *seg = p->seg->next;

	if (seg == NULL) {
		chain = chim_nbl(p->chain)->next;
		seg = chain;
	}
	if (seg == NULL)
		return false;
	p->seq += p->seg->data_len - p->off;
	p->off = 0;
	p->chain = chain;
	p->seg = seg;
	return true;
}

bool
tcp_sendq_seek(struct chim_conn *c, struct tcp_place *p, uint32_t seq)
{
	if (p->chain == NULL || chim_seq_gt(p->seq, seq)) {
		*p = c->q->una;
		p->seq = c->snd_una;
	}
	if (p->chain == NULL)
		return false;
	while (seq - p->seq >= p->seg->data_len - p->off)
		if (!tcp_sendq_next(p))
			return false;
	p->off += seq - p->seq;
	p->seq = seq;
	return true;
}

/* Bytes of the head chain that are acknowledged. */
static uint32_t
acked_of_head(const struct chim_conn *c)
{
	uint32_t n = c->q->una.off;

	for (const struct rte_mbuf *seg = c->q->una.chain; seg != c->q->una.seg; seg = seg->next)
		n += seg->data_len;
	return n;
}

static void
forget(struct chim_conn *c)
{
	c->q->una = (struct tcp_place){ 0 };
	c->q->fresh = (struct tcp_place){ 0 };
	c->q->again = (struct tcp_place){ 0 };
}

void
tcp_sendq_fail(struct chim_conn *c, enum chim_status status)
{
	struct rte_mbuf *m;

	if (c->q == NULL)
		return;
	uint32_t n = c->q->sendq.head != NULL ? acked_of_head(c) : 0;

	while ((m = c->q->sendq.head) != NULL) {
		c->q->sendq.head = chim_nbl(m)->next;
		complete(c, m, status, n);
		n = 0;
	}
	c->q->sendq.tail = NULL;
	forget(c);
}

struct rte_mbuf *
tcp_sendq_export(struct chim_conn *c)
{
	struct tcp_list out = { 0 };
	struct rte_mbuf *m;

	if (c->q == NULL)
		return NULL;
	uint32_t n = c->q->sendq.head != NULL ? acked_of_head(c) : 0;

	while ((m = c->q->sendq.head) != NULL) {
		c->q->sendq.head = chim_nbl(m)->next;
		if (m == c->q->disconnect) {
			/* The disconnect's own chain goes back with the disconnect. */
			complete(c, m, CHIM_STATUS_UPLOAD_IN_PROGRESS, n);
		} else {
			chim_nbl(m)->status = CHIM_STATUS_UPLOAD_IN_PROGRESS;
			chim_nbl(m)->bytes = n;
			tcp_chain_cut_front(m, n);
			tcp_list_append(&out, m);
		}
		n = 0;
	}
	c->q->sendq.tail = NULL;
	forget(c);
	return out.head;
}
