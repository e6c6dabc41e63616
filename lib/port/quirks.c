/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What some drivers do, and ethdev does not let them tell. Each function asks
 * for the driver by its name and answers for all others by what they state;
 * ethdev.c and port.c use the answers when they decide what to ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_packet.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_kvargs.h>

#include "port_internal.h"

static bool
is_driver(const struct port_dev *d, const char *name)
{
	return d->info.driver_name != NULL && strcmp(d->info.driver_name, name) == 0;
}

/*
 * af_packet states the frames of an MTU of 1500 whatever its ring has room for, cuts off what is
 * longer than a slot when it receives, and drops it when it sends. A slot is framesz of the
 * device's arguments.
 */
#define SLOT_DEFAULT 2048u
#define SLOT_TX_AT   (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))
/* The kernel puts the IP header at the first multiple of 16 behind this. */
#define SLOT_RX_AT (RTE_ALIGN_CEIL(TPACKET2_HDRLEN + 16, TPACKET_ALIGNMENT) - RTE_ETHER_HDR_LEN)

static uint32_t
slot_bytes(const struct port_dev *d)
{
	const struct rte_devargs *args = rte_dev_devargs(d->info.device);
	uint32_t bytes = SLOT_DEFAULT;
	struct rte_kvargs *list;
	const char *text;

	list = args != NULL ? rte_kvargs_parse(args->args, NULL) : NULL;
	if (list == NULL)
		return bytes;
	text = rte_kvargs_get(list, "framesz");
	if (text != NULL)
		bytes = (uint32_t)strtoul(text, NULL, 10);
	rte_kvargs_free(list);
	return bytes;
}

uint32_t
port_quirk_mtu(const struct port_dev *d)
{
	uint32_t slot;

	if (!is_driver(d, "net_af_packet"))
		return port_dev_max_mtu(d);
	slot = slot_bytes(d);
	return slot > SLOT_RX_AT + PORT_L2_LEN ? slot - SLOT_RX_AT - PORT_L2_LEN : 0;
}

void
port_quirk_mtu_remedy(const struct port_dev *d, char *text, size_t len)
{
	/* A block holds whole slots and is whole pages; four slots of whole KiB are both. */
	uint32_t slot =
		RTE_ALIGN_CEIL((uint32_t)d->mtu + PORT_L2_LEN + (uint32_t)SLOT_RX_AT, 1024u);

	if (is_driver(d, "net_af_packet"))
		snprintf(text, len, "give it framesz=%u,blocksz=%u", slot, slot * 4);
	else if (is_driver(d, "net_tap"))
		snprintf(text, len,
			"no more in this version of DPDK: virtio-user does, and af_packet on one "
			"end of a veth");
	else
		snprintf(text, len, "choose a smaller one");
}

uint32_t
port_quirk_buffer(const struct port_dev *d)
{
	uint32_t frame = (uint32_t)d->mtu + PORT_L2_LEN;

	/* It compares the slot, not the frame, with its buffers. */
	if (is_driver(d, "net_af_packet"))
		return RTE_MAX(frame, slot_bytes(d) - (uint32_t)SLOT_TX_AT);
	return (d->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0 ? 0 : frame;
}

/*
 * af_xdp registers with the kernel as many bytes as the objects have, from the first on. What gaps
 * push beyond that is lost for ever: the kernel neither fills nor sends it, nor gives it back.
 */
bool
port_quirk_needs_dense_pools(const struct port_dev *d)
{
	return is_driver(d, "net_af_xdp");
}

/*
 * A write to a tap goes through the kernel's stack before it returns. A veth (af_packet, af_xdp)
 * puts frames in a backlog, vhost and virtio-user in a ring, and the kernel takes them when it
 * gets to it.
 */
bool
port_quirk_is_late(const struct port_dev *d)
{
	return !is_driver(d, "net_tap");
}

/*
 * The tap driver segments in software, counts the Ethernet header to the MTU, and leaves a frame of
 * full segments in front of all others for ever. The engine does as well without.
 */
uint64_t
port_quirk_broken_offloads(const struct port_dev *d)
{
	return is_driver(d, "net_tap") ? RTE_ETH_TX_OFFLOAD_TCP_TSO : 0;
}
