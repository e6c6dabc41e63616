/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Transmissions and timers of loss recovery: what may be sent, what is sent
 * again, probes, timeouts. What an ACK does is in recover_ack.c; the calls and
 * who makes them are in tcp_recover.h.
 */
#include "tcp_recover.h"

#include "tcp_recover_int.h"

/* Records that a connection may have whatever others do, and the part of all that is kept so. */
#define FEW_RECORDS	 32u
#define RESERVED_SHARE	 4u
#define MAX_ACK_DELAY_US 200000u /* RFC 8985, 7.2: of a peer that says nothing about it */

uint32_t
chim_tcp_sent_size(void)
{
	return sizeof(struct tcp_sent_rec);
}

uint32_t
chim_tcp_flight_size(void)
{
	return sizeof(struct tcp_flight);
}

void
tcp_recover_init(struct tcp_recover *r, uint8_t algorithm, uint32_t cwnd, uint32_t ssthresh)
{
	*r = (struct tcp_recover){ 0 };
	tcp_cc_init(&r->cc, algorithm, cwnd, ssthresh);
	tcp_rack_kept_init(&r->kept);
}

/* Nothing is known of it: zero says that to RACK, PRR and undo. */
static void
clear(struct tcp_flight *f)
{
	*f = (struct tcp_flight){ .sent = TCP_SENT_EMPTY(f->sent) };
}

static struct tcp_flight *
begin_flight(struct tcp_recover *r, struct chim_tcp_env *env)
{
	void *obj;

	if (r->flight == NULL) {
		if (rte_mempool_get(env->flight_pool, &obj) != 0)
			return NULL;
		r->flight = obj;
		clear(r->flight);
	}
	if (r->flight->sent.nb == 0)
		tcp_cc_on_flight(&r->cc);
	return r->flight;
}

void
tcp_recover_end_flight(struct tcp_recover *r, struct chim_tcp_env *env)
{
	tcp_sent_free(&r->flight->sent, env->sent_pool);
	tcp_recover_set_state(r, TCP_RECOVER_OPEN);
	clear(r->flight);
}

void
tcp_recover_release(struct tcp_recover *r, struct chim_tcp_env *env)
{
	if (r->flight == NULL)
		return;
	tcp_recover_end_flight(r, env);
	rte_mempool_put(env->flight_pool, r->flight);
	r->flight = NULL;
}

/* A record for [start, end), sent at a time unknown but before now. */
static bool
import_range(
	struct tcp_flight *f, struct chim_tcp_env *env, uint32_t start, uint32_t end, uint8_t flags)
{
	const struct tcp_sent_new tx = {
		.seq = start,
		.len = end - start,
		.now_us = (uint32_t)env->now_us,
		.flags = TCP_SENT_GUESSED | flags,
	};

	return start == end || tcp_sent_append(&f->sent, env->sent_pool, &tx);
}

bool
tcp_recover_import(struct tcp_recover *r, struct chim_tcp_env *env, const struct chim_sack *out,
	uint32_t nxt, bool has_fin)
{
	uint8_t fin = has_fin ? TCP_SENT_FIN : 0;
	struct tcp_flight *f;

	if (out->start == out->end)
		return true;
	f = begin_flight(r, env);
	if (f == NULL)
		return false;
	if (!import_range(f, env, out->start, nxt, nxt == out->end ? fin : 0) ||
		!import_range(f, env, nxt, out->end, fin)) {
		tcp_recover_release(r, env);
		return false;
	}
	f->point = out->end;
	if (nxt != out->end) {
		tcp_sent_lose(&f->sent, tcp_sent_last(&f->sent));
		tcp_recover_set_state(r, TCP_RECOVER_RTO);
	}
	return true;
}

uint32_t
tcp_recover_allowance(const struct tcp_recover *r)
{
	uint32_t cwnd = r->cc.cwnd;

	if (r->flight == NULL)
		return cwnd;
	uint32_t pipe = tcp_sent_pipe(&r->flight->sent);
	uint32_t room = cwnd > pipe ? cwnd - pipe : 0;

	return r->flight->must_resend ? RTE_MAX(room, cwnd) : room;
}

struct tcp_sent_rec *
tcp_recover_next(const struct tcp_recover *r, bool has_new)
{
	const struct tcp_flight *f = r->flight;

	if (f == NULL)
		return NULL;
	if (has_new && f->undo.is_armed && f->undo.frto == TCP_FRTO_NEW_DATA)
		return NULL;
	return tcp_sent_next_lost(&f->sent);
}

static void
note_sent(struct tcp_recover *r, uint32_t len, const struct chim_tcp_env *env)
{
	if (r->flight->state == TCP_RECOVER_FAST)
		tcp_prr_on_sent(&r->flight->prr, len);
	r->sent_ms = (chim_ms_t)env->now_ms;
}

bool
tcp_recover_on_resent(
	struct tcp_recover *r, struct tcp_sent_rec *rec, uint32_t len, struct chim_tcp_env *env)
{
	struct tcp_flight *f = r->flight;

	if (len < rec->len && !tcp_sent_split(&f->sent, env->sent_pool, rec, len))
		return false;
	tcp_sent_resent(&f->sent, rec, (uint32_t)env->now_us);
	tcp_undo_on_resent(&f->undo, rec->len, (uint32_t)env->now_us);
	f->must_resend = 0;
	note_sent(r, rec->len, env);
	return true;
}

/*
 * The last of the records are for those who have few: a peer that opens a large window for small
 * segments, and acknowledges nothing more, must not stop all others.
 */
static bool
is_greedy(const struct tcp_recover *r, const struct chim_tcp_env *env)
{
	return r->flight != NULL && r->flight->sent.nb >= FEW_RECORDS &&
		rte_mempool_avail_count(env->sent_pool) <= env->sent_pool->size / RESERVED_SHARE;
}

bool
tcp_recover_can_cut(const struct tcp_recover *r, struct chim_tcp_env *env)
{
	return tcp_sent_has_free(&r->flight->sent, env->sent_pool);
}

bool
tcp_recover_enter(struct tcp_recover *r, const struct tcp_sent_new *tx, struct chim_tcp_env *env)
{
	struct tcp_flight *f = is_greedy(r, env) ? NULL : begin_flight(r, env);

	return f != NULL && tcp_sent_append(&f->sent, env->sent_pool, tx);
}

void
tcp_recover_withdraw(struct tcp_recover *r, struct chim_tcp_env *env)
{
	tcp_sent_drop_last(&r->flight->sent, env->sent_pool);
}

void
tcp_recover_on_sent(struct tcp_recover *r, uint32_t len, const struct chim_tcp_env *env)
{
	note_sent(r, len, env);
}

void
tcp_recover_on_idle(
	struct tcp_recover *r, uint32_t mss, uint32_t rto_us, const struct chim_tcp_env *env)
{
	uint32_t idle_ms = (chim_ms_t)env->now_ms - r->sent_ms;

	if (!tcp_recover_is_out(r) && idle_ms > rto_us / CHIM_US_PER_MS)
		tcp_cc_on_idle(&r->cc, mss);
}

void
tcp_recover_on_rto(struct tcp_recover *r, const struct tcp_recover_in *in, bool is_first,
	struct chim_tcp_env *env)
{
	struct tcp_flight *f = r->flight;

	if (!tcp_recover_is_out(r))
		return;
	bool is_new = f->state != TCP_RECOVER_RTO;
	const struct tcp_undo_begin begin = {
		.cwnd = r->cc.cwnd,
		.ssthresh = r->cc.ssthresh,
		.w_max = r->cc.w_max,
		.una = in->una,
		.can_frto = in->has_sack && tcp_sent_end(tcp_sent_first(&f->sent)) != in->max,
	};
	env->counters->rto++;
	if (tcp_sent_first(&f->sent)->flags & TCP_SENT_SACKED) {
		tcp_sent_renege(&f->sent);
		env->counters->sack_reneged++;
	}
	if (is_new && f->state != TCP_RECOVER_FAST)
		tcp_undo_begin(&f->undo, &begin);
	else if (is_first)
		tcp_undo_end(&f->undo);
	else
		f->undo.frto = TCP_FRTO_OFF; /* RFC 5682, 3.1 step 1; a timestamp can still tell */
	tcp_cc_on_rto(&r->cc, f->sent.bytes, in->mss, is_first);
	tcp_recover_lose_for_rto(r, in, env);
	tcp_recover_set_state(r, TCP_RECOVER_RTO);
	f->point = in->max;
	f->dupacks = 0;
	f->has_reo = 0;
	f->rack.has_tlp = 0;
	f->must_resend = 1;
}

bool
tcp_recover_reo_us(const struct tcp_recover *r, const struct chim_tcp_env *env, uint32_t *left_us)
{
	const struct tcp_flight *f = r->flight;

	if (f == NULL || !f->has_reo)
		return false;
	int32_t left = (int32_t)(f->reo_us - (uint32_t)env->now_us);

	*left_us = left > 0 ? (uint32_t)left : 0;
	return true;
}

bool
tcp_recover_pto_us(const struct tcp_recover *r, const struct tcp_recover_in *in,
	uint32_t rto_left_us, uint32_t *left_us)
{
	const struct tcp_flight *f = r->flight;

	if (!tcp_recover_is_out(r) || !in->has_sack || f->rack.has_tlp)
		return false;
	if (f->state == TCP_RECOVER_FAST || f->state == TCP_RECOVER_RTO)
		return false;
	if (f->sent.sacked > 0 || f->sent.lost_bytes > 0)
		return false;
	*left_us = tcp_rack_pto(&f->sent, in->srtt_us, in->mss, MAX_ACK_DELAY_US, rto_left_us);
	return true;
}

struct tcp_sent_rec *
tcp_recover_probe(struct tcp_recover *r, uint32_t mss, struct chim_tcp_env *env)
{
	struct tcp_sent_rec *last;

	if (!tcp_recover_is_out(r))
		return NULL;
	last = tcp_sent_last(&r->flight->sent);
	if (last->len > mss &&
		tcp_sent_split(&r->flight->sent, env->sent_pool, last, last->len - mss))
		last = tcp_sent_last(&r->flight->sent);
	return last;
}

void
tcp_recover_on_probe(struct tcp_recover *r, uint32_t max, bool is_retrans, struct chim_tcp_env *env)
{
	if (!tcp_recover_is_out(r))
		return;
	tcp_rack_tlp_sent(&r->flight->rack, max, is_retrans);
	env->counters->tlp++;
}

void
tcp_recover_on_mtu(struct tcp_recover *r, uint32_t mss)
{
	struct tcp_sent_rec *rec;

	if (r->flight == NULL)
		return;
	TAILQ_FOREACH (rec, &r->flight->sent.by_seq, by_seq)
		if (rec->len > rec->segs * mss)
			tcp_sent_lose(&r->flight->sent, rec);
}

uint32_t
tcp_recover_snd_nxt(const struct tcp_recover *r, uint32_t max)
{
	const struct tcp_sent_rec *rec;

	if (tcp_recover_state(r) != TCP_RECOVER_RTO)
		return max;
	TAILQ_FOREACH (rec, &r->flight->sent.by_seq, by_seq)
		if ((rec->flags & (TCP_SENT_LOST | TCP_SENT_RETRANS)) == TCP_SENT_LOST)
			return rec->seq;
	return max;
}

const char *
tcp_recover_check(const struct tcp_recover *r, uint32_t una, uint32_t max)
{
	const struct tcp_flight *f = r->flight;

	if (r->cc.cwnd == 0)
		return "recover: cwnd is 0";
	if (!tcp_recover_is_out(r))
		return una == max ? NULL : "recover: data in flight is not recorded";
	if (tcp_sent_first(&f->sent)->seq != una)
		return "recover: the first record is not at SND.UNA";
	if (una + f->sent.bytes != max)
		return "recover: the last record does not end at SND.MAX";
	return tcp_sent_check(&f->sent);
}
