/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Classifying frames: the plain segment, each reason to leave the straight
 * path, ICMP that quotes a segment, and what no frame may do - truncated at
 * every byte, or mutated at random.
 */
#include <stdlib.h>
#include <string.h>

#include "chim_wire.h"
#include "frame.h"
#include "test.h"

#define NB_MBUFS 255u
#define SEQ	 0xFFFFFFF0u

static struct rte_mempool *pool;
static struct chim_burst burst;

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("wire_parse", NB_MBUFS, 0, 0, 4096, SOCKET_ID_ANY);
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

/* Parse one mbuf; it stays the caller's. */
static const struct chim_seg *
look(struct rte_mbuf *m, enum chim_side side)
{
	burst.nb = 1;
	burst.port_number = 3;
	burst.m[0] = m;
	chim_wire_parse_burst(&burst, side);
	return &burst.seg[0];
}

/* Parse one frame from the wire and free it. */
static const struct chim_seg *
parse(const struct frame *spec)
{
	struct rte_mbuf *m = frame_build(pool, spec);
	const struct chim_seg *seg = look(m, CHIM_SIDE_WIRE);

	rte_pktmbuf_free(m);
	return seg;
}

static struct chim_tuple
tuple_of(bool is_ip6)
{
	struct chim_tuple t = { .family = is_ip6 ? CHIM_AF_INET6 : CHIM_AF_INET,
		.port_number = 3,
		.local_port = rte_cpu_to_be_16(FRAME_LOCAL_PORT),
		.remote_port = rte_cpu_to_be_16(FRAME_REMOTE_PORT) };
	uint8_t len = is_ip6 ? 16 : 4;

	for (uint8_t i = 0; i < len; i++)
		t.local_addr[i] = is_ip6 ? i : 0;
	t.local_addr[0] = is_ip6 ? 0xfd : 10;
	memcpy(t.remote_addr, t.local_addr, sizeof(t.remote_addr));
	t.local_addr[len - 1] = 1;
	t.remote_addr[len - 1] = 2;
	return t;
}

static void
expect_key(bool is_ip6)
{
	struct chim_tuple tuple = tuple_of(is_ip6);
	struct chim_tuple back;
	union chim_key key;

	chim_wire_key(&tuple, &key);
	assert_memory_equal(&burst.key[0], &key, is_ip6 ? sizeof(key.v6) : sizeof(key.v4));
	chim_wire_tuple(&burst.key[0], is_ip6, &back);
	assert_memory_equal(&back, &tuple, sizeof(tuple));
}

static void
a_plain_segment_is_read_in_full(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
		0x88 };

	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		const struct chim_seg *seg;

		memset(&burst.key[0], 0xFF, sizeof(burst.key[0]));
		seg = parse(&(struct frame){ .is_ip6 = is_ip6,
			.seq = SEQ,
			.ack = 5,
			.wnd = 300,
			.urgent = 7,
			.flags = CHIM_ACK | CHIM_PSH | CHIM_URG,
			.ttl = 61,
			.options = options,
			.nb_options = 12,
			.len = 1000 });
		assert_int_equal(seg->why, CHIM_WHY_NONE);
		assert_int_equal(seg->seq, SEQ);
		assert_int_equal(seg->ack, 5);
		assert_int_equal(seg->wnd, 300);
		assert_int_equal(seg->urgent, 7);
		assert_int_equal(seg->flags, CHIM_ACK | CHIM_PSH | CHIM_URG);
		assert_int_equal(seg->ttl, 61);
		assert_int_equal(seg->len, 1000);
		assert_int_equal(seg->tcp_off, is_ip6 ? 54 : 34);
		assert_int_equal(seg->payload_off, seg->tcp_off + 32);
		assert_int_equal(seg->tsval, 0x11223344);
		assert_int_equal(seg->tsecr, 0x55667788);
		assert_int_equal(seg->nb_sack, 0);
		assert_int_equal(seg->info,
			CHIM_SEG_TS | CHIM_SEG_CSUM_OK | CHIM_SEG_LOOKUP |
				(is_ip6 ? CHIM_SEG_IP6 : 0));
		expect_key(is_ip6);
	}
}

static void
the_kernels_frame_has_the_same_key(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct frame spec = { .is_ip6 = is_ip6, .is_from_us = true, .seq = SEQ, .len = 9 };
		struct rte_mbuf *m = frame_build(pool, &spec);
		uint32_t l4 = is_ip6 ? 54 : 34;

		/* Left open by the kernel: not looked at. */
		memset(rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + 16), 0x5A, 2);
		assert_int_equal(look(m, CHIM_SIDE_KERNEL)->why, CHIM_WHY_NONE);
		assert_false(burst.seg[0].info & CHIM_SEG_CSUM_OK);
		expect_key(is_ip6);
		rte_pktmbuf_free(m);
	}
}

static void
ethernet_padding_is_not_payload(void **state)
{
	const struct chim_seg *seg;

	(void)state;
	seg = parse(&(struct frame){ .flags = CHIM_ACK, .padding = 6 });
	assert_int_equal(seg->why, CHIM_WHY_NONE);
	assert_int_equal(seg->len, 0);
	seg = parse(&(struct frame){ .is_ip6 = true, .len = 3, .padding = 11 });
	assert_int_equal(seg->why, CHIM_WHY_NONE);
	assert_int_equal(seg->len, 3);
}

static void
one_tag_is_read_and_two_are_not_ours(void **state)
{
	const struct chim_seg *seg;
	struct rte_mbuf *m;

	(void)state;
	seg = parse(&(struct frame){ .nb_tags = 1, .tci = 0xA123, .len = 5 });
	assert_int_equal(seg->why, CHIM_WHY_NONE);
	assert_true(seg->info & CHIM_SEG_VLAN);
	assert_int_equal(seg->vlan, 0xA123);
	assert_int_equal(seg->tcp_off, 38);
	assert_int_equal(parse(&(struct frame){ .nb_tags = 2, .tci = 5 })->why, CHIM_WHY_NOT_IP);

	m = frame_build(pool, &(struct frame){ .len = 5 });
	m->vlan_tci = 77;
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	seg = look(m, CHIM_SIDE_WIRE);
	assert_int_equal(seg->why, CHIM_WHY_NONE);
	assert_int_equal(seg->vlan, 77);
	assert_true(seg->info & CHIM_SEG_VLAN);
	m->ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NOT_IP);
	rte_pktmbuf_free(m);
}

static void
ecn_codepoints_are_told(void **state)
{
	static const uint8_t want[] = { 0, CHIM_SEG_ECT, CHIM_SEG_ECT, CHIM_SEG_ECT | CHIM_SEG_CE };

	(void)state;
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
			const struct chim_seg *seg =
				parse(&(struct frame){ .is_ip6 = is_ip6, .tos = 0xB8 | ecn });

			assert_int_equal(seg->info & (CHIM_SEG_ECT | CHIM_SEG_CE), want[ecn]);
		}
	}
}

struct reason {
	enum chim_why why;
	struct frame frame;
};

static void
each_kind_of_frame_has_its_reason(void **state)
{
	static const struct reason reasons[] = {
		{ CHIM_WHY_NOT_IP, { .ether_type = 0x0806 } },
		{ CHIM_WHY_NOT_IP, { .ether_type = 0x88A8 } },
		{ CHIM_WHY_NOT_TCP, { .proto = 17 } }, { CHIM_WHY_NOT_TCP, { .proto = 1 } },
		{ CHIM_WHY_NOT_TCP, { .is_ip6 = true, .proto = 17 } },
		{ CHIM_WHY_NOT_TCP, { .is_ip6 = true, .proto = 58 } },
		{ CHIM_WHY_NOT_TCP, { .is_ip6 = true, .proto = 59 } },
		{ CHIM_WHY_FRAGMENT, { .fragment = 0x2000 } },
		{ CHIM_WHY_FRAGMENT, { .fragment = 0x0001 } },
		{ CHIM_WHY_FRAGMENT, { .proto = 17, .fragment = 0x2000 } },
		{ CHIM_WHY_FRAGMENT, { .is_ip6 = true, .proto = 44 } },
		{ CHIM_WHY_IP_OPTIONS, { .nb_ip_options = 4 } },
		{ CHIM_WHY_IP_OPTIONS, { .nb_ip_options = 40 } },
		{ CHIM_WHY_IP_OPTIONS, { .is_ip6 = true, .proto = 0x33 } },
		{ CHIM_WHY_IP_OPTIONS, { .is_ip6 = true, .proto = 43 } },
		{ CHIM_WHY_IP_OPTIONS, { .is_ip6 = true, .proto = 60 } },
		{ CHIM_WHY_NONE, { .fragment = 0x4000 } }, /* don't fragment is no fragment */
	};

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(reasons); i++) {
		const struct chim_seg *seg = parse(&reasons[i].frame);

		assert_int_equal(seg->why, reasons[i].why);
		assert_int_equal(!!(seg->info & CHIM_SEG_LOOKUP), seg->why == CHIM_WHY_NONE);
	}
}

/* One byte of a good frame, changed. */
struct change {
	enum chim_why why;
	bool is_ip6;
	uint8_t at;
	uint8_t to;
};

static void
each_bad_header_field_has_its_reason(void **state)
{
	static const struct change changes[] = {
		{ CHIM_WHY_BAD_IP_HEADER, false, 14, 0x55 },	/* version */
		{ CHIM_WHY_BAD_IP_HEADER, false, 14, 0x44 },	/* header length 16 */
		{ CHIM_WHY_BAD_IP_HEADER, false, 17, 19 },	/* total length below header */
		{ CHIM_WHY_TRUNCATED, false, 17, 141 },		/* total length beyond the frame */
		{ CHIM_WHY_BAD_IP_CHECKSUM, false, 19, 0 },	/* identification */
		{ CHIM_WHY_BAD_TCP_CHECKSUM, false, 60, 0 },	/* payload */
		{ CHIM_WHY_BAD_TCP_CHECKSUM, false, 47, 0xFF }, /* flags */
		{ CHIM_WHY_BAD_TCP_HEADER, false, 46, 0x40 },	/* data offset 16 */
		{ CHIM_WHY_BAD_TCP_HEADER, true, 66, 0xF0 },	/* data offset beyond the segment */
		{ CHIM_WHY_BAD_IP_HEADER, true, 14, 0x40 },	/* version */
		{ CHIM_WHY_TRUNCATED, true, 18, 1 },		/* payload length */
		{ CHIM_WHY_BAD_TCP_HEADER, true, 19, 19 },	/* no room for a TCP header */
		{ CHIM_WHY_BAD_TCP_CHECKSUM, true, 30, 0x99 },	/* source address */
		{ CHIM_WHY_MISS, false, 0, 0x01 },		/* to a group address */
		{ CHIM_WHY_MISS, true, 0, 0xFF },
	};

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(changes); i++) {
		struct frame spec = { .is_ip6 = changes[i].is_ip6,
			.seq = SEQ,
			.flags = CHIM_ACK,
			.len = changes[i].is_ip6 ? 20 : 100 };
		struct rte_mbuf *m = frame_build(pool, &spec);

		rte_pktmbuf_mtod(m, uint8_t *)[changes[i].at] = changes[i].to;
		assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, changes[i].why);
		assert_false(burst.seg[0].info & CHIM_SEG_LOOKUP);
		rte_pktmbuf_free(m);
	}
}

static void
the_ports_checksum_verdict_is_believed(void **state)
{
	struct rte_mbuf *m = frame_build(pool, &(struct frame){ .len = 50 });
	uint8_t *bytes = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t ip_id = bytes[19];

	(void)state;
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_BAD_IP_CHECKSUM);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_BAD_TCP_CHECKSUM);

	bytes[19] = (uint8_t)~ip_id; /* now both sums are wrong */
	bytes[60] ^= 0xFF;
	m->ol_flags = 0;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_BAD_IP_CHECKSUM);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_BAD_TCP_CHECKSUM);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NONE);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NONE);
	rte_pktmbuf_free(m);
}

static void
checksums_of_every_length_and_every_split_are_right(void **state)
{
	(void)state;
	for (uint16_t len = 0; len < 70; len++) {
		for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
			struct frame spec = {
				.is_ip6 = is_ip6, .seq = SEQ, .len = len, .padding = 5
			};
			uint16_t headers = is_ip6 ? 74 : 54;

			for (uint16_t at = headers; at <= headers + len; at++) {
				struct rte_mbuf *m = frame_build(pool, &spec);

				frame_split(pool, m, at);
				assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NONE);
				rte_pktmbuf_free(m);
			}
		}
	}
}

/* Long enough for the sum of a segment to carry beyond 16 bits before it is shifted a byte. */
static void
long_chains_of_odd_segments_are_summed_right(void **state)
{
	struct rte_mbuf *m = frame_build(pool, &(struct frame){ .seq = SEQ, .len = 3001 });

	(void)state;
	frame_split(pool, m, 54 + 1001);
	frame_split(pool, m->next, 999);
	m->nb_segs = 3;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NONE);
	*rte_pktmbuf_mtod(m->next->next, uint8_t *) ^= 1;
	assert_int_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_BAD_TCP_CHECKSUM);
	rte_pktmbuf_free(m);
}

static void
headers_across_segments_are_refused(void **state)
{
	(void)state;
	for (uint16_t at = 0; at < 54; at++) {
		struct rte_mbuf *m = frame_build(pool, &(struct frame){ .len = 50 });
		enum chim_why why;

		frame_split(pool, m, at);
		why = look(m, CHIM_SIDE_WIRE)->why;
		if (at < 14)
			assert_int_equal(why, CHIM_WHY_NOT_IP);
		else
			assert_int_equal(
				why, at < 34 ? CHIM_WHY_BAD_IP_HEADER : CHIM_WHY_BAD_TCP_HEADER);
		rte_pktmbuf_free(m);
	}
}

/* The frame cut anywhere is never a plain segment, and no byte behind the cut is read (ASan). */
static void
a_frame_cut_at_any_byte_is_never_taken(void **state)
{
	static const uint8_t options[] = { 5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1 };

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct frame spec = { .is_ip6 = kind & 1,
			.nb_tags = kind >> 1,
			.options = options,
			.nb_options = sizeof(options),
			.len = 20 };
		struct rte_mbuf *whole = frame_build(pool, &spec);

		for (uint16_t cut = 0; cut < whole->data_len; cut++) {
			struct rte_mbuf *m =
				frame_at_edge(pool, rte_pktmbuf_mtod(whole, void *), cut);

			assert_int_not_equal(look(m, CHIM_SIDE_WIRE)->why, CHIM_WHY_NONE);
			assert_int_not_equal(look(m, CHIM_SIDE_KERNEL)->why, CHIM_WHY_NONE);
			rte_pktmbuf_free(m);
		}
		rte_pktmbuf_free(whole);
	}
}

/* What must hold whatever the bytes were. */
static void
expect_consistent(const struct rte_mbuf *m, const struct chim_seg *seg)
{
	assert_true(seg->why < CHIM_WHY_MAX);
	assert_true(seg->nb_sack <= CHIM_SACK_IN);
	if (seg->why == CHIM_WHY_NONE) {
		assert_true(seg->info & CHIM_SEG_LOOKUP);
		assert_true(seg->payload_off >= seg->tcp_off + 20);
		assert_true(seg->payload_off <= m->data_len);
		assert_true((uint32_t)seg->payload_off + seg->len <= m->pkt_len);
	} else if (seg->info & CHIM_SEG_LOOKUP) {
		struct chim_icmp_quote quote;

		assert_true(chim_wire_parse_icmp_quote(m, seg, &quote));
	}
}

static void
mutated_frames_do_no_harm(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 18, 0, 0,
		0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4 };

	(void)state;
	srand(9293);
	for (uint32_t round = 0; round < 50000; round++) {
		struct frame spec = { .is_ip6 = rand() % 2,
			.nb_tags = rand() % 2,
			.options = options,
			.nb_options = sizeof(options),
			.len = 60 };
		struct rte_mbuf *m = frame_build(pool, &spec);
		enum chim_side side = rand() % 2 ? CHIM_SIDE_WIRE : CHIM_SIDE_KERNEL;

		for (int n = 1 + rand() % 4; n > 0; n--)
			rte_pktmbuf_mtod(m, uint8_t *)[(uint32_t)rand() % m->data_len] =
				(uint8_t)rand();
		if (rand() % 2)
			frame_split(pool, m, (uint16_t)((uint32_t)rand() % m->data_len));
		m->ol_flags = rand() % 2 ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0;
		m->ol_flags |= rand() % 2 ? RTE_MBUF_F_RX_IP_CKSUM_GOOD : 0;
		expect_consistent(m, look(m, side));
		rte_pktmbuf_free(m);
	}
}

/* ---- ICMP ---- */

static void
fill_icmp_sum(uint8_t *icmp, uint16_t len, bool is_ip6)
{
	struct chim_tuple t = tuple_of(true);
	uint32_t seed = 0;

	if (is_ip6) {
		seed = frame_sum(t.local_addr, 16, 58u + len);
		seed = frame_sum(t.remote_addr, 16, seed);
	}
	icmp[2] = 0;
	icmp[3] = 0;
	seed = (uint16_t)~frame_sum(icmp, len, seed);
	icmp[2] = (uint8_t)(seed >> 8);
	icmp[3] = (uint8_t)seed;
}

/* An error that quotes our segment's IP header and the first bytes of its TCP header. */
static struct rte_mbuf *
icmp_error(bool is_ip6, uint8_t type, uint8_t code, uint16_t mtu, uint16_t quoted_tcp)
{
	struct rte_mbuf *quoted = frame_build(pool,
		&(struct frame){ .is_ip6 = is_ip6, .is_from_us = true, .seq = SEQ, .len = 700 });
	uint16_t quoted_len = (uint16_t)((is_ip6 ? 40 : 20) + quoted_tcp);
	uint8_t icmp[128] = { type, code, 0, 0, 0, 0, (uint8_t)(mtu >> 8), (uint8_t)mtu };

	memcpy(icmp + 8, rte_pktmbuf_mtod_offset(quoted, void *, 14), quoted_len);
	rte_pktmbuf_free(quoted);
	fill_icmp_sum(icmp, (uint16_t)(8 + quoted_len), is_ip6);
	return frame_build(pool,
		&(struct frame){ .is_ip6 = is_ip6,
			.proto = is_ip6 ? 58 : 1,
			.l4 = icmp,
			.l4_len = (uint16_t)(8 + quoted_len) });
}

static void
an_icmp_error_names_the_quoted_flow(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct rte_mbuf *m = icmp_error(is_ip6, is_ip6 ? 2 : 3, is_ip6 ? 0 : 4, 1400, 8);
		const struct chim_seg *seg = look(m, CHIM_SIDE_WIRE);
		struct chim_icmp_quote quote;

		assert_int_equal(seg->why, CHIM_WHY_NOT_TCP);
		assert_true(seg->info & CHIM_SEG_LOOKUP);
		expect_key(is_ip6);
		assert_true(chim_wire_parse_icmp_quote(m, seg, &quote));
		assert_int_equal(quote.seq, SEQ);
		assert_int_equal(quote.type, is_ip6 ? 2 : 3);
		assert_int_equal(quote.code, is_ip6 ? 0 : 4);
		assert_int_equal(quote.mtu, 1400);
		assert_int_equal(quote.quoted_len, 720 + (is_ip6 ? 40 : 20));
		rte_pktmbuf_free(m);
	}
}

static void
only_errors_that_quote_a_whole_tcp_start_are_looked_up(void **state)
{
	static const struct {
		bool is_ip6, is_looked_up;
		uint8_t type, quoted_tcp;
	} cases[] = {
		{ false, true, 3, 8 },
		{ false, true, 11, 20 },
		{ false, true, 12, 8 },
		{ false, false, 3, 7 },
		{ false, false, 0, 8 },
		{ false, false, 8, 8 },
		{ false, false, 5, 8 },
		{ true, true, 1, 8 },
		{ true, true, 3, 20 },
		{ true, true, 4, 8 },
		{ true, false, 2, 7 },
		{ true, false, 128, 8 },
		{ true, false, 135, 8 },
	};

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(cases); i++) {
		struct rte_mbuf *m =
			icmp_error(cases[i].is_ip6, cases[i].type, 0, 0, cases[i].quoted_tcp);
		const struct chim_seg *seg = look(m, CHIM_SIDE_WIRE);

		assert_int_equal(seg->why, CHIM_WHY_NOT_TCP);
		assert_int_equal(!!(seg->info & CHIM_SEG_LOOKUP), cases[i].is_looked_up);
		look(m, CHIM_SIDE_KERNEL);
		assert_false(seg->info & CHIM_SEG_LOOKUP); /* the kernel's own error */
		rte_pktmbuf_free(m);
	}
}

static void
an_icmp_error_that_is_not_whole_is_not_looked_up(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		uint32_t quoted = (is_ip6 ? 54u : 34u) + 8;
		uint32_t proto_at = quoted + (is_ip6 ? 6 : 9);
		struct rte_mbuf *m = icmp_error(is_ip6, is_ip6 ? 1 : 3, 0, 0, 8);
		uint8_t *bytes = rte_pktmbuf_mtod(m, uint8_t *);

		bytes[proto_at] ^= 0x10; /* the checksum is now wrong */
		assert_false(look(m, CHIM_SIDE_WIRE)->info & CHIM_SEG_LOOKUP);
		bytes[proto_at] = 17; /* right again, but it quotes UDP */
		fill_icmp_sum(bytes + quoted - 8, (uint16_t)(m->data_len - quoted + 8), is_ip6);
		assert_false(look(m, CHIM_SIDE_WIRE)->info & CHIM_SEG_LOOKUP);
		bytes[proto_at] = 6;
		fill_icmp_sum(bytes + quoted - 8, (uint16_t)(m->data_len - quoted + 8), is_ip6);
		assert_true(look(m, CHIM_SIDE_WIRE)->info & CHIM_SEG_LOOKUP);
		frame_split(pool, m, (uint16_t)(m->data_len - 1));
		assert_false(look(m, CHIM_SIDE_WIRE)->info & CHIM_SEG_LOOKUP);
		rte_pktmbuf_free(m);
	}
}

static void
a_plain_segment_is_no_icmp_quote(void **state)
{
	struct rte_mbuf *m = frame_build(pool, &(struct frame){ .len = 50 });
	struct chim_icmp_quote quote;

	(void)state;
	assert_false(chim_wire_parse_icmp_quote(m, look(m, CHIM_SIDE_WIRE), &quote));
	rte_pktmbuf_free(m);
}

/* ---- a burst, and a bare TCP header ---- */

static void
a_full_burst_is_read_frame_by_frame(void **state)
{
	(void)state;
	burst.nb = CHIM_BURST;
	burst.port_number = 3;
	for (uint16_t i = 0; i < CHIM_BURST; i++)
		burst.m[i] = frame_build(pool,
			&(struct frame){ .is_ip6 = i & 1,
				.seq = SEQ + i,
				.len = i,
				.proto = i % 5 == 4 ? 17 : 0 });
	chim_wire_parse_burst(&burst, CHIM_SIDE_WIRE);
	for (uint16_t i = 0; i < CHIM_BURST; i++) {
		if (i % 5 == 4) {
			assert_int_equal(burst.seg[i].why, CHIM_WHY_NOT_TCP);
		} else {
			assert_int_equal(burst.seg[i].seq, SEQ + i);
			assert_int_equal(burst.seg[i].len, i);
		}
		rte_pktmbuf_free(burst.m[i]);
	}
	burst.nb = 0;
	chim_wire_parse_burst(&burst, CHIM_SIDE_WIRE);
}

static void
a_forwarded_segment_has_no_ip_header(void **state)
{
	struct rte_mbuf *m = frame_build(pool, &(struct frame){ .seq = SEQ, .len = 50 });
	struct chim_seg seg;

	(void)state;
	rte_pktmbuf_adj(m, 34);
	assert_int_equal(chim_wire_parse_tcp(m, &seg), CHIM_WHY_NONE);
	assert_int_equal(seg.seq, SEQ);
	assert_int_equal(seg.len, 50);
	assert_int_equal(seg.tcp_off, 0);
	assert_int_equal(seg.payload_off, 20);
	assert_false(seg.info & CHIM_SEG_CSUM_OK);
	rte_pktmbuf_trim(m, 51);
	assert_int_equal(chim_wire_parse_tcp(m, &seg), CHIM_WHY_BAD_TCP_HEADER);
	assert_int_equal(seg.why, CHIM_WHY_BAD_TCP_HEADER);
	rte_pktmbuf_free(m);
}

/* A tag that the port took out sends the same frame through the checks of each layer. */
static void
check_both_ways(struct rte_mbuf *m)
{
	const uint64_t good = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	union chim_key key;
	struct chim_seg seg;

	/* Not when a mutation has put one in. */
	if (*rte_pktmbuf_mtod_offset(m, uint8_t *, 12) == 0x81)
		return;
	memset(&burst.key[0], 0, sizeof(burst.key[0]));
	m->ol_flags = good;
	seg = *look(m, CHIM_SIDE_WIRE);
	key = burst.key[0];
	memset(&burst.key[0], 0, sizeof(burst.key[0]));
	m->ol_flags = good | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0;
	look(m, CHIM_SIDE_WIRE);
	burst.seg[0].info &= ~CHIM_SEG_VLAN;
	assert_memory_equal(&seg, &burst.seg[0], sizeof(seg));
	assert_memory_equal(&key, &burst.key[0], sizeof(key));
}

static void
the_quick_way_says_what_the_checks_say(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < 20000; i++) {
		struct rte_mbuf *m = frame_build(pool,
			&(struct frame){ .seq = SEQ + i,
				.is_ip6 = rand() % 16 == 0,
				.nb_ip_options = rand() % 16 == 0 ? 4 : 0,
				.tos = (uint8_t)rand(),
				.ttl = (uint8_t)rand(),
				.flags = (uint8_t)rand(),
				.nb_options = rand() % 2 ? sizeof(options) : 0,
				.options = options,
				.len = (uint16_t)(rand() % 100),
				.padding = (uint16_t)(rand() % 7) });

		for (int n = rand() % 4; n > 0; n--)
			*rte_pktmbuf_mtod_offset(m, uint8_t *, rand() % RTE_MIN(m->data_len, 60)) =
				(uint8_t)rand();
		if (rand() % 4 == 0)
			rte_pktmbuf_trim(m, (uint16_t)(rand() % m->data_len));
		check_both_ways(m);
		rte_pktmbuf_free(m);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_plain_segment_is_read_in_full),
	cmocka_unit_test(the_kernels_frame_has_the_same_key),
	cmocka_unit_test(ethernet_padding_is_not_payload),
	cmocka_unit_test(one_tag_is_read_and_two_are_not_ours),
	cmocka_unit_test(ecn_codepoints_are_told),
	cmocka_unit_test(each_kind_of_frame_has_its_reason),
	cmocka_unit_test(each_bad_header_field_has_its_reason),
	cmocka_unit_test(the_ports_checksum_verdict_is_believed),
	cmocka_unit_test(checksums_of_every_length_and_every_split_are_right),
	cmocka_unit_test(long_chains_of_odd_segments_are_summed_right),
	cmocka_unit_test(headers_across_segments_are_refused),
	cmocka_unit_test(a_frame_cut_at_any_byte_is_never_taken),
	cmocka_unit_test(mutated_frames_do_no_harm),
	cmocka_unit_test(an_icmp_error_names_the_quoted_flow),
	cmocka_unit_test(only_errors_that_quote_a_whole_tcp_start_are_looked_up),
	cmocka_unit_test(an_icmp_error_that_is_not_whole_is_not_looked_up),
	cmocka_unit_test(a_plain_segment_is_no_icmp_quote),
	cmocka_unit_test(the_quick_way_says_what_the_checks_say),
	cmocka_unit_test(a_full_burst_is_read_frame_by_frame),
	cmocka_unit_test(a_forwarded_segment_has_no_ip_header),
};
CHIM_CMOCKA_SUITE(wire_parse_autotest, tests, setup, teardown)
