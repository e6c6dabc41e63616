/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * ICMP and ICMPv6 errors that quote a TCP segment sent from here. parse.c asks
 * for each frame that is IP but not TCP; when the quoted flow turns out to be
 * offloaded, the datapath reads the details.
 */
#include <rte_icmp.h>

#include "wire_internal.h"

#define ICMP_UNREACHABLE       3u
#define ICMP_FRAG_NEEDED       4u /* code of ICMP_UNREACHABLE */
#define ICMP_TIME_EXCEEDED     11u
#define ICMP_PARAMETER_PROBLEM 12u

#define ICMP6_PROTO		58u
#define ICMP6_UNREACHABLE	1u
#define ICMP6_TOO_BIG		2u
#define ICMP6_PARAMETER_PROBLEM 4u

/* ICMP and ICMPv6 errors begin alike: type, code, checksum, four bytes, then the quoted packet. */
#define ICMP_ERROR_LEN ((uint32_t)sizeof(struct rte_icmp_hdr))

/* Ports and sequence number: the least that is quoted (RFC 792). */
#define QUOTED_TCP_LEN 8u

static bool
is_error(const struct wire_frame *f, bool is_ip6, uint8_t type)
{
	if (is_ip6)
		return f->l4_proto == ICMP6_PROTO && type >= ICMP6_UNREACHABLE &&
			type <= ICMP6_PARAMETER_PROBLEM;
	return f->l4_proto == IPPROTO_ICMP &&
		(type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
			type == ICMP_PARAMETER_PROBLEM);
}

static bool
is_sum_good(const struct wire_frame *f, bool is_ip6)
{
	uint32_t sum = wire_sum_chain(f->m, f->l4_off, f->l4_len);

	if (is_ip6)
		sum += rte_ipv6_phdr_cksum(wire_at(f->m, f->l3_off), 0);
	return wire_fold(sum) == UINT16_MAX;
}

/*
 * The quoted IP header. Ours have no options and are never fragments, so one that has is somebody
 * else's. @return bytes up to the quoted TCP header, 0 when it quotes nothing of ours.
 */
static uint32_t
quoted_ip4_len(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	if (len < sizeof(*ip) + QUOTED_TCP_LEN || ip->version_ihl != RTE_IPV4_VHL_DEF)
		return 0;
	if (ip->next_proto_id != IPPROTO_TCP || wire_is_fragment(ip))
		return 0;
	return sizeof(*ip);
}

static uint32_t
quoted_ip6_len(const struct rte_ipv6_hdr *ip, uint32_t len)
{
	if (len < sizeof(*ip) + QUOTED_TCP_LEN || ip->proto != IPPROTO_TCP)
		return 0;
	return rte_be_to_cpu_32(ip->vtc_flow) >> 28 == 6 ? sizeof(*ip) : 0;
}

static void
take_quoted_key(const struct wire_frame *f, const struct chim_seg *seg, union chim_key *key)
{
	const void *ip = wire_at(f->m, seg->tcp_off + ICMP_ERROR_LEN);
	const struct rte_tcp_hdr *tcp = wire_at(f->m, seg->payload_off);

	if (seg->info & CHIM_SEG_IP6) {
		wire_key_ip6(ip, tcp, true, &key->v6);
		key->v6.port_number = f->port_number;
	} else {
		wire_key_ip4(ip, tcp, true, &key->v4);
		key->v4.port_number = f->port_number;
	}
}

void
wire_parse_icmp(const struct wire_frame *f, struct chim_seg *seg, union chim_key *key)
{
	const struct rte_icmp_hdr *icmp = wire_at(f->m, f->l4_off);
	uint32_t len = RTE_MIN((uint32_t)f->m->data_len - f->l4_off, f->l4_len);
	bool is_ip6 = seg->info & CHIM_SEG_IP6;
	const struct rte_tcp_hdr *tcp;
	uint32_t ip_len;

	if (len < ICMP_ERROR_LEN || !is_error(f, is_ip6, icmp->icmp_type))
		return;
	len -= ICMP_ERROR_LEN;
	ip_len = is_ip6 ? quoted_ip6_len((const void *)(icmp + 1), len)
			: quoted_ip4_len((const void *)(icmp + 1), len);
	if (ip_len == 0 || !is_sum_good(f, is_ip6))
		return;
	tcp = wire_at(f->m, f->l4_off + ICMP_ERROR_LEN + ip_len);
	seg->tcp_off = (uint8_t)f->l4_off;
	seg->payload_off = (uint16_t)(f->l4_off + ICMP_ERROR_LEN + ip_len);
	seg->seq = rte_be_to_cpu_32(tcp->sent_seq);
	take_quoted_key(f, seg, key);
	seg->info |= CHIM_SEG_LOOKUP;
}

static uint32_t
told_mtu(const struct rte_icmp_hdr *icmp, bool is_ip6)
{
	if (is_ip6 && icmp->icmp_type == ICMP6_TOO_BIG)
		return (uint32_t)rte_be_to_cpu_16(icmp->icmp_ident) << 16 |
			rte_be_to_cpu_16(icmp->icmp_seq_nb);
	if (!is_ip6 && icmp->icmp_type == ICMP_UNREACHABLE && icmp->icmp_code == ICMP_FRAG_NEEDED)
		return rte_be_to_cpu_16(icmp->icmp_seq_nb);
	return 0;
}

bool
chim_wire_parse_icmp_quote(
	const struct rte_mbuf *m, const struct chim_seg *seg, struct chim_icmp_quote *quote)
{
	const struct rte_icmp_hdr *icmp = wire_at(m, seg->tcp_off);
	bool is_ip6 = seg->info & CHIM_SEG_IP6;
	const struct rte_ipv4_hdr *ip4 = wire_at(m, seg->tcp_off + ICMP_ERROR_LEN);
	const struct rte_ipv6_hdr *ip6 = wire_at(m, seg->tcp_off + ICMP_ERROR_LEN);

	if (seg->why != CHIM_WHY_NOT_TCP || !(seg->info & CHIM_SEG_LOOKUP))
		return false;
	quote->seq = seg->seq;
	quote->type = icmp->icmp_type;
	quote->code = icmp->icmp_code;
	quote->mtu = told_mtu(icmp, is_ip6);
	quote->quoted_len = is_ip6 ? (uint16_t)(rte_be_to_cpu_16(ip6->payload_len) + sizeof(*ip6))
				   : rte_be_to_cpu_16(ip4->total_length);
	return true;
}
