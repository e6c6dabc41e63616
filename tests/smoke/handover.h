/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the two ends of a connection in handover.c share: the options, the
 * connection, the bytes that both know.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "chim_kernel.h"
#include "chim_serve.h"

#define CHUNK 65536u

enum {
	FROM_HOST = 1,
	FROM_PEER = 2
};

struct options {
	const char *netns;
	uint32_t moves;
	uint64_t bytes; /* each way, each connection */
	bool is_ip6, no_hold, is_client, is_verbose;
	bool is_half; /* the host closes its half early */
	const char *congestion;
	unsigned int seed;
	uint32_t conns;
};

/* One connection, both ends. */
struct conn {
	const struct options *opt;
	/* host */
	struct chim_stream *stream;
	struct chim_kconn *kc;
	int fd;
	bool is_away;
	bool is_over;
	chim_us_t next_move;
	uint32_t moves[2]; /* arrived in the engine, in the kernel */
	uint32_t refused;
	uint64_t wrote, read;
	bool is_shut, is_half_shut;
	/* peer */
	pthread_t thread;
	int peer;
	uint64_t peer_wrote, peer_read;
	bool peer_eof;
	uint32_t peer_retrans;
	uint32_t largest_pause;
	atomic_uint nb_moves; /* both ways, for the peer's thread */
	atomic_int error;
	atomic_bool is_done;
};

extern struct options opt;

/* Bytes the host sends: all, or an eighth when it closes its half in the middle. */
uint64_t handover_host_goal(void);

/* Bytes from a position on, as that way has them. */
void handover_fill(uint8_t *at, size_t n, uint64_t position, int way);

/* Are they? 0, or EBADMSG after saying which is not. */
int handover_compare(const uint8_t *at, size_t n, uint64_t position, int way);

/* The peer's thread; arg is its struct conn. */
void *handover_peer(void *arg);

#endif /* HANDOVER_H */
