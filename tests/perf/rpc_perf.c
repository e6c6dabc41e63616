/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Requests and answers, closed loop, one outstanding on each connection: busy
 * cycles of the served lcore for each, with the built-in echo behind the public
 * interface on the same lcore, SACK, RACK and timestamps on. Beside it the wire's
 * own cost: the same frames, sent back by the same lcore with their MACs changed
 * over; and what a cache line takes between the two lcores, which rules the wire
 * and which a hypervisor may change at any time. On a memif; and on vhost/virtio-user, with its
 * checksums and without.
 *
 * "engine" is what chim_dp_poll() took, "service" what the service and control
 * took; polls that did nothing are not counted. CHIM_PERF_MILLION=1 adds a
 * million connections, which want 12 GB (EAL -m 12288).
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "client.h"
#include "figures.h"
#include "test.h"

#define NB_LINES 21u /* samples */

struct rpc_case {
	uint32_t size, connections;
	const char *variant; /* of the name */
	struct bed_config cfg;
};

static struct figures figures = { .suite = "rpc_perf" };
static struct bed bed;

static void
add(const struct rpc_case *k, const char *what, const char *unit, double value)
{
	char name[96];

	snprintf(name, sizeof(name), "%u B, %u connections%s: %s", k->size, k->connections,
		k->variant, what);
	figures_add(&figures, name, unit, value);
}

struct counted {
	uint64_t worker, guests, forward, tsc;
	struct client_counts n;
};

static void
count(const struct client *c, struct counted *at)
{
	bed_busy(&bed, &at->worker, &at->guests);
	at->forward = bed.forward_cycles;
	at->tsc = rte_rdtsc();
	client_counts(c, &at->n);
}

static void
add_served(const struct rpc_case *k, const struct counted *a, const struct counted *b)
{
	double rpcs = (double)(b->n.rpcs - a->n.rpcs);
	double hz = (double)rte_get_tsc_hz();
	double engine = (double)(b->worker - a->worker) / rpcs;
	double service = (double)(b->guests - a->guests) / rpcs;

	add(k, "gross", "cycles/RPC", engine + service);
	add(k, "engine", "cycles/RPC", engine);
	add(k, "service", "cycles/RPC", service);
	add(k, "rate", "RPC/s", rpcs * hz / (double)(b->tsc - a->tsc));
	add(k, "round trip, mean", "us",
		(double)(b->n.latency_cycles - a->n.latency_cycles) / rpcs / hz * 1e6);
}

static void
add_latencies(const struct rpc_case *k, const struct client *c)
{
	add(k, "round trip, median", "us", client_latency_us(c, 0.5));
	add(k, "round trip, 99th percentile", "us", client_latency_us(c, 0.99));
	add(k, "round trip, 99.9th percentile", "us", client_latency_us(c, 0.999));
}

static bool
sample(const struct rpc_case *k, struct client *c, enum client_kind kind)
{
	uint32_t nb = figures_are_quick() ? 5 : 21;
	uint64_t us = figures_are_quick() ? 20000 : 100000;
	struct counted a, b;

	/* Before: as long as it takes to have each connection served once. */
	if (c == NULL || !client_run(c, 5 * us + 3 * (uint64_t)k->connections))
		return false;
	for (uint32_t i = 0; i < nb; i++) {
		count(c, &a);
		client_forget_latencies(c);
		if (!client_run(c, us))
			return false;
		count(c, &b);
		if (b.n.rpcs == a.n.rpcs)
			continue; /* the machine was elsewhere */
		if (kind == CLIENT_FORWARD) {
			add(k, "wire alone", "cycles/RPC",
				(double)(b.forward - a.forward) / (double)(b.n.rpcs - a.n.rpcs));
			continue;
		}
		add_served(k, &a, &b);
		add_latencies(k, c);
	}
	return client_drain(c);
}

/* The engine first: the wire's own cost is one of memory that has been used, as the engine's. */
static int
measure_on(const struct rpc_case *k)
{
	struct client *c = client_create(&bed, CLIENT_RPC, k->size);
	bool is_right;

	for (uint32_t i = 0; i < NB_LINES; i++)
		add(k, "a cache line to the other lcore", "cycles", bed_line(&bed));
	is_right = bed_serve(&bed) && sample(k, c, CLIENT_RPC);

	bed_halt(&bed);
	client_destroy(c);
	if (!is_right)
		return TEST_FAILED;
	c = client_create(&bed, CLIENT_FORWARD, k->size);
	bed_forward(&bed);
	is_right = sample(k, c, CLIENT_FORWARD);
	bed_halt(&bed);
	client_destroy(c);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}

static int
measure_wanted(const struct rpc_case *k)
{
	struct bed_config cfg = k->cfg;
	int rc;

	cfg.service = "echo";
	cfg.connections = k->connections;
	cfg.at_once = k->size;
	rc = bed_up(&bed, &cfg);
	if (rc != TEST_SUCCESS)
		return rc;
	rc = measure_on(k);
	bed_down(&bed);
	if (rc != TEST_SUCCESS)
		printf("%u B on %u connections%s went wrong\n", k->size, k->connections,
			k->variant);
	return rc;
}

static int
measure(const struct rpc_case *k)
{
	char name[64];

	snprintf(name, sizeof(name), "%u/%u%s", k->size, k->connections, k->variant);
	return figures_are_wanted(name) ? measure_wanted(k) : TEST_SUCCESS;
}

#define MEMIF  .variant = "", .cfg.wire = BED_MEMIF
#define PLAIN  .variant = ", no options", .cfg = { .wire = BED_MEMIF, .has_no_options = true }
#define VIRTIO .variant = ", virtio", .cfg.wire = BED_VIRTIO
#define SOFTWARE \
	.variant = ", virtio, software", .cfg = { .wire = BED_VIRTIO, .software_only = true }

static int
rpc_perf(void)
{
	static const struct rpc_case cases[] = { { 64, 1, MEMIF }, { 64, 32, MEMIF },
		{ 64, 256, MEMIF }, { 64, 10000, MEMIF }, { 64, 256, PLAIN }, { 1024, 1, MEMIF },
		{ 1024, 32, MEMIF }, { 1024, 256, MEMIF }, { 1024, 10000, MEMIF },
		{ 8192, 1, MEMIF }, { 8192, 32, MEMIF }, { 8192, 256, MEMIF },
		{ 8192, 10000, MEMIF }, { 64, 1, VIRTIO }, { 64, 256, VIRTIO },
		{ 1024, 256, VIRTIO }, { 8192, 256, VIRTIO }, { 64, 1, SOFTWARE },
		{ 64, 256, SOFTWARE }, { 1024, 256, SOFTWARE }, { 8192, 256, SOFTWARE } };
	static const struct rpc_case million[] = { { 64, 1000000, MEMIF }, { 1024, 1000000, MEMIF },
		{ 8192, 1000000, MEMIF } };
	int rc = TEST_SUCCESS;

	for (uint32_t i = 0; rc != TEST_FAILED && i < CHIM_DIM(cases); i++)
		rc = measure(&cases[i]);
	if (getenv("CHIM_PERF_MILLION") != NULL)
		for (uint32_t i = 0; rc != TEST_FAILED && i < CHIM_DIM(million); i++)
			rc = measure(&million[i]);
	figures_report(&figures); /* what was measured before a failure, too */
	if (rc == TEST_FAILED)
		return rc;
	return figures.nb > 0 ? TEST_SUCCESS : TEST_SKIPPED;
}
REGISTER_TEST_COMMAND(rpc_perf, rpc_perf)
