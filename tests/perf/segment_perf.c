/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cycles a segment: classified, looked up, taken by the engine, told to the
 * host, and acknowledged. In bursts of 1, 8 and 32, of 1 to 32 k connections
 * (CHIM_PERF_CONNECTIONS=n: of n alone, with -m large enough), each as likely as
 * another or a few of them mostly; with the hash and the checksum verdict of a
 * port, and with both in software.
 */
#include <stdio.h>
#include <stdlib.h>

#include "perf.h"
#include "segment.h"
#include "tcp_conn.h"
#include "worker.h"

#define BATCH	512u /* frames made, and taken, in one call */
#define PAYLOAD 64u
#define FULL	1448u

struct load {
	const char *name;
	uint32_t burst;
	uint16_t len;
	bool is_skewed;
	bool is_software;
};

static struct segment_bed bed;
static struct rte_mbuf *frames[BATCH];
static uint64_t cycles;

/* Skewed: half of the segments are of an eighth of the connections, and so on within it. */
static uint32_t
pick(const struct load *l)
{
	uint32_t n = bed.nb;

	while (l->is_skewed && n >= 8 && segment_below(&bed, 2) == 0)
		n /= 8;
	return segment_below(&bed, n);
}

/* @return how many the engine found to be plain segments: all of them. */
static uint32_t
take(uint32_t nb, uint32_t burst)
{
	uint64_t before = rings_why(&bed.r, CHIM_WHY_NONE);

	cycles += segment_take(&bed, frames, nb, burst);
	uint64_t after = rings_why(&bed.r, CHIM_WHY_NONE);

	segment_rest(&bed);
	return (uint32_t)(after - before);
}

static void
make_data(uint32_t i, uint32_t flow, uint32_t ahead, uint16_t len)
{
	struct segment_peer *p = &bed.peer[flow];

	frames[i] = segment_make(&bed,
		&(struct segment_frame){
			.flow = flow, .seq = p->seq + ahead, .ack = p->ack, .len = len });
}

static uint32_t
data(void *arg)
{
	const struct load *l = arg;

	bed.is_software = l->is_software;
	for (uint32_t i = 0; i < BATCH; i++)
		frames[i] = segment_next(&bed, pick(l), l->len);
	return take(BATCH, l->burst);
}

/* Each acknowledges one segment of several. */
static uint32_t
ack(void *arg)
{
	const struct load *l = arg;

	bed.is_software = l->is_software;
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t flow = pick(l);

		segment_send(&bed, flow, l->len);
		make_data(i, flow, 0, 0);
	}
	segment_rest(&bed);
	return take(BATCH, l->burst);
}

/* Every second segment; the others follow, not measured. */
static uint32_t
out_of_order(void *arg)
{
	const struct load *l = arg;
	static uint32_t flows[BATCH];

	for (uint32_t i = 0; i < BATCH; i++) {
		flows[i] = i % bed.nb;
		make_data(i, flows[i], l->len, l->len);
	}
	uint32_t nb = take(BATCH, l->burst);

	for (uint32_t i = 0; i < BATCH; i++) {
		make_data(i, flows[i], 0, l->len);
		bed.peer[flows[i]].seq += 2 * l->len;
	}
	segment_take(&bed, frames, BATCH, l->burst);
	segment_rest(&bed);
	return nb;
}

/* One connection has FLIGHT segments out, and lost the first; an ACK for each of the others. */
#define FLIGHT 64u

static uint32_t
sack_in_loss(void *arg)
{
	const struct load *l = arg;
	struct segment_peer *p = &bed.peer[0];
	struct chim_conn *c = dp_conn_at(bed.r.worker[0], chim_handle_index(p->handle));
	uint32_t una = p->ack;

	tcp_cc_init(&c->recover.cc, CHIM_CC_CUBIC, FLIGHT * FULL * 2, INT32_MAX);
	for (uint32_t i = 0; i < FLIGHT; i++)
		segment_send(&bed, 0, FULL);
	segment_rest(&bed);
	for (uint32_t i = 0; i < FLIGHT - 1; i++) {
		struct segment_frame f = { .seq = p->seq, .ack = una, .nb_sack = 1 };

		f.sack[0] = (struct chim_sack){ una + FULL, una + (i + 2) * FULL };
		frames[i] = segment_make(&bed, &f);
	}
	uint32_t nb = take(FLIGHT - 1, l->burst);

	make_data(0, 0, 0, 0);
	segment_take(&bed, frames, 1, 1);
	segment_rest(&bed);
	return nb;
}

/* ---- cases ---- */

#define LOAD(...) (&(struct load){ __VA_ARGS__ })
#define ROW(what, items, run, ...)                                 \
	{                                                          \
		what, items, run, LOAD(__VA_ARGS__), NULL, &cycles \
	}

static int
run(const char *suite, uint32_t nb)
{
	const struct perf_case cases[] = {
		ROW("data, bursts of 1", BATCH, data, .burst = 1, .len = PAYLOAD),
		ROW("data, bursts of 8", BATCH, data, .burst = 8, .len = PAYLOAD),
		ROW("data, bursts of 32", BATCH, data, .burst = 32, .len = PAYLOAD),
		ROW("data, bursts of 32, skewed", BATCH, data, .burst = 32, .len = PAYLOAD,
			.is_skewed = true),
		ROW("data, bursts of 32, 1448 B", BATCH, data, .burst = 32, .len = FULL),
		ROW("data, bursts of 32, software", BATCH, data, .burst = 32, .len = PAYLOAD,
			.is_software = true),
		ROW("data, bursts of 32, 1448 B, software", BATCH, data, .burst = 32, .len = FULL,
			.is_software = true),
		ROW("pure ACK, bursts of 32", BATCH, ack, .burst = 32, .len = PAYLOAD),
		ROW("SACK in loss, bursts of 32", FLIGHT - 1, sack_in_loss, .burst = 32),
		ROW("out of order, bursts of 32", BATCH, out_of_order, .burst = 32, .len = PAYLOAD),
	};
	int rc;

	if (!segment_up(&bed, nb))
		return TEST_FAILED;
	/* A connection keeps so many holes at most: the last case needs many connections. */
	rc = perf_run(suite, cases, CHIM_DIM(cases) - (nb < BATCH));
	segment_down(&bed);
	return rc;
}

static int
segment_perf(void)
{
	const char *wanted = getenv("CHIM_PERF_CONNECTIONS");
	uint32_t sizes[] = { 1, 1000, 32000 };
	uint32_t nb = CHIM_DIM(sizes);
	char suite[64];

	if (wanted != NULL) {
		sizes[0] = (uint32_t)strtoul(wanted, NULL, 0);
		nb = 1;
	}
	for (uint32_t i = 0; i < nb; i++) {
		snprintf(suite, sizeof(suite), "segment_perf, %u connections", sizes[i]);
		printf("%s\n", suite);
		if (run(suite, sizes[i]) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}
REGISTER_TEST_COMMAND(segment_perf, segment_perf)
