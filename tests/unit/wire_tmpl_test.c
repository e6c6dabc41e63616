/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Headers out: a pushed packet reads back as what was asked for, with the
 * checksums right or left to the port as ethdev wants them.
 */
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "chim_wire.h"
#include "frame.h"
#include "test.h"

#define NB_MBUFS 63u
#define SEQ	 0xFFFFFF00u

static struct rte_mempool *pool;
static struct chim_burst burst;

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("wire_tmpl", NB_MBUFS, 0, 0, 4096, SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	int leaked = rte_mempool_in_use_count(pool) != 0;

	(void)state;
	rte_mempool_free(pool);
	return leaked;
}

static struct chim_tmpl template(bool is_ip6, uint16_t vlan_id, uint8_t user_priority)
{
	struct chim_tmpl_in in = { .src = { { 2, 0, 0, 0, 0, 1 } },
		.dst = { { 2, 0, 0, 0, 0, 2 } },
		.vlan_id = vlan_id,
		.user_priority = user_priority,
		.is_ip6 = is_ip6,
		.mtu = 1500 };
	struct chim_tmpl t;

	for (uint8_t i = 0; i < 16; i++) {
		in.source[i] = (uint8_t)(0xF1 + 7 * i);
		in.destination[i] = (uint8_t)(0xE3 + 11 * i);
	}
	chim_wire_tmpl_init(&t, &in);
	return t;
}

static struct chim_hdr
header(void)
{
	return (struct chim_hdr){ .local_port = RTE_BE16(1000),
		.remote_port = RTE_BE16(2000),
		.seq = SEQ,
		.ack = 77,
		.wnd = 4321,
		.flags = CHIM_ACK | CHIM_PSH,
		.ttl = 63,
		.tos = 0xB9,
		.ip_id = 0x8765,
		.flow_label = 0xABCDE };
}

/* A payload of two segments when second_len is not 0; the first may begin at an odd address. */
static struct rte_mbuf *
payload(uint16_t first_len, uint16_t second_len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *p;

	assert_non_null(m);
	p = (uint8_t *)rte_pktmbuf_append(m, first_len);
	for (uint16_t i = 0; i < first_len; i++)
		p[i] = frame_byte(SEQ + i);
	if (second_len > 0) {
		m->next = rte_pktmbuf_alloc(pool);
		assert_non_null(m->next);
		p = (uint8_t *)rte_pktmbuf_append(m->next, second_len);
		for (uint16_t i = 0; i < second_len; i++)
			p[i] = frame_byte(SEQ + first_len + i);
		m->pkt_len = first_len + second_len;
		m->nb_segs = 2;
	}
	return m;
}

/* Our packet, seen by the peer: software checksums, nothing of ours to trust. */
static const struct chim_seg *
look(struct rte_mbuf *m)
{
	m->ol_flags = 0;
	burst.nb = 1;
	burst.m[0] = m;
	chim_wire_parse_burst(&burst, CHIM_SIDE_WIRE);
	return &burst.seg[0];
}

static void
expect_same(const struct chim_seg *seg, const struct chim_hdr *h, uint32_t len)
{
	assert_int_equal(seg->why, CHIM_WHY_NONE);
	assert_true(seg->info & CHIM_SEG_CSUM_OK);
	assert_int_equal(seg->seq, h->seq);
	assert_int_equal(seg->ack, h->ack);
	assert_int_equal(seg->wnd, h->wnd);
	assert_int_equal(seg->flags, h->flags);
	assert_int_equal(seg->ttl, h->ttl);
	assert_int_equal(seg->len, len);
	assert_int_equal(seg->urgent, 0);
	assert_true(seg->info & CHIM_SEG_ECT); /* of tos 0xB9 */
	assert_int_equal(!!(seg->info & CHIM_SEG_TS), h->has_ts);
	assert_int_equal(seg->nb_sack, RTE_MIN(h->nb_sack, chim_wire_max_sack(h->has_ts)));
	assert_memory_equal(seg->sack, h->sack, seg->nb_sack * sizeof(h->sack[0]));
}

static void
a_pushed_packet_reads_back(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < 16; kind++) {
		struct chim_tmpl t = template(kind & 1, kind & 2 ? 5 : 0, 0);
		struct chim_hdr h = header();

		h.has_ts = !!(kind & 4);
		h.tsval = 0xFFFFFFFF;
		h.tsecr = 1;
		h.nb_sack = kind & 8 ? 4 : 0;
		h.sack[0] = (struct chim_sack){ 10, 20 };
		h.sack[3] = (struct chim_sack){ 30, 40 };
		for (uint16_t len = 0; len < 40; len++) {
			struct rte_mbuf *m = payload(len, 0);

			chim_wire_push(m, &t, &h, 0, 0);
			expect_same(look(m), &h, len);
			assert_int_equal(!!(burst.seg[0].info & CHIM_SEG_IP6), kind & 1);
			rte_pktmbuf_free(m);
		}
	}
}

static void
the_sum_goes_over_all_segments_odd_ones_too(void **state)
{
	struct chim_tmpl t = template(false, 0, 0);
	struct chim_hdr h = header();

	(void)state;
	for (uint16_t first = 0; first < 9; first++) {
		for (uint16_t second = 1; second < 9; second++) {
			struct rte_mbuf *m = payload(first, second);

			chim_wire_push(m, &t, &h, CHIM_TX_MULTI_SEGS, 0);
			assert_int_equal(m->nb_segs, 2);
			expect_same(look(m), &h, first + second);
			rte_pktmbuf_free(m);
		}
	}
}

static void
an_odd_headroom_is_no_trouble(void **state)
{
	struct chim_tmpl t = template(true, 9, 0);
	struct chim_hdr h = header();
	struct rte_mbuf *m = payload(101, 0);

	(void)state;
	h.user_priority = 3;
	rte_pktmbuf_adj(m, 1);
	chim_wire_push(m, &t, &h, 0, 0);
	expect_same(look(m), &h, 100);
	rte_pktmbuf_free(m);
}

static void
fields_of_the_ip_header_are_as_asked(void **state)
{
	struct chim_tmpl t4 = template(false, 0, 0);
	struct chim_tmpl t6 = template(true, 0, 0);
	struct chim_hdr h = header();
	struct rte_mbuf *m = payload(11, 0);
	const struct rte_ipv4_hdr *ip4;
	const struct rte_ipv6_hdr *ip6;

	(void)state;
	chim_wire_push(m, &t4, &h, 0, 0);
	ip4 = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14);
	assert_int_equal(ip4->packet_id, RTE_BE16(0x8765));
	assert_int_equal(ip4->fragment_offset, RTE_BE16(RTE_IPV4_HDR_DF_FLAG));
	assert_int_equal(ip4->type_of_service, 0xB9);
	assert_int_equal(ip4->total_length, RTE_BE16(51));
	rte_pktmbuf_free(m);

	m = payload(11, 0);
	chim_wire_push(m, &t6, &h, 0, 0);
	ip6 = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, 14);
	assert_int_equal(ip6->vtc_flow, RTE_BE32(0x6B9ABCDE));
	assert_int_equal(ip6->payload_len, RTE_BE16(31));
	rte_pktmbuf_free(m);
}

/* Specification 11.3: no tag; priority only: VLAN id 0; VLAN id: both. CFI is 0. */
static void
checklist_225_tags_follow_vlan_id_and_priority(void **state)
{
	static const struct {
		uint16_t vlan_id, want_tci;
		uint8_t path_priority, conn_priority, has_tag;
	} cases[] = {
		{ 0, 0, 0, 0, 0 },
		{ 0, 5 << 13, 0, 5, 1 },
		{ 0, 5 << 13, 5, 0, 1 },
		{ 100, 100, 0, 0, 1 },
		{ 100, 100 | 7 << 13, 0, 7, 1 },
		{ 4094, 4094 | 2 << 13, 6, 2, 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(cases); i++) {
		for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
			struct chim_tmpl t =
				template(is_ip6, cases[i].vlan_id, cases[i].path_priority);
			struct chim_hdr h = header();
			struct rte_mbuf *m = payload(30, 0);
			const struct chim_seg *seg;

			h.user_priority = cases[i].conn_priority;
			chim_wire_push(m, &t, &h, 0, 0);
			assert_int_equal(m->l2_len, cases[i].has_tag ? 18 : 14);
			seg = look(m);
			expect_same(seg, &h, 30);
			assert_int_equal(!!(seg->info & CHIM_SEG_VLAN), cases[i].has_tag);
			assert_int_equal(seg->vlan, cases[i].want_tci);
			rte_pktmbuf_free(m);
		}
	}
}

/* What a port does that was told to: sums from the pseudo header on. */
static void
do_as_port(struct rte_mbuf *m, bool is_ip6)
{
	uint32_t l4 = m->l2_len + m->l3_len;
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, l4);

	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) {
		struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);

		assert_false(is_ip6);
		assert_int_equal(ip->hdr_checksum, 0);
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM)
		tcp->cksum = rte_cpu_to_be_16((uint16_t)~frame_sum(tcp, m->data_len - l4, 0));
}

static void
checksums_are_left_to_a_port_that_does_them(void **state)
{
	(void)state;
	for (int kind = 0; kind < 8; kind++) {
		bool is_ip6 = kind & 1;
		uint32_t offloads =
			(kind & 2 ? CHIM_TX_TCP_CSUM : 0) | (kind & 4 ? CHIM_TX_IP_CSUM : 0);
		struct chim_tmpl t = template(is_ip6, 0, 0);
		struct chim_hdr h = header();
		struct rte_mbuf *m = payload(333, 0);

		m->ol_flags = RTE_MBUF_F_TX_TCP_SEG; /* left over from an earlier use */
		chim_wire_push(m, &t, &h, offloads, 0);
		assert_int_equal(!!(m->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM), !!(kind & 2));
		assert_int_equal(!!(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM), kind & 4 && !is_ip6);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0);
		if (offloads != 0)
			assert_true(
				m->ol_flags & (is_ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4));
		assert_int_equal(m->l3_len, is_ip6 ? 40 : 20);
		assert_int_equal(m->l4_len, 20);
		do_as_port(m, is_ip6);
		expect_same(look(m), &h, 333);
		rte_pktmbuf_free(m);
	}
}

static void
segmentation_gets_the_pseudo_header_without_length(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct chim_tmpl t = template(is_ip6, 0, 0);
		struct chim_hdr h = header();
		struct rte_mbuf *m = payload(3000, 0);
		const struct rte_tcp_hdr *tcp;
		uint16_t want;

		chim_wire_push(m, &t, &h, CHIM_TX_TSO | CHIM_TX_TCP_CSUM | CHIM_TX_IP_CSUM, 1000);
		assert_true(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
		assert_int_equal(m->tso_segsz, 1000);
		tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, m->l2_len + m->l3_len);
		want = is_ip6
			? rte_ipv6_phdr_cksum(rte_pktmbuf_mtod_offset(m, void *, 14), m->ol_flags)
			: rte_ipv4_phdr_cksum(rte_pktmbuf_mtod_offset(m, void *, 14), m->ol_flags);
		assert_int_equal(tcp->cksum, want);
		rte_pktmbuf_free(m);

		/* A port may segment without doing IPv4 sums (virtio): then it gets a right one. */
		m = payload(3000, 0);
		chim_wire_push(m, &t, &h, CHIM_TX_TSO | CHIM_TX_TCP_CSUM, 1000);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM, 0);
		do_as_port(m, is_ip6);
		if (!is_ip6)
			assert_int_not_equal(look(m)->why, CHIM_WHY_BAD_IP_CHECKSUM);
		rte_pktmbuf_free(m);
	}
}

static void
open_checksums_are_filled_in(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct frame spec = {
			.is_ip6 = kind & 1, .nb_tags = kind >> 1, .len = 77, .padding = 3
		};
		struct rte_mbuf *m = frame_build(pool, &spec);
		uint32_t l3 = kind & 2 ? 18 : 14;
		uint32_t l4 = l3 + (kind & 1 ? 40 : 20);

		memset(rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + 16), 0x77, 2);
		if (!(kind & 1))
			memset(rte_pktmbuf_mtod_offset(m, uint8_t *, l3 + 10), 0x77, 2);
		assert_int_not_equal(look(m)->why, CHIM_WHY_NONE);
		frame_split(pool, m, (uint16_t)(l4 + 33));
		chim_wire_fix_checksums(m);
		assert_int_equal(look(m)->why, CHIM_WHY_NONE);
		rte_pktmbuf_free(m);
	}
}

static void
udp_is_filled_in_and_never_zero(void **state)
{
	uint8_t udp[10] = { 0, 53, 0, 54, 0, 10, 0x77, 0x77, 0, 0 };
	struct frame spec = { .proto = 17, .l4 = udp, .l4_len = sizeof(udp) };
	struct rte_mbuf *m = frame_build(pool, &spec);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_udp_hdr *sum = (struct rte_udp_hdr *)(ip + 1);
	uint16_t *word = rte_pktmbuf_mtod_offset(m, uint16_t *, 42);

	(void)state;
	chim_wire_fix_checksums(m);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(ip, sum), 0);
	*word = sum->dgram_cksum; /* makes the sum of all else ~0, so the checksum 0 */
	chim_wire_fix_checksums(m);
	assert_int_equal(sum->dgram_cksum, UINT16_MAX);
	rte_pktmbuf_free(m);
}

static void
other_frames_are_left_as_they_are(void **state)
{
	static const struct frame specs[] = {
		{ .ether_type = 0x0806, .len = 9 },
		{ .proto = 1, .len = 9 },
		{ .fragment = 0x2000, .len = 9 },
		{ .is_ip6 = true, .proto = 44, .len = 9 },
	};

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(specs); i++) {
		struct rte_mbuf *m = frame_build(pool, &specs[i]);
		struct rte_mbuf *before = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);

		chim_wire_fix_checksums(m);
		assert_memory_equal(
			rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(before, void *), m->data_len);
		rte_pktmbuf_free(before);
		/* Cut anywhere: nothing behind the cut is read or written (ASan). */
		for (uint16_t cut = 0; cut < m->data_len; cut++) {
			struct rte_mbuf *part =
				frame_at_edge(pool, rte_pktmbuf_mtod(m, void *), cut);

			chim_wire_fix_checksums(part);
			rte_pktmbuf_free(part);
		}
		rte_pktmbuf_free(m);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_pushed_packet_reads_back),
	cmocka_unit_test(the_sum_goes_over_all_segments_odd_ones_too),
	cmocka_unit_test(an_odd_headroom_is_no_trouble),
	cmocka_unit_test(fields_of_the_ip_header_are_as_asked),
	cmocka_unit_test(checklist_225_tags_follow_vlan_id_and_priority),
	cmocka_unit_test(checksums_are_left_to_a_port_that_does_them),
	cmocka_unit_test(segmentation_gets_the_pseudo_header_without_length),
	cmocka_unit_test(open_checksums_are_filled_in),
	cmocka_unit_test(udp_is_filled_in_and_never_zero),
	cmocka_unit_test(other_frames_are_left_as_they_are),
};
CHIM_CMOCKA_SUITE(wire_tmpl_autotest, tests, setup, teardown)
