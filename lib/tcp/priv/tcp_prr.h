/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Proportional rate reduction (RFC 9937): how much may be sent for each ACK
 * while in fast recovery, so that what is in flight comes down to ssthresh
 * smoothly.
 */
#ifndef TCP_PRR_H
#define TCP_PRR_H

#include "chim_base.h"

struct tcp_prr {
	uint32_t recover_fs; /* RecoverFS: in flight when recovery began, bytes; at least 1 */
	uint32_t delivered;  /* prr_delivered */
	uint32_t out;	     /* prr_out */
};

struct tcp_prr_ack {
	uint32_t delivered; /* DeliveredData of this ACK */
	uint32_t pipe;	    /* inflight, after this ACK */
	uint32_t ssthresh;
	uint32_t mss;
	bool is_safe; /* SafeACK: SND.UNA advanced, and no further loss was found */
};

/** Recovery begins. @param recover_fs bytes in flight before this ACK (RFC 9937, 6.1). */
void tcp_prr_begin(struct tcp_prr *p, uint32_t recover_fs);

/** An ACK in recovery, the one that began it included. @return cwnd: pipe and what may be sent. */
uint32_t tcp_prr_on_ack(struct tcp_prr *p, const struct tcp_prr_ack *a);

/** Bytes have been sent, new or again. */
static inline void
tcp_prr_on_sent(struct tcp_prr *p, uint32_t bytes)
{
	p->out += bytes;
}

#endif /* TCP_PRR_H */
