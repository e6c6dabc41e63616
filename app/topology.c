/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is said of NUMA at start: a line for each node, then a warning for each
 * port and each pool that is on another node than the lcore that uses it. A
 * frame that crosses twice costs more than anything that is done with it.
 */
#include <inttypes.h>

#include <rte_string_fns.h>

#include "topology.h"

void
app_numa_add_pool(struct app_numa *n, const char *name, int node, unsigned int lcore)
{
	struct app_numa_pool *p;

	if (n->nb_pools == APP_NUMA_POOLS)
		return;
	p = &n->pool[n->nb_pools++];
	strlcpy(p->name, name, sizeof(p->name));
	p->node = node;
	p->lcore = lcore;
}

static void
print_node(const struct app_numa *n, int node, FILE *out)
{
	fprintf(out, "NUMA node %d: %" PRIu64 " MB free; lcores", node, n->free_bytes[node] >> 20);
	for (uint32_t i = 0; i < n->nb_lcores; i++) {
		if (n->lcore_node[i] == node)
			fprintf(out, " %u", n->lcore[i]);
	}
	fprintf(out, "; ports");
	for (uint32_t i = 0; i < n->nb_ports; i++) {
		if (n->port_node[i] == node)
			fprintf(out, " %u", i);
	}
	fprintf(out, "; pools");
	for (uint32_t i = 0; i < n->nb_pools; i++) {
		if (n->pool[i].node == node)
			fprintf(out, " %s", n->pool[i].name);
	}
	fprintf(out, "\n");
}

/* Every worker has a queue pair of every port. */
static void
warn_of_port(const struct app_numa *n, uint32_t port, FILE *out)
{
	int node = n->port_node[port];

	for (uint32_t w = 0; w < n->nb_workers; w++) {
		if (node < 0 || n->lcore_node[w] < 0 || n->lcore_node[w] == node)
			continue;
		fprintf(out,
			"warning: port %u is on NUMA node %d, worker lcore %u on node %d: choose "
			"-l from 'numactl --cpunodebind=%d --show'\n",
			port, node, n->lcore[w], n->lcore_node[w], node);
	}
}

static void
warn_of_pool(const struct app_numa *n, const struct app_numa_pool *p, FILE *out)
{
	for (uint32_t i = 0; i < n->nb_lcores; i++) {
		int node = n->lcore_node[i];

		if (n->lcore[i] != p->lcore || node < 0 || p->node < 0 || node == p->node)
			continue;
		fprintf(out,
			"warning: pool %s is on NUMA node %d, lcore %u that uses it on node %d: "
			"give EAL memory there, --socket-mem\n",
			p->name, p->node, p->lcore, node);
		return;
	}
}

void
app_numa_print(const struct app_numa *n, FILE *out)
{
	for (uint32_t node = 0; node < n->nb_nodes; node++)
		print_node(n, (int)node, out);
	for (uint32_t i = 0; i < n->nb_ports; i++)
		warn_of_port(n, i, out);
	for (uint32_t i = 0; i < n->nb_pools; i++)
		warn_of_pool(n, &n->pool[i], out);
}
