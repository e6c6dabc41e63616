/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * RSS asked for and read back, on a net_null device: it keeps a key and a
 * table as a NIC does.
 */
#include <string.h>

#include <rte_dev.h>

#include "port_internal.h"
#include "test.h"

#define DEVICE "net_null_rss"

static struct rte_mempool *pool;
static struct port_dev dev;

/* As ethdev.c does, but for a device that puts no hash in the frame. */
static int
setup(void **state)
{
	struct rte_eth_conf conf = { .rxmode.mtu = 1500 };
	int failed;

	(void)state;
	pool = rte_pktmbuf_pool_create("port_rss", 255, 0, 0, 2176, SOCKET_ID_ANY);
	if (pool == NULL || rte_eal_hotplug_add("vdev", DEVICE, "no-rx=1") != 0)
		return -1;
	dev.has_rss = true;
	failed = rte_eth_dev_get_port_by_name(DEVICE, &dev.id);
	failed |= rte_eth_dev_info_get(dev.id, &dev.info);
	dev.info.hash_key_size = 40; /* it takes no other, but does not say so */
	port_rss_ask(&dev, &conf);
	failed |= rte_eth_dev_configure(dev.id, 1, 1, &conf);
	failed |= rte_eth_rx_queue_setup(dev.id, 0, 64, SOCKET_ID_ANY, NULL, pool);
	failed |= rte_eth_tx_queue_setup(dev.id, 0, 64, SOCKET_ID_ANY, NULL);
	failed |= rte_eth_dev_start(dev.id);
	/* A NIC takes the key when it is configured, this one only so. */
	return failed | rte_eth_dev_rss_hash_update(dev.id, &conf.rx_adv_conf.rss_conf);
}

static int
teardown(void **state)
{
	(void)state;
	rte_eth_dev_stop(dev.id);
	rte_eal_hotplug_remove("vdev", DEVICE);
	rte_mempool_free(pool);
	return 0;
}

static void
tcp_of_both_families_is_asked_for(void **state)
{
	struct rte_eth_conf conf = { 0 };

	(void)state;
	port_rss_ask(&dev, &conf);
	assert_int_equal(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	assert_true(conf.rx_adv_conf.rss_conf.rss_hf & RTE_ETH_RSS_NONFRAG_IPV4_TCP);
	assert_true(conf.rx_adv_conf.rss_conf.rss_hf & RTE_ETH_RSS_NONFRAG_IPV6_TCP);
	assert_int_equal(conf.rx_adv_conf.rss_conf.rss_key_len, dev.info.hash_key_size);
}

static void
key_and_table_are_read_back(void **state)
{
	struct rte_eth_rss_reta_entry64 reta[8];
	struct chim_port p = { 0 };

	(void)state;
	assert_true(dev.info.reta_size <= RTE_DIM(reta) * RTE_ETH_RETA_GROUP_SIZE);
	for (uint32_t i = 0; i < RTE_DIM(reta); i++) {
		reta[i].mask = UINT64_MAX;
		for (uint16_t j = 0; j < RTE_ETH_RETA_GROUP_SIZE; j++)
			reta[i].reta[j] = 0;
	}
	assert_int_equal(rte_eth_dev_rss_reta_update(dev.id, reta, dev.info.reta_size), 0);
	memset(p.reta, 0xFF, sizeof(p.reta));
	port_rss_read(&dev, &p);
	assert_true(p.has_rss);
	assert_int_equal(p.reta_size, dev.info.reta_size);
	for (uint16_t i = 0; i < p.reta_size; i++)
		assert_int_equal(p.reta[i], 0);
	assert_int_equal(p.rss_key_len, dev.info.hash_key_size);
	assert_memory_equal(p.rss_key, dev.rss_key, p.rss_key_len);
}

static void
what_does_not_fit_is_not_believed(void **state)
{
	struct port_dev odd = dev;
	struct chim_port p = { 0 };

	(void)state;
	odd.info.reta_size = 1024;
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
	assert_int_equal(p.reta_size, 0);
	odd.info.reta_size = 96;
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
	odd.info.reta_size = 0;
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
	odd = dev;
	odd.info.hash_key_size = 16; /* too short for IPv6 */
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
	odd.info.hash_key_size = 64;
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
	odd = dev;
	odd.has_rss = false;
	port_rss_read(&odd, &p);
	assert_false(p.has_rss);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(tcp_of_both_families_is_asked_for),
	cmocka_unit_test(key_and_table_are_read_back),
	cmocka_unit_test(what_does_not_fit_is_not_believed),
};
CHIM_CMOCKA_SUITE(port_rss_autotest, tests, setup, teardown)
