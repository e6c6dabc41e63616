/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Starting ports on vdevs made here: what they turn out to be, and a sentence
 * with a remedy for each way it can fail. No test needs root or an interface.
 */
#include <errno.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "chim_port.h"
#include "chim_wire.h"
#include "port_internal.h"
#include "test.h"

#define NB_MBUFS 8191u

static struct rte_mempool *pool;
static struct rte_mempool *other_pool;
static struct chim_port port;
static char why[256];

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("port_start", NB_MBUFS, 0, 0, 2176, SOCKET_ID_ANY);
	other_pool = rte_pktmbuf_pool_create("port_other", NB_MBUFS, 0, 0, 2176, SOCKET_ID_ANY);
	return pool == NULL || other_pool == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	int leaked =
		rte_mempool_in_use_count(pool) != 0 || rte_mempool_in_use_count(other_pool) != 0;

	(void)state;
	rte_mempool_free(pool);
	rte_mempool_free(other_pool);
	return leaked || rte_eth_dev_count_avail() != 0;
}

/* The devices of a test, which go with it. */
static const char *made[4];
static uint32_t nb_made;

static void
make(const char *name, const char *args)
{
	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
	made[nb_made++] = name;
}

static int
remove_devices(void **state)
{
	int failed = 0;

	(void)state;
	while (nb_made > 0)
		failed |= rte_eal_hotplug_remove("vdev", made[--nb_made]);
	return failed;
}

static struct chim_port_config
config(const char *wire, const char *exception, uint16_t nb_workers)
{
	struct chim_port_config cfg = { .port_number = 2,
		.wire = wire,
		.exception = exception,
		.nb_workers = nb_workers,
		.use_offloads = true };

	for (uint16_t i = 0; i < nb_workers && i < CHIM_MAX_WORKERS; i++)
		cfg.pool[i] = pool;
	memset(why, 0, sizeof(why));
	return cfg;
}

static void
expect_failure(const struct chim_port_config *cfg, int err, const char *word)
{
	assert_int_equal(chim_port_start(&port, cfg, why, sizeof(why)), err);
	assert_non_null(strstr(why, "port "));
	assert_non_null(strstr(why, word));
	chim_port_stop(&port); /* harmless */
}

/* One frame through a loop-back queue. */
static void
expect_loop(uint16_t ethdev, uint16_t queue)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *got;
	struct chim_txq q;

	assert_non_null(rte_pktmbuf_append(m, 60));
	chim_txq_init(&q, ethdev, queue);
	chim_txq_put(&q, m);
	assert_int_equal(chim_txq_flush(&q), 1);
	assert_int_equal(rte_eth_rx_burst(ethdev, queue, &got, 1), 1);
	assert_ptr_equal(got, m);
	rte_pktmbuf_free(got);
}

static void
a_pair_of_rings_starts_and_carries_frames(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", "net_ring_e", 1);
	struct rte_ether_addr mac;

	(void)state;
	make("net_ring_w", "");
	make("net_ring_e", "");
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.port_number, 2);
	assert_int_equal(port.nb_queues, 1);
	assert_int_equal(port.nb_exception_queues, 1);
	assert_int_equal(port.mtu, 1500);
	assert_int_equal(port.exception_mtu, 1500);
	assert_false(port.has_rss);
	assert_false(port.has_rx_interrupts);
	assert_int_equal(port.tx_offloads & ~CHIM_TX_MULTI_SEGS, 0);
	rte_eth_macaddr_get(port.wire_id, &mac);
	assert_true(rte_is_same_ether_addr(&mac, &port.mac));
	expect_loop(port.wire_id, 0);
	expect_loop(port.exception_id, 0);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), 0);
	chim_port_stop(&port);
	chim_port_stop(&port); /* once is enough, twice is no harm */
}

static void
a_port_needs_no_exception_port(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 1);

	(void)state;
	make("net_ring_w", "");
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.exception_id, RTE_MAX_ETHPORTS);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), 0);
	chim_port_stop(&port);
}

static void
each_worker_gets_a_queue_where_there_are_enough(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", "net_null_e", 2);

	(void)state;
	make("net_ring_w", "");
	make("net_null_e", "no-rx=1");
	cfg.exception_pool[0] = other_pool;
	cfg.exception_pool[1] = other_pool;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.nb_queues, 2);
	assert_true(port.nb_exception_queues == 1 || port.nb_exception_queues == 2);
	for (uint16_t q = 0; q < port.nb_queues; q++)
		expect_loop(port.wire_id, q);
	chim_port_stop(&port);
}

static void
more_workers_than_queues_share_one(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 40);

	(void)state;
	make("net_ring_w", "");
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.nb_queues, 1);
	chim_port_stop(&port);
}

/* net_null lets itself be given a key and a table, but puts no hash in its frames. */
static void
rss_without_a_hash_in_the_frame_is_not_believed(void **state)
{
	struct chim_port_config cfg = config("net_null_w", NULL, 1);

	(void)state;
	make("net_null_w", "no-rx=1");
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_false(port.has_rss);
	assert_int_equal(port.reta_size, 0);
	chim_port_stop(&port);
}

static void
a_large_mtu_is_taken_by_both_sides(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", "net_ring_e", 1);

	(void)state;
	make("net_ring_w", "");
	make("net_ring_e", "");
	cfg.mtu = 9000;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.mtu, 9000);
	assert_int_equal(port.exception_mtu, 9000);
	chim_port_stop(&port);
}

static void
offloads_are_off_when_not_wanted(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 1);

	(void)state;
	make("net_ring_w", "");
	cfg.use_offloads = false;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_int_equal(port.tx_offloads, 0);
	assert_int_equal(port.rx_offloads, 0);
	chim_port_stop(&port);
}

static void
rx_interrupts_that_are_not_there_are_done_without(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 1);

	(void)state;
	make("net_ring_w", "");
	cfg.use_rx_interrupts = true;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_false(port.has_rx_interrupts);
	expect_loop(port.wire_id, 0);
	chim_port_stop(&port);
}

static void
each_mistake_has_its_sentence(void **state)
{
	struct chim_port_config cfg = config("net_ring_absent", NULL, 1);

	(void)state;
	expect_failure(&cfg, -ENODEV, "--vdev=net_ring_absent");
	cfg = config("net_ring_w", NULL, 1);
	cfg.port_number = CHIM_MAX_PORTS;
	expect_failure(&cfg, -EINVAL, "port numbers");
	cfg = config("net_ring_w", NULL, 0);
	expect_failure(&cfg, -EINVAL, "workers");
	cfg = config("net_ring_w", NULL, CHIM_MAX_WORKERS + 1);
	expect_failure(&cfg, -EINVAL, "workers");
	cfg = config(NULL, NULL, 1);
	expect_failure(&cfg, -EINVAL, "wire");
	cfg = config("net_ring_w", NULL, 2);
	cfg.pool[1] = NULL;
	expect_failure(&cfg, -EINVAL, "worker 1 has no buffer pool");
	cfg = config("net_ring_w", NULL, 2);
	cfg.exception_pool[0] = other_pool;
	expect_failure(&cfg, -EINVAL, "worker 1 has no buffer pool");
}

static void
an_mtu_beyond_the_device_is_refused_in_words(void **state)
{
	struct chim_port_config cfg = config("net_null_w", NULL, 1);

	(void)state;
	make("net_null_w", "no-rx=1");
	cfg.mtu = 20; /* below what any device takes */
	expect_failure(&cfg, -EIO, "MTU");
	cfg.mtu = 0;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	chim_port_stop(&port);
}

/* net_ring passes frames of several buffers, net_null states nothing. */
static void
buffers_must_hold_a_frame_or_the_driver_spread_it(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 1);
	struct chim_port_need need;

	(void)state;
	make("net_ring_w", "");
	make("net_null_e", "no-rx=1");
	cfg.mtu = 9000;
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), 0);
	assert_int_equal(need.mtu, 9000);
	assert_int_equal(need.buffer_bytes, 0);
	assert_false(need.is_device);
	cfg.exception = "net_null_e";
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), 0);
	assert_int_equal(need.buffer_bytes, 9018);
	expect_failure(&cfg, -EINVAL, "--mbuf-size=9216");
	cfg.wire = "net_ring_absent";
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), -ENODEV);
	cfg = config("net_ring_w", NULL, 1);
	cfg.mtu = 9000;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	assert_true(port.rx_offloads & RTE_ETH_RX_OFFLOAD_SCATTER);
	chim_port_stop(&port);
}

static void
a_missing_exception_port_leaves_the_wire_stopped(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", "net_tap_absent", 1);

	(void)state;
	make("net_ring_w", "");
	expect_failure(&cfg, -ENODEV, "exception port \"net_tap_absent\"");
	cfg.exception = NULL;
	assert_int_equal(chim_port_start(&port, &cfg, why, sizeof(why)), 0);
	expect_loop(port.wire_id, 0);
	chim_port_stop(&port);
}

static void
a_port_in_use_is_refused(void **state)
{
	struct chim_port_config cfg = config("net_ring_w", NULL, 1);
	struct chim_port first;

	(void)state;
	make("net_ring_w", "");
	assert_int_equal(chim_port_start(&first, &cfg, why, sizeof(why)), 0);
	expect_failure(&cfg, -EIO, "net_ring_w");
	expect_loop(first.wire_id, 0); /* the first one is not disturbed */
	chim_port_stop(&first);
}

/* Without hugepages a mempool of its own accord leaves the rest of each page free. */
static void
gaps_between_the_objects_of_a_pool_are_seen(void **state)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = 2176 };
	struct rte_mempool *dense = rte_mempool_create("port_dense", 1023,
		sizeof(struct rte_mbuf) + 2176, 0, sizeof(priv), rte_pktmbuf_pool_init, &priv,
		rte_pktmbuf_init, NULL, SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	(void)state;
	assert_non_null(dense);
	assert_true(port_pool_is_dense(dense));
	assert_false(port_pool_is_dense(pool));
	rte_mempool_free(dense);
}

#define PORT_TEST(fn) cmocka_unit_test_teardown(fn, remove_devices)

static const struct CMUnitTest tests[] = {
	PORT_TEST(a_pair_of_rings_starts_and_carries_frames),
	PORT_TEST(a_port_needs_no_exception_port),
	PORT_TEST(each_worker_gets_a_queue_where_there_are_enough),
	PORT_TEST(more_workers_than_queues_share_one),
	PORT_TEST(rss_without_a_hash_in_the_frame_is_not_believed),
	PORT_TEST(a_large_mtu_is_taken_by_both_sides),
	PORT_TEST(offloads_are_off_when_not_wanted),
	PORT_TEST(rx_interrupts_that_are_not_there_are_done_without),
	PORT_TEST(each_mistake_has_its_sentence),
	PORT_TEST(an_mtu_beyond_the_device_is_refused_in_words),
	PORT_TEST(buffers_must_hold_a_frame_or_the_driver_spread_it),
	PORT_TEST(a_missing_exception_port_leaves_the_wire_stopped),
	PORT_TEST(a_port_in_use_is_refused),
	PORT_TEST(gaps_between_the_objects_of_a_pool_are_seen),
};
CHIM_CMOCKA_SUITE(port_start_autotest, tests, setup, teardown)
