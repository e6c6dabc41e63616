/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Netlink sockets: opening them, one question with its answer, and the two
 * questions that are not about routes (TCP-MD5 by sock_diag, IPsec policies by
 * xfrm). Routes and neighbors are in resolve.c, notifications in follow.c.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/xfrm.h>

#include "kernel_netlink.h"

#define ANSWER_BYTES 16384

/* For questions. A kernel that left one without an answer would stop the agent for good. */
static struct mnl_socket *
open_one(int bus)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (s == NULL)
		return NULL;
	if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof(patience)) != 0 ||
		mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

static struct mnl_socket *
open_news(void)
{
	uint32_t groups = RTMGRP_NEIGH | RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
		RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (s != NULL && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) != 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

int
kernel_netlink_open(struct kernel_netlink *nl)
{
	int rc;

	memset(nl, 0, sizeof(*nl));
	nl->seq = (uint32_t)time(NULL);
	nl->route = open_one(NETLINK_ROUTE);
	if (nl->route != NULL)
		nl->news = open_news();
	if (nl->route == NULL || nl->news == NULL) {
		rc = errno != 0 ? -errno : -EIO;
		kernel_netlink_close(nl);
		return rc;
	}
	/* A kernel without these has no MD5, no policies, no connection tracking to tell of. */
	nl->diag = open_one(NETLINK_SOCK_DIAG);
	nl->xfrm = open_one(NETLINK_XFRM);
	nl->netfilter = open_one(NETLINK_NETFILTER);
	return 0;
}

void
kernel_netlink_close(struct kernel_netlink *nl)
{
	struct mnl_socket *all[] = { nl->route, nl->diag, nl->xfrm, nl->netfilter, nl->news };

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] != NULL)
			mnl_socket_close(all[i]);
	}
	memset(nl, 0, sizeof(*nl));
}

int
kernel_netlink_fd(const struct kernel_netlink *nl)
{
	return nl->news != NULL ? mnl_socket_get_fd(nl->news) : -1;
}

/*
 * The next datagram of the answer to question seq. What a question left behind
 * that was given up half way, after an error in its answer, is passed over: taken
 * for the answer to this one it would shift every answer to come.
 */
static ssize_t
next_answer(struct mnl_socket *s, uint32_t seq, char *answer, size_t size)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)answer;
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(s, answer, size);
	} while (n < 0 ? errno == EINTR : (size_t)n >= sizeof(*nlh) && nlh->nlmsg_seq != seq);
	return n;
}

int
kernel_netlink_ask(struct kernel_netlink *nl, struct mnl_socket *s, struct nlmsghdr *req,
	int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	char answer[ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int port = mnl_socket_get_portid(s);
	ssize_t n;
	int rc;

	req->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(s, req, req->nlmsg_len) < 0)
		return -errno;
	do {
		n = next_answer(s, req->nlmsg_seq, answer, sizeof(answer));
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(answer, (size_t)n, req->nlmsg_seq, port, cb, arg);
		if (rc < 0)
			return -errno;
		/* A single answer to a request without ACK has no end mark of its own. */
	} while (rc > MNL_CB_STOP && (req->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP)) != 0);
	return 0;
}

static int
on_diag(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct inet_diag_msg))
	{
		if (mnl_attr_get_type(attr) == INET_DIAG_MD5SIG)
			*(int *)arg = 1;
	}
	return MNL_CB_OK;
}

int
kernel_diag_has_md5(struct kernel_netlink *nl, const struct chim_tuple *t)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;
	size_t len = t->family == CHIM_AF_INET ? 4 : 16;
	int found = 0;
	int rc;

	if (nl->diag == NULL)
		return 0;
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = t->family == CHIM_AF_INET ? AF_INET : AF_INET6;
	req->sdiag_protocol = IPPROTO_TCP;
	/* Keys come only behind TCP_INFO. */
	req->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	req->id.idiag_sport = t->local_port;
	req->id.idiag_dport = t->remote_port;
	memcpy(req->id.idiag_src, t->local_addr, len);
	memcpy(req->id.idiag_dst, t->remote_addr, len);
	req->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	req->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	rc = kernel_netlink_ask(nl, nl->diag, nlh, on_diag, &found);
	return rc != 0 ? rc : found;
}

static int
on_policies(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(uint32_t))
	{
		const struct xfrmu_spdinfo *info = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == XFRMA_SPD_INFO)
			*(int *)arg = info->incnt != 0 || info->outcnt != 0;
	}
	return MNL_CB_OK;
}

int
kernel_xfrm_has_policy(struct kernel_netlink *nl)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int found = 0;
	int rc;

	if (nl->xfrm == NULL)
		return 0;
	nlh->nlmsg_type = XFRM_MSG_GETSPDINFO;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	*(uint32_t *)mnl_nlmsg_put_extra_header(nlh, sizeof(uint32_t)) = UINT32_MAX;
	rc = kernel_netlink_ask(nl, nl->xfrm, nlh, on_policies, &found);
	return rc != 0 ? rc : found;
}
