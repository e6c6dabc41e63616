/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * NewReno: one segment more for each window acknowledged, half the flight on a
 * loss (RFC 5681, 3.1, with the byte counting of RFC 3465). DCTCP grows, and
 * answers losses, like this too (RFC 8257, 3.4, 3.5).
 */
#include "tcp_cc_algo.h"

void
tcp_newreno_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	uint64_t counted = RTE_MIN(a->acked, (uint64_t)a->abc_limit * a->mss);
	uint64_t grow = a->mss * counted / RTE_MAX(cc->cwnd, 1u);

	cc->cwnd += (uint32_t)RTE_MAX(grow, 1u);
}

uint32_t
tcp_newreno_ssthresh(uint32_t flight, uint32_t mss)
{
	return RTE_MAX(flight / 2, 2 * mss);
}
