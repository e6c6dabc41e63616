/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The floors that no design goes below: buffers, copies, sums, rings, a clock
 * read, a frame from port to port, and a look-up in rte_hash.
 */
#include <string.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_memcpy.h>
#include <rte_ring.h>

#include "floors.h"
#include "perf.h"
#include "test.h"

#include <rte_mbuf.h>

#define BIG   8192u
#define KEYS  1000u
#define MANY  1000000u
#define KEY_B 16u /* of a key, as lib/flow has for IPv4 */

static struct rte_mempool *pool;
static struct rte_ring *ring;
static struct rte_mbuf *held[64];
static uint8_t from[BIG], to[BIG], ones[BIG];

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

struct summed {
	uint32_t len;
	uint16_t want; /* 0 = not known yet */
};

static uint32_t
sum(void *arg)
{
	struct summed *s = arg;
	uint16_t got = rte_raw_cksum(ones, s->len);

	if (s->want == 0)
		s->want = got;
	return got == s->want;
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

/* ---- suites ---- */

static int
run_memory(void)
{
	static uint32_t n1 = 1, n8 = 8, n32 = 32, l64 = 64, l1518 = 1518, l8192 = BIG;
	static struct summed s64 = { 64 }, s1518 = { 1518 }, s8192 = { BIG };
	const struct perf_case cases[] = {
		{ "mbuf alloc and free", 1, alloc_free, &n1, NULL },
		{ "mbuf alloc and free", 8, alloc_free, &n8, NULL },
		{ "mbuf alloc and free", 32, alloc_free, &n32, NULL },
		{ "copy 64 bytes", 1, copy, &l64, NULL },
		{ "copy 1518 bytes", 1, copy, &l1518, NULL },
		{ "copy 8192 bytes", 1, copy, &l8192, NULL },
		{ "checksum of 64 bytes", 1, sum, &s64, NULL },
		{ "checksum of 1518 bytes", 1, sum, &s1518, NULL },
		{ "checksum of 8192 bytes", 1, sum, &s8192, NULL },
		{ "ring in and out, SP/SC", 8, pass_ring, &n8, NULL },
		{ "ring in and out, SP/SC", 32, pass_ring, &n32, NULL },
		{ "clock", 1, read_clock, NULL, NULL },
	};
	int rc = TEST_FAILED;

	memset(ones, 1, sizeof(ones));
	pool = rte_pktmbuf_pool_create("floor_perf", 4095, 256, 0, 2176, SOCKET_ID_ANY);
	ring = rte_ring_create("floor_perf", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (pool != NULL && ring != NULL)
		rc = perf_run("floor_perf", cases, CHIM_DIM(cases));
	rte_ring_free(ring);
	rte_mempool_free(pool);
	return rc;
}

static int
run_forwarding(void)
{
	struct floors_loop loop[] = { { 0 }, { .is_null = true } };
	struct floors_loop swap[] = { { .swaps_macs = true },
		{ .is_null = true, .swaps_macs = true } };
	static const char *const suite[] = { "floor_perf, net_ring", "floor_perf, net_null" };
	int rc = TEST_SUCCESS;

	for (uint32_t i = 0; i < CHIM_DIM(loop) && rc == TEST_SUCCESS; i++) {
		const struct perf_case cases[] = {
			{ "forward 64 bytes", FLOORS_BURST, floors_loop_forward, &loop[i], NULL },
			{ "forward 64 bytes, MACs swapped", FLOORS_BURST, floors_loop_forward,
				&swap[i], NULL },
		};

		if (!floors_loop_up(&loop[i]))
			return TEST_FAILED;
		swap[i].port = loop[i].port;
		rc = perf_run(suite[i], cases, CHIM_DIM(cases));
		floors_loop_down(&loop[i]);
	}
	return rc;
}

static void
fill_key(const void *arg, uint32_t number, void *key)
{
	uint32_t words[KEY_B / 4] = { number * 2654435761u, number, 0, 7000 };

	(void)arg;
	memcpy(key, words, sizeof(words));
}

static int
run_hash(void)
{
	static const uint32_t sizes[] = { KEYS, MANY };
	static const char *const suite[] = { "floor_perf, rte_hash of 1000 keys",
		"floor_perf, rte_hash of 1000000 keys" };
	int rc = TEST_SUCCESS;

	for (uint32_t i = 0; i < CHIM_DIM(sizes) && rc == TEST_SUCCESS; i++) {
		const struct floors_keys keys = { sizes[i], KEY_B, fill_key, NULL };
		struct floors_hash with, without;
		const struct perf_case cases[] = {
			{ "look up in bulk", FLOORS_BURST, floors_hash_look_up, &without, NULL },
			{ "look up in bulk, hash at hand", FLOORS_BURST, floors_hash_look_up, &with,
				NULL },
		};

		if (!floors_hash_up(&with, &keys))
			return TEST_FAILED;
		without = with;
		without.has_signature = false;
		rc = perf_run(suite[i], cases, CHIM_DIM(cases));
		floors_hash_down(&with);
	}
	return rc;
}

static int
floor_perf(void)
{
	int rc = run_memory();

	if (rc == TEST_SUCCESS)
		rc = run_forwarding();
	return rc == TEST_SUCCESS ? run_hash() : rc;
}
REGISTER_TEST_COMMAND(floor_perf, floor_perf)
