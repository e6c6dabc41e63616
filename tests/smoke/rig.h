/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One TCP connection over a tapwire, the host's end of it under test, with
 * bytes whose value depends on their position, so that a lost, repeated or
 * swapped one shows. And a whole move of the host's end, out of its descriptor
 * and back, with what a worker would do in between.
 */
#ifndef RIG_H
#define RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "kernel_sock.h"
#include "tapwire.h"

#define RIG_PORT 7000

struct rig_config {
	int family;
	bool no_timestamps;
	bool host_connects;	/* else the host accepts */
	const char *congestion; /* of the host; NULL = reno */
	int host_rcvbuf;	/* 0 = the kernel's own choice */
	int peer_rcvbuf;
};

struct rig {
	struct tapwire *w;
	struct rig_config cfg;
	int host, peer; /* connected, non-blocking */
	int marker_fd;
	uint64_t host_wrote, host_read, peer_wrote, peer_read;
	bool host_eof, peer_eof;
	uint32_t ts_recent; /* of the host, last known */
	/* peer thread */
	pthread_t thread;
	atomic_bool stop;
	atomic_bool is_running;
	atomic_int error;   /* first thing that went wrong, errno or EBADMSG */
	uint64_t peer_goal; /* bytes to write, then close */
};

/** @return NULL where the machine lacks something. */
struct rig *rig_create(const struct rig_config *cfg);
void rig_destroy(struct rig *r);

/** Write as many pattern bytes as fit, at most n. @return how many. */
uint32_t rig_host_write(struct rig *r, uint32_t n);
uint32_t rig_peer_write(struct rig *r, uint32_t n);
/** Read and compare what is there, at most n. @return how many; asserts that they are right. */
uint32_t rig_host_read(struct rig *r, uint32_t n);
uint32_t rig_peer_read(struct rig *r, uint32_t n);

/** The peer writes peer_goal bytes and reads everything, in a thread of its own. */
void rig_peer_start(struct rig *r);
/** Wait for it: it has read the host's end of stream. */
void rig_peer_join(struct rig *r);

/** Until cond or so many half milliseconds of sleep are over; @return cond. */
#define RIG_WAIT_MS(ms, cond)                     \
	({                                        \
		int rig_left = 2 * (ms);          \
		while (!(cond) && rig_left-- > 0) \
			usleep(500);              \
		(cond);                           \
	})
/* A first retransmission comes after a second. */
#define RIG_WAIT(cond) RIG_WAIT_MS(3000, cond)

struct rig_move {
	bool disable_hold; /* prove that it is needed */
	bool expire_hold;  /* the hold runs out while the placeholder is in place */
	uint32_t stay_ms;  /* time the placeholder stays */
	void (*meanwhile)(struct rig *r, void *arg); /* while the placeholder is in place */
	void *arg;
	/* out */
	struct kernel_sock_state st; /* queues freed */
	uint32_t unread, unacked, unsent;
	uint32_t nb_frames;
};

/** Out of the descriptor and back. @return 0, or what a step answered. */
int rig_move(struct rig *r, struct rig_move *m);

#endif /* RIG_H */
