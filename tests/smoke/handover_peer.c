/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The peer of handover.c: a thread with a plain socket of the kernel, which
 * writes so far ahead of the moves, and compares every byte that it reads.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "handover.h"

/* ---- bytes that show their position ---- */

static uint8_t
pattern(uint64_t position, int way)
{
	uint64_t word = (position / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)way;

	word ^= word >> 29;
	return (uint8_t)(word >> position % 8 * 8);
}

void
handover_fill(uint8_t *at, size_t n, uint64_t position, int way)
{
	for (size_t i = 0; i < n; i++)
		at[i] = pattern(position + i, way);
}

int
handover_compare(const uint8_t *at, size_t n, uint64_t position, int way)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i] == pattern(position + i, way))
			continue;
		printf("handover: byte %llu from the %s is wrong\n",
			(unsigned long long)(position + i), way == FROM_HOST ? "host" : "peer");
		for (int64_t off = -200000; off < 200000; off++) {
			size_t j = 0;

			while (j < 32 && i + j < n &&
				at[i + j] == pattern(position + i + (uint64_t)off + j, way))
				j++;
			if (j == 32)
				printf("handover: it looks like position %+lld\n", (long long)off);
		}
		return EBADMSG;
	}
	return 0;
}

uint64_t
handover_host_goal(void)
{
	return opt.is_half ? opt.bytes / 8 : opt.bytes;
}

/* ---- the peer ---- */

/* So far ahead of the moves the peer writes: on a fast machine it would be through before them. */
#define AHEAD_MOVES 40u

static uint64_t
peer_allowance(const struct conn *c)
{
	uint64_t moves = atomic_load(&c->nb_moves);

	if (moves >= opt.moves)
		return opt.bytes;
	return RTE_MIN(opt.bytes - 1, opt.bytes / opt.moves * (moves + AHEAD_MOVES));
}

static int
peer_write(struct conn *c)
{
	uint8_t at[CHUNK];
	size_t want = RTE_MIN(peer_allowance(c) - c->peer_wrote, (uint64_t)CHUNK);

	handover_fill(at, want, c->peer_wrote, FROM_PEER);
	ssize_t n = send(c->peer, at, want, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return errno;
	c->peer_wrote += n > 0 ? (uint64_t)n : 0;
	return 0;
}

static int
peer_read(struct conn *c)
{
	uint8_t at[CHUNK];
	ssize_t n = recv(c->peer, at, sizeof(at), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : errno;
	c->peer_eof = n == 0;
	if (n > 0 && handover_compare(at, (size_t)n, c->peer_read, FROM_HOST) != 0)
		return EBADMSG;
	c->peer_read += (uint64_t)n;
	return 0;
}

/* Until the last acknowledgment has come: without it the kernel would repair when all is over. */
static void
peer_linger(const struct conn *c)
{
	int left = 0;

	while (atomic_load(&c->error) == 0 && ioctl(c->peer, SIOCOUTQ, &left) == 0 && left != 0)
		poll(NULL, 0, 1);
}

void *
handover_peer(void *arg)
{
	struct conn *c = arg;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	bool is_shut = false;
	int error = 0;

	while (error == 0 && !(c->peer_eof && is_shut) && atomic_load(&c->error) == 0) {
		struct pollfd p = { c->peer, c->peer_eof ? 0 : POLLIN, 0 };

		bool may_write = c->peer_wrote < peer_allowance(c);

		if (may_write)
			p.events |= POLLOUT;
		else if (c->peer_wrote == opt.bytes && !is_shut)
			is_shut = shutdown(c->peer, SHUT_WR) == 0;
		poll(&p, 1, may_write || is_shut ? 50 : 1);
		if (p.revents & POLLOUT)
			error = peer_write(c);
		if (error == 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) && !c->peer_eof)
			error = peer_read(c);
	}
	if (error == 0)
		peer_linger(c);
	if (getsockopt(c->peer, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		c->peer_retrans = info.tcpi_total_retrans;
	if (error != 0)
		atomic_store(&c->error, error);
	atomic_store(&c->is_done, true);
	return NULL;
}
