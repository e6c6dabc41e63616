/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The link and the clock of a pair: see pair.h. The hosts are in pair_host.c.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#include "cut.h"
#include "eng_int.h"
#include "pair.h"
#include "pair_int.h"
#include "pools.h"

#define FULL_FRAME 1514u /* a queue has room for so many of these; small ones take less of it */

/* ---- making ---- */

static void
mirror(struct eng *a, struct eng *b)
{
	b->iss = a->irs;
	b->irs = a->iss;
	b->ts0 = a->peer_ts0;
	b->peer_ts0 = a->ts0;
}

struct pair *
pair_new(const struct pair_opts *opts)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->opts = *opts;
	p->random = opts->seed != 0 ? opts->seed : 1;
	for (uint8_t i = 0; i < 2; i++) {
		p->end[i].e = eng_blank(&opts->eng);
		p->end[i].e->is_manual = true;
	}
	mirror(p->end[0].e, p->end[1].e);
	p->now = p->end[0].e->env.now_us;
	for (uint8_t i = 0; i < 2; i++)
		eng_import(p->end[i].e);
	return p;
}

struct pair_rule *
pair_drop(struct pair *p, uint8_t from, const struct pair_rule *rule)
{
	struct pair_end *end = &p->end[from];

	assert_true(end->nb_rules < PAIR_RULES);
	end->rule[end->nb_rules] = *rule;
	return &end->rule[end->nb_rules++];
}

/* ---- the link ---- */

static bool
matches(const struct pair_rule *r, const struct pkt *p)
{
	bool has_data = p->len != 0 || (p->flags & CHIM_FIN) != 0;

	if (r->is_ack)
		return !has_data;
	if (!has_data || (r->fin && (p->flags & CHIM_FIN) == 0))
		return false;
	return !r->has_seq || r->seq_at - p->seq < p->len;
}

static bool
is_dropped_by_rule(struct pair_end *end, const struct pkt *p)
{
	for (uint32_t i = 0; i < end->nb_rules; i++) {
		struct pair_rule *r = &end->rule[i];

		if (!matches(r, p) || (r->first != 0 && r->dropped == r->first))
			continue;
		r->matched++;
		if (r->every != 0 && r->matched % r->every != 0)
			continue;
		r->dropped++;
		return true;
	}
	return false;
}

static bool
happens(struct pair *p, uint32_t per_mille)
{
	return per_mille != 0 && pools_below(&p->random, 1000) < per_mille;
}

/* Keep the flight sorted by arrival; frames of the same moment in the order they were sent. */
static void
put(struct pair *p, const struct pair_frame *f)
{
	uint32_t i = p->nb_flight++;

	assert_true(p->nb_flight <= PAIR_FLIGHT);
	for (; i > 0 && p->flight[i - 1].at > f->at; i--)
		p->flight[i] = p->flight[i - 1];
	p->flight[i] = *f;
}

/* The MAC addresses are the link's: it has a checksum of its own, and the engine reads neither. */
static void
spoil(struct pair *p, struct rte_mbuf *m)
{
	uint32_t from = 2 * RTE_ETHER_ADDR_LEN;
	uint32_t at = from + pools_below(&p->random, m->pkt_len - from);

	*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^= 1 + pools_below(&p->random, 255);
}

static void
mark_ce(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);

	if ((ip->type_of_service & 3) == 0)
		return;
	ip->type_of_service |= 3;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* When the frame has left the bottleneck. @return false: its queue is full. */
static bool
pass_bottleneck(struct pair *p, struct pair_end *end, struct rte_mbuf *m, chim_us_t *leaves)
{
	uint32_t takes = p->opts.bits_per_us != 0 ? m->pkt_len * 8 / p->opts.bits_per_us : 0;
	bool is_shared = p->opts.shared != NULL && end == &p->end[0];
	chim_us_t *free_at = is_shared ? p->opts.shared : &end->link_free_at;
	uint64_t backlog = *free_at > p->now ? *free_at - p->now : 0;
	uint64_t frames = backlog * p->opts.bits_per_us / (8 * FULL_FRAME);

	if (p->opts.queue != 0 && frames >= p->opts.queue)
		return false;
	if (p->opts.mark_above != 0 && frames >= p->opts.mark_above)
		mark_ce(m);
	*free_at = p->now + backlog + takes;
	*leaves = *free_at;
	return true;
}

/* One segment on the wire; takes m. */
static void
cross(struct pair *p, uint8_t from, struct rte_mbuf *m)
{
	struct pair_frame f = { .m = m, .to = !from };
	struct pair_end *end = &p->end[from];
	chim_us_t leaves;
	struct pkt pkt;

	end->nb_frames++;
	eng_read_frame(end->e, m, &pkt);
	if (is_dropped_by_rule(end, &pkt) || happens(p, p->opts.loss) ||
		!pass_bottleneck(p, end, m, &leaves)) {
		end->nb_dropped++;
		rte_pktmbuf_free(m);
		return;
	}
	if (happens(p, p->opts.reorder))
		leaves += p->opts.delay_us / 2;
	f.is_spoiled = happens(p, p->opts.corrupt);
	if (f.is_spoiled)
		spoil(p, m);
	f.at = leaves + p->opts.delay_us;
	put(p, &f);
	if (happens(p, p->opts.duplicate)) {
		f.m = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
		assert_non_null(f.m);
		f.at += 10;
		put(p, &f);
	}
}

/* What the datapath has to decide before the engine hears of a frame. @return whether it does. */
static bool
is_taken(struct pair_end *end, const struct pair_frame *f, const struct chim_seg *seg)
{
	if (!f->is_spoiled) {
		assert_int_equal(seg->why, CHIM_WHY_NONE);
		return true;
	}
	end->nb_spoiled++;
	if (seg->why != CHIM_WHY_NONE)
		end->why[seg->why]++;
	else
		end->nb_harmless++;
	return seg->why == CHIM_WHY_NONE;
}

static void
deliver(struct pair *p, struct pair_frame *f)
{
	struct eng *e = p->end[f->to].e;
	struct chim_burst *b = calloc(1, sizeof(*b));

	b->nb = 1;
	b->m[0] = f->m;
	if (p->opts.has_rx_csum)
		cut_check_sums(f->m);
	chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
	if (!is_taken(&p->end[f->to], f, &b->seg[0]) ||
		chim_tcp_input(e->c, f->m, &b->seg[0], &e->env) != CHIM_VERDICT_HELD)
		rte_pktmbuf_free(f->m);
	free(b);
}

/* ---- the clock ---- */

static void
turn(struct pair *p, uint8_t i)
{
	struct eng *e = p->end[i].e;

	pair_host_act(p, i);
	eng_turn(e);
	pair_host_hear(p, i);
	eng_turn(e);
	for (uint32_t k = 0; k < e->nb_out; k++) {
		struct rte_mbuf *seg[CUT_MAX];
		uint32_t nb = cut_frame(e->frame[k], seg);

		p->end[i].nb_cut += nb > 1;
		for (uint32_t n = 0; n < nb; n++)
			cross(p, i, seg[n]);
	}
	eng_ignore_out(e);
}

static chim_us_t
next_timer(const struct eng *e)
{
	chim_ms_t when;

	if (!chim_tcp_deadline(e->c, &when))
		return UINT64_MAX;
	chim_ms_t left = chim_ms_left(when, chim_us_to_ms(e->env.now_us));
	chim_us_t start = e->env.now_us - e->env.now_us % CHIM_US_PER_MS;

	return RTE_MAX(start + (chim_us_t)left * CHIM_US_PER_MS, e->env.now_us);
}

static chim_us_t
next_moment(const struct pair *p)
{
	chim_us_t next = p->nb_flight != 0 ? p->flight[0].at : UINT64_MAX;

	for (uint8_t i = 0; i < 2; i++) {
		chim_us_t timer = next_timer(p->end[i].e);
		chim_us_t host = pair_host_next(p, i);

		next = RTE_MIN(next, timer);
		next = RTE_MIN(next, host);
	}
	return RTE_MAX(next, p->now);
}

static void
arrive(struct pair *p)
{
	uint32_t n = 0;

	while (n < p->nb_flight && p->flight[n].at <= p->now)
		deliver(p, &p->flight[n++]);
	p->nb_flight -= n;
	memmove(p->flight, p->flight + n, p->nb_flight * sizeof(p->flight[0]));
}

bool
pair_run(struct pair *p, uint32_t ms)
{
	chim_us_t end = p->now + (chim_us_t)ms * CHIM_US_PER_MS;

	for (;;) {
		for (uint8_t i = 0; i < 2; i++)
			turn(p, i);
		if (pair_host_is_done(p)) {
			p->done_at = p->now;
			return true;
		}
		chim_us_t next = next_moment(p);

		if (next > end)
			return false;
		p->now = next;
		for (uint8_t i = 0; i < 2; i++)
			chim_tcp_set_now(&p->end[i].e->env, next);
		arrive(p);
		for (uint8_t i = 0; i < 2; i++)
			chim_tcp_expire(p->end[i].e->c, &p->end[i].e->env);
	}
}

void
pair_release(struct pair *p)
{
	for (uint32_t i = 0; i < p->nb_flight; i++)
		rte_pktmbuf_free(p->flight[i].m);
	for (uint8_t i = 0; i < 2; i++) {
		pair_host_free(&p->end[i]);
		p->end[i].e->in_use = 0;
	}
	/* What one end still has is not a leak of the other. */
	pair_host_release(p);
	free(p);
}

void
pair_free(struct pair *p)
{
	uint32_t in_use = p->end[0].e->in_use;

	pair_release(p);
	assert_int_equal(eng_in_use(), in_use);
}

void
pair_finish(struct pair *p)
{
	for (uint8_t i = 0; i < 2; i++) {
		assert_false(p->end[i].is_aborted);
		assert_int_equal(p->end[i].got, p->opts.bytes[!i]);
		assert_int_equal(p->end[i].acked, p->opts.bytes[i]);
		assert_int_equal(p->end[i].crc_got, p->end[!i].crc_sent);
	}
	pair_free(p);
}
