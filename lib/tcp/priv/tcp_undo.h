/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Was the reduction for nothing? Three detectors, any of which says so:
 * F-RTO after a timeout (RFC 5682, 3), Eifel by the timestamp that the first
 * ACK after a resend echoes (RFC 3522), and DSACKs for every segment resent
 * (RFC 3708). recover.c answers by putting back cwnd and ssthresh (RFC 4015).
 */
#ifndef TCP_UNDO_H
#define TCP_UNDO_H

#include "tcp_sent.h"

enum tcp_frto {
	TCP_FRTO_OFF,
	TCP_FRTO_RESENT,   /* step 1: the first segment was sent again */
	TCP_FRTO_NEW_DATA, /* step 2b: it was acknowledged, new data is sent */
};

struct tcp_undo {
	uint32_t cwnd; /* before the reduction */
	uint32_t ssthresh;
	uint32_t w_max;	    /* CUBIC's (RFC 9438, 4.9) */
	uint32_t una;	    /* SND.UNA at that time: DSACKs below are not of this episode */
	uint32_t resent_us; /* first resend */
	uint32_t bytes;	    /* resent and not reported as duplicates */
	uint8_t is_armed;   /* there is a reduction to undo */
	uint8_t has_resent;
	uint8_t is_answered; /* an ACK has advanced since: its timestamp has been looked at */
	uint8_t frto;	     /* enum tcp_frto */
	uint8_t is_by_dsack; /* DSACKs can still prove it: each report so far matched a resend */
};

struct tcp_undo_begin {
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t w_max;
	uint32_t una;
	bool can_frto; /* a timeout with data above SND.UNA, the first of this segment */
};

/** A reduction is made. */
void tcp_undo_begin(struct tcp_undo *u, const struct tcp_undo_begin *b);

/** Bytes were sent again. */
void tcp_undo_on_resent(struct tcp_undo *u, uint32_t bytes, uint32_t now_us);

/**
 * An ACK.
 *
 * @param una SND.UNA after it.
 * @param point SND.MAX at the reduction.
 * @return true when the reduction was for nothing; it is disarmed then.
 */
bool
tcp_undo_on_ack(struct tcp_undo *u, const struct tcp_delivery *d, uint32_t una, uint32_t point);

/** The episode is over. */
static inline void
tcp_undo_end(struct tcp_undo *u)
{
	u->is_armed = 0;
	u->frto = TCP_FRTO_OFF;
}

#endif /* TCP_UNDO_H */
