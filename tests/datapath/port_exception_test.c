/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The exception port on a tap, in a network namespace of its own: what the
 * kernel's side looks like, and what is said when it does not fit. Skipped
 * without the right to make one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_arp.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "chim_wire.h"
#include "port_internal.h"
#include "test.h"

#define WIRE "net_null_exc" /* has a MAC, which net_ring has not */
#define TAP  "net_tap_exc"
#define LINK "chimtap"

static struct rte_mempool *pool;
static struct chim_port port;
static char why[256];
static int old_netns = -1;

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("port_exc", 4095, 0, 0, 2176, SOCKET_ID_ANY);
	old_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (pool == NULL || old_netns < 0)
		return -1;
	if (unshare(CLONE_NEWNET) != 0) {
		close(old_netns);
		old_netns = -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	int leaked = rte_mempool_in_use_count(pool) != 0;

	(void)state;
	rte_mempool_free(pool);
	if (old_netns >= 0) {
		leaked |= setns(old_netns, CLONE_NEWNET);
		close(old_netns);
	}
	return leaked;
}

/* Each test starts a port, or is skipped. */
static int
start_port(void **state)
{
	struct chim_port_config cfg = { .port_number = 1,
		.wire = WIRE,
		.exception = TAP,
		.nb_workers = 1,
		.mtu = 1400,
		.pool = { pool } };

	(void)state;
	if (old_netns < 0 || access("/dev/net/tun", R_OK | W_OK) != 0)
		return 0;
	if (rte_eal_hotplug_add("vdev", WIRE, "no-rx=1") != 0 ||
		rte_eal_hotplug_add("vdev", TAP, "iface=" LINK) != 0)
		return -1;
	return chim_port_start(&port, &cfg, why, sizeof(why));
}

static int
stop_port(void **state)
{
	(void)state;
	if (port.exception_id == RTE_MAX_ETHPORTS || port.nb_exception_queues == 0)
		return 0;
	chim_port_stop(&port);
	return rte_eal_hotplug_remove("vdev", TAP) | rte_eal_hotplug_remove("vdev", WIRE);
}

static void
need_port(void)
{
	if (port.nb_exception_queues == 0)
		skip();
}

static void
change_link(unsigned long what, struct ifreq *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(r->ifr_name, LINK);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, what, r), 0);
	close(fd);
}

static void
set_up(bool is_up)
{
	struct ifreq r = { .ifr_flags = is_up ? IFF_UP : 0 };

	change_link(SIOCSIFFLAGS, &r);
}

static void
set_mac(const struct rte_ether_addr *mac)
{
	struct ifreq r = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(r.ifr_hwaddr.sa_data, mac, sizeof(*mac));
	change_link(SIOCSIFHWADDR, &r);
}

static void
the_kernels_side_gets_the_wires_mac_and_mtu(void **state)
{
	struct rte_eth_dev_info info;
	struct port_link l;

	(void)state;
	need_port();
	assert_int_equal(port.exception_mtu, 1400);
	assert_int_equal(rte_eth_dev_info_get(port.exception_id, &info), 0);
	assert_true(port_link_read(info.if_index, &l));
	assert_string_equal(l.name, LINK);
	assert_int_equal(l.mtu, 1400);
	assert_true(rte_is_same_ether_addr(&l.mac, &port.mac));
	assert_false(port_link_set_mtu(&l, 1u << 30));
}

static void
a_link_that_is_down_is_told(void **state)
{
	(void)state;
	need_port();
	set_up(false);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), -ENETDOWN);
	assert_non_null(strstr(why, "ip link set " LINK " up"));
	set_up(true);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), 0);
}

static void
another_mac_is_told(void **state)
{
	struct rte_ether_addr other = { { 2, 1, 2, 3, 4, 5 } };
	char command[64];

	(void)state;
	need_port();
	set_up(true);
	set_mac(&other);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), -EADDRNOTAVAIL);
	snprintf(command, sizeof(command), "address %02x:%02x:%02x", port.mac.addr_bytes[0],
		port.mac.addr_bytes[1], port.mac.addr_bytes[2]);
	assert_non_null(strstr(why, command));
	set_mac(&port.mac);
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), 0);
}

static void
a_link_in_another_namespace_is_told(void **state)
{
	(void)state;
	need_port();
	assert_int_equal(unshare(CLONE_NEWNET), 0); /* the tap stays behind */
	assert_int_equal(chim_port_check_exception(&port, why, sizeof(why)), -EIO);
	assert_non_null(strstr(why, "another network namespace"));
}

/* What the driver says it can cut it does not send. */
static void
a_tap_as_wire_is_not_asked_to_cut(void **state)
{
	struct chim_port_config cfg = {
		.wire = TAP, .nb_workers = 1, .use_offloads = true, .pool = { pool }
	};
	struct rte_eth_dev_info info;
	struct chim_port wire;

	(void)state;
	if (old_netns < 0 || access("/dev/net/tun", R_OK | W_OK) != 0)
		skip();
	assert_int_equal(rte_eal_hotplug_add("vdev", TAP, "iface=" LINK), 0);
	assert_int_equal(chim_port_start(&wire, &cfg, why, sizeof(why)), 0);
	assert_int_equal(rte_eth_dev_info_get(wire.wire_id, &info), 0);
	assert_true(info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO);
	assert_int_equal(wire.tx_offloads & CHIM_TX_TSO, 0);
	assert_int_equal(wire.tx_offloads & CHIM_TX_TCP_CSUM, CHIM_TX_TCP_CSUM);
	chim_port_stop(&wire);
	rte_eal_hotplug_remove("vdev", TAP);
}

/* Frames that its driver never sends would stand before all others. */
static void
a_tap_is_no_way_for_frames_it_does_not_carry(void **state)
{
	struct chim_port_config cfg = {
		.wire = TAP, .nb_workers = 1, .mtu = 1505, .pool = { pool }
	};
	struct rte_eth_dev_info info;
	struct chim_port wire;
	uint16_t id;

	(void)state;
	if (old_netns < 0 || access("/dev/net/tun", R_OK | W_OK) != 0)
		skip();
	assert_int_equal(rte_eal_hotplug_add("vdev", TAP, "iface=" LINK), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(TAP, &id), 0);
	assert_int_equal(rte_eth_dev_info_get(id, &info), 0);
	if (info.max_rx_pktlen <= 1522) { /* later versions carry more */
		assert_int_equal(chim_port_start(&wire, &cfg, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, "up to 1504, not 1505"));
		assert_non_null(strstr(why, "virtio-user"));
	}
	rte_eal_hotplug_remove("vdev", TAP);
}

#define VETH	  "net_af_packet_exc"
#define VETH_ARGS "iface=near,framesz=9216,blocksz=36864,framecnt=16"

static struct chim_port_config
veth_config(void)
{
	return (struct chim_port_config){ .wire = WIRE,
		.exception = VETH,
		.exception_ifname = LINK,
		.nb_workers = 1,
		.mtu = 1900,
		.pool = { pool } };
}

static void
make_veth(const char *args)
{
	if (old_netns < 0)
		skip();
	assert_int_equal(system("ip link add near type veth peer name " LINK), 0);
	assert_int_equal(rte_eal_hotplug_add("vdev", WIRE, "no-rx=1"), 0);
	assert_int_equal(rte_eal_hotplug_add("vdev", VETH, args), 0);
}

static void
remove_veth(void)
{
	rte_eal_hotplug_remove("vdev", VETH);
	rte_eal_hotplug_remove("vdev", WIRE);
	assert_int_equal(system("ip link del near"), 0);
}

/* The driver stands on the near end; the kernel uses the other, which was named. */
static void
a_named_interface_is_the_kernels_side(void **state)
{
	struct chim_port_config cfg = veth_config();
	struct chim_port_need need;
	struct chim_port p;
	struct port_link l;

	(void)state;
	make_veth("iface=near");
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), 0);
	assert_int_equal(need.mtu, 1900);
	assert_int_equal(need.buffer_bytes, 2048 - 32); /* a slot without its header */
	assert_int_equal(chim_port_start(&p, &cfg, why, sizeof(why)), 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(port_link_find(i == 0 ? LINK : "near", &l));
		assert_int_equal(l.mtu, 1900);
	}
	assert_int_equal(chim_port_check_exception(&p, why, sizeof(why)), -ENETDOWN);
	set_up(true);
	assert_int_equal(chim_port_check_exception(&p, why, sizeof(why)), -EADDRNOTAVAIL);
	set_mac(&p.mac);
	assert_int_equal(chim_port_check_exception(&p, why, sizeof(why)), 0);
	chim_port_stop(&p);
	remove_veth();
}

/* A frame longer than a slot of its ring af_packet cuts off; a slot longer than a buffer it
 * refuses. */
static void
the_slots_of_af_packet_decide_what_it_carries(void **state)
{
	struct chim_port_config cfg = veth_config();
	struct chim_port_need need;
	struct chim_port p;

	(void)state;
	make_veth("iface=near");
	cfg.wire = VETH;
	cfg.exception = NULL;
	cfg.mtu = 9000;
	assert_int_equal(chim_port_start(&p, &cfg, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "framesz=9216,blocksz=36864"));
	rte_eal_hotplug_remove("vdev", VETH);
	assert_int_equal(rte_eal_hotplug_add("vdev", VETH, VETH_ARGS), 0);
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), 0);
	assert_int_equal(need.buffer_bytes, 9216 - 32);
	assert_int_equal(chim_port_start(&p, &cfg, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "they hold 2048"));
	assert_non_null(strstr(why, "--mbuf-size=9216"));
	/* Nothing wished for: what its interface has. */
	assert_int_equal(system("ip link set near mtu 3000"), 0);
	cfg.mtu = 0;
	assert_int_equal(chim_port_look(&need, &cfg, why, sizeof(why)), 0);
	assert_int_equal(need.mtu, 3000);
	remove_veth();
}

static void
an_unknown_interface_is_not_read(void **state)
{
	struct port_link l;

	(void)state;
	assert_false(port_link_read(0, &l));
	assert_false(port_link_read(0x7FFFFFF0, &l));
}

#define LINK_TEST(fn) cmocka_unit_test_setup_teardown(fn, start_port, stop_port)

static const struct CMUnitTest tests[] = {
	LINK_TEST(the_kernels_side_gets_the_wires_mac_and_mtu),
	LINK_TEST(a_link_that_is_down_is_told),
	LINK_TEST(another_mac_is_told),
	LINK_TEST(a_link_in_another_namespace_is_told),
	cmocka_unit_test(a_tap_as_wire_is_not_asked_to_cut),
	cmocka_unit_test(a_tap_is_no_way_for_frames_it_does_not_carry),
	cmocka_unit_test(a_named_interface_is_the_kernels_side),
	cmocka_unit_test(the_slots_of_af_packet_decide_what_it_carries),
	cmocka_unit_test(an_unknown_interface_is_not_read),
};
CHIM_CMOCKA_SUITE(port_exception_autotest, tests, setup, teardown)
