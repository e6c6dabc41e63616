/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which segments a rebuilt socket must see, and how they look on the wire.
 * Each repeats what the peer has said before, so the kernel's answer, if any,
 * is nothing the peer needs: the flow is still held and the answer dropped.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "chim_seq.h"
#include "kernel_frames.h"

#define TTL	   64
#define TS_BYTES   12 /* two no-operations, kind 8, length 10, two values (RFC 7323, A) */
#define TCP_HEADER 20

static struct kernel_frame
pure_ack(const struct kernel_sock_state *st, uint32_t seq)
{
	uint32_t wnd = st->window.snd_wnd >> st->snd_wscale;

	return (struct kernel_frame){
		.seq = seq,
		.ack = st->snd_una,
		.wnd = wnd > UINT16_MAX ? UINT16_MAX : (uint16_t)wnd,
		.flags = RTE_TCP_ACK_FLAG,
		.has_ts = st->has_ts && st->has_ts_recent,
		.tsval = st->ts_recent,
		.tsecr = st->ts_val,
	};
}

struct kernel_frame
kernel_frame_question(const struct kernel_sock_state *st)
{
	struct kernel_frame f = pure_ack(st, st->window.rcv_wup - 1);

	f.has_ts = false; /* whatever it said could be taken for the peer's */
	return f;
}

unsigned int
kernel_frames_plan(const struct kernel_sock_state *st, struct kernel_frame *out)
{
	bool has_peer_fin = kernel_sock_has_peer_fin(st->state);
	uint32_t rcv_end = st->rcv_nxt - (has_peer_fin ? 1 : 0);
	unsigned int n = 0;

	/* At or before the last acknowledgment sent, else ts_recent is not taken (RFC 7323, 4.3).
	 */
	if (kernel_sock_is_fin_acked(st->state) || (st->has_ts && st->has_ts_recent))
		out[n++] = pure_ack(st, chim_seq_min(st->window.rcv_wup, rcv_end));
	if (has_peer_fin) {
		out[n] = pure_ack(st, rcv_end);
		out[n].flags |= RTE_TCP_FIN_FLAG;
		n++;
	}
	return n;
}

static uint8_t *
write_ether(uint8_t *at, const struct kernel_link *l, uint16_t type)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)at;
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(eth + 1);

	memcpy(&eth->dst_addr, l->dst, 6);
	memcpy(&eth->src_addr, l->src, 6);
	eth->ether_type = rte_cpu_to_be_16(type);
	if (l->vlan_id == 0)
		return at + sizeof(*eth);
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = rte_cpu_to_be_16(l->vlan_id);
	tag->eth_proto = rte_cpu_to_be_16(type);
	return at + sizeof(*eth) + sizeof(*tag);
}

/* Without checksum, which needs the IP header. */
static uint16_t
write_tcp(uint8_t *at, const struct chim_tuple *t, const struct kernel_frame *f)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)at;
	uint16_t len = TCP_HEADER + (f->has_ts ? TS_BYTES : 0);
	uint32_t words[3] = { rte_cpu_to_be_32(0x0101080a), rte_cpu_to_be_32(f->tsval),
		rte_cpu_to_be_32(f->tsecr) };

	*tcp = (struct rte_tcp_hdr){
		.src_port = t->remote_port,
		.dst_port = t->local_port,
		.sent_seq = rte_cpu_to_be_32(f->seq),
		.recv_ack = rte_cpu_to_be_32(f->ack),
		.data_off = (uint8_t)(len / 4 << 4),
		.tcp_flags = f->flags,
		.rx_win = rte_cpu_to_be_16(f->wnd),
	};
	if (f->has_ts)
		memcpy(at + TCP_HEADER, words, sizeof(words));
	return len;
}

static uint16_t
write_ip4(uint8_t *at, const struct chim_tuple *t, const struct kernel_frame *f)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + sizeof(*ip));
	uint16_t len = sizeof(*ip) + write_tcp((uint8_t *)tcp, t, f);

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(len),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_TCP,
	};
	memcpy(&ip->src_addr, t->remote_addr, 4);
	memcpy(&ip->dst_addr, t->local_addr, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	return len;
}

static uint16_t
write_ip6(uint8_t *at, const struct chim_tuple *t, const struct kernel_frame *f)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + sizeof(*ip));
	uint16_t len = write_tcp((uint8_t *)tcp, t, f);

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16(len),
		.proto = IPPROTO_TCP,
		.hop_limits = TTL,
	};
	memcpy(&ip->src_addr, t->remote_addr, 16);
	memcpy(&ip->dst_addr, t->local_addr, 16);
	tcp->cksum = rte_ipv6_udptcp_cksum(ip, tcp);
	return sizeof(*ip) + len;
}

uint16_t
kernel_frame_write(uint8_t *at, const struct kernel_link *l, const struct chim_tuple *t,
	const struct kernel_frame *f)
{
	bool is_ip4 = t->family == CHIM_AF_INET;
	uint8_t *ip = write_ether(at, l, is_ip4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	uint16_t len = is_ip4 ? write_ip4(ip, t, f) : write_ip6(ip, t, f);

	return (uint16_t)(ip - at) + len;
}
