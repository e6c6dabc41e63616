/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What all congestion control has in common: slow start with appropriate byte
 * counting (RFC 3465), validation of the window (RFC 7661), restart after idle
 * (RFC 5681, 4.1), the end of recovery, timeouts; and the switches into the
 * files of the algorithms.
 */
#include "tcp_cc.h"

#include "tcp_cc_algo.h"

#define NEVER_LOST  0x3FFFFFFFu /* ssthresh from here on: no loss has set it yet */
#define CWND_MAX    0x40000000u /* no window is larger (RFC 7323, 2.3) */
#define NVP_SECONDS 300u	/* RFC 7661, 4.1 */
#define IW_SEGMENTS 10u		/* RFC 6928, 2 */
#define IW_BYTES    14600u

uint32_t
tcp_cc_initial_window(uint32_t mss)
{
	uint32_t bytes = RTE_MAX(2 * mss, IW_BYTES);

	return RTE_MIN(IW_SEGMENTS * mss, bytes);
}

/* State of slow start and of congestion avoidance shares its memory: whichever comes begins anew.
 */
static void
begin_phase(struct tcp_cc *cc)
{
	cc->flags &= ~(TCP_CC_HAS_EPOCH | TCP_CC_HAS_WINDOW | TCP_CC_CSS);
}

void
tcp_cc_init(struct tcp_cc *cc, uint8_t algorithm, uint32_t cwnd, uint32_t ssthresh)
{
	*cc = (struct tcp_cc){
		.cwnd = RTE_MIN(cwnd, CWND_MAX),
		.ssthresh = ssthresh,
		.algorithm = algorithm,
	};
	if (algorithm == CHIM_CC_DCTCP)
		cc->alpha = TCP_DCTCP_ONE;
	if (ssthresh < NEVER_LOST)
		cc->flags |= TCP_CC_NO_HYSTART;
	begin_phase(cc);
}

void
tcp_cc_on_flight(struct tcp_cc *cc)
{
	begin_phase(cc);
}

static void
slow_start(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a)
{
	uint32_t grow = RTE_MIN(a->acked, a->abc_limit * a->mss);

	if (cc->algorithm == CHIM_CC_CUBIC && (cc->flags & TCP_CC_NO_HYSTART) == 0)
		grow = tcp_hystart_on_ack(cc, &run->hystart, a, grow);
	cc->cwnd += grow;
	if (!tcp_cc_is_slow_start(cc)) {
		cc->flags |= TCP_CC_NO_HYSTART;
		if (cc->algorithm != CHIM_CC_DCTCP)
			begin_phase(cc);
	}
}

static void
avoid(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a)
{
	switch (cc->algorithm) {
	case CHIM_CC_CUBIC:
		tcp_cubic_avoid(cc, &run->cubic, a);
		break;
	default:
		tcp_newreno_avoid(cc, a);
		break;
	}
}

/*
 * RFC 7661: a window of which not half is used proves nothing. It does not grow, and after five
 * minutes of that it is halved.
 */
static bool
is_validated(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	uint32_t flight = a->max - a->una + a->acked;
	uint16_t now_s = (uint16_t)(a->now_us / CHIM_US_PER_S);

	if (flight >= cc->cwnd / 2 || (cc->flags & TCP_CC_VALIDATED) == 0) {
		cc->validated_s = now_s;
		cc->flags |= TCP_CC_VALIDATED;
		if (flight >= cc->cwnd / 2)
			return true;
	}
	/* CUBIC's time does not run while the sender has nothing to send (RFC 9438, 5.8). */
	cc->flags &= ~TCP_CC_HAS_EPOCH;
	if ((uint16_t)(now_s - cc->validated_s) >= NVP_SECONDS) {
		uint32_t floor = RTE_MIN(cc->cwnd, tcp_cc_initial_window(a->mss));

		cc->ssthresh = RTE_MAX(cc->ssthresh, cc->cwnd / 4 * 3);
		cc->cwnd = RTE_MAX(cc->cwnd / 2, floor);
		cc->validated_s = now_s;
		begin_phase(cc);
	}
	return false;
}

void
tcp_cc_on_ack(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a)
{
	if (!is_validated(cc, a))
		return;
	if (tcp_cc_is_slow_start(cc))
		slow_start(cc, run, a);
	else
		avoid(cc, run, a);
	cc->cwnd = RTE_MIN(cc->cwnd, CWND_MAX);
}

void
tcp_cc_on_delivered(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a)
{
	if (cc->algorithm == CHIM_CC_DCTCP)
		tcp_dctcp_count(cc, &run->dctcp, a);
}

/* FlightSize may be above cwnd by what limited transmit sent (RFC 5681, 3.1; RFC 3042). */
static uint32_t
loss_flight(const struct tcp_cc *cc, uint32_t flight)
{
	return RTE_MIN(flight, cc->cwnd);
}

static void
reduce_for_loss(struct tcp_cc *cc, uint32_t flight, uint32_t mss)
{
	switch (cc->algorithm) {
	case CHIM_CC_CUBIC:
		cc->ssthresh = tcp_cubic_ssthresh(cc, flight, mss);
		break;
	default:
		cc->ssthresh = tcp_newreno_ssthresh(flight, mss);
		break;
	}
	cc->flags |= TCP_CC_CWR_DUE | TCP_CC_NO_HYSTART;
}

void
tcp_cc_on_loss(struct tcp_cc *cc, uint32_t flight, uint32_t mss)
{
	reduce_for_loss(cc, loss_flight(cc, flight), mss);
}

void
tcp_cc_on_ecn(struct tcp_cc *cc, uint32_t flight, uint32_t mss)
{
	if (cc->algorithm != CHIM_CC_DCTCP) {
		reduce_for_loss(cc, loss_flight(cc, flight), mss);
		return;
	}
	cc->ssthresh = tcp_dctcp_ssthresh(cc, loss_flight(cc, flight), mss);
	cc->flags |= TCP_CC_CWR_DUE;
}

void
tcp_cc_on_exit(struct tcp_cc *cc, uint32_t mss)
{
	cc->cwnd = RTE_MAX(cc->ssthresh, mss);
	if (cc->algorithm != CHIM_CC_DCTCP)
		begin_phase(cc);
}

void
tcp_cc_on_rto(struct tcp_cc *cc, uint32_t flight, uint32_t mss, bool is_first)
{
	if (is_first)
		reduce_for_loss(cc, loss_flight(cc, flight), mss);
	if (cc->algorithm == CHIM_CC_CUBIC)
		cc->w_max = 0; /* RFC 9438, 4.8: after a timeout K is 0 */
	cc->cwnd = mss;
	if (cc->algorithm != CHIM_CC_DCTCP)
		begin_phase(cc);
}

void
tcp_cc_on_idle(struct tcp_cc *cc, uint32_t mss)
{
	uint32_t restart = tcp_cc_initial_window(mss);

	if (cc->cwnd <= restart)
		return;
	cc->ssthresh = RTE_MAX(cc->ssthresh, cc->cwnd / 4 * 3);
	cc->cwnd = restart;
	if (cc->algorithm != CHIM_CC_DCTCP)
		begin_phase(cc);
}

void
tcp_cc_undo(struct tcp_cc *cc, uint32_t cwnd, uint32_t ssthresh, uint32_t w_max)
{
	cc->cwnd = RTE_MAX(cc->cwnd, cwnd);
	cc->ssthresh = ssthresh;
	cc->w_max = w_max;
	if (cc->algorithm != CHIM_CC_DCTCP)
		begin_phase(cc);
}
