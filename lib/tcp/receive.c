/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The payload of a segment (RFC 9293, 3.10.7.4, seventh): cut to the window,
 * put in order, acknowledged soon or at once; and the window to offer.
 *
 * What the window is made of: the buffer the host wants (initial_rcv_wnd) less
 * what waits for it here and what it holds. Out-of-order data lies within the
 * window and takes none of it. The right edge that was once offered is kept;
 * only where the scale cannot express it, it is rounded, up by at most one
 * unit beyond the buffer, else down (RFC 7323, 2.4).
 */
#include "tcp_internal.h"

/* ---- the window ---- */

/* Room in the buffer; negative when the host made it smaller than what it holds. */
static int64_t
room_of(const struct chim_conn *c)
{
	const struct tcp_queues *q = tcp_queues(c);

	return (int64_t)c->initial_rcv_wnd - q->rcvq_bytes - q->lent_bytes;
}

uint16_t
tcp_receive_window(struct chim_conn *c)
{
	uint32_t unit = 1u << c->rcv_wscale;
	int64_t room = room_of(c);
	uint32_t held = tcp_receive_edge(c);
	uint32_t units = room > 0 ? (uint32_t)room >> c->rcv_wscale : 0;

	if (units << c->rcv_wscale < held) {
		units = (held + unit - 1) >> c->rcv_wscale;
		if ((int64_t)units << c->rcv_wscale > room + unit)
			units = held >> c->rcv_wscale;
	}
	units = RTE_MIN(units, (uint32_t)UINT16_MAX);
	c->rcv_adv = chim_seq_max(c->rcv_adv, c->rcv_nxt + (units << c->rcv_wscale));
	return (uint16_t)units;
}

void
tcp_receive_room(struct chim_conn *c)
{
	int64_t most = RTE_MIN(room_of(c), (int64_t)UINT16_MAX << c->rcv_wscale);
	uint32_t room = most > 0 ? (uint32_t)most : 0;
	uint32_t held = tcp_receive_edge(c);

	room = room >> c->rcv_wscale << c->rcv_wscale;
	/*
	 * No silly windows (RFC 9293, 3.8.6.2.2), and no update that the next ACK would bring in
	 * time: the sender has half of the buffer to go on with.
	 */
	if (room >= 2 * held && room - held >= RTE_MIN(c->initial_rcv_wnd / 2, (uint32_t)c->mss)) {
		c->flags |= TCP_WINDOW_UPDATE;
		tcp_ack_soon(c);
	}
}

void
tcp_receive_credit(struct chim_conn *c, uint32_t bytes)
{
	if (c->q == NULL)
		return;
	c->q->lent_bytes -= RTE_MIN(bytes, c->q->lent_bytes);
	tcp_receive_room(c);
}

/* ---- acknowledging ---- */

static void
ack_data(struct chim_conn *c, uint32_t n, struct chim_tcp_env *env)
{
	uint32_t every = env->cfg->ack_frequency;

	c->acks_delayed += c->acks_delayed < UINT8_MAX;
	if (c->acks_delayed >= every || c->rcv_nxt - c->ack_sent >= every * c->mss) {
		tcp_ack_soon(c);
		return;
	}
	if (!tcp_timer_is_armed(c, TCP_TIMER_DELAYED_ACK))
		tcp_timer_arm(c, TCP_TIMER_DELAYED_ACK, env->cfg->delayed_ack_ms, env);
}

/* A segment that is not what was expected is answered at once, each one (RFC 5681, 4.2). */
static void
ack_duplicate(struct chim_conn *c)
{
	if (c->dupacks_owed < UINT8_MAX)
		c->dupacks_owed++;
	c->head.todo |= CHIM_TODO_OUTPUT;
}

void
tcp_receive_note_dsack(struct chim_conn *c, uint32_t start, uint32_t end, struct chim_tcp_env *env)
{
	if (tcp_queues_attach(c, env))
		c->q->dsack = (struct tcp_dsack){ start, end };
}

/* ---- placing ---- */

/* As if lost on the wire: the peer sends it again. */
static enum chim_verdict
lack_buffers(struct chim_seg *s)
{
	s->why = CHIM_WHY_NO_BUFFER;
	s->flags &= ~CHIM_FIN;
	return CHIM_VERDICT_FREE;
}

/* In-order data joins the queue for the host. */
static void
accept(struct chim_conn *c, struct rte_mbuf *m, bool is_pushed, struct chim_tcp_env *env)
{
	c->rcv_nxt += m->pkt_len;
	c->head.todo |= CHIM_TODO_PROGRESS;
	/* Duplicates of the number before can not be told from those of the new one. */
	c->dupacks_owed = 0;
	c->bytes_in += m->pkt_len;
	tcp_indicate_data(c, m, is_pushed, env);
}

/* What was waiting out of order and is in order now. */
static void
accept_queued(struct chim_conn *c, struct chim_tcp_env *env)
{
	bool has_fin = false;
	uint32_t bytes = 0;
	struct rte_mbuf *m = tcp_reass_take(&c->q->reass, c->rcv_nxt, env->row, &bytes, &has_fin);

	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		accept(c, m, (chim_nbl(m)->flags & CHIM_NBL_PUSH) != 0, env);
		m = next;
	}
	if (has_fin)
		tcp_close_on_fin(c, env);
	/* A hole was filled, all or part of it: at once (RFC 5681, 4.2). */
	tcp_ack_soon(c);
}

static enum chim_verdict
queue(struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	struct tcp_reass_out out = { 0 };
	uint32_t limit = env->cfg->max_reassembly_bytes;
	uint32_t window = tcp_receive_edge(c);
	const struct tcp_reass_in in = {
		.m = m,
		.seq = s->seq,
		.rcv_nxt = c->rcv_nxt,
		.max_bytes = limit != 0 ? RTE_MIN(limit, window) : window,
		.max_runs = env->cfg->max_reassembly_holes,
		.has_fin = (s->flags & CHIM_FIN) != 0,
		.has_push = (s->flags & CHIM_PSH) != 0,
	};

	ack_duplicate(c);
	switch (tcp_reass_add(&c->q->reass, &in, env->row, &out)) {
	case TCP_REASS_HELD:
		c->head.todo |= CHIM_TODO_PROGRESS;
		env->counters->out_of_order++;
		break;
	case TCP_REASS_DUPLICATE:
		s->why = CHIM_WHY_OLD_DUPLICATE;
		break;
	case TCP_REASS_FULL:
		s->why = CHIM_WHY_REASSEMBLY_FULL;
		break;
	case TCP_REASS_AFTER_FIN:
		s->why = CHIM_WHY_AFTER_FIN;
		break;
	}
	if (out.dup_start != out.dup_end)
		tcp_receive_note_dsack(c, out.dup_start, out.dup_end, env);
	s->flags &= ~CHIM_FIN;
	return CHIM_VERDICT_HELD;
}

/* ---- cutting ---- */

/* Leave of the segment what lies in the window. */
static void
cut(struct chim_conn *c, struct chim_seg *s, struct chim_tcp_env *env)
{
	uint32_t edge = tcp_receive_edge(c);

	if (chim_seq_lt(s->seq, c->rcv_nxt)) {
		uint32_t old = c->rcv_nxt - s->seq;

		if (tcp_has_sack(c))
			tcp_receive_note_dsack(c, s->seq, c->rcv_nxt, env);
		s->seq += old;
		s->payload_off += old;
		s->len -= old;
	}
	uint32_t room = c->rcv_nxt + edge - s->seq;

	if (s->len > room) {
		s->len = room;
		s->flags &= ~(CHIM_FIN | CHIM_PSH);
	}
}

static bool
is_receiving(const struct chim_conn *c)
{
	return c->state == CHIM_TCP_ESTABLISHED || c->state == CHIM_TCP_FIN_WAIT_1 ||
		c->state == CHIM_TCP_FIN_WAIT_2;
}

/* The client has closed for good, and new data came (RFC 9293, 3.10.4; RFC 1122, 4.2.2.13). */
static enum chim_verdict
reset(struct chim_conn *c, struct chim_seg *s, struct chim_tcp_env *env)
{
	s->why = CHIM_WHY_AFTER_CLOSE;
	s->flags &= ~CHIM_FIN;
	tcp_indicate_event(c, TCP_EVENT_ABORT);
	tcp_close_abort(c, env);
	return CHIM_VERDICT_FREE;
}

static bool
has_buffers(const struct chim_conn *c, const struct chim_seg *s, const struct chim_tcp_env *env)
{
	return env->buffers == CHIM_TCP_BUFFERS_ENOUGH || s->len == 0 ||
		(env->buffers == CHIM_TCP_BUFFERS_FEW && s->seq == c->rcv_nxt);
}

enum chim_verdict
tcp_receive_data(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	if (!is_receiving(c)) {
		if (s->len != 0)
			s->why = CHIM_WHY_AFTER_FIN;
		s->flags &= ~CHIM_FIN;
		return CHIM_VERDICT_FREE;
	}
	/* An ACK that was overtaken lies to the left and has nothing to cut. */
	if (s->len != 0)
		cut(c, s, env);
	if (s->len == 0 && (s->seq == c->rcv_nxt || (s->flags & CHIM_FIN) == 0))
		return CHIM_VERDICT_FREE;
	if (s->len != 0 && (c->flags & TCP_FULL_CLOSE))
		return reset(c, s, env);
	if (!has_buffers(c, s, env) || !tcp_queues_attach(c, env))
		return lack_buffers(s);
	tcp_chain_cut(m, s->payload_off, s->len);
	if (s->seq != c->rcv_nxt)
		return queue(c, m, s, env);
	accept(c, m, (s->flags & CHIM_PSH) != 0, env);
	if (tcp_reass_is_empty(&c->q->reass))
		ack_data(c, s->len, env);
	else if ((s->flags & CHIM_FIN) == 0)
		accept_queued(c, env);
	return CHIM_VERDICT_HELD;
}

enum chim_verdict
tcp_receive_plain(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	if (!tcp_queues_attach(c, env))
		return lack_buffers(s);
	tcp_chain_cut(m, s->payload_off, s->len);
	accept(c, m, (s->flags & CHIM_PSH) != 0, env);
	ack_data(c, s->len, env);
	return CHIM_VERDICT_HELD;
}
