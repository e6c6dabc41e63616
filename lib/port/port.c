/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A port: the wire, and beside it the exception port to the host's kernel.
 * Decides what to ask of each (ethdev.c asks), and writes down what they
 * turned out to be.
 *
 * Checksum offloads are used on the wire only. Towards the exception port
 * frames go as the wire brought them, checksums in place, and the kernel is
 * not offered any, so that what it sends can go out by any wire.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_string_fns.h>

#include "chim_wire.h"
#include "port_internal.h"

#define DEFAULT_DESCRIPTORS 1024u

#define WIRE_RX_OFFLOADS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define WIRE_TX_OFFLOADS                                                 \
	(RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | \
		RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

static uint32_t
tx_offloads_of(uint64_t ethdev_bits)
{
	uint32_t bits = 0;

	if (ethdev_bits & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
		bits |= CHIM_TX_IP_CSUM;
	if (ethdev_bits & RTE_ETH_TX_OFFLOAD_TCP_CKSUM)
		bits |= CHIM_TX_TCP_CSUM;
	if (ethdev_bits & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
		bits |= CHIM_TX_MULTI_SEGS;
	/* Segments need sums: one without the other is of no use. */
	if ((ethdev_bits & RTE_ETH_TX_OFFLOAD_TCP_TSO) && (bits & CHIM_TX_TCP_CSUM))
		bits |= CHIM_TX_TSO;
	return bits;
}

static int
check_config(const struct chim_port_config *cfg, char *why, size_t why_len)
{
	if (cfg->port_number >= CHIM_MAX_PORTS) {
		snprintf(why, why_len, "port %u: port numbers are 0 to %u", cfg->port_number,
			CHIM_MAX_PORTS - 1);
		return -EINVAL;
	}
	if (cfg->wire == NULL || cfg->nb_workers == 0 || cfg->nb_workers > CHIM_MAX_WORKERS) {
		snprintf(why, why_len, "port %u: needs a wire, and 1 to %u workers",
			cfg->port_number, CHIM_MAX_WORKERS);
		return -EINVAL;
	}
	for (uint16_t i = 0; i < cfg->nb_workers; i++) {
		if (cfg->pool[i] != NULL &&
			(cfg->exception_pool[0] == NULL || cfg->exception_pool[i] != NULL))
			continue;
		snprintf(
			why, why_len, "port %u: worker %u has no buffer pool", cfg->port_number, i);
		return -EINVAL;
	}
	return 0;
}

static void
fill_dev(struct port_dev *d, const struct chim_port_config *cfg)
{
	d->port_number = cfg->port_number;
	d->nb_queues = cfg->nb_workers;
	d->nb_rxd = cfg->nb_rxd != 0 ? cfg->nb_rxd : DEFAULT_DESCRIPTORS;
	d->nb_txd = cfg->nb_txd != 0 ? cfg->nb_txd : DEFAULT_DESCRIPTORS;
}

/* Multicast is for the kernel: neighbor discovery, for one. Own frames arrive in any case. */
static void
open_filters(uint16_t id)
{
	if (rte_eth_allmulticast_enable(id) != 0)
		(void)rte_eth_promiscuous_enable(id);
}

/* An event descriptor is what counts: tap has one and wakes, yet cannot switch it. */
static bool
can_wake(const struct port_dev *d)
{
	int rc;

	if (!d->has_interrupts || rte_eth_dev_rx_intr_ctl_q_get_fd(d->id, 0) < 0)
		return false;
	rc = rte_eth_dev_rx_intr_enable(d->id, 0);
	if (rc == 0)
		rte_eth_dev_rx_intr_disable(d->id, 0);
	return rc == 0 || rc == -ENOTSUP;
}

static int
find_wire(struct port_dev *d, const struct chim_port_config *cfg)
{
	d->role = "wire";
	d->name = cfg->wire;
	d->mtu = cfg->mtu;
	return port_dev_find(d);
}

static int
find_exception(struct port_dev *d, const struct chim_port_config *cfg, uint16_t mtu)
{
	d->role = "exception port";
	d->name = cfg->exception;
	d->mtu = mtu; /* the kernel's packets must fit the wire */
	return port_dev_find(d);
}

int
chim_port_look(
	struct chim_port_need *need, const struct chim_port_config *cfg, char *why, size_t why_len)
{
	struct port_dev wire = { .why = why, .why_len = why_len };
	struct port_dev exception = { .why = why, .why_len = why_len };
	int rc;

	fill_dev(&wire, cfg);
	fill_dev(&exception, cfg);
	rc = find_wire(&wire, cfg);
	if (rc != 0)
		return rc;
	need->mtu = wire.mtu;
	need->buffer_bytes = port_quirk_buffer(&wire);
	need->is_device = port_dev_is_device(&wire);
	if (cfg->exception == NULL)
		return 0;
	rc = find_exception(&exception, cfg, wire.mtu);
	if (rc != 0)
		return rc;
	need->buffer_bytes = RTE_MAX(need->buffer_bytes, port_quirk_buffer(&exception));
	need->is_device |= port_dev_is_device(&exception);
	return 0;
}

static int
start_wire(struct chim_port *p, const struct chim_port_config *cfg, struct port_dev *d)
{
	int rc;

	d->pool = cfg->pool;
	d->has_interrupts = cfg->use_rx_interrupts;
	d->has_rss = cfg->use_offloads;
	d->rx_offloads = cfg->use_offloads ? WIRE_RX_OFFLOADS : 0;
	d->tx_offloads = cfg->use_offloads ? WIRE_TX_OFFLOADS : 0;
	rc = find_wire(d, cfg);
	if (rc != 0)
		return rc;
	d->tx_offloads &= ~port_quirk_broken_offloads(d);
	rc = port_dev_start(d);
	if (rc != 0)
		return rc;
	p->wire_id = d->id;
	p->nb_queues = d->nb_queues;
	p->mtu = d->mtu;
	p->socket_id = rte_eth_dev_socket_id(d->id);
	p->rx_offloads = d->rx_offloads;
	p->tx_offloads = tx_offloads_of(d->tx_offloads);
	p->tx_frame_mbufs = d->info.tx_desc_lim.nb_seg_max;
	p->tx_seg_mbufs = d->info.tx_desc_lim.nb_mtu_seg_max;
	p->has_rx_interrupts = can_wake(d);
	port_rss_read(d, p);
	open_filters(d->id);
	if (rte_eth_macaddr_get(d->id, &p->mac) != 0)
		return port_fail(d, -EIO, "its driver tells no MAC; use another driver");
	return 0;
}

/* The kernel's end, where the driver does not stand on it (virtio-user, a veth). */
static void
set_named_mtu(const struct chim_port *p)
{
	struct port_link l;

	if (p->exception_ifname[0] != '\0' && port_link_find(p->exception_ifname, &l) &&
		l.mtu != p->mtu)
		(void)port_link_set_mtu(&l, p->mtu);
}

static int
start_exception(struct chim_port *p, const struct chim_port_config *cfg, struct port_dev *d)
{
	int rc;

	/* An idle worker waits for both ports, or for none. */
	d->has_interrupts = cfg->use_rx_interrupts;
	d->pool = cfg->exception_pool[0] != NULL ? cfg->exception_pool : cfg->pool;
	d->tx_offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	rc = find_exception(d, cfg, p->mtu);
	if (rc == 0)
		rc = port_dev_start(d);
	if (rc != 0)
		return rc;
	p->exception_id = d->id;
	p->nb_exception_queues = d->nb_queues;
	p->exception_mtu = d->mtu;
	p->is_exception_late = port_quirk_is_late(d);
	p->exception_tx_offloads = tx_offloads_of(d->tx_offloads);
	/* Best effort: chim_port_check_exception() tells whether the kernel's side fits. */
	set_named_mtu(p);
	(void)rte_eth_dev_default_mac_addr_set(d->id, &p->mac);
	(void)rte_eth_promiscuous_enable(d->id);
	return 0;
}

int
chim_port_start(struct chim_port *p, const struct chim_port_config *cfg, char *why, size_t why_len)
{
	struct port_dev wire = { .why = why, .why_len = why_len };
	struct port_dev exception = { .why = why, .why_len = why_len };
	int rc;

	memset(p, 0, sizeof(*p));
	p->port_number = cfg->port_number;
	p->wire_id = RTE_MAX_ETHPORTS;
	p->exception_id = RTE_MAX_ETHPORTS;
	if (cfg->exception_ifname != NULL)
		strlcpy(p->exception_ifname, cfg->exception_ifname, sizeof(p->exception_ifname));
	rc = check_config(cfg, why, why_len);
	if (rc != 0)
		return rc;
	fill_dev(&wire, cfg);
	fill_dev(&exception, cfg);
	rc = start_wire(p, cfg, &wire);
	if (rc == 0 && cfg->exception != NULL)
		rc = start_exception(p, cfg, &exception);
	if (rc == 0)
		return 0;
	if (p->wire_id != RTE_MAX_ETHPORTS)
		rte_eth_dev_stop(p->wire_id); /* stopped, not closed: the caller may try again */
	p->wire_id = RTE_MAX_ETHPORTS;
	p->exception_id = RTE_MAX_ETHPORTS;
	return rc;
}

static void
stop_one(uint16_t id)
{
	if (id == RTE_MAX_ETHPORTS)
		return;
	/* A driver on a kernel interface would leave it so. */
	(void)rte_eth_allmulticast_disable(id);
	(void)rte_eth_promiscuous_disable(id);
	(void)rte_eth_dev_stop(id);
	(void)rte_eth_dev_close(id);
}

void
chim_port_stop(struct chim_port *p)
{
	stop_one(p->exception_id);
	stop_one(p->wire_id);
	p->exception_id = RTE_MAX_ETHPORTS;
	p->wire_id = RTE_MAX_ETHPORTS;
}
