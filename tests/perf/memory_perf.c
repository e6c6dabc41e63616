/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What connections cost: bytes of an idle one, each part by itself, by IPv4 and
 * by IPv6; what an active one has besides; and cycles a segment of a thousand
 * active ones, alone and among a million idle ones that are really there (60,000
 * with CHIM_PERF_QUICK=1, or CHIM_PERF_CONNECTIONS=n).
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "ctl_internal.h"
#include "figures.h"
#include "perf.h"
#include "segment.h"
#include "worker.h"

#define MANY	1000000u
#define FEW	60000u /* for who has little time */
#define ACTIVE	1000u
#define BATCH	512u
#define PAYLOAD 64u

static struct figures figures = { .suite = "memory_perf" };
static struct segment_bed bed;
static struct rte_mbuf *frames[BATCH];
static uint64_t cycles;
static uint32_t active[ACTIVE];

/* ---- bytes ---- */

static size_t
allocated(void)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats((int)rte_socket_id(), &stats) == 0
		? stats.heap_allocsz_bytes
		: 0;
}

/* A flow table of nb entries; 0 when there is no memory for it. */
static double
bytes_of_flow(uint32_t nb, bool is_ip6)
{
	const struct chim_flow_config cfg = {
		.name = "memory_perf",
		.max_ip4 = is_ip6 ? 0 : nb,
		.max_ip6 = is_ip6 ? nb : 0,
		.socket_id = SOCKET_ID_ANY,
	};
	size_t before = allocated();
	struct chim_flow *flow = chim_flow_create(&cfg);
	double bytes = flow != NULL ? (double)(allocated() - before) / nb : 0;

	chim_flow_destroy(flow);
	return bytes;
}

static void
add(const char *what, double ip4, double ip6)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, IPv4", what);
	figures_add(&figures, name, "bytes", ip4);
	snprintf(name, sizeof(name), "%s, IPv6", what);
	figures_add(&figures, name, "bytes", ip6);
}

static bool
add_bytes(uint32_t nb)
{
	double conn = (double)chim_slab_size(nb, chim_tcp_conn_size()) / nb;
	double side = sizeof(struct dp_side) + sizeof(*((struct chim_worker *)0)->touched);
	double ctl = sizeof(struct ctl_conn);
	double flow4 = bytes_of_flow(nb, false);
	double flow6 = bytes_of_flow(nb, true);
	double all = conn + side + ctl;

	add("idle connection, all", all + flow4, all + flow6);
	add("connection, timer link, handle", conn, conn);
	add("beside it, of the datapath", side, side);
	add("flow table", flow4, flow6);
	add("control", ctl, ctl);
	figures_add(&figures, "besides, while something waits", "bytes", chim_tcp_queues_size());
	figures_add(
		&figures, "besides, while something is in flight", "bytes", chim_tcp_flight_size());
	figures_add(&figures, "besides, each segment in flight", "bytes", chim_tcp_sent_size());
	return flow4 != 0 && flow6 != 0;
}

/* ---- cycles ---- */

/*
 * The active ones lie among the others, anywhere: at even distances they would share a few sets
 * of the caches.
 */
static void
choose_active(void)
{
	uint32_t apart = bed.nb / ACTIVE;

	for (uint32_t i = 0; i < ACTIVE; i++)
		active[i] = i * apart + segment_below(&bed, apart);
}

static uint32_t
data(void *arg)
{
	uint64_t before = rings_why(&bed.r, CHIM_WHY_NONE);

	(void)arg;
	for (uint32_t i = 0; i < BATCH; i++)
		frames[i] = segment_next(&bed, active[segment_below(&bed, ACTIVE)], PAYLOAD);
	cycles += segment_take(&bed, frames, BATCH, CHIM_BURST);
	uint32_t nb = (uint32_t)(rings_why(&bed.r, CHIM_WHY_NONE) - before);

	segment_rest(&bed);
	return nb;
}

static int
run(uint32_t nb, const char *who)
{
	const struct perf_case cases[] = {
		{ "data of 1000 connections", BATCH, data, NULL, NULL, &cycles },
	};
	size_t before = allocated();
	char name[64];
	int rc;

	if (!segment_up(&bed, nb, false))
		return TEST_FAILED;
	choose_active();
	snprintf(name, sizeof(name), "held by the worker for each of %u", nb);
	figures_add(&figures, name, "bytes", (double)(allocated() - before) / nb);
	snprintf(name, sizeof(name), "memory_perf, %s", who);
	rc = perf_run(name, cases, CHIM_DIM(cases));
	segment_down(&bed);
	return rc;
}

static int
memory_perf(void)
{
	const char *wanted = getenv("CHIM_PERF_CONNECTIONS");
	uint32_t nb = figures_are_quick() ? FEW : MANY;
	char who[48];
	int rc;

	if (wanted != NULL)
		nb = RTE_MAX((uint32_t)strtoul(wanted, NULL, 0), ACTIVE);
	if (!add_bytes(nb))
		return TEST_FAILED;
	snprintf(who, sizeof(who), "active among %u", nb);
	rc = run(ACTIVE, "active alone");
	if (rc == TEST_SUCCESS)
		rc = run(nb, who);
	if (rc == TEST_SUCCESS)
		figures_report(&figures);
	return rc;
}
REGISTER_TEST_COMMAND(memory_perf, memory_perf)
