/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Headers out: a template for each path, built when the path changes, and the
 * push of one packet's headers in front of its payload. The sums over what
 * never changes are in the template, so a header checksum is a few additions.
 *
 * Order of a push: room, L2 (with the connection's tag), L3, TCP, checksums.
 */
#include <string.h>

#include "wire_internal.h"

#define TAG_LEN	      ((uint32_t)sizeof(struct rte_vlan_hdr))
#define TAG_AT	      (2u * RTE_ETHER_ADDR_LEN) /* a tag stands behind the two addresses */
#define TAG_PCP_SHIFT 13

static rte_be16_t
tag_tci(uint16_t vlan_id, uint8_t user_priority)
{
	/* CFI is always 0 (specification, 11.3). */
	return rte_cpu_to_be_16(
		(uint16_t)((user_priority & 7u) << TAG_PCP_SHIFT | (vlan_id & 0xFFFu)));
}

static void
build_l2(struct chim_tmpl *t, const struct chim_tmpl_in *in)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)t->image;
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(eth + 1);
	rte_be16_t type =
		in->is_ip6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);

	eth->src_addr = in->src;
	eth->dst_addr = in->dst;
	eth->ether_type = type;
	t->l2_len = sizeof(*eth);
	t->has_vlan = in->vlan_id != 0 || in->user_priority != 0;
	if (!t->has_vlan)
		return;
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = tag_tci(in->vlan_id, in->user_priority);
	tag->eth_proto = type;
	t->l2_len += TAG_LEN;
}

static void
build_ip4(struct chim_tmpl *t, const struct chim_tmpl_in *in)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(t->image + t->l2_len);

	t->l3_len = sizeof(*ip);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->next_proto_id = IPPROTO_TCP;
	memcpy(&ip->src_addr, in->source, sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, in->destination, sizeof(ip->dst_addr));
	t->ip_sum = rte_raw_cksum(ip, sizeof(*ip));
	/* rte_ipv4_phdr_cksum() with a length of 0 behind the header. */
	ip->total_length = RTE_BE16(sizeof(*ip));
	t->pseudo_sum = rte_ipv4_phdr_cksum(ip, 0);
	ip->total_length = 0;
}

static void
build_ip6(struct chim_tmpl *t, const struct chim_tmpl_in *in)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(t->image + t->l2_len);

	t->l3_len = sizeof(*ip);
	ip->proto = IPPROTO_TCP;
	memcpy(ip->src_addr, in->source, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, in->destination, sizeof(ip->dst_addr));
	t->pseudo_sum = rte_ipv6_phdr_cksum(ip, 0);
}

void
chim_wire_tmpl_init(struct chim_tmpl *t, const struct chim_tmpl_in *in)
{
	memset(t, 0, sizeof(*t));
	t->is_ip6 = in->is_ip6;
	t->mtu = in->mtu;
	build_l2(t, in);
	if (in->is_ip6)
		build_ip6(t, in);
	else
		build_ip4(t, in);
}

/*
 * The least headers of a frame are longer than this, those of IPv6 than the whole image: copies of
 * a constant size take nothing of the payload behind them.
 */
#define IMAGE_FIRST 48u
_Static_assert(IMAGE_FIRST >= sizeof(struct rte_ether_hdr) + TAG_LEN + sizeof(struct rte_ipv4_hdr),
	"all of IPv4");
_Static_assert(IMAGE_FIRST <= sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) +
			sizeof(struct rte_tcp_hdr),
	"no payload");

static void
copy_image(uint8_t *p, const struct chim_tmpl *t)
{
	memcpy(p, t->image, IMAGE_FIRST);
	if (t->is_ip6)
		memcpy(p + IMAGE_FIRST, t->image + IMAGE_FIRST, CHIM_TMPL_MAX - IMAGE_FIRST);
}

/* The tag of a connection with a priority, in the header at p, which has room for it. */
static void
push_tag(uint8_t *p, const struct chim_tmpl *t, const struct chim_hdr *h)
{
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(p + sizeof(struct rte_ether_hdr));
	struct wire_be16 *type = (struct wire_be16 *)(p + WIRE_TYPE_AT);

	if (t->has_vlan) {
		tag->vlan_tci = tag_tci(rte_be_to_cpu_16(tag->vlan_tci), h->user_priority);
		return;
	}
	/* The image lies behind the tag, so its type stands where the tag's is to be. */
	memcpy(p, t->image, TAG_AT);
	type->v = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = tag_tci(0, h->user_priority);
}

/* The L2 header of l2_len at p, which may be an odd address, and what is constant of L3. */
static void
push_l2(uint8_t *p, const struct chim_tmpl *t, const struct chim_hdr *h, uint32_t l2_len)
{
	copy_image(p + (l2_len - t->l2_len), t);
	if (h->user_priority != 0)
		push_tag(p, t, h);
}

/*
 * What varies of the header at p. l4_len: TCP header and payload. The header checksum is left to
 * the port when by_port.
 */
static void
push_ip4(uint8_t *p, const struct chim_tmpl *t, const struct chim_hdr *h, uint32_t l4_len,
	bool by_port)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)p;
	uint32_t sum;

	ip->type_of_service = h->tos;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_len));
	ip->packet_id = rte_cpu_to_be_16(h->ip_id);
	ip->time_to_live = h->ttl;
	if (by_port)
		return;
	/* Version and protocol share their words with tos and ttl, and are in the seed. */
	sum = t->ip_sum + rte_cpu_to_be_16(h->tos) + ip->total_length + ip->packet_id +
		rte_cpu_to_be_16((uint16_t)(h->ttl << 8));
	ip->hdr_checksum = (uint16_t)~wire_fold(sum);
}

static void
push_ip6(uint8_t *p, const struct chim_hdr *h, uint32_t l4_len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)p;

	ip->vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)h->tos << RTE_IPV6_HDR_TC_SHIFT |
		(h->flow_label & RTE_IPV6_HDR_FL_MASK));
	ip->payload_len = rte_cpu_to_be_16((uint16_t)l4_len);
	ip->hop_limits = h->ttl;
}

/* Its checksum is 0 as yet. */
static void
push_tcp(uint8_t *p, const struct chim_hdr *h, uint16_t tcp_len)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)p;

	if (tcp_len != sizeof(*tcp))
		wire_options_write(p + sizeof(*tcp), h);
	tcp->src_port = h->local_port;
	tcp->dst_port = h->remote_port;
	tcp->sent_seq = rte_cpu_to_be_32(h->seq);
	tcp->recv_ack = rte_cpu_to_be_32(h->ack);
	tcp->data_off = (uint8_t)(tcp_len / 4 << 4);
	tcp->tcp_flags = h->flags;
	tcp->rx_win = rte_cpu_to_be_16(h->wnd);
	tcp->cksum = 0;
	tcp->tcp_urp = 0;
}

/* What the port is to do, as ol_flags say it. */
static uint64_t
port_flags(const struct chim_tmpl *t, uint32_t offloads, uint16_t tso_mss)
{
	uint64_t flags = t->is_ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;

	if ((offloads & (CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM | CHIM_TX_TSO)) == 0)
		return 0;
	if (!t->is_ip6 && (offloads & CHIM_TX_IP_CSUM))
		flags |= RTE_MBUF_F_TX_IP_CKSUM;
	if (tso_mss != 0)
		flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
	else if (offloads & CHIM_TX_TCP_CSUM)
		flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	return flags;
}

/*
 * The checksum field: for a port that fills it in the pseudo header's sum, without the length for
 * segmentation, as ethdev wants it.
 */
static uint16_t
tcp_sum(const struct rte_mbuf *m, const struct chim_tmpl *t, uint32_t tcp_off, uint32_t l4_len,
	uint64_t flags)
{
	uint32_t pseudo = t->pseudo_sum;

	if (!(flags & RTE_MBUF_F_TX_TCP_SEG))
		pseudo += rte_cpu_to_be_16((uint16_t)l4_len);
	if (flags & RTE_MBUF_F_TX_L4_MASK)
		return wire_fold(pseudo);
	return (uint16_t)~wire_fold(pseudo + wire_sum_chain(m, tcp_off, l4_len));
}

void
chim_wire_push(struct rte_mbuf *m, const struct chim_tmpl *t, const struct chim_hdr *h,
	uint32_t offloads, uint16_t tso_mss)
{
	uint32_t tag_len = h->user_priority != 0 && !t->has_vlan ? TAG_LEN : 0;
	uint32_t l2_len = t->l2_len + tag_len;
	uint32_t tcp_off = l2_len + t->l3_len;
	uint16_t tcp_len = chim_wire_tcp_len(h->has_ts, h->nb_sack);
	uint32_t l4_len = m->pkt_len + tcp_len;
	uint64_t flags = port_flags(t, offloads, tso_mss);
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(tcp_off + tcp_len));

	chim_assert(p != NULL);
	m->ol_flags = (m->ol_flags & ~RTE_MBUF_F_TX_OFFLOAD_MASK) | flags;
	m->tx_offload = rte_mbuf_tx_offload(l2_len, t->l3_len, tcp_len, tso_mss, 0, 0, 0);
	push_l2(p, t, h, l2_len);
	if (t->is_ip6)
		push_ip6(p + l2_len, h, l4_len);
	else
		push_ip4(p + l2_len, t, h, l4_len, offloads & CHIM_TX_IP_CSUM);
	push_tcp(p + tcp_off, h, tcp_len);
	((struct rte_tcp_hdr *)(p + tcp_off))->cksum = tcp_sum(m, t, tcp_off, l4_len, flags);
}
