/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One connection of the client: opened, then run whenever its socket can do
 * something - receive and compare, send, close our half - until it is over.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define GAP_WORTH_NOTING_US 300

__attribute__((format(printf, 2, 3))) static void
end(struct peer_conn *c, const char *why, ...)
{
	va_list args;

	c->is_over = true;
	va_start(args, why);
	vsnprintf(c->error, sizeof(c->error), why, args);
	va_end(args);
}

int
peer_conn_open(struct peer_run *r, struct peer_conn *c, uint32_t number)
{
	const struct peer_options *opt = r->opt;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };

	memset(c, 0, sizeof(*c));
	c->number = number;
	c->seed = opt->seed + number;
	c->goal = opt->until_usr1 && !opt->is_resting ? UINT64_MAX : opt->bytes;
	c->is_held = opt->until_usr1;
	c->wants_out = true; /* also: to hear that it is connected */
	c->last_us = peer_now_us();
	c->fd = socket(opt->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	if (opt->cc != NULL &&
		setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, opt->cc, strlen(opt->cc)) < 0)
		return -1;
	if (opt->from.ss_family != 0 &&
		bind(c->fd, (const struct sockaddr *)&opt->from, opt->addr_len) < 0)
		return -1;
	if (connect(c->fd, (const struct sockaddr *)&opt->to, opt->addr_len) < 0 &&
		errno != EINPROGRESS)
		return -1;
	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &ev);
}

/* How long nothing had come: what a move looks like from here. */
static void
note_gap(struct peer_run *r, struct peer_conn *c)
{
	uint64_t now = peer_now_us(), gap = now - c->last_us;

	if (r->gaps != NULL && c->n.received > 0 && gap >= GAP_WORTH_NOTING_US)
		fprintf(r->gaps, "%" PRIu64 " %" PRIu64 "\n", c->last_us, gap);
	c->last_us = now;
	r->moved_us = now;
}

static bool
compare(struct peer_run *r, struct peer_conn *c, size_t n)
{
	if (r->opt->is_source)
		peer_pattern_source(r->expected, c->n.received, n);
	else
		peer_pattern_fill(r->expected, c->seed, c->n.received, n);
	if (memcmp(r->piece, r->expected, n) == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (r->piece[i] == r->expected[i])
			continue;
		end(c, "connection %u: byte %" PRIu64 " is 0x%02x and should be 0x%02x", c->number,
			c->n.received + i, r->piece[i], r->expected[i]);
		break;
	}
	return false;
}

static void
on_end_of_stream(struct peer_run *r, struct peer_conn *c)
{
	uint64_t wanted = r->opt->is_source ? c->goal : c->n.sent;

	if (!r->opt->is_source && !c->has_shut)
		end(c, "connection %u: closed by the service after %" PRIu64 " bytes", c->number,
			c->n.received);
	else if (c->n.received != wanted)
		end(c, "connection %u: ended after %" PRIu64 " of %" PRIu64 " bytes", c->number,
			c->n.received, wanted);
	else
		end(c, "%s", "");
}

/* The close that follows sends a reset. */
static void
reset(struct peer_conn *c)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	end(c, "%s", "");
}

static void
receive(struct peer_run *r, struct peer_conn *c)
{
	ssize_t n = recv(c->fd, r->piece, PEER_PIECE, 0);

	if (n == 0) {
		on_end_of_stream(r, c);
		return;
	}
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			end(c, "connection %u: after %" PRIu64 " bytes received: %s", c->number,
				c->n.received, strerror(errno));
		return;
	}
	note_gap(r, c);
	if (!compare(r, c, n))
		return;
	c->n.hash_received = peer_hash(c->n.hash_received, r->piece, n);
	c->n.received += n;
	if (r->opt->is_reset && c->n.received == c->goal)
		reset(c);
}

/* How many bytes may be sent now: to the goal, and not too far ahead of what came back. */
static uint64_t
room(const struct peer_run *r, const struct peer_conn *c)
{
	uint64_t left = c->goal - c->n.sent, out = c->n.sent - c->n.received;

	if (r->opt->is_source)
		return 0;
	if (r->opt->ahead == 0)
		return left;
	if (out >= r->opt->ahead)
		return 0;
	return left < r->opt->ahead - out ? left : r->opt->ahead - out;
}

/* Ask epoll for room to write only while there is something to write. */
static void
watch(struct peer_run *r, struct peer_conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	bool wants_out = room(r, c) > 0;

	if (wants_out == c->wants_out)
		return;
	c->wants_out = wants_out;
	if (wants_out)
		ev.events |= EPOLLOUT;
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void
transmit(struct peer_run *r, struct peer_conn *c)
{
	uint64_t most = room(r, c);
	size_t want = most < PEER_PIECE ? most : PEER_PIECE;
	ssize_t n;

	peer_pattern_fill(r->piece, c->seed, c->n.sent, want);
	n = send(c->fd, r->piece, want, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			end(c, "connection %u: after %" PRIu64 " bytes sent: %s", c->number,
				c->n.sent, strerror(errno));
		return;
	}
	c->n.hash_sent = peer_hash(c->n.hash_sent, r->piece, n);
	c->n.sent += n;
	r->moved_us = peer_now_us();
}

/* Everything is sent: close our half, unless it is held open, and wait for what comes. */
static void
shut(struct peer_run *r, struct peer_conn *c)
{
	if (c->is_held || r->opt->is_reset)
		return;
	if (shutdown(c->fd, SHUT_WR) < 0)
		end(c, "connection %u: shutdown: %s", c->number, strerror(errno));
	c->has_shut = true;
}

void
peer_conn_run(struct peer_run *r, struct peer_conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!c->is_connected) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			end(c, "connection %u: connect: %s", c->number, strerror(error));
			return;
		}
		c->is_connected = true;
		r->moved_us = peer_now_us();
	}
	receive(r, c);
	if (c->is_over || c->has_shut)
		return;
	if (room(r, c) > 0)
		transmit(r, c);
	if (!c->is_over && (r->opt->is_source || c->n.sent >= c->goal))
		shut(r, c);
	if (!c->is_over)
		watch(r, c);
}

void
peer_conn_counters(struct peer_conn *c)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	c->n.retrans = info.tcpi_total_retrans;
	c->n.dsacks = info.tcpi_dsack_dups;
	c->n.options = info.tcpi_options;
}
