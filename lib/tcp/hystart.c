/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * HyStart++ (RFC 9406): slow start watches the smallest round trip of each
 * round. When it grows, a conservative slow start of a quarter of the pace
 * follows; five rounds of that end slow start, a round trip as small as before
 * takes it up again. Only for the first slow start of a connection (4.3).
 */
#include "tcp_cc_algo.h"

#define MIN_THRESH_US 4000u
#define MAX_THRESH_US 16000u
#define RTT_DIVISOR   8u
#define RTT_SAMPLES   8u
#define CSS_DIVISOR   4u
#define CSS_ROUNDS    5u

static void
begin_round(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *a)
{
	h->last_min_us = h->now_min_us;
	h->now_min_us = 0;
	h->samples = 0;
	h->window_end = a->max;
	cc->flags |= TCP_CC_HAS_WINDOW;
	if (cc->flags & TCP_CC_CSS)
		h->css_rounds++;
}

static void
take_sample(struct tcp_hystart *h, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return;
	h->now_min_us = h->now_min_us == 0 ? rtt_us : RTE_MIN(h->now_min_us, rtt_us);
	h->samples += h->samples < UINT8_MAX;
}

/* Does the round trip grow (in slow start), or was that a false alarm (in CSS)? */
static void
look(struct tcp_cc *cc, struct tcp_hystart *h)
{
	if (h->samples < RTT_SAMPLES)
		return;
	if (cc->flags & TCP_CC_CSS) {
		if (h->now_min_us < h->baseline_us)
			cc->flags &= ~TCP_CC_CSS;
		return;
	}
	if (h->last_min_us == 0)
		return;
	uint32_t thresh = RTE_MIN(h->last_min_us / RTT_DIVISOR, MAX_THRESH_US);
	thresh = RTE_MAX(thresh, MIN_THRESH_US);
	if (h->now_min_us < h->last_min_us + thresh)
		return;
	h->baseline_us = h->now_min_us;
	h->css_rounds = 0;
	cc->flags |= TCP_CC_CSS;
}

uint32_t
tcp_hystart_on_ack(
	struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *a, uint32_t grow)
{
	if ((cc->flags & TCP_CC_HAS_WINDOW) == 0) {
		*h = (struct tcp_hystart){ 0 };
		begin_round(cc, h, a);
	}
	take_sample(h, a->rtt_us);
	look(cc, h);
	if (chim_seq_ge(a->una, h->window_end))
		begin_round(cc, h, a);
	if ((cc->flags & TCP_CC_CSS) == 0)
		return grow;
	grow /= CSS_DIVISOR;
	if (h->css_rounds >= CSS_ROUNDS)
		cc->ssthresh = cc->cwnd + grow;
	return grow;
}
