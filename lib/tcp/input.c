/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Segment arrival on an offloaded connection (RFC 9293, 3.10.7.4).
 *
 * Runs once per segment, in the order of the functions below. It changes the
 * connection and sets todo bits; packets are built later by output.c, the
 * host is told later by indicate.c. ACK details are in ack.c, payload in
 * receive.c, FIN, RST and SYN in close.c, frames behind urgent data in
 * urgent.c; which segments most steps have nothing to say to, in predict.c.
 */
#include <rte_prefetch.h>

#include "tcp_internal.h"

/* A ts_recent older than this says nothing about what is old (RFC 7323, 5.5). */
#define PAWS_AGE_MS (24u * 24u * 3600u * 1000u)

static void
count(const struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	struct chim_family_stats *stats = tcp_stats(c, env);
	uint32_t ip_len = c->head.is_ip6 ? 40 : 20;

	chim_trace_segment_in(c->head.handle, s->seq, s->ack, s->len, s->flags);
	stats->tcp_in_segments++;
	stats->ip_in_receives++;
	stats->ip_in_delivers++;
	stats->ip_in_octets += ip_len + (s->payload_off - s->tcp_off) + s->len;
}

/* The segment cannot be accepted: tell the peer where we are, and drop it. */
static enum chim_why
answer(struct chim_conn *c, const struct chim_seg *s, enum chim_why why, struct chim_tcp_env *env)
{
	if (s->flags & CHIM_RST)
		return CHIM_WHY_RST_OUT_OF_WINDOW;
	if (s->flags & CHIM_SYN)
		return tcp_close_on_syn(c, s, env);
	if (s->len != 0 || (s->flags & CHIM_FIN) || tcp_challenge_may_answer(c, env))
		tcp_ack_soon(c);
	return (s->flags & CHIM_URG) ? CHIM_WHY_BAD_URGENT : why;
}

/* First, RFC 7323, 5.3: R1. */
static enum chim_why
check_timestamp(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	if (s->flags & CHIM_RST)
		return CHIM_WHY_NONE;
	/* Once agreed, a segment without timestamps is dropped (RFC 7323, 3.2). */
	if ((s->info & CHIM_SEG_TS) == 0)
		return CHIM_WHY_PAWS;
	if ((c->flags & TCP_TS_UNKNOWN) || (int32_t)(s->tsval - c->ts_recent) >= 0)
		return CHIM_WHY_NONE;
	if (tcp_ts_age_ms(c, env) > PAWS_AGE_MS)
		return CHIM_WHY_NONE;
	return answer(c, s, CHIM_WHY_PAWS, env);
}

/*
 * First: is any of it in the window? Segments without data may lie a little to the left: an ACK
 * that was overtaken is still an ACK. A closed window lets through what carries no new octet.
 */
static enum chim_why
check_sequence(struct chim_conn *c, struct chim_seg *s, struct chim_tcp_env *env)
{
	bool has_fin = (s->flags & CHIM_FIN) != 0;
	uint32_t end = s->seq + s->len + has_fin;

	if (s->len == 0 && !has_fin) {
		if (chim_seq_lt(s->seq, c->ack_sent))
			return answer(c, s, CHIM_WHY_OLD_DUPLICATE, env);
	} else if (chim_seq_le(end, c->rcv_nxt)) {
		if (tcp_has_sack(c) && s->len != 0)
			tcp_receive_note_dsack(c, s->seq, s->seq + s->len, env);
		return answer(c, s, CHIM_WHY_OLD_DUPLICATE, env);
	}
	if (chim_seq_gt(s->seq, c->rcv_nxt + tcp_receive_edge(c)))
		return answer(c, s, CHIM_WHY_OUT_OF_WINDOW, env);
	/* A probe of a closed window: its octet is dropped, its ACK is not (RFC 9293, 3.8.6.1). */
	if (s->len != 0 && tcp_receive_edge(c) == 0) {
		s->len = 0;
		s->flags &= ~(CHIM_FIN | CHIM_PSH);
		tcp_ack_soon(c);
	}
	return CHIM_WHY_NONE;
}

/* RFC 7323, 4.3: TS.Recent. */
static void
take_timestamp(struct chim_conn *c, const struct chim_seg *s, const struct chim_tcp_env *env)
{
	if (!chim_seq_le(s->seq, c->ack_sent))
		return;
	c->ts_recent = s->tsval;
	tcp_ts_set_age(c, 0, env);
	c->flags &= ~TCP_TS_UNKNOWN;
}

/* Second to fifth: what may stop it. NONE: it goes on to ACK, data and FIN. */
static enum chim_why
check(struct chim_conn *c, struct chim_seg *s, struct chim_tcp_env *env)
{
	enum chim_why why = CHIM_WHY_NONE;

	if (tcp_has_ts(c))
		why = check_timestamp(c, s, env);
	if (why == CHIM_WHY_NONE)
		why = check_sequence(c, s, env);
	if (why != CHIM_WHY_NONE)
		return why;
	if (s->flags & CHIM_RST)
		return tcp_close_on_reset(c, s, env);
	if (s->flags & CHIM_SYN)
		return tcp_close_on_syn(c, s, env);
	if ((s->flags & CHIM_ACK) == 0)
		return CHIM_WHY_NO_ACK_FLAG;
	if (!tcp_ack_is_valid(c, s)) {
		tcp_challenge_ack(c, env);
		return (s->flags & CHIM_URG) ? CHIM_WHY_BAD_URGENT : CHIM_WHY_BAD_ACK;
	}
	return CHIM_WHY_NONE;
}

/* Whose frame is it, when the connection does not run any more? */
static bool
is_for_host(const struct chim_conn *c, struct chim_seg *s)
{
	if (c->state == CHIM_TCP_CLOSED || (c->flags & TCP_EXPORTED)) {
		s->why = CHIM_WHY_CLOSED;
		return true;
	}
	if (c->state == CHIM_TCP_TIME_WAIT && (s->flags & (CHIM_SYN | CHIM_RST)) == CHIM_SYN) {
		s->why = CHIM_WHY_SYN_TIME_WAIT;
		return true;
	}
	return false;
}

static enum chim_verdict
process(struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	if (s->info & CHIM_SEG_TS && tcp_has_ts(c))
		take_timestamp(c, s, env);
	tcp_keepalive_alive(c, env);
	if (tcp_has_ecn(c))
		tcp_ecn_input(c, s, env);
	tcp_ack_process(c, s, env);
	/* The last ACK of ours may have ended it. */
	if (c->state == CHIM_TCP_CLOSED)
		return CHIM_VERDICT_FREE;
	enum chim_verdict verdict = tcp_receive_data(c, m, s, env);

	if ((s->flags & CHIM_FIN) && s->seq + s->len == c->rcv_nxt)
		tcp_close_on_fin(c, env);
	return verdict;
}

/* What is left of check() and process() for a segment that tcp_predict_is_plain(). */
static enum chim_verdict
process_plain(struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	if (tcp_has_ts(c))
		take_timestamp(c, s, env);
	tcp_keepalive_alive(c, env);
	tcp_ack_plain(c, s, env);
	return s->len != 0 ? tcp_receive_plain(c, m, s, env) : CHIM_VERDICT_FREE;
}

static void
warm_lines(const void *object, uint32_t nb)
{
	for (uint32_t i = 0; i < nb; i++)
		rte_prefetch0((const uint8_t *)object + i * RTE_CACHE_LINE_SIZE);
}

void
chim_tcp_warm(const struct chim_conn *c, uint32_t step)
{
	const struct tcp_flight *f = c->recover.flight;

	if (step == 1) {
		if (c->q != NULL)
			warm_lines(c->q, 4);
		if (f != NULL)
			warm_lines(f, 3);
		return;
	}
	/* The oldest data out: its record, its mbuf and what stands in that one's private area. */
	if (f != NULL && tcp_sent_first(&f->sent) != NULL)
		warm_lines(tcp_sent_first(&f->sent), 1);
	if (c->q != NULL && c->q->una.chain != NULL)
		warm_lines(c->q->una.chain, 3);
}

/* In the order of the RFC. */
static enum chim_verdict
input(struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	enum chim_verdict verdict;

	if (is_for_host(c, s))
		return CHIM_VERDICT_PUNT;
	if (c->flags & TCP_URGENT)
		return tcp_urgent_keep(c, m, s, env);
	count(c, s, env);
	s->why = check(c, s, env);
	if (s->why != CHIM_WHY_NONE || c->state == CHIM_TCP_CLOSED)
		verdict = CHIM_VERDICT_FREE;
	else if (s->flags & CHIM_URG)
		verdict = tcp_urgent_begin(c, m, s, env);
	else
		verdict = process(c, m, s, env);
	tcp_check_slow(c, env);
	return verdict;
}

enum chim_verdict
chim_tcp_input(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	enum chim_verdict verdict;

	if (!tcp_predict_is_plain(c, s, env))
		return input(c, m, s, env);
	count(c, s, env);
	verdict = process_plain(c, m, s, env);
	tcp_check_slow(c, env);
	return verdict;
}
