/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The connection as an object: its size, its defaults, its state and what it
 * owns when it goes. What it does is in the other files; how it comes into
 * being is in transfer.c.
 */
#include "tcp_internal.h"

#include "chim_request.h"

/* Smallest segment that is worth sending, whatever a path or a peer says. */
#define MSS_MIN 32u

uint32_t
chim_tcp_conn_size(void)
{
	return sizeof(struct chim_conn);
}

void
chim_tcp_config_init(struct chim_tcp_config *cfg)
{
	*cfg = (struct chim_tcp_config){
		.ticks_per_second = 1000,
		.ack_frequency = 2,
		.delayed_ack_ms = 40,
		.max_retransmits = 15,
		.dupack_threshold = 3,
		.push_ms = 500,
		.sws_ms = 200,
		.rto_min_us = 200 * CHIM_US_PER_MS,
		.rto_max_us = 60 * CHIM_US_PER_S,
		.fin_wait_2_ms = 120000,
		.congestion_algorithm = CHIM_CC_CUBIC,
		.abc_limit = 2,
		.max_reassembly_bytes = 0,
		.max_reassembly_holes = 256,
		.challenge_per_second = 1000,
		.tx_offloads = 0,
		.tso_bytes = 64 * 1024,
		.tx_frame_mbufs = UINT16_MAX,
		.tx_seg_mbufs = UINT16_MAX,
		.copy_below = 256,
	};
}

static bool
counts_as_established(enum chim_tcp_state state)
{
	return state == CHIM_TCP_ESTABLISHED || state == CHIM_TCP_CLOSE_WAIT;
}

void
tcp_conn_set_state(struct chim_conn *c, enum chim_tcp_state state, struct chim_tcp_env *env)
{
	struct chim_family_stats *stats = tcp_stats(c, env);
	bool was = counts_as_established(c->state);
	bool is = counts_as_established(state);

	stats->tcp_currently_established += (uint64_t)is - (uint64_t)was;
	if (was && state == CHIM_TCP_CLOSED)
		stats->tcp_reset_established++;
	chim_trace_state(c->head.handle, c->state, state);
	c->state = state;
}

void
tcp_conn_set_mss(struct chim_conn *c)
{
	uint32_t headers = (c->head.is_ip6 ? 40 : 20) + 20;
	uint32_t room = c->path_mtu > headers + MSS_MIN ? c->path_mtu - headers : MSS_MIN;
	uint32_t mss = RTE_MIN(room, (uint32_t)c->remote_mss);
	uint32_t options = tcp_has_ts(c) ? 12 : 0;

	c->mss = mss > options + MSS_MIN ? mss - options : MSS_MIN;
}

void
tcp_conn_free_list(struct tcp_list *l, struct chim_tcp_env *env)
{
	struct rte_mbuf *m;

	while ((m = tcp_list_pop(l)) != NULL)
		chim_row_put(env->row, m);
}

uint32_t
tcp_conn_random(struct chim_tcp_env *env)
{
	uint64_t x = env->random != 0 ? env->random : 0x9E3779B97F4A7C15u;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	env->random = x;
	return (uint32_t)((x * 0x2545F4914F6CDD1Du) >> 32);
}

void
chim_tcp_release(struct chim_conn *c, struct chim_tcp_env *env)
{
	struct chim_family_stats *stats = tcp_stats(c, env);

	if (counts_as_established(c->state))
		stats->tcp_currently_established--;
	c->state = CHIM_TCP_CLOSED;
	tcp_queues_release(c, env);
	tcp_recover_release(&c->recover, env);
	c->armed = 0;
	c->flags = TCP_EXPORTED;
}
