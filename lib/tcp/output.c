/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What may be sent now, and in which order (decision only; emit.c builds):
 *
 *   a reset                 and nothing after it
 *   duplicate ACKs          as many as are owed
 *   probes                  window, tail loss (probe.c)
 *   what is lost            as recovery allows
 *   new data, then the FIN  as the peer's window, congestion window, Nagle and
 *                           SWS avoidance allow
 *   an ACK                  when nothing has carried it; keepalive
 *
 * Each step returns false when it ran out of room or buffers: the rest comes
 * with the next call.
 */
#include "tcp_internal.h"

static uint32_t
min3(uint32_t a, uint32_t b, uint32_t d)
{
	uint32_t least = RTE_MIN(a, b);

	return RTE_MIN(least, d);
}

/* ---- what the windows allow ---- */

/* Room in the peer's window behind SND.MAX. */
static uint32_t
window_room(const struct chim_conn *c)
{
	uint32_t right = c->snd_una + c->snd_wnd;

	return chim_seq_gt(right, c->snd_max) ? right - c->snd_max : 0;
}

bool
tcp_output_is_window_closed(const struct chim_conn *c)
{
	return !tcp_is_in_flight(c) && tcp_unsent(c) != 0 && window_room(c) == 0;
}

bool
tcp_output_has_new(const struct chim_conn *c)
{
	return tcp_unsent(c) != 0 && window_room(c) != 0;
}

/*
 * Nagle with the chimney's exception (spec 8.5): less than a segment, the last len octets of the
 * queue, waits while less than a segment is out (Minshall), unless it is the tail of a request that
 * was longer than a segment.
 */
static bool
must_wait_for_ack(const struct chim_conn *c, uint32_t len)
{
	if ((c->cached_flags & CHIM_TCP_NAGLING_ENABLED) == 0 || !tcp_is_in_flight(c))
		return false;
	if (!chim_seq_gt(c->q->snd_sml, c->snd_una) || (c->flags & TCP_FIN_QUEUED))
		return false;
	return len > c->q->sendq.tail->pkt_len || c->q->sendq.tail->pkt_len <= c->mss;
}

enum decision {
	DECISION_SEND,
	DECISION_WAIT,	      /* something else will call again: an ACK, new data */
	DECISION_WAIT_WINDOW, /* for a better window, but not for ever */
};

/*
 * May a piece of len bytes, all the windows leave of what is unsent, be sent? Sender's side of SWS
 * avoidance (RFC 9293, 3.8.6.2.1; spec 8.5).
 */
static enum decision
decide(const struct chim_conn *c, uint32_t len, uint32_t mss)
{
	if (len >= mss || (c->flags & TCP_FORCE_SEND))
		return DECISION_SEND;
	if (len == tcp_unsent(c))
		return must_wait_for_ack(c, len) ? DECISION_WAIT : DECISION_SEND;
	if (len >= c->max_snd_wnd / 2)
		return DECISION_SEND;
	return tcp_is_in_flight(c) ? DECISION_WAIT : DECISION_WAIT_WINDOW;
}

/* Whole segments, or all there is. */
static uint32_t
whole(uint32_t len, uint32_t all, uint32_t mss)
{
	return len < all && len > mss ? len - len % mss : len;
}

/*
 * What goes into the next frame of new data: a segment or less, or several whole ones (TSO) that
 * congestion control allows, with the rest of the queue behind them when it need not wait. ACKs are
 * handled a burst at a time, so that what may leave has gathered by itself: it is not put off to
 * make frames larger.
 */
static uint32_t
next_frame(const struct chim_conn *c, uint32_t mss, const struct chim_tcp_env *env)
{
	uint32_t len = RTE_MIN(tcp_unsent(c), window_room(c));

	if (len > mss)
		len = RTE_MIN(len, tcp_emit_most(c, mss, env));
	if (len <= mss)
		return len;
	uint32_t allowed = RTE_MAX(tcp_recover_allowance(&c->recover), mss);

	len = whole(RTE_MIN(len, allowed), tcp_unsent(c), mss);
	return len % mss != 0 && must_wait_for_ack(c, len % mss) ? len - len % mss : len;
}

/* ---- steps ---- */

static bool
send_reset(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	const struct tcp_tx tx = { .t = t, .seq = c->snd_max, .flags = CHIM_RST, .is_new = true };

	if (!tcp_emit(c, &tx, env))
		return false;
	c->flags &= ~(TCP_RST_DUE | TCP_ACK_NOW);
	c->dupacks_owed = 0;
	tcp_stats(c, env)->tcp_out_resets++;
	if (c->flags & TCP_ABORTING) {
		c->flags |= TCP_RST_SENT;
		c->head.todo |= CHIM_TODO_DELIVER;
	}
	return true;
}

static bool
send_ack(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	const struct tcp_tx tx = { .t = t, .seq = c->snd_max, .is_new = true };

	if (!tcp_emit(c, &tx, env))
		return false;
	env->counters->pure_acks++;
	return true;
}

static bool
send_dup_acks(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	for (; c->dupacks_owed != 0; c->dupacks_owed--)
		if (!send_ack(c, t, env))
			return false;
	return true;
}

/* The frame, entered in the records; fit to what the port takes. */
static bool
emit_again(
	struct chim_conn *c, struct tcp_tx *tx, struct tcp_sent_rec *rec, struct chim_tcp_env *env)
{
	tcp_emit_fit(c, tx, env);
	bool has_fin = (rec->flags & TCP_SENT_FIN) && tx->len == rec->len - 1;

	tx->flags = has_fin ? CHIM_FIN : 0;
	if (tx->len + has_fin < rec->len && !tcp_recover_can_cut(&c->recover, env))
		return false;
	if (!tcp_emit(c, tx, env))
		return false;
	tcp_recover_on_resent(&c->recover, rec, tx->len + has_fin, env);
	c->recover.retransmits += tcp_tx_segs(tx);
	return true;
}

/* One record, or as much of its beginning as most says, a segment at least, again. */
static bool
resend(struct chim_conn *c, const struct chim_tmpl *t, struct tcp_sent_rec *rec, uint32_t most,
	struct chim_tcp_env *env)
{
	uint32_t mss = tcp_emit_limit(c, t, env);
	uint32_t data = chim_seq_gt(c->snd_end, rec->seq) ? c->snd_end - rec->seq : 0;
	uint32_t all = RTE_MIN(rec->len, data);
	uint32_t now = RTE_MAX(most, mss);
	struct tcp_tx tx = {
		.t = t,
		.seq = rec->seq,
		.len = whole(RTE_MIN(all, now), all, mss),
		.mss = mss,
		.place = &c->q->again,
	};

	while (!emit_again(c, &tx, rec, env)) {
		/* A large frame may want more indirect mbufs than there are. */
		if (tx.len <= mss)
			return false;
		tx.len = mss;
	}
	/* A segment is never sent again sooner than an RTO after its last time (RFC 6298, 5). */
	if (tx.seq == c->snd_una && (c->flags & TCP_PERSIST) == 0)
		tcp_timer_rto(c, env);
	tcp_timer_sent(c, env);
	return true;
}

static bool
send_lost(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	struct tcp_sent_rec *rec;

	if ((c->flags & TCP_PERSIST) || !tcp_recover_has_lost(&c->recover))
		return true;
	while ((rec = tcp_recover_next(&c->recover, tcp_output_has_new(c))) != NULL) {
		uint32_t allowed = tcp_recover_allowance(&c->recover);

		if (allowed < RTE_MIN(rec->len, (uint32_t)c->mss))
			return true;
		uint32_t most = tcp_emit_most(c, tcp_emit_limit(c, t, env), env);

		if (!resend(c, t, rec, RTE_MIN(allowed, most), env))
			return false;
	}
	return true;
}

bool
tcp_output_resend(struct chim_conn *c, const struct chim_tmpl *t, struct tcp_sent_rec *rec,
	struct chim_tcp_env *env)
{
	return resend(c, t, rec, 0, env);
}

uint32_t
tcp_output_piece(
	const struct chim_conn *c, const struct chim_tmpl *t, const struct chim_tcp_env *env)
{
	return min3(tcp_unsent(c), tcp_emit_limit(c, t, env), window_room(c));
}

/* The frame, entered in the records; fit to what the port takes. */
static bool
emit_new(struct chim_conn *c, struct tcp_tx *tx, struct chim_tcp_env *env)
{
	tcp_emit_fit(c, tx, env);
	bool has_fin = (c->flags & TCP_FIN_QUEUED) && tx->len == tcp_unsent(c);
	const struct tcp_sent_new record = {
		.seq = tx->seq,
		.len = tx->len + has_fin,
		.now_us = tcp_now_us32(env),
		.segs = (uint16_t)tcp_tx_segs(tx),
		.flags = has_fin ? TCP_SENT_FIN : 0,
	};

	tx->flags = has_fin ? CHIM_FIN : 0;
	if (env->out->nb == env->out->room || !tcp_recover_enter(&c->recover, &record, env))
		return false;
	if (!tcp_emit(c, tx, env)) {
		tcp_recover_withdraw(&c->recover, env);
		return false;
	}
	tcp_recover_on_sent(&c->recover, record.len, env);
	c->snd_max += record.len;
	return true;
}

bool
tcp_output_new(struct chim_conn *c, const struct chim_tmpl *t, uint32_t len, uint32_t mss,
	struct chim_tcp_env *env)
{
	struct tcp_tx tx = {
		.t = t,
		.seq = c->snd_max,
		.len = len,
		.mss = mss,
		.is_new = true,
		.place = &c->q->fresh,
	};

	while (!emit_new(c, &tx, env)) {
		/* A large frame may want more indirect mbufs than there are. */
		if (tx.len <= mss)
			return false;
		tx.len = mss;
	}
	if (tx.len < mss || tx.len % mss != 0)
		c->q->snd_sml = c->snd_max;
	tcp_timer_stop(c, TCP_TIMER_SWS);
	tcp_timer_sent(c, env);
	return true;
}

/* The congestion window may have to start over (RFC 5681, 4.1): not within the least timeout. */
static void
begin_burst(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (tcp_is_in_flight(c))
		return;
	uint32_t idle_ms = tcp_now(env) - c->recover.sent_ms;

	if (idle_ms > env->cfg->rto_min_us / CHIM_US_PER_MS)
		tcp_recover_on_idle(
			&c->recover, c->mss, tcp_rtt_rto_ms(c, env) * CHIM_US_PER_MS, env);
}

static bool
send_new(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	if (tcp_unsent(c) == 0)
		return true;
	uint32_t mss = tcp_emit_limit(c, t, env);

	begin_burst(c, env);
	while (tcp_unsent(c) != 0 && (c->flags & TCP_PERSIST) == 0) {
		uint32_t len = next_frame(c, mss, env);

		if (len == 0) {
			if (tcp_output_is_window_closed(c))
				tcp_timer_persist(c, env);
			return true;
		}
		/* One segment may always be out: cwnd may be of a host, or of a smaller MTU. */
		if (tcp_is_in_flight(c) && tcp_recover_allowance(&c->recover) < len)
			return true;
		enum decision d = decide(c, len, mss);

		if (d == DECISION_WAIT_WINDOW && !tcp_timer_is_armed(c, TCP_TIMER_SWS))
			tcp_timer_arm(c, TCP_TIMER_SWS, env->cfg->sws_ms, env);
		if (d != DECISION_SEND)
			return true;
		if (!tcp_output_new(c, t, len, mss, env))
			return false;
	}
	return true;
}

/* A FIN that had no data to ride on; the peer's window does not hold it back. */
static bool
send_fin(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	if ((c->flags & TCP_FIN_QUEUED) == 0 || tcp_is_fin_sent(c) || tcp_unsent(c) != 0)
		return true;
	return tcp_output_new(c, t, 0, c->mss, env);
}

/* Is there nothing to go out but new data, and an ACK of what came? */
static bool
is_plain(const struct chim_conn *c)
{
	uint32_t due =
		TCP_PROBE_DUE | TCP_RESEND_FIRST | TCP_TLP_DUE | TCP_KEEPALIVE_DUE | TCP_FIN_QUEUED;

	return (c->flags & due) == 0 && c->dupacks_owed == 0 && !tcp_has_ecn(c) &&
		!tcp_recover_has_lost(&c->recover);
}

static bool
send_before_new(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	return tcp_ecn_send_acks(c, t, env) && send_dup_acks(c, t, env) &&
		tcp_probe_window(c, t, env) && tcp_probe_tail(c, t, env) && send_lost(c, t, env);
}

static bool
send_after_new(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	return send_fin(c, t, env) && tcp_probe_keepalive(c, t, env);
}

/* Everything but a reset, in the order that is told above. */
static bool
send_all(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	bool has_more = !is_plain(c);

	if (has_more && !send_before_new(c, t, env))
		return false;
	if (!send_new(c, t, env) || (has_more && !send_after_new(c, t, env)))
		return false;
	return (c->flags & TCP_ACK_NOW) == 0 || send_ack(c, t, env);
}

static bool
can_send(const struct chim_conn *c)
{
	return c->head.is_invalid == 0 && (c->flags & (TCP_STOPPED | TCP_EXPORTED)) == 0;
}

bool
chim_tcp_output(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	bool is_all = true;

	if (!can_send(c)) {
		tcp_queues_settle(c, env);
		return false;
	}
	if (c->flags & TCP_RST_DUE)
		is_all = send_reset(c, t, env);
	else if (c->state != CHIM_TCP_CLOSED)
		is_all = send_all(c, t, env);
	if (is_all)
		c->flags &= ~TCP_FORCE_SEND;
	else
		c->head.todo |= CHIM_TODO_OUTPUT;
	tcp_queues_settle(c, env);
	tcp_check_slow(c, env);
	return !is_all;
}

bool
tcp_output_ack(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env)
{
	return can_send(c) && send_ack(c, t, env);
}
