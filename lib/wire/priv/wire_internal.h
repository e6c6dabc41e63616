/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the files of lib/wire share: the frame being read, one-step sums, and
 * the functions of each file that another one calls.
 */
#ifndef WIRE_INTERNAL_H
#define WIRE_INTERNAL_H

#include <rte_ip.h>
#include <rte_tcp.h>

#include "chim_wire.h"

/* One frame while it is read. Offsets are from the start of the frame. */
struct wire_frame {
	const struct rte_mbuf *m;
	enum chim_side side;
	uint16_t port_number;
	uint16_t l3_off;
	uint16_t l4_off;
	uint16_t l4_len; /* by the IP header, so without Ethernet padding */
	uint8_t l4_proto;
	bool is_link_group; /* sent to a link-layer group address */
};

/** Bytes at an offset in the first segment. The caller has checked the length. */
static inline const void *
wire_at(const struct rte_mbuf *m, uint32_t off)
{
	return rte_pktmbuf_mtod_offset(m, const void *, off);
}

/* The EtherType stands behind the two addresses. */
#define WIRE_TYPE_AT (2u * RTE_ETHER_ADDR_LEN)

/* 16 bits that may stand at an odd address, as frames may. */
struct wire_be16 {
	rte_be16_t v;
} __rte_packed;

/** 16 bits at an offset in the first segment. The caller has checked the length. */
static inline rte_be16_t
wire_load16(const struct rte_mbuf *m, uint32_t off)
{
	return ((const struct wire_be16 *)wire_at(m, off))->v;
}

/** Is it a fragment of a larger packet? */
static inline bool
wire_is_fragment(const struct rte_ipv4_hdr *ip)
{
	return (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)) !=
		0;
}

/** Fold a sum of 16-bit words to 16 bits, not inverted. */
static inline uint16_t
wire_fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

/* ---- checksum.c ---- */

/**
 * One's complement sum of len bytes at off of a chain, not inverted. The caller has checked that
 * the chain is that long. Unlike rte_raw_cksum_mbuf() it is right when a segment before has an odd
 * length.
 */
uint16_t wire_sum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len);

/** Is the IPv4 header checksum right, by the port's word or else by ours? */
bool wire_is_ip4_sum_good(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip);

/** Is the TCP checksum right, by the port's word or else by ours? */
bool wire_is_tcp_sum_good(const struct wire_frame *f, bool is_ip6);

/* ---- icmp.c ---- */

/**
 * Look whether a frame that is not TCP is an ICMP error that quotes a TCP segment of ours; if so
 * set CHIM_SEG_LOOKUP, the offsets, the quoted sequence number, and the key of the quoted flow.
 */
void wire_parse_icmp(const struct wire_frame *f, struct chim_seg *seg, union chim_key *key);

/* ---- options.c ---- */

/** Read TCP options; stops at the first malformed one and keeps what came before. */
void wire_options_parse(const uint8_t *opt, uint32_t len, struct chim_seg *seg);

/** Write the options of h. @return the byte after them. */
uint8_t *wire_options_write(uint8_t *p, const struct chim_hdr *h);

/* ---- key.c ---- */

/** The key of a packet's flow, port_number excepted. Of the TCP header only the ports are read. */
void wire_key_ip4(const struct rte_ipv4_hdr *ip, const struct rte_tcp_hdr *tcp, bool is_local_src,
	struct chim_key4 *key);
void wire_key_ip6(const struct rte_ipv6_hdr *ip, const struct rte_tcp_hdr *tcp, bool is_local_src,
	struct chim_key6 *key);

#endif /* WIRE_INTERNAL_H */
