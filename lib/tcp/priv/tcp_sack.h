/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Selective acknowledgment, both ways (RFC 2018, 2883, 6675): blocks that came
 * with an ACK to the sent records, and the reassembly queue to blocks that go
 * out. tcp_recover_ack() calls the first, output the second.
 */
#ifndef TCP_SACK_H
#define TCP_SACK_H

#include "tcp_reass.h"
#include "tcp_sent.h"

struct tcp_sack_in {
	const struct chim_sack *block;
	uint32_t una; /* after this ACK */
	uint32_t max;
	uint32_t mss;
	uint8_t nb;
};

/**
 * Apply the blocks of an ACK, after tcp_sent_ack(). Blocks that say what cannot be are passed over:
 * empty, below SND.UNA, above SND.MAX. A first block that reports a duplicate sets d->is_dsack.
 */
void tcp_sack_apply(struct tcp_sent *q, struct rte_mempool *pool, const struct tcp_sack_in *in,
	struct tcp_delivery *d);

/* A duplicate to be reported in the next ACK; start == end: none. */
struct tcp_dsack {
	uint32_t start;
	uint32_t end;
};

/**
 * Blocks for an ACK that goes out: the duplicate, then the runs of the reassembly queue, the most
 * recently changed first (RFC 2018, 4; RFC 2883, 4). Clears the duplicate: it is reported once.
 *
 * @return blocks written, at most room and CHIM_SACK_OUT.
 */
uint8_t tcp_sack_blocks(
	const struct tcp_reass *q, struct tcp_dsack *dup, struct chim_sack *out, uint8_t room);

#endif /* TCP_SACK_H */
