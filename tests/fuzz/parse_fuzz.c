/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Fuzz target: the frame parser. Input: one byte of switches, two of where the
 * frame is cut into segments, then the frame. Says more than "no crash": what
 * is taken for a segment lies within the frame, and with its checksums filled
 * in it is taken without the port's word too.
 */
#include "chim_wire.h"
#include "fuzz.h"

#define HEAD_LEN 3u

/* Switches. */
#define FROM_KERNEL   0x01u
#define IP_SUM_GOOD   0x02u
#define L4_SUM_GOOD   0x04u
#define TAG_STRIPPED  0x08u
#define TWO_SEGMENTS  0x10u
#define WITHOUT_L2_L3 0x20u

struct input {
	struct rte_mbuf first;
	struct rte_mbuf second;
};

static void
make_input(struct input *in, const uint8_t *data, size_t size)
{
	uint16_t len = (uint16_t)RTE_MIN(size - HEAD_LEN, (size_t)UINT16_MAX);
	uint16_t cut = (uint16_t)(data[1] << 8 | data[2]);

	if (!(data[0] & TWO_SEGMENTS) || cut > len)
		cut = len;
	fuzz_segment_init(&in->first, data + HEAD_LEN, cut);
	fuzz_segment_init(&in->second, data + HEAD_LEN + cut, (uint16_t)(len - cut));
	if (data[0] & TWO_SEGMENTS) {
		in->first.next = &in->second;
		in->first.nb_segs = 2;
		in->first.pkt_len = len;
	}
	in->first.ol_flags = (data[0] & IP_SUM_GOOD ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : 0) |
		(data[0] & L4_SUM_GOOD ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0) |
		(data[0] & TAG_STRIPPED ? RTE_MBUF_F_RX_VLAN_STRIPPED : 0);
}

static void
expect_segment_inside(const struct rte_mbuf *m, const struct chim_seg *seg)
{
	fuzz_expect(seg->payload_off >= seg->tcp_off + 20u);
	fuzz_expect(seg->payload_off <= m->data_len);
	fuzz_expect((uint32_t)seg->payload_off + seg->len <= m->pkt_len);
	fuzz_expect(seg->nb_sack <= CHIM_SACK_IN);
}

static void
parse(struct chim_burst *b, struct rte_mbuf *m, enum chim_side side)
{
	b->nb = 1;
	b->port_number = 1;
	b->m[0] = m;
	chim_wire_parse_burst(b, side);
	fuzz_expect(b->seg[0].why < CHIM_WHY_MAX);
}

static void
check_frame(struct rte_mbuf *m, enum chim_side side)
{
	static struct chim_burst b;
	struct chim_seg *seg = &b.seg[0];
	struct chim_icmp_quote quote;
	struct chim_seg before;

	parse(&b, m, side);
	if (seg->why != CHIM_WHY_NONE) {
		if (seg->info & CHIM_SEG_LOOKUP)
			fuzz_expect(chim_wire_parse_icmp_quote(m, seg, &quote));
		chim_wire_fix_checksums(m);
		return;
	}
	fuzz_expect(seg->info & CHIM_SEG_LOOKUP);
	expect_segment_inside(m, seg);
	before = *seg;
	chim_wire_fix_checksums(m);
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		return; /* what is left is no Ethernet frame for others */
	m->ol_flags = 0;
	parse(&b, m, side);
	fuzz_expect(seg->why == CHIM_WHY_NONE);
	fuzz_expect(seg->seq == before.seq && seg->len == before.len);
	fuzz_expect(seg->payload_off == before.payload_off);
}

void
fuzz_parse(const uint8_t *data, size_t size)
{
	struct input in;
	struct chim_seg seg;

	if (size < HEAD_LEN)
		return;
	make_input(&in, data, size);
	if (!(data[0] & WITHOUT_L2_L3))
		check_frame(&in.first, data[0] & FROM_KERNEL ? CHIM_SIDE_KERNEL : CHIM_SIDE_WIRE);
	else if (chim_wire_parse_tcp(&in.first, &seg) == CHIM_WHY_NONE)
		expect_segment_inside(&in.first, &seg);
	fuzz_segment_free(&in.first);
	fuzz_segment_free(&in.second);
}
