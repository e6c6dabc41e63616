/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What crosses files inside the engine, grouped by the file that has it.
 */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include "chim_trace.h"
#include "tcp_conn.h"

/* ---- small words ---- */

static inline chim_ms_t
tcp_now(const struct chim_tcp_env *env)
{
	return (chim_ms_t)env->now_ms;
}

/* Times of sent records: microseconds modulo 2^32. */
static inline uint32_t
tcp_now_us32(const struct chim_tcp_env *env)
{
	return (uint32_t)env->now_us;
}

static inline bool
tcp_has_ts(const struct chim_conn *c)
{
	return (c->const_flags & CHIM_TCP_TIMESTAMP_ENABLED) != 0;
}

static inline bool
tcp_has_sack(const struct chim_conn *c)
{
	return (c->const_flags & CHIM_TCP_SACK_ENABLED) != 0;
}

static inline bool
tcp_has_ecn(const struct chim_conn *c)
{
	return (c->const_flags & CHIM_TCP_ECN_ENABLED) != 0;
}

/* The FIN, if there is one, has number snd_end. */
static inline bool
tcp_is_fin_sent(const struct chim_conn *c)
{
	return (c->flags & TCP_FIN_QUEUED) && chim_seq_gt(c->snd_max, c->snd_end);
}

static inline bool
tcp_is_fin_acked(const struct chim_conn *c)
{
	return (c->flags & TCP_FIN_QUEUED) && chim_seq_gt(c->snd_una, c->snd_end);
}

/* Octets queued and never sent. SND.MAX is beyond them only by a FIN that has been sent. */
static inline uint32_t
tcp_unsent(const struct chim_conn *c)
{
	uint32_t n = c->snd_end - c->snd_max;

	return n != UINT32_MAX ? n : 0;
}

static inline bool
tcp_is_in_flight(const struct chim_conn *c)
{
	return c->snd_max != c->snd_una;
}

/* Milliseconds since ts_recent was taken. */
static inline uint64_t
tcp_ts_age_ms(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	uint64_t at = (uint64_t)c->ts_recent_era << 32 | c->ts_recent_ms;

	return (env->now_ms - at) & (RTE_BIT64(48) - 1);
}

/* ts_recent was taken so many milliseconds ago. */
static inline void
tcp_ts_set_age(struct chim_conn *c, uint64_t age_ms, const struct chim_tcp_env *env)
{
	uint64_t at = env->now_ms - age_ms;

	c->ts_recent_ms = (uint32_t)at;
	c->ts_recent_era = (uint16_t)(at >> 32);
}

static inline struct chim_family_stats *
tcp_stats(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	return env->stats[c->head.is_ip6];
}

static inline void
tcp_ack_soon(struct chim_conn *c)
{
	c->flags |= TCP_ACK_NOW;
	c->head.todo |= CHIM_TODO_OUTPUT;
}

/* ---- queues.c ---- */

/** Take queues for a connection that has none. @return false: none are free (counted). */
bool tcp_queues_take(struct chim_conn *c, struct chim_tcp_env *env);

/** The same, for what the host asks: without queues it is to take the connection back. */
bool tcp_queues_take_or_retrieve(struct chim_conn *c, struct chim_tcp_env *env);

/** Something is going to wait. @return false: no queues are free. */
static inline bool
tcp_queues_attach(struct chim_conn *c, struct chim_tcp_env *env)
{
	return c->q != NULL || tcp_queues_take(c, env);
}

/** Something that the host asks is going to wait. @return false: no queues are free. */
static inline bool
tcp_queues_attach_or_retrieve(struct chim_conn *c, struct chim_tcp_env *env)
{
	return c->q != NULL || tcp_queues_take_or_retrieve(c, env);
}

/** Give the queues back if nothing waits any more. */
void tcp_queues_give(struct chim_conn *c, struct chim_tcp_env *env);

/** Something has gone. Mostly there is more: in flight, or with the host. */
static inline void
tcp_queues_settle(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (c->q != NULL && !tcp_is_in_flight(c) && c->q->lent_bytes == 0)
		tcp_queues_give(c, env);
}

/** Free what is in the queues, and give them back. */
void tcp_queues_release(struct chim_conn *c, struct chim_tcp_env *env);

/* ---- timer.c: the slots ---- */

static inline chim_ms_t
tcp_timer_at(const struct chim_conn *c, enum tcp_timer t)
{
	return t < TCP_TIMER_KEPT ? c->deadline[t] : c->q->deadline[t - TCP_TIMER_KEPT];
}

static inline bool
tcp_timer_is_armed(const struct chim_conn *c, enum tcp_timer t)
{
	return (c->armed & 1u << t) != 0;
}

static inline void
tcp_timer_stop(struct chim_conn *c, enum tcp_timer t)
{
	c->armed &= ~(1u << t);
}

/** Arm a slot so many milliseconds from now, at most 24 days (half the wrap of the clock). */
void
tcp_timer_arm(struct chim_conn *c, enum tcp_timer t, uint32_t ms, const struct chim_tcp_env *env);

/** Restart the retransmission timer, or stop it when nothing waits for an ACK (RFC 6298, 5). */
void tcp_timer_restart(struct chim_conn *c, const struct chim_tcp_env *env);

/** Start timing a closed window, round 0 (spec 8.3). */
void tcp_timer_persist(struct chim_conn *c, struct chim_tcp_env *env);

/** The window is open again. */
void tcp_timer_persist_end(struct chim_conn *c, struct chim_tcp_env *env);

/** An ACK that leaves the window closed: the next persist round. */
void tcp_timer_persist_round(struct chim_conn *c, struct chim_tcp_env *env);

/** New data, or a FIN, was sent: the timers of what is in flight run (RFC 6298, 5.1). */
void tcp_timer_sent(struct chim_conn *c, const struct chim_tcp_env *env);

/** The retransmission timer alone, from now. */
void tcp_timer_rto(struct chim_conn *c, const struct chim_tcp_env *env);

/** Arm or stop the slot in which RACK looks again. */
void tcp_timer_reorder(struct chim_conn *c, const struct chim_tcp_env *env);

/** Wait for the peer's FIN, for a limited time (spec 8.3). */
static inline void
tcp_timer_fin_wait_2(struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (env->cfg->fin_wait_2_ms != 0)
		tcp_timer_arm(c, TCP_TIMER_RETRANSMIT, env->cfg->fin_wait_2_ms, env);
}

/** Host ticks -> milliseconds; saturates. */
uint32_t tcp_ticks_to_ms(const struct chim_tcp_env *env, chim_ticks_t ticks);

/** Milliseconds -> host ticks. */
chim_ticks_t tcp_ms_to_ticks(const struct chim_tcp_env *env, uint32_t ms);

/* ---- keepalive.c ---- */

/** Keepalive as the cached flags want it, from idle. */
void tcp_keepalive_start(struct chim_conn *c, const struct chim_tcp_env *env);

/** An acceptable segment came: keepalive starts over, FIN_WAIT_2 too. */
void tcp_keepalive_alive(struct chim_conn *c, const struct chim_tcp_env *env);

/** Suspect RST or SYN: find out by keepalive whether the peer lives (spec 8.6). */
void tcp_keepalive_blind(struct chim_conn *c, const struct chim_tcp_env *env);

/** The slot is due. */
void tcp_keepalive_expire(struct chim_conn *c, struct chim_tcp_env *env);

/* ---- rtt.c ---- */

/** One round-trip sample (RFC 6298, 2). */
void tcp_rtt_sample(struct chim_conn *c, uint32_t rtt_us);

/** Retransmission timeout without back-off, milliseconds. */
uint32_t tcp_rtt_rto_ms(const struct chim_conn *c, const struct chim_tcp_env *env);

/* Does TSval count milliseconds? What is not known is taken for that. */
static inline bool
tcp_rtt_is_ms(const struct chim_conn *c)
{
	return c->ts_hz == 0 || c->ts_hz == 1000;
}

/** The TSval clock of the connection (RFC 7323, 5.4; spec 8.4). */
uint32_t tcp_rtt_tsval(const struct chim_conn *c, const struct chim_tcp_env *env);

/** Microseconds since our clock showed tsecr, 0 when that is not sensible. */
uint32_t tcp_rtt_of_echo(const struct chim_conn *c, uint32_t tsecr, const struct chim_tcp_env *env);

/* ---- conn.c ---- */

/** Change state, keeping the gauge of established connections. */
void tcp_conn_set_state(struct chim_conn *c, enum chim_tcp_state state, struct chim_tcp_env *env);

/** Segment size from the peer's MSS and the path (RFC 9293, 3.7.1). */
void tcp_conn_set_mss(struct chim_conn *c);

/** Give a list to the free row. */
void tcp_conn_free_list(struct tcp_list *l, struct chim_tcp_env *env);

/** Pseudo-random number (xorshift64*). */
uint32_t tcp_conn_random(struct chim_tcp_env *env);

/* ---- transfer.c ---- */

/** Copy the cached values in. */
void tcp_transfer_cached(struct chim_conn *c, const struct chim_tcp_cached *cached);

/* ---- sendq.c ---- */

/** Append a list; zero-length chains complete when their turn comes. */
void tcp_sendq_append(struct chim_conn *c, struct rte_mbuf *list);

/** n octets of data are acknowledged; snd_una has been moved already. */
void tcp_sendq_ack(struct chim_conn *c, uint32_t n);

/** Find the octet seq, from place p if that is not beyond it. @return false: not queued. */
bool tcp_sendq_seek(struct chim_conn *c, struct tcp_place *p, uint32_t seq);

/** Go to the start of the next segment of the queue. @return false at the end. */
bool tcp_sendq_next(struct tcp_place *p);

/** Complete everything with a status that is not SUCCESS. */
void tcp_sendq_fail(struct chim_conn *c, enum chim_status status);

/** Take everything back for the host. @return list. */
struct rte_mbuf *tcp_sendq_export(struct chim_conn *c);

/* ---- predict.c ---- */

/** Is the segment the one that is expected, with nothing to be said beside it? */
bool tcp_predict_is_plain(
	const struct chim_conn *c, const struct chim_seg *s, const struct chim_tcp_env *env);

/* ---- ack.c ---- */

/** Fifth: the ACK field, which tcp_ack_is_valid(). */
void tcp_ack_process(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env);

/** The same for a segment that tcp_predict_is_plain(). */
void tcp_ack_plain(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env);

/** The acknowledgment number is neither too old nor of the future. */
bool tcp_ack_is_valid(const struct chim_conn *c, const struct chim_seg *s);

/** What recovery wants to know, before an ACK changes it. */
struct tcp_recover_in tcp_ack_recover_in(const struct chim_conn *c);

/* ---- ecn.c ---- */

/** CE or CWR of an acceptable segment, before its payload is taken. */
void tcp_ecn_input(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env);

/** ACKs of what came in another state of CE than now. @return false: not all, not now. */
bool tcp_ecn_send_acks(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);

/* ---- receive.c ---- */

/** Seventh: the payload. */
enum chim_verdict tcp_receive_data(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env);

/** The same for a segment that tcp_predict_is_plain(). */
enum chim_verdict tcp_receive_plain(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env);

/** The window to offer now, as it goes on the wire; what it promises becomes rcv_adv. */
uint16_t tcp_receive_window(struct chim_conn *c);

/** Room was made: is an update of the window worth a segment (RFC 9293, 3.8.6.2.2)? */
void tcp_receive_room(struct chim_conn *c);

/** So many lent bytes are the engine's again, or free. */
void tcp_receive_credit(struct chim_conn *c, uint32_t bytes);

/** A duplicate to be reported with the next ACK (RFC 2883), if there are queues to note it in. */
void
tcp_receive_note_dsack(struct chim_conn *c, uint32_t start, uint32_t end, struct chim_tcp_env *env);

/** Bytes from rcv_nxt to the right edge advertised. */
static inline uint32_t
tcp_receive_edge(const struct chim_conn *c)
{
	return chim_seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
}

/* ---- close.c ---- */

/** Second: RST. */
enum chim_why
tcp_close_on_reset(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env);

/** Third: SYN. */
enum chim_why
tcp_close_on_syn(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env);

/** Eighth: the peer's FIN is at rcv_nxt, all data before it received. */
void tcp_close_on_fin(struct chim_conn *c, struct chim_tcp_env *env);

/** Our FIN is acknowledged. */
void tcp_close_on_fin_acked(struct chim_conn *c, struct chim_tcp_env *env);

/** The host closes its side: a FIN after what is queued. */
void tcp_close_send(struct chim_conn *c, struct chim_tcp_env *env);

/** FIN_WAIT_2 has lasted long enough. */
void tcp_close_fin_wait_2(struct chim_conn *c, struct chim_tcp_env *env);

/** The connection is over: everything outstanding completes with status. */
void tcp_close_now(struct chim_conn *c, enum chim_status status, struct chim_tcp_env *env);

/** Reset it: RST with the next output (abortive disconnect, data after a full close). */
void tcp_close_abort(struct chim_conn *c, struct chim_tcp_env *env);

/** The peer does not answer: the host has to take over (spec 5.6). */
void tcp_close_timeout(struct chim_conn *c, struct chim_tcp_env *env);

/* ---- urgent.c ---- */

/** The first segment with urgent data: the connection stops. */
enum chim_verdict tcp_urgent_begin(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env);

/** A segment after it. */
enum chim_verdict tcp_urgent_keep(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env);

/* ---- challenge.c ---- */

/** Send a challenge ACK if the worker's budget allows (RFC 5961, 7). @return whether it does. */
bool tcp_challenge_ack(struct chim_conn *c, struct chim_tcp_env *env);

/** May a segment that is out of the window and has no data be answered? (no ACK loops) */
bool tcp_challenge_may_answer(struct chim_conn *c, struct chim_tcp_env *env);

/* ---- output.c, probe.c ---- */

/** Can the part of the queue that was not sent yet be sent now, or does it wait for the window? */
bool tcp_output_is_window_closed(const struct chim_conn *c);

/** Is there new data that the peer's window takes? */
bool tcp_output_has_new(const struct chim_conn *c);

/** Size of the next segment of new data, congestion window and Nagle not asked; may be 0. */
uint32_t tcp_output_piece(
	const struct chim_conn *c, const struct chim_tmpl *t, const struct chim_tcp_env *env);

/**
 * Send len new octets, or fewer of them, and the FIN when they are the last, in segments of mss.
 *
 * @return false: not now.
 */
bool tcp_output_new(struct chim_conn *c, const struct chim_tmpl *t, uint32_t len, uint32_t mss,
	struct chim_tcp_env *env);

/** Send the first segment of a record again. @return false: not now. */
bool tcp_output_resend(struct chim_conn *c, const struct chim_tmpl *t, struct tcp_sent_rec *rec,
	struct chim_tcp_env *env);

/** An ACK at once (terminate). @return false: it could not be sent. */
bool tcp_output_ack(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);

bool tcp_probe_window(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);
bool tcp_probe_tail(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);
bool tcp_probe_keepalive(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);

/* ---- emit.c ---- */

/* One frame to build. */
struct tcp_tx {
	const struct chim_tmpl *t;
	uint32_t seq;
	uint32_t len;	/* payload */
	uint32_t mss;	/* payload of a segment; what is longer is cut by the port */
	uint8_t flags;	/* besides ACK */
	bool is_new;	/* no octet of it was sent before */
	bool is_copied; /* tcp_emit_fit() says so */
	bool is_apart;	/* an ACK of ack, with the ECE of flags, that pays no other */
	uint32_t ack;
	struct tcp_place *place; /* of the payload's first octet; moved behind the last */
};

/* Segments on the wire that a frame is. */
static inline uint32_t
tcp_tx_segs(const struct tcp_tx *tx)
{
	return tx->len > tx->mss ? (tx->len + tx->mss - 1) / tx->mss : 1;
}

/** Payload that one segment can have now: mss less the SACK blocks that go along. */
uint32_t tcp_emit_limit(
	const struct chim_conn *c, const struct chim_tmpl *t, const struct chim_tcp_env *env);

/** Payload that one frame can have, in segments of mss: one, or several where the port cuts. */
uint32_t tcp_emit_most(const struct chim_conn *c, uint32_t mss, const struct chim_tcp_env *env);

/** Shorten a payload to what the port takes in one frame, and say how it is to go there. */
void tcp_emit_fit(struct chim_conn *c, struct tcp_tx *tx, const struct chim_tcp_env *env);

/** Build a frame and put it into env->out. @return false: no room there or no mbuf. */
bool tcp_emit(struct chim_conn *c, const struct tcp_tx *tx, struct chim_tcp_env *env);

/* ---- indicate.c ---- */

/** In-order data: m holds nothing but payload; takes m. */
void tcp_indicate_data(
	struct chim_conn *c, struct rte_mbuf *m, bool is_pushed, struct chim_tcp_env *env);

/* The next octet to be handed over: the first of rcvq, which ends at the peer's FIN or RCV.NXT. */
static inline uint32_t
tcp_indicate_nxt(const struct chim_conn *c)
{
	const struct tcp_queues *q = tcp_queues(c);

	return c->rcv_nxt - ((c->flags & TCP_FIN_RCVD) != 0) - (q->rcvq_bytes - q->refused_bytes);
}

/* Is refused data still to come back, which lies between refused and rcvq? */
static inline bool
tcp_indicate_has_gap(const struct chim_conn *c)
{
	return tcp_queues(c)->gap_bytes != 0;
}

/** Note a TCP_EVENT_* to be told. */
void tcp_indicate_event(struct chim_conn *c, uint16_t event);

/** Run the delivery algorithm as far as requests go (spec 5.4, FILL). */
void tcp_indicate_fill(struct chim_conn *c, struct chim_tcp_env *env);

/** The push timer ran out. */
void tcp_indicate_push(struct chim_conn *c, struct chim_tcp_env *env);

/** Requests were posted. */
void tcp_indicate_post(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env);

/** Complete all posted requests with what they have. */
void tcp_indicate_flush(struct chim_conn *c, enum chim_status status);

/** Drop what was not delivered. */
void tcp_indicate_drop(struct chim_conn *c, struct chim_tcp_env *env);

/** Take back what the host refused. */
void tcp_indicate_refuse(
	struct chim_conn *c, struct rte_mbuf *list, uint32_t consumed, struct chim_tcp_env *env);

/* ---- view.c ---- */

/** Preferred outstanding send bytes (spec 2.3, SendBacklogSize): a power of two. */
uint32_t tcp_view_backlog(const struct chim_conn *c);

/** Tell the host when that is another now, and it is worth telling. */
void tcp_view_watch_backlog(struct chim_conn *c, const struct chim_tcp_env *env);

/* ---- check.c ---- */

/** The invariants, in -Dcheck=true builds; failing ones are counted. */
void tcp_check_slow(const struct chim_conn *c, struct chim_tcp_env *env);

#endif /* TCP_INTERNAL_H */
