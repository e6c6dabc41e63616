/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Socket options over a move. A connection comes back into the descriptor that
 * it has left, and most options never leave that: repair_states.c has the list
 * of those that were looked at. Named here are only what the engine wants to
 * know, and what a move itself changes: buffer sizes and their locks, the
 * bound on the window, timers that are stopped meanwhile, SO_REUSEADDR, and
 * the congestion control where a route prescribes one at connect().
 */
#include <errno.h>
#include <string.h>

#include "chim_base.h"
#include "kernel_sock.h"

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

/* What is told to the engine; kept by the socket. */
static int
read_told(int fd, bool is_ip4, struct kernel_options *o)
{
	int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (get(fd, IPPROTO_TCP, TCP_NODELAY, &o->nodelay) != 0 ||
		get(fd, SOL_SOCKET, SO_PRIORITY, &o->priority) != 0 ||
		get(fd, level, is_ip4 ? IP_TTL : IPV6_UNICAST_HOPS, &o->ttl) != 0 ||
		get(fd, level, is_ip4 ? IP_TOS : IPV6_TCLASS, &o->tos) != 0)
		return -errno;
	if (o->keepalive == 0)
		return 0; /* how it would be done is not asked for */
	if (get(fd, IPPROTO_TCP, TCP_KEEPIDLE, &o->keep_idle) != 0 ||
		get(fd, IPPROTO_TCP, TCP_KEEPINTVL, &o->keep_interval) != 0 ||
		get(fd, IPPROTO_TCP, TCP_KEEPCNT, &o->keep_count) != 0)
		return -errno;
	return 0;
}

int
kernel_options_read(int fd, bool is_ip4, struct kernel_options *o)
{
	socklen_t len = sizeof(o->congestion);

	memset(o, 0, sizeof(*o));
	if (get(fd, SOL_SOCKET, SO_KEEPALIVE, &o->keepalive) != 0 ||
		get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &o->user_timeout) != 0 ||
		get(fd, SOL_SOCKET, SO_REUSEADDR, &o->reuseaddr) != 0 ||
		get(fd, SOL_SOCKET, SO_SNDBUF, &o->sndbuf) != 0 ||
		get(fd, SOL_SOCKET, SO_RCVBUF, &o->rcvbuf) != 0 ||
		get(fd, SOL_SOCKET, SO_BUF_LOCK, &o->buf_lock) != 0 ||
		get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &o->window_clamp) != 0)
		return -errno;
	(void)getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, o->congestion, &len);
	return read_told(fd, is_ip4, o);
}

/* A timer of the user's would kill a socket that hears nothing. */
int
kernel_options_stop_timers(int fd, const struct kernel_options *o)
{
	if (o->keepalive != 0 && set(fd, SOL_SOCKET, SO_KEEPALIVE, 0) != 0)
		return -errno;
	if (o->user_timeout != 0 && set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0) != 0)
		return -errno;
	return 0;
}

int
kernel_options_apply_reuse(int fd, const struct kernel_options *o)
{
	if (o->reuseaddr == 0)
		return 0; /* which leaving repair mode has made of it anyway */
	return set(fd, SOL_SOCKET, SO_REUSEADDR, o->reuseaddr) == 0 ? 0 : -errno;
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
	if (o->keepalive != 0)
		(void)set(fd, SOL_SOCKET, SO_KEEPALIVE, o->keepalive);
	if (o->user_timeout != 0)
		(void)set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->user_timeout);
	apply_congestion(fd, o);
	/* Again: what was released meanwhile may have lifted it. */
	kernel_options_apply_window_clamp(fd, o);
	/* A send queue above the limit only makes the next writer wait. */
	(void)set(fd, SOL_SOCKET, SO_SNDBUFFORCE, o->sndbuf / 2);
	(void)set(fd, SOL_SOCKET, SO_BUF_LOCK, o->buf_lock);
}

/* The kernel doubles what it is told, for its own bookkeeping. */
int
kernel_options_size(int fd, int name, uint32_t bytes)
{
	int want = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	return set(fd, SOL_SOCKET, name, want) == 0 ? 0 : -errno;
}
