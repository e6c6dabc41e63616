/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What connections cost: bytes of an idle one, each part by itself, by IPv4 and
 * by IPv6; what an active one has besides; and cycles a segment of a thousand
 * active ones, alone and among many idle ones that are really there: 60,000,
 * or CHIM_PERF_CONNECTIONS=n with -m large enough.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "ctl_internal.h"
#include "perf.h"
#include "segment.h"
#include "worker.h"

#define MANY	60000u
#define ACTIVE	1000u
#define BATCH	512u
#define PAYLOAD 64u

static struct segment_bed bed;
static struct rte_mbuf *frames[BATCH];
static uint64_t cycles;

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

static bool
print_bytes(uint32_t nb)
{
	double conn = (double)chim_slab_size(nb, chim_tcp_conn_size()) / nb;
	double side = sizeof(struct dp_side);
	double ctl = sizeof(struct ctl_conn);
	double flow4 = bytes_of_flow(nb, false);
	double flow6 = bytes_of_flow(nb, true);
	double all = conn + side + ctl;

	printf("%-46s %9s %9s\n", "bytes an idle connection", "IPv4", "IPv6");
	printf("%-46s %9.1f %9.1f\n", "connection, timer link, handle", conn, conn);
	printf("%-46s %9.1f %9.1f\n", "beside it, of the datapath", side, side);
	printf("%-46s %9.1f %9.1f\n", "flow table", flow4, flow6);
	printf("%-46s %9.1f %9.1f\n", "control", ctl, ctl);
	printf("%-46s %9.1f %9.1f\n", "all", all + flow4, all + flow6);
	printf("{\"suite\":\"memory_perf\",\"connections\":%u,\"ip4\":%.1f,\"ip6\":%.1f}\n", nb,
		all + flow4, all + flow6);
	printf("bytes besides while something waits %u, is in flight %u, and a segment %u\n",
		chim_tcp_queues_size(), chim_tcp_flight_size(), chim_tcp_sent_size());
	return flow4 != 0 && flow6 != 0;
}

/* ---- cycles ---- */

/* The active ones lie among the others. */
static uint32_t
data(void *arg)
{
	uint32_t apart = bed.nb / ACTIVE;
	uint64_t before = rings_why(&bed.r, CHIM_WHY_NONE);

	(void)arg;
	for (uint32_t i = 0; i < BATCH; i++)
		frames[i] = segment_next(&bed, segment_below(&bed, ACTIVE) * apart, PAYLOAD);
	cycles += segment_take(&bed, frames, BATCH, CHIM_BURST);
	uint32_t nb = (uint32_t)(rings_why(&bed.r, CHIM_WHY_NONE) - before);

	segment_rest(&bed);
	return nb;
}

static int
run(uint32_t nb)
{
	const struct perf_case cases[] = {
		{ "data of 1000 connections", BATCH, data, NULL, NULL, &cycles },
	};
	size_t before = allocated();
	char suite[64];

	if (!segment_up(&bed, nb))
		return TEST_FAILED;
	snprintf(suite, sizeof(suite), "memory_perf, %u connections held", nb);
	printf("%s; the worker has %.1f bytes for each, buffers and pools included\n", suite,
		(double)(allocated() - before) / nb);
	int rc = perf_run(suite, cases, CHIM_DIM(cases));

	segment_down(&bed);
	return rc;
}

static int
memory_perf(void)
{
	const char *wanted = getenv("CHIM_PERF_CONNECTIONS");
	uint32_t nb = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 0) : MANY;

	nb = RTE_MAX(nb, ACTIVE);
	if (!print_bytes(nb))
		return TEST_FAILED;
	return run(ACTIVE) == TEST_SUCCESS && run(nb) == TEST_SUCCESS ? TEST_SUCCESS : TEST_FAILED;
}
REGISTER_TEST_COMMAND(memory_perf, memory_perf)
