/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the kernel's connection tracking knows of a connection (ctnetlink).
 *
 * It sees no segment of a stay in the engine, so the first one after it would
 * be far outside the window that it remembers, and invalid: before a
 * connection leaves, its entry is told not to mind (the per-connection form
 * of nf_conntrack_tcp_be_liberal). The entry must also outlive the stay, so
 * its time is set anew now and then. What is translated, or followed by a
 * helper that reads the payload, cannot be offloaded.
 *
 * Entries are looked for in the default zone by what the host sends, which one
 * of the two directions of an entry always is.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel_internal.h"

static void
put_addresses(struct nlmsghdr *nlh, const struct chim_tuple *t)
{
	struct nlattr *ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	if (t->family == CHIM_AF_INET) {
		mnl_attr_put(nlh, CTA_IP_V4_SRC, 4, t->local_addr);
		mnl_attr_put(nlh, CTA_IP_V4_DST, 4, t->remote_addr);
	} else {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, 16, t->local_addr);
		mnl_attr_put(nlh, CTA_IP_V6_DST, 16, t->remote_addr);
	}
	mnl_attr_nest_end(nlh, ip);
}

static void
put_tuple(struct nlmsghdr *nlh, const struct chim_tuple *t)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	struct nlattr *proto;

	put_addresses(nlh, t);
	proto = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, t->local_port);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, t->remote_port);
	mnl_attr_nest_end(nlh, proto);
	mnl_attr_nest_end(nlh, tuple);
}

static struct nlmsghdr *
put_request(char *buf, uint8_t type, uint16_t flags, const struct chim_tuple *t)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = t->family == CHIM_AF_INET ? AF_INET : AF_INET6;
	nfg->version = NFNETLINK_V0;
	put_tuple(nlh, t);
	return nlh;
}

static int
on_entry(const struct nlmsghdr *nlh, void *arg)
{
	struct kernel_tracked *out = arg;
	const struct nlattr *attr;

	out->is_tracked = true;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case CTA_STATUS:
			out->status = ntohl(mnl_attr_get_u32(attr));
			break;
		case CTA_TIMEOUT:
			out->timeout_s = ntohl(mnl_attr_get_u32(attr));
			break;
		case CTA_HELP:
			out->has_helper = true;
			break;
		}
	}
	return MNL_CB_OK;
}

static int
look_up(struct kernel_netlink *nl, const struct chim_tuple *t, struct kernel_tracked *out)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	int rc;

	*out = (struct kernel_tracked){ 0 };
	rc = kernel_netlink_ask(
		nl, nl->netfilter, put_request(buf, IPCTNL_MSG_CT_GET, 0, t), on_entry, out);
	/* Without the subsystem nothing is tracked. */
	return rc == -ENOENT || rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
}

/* Both directions: a segment outside the window is not invalid. */
static void
put_liberal(struct nlmsghdr *nlh)
{
	const struct nf_ct_tcp_flags liberal = {
		.flags = IP_CT_TCP_FLAG_BE_LIBERAL,
		.mask = IP_CT_TCP_FLAG_BE_LIBERAL,
	};
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal), &liberal);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal), &liberal);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

static int
renew(struct kernel_netlink *nl, const struct chim_tuple *t, uint32_t timeout_s)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = put_request(buf, IPCTNL_MSG_CT_NEW, NLM_F_ACK, t);

	put_liberal(nlh);
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(timeout_s));
	return kernel_netlink_ask(nl, nl->netfilter, nlh, NULL, NULL);
}

static int
on_stats(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES)
			*(uint32_t *)arg = ntohl(mnl_attr_get_u32(attr));
	}
	return MNL_CB_OK;
}

/* A kernel that does not tell may have some. */
bool
kernel_conntrack_has_entries(struct kernel_netlink *nl)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	uint32_t entries = 1;

	if (nl->netfilter == NULL)
		return false;
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->version = NFNETLINK_V0;
	(void)kernel_netlink_ask(nl, nl->netfilter, nlh, on_stats, &entries);
	return entries != 0;
}

const char *
kernel_conntrack_prepare(struct chim_kernel *k, struct chim_kconn *kc)
{
	struct kernel_tracked now;

	kc->tracked_s = 0;
	if (k->nl.netfilter == NULL || !k->is_tracking)
		return NULL;
	if (look_up(&k->nl, &kc->tuple, &now) != 0)
		return "connection tracking does not tell what it knows of it";
	if (!now.is_tracked)
		return NULL;
	if ((now.status & (IPS_NAT_MASK | IPS_SEQ_ADJUST)) != 0)
		return "its addresses are translated (NAT)";
	if (now.has_helper || (now.status & IPS_HELPER) != 0)
		return "a connection-tracking helper follows it";
	if (renew(&k->nl, &kc->tuple, RTE_MAX(now.timeout_s, 1u)) != 0)
		return "connection tracking would take it for invalid afterwards";
	kc->tracked_s = RTE_MAX(now.timeout_s, 1u);
	kc->renew_at = k->now + kc->tracked_s * CHIM_US_PER_S / 2;
	return NULL;
}

void
kernel_conntrack_look(struct chim_kernel *k)
{
	for (uint32_t i = 0; i < k->top && k->nb_away != 0; i++) {
		struct chim_kconn *kc = &k->conn[i];

		if (kc->generation == 0 || kc->tracked_s == 0 || kc->home == CHIM_HOME_KERNEL ||
			k->now < kc->renew_at)
			continue;
		/* An entry that is gone is made anew by the first segment that comes home. */
		if (renew(&k->nl, &kc->tuple, kc->tracked_s) == 0)
			k->counters.renewals++;
		kc->renew_at = k->now + kc->tracked_s * CHIM_US_PER_S / 2;
	}
}
