/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The chimney's state structures to a connection: the one way in, and the
 * checks before it. The way out is in export.c. Here chimney words (const,
 * cached, delegated; ticks) meet RFC words.
 *
 * What an importer must know of the sequence space: the send chain is the data
 * from SND.UNA on; a FIN that is queued follows its last octet, and SND.MAX
 * counts it once it was sent. The peer's FIN, in states that have seen it, is
 * just below RCV.NXT, and buffered data ends before it.
 */
#include "tcp_internal.h"

#define WSCALE_MAX   14u
#define MSS_LEAST    48u
#define CHAINS_MAX   (1u << 20) /* a longer list is taken for a cycle */
#define BYTES_MAX    (1u << 30) /* of a queue: sequence numbers must compare */
#define TS_HZ_MAX    CHIM_US_PER_S
#define SSTHRESH_MAX (1u << 30)

/* ---- which states have which FINs ---- */

static bool
has_fin_out(uint32_t state)
{
	return state == CHIM_TCP_FIN_WAIT_1 || state == CHIM_TCP_FIN_WAIT_2 ||
		state == CHIM_TCP_CLOSING || state == CHIM_TCP_LAST_ACK;
}

static bool
has_fin_in(uint32_t state)
{
	return state == CHIM_TCP_CLOSE_WAIT || state == CHIM_TCP_CLOSING ||
		state == CHIM_TCP_LAST_ACK;
}

/* ---- checks ---- */

/* Sum of a list's bytes. @return false when it is not well formed. */
static bool
measure(struct rte_mbuf *list, uint64_t *bytes)
{
	uint32_t nb = 0;
	struct rte_mbuf *m;

	*bytes = 0;
	CHIM_NBL_FOREACH (m, list) {
		if (++nb > CHAINS_MAX || !tcp_chain_is_sane(m))
			return false;
		*bytes += m->pkt_len;
	}
	return *bytes <= BYTES_MAX;
}

static enum chim_reason
check_headers(const struct chim_tcp_import *in)
{
	bool fits = in->tcp_const->header.length == sizeof(*in->tcp_const) &&
		in->cached->header.length == sizeof(*in->cached) &&
		in->delegated->header.length == sizeof(*in->delegated);

	return fits ? CHIM_REASON_NONE : CHIM_REASON_BAD_SIZE;
}

static enum chim_reason
check_values(const struct chim_tcp_const *k, const struct chim_tcp_cached *cached,
	const struct chim_tcp_delegated *d)
{
	bool is_scaled = (k->flags & CHIM_TCP_WINDOW_SCALING_ENABLED) != 0;
	uint32_t wnd_max = is_scaled ? TCP_WINDOW_MAX : UINT16_MAX;

	if (k->snd_wind_scale > WSCALE_MAX || k->rcv_wind_scale > WSCALE_MAX)
		return CHIM_REASON_BAD_VALUE;
	if (k->remote_mss < MSS_LEAST || k->ts_hz > TS_HZ_MAX)
		return CHIM_REASON_BAD_VALUE;
	if (cached->initial_rcv_wnd == 0 || cached->initial_rcv_wnd > TCP_WINDOW_MAX)
		return CHIM_REASON_BAD_VALUE;
	if (d->snd_wnd > wnd_max || d->max_snd_wnd > wnd_max || d->rcv_wnd > wnd_max)
		return CHIM_REASON_BAD_VALUE;
	return d->max_snd_wnd >= d->snd_wnd ? CHIM_REASON_NONE : CHIM_REASON_BAD_VALUE;
}

/* SndUna <= SndNxt <= SndMax, and the data for what was sent is there. */
static enum chim_reason
check_sequence(const struct chim_tcp_delegated *d, uint64_t chain)
{
	uint32_t sent = d->snd_max - d->snd_una;
	uint64_t most = chain;

	if (sent > BYTES_MAX || d->snd_nxt - d->snd_una > sent)
		return CHIM_REASON_BAD_SEQUENCE;
	if (has_fin_out(d->state))
		most++;
	/* Our FIN is acknowledged: nothing is left to send. */
	if (d->state == CHIM_TCP_FIN_WAIT_2)
		return sent == 0 && chain == 0 ? CHIM_REASON_NONE : CHIM_REASON_BAD_SEQUENCE;
	return sent <= most ? CHIM_REASON_NONE : CHIM_REASON_BAD_SEQUENCE;
}

enum chim_reason
chim_tcp_import_check(const struct chim_tcp_import *in)
{
	const struct chim_tcp_delegated *d = in->delegated;
	enum chim_reason why = check_headers(in);
	uint64_t chain;
	uint64_t buffered;

	if (why != CHIM_REASON_NONE)
		return why;
	if (d->state != CHIM_TCP_ESTABLISHED && d->state != CHIM_TCP_CLOSE_WAIT &&
		!has_fin_out(d->state))
		return CHIM_REASON_BAD_STATE;
	why = check_values(in->tcp_const, in->cached, d);
	if (why != CHIM_REASON_NONE)
		return why;
	if (!measure(in->send_chain, &chain) || !measure(d->buffered_data, &buffered))
		return CHIM_REASON_BAD_BUFFER;
	return check_sequence(d, chain);
}

/* ---- import ---- */

static void
take_const(struct chim_conn *c, const struct chim_tcp_const *k)
{
	c->const_flags = k->flags;
	c->head.local_port = k->local_port;
	c->head.remote_port = k->remote_port;
	c->remote_mss = k->remote_mss;
	c->ts_hz = k->ts_hz;
	c->hash_value = k->hash_value;
	c->snd_wscale_given = k->snd_wind_scale;
	c->rcv_wscale_given = k->rcv_wind_scale;
	if (k->flags & CHIM_TCP_WINDOW_SCALING_ENABLED) {
		c->snd_wscale = k->snd_wind_scale;
		c->rcv_wscale = k->rcv_wind_scale;
	}
}

void
tcp_transfer_cached(struct chim_conn *c, const struct chim_tcp_cached *cached)
{
	c->cached_flags = cached->flags;
	c->ka_probe_count = cached->ka_probe_count;
	c->ttl = cached->ttl;
	c->tos = cached->tos;
	c->user_priority = cached->user_priority & 7u;
	c->initial_rcv_wnd = cached->initial_rcv_wnd;
	c->rcv_indication_size = cached->rcv_indication_size;
	c->ka_timeout = cached->ka_timeout;
	c->ka_interval = cached->ka_interval;
	c->max_rt = cached->max_rt;
	c->flow_label = cached->flow_label;
}

static void
take_receive(
	struct chim_conn *c, const struct chim_tcp_delegated *d, const struct chim_tcp_env *env)
{
	c->rcv_nxt = d->rcv_nxt;
	c->rcv_adv = d->rcv_nxt + d->rcv_wnd;
	c->ack_sent = d->rcv_nxt;
	c->ts_recent = d->ts_recent;
	if (d->ts_recent_age == CHIM_TICKS_NONE)
		c->flags |= TCP_TS_UNKNOWN;
	else
		tcp_ts_set_age(
			c, (uint64_t)d->ts_recent_age * 1000 / env->cfg->ticks_per_second, env);
	if (has_fin_in(d->state)) {
		c->flags |= TCP_FIN_RCVD;
		c->head.todo |= CHIM_TODO_DELIVER;
	}
}

/* Scaled ticks of the host -> scaled microseconds. A round trip of minutes saturates. */
static uint32_t
scaled_us(uint16_t ticks, uint32_t tick_us)
{
	uint64_t us = (uint64_t)ticks * tick_us;

	return (uint32_t)RTE_MIN(us, (uint64_t)UINT32_MAX);
}

static void
take_send(struct chim_conn *c, const struct chim_tcp_delegated *d, const struct chim_tcp_env *env)
{
	uint32_t tick_us = CHIM_US_PER_S / env->cfg->ticks_per_second;

	c->snd_una = d->snd_una;
	c->snd_max = d->snd_max;
	c->snd_wnd = d->snd_wnd;
	c->max_snd_wnd = d->max_snd_wnd;
	c->snd_wl1 = d->snd_wl1;
	c->srtt_us8 = scaled_us(d->srtt, tick_us);
	c->rttvar_us4 = scaled_us(d->rttvar, tick_us);
	c->dup_acks = d->dup_ack_count;
	c->retransmit_count = d->retransmit_count;
	c->snd_wnd_probe_count = d->snd_wnd_probe_count;
	c->keep_alive_probe_count = d->keep_alive_probe_count;
	c->total_rt_ms = tcp_ticks_to_ms(env, d->total_rt);
	c->dwnd = d->dwnd;
	c->ts_offset = 0;
	c->ts_offset = d->ts_time - tcp_rtt_tsval(c, env);
	/* The number of the FIN; without one it moves with what is queued. */
	c->snd_end = d->snd_una;
	if (has_fin_out(d->state))
		c->flags |= TCP_FIN_QUEUED;
	if (d->state == CHIM_TCP_FIN_WAIT_2)
		c->snd_end--;
}

static void
resume(struct chim_conn *c, enum tcp_timer t, chim_ticks_t left, const struct chim_tcp_env *env)
{
	if (left != CHIM_TICKS_NONE)
		tcp_timer_arm(c, t, tcp_ticks_to_ms(env, left), env);
}

/* An inherited timer is resumed, not restarted (spec 8.3; checklist 238). */
static void
take_timers(struct chim_conn *c, const struct chim_tcp_delegated *d, struct chim_tcp_env *env)
{
	if (tcp_output_is_window_closed(c))
		c->flags |= TCP_PERSIST;
	resume(c, TCP_TIMER_RETRANSMIT, d->retransmit_timeout_delta, env);
	resume(c, TCP_TIMER_KEEPALIVE, d->keep_alive_timeout_delta, env);
	if ((c->cached_flags & CHIM_TCP_KEEP_ALIVE_ENABLED) == 0 &&
		tcp_timer_is_armed(c, TCP_TIMER_KEEPALIVE))
		c->flags |= TCP_BLIND;
	/* Something waits for an answer and nobody would notice that none comes. */
	if (!tcp_timer_is_armed(c, TCP_TIMER_RETRANSMIT)) {
		if (tcp_is_in_flight(c) || (c->flags & TCP_PERSIST))
			tcp_timer_rto(c, env);
		else if (d->state == CHIM_TCP_FIN_WAIT_2)
			tcp_timer_fin_wait_2(c, env);
	}
	if (tcp_queues(c)->rcvq_bytes != 0)
		tcp_timer_arm(c, TCP_TIMER_PUSH, env->cfg->push_ms, env);
}

/* Copy one chain into mbufs of ours. */
static bool
copy_chain(const struct rte_mbuf *from, struct tcp_list *to, struct chim_tcp_env *env)
{
	for (; from != NULL; from = from->next) {
		for (uint32_t off = 0; off < from->data_len;) {
			struct rte_mbuf *m = rte_pktmbuf_alloc(env->pool);

			if (m == NULL)
				return false;
			uint32_t n =
				RTE_MIN(from->data_len - off, (uint32_t)rte_pktmbuf_tailroom(m));

			tcp_chain_read(from, off, (uint8_t *)rte_pktmbuf_append(m, n), n);
			chim_nbl(m)->flags = 0;
			tcp_list_append(to, m);
			off += n;
		}
	}
	return true;
}

/*
 * Received, acknowledged, not taken by the client: copied, and kept until a receive request comes
 * (spec 6.1). Its end counts as pushed.
 */
static bool
take_buffered(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	struct tcp_list copy = { 0 };
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list) {
		if (!copy_chain(m, &copy, env)) {
			tcp_conn_free_list(&copy, env);
			return false;
		}
	}
	while ((m = tcp_list_pop(&copy)) != NULL)
		tcp_indicate_data(c, m, copy.head == NULL, env);
	if (tcp_queues(c)->rcvq_bytes != 0 || (c->const_flags & CHIM_TCP_INDICATE_ON_REQUEST) != 0)
		c->flags |= TCP_REFUSED;
	return true;
}

static bool
take_recovery(struct chim_conn *c, const struct chim_tcp_delegated *d, uint32_t queued,
	struct chim_tcp_env *env)
{
	const struct chim_sack out = { d->snd_una, d->snd_max };
	uint32_t cwnd = d->cwnd != 0 ? d->cwnd : tcp_cc_initial_window(c->mss);
	uint32_t ssthresh = d->ssthresh != 0 ? d->ssthresh : SSTHRESH_MAX;
	bool has_fin = d->snd_max - d->snd_una > queued;

	tcp_recover_init(&c->recover, env->cfg->congestion_algorithm, cwnd, ssthresh);
	c->recover.sent_ms = tcp_now(env);
	return tcp_recover_import(&c->recover, env, &out, d->snd_nxt, has_fin);
}

/* Does anything wait, from the start? */
static bool
needs_queues(const struct chim_tcp_import *in)
{
	const struct chim_tcp_delegated *d = in->delegated;

	return in->send_chain != NULL || d->buffered_data != NULL || d->snd_max != d->snd_una ||
		(has_fin_out(d->state) && d->state != CHIM_TCP_FIN_WAIT_2);
}

static void
clear(struct chim_conn *c)
{
	struct chim_conn_head head = c->head;

	*c = (struct chim_conn){ .head = head };
}

enum chim_status
chim_tcp_import(struct chim_conn *c, const struct chim_tcp_import *in, struct chim_tcp_env *env,
	enum chim_reason *why)
{
	const struct chim_tcp_delegated *d = in->delegated;
	uint64_t queued;

	clear(c);
	*why = chim_tcp_import_check(in);
	if (*why != CHIM_REASON_NONE)
		return CHIM_STATUS_FAILURE;
	measure(in->send_chain, &queued);
	take_const(c, in->tcp_const);
	tcp_transfer_cached(c, in->cached);
	take_receive(c, d, env);
	take_send(c, d, env);
	c->path_mtu = in->path_mtu;
	tcp_conn_set_mss(c);
	*why = CHIM_REASON_NO_MEMORY;
	if (needs_queues(in) && !tcp_queues_attach(c, env))
		return CHIM_STATUS_FAILURE;
	if (!take_buffered(c, d->buffered_data, env) || !take_recovery(c, d, queued, env)) {
		tcp_queues_release(c, env);
		return CHIM_STATUS_FAILURE;
	}
	*why = CHIM_REASON_NONE;
	tcp_conn_set_state(c, d->state, env);
	if (c->q != NULL)
		tcp_sendq_append(c, in->send_chain);
	take_timers(c, d, env);
	c->backlog_log2 = (uint8_t)rte_bsf32(tcp_view_backlog(c));
	tcp_ack_soon(c);
	return CHIM_STATUS_SUCCESS;
}
