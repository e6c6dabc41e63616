/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * DCTCP (RFC 8257): the share of bytes that saw congestion, smoothed over
 * windows, says how far a mark brings the window down.
 */
#include "tcp_cc_algo.h"

#define G_SHIFT 4u /* g = 1/16 (RFC 8257, 4.2) */

void
tcp_dctcp_count(struct tcp_cc *cc, struct tcp_dctcp *t, const struct tcp_cc_ack *a)
{
	t->acked += a->delivered;
	if (a->has_ece)
		t->marked += a->delivered;
	if ((cc->flags & TCP_CC_HAS_WINDOW) && chim_seq_le(a->una, t->window_end))
		return;
	/* The first window of a flight ends where it began (3.3: WindowEnd is SND.UNA at first). */
	if (t->acked > 0) {
		uint32_t m = (uint32_t)((uint64_t)t->marked * TCP_DCTCP_ONE / t->acked);

		cc->alpha = cc->alpha - (cc->alpha >> G_SHIFT) + (m >> G_SHIFT);
		cc->alpha = RTE_MIN(cc->alpha, TCP_DCTCP_ONE);
	}
	t->acked = 0;
	t->marked = 0;
	t->window_end = a->max;
	cc->flags |= TCP_CC_HAS_WINDOW;
}

uint32_t
tcp_dctcp_ssthresh(const struct tcp_cc *cc, uint32_t flight, uint32_t mss)
{
	uint64_t cut = (uint64_t)flight * cc->alpha / (2 * TCP_DCTCP_ONE);

	return RTE_MAX(flight - (uint32_t)cut, 2 * mss);
}
