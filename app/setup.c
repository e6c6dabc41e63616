/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Builds the engine from options, in the order of app_engine_create(): lcores,
 * packet memory, ports, mailboxes and target, control, workers. Destroying is
 * the same backwards and copes with a build that stopped half-way.
 *
 * Roles: with one lcore it is worker 0, and control is its guest; with more,
 * the main lcore runs control and the agent, the others are workers.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_random.h>

#include "app.h"
#include "chim_log.h"
#include "signals.h"

#define BOX_ENTRIES    4096u
#define FRAMES_BETWEEN 1024u
#define MAX_PATHS      8192u
#define MAX_NEIGHBORS  4096u
#define MAX_HOLDS      1024u
#define MAX_HOLD_BYTES (32u << 20)
#define MAX_WINDOW     (16u << 20)

static int
fail(int rc, char *why, const char *what)
{
	snprintf(why, APP_WHY, "%s: %s", what, rte_strerror(-rc));
	return rc;
}

/* Does an lcore list such as "1,3-5" name the lcore? */
static bool
is_listed(const char *list, unsigned int lcore)
{
	while (*list != '\0') {
		char *end;
		unsigned long from = strtoul(list, &end, 10);
		unsigned long to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (end == list)
			return false;
		if (lcore >= from && lcore <= to)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

static int
choose_lcores(struct app_engine *e, char *why)
{
	const char *list = e->opt->workers;
	unsigned int main_lcore = rte_get_main_lcore();
	unsigned int lcore;

	RTE_LCORE_FOREACH (lcore) {
		bool wanted = list[0] != '\0' ? is_listed(list, lcore)
					      : lcore != main_lcore || rte_lcore_count() == 1;

		if (!wanted)
			continue;
		if (e->nb_workers == CHIM_MAX_WORKERS) {
			snprintf(why, APP_WHY, "at most %u workers", CHIM_MAX_WORKERS);
			return -EINVAL;
		}
		if (lcore == main_lcore) {
			/* Worker 0 carries control, so it comes first. */
			e->main_is_worker = true;
			e->lcore[e->nb_workers++] = e->lcore[0];
			e->lcore[0] = lcore;
		} else {
			e->lcore[e->nb_workers++] = lcore;
		}
	}
	if (e->nb_workers > 0)
		return 0;
	snprintf(why, APP_WHY, "--workers=%s names no lcore of EAL's list (-l)", list);
	return -EINVAL;
}

void
app_port_config(const struct app_engine *e, uint32_t i, struct chim_port_config *cfg)
{
	const struct app_port_options *o = &e->opt->port[i];

	*cfg = (struct chim_port_config){
		.port_number = (uint16_t)i,
		.wire = o->wire,
		.exception = o->exception,
		.exception_ifname = o->ifname,
		.nb_workers = (uint16_t)e->nb_workers,
		.nb_rxd = (uint16_t)e->opt->descriptors,
		.nb_txd = (uint16_t)e->opt->descriptors,
		.mtu = (uint16_t)e->opt->mtu,
		.use_offloads = !e->opt->software_only,
		.use_rx_interrupts = e->opt->idle == CHIM_IDLE_INTERRUPT,
	};
}

static int
start_ports(struct app_engine *e, char *why)
{
	for (uint32_t i = 0; i < e->opt->nb_ports; i++) {
		struct chim_port_config cfg;
		int rc;

		app_port_config(e, i, &cfg);
		memcpy(cfg.pool, e->pool, sizeof(cfg.pool));
		memcpy(cfg.exception_pool, e->exception_pool, sizeof(cfg.exception_pool));
		rc = chim_port_start(&e->port[i], &cfg, why, APP_WHY);
		if (rc != 0)
			return rc;
		e->nb_ports++;
	}
	return 0;
}

/*
 * What a worker reads and writes goes to the memory of its node. Control's needs
 * no name of a node: SOCKET_ID_ANY tries the caller's first, and the caller is
 * control's lcore.
 */
static int
node_of(unsigned int lcore)
{
	return (int)rte_lcore_to_socket_id(lcore);
}

/* A box belongs to who takes from it. */
static struct chim_box *
make_box(const char *kind, uint32_t from, uint32_t to, uint32_t nb, int node)
{
	char name[32];

	snprintf(name, sizeof(name), "chim_%s_%u_%u", kind, from, to);
	return chim_box_create(name, nb, node);
}

static int
create_boxes(struct app_engine *e, char *why)
{
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		int node = node_of(e->lcore[i]);

		e->to_worker[i] = make_box("cmd", 0, i, BOX_ENTRIES, node);
		e->from_worker[i] = make_box("rep", 0, i, BOX_ENTRIES, SOCKET_ID_ANY);
		if (e->to_worker[i] == NULL || e->from_worker[i] == NULL)
			return fail(-rte_errno, why, "mailboxes");
		for (uint32_t j = 0; j < e->nb_workers; j++) {
			if (i == j)
				continue;
			e->between[i][j] =
				make_box("frm", i, j, FRAMES_BETWEEN, node_of(e->lcore[j]));
			if (e->between[i][j] == NULL)
				return fail(-rte_errno, why, "mailboxes between workers");
		}
	}
	return 0;
}

static int
create_target(struct app_engine *e, char *why)
{
	int node[CHIM_MAX_WORKERS];
	struct chim_target_config cfg = {
		.nb_hosts = 4,
		.nb_workers = e->nb_workers,
		.host_pool = e->host_pool,
		.socket_id = SOCKET_ID_ANY,
		.worker_socket = node,
	};

	for (uint32_t i = 0; i < e->nb_workers; i++)
		node[i] = node_of(e->lcore[i]);
	e->target = chim_target_create(&cfg);
	return e->target == NULL ? fail(-rte_errno, why, "target (host rings)") : 0;
}

static void
fill_tcp_config(const struct app_engine *e, struct chim_tcp_config *tcp)
{
	chim_tcp_config_init(tcp);
	tcp->congestion_algorithm = e->opt->congestion;
	tcp->tx_offloads = UINT32_MAX;
	/* A connection may leave by any port: only what all of them can do. */
	for (uint32_t i = 0; i < e->nb_ports; i++)
		tcp->tx_offloads &= e->port[i].tx_offloads;
	if (e->opt->chimney_profile) {
		/* Spec 8.5: the values documented for the NDIS chimney. */
		tcp->rto_min_us = 300 * CHIM_US_PER_MS;
		tcp->abc_limit = 4;
		tcp->congestion_algorithm = CHIM_CC_NEWRENO;
	}
}

static void
fill_caps(const struct app_engine *e, const struct chim_tcp_config *tcp, struct chim_caps *caps)
{
	*caps = (struct chim_caps){
		.abi = CHIM_ABI,
		.nb_workers = e->nb_workers,
		.nb_ports = e->nb_ports,
		.support = CHIM_CAP_IPV4 | CHIM_CAP_IPV6 | CHIM_CAP_SACK | CHIM_CAP_VLAN |
			CHIM_CAP_QOS | CHIM_CAP_MAC | CHIM_CAP_ECN,
		.max_connections = e->opt->max_connections * e->nb_workers,
		.max_paths = MAX_PATHS,
		.max_neighbors = MAX_NEIGHBORS,
		.max_source_macs = MAX_NEIGHBORS,
		.max_source_ips = MAX_PATHS,
		.max_vlans = 4094,
		.max_rcv_wnd = 1u << 30,
		.max_mtu = CHIM_PORT_MTU_MAX,
		.max_send_bytes = MAX_WINDOW * 2,
		.max_recv_bytes = MAX_WINDOW * 2,
		.params = {
			.ticks_per_second = tcp->ticks_per_second,
			.ack_frequency = tcp->ack_frequency,
			.delayed_ack_ticks = tcp->delayed_ack_ms,
			.maximum_retransmissions = tcp->max_retransmits,
			.doubt_reachability_retransmissions = 3,
			.sws_prevention_ticks = tcp->sws_ms,
			.duplicate_ack_threshold = tcp->dupack_threshold,
			.push_ticks = tcp->push_ms,
			.nce_stale_ticks = 30000,
			.congestion_algorithm = tcp->congestion_algorithm,
		},
	};
}

static int
create_ctl(struct app_engine *e, char *why)
{
	struct chim_ctl_config *cfg = calloc(1, sizeof(*cfg));
	struct chim_tcp_config tcp;

	if (cfg == NULL)
		return fail(-ENOMEM, why, "control");
	fill_tcp_config(e, &tcp);
	cfg->target = e->target;
	memcpy(cfg->to_worker, e->to_worker, sizeof(cfg->to_worker));
	memcpy(cfg->from_worker, e->from_worker, sizeof(cfg->from_worker));
	cfg->nb_workers = e->nb_workers;
	for (uint32_t i = 0; i < e->nb_ports; i++)
		cfg->port[i] = &e->port[i];
	cfg->max_connections_per_worker = e->opt->max_connections;
	fill_caps(e, &tcp, &cfg->caps);
	cfg->socket_id = SOCKET_ID_ANY;
	e->ctl = chim_ctl_create(cfg);
	free(cfg);
	return e->ctl == NULL ? fail(-rte_errno, why, "control") : 0;
}

/* Where workers would take every CPU, an idle one lets go of its own. */
static enum chim_idle
choose_idle(const struct app_engine *e)
{
	if (e->opt->idle != APP_IDLE_AUTO)
		return (enum chim_idle)e->opt->idle;
	return e->nb_workers >= (uint32_t)sysconf(_SC_NPROCESSORS_ONLN) ? CHIM_IDLE_SLEEP
									: CHIM_IDLE_PAUSE;
}

static int
create_worker(struct app_engine *e, uint32_t id, char *why)
{
	struct chim_dp_config cfg = {
		.id = id,
		.nb_workers = e->nb_workers,
		.socket_id = node_of(e->lcore[id]),
		.max_connections = e->opt->max_connections,
		.max_ip6 = e->opt->max_ip6,
		.max_paths = MAX_PATHS,
		.max_neighbors = MAX_NEIGHBORS,
		.max_holds = MAX_HOLDS,
		.max_hold_bytes = MAX_HOLD_BYTES,
		.target = e->target,
		.from_ctl = e->to_worker[id],
		.to_ctl = e->from_worker[id],
		.pool = e->pool[id],
		.clone_pool = e->clone_pool[id],
		.random_seed = rte_rand(),
		.idle = choose_idle(e),
		.idle_turns = 256,
		.idle_sleep_us = 50,
	};

	fill_tcp_config(e, &cfg.tcp);
	for (uint32_t i = 0; i < e->nb_ports; i++)
		cfg.port[i] = &e->port[i];
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		cfg.to_worker[i] = e->between[id][i];
		cfg.from_worker[i] = e->between[i][id];
	}
	e->worker[id] = chim_dp_create(&cfg);
	if (e->worker[id] != NULL)
		return 0;
	snprintf(why, APP_WHY,
		"no memory for worker %u with %u connections: give EAL more (-m 1024), or take "
		"fewer with --connections",
		id, cfg.max_connections);
	return -ENOMEM;
}

int
app_engine_create(struct app_engine *e, const struct app_options *opt, char *why)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->opt = opt;
	atomic_init(&e->stop, false);
	rc = choose_lcores(e, why);
	if (rc == 0)
		rc = app_pools_create(e, why);
	if (rc == 0)
		rc = start_ports(e, why);
	if (rc == 0)
		rc = create_boxes(e, why);
	if (rc == 0)
		rc = create_target(e, why);
	if (rc == 0)
		rc = create_ctl(e, why);
	for (uint32_t i = 0; i < e->nb_workers && rc == 0; i++)
		rc = create_worker(e, i, why);
	return rc;
}

static int
worker_main(void *arg)
{
	struct app_engine *e = arg;
	uint32_t id = 0;

	app_signals_of_devices(SIG_UNBLOCK);
	while (e->lcore[id] != rte_lcore_id())
		id++;
	return chim_dp_run(e->worker[id], NULL, NULL, &e->stop);
}

int
app_engine_launch(struct app_engine *e)
{
	for (uint32_t i = e->main_is_worker ? 1 : 0; i < e->nb_workers; i++) {
		int rc = rte_eal_remote_launch(worker_main, e, e->lcore[i]);

		if (rc != 0)
			return rc;
	}
	return 0;
}

void
app_engine_join(struct app_engine *e)
{
	atomic_store_explicit(&e->stop, true, memory_order_release); /* read by chim_dp_run() */
	rte_eal_mp_wait_lcore();
}

void
app_engine_destroy(struct app_engine *e)
{
	for (uint32_t i = 0; i < e->nb_workers; i++)
		chim_dp_destroy(e->worker[i]);
	chim_ctl_destroy(e->ctl);
	chim_target_destroy(e->target);
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		chim_box_destroy(e->to_worker[i]);
		chim_box_destroy(e->from_worker[i]);
		for (uint32_t j = 0; j < e->nb_workers; j++)
			chim_box_destroy(e->between[i][j]);
	}
	for (uint32_t i = 0; i < e->nb_ports; i++)
		chim_port_stop(&e->port[i]);
	app_pools_destroy(e);
}
