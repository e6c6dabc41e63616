/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The reassembly queue: see tcp_reass.h for its shape and bounds.
 *
 * add() looks at each run once and finds the two that matter: the one that
 * covers or touches the segment's start, and the first one behind it. What is
 * left between them is new; it is linked to one, to both, or is a run alone.
 */
#include "tcp_reass.h"

#include <string.h>

#define LEN_MASK   0x3FFFFFFFu /* a window is smaller (RFC 7323, 2.3) */
#define WORD_FIN   0x40000000u /* of a run: a FIN ends it, counted in its length */
#define WORD_PUSH  0x80000000u /* of an mbuf: PSH was set */
#define COPY_BELOW 256u	       /* payloads up to this are copied behind a run's last mbuf */
#define MBUF_SPARE 64u

/* The private area of a queued mbuf. Only next, and PUSH, are of every mbuf; the rest of the first
 * of a run. */
struct node {
	struct rte_mbuf *next;
	struct rte_mbuf *next_run;
	struct rte_mbuf *tail;
	uint32_t seq;
	uint32_t word; /* length in sequence space, WORD_* */
};
_Static_assert(sizeof(struct node) == CHIM_NBL_PRIV_SIZE, "private area of every mbuf");

static struct node *
node_of(struct rte_mbuf *m)
{
	return (struct node *)rte_mbuf_to_priv(m);
}

static uint32_t
run_len(struct rte_mbuf *run)
{
	return node_of(run)->word & LEN_MASK;
}

static uint32_t
run_end(struct rte_mbuf *run)
{
	return node_of(run)->seq + run_len(run);
}

static bool
has_fin(struct rte_mbuf *run)
{
	return (node_of(run)->word & WORD_FIN) != 0;
}

/* Drop n bytes at the front of a chain; n is at most its length. */
static void
cut_front(struct rte_mbuf *m, uint32_t n)
{
	for (struct rte_mbuf *s = m; n > 0; s = s->next) {
		uint16_t part = (uint16_t)RTE_MIN(n, (uint32_t)s->data_len);

		s->data_off += part;
		s->data_len -= part;
		m->pkt_len -= part;
		n -= part;
	}
}

/* Keep the first n bytes of a chain. */
static void
cut_back(struct rte_mbuf *m, uint32_t n)
{
	uint32_t left = n;

	for (struct rte_mbuf *s = m; s != NULL; s = s->next) {
		s->data_len = (uint16_t)RTE_MIN(left, (uint32_t)s->data_len);
		left -= s->data_len;
	}
	m->pkt_len = n;
}

static void
unlink_run(struct tcp_reass *q, struct rte_mbuf *run)
{
	struct rte_mbuf **at = &q->runs;

	while (*at != run)
		at = &node_of(*at)->next_run;
	*at = node_of(run)->next_run;
	q->nb_runs--;
}

/* First: it changed last. */
static void
link_run(struct tcp_reass *q, struct rte_mbuf *run)
{
	node_of(run)->next_run = q->runs;
	q->runs = run;
	q->nb_runs++;
}

/* Free the mbufs of a run that is off the list. */
static void
free_run(struct tcp_reass *q, struct rte_mbuf *run, struct chim_row *row)
{
	while (run != NULL) {
		struct rte_mbuf *next = node_of(run)->next;

		q->bytes -= run->pkt_len;
		q->nb_mbufs--;
		chim_row_put(row, run);
		run = next;
	}
}

void
tcp_reass_flush(struct tcp_reass *q, struct chim_row *row)
{
	while (q->runs != NULL) {
		struct rte_mbuf *run = q->runs;

		unlink_run(q, run);
		free_run(q, run, row);
	}
}

/* What add() works with. */
struct place {
	struct rte_mbuf *before; /* holds the octet before start, or start; or NULL */
	struct rte_mbuf *after;	 /* the first that begins in (start, end]; or NULL */
	uint32_t start;		 /* of the payload, then of its new part */
	uint32_t end;
	uint32_t fin_at; /* sequence number of the FIN, with has_fin */
};

/* Look at each run once. @return false when the segment and a FIN contradict each other. */
static bool
find_place(const struct tcp_reass *q, const struct tcp_reass_in *in, struct place *p,
	struct tcp_reass_out *out)
{
	for (struct rte_mbuf *run = q->runs; run != NULL; run = node_of(run)->next_run) {
		uint32_t seq = node_of(run)->seq;
		uint32_t end = run_end(run);

		out->visited++;
		if (has_fin(run) &&
			(chim_seq_gt(p->end, end - 1) || (in->has_fin && p->fin_at != end - 1)))
			return false;
		if (in->has_fin && chim_seq_gt(end - has_fin(run), p->fin_at))
			return false;
		if (chim_seq_le(seq, p->start) && chim_seq_ge(end, p->start))
			p->before = run;
		else if (chim_seq_gt(seq, p->start) && chim_seq_le(seq, p->end) &&
			(p->after == NULL || chim_seq_lt(seq, node_of(p->after)->seq)))
			p->after = run;
	}
	return true;
}

/* Leave of the segment what is new, and note what is not, for DSACK (RFC 2883, 4). */
static void
trim_to_new(struct place *p, struct tcp_reass_out *out)
{
	uint32_t all_end = p->end;

	if (p->after != NULL)
		p->end = node_of(p->after)->seq;
	if (p->before != NULL && chim_seq_gt(run_end(p->before), p->start)) {
		out->dup_start = p->start;
		p->start = chim_seq_min(run_end(p->before), p->end);
		out->dup_end = p->start;
	} else if (chim_seq_lt(p->end, all_end)) {
		out->dup_start = p->end;
		out->dup_end = chim_seq_min(all_end, run_end(p->after));
	}
}

static bool
is_full(const struct tcp_reass *q, const struct tcp_reass_in *in, const struct place *p)
{
	uint32_t max_mbufs = RTE_MIN(MBUF_SPARE + in->max_bytes / COPY_BELOW, (uint32_t)UINT16_MAX);

	if (p->before == NULL && p->after == NULL && q->nb_runs >= in->max_runs)
		return true;
	return q->bytes + (p->end - p->start) > in->max_bytes || q->nb_mbufs >= max_mbufs;
}

/* Copy a small payload behind the last mbuf of a run. @return false when it has to be linked. */
static bool
copy_behind(struct tcp_reass *q, struct rte_mbuf *run, struct rte_mbuf *m)
{
	struct rte_mbuf *tail = node_of(run)->tail;
	uint16_t len = (uint16_t)m->pkt_len;

	if (m->pkt_len > COPY_BELOW || m->nb_segs > 1 || tail->nb_segs > 1)
		return false;
	if (!RTE_MBUF_DIRECT(tail) || rte_mbuf_refcnt_read(tail) > 1 ||
		rte_pktmbuf_tailroom(tail) < len)
		return false;
	memcpy(rte_pktmbuf_append(tail, len), rte_pktmbuf_mtod(m, void *), len);
	node_of(tail)->word |= node_of(m)->word & WORD_PUSH;
	q->bytes += len;
	return true;
}

/* Put the list of run b behind run a; b is no run any more. */
static void
join(struct rte_mbuf *a, struct rte_mbuf *b)
{
	uint32_t len = run_len(a) + run_len(b);
	uint32_t fin = node_of(b)->word & WORD_FIN;

	node_of(node_of(a)->tail)->next = b;
	node_of(a)->tail = node_of(b)->tail;
	node_of(a)->word = (node_of(a)->word & WORD_PUSH) | fin | len;
	node_of(b)->word &= WORD_PUSH;
}

/* The new part becomes a run, or part of one. @return that run, which is on the list no more. */
static struct rte_mbuf *
insert(struct tcp_reass *q, const struct tcp_reass_in *in, const struct place *p,
	struct chim_row *row)
{
	uint32_t len = p->end - p->start;
	struct rte_mbuf *m = in->m;
	struct rte_mbuf *run = p->before;

	cut_back(m, p->end - in->seq);
	cut_front(m, p->start - in->seq);
	*node_of(m) = (struct node){
		.tail = m,
		.seq = p->start,
		.word = len | (in->has_push ? WORD_PUSH : 0),
	};
	if (run != NULL)
		unlink_run(q, run);
	if (run != NULL && copy_behind(q, run, m)) {
		node_of(run)->word += len;
		chim_row_put(row, m);
	} else {
		q->bytes += len;
		q->nb_mbufs++;
		if (run != NULL)
			join(run, m);
		else
			run = m;
	}
	if (p->after != NULL) {
		unlink_run(q, p->after);
		join(run, p->after);
	}
	return run;
}

/* Nothing of the payload is new; its FIN may be, behind a run that ends there. */
static enum tcp_reass_verdict
no_payload(struct tcp_reass *q, const struct tcp_reass_in *in, const struct place *p,
	struct chim_row *row)
{
	struct rte_mbuf *run = p->before;
	enum tcp_reass_verdict verdict = TCP_REASS_DUPLICATE;

	chim_row_put(row, in->m);
	if (in->has_fin && !has_fin(run) && run_end(run) == p->fin_at) {
		node_of(run)->word = (node_of(run)->word + 1) | WORD_FIN;
		verdict = TCP_REASS_HELD;
	}
	unlink_run(q, run);
	link_run(q, run);
	return verdict;
}

enum tcp_reass_verdict
tcp_reass_add(struct tcp_reass *q, const struct tcp_reass_in *in, struct chim_row *row,
	struct tcp_reass_out *out)
{
	struct place p = { .start = in->seq, .end = in->seq + in->m->pkt_len };

	p.fin_at = p.end;
	*out = (struct tcp_reass_out){ 0 };
	if (!find_place(q, in, &p, out)) {
		tcp_reass_flush(q, row);
		chim_row_put(row, in->m);
		return TCP_REASS_AFTER_FIN;
	}
	trim_to_new(&p, out);
	if (p.start == p.end && p.before != NULL)
		return no_payload(q, in, &p, row);
	if (is_full(q, in, &p)) {
		chim_row_put(row, in->m);
		return TCP_REASS_FULL;
	}
	struct rte_mbuf *run = insert(q, in, &p, row);
	if (in->has_fin && !has_fin(run) && run_end(run) == p.fin_at)
		node_of(run)->word = (node_of(run)->word + 1) | WORD_FIN;
	link_run(q, run);
	return TCP_REASS_HELD;
}

/* Give the mbufs of a run the list node that the rest of the engine expects. @return the list,
 * without the empty mbuf that a FIN came alone in. */
static struct rte_mbuf *
release_nodes(struct tcp_reass *q, struct rte_mbuf *run, struct chim_row *row)
{
	struct rte_mbuf *list = NULL;
	struct rte_mbuf **at = &list;

	while (run != NULL) {
		struct rte_mbuf *next = node_of(run)->next;
		bool is_push = (node_of(run)->word & WORD_PUSH) != 0;

		q->bytes -= run->pkt_len;
		q->nb_mbufs--;
		*chim_nbl(run) = (struct chim_nbl){ .flags = is_push ? CHIM_NBL_PUSH : 0 };
		if (run->pkt_len == 0) {
			chim_row_put(row, run);
		} else {
			*at = run;
			at = &chim_nbl(run)->next;
		}
		run = next;
	}
	return list;
}

/* Drop the first n bytes of a list. @return what is left of it. */
static struct rte_mbuf *
trim_list(struct rte_mbuf *m, uint32_t n, struct chim_row *row)
{
	while (m != NULL && m->pkt_len <= n) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		n -= m->pkt_len;
		chim_row_put(row, m);
		m = next;
	}
	if (m != NULL)
		cut_front(m, n);
	return m;
}

struct rte_mbuf *
tcp_reass_take(
	struct tcp_reass *q, uint32_t rcv_nxt, struct chim_row *row, uint32_t *bytes, bool *is_fin)
{
	struct rte_mbuf *next, *taken = NULL;

	*bytes = 0;
	*is_fin = false;
	for (struct rte_mbuf *run = q->runs; run != NULL; run = next) {
		next = node_of(run)->next_run;
		if (chim_seq_gt(node_of(run)->seq, rcv_nxt))
			continue;
		uint32_t end = run_end(run);
		bool fin = has_fin(run);
		uint32_t old = rcv_nxt - node_of(run)->seq;

		unlink_run(q, run);
		if (chim_seq_le(end, rcv_nxt)) {
			free_run(q, run, row);
			continue;
		}
		taken = trim_list(release_nodes(q, run, row), old, row);
		*is_fin = fin;
		*bytes = end - rcv_nxt - fin;
	}
	return taken;
}

bool
tcp_reass_run(const struct tcp_reass *q, uint16_t i, uint32_t *start, uint32_t *end)
{
	struct rte_mbuf *run = q->runs;

	while (run != NULL && i-- > 0)
		run = node_of(run)->next_run;
	if (run == NULL)
		return false;
	*start = node_of(run)->seq;
	*end = run_end(run);
	return true;
}

static const char *
check_run(struct rte_mbuf *run, struct tcp_reass *sum)
{
	uint32_t len = 0;
	struct rte_mbuf *last = run;

	for (struct rte_mbuf *m = run; m != NULL; m = node_of(m)->next) {
		len += m->pkt_len;
		sum->nb_mbufs++;
		last = m;
	}
	sum->bytes += len;
	sum->nb_runs++;
	if (node_of(run)->tail != last)
		return "reass: a run's tail is not its last";
	if (len + has_fin(run) != run_len(run))
		return "reass: a run's length is wrong";
	return NULL;
}

const char *
tcp_reass_check(const struct tcp_reass *q)
{
	struct tcp_reass sum = { 0 };

	for (struct rte_mbuf *run = q->runs; run != NULL; run = node_of(run)->next_run) {
		const char *why = check_run(run, &sum);

		if (why != NULL)
			return why;
		for (struct rte_mbuf *b = q->runs; b != run; b = node_of(b)->next_run)
			if (chim_seq_le(node_of(b)->seq, run_end(run)) &&
				chim_seq_le(node_of(run)->seq, run_end(b)))
				return "reass: two runs touch";
	}
	if (sum.bytes != q->bytes || sum.nb_runs != q->nb_runs || sum.nb_mbufs != q->nb_mbufs)
		return "reass: miscounted";
	return NULL;
}
