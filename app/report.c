/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is said at start, in a few lines: ports and their offloads, lcores,
 * memory, capacity; then what is missing, each with the command that mends it.
 */
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <numa.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_string_fns.h>

#include "app.h"
#include "chim_wire.h"
#include "topology.h"

bool
app_exception_ifname(const struct app_engine *e, uint32_t i, char *name)
{
	struct rte_eth_dev_info info;

	name[0] = '\0';
	if (e->opt->port[i].ifname[0] != '\0') {
		strlcpy(name, e->opt->port[i].ifname, IF_NAMESIZE);
		return true;
	}
	if (rte_eth_dev_info_get(e->port[i].exception_id, &info) != 0 || info.if_index == 0)
		return false;
	return if_indextoname(info.if_index, name) != NULL;
}

static void
report_port(const struct app_engine *e, uint32_t i)
{
	const struct chim_port *p = &e->port[i];
	char mac[RTE_ETHER_ADDR_FMT_SIZE], ifname[IF_NAMESIZE];

	rte_ether_format_addr(mac, sizeof(mac), &p->mac);
	app_exception_ifname(e, i, ifname);
	printf("port %u: %s %s mtu %u, %u queue%s, %s, checksums by %s%s; kernel: %s (%s)\n", i,
		e->opt->port[i].wire, mac, p->mtu, p->nb_queues, p->nb_queues > 1 ? "s" : "",
		p->has_rss ? "RSS" : "software steering",
		(p->tx_offloads & CHIM_TX_TCP_CSUM) != 0 ? "the NIC" : "software",
		(p->tx_offloads & CHIM_TX_TSO) != 0 ? ", TSO" : "",
		ifname[0] != '\0' ? ifname : "?", e->opt->port[i].exception);
}

static void
report_lcores(const struct app_engine *e)
{
	printf("lcores: workers");
	for (uint32_t i = 0; i < e->nb_workers; i++)
		printf(" %u", e->lcore[i]);
	printf("; control%s on %u\n", e->main_is_worker ? " (beside worker 0)" : " and agent",
		rte_get_main_lcore());
}

static void
report_memory(const struct app_engine *e)
{
	uint64_t mbufs = 0;

	for (uint32_t i = 0; i < e->nb_workers; i++)
		mbufs += e->pool[i]->size;
	printf("memory: %s, %" PRIu64
	       " mbufs of %u bytes to receive, %u to send; capacity: %u connections\n",
		rte_eal_has_hugepages() ? "hugepages" : "no hugepages", mbufs, e->mbuf_size,
		e->host_pool->size, e->opt->max_connections * e->nb_workers);
}

/* Where memory is; -1 when it is not EAL's. */
static int
node_of(const void *memory)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(memory);

	return list != NULL ? list->socket_id : -1;
}

static void
add_pool(struct app_numa *n, const struct rte_mempool *p, unsigned int lcore)
{
	app_numa_add_pool(n, p->name, node_of(STAILQ_FIRST(&p->mem_list)->addr), lcore);
}

/* Connections, paths and neighbors are in memory zones. */
static void
add_zone(struct app_numa *n, const char *name, unsigned int lcore)
{
	const struct rte_memzone *zone = rte_memzone_lookup(name);

	if (zone != NULL)
		app_numa_add_pool(n, name, node_of(zone->addr), lcore);
}

static void
read_pools(const struct app_engine *e, struct app_numa *n)
{
	unsigned int control = rte_get_main_lcore();
	char name[RTE_MEMZONE_NAMESIZE];

	add_pool(n, e->host_pool, control);
	add_zone(n, "chim_ctl_neighbors", control);
	add_zone(n, "chim_ctl_paths", control);
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		add_pool(n, e->pool[i], e->lcore[i]);
		add_pool(n, e->clone_pool[i], e->lcore[i]);
		add_pool(n, e->exception_pool[i], e->lcore[i]);
		snprintf(name, sizeof(name), "chim_conns_%u", i);
		add_zone(n, name, e->lcore[i]);
	}
}

static int
node_of_lcore(unsigned int lcore)
{
	return numa_available() < 0 ? 0 : numa_node_of_cpu(rte_lcore_to_cpu_id((int)lcore));
}

/* The one place that asks libnuma. */
static void
read_numa(const struct app_engine *e, struct app_numa *n)
{
	long long free_bytes = 0;

	memset(n, 0, sizeof(*n));
	n->nb_nodes = numa_available() < 0 ? 1 : RTE_MIN(numa_max_node() + 1u, APP_NUMA_NODES);
	for (uint32_t i = 0; i < n->nb_nodes; i++) {
		if (numa_available() >= 0 && numa_node_size64((int)i, &free_bytes) >= 0)
			n->free_bytes[i] = (uint64_t)free_bytes;
	}
	n->nb_workers = e->nb_workers;
	memcpy(n->lcore, e->lcore, sizeof(e->lcore));
	n->nb_lcores = e->nb_workers;
	if (!e->main_is_worker)
		n->lcore[n->nb_lcores++] = rte_get_main_lcore();
	for (uint32_t i = 0; i < n->nb_lcores; i++)
		n->lcore_node[i] = node_of_lcore(n->lcore[i]);
	n->nb_ports = e->nb_ports;
	for (uint32_t i = 0; i < e->nb_ports; i++)
		n->port_node[i] = e->port[i].socket_id;
	read_pools(e, n);
}

static void
report_numa(const struct app_engine *e)
{
	struct app_numa n;

	read_numa(e, &n);
	app_numa_print(&n, stdout);
}

/* Has the interface an address that a person gave it? */
static bool
has_address(const char *ifname)
{
	struct ifaddrs *list, *at;
	bool found = false;

	if (getifaddrs(&list) != 0)
		return true;
	for (at = list; at != NULL; at = at->ifa_next) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at->ifa_addr;

		if (in6 == NULL || strcmp(at->ifa_name, ifname) != 0)
			continue;
		if (in6->sin6_family == AF_INET ||
			(in6->sin6_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr)))
			found = true;
	}
	freeifaddrs(list);
	return found;
}

static void
warn_missing(const struct app_engine *e)
{
	char why[APP_WHY];

	if (!rte_eal_has_hugepages())
		printf("missing: hugepages; for speed: 'dpdk-hugepages.py --setup 1G', then "
		       "without --no-huge\n");
	for (uint32_t i = 0; i < e->nb_ports; i++) {
		char ifname[IF_NAMESIZE];

		if (chim_port_check_exception(&e->port[i], why, sizeof(why)) != 0)
			printf("missing: %s\n", why);
		if (app_exception_ifname(e, i, ifname) && !has_address(ifname))
			printf("missing: an address: 'ip addr add ADDRESS/LEN dev %s; ip link set "
			       "%s up'\n",
				ifname, ifname);
	}
}

void
app_report_start(const struct app_engine *e, const char *control)
{
	printf("chimney %s, %s\n", CHIM_VERSION, rte_version());
	for (uint32_t i = 0; i < e->nb_ports; i++)
		report_port(e, i);
	report_lcores(e);
	report_memory(e);
	report_numa(e);
	printf("control: %s\n", control);
	warn_missing(e);
	fflush(stdout);
}
