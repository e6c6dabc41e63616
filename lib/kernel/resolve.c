/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Routes, interfaces, neighbors: how the kernel would send, by what, and what
 * it knows of the next hop. Also what it is told of a neighbor: to use it, so that it is
 * resolved, and that it is reachable.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "kernel_netlink.h"

static size_t
addr_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static void
read_metrics(const struct nlattr *metrics, struct kernel_route *r)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, metrics)
	{
		if (mnl_attr_get_type(attr) == RTAX_MTU)
			r->mtu = mnl_attr_get_u32(attr);
	}
}

static void
read_via(const struct nlattr *attr, struct kernel_route *r)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);

	r->hop_family = (uint8_t)via->rtvia_family;
	memcpy(r->hop, via->rtvia_addr, addr_len(r->hop_family));
}

static int
on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct kernel_route *r = arg;
	const struct nlattr *attr;

	r->type = rtm->rtm_type;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			r->oif = (int)mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			r->hop_family = rtm->rtm_family;
			memcpy(r->hop, mnl_attr_get_payload(attr), addr_len(rtm->rtm_family));
			break;
		case RTA_VIA:
			read_via(attr, r);
			break;
		case RTA_METRICS:
			read_metrics(attr, r);
			break;
		case RTA_ENCAP_TYPE:
			r->is_tunnel = mnl_attr_get_u16(attr) != 0;
			break;
		}
	}
	return MNL_CB_OK;
}

static void
read_qos(const struct nlattr *list, struct kernel_qos *qos)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, list)
	{
		const struct ifla_vlan_qos_mapping *row = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != IFLA_VLAN_QOS_MAPPING)
			continue;
		if (qos->nb < KERNEL_QOS_MAX) {
			qos->map[qos->nb].from = row->from;
			qos->map[qos->nb].to = row->to;
		}
		qos->nb++;
	}
}

static void
read_vlan(const struct nlattr *data, struct kernel_iface *i)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_VLAN_ID:
			i->vlan_id = mnl_attr_get_u16(attr);
			break;
		case IFLA_VLAN_PROTOCOL:
			i->vlan_proto = ntohs(mnl_attr_get_u16(attr));
			break;
		case IFLA_VLAN_EGRESS_QOS:
			read_qos(attr, &i->qos);
			break;
		}
	}
}

static void
read_kind(const struct nlattr *info, struct kernel_iface *i)
{
	const struct nlattr *data = NULL;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			snprintf(i->kind, sizeof(i->kind), "%s", mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			data = attr;
	}
	/* The data of other kinds has other meanings. */
	if (data != NULL && strcmp(i->kind, "vlan") == 0)
		read_vlan(data, i);
}

void
kernel_iface_parse(const struct nlmsghdr *nlh, struct kernel_iface *i)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_MTU:
			i->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			i->lower = (int)mnl_attr_get_u32(attr);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == sizeof(i->mac))
				memcpy(i->mac, mnl_attr_get_payload(attr), sizeof(i->mac));
			break;
		case IFLA_LINKINFO:
			read_kind(attr, i);
			break;
		}
	}
}

static int
on_link(const struct nlmsghdr *nlh, void *arg)
{
	kernel_iface_parse(nlh, arg);
	return MNL_CB_OK;
}

int
kernel_iface_read(struct kernel_netlink *nl, int ifindex, struct kernel_iface *out)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	memset(out, 0, sizeof(*out));
	return kernel_netlink_ask(nl, nl->route, nlh, on_link, out);
}

int
kernel_resolve_route(struct kernel_netlink *nl, const struct chim_tuple *t, uint32_t mark,
	int bound, struct kernel_route *out)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	uint8_t family = t->family == CHIM_AF_INET ? AF_INET : AF_INET6;
	size_t len = addr_len(family);
	struct rtmsg *rtm;
	int rc;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = family;
	rtm->rtm_dst_len = (uint8_t)(len * 8);
	rtm->rtm_src_len = (uint8_t)(len * 8);
	mnl_attr_put(nlh, RTA_DST, len, t->remote_addr);
	mnl_attr_put(nlh, RTA_SRC, len, t->local_addr);
	if (mark != 0)
		mnl_attr_put_u32(nlh, RTA_MARK, mark);
	if (bound != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)bound);
	mnl_attr_put_u8(nlh, RTA_IP_PROTO, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, RTA_SPORT, t->local_port);
	mnl_attr_put_u16(nlh, RTA_DPORT, t->remote_port);
	memset(out, 0, sizeof(*out));
	out->hop_family = family;
	memcpy(out->hop, t->remote_addr, len);
	rc = kernel_netlink_ask(nl, nl->route, nlh, on_route, out);
	if (rc != 0 || out->oif == 0)
		return rc;
	rc = kernel_iface_read(nl, out->oif, &out->iface);
	if (out->mtu == 0)
		out->mtu = out->iface.mtu;
	return rc;
}

static int
on_neighbor(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nda_cacheinfo *cache;
	struct kernel_neigh *n = arg;
	const struct nlattr *attr;

	n->state = ndm->ndm_state;
	n->flags = ndm->ndm_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) == NDA_LLADDR &&
			mnl_attr_get_payload_len(attr) == sizeof(n->mac)) {
			memcpy(n->mac, mnl_attr_get_payload(attr), sizeof(n->mac));
			n->has_mac = true;
		}
		if (mnl_attr_get_type(attr) == NDA_FLAGS_EXT)
			n->is_managed = (mnl_attr_get_u32(attr) & NTF_EXT_MANAGED) != 0;
		if (mnl_attr_get_type(attr) == NDA_CACHEINFO) {
			cache = mnl_attr_get_payload(attr);
			n->confirmed_ms =
				cache->ndm_confirmed * (1000u / (uint32_t)sysconf(_SC_CLK_TCK));
		}
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *
put_neighbor(char *buf, uint16_t type, int ifindex, uint8_t family, const uint8_t *addr)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = family;
	ndm->ndm_ifindex = ifindex;
	mnl_attr_put(nlh, NDA_DST, addr_len(family), addr);
	return nlh;
}

int
kernel_resolve_neighbor(struct kernel_netlink *nl, int ifindex, uint8_t family, const uint8_t *addr,
	struct kernel_neigh *out)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = put_neighbor(buf, RTM_GETNEIGH, ifindex, family, addr);

	memset(out, 0, sizeof(*out));
	return kernel_netlink_ask(nl, nl->route, nlh, on_neighbor, out);
}

int
kernel_neighbor_probe(struct kernel_netlink *nl, int ifindex, uint8_t family, const uint8_t *addr)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = put_neighbor(buf, RTM_NEWNEIGH, ifindex, family, addr);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	nlh->nlmsg_flags |= NLM_F_ACK | NLM_F_CREATE;
	ndm->ndm_flags = NTF_USE;
	ndm->ndm_state = NUD_NONE;
	return kernel_netlink_ask(nl, nl->route, nlh, NULL, NULL);
}

/* Without an address and without NLM_F_REPLACE, so that neither it nor the router flag changes. */
int
kernel_neighbor_confirm(
	struct kernel_netlink *nl, int ifindex, uint8_t family, const uint8_t *addr, uint8_t flags)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = put_neighbor(buf, RTM_NEWNEIGH, ifindex, family, addr);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	nlh->nlmsg_flags |= NLM_F_ACK;
	ndm->ndm_flags = flags & (NTF_ROUTER | NTF_EXT_LEARNED);
	ndm->ndm_state = NUD_REACHABLE;
	return kernel_netlink_ask(nl, nl->route, nlh, NULL, NULL);
}
