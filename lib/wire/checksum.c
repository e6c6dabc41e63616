/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Internet checksums of frames: checking those of the wire, where the port did
 * not, and filling in those that were left open. Writing our own is in tmpl.c.
 */
#include <rte_udp.h>

#include "wire_internal.h"

uint16_t
wire_sum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t done = 0;
	uint32_t sum = 0;

	while (off >= m->data_len && m->next != NULL) {
		off -= m->data_len;
		m = m->next;
	}
	while (done < len && m != NULL) {
		uint32_t n = RTE_MIN(m->data_len - off, len - done);
		uint16_t part = rte_raw_cksum(wire_at(m, off), n);

		/* After an odd number of bytes the words of this segment lie one byte off. */
		sum += done & 1 ? rte_bswap16(part) : part;
		done += n;
		off = 0;
		m = m->next;
	}
	return wire_fold(sum);
}

bool
wire_is_ip4_sum_good(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	switch (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) {
	case RTE_MBUF_F_RX_IP_CKSUM_BAD:
		return false;
	case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
	case RTE_MBUF_F_RX_IP_CKSUM_NONE: /* not filled in, but the data is known good */
		return true;
	default:
		return rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) == UINT16_MAX;
	}
}

bool
wire_is_tcp_sum_good(const struct wire_frame *f, bool is_ip6)
{
	const void *ip = wire_at(f->m, f->l3_off);
	uint32_t sum;

	switch (f->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
	case RTE_MBUF_F_RX_L4_CKSUM_BAD:
		return false;
	case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
	case RTE_MBUF_F_RX_L4_CKSUM_NONE: /* not filled in, but the data is known good */
		return true;
	}
	sum = is_ip6 ? rte_ipv6_phdr_cksum(ip, 0) : rte_ipv4_phdr_cksum(ip, 0);
	sum += wire_sum_chain(f->m, f->l4_off, f->l4_len);
	return wire_fold(sum) == UINT16_MAX;
}

/* Header and payload of TCP or UDP, and where its checksum stands. */
struct open_sum {
	uint32_t l4_off;
	uint32_t l4_len;
	uint32_t pseudo;
	uint8_t proto;
};

static bool
is_tcp_or_udp(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/* @return false when it is neither, a fragment or not well formed. */
static bool
fix_ip4(struct rte_mbuf *m, uint32_t l3_off, struct open_sum *l4)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, l3_off);
	uint32_t total_len;
	uint8_t hdr_len;

	if (m->data_len < l3_off + sizeof(*ip))
		return false;
	hdr_len = rte_ipv4_hdr_len(ip);
	total_len = rte_be_to_cpu_16(ip->total_length);
	if (hdr_len < sizeof(*ip) || total_len < hdr_len || m->data_len < l3_off + hdr_len ||
		m->pkt_len < l3_off + total_len)
		return false;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	l4->l4_off = l3_off + hdr_len;
	l4->l4_len = total_len - hdr_len;
	l4->pseudo = rte_ipv4_phdr_cksum(ip, 0);
	l4->proto = ip->next_proto_id;
	return !wire_is_fragment(ip) && is_tcp_or_udp(l4->proto);
}

static bool
fix_ip6(struct rte_mbuf *m, uint32_t l3_off, struct open_sum *l4)
{
	const struct rte_ipv6_hdr *ip = wire_at(m, l3_off);

	/* Others before the pseudo header: DPDK shifts a large number into the sign. */
	if (m->data_len < l3_off + sizeof(*ip) || !is_tcp_or_udp(ip->proto))
		return false;
	l4->l4_off = l3_off + sizeof(*ip);
	l4->l4_len = rte_be_to_cpu_16(ip->payload_len);
	l4->pseudo = rte_ipv6_phdr_cksum(ip, 0);
	l4->proto = ip->proto;
	return m->pkt_len >= l4->l4_off + l4->l4_len;
}

static void
fix_l4(struct rte_mbuf *m, const struct open_sum *l4)
{
	bool is_udp = l4->proto == IPPROTO_UDP;
	uint32_t hdr_len = is_udp ? sizeof(struct rte_udp_hdr) : sizeof(struct rte_tcp_hdr);
	uint32_t at = is_udp ? offsetof(struct rte_udp_hdr, dgram_cksum)
			     : offsetof(struct rte_tcp_hdr, cksum);
	struct wire_be16 *cksum;

	if (l4->l4_len < hdr_len || m->data_len < l4->l4_off + hdr_len)
		return;
	cksum = rte_pktmbuf_mtod_offset(m, struct wire_be16 *, l4->l4_off + at);
	cksum->v = 0;
	cksum->v = (uint16_t)~wire_fold(l4->pseudo + wire_sum_chain(m, l4->l4_off, l4->l4_len));
	if (is_udp && cksum->v == 0) /* RFC 768: zero would mean none */
		cksum->v = UINT16_MAX;
}

void
chim_wire_fix_checksums(struct rte_mbuf *m)
{
	uint32_t l3_off = sizeof(struct rte_ether_hdr);
	struct open_sum l4;
	rte_be16_t type;

	if (m->data_len < l3_off + sizeof(struct rte_vlan_hdr))
		return;
	type = wire_load16(m, WIRE_TYPE_AT);
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		type = ((const struct rte_vlan_hdr *)wire_at(m, l3_off))->eth_proto;
		l3_off += sizeof(struct rte_vlan_hdr);
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && fix_ip4(m, l3_off, &l4))
		fix_l4(m, &l4);
	else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && fix_ip6(m, l3_off, &l4))
		fix_l4(m, &l4);
}
