/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The calls of a host: a program that hands connections to Chimney and takes
 * them back. This header and DPDK's are all it needs.
 *
 * A host attaches to an engine of the same EAL (the same process, or an EAL
 * secondary process of it) by name, and owns one slot of it: a request ring, a
 * completion ring, and a pair of data rings for each worker.
 *
 * Thread: one thread at a time for each struct chim_host, unless said
 * otherwise. No call blocks. All errors are negative errno values.
 */
#ifndef CHIM_HOST_H
#define CHIM_HOST_H

#include "chim.h"
#include "chim_block.h"
#include "chim_io.h"
#include "chim_request.h"
#include "chim_stats.h"
#include "chim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct chim_host;

/**
 * Attach to the engine.
 *
 * @param name of this host, for logs and telemetry; copied, at most 31 characters.
 * @return the host, owned by the caller until chim_host_close(); NULL with rte_errno:
 *   ENOENT no engine in this EAL, EPROTO an engine of another CHIM_ABI, EUSERS all slots taken,
 *   ENOMEM, EINVAL name.
 * Thread: any.
 */
struct chim_host *chim_host_open(const char *name);

/**
 * Detach. The host must have terminated what it offloaded and returned what it was lent; what it
 * leaves behind stays in the engine, and is uploaded to nobody.
 *
 * @return 0; -EBUSY while requests are not completed: reap and call again.
 */
int chim_host_close(struct chim_host *host);

/**
 * Submit one request to the control lcore.
 *
 * @param req copied; the tree it names belongs to the engine until completion.
 * @return 0; -EAGAIN the ring is full, or as many requests are in flight as the completion ring
 *   has room for: reap and call again.
 */
int chim_host_submit(struct chim_host *host, const struct chim_request *req);

/**
 * Take completions and adapter-wide events.
 *
 * @return how many were written to out, at most n.
 */
unsigned int chim_host_reap(struct chim_host *host, struct chim_completion *out, unsigned int n);

/**
 * Submit one data operation to the worker that owns io->handle (for CHIM_IO_RETURN the worker
 * that owns the first chain's connection).
 *
 * @param io copied; its list is taken on success only.
 * @return 0; -EAGAIN the worker's ring is full; -EINVAL no such worker or operation, or a list
 *   that the operation does not have.
 */
int chim_host_post(struct chim_host *host, const struct chim_io *io);

/**
 * Take completions, indications and events from the workers, round robin. Those of one connection
 * come in order. After a terminate has been reaped, everything the connection had to say before
 * it is already here.
 * Nothing is said of a connection before its initiate has been reaped: while initiates are in
 * flight, reap until there is nothing to reap, then collect.
 *
 * @return how many were written to out, at most n.
 */
unsigned int chim_host_collect(struct chim_host *host, struct chim_io *out, unsigned int n);

/**
 * Give lent chains back, whichever workers own them: splits the list by worker and posts.
 *
 * @param list by struct chim_nbl, any mix of connections; taken as far as it was posted.
 * @return NULL, or the rest of the list for which a ring was full: call again with it.
 */
struct rte_mbuf *chim_host_return(struct chim_host *host, struct rte_mbuf *list);

/**
 * A pool to take send buffers from; its mbufs have a struct chim_nbl.
 *
 * @return never NULL; belongs to the engine.
 * Thread: any.
 */
struct rte_mempool *chim_host_pool(const struct chim_host *host);

/**
 * The capabilities as they are now (the same as CHIM_OP_GET_CAPS, without a round trip).
 *
 * Thread: any.
 */
void chim_host_caps(const struct chim_host *host, struct chim_caps *caps);

/* ---- helpers for building trees (host/tree.c); none allocates ---- */

/** Prepare a neighbor block: headers, type CHIM_STATE_NEIGHBOR, context. Everything else zero.
 *  @param context where the handle will be written; see struct chim_block.context. */
void chim_neighbor_block_init(struct chim_neighbor_block *b, chim_handle_t *context);

/** Prepare a path block of a family (CHIM_AF_INET, CHIM_AF_INET6). */
void chim_path_block_init(struct chim_path_block *b, uint32_t family, chim_handle_t *context);

/** Prepare a TCP block; delegated timers NONE. */
void chim_tcp_block_init(struct chim_tcp_block *b, chim_handle_t *context);

/** Prepare a block without state: linker, placeholder (context NULL), invalidate, terminate. */
void chim_bare_block_init(struct chim_block *b, chim_handle_t *context);

/** Put child at the head of parent's dependents. */
void chim_block_add_dependent(struct chim_block *parent, struct chim_block *child);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_HOST_H */
