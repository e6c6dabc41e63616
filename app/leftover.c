/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a chimney that was killed left behind and would make this one fail in
 * a way nobody understands: an XDP program on the interface of an af_xdp
 * port. Looked at before EAL starts; a stale control socket is control.c's.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "app.h"

static int
on_xdp_attr(const struct nlattr *attr, void *arg)
{
	bool *is_attached = arg;

	if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED)
		*is_attached = mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE;
	return MNL_CB_OK;
}

static int
on_link_attr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == IFLA_XDP)
		mnl_attr_parse_nested(attr, on_xdp_attr, arg);
	return MNL_CB_OK;
}

static int
on_link(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct ifinfomsg), on_link_attr, arg);
	return MNL_CB_OK;
}

/* Has the interface an XDP program? What cannot be asked is taken for no. */
static bool
has_xdp(unsigned int ifindex)
{
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	bool is_attached = false;
	ssize_t n;

	if (nl == NULL)
		return false;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)ifindex;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
		mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) >= 0) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, on_link, &is_attached);
	}
	mnl_socket_close(nl);
	return is_attached;
}

/* "--vdev=net_af_xdp0,iface=vd,..." or its value alone. */
static int
check_argument(const char *arg, char *why)
{
	const char *iface = strstr(arg, "iface=");
	char name[IF_NAMESIZE] = "";

	if (strstr(arg, "net_af_xdp") == NULL || iface == NULL)
		return 0;
	sscanf(iface, "iface=%15[^, ]", name);
	if (!has_xdp(if_nametoindex(name)))
		return 0;
	snprintf(why, APP_WHY,
		"%s has an XDP program, from another program or one that was killed: "
		"'ip link set %s xdp off'",
		name, name);
	return -EBUSY;
}

int
app_leftover_check(int argc, char **argv, char *why)
{
	for (int i = 0; i < argc; i++) {
		if (check_argument(argv[i], why) != 0)
			return -EBUSY;
	}
	return 0;
}
