/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A stream (lib/serve) with its two homes played by the test: a socket pair is
 * the kernel's, and the far end of a host slot's data rings is the engine's.
 *
 *   homes_begin("echo", NULL);
 *   homes_peer_writes("hello"); homes_peer_reads("hello");
 *   homes_move_to_engine();
 *   homes_engine_indicates("abc"); io = homes_worker_takes(CHIM_IO_SEND); ...
 *   homes_end();
 */
#ifndef HOMES_H
#define HOMES_H

#include "chim_chan.h"
#include "chim_host.h"
#include "chim_serve.h"
#include "test.h"

#define HOMES_HANDLE ((chim_handle_t)0x0000000100000007u)

struct homes {
	struct rte_mempool *pool;
	struct rte_mempool *pieces; /* of content, 8 MB; in use only where a test says so */
	struct chim_target *target;
	struct chim_host *host;
	struct chim_slot *slot;
	struct chim_stream *s;
	int peer; /* the other end of the kernel's home */
	int fd;
};

extern struct homes homes;

/* Of a cmocka group. */
int homes_group_setup(void **state);
int homes_group_teardown(void **state);

void homes_begin(const char *service, const char *arg);

/** Destroy the stream, take what it posted; asserts that every mbuf is back. */
void homes_end(void);

void homes_peer_writes(const char *text);
void homes_peer_reads(const char *text);
void homes_peer_reads_nothing_more(void);

/** What the service posted next: it must be this. @return its buffers are the caller's. */
struct chim_io homes_worker_takes(uint16_t op);
void homes_worker_takes_nothing_more(void);
/** It gave one chain back. */
void homes_worker_takes_return(void);

void homes_engine_indicates(const char *text);
void homes_engine_completes(struct chim_io io, enum chim_status status);

/** Leave, arrive, and let indications begin. */
void homes_move_to_engine(void);

void homes_assert_text(const struct rte_mbuf *m, const char *text);

#endif /* HOMES_H */
