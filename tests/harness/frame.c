/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The frame maker: writes from the front to the back, then fills the checksums
 * in from the back to the front.
 */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "test.h"

static const uint8_t our_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
static const uint8_t peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x02 };
static const uint8_t our_ip4[4] = { 10, 0, 0, 1 };
static const uint8_t peer_ip4[4] = { 10, 0, 0, 2 };
static const uint8_t our_ip6[16] = { 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1 };
static const uint8_t peer_ip6[16] = { 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 2 };

struct writer {
	uint8_t *at;
};

static void
put(struct writer *w, const void *bytes, uint32_t len)
{
	if (len > 0)
		memcpy(w->at, bytes, len);
	w->at += len;
}

static void
put8(struct writer *w, uint8_t v)
{
	*w->at++ = v;
}

static void
put16(struct writer *w, uint32_t v)
{
	put8(w, (uint8_t)(v >> 8));
	put8(w, (uint8_t)v);
}

static void
put32(struct writer *w, uint32_t v)
{
	put16(w, v >> 16);
	put16(w, v & 0xFFFF);
}

uint16_t
frame_sum(const void *bytes, uint32_t len, uint32_t seed)
{
	const uint8_t *p = bytes;
	uint32_t sum = seed;

	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static void
store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put_ethernet(struct writer *w, const struct frame *s)
{
	uint16_t type = s->is_ip6 ? 0x86DD : 0x0800;

	put(w, s->is_from_us ? peer_mac : our_mac, 6);
	put(w, s->is_from_us ? our_mac : peer_mac, 6);
	for (uint8_t i = 0; i < s->nb_tags; i++) {
		put16(w, 0x8100);
		put16(w, s->tci);
	}
	put16(w, s->ether_type != 0 ? s->ether_type : type);
}

static void
put_ip4(struct writer *w, const struct frame *s, uint16_t l4_len)
{
	uint8_t *ip = w->at;
	uint8_t hdr_len = (uint8_t)(20 + s->nb_ip_options);

	put8(w, (uint8_t)(0x40 | hdr_len / 4));
	put8(w, s->tos);
	put16(w, (uint32_t)hdr_len + l4_len);
	put16(w, 0x1234);
	put16(w, s->fragment);
	put8(w, s->ttl);
	put8(w, s->proto != 0 ? s->proto : 6);
	put16(w, 0);
	put(w, s->is_from_us ? our_ip4 : peer_ip4, 4);
	put(w, s->is_from_us ? peer_ip4 : our_ip4, 4);
	for (uint8_t i = 0; i < s->nb_ip_options; i++)
		put8(w, 1); /* no operation */
	store16(ip + 10, (uint16_t)~frame_sum(ip, hdr_len, 0));
}

static void
put_ip6(struct writer *w, const struct frame *s, uint16_t l4_len)
{
	put32(w, 6u << 28 | (uint32_t)s->tos << 20 | 0xABCDE);
	put16(w, l4_len);
	put8(w, s->proto != 0 ? s->proto : 6);
	put8(w, s->ttl);
	put(w, s->is_from_us ? our_ip6 : peer_ip6, 16);
	put(w, s->is_from_us ? peer_ip6 : our_ip6, 16);
}

static void
put_tcp(struct writer *w, const struct frame *s)
{
	put16(w, s->is_from_us ? FRAME_LOCAL_PORT : FRAME_REMOTE_PORT);
	put16(w, s->is_from_us ? FRAME_REMOTE_PORT : FRAME_LOCAL_PORT);
	put32(w, s->seq);
	put32(w, s->ack);
	put8(w, (uint8_t)((20 + s->nb_options) / 4 << 4));
	put8(w, s->flags);
	put16(w, s->wnd);
	put16(w, 0);
	put16(w, s->urgent);
	put(w, s->options, s->nb_options);
	for (uint32_t i = 0; i < s->len; i++)
		put8(w, frame_byte(s->seq + i));
}

/* The checksum field of TCP at l4, with the pseudo header of the family. */
static void
fill_tcp_sum(uint8_t *l4, const struct frame *s, uint16_t l4_len)
{
	const uint8_t *ours = s->is_ip6 ? our_ip6 : our_ip4;
	const uint8_t *peers = s->is_ip6 ? peer_ip6 : peer_ip4;
	uint32_t addr_len = s->is_ip6 ? 16 : 4;
	uint32_t seed = 6u + l4_len;

	seed = frame_sum(ours, addr_len, seed);
	seed = frame_sum(peers, addr_len, seed);
	store16(l4 + 16, (uint16_t)~frame_sum(l4, l4_len, seed));
}

struct rte_mbuf *
frame_build(struct rte_mempool *pool, const struct frame *spec)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint16_t l4_len =
		spec->l4 != NULL ? spec->l4_len : (uint16_t)(20 + spec->nb_options + spec->len);
	struct writer w;
	uint8_t *l4;

	assert_non_null(m);
	w.at = rte_pktmbuf_mtod(m, uint8_t *);
	put_ethernet(&w, spec);
	if (spec->is_ip6)
		put_ip6(&w, spec, l4_len);
	else
		put_ip4(&w, spec, l4_len);
	l4 = w.at;
	if (spec->l4 != NULL) {
		put(&w, spec->l4, l4_len);
	} else {
		put_tcp(&w, spec);
		fill_tcp_sum(l4, spec, l4_len);
	}
	for (uint16_t i = 0; i < spec->padding; i++)
		put8(&w, 0xEE); /* not zero: must not be summed */
	m->data_len = (uint16_t)(w.at - rte_pktmbuf_mtod(m, uint8_t *));
	m->pkt_len = m->data_len;
	assert_true(m->data_len <= rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM);
	return m;
}

struct rte_mbuf *
frame_of_bytes(struct rte_mempool *pool, const void *bytes, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	void *room;

	assert_non_null(m);
	room = rte_pktmbuf_append(m, (uint16_t)len);
	assert_non_null(room);
	if (len > 0)
		memcpy(room, bytes, len);
	return m;
}

static void
free_edge(void *buffer, void *shared)
{
	free(buffer);
	free(shared);
}

struct rte_mbuf *
frame_at_edge(struct rte_mempool *pool, const void *bytes, uint16_t len)
{
	struct rte_mbuf_ext_shared_info *shared = malloc(sizeof(*shared));
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	void *buffer = malloc(len);

	assert_true(shared != NULL && m != NULL && buffer != NULL);
	memcpy(buffer, bytes, len);
	shared->free_cb = free_edge;
	shared->fcb_opaque = shared;
	rte_mbuf_ext_refcnt_set(shared, 1);
	rte_pktmbuf_attach_extbuf(m, buffer, RTE_BAD_IOVA, len, shared);
	assert_non_null(rte_pktmbuf_append(m, len));
	return m;
}

void
frame_split(struct rte_mempool *pool, struct rte_mbuf *m, uint16_t at)
{
	struct rte_mbuf *tail =
		frame_of_bytes(pool, rte_pktmbuf_mtod_offset(m, void *, at), m->data_len - at);

	assert_null(m->next);
	m->data_len = at;
	m->next = tail;
	m->nb_segs = 2;
}
