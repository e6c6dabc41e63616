/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Between sent.c, sent_sack.c and recover_ack.c; nobody else includes this.
 */
#ifndef TCP_SENT_INT_H
#define TCP_SENT_INT_H

#include "tcp_sent.h"

/** A record is free again: it is on no list any more. */
void tcp_sent_give(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r);

/** Take a record out of the counts, and off the list of its fate: its flags are going to change. */
void tcp_sent_leave(struct tcp_sent *q, struct tcp_sent_rec *r);

/**
 * Count it again, and put it at the end of the list of its new fate: it was sent last, or found
 * lost last. The lowest lost goes first.
 */
void tcp_sent_enter(struct tcp_sent *q, struct tcp_sent_rec *r);

/** Karn: an RTT sample only of a segment sent once, and at a known time. 0 says "none". */
void tcp_sent_sample(const struct tcp_sent_rec *r, struct tcp_delivery *d);

/** The peer has r, and d is the first news of it: an RTT sample, RACK's and reordering's marks. */
void tcp_sent_deliver(const struct tcp_sent_rec *r, struct tcp_delivery *d);

#endif /* TCP_SENT_INT_H */
