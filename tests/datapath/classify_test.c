/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a worker makes of each kind of frame from the wire: the connection's,
 * or the kernel's with its reason counted (spec 11.1).
 */
#include <string.h>

#include "rings.h"

static const struct frame plain = {
	.seq = RINGS_PEER_SEQ,
	.ack = RINGS_OUR_SEQ,
	.flags = CHIM_ACK,
	.wnd = RINGS_WND,
	.ttl = 64,
};

/* A frame of flow 0's addresses that is not its plain segment goes up, and nowhere else. */
static void
expect_punt(struct rings *r, const struct frame *spec, enum chim_why why)
{
	struct rte_mbuf *m = frame_build(r->pool, spec);
	uint32_t len = rte_pktmbuf_pkt_len(m);
	uint64_t before = rings_why(r, why);
	uint8_t sent[256];

	assert_true(len <= sizeof(sent));
	memcpy(sent, rte_pktmbuf_mtod(m, void *), len);
	rings_wire_in(r, 0, m);
	rings_settle(r);
	assert_int_equal(rings_why(r, why), before + 1);
	m = rings_kernel_out(r, 0);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_pkt_len(m), len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), sent, len);
	rte_pktmbuf_free(m);
	assert_int_equal(rings_kernel_drain(r), 0);
	assert_int_equal(rings_wire_drain(r), 0);
}

static void
checklist_210_what_is_not_tcp_goes_up_untouched(void **state)
{
	static const uint8_t ping[16] = { 8, 0, 0xf7, 0xff };
	struct rings r;
	struct frame f = plain;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	f.ether_type = 0x0806;
	expect_punt(&r, &f, CHIM_WHY_NOT_IP);
	f = plain;
	f.proto = 1;
	f.l4 = ping;
	f.l4_len = sizeof(ping);
	expect_punt(&r, &f, CHIM_WHY_NOT_TCP);
	rings_down(&r);
}

static void
checklist_211_ip_options_go_up(void **state)
{
	struct rings r;
	struct frame f = plain;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	f.nb_ip_options = 4;
	expect_punt(&r, &f, CHIM_WHY_IP_OPTIONS);
	rings_down(&r);
}

static void
checklist_212_fragments_go_up(void **state)
{
	struct rings r;
	struct frame f = plain;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	f.fragment = 0x2000;
	f.len = 24;
	expect_punt(&r, &f, CHIM_WHY_FRAGMENT);
	f.fragment = 3;
	expect_punt(&r, &f, CHIM_WHY_FRAGMENT);
	rings_down(&r);
}

/* Spoils a plain segment of flow 0. */
typedef void (*spoil_fn)(struct rte_mbuf *m);

static void
spoil_ip_sum(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, uint8_t *)[24] ^= 0x10;
}

static void
spoil_tcp_sum(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, uint8_t *)[60] ^= 0x10;
}

static void
cut_short(struct rte_mbuf *m)
{
	rte_pktmbuf_trim(m, 20);
}

static void
checklist_259_corrupt_packets_handed_up_are_not_counted_as_errors(void **state)
{
	static const struct {
		spoil_fn spoil;
		enum chim_why why;
	} all[] = {
		{ spoil_ip_sum, CHIM_WHY_BAD_IP_CHECKSUM },
		{ spoil_tcp_sum, CHIM_WHY_BAD_TCP_CHECKSUM },
		{ cut_short, CHIM_WHY_TRUNCATED },
	};
	struct chim_family_stats before;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	before = chim_dp_counters(r.worker[0])->ip4;
	for (size_t i = 0; i < CHIM_DIM(all); i++) {
		struct rte_mbuf *m = rings_data(&r, 0, 0, 100);

		all[i].spoil(m);
		rings_wire_in(&r, 0, m);
		rings_settle(&r);
		assert_int_equal(rings_why(&r, all[i].why), 1);
		assert_int_equal(rings_kernel_drain(&r), 1);
		assert_memory_equal(&before, &chim_dp_counters(r.worker[0])->ip4, sizeof(before));
	}
	rings_down(&r);
}

static void
tcp_of_another_connection_goes_up(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	expect_punt(&r, &plain, CHIM_WHY_MISS);
	rings_install(&r, 1);
	expect_punt(&r, &plain, CHIM_WHY_MISS);
	rings_down(&r);
}

static void
a_plain_segment_is_the_connections(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(chim_dp_counters(r.worker[0])->segments, 1);
	assert_int_equal(rings_why(&r, CHIM_WHY_NONE), 1);
	rings_expect_data(&r, 0, 100);
	rings_settle(&r);
	rings_down(&r);
}

/* ICMP "fragmentation needed" that quotes 8 bytes of what flow 0 sent at seq. */
static void
make_icmp(uint8_t *l4, uint32_t seq)
{
	static const uint8_t quote[] = {
		3, 4, 0, 0, 0, 0, 0x05, 0x14,	       /* unreachable, fragmentation needed, 1300 */
		0x45, 0, 0x05, 0xDC, 0x80, 0, 0x40, 0, /* an IPv4 packet of 1500, DF */
		64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, /* from us to the peer */
		0x03, 0xE8, 0x07, 0xD0		       /* ports 1000 to 2000 */
	};
	uint16_t sum;

	memcpy(l4, quote, sizeof(quote));
	for (int i = 0; i < 4; i++)
		l4[sizeof(quote) + i] = (uint8_t)(seq >> (24 - 8 * i));
	sum = (uint16_t)~frame_sum(l4, sizeof(quote) + 4, 0);
	l4[2] = (uint8_t)(sum >> 8);
	l4[3] = (uint8_t)sum;
}

static void
icmp_that_quotes_a_connection_is_reported_and_goes_up(void **state)
{
	struct rings r;
	struct frame f = plain;
	struct chim_io io;
	uint8_t l4[36];
	chim_handle_t h;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 1000);
	rings_settle(&r);
	rings_wire_drain(&r);
	f.proto = 1;
	f.l4 = l4;
	f.l4_len = sizeof(l4);
	make_icmp(l4, RINGS_OUR_SEQ);
	expect_punt(&r, &f, CHIM_WHY_ICMP_FLOW);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_EVENT);
	assert_int_equal(io.event, CHIM_EVENT_PATH_MTU);
	assert_int_equal(io.info, 1300);
	/* What is not in flight is somebody's guess (RFC 5927, 4). */
	make_icmp(l4, RINGS_OUR_SEQ + 5000);
	expect_punt(&r, &f, CHIM_WHY_ICMP_FLOW);
	assert_false(rings_collect(&r, 0, &io));
	rings_down(&r);
}

static void
set_vlan(struct rings *r, uint16_t vlan)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_NEIGHBOR_SET);

	msg->neighbor.vlan_id = vlan;
	msg->neighbor.dl_source[5] = 1;
	msg->neighbor.dl_destination[5] = 2;
	assert_int_equal(rings_call(r, 0, msg), CHIM_STATUS_SUCCESS);
}

static void
checklist_224_only_frames_of_the_neighbors_vlan_count(void **state)
{
	struct rings r;
	struct frame f = plain;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	f.len = 10;
	set_vlan(&r, 5);
	rings_wire_in(&r, 0, frame_build(r.pool, &f)); /* no tag */
	f.nb_tags = 1;
	f.tci = 6;
	rings_wire_in(&r, 0, frame_build(r.pool, &f));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_VLAN), 2);
	assert_int_equal(rings_kernel_drain(&r), 0);
	f.tci = 0xE005;
	rings_wire_in(&r, 0, frame_build(r.pool, &f));
	rings_settle(&r);
	rings_expect_data(&r, 0, 10);
	set_vlan(&r, 0);
	f.seq += 10;
	f.tci = 7;
	rings_wire_in(&r, 0, frame_build(r.pool, &f));
	rings_settle(&r);
	rings_expect_data(&r, 0, 10);
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_VLAN), 2);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_210_what_is_not_tcp_goes_up_untouched),
	cmocka_unit_test(checklist_211_ip_options_go_up),
	cmocka_unit_test(checklist_212_fragments_go_up),
	cmocka_unit_test(checklist_259_corrupt_packets_handed_up_are_not_counted_as_errors),
	cmocka_unit_test(tcp_of_another_connection_goes_up),
	cmocka_unit_test(a_plain_segment_is_the_connections),
	cmocka_unit_test(icmp_that_quotes_a_connection_is_reported_and_goes_up),
	cmocka_unit_test(checklist_224_only_frames_of_the_neighbors_vlan_count),
};
CHIM_CMOCKA_SUITE(dp_classify_autotest, tests, NULL, NULL)
