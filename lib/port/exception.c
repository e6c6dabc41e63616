/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The pair of an exception port and the kernel's interface behind it: whether
 * the kernel can use it at all. Called by control now and then, not by
 * workers: it asks the kernel.
 */
#include <errno.h>
#include <stdio.h>

#include <rte_string_fns.h>

#include "port_internal.h"

#define MAC_FMT "%02x:%02x:%02x:%02x:%02x:%02x"

/* The interface that was named, else the one the driver tells. @return false when none is. */
static bool
find_link(const struct chim_port *p, struct port_link *l, bool *is_known)
{
	struct rte_eth_dev_info info;

	if (p->exception_ifname[0] != '\0') {
		*is_known = port_link_find(p->exception_ifname, l);
		strlcpy(l->name, p->exception_ifname, sizeof(l->name));
		return true;
	}
	if (rte_eth_dev_info_get(p->exception_id, &info) != 0 || info.if_index == 0)
		return false;
	*is_known = port_link_read(info.if_index, l);
	if (!*is_known)
		snprintf(l->name, sizeof(l->name), "%u", info.if_index);
	return true;
}

int
chim_port_check_exception(const struct chim_port *p, char *why, size_t why_len)
{
	const uint8_t *mac = p->mac.addr_bytes;
	struct port_link l;
	bool is_known;

	if (p->exception_id == RTE_MAX_ETHPORTS || !find_link(p, &l, &is_known))
		return 0;
	if (!is_known) {
		snprintf(why, why_len,
			"port %u: the kernel does not know interface %s of the exception port; is "
			"it in another network namespace?",
			p->port_number, l.name);
		return -EIO;
	}
	if (!l.is_up) {
		snprintf(why, why_len,
			"port %u: %s, the kernel's side of the exception port, is down; ip link set "
			"%s up",
			p->port_number, l.name, l.name);
		return -ENETDOWN;
	}
	if (!rte_is_same_ether_addr(&l.mac, &p->mac)) {
		snprintf(why, why_len,
			"port %u: %s, the kernel's side of the exception port, has not the wire's "
			"MAC; ip link set %s address " MAC_FMT,
			p->port_number, l.name, l.name, mac[0], mac[1], mac[2], mac[3], mac[4],
			mac[5]);
		return -EADDRNOTAVAIL;
	}
	return 0;
}
