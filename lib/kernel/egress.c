/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which port, and which VLAN of it, a route leads to. A route leaves by a
 * port's exception interface itself, or by a VLAN interface that stands on it;
 * frames of anything else (a tag within a tag, bonds, macvlan, ...) look
 * otherwise on the wire than the engine would make them, and are refused by
 * name. And the 802.1p priority that a VLAN interface gives a socket's frames.
 */
#include <string.h>

#include <linux/if_ether.h>

#include "chim_base.h"
#include "kernel_internal.h"

static const struct kernel_port *
port_on(const struct chim_kernel *k, int ifindex)
{
	for (uint32_t i = 0; i < k->nb_ports; i++) {
		if (k->port[i].ifindex == ifindex)
			return &k->port[i];
	}
	return NULL;
}

/* Kinds of interfaces that people put over a port's, as rtnetlink names them. */
static const struct {
	const char *kind;
	const char *why;
} foreign[] = {
	{ "bond", "its route leaves by a bond" },
	{ "team", "its route leaves by a team" },
	{ "bridge", "its route leaves by a bridge" },
	{ "macvlan", "its route leaves by a macvlan interface" },
	{ "ipvlan", "its route leaves by an ipvlan interface" },
	{ "vxlan", "its route leaves by a vxlan tunnel" },
	{ "wireguard", "its route leaves by a wireguard tunnel" },
};

static const char *
judge_foreign(const struct kernel_iface *i)
{
	for (uint32_t f = 0; f < CHIM_DIM(foreign); f++) {
		if (strcmp(i->kind, foreign[f].kind) == 0)
			return foreign[f].why;
	}
	return "its route does not leave by a port's exception interface";
}

static const char *
judge_vlan(struct chim_kernel *k, const struct kernel_iface *i, const struct kernel_port *port)
{
	struct kernel_iface below;

	if (i->vlan_proto != ETH_P_8021Q)
		return "its route leaves by a VLAN of 802.1ad";
	if (port == NULL && kernel_iface_read(&k->nl, i->lower, &below) == 0 &&
		strcmp(below.kind, "vlan") == 0)
		return "its route leaves by a VLAN within a VLAN";
	if (port == NULL)
		return "its VLAN interface does not stand on a port's exception interface";
	if (i->vlan_id == 0)
		return "its route leaves by a VLAN interface of number 0";
	if (memcmp(i->mac, port->mac, sizeof(port->mac)) != 0)
		return "its VLAN interface has a MAC of its own";
	if (i->qos.nb > KERNEL_QOS_MAX)
		return "its VLAN interface maps more priorities than are followed";
	return NULL;
}

const char *
kernel_egress_find(struct chim_kernel *k, const struct kernel_route *r, struct kernel_egress *out)
{
	const struct kernel_iface *i = &r->iface;

	*out = (struct kernel_egress){ .port = port_on(k, r->oif), .ifindex = r->oif };
	if (out->port != NULL)
		return NULL;
	if (strcmp(i->kind, "vlan") != 0)
		return judge_foreign(i);
	out->port = port_on(k, i->lower);
	out->vlan_id = i->vlan_id;
	return judge_vlan(k, i, out->port);
}

uint8_t
kernel_egress_priority(const struct kernel_qos *qos, uint32_t priority)
{
	for (uint32_t i = 0; i < RTE_MIN(qos->nb, KERNEL_QOS_MAX); i++) {
		if (qos->map[i].from == priority)
			return (uint8_t)(qos->map[i].to & 7u);
	}
	return 0;
}
