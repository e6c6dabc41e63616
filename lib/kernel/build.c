/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A kernel socket's state as a TCP block, and what terminate returned as a
 * socket's state. The only file that knows both shapes.
 *
 * What the kernel counts in segments is bytes here, what it counts in
 * microseconds is ticks; a window is already unscaled on both sides.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "chim_seq.h"
#include "kernel_internal.h"

#define NO_SSTHRESH  0x7fffffffu    /* the kernel's "not found yet" */
#define AUTO_RCV_WND (512u * 1024u) /* where the kernel would go on tuning its buffer itself */

static void
fill_const(const struct kernel_sock_state *st, const struct chim_tuple *t, struct chim_tcp_const *c)
{
	c->flags = (uint16_t)((st->has_ts ? CHIM_TCP_TIMESTAMP_ENABLED : 0) |
		(st->has_sack ? CHIM_TCP_SACK_ENABLED : 0) |
		(st->has_wscale ? CHIM_TCP_WINDOW_SCALING_ENABLED : 0) |
		(st->has_ecn ? CHIM_TCP_ECN_ENABLED : 0) | CHIM_TCP_INDICATE_ON_REQUEST);
	c->local_port = t->local_port;
	c->remote_port = t->remote_port;
	c->remote_mss = (uint16_t)RTE_MIN(st->mss, (uint32_t)UINT16_MAX);
	c->snd_wind_scale = st->snd_wscale;
	c->rcv_wind_scale = st->rcv_wscale;
	c->ts_hz = st->ts_hz;
}

/*
 * What the peer was promised must stay. Beyond that: half of a buffer that the user fixed, as the
 * kernel would offer; and of one that the kernel would go on tuning, not what it happens to be now:
 * a way back makes it larger than it was, and the next way out would promise that.
 */
static uint32_t
receive_window(const struct chim_kernel *k, const struct kernel_sock_state *st)
{
	uint32_t most = (uint32_t)UINT16_MAX << st->rcv_wscale;
	uint32_t wnd = (uint32_t)st->options.rcvbuf / 2;
	struct chim_caps caps;

	if ((st->options.buf_lock & SOCK_RCVBUF_LOCK) == 0)
		wnd = RTE_MIN(AUTO_RCV_WND, k->rmem_max / 2);
	wnd = RTE_MAX(wnd, st->window.rcv_wnd);
	chim_host_caps(k->host, &caps);
	wnd = RTE_MIN(wnd, most);
	return RTE_MIN(wnd, caps.max_rcv_wnd);
}

static void
fill_cached(
	const struct chim_kernel *k, const struct kernel_sock_state *st, struct chim_tcp_cached *c)
{
	const struct kernel_options *o = &st->options;

	if (o->nodelay == 0)
		c->flags |= CHIM_TCP_NAGLING_ENABLED;
	if (o->keepalive != 0) {
		c->flags |= CHIM_TCP_KEEP_ALIVE_ENABLED;
		c->ka_probe_count = (uint8_t)o->keep_count;
		c->ka_timeout = (chim_ticks_t)o->keep_idle * 1000;
		c->ka_interval = (chim_ticks_t)o->keep_interval * 1000;
	}
	c->max_rt = (chim_ticks_t)o->user_timeout;
	c->ttl = (uint8_t)o->ttl;
	c->tos = (uint8_t)o->tos;
	c->initial_rcv_wnd = receive_window(k, st);
}

static uint16_t
scaled_ticks(uint32_t us, uint32_t scale)
{
	uint64_t value = (uint64_t)us * scale / 1000;

	if (us == 0)
		return 0;
	if (value == 0)
		return 1;
	return (uint16_t)RTE_MIN(value, (uint64_t)UINT16_MAX);
}

static uint32_t
bytes_of(uint32_t segments, uint32_t mss)
{
	uint64_t bytes = (uint64_t)segments * mss;

	return segments == NO_SSTHRESH ? UINT32_MAX
				       : (uint32_t)RTE_MIN(bytes, (uint64_t)UINT32_MAX);
}

static void
fill_recovery(const struct kernel_sock_state *st, struct chim_tcp_delegated *d)
{
	const struct kernel_numbers *n = &st->numbers;
	uint32_t idle_ms = (uint32_t)st->options.keep_idle * 1000;

	d->cwnd = RTE_MAX(bytes_of(n->snd_cwnd, n->snd_mss), n->snd_mss);
	d->ssthresh = bytes_of(n->snd_ssthresh, n->snd_mss);
	d->srtt = scaled_ticks(n->rtt_us, 8);
	d->rttvar = scaled_ticks(n->rttvar_us, 4);
	if (d->snd_una != d->snd_max)
		d->retransmit_timeout_delta = RTE_MAX(n->rto_us / 1000, 1u);
	if (st->options.keepalive != 0)
		d->keep_alive_timeout_delta = idle_ms - RTE_MIN(n->idle_ms, idle_ms);
	/* The kernel's count of resends is of the timer that stays behind: the new one starts at
	 * the first, so that nobody is given up for what another has waited. */
}

static void
fill_delegated(const struct kernel_sock_state *st, struct chim_tcp_delegated *d)
{
	const struct tcp_repair_window *w = &st->window;

	d->state = st->state;
	d->rcv_nxt = st->rcv_nxt;
	/* Promised from the last acknowledgment on; here it counts from rcv_nxt. */
	d->rcv_wnd = w->rcv_wup + w->rcv_wnd - st->rcv_nxt;
	if (chim_seq_gt(st->rcv_nxt, w->rcv_wup + w->rcv_wnd))
		d->rcv_wnd = 0;
	d->snd_una = st->snd_una;
	d->snd_nxt = st->snd_max;
	d->snd_max = st->snd_max;
	d->snd_wnd = w->snd_wnd;
	d->max_snd_wnd = RTE_MAX(w->max_window, w->snd_wnd);
	d->snd_wl1 = w->snd_wl1;
	fill_recovery(st, d);
	d->ts_recent = st->ts_recent;
	d->ts_recent_age = st->has_ts && st->has_ts_recent ? 0 : CHIM_TICKS_NONE;
	d->ts_time = kernel_sock_ts_now(st);
}

static struct rte_mbuf *
last_of(struct rte_mbuf *list)
{
	struct rte_mbuf *m;
	struct rte_mbuf *last = NULL;

	CHIM_NBL_FOREACH (m, list)
		last = m;
	return last;
}

int
kernel_build_queues(
	struct chim_kernel *k, const struct kernel_sock_state *st, struct kernel_tree *tree)
{
	struct rte_mempool *pool = chim_host_pool(k->host);
	struct chim_tcp_block *b = &tree->tcp;
	struct rte_mbuf *send;
	struct rte_mbuf *recv;

	if (kernel_chains_make(pool, &st->send, &send) != 0)
		return -ENOMEM;
	if (kernel_chains_make(pool, &st->recv, &recv) != 0) {
		chim_nbl_free(send);
		return -ENOMEM;
	}
	tree->handle = CHIM_HANDLE_NONE;
	chim_tcp_block_init(b, &tree->handle);
	b->block.send_chain = send;
	b->delegated.send_data_head = send;
	b->delegated.send_data_tail = last_of(send);
	b->delegated.buffered_data = recv;
	return 0;
}

void
kernel_build_drop_queues(struct kernel_tree *tree)
{
	chim_nbl_free(tree->tcp.block.send_chain);
	chim_nbl_free(tree->tcp.delegated.buffered_data);
}

void
kernel_build_tcp(struct chim_kernel *k, struct chim_kconn *kc, struct kernel_tree *tree)
{
	const struct kernel_sock_state *st = kc->st;
	struct chim_tcp_block *b = &tree->tcp;

	b->block.offload_handle = kernel_conn_offload_handle(kc);
	b->block.port_number = kc->tuple.port_number;
	fill_const(st, &kc->tuple, &b->tcp_const);
	fill_cached(k, st, &b->cached);
	b->cached.user_priority =
		kernel_egress_priority(&kc->path->qos, (uint32_t)st->options.priority);
	fill_delegated(st, &b->delegated);
}

static void
take_delegated(struct kernel_sock_state *st, const struct chim_tcp_delegated *d)
{
	st->state = d->state;
	st->snd_una = d->snd_una;
	st->snd_max = d->snd_max;
	st->rcv_nxt = d->rcv_nxt;
	st->window = (struct tcp_repair_window){
		.snd_wl1 = d->snd_wl1,
		.snd_wnd = d->snd_wnd,
		.max_window = RTE_MAX(d->max_snd_wnd, d->snd_wnd),
		.rcv_wnd = d->rcv_wnd,
		.rcv_wup = d->rcv_nxt, /* the pending acknowledgment went out first */
	};
	st->ts_val = d->ts_time;
	st->ts_at_us = kernel_now_us();
	st->has_ts_recent = d->ts_recent_age != CHIM_TICKS_NONE;
	st->ts_recent = d->ts_recent;
}

int
kernel_build_state(struct chim_kernel *k, struct chim_kconn *kc, struct kernel_tree *tree,
	struct chim_move_report *report)
{
	struct chim_tcp_delegated *d = &tree->back.delegated;
	struct kernel_sock_state *st = kc->st;
	struct kernel_bytes recv = { 0 };
	struct kernel_bytes send = { 0 };
	uint32_t nb;

	if (kernel_chains_copy(d->buffered_data, &recv, &nb) != 0)
		return -ENOMEM;
	if (kernel_chains_copy(tree->back.block.send_chain, &send, &report->send_chains) != 0) {
		free(recv.at);
		return -ENOMEM;
	}
	kernel_sock_state_fini(st);
	st->recv = recv;
	st->send = send;
	take_delegated(st, d);
	chim_nbl_free(tree->back.block.send_chain);
	tree->back.block.send_chain = NULL;
	if (d->buffered_data != NULL) {
		chim_nbl(last_of(d->buffered_data))->next = k->give_back;
		k->give_back = d->buffered_data;
	}
	d->buffered_data = NULL;
	return 0;
}
