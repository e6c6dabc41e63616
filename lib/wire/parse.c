/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a frame is: the checks of each layer in the order they stand in the
 * frame, then the key. The first check that fails gives the reason why the
 * frame leaves the straight path; nothing behind it is read.
 *
 * Called once for each burst, by the wire's and the kernel's receive stages.
 */
#include <rte_prefetch.h>

#include "wire_internal.h"

#define IP6_HOP_BY_HOP	0u
#define IP6_ROUTING	43u
#define IP6_FRAGMENT	44u
#define IP6_AUTH	51u
#define IP6_DESTINATION 60u
#define IP6_MOBILITY	135u
#define IP6_HIP		139u
#define IP6_SHIM6	140u

/* See parse_plain(). */
#define PLAIN_MASK                                                                                 \
	(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_VLAN_STRIPPED | \
		RTE_MBUF_F_RX_QINQ_STRIPPED)
#define PLAIN_FLAGS (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)
#define PLAIN_L4_AT (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr))

#define ECN_MASK 0x3u
#define ECN_CE	 0x3u

/* One tag at most, in the frame or stripped by the port; frames with two are the kernel's. */
static enum chim_why
check_ethernet(struct wire_frame *f, struct chim_seg *seg)
{
	const struct rte_vlan_hdr *tag = wire_at(f->m, sizeof(struct rte_ether_hdr));
	rte_be16_t type;

	f->l3_off = sizeof(struct rte_ether_hdr);
	if (f->m->data_len < f->l3_off || (f->m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED))
		return CHIM_WHY_NOT_IP;
	f->is_link_group = *(const uint8_t *)wire_at(f->m, 0) & RTE_ETHER_GROUP_ADDR;
	type = wire_load16(f->m, WIRE_TYPE_AT);
	if (f->m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
		seg->vlan = f->m->vlan_tci;
		seg->info |= CHIM_SEG_VLAN;
	} else if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		if (f->m->data_len < f->l3_off + sizeof(*tag))
			return CHIM_WHY_NOT_IP;
		seg->vlan = rte_be_to_cpu_16(tag->vlan_tci);
		seg->info |= CHIM_SEG_VLAN;
		type = tag->eth_proto;
		f->l3_off += sizeof(*tag);
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return CHIM_WHY_NONE;
	if (type != RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return CHIM_WHY_NOT_IP;
	seg->info |= CHIM_SEG_IP6;
	return CHIM_WHY_NONE;
}

static void
take_ecn(uint8_t tos, struct chim_seg *seg)
{
	if ((tos & ECN_MASK) != 0)
		seg->info |= CHIM_SEG_ECT;
	if ((tos & ECN_MASK) == ECN_CE)
		seg->info |= CHIM_SEG_CE;
}

static enum chim_why
check_ip4(struct wire_frame *f, struct chim_seg *seg)
{
	const struct rte_ipv4_hdr *ip = wire_at(f->m, f->l3_off);
	uint16_t total_len;
	uint8_t hdr_len;

	if (f->m->data_len < f->l3_off + sizeof(*ip))
		return CHIM_WHY_BAD_IP_HEADER;
	hdr_len = rte_ipv4_hdr_len(ip);
	total_len = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || hdr_len < sizeof(*ip) || total_len < hdr_len ||
		f->m->data_len < f->l3_off + hdr_len)
		return CHIM_WHY_BAD_IP_HEADER;
	if (f->m->pkt_len < (uint32_t)f->l3_off + total_len)
		return CHIM_WHY_TRUNCATED;
	if (f->side == CHIM_SIDE_WIRE && !wire_is_ip4_sum_good(f->m, ip))
		return CHIM_WHY_BAD_IP_CHECKSUM;
	f->l4_off = f->l3_off + hdr_len;
	f->l4_len = total_len - hdr_len;
	f->l4_proto = ip->next_proto_id;
	if (wire_is_fragment(ip))
		return CHIM_WHY_FRAGMENT;
	if (f->l4_proto != IPPROTO_TCP)
		return CHIM_WHY_NOT_TCP;
	if (hdr_len != sizeof(*ip))
		return CHIM_WHY_IP_OPTIONS;
	seg->ttl = ip->time_to_live;
	take_ecn(ip->type_of_service, seg);
	return CHIM_WHY_NONE;
}

static enum chim_why
why_not_tcp6(uint8_t proto)
{
	switch (proto) {
	case IP6_FRAGMENT:
		return CHIM_WHY_FRAGMENT;
	case IP6_HOP_BY_HOP:
	case IP6_ROUTING:
	case IP6_AUTH:
	case IP6_DESTINATION:
	case IP6_MOBILITY:
	case IP6_HIP:
	case IP6_SHIM6:
		return CHIM_WHY_IP_OPTIONS;
	default:
		return CHIM_WHY_NOT_TCP;
	}
}

static enum chim_why
check_ip6(struct wire_frame *f, struct chim_seg *seg)
{
	const struct rte_ipv6_hdr *ip = wire_at(f->m, f->l3_off);
	uint32_t vtc_flow;

	if (f->m->data_len < f->l3_off + sizeof(*ip))
		return CHIM_WHY_BAD_IP_HEADER;
	vtc_flow = rte_be_to_cpu_32(ip->vtc_flow);
	if (vtc_flow >> 28 != 6)
		return CHIM_WHY_BAD_IP_HEADER;
	f->l4_off = f->l3_off + sizeof(*ip);
	f->l4_len = rte_be_to_cpu_16(ip->payload_len);
	f->l4_proto = ip->proto;
	if (f->m->pkt_len < (uint32_t)f->l4_off + f->l4_len)
		return CHIM_WHY_TRUNCATED;
	if (ip->proto != IPPROTO_TCP)
		return why_not_tcp6(ip->proto);
	seg->ttl = ip->hop_limits;
	take_ecn((uint8_t)(vtc_flow >> RTE_IPV6_HDR_TC_SHIFT), seg);
	return CHIM_WHY_NONE;
}

/*
 * first_len: bytes from its start to the end of the first segment; l4_len: of header and payload
 * together. @return false when it is not well formed.
 */
static __rte_always_inline bool
read_tcp(const struct rte_tcp_hdr *tcp, uint32_t first_len, uint32_t l4_len, struct chim_seg *seg)
{
	uint32_t most = RTE_MIN(first_len, l4_len);
	uint32_t hdr_len;

	if (most < sizeof(*tcp))
		return false;
	hdr_len = (tcp->data_off >> 4) * 4u;
	if (hdr_len < sizeof(*tcp) || hdr_len > most || l4_len - hdr_len > UINT16_MAX)
		return false;
	seg->seq = rte_be_to_cpu_32(tcp->sent_seq);
	seg->ack = rte_be_to_cpu_32(tcp->recv_ack);
	seg->wnd = rte_be_to_cpu_16(tcp->rx_win);
	seg->urgent = rte_be_to_cpu_16(tcp->tcp_urp);
	seg->flags = tcp->tcp_flags;
	seg->len = (uint16_t)(l4_len - hdr_len);
	seg->payload_off = (uint16_t)(seg->tcp_off + hdr_len);
	if (hdr_len > sizeof(*tcp))
		wire_options_parse((const uint8_t *)(tcp + 1), hdr_len - sizeof(*tcp), seg);
	return true;
}

static enum chim_why
check_tcp(struct wire_frame *f, struct chim_seg *seg)
{
	uint32_t first_len = f->m->data_len - f->l4_off;

	seg->tcp_off = (uint8_t)f->l4_off;
	if (!read_tcp(wire_at(f->m, f->l4_off), first_len, f->l4_len, seg))
		return CHIM_WHY_BAD_TCP_HEADER;
	if (f->side == CHIM_SIDE_KERNEL)
		return CHIM_WHY_NONE;
	if (!wire_is_tcp_sum_good(f, seg->info & CHIM_SEG_IP6))
		return CHIM_WHY_BAD_TCP_CHECKSUM;
	seg->info |= CHIM_SEG_CSUM_OK;
	/* RFC 1122, 4.2.3.10; what the kernel sends may go to a group address (clusters do that).
	 */
	return f->is_link_group ? CHIM_WHY_MISS : CHIM_WHY_NONE;
}

static void
take_key(const struct wire_frame *f, struct chim_seg *seg, union chim_key *key)
{
	const struct rte_tcp_hdr *tcp = wire_at(f->m, f->l4_off);
	const void *ip = wire_at(f->m, f->l3_off);
	bool is_local_src = f->side == CHIM_SIDE_KERNEL;

	if (seg->info & CHIM_SEG_IP6) {
		wire_key_ip6(ip, tcp, is_local_src, &key->v6);
		key->v6.port_number = f->port_number;
	} else {
		wire_key_ip4(ip, tcp, is_local_src, &key->v4);
		key->v4.port_number = f->port_number;
	}
	seg->info |= CHIM_SEG_LOOKUP;
}

/*
 * Nearly every frame at once: from the wire, untagged, IPv4 without options, TCP, both checksums
 * found good by the port. What is not so, or not well formed, is for the checks of each layer.
 */
static __rte_always_inline bool
parse_plain(const struct rte_mbuf *m, struct chim_seg *seg, union chim_key *key)
{
	const struct rte_ipv4_hdr *ip = wire_at(m, sizeof(struct rte_ether_hdr));
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
	uint32_t first_len = m->data_len - PLAIN_L4_AT;
	uint32_t total_len;

	if ((m->ol_flags & PLAIN_MASK) != PLAIN_FLAGS || m->data_len < PLAIN_L4_AT + sizeof(*tcp))
		return false;
	if ((*(const uint8_t *)wire_at(m, 0) & RTE_ETHER_GROUP_ADDR) != 0 ||
		wire_load16(m, WIRE_TYPE_AT) != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		ip->version_ihl != RTE_IPV4_VHL_DEF || ip->next_proto_id != IPPROTO_TCP ||
		wire_is_fragment(ip))
		return false;
	total_len = rte_be_to_cpu_16(ip->total_length);
	if (total_len < sizeof(*ip) || m->pkt_len < sizeof(struct rte_ether_hdr) + total_len)
		return false;
	seg->tcp_off = PLAIN_L4_AT;
	if (!read_tcp(tcp, first_len, total_len - sizeof(*ip), seg))
		return false;
	seg->info |= CHIM_SEG_CSUM_OK | CHIM_SEG_LOOKUP;
	seg->ttl = ip->time_to_live;
	take_ecn(ip->type_of_service, seg);
	wire_key_ip4(ip, tcp, false, &key->v4);
	return true;
}

static void
parse_frame(struct wire_frame *f, struct chim_seg *seg, union chim_key *key)
{
	enum chim_why why = check_ethernet(f, seg);

	if (why == CHIM_WHY_NONE)
		why = seg->info & CHIM_SEG_IP6 ? check_ip6(f, seg) : check_ip4(f, seg);
	if (why == CHIM_WHY_NONE)
		why = check_tcp(f, seg);
	if (why == CHIM_WHY_NONE)
		take_key(f, seg, key);
	else if (why == CHIM_WHY_NOT_TCP && f->side == CHIM_SIDE_WIRE && !f->is_link_group)
		wire_parse_icmp(f, seg, key);
	seg->why = (uint8_t)why;
}

static void
warm(const struct chim_burst *b, uint32_t i)
{
	if (i < b->nb)
		rte_prefetch0(rte_pktmbuf_mtod(b->m[i], const void *));
}

void
chim_wire_parse_burst(struct chim_burst *b, enum chim_side side)
{
	for (uint32_t i = 0; i < RTE_MIN(CHIM_AHEAD, b->nb); i++)
		warm(b, i);
	for (uint32_t i = 0; i < b->nb; i++) {
		warm(b, i + CHIM_AHEAD);
		b->seg[i] = (struct chim_seg){ 0 };
		if (side == CHIM_SIDE_WIRE && parse_plain(b->m[i], &b->seg[i], &b->key[i])) {
			b->key[i].v4.port_number = b->port_number;
			continue;
		}
		struct wire_frame f = { .m = b->m[i], .side = side, .port_number = b->port_number };

		b->seg[i] = (struct chim_seg){ 0 };
		parse_frame(&f, &b->seg[i], &b->key[i]);
	}
}

enum chim_why
chim_wire_parse_tcp(const struct rte_mbuf *m, struct chim_seg *seg)
{
	*seg = (struct chim_seg){ 0 };
	if (!read_tcp(wire_at(m, 0), m->data_len, m->pkt_len, seg))
		seg->why = CHIM_WHY_BAD_TCP_HEADER;
	return (enum chim_why)seg->why;
}
