/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Workers on a port that cuts frames into segments, or does not: what reaches
 * the device. The device is a ring: it takes everything.
 */
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
	cmocka_unit_test(a_frame_to_be_cut_is_relayed_as_it_is),
	cmocka_unit_test(the_ports_limit_of_mbufs_is_kept),
};
CHIM_CMOCKA_SUITE(dp_tso_autotest, tests, NULL, NULL)
