/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * CUBIC (RFC 9438): after a reduction the window follows a cubic of time, with
 * its plateau at the window of the loss, and never less than what NewReno of
 * the same average would have. Bytes and milliseconds, integers only.
 *
 *   W_cubic(t) = C (t - K)^3 + W_max    C = 0.4 segments / s^3
 *   K = cbrt((W_max - cwnd_epoch) / C)  beta = 0.7
 */
#include "tcp_cc_algo.h"

#define TIME_MAX_MS (1 << 20) /* 17 minutes: the cube of it fits, and the window is at its end */

uint32_t
tcp_cubic_root(uint64_t x)
{
	uint32_t y = 0;

	/* One bit of the root at a time; the largest is 2642245. */
	for (int bit = 21; bit >= 0; bit--) {
		uint64_t try = y | (1u << bit);

		if (try <= x / (try * try))
			y = (uint32_t)try;
	}
	return y;
}

static void
begin_epoch(struct tcp_cc *cc, struct tcp_cubic *t, const struct tcp_cc_ack *a)
{
	*t = (struct tcp_cubic){
		.epoch_ms = chim_us_to_ms(a->now_us),
		.origin = RTE_MAX(cc->w_max, cc->cwnd),
		.w_est = cc->cwnd,
	};
	/* diff / mss / 0.4, in ms cubed; diff is below 2^31, so that it fits */
	t->k_ms = tcp_cubic_root((uint64_t)(t->origin - cc->cwnd) * 2500000000u / a->mss);
	cc->flags |= TCP_CC_HAS_EPOCH;
}

/* W_cubic, bytes. */
static uint32_t
curve(const struct tcp_cubic *t, uint32_t at_ms, uint32_t mss)
{
	int64_t d = RTE_MIN((int64_t)at_ms, TIME_MAX_MS) - t->k_ms;
	uint64_t abs = (uint64_t)(d < 0 ? -d : d);
	uint64_t bytes;

	abs = RTE_MIN(abs, (uint64_t)TIME_MAX_MS);
	bytes = abs * abs * abs / 1000000 * 4 * mss / 10000;
	if (d < 0)
		return bytes < t->origin ? t->origin - (uint32_t)bytes : 0;
	return (uint32_t)RTE_MIN(t->origin + bytes, (uint64_t)INT32_MAX);
}

/* Take from *acked what makes whole bytes at num / den for each. @return those bytes. */
static uint32_t
grow_by(uint32_t *acked, uint64_t num, uint64_t den)
{
	uint64_t grow = num * *acked / den;

	if (grow == 0)
		return 0;
	*acked -= (uint32_t)RTE_MIN(grow * den / num, (uint64_t)*acked);
	return (uint32_t)grow;
}

/* 4.3: the window of NewReno with the same average; alpha is 9/17 until the loss's is reached. */
static void
estimate_reno(const struct tcp_cc *cc, struct tcp_cubic *t, const struct tcp_cc_ack *a)
{
	bool is_below = t->w_est < (uint64_t)cc->ssthresh * 10 / 7;
	uint64_t num = is_below ? 9 * a->mss : a->mss;
	uint64_t den = is_below ? 17 * (uint64_t)cc->cwnd : cc->cwnd;

	t->est_acked += a->acked;
	t->w_est += grow_by(&t->est_acked, num, den);
}

void
tcp_cubic_avoid(struct tcp_cc *cc, struct tcp_cubic *t, const struct tcp_cc_ack *a)
{
	if ((cc->flags & TCP_CC_HAS_EPOCH) == 0)
		begin_epoch(cc, t, a);
	uint32_t at_ms = chim_us_to_ms(a->now_us) - t->epoch_ms;

	estimate_reno(cc, t, a);
	if (curve(t, at_ms, a->mss) < t->w_est) {
		cc->cwnd = RTE_MAX(cc->cwnd, t->w_est);
		t->cwnd_acked = 0;
		return;
	}
	/* 4.2: a round trip later the window shall be there, but at most half more than now */
	uint32_t target = curve(t, at_ms + a->srtt_us / CHIM_US_PER_MS, a->mss);

	target = RTE_MIN(target, cc->cwnd + cc->cwnd / 2);
	if (target <= cc->cwnd)
		return;
	t->cwnd_acked += a->acked;
	cc->cwnd += grow_by(&t->cwnd_acked, target - cc->cwnd, cc->cwnd);
}

uint32_t
tcp_cubic_ssthresh(struct tcp_cc *cc, uint32_t flight, uint32_t mss)
{
	/* 4.7: a flow that lost below its last maximum makes room for others */
	if (cc->cwnd < cc->w_max)
		cc->w_max = (uint32_t)((uint64_t)cc->cwnd * 17 / 20);
	else
		cc->w_max = cc->cwnd;
	cc->flags &= ~TCP_CC_HAS_EPOCH;
	return (uint32_t)RTE_MAX((uint64_t)flight * 7 / 10, (uint64_t)2 * mss);
}
