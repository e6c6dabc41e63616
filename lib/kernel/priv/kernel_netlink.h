/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the agent asks the kernel by netlink, and what it is told: routes and
 * neighbors (rtnetlink), one socket's secrets (sock_diag), IPsec policies,
 * connection tracking (conntrack.c).
 * Questions are answered within the system call, so asking does not block.
 *
 * All functions return 0 or a negative errno. Thread: the agent's.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "chim.h"

/* Enough for each question. */
#define KERNEL_NETLINK_BYTES 256

struct mnl_socket;
struct nlmsghdr;

struct kernel_netlink {
	struct mnl_socket *route;     /* questions */
	struct mnl_socket *diag;      /* NULL when the kernel has none */
	struct mnl_socket *xfrm;      /* NULL when the kernel has none */
	struct mnl_socket *netfilter; /* NULL when the kernel has none */
	struct mnl_socket *news;      /* notifications */
	uint32_t seq;
};

/** Open all, in the current network namespace. */
int kernel_netlink_open(struct kernel_netlink *nl);
void kernel_netlink_close(struct kernel_netlink *nl);
int kernel_netlink_fd(const struct kernel_netlink *nl);

/** Ask; cb is called for each message of the answer. */
int kernel_netlink_ask(struct kernel_netlink *nl, struct mnl_socket *s, struct nlmsghdr *req,
	int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* What connection tracking knows of a connection. */
struct kernel_tracked {
	bool is_tracked;
	bool has_helper;
	uint32_t status;    /* IPS_* */
	uint32_t timeout_s; /* left */
};

/* What socket priorities a VLAN interface turns into which of 802.1p; all others into 0. */
#define KERNEL_QOS_MAX 32u
struct kernel_qos {
	uint32_t nb; /* as the kernel has; those beyond KERNEL_QOS_MAX are not known */
	struct {
		uint32_t from;
		uint32_t to;
	} map[KERNEL_QOS_MAX];
};

/* An interface, as far as frames that leave by it depend on it. */
struct kernel_iface {
	uint32_t mtu;
	uint8_t mac[6];
	int lower;	     /* the interface that it stands on, 0 = none */
	char kind[16];	     /* "vlan", "bond", ...; "" = hardware */
	uint16_t vlan_id;    /* of kind vlan */
	uint16_t vlan_proto; /* ETH_P_* */
	struct kernel_qos qos;
};

/** What a message of rtnetlink says of an interface. */
void kernel_iface_parse(const struct nlmsghdr *nlh, struct kernel_iface *i);

/** What is an interface? @return -ENODEV when it is gone. */
int kernel_iface_read(struct kernel_netlink *nl, int ifindex, struct kernel_iface *out);

struct kernel_route {
	int oif;
	struct kernel_iface iface; /* that oif is */
	uint8_t type;		   /* RTN_UNICAST, RTN_LOCAL, ... */
	bool is_tunnel;		   /* light-weight encapsulation */
	uint8_t hop_family;	   /* AF_INET, AF_INET6 */
	uint8_t hop[16];	   /* gateway, or the destination itself */
	uint32_t mtu;		   /* of the route, else of the interface */
};

/** How would the kernel send to the tuple's remote end? */
int kernel_resolve_route(struct kernel_netlink *nl, const struct chim_tuple *t, uint32_t mark,
	int bound, struct kernel_route *out);

struct kernel_neigh {
	uint16_t state;	 /* NUD_* */
	uint8_t flags;	 /* NTF_* */
	bool is_managed; /* the kernel keeps it resolved by itself */
	bool has_mac;
	uint8_t mac[6];
	uint32_t confirmed_ms; /* since the kernel last knew it reachable */
};

/** What does the kernel know of a neighbor? @return -ENOENT when nothing. */
int kernel_resolve_neighbor(struct kernel_netlink *nl, int ifindex, uint8_t family,
	const uint8_t *addr, struct kernel_neigh *out);

/** Make the kernel resolve it. */
int
kernel_neighbor_probe(struct kernel_netlink *nl, int ifindex, uint8_t family, const uint8_t *addr);

/** Tell the kernel that an entry it has is reachable: same address. @param flags its own, NTF_*. */
int kernel_neighbor_confirm(
	struct kernel_netlink *nl, int ifindex, uint8_t family, const uint8_t *addr, uint8_t flags);

/** Has the socket a TCP-MD5 key? @return 1, 0, or a negative errno. */
int kernel_diag_has_md5(struct kernel_netlink *nl, const struct chim_tuple *t);

/** Has connection tracking any entry in the namespace? */
bool kernel_conntrack_has_entries(struct kernel_netlink *nl);

/** Has the namespace any IPsec policy? @return 1, 0, or a negative errno. */
int kernel_xfrm_has_policy(struct kernel_netlink *nl);

#endif /* KERNEL_NETLINK_H */
