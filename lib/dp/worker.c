/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Making and unmaking a worker. The connections live in a named memzone, so
 * that an EAL secondary process finds them; everything beside them can be
 * rebuilt from there. Start-up only: nothing here runs during a turn.
 */
#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "worker.h"

#define DEFAULT_HOLDS	     1024u
#define DEFAULT_HOLD_BYTES   (64u << 20)
#define DEFAULT_RECORDS	     65535u
#define RECORD_CACHE	     256u
#define SENT_PER_CONNECTION  1024u
#define DEFAULT_SLEEP_US     50u
#define DEFAULT_LENT_WAIT_MS 1000u
#define DEFAULT_TURNS	     1000u
#define STALE_MS	     30000u  /* REACHABLE_TIME of RFC 4861, 10 */
#define RSS_KEY_LEN	     40u     /* chim_flow_config.rss_key */
#define FIRST_IP_ID	     0x8000u /* checklist 143 */

static bool
is_valid(const struct chim_dp_config *cfg)
{
	if (cfg->nb_workers == 0 || cfg->nb_workers > CHIM_MAX_WORKERS ||
		cfg->id >= cfg->nb_workers)
		return false;
	if (cfg->target == NULL || cfg->from_ctl == NULL || cfg->to_ctl == NULL)
		return false;
	for (uint32_t i = 0; i < cfg->nb_workers; i++) {
		if (i != cfg->id && (cfg->to_worker[i] == NULL || cfg->from_worker[i] == NULL))
			return false;
	}
	if (cfg->max_connections == 0 || cfg->max_paths == 0 || cfg->max_neighbors == 0)
		return false;
	if (cfg->tcp.ticks_per_second == 0 || cfg->tcp.ticks_per_second > CHIM_US_PER_S)
		return false;
	if (cfg->tcp.challenge_per_second != 0 && cfg->tcp.challenge_per_second < cfg->nb_workers)
		return false;
	return cfg->pool != NULL && rte_pktmbuf_priv_size(cfg->pool) >= CHIM_NBL_PRIV_SIZE;
}

/* RFC 5961, 7: the limit is the stack's. The parts of all workers add up to it. */
static uint32_t
part_of(uint32_t limit, const struct chim_dp_config *cfg)
{
	return limit / cfg->nb_workers + (cfg->id < limit % cfg->nb_workers);
}

static void
copy_config(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	w->id = cfg->id;
	w->nb_workers = cfg->nb_workers;
	w->nb_hosts = cfg->target->nb_hosts;
	w->kernel_budget =
		cfg->kernel_frames_per_turn != 0 ? cfg->kernel_frames_per_turn : DP_KERNEL;
	w->max_paths = cfg->max_paths;
	w->max_neighbors = cfg->max_neighbors;
	w->max_hold_bytes = cfg->max_hold_bytes != 0 ? cfg->max_hold_bytes : DEFAULT_HOLD_BYTES;
	w->deliver_to_wrong_worker = cfg->deliver_to_wrong_worker;
	w->idle = cfg->idle;
	w->idle_turns = cfg->idle_turns != 0 ? cfg->idle_turns : DEFAULT_TURNS;
	w->idle_sleep_us = cfg->idle_sleep_us != 0 ? cfg->idle_sleep_us : DEFAULT_SLEEP_US;
	w->lent_wait_us =
		(cfg->lent_wait_ms != 0 ? cfg->lent_wait_ms : DEFAULT_LENT_WAIT_MS) * 1000;
	w->target = cfg->target;
	w->from_ctl = cfg->from_ctl;
	w->to_ctl = cfg->to_ctl;
	memcpy(w->to_worker, cfg->to_worker, sizeof(w->to_worker));
	memcpy(w->from_worker, cfg->from_worker, sizeof(w->from_worker));
	w->tcp = cfg->tcp;
	w->tcp.challenge_per_second = part_of(cfg->tcp.challenge_per_second, cfg);
	w->nce_stale_ticks = (uint32_t)((uint64_t)STALE_MS * cfg->tcp.ticks_per_second / 1000);
}

static void
make_env(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	w->env = (struct chim_tcp_env){
		.cfg = &w->tcp,
		.pool = cfg->pool,
		.clone_pool = cfg->clone_pool,
		.row = &w->row,
		.out = &w->out,
		.stats = { &w->counters.ip4, &w->counters.ip6 },
		.counters = &w->counters.tcp,
		.random = cfg->random_seed,
		.ip_id = FIRST_IP_ID,
	};
	for (uint32_t i = 0; i < CHIM_MAX_HOSTS; i++)
		w->unheard[i] = (struct dp_queue){ CHIM_SLAB_NONE, CHIM_SLAB_NONE };
	TAILQ_INIT(&w->draining);
	TAILQ_INIT(&w->untold);
	TAILQ_INIT(&w->sealing);
}

static int
make_conns(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	uint32_t size = chim_tcp_conn_size();
	char name[RTE_MEMZONE_NAMESIZE];

	snprintf(name, sizeof(name), "chim_conns_%u", cfg->id);
	w->zone = rte_memzone_reserve_aligned(name, chim_slab_size(cfg->max_connections, size),
		cfg->socket_id, 0, RTE_CACHE_LINE_SIZE);
	if (w->zone == NULL)
		return -rte_errno;
	w->conns = chim_slab_init(w->zone->addr, cfg->max_connections, size);
	w->side = rte_zmalloc_socket("dp_side", cfg->max_connections * sizeof(*w->side),
		RTE_CACHE_LINE_SIZE, cfg->socket_id);
	w->touched = rte_malloc_socket("dp_touched", cfg->max_connections * sizeof(*w->touched),
		RTE_CACHE_LINE_SIZE, cfg->socket_id);
	return w->conns != NULL && w->side != NULL && w->touched != NULL ? 0 : -ENOMEM;
}

static int
make_holds(struct chim_worker *w, const struct chim_dp_config *cfg, uint32_t nb_holds)
{
	void *mem = rte_zmalloc_socket("dp_holds", chim_slab_size(nb_holds, sizeof(struct dp_hold)),
		RTE_CACHE_LINE_SIZE, cfg->socket_id);

	if (mem == NULL)
		return -ENOMEM;
	w->holds = chim_slab_init(mem, nb_holds, sizeof(struct dp_hold));
	return w->holds != NULL ? 0 : -ENOMEM;
}

static int
make_replicas(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	w->neighbors = rte_zmalloc_socket("dp_neighbors",
		cfg->max_neighbors * sizeof(*w->neighbors), RTE_CACHE_LINE_SIZE, cfg->socket_id);
	w->paths = rte_zmalloc_socket("dp_paths", cfg->max_paths * sizeof(*w->paths),
		RTE_CACHE_LINE_SIZE, cfg->socket_id);
	w->event_reachability = rte_zmalloc_socket(
		"dp_event", sizeof(struct chim_msg), RTE_CACHE_LINE_SIZE, cfg->socket_id);
	w->event_hold = rte_zmalloc_socket(
		"dp_event", sizeof(struct chim_msg), RTE_CACHE_LINE_SIZE, cfg->socket_id);
	if (w->neighbors == NULL || w->paths == NULL || w->event_reachability == NULL ||
		w->event_hold == NULL)
		return -ENOMEM;
	return 0;
}

/* The hash in frames is of use when all ports make the same one. */
static const uint8_t *
common_rss_key(const struct chim_dp_config *cfg)
{
	const struct chim_port *first = NULL;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		const struct chim_port *p = cfg->port[i];

		if (p == NULL)
			continue;
		if (!p->has_rss || p->rss_key_len < RSS_KEY_LEN)
			return NULL;
		if (first != NULL && memcmp(p->rss_key, first->rss_key, RSS_KEY_LEN) != 0)
			return NULL;
		first = p;
	}
	return first != NULL ? first->rss_key : NULL;
}

/*
 * Used by this worker's lcore alone; the memory is shared, for a secondary process to read. What
 * was given back last is taken first: it is in the cache still.
 */
static struct rte_mempool *
make_records(const char *what, uint32_t nb, uint32_t size, const struct chim_dp_config *cfg)
{
	uint32_t cache = RTE_MIN(RECORD_CACHE, nb / 4);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "chim_%s_%u", what, cfg->id);
	return rte_mempool_create(name, nb, size, cache, 0, NULL, NULL, NULL, NULL, cfg->socket_id,
		RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);
}

static int
make_record_pools(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	uint32_t nb_queues = cfg->max_queues;
	uint32_t nb_sent = cfg->max_sent;

	if (nb_queues == 0)
		nb_queues = RTE_MIN(cfg->max_connections, DEFAULT_RECORDS);
	if (nb_sent == 0)
		nb_sent = (uint32_t)RTE_MIN(
			(uint64_t)cfg->max_connections * SENT_PER_CONNECTION, DEFAULT_RECORDS);
	w->env.sent_pool = make_records("sent", nb_sent, chim_tcp_sent_size(), cfg);
	if (w->env.sent_pool == NULL)
		return -rte_errno;
	/* A flight is kept while there are queues: then nobody waits for one that is kept. */
	w->env.flight_pool = make_records("flight", nb_queues, chim_tcp_flight_size(), cfg);
	if (w->env.flight_pool == NULL)
		return -rte_errno;
	w->env.queues_pool = make_records("queues", nb_queues, chim_tcp_queues_size(), cfg);
	return w->env.queues_pool != NULL ? 0 : -rte_errno;
}

static int
make_flow(struct chim_worker *w, const struct chim_dp_config *cfg, uint32_t nb_holds)
{
	char name[32];
	const struct chim_flow_config flow = {
		.name = name,
		.max_ip4 = (cfg->max_ip4 != 0 ? cfg->max_ip4 : cfg->max_connections) + nb_holds,
		.max_ip6 = (cfg->max_ip6 != 0 ? cfg->max_ip6 : cfg->max_connections) + nb_holds,
		.socket_id = cfg->socket_id,
		.rss_key = common_rss_key(cfg),
	};

	snprintf(name, sizeof(name), "dp_flow_%u", cfg->id);
	w->flow = chim_flow_create(&flow);
	return w->flow != NULL ? 0 : -rte_errno;
}

struct chim_worker *
chim_dp_create(const struct chim_dp_config *cfg)
{
	uint32_t nb_holds = cfg->max_holds != 0 ? cfg->max_holds : DEFAULT_HOLDS;
	struct chim_worker *w;
	int rc;

	if (!is_valid(cfg)) {
		rte_errno = EINVAL;
		return NULL;
	}
	w = rte_zmalloc_socket("dp_worker", sizeof(*w), RTE_CACHE_LINE_SIZE, cfg->socket_id);
	if (w == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	copy_config(w, cfg);
	make_env(w, cfg);
	rc = dp_ports_init(w, cfg);
	if (rc == 0)
		rc = make_conns(w, cfg);
	if (rc == 0)
		rc = make_holds(w, cfg, nb_holds);
	if (rc == 0)
		rc = make_replicas(w, cfg);
	if (rc == 0)
		rc = make_record_pools(w, cfg);
	if (rc == 0)
		rc = make_flow(w, cfg, nb_holds);
	if (rc != 0) {
		chim_dp_destroy(w);
		rte_errno = -rc;
		return NULL;
	}
	return w;
}

/* What connections and holds own goes back to the pools; nothing is sent. */
static void
drop_all(struct chim_worker *w)
{
	for (uint32_t i = 0; w->flow != NULL && i < w->conns->fresh; i++) {
		if (chim_slab_generation(w->conns, i) != 0)
			chim_tcp_release(dp_conn_at(w, i), &w->env);
	}
	for (uint32_t i = 0; w->flow != NULL && i < w->holds->fresh; i++) {
		struct rte_mbuf *m;

		if (chim_slab_generation(w->holds, i) == 0)
			continue;
		while ((m = dp_hold_pop(w, chim_slab_at(w->holds, i))) != NULL)
			chim_row_put(&w->row, m);
	}
	for (uint32_t i = 0; i < w->nb_fences; i++)
		chim_row_put(&w->row, w->fences[i].m);
	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		rte_pktmbuf_free_bulk(w->ports[i].wire.m, w->ports[i].wire.nb);
		rte_pktmbuf_free_bulk(w->ports[i].kernel.m, w->ports[i].kernel.nb);
	}
	chim_row_flush(&w->row);
}

void
chim_dp_destroy(struct chim_worker *w)
{
	if (w == NULL)
		return;
	drop_all(w);
	if (w->conns != NULL)
		chim_slab_fini(w->conns);
	if (w->holds != NULL)
		chim_slab_fini(w->holds);
	chim_flow_destroy(w->flow);
	rte_mempool_free(w->env.queues_pool);
	rte_mempool_free(w->env.flight_pool);
	rte_mempool_free(w->env.sent_pool);
	rte_free(w->event_hold);
	rte_free(w->event_reachability);
	rte_free(w->paths);
	rte_free(w->neighbors);
	rte_free(w->holds);
	rte_free(w->touched);
	rte_free(w->side);
	if (w->zone != NULL)
		rte_memzone_free(w->zone);
	rte_free(w);
}
