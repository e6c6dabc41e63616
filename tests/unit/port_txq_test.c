/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The transmit vector on a net_ring port, whose queue of 1023 loops back: what
 * goes in comes out in order, also when the device takes only a part.
 */
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "chim_port.h"
#include "test.h"

#define NB_MBUFS 2047u
#define DEVICE	 "net_ring_txq"

static struct rte_mempool *pool;
static struct chim_port port;
static struct chim_txq txq;

static int
setup(void **state)
{
	struct chim_port_config cfg = { .wire = DEVICE, .nb_workers = 1 };
	char why[256];

	(void)state;
	pool = rte_pktmbuf_pool_create("port_txq", NB_MBUFS, 0, 0, 256, SOCKET_ID_ANY);
	cfg.pool[0] = pool;
	if (pool == NULL || rte_eal_hotplug_add("vdev", DEVICE, "") != 0)
		return -1;
	return chim_port_start(&port, &cfg, why, sizeof(why));
}

static int
teardown(void **state)
{
	int leaked = rte_mempool_in_use_count(pool) != 0;

	(void)state;
	chim_port_stop(&port);
	rte_mempool_free(pool);
	return leaked;
}

static void
put(uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	*(uint32_t *)rte_pktmbuf_append(m, 60) = number;
	chim_txq_put(&txq, m);
}

/* Read all that was sent; the numbers must go on from first. @return the number after the last. */
static uint32_t
take_all(uint32_t first)
{
	struct rte_mbuf *m[64];
	uint16_t nb;

	while ((nb = rte_eth_rx_burst(port.wire_id, 0, m, 64)) > 0) {
		for (uint16_t i = 0; i < nb; i++) {
			assert_int_equal(*rte_pktmbuf_mtod(m[i], uint32_t *), first++);
			rte_pktmbuf_free(m[i]);
		}
	}
	return first;
}

static void
nothing_is_sent_before_a_flush(void **state)
{
	(void)state;
	chim_txq_init(&txq, port.wire_id, 0);
	assert_false(txq.needs_prepare);
	assert_int_equal(chim_txq_room(&txq), CHIM_TXQ_SIZE);
	assert_int_equal(chim_txq_flush(&txq), 0);
	put(0);
	put(1);
	assert_int_equal(chim_txq_room(&txq), CHIM_TXQ_SIZE - 2);
	assert_int_equal(take_all(0), 0);
	assert_int_equal(chim_txq_flush(&txq), 2);
	assert_int_equal(chim_txq_room(&txq), CHIM_TXQ_SIZE);
	assert_int_equal(take_all(0), 2);
	assert_int_equal(txq.sent, 2);
	assert_int_equal(txq.sent_bytes, 120);
	assert_int_equal(txq.refused, 0);
}

static void
what_the_device_leaves_goes_first_next_time(void **state)
{
	uint32_t number = 0;
	uint16_t left;

	(void)state;
	chim_txq_init(&txq, port.wire_id, 0);
	while (txq.refused == 0) {
		while (chim_txq_room(&txq) > 0)
			put(number++);
		chim_txq_flush(&txq);
	}
	left = txq.nb;
	assert_true(left > 0);
	assert_int_equal(txq.sent + left, number);
	assert_int_equal(chim_txq_flush(&txq), 0);
	assert_int_equal(txq.refused, 2);
	assert_int_equal(txq.nb, left);
	put(number++);
	assert_int_equal(take_all(0), number - left - 1);
	assert_int_equal(chim_txq_flush(&txq), left + 1);
	assert_int_equal(take_all(number - left - 1), number);
	assert_int_equal(txq.sent_bytes, number * 60u);
}

/* A driver that cannot send every third frame. */
static uint16_t
refuse_thirds(void *queue, struct rte_mbuf **m, uint16_t nb)
{
	(void)queue;
	for (uint16_t i = 0; i < nb; i++)
		if (*rte_pktmbuf_mtod(m[i], uint32_t *) == UINT32_MAX)
			return i;
	return nb;
}

static void
an_unsendable_frame_does_not_block_the_others(void **state)
{
	uint32_t number = 0;
	eth_tx_prep_t original = rte_eth_fp_ops[port.wire_id].tx_pkt_prepare;

	(void)state;
	chim_txq_init(&txq, port.wire_id, 0);
	txq.needs_prepare = true;
	rte_eth_fp_ops[port.wire_id].tx_pkt_prepare = refuse_thirds;
	for (uint32_t i = 0; i < 30; i++)
		put(i % 3 == 0 ? UINT32_MAX : number++);
	assert_int_equal(chim_txq_flush(&txq), 20);
	rte_eth_fp_ops[port.wire_id].tx_pkt_prepare = original;
	assert_int_equal(txq.unsendable, 10);
	assert_int_equal(txq.nb, 0);
	assert_int_equal(take_all(0), 20);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_is_sent_before_a_flush),
	cmocka_unit_test(what_the_device_leaves_goes_first_next_time),
	cmocka_unit_test(an_unsendable_frame_does_not_block_the_others),
};
CHIM_CMOCKA_SUITE(port_txq_autotest, tests, setup, teardown)
