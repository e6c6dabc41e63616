/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What one ACK says (RFC 9293, 3.10.7.4, fifth; RFC 5681, 2): the order is
 *
 *   valid      neither too old nor of the future (RFC 5961, 5)
 *   window     SND.WND, before anything is sent on its strength
 *   recovery   records, SACK, RACK, congestion control (tcp_recover.h)
 *   una        the send queue moves on, sends complete
 *   rtt        a sample, of the records or of the echoed timestamp
 *   timers     retransmission restarted, stopped, or the window timed
 */
#include "tcp_internal.h"

/* Doublings of the timeout that are left when a peer with a closed window answers. */
#define FORGIVEN_COUNT 6u

bool
tcp_ack_is_valid(const struct chim_conn *c, const struct chim_seg *s)
{
	return chim_seq_le(s->ack, c->snd_max) && chim_seq_ge(s->ack, c->snd_una - c->max_snd_wnd);
}

struct tcp_recover_in
tcp_ack_recover_in(const struct chim_conn *c)
{
	return (struct tcp_recover_in){
		.una = c->snd_una,
		.ack = c->snd_una,
		.max = c->snd_max,
		.mss = c->mss,
		.srtt_us = c->srtt_us8 >> 3,
		.has_sack = tcp_has_sack(c),
	};
}

/* RFC 5681, 2: nothing but the same number again, while data is out. */
static bool
is_duplicate(const struct chim_conn *c, const struct chim_seg *s)
{
	return s->ack == c->snd_una && tcp_is_in_flight(c) && s->len == 0 &&
		(s->flags & CHIM_FIN) == 0 && (uint32_t)s->wnd << c->snd_wscale == c->snd_wnd;
}

/*
 * SND.WND from segments that are not older than the last that set it (RFC 9293, 3.10.7.4): by SEQ,
 * where SEG.ACK, which is not below SND.UNA, is not above it either.
 */
static void
take_window(struct chim_conn *c, const struct chim_seg *s)
{
	uint32_t wnd = (uint32_t)s->wnd << c->snd_wscale;

	if (s->ack == c->snd_una && chim_seq_lt(s->seq, c->snd_wl1))
		return;
	c->snd_wl1 = chim_seq_max(c->snd_wl1, s->seq);
	if ((wnd > c->snd_wnd || s->ack != c->snd_una) && tcp_unsent(c) != 0)
		c->head.todo |= CHIM_TODO_OUTPUT;
	c->snd_wnd = wnd;
	c->max_snd_wnd = RTE_MAX(c->max_snd_wnd, wnd);
}

/* The latest moment a segment that carried this timestamp can have been sent. */
static void
take_echo(const struct chim_conn *c, const struct chim_seg *s, struct tcp_recover_in *in,
	const struct chim_tcp_env *env)
{
	uint32_t ticks = tcp_rtt_tsval(c, env) - s->tsecr;

	if ((s->info & CHIM_SEG_TS) == 0 || s->tsecr == 0 || !tcp_rtt_is_ms(c) || ticks > INT32_MAX)
		return;
	in->has_echo = true;
	in->echo_us = tcp_now_us32(env) - ticks * CHIM_US_PER_MS + CHIM_US_PER_MS - 1;
}

static void
sample(struct chim_conn *c, const struct chim_seg *s, const struct tcp_recover_out *out,
	const struct chim_tcp_env *env)
{
	uint32_t rtt_us = out->d.rtt_first_us;

	if (rtt_us == 0 && out->d.acked != 0 && tcp_has_ts(c) && (s->info & CHIM_SEG_TS) &&
		s->tsecr != 0)
		rtt_us = tcp_rtt_of_echo(c, s->tsecr, env);
	if (rtt_us != 0)
		tcp_rtt_sample(c, rtt_us);
}

/* SND.UNA moves; what is left behind completes. */
static void
advance(struct chim_conn *c, uint32_t ack, struct chim_tcp_env *env)
{
	uint32_t acked = ack - c->snd_una;

	c->snd_una = ack;
	c->total_rt_ms = 0;
	c->dup_acks = 0;
	if (tcp_is_fin_acked(c))
		acked--;
	c->bytes_out += acked;
	tcp_sendq_ack(c, acked);
	c->head.todo |= CHIM_TODO_PROGRESS;
	if (tcp_unsent(c) != 0 || (c->flags & TCP_FIN_QUEUED) || tcp_recover_has_lost(&c->recover))
		c->head.todo |= CHIM_TODO_OUTPUT;
	if (tcp_is_fin_acked(c))
		tcp_close_on_fin_acked(c, env);
}

static void
set_timers(struct chim_conn *c, uint32_t events, struct chim_tcp_env *env)
{
	if (c->flags & TCP_PERSIST)
		return;
	if (events & (TCP_RECOVER_PROGRESS | TCP_RECOVER_UNDONE))
		c->retransmit_count = 0;
	if (events & (TCP_RECOVER_PROGRESS | TCP_RECOVER_UNDONE | TCP_RECOVER_EMPTY)) {
		if (tcp_is_in_flight(c) || c->state != CHIM_TCP_FIN_WAIT_2)
			tcp_timer_restart(c, env);
	}
	tcp_timer_reorder(c, env);
	if (events & TCP_RECOVER_ENTERED)
		chim_trace_recovery(c->head.handle, c->snd_una, c->snd_max, c->recover.cc.cwnd);
	if (events & (TCP_RECOVER_ENTERED | TCP_RECOVER_UNDONE))
		c->head.todo |= CHIM_TODO_OUTPUT;
}

/*
 * The peer closed the window on data that is out, and lives: it may stay so for ever (RFC 9293,
 * 3.8.6.1). Resending goes on, at a rate that no longer falls.
 */
static void
forgive_resending(struct chim_conn *c)
{
	c->retransmit_count = RTE_MIN(c->retransmit_count, FORGIVEN_COUNT);
	c->total_rt_ms = 0;
}

/* The window and the persist timer (RFC 9293, 3.8.6.1; spec 8.3). */
static void
check_window(struct chim_conn *c, struct chim_tcp_env *env)
{
	if ((c->flags & TCP_PERSIST) == 0) {
		if (tcp_output_is_window_closed(c))
			tcp_timer_persist(c, env);
		else if (c->snd_wnd == 0)
			forgive_resending(c);
		return;
	}
	if (c->snd_wnd != 0)
		tcp_timer_persist_end(c, env);
	else if (c->retransmit_count != 0)
		tcp_timer_persist_round(c, env);
}

/* What an ACK did to the records, to the rest of the connection. */
static inline void
conclude(struct chim_conn *c, const struct chim_seg *s, const struct tcp_recover_out *out,
	struct chim_tcp_env *env)
{
	tcp_view_watch_backlog(c, env);
	if (s->ack != c->snd_una)
		advance(c, s->ack, env);
	sample(c, s, out, env);
	set_timers(c, out->events, env);
}

static void
recover(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	struct tcp_recover_in in = tcp_ack_recover_in(c);
	struct tcp_recover_out out;

	in.ack = s->ack;
	in.is_dup = is_duplicate(c, s);
	in.has_ece = tcp_has_ecn(c) && (s->flags & CHIM_ECE) != 0;
	if (in.has_sack) {
		in.sack = s->sack;
		in.nb_sack = s->nb_sack;
	}
	if (in.is_dup && c->dup_acks < UINT8_MAX)
		c->dup_acks++;
	take_echo(c, s, &in, env);
	take_window(c, s);
	tcp_recover_on_ack(&c->recover, &in, env, &out);
	/* An ACK that moved nothing may still have shown what is lost, or let more leave. */
	if (in.is_dup || s->nb_sack != 0)
		c->head.todo |= CHIM_TODO_OUTPUT;
	conclude(c, s, &out, env);
}

void
tcp_ack_process(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	if (chim_seq_lt(s->ack, c->snd_una))
		return;
	if (tcp_is_in_flight(c))
		recover(c, s, env);
	else
		take_window(c, s);
	if (c->state != CHIM_TCP_CLOSED && c->state != CHIM_TCP_TIME_WAIT)
		check_window(c, env);
}

/* The window is open, and was: there is nothing to be checked of it. */
void
tcp_ack_plain(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	struct tcp_recover_in in = tcp_ack_recover_in(c);
	struct tcp_recover_out out;

	take_window(c, s);
	if (!tcp_is_in_flight(c))
		return;
	in.ack = s->ack;
	tcp_recover_end_plainly(&c->recover, &in, env, &out);
	conclude(c, s, &out, env);
}
