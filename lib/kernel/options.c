/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Socket options over a move. Most of them stay with the socket; some are
 * changed by repair mode itself (SO_REUSEADDR, buffer locks) or are lost when
 * the connection is rebuilt elsewhere. All are read before and written back
 * where they differ.
 *
 * Not readable, and so not kept over a rebuild in another socket: per-socket
 * IPsec policy, attached filters and programs.
 */
#include <errno.h>
#include <string.h>

#include "chim_base.h"
#include "kernel_sock.h"

/* In the order of writing: the type of service sets the priority as a side effect. */
static const struct {
	int level;
	int name;
	bool early;
} rows[] = {
	{ SOL_SOCKET, SO_MARK, true },
	{ SOL_SOCKET, SO_DONTROUTE, true },
	{ IPPROTO_IP, IP_TOS, false },
	{ IPPROTO_IP, IP_TTL, false },
	{ IPPROTO_IP, IP_MTU_DISCOVER, false },
	{ IPPROTO_IPV6, IPV6_TCLASS, false },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, false },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, false },
	{ SOL_SOCKET, SO_PRIORITY, false },
	{ SOL_SOCKET, SO_RCVLOWAT, false },
	{ SOL_SOCKET, SO_OOBINLINE, false },
	{ IPPROTO_TCP, TCP_NODELAY, false },
	{ IPPROTO_TCP, TCP_CORK, false },
	{ IPPROTO_TCP, TCP_KEEPIDLE, false },
	{ IPPROTO_TCP, TCP_KEEPINTVL, false },
	{ IPPROTO_TCP, TCP_KEEPCNT, false },
	{ IPPROTO_TCP, TCP_LINGER2, false },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, false },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, false },
	{ IPPROTO_TCP, TCP_SYNCNT, false },
	{ IPPROTO_TCP, TCP_INQ, false },
	{ SOL_SOCKET, SO_KEEPALIVE, false },
};
_Static_assert(CHIM_DIM(rows) <= KERNEL_OPTIONS_MAX, "one value a row");

static int
get(int fd, int level, int name, int *value)
{
	socklen_t len = sizeof(*value);

	*value = 0;
	return getsockopt(fd, level, name, value, &len);
}

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

int
kernel_options_read(int fd, struct kernel_options *o)
{
	socklen_t len = sizeof(o->linger);

	memset(o, 0, sizeof(*o));
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &o->linger, &len) != 0)
		return -errno;
	for (uint32_t i = 0; i < CHIM_DIM(rows); i++) {
		if (get(fd, rows[i].level, rows[i].name, &o->value[i]) == 0)
			o->known |= UINT32_C(1) << i; /* an IPv4 socket has no IPv6 options */
	}
	len = sizeof(o->congestion);
	(void)getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, o->congestion, &len);
	len = sizeof(o->device);
	(void)getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, &len);
	if (get(fd, SOL_SOCKET, SO_REUSEADDR, &o->reuseaddr) != 0 ||
		get(fd, SOL_SOCKET, SO_SNDBUF, &o->sndbuf) != 0 ||
		get(fd, SOL_SOCKET, SO_RCVBUF, &o->rcvbuf) != 0 ||
		get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &o->window_clamp) != 0)
		return -errno;
	if (get(fd, SOL_SOCKET, SO_BUF_LOCK, &o->buf_lock) != 0)
		return -errno;
	return 0;
}

bool
kernel_options_get(const struct kernel_options *o, int level, int name, int *value)
{
	for (uint32_t i = 0; i < CHIM_DIM(rows); i++) {
		if (rows[i].level == level && rows[i].name == name) {
			*value = o->value[i];
			return (o->known & UINT32_C(1) << i) != 0;
		}
	}
	return false;
}

static void
apply_rows(int fd, const struct kernel_options *o, bool early)
{
	for (uint32_t i = 0; i < CHIM_DIM(rows); i++) {
		int now;

		if (rows[i].early != early || (o->known & UINT32_C(1) << i) == 0)
			continue;
		if (get(fd, rows[i].level, rows[i].name, &now) == 0 && now != o->value[i])
			(void)set(fd, rows[i].level, rows[i].name, o->value[i]);
	}
}

void
kernel_options_apply_early(int fd, const struct kernel_options *o)
{
	char now[sizeof(o->device)] = "";
	socklen_t len = sizeof(now);

	apply_rows(fd, o, true);
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, now, &len) == 0 &&
		strncmp(now, o->device, sizeof(now)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device,
			(socklen_t)strnlen(o->device, sizeof(o->device)));
}

static void
apply_congestion(int fd, const struct kernel_options *o)
{
	char now[sizeof(o->congestion)] = "";
	socklen_t len = sizeof(now);

	if (o->congestion[0] == '\0')
		return;
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, now, &len) == 0 &&
		strncmp(now, o->congestion, sizeof(now)) == 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, o->congestion,
		(socklen_t)strnlen(o->congestion, sizeof(o->congestion)));
}

/*
 * The bound on the window starts anew with the rebuilt connection. Writing a larger bound also
 * lifts the kernel's idea of what it may offer up to the window in force, which is how the
 * advertised window comes out as it went in.
 */
void
kernel_options_apply_window_clamp(int fd, const struct kernel_options *o)
{
	int now;

	if (o->window_clamp <= 0 || get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &now) != 0)
		return;
	if (now >= o->window_clamp)
		(void)set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, o->window_clamp - 1);
	(void)set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, o->window_clamp);
}

void
kernel_options_apply(int fd, const struct kernel_options *o)
{
	int now;

	apply_rows(fd, o, false);
	apply_congestion(fd, o);
	kernel_options_apply_window_clamp(fd, o);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &o->linger, sizeof(o->linger));
	if (get(fd, SOL_SOCKET, SO_REUSEADDR, &now) == 0 && now != o->reuseaddr)
		(void)set(fd, SOL_SOCKET, SO_REUSEADDR, o->reuseaddr);
	if (get(fd, SOL_SOCKET, SO_BUF_LOCK, &now) == 0 && now != o->buf_lock)
		(void)set(fd, SOL_SOCKET, SO_BUF_LOCK, o->buf_lock);
}

/* The kernel doubles what it is told, for its own bookkeeping. */
static int
grow_one(int fd, int read_name, int write_name, uint32_t bytes)
{
	int want = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
	int now;

	if (get(fd, SOL_SOCKET, read_name, &now) != 0)
		return -errno;
	if (now / 2 >= want)
		return 0;
	return set(fd, SOL_SOCKET, write_name, want) == 0 ? 0 : -errno;
}

int
kernel_options_grow(int fd, uint32_t send_bytes, uint32_t recv_bytes)
{
	int rc = grow_one(fd, SO_SNDBUF, SO_SNDBUFFORCE, send_bytes);

	return rc != 0 ? rc : grow_one(fd, SO_RCVBUF, SO_RCVBUFFORCE, recv_bytes);
}
