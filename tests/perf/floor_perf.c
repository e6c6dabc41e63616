/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The floors that no design goes below: buffers, copies, rings, a clock read.
 */
#include <rte_cycles.h>
#include <rte_memcpy.h>
#include <rte_ring.h>

#include "perf.h"
#include "test.h"

#include <rte_mbuf.h>

#define BIG 8192u

static struct rte_mempool *pool;
static struct rte_ring *ring;
static struct rte_mbuf *held[64];
static uint8_t from[BIG], to[BIG];

static uint32_t
alloc_free(void *arg)
{
	uint32_t nb = *(const uint32_t *)arg;

	if (rte_pktmbuf_alloc_bulk(pool, held, nb) != 0)
		return 0;
	rte_pktmbuf_free_bulk(held, nb);
	return nb;
}

static uint32_t
copy(void *arg)
{
	uint32_t len = *(const uint32_t *)arg;

	from[len - 1]++;
	rte_memcpy(to, from, len);
	return to[len - 1] == from[len - 1];
}

static uint32_t
pass_ring(void *arg)
{
	uint32_t nb = *(const uint32_t *)arg;

	rte_ring_enqueue_bulk(ring, (void **)held, nb, NULL);
	return rte_ring_dequeue_bulk(ring, (void **)held, nb, NULL);
}

static uint32_t
read_clock(void *arg)
{
	static uint64_t last;
	uint64_t now = rte_rdtsc();
	uint32_t is_later = now >= last;

	(void)arg;
	last = now;
	return is_later;
}

static int
floor_perf(void)
{
	static uint32_t n1 = 1, n8 = 8, n32 = 32, l64 = 64, l1518 = 1518, l8192 = BIG;
	const struct perf_case cases[] = {
		{ "mbuf alloc and free", 1, alloc_free, &n1, NULL },
		{ "mbuf alloc and free", 8, alloc_free, &n8, NULL },
		{ "mbuf alloc and free", 32, alloc_free, &n32, NULL },
		{ "copy 64 bytes", 1, copy, &l64, NULL },
		{ "copy 1518 bytes", 1, copy, &l1518, NULL },
		{ "copy 8192 bytes", 1, copy, &l8192, NULL },
		{ "ring in and out, SP/SC", 8, pass_ring, &n8, NULL },
		{ "ring in and out, SP/SC", 32, pass_ring, &n32, NULL },
		{ "clock", 1, read_clock, NULL, NULL },
	};
	int rc = TEST_FAILED;

	pool = rte_pktmbuf_pool_create("floor_perf", 4095, 256, 0, 2176, SOCKET_ID_ANY);
	ring = rte_ring_create("floor_perf", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (pool != NULL && ring != NULL)
		rc = perf_run("floor_perf", cases, CHIM_DIM(cases));
	rte_ring_free(ring);
	rte_mempool_free(pool);
	return rc;
}
REGISTER_TEST_COMMAND(floor_perf, floor_perf)
