/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What one ACK does to loss recovery and congestion control, in this order:
 * records and SACK blocks (deliver); RTT, reordering, probes (learn); was the
 * last reduction for nothing (undo); what is lost (detect); begin, run or end an
 * episode (step); the window. The reordering timer runs detect and step alone.
 */
#include "tcp_recover_int.h"
#include "tcp_sent_int.h"

static void
rack_input(const struct tcp_recover *r, const struct tcp_recover_in *in,
	const struct chim_tcp_env *env, struct tcp_rack_in *k)
{
	*k = (struct tcp_rack_in){
		.now_us = (uint32_t)env->now_us,
		.srtt_us = in->srtt_us,
		.mss = in->mss,
		.dup_thresh = (uint8_t)env->cfg->dupack_threshold,
		.in_recovery =
			r->flight->state == TCP_RECOVER_FAST || r->flight->state == TCP_RECOVER_RTO,
	};
}

void
tcp_recover_lose_for_rto(
	struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env)
{
	struct tcp_rack_in k;

	rack_input(r, in, env, &k);
	if (in->has_sack)
		tcp_rack_rto(&r->flight->rack, &r->kept, &r->flight->sent, &k);
	else
		tcp_sent_lose_all(&r->flight->sent);
}

/*
 * Without SACK a duplicate ACK stands for a segment that has arrived (RFC 5681, RFC 6582). When the
 * hole is filled those segments are acknowledged: they are no news then.
 */
static void
deliver_reno(struct tcp_flight *f, const struct tcp_recover_in *in, struct tcp_delivery *d)
{
	uint32_t known = d->acked > in->mss ? d->acked - in->mss : 0;

	if (in->is_dup) {
		f->dupacks += f->dupacks < UINT8_MAX;
		tcp_sent_dupack(&f->sent, in->mss);
		d->delivered += in->mss;
	}
	if (d->acked == 0)
		return;
	known = RTE_MIN(known, f->sent.reno);
	d->delivered -= known;
	f->sent.reno -= known;
	f->dupacks = 0;
	if (f->state != TCP_RECOVER_FAST)
		f->sent.reno = 0;
}

static void
deliver(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;
	const struct tcp_sack_in sack = {
		.block = in->sack,
		.nb = in->nb_sack,
		.una = in->ack,
		.max = in->max,
		.mss = in->mss,
	};

	tcp_sent_ack(&f->sent, env->sent_pool, in->ack, d);
	if (in->has_sack)
		tcp_sack_apply(&f->sent, env->sent_pool, &sack, d);
	else
		deliver_reno(f, in, d);
	if (d->is_reneged) {
		tcp_sent_renege(&f->sent);
		env->counters->sack_reneged++;
	}
	env->counters->dsack_in += d->is_dsack;
}

static void
fill_cc(const struct tcp_recover_in *in, const struct tcp_delivery *d,
	const struct chim_tcp_env *env, struct tcp_cc_ack *a)
{
	*a = (struct tcp_cc_ack){
		.now_us = env->now_us,
		.acked = d->acked,
		.delivered = d->delivered,
		.rtt_us = d->rtt_us,
		.srtt_us = in->srtt_us,
		.una = in->ack,
		.max = in->max,
		.mss = in->mss,
		.abc_limit = env->cfg->abc_limit,
		.has_ece = in->has_ece,
	};
}

/* A reduction outside of fast recovery: for ECE, or for a loss that a probe repaired. */
static void
begin_cwr(struct tcp_recover *r, const struct tcp_recover_in *in)
{
	r->cc.cwnd = RTE_MIN(r->cc.cwnd, r->cc.ssthresh);
	tcp_recover_set_state(r, TCP_RECOVER_CWR);
	r->flight->point = in->max;
	tcp_undo_end(&r->flight->undo);
}

/* RFC 8985, 7.4: a probe that was needed means a loss, although nothing is left to be resent. */
static void
learn(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;
	bool is_pure_dup = in->is_dup && in->nb_sack == 0;

	tcp_rack_min_rtt(&r->kept, d->rtt_us, (chim_ms_t)env->now_ms);
	tcp_rack_update(&f->rack, &r->kept, d);
	/* A probe that was not needed is no sign of reordering. */
	bool is_probe = f->rack.has_tlp && d->is_dsack && d->dsack_end == f->rack.tlp_end_seq;
	tcp_rack_dsack(&f->rack, &r->kept, d->is_dsack && !is_probe, in->ack, in->max);
	if (tcp_rack_tlp_ack(&f->rack, d, in->ack, is_pure_dup) == TCP_TLP_REPAIRED &&
		f->state == TCP_RECOVER_OPEN) {
		tcp_cc_on_loss(&r->cc, f->sent.bytes + d->acked, in->mss);
		begin_cwr(r, in);
	}
}

static bool
undo(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;

	if (!tcp_undo_on_ack(&f->undo, d, in->ack, f->point))
		return false;
	tcp_cc_undo(&r->cc, f->undo.cwnd, f->undo.ssthresh, f->undo.w_max);
	tcp_sent_unlose(&f->sent);
	f->must_resend = 0;
	if (f->state == TCP_RECOVER_RTO)
		env->counters->spurious_rto++;
	else
		r->kept.is_reordering = 1; /* what came late was not lost */
	tcp_recover_set_state(r, TCP_RECOVER_OPEN);
	return true;
}

/* The first segment, and no more of a record that was sent as several. */
static uint32_t
lose_first(struct tcp_flight *f, uint32_t mss, struct chim_tcp_env *env)
{
	struct tcp_sent_rec *first = tcp_sent_first(&f->sent);
	uint32_t before = f->sent.lost_bytes;

	if (first == NULL || (first->flags & TCP_SENT_LOST))
		return 0;
	if (first->len > mss)
		tcp_sent_split(&f->sent, env->sent_pool, first, mss);
	tcp_sent_lose(&f->sent, first);
	return f->sent.lost_bytes - before;
}

/* RFC 6582: the third duplicate, and in recovery each partial acknowledgment, tell of one loss. */
static uint32_t
detect_reno(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;

	if (f->state == TCP_RECOVER_FAST)
		return d->acked > 0 && chim_seq_lt(in->ack, f->point) ? lose_first(f, in->mss, env)
								      : 0;
	if (f->state == TCP_RECOVER_RTO || f->dupacks < env->cfg->dupack_threshold)
		return 0;
	return lose_first(f, in->mss, env);
}

/* @return how much was found lost; not 0 when there was something. */
static uint32_t
detect(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;
	struct tcp_rack_in k;
	uint32_t left_us, nb;

	if (!in->has_sack)
		return detect_reno(r, in, env, d);
	rack_input(r, in, env, &k);
	nb = tcp_rack_detect(&f->rack, &r->kept, &f->sent, &k, &left_us);
	f->has_reo = left_us > 0;
	f->reo_us = k.now_us + left_us;
	env->counters->rack_lost += nb;
	return nb;
}

static void
begin_fast(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	struct tcp_flight *f = r->flight;
	const struct tcp_undo_begin begin = {
		.cwnd = r->cc.cwnd,
		.ssthresh = r->cc.ssthresh,
		.w_max = r->cc.w_max,
		.una = in->ack,
	};
	/* RFC 9937, 6.1: what had arrived before this ACK is not delivered again */
	uint32_t flight = f->sent.bytes - f->sent.sacked - f->sent.reno + d->delivered;

	tcp_undo_end(&f->undo);
	if (f->state != TCP_RECOVER_CWR) {
		tcp_undo_begin(&f->undo, &begin);
		tcp_cc_on_loss(&r->cc, f->sent.bytes + d->acked, in->mss);
	}
	tcp_prr_begin(&f->prr, flight);
	tcp_recover_set_state(r, TCP_RECOVER_FAST);
	f->point = in->max;
	f->rack.has_tlp = 0;
	env->counters->fast_recovery++;
}

static void
run_prr(struct tcp_recover *r, const struct tcp_recover_in *in, const struct tcp_delivery *d,
	uint32_t nb_lost)
{
	const struct tcp_prr_ack a = {
		.delivered = d->delivered,
		.pipe = tcp_sent_pipe(&r->flight->sent),
		.ssthresh = r->cc.ssthresh,
		.mss = in->mss,
		.is_safe = d->acked > 0 && nb_lost == 0,
	};

	r->cc.cwnd = RTE_MAX(tcp_prr_on_ack(&r->flight->prr, &a), in->mss);
}

/* The episode is over when all that was out at its beginning is acknowledged. */
static uint32_t
end_episode(struct tcp_recover *r, const struct tcp_recover_in *in)
{
	struct tcp_flight *f = r->flight;

	if (f->state == TCP_RECOVER_OPEN || chim_seq_lt(in->ack, f->point))
		return 0;
	/* The segment with CWR, the first after the point, is to arrive (RFC 3168, 6.1.2). */
	if (f->state == TCP_RECOVER_CWR && in->ack == f->point && in->ack != in->max)
		return 0;
	if (f->state == TCP_RECOVER_FAST) {
		tcp_cc_on_exit(&r->cc, in->mss);
		f->sent.reno = 0;
		f->dupacks = 0;
	}
	if (f->state != TCP_RECOVER_CWR)
		tcp_rack_recovered(&r->kept);
	tcp_undo_end(&f->undo);
	tcp_recover_set_state(r, TCP_RECOVER_OPEN);
	return TCP_RECOVER_EXITED;
}

/* RFC 3168, 6.1.2: at most once for what is out now, and not beside a reduction for loss. */
static uint32_t
react_to_ece(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d)
{
	if (!in->has_ece || r->flight->state != TCP_RECOVER_OPEN)
		return 0;
	tcp_cc_on_ecn(&r->cc, r->flight->sent.bytes + d->acked, in->mss);
	begin_cwr(r, in);
	env->counters->ecn_reductions++;
	return TCP_RECOVER_REDUCED;
}

/* Begin or run fast recovery. @return events. */
static uint32_t
step(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	const struct tcp_delivery *d, uint32_t nb_lost)
{
	struct tcp_flight *f = r->flight;
	uint32_t events = 0;

	if (f->state == TCP_RECOVER_RTO)
		return 0;
	if (f->state != TCP_RECOVER_FAST) {
		if (nb_lost == 0 && TAILQ_EMPTY(&f->sent.lost))
			return 0;
		begin_fast(r, in, env, d);
		events = TCP_RECOVER_ENTERED;
	}
	run_prr(r, in, d, nb_lost);
	return events;
}

/* Windows grow outside of recovery, and not by the ACK that ends it (RFC 6582, 3.2 step 3). */
static bool
can_grow(enum tcp_recover_state before, enum tcp_recover_state after)
{
	return (before == TCP_RECOVER_OPEN || before == TCP_RECOVER_RTO) &&
		(after == TCP_RECOVER_OPEN || after == TCP_RECOVER_RTO);
}

void
tcp_recover_end_plainly(struct tcp_recover *r, const struct tcp_recover_in *in,
	struct chim_tcp_env *env, struct tcp_recover_out *out)
{
	struct tcp_delivery *d = &out->d;
	struct tcp_cc_ack a;

	*out = (struct tcp_recover_out){
		.d.now_us = (uint32_t)env->now_us,
		.d.acked = r->flight->sent.bytes,
		.d.delivered = r->flight->sent.bytes,
		.events = TCP_RECOVER_PROGRESS | TCP_RECOVER_EMPTY,
	};
	tcp_sent_sample(tcp_sent_first(&r->flight->sent), d);
	tcp_rack_min_rtt(&r->kept, d->rtt_us, (chim_ms_t)env->now_ms);
	fill_cc(in, d, env, &a);
	tcp_cc_on_delivered(&r->cc, &r->flight->run, &a);
	tcp_cc_on_ack(&r->cc, &r->flight->run, &a);
	tcp_recover_end_flight(r, env);
}

void
tcp_recover_on_ack(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env,
	struct tcp_recover_out *out)
{
	struct tcp_delivery *d = &out->d;
	enum tcp_recover_state before = tcp_recover_state(r);
	struct tcp_cc_ack a;
	uint32_t nb_lost = 0;

	*out = (struct tcp_recover_out){
		.d.now_us = (uint32_t)env->now_us,
		.d.min_rtt_us = r->kept.min_rtt_us,
		.d.echo_us = in->echo_us,
		.d.has_echo = in->has_echo,
		.d.has_sack = in->has_sack,
	};
	if (!tcp_recover_is_out(r))
		return;
	deliver(r, in, env, d);
	learn(r, in, env, d);
	fill_cc(in, d, env, &a);
	tcp_cc_on_delivered(&r->cc, &r->flight->run, &a);
	if (d->acked > 0)
		out->events |= TCP_RECOVER_PROGRESS;
	if (undo(r, in, env, d))
		out->events |= TCP_RECOVER_UNDONE;
	else
		nb_lost = detect(r, in, env, d);
	out->events |= end_episode(r, in);
	out->events |= react_to_ece(r, in, env, d);
	out->events |= step(r, in, env, d, nb_lost);
	if (d->acked > 0 && can_grow(before, tcp_recover_state(r)))
		tcp_cc_on_ack(&r->cc, &r->flight->run, &a);
	if (tcp_sent_first(&r->flight->sent) == NULL) {
		tcp_recover_end_flight(r, env);
		out->events |= TCP_RECOVER_EMPTY;
	}
}

bool
tcp_recover_on_reo(struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env)
{
	const struct tcp_delivery none = { .has_sack = in->has_sack };
	uint32_t nb_lost;

	if (r->flight == NULL || !r->flight->has_reo)
		return false;
	nb_lost = detect(r, in, env, &none);
	if (nb_lost > 0)
		step(r, in, env, &none, nb_lost);
	return nb_lost > 0;
}
