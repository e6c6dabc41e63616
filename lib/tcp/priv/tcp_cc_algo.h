/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What cc.c calls in the files of the algorithms; nobody else includes this.
 * Slow start and what follows a timeout are common; an algorithm grows the
 * window in congestion avoidance and says how far a loss brings it down.
 */
#ifndef TCP_CC_ALGO_H
#define TCP_CC_ALGO_H

#include "tcp_cc.h"

/** Congestion avoidance (RFC 5681, 3.1; RFC 3465, 2.1). */
void tcp_newreno_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *a);

/** @return ssthresh after a loss with so many bytes in flight (RFC 5681, equation 4). */
uint32_t tcp_newreno_ssthresh(uint32_t flight, uint32_t mss);

/** Congestion avoidance (RFC 9438, 4.2 to 4.5). */
void tcp_cubic_avoid(struct tcp_cc *cc, struct tcp_cubic *t, const struct tcp_cc_ack *a);

/** A loss or a mark: remembers W_max. @return ssthresh (RFC 9438, 4.6, 4.7). */
uint32_t tcp_cubic_ssthresh(struct tcp_cc *cc, uint32_t flight, uint32_t mss);

/** @return the whole part of the cube root. */
uint32_t tcp_cubic_root(uint64_t x);

/** Counts marks; a new alpha once a window (RFC 8257, 3.3). */
void tcp_dctcp_count(struct tcp_cc *cc, struct tcp_dctcp *t, const struct tcp_cc_ack *a);

/** @return ssthresh after marks (RFC 8257, 3.4). */
uint32_t tcp_dctcp_ssthresh(const struct tcp_cc *cc, uint32_t flight, uint32_t mss);

/**
 * An ACK in slow start (RFC 9406, 4.2).
 *
 * @param grow what slow start would add, bytes.
 * @return what to add. Sets ssthresh to leave slow start.
 */
uint32_t tcp_hystart_on_ack(
	struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *a, uint32_t grow);

#endif /* TCP_CC_ALGO_H */
