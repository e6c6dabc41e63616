/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One ethdev from its name to "started": find, then configure, queues, MTU and
 * start as one attempt, repeated with less when the driver refuses. Each step
 * that fails leaves a sentence with the remedy.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>

#include "port_internal.h"

int
port_fail(const struct port_dev *d, int err, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(d->why, d->why_len, "port %u, %s \"%s\": ", d->port_number, d->role, d->name);
	if (n < 0 || (size_t)n >= d->why_len)
		return err;
	va_start(args, fmt);
	vsnprintf(d->why + n, d->why_len - (size_t)n, fmt, args);
	va_end(args);
	return err;
}

/* Without a wish: what the interface beneath has, which some drivers do not look at. */
static void
choose_mtu(struct port_dev *d)
{
	struct port_link l;

	if (d->mtu != 0)
		return;
	if (d->info.if_index != 0 && port_link_read(d->info.if_index, &l))
		d->mtu = (uint16_t)RTE_MIN(l.mtu, CHIM_PORT_MTU_MAX);
	else if (rte_eth_dev_get_mtu(d->id, &d->mtu) != 0)
		d->mtu = RTE_ETHER_MTU;
}

/* Was EAL told of the device? */
static bool
was_asked_for(const char *name)
{
	struct rte_devargs *da;

	RTE_EAL_DEVARGS_FOREACH(NULL, da)
	{
		if (strcmp(da->name, name) == 0)
			return true;
	}
	return false;
}

int
port_dev_find(struct port_dev *d)
{
	bool is_found = rte_eth_dev_get_port_by_name(d->name, &d->id) == 0;
	int rc;

	if (!is_found && was_asked_for(d->name))
		return port_fail(d, -ENODEV,
			"its driver could not make it and says above why: a tap needs "
			"/dev/net/tun, af_packet and af_xdp an interface that is there, a PCI "
			"device a DPDK driver (dpdk-devbind.py --status)");
	if (!is_found)
		return port_fail(d, -ENODEV,
			"there is no such ethdev; make it with --vdev=%s,... or bind the device to "
			"a DPDK driver and allow it with -a",
			d->name);
	rc = rte_eth_dev_info_get(d->id, &d->info);
	if (rc != 0)
		return port_fail(d, -EIO,
			"its driver does not tell what it can do (%s); use another driver",
			rte_strerror(-rc));
	if (d->info.max_rx_queues < d->nb_queues || d->info.max_tx_queues < d->nb_queues)
		d->nb_queues = 1;
	choose_mtu(d);
	return 0;
}

uint32_t
port_dev_max_mtu(const struct port_dev *d)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (d->info.max_mtu != UINT16_MAX && d->info.max_rx_pktlen > d->info.max_mtu)
		overhead = d->info.max_rx_pktlen - d->info.max_mtu;
	return RTE_MIN((uint32_t)d->info.max_mtu, d->info.max_rx_pktlen - overhead);
}

bool
port_dev_is_device(const struct port_dev *d)
{
	return strcmp(rte_bus_name(rte_dev_bus(d->info.device)), "vdev") != 0;
}

static bool
needs_scatter(const struct port_dev *d)
{
	uint32_t room = rte_pktmbuf_data_room_size(d->pool[0]) - RTE_PKTMBUF_HEADROOM;

	return (uint32_t)d->mtu + PORT_L2_LEN > room;
}

/* Before the driver is asked: some take what they do not carry. */
static int
check_frames(const struct port_dev *d)
{
	uint32_t room = rte_pktmbuf_data_room_size(d->pool[0]) - RTE_PKTMBUF_HEADROOM;
	char remedy[128];

	port_quirk_mtu_remedy(d, remedy, sizeof(remedy));
	if (d->mtu > port_quirk_mtu(d))
		return port_fail(d, -EINVAL, "it carries an MTU of up to %u, not %u; %s",
			port_quirk_mtu(d), d->mtu, remedy);
	if (room < port_quirk_buffer(d))
		return port_fail(d, -EINVAL,
			"with an MTU of %u it needs buffers of %u bytes, and they hold %u; use "
			"--mbuf-size=%u, or a smaller MTU",
			d->mtu, port_quirk_buffer(d), room,
			RTE_ALIGN_CEIL(port_quirk_buffer(d), 1024u));
	return 0;
}

static int
configure(struct port_dev *d)
{
	struct rte_eth_conf conf = { .rxmode.mtu = RTE_MIN(d->mtu, port_dev_max_mtu(d)) };
	uint64_t rx = d->rx_offloads;
	int rc;

	if (needs_scatter(d))
		rx |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (d->has_rss)
		rx |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
	d->rx_offloads = rx & d->info.rx_offload_capa;
	d->tx_offloads &= d->info.tx_offload_capa;
	d->has_rss = d->has_rss && (d->rx_offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH) &&
		d->info.flow_type_rss_offloads != 0;
	conf.rxmode.offloads = d->rx_offloads;
	conf.txmode.offloads = d->tx_offloads;
	conf.intr_conf.rxq = d->has_interrupts;
	if (d->has_rss)
		port_rss_ask(d, &conf);
	rc = rte_eth_dev_configure(d->id, d->nb_queues, d->nb_queues, &conf);
	if (rc != 0)
		return port_fail(d, -EIO,
			"its driver refused the configuration (%s): %u queue pairs, an MTU of %u; "
			"the MTU must be %u to %u, and no other process or port use the device",
			rte_strerror(-rc), d->nb_queues, d->mtu, d->info.min_mtu,
			port_dev_max_mtu(d));
	return 0;
}

/* From the first object of a pool to the end of the last. */
struct span {
	uintptr_t first, end;
};

static void
span_object(struct rte_mempool *mp, void *arg, void *obj, unsigned int nb)
{
	uintptr_t begin = (uintptr_t)obj - mp->header_size;
	uintptr_t end = (uintptr_t)obj + mp->elt_size + mp->trailer_size;
	struct span *s = arg;

	(void)nb;
	s->first = s->first == 0 ? begin : RTE_MIN(s->first, begin);
	s->end = RTE_MAX(s->end, end);
}

bool
port_pool_is_dense(struct rte_mempool *mp)
{
	uintptr_t each = mp->header_size + mp->elt_size + mp->trailer_size;
	struct span s = { 0 };

	rte_mempool_obj_iter(mp, span_object, &s);
	return s.end - s.first == mp->populated_size * each;
}

static int
check_pools(const struct port_dev *d)
{
	if (!port_quirk_needs_dense_pools(d))
		return 0;
	for (uint16_t q = 0; q < d->nb_queues; q++) {
		if (!port_pool_is_dense(d->pool[q]))
			return port_fail(d, -EINVAL,
				"its driver needs buffers that lie without gaps; give EAL --iova-mode=va");
	}
	return 0;
}

static int
setup_queues(struct port_dev *d)
{
	uint16_t nb_rxd = d->nb_rxd;
	uint16_t nb_txd = d->nb_txd;
	int rc;

	rc = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &nb_rxd, &nb_txd);
	for (uint16_t q = 0; rc == 0 && q < d->nb_queues; q++) {
		int socket = rte_eth_dev_socket_id(d->id);

		rc = rte_eth_rx_queue_setup(
			d->id, q, nb_rxd, (unsigned int)socket, NULL, d->pool[q]);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(d->id, q, nb_txd, (unsigned int)socket, NULL);
	}
	if (rc != 0)
		return port_fail(d, rc == -ENOMEM ? -ENOMEM : -EIO,
			"its driver refused the queues (%s): %u pairs, %u and %u descriptors, "
			"buffers of %u bytes; use fewer descriptors, or larger buffers "
			"(--mbuf-size)",
			rte_strerror(-rc), d->nb_queues, nb_rxd, nb_txd,
			rte_pktmbuf_data_room_size(d->pool[0]));
	return 0;
}

/*
 * Some drivers on a kernel interface state a smaller frame than they carry (af_packet and tap:
 * about 1518, whatever their buffers) and so cannot be told more. Then the interface is told.
 */
static int
set_link_mtu(const struct port_dev *d)
{
	struct port_link l;

	if (d->info.if_index == 0 || !port_link_read(d->info.if_index, &l))
		return port_fail(d, -EIO, "its driver takes an MTU of %u to %u, not %u",
			d->info.min_mtu, port_dev_max_mtu(d), d->mtu);
	if (l.mtu < d->mtu && !port_link_set_mtu(&l, d->mtu))
		return port_fail(d, -EIO,
			"%s has an MTU of %u and does not take %u; choose a smaller one, or try "
			"ip link set %s mtu %u",
			l.name, l.mtu, d->mtu, l.name, d->mtu);
	return 0;
}

/* The MTU of the configuration is enough for some drivers, others want to be told. */
static int
set_mtu(const struct port_dev *d)
{
	int rc;

	if (d->mtu > port_dev_max_mtu(d))
		return set_link_mtu(d);
	rc = rte_eth_dev_set_mtu(d->id, d->mtu);
	if (rc != 0 && rc != -ENOTSUP)
		return port_fail(d, -EIO,
			"its driver refused an MTU of %u (%s); it must be %u to %u, and one that "
			"the interface below takes",
			d->mtu, rte_strerror(-rc), d->info.min_mtu, port_dev_max_mtu(d));
	return 0;
}

static int
start_once(struct port_dev *d)
{
	int rc = configure(d);

	if (rc == 0)
		rc = set_mtu(d);
	if (rc == 0)
		rc = check_pools(d);
	if (rc == 0)
		rc = setup_queues(d);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_start(d->id);
	if (rc != 0)
		return port_fail(d, -EIO,
			"its driver did not start (%s); look for its message in the log, and "
			"whether another process has the device",
			rte_strerror(-rc));
	return 0;
}

/* @return false when there is nothing left to give up. */
static bool
give_up_something(struct port_dev *d)
{
	if (d->has_interrupts)
		d->has_interrupts = false;
	else if (d->has_rss)
		d->has_rss = false;
	else if (d->nb_queues > 1)
		d->nb_queues = 1;
	else
		return false;
	return true;
}

int
port_dev_start(struct port_dev *d)
{
	int rc = check_frames(d);

	if (rc != 0)
		return rc;
	rc = start_once(d);
	while (rc != 0 && give_up_something(d))
		rc = start_once(d);
	return rc;
}
