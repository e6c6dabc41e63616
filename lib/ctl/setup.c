/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Making and taking apart the control half. Everything it will ever need is
 * allocated here, on one socket, by the sizes of the configuration; what is
 * advertised is cut to what was allocated, so a capacity is always real.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_random.h>

#include "chim_log.h"
#include "chim_poison.h"
#include "ctl_internal.h"

#define DEFAULT_REQUESTS 4096u
#define DEFAULT_MESSAGES 4096u
#define DEFAULT_SLICE	 256u
#define MESSAGE_CACHE	 256u

static const char *const zone_neighbors = "chim_ctl_neighbors";
static const char *const zone_paths = "chim_ctl_paths";

static const struct chim_params default_params = {
	.ticks_per_second = 1000,
	.ack_frequency = 2,
	.delayed_ack_ticks = 200,
	.maximum_retransmissions = 15,
	.doubt_reachability_retransmissions = 3,
	.sws_prevention_ticks = 500,
	.duplicate_ack_threshold = 3,
	.push_ticks = 500,
	.nce_stale_ticks = 30000,
};

static void
use_default(uint32_t *value, uint32_t otherwise)
{
	if (*value == 0)
		*value = otherwise;
}

/* What is not said is what there is a table for. */
static void
complete_config(struct chim_ctl_config *cfg)
{
	struct chim_caps *caps = &cfg->caps;
	struct chim_params given = caps->params;

	use_default(&cfg->max_requests, DEFAULT_REQUESTS);
	use_default(&cfg->max_messages, DEFAULT_MESSAGES);
	use_default(&cfg->slice, DEFAULT_SLICE);
	use_default(&caps->max_connections, cfg->max_connections_per_worker);
	use_default(&caps->max_paths, caps->max_connections);
	use_default(&caps->max_neighbors, RTE_MIN(caps->max_paths, 4096u));
	use_default(&caps->max_source_ips, RTE_MIN(caps->max_paths, 1024u));
	use_default(&caps->max_rcv_wnd, 16u << 20);
	use_default(&caps->max_mtu, 9000);
	use_default(&caps->max_send_bytes, 64u << 20);
	use_default(&caps->max_recv_bytes, 64u << 20);
	use_default(&caps->support, CHIM_CAP_IPV4 | CHIM_CAP_IPV6 | CHIM_CAP_SACK);
	caps->params = default_params;
	ctl_adapter_apply_params(&caps->params, &given);
}

static bool
is_usable(const struct chim_ctl_config *cfg)
{
	if (cfg->target == NULL || cfg->nb_workers == 0 || cfg->nb_workers > CHIM_MAX_WORKERS ||
		cfg->nb_workers != cfg->target->nb_workers || cfg->max_connections_per_worker == 0)
		return false;
	for (uint32_t w = 0; w < cfg->nb_workers; w++) {
		if (cfg->to_worker[w] == NULL || cfg->from_worker[w] == NULL)
			return false;
	}
	return cfg->max_requests <= CTL_MAX_OPS && cfg->max_messages >= cfg->nb_workers;
}

/* Never advertise what was not allocated. One worker may get every connection, so its table is
 * what counts. */
void
ctl_setup_clamp(struct chim_ctl *c)
{
	struct chim_caps *caps = &c->caps;

	caps->abi = CHIM_ABI;
	caps->nb_workers = c->cfg.nb_workers;
	caps->max_connections = RTE_MIN(caps->max_connections, c->cfg.max_connections_per_worker);
	caps->max_paths = RTE_MIN(caps->max_paths, c->paths->nb);
	caps->max_neighbors = RTE_MIN(caps->max_neighbors, c->neighbors->nb);
	caps->max_source_macs = RTE_MIN(caps->max_source_macs, c->cfg.caps.max_source_macs);
	caps->max_source_ips = RTE_MIN(caps->max_source_ips, c->cfg.caps.max_source_ips);
	caps->max_vlans = RTE_MIN(caps->max_vlans, c->cfg.caps.max_vlans);
	c->macs.max = caps->max_source_macs;
	c->addresses.max = caps->max_source_ips;
	c->vlans.max = caps->max_vlans;
}

static struct chim_slab *
make_slab(const char *name, uint32_t nb, uint32_t size, int socket_id)
{
	const struct rte_memzone *zone;

	zone = rte_memzone_reserve_aligned(
		name, chim_slab_size(nb, size), socket_id, 0, RTE_CACHE_LINE_SIZE);
	return zone != NULL ? chim_slab_init(zone->addr, nb, size) : NULL;
}

static void
drop_slab(const char *name, struct chim_slab *slab)
{
	if (slab == NULL)
		return;
	chim_slab_fini(slab);
	rte_memzone_free(rte_memzone_lookup(name));
}

static int
make_objects(struct chim_ctl *c)
{
	const struct chim_ctl_config *cfg = &c->cfg;

	c->neighbors = make_slab(zone_neighbors, cfg->caps.max_neighbors,
		sizeof(struct ctl_neighbor), cfg->socket_id);
	if (c->neighbors == NULL)
		return -1;
	c->paths =
		make_slab(zone_paths, cfg->caps.max_paths, sizeof(struct ctl_path), cfg->socket_id);
	if (c->paths == NULL)
		return -1;
	for (uint32_t w = 0; w < cfg->nb_workers; w++) {
		c->conns[w] = rte_zmalloc_socket("chim_ctl_conns",
			(size_t)cfg->max_connections_per_worker * sizeof(struct ctl_conn),
			RTE_CACHE_LINE_SIZE, cfg->socket_id);
		if (c->conns[w] == NULL) {
			rte_errno = ENOMEM;
			return -1;
		}
	}
	return 0;
}

static int
make_sets(struct chim_ctl *c)
{
	const struct chim_caps *caps = &c->cfg.caps;
	int socket = c->cfg.socket_id;

	if (ctl_set_create(&c->macs, "chim_ctl_macs", caps->max_source_macs, socket) != 0)
		return -1;
	if (ctl_set_create(&c->addresses, "chim_ctl_addresses", caps->max_source_ips, socket) != 0)
		return -1;
	return ctl_set_create(&c->vlans, "chim_ctl_vlans", caps->max_vlans, socket);
}

/* Messages are the pool's, free or not, until it is gone. */
static void
poison_message(struct rte_mempool *pool, void *arg, void *m, unsigned int index)
{
	chim_poison(m, sizeof(struct chim_msg));
}

static void
unpoison_message(struct rte_mempool *pool, void *arg, void *m, unsigned int index)
{
	chim_unpoison(m, sizeof(struct chim_msg));
}

static int
make_records(struct chim_ctl *c)
{
	const struct chim_ctl_config *cfg = &c->cfg;
	uint32_t cache = RTE_MIN(MESSAGE_CACHE, cfg->max_messages * 2 / 3);

	c->ops = rte_zmalloc_socket("chim_ctl_ops", cfg->max_requests * sizeof(*c->ops),
		RTE_CACHE_LINE_SIZE, cfg->socket_id);
	if (c->ops == NULL) {
		rte_errno = ENOMEM;
		return -1;
	}
	for (uint32_t i = 0; i < cfg->max_requests; i++)
		STAILQ_INSERT_TAIL(&c->free_ops, &c->ops[i], next);
	c->messages = rte_mempool_create("chim_ctl_messages", cfg->max_messages,
		sizeof(struct chim_msg), cache, 0, NULL, NULL, poison_message, NULL, cfg->socket_id,
		RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);
	c->nb_free_messages = cfg->max_messages;
	return c->messages != NULL ? 0 : -1;
}

static void
start_lists(struct chim_ctl *c)
{
	STAILQ_INIT(&c->free_ops);
	STAILQ_INIT(&c->run);
	STAILQ_INIT(&c->paused);
	for (uint32_t i = 0; i < CHIM_MAX_HOSTS; i++) {
		STAILQ_INIT(&c->host[i].done);
		c->host[i].events_end = &c->host[i].events;
	}
	for (uint32_t i = 0; i < CHIM_MAX_WORKERS; i++)
		c->outbox[i].end = &c->outbox[i].head;
	rte_spinlock_init(&c->wish.lock);
	/* Stamps of an earlier run, still in a host's blocks, must not look alive. */
	c->next_stamp = rte_rand() >> 17 | 1;
}

struct chim_ctl *
chim_ctl_create(const struct chim_ctl_config *given)
{
	struct chim_ctl_config cfg = *given;
	struct chim_ctl *c;
	int err;

	complete_config(&cfg);
	if (!is_usable(&cfg)) {
		rte_errno = EINVAL;
		return NULL;
	}
	c = rte_zmalloc_socket("chim_ctl", sizeof(*c), RTE_CACHE_LINE_SIZE, cfg.socket_id);
	if (c == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	c->cfg = cfg;
	c->caps = cfg.caps;
	start_lists(c);
	if (make_objects(c) != 0 || make_sets(c) != 0 || make_records(c) != 0) {
		err = rte_errno;
		chim_ctl_destroy(c);
		rte_errno = err;
		return NULL;
	}
	ctl_setup_clamp(c);
	ctl_adapter_publish(c);
	CHIM_LOG(CTL, INFO, "control: %u connections, %u paths, %u neighbors, socket %d",
		c->caps.max_connections, c->caps.max_paths, c->caps.max_neighbors, cfg.socket_id);
	return c;
}

void
chim_ctl_destroy(struct chim_ctl *c)
{
	if (c == NULL)
		return;
	if (c->messages != NULL)
		rte_mempool_obj_iter(c->messages, unpoison_message, NULL);
	rte_mempool_free(c->messages);
	rte_free(c->ops);
	ctl_set_destroy(&c->vlans);
	ctl_set_destroy(&c->addresses);
	ctl_set_destroy(&c->macs);
	for (uint32_t w = 0; w < c->cfg.nb_workers; w++)
		rte_free(c->conns[w]);
	drop_slab(zone_paths, c->paths);
	drop_slab(zone_neighbors, c->neighbors);
	rte_free(c);
}

const struct chim_ctl_counters *
chim_ctl_counters(const struct chim_ctl *c)
{
	return &c->counters;
}
