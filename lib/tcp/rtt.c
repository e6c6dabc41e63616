/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Round-trip time and timeout (RFC 6298), and the TSval clock (RFC 7323, 5.4;
 * spec 8.4). Samples come from ack.c: of the segment itself where it was sent
 * once, of the echoed timestamp where it was resent.
 */
#include "tcp_internal.h"

/* A sample counts for at most 30 s (spec 8.5). */
#define SAMPLE_MAX_US (30u * CHIM_US_PER_S)
/* Before the first sample (RFC 6298, 2.1). */
#define RTO_INITIAL_US (1u * CHIM_US_PER_S)
/* Clock granularity G: the millisecond of the deadlines. */
#define GRANULARITY_US CHIM_US_PER_MS

void
tcp_rtt_sample(struct chim_conn *c, uint32_t rtt_us)
{
	uint32_t r = RTE_MIN(rtt_us, SAMPLE_MAX_US);

	if (c->srtt_us8 == 0) {
		c->srtt_us8 = r << 3;
		c->rttvar_us4 = r << 1;
		return;
	}
	uint32_t srtt = c->srtt_us8 >> 3;
	uint32_t error = r > srtt ? r - srtt : srtt - r;

	/* Scaled: rttvar = 3/4 rttvar + 1/4 |srtt - r|, then srtt = 7/8 srtt + 1/8 r. */
	c->rttvar_us4 += error - (c->rttvar_us4 >> 2);
	c->srtt_us8 += r - srtt;
	if (c->srtt_us8 == 0)
		c->srtt_us8 = 1;
}

uint32_t
tcp_rtt_rto_ms(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	uint64_t rto = RTO_INITIAL_US;

	if (c->srtt_us8 != 0)
		rto = (uint64_t)(c->srtt_us8 >> 3) + RTE_MAX(GRANULARITY_US, c->rttvar_us4);
	rto = RTE_MAX(rto, (uint64_t)env->cfg->rto_min_us);
	rto = RTE_MIN(rto, (uint64_t)env->cfg->rto_max_us);
	return (uint32_t)((rto + CHIM_US_PER_MS - 1) / CHIM_US_PER_MS);
}

/* Ticks of the connection's clock now; only differences mean something. */
static uint32_t
ticks_now(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	if (tcp_rtt_is_ms(c))
		return (uint32_t)env->now_ms;
	return (uint32_t)(env->now_us / CHIM_US_PER_S * c->ts_hz +
		env->now_us % CHIM_US_PER_S * c->ts_hz / CHIM_US_PER_S);
}

uint32_t
tcp_rtt_tsval(const struct chim_conn *c, const struct chim_tcp_env *env)
{
	return ticks_now(c, env) + c->ts_offset;
}

uint32_t
tcp_rtt_of_echo(const struct chim_conn *c, uint32_t tsecr, const struct chim_tcp_env *env)
{
	uint32_t ticks = tcp_rtt_tsval(c, env) - tsecr;
	uint64_t us = (uint64_t)ticks * CHIM_US_PER_S / (c->ts_hz != 0 ? c->ts_hz : 1000);

	if ((int32_t)ticks < 0)
		return 0;
	us = RTE_MIN(us, (uint64_t)SAMPLE_MAX_US);
	return RTE_MAX((uint32_t)us, 1u);
}
