/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is on which NUMA node: a table, and what is said of it at start. The
 * table is read from the machine in report.c, and made up in tests.
 */
#ifndef APP_TOPOLOGY_H
#define APP_TOPOLOGY_H

#include <stdint.h>
#include <stdio.h>

#include "chim_port.h"

#define APP_NUMA_NODES 16u
#define APP_NUMA_POOLS (8u + 8u * CHIM_MAX_WORKERS)

struct app_numa_pool {
	char name[32];
	int node;	    /* where its memory is; -1 = unknown */
	unsigned int lcore; /* that takes from it most, one of the table's */
};

struct app_numa {
	uint32_t nb_nodes;
	uint64_t free_bytes[APP_NUMA_NODES];
	uint32_t nb_lcores; /* workers, then control where it is another */
	uint32_t nb_workers;
	unsigned int lcore[CHIM_MAX_WORKERS + 1];
	int lcore_node[CHIM_MAX_WORKERS + 1];
	uint32_t nb_ports;
	int port_node[CHIM_MAX_PORTS]; /* -1 = of none: a virtual device */
	uint32_t nb_pools;
	struct app_numa_pool pool[APP_NUMA_POOLS];
};

/** Add a pool; one too many is left out. */
void app_numa_add_pool(struct app_numa *n, const char *name, int node, unsigned int lcore);

/** Say what each node has, and warn of what is far from who uses it. */
void app_numa_print(const struct app_numa *n, FILE *out);

#endif /* APP_TOPOLOGY_H */
