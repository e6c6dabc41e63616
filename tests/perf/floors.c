/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Floors, see floors.h. What is looked up is drawn at random once, and then in
 * turn; a table of millions stays out of the caches that way.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_random.h>
#include <rte_ring.h>

#include "floors.h"
#include "test.h"

#define NB_DRAWN 65536u /* a multiple of the burst */

/* ---- rte_hash ---- */

static bool
add_keys(struct floors_hash *h)
{
	uint8_t key[FLOORS_KEY_MAX] = { 0 };

	for (uint32_t i = 0; i < h->keys.nb; i++) {
		h->keys.fill(h->keys.arg, i, key);
		h->signature[i] = rte_jhash(key, h->keys.len, 0);
		if (rte_hash_add_key_with_hash_data(
			    h->hash, key, h->signature[i], (void *)(uintptr_t)(i + 1)) != 0)
			return false;
	}
	for (uint32_t i = 0; i < NB_DRAWN; i++) {
		h->number[i] = (uint32_t)rte_rand_max(h->keys.nb);
		h->keys.fill(h->keys.arg, h->number[i], h->key[i]);
	}
	return true;
}

bool
floors_hash_up(struct floors_hash *h, const struct floors_keys *keys)
{
	const struct rte_hash_parameters params = {
		.name = "floors",
		.entries = RTE_MAX(keys->nb, 8u),
		.key_len = keys->len,
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	*h = (struct floors_hash){ .keys = *keys, .has_signature = true };
	h->hash = rte_hash_create(&params);
	h->signature = calloc(keys->nb, sizeof(*h->signature));
	h->key = calloc(NB_DRAWN, sizeof(*h->key));
	h->number = calloc(NB_DRAWN, sizeof(*h->number));
	if (h->hash != NULL && h->signature != NULL && h->key != NULL && h->number != NULL &&
		add_keys(h))
		return true;
	floors_hash_down(h);
	return false;
}

void
floors_hash_down(struct floors_hash *h)
{
	rte_hash_free(h->hash);
	free(h->signature);
	free(h->key);
	free(h->number);
	*h = (struct floors_hash){ 0 };
}

uint32_t
floors_hash_look_up(void *arg)
{
	struct floors_hash *h = arg;
	const uint32_t *number = &h->number[h->turn];
	const void *key[FLOORS_BURST];
	uint32_t signature[FLOORS_BURST];
	void *data[FLOORS_BURST];
	uint64_t hits = 0;
	uint32_t right = 0;

	for (uint32_t i = 0; i < FLOORS_BURST; i++) {
		key[i] = h->key[h->turn + i];
		signature[i] = h->signature[number[i]];
	}
	if (h->has_signature)
		rte_hash_lookup_with_hash_bulk_data(
			h->hash, key, signature, FLOORS_BURST, &hits, data);
	else
		rte_hash_lookup_bulk_data(h->hash, key, FLOORS_BURST, &hits, data);
	for (uint32_t i = 0; i < FLOORS_BURST; i++)
		right += (hits >> i & 1) != 0 && (uintptr_t)data[i] == number[i] + 1;
	h->turn = (h->turn + FLOORS_BURST) % NB_DRAWN;
	return right;
}

/* ---- forwarding ---- */

static struct rte_ring *ring;
static struct rte_mempool *pool;

static bool
start(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };

	return rte_eth_dev_configure(port, 1, 1, &conf) == 0 &&
		rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, pool) == 0 &&
		rte_eth_tx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL) == 0 &&
		rte_eth_dev_start(port) == 0;
}

static bool
fill_ring(void)
{
	struct rte_mbuf *m[FLOORS_BURST];

	if (rte_pktmbuf_alloc_bulk(pool, m, FLOORS_BURST) != 0)
		return false;
	for (uint32_t i = 0; i < FLOORS_BURST; i++)
		memset(rte_pktmbuf_append(m[i], 64), (int)i, 64);
	return rte_ring_enqueue_bulk(ring, (void **)m, FLOORS_BURST, NULL) == FLOORS_BURST;
}

static bool
make_port(struct floors_loop *l)
{
	int port;

	if (l->is_null)
		return rte_eal_hotplug_add("vdev", "net_null_floor", "") == 0 &&
			rte_eth_dev_get_port_by_name("net_null_floor", &l->port) == 0;
	ring = rte_ring_create("floors", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL || !fill_ring())
		return false;
	port = rte_eth_from_ring(ring);
	l->port = (uint16_t)port;
	return port >= 0;
}

bool
floors_loop_up(struct floors_loop *l)
{
	pool = rte_pktmbuf_pool_create("floors", 1023, 64, 0, 2176, SOCKET_ID_ANY);
	if (pool != NULL && make_port(l) && start(l->port))
		return true;
	rte_ring_free(ring);
	rte_mempool_free(pool);
	ring = NULL;
	return false;
}

void
floors_loop_down(struct floors_loop *l)
{
	struct rte_mbuf *m;

	rte_eth_dev_stop(l->port);
	rte_eth_dev_close(l->port);
	while (ring != NULL && rte_ring_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
	rte_mempool_free(pool);
	ring = NULL;
}

uint32_t
floors_loop_forward(void *arg)
{
	const struct floors_loop *l = arg;
	struct rte_mbuf *m[FLOORS_BURST];
	uint16_t nb = rte_eth_rx_burst(l->port, 0, m, FLOORS_BURST);

	for (uint16_t i = 0; l->swaps_macs && i < nb; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m[i], struct rte_ether_hdr *);
		struct rte_ether_addr mac = eth->dst_addr;

		eth->dst_addr = eth->src_addr;
		eth->src_addr = mac;
	}
	return rte_eth_tx_burst(l->port, 0, m, nb);
}
