/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What unit tests of lib/tcp have in common: pools made once for a group and
 * checked for leaks after each test, and a generator that says its seed.
 */
#ifndef POOLS_H
#define POOLS_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "chim_io.h"
#include "chim_tcp.h"
#include "test.h"

/* A pool of plain objects, without per-lcore caches: counts are exact. */
static inline struct rte_mempool *
pools_objects(const char *name, unsigned int n, uint32_t size)
{
	struct rte_mempool *p = rte_mempool_create(name, n, size, 0, 0, NULL, NULL, NULL, NULL,
		SOCKET_ID_ANY, RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);

	assert_non_null(p);
	return p;
}

static inline struct rte_mempool *
pools_mbufs(const char *name, unsigned int n)
{
	struct rte_mempool *p = rte_pktmbuf_pool_create(
		name, n, 0, CHIM_NBL_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	assert_non_null(p);
	return p;
}

static inline void
pools_check_full(struct rte_mempool *p)
{
	assert_int_equal(rte_mempool_in_use_count(p), 0);
}

/* xorshift64*: the same numbers everywhere. */
static inline uint32_t
pools_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 2685821657736338717ull) >> 32);
}

/* 0 .. n-1 */
static inline uint32_t
pools_below(uint64_t *state, uint32_t n)
{
	return pools_random(state) % n;
}

#endif /* POOLS_H */
