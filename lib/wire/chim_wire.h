/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Packet headers in and out: bytes <-> struct chim_seg. No table, no port, no
 * connection is known here.
 */
#ifndef CHIM_WIRE_H
#define CHIM_WIRE_H

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "chim.h"
#include "chim_base.h"
#include "chim_stats.h"

#define CHIM_BURST    32u /* frames taken from a queue at once */
#define CHIM_AHEAD    4u  /* distance of a prefetch, in frames */
#define CHIM_SACK_IN  4u  /* SACK blocks an option can bring (RFC 2018, 3) */
#define CHIM_SACK_OUT 4u

/* TCP header flags as on the wire (RFC 9293, 3.1). */
#define CHIM_FIN 0x01u
#define CHIM_SYN 0x02u
#define CHIM_RST 0x04u
#define CHIM_PSH 0x08u
#define CHIM_ACK 0x10u
#define CHIM_URG 0x20u
#define CHIM_ECE 0x40u
#define CHIM_CWR 0x80u

/* struct chim_seg.info */
#define CHIM_SEG_TS	 0x01u /* tsval, tsecr are set */
#define CHIM_SEG_IP6	 0x02u
#define CHIM_SEG_CE	 0x04u /* ECN codepoint CE (RFC 3168) */
#define CHIM_SEG_ECT	 0x08u /* ECT(0), ECT(1) or CE */
#define CHIM_SEG_VLAN	 0x10u /* vlan is set */
#define CHIM_SEG_CSUM_OK 0x20u /* TCP checksum known good (by the port or by software) */
#define CHIM_SEG_LOOKUP                                                        \
	0x40u /* key is valid: worth a look-up (also when why is not NONE, for \
	       * instance an ICMP error that quotes a flow) */

struct chim_sack {
	uint32_t start;
	uint32_t end;
};

/* What one received frame says. Host byte order. One cache line. */
struct chim_seg {
	uint32_t seq;
	uint32_t ack;
	uint32_t tsval;
	uint32_t tsecr;
	struct chim_sack sack[CHIM_SACK_IN];
	uint16_t wnd;	      /* as on the wire, not scaled */
	uint16_t len;	      /* TCP payload bytes */
	uint16_t urgent;      /* urgent pointer */
	uint16_t vlan;	      /* TCI */
	uint16_t payload_off; /* from the start of the frame */
	uint8_t tcp_off;      /* offset of the TCP header, from the start of the frame */
	uint8_t flags;	      /* CHIM_FIN .. CHIM_CWR */
	uint8_t info;	      /* CHIM_SEG_* */
	uint8_t nb_sack;
	uint8_t why; /* enum chim_why; NONE = a plain segment */
	uint8_t ttl;
};
_Static_assert(sizeof(struct chim_seg) == 64, "a segment is one cache line");

/*
 * Connection keys as rte_hash wants them: sizes it has a dedicated compare for.
 * All in network byte order, "local" is the offloading host's side whichever
 * way the frame went. Unused bytes are zero.
 */
struct chim_key4 {
	uint32_t remote_addr;
	uint32_t local_addr;
	uint16_t remote_port;
	uint16_t local_port;
	uint16_t port_number;
	uint16_t zero;
};
_Static_assert(sizeof(struct chim_key4) == 16, "rte_hash has a 16-byte compare");

struct chim_key6 {
	uint8_t remote_addr[16];
	uint8_t local_addr[16];
	uint16_t remote_port;
	uint16_t local_port;
	uint16_t port_number;
	uint16_t zero;
};
/* rte_hash has a compare for 48 bytes; but with its pointer that would be a cache line an entry. */
_Static_assert(sizeof(struct chim_key6) == 40, "48 bytes an entry of rte_hash");

union chim_key {
	struct chim_key4 v4;
	struct chim_key6 v6;
};

/** The key of a tuple (include/chim.h). The family is the tuple's. */
void chim_wire_key(const struct chim_tuple *tuple, union chim_key *key);

/** The tuple of a key. */
void chim_wire_tuple(const union chim_key *key, bool is_ip6, struct chim_tuple *tuple);

/**
 * The Toeplitz hash of the 4-tuple as a port with this RSS key computes it for a received frame
 * (remote is the source); at least 40 bytes of key. A pure function.
 */
uint32_t chim_wire_rss_hash(const union chim_key *key, bool is_ip6, const uint8_t *rss_key);

/* Frames on their way through the stages; each stage fills its own arrays. */
struct chim_burst {
	uint16_t nb;
	uint16_t port_number;
	struct rte_mbuf *m[CHIM_BURST];
	struct chim_seg seg[CHIM_BURST];
	union chim_key key[CHIM_BURST];
	void *flow[CHIM_BURST]; /* look-up result, see chim_flow.h */
};

enum chim_side {
	CHIM_SIDE_WIRE,	  /* received from the network: local is the destination */
	CHIM_SIDE_KERNEL, /* sent by the host's kernel: local is the source */
};

/**
 * Classify b->m[0..nb): fill b->seg and, where CHIM_SEG_LOOKUP is set, b->key.
 *
 * Trusts nothing in the frame. Uses the port's checksum verdict (ol_flags) where there is one,
 * checks IP and TCP checksums in software where not; for CHIM_SIDE_KERNEL checksums are not
 * checked (the exception port may leave them to be filled). Multi-segment mbufs: headers must lie
 * in the first segment, else the why is a bad header. A TCP frame that came to a link-layer group
 * address is a MISS without CHIM_SEG_LOOKUP (RFC 1122, 4.2.3.10).
 */
void chim_wire_parse_burst(struct chim_burst *b, enum chim_side side);

/**
 * Parse one TCP header without an IP header (CHIM_IO_FORWARD). The checksum cannot be checked.
 *
 * @return CHIM_WHY_NONE, CHIM_WHY_BAD_TCP_HEADER.
 */
enum chim_why chim_wire_parse_tcp(const struct rte_mbuf *m, struct chim_seg *seg);

/* What an ICMP error says about a TCP segment that left here. Host byte order. */
struct chim_icmp_quote {
	uint32_t seq;	     /* of the quoted segment */
	uint32_t mtu;	     /* fragmentation needed, packet too big: next-hop MTU, 0 = not told */
	uint16_t quoted_len; /* length of the quoted IP packet, by its header */
	uint8_t type;	     /* ICMP or, with CHIM_SEG_IP6, ICMPv6 type */
	uint8_t code;
};

/**
 * Read the ICMP error that a parsed frame is: why NOT_TCP with CHIM_SEG_LOOKUP, the key is then the
 * quoted flow's. Its checksum was checked; that the quoted sequence number is in flight
 * (RFC 5927, 4) is the caller's to check.
 *
 * @return false when the frame is none.
 */
bool chim_wire_parse_icmp_quote(
	const struct rte_mbuf *m, const struct chim_seg *seg, struct chim_icmp_quote *quote);

/* ---- headers out ---- */

#define CHIM_TMPL_MAX 64u  /* Ethernet 14 + VLAN 4 + IPv6 40, rounded */
#define CHIM_HDR_MAX  118u /* those and a TCP header of 60 */

/*
 * The L2 and L3 headers of everything sent by one path, built once and patched
 * for each packet. Lives in the worker's path replica.
 */
struct chim_tmpl {
	uint8_t image[CHIM_TMPL_MAX];
	uint8_t l2_len; /* 14 or 18 */
	uint8_t l3_len; /* 20 or 40 */
	uint8_t is_ip6;
	uint8_t has_vlan;    /* a tag is in the image */
	uint16_t mtu;	     /* bytes of IP packet */
	uint16_t pseudo_sum; /* of addresses and protocol, length not included; one's complement
			      * sum, not inverted, as rte_raw_cksum accumulates */
	uint32_t ip_sum;     /* IPv4: sum of the image's header with length, id, tos, ttl zero */
};

struct chim_tmpl_in {
	struct rte_ether_addr src;
	struct rte_ether_addr dst;
	uint16_t vlan_id;      /* 0 = none */
	uint8_t user_priority; /* 0..7; a tag goes out when either is non-zero */
	uint8_t is_ip6;
	uint16_t mtu;
	uint8_t source[16];
	uint8_t destination[16];
};

/** Build a template. */
void chim_wire_tmpl_init(struct chim_tmpl *t, const struct chim_tmpl_in *in);

/* What one packet adds to the template. Host byte order. */
struct chim_hdr {
	uint16_t local_port;  /* network byte order */
	uint16_t remote_port; /* network byte order */
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd; /* as on the wire */
	uint8_t flags;
	uint8_t ttl;
	uint8_t tos;	       /* TOS or traffic class, ECN bits included */
	uint8_t user_priority; /* 802.1p of this connection; when non-zero a tag is added, or the
				* tag of the template gets it */
	uint8_t has_ts;
	uint8_t nb_sack;
	uint16_t ip_id;	     /* IPv4, 0x8000..0xFFFF */
	uint32_t flow_label; /* IPv6 */
	uint32_t tsval;
	uint32_t tsecr;
	struct chim_sack sack[CHIM_SACK_OUT];
};

/* Transmit offloads that the port does for us; the rest is done here. */
#define CHIM_TX_IP_CSUM	   0x1u
#define CHIM_TX_TCP_CSUM   0x2u
#define CHIM_TX_TSO	   0x4u
#define CHIM_TX_MULTI_SEGS 0x8u

/* Bytes of a TCP header without options, and what timestamps take (RFC 7323, appendix A). */
#define CHIM_TCP_LEN 20u
#define CHIM_TS_LEN  12u

/** SACK blocks that fit in a header. @return 3 with timestamps, 4 without. */
static inline uint8_t
chim_wire_max_sack(bool has_ts)
{
	return has_ts ? 3 : 4;
}

/** TCP header length these options make, bytes; SACK blocks that do not fit are not counted. */
static inline uint16_t
chim_wire_tcp_len(bool has_ts, uint8_t nb_sack)
{
	uint8_t nb = RTE_MIN(nb_sack, chim_wire_max_sack(has_ts));
	uint16_t ts = has_ts ? CHIM_TS_LEN : 0;
	uint16_t sack = nb > 0 ? (uint16_t)(4 + 8 * nb) : 0;

	return (uint16_t)(CHIM_TCP_LEN + ts + sack);
}

/**
 * Put L2, L3 and TCP headers in front of the payload that m already holds (needs headroom:
 * CHIM_HDR_MAX is always enough), and checksums: left to the port where offloads say so (ol_flags
 * and lengths are set), computed here where not, over all segments. A chain is left a chain: for a
 * port without CHIM_TX_MULTI_SEGS the caller brings one segment.
 *
 * @param tso_mss 0, or the segment size when the payload is more than one segment and offloads
 *   has CHIM_TX_TSO.
 */
void chim_wire_push(struct rte_mbuf *m, const struct chim_tmpl *t, const struct chim_hdr *h,
	uint32_t offloads, uint16_t tso_mss);

/**
 * Fill in checksums that the exception port or a hand-made frame left open, in software: the IPv4
 * header's, TCP's and UDP's. Frames that are none of these, or fragments, or not well formed, are
 * left as they are.
 */
void chim_wire_fix_checksums(struct rte_mbuf *m);

#endif /* CHIM_WIRE_H */
