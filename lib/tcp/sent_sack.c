/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One SACK block and the sent records: find where it begins, cut records at its
 * edges, mark what is inside, and make one record of neighbours that are
 * marked. sack.c calls it for each block it believes.
 */
#include <stdlib.h>

#include "tcp_sent.h"
#include "tcp_sent_int.h"

/* Both SACKED, next to each other: nothing tells them apart any more. */
static struct tcp_sent_rec *
merge(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r)
{
	struct tcp_sent_rec *prev = TAILQ_PREV(r, tcp_sent_list, by_seq);

	if (prev == NULL || (prev->flags & r->flags & TCP_SENT_SACKED) == 0)
		return r;
	if ((uint32_t)prev->segs + r->segs > UINT16_MAX)
		return r;
	prev->len += r->len;
	prev->segs += r->segs;
	prev->flags |= r->flags;
	if ((int32_t)(r->tx_us - prev->tx_us) > 0)
		prev->tx_us = r->tx_us;
	TAILQ_REMOVE(&q->by_seq, r, by_seq);
	q->nb--;
	if (q->cursor == r)
		q->cursor = prev;
	tcp_sent_give(q, pool, r);
	return prev;
}

/* The record that holds seq, from the nearest of the queue's ends and the cursor. */
static struct tcp_sent_rec *
find(const struct tcp_sent *q, uint32_t seq, struct tcp_delivery *d)
{
	struct tcp_sent_rec *r = tcp_sent_first(q);
	struct tcp_sent_rec *last = tcp_sent_last(q);

	if (q->cursor != NULL && seq - r->seq > (uint32_t)abs((int32_t)(seq - q->cursor->seq)))
		r = q->cursor;
	if (tcp_sent_end(last) - seq < (uint32_t)abs((int32_t)(seq - r->seq)))
		r = last;
	while (r != NULL && !chim_seq_in(seq, r->seq, r->len)) {
		if (d->visited++ >= TCP_SENT_BUDGET)
			return NULL;
		r = chim_seq_lt(seq, r->seq) ? TAILQ_PREV(r, tcp_sent_list, by_seq)
					     : TAILQ_NEXT(r, by_seq);
	}
	return r;
}

static void
mark_sacked(struct tcp_sent *q, struct tcp_sent_rec *r, struct tcp_delivery *d)
{
	tcp_sent_leave(q, r);
	tcp_sent_deliver(r, d);
	r->flags &= ~(TCP_SENT_LOST | TCP_SENT_RETRANS);
	r->flags |= TCP_SENT_SACKED;
	tcp_sent_enter(q, r);
	d->worked++;
	d->sacked += r->len;
	d->delivered += r->len;
}

/* Cut r so that it has nothing outside [start, end). @return NULL when that cannot be had. */
static struct tcp_sent_rec *
isolate(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r,
	const struct chim_sack *b, uint32_t limit)
{
	if (chim_seq_lt(r->seq, b->start)) {
		if (q->nb >= limit || !tcp_sent_split(q, pool, r, b->start - r->seq))
			return NULL;
		r = TAILQ_NEXT(r, by_seq);
	}
	if (chim_seq_lt(b->end, tcp_sent_end(r)))
		if (q->nb >= limit || !tcp_sent_split(q, pool, r, b->end - r->seq))
			return NULL;
	return r;
}

void
tcp_sent_sack(struct tcp_sent *q, struct rte_mempool *pool, const struct chim_sack *b, uint32_t mss,
	struct tcp_delivery *d)
{
	const uint32_t limit = 2 * (q->bytes / RTE_MAX(mss, 1u)) + TCP_SENT_SPARE;
	struct tcp_sent_rec *next = find(q, b->start, d);

	while (next != NULL && chim_seq_lt(next->seq, b->end)) {
		struct tcp_sent_rec *r = next;
		bool is_new = (r->flags & TCP_SENT_SACKED) == 0;

		if (is_new)
			r = isolate(q, pool, r, b, limit);
		if (r == NULL || !is_new) {
			if (d->visited++ >= TCP_SENT_BUDGET)
				return;
			next = TAILQ_NEXT(next, by_seq);
			continue;
		}
		mark_sacked(q, r, d);
		r = merge(q, pool, r);
		next = TAILQ_NEXT(r, by_seq);
		if (next != NULL)
			merge(q, pool, next);
		q->cursor = r;
		next = TAILQ_NEXT(r, by_seq);
	}
}
