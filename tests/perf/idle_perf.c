/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * An engine with nothing to do: how much of its CPU the served lcore takes in
 * each idle mode, and how long a request that comes after a pause takes to be
 * answered. A memif has no interrupts, virtio-user does.
 */
#include <stdio.h>

#include <rte_cycles.h>

#include "client.h"
#include "figures.h"
#include "test.h"

#define SIZE	 64u
#define PAUSE_US 5000u

struct idle_case {
	const char *name;
	enum chim_idle idle;
	enum bed_wire wire;
};

static struct figures figures = { .suite = "idle_perf" };
static struct bed bed;

static void
sample_cpu(const char *name, uint64_t us)
{
	uint64_t before = bed_cpu_ns(&bed);
	uint64_t start = rte_rdtsc();
	double ns;

	rte_delay_us_sleep((unsigned int)us);
	ns = (double)(bed_cpu_ns(&bed) - before);
	figures_add(&figures, name, "% of a CPU",
		ns / ((double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz() * 1e9) * 100);
}

static bool
sample(const struct idle_case *k, struct client *c)
{
	uint32_t nb = figures_are_quick() ? 5 : 21;
	char cpu[64], wake[64];

	if (c == NULL || !bed_serve(&bed) || client_ask_once(c, 0) < 0)
		return false;
	snprintf(cpu, sizeof(cpu), "%s: CPU while idle", k->name);
	snprintf(wake, sizeof(wake), "%s: answer after a pause", k->name);
	for (uint32_t i = 0; i < nb; i++) {
		double us = client_ask_once(c, PAUSE_US);

		if (us < 0)
			return false;
		figures_add(&figures, wake, "us", us);
		sample_cpu(cpu, figures_are_quick() ? 50000 : 200000);
	}
	return true;
}

static int
measure(const struct idle_case *k)
{
	const struct bed_config cfg = {
		.wire = k->wire,
		.service = "echo",
		.connections = 1,
		.idle = k->idle,
	};
	int rc = bed_up(&bed, &cfg);
	struct client *c;
	bool is_right;

	if (rc != TEST_SUCCESS)
		return rc;
	c = client_create(&bed, CLIENT_RPC, SIZE);
	is_right = sample(k, c);
	bed_halt(&bed);
	client_destroy(c);
	bed_down(&bed);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}

static int
idle_perf(void)
{
	static const struct idle_case cases[] = {
		{ "spin, memif", CHIM_IDLE_SPIN, BED_MEMIF },
		{ "pause, memif", CHIM_IDLE_PAUSE, BED_MEMIF },
		{ "sleep, memif", CHIM_IDLE_SLEEP, BED_MEMIF },
		{ "spin, virtio", CHIM_IDLE_SPIN, BED_VIRTIO },
		{ "interrupt, virtio", CHIM_IDLE_INTERRUPT, BED_VIRTIO },
	};
	int rc = TEST_SUCCESS;

	for (uint32_t i = 0; i < CHIM_DIM(cases) && rc != TEST_FAILED; i++)
		rc = measure(&cases[i]);
	if (rc == TEST_FAILED)
		return rc;
	figures_report(&figures);
	return figures.nb > 0 ? TEST_SUCCESS : TEST_SKIPPED;
}
REGISTER_TEST_COMMAND(idle_perf, idle_perf)
