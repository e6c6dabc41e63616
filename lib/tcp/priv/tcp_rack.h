/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Loss by time, and tail loss probes (RFC 8985). Called by recover.c for each
 * ACK: update (steps 1-3), dsack (step 4), detect (step 5), and tlp_ack
 * (7.4.2); detect again when its timeout has come.
 *
 * Two parts: what only matters while data is in flight, and the few words of
 * it that a connection keeps when idle.
 */
#ifndef TCP_RACK_H
#define TCP_RACK_H

#include "chim_time.h"
#include "tcp_sent.h"

struct tcp_rack_kept {
	uint32_t min_rtt_us;	   /* smallest of the last minutes, 0 = none */
	uint16_t min_rtt_tick;	   /* when, in units of 1024 ms */
	uint8_t reo_mult;	   /* of min_rtt / 4; 1 at first */
	uint8_t reo_persist : 7;   /* recoveries until reo_mult is 1 again */
	uint8_t is_reordering : 1; /* reordering has been seen */
};
_Static_assert(sizeof(struct tcp_rack_kept) == 8, "what an idle connection keeps of it");

/* Of a flight: zero when it begins. */
struct tcp_rack {
	uint32_t rtt_us; /* RACK.rtt; 0 = nothing delivered yet */
	uint32_t tx_us;	 /* RACK.segment */
	uint32_t end_seq;
	uint32_t fack;	      /* highest end delivered */
	uint32_t dsack_round; /* reo_mult grows once until this is acknowledged */
	uint32_t tlp_end_seq; /* SND.NXT when the probe was sent */
	uint8_t has_segment;  /* tx_us, end_seq are set */
	uint8_t has_fack;
	uint8_t has_dsack_round;
	uint8_t has_tlp; /* a probe is out */
	uint8_t tlp_is_retrans;
};

struct tcp_rack_in {
	uint32_t now_us;
	uint32_t srtt_us;
	uint32_t mss;
	uint8_t dup_thresh;
	bool in_recovery;
};

/** A connection begins. */
void tcp_rack_kept_init(struct tcp_rack_kept *kept);

/** An RTT sample for the minimum. */
void tcp_rack_min_rtt(struct tcp_rack_kept *kept, uint32_t rtt_us, chim_ms_t now);

/** Steps 1 to 3: what was delivered last, and whether in another order than sent. */
void tcp_rack_update(struct tcp_rack *k, struct tcp_rack_kept *kept, const struct tcp_delivery *d);

/** Step 4: a DSACK widens the window, once a round trip (6.2.4). @param una, max after this ACK. */
void tcp_rack_dsack(
	struct tcp_rack *k, struct tcp_rack_kept *kept, bool is_dsack, uint32_t una, uint32_t max);

/** A recovery has ended: the widened window is kept for 16 of them (6.2.4). */
void tcp_rack_recovered(struct tcp_rack_kept *kept);

/** The reordering window now (6.2.4), us. */
uint32_t tcp_rack_window(
	const struct tcp_rack_kept *kept, const struct tcp_sent *q, const struct tcp_rack_in *in);

/**
 * Step 5: mark as lost what was sent a reordering window before the last delivered. Stops at the
 * first not yet due, so each visited record but one is marked.
 *
 * @param left_us time until the next may become lost, 0 = none waits.
 * @return records marked.
 */
uint32_t tcp_rack_detect(const struct tcp_rack *k, const struct tcp_rack_kept *kept,
	struct tcp_sent *q, const struct tcp_rack_in *in, uint32_t *left_us);

/**
 * RTO: the first record is lost, and each that was sent so long ago that RACK would say so (6.3).
 */
void tcp_rack_rto(const struct tcp_rack *k, const struct tcp_rack_kept *kept, struct tcp_sent *q,
	const struct tcp_rack_in *in);

/**
 * Probe timeout from now (7.2).
 *
 * @param max_ack_delay_us what a delayed ACK may add, when one segment is in flight.
 * @param rto_us time until the retransmission timeout; the probe comes no later.
 */
uint32_t tcp_rack_pto(const struct tcp_sent *q, uint32_t srtt_us, uint32_t mss,
	uint32_t max_ack_delay_us, uint32_t rto_us);

/** A probe has been sent (7.3). */
void tcp_rack_tlp_sent(struct tcp_rack *k, uint32_t max, bool is_retrans);

enum tcp_tlp_result {
	TCP_TLP_NONE,	  /* no probe was out, or it still is */
	TCP_TLP_DONE,	  /* the episode ended, nothing was lost */
	TCP_TLP_REPAIRED, /* the probe repaired a loss: congestion control is to be told (7.4.2) */
};

/** An ACK, while a probe may be out (7.4.2). @param is_pure_dup a duplicate ACK without SACK. */
enum tcp_tlp_result
tcp_rack_tlp_ack(struct tcp_rack *k, const struct tcp_delivery *d, uint32_t una, bool is_pure_dup);

#endif /* TCP_RACK_H */
