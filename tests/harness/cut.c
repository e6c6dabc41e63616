/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A port with TSO and checksum offloads, by hand: see cut.h.
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "chim_io.h"
#include "chim_wire.h"
#include "cut.h"
#include "test.h"

/* Header fields of the segment that begins so many octets into the payload. */
static void
patch(struct rte_mbuf *s, const struct rte_mbuf *m, uint32_t off, uint32_t i, bool is_last)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(s, uint8_t *, m->l2_len);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + m->l3_len);
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)ip;
	struct rte_ipv6_hdr *ip6 = (struct rte_ipv6_hdr *)ip;
	uint32_t ip_len = s->pkt_len - m->l2_len;

	if (m->ol_flags & RTE_MBUF_F_TX_IPV6) {
		ip6->payload_len = rte_cpu_to_be_16((uint16_t)(ip_len - m->l3_len));
	} else {
		uint32_t id = rte_be_to_cpu_16(ip4->packet_id) + i;

		assert_in_range(id, 0x8000, UINT16_MAX);
		ip4->packet_id = rte_cpu_to_be_16((uint16_t)id);
		ip4->total_length = rte_cpu_to_be_16((uint16_t)ip_len);
	}
	tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + off);
	/* Ports differ in what they do about CWR: it must not be there. */
	assert_int_equal(tcp->tcp_flags & CHIM_CWR, 0);
	if (!is_last)
		tcp->tcp_flags &= ~(CHIM_FIN | CHIM_PSH);
}

static struct rte_mbuf *
piece(const struct rte_mbuf *m, uint32_t header, uint32_t off, uint32_t len)
{
	struct rte_mbuf *s = rte_pktmbuf_alloc(m->pool);
	uint8_t buf[UINT16_MAX];

	assert_non_null(s);
	*chim_nbl(s) = (struct chim_nbl){ 0 };
	s->ol_flags = 0;
	uint8_t *to = (uint8_t *)rte_pktmbuf_append(s, (uint16_t)(header + len));

	assert_non_null(to);
	memcpy(to, rte_pktmbuf_read(m, 0, header, buf), header);
	memcpy(to + header, rte_pktmbuf_read(m, header + off, len, buf), len);
	return s;
}

uint32_t
cut_frame(struct rte_mbuf *m, struct rte_mbuf **out)
{
	bool is_cut = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	uint32_t header = m->l2_len + m->l3_len + m->l4_len;
	uint32_t len = m->pkt_len - header;
	uint32_t nb = 0;

	if (!is_cut) {
		out[0] = piece(m, 0, 0, m->pkt_len);
		if (m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK)
			chim_wire_fix_checksums(out[0]);
		return 1;
	}
	assert_true(m->tso_segsz != 0 && len > m->tso_segsz);
	for (uint32_t off = 0; off < len; off += m->tso_segsz) {
		uint32_t part = RTE_MIN((uint32_t)m->tso_segsz, len - off);

		assert_true(nb < CUT_MAX);
		out[nb] = piece(m, header, off, part);
		patch(out[nb], m, off, nb, off + part == len);
		chim_wire_fix_checksums(out[nb++]);
	}
	return nb;
}

static uint64_t
l4_flag(bool is_good)
{
	return is_good ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static uint64_t
flags_of_ip4(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint16_t l4)
{
	if (ip->version_ihl != RTE_IPV4_VHL_DEF ||
		(uint32_t)rte_be_to_cpu_16(ip->total_length) + RTE_ETHER_HDR_LEN > m->pkt_len)
		return 0;
	if (rte_raw_cksum(ip, sizeof(*ip)) != 0xFFFF)
		return RTE_MBUF_F_RX_IP_CKSUM_BAD;
	if (ip->next_proto_id != IPPROTO_TCP)
		return RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	return RTE_MBUF_F_RX_IP_CKSUM_GOOD |
		l4_flag(rte_ipv4_udptcp_cksum_mbuf_verify(m, ip, l4) == 0);
}

static uint64_t
flags_of_ip6(const struct rte_mbuf *m, const struct rte_ipv6_hdr *ip, uint16_t l4)
{
	if ((uint32_t)rte_be_to_cpu_16(ip->payload_len) + l4 > m->pkt_len ||
		ip->proto != IPPROTO_TCP)
		return 0;
	return l4_flag(rte_ipv6_udptcp_cksum_mbuf_verify(m, ip, l4) == 0);
}

void
cut_check_sums(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const void *ip = eth + 1;

	m->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		m->ol_flags |= flags_of_ip4(m, ip, RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr));
	else if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		m->ol_flags |= flags_of_ip6(m, ip, RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv6_hdr));
}
