/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Two kernels and a wire between them, all inside this process: two network
 * namespaces, a tap in each, and a thread that carries frames from one tap to
 * the other. It can do what a worker does for a flow in transit (hold, seal by
 * marker, release, inject, record), and lose and reorder frames.
 *
 * The flow is every TCP frame whose host-side port is the one asked for.
 * The host side is the one under test, the peer is an ordinary kernel.
 */
#ifndef TAPWIRE_H
#define TAPWIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "chim_request.h"
#include "kernel_frames.h"

struct tapwire;

enum tapwire_side {
	TAPWIRE_HOST,
	TAPWIRE_PEER,
};

#define TAPWIRE_NAME "wire0" /* the interface, on either side */

/* What the wire saw of the flow. */
struct tapwire_record {
	struct chim_flow_record flow; /* since the hold, as a worker's */
	/* since the start */
	uint32_t host_frames;
	uint32_t sealed_frames; /* dropped by a seal */
	uint32_t max_seq;	/* of the host: how far it has sent, FIN counted */
	uint32_t resets;	/* either direction */
	uint32_t peer_fins;	/* frames of the peer's with one */
	uint32_t tsecr_zero;	/* host frames that echo nothing, after the first */
	uint32_t tsval_backwards;
	uint32_t window_shrunk;	 /* right edge moved left */
	uint32_t holes;		 /* host frames that begin beyond what it has sent */
	uint32_t host_resent;	 /* frames with payload wholly seen before */
	uint64_t longest_gap_us; /* that nobody carried frames, or a hold lasted */
};

/** Make it; @param port host-side port of the flow. @return NULL where the machine lacks
 *  something (no root, no tap), with the reason printed. */
struct tapwire *tapwire_create(uint16_t port);
void tapwire_destroy(struct tapwire *w);

/** A socket that lives on a side. */
int tapwire_socket(struct tapwire *w, enum tapwire_side side, int family, int type);

/** Address of a side. @return its length. */
socklen_t
tapwire_address(enum tapwire_side side, int family, uint16_t port, struct sockaddr_storage *out);

/** Run a function with this thread inside a side's namespace. */
void tapwire_within(struct tapwire *w, enum tapwire_side side, void (*fn)(void *), void *arg);

int tapwire_ifindex(struct tapwire *w, enum tapwire_side side);
void tapwire_link(struct kernel_link *to_host);

/** Keep what the peer sends to the flow. Starts a new record. */
void tapwire_hold(struct tapwire *w);
/** Send a marker on the host's side, wait until the wire has read it; from then on the host's
 *  frames of the flow are dropped. */
void tapwire_seal(struct tapwire *w, int marker_fd);
/** Everything flows again; kept frames go to the host, in order. */
void tapwire_release(struct tapwire *w);
/** Only let the kept frames go to the host although the seal stays (a hold that ran out). */
void tapwire_expire(struct tapwire *w);
void tapwire_inject(struct tapwire *w, const uint8_t *frame, uint16_t len);
/* One frame of n each, either way; 0 = none. */
struct tapwire_faults {
	uint32_t lose;
	uint32_t delay;	 /* put behind the next */
	uint32_t repeat; /* twice: the second time behind the next */
};
void tapwire_impair(struct tapwire *w, const struct tapwire_faults *f);
/** Carry nothing of the flow from the host to the peer; or of what the peer sends. */
void tapwire_cut(struct tapwire *w, bool cut);
void tapwire_cut_from_peer(struct tapwire *w, bool cut);
void tapwire_read(struct tapwire *w, struct tapwire_record *r);

#endif /* TAPWIRE_H */
