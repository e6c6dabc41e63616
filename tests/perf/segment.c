/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The worker that is fed by hand, on the harness of the datapath's tests.
 */
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "chim_handle.h"
#include "segment.h"
#include "worker.h"

#define NB_MBUFS     16383u
#define MBUF_CACHE   256u
#define HOST_ENTRIES 4096u
#define RING_FRAMES  4095u
#define WSCALE	     7u
#define WINDOW	     (4u << 20)
#define PORTS	     65536u /* connections of an address of the peer's */
#define TURN_US	     100u

static const uint8_t rss_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

uint32_t
segment_below(struct segment_bed *s, uint32_t n)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (uint32_t)((s->random * 2685821657736338717ull >> 32) * n >> 32);
}

/* ---- set-up ---- */

static struct chim_tuple
tuple_of(const struct segment_bed *s, uint32_t flow)
{
	struct chim_tuple t = rings_tuple((uint16_t)flow);

	t.remote_addr[2] = (uint8_t)(flow / PORTS);
	if (s->is_ip6) {
		t.family = CHIM_AF_INET6;
		t.local_addr[15] = 1;
		t.remote_addr[15] = 2;
	}
	return t;
}

void
segment_key(const struct segment_bed *s, uint32_t flow, union chim_key *key)
{
	struct chim_tuple t = tuple_of(s, flow);

	chim_wire_key(&t, key);
}

static void
set_paths(struct segment_bed *s)
{
	for (uint32_t i = 0; i <= (s->nb - 1) / PORTS; i++) {
		struct chim_msg *msg = rings_msg(&s->r, CHIM_MSG_PATH_SET);
		struct chim_tuple t = tuple_of(s, i * PORTS);

		msg->path = (struct chim_msg_path){ .index = i, .mtu = 1500, .is_ip6 = s->is_ip6 };
		memcpy(msg->path.source, t.local_addr, sizeof(t.local_addr));
		memcpy(msg->path.destination, t.remote_addr, sizeof(t.remote_addr));
		assert_int_equal(rings_call(&s->r, 0, msg), CHIM_STATUS_SUCCESS);
	}
}

static void
install(struct segment_bed *s, uint32_t flow)
{
	struct chim_msg *msg = rings_install_msg(&s->r, (uint16_t)flow);
	union chim_key key;

	msg->tcp.path = flow / PORTS;
	msg->tcp.tuple = tuple_of(s, flow);
	msg->tcp.tcp_const.flags = CHIM_TCP_WINDOW_SCALING_ENABLED | CHIM_TCP_SACK_ENABLED;
	msg->tcp.tcp_const.snd_wind_scale = WSCALE;
	msg->tcp.tcp_const.rcv_wind_scale = WSCALE;
	msg->tcp.cached.initial_rcv_wnd = WINDOW;
	msg->tcp.delegated.rcv_wnd = WINDOW;
	msg->tcp.delegated.snd_wnd = WINDOW;
	msg->tcp.delegated.max_snd_wnd = WINDOW;
	msg->tcp.delegated.cwnd = WINDOW;
	assert_int_equal(rings_call(&s->r, 0, msg), CHIM_STATUS_SUCCESS);
	chim_wire_key(&msg->tcp.tuple, &key);
	s->peer[flow].handle = msg->handle;
	s->peer[flow].hash = chim_wire_rss_hash(&key, s->is_ip6, rss_key);
}

bool
segment_up(struct segment_bed *s, uint32_t nb, bool is_ip6)
{
	*s = (struct segment_bed){ .nb = nb, .is_ip6 = is_ip6, .random = 88172645463325252ull };
	s->peer = calloc(nb, sizeof(*s->peer));
	if (s->peer == NULL)
		return false;
	rings_up(&s->r,
		&(struct rings_opts){
			.max_connections = nb,
			.max_ip6 = is_ip6 ? nb : 1,
			.max_paths = (nb - 1) / PORTS + 1,
			.host_entries = HOST_ENTRIES,
			.nb_mbufs = NB_MBUFS,
			.mbuf_cache = MBUF_CACHE,
			.wire_size = RING_FRAMES,
			.rss_key = rss_key,
			.tx_offloads = CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM | CHIM_TX_MULTI_SEGS,
			.has_no_exception = true,
		});
	set_paths(s);
	for (uint32_t flow = 0; flow < nb; flow++) {
		install(s, flow);
		if (flow % 64 == 63)
			segment_rest(s);
	}
	segment_rest(s);
	return true;
}

void
segment_down(struct segment_bed *s)
{
	segment_rest(s);
	rings_down(&s->r);
	free(s->peer);
}

/* ---- frames ---- */

static uint8_t
add_sack(uint8_t *to, const struct segment_frame *f)
{
	if (f->nb_sack == 0)
		return 0;
	to[0] = 1;
	to[1] = 1;
	to[2] = 5;
	to[3] = (uint8_t)(2 + 8 * f->nb_sack);
	for (uint32_t i = 0; i < f->nb_sack; i++) {
		uint32_t edge[2] = { rte_cpu_to_be_32(RINGS_OUR_SEQ + f->sack[i].start),
			rte_cpu_to_be_32(RINGS_OUR_SEQ + f->sack[i].end) };

		memcpy(to + 4 + 8 * i, edge, sizeof(edge));
	}
	return (uint8_t)(4 + 8 * f->nb_sack);
}

/* The IP header, of a packet with so many bytes behind it. @return its length. */
static uint16_t
fill_ip(void *at, const struct chim_tuple *t, uint16_t len)
{
	struct rte_ipv4_hdr *ip = at;

	if (t->family == CHIM_AF_INET6) {
		struct rte_ipv6_hdr *ip6 = at;

		*ip6 = (struct rte_ipv6_hdr){
			.vtc_flow = RTE_BE32(6u << 28),
			.payload_len = rte_cpu_to_be_16(len),
			.proto = IPPROTO_TCP,
			.hop_limits = 64,
		};
		memcpy(ip6->src_addr, t->remote_addr, sizeof(t->remote_addr));
		memcpy(ip6->dst_addr, t->local_addr, sizeof(t->local_addr));
		return sizeof(*ip6);
	}
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + len)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
	};
	memcpy(&ip->src_addr, t->remote_addr, sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, t->local_addr, sizeof(ip->dst_addr));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return sizeof(*ip);
}

/* The TCP header and the payload. @return their length. */
static uint16_t
fill_tcp(struct rte_tcp_hdr *tcp, const struct chim_tuple *t, const struct segment_frame *f)
{
	uint8_t hdr_len = sizeof(*tcp) + add_sack((uint8_t *)(tcp + 1), f);

	*tcp = (struct rte_tcp_hdr){
		.src_port = t->remote_port,
		.dst_port = t->local_port,
		.sent_seq = rte_cpu_to_be_32(RINGS_PEER_SEQ + f->seq),
		.recv_ack = rte_cpu_to_be_32(RINGS_OUR_SEQ + f->ack),
		.data_off = (uint8_t)(hdr_len / 4 << 4),
		.tcp_flags = CHIM_ACK,
		.rx_win = rte_cpu_to_be_16(WINDOW >> WSCALE),
	};
	memset((uint8_t *)tcp + hdr_len, (uint8_t)f->seq, f->len);
	return hdr_len + f->len;
}

static void
fill_verdict(struct segment_bed *s, struct rte_mbuf *m, uint32_t flow, struct rte_tcp_hdr *tcp)
{
	const void *ip = rte_pktmbuf_mtod_offset(m, const void *, sizeof(struct rte_ether_hdr));

	if (s->is_software) {
		tcp->cksum =
			s->is_ip6 ? rte_ipv6_udptcp_cksum(ip, tcp) : rte_ipv4_udptcp_cksum(ip, tcp);
		return;
	}
	m->hash.rss = s->peer[flow].hash;
	m->ol_flags =
		RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

struct rte_mbuf *
segment_make(struct segment_bed *s, const struct segment_frame *f)
{
	const struct rte_ether_hdr ether = { .ether_type = s->is_ip6
			? RTE_BE16(RTE_ETHER_TYPE_IPV6)
			: RTE_BE16(RTE_ETHER_TYPE_IPV4) };
	uint16_t ip_len = s->is_ip6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->r.pool);
	struct chim_tuple t = tuple_of(s, f->flow);

	assert_non_null(m);
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(at + sizeof(ether) + ip_len);

	memcpy(at, &ether, sizeof(ether));
	uint16_t len = fill_tcp(tcp, &t, f);

	len += fill_ip(at + sizeof(ether), &t, len);
	rte_pktmbuf_append(m, sizeof(ether) + len);
	fill_verdict(s, m, f->flow, tcp);
	return m;
}

struct rte_mbuf *
segment_next(struct segment_bed *s, uint32_t flow, uint16_t len)
{
	struct segment_peer *p = &s->peer[flow];
	const struct segment_frame f = { .flow = flow, .seq = p->seq, .ack = p->ack, .len = len };

	p->seq += len;
	return segment_make(s, &f);
}

/* ---- the worker ---- */

/* The stages of chim_dp_poll() that data goes through. */
static void
turn(struct chim_worker *w, struct rte_mbuf **m, uint32_t nb)
{
	struct chim_burst *b = &w->burst;

	b->port_number = 0;
	b->nb = (uint16_t)nb;
	memcpy(b->m, m, nb * sizeof(m[0]));
	dp_io(w);
	chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
	dp_receive_parsed(w, b);
	dp_deliver(w);
	dp_output(w);
	dp_finish(w);
}

uint64_t
segment_take(struct segment_bed *s, struct rte_mbuf **m, uint32_t nb, uint32_t per_burst)
{
	uint64_t start = rte_rdtsc_precise();

	for (uint32_t i = 0; i < nb; i += per_burst)
		turn(s->r.worker[0], m + i, RTE_MIN(per_burst, nb - i));
	return rte_rdtsc_precise() - start;
}

uint32_t
segment_rest(struct segment_bed *s)
{
	struct chim_io io;
	uint32_t nb = 0;

	for (;;) {
		uint32_t had = nb;

		for (; rings_collect(&s->r, 0, &io); nb++) {
			if (io.op == CHIM_IO_INDICATE)
				rings_post(&s->r,
					&(struct chim_io){ .op = CHIM_IO_RETURN,
						.handle = io.handle,
						.m = io.m });
			else
				chim_nbl_free(io.m);
			rings_poll(&s->r);
		}
		s->r.now += TURN_US;
		rings_settle(&s->r);
		rings_wire_drain(&s->r);
		if (nb == had)
			return nb;
	}
}

uint32_t
segment_answer(struct segment_bed *s, uint32_t len)
{
	struct chim_io io;
	uint32_t nb = 0;

	while (rings_collect(&s->r, 0, &io)) {
		uint32_t flow = chim_handle_index(io.handle);

		if (io.op != CHIM_IO_INDICATE) {
			chim_nbl_free(io.m);
			continue;
		}
		io.op = CHIM_IO_RETURN;
		rings_post(&s->r, &io);
		rings_host_send(&s->r, io.handle, len);
		s->peer[flow].ack += len;
		nb++;
	}
	s->r.now += TURN_US;
	rings_wire_drain(&s->r);
	return nb;
}

void
segment_send(struct segment_bed *s, uint32_t flow, uint32_t len)
{
	rings_host_send(&s->r, s->peer[flow].handle, len);
	rings_poll(&s->r);
	s->peer[flow].ack += len;
}
