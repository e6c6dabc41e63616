/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A connection to the chimney's state structures: query, update of cached
 * values, terminate. The counterpart of transfer.c; a test proves that
 * export(import(x)) is x.
 */
#include "tcp_internal.h"

/* ---- query ---- */

static void
give_const(const struct chim_conn *c, struct chim_tcp_const *k)
{
	*k = (struct chim_tcp_const){
		.header.length = sizeof(*k),
		.flags = c->const_flags,
		.remote_port = c->head.remote_port,
		.local_port = c->head.local_port,
		.remote_mss = c->remote_mss,
		.snd_wind_scale = c->snd_wscale_given,
		.rcv_wind_scale = c->rcv_wscale_given,
		.ts_hz = c->ts_hz,
		.hash_value = c->hash_value,
	};
}

static void
give_cached(const struct chim_conn *c, struct chim_tcp_cached *cached)
{
	*cached = (struct chim_tcp_cached){
		.header.length = sizeof(*cached),
		.flags = c->cached_flags,
		.ka_probe_count = c->ka_probe_count,
		.ttl = c->ttl,
		.tos = c->tos,
		.user_priority = c->user_priority,
		.initial_rcv_wnd = c->initial_rcv_wnd,
		.rcv_indication_size = c->rcv_indication_size,
		.ka_timeout = c->ka_timeout,
		.ka_interval = c->ka_interval,
		.max_rt = c->max_rt,
		.flow_label = c->flow_label,
	};
}

static chim_ticks_t
left(const struct chim_conn *c, enum tcp_timer t, const struct chim_tcp_env *env)
{
	if (!tcp_timer_is_armed(c, t))
		return CHIM_TICKS_NONE;
	return tcp_ms_to_ticks(env, chim_ms_left(tcp_timer_at(c, t), tcp_now(env)));
}

static chim_ticks_t
age(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (c->flags & TCP_TS_UNKNOWN)
		return CHIM_TICKS_NONE;
	uint64_t ticks = tcp_ts_age_ms(c, env) * env->cfg->ticks_per_second / 1000;

	return (chim_ticks_t)RTE_MIN(ticks, (uint64_t)CHIM_TICKS_NONE - 1);
}

/* Scaled microseconds -> scaled ticks; 16 bits saturate (spec 2.3). A sample is never 0. */
static uint16_t
scaled_ticks(uint32_t us, const struct chim_tcp_env *env)
{
	uint32_t tick_us = CHIM_US_PER_S / env->cfg->ticks_per_second;

	if (us == 0)
		return 0;
	uint32_t ticks = RTE_MAX(us / tick_us, 1u);

	return RTE_MIN(ticks, (uint32_t)UINT16_MAX);
}

/*
 * A graceful disconnect comes back to the host, which will ask again: a FIN that has not gone out
 * is none of ours any more.
 */
static uint32_t
state_for_host(const struct chim_conn *c)
{
	if ((c->flags & TCP_DISCONNECTING) == 0 || tcp_is_fin_sent(c))
		return c->state;
	if (c->state == CHIM_TCP_FIN_WAIT_1)
		return CHIM_TCP_ESTABLISHED;
	if (c->state == CHIM_TCP_LAST_ACK || c->state == CHIM_TCP_CLOSING)
		return CHIM_TCP_CLOSE_WAIT;
	return c->state;
}

static void
give_delegated(
	const struct chim_conn *c, struct chim_tcp_delegated *d, const struct chim_tcp_env *env)
{
	*d = (struct chim_tcp_delegated){
		.header.length = sizeof(*d),
		.state = c->state,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = tcp_receive_edge(c),
		.snd_una = c->snd_una,
		.snd_nxt = tcp_recover_snd_nxt(&c->recover, c->snd_max),
		.snd_max = c->snd_max,
		.snd_wnd = c->snd_wnd,
		.max_snd_wnd = c->max_snd_wnd,
		.snd_wl1 = c->snd_wl1,
		.cwnd = c->recover.cc.cwnd,
		.ssthresh = c->recover.cc.ssthresh,
		.srtt = scaled_ticks(c->srtt_us8, env),
		.rttvar = scaled_ticks(c->rttvar_us4, env),
		.ts_recent = c->ts_recent,
		.ts_recent_age = age(c, env),
		.ts_time = tcp_rtt_tsval(c, env),
		.total_rt = tcp_ms_to_ticks(env, c->total_rt_ms),
		.dup_ack_count = c->dup_acks,
		.snd_wnd_probe_count = c->snd_wnd_probe_count,
		.keep_alive_probe_count = c->keep_alive_probe_count,
		.retransmit_count = c->retransmit_count,
		.keep_alive_timeout_delta = left(c, TCP_TIMER_KEEPALIVE, env),
		.retransmit_timeout_delta = left(c, TCP_TIMER_RETRANSMIT, env),
		.dwnd = c->dwnd,
	};
}

void
chim_tcp_query(const struct chim_conn *c, struct chim_tcp_const *k, struct chim_tcp_cached *cached,
	struct chim_tcp_delegated *delegated, const struct chim_tcp_env *env)
{
	if (k != NULL)
		give_const(c, k);
	if (cached != NULL)
		give_cached(c, cached);
	if (delegated == NULL)
		return;
	give_delegated(c, delegated, env);
	delegated->send_backlog_size = tcp_view_backlog(c);
	delegated->receive_backlog_size = tcp_queues(c)->rcvq_bytes;
}

/* ---- update ---- */

/* Edges, and levels that turned (spec 4.3). */
static void
update_keepalive(struct chim_conn *c, const struct chim_tcp_cached *was, uint16_t edges,
	const struct chim_tcp_env *env)
{
	bool is_restart = (edges & (CHIM_TCP_KEEP_ALIVE_RESTART | CHIM_TCP_MAX_RT_RESTART)) != 0;
	bool is_turned = ((was->flags ^ c->cached_flags) & CHIM_TCP_KEEP_ALIVE_ENABLED) != 0;

	if (is_restart && was->ka_probe_count != c->ka_probe_count)
		c->keep_alive_probe_count = 0;
	if ((edges & CHIM_TCP_KEEP_ALIVE_RESTART) || is_turned ||
		(is_restart &&
			(was->ka_timeout != c->ka_timeout || was->ka_interval != c->ka_interval)))
		tcp_keepalive_start(c, env);
}

void
chim_tcp_update(struct chim_conn *c, const struct chim_tcp_cached *cached, struct chim_tcp_env *env)
{
	const uint16_t levels = CHIM_TCP_KEEP_ALIVE_ENABLED | CHIM_TCP_NAGLING_ENABLED;
	struct chim_tcp_cached was;

	give_cached(c, &was);
	tcp_transfer_cached(c, cached);
	c->cached_flags &= levels;
	/* A window nobody can offer changes nothing. */
	if (c->initial_rcv_wnd == 0 || c->initial_rcv_wnd > TCP_WINDOW_MAX)
		c->initial_rcv_wnd = was.initial_rcv_wnd;
	if ((cached->flags & CHIM_TCP_MAX_RT_RESTART) || cached->max_rt != 0)
		c->total_rt_ms = 0;
	update_keepalive(c, &was, cached->flags, env);
	if ((cached->flags & CHIM_TCP_UPDATE_RCV_WND) && c->initial_rcv_wnd != tcp_receive_edge(c))
		tcp_ack_soon(c);
	c->head.todo |= CHIM_TODO_OUTPUT;
	tcp_check_slow(c, env);
}

/* ---- terminate ---- */

/* Say of each chain what an indication would say. */
static void
label(const struct chim_conn *c, struct rte_mbuf *list, uint32_t seq)
{
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list) {
		chim_nbl(m)->cookie = c->head.handle;
		chim_nbl(m)->room = m->pkt_len;
		chim_nbl(m)->bytes = seq;
		seq += m->pkt_len;
	}
}

/*
 * Received and not delivered: lent to the host, which copies it and returns it (spec 6.4). What
 * lies between refused data and the rest is in the host's ring: the numbers say where it belongs.
 */
static struct rte_mbuf *
give_buffered(struct chim_conn *c)
{
	struct tcp_queues *q = c->q;
	struct tcp_list all = { 0 };
	uint32_t nxt = tcp_indicate_nxt(c);

	if (q == NULL)
		return NULL;
	label(c, q->refused.head, nxt - q->gap_bytes - q->refused_bytes);
	label(c, q->rcvq.head, nxt);
	tcp_list_join(&all, &q->refused);
	tcp_list_join(&all, &q->rcvq);
	q->rcvq_bytes = 0;
	q->refused_bytes = 0;
	q->gap_bytes = 0;
	return all.head;
}

/* Requests of the host that are still open come back (spec 4.5, step 3). */
static void
give_back_requests(struct chim_conn *c, enum chim_status status)
{
	if (c->q == NULL)
		return;
	tcp_indicate_flush(c, status);
	if ((c->flags & TCP_DISCONNECTING) && !(c->flags & TCP_DISC_DONE)) {
		c->q->disc_status = status;
		c->flags |= TCP_DISC_DONE;
	}
	if (c->flags & TCP_ABORTING)
		c->flags |= TCP_RST_SENT;
}

static void
stop(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (c->q != NULL)
		tcp_reass_flush(&c->q->reass, env->row);
	tcp_recover_release(&c->recover, env);
	c->armed = 0;
	c->flags |= TCP_EXPORTED;
	c->head.todo |= CHIM_TODO_DELIVER | CHIM_TODO_TIMER;
}

static bool
is_ack_pending(const struct chim_conn *c)
{
	return (c->flags & TCP_ACK_NOW) || c->dupacks_owed != 0 ||
		tcp_timer_is_armed(c, TCP_TIMER_DELAYED_ACK);
}

static enum chim_status
give_up(struct chim_conn *c, struct rte_mbuf **send_chain, struct chim_tcp_env *env)
{
	*send_chain = NULL;
	tcp_sendq_fail(c, CHIM_STATUS_REQUEST_ABORTED);
	give_back_requests(c, CHIM_STATUS_REQUEST_ABORTED);
	tcp_indicate_drop(c, env);
	stop(c, env);
	return CHIM_STATUS_FAILURE;
}

static void
give_all(struct chim_conn *c, struct chim_tcp_delegated *d, struct rte_mbuf **send_chain,
	const struct chim_tcp_env *env)
{
	give_delegated(c, d, env);
	d->state = state_for_host(c);
	d->buffered_data = give_buffered(c);
	*send_chain = tcp_sendq_export(c);
	struct tcp_list sends = tcp_list_of(*send_chain);

	d->send_data_head = sends.head;
	d->send_data_tail = sends.tail;
}

enum chim_status
chim_tcp_terminate(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_delegated *d,
	struct rte_mbuf **send_chain, struct chim_tcp_env *env)
{
	if (chim_tcp_check(c) != NULL) {
		env->counters->check_failed++;
		return give_up(c, send_chain, env);
	}
	tcp_indicate_fill(c, env);
	if (t != NULL && is_ack_pending(c) && c->state != CHIM_TCP_CLOSED)
		tcp_output_ack(c, t, env);
	*send_chain = NULL;
	if (d != NULL)
		give_all(c, d, send_chain, env);
	else
		tcp_sendq_fail(c, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	give_back_requests(c, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	stop(c, env);
	return CHIM_STATUS_SUCCESS;
}
