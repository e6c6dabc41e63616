/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One connection as plain numbers; what the network says about its path; and
 * the send backlog it would like.
 */
#include "tcp_internal.h"

#define BACKLOG_MIN (64u * 1024u)
#define BACKLOG_MAX (16u * 1024u * 1024u)

/* Told at most so often while something waits. */
#define BACKLOG_GAP_MS 1000u

/*
 * Two windows' worth, so that the sender never runs dry, as a power of two, so that it changes
 * rarely. Not of what is posted at the moment (spec 2.3).
 */
uint32_t
tcp_view_backlog(const struct chim_conn *c)
{
	uint32_t window = RTE_MIN(c->recover.cc.cwnd, c->max_snd_wnd);

	window = RTE_MAX(window, BACKLOG_MIN / 2);
	window = RTE_MIN(window, BACKLOG_MAX / 2);
	return rte_align32pow2(2 * window);
}

/*
 * Throttled (spec 5.6): told when it has doubled, or has fallen to a quarter; a loss that halves
 * the window and what follows it are no news.
 */
void
tcp_view_watch_backlog(struct chim_conn *c, const struct chim_tcp_env *env)
{
	uint32_t window = RTE_MIN(c->recover.cc.cwnd, c->max_snd_wnd);
	uint32_t told = 1u << c->backlog_log2;

	/* The usual case, without a logarithm. */
	if (2 * window <= told && 2 * window > told / 4 && window < BACKLOG_MAX / 2)
		return;
	uint32_t log2 = rte_bsf32(tcp_view_backlog(c));

	if (log2 <= c->backlog_log2 && log2 + 2 > c->backlog_log2)
		return;
	if ((c->flags & TCP_FIN_QUEUED) || tcp_now(env) - c->q->backlog_at < BACKLOG_GAP_MS)
		return;
	c->backlog_log2 = (uint8_t)log2;
	c->q->backlog_at = tcp_now(env);
	tcp_indicate_event(c, TCP_EVENT_BACKLOG);
}

void
chim_tcp_view(const struct chim_conn *c, struct chim_tcp_view *v)
{
	const struct tcp_queues *q = tcp_queues(c);
	uint32_t rto_us = (c->srtt_us8 >> 3) + c->rttvar_us4;

	*v = (struct chim_tcp_view){
		.state = c->state,
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_max,
		.snd_max = c->snd_max,
		.snd_wnd = c->snd_wnd,
		.rcv_nxt = c->rcv_nxt,
		.rcv_wnd = tcp_receive_edge(c),
		.cwnd = c->recover.cc.cwnd,
		.ssthresh = c->recover.cc.ssthresh,
		.mss = c->mss,
		.srtt_us = c->srtt_us8 >> 3,
		.rttvar_us = c->rttvar_us4 >> 2,
		.rto_us = rto_us,
		.send_queue_bytes = tcp_is_fin_acked(c) ? 0 : c->snd_end - c->snd_una,
		.recv_queue_bytes = q->rcvq_bytes + q->lent_bytes,
		.reassembly_bytes = q->reass.bytes,
		.retransmits = c->recover.retransmits,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.has_ts = tcp_has_ts(c),
		.has_sack = tcp_has_sack(c),
		.has_ecn = tcp_has_ecn(c),
		.snd_wscale = c->snd_wscale,
		.rcv_wscale = c->rcv_wscale,
		.congestion_algorithm = c->recover.cc.algorithm,
		.in_recovery = tcp_recover_view(&c->recover),
		.is_uploading = (c->flags & TCP_UPLOADING) != 0,
	};
}

bool
chim_tcp_icmp(struct chim_conn *c, const struct chim_icmp_quote *quote, struct chim_tcp_env *env)
{
	/* Only what is in flight can have met a router (RFC 5927, 4.1). */
	if (!chim_seq_in(quote->seq, c->snd_una, c->snd_max - c->snd_una) ||
		(c->flags & TCP_EXPORTED))
		return false;
	if (quote->mtu != 0) {
		if (quote->mtu >= c->path_mtu)
			return false;
		c->q->event_mtu = quote->mtu;
		tcp_indicate_event(c, TCP_EVENT_PATH_MTU);
		return true;
	}
	c->q->event_icmp = (uint16_t)(quote->type << 8 | quote->code);
	tcp_indicate_event(c, TCP_EVENT_UNREACHABLE);
	return true;
}

void
chim_tcp_path_changed(struct chim_conn *c, uint32_t path_mtu, struct chim_tcp_env *env)
{
	uint32_t was = c->mss;

	c->flags &= ~TCP_MUTE;
	c->path_mtu = path_mtu;
	tcp_conn_set_mss(c);
	if (c->mss < was)
		tcp_recover_on_mtu(&c->recover, c->mss);
	c->head.todo |= CHIM_TODO_OUTPUT;
}
