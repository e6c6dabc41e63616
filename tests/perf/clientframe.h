/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The client from the inside, and the frames it makes and reads.
 */
#ifndef CLIENTFRAME_H
#define CLIENTFRAME_H

#include "client.h"

#define CLIENT_OUT     256u
#define CLIENT_BUCKETS 1920u /* of latencies: 32 for each power of two */

struct peer {
	uint32_t seq, una; /* next of ours, acknowledged */
	uint32_t rcv;	   /* next of theirs */
	uint32_t tsecr;
	uint32_t got; /* bytes of the answer, or of the stream */
	uint16_t unacked;
	bool is_ready; /* CLIENT_SEND: in the queue of the ready */
	uint64_t asked;
};

struct client {
	enum client_kind kind;
	const struct app_flow_set *set;
	uint16_t port;
	struct rte_mempool *pool;
	bool has_sums;
	bool is_draining;
	uint32_t size, mss;
	uint32_t nb_peers;
	struct peer *peer;
	uint32_t *ready; /* a ring of indices; each connection is in it at most once */
	uint32_t ready_begin, ready_end;
	uint64_t nb_open; /* requests, or bytes, that were not answered */
	uint64_t nb_wrong;
	uint64_t tsc, tsc_per_ms;
	uint32_t ms;
	/* frames */
	uint8_t *pattern; /* of a message */
	uint32_t *sums;	  /* of its pieces of mss bytes: behind the pattern */
	uint32_t header_len;
	uint8_t header[80];
	uint32_t nb_out;
	struct rte_mbuf *out[CLIENT_OUT];
	struct client_counts n;
	uint32_t latency[CLIENT_BUCKETS]; /* RPCs of each */
};

struct rx {
	struct rte_mbuf *m;
	uint32_t seq, ack, tsval;
	uint32_t len; /* of data */
	uint32_t off; /* where it begins */
};

/** @return 0; -1 without memory. */
int clientframe_init(struct client *c);
/** Bytes at .. at + len of a message, into c->out. */
void clientframe_data(struct client *c, struct peer *p, uint32_t at, uint32_t len);
void clientframe_ack(struct client *c, struct peer *p);
/** @return whose it is; NULL when it is nobody's. */
struct peer *clientframe_parse(struct client *c, struct rx *rx);
/** Is the data what p expects? */
bool clientframe_compare(const struct client *c, const struct peer *p, const struct rx *rx);

#endif /* CLIENTFRAME_H */
