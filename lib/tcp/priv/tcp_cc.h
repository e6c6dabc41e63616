/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Congestion control: an index and a switch. cc.c has what is common (slow
 * start, restart after idle, window validation) and the switches;
 * cc_newreno.c, cc_cubic.c, cc_dctcp.c an algorithm each, hystart.c the way out
 * of slow start of CUBIC. Windows are bytes. recover.c calls, in recovery PRR
 * sets cwnd and on_ack is not called.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include "chim_base.h"
#include "chim_request.h"
#include "chim_seq.h"
#include "chim_time.h"

/* struct tcp_cc.flags */
#define TCP_CC_CWR_DUE	  0x01u /* CWR goes out with the next new data (RFC 3168, 6.1.2) */
#define TCP_CC_CSS	  0x02u /* HyStart++: conservative slow start */
#define TCP_CC_HAS_WINDOW 0x04u /* window_end is set */
#define TCP_CC_HAS_EPOCH  0x08u /* CUBIC: an epoch has begun */
#define TCP_CC_NO_HYSTART 0x10u /* slow start has been left once (RFC 9406, 4.3) */
#define TCP_CC_VALIDATED  0x20u /* validated_s is set */
#define TCP_CC_IN_FAST	  0x40u /* fast recovery: cwnd is PRR\'s */
#define TCP_CC_IN_RTO	  0x80u /* after a timeout, until what was out then is acknowledged */

/* RFC 9406, in slow start only. */
struct tcp_hystart {
	uint32_t window_end;
	uint32_t last_min_us; /* lastRoundMinRTT, 0 = infinity */
	uint32_t now_min_us;  /* currentRoundMinRTT, 0 = infinity */
	uint32_t baseline_us; /* cssBaselineMinRtt */
	uint8_t samples;
	uint8_t css_rounds;
	uint16_t reserved;
};

/* RFC 9438, in congestion avoidance only. */
struct tcp_cubic {
	uint32_t epoch_ms;
	uint32_t k_ms;
	uint32_t origin;     /* W_max of the epoch, bytes */
	uint32_t w_est;	     /* bytes */
	uint32_t est_acked;  /* bytes towards the next growth of w_est */
	uint32_t cwnd_acked; /* bytes towards the next growth of cwnd */
};

/* RFC 8257 */
#define TCP_DCTCP_ONE (1u << 20)

struct tcp_dctcp {
	uint32_t window_end;
	uint32_t acked;
	uint32_t marked;
};

struct tcp_cc {
	uint32_t cwnd;
	uint32_t ssthresh;
	uint8_t algorithm;    /* enum chim_cc, never DEFAULT */
	uint8_t flags;	      /* TCP_CC_* */
	uint16_t validated_s; /* last second at which half of cwnd was used (RFC 7661, 4.2) */
	union {
		uint32_t w_max; /* CUBIC, bytes; 0 = none */
		uint32_t alpha; /* DCTCP, 0..TCP_DCTCP_ONE */
	};
};
_Static_assert(sizeof(struct tcp_cc) == 16, "what an idle connection keeps of it");

/*
 * What has a meaning only from one ACK to the next: zeroed when a flight begins. Rounds of
 * HyStart++ and windows of DCTCP lie within a flight; CUBIC's time does not run while nothing is
 * in flight (RFC 9438, 5.8): its next epoch begins where cwnd stands.
 */
struct tcp_cc_run {
	union {
		struct tcp_hystart hystart;
		struct tcp_cubic cubic;
		struct tcp_dctcp dctcp;
	};
};

struct tcp_cc_ack {
	chim_us_t now_us;
	uint32_t acked;	    /* bytes newly below SND.UNA */
	uint32_t delivered; /* bytes of which this ACK is the first news */
	uint32_t rtt_us;    /* sample, 0 = none */
	uint32_t srtt_us;
	uint32_t una; /* after this ACK */
	uint32_t max;
	uint32_t mss;
	uint32_t abc_limit; /* L of RFC 3465 */
	bool has_ece;
};

/** A connection begins, or comes from elsewhere with these windows. */
void tcp_cc_init(struct tcp_cc *cc, uint8_t algorithm, uint32_t cwnd, uint32_t ssthresh);

/** A flight begins, with its struct tcp_cc_run zeroed. */
void tcp_cc_on_flight(struct tcp_cc *cc);

/** New data was acknowledged, not in fast recovery. */
void tcp_cc_on_ack(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a);

/** DCTCP counts marks also while in recovery (RFC 8257, 3.3). Every ACK that delivers. */
void tcp_cc_on_delivered(struct tcp_cc *cc, struct tcp_cc_run *run, const struct tcp_cc_ack *a);

/** Segments were lost: sets ssthresh. cwnd is PRR's until tcp_cc_on_exit(). */
void tcp_cc_on_loss(struct tcp_cc *cc, uint32_t flight, uint32_t mss);

/** The peer echoes CE, first time in a window (RFC 3168, 6.1.2): sets ssthresh. */
void tcp_cc_on_ecn(struct tcp_cc *cc, uint32_t flight, uint32_t mss);

/** Recovery has ended: cwnd is ssthresh (RFC 9937, 6). */
void tcp_cc_on_exit(struct tcp_cc *cc, uint32_t mss);

/** Retransmission timeout (RFC 5681, 3.1). @param is_first of this segment: ssthresh is set. */
void tcp_cc_on_rto(struct tcp_cc *cc, uint32_t flight, uint32_t mss, bool is_first);

/** Nothing was sent for a retransmission timeout: restart from the restart window (RFC 5681, 4.1).
 */
void tcp_cc_on_idle(struct tcp_cc *cc, uint32_t mss);

/** The reduction was for nothing (RFC 4015; RFC 9438, 4.9): as before. */
void tcp_cc_undo(struct tcp_cc *cc, uint32_t cwnd, uint32_t ssthresh, uint32_t w_max);

/** IW of RFC 6928. */
uint32_t tcp_cc_initial_window(uint32_t mss);

static inline bool
tcp_cc_is_slow_start(const struct tcp_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

#endif /* TCP_CC_H */
