/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Content: bytes that do not change while they are served, kept in memory that
 * devices reach, so that they are sent from where they lie. It comes in pieces,
 * each made when it is first asked for, each with the CRC-32C of its bytes. A
 * send refers to a piece by DPDK's external buffers: a piece goes back to its
 * pool when its content has been forgotten and the last mbuf has let go of it.
 *
 * What is kept is bounded by the pool. Where there is no memory a service sends
 * copies, as of everything else.
 *
 * Thread: the thread of the agent. Only the last reference may go elsewhere.
 */
#ifndef CHIM_CONTENT_H
#define CHIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_mempool;
struct chim_content;

/* Bytes of a piece; buf_len of an mbuf has 16 bits. A power of two. */
#define CHIM_CONTENT_PIECE 32768u

/* Which content: what differs in a field is another. Padding does not count: there is none. */
struct chim_content_key {
	uint64_t size; /* bytes of all of it */
	uint64_t dev, ino;
	uint64_t modified_ns, changed_ns; /* of a file; made up content has zeros */
};

/**
 * Make a pool of pieces.
 *
 * @param bytes that all its pieces hold together, at least one piece.
 * @param socket of the memory, SOCKET_ID_ANY.
 * @return owned by the caller; NULL with rte_errno. To be freed when no mbuf refers to a piece.
 */
struct rte_mempool *chim_content_pool_create(const char *name, uint64_t bytes, int socket);

/** Forget all content, and keep new content in this pool. No service runs. @param pool NULL: keep
 *  none. */
void chim_content_use(struct rte_mempool *pool);

/** Find content by its key, or begin it. @return to be released; NULL when the pool could not hold
 *  it, or memory is out. */
struct chim_content *chim_content_hold(const struct chim_content_key *key);

/** Done with it: it stays until its memory is wanted for other. NULL is allowed. */
void chim_content_release(struct chim_content *c);

/** Makes n bytes of the content at to, those from at on. @return false when it cannot. */
typedef bool (*chim_content_maker)(void *state, uint64_t at, uint8_t *to, size_t n);

/**
 * Have the piece that a byte lies in: make it if it is not there. Takes memory from content that
 * nobody holds, the one that was not asked for longest first.
 *
 * @param at less than the size.
 * @return bytes from at to the end of the piece; 0 when there is no memory, or the maker failed.
 */
size_t
chim_content_load(struct chim_content *c, uint64_t at, chim_content_maker maker, void *state);

#endif /* CHIM_CONTENT_H */
