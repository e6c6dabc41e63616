/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * How a connection ends: RST and SYN that arrive (RFC 9293, 3.10.7.4, second
 * and fourth check; RFC 5961; spec 8.6), FIN in both directions, the host's
 * close, and giving up. State changes are made here and nowhere else.
 */
#include "tcp_internal.h"

/* At most one challenge for a SYN in this time (spec 8.6). */
#define SYN_CHALLENGE_GAP_MS 3000u

/* ---- RST and SYN ---- */

static bool
is_in_window(const struct chim_conn *c, uint32_t seq)
{
	uint32_t edge = tcp_receive_edge(c);

	return seq == c->rcv_nxt || chim_seq_in(seq, c->rcv_nxt, edge);
}

enum chim_why
tcp_close_on_reset(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	if (!is_in_window(c, s->seq))
		return CHIM_WHY_RST_OUT_OF_WINDOW;
	if (s->seq == c->rcv_nxt) {
		tcp_indicate_event(c, TCP_EVENT_ABORT);
		tcp_close_now(c, CHIM_STATUS_REQUEST_ABORTED, env);
		return CHIM_WHY_NONE;
	}
	if (c->flags & TCP_CHALLENGED)
		return CHIM_WHY_RST_CHALLENGED;
	if (!tcp_challenge_ack(c, env))
		return CHIM_WHY_CHALLENGE_BUDGET;
	c->flags |= TCP_CHALLENGED;
	tcp_keepalive_blind(c, env);
	return CHIM_WHY_RST_CHALLENGED;
}

enum chim_why
tcp_close_on_syn(struct chim_conn *c, const struct chim_seg *s, struct chim_tcp_env *env)
{
	chim_ms_t now = tcp_now(env);

	if (!is_in_window(c, s->seq))
		return tcp_challenge_ack(c, env) ? CHIM_WHY_SYN_CHALLENGED
						 : CHIM_WHY_CHALLENGE_BUDGET;
	if (s->seq == c->rcv_nxt) {
		/* The peer has started over: the host gets the connection, closed (spec 8.6). */
		tcp_close_now(c, CHIM_STATUS_REQUEST_ABORTED, env);
		chim_tcp_retrieve(c, CHIM_UPLOAD_UPLOAD_REQUESTED, env);
		return CHIM_WHY_SYN_CHALLENGED;
	}
	if ((c->flags & TCP_SYN_TIMED) && now - c->syn_challenged_at < SYN_CHALLENGE_GAP_MS)
		return CHIM_WHY_SYN_CHALLENGED;
	if (!tcp_challenge_ack(c, env))
		return CHIM_WHY_CHALLENGE_BUDGET;
	c->flags |= TCP_SYN_TIMED;
	c->syn_challenged_at = now;
	tcp_keepalive_blind(c, env);
	return CHIM_WHY_SYN_CHALLENGED;
}

/* ---- FIN ---- */

/* Both sides have closed: nothing is left to do but to be taken back (spec 8.3). */
static void
end(struct chim_conn *c, enum chim_tcp_state state, struct chim_tcp_env *env)
{
	tcp_conn_set_state(c, state, env);
	c->armed &= 1u << TCP_TIMER_DELAYED_ACK | 1u << TCP_TIMER_PUSH;
	c->flags |= TCP_TIME_WAIT_DUE;
	c->head.todo |= CHIM_TODO_DELIVER;
}

void
tcp_close_on_fin(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->rcv_nxt++;
	c->flags |= TCP_FIN_RCVD;
	c->head.todo |= CHIM_TODO_DELIVER;
	tcp_ack_soon(c);
	/* Nothing can follow a FIN: what claims to is thrown away, all of it (spec 8.5). */
	if (c->q != NULL)
		tcp_reass_flush(&c->q->reass, env->row);
	switch (c->state) {
	case CHIM_TCP_ESTABLISHED:
		tcp_conn_set_state(c, CHIM_TCP_CLOSE_WAIT, env);
		break;
	case CHIM_TCP_FIN_WAIT_1:
		/* Our FIN was not acknowledged: tcp_ack_process() has run before. */
		tcp_conn_set_state(c, CHIM_TCP_CLOSING, env);
		break;
	case CHIM_TCP_FIN_WAIT_2:
		end(c, CHIM_TCP_TIME_WAIT, env);
		break;
	default:
		break;
	}
}

void
tcp_close_on_fin_acked(struct chim_conn *c, struct chim_tcp_env *env)
{
	switch (c->state) {
	case CHIM_TCP_FIN_WAIT_1:
		tcp_conn_set_state(c, CHIM_TCP_FIN_WAIT_2, env);
		tcp_timer_fin_wait_2(c, env);
		break;
	case CHIM_TCP_CLOSING:
		end(c, CHIM_TCP_TIME_WAIT, env);
		break;
	case CHIM_TCP_LAST_ACK:
		end(c, CHIM_TCP_CLOSED, env);
		break;
	default:
		break;
	}
	if (c->flags & TCP_DISCONNECTING) {
		c->q->disc_status = CHIM_STATUS_SUCCESS;
		c->flags |= TCP_DISC_DONE;
		c->head.todo |= CHIM_TODO_DELIVER;
	}
}

void
tcp_close_send(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags |= TCP_FIN_QUEUED;
	if (c->state == CHIM_TCP_ESTABLISHED)
		tcp_conn_set_state(c, CHIM_TCP_FIN_WAIT_1, env);
	else if (c->state == CHIM_TCP_CLOSE_WAIT)
		tcp_conn_set_state(c, CHIM_TCP_LAST_ACK, env);
	c->head.todo |= CHIM_TODO_OUTPUT;
}

void
tcp_close_fin_wait_2(struct chim_conn *c, struct chim_tcp_env *env)
{
	/* The peer has not closed for so long: the host gets it, closed (spec 5.6, 8.3). */
	tcp_conn_set_state(c, CHIM_TCP_CLOSED, env);
	tcp_close_timeout(c, env);
}

/* ---- the end, at once ---- */

/* What waits is answered, or dropped. */
static void
empty_queues(struct chim_conn *c, enum chim_status status, struct chim_tcp_env *env)
{
	tcp_sendq_fail(c, status);
	if ((c->flags & TCP_DISCONNECTING) && !(c->flags & TCP_DISC_DONE)) {
		c->q->disc_status = status;
		c->flags |= TCP_DISC_DONE;
	}
	tcp_indicate_flush(c, status);
	tcp_reass_flush(&c->q->reass, env->row);
	tcp_indicate_drop(c, env);
}

void
tcp_close_now(struct chim_conn *c, enum chim_status status, struct chim_tcp_env *env)
{
	tcp_conn_set_state(c, CHIM_TCP_CLOSED, env);
	c->armed = 0;
	c->flags &= ~(TCP_PERSIST | TCP_PROBE_DUE | TCP_KEEPALIVE_DUE | TCP_TLP_DUE | TCP_ACK_NOW |
		TCP_RESEND_FIRST | TCP_FORCE_SEND);
	if (c->q != NULL)
		empty_queues(c, status, env);
	tcp_recover_release(&c->recover, env);
	c->head.todo |= CHIM_TODO_DELIVER | CHIM_TODO_TIMER;
}

void
tcp_close_abort(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags |= TCP_RST_DUE;
	tcp_close_now(c, CHIM_STATUS_REQUEST_ABORTED, env);
	c->head.todo |= CHIM_TODO_OUTPUT;
}

void
tcp_close_timeout(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->flags |= TCP_STOPPED;
	c->flags &= ~TCP_PERSIST;
	c->armed = 0;
	chim_tcp_retrieve(c, CHIM_UPLOAD_TIMEOUT_EXPIRATION, env);
}

static bool
is_half_closed(const struct chim_conn *c)
{
	return c->state == CHIM_TCP_FIN_WAIT_1 || c->state == CHIM_TCP_FIN_WAIT_2 ||
		c->state == CHIM_TCP_CLOSE_WAIT;
}

void
chim_tcp_retrieve(struct chim_conn *c, enum chim_upload_reason reason, struct chim_tcp_env *env)
{
	/* Spec 5.6: soon it is closed altogether, however badly it does. */
	if (is_half_closed(c) && !chim_upload_is_mandatory(reason))
		return;
	tcp_indicate_event(c, TCP_EVENT_RETRIEVE(reason));
	if (reason == CHIM_UPLOAD_UPLOAD_REQUESTED)
		c->flags |= TCP_UPLOADING;
	if (reason == CHIM_UPLOAD_INVALID_STATE)
		c->flags |= TCP_MUTE;
	if (reason != CHIM_UPLOAD_HARDWARE_FAILURE)
		return;
	/* State that cannot be trusted: nothing more is sent (spec 4.6). */
	c->flags |= TCP_STOPPED;
	c->armed = 0;
	tcp_indicate_event(c, TCP_EVENT_ABORT);
}
