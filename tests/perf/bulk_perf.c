/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Data in one direction: Gbit/s of payload and busy cycles a byte of the served
 * lcore, service included, for the engine receiving (discard) and sending
 * (source), on one connection and on 32, at MSS 1448 and 8948 (with
 * timestamps). On a memif, which copies, has no offloads and takes no frame over
 * 1514 bytes; and on vhost/virtio-user: with checksums and TSO, with checksums
 * alone, and with neither.
 */
#include <stdio.h>

#include <rte_cycles.h>

#include "client.h"
#include "figures.h"
#include "test.h"

#define OPTIONS_LEN 12u /* timestamps, of each segment */

struct bulk_case {
	bool is_sending; /* the engine */
	uint32_t connections;
	uint32_t mss; /* of data */
};

struct wire_case {
	enum bed_wire wire;
	bool has_no_tso, software_only;
	const char *name;
};

static struct figures figures = { .suite = "bulk_perf" };
static struct bed bed;

static void
add_sample(const char *name, double bytes, uint64_t engine, uint64_t service, uint64_t tsc)
{
	uint64_t busy = engine + service;
	double hz = (double)rte_get_tsc_hz();
	char what[96];

	snprintf(what, sizeof(what), "%s: rate", name);
	figures_add(&figures, what, "Gbit/s", bytes * 8 * hz / (double)tsc / 1e9);
	snprintf(what, sizeof(what), "%s: busy", name);
	figures_add(&figures, what, "cycles/byte", (double)busy / bytes);
	snprintf(what, sizeof(what), "%s: engine alone", name);
	figures_add(&figures, what, "cycles/byte", (double)engine / bytes);
	/* What it would be if nothing else kept the served lcore waiting. */
	snprintf(what, sizeof(what), "%s: rate of one busy core", name);
	figures_add(&figures, what, "Gbit/s", bytes * 8 * hz / (double)busy / 1e9);
}

static bool
sample(const char *name, struct client *c)
{
	uint32_t nb = figures_are_quick() ? 5 : 21;
	uint64_t us = figures_are_quick() ? 20000 : 100000;

	if (c == NULL || !bed_serve(&bed) || !client_run(c, 5 * us))
		return false;
	for (uint32_t i = 0; i < nb; i++) {
		uint64_t worker[2], guests[2], tsc = rte_rdtsc();
		struct client_counts n[2];

		bed_busy(&bed, &worker[0], &guests[0]);
		client_counts(c, &n[0]);
		if (!client_run(c, us))
			return false;
		bed_busy(&bed, &worker[1], &guests[1]);
		client_counts(c, &n[1]);
		if (n[1].bytes == n[0].bytes || worker[1] == worker[0])
			continue; /* the machine was elsewhere */
		add_sample(name, (double)(n[1].bytes - n[0].bytes), worker[1] - worker[0],
			guests[1] - guests[0], rte_rdtsc() - tsc);
	}
	return client_drain(c);
}

static int
measure(const struct bulk_case *k, const struct wire_case *w)
{
	const struct bed_config cfg = {
		.wire = w->wire,
		.software_only = w->software_only,
		.has_no_tso = w->has_no_tso,
		.service = k->is_sending ? "source=1000G" : "discard",
		.connections = k->connections,
		.mss = k->mss + OPTIONS_LEN,
		.mtu = k->mss + OPTIONS_LEN + 40,
	};
	struct client *c;
	char name[64];
	bool is_right;
	int rc;

	snprintf(name, sizeof(name), "%s, %s %u B, %u connections", w->name,
		k->is_sending ? "sending" : "receiving", k->mss, k->connections);
	/* A memif takes no larger frames. */
	if (!(figures_are_wanted(w->name) || figures_are_wanted(name)) ||
		(w->wire == BED_MEMIF && cfg.mtu > 1500))
		return TEST_SUCCESS;
	rc = bed_up(&bed, &cfg);
	if (rc != TEST_SUCCESS)
		return rc;
	c = client_create(&bed, k->is_sending ? CLIENT_RECEIVE : CLIENT_SEND, k->mss);
	is_right = sample(name, c);
	bed_halt(&bed);
	client_destroy(c);
	bed_down(&bed);
	if (!is_right)
		printf("%s went wrong\n", name);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}

static int
bulk_perf(void)
{
	static const struct wire_case wires[] = { { BED_MEMIF, false, false, "memif" },
		{ BED_VIRTIO, false, false, "virtio" },
		{ BED_VIRTIO, true, false, "virtio, no TSO" },
		{ BED_VIRTIO, false, true, "virtio, software" } };
	int rc = TEST_SUCCESS;

	for (uint32_t w = 0; w < CHIM_DIM(wires) && rc != TEST_FAILED; w++) {
		for (uint32_t i = 0; i < 8 && rc != TEST_FAILED; i++) {
			const struct bulk_case k = { .is_sending = (i & 1) != 0,
				.connections = (i & 2) != 0 ? 32 : 1,
				.mss = (i & 4) != 0 ? 8948 : 1448 };

			rc = measure(&k, &wires[w]);
			/* A wire that this machine does not have leaves the others. */
			if (rc == TEST_SKIPPED)
				break;
		}
	}
	if (rc == TEST_FAILED)
		return rc;
	figures_report(&figures);
	return figures.nb > 0 ? TEST_SUCCESS : TEST_SKIPPED;
}
REGISTER_TEST_COMMAND(bulk_perf, bulk_perf)
