/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Neighbors and paths as the agent believes the engine to have them: a request
 * that found no room was not made, one that was refused leaves them wrong, and
 * what changes while another request is in flight is not forgotten. Nobody is
 * at the other end of the ring.
 */
#include <string.h>

#include <rte_mempool.h>

#include "host_internal.h"
#include "kernel_internal.h"
#include "test.h"

#define RING   4u
#define MBUFS  7u
#define MTU    1500u
#define LESS   1400u
#define NUMBER 7u

static const uint8_t old_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t new_mac[6] = { 2, 0, 0, 0, 0, 2 };

static struct chim_target *target;
static struct rte_mempool *pool;
static struct chim_kernel k;
static struct kernel_neighbor neighbor;
static struct kernel_path path;

static int
set_up(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create(
		"objects_test", MBUFS, 0, CHIM_NBL_PRIV_SIZE, 256, SOCKET_ID_ANY);
	target = chim_target_create(&(struct chim_target_config){ .nb_hosts = 1,
		.nb_workers = 1,
		.ring_entries = RING,
		.host_pool = pool,
		.socket_id = SOCKET_ID_ANY });
	if (pool == NULL || target == NULL)
		return -1;
	memset(&k, 0, sizeof(k));
	TAILQ_INIT(&k.neighbors);
	TAILQ_INIT(&k.paths);
	k.host = chim_host_open("objects");
	neighbor = (struct kernel_neighbor){ .id = NUMBER, .life = KERNEL_LIFE_PRESENT };
	memcpy(neighbor.mac, old_mac, sizeof(old_mac));
	path = (struct kernel_path){ .id = NUMBER,
		.life = KERNEL_LIFE_PRESENT,
		.neighbor = &neighbor,
		.family = CHIM_AF_INET,
		.route_mtu = MTU,
		.mtu = MTU };
	TAILQ_INSERT_TAIL(&k.neighbors, &neighbor, next);
	TAILQ_INSERT_TAIL(&k.paths, &path, next);
	return k.host != NULL ? 0 : -1;
}

/* Returns how many requests had room. */
static uint32_t
fill_the_ring(void)
{
	struct chim_block root;
	uint32_t n = 0;

	chim_bare_block_init(&root, &neighbor.handle);
	while (kernel_object_submit(&k, CHIM_OP_QUERY, 0, &root))
		n++;
	return n;
}

static void
answer_all(void)
{
	struct chim_completion c = { .kind = CHIM_COMPLETION_REQUEST, .op = CHIM_OP_QUERY };
	struct chim_request req;

	while (chim_chan_take(k.host->slot->requests, &req, 1) == 1) {
		assert_int_equal(chim_chan_put(k.host->slot->completions, &c, 1), 1);
		assert_int_equal(chim_host_reap(k.host, &c, 1), 1);
	}
}

static int
tear_down(void **state)
{
	int rc;

	(void)state;
	answer_all();
	rc = chim_host_close(k.host);
	chim_target_destroy(target);
	rte_mempool_free(pool);
	return rc;
}

static void
complete(uint32_t kind, enum chim_op op, enum chim_status status)
{
	struct chim_completion c = {
		.op = op, .cookie = kernel_cookie(kind, 0, NUMBER), .status = status
	};

	kernel_objects_on_completion(&k, &c);
}

static void
an_update_without_room_was_not_made(void **state)
{
	(void)state;
	assert_in_range(fill_the_ring(), 1, RING);
	assert_false(kernel_neighbor_update(&k, &neighbor, new_mac));
	assert_false(kernel_path_update(&k, &path, LESS));
	assert_memory_equal(neighbor.mac, old_mac, sizeof(old_mac));
	assert_int_equal(path.mtu, MTU);
	assert_false(neighbor.is_busy || path.is_busy);
	assert_int_equal(k.counters.neighbor_updates + k.counters.path_updates, 0);

	answer_all();
	assert_true(kernel_neighbor_update(&k, &neighbor, new_mac));
	assert_true(kernel_path_update(&k, &path, LESS));
	assert_memory_equal(neighbor.mac, new_mac, sizeof(new_mac));
	assert_int_equal(path.mtu, LESS);
	assert_true(neighbor.is_busy && path.is_busy);
	assert_int_equal(k.counters.neighbor_updates, 1);
	assert_int_equal(k.counters.path_updates, 1);
}

static void
a_refused_update_leaves_it_wrong(void **state)
{
	(void)state;
	assert_true(kernel_neighbor_update(&k, &neighbor, new_mac));
	assert_true(kernel_path_update(&k, &path, LESS));
	complete(KERNEL_COOKIE_NEIGHBOR, CHIM_OP_UPDATE, CHIM_STATUS_SUCCESS);
	complete(KERNEL_COOKIE_PATH, CHIM_OP_UPDATE, CHIM_STATUS_SUCCESS);
	assert_false(neighbor.is_busy || neighbor.is_wrong || neighbor.is_stale);
	assert_false(path.is_busy || path.is_wrong || path.is_stale);

	assert_true(kernel_neighbor_update(&k, &neighbor, old_mac));
	assert_true(kernel_path_update(&k, &path, MTU));
	complete(KERNEL_COOKIE_NEIGHBOR, CHIM_OP_UPDATE, CHIM_STATUS_FAILURE);
	complete(KERNEL_COOKIE_PATH, CHIM_OP_UPDATE, CHIM_STATUS_FAILURE);
	assert_true(neighbor.is_wrong && neighbor.is_stale);
	assert_true(path.is_wrong && path.is_stale);
}

/* A query that fails says nothing about what the engine believes. */
static void
a_failed_query_leaves_it_right(void **state)
{
	(void)state;
	k.nb_object_requests = 1;
	complete(KERNEL_COOKIE_NEIGHBOR, CHIM_OP_QUERY, CHIM_STATUS_FAILURE);
	assert_false(neighbor.is_wrong || neighbor.is_stale);
}

static void
an_mtu_learnt_while_busy_waits(void **state)
{
	(void)state;
	path.is_busy = true;
	kernel_follow_mtu(&k, &path, LESS);
	assert_true(path.is_stale);
	assert_int_equal(path.learnt_mtu, LESS);
	assert_int_equal(path.mtu, MTU); /* which is what the engine has */

	path.is_stale = false;
	kernel_follow_mtu(&k, &path, LESS + 1); /* more than what is known: not news */
	assert_false(path.is_stale);
	kernel_follow_mtu(&k, &path, 1);
	assert_true(path.is_stale);
	assert_int_equal(path.learnt_mtu, 552); /* RFC 1191, 7.3 */
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(an_update_without_room_was_not_made, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_refused_update_leaves_it_wrong, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_failed_query_leaves_it_right, set_up, tear_down),
	cmocka_unit_test_setup_teardown(an_mtu_learnt_while_busy_waits, set_up, tear_down),
};

CHIM_CMOCKA_SUITE(kernel_objects_autotest, tests, NULL, NULL)
