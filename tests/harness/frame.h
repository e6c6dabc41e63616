/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames made byte by byte for tests, with checksums of their own: nothing
 * here uses lib/wire, so that it can be checked against it.
 *
 *   struct rte_mbuf *m = frame_build(pool, &(struct frame){ .seq = 7, .len = 100 });
 *
 * All zero is an IPv4 TCP segment without options or payload from the peer
 * (10.0.0.2 port 2000) to us (10.0.0.1 port 1000).
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>

#include <rte_mbuf.h>

#define FRAME_LOCAL_PORT  1000u
#define FRAME_REMOTE_PORT 2000u

struct frame {
	bool is_ip6;
	bool is_from_us;       /* the other direction */
	uint8_t nb_tags;       /* 802.1Q tags */
	uint16_t tci;	       /* of each tag */
	uint16_t ether_type;   /* 0 = by family */
	uint8_t proto;	       /* 0 = TCP */
	uint8_t nb_ip_options; /* bytes, IPv4 */
	uint8_t tos;
	uint8_t ttl;
	uint16_t fragment; /* IPv4 flags and offset, host order */
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;
	uint16_t urgent;
	uint8_t flags;
	uint8_t nb_options; /* bytes, a multiple of 4 */
	const uint8_t *options;
	uint16_t len;	   /* payload, byte i is frame_byte(seq + i) */
	uint16_t padding;  /* bytes behind the IP packet */
	const uint8_t *l4; /* instead of a TCP header and payload */
	uint16_t l4_len;
};

/** The byte of a stream at a sequence number. */
static inline uint8_t
frame_byte(uint32_t seq)
{
	return (uint8_t)(seq * 131u >> 3);
}

/** Make a frame with right checksums. @return a chain of one segment, owned. */
struct rte_mbuf *frame_build(struct rte_mempool *pool, const struct frame *spec);

/** Make an mbuf of these bytes. @return owned. */
struct rte_mbuf *frame_of_bytes(struct rte_mempool *pool, const void *bytes, uint32_t len);

/**
 * Make an mbuf whose buffer is a heap block of just these bytes, so that AddressSanitizer sees a
 * read behind them. @return owned.
 */
struct rte_mbuf *frame_at_edge(struct rte_mempool *pool, const void *bytes, uint16_t len);

/** Make two segments of one, the second beginning at an offset. */
void frame_split(struct rte_mempool *pool, struct rte_mbuf *m, uint16_t at);

/** Sum of big-endian 16-bit words as RFC 1071 defines it, not inverted, host order. */
uint16_t frame_sum(const void *bytes, uint32_t len, uint32_t seed);

#endif /* FRAME_H */
