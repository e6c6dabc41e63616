/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What may not be offloaded, and why: one sentence each. Everything that a
 * socket or the kernel can be asked is asked; what cannot be asked is listed
 * here, and is the administrator's word:
 *
 *   - a policy of IPsec that only this socket has (the namespace's are seen)
 *   - programs attached to the socket's cgroup, and sockmap
 *   - packets of a tracked connection that the rules would treat differently
 *     later: offloaded segments pass no filter (README)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "kernel_internal.h"

#ifndef TCP_AO_INFO
#define TCP_AO_INFO 40 /* Linux 6.7; the structure starts with flags, all input here */
#endif
#define AO_INFO_BYTES	 64
#define IP_OPTIONS_BYTES 40
#define POLICIES_US	 (1 * CHIM_US_PER_MS)

static int
get(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

int
kernel_refuse_adopt(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int domain = get(fd, SOL_SOCKET, SO_DOMAIN);

	errno = EOPNOTSUPP;
	if (domain != AF_INET && domain != AF_INET6)
		return -1;
	if (get(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
		get(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP)
		return -1; /* MPTCP has a protocol of its own */
	return getpeername(fd, (struct sockaddr *)&peer, &len);
}

static long
read_number(const char *path, int field)
{
	char text[128] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *at = text;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	for (long value = 0;; field--) {
		value = strtol(at, &at, 10);
		if (field == 0)
			return value;
	}
}

void
kernel_refuse_look(struct chim_kernel *k)
{
	long rmem = read_number("/proc/sys/net/ipv4/tcp_rmem", 2);

	k->tcp_ecn = (uint32_t)read_number("/proc/sys/net/ipv4/tcp_ecn", 0);
	k->rmem_max = rmem > 0 ? (uint32_t)rmem : 6u << 20;
}

static const char *
judge_state(
	const struct chim_kernel *k, const struct kernel_sock_state *st, enum chim_reason *reason)
{
	*reason = CHIM_REASON_BAD_STATE;
	switch (st->state) {
	case CHIM_TCP_ESTABLISHED:
	case CHIM_TCP_FIN_WAIT_1:
	case CHIM_TCP_FIN_WAIT_2:
	case CHIM_TCP_CLOSE_WAIT:
	case CHIM_TCP_CLOSING:
	case CHIM_TCP_LAST_ACK:
		break;
	default:
		return "it is not established";
	}
	*reason = CHIM_REASON_UNSUPPORTED;
	/* The kernel does not tell which kind of ECN it is; where AccECN may be, it is assumed. */
	if (st->has_ecn && k->tcp_ecn >= 3)
		return "it may use accurate ECN";
	return NULL;
}

/* Asked without room the kernel tells the program's length; of an eBPF one it tells nothing. */
static bool
has_filter(int fd)
{
	socklen_t len = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) != 0)
		return errno == EACCES;
	return len > 0;
}

static const char *
judge_features(int fd, enum chim_reason *reason)
{
	char ulp[16] = "";
	uint8_t buf[IP_OPTIONS_BYTES] = { 0 };
	socklen_t len = sizeof(ulp);
	struct pollfd urgent = { fd, POLLPRI, 0 };

	*reason = CHIM_REASON_UNSUPPORTED;
	if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp, &len) == 0 && len > 0)
		return "an upper-layer protocol (kTLS, ...) is attached to it";
	len = sizeof(buf);
	if (getsockopt(fd, IPPROTO_IP, IP_OPTIONS, buf, &len) == 0 && len > 0)
		return "it sends IP options";
	if (has_filter(fd))
		return "a filter is attached to it";
	if (get(fd, IPPROTO_TCP, TCP_REPAIR) == 1)
		return "somebody has it in repair mode";
	if (poll(&urgent, 1, 0) == 1 && (urgent.revents & POLLPRI) != 0)
		return "urgent data waits to be read";
	return NULL;
}

static const char *
judge_queues(const struct chim_kernel *k, int fd, enum chim_reason *reason)
{
	struct chim_caps caps;
	int send = 0;
	int recv = 0;

	*reason = CHIM_REASON_LIMIT;
	chim_host_caps(k->host, &caps);
	if (ioctl(fd, SIOCOUTQ, &send) == 0 && (uint32_t)send > caps.max_send_bytes)
		return "it has more to send than the engine takes";
	if (ioctl(fd, SIOCINQ, &recv) == 0 && (uint32_t)recv > caps.max_recv_bytes)
		return "it has more to read than the engine takes";
	return NULL;
}

/* A connection that has begun without keys for TCP-AO gets none any more (RFC 5925, 3.1). */
void
kernel_refuse_look_at(const struct chim_kernel *k, struct chim_kconn *kc)
{
	uint8_t buf[AO_INFO_BYTES] = { 0 };
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(kc->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0 &&
		cookie != k->netns_cookie) {
		kc->never = "it lives in another network namespace";
		kc->never_reason = CHIM_REASON_FOREIGN;
		return;
	}
	len = sizeof(buf);
	if (getsockopt(kc->fd, IPPROTO_TCP, TCP_AO_INFO, buf, &len) == 0) {
		kc->never = "it is authenticated with TCP-AO";
		kc->never_reason = CHIM_REASON_UNSUPPORTED;
	}
}

/* What holds for the whole namespace is asked once for the connections that go together. */
static void
look_at_policies(struct chim_kernel *k)
{
	if (k->policies_at != 0 && k->now - k->policies_at < POLICIES_US)
		return;
	k->policies_at = k->now;
	k->has_policies = kernel_xfrm_has_policy(&k->nl) == 1;
	k->is_tracking = kernel_conntrack_has_entries(&k->nl);
}

const char *
kernel_refuse_offload(struct chim_kernel *k, struct chim_kconn *kc, enum chim_reason *reason)
{
	const char *why;

	*reason = CHIM_REASON_PAUSED;
	if (k->is_paused)
		return "the engine takes nothing at the moment";
	*reason = kc->never_reason;
	if (kc->never != NULL)
		return kc->never;
	why = judge_state(k, kc->st, reason);
	if (why == NULL)
		why = judge_features(kc->fd, reason);
	if (why == NULL)
		why = judge_queues(k, kc->fd, reason);
	if (why != NULL)
		return why;
	look_at_policies(k);
	*reason = CHIM_REASON_UNSUPPORTED;
	if (k->has_policies)
		return "IPsec policies are in force";
	if (kernel_diag_has_md5(&k->nl, &kc->tuple) == 1)
		return "it is authenticated with TCP-MD5";
	return kernel_conntrack_prepare(k, kc);
}
