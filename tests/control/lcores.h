/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A world for lcores_test.c: control and two real workers, each polled by a
 * thread of its own with an lcore id, and families of connections that the
 * test's thread moves in and out as their host, while it is also their peer.
 */
#ifndef LCORES_H
#define LCORES_H

#include <pthread.h>

#include "chim_ctl.h"
#include "chim_host.h"
#include "rings.h"

#define FAMILIES 8u
#define CONNS	 3u
#define STEP_US	 20u

struct conn {
	struct chim_tcp_block b;
	chim_handle_t h;
	bool is_live;
	bool is_invalid;
	bool is_in_tree;
	bool is_known; /* was in the engine: what comes for it is its own, or held for it */
	enum chim_status expected;
	uint32_t injected;
	uint32_t delivered;
	uint32_t posted;
};

struct family {
	uint64_t random;
	uint32_t nb_requests;
	uint32_t pending;
	uint32_t op;
	bool is_whole;	/* of terminate: path and neighbor too */
	bool is_there;	/* neighbor and path are offloaded */
	bool is_ending; /* nothing more is asked but for what must be at the end */
	enum chim_status expected;
	struct chim_neighbor_block n;
	struct chim_path_block p;
	chim_handle_t nh;
	chim_handle_t ph;
	struct chim_block again; /* the second of two that overlap: a query of the path */
	uint8_t source[16];
	uint8_t destination[16];
	struct conn conn[CONNS];
};

struct world;

struct lcore {
	struct world *world;
	pthread_t thread;
	uint32_t (*poll)(void *what, chim_us_t now);
	void *what;
};

struct world {
	struct rings r;
	struct chim_ctl *ctl;
	struct chim_host *host;
	struct rte_mbuf *give_back;
	uint64_t random;
	_Atomic chim_us_t now;
	atomic_bool stop;
	struct lcore lcore[1 + RINGS_WORKERS]; /* control, then the workers */
	uint32_t nb_submitted;
	uint32_t nb_completed;
	uint32_t nb_for_kernel;
	const char *failure; /* the first; threads are stopped before it is told */
	struct family family[FAMILIES];
};

#define EXPECT(w, what)                       \
	do {                                  \
		if (!(what) && !(w)->failure) \
			(w)->failure = #what; \
	} while (0)

/* Everything but the threads; the seed says how much fits a turn and what the peer sends. */
void world_set_up(struct world *w, uint64_t seed);
void world_start(struct world *w);
void world_stop(struct world *w);

/* Take what the workers say, and return what they lent. Returns whether it was anything. */
bool world_collect(struct world *w);

/* Received bytes of a connection, which must be the next of its stream. */
void world_read(struct world *w, struct conn *c, struct rte_mbuf *m);

/* The peer and the host send a little; frames that go out are thrown away. */
void world_move_data(struct world *w);
void world_drain(struct world *w);

#endif /* LCORES_H */
