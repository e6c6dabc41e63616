/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a frame of a connection that is not offloaded pays for passing the
 * engine: busy cycles of a worker for each such frame, from a wire whose frames
 * are at hand (net_ring) to an exception port that takes any number (net_null),
 * with no connection offloaded and with many; beside it the same frames
 * forwarded from the one to the other without an engine. The port has checked
 * their checksums, and has no hash of them. One lcore does it all.
 */
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "app.h"
#include "figures.h"
#include "flowset.h"
#include "test.h"

#include <rte_mbuf.h>

#define BURST  32u
#define ROUNDS 1000u /* bursts a sample */
#define MANY   16384u
#define TURNS  100000u

static struct figures figures = { .suite = "tax_perf" };
static struct app_options options;
static struct app_engine engine;
static struct rte_ring *in, *out;
static struct rte_mempool *pool;
static struct rte_mbuf *frames[BURST];

static void
fill_checksums(uint8_t *frame)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
}

/* 64-byte segments to ports that no connection has. */
static bool
make_frames(void)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 50, 0,
		1, 0, 0, 64, 6, 0, 0, 48, 0, 0, 1, 16, 0, 0, 1, 0, 9, 0, 10, 0, 0, 0, 1, 0, 0, 0, 1,
		0x50, 0x10, 0xFF, 0xFF };

	if (rte_pktmbuf_alloc_bulk(pool, frames, BURST) != 0)
		return false;
	for (uint32_t i = 0; i < BURST; i++) {
		uint8_t *at = (uint8_t *)rte_pktmbuf_append(frames[i], 64);

		if (at == NULL)
			return false;
		memset(at, 0, 64);
		memcpy(at, head, sizeof(head));
		at[35] = (uint8_t)i;
		fill_checksums(at);
		/* Ours to keep, whatever happens to it. */
		rte_mbuf_refcnt_set(frames[i], UINT16_MAX / 2);
	}
	return true;
}

static void
refill(void)
{
	for (uint32_t i = 0; i < BURST; i++) {
		rte_mbuf_refcnt_set(frames[i], UINT16_MAX / 2);
		frames[i]->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
	rte_ring_enqueue_bulk(in, (void **)frames, BURST, NULL);
}

static uint64_t
forward(void)
{
	struct rte_mbuf *m[BURST];
	uint64_t start, took = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint16_t nb;

		refill();
		start = rte_rdtsc();
		nb = rte_eth_rx_burst(engine.port[0].wire_id, 0, m, BURST);
		rte_eth_tx_burst(engine.port[0].exception_id, 0, m, nb);
		took += rte_rdtsc() - start;
	}
	return took;
}

static uint64_t
pass(void)
{
	uint64_t start, took = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		refill();
		start = rte_rdtsc();
		chim_dp_poll(engine.worker[0], start / (rte_get_tsc_hz() / 1000000));
		took += rte_rdtsc() - start;
	}
	return took;
}

/* Each frame of a sample has been looked at, found to be nobody's, and passed on. */
static bool
sample(const char *name, uint64_t (*run)(void))
{
	const struct chim_dp_counters *n = chim_dp_counters(engine.worker[0]);
	uint32_t nb = figures_are_quick() ? 5 : 41;
	uint64_t all = (uint64_t)(nb + 1) * ROUNDS * BURST;
	uint64_t passed = n->kernel_tx_frames;
	uint64_t missed = n->why[CHIM_WHY_MISS];

	run();
	for (uint32_t i = 0; i < nb; i++)
		figures_add(&figures, name, "cycles/frame", (double)run() / ROUNDS / BURST);
	return run == forward ||
		(n->kernel_tx_frames - passed == all && n->why[CHIM_WHY_MISS] - missed == all);
}

/* Turns of everything until the sets are in, or out. */
static bool
settle(struct app_flow_sets *sets, bool (*is_there)(const struct app_flow_sets *s))
{
	for (uint32_t i = 0; i < TURNS && !is_there(sets); i++) {
		chim_us_t now = rte_rdtsc() / (rte_get_tsc_hz() / 1000000);
		void *m;

		chim_dp_poll(engine.worker[0], now);
		chim_ctl_poll(engine.ctl, now);
		app_flow_sets_poll(sets);
		while (rte_ring_dequeue(out, &m) == 0)
			rte_pktmbuf_free(m);
	}
	return is_there(sets);
}

static bool
sample_with_many(void)
{
	char why[APP_WHY] = "";
	struct app_flow_sets *sets = app_flow_sets_create(options.flow_set, 1, why);
	bool is_right = sets != NULL && settle(sets, app_flow_sets_are_ready) &&
		chim_dp_nb_connections(engine.worker[0]) == MANY &&
		sample("passed on, 16384 connections offloaded", pass);

	if (sets != NULL) {
		app_flow_sets_stop(sets);
		is_right = settle(sets, app_flow_sets_are_over) && is_right;
	}
	app_flow_sets_destroy(sets);
	return is_right;
}

static bool
choose_options(void)
{
	struct app_flow_set *f = &options.flow_set[0];
	char why[APP_WHY];

	app_options_init(&options);
	options.nb_flow_sets = 1;
	app_flow_set_init(f, "perf");
	return app_option_set(&options, "port", "net_ring_tax,net_null0", why) == 0 &&
		app_option_set(&options, "connections", "16384", why) == 0 &&
		app_flow_set_key(f, "service", "park", why) == 0 &&
		app_flow_set_key(f, "local", "16.0.0.1", why) == 0 &&
		app_flow_set_key(f, "local-port", "7000", why) == 0 &&
		app_flow_set_key(f, "remote", "48.0.0.1", why) == 0 &&
		app_flow_set_key(f, "remote-port", "1024-17407", why) == 0 &&
		app_flow_set_key(f, "remote-mac", "02:00:00:00:00:02", why) == 0 &&
		app_flow_set_check(f, why) == 0;
}

static bool
make_engine(void)
{
	char why[APP_WHY] = "";

	in = rte_ring_create("tax_in", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	out = rte_ring_create("tax_out", 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	pool = rte_pktmbuf_pool_create(
		"tax", 255, 0, CHIM_NBL_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (in == NULL || out == NULL || pool == NULL || !make_frames() || !choose_options() ||
		rte_eth_from_rings("tax", &in, 1, &out, 1, SOCKET_ID_ANY) < 0 ||
		rte_eal_hotplug_add("vdev", "net_null0", "no-rx=1") != 0)
		return false;
	if (app_engine_create(&engine, &options, why) == 0)
		return true;
	printf("%s\n", why);
	return false;
}

static int
tax_perf(void)
{
	bool is_right = make_engine() && sample("plain forwarding", forward) &&
		sample("passed on, nothing offloaded", pass) && sample_with_many();

	app_engine_destroy(&engine);
	rte_ring_free(in);
	rte_ring_free(out);
	if (is_right)
		figures_report(&figures);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}
REGISTER_TEST_COMMAND(tax_perf, tax_perf)
