/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * RACK-TLP: RFC 8985, in its order; see tcp_rack.h.
 */
#include "tcp_rack.h"

#define MIN_RTT_TICKS  (300000u >> 10) /* the minimum is of the last five minutes */
#define REO_PERSIST    16u	       /* recoveries (6.2.4) */
#define REO_MULT_MAX   255u
#define PTO_NO_SRTT_US 1000000u
#define PTO_MIN_US     2000u /* two ticks of the millisecond deadlines */

void
tcp_rack_kept_init(struct tcp_rack_kept *kept)
{
	*kept = (struct tcp_rack_kept){ .reo_mult = 1 };
}

void
tcp_rack_min_rtt(struct tcp_rack_kept *kept, uint32_t rtt_us, chim_ms_t now)
{
	if (rtt_us == 0)
		return;
	uint16_t tick = (uint16_t)(now >> 10);

	if (kept->min_rtt_us != 0 && rtt_us > kept->min_rtt_us &&
		(uint16_t)(tick - kept->min_rtt_tick) < MIN_RTT_TICKS)
		return;
	kept->min_rtt_us = rtt_us;
	kept->min_rtt_tick = tick;
}

void
tcp_rack_update(struct tcp_rack *k, struct tcp_rack_kept *kept, const struct tcp_delivery *d)
{
	if (d->has_latest) {
		/* Step 2. What was sent before it came here tells an order, but no time. */
		if (!d->latest_is_guessed)
			k->rtt_us = RTE_MAX(d->now_us - d->tx_us, 1u);
		if (!k->has_segment ||
			tcp_sent_before(k->tx_us, k->end_seq, d->tx_us, d->end_seq)) {
			k->tx_us = d->tx_us;
			k->end_seq = d->end_seq;
			k->has_segment = 1;
		}
	}
	/* Step 3 */
	if (k->has_fack && d->has_original && chim_seq_lt(d->original_end, k->fack))
		kept->is_reordering = 1;
	if (d->has_news && (!k->has_fack || chim_seq_gt(d->high_end, k->fack))) {
		k->fack = d->high_end;
		k->has_fack = 1;
	}
}

void
tcp_rack_dsack(
	struct tcp_rack *k, struct tcp_rack_kept *kept, bool is_dsack, uint32_t una, uint32_t max)
{
	if (k->has_dsack_round && chim_seq_ge(una, k->dsack_round))
		k->has_dsack_round = 0;
	if (!is_dsack || k->has_dsack_round)
		return;
	k->has_dsack_round = 1;
	k->dsack_round = max;
	kept->reo_mult += kept->reo_mult < REO_MULT_MAX;
	kept->reo_persist = REO_PERSIST;
}

void
tcp_rack_recovered(struct tcp_rack_kept *kept)
{
	if (kept->reo_persist > 0)
		kept->reo_persist--;
	if (kept->reo_persist == 0)
		kept->reo_mult = 1;
}

uint32_t
tcp_rack_window(
	const struct tcp_rack_kept *kept, const struct tcp_sent *q, const struct tcp_rack_in *in)
{
	uint32_t base = kept->min_rtt_us != 0 ? kept->min_rtt_us : in->srtt_us;

	if (!kept->is_reordering && (in->in_recovery || q->sacked_segs >= in->dup_thresh))
		return 0;
	return (uint32_t)RTE_MIN((uint64_t)kept->reo_mult * base / 4, (uint64_t)in->srtt_us);
}

/* How long until RACK says that r is lost. @return not above 0: it is. */
static int32_t
time_left(const struct tcp_rack *k, const struct tcp_sent_rec *r, uint32_t window_us,
	const struct tcp_rack_in *in)
{
	uint32_t rtt_us = k->rtt_us != 0 ? k->rtt_us : in->srtt_us;

	return (int32_t)(r->tx_us + rtt_us + window_us - in->now_us);
}

uint32_t
tcp_rack_detect(const struct tcp_rack *k, const struct tcp_rack_kept *kept, struct tcp_sent *q,
	const struct tcp_rack_in *in, uint32_t *left_us)
{
	uint32_t window_us = tcp_rack_window(kept, q, in);
	struct tcp_sent_rec *r;
	uint32_t nb = 0;

	*left_us = 0;
	if (!k->has_segment)
		return 0;
	while ((r = TAILQ_FIRST(&q->flight)) != NULL) {
		if (!tcp_sent_before(r->tx_us, tcp_sent_end(r), k->tx_us, k->end_seq))
			break;
		int32_t left = time_left(k, r, window_us, in);
		if (left > 0) {
			*left_us = (uint32_t)left;
			break;
		}
		tcp_sent_lose(q, r);
		nb++;
	}
	return nb;
}

void
tcp_rack_rto(const struct tcp_rack *k, const struct tcp_rack_kept *kept, struct tcp_sent *q,
	const struct tcp_rack_in *in)
{
	uint32_t window_us = tcp_rack_window(kept, q, in);
	struct tcp_sent_rec *r = tcp_sent_first(q);

	if (r != NULL)
		tcp_sent_lose(q, r);
	while ((r = TAILQ_FIRST(&q->flight)) != NULL && time_left(k, r, window_us, in) <= 0)
		tcp_sent_lose(q, r);
}

uint32_t
tcp_rack_pto(const struct tcp_sent *q, uint32_t srtt_us, uint32_t mss, uint32_t max_ack_delay_us,
	uint32_t rto_us)
{
	uint64_t pto = PTO_NO_SRTT_US;

	if (srtt_us != 0) {
		pto = 2 * (uint64_t)srtt_us;
		if (q->bytes <= mss)
			pto += max_ack_delay_us;
		pto = RTE_MAX(pto, PTO_MIN_US);
	}
	return (uint32_t)RTE_MIN(pto, (uint64_t)rto_us);
}

void
tcp_rack_tlp_sent(struct tcp_rack *k, uint32_t max, bool is_retrans)
{
	k->has_tlp = 1;
	k->tlp_is_retrans = is_retrans;
	k->tlp_end_seq = max;
}

enum tcp_tlp_result
tcp_rack_tlp_ack(struct tcp_rack *k, const struct tcp_delivery *d, uint32_t una, bool is_pure_dup)
{
	if (!k->has_tlp || chim_seq_lt(una, k->tlp_end_seq))
		return TCP_TLP_NONE;
	bool is_dup_reported = d->is_dsack && d->dsack_end == k->tlp_end_seq;

	if (!k->tlp_is_retrans || is_dup_reported) {
		k->has_tlp = 0;
		return TCP_TLP_DONE;
	}
	if (chim_seq_gt(una, k->tlp_end_seq)) {
		k->has_tlp = 0;
		return TCP_TLP_REPAIRED;
	}
	if (is_pure_dup) {
		k->has_tlp = 0;
		return TCP_TLP_DONE;
	}
	return TCP_TLP_NONE;
}
