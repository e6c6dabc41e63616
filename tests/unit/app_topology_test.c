/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is said of NUMA, on machines that are made up.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "topology.h"

static char *
said(const struct app_numa *n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	app_numa_print(n, out);
	fclose(out);
	return text;
}

static uint32_t
nb_warnings(const char *text)
{
	uint32_t nb = 0;

	for (const char *at = text; (at = strstr(at, "warning")) != NULL; at++)
		nb++;
	return nb;
}

/* Two workers, control beside the first, one port, a pool each; everything on node 0. */
static void
fill(struct app_numa *n, uint32_t nb_nodes)
{
	memset(n, 0, sizeof(*n));
	n->nb_nodes = nb_nodes;
	for (uint32_t i = 0; i < nb_nodes; i++)
		n->free_bytes[i] = (uint64_t)(100 + i) << 20;
	n->nb_workers = 2;
	n->nb_lcores = 3;
	n->lcore[0] = 4;
	n->lcore[1] = 5;
	n->lcore[2] = 1;
	n->nb_ports = 1;
	app_numa_add_pool(n, "chim_rx0", 0, 4);
	app_numa_add_pool(n, "chim_rx1", 0, 5);
	app_numa_add_pool(n, "chim_ctl", 0, 1);
}

static void
one_node_is_said_in_a_line(void **state)
{
	struct app_numa n;
	char *text;

	fill(&n, 1);
	text = said(&n);
	assert_string_equal(text,
		"NUMA node 0: 100 MB free; lcores 4 5 1; ports 0; pools "
		"chim_rx0 chim_rx1 chim_ctl\n");
	free(text);
}

static void
two_nodes_used_well_give_no_warning(void **state)
{
	struct app_numa n;
	char *text;

	fill(&n, 2);
	n.lcore_node[2] = 1;
	n.pool[2].node = 1;
	text = said(&n);
	assert_string_equal(text,
		"NUMA node 0: 100 MB free; lcores 4 5; ports 0; pools chim_rx0 chim_rx1\n"
		"NUMA node 1: 101 MB free; lcores 1; ports; pools chim_ctl\n");
	free(text);
}

static void
a_port_far_from_a_worker_is_warned_of(void **state)
{
	struct app_numa n;
	char *text;

	fill(&n, 2);
	n.lcore_node[1] = 1;
	n.pool[1].node = 1;
	text = said(&n);
	assert_non_null(strstr(text,
		"warning: port 0 is on NUMA node 0, worker lcore 5 on node 1: "
		"choose -l from 'numactl --cpunodebind=0 --show'\n"));
	/* of the other worker and of control there is nothing to say */
	assert_int_equal(nb_warnings(text), 1);
	free(text);
}

static void
a_pool_far_from_its_lcore_is_warned_of(void **state)
{
	struct app_numa n;
	char *text;

	fill(&n, 2);
	n.pool[1].node = 1;
	text = said(&n);
	assert_non_null(strstr(text,
		"warning: pool chim_rx1 is on NUMA node 1, lcore 5 that uses "
		"it on node 0: give EAL memory there, --socket-mem\n"));
	assert_int_equal(nb_warnings(text), 1);
	free(text);
}

static void
what_is_nowhere_is_not_warned_of(void **state)
{
	struct app_numa n;
	char *text;

	fill(&n, 2);
	n.port_node[0] = -1; /* a virtual device */
	n.pool[0].node = -1;
	n.lcore_node[1] = -1;
	text = said(&n);
	assert_int_equal(nb_warnings(text), 0);
	assert_non_null(strstr(text, "lcores 4 1; ports; pools chim_rx1 chim_ctl\n"));
	free(text);
}

static void
more_pools_than_there_is_room_for_are_left_out(void **state)
{
	struct app_numa n;

	fill(&n, 1);
	for (uint32_t i = 0; i < 2 * APP_NUMA_POOLS; i++)
		app_numa_add_pool(&n, "another", 0, 4);
	assert_int_equal(n.nb_pools, APP_NUMA_POOLS);
	assert_string_equal(n.pool[0].name, "chim_rx0");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_node_is_said_in_a_line),
	cmocka_unit_test(two_nodes_used_well_give_no_warning),
	cmocka_unit_test(a_port_far_from_a_worker_is_warned_of),
	cmocka_unit_test(a_pool_far_from_its_lcore_is_warned_of),
	cmocka_unit_test(what_is_nowhere_is_not_warned_of),
	cmocka_unit_test(more_pools_than_there_is_room_for_are_left_out),
};
CHIM_CMOCKA_SUITE(app_topology_autotest, tests, NULL, NULL)
