/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The queue of sent records: see tcp_sent.h for its lists and bounds.
 *
 * In the order of a segment's life: append when it is sent, sack or lose,
 * resent, ack. Every change of a record's flags goes through tcp_sent_leave() and
 * tcp_sent_enter(), which take its bytes out of the counts and its links out of the
 * list of its old fate, and put them into those of the new one.
 */
#include "tcp_sent.h"

#include "tcp_sent_int.h"

static bool
is_waiting(const struct tcp_sent_rec *r)
{
	return (r->flags & (TCP_SENT_LOST | TCP_SENT_RETRANS)) == TCP_SENT_LOST;
}

static struct tcp_sent_list *
fate_of(struct tcp_sent *q, const struct tcp_sent_rec *r)
{
	if (r->flags & TCP_SENT_SACKED)
		return NULL;
	return is_waiting(r) ? &q->lost : &q->flight;
}

static void
count(struct tcp_sent *q, const struct tcp_sent_rec *r, uint32_t sign)
{
	if (r->flags & TCP_SENT_SACKED) {
		q->sacked += sign * r->len;
		q->sacked_segs += sign * r->segs;
	}
	if (r->flags & TCP_SENT_LOST)
		q->lost_bytes += sign * r->len;
	if (r->flags & TCP_SENT_RETRANS)
		q->retrans += sign * r->len;
}

void
tcp_sent_leave(struct tcp_sent *q, struct tcp_sent_rec *r)
{
	struct tcp_sent_list *fate = fate_of(q, r);

	if (fate != NULL)
		TAILQ_REMOVE(fate, r, by_fate);
	count(q, r, -1u);
}

void
tcp_sent_enter(struct tcp_sent *q, struct tcp_sent_rec *r)
{
	struct tcp_sent_list *fate = fate_of(q, r);

	if (fate == &q->lost && TAILQ_FIRST(fate) != NULL &&
		chim_seq_lt(r->seq, TAILQ_FIRST(fate)->seq))
		TAILQ_INSERT_HEAD(fate, r, by_fate);
	else if (fate != NULL)
		TAILQ_INSERT_TAIL(fate, r, by_fate);
	count(q, r, 1);
}

/* ---- records ---- */

/* @return NULL: none is free. */
static struct tcp_sent_rec *
take(struct tcp_sent *q, struct rte_mempool *pool)
{
	void *obj;

	if (q->own.len == 0)
		return &q->own;
	return rte_mempool_get(pool, &obj) == 0 ? obj : NULL;
}

void
tcp_sent_give(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r)
{
	if (r == &q->own)
		r->len = 0;
	else
		rte_mempool_put(pool, r);
}

bool
tcp_sent_has_free(const struct tcp_sent *q, struct rte_mempool *pool)
{
	void *obj;

	if (q->own.len == 0)
		return true;
	if (rte_mempool_get(pool, &obj) != 0)
		return false;
	rte_mempool_put(pool, obj);
	return true;
}

/* ---- the queue ---- */

static void
drop(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r)
{
	tcp_sent_leave(q, r);
	if (q->cursor == r)
		q->cursor = TAILQ_NEXT(r, by_seq);
	TAILQ_REMOVE(&q->by_seq, r, by_seq);
	q->bytes -= r->len;
	q->nb--;
	tcp_sent_give(q, pool, r);
}

void
tcp_sent_init(struct tcp_sent *q)
{
	*q = (struct tcp_sent)TCP_SENT_EMPTY(*q);
}

bool
tcp_sent_append(struct tcp_sent *q, struct rte_mempool *pool, const struct tcp_sent_new *tx)
{
	struct tcp_sent_rec *r = take(q, pool);

	if (r == NULL)
		return false;
	const struct tcp_sent_rec *last = tcp_sent_last(q);
	chim_assert(last == NULL || tcp_sent_end(last) == tx->seq);
	*r = (struct tcp_sent_rec){
		.seq = tx->seq,
		.len = tx->len,
		.tx_us = tx->now_us,
		.segs = RTE_MAX(tx->segs, 1),
		.flags = tx->flags & (TCP_SENT_FIN | TCP_SENT_PROBE | TCP_SENT_GUESSED),
	};
	TAILQ_INSERT_TAIL(&q->by_seq, r, by_seq);
	TAILQ_INSERT_TAIL(&q->flight, r, by_fate);
	q->bytes += r->len;
	q->nb++;
	return true;
}

void
tcp_sent_drop_last(struct tcp_sent *q, struct rte_mempool *pool)
{
	drop(q, pool, tcp_sent_last(q));
}

/* Give the first len bytes of r their share of its segments. @return the rest's. */
static uint16_t
share_segs(struct tcp_sent_rec *r, uint32_t len)
{
	uint16_t all = r->segs;

	r->segs = RTE_MAX((uint16_t)((uint64_t)all * len / r->len), 1);
	return all > r->segs ? all - r->segs : 1;
}

bool
tcp_sent_split(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r, uint32_t len)
{
	chim_assert(len > 0 && len < r->len);
	struct tcp_sent_rec *rest = take(q, pool);

	if (rest == NULL)
		return false;
	struct tcp_sent_list *fate = fate_of(q, r);

	count(q, r, -1u);
	*rest = *r;
	rest->seq += len;
	rest->len -= len;
	rest->segs = share_segs(r, len);
	r->len = len;
	r->flags &= ~TCP_SENT_FIN;
	TAILQ_INSERT_AFTER(&q->by_seq, r, rest, by_seq);
	if (fate != NULL)
		TAILQ_INSERT_AFTER(fate, r, rest, by_fate);
	q->nb++;
	count(q, r, 1);
	count(q, rest, 1);
	return true;
}

/*
 * RFC 8985, 6.2 step 1: an ACK that echoes a time before this copy, or comes sooner than any round
 * trip, is not this copy's. The smallest round trip seen has a little of a delayed ACK or of a
 * burst's own length in it: an eighth is allowed for that.
 */
static bool
is_ambiguous(const struct tcp_sent_rec *r, const struct tcp_delivery *d)
{
	if ((r->flags & TCP_SENT_EVER_RETRANS) == 0)
		return false;
	if (d->has_echo && (int32_t)(r->tx_us - d->echo_us) > 0)
		return true;
	return d->now_us - r->tx_us < d->min_rtt_us - d->min_rtt_us / 8;
}

void
tcp_sent_sample(const struct tcp_sent_rec *r, struct tcp_delivery *d)
{
	if (r->flags & (TCP_SENT_EVER_RETRANS | TCP_SENT_GUESSED))
		return;
	uint32_t rtt = RTE_MAX(d->now_us - r->tx_us, 1u);
	if (rtt > INT32_MAX)
		return;
	if (d->rtt_us == 0 || rtt < d->rtt_us)
		d->rtt_us = rtt;
	d->rtt_first_us = RTE_MAX(d->rtt_first_us, rtt);
}

void
tcp_sent_deliver(const struct tcp_sent_rec *r, struct tcp_delivery *d)
{
	uint32_t end = tcp_sent_end(r);

	tcp_sent_sample(r, d);
	if (!d->has_news || chim_seq_gt(end, d->high_end))
		d->high_end = end;
	d->has_news = true;
	if (r->flags & TCP_SENT_EVER_RETRANS) {
		d->is_retrans_acked = true;
	} else if (!d->has_original || chim_seq_lt(end, d->original_end)) {
		d->has_original = true;
		d->original_end = end;
	}
	if (is_ambiguous(r, d))
		return;
	if (d->has_latest && tcp_sent_before(r->tx_us, end, d->tx_us, d->end_seq))
		return;
	d->has_latest = true;
	d->tx_us = r->tx_us;
	d->end_seq = end;
	d->latest_is_retrans = (r->flags & TCP_SENT_EVER_RETRANS) != 0;
	d->latest_is_guessed = (r->flags & TCP_SENT_GUESSED) != 0;
}

/* The first n bytes of the record at the head are acknowledged. */
static void
trim_first(struct tcp_sent *q, struct tcp_sent_rec *r, uint32_t n)
{
	count(q, r, -1u);
	r->segs = share_segs(r, n);
	r->seq += n;
	r->len -= n;
	q->bytes -= n;
	count(q, r, 1);
}

void
tcp_sent_ack(struct tcp_sent *q, struct rte_mempool *pool, uint32_t ack, struct tcp_delivery *d)
{
	const uint32_t rtt_us = d->rtt_us, rtt_first_us = d->rtt_first_us;
	struct tcp_sent_rec *r;
	bool is_delayed = false;

	while ((r = tcp_sent_first(q)) != NULL && chim_seq_lt(r->seq, ack)) {
		uint32_t n = RTE_MIN(ack - r->seq, r->len);

		d->worked++;
		d->acked += n;
		if ((r->flags & TCP_SENT_SACKED) == 0) {
			struct tcp_sent_rec part =
				*r; /* of a frame, maybe only the first segments */

			part.len = n;
			is_delayed |= (r->flags & TCP_SENT_EVER_RETRANS) != 0;
			d->delivered += n;
			tcp_sent_deliver(&part, d);
		}
		if (n < r->len) {
			trim_first(q, r, n);
			break;
		}
		drop(q, pool, r);
	}
	/* A hole that a resent segment filled has delayed the ACK of all behind it. */
	if (is_delayed) {
		d->rtt_us = rtt_us;
		d->rtt_first_us = rtt_first_us;
	}
	r = tcp_sent_first(q);
	if (d->acked > 0 && r != NULL && (r->flags & TCP_SENT_SACKED))
		d->is_reneged = true;
}

void
tcp_sent_dupack(struct tcp_sent *q, uint32_t mss)
{
	q->reno = RTE_MIN(q->reno + mss, q->bytes);
}

void
tcp_sent_lose(struct tcp_sent *q, struct tcp_sent_rec *r)
{
	if ((r->flags & TCP_SENT_SACKED) || is_waiting(r))
		return;
	tcp_sent_leave(q, r);
	r->flags |= TCP_SENT_LOST;
	r->flags &= ~TCP_SENT_RETRANS;
	tcp_sent_enter(q, r);
}

void
tcp_sent_lose_all(struct tcp_sent *q)
{
	struct tcp_sent_rec *r;

	q->reno = 0;
	TAILQ_FOREACH (r, &q->by_seq, by_seq) {
		if (r->flags & TCP_SENT_SACKED)
			continue;
		tcp_sent_leave(q, r);
		r->flags |= TCP_SENT_LOST;
		r->flags &= ~TCP_SENT_RETRANS;
		tcp_sent_enter(q, r);
	}
}

void
tcp_sent_renege(struct tcp_sent *q)
{
	struct tcp_sent_rec *r;

	TAILQ_FOREACH (r, &q->by_seq, by_seq) {
		if ((r->flags & TCP_SENT_SACKED) == 0)
			continue;
		tcp_sent_leave(q, r);
		r->flags |= TCP_SENT_LOST;
		r->flags &= ~TCP_SENT_SACKED;
		tcp_sent_enter(q, r);
	}
}

/* Lost ones go before those sent later; both lists are in order of time, or nearly. */
void
tcp_sent_unlose(struct tcp_sent *q)
{
	struct tcp_sent_rec *at, *r;

	TAILQ_FOREACH (at, &q->flight, by_fate) {
		count(q, at, -1u);
		at->flags &= ~TCP_SENT_LOST;
		count(q, at, 1);
	}
	at = TAILQ_FIRST(&q->flight);
	while ((r = TAILQ_FIRST(&q->lost)) != NULL) {
		tcp_sent_leave(q, r);
		r->flags &= ~TCP_SENT_LOST;
		while (at != NULL &&
			tcp_sent_before(at->tx_us, tcp_sent_end(at), r->tx_us, tcp_sent_end(r)))
			at = TAILQ_NEXT(at, by_fate);
		if (at != NULL)
			TAILQ_INSERT_BEFORE(at, r, by_fate);
		else
			TAILQ_INSERT_TAIL(&q->flight, r, by_fate);
		count(q, r, 1);
	}
}

void
tcp_sent_resent(struct tcp_sent *q, struct tcp_sent_rec *r, uint32_t now_us)
{
	if (r->flags & TCP_SENT_SACKED)
		return;
	tcp_sent_leave(q, r);
	r->flags |= TCP_SENT_RETRANS | TCP_SENT_EVER_RETRANS;
	r->flags &= ~TCP_SENT_GUESSED;
	r->tx_us = now_us;
	r->nb_resent += r->nb_resent < UINT8_MAX;
	tcp_sent_enter(q, r);
}

void
tcp_sent_free(struct tcp_sent *q, struct rte_mempool *pool)
{
	struct tcp_sent_rec *next = tcp_sent_first(q);

	while (next != NULL) {
		struct tcp_sent_rec *r = next;

		next = TAILQ_NEXT(r, by_seq);
		tcp_sent_give(q, pool, r);
	}
}

static uint32_t
length_of(const struct tcp_sent_list *list)
{
	const struct tcp_sent_rec *r;
	uint32_t n = 0;

	TAILQ_FOREACH (r, list, by_fate)
		n++;
	return n;
}

const char *
tcp_sent_check(const struct tcp_sent *q)
{
	struct tcp_sent sum = { 0 };
	const struct tcp_sent_rec *r, *prev = NULL;
	uint32_t flight = 0, lost = 0;

	TAILQ_FOREACH (r, &q->by_seq, by_seq) {
		if (r->len == 0 || r->segs == 0)
			return "sent: an empty record";
		if (prev != NULL && tcp_sent_end(prev) != r->seq)
			return "sent: a gap between records";
		sum.bytes += r->len;
		sum.nb++;
		count(&sum, r, 1);
		flight += (r->flags & TCP_SENT_SACKED) == 0 && !is_waiting(r);
		lost += (r->flags & TCP_SENT_SACKED) == 0 && is_waiting(r);
		prev = r;
	}
	if (sum.bytes != q->bytes || sum.nb != q->nb)
		return "sent: bytes or records miscounted";
	if (sum.sacked != q->sacked || sum.sacked_segs != q->sacked_segs)
		return "sent: SACKED miscounted";
	if (sum.lost_bytes != q->lost_bytes || sum.retrans != q->retrans)
		return "sent: LOST or RETRANS miscounted";
	if (flight != length_of(&q->flight) || lost != length_of(&q->lost))
		return "sent: a record is on the wrong list";
	return NULL;
}
