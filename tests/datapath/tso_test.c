/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Workers on a port that cuts frames into segments, or does not: what reaches
 * the device. The device is a ring: it takes everything.
 */
#include <stdlib.h>
#include <string.h>

#include "chim_wire.h"
#include "rings.h"

#define TSO (CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM | CHIM_TX_TSO | CHIM_TX_MULTI_SEGS)
#define MSS 1460u

/* The host sends 8000 bytes in five requests; frames that left, owned, until there are no more. */
static uint32_t
send_8000(struct rings *r, uint16_t flow, uint32_t queue, struct rte_mbuf **out, uint32_t room)
{
	chim_handle_t h = rings_install(r, flow);
	uint32_t nb = 0;

	rings_settle(r);
	rings_wire_drain(r); /* the ACK after install */
	for (uint32_t i = 0; i < 5; i++)
		rings_host_send(r, h, 1600);
	rings_settle(r);
	while (nb < room && (out[nb] = rings_wire_out(r, queue)) != NULL)
		nb++;
	return nb;
}

static void
a_port_that_cuts_gets_one_frame(void **state)
{
	struct rte_mbuf *m[8];
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ .tx_offloads = TSO });
	assert_int_equal(send_8000(&r, 0, 0, m, 8), 1);
	assert_true(m[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_true(m[0]->ol_flags & RTE_MBUF_F_TX_IP_CKSUM);
	assert_int_equal(m[0]->tso_segsz, MSS);
	assert_int_equal(m[0]->pkt_len, 14 + 40 + 8000);
	rte_pktmbuf_free(m[0]);
	/* all of it is acknowledged */
	rings_wire_in(&r, 0, rings_ack(&r, 0, 8000));
	rings_settle(&r);
	assert_int_equal(chim_dp_counters(r.worker[0])->ip4.tcp_out_segments, 6 + 1);
	rings_down(&r);
}

static void
a_port_that_does_not_gets_segments(void **state)
{
	static const uint32_t offloads[] = { 0, CHIM_TX_MULTI_SEGS,
		CHIM_TX_MULTI_SEGS | CHIM_TX_TCP_CSUM | CHIM_TX_IP_CSUM };
	struct rte_mbuf *m[8];
	struct rings r;

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(offloads); i++) {
		rings_up(&r, &(struct rings_opts){ .tx_offloads = offloads[i] });
		assert_int_equal(send_8000(&r, 0, 0, m, 8), 6);
		for (uint32_t k = 0; k < 6; k++) {
			assert_int_equal(m[k]->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0);
			assert_true(m[k]->pkt_len <= 1514);
			rte_pktmbuf_free(m[k]);
		}
		rings_down(&r);
	}
}

/* The bytes of our stream that a frame has, and whether its sums are what they should be. */
static uint32_t
check_frame(struct rte_mbuf *m, uint32_t offloads, uint32_t rel)
{
	bool is_cut = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
	bool is_left = is_cut || (offloads & CHIM_TX_TCP_CSUM) != 0;
	struct chim_burst *b = calloc(1, sizeof(*b));
	uint32_t len;

	assert_int_equal((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0, is_left);
	assert_int_equal(
		(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0, (offloads & CHIM_TX_IP_CSUM) != 0);
	if ((offloads & CHIM_TX_MULTI_SEGS) == 0)
		assert_int_equal(m->nb_segs, 1);
	/* What is left open is for the port; the rest must be right without anybody's word. */
	m->ol_flags = 0;
	if ((offloads & (CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM)) != 0)
		chim_wire_fix_checksums(m);
	b->nb = 1;
	b->m[0] = m;
	chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
	assert_int_equal(b->seg[0].why, CHIM_WHY_NONE);
	assert_int_equal(b->seg[0].seq, (uint32_t)(RINGS_OUR_SEQ + rel));
	len = b->seg[0].len;
	for (uint32_t i = 0; i < len; i++) {
		uint8_t octet;

		memcpy(&octet, rte_pktmbuf_read(m, b->seg[0].payload_off + i, 1, &octet), 1);
		assert_int_equal(octet, frame_byte((rel + i) % 1600));
	}
	free(b);
	return len;
}

/* Whatever a port has of the four, the peer gets the same bytes in right frames. */
static void
every_mix_of_offloads_sends_the_same_bytes(void **state)
{
	static const uint32_t all[] = { CHIM_TX_IP_CSUM, CHIM_TX_TCP_CSUM, CHIM_TX_MULTI_SEGS,
		CHIM_TX_TSO };
	struct rte_mbuf *m[8];
	struct rings r;

	(void)state;
	for (uint32_t mix = 0; mix < 1u << CHIM_DIM(all); mix++) {
		uint32_t offloads = 0;
		uint32_t rel = 0;
		uint32_t nb;

		for (uint32_t i = 0; i < CHIM_DIM(all); i++)
			offloads |= (mix >> i & 1) != 0 ? all[i] : 0;
		/* Segments need sums (port.c), and frames of several mbufs. */
		if ((offloads & CHIM_TX_TSO) != 0 && (offloads & CHIM_TX_TCP_CSUM) == 0)
			continue;
		rings_up(&r,
			&(struct rings_opts){ .has_only_these = true, .tx_offloads = offloads });
		nb = send_8000(&r, 0, 0, m, 8);
		assert_int_equal(nb,
			(offloads & (CHIM_TX_TSO | CHIM_TX_MULTI_SEGS)) ==
					(CHIM_TX_TSO | CHIM_TX_MULTI_SEGS)
				? 1
				: 6);
		assert_int_equal(chim_dp_counters(r.worker[0])->tcp.tso_frames, nb == 1);
		for (uint32_t k = 0; k < nb; k++) {
			rel += check_frame(m[k], offloads, rel);
			rte_pktmbuf_free(m[k]);
		}
		assert_int_equal(rel, 8000);
		rings_down(&r);
	}
}

/* A worker without a queue of its own has another send its frames. */
static void
a_frame_to_be_cut_is_relayed_as_it_is(void **state)
{
	struct rte_mbuf *m[8];
	struct rings r;

	(void)state;
	rings_up(&r,
		&(struct rings_opts){ .nb_workers = 2, .has_one_queue = true, .tx_offloads = TSO });
	assert_int_equal(send_8000(&r, rings_flow_of(&r, 1), 0, m, 8), 1);
	assert_true(m[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_int_equal(m[0]->tso_segsz, MSS);
	rte_pktmbuf_free(m[0]);
	rings_down(&r);
}

static void
the_ports_limit_of_mbufs_is_kept(void **state)
{
	struct rte_mbuf *m[8];
	struct rings r;
	uint32_t nb;

	(void)state;
	rings_up(&r, &(struct rings_opts){ .tx_offloads = TSO, .tx_frame_mbufs = 3 });
	nb = send_8000(&r, 0, 0, m, 8);
	assert_true(nb > 1);
	for (uint32_t i = 0; i < nb; i++) {
		assert_true(m[i]->nb_segs <= 3);
		rte_pktmbuf_free(m[i]);
	}
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_port_that_cuts_gets_one_frame),
	cmocka_unit_test(a_port_that_does_not_gets_segments),
	cmocka_unit_test(every_mix_of_offloads_sends_the_same_bytes),
	cmocka_unit_test(a_frame_to_be_cut_is_relayed_as_it_is),
	cmocka_unit_test(the_ports_limit_of_mbufs_is_kept),
};
CHIM_CMOCKA_SUITE(dp_tso_autotest, tests, NULL, NULL)
