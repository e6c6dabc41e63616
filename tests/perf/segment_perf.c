/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cycles a segment: classified, looked up, taken by the engine, told to the
 * host, and acknowledged; and of a request with its answer, in closed loop. In
 * bursts of 1, 8 and 32, of 1 to 1 M connections (CHIM_PERF_CONNECTIONS=n: of n
 * alone), each as likely as another or a few of them mostly; with the hash and
 * the checksum verdict of a port, and with both in software; by IPv4, and by
 * IPv6. Beside it rte_hash alone with the same keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "floors.h"
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

/* Requests that acknowledge the last answer; those of the burst before are answered meanwhile. */
#define ASKING 4096u

static uint32_t
rpc(void *arg)
{
	static uint32_t next;
	const struct load *l = arg;
	uint32_t asking = RTE_MIN(bed.nb, ASKING);
	uint32_t nb = 0;

	bed.is_software = l->is_software;
	for (uint32_t at = 0; at < BATCH; at += l->burst) {
		for (uint32_t i = 0; i < l->burst; i++, next++)
			frames[i] = segment_next(&bed, next % asking * (bed.nb / asking), l->len);
		cycles += segment_take(&bed, frames, l->burst, l->burst);
		nb += segment_answer(&bed, l->len);
	}
	return nb;
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

/* What the case before has left on its way: an answer not sent yet, or not asked for. */
static void
rest(void *arg)
{
	(void)arg;
	segment_rest(&bed);
}

#define LOAD(...) (&(struct load){ __VA_ARGS__ })
#define ROW(what, items, run, ...)                                 \
	{                                                          \
		what, items, run, LOAD(__VA_ARGS__), rest, &cycles \
	}

#define DATA(what, ...) ROW("data, " what, BATCH, data, .len = PAYLOAD, __VA_ARGS__)

/* Of few connections: no out of order, since a connection keeps so many holes at most, no requests
 * side by side, and none is used more than another. */
#define MANY_ONLY 5u

static int
run_cases(const char *suite, struct floors_hash *floor)
{
	const struct perf_case cases[] = {
		{ "floor: rte_hash, bursts of 32", FLOORS_BURST, floors_hash_look_up, floor, NULL },
		DATA("bursts of 1", .burst = 1),
		DATA("bursts of 8", .burst = 8),
		DATA("bursts of 32", .burst = 32),
		DATA("bursts of 1, software", .burst = 1, .is_software = true),
		DATA("bursts of 32, software", .burst = 32, .is_software = true),
		ROW("data, bursts of 32, 1448 B", BATCH, data, .burst = 32, .len = FULL),
		ROW("data, bursts of 32, 1448 B, software", BATCH, data, .burst = 32, .len = FULL,
			.is_software = true),
		ROW("pure ACK, bursts of 1", BATCH, ack, .burst = 1, .len = PAYLOAD),
		ROW("pure ACK, bursts of 8", BATCH, ack, .burst = 8, .len = PAYLOAD),
		ROW("pure ACK, bursts of 32", BATCH, ack, .burst = 32, .len = PAYLOAD),
		ROW("SACK in loss, bursts of 1", FLIGHT - 1, sack_in_loss, .burst = 1),
		ROW("SACK in loss, bursts of 32", FLIGHT - 1, sack_in_loss, .burst = 32),
		DATA("bursts of 1, skewed", .burst = 1, .is_skewed = true),
		DATA("bursts of 8, skewed", .burst = 8, .is_skewed = true),
		DATA("bursts of 32, skewed", .burst = 32, .is_skewed = true),
		ROW("out of order, bursts of 32", BATCH, out_of_order, .burst = 32, .len = PAYLOAD),
		ROW("request and answer, bursts of 32", BATCH, rpc, .burst = 32, .len = PAYLOAD),
	};

	return perf_run(suite, cases, CHIM_DIM(cases) - (bed.nb < BATCH ? MANY_ONLY : 0));
}

static void
fill_key(const void *arg, uint32_t number, void *key)
{
	union chim_key k;

	(void)arg;
	segment_key(&bed, number, &k);
	memcpy(key, &k, bed.is_ip6 ? sizeof(k.v6) : sizeof(k.v4));
}

static int
run(uint32_t nb, bool is_ip6)
{
	const struct floors_keys keys = { .nb = nb,
		.len = is_ip6 ? sizeof(struct chim_key6) : sizeof(struct chim_key4),
		.fill = fill_key };
	struct floors_hash floor;
	char suite[64];
	int rc;

	snprintf(
		suite, sizeof(suite), "segment_perf, %s%u connections", is_ip6 ? "IPv6, " : "", nb);
	printf("%s\n", suite);
	if (!segment_up(&bed, nb, is_ip6))
		return TEST_FAILED;
	rc = floors_hash_up(&floor, &keys) ? run_cases(suite, &floor) : TEST_FAILED;
	floors_hash_down(&floor);
	segment_down(&bed);
	return rc;
}

static int
segment_perf(void)
{
	const char *wanted = getenv("CHIM_PERF_CONNECTIONS");
	static const uint32_t sizes[] = { 1, 1000, 32000, 1000000 };
	int rc = TEST_SUCCESS;

	if (wanted != NULL)
		return run((uint32_t)strtoul(wanted, NULL, 0), false);
	/* A million take their time to make. */
	for (uint32_t i = 0; i < CHIM_DIM(sizes) - figures_are_quick() && rc == TEST_SUCCESS; i++)
		rc = run(sizes[i], false);
	for (uint32_t i = 0; i < CHIM_DIM(sizes) - 1 && rc == TEST_SUCCESS; i++)
		rc = run(sizes[i], true);
	return rc;
}
REGISTER_TEST_COMMAND(segment_perf, segment_perf)
