/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * From initiate to the first packet: a host submits a tree, control makes the
 * objects, a worker installs the connection, the host hears of it and posts
 * data, and the client sees a frame. All but the client run on one lcore, as
 * in rpc_perf; the wire is a memif.
 */
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "bed.h"
#include "figures.h"
#include "test.h"

#define BURST  32u
#define WAIT_S 5u

static struct figures figures = { .suite = "start_perf" };
static struct bed bed;

/* Throw away what has come. @return frames. */
static uint32_t
drain(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t nb = rte_eth_rx_burst(bed.client_port, 0, m, BURST);

	rte_pktmbuf_free_bulk(m, nb);
	return nb;
}

static bool
sample(const char *name)
{
	uint64_t end = rte_rdtsc() + WAIT_S * rte_get_tsc_hz();
	uint64_t now;
	bool is_right;

	if (!bed_start(&bed))
		return false;
	while (drain() == 0 && rte_rdtsc() < end)
		;
	now = rte_rdtsc();
	is_right = now < end && bed_is_served(&bed);
	figures_add(&figures, name, "us",
		(double)(now - bed.submitted) / (double)rte_get_tsc_hz() * 1e6);
	bed_halt(&bed);
	while (drain() > 0)
		;
	return is_right;
}

static int
measure(uint32_t connections)
{
	const struct bed_config cfg = { .service = "source=1000", .connections = connections };
	uint32_t nb = figures_are_quick() ? 5 : 41;
	int rc = bed_up(&bed, &cfg);
	bool is_right = true;
	char name[64];

	if (rc != TEST_SUCCESS)
		return rc;
	snprintf(name, sizeof(name), "initiate to first packet, tree of %u", connections);
	for (uint32_t i = 0; i < nb && is_right; i++)
		is_right = sample(name);
	bed_down(&bed);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}

static int
start_perf(void)
{
	int rc = measure(1);

	if (rc == TEST_SUCCESS)
		rc = measure(32);
	if (rc == TEST_SUCCESS)
		figures_report(&figures);
	return rc;
}
REGISTER_TEST_COMMAND(start_perf, start_perf)
