/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The target: one memzone that names every host slot and its rings. Start-up
 * creates it in the primary process; hosts, in any process of the EAL, find it
 * by name. The magic is written last, so that a half-made target is not found.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memzone.h>

#include "chim_chan.h"

#define DEFAULT_RING_ENTRIES 2048u
#define RING_NAME_LEN	     40

static struct chim_chan *
make_ring(const char *what, uint32_t host, uint32_t worker, uint32_t entries, int socket_id)
{
	char name[RING_NAME_LEN];

	snprintf(name, sizeof(name), "chim_%s_%u_%u", what, host, worker);
	return chim_chan_create(name, entries, socket_id);
}

static int
make_slot(struct chim_slot *s, uint32_t host, const struct chim_target_config *cfg)
{
	uint32_t entries = cfg->ring_entries != 0 ? cfg->ring_entries : DEFAULT_RING_ENTRIES;
	int socket = cfg->socket_id;

	s->requests = make_ring("req", host, 0, entries, socket);
	if (s->requests == NULL)
		return -1;
	s->completions = make_ring("cpl", host, 0, entries, socket);
	if (s->completions == NULL)
		return -1;
	for (uint32_t w = 0; w < cfg->nb_workers; w++) {
		if (cfg->worker_socket != NULL)
			socket = cfg->worker_socket[w];
		s->to_worker[w] = make_ring("in", host, w, entries, socket);
		if (s->to_worker[w] == NULL)
			return -1;
		s->from_worker[w] = make_ring("out", host, w, entries, socket);
		if (s->from_worker[w] == NULL)
			return -1;
	}
	return 0;
}

static void
drop_slot(struct chim_slot *s)
{
	chim_chan_destroy(s->requests);
	chim_chan_destroy(s->completions);
	for (uint32_t w = 0; w < CHIM_MAX_WORKERS; w++) {
		chim_chan_destroy(s->to_worker[w]);
		chim_chan_destroy(s->from_worker[w]);
	}
}

struct chim_target *
chim_target_create(const struct chim_target_config *cfg)
{
	const struct rte_memzone *zone;
	struct chim_target *t;

	if (cfg == NULL || cfg->nb_hosts == 0 || cfg->nb_hosts > CHIM_MAX_HOSTS ||
		cfg->nb_workers == 0 || cfg->nb_workers > CHIM_MAX_WORKERS) {
		rte_errno = EINVAL;
		return NULL;
	}
	zone = rte_memzone_reserve(CHIM_TARGET_ZONE, sizeof(*t), cfg->socket_id, 0);
	if (zone == NULL)
		return NULL;
	t = zone->addr;
	memset(t, 0, sizeof(*t));
	t->abi = CHIM_ABI;
	t->nb_hosts = cfg->nb_hosts;
	t->nb_workers = cfg->nb_workers;
	t->host_pool = cfg->host_pool;
	for (uint32_t i = 0; i < cfg->nb_hosts; i++) {
		if (make_slot(&t->slot[i], i, cfg) != 0) {
			int err = rte_errno;

			chim_target_destroy(t);
			rte_errno = err;
			return NULL;
		}
	}
	atomic_thread_fence(memory_order_release); /* with the fence in chim_target_find() */
	t->magic = CHIM_TARGET_MAGIC;
	return t;
}

void
chim_target_destroy(struct chim_target *t)
{
	if (t == NULL)
		return;
	t->magic = 0;
	for (uint32_t i = 0; i < t->nb_hosts; i++)
		drop_slot(&t->slot[i]);
	rte_memzone_free(rte_memzone_lookup(CHIM_TARGET_ZONE));
}

struct chim_target *
chim_target_find(void)
{
	const struct rte_memzone *zone = rte_memzone_lookup(CHIM_TARGET_ZONE);
	struct chim_target *t;

	if (zone == NULL) {
		rte_errno = ENOENT;
		return NULL;
	}
	t = zone->addr;
	if (t->magic != CHIM_TARGET_MAGIC) {
		rte_errno = ENOENT;
		return NULL;
	}
	atomic_thread_fence(memory_order_acquire); /* with the fence in chim_target_create() */
	if (t->abi != CHIM_ABI) {
		rte_errno = EPROTO;
		return NULL;
	}
	return t;
}
