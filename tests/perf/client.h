/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The other end of a benchmark's connections: as little TCP as a wire needs
 * that loses nothing. It knows what comes next on each connection, compares
 * every byte, and fails on anything else; it has no timers, windows or
 * retransmission.
 *
 * Thread: the main lcore.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "bed.h"

enum client_kind {
	CLIENT_RPC,	/* a request on each connection, the next one when it is answered */
	CLIENT_FORWARD, /* the same frames, and each comes back as it went */
	CLIENT_SEND,	/* data as fast as it is acknowledged */
	CLIENT_RECEIVE, /* acknowledge what comes */
};

struct client;

/** Connections of the bed's flow set. @param size bytes of a request and of its answer. */
struct client *client_create(const struct bed *b, enum client_kind kind, uint32_t size);
void client_destroy(struct client *c);

/** Work for so long. @return false when what came was wrong, or nothing came. */
bool client_run(struct client *c, uint64_t us);

/** Take what is still under way; start no more. @return false as client_run(). */
bool client_drain(struct client *c);

/** One request on the first connection that is ready, after a pause. @return microseconds to its
 *  answer; negative when it was wrong. CLIENT_RPC only. */
double client_ask_once(struct client *c, uint64_t pause_us);

struct client_counts {
	uint64_t rpcs;
	uint64_t bytes;		 /* of data, sent and acknowledged, or received */
	uint64_t frames;	 /* sent and received */
	uint64_t latency_cycles; /* sum over the RPCs */
	uint64_t repeated;	 /* segments that came again */
};

void client_counts(const struct client *c, struct client_counts *n);

/** The round trip that a share of the RPCs since client_forget_latencies() did not exceed, to 3 %.
 *  @param share 0 .. 1. @return microseconds. */
double client_latency_us(const struct client *c, double share);
void client_forget_latencies(struct client *c);

#endif /* CLIENT_H */
