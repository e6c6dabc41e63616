/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames of the benchmark's client: a header made once and patched, data that
 * is the same for each message, its checksums added up once.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "clientframe.h"

#define IP_AT	  sizeof(struct rte_ether_hdr)
#define TCP_AT	  (IP_AT + sizeof(struct rte_ipv4_hdr))
#define OPTION_AT (TCP_AT + sizeof(struct rte_tcp_hdr))
#define TS_LEN	  12u

static void
fill_header(struct client *c, const struct app_flow_set *f)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)c->header;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(c->header + IP_AT);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(c->header + TCP_AT);
	struct rte_ether_addr to;

	/* The served end has the MAC its driver gave it; frames for it are not filtered. */
	memset(&to, 0, sizeof(to));
	to.addr_bytes[0] = 2;
	to.addr_bytes[5] = 1;
	eth->dst_addr = to;
	memcpy(eth->src_addr.addr_bytes, f->remote_mac, 6);
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_TCP;
	memcpy(&ip->dst_addr, f->local, 4);
	tcp->dst_port = rte_cpu_to_be_16(f->local_port);
	tcp->tcp_flags = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG;
	tcp->rx_win = UINT16_MAX;
	c->header_len = OPTION_AT;
	if (f->has_timestamps) {
		/* NOP NOP, kind 8, length 10 (RFC 7323, appendix A) */
		memcpy(c->header + OPTION_AT, &(uint8_t[]){ 1, 1, 8, 10 }, 4);
		c->header_len += TS_LEN;
	}
	tcp->data_off = (uint8_t)((c->header_len - TCP_AT) / 4 << 4);
}

/* Byte p is the exclusive or of the bytes of p, as the service "source" has it. */
static uint8_t
byte_at(uint32_t p)
{
	return (uint8_t)(p ^ p >> 8 ^ p >> 16 ^ p >> 24);
}

int
clientframe_init(struct client *c)
{
	const struct app_flow_set *f = c->set;
	uint32_t nb_pieces;

	c->tsc_per_ms = rte_get_tsc_hz() / 1000;
	fill_header(c, f);
	c->mss = RTE_MIN(f->mss, f->mtu - 40) - (f->has_timestamps ? TS_LEN : 0);
	if (c->size < c->mss && c->kind == CLIENT_SEND)
		c->size = c->mss;
	nb_pieces = c->size / c->mss + 1;
	c->pattern = malloc(RTE_ALIGN(c->size + 1, 8) + nb_pieces * sizeof(*c->sums));
	if (c->pattern == NULL)
		return -1;
	c->sums = (uint32_t *)(c->pattern + RTE_ALIGN(c->size + 1, 8));
	for (uint32_t i = 0; i < c->size; i++)
		c->pattern[i] = byte_at(i);
	for (uint32_t i = 0; i < nb_pieces; i++) {
		uint32_t at = i * c->mss;

		c->sums[i] = at < c->size
			? rte_raw_cksum(c->pattern + at, RTE_MIN(c->mss, c->size - at))
			: 0;
	}
	return 0;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
fill_sums(struct client *c, struct rte_mbuf *m, uint32_t data_sum)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, IP_AT);
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, TCP_AT);

	ip->hdr_checksum = rte_ipv4_cksum(ip);
	if (c->has_sums) {
		m->l2_len = IP_AT;
		m->l3_len = sizeof(*ip);
		m->l4_len = c->header_len - TCP_AT;
		m->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
		tcp->cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
		return;
	}
	tcp->cksum = fold(
		data_sum + rte_ipv4_phdr_cksum(ip, 0) + rte_raw_cksum(tcp, c->header_len - TCP_AT));
}

static struct rte_mbuf *
make(struct client *c, struct peer *p, const uint8_t *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(c->pool);
	uint32_t index = (uint32_t)(p - c->peer);
	struct rte_ipv4_hdr *ip;
	struct rte_tcp_hdr *tcp;
	uint8_t *at;

	if (m == NULL)
		return NULL;
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(c->header_len + len));
	memcpy(at, c->header, c->header_len);
	memcpy(at + c->header_len, data, len);
	ip = (struct rte_ipv4_hdr *)(at + IP_AT);
	tcp = (struct rte_tcp_hdr *)(at + TCP_AT);
	memcpy(&ip->src_addr, c->set->remote, 4);
	ip->src_addr =
		rte_cpu_to_be_32(rte_be_to_cpu_32(ip->src_addr) + index / c->set->nb_remote_ports);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(c->header_len + len - IP_AT));
	tcp->src_port =
		rte_cpu_to_be_16((uint16_t)(c->set->remote_port + index % c->set->nb_remote_ports));
	tcp->sent_seq = rte_cpu_to_be_32(p->seq);
	tcp->recv_ack = rte_cpu_to_be_32(p->rcv);
	if (c->header_len > OPTION_AT) {
		uint32_t ts[2] = { rte_cpu_to_be_32(c->ms), rte_cpu_to_be_32(p->tsecr) };

		memcpy(at + OPTION_AT + 4, ts, sizeof(ts));
	}
	return m;
}

void
clientframe_data(struct client *c, struct peer *p, uint32_t at, uint32_t len)
{
	struct rte_mbuf *m = make(c, p, c->pattern + at, len);

	if (m == NULL)
		return; /* noticed: what is not sent is not answered */
	fill_sums(c, m, c->sums[at / c->mss]);
	p->seq += len;
	c->out[c->nb_out++] = m;
}

void
clientframe_ack(struct client *c, struct peer *p)
{
	struct rte_mbuf *m = make(c, p, c->pattern, 0);

	if (m == NULL)
		return;
	fill_sums(c, m, 0);
	c->out[c->nb_out++] = m;
}

static struct peer *
find(struct client *c, const struct rte_ipv4_hdr *ip, const struct rte_tcp_hdr *tcp)
{
	bool is_ours = c->kind == CLIENT_FORWARD;
	uint32_t addr = rte_be_to_cpu_32(is_ours ? ip->src_addr : ip->dst_addr);
	uint32_t port = rte_be_to_cpu_16(is_ours ? tcp->src_port : tcp->dst_port);
	uint32_t first;
	uint64_t index;

	memcpy(&first, c->set->remote, sizeof(first));
	port -= c->set->remote_port;
	index = (uint64_t)(addr - rte_be_to_cpu_32(first)) * c->set->nb_remote_ports + port;
	return port < c->set->nb_remote_ports && index < c->nb_peers ? &c->peer[index] : NULL;
}

struct peer *
clientframe_parse(struct client *c, struct rx *rx)
{
	const uint8_t *at = rte_pktmbuf_mtod(rx->m, const uint8_t *);
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)at;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(at + IP_AT);
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(at + TCP_AT);
	uint32_t tcp_len;

	if (rx->m->data_len < OPTION_AT || eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		ip->next_proto_id != IPPROTO_TCP)
		return NULL;
	tcp_len = tcp->data_off >> 4 << 2;
	rx->off = (uint32_t)TCP_AT + tcp_len;
	rx->len = rte_be_to_cpu_16(ip->total_length) - (rx->off - (uint32_t)IP_AT);
	rx->seq = rte_be_to_cpu_32(tcp->sent_seq);
	rx->ack = rte_be_to_cpu_32(tcp->recv_ack);
	if (tcp_len >= sizeof(*tcp) + TS_LEN) {
		memcpy(&rx->tsval, at + OPTION_AT + 4, sizeof(rx->tsval));
		rx->tsval = rte_be_to_cpu_32(rx->tsval);
	}
	return find(c, ip, tcp);
}

bool
clientframe_compare(const struct client *c, const struct peer *p, const struct rx *rx)
{
	const struct rte_mbuf *m = rx->m;
	uint32_t off = rx->off;
	uint32_t at = p->got;
	uint32_t left = rx->len;

	if (c->kind != CLIENT_RECEIVE && at + left > c->size)
		return false;
	for (; off >= m->data_len && m->next != NULL; m = m->next)
		off -= m->data_len;
	if (c->kind == CLIENT_RECEIVE) /* a look at each segment must do */
		return *rte_pktmbuf_mtod_offset(m, uint8_t *, off) == byte_at(at);
	for (; m != NULL && left > 0; m = m->next) {
		uint32_t n = RTE_MIN(left, m->data_len - off);

		if (memcmp(c->pattern + at, rte_pktmbuf_mtod_offset(m, uint8_t *, off), n) != 0)
			return false;
		at += n;
		left -= n;
		off = 0;
	}
	return left == 0;
}
