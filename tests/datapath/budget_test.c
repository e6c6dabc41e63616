/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * No source starves another: one of them is flooded far beyond its budget,
 * turn after turn, and in each of these turns every other one has a thing to
 * do, which is done in that very turn. And what all workers share out between
 * them, the budget of challenge ACKs.
 *
 * Worker 0 is the one that is looked at; worker 1 reads a queue of the wire
 * for it.
 */
#include <string.h>

#include "rings.h"

#define TURNS	   15u	/* less than a timeout of what is sent and not acknowledged */
#define FLOOD	   100u /* more than the budget of any source */
#define CROWD	   400u /* connections whose time comes all at once */
#define STEP_MS	   50u
#define RING	   1024u
#define OTHER_HOST 0u

enum source {
	FROM_WIRE,
	FROM_KERNEL,
	FROM_HOST,
	FROM_CTL,
	FROM_WORKER,
	FROM_TIME,
	FROM_HOLDS,
	FROM_SCAN,
	NB_SOURCES
};

struct bed {
	struct rings r;
	uint16_t wire, via, host, timer, miss; /* flows of worker 0 */
	chim_handle_t h_host;
	uint32_t turn;
	const struct chim_dp_counters *n;
};

static uint16_t
next_flow(const struct rings *r, uint16_t flow)
{
	do {
		flow++;
	} while (rings_owner(r, flow) != 0);
	return flow;
}

/* A peer that is asked every STEP_MS whether it is there. */
static void
install_timed(struct rings *r, uint16_t flow)
{
	struct chim_msg *msg = rings_install_msg(r, flow);

	msg->tcp.cached.flags = CHIM_TCP_KEEP_ALIVE_ENABLED;
	msg->tcp.cached.ka_timeout = STEP_MS;
	msg->tcp.cached.ka_interval = STEP_MS;
	msg->tcp.cached.ka_probe_count = 255;
	msg->tcp.delegated.keep_alive_timeout_delta = STEP_MS;
	assert_int_equal(rings_call(r, 0, msg), CHIM_STATUS_SUCCESS);
}

/* What needs a crowd before the flood. */
static void
prepare(struct bed *b, enum source flooded)
{
	uint16_t flow = b->miss;

	for (uint32_t i = 0; i < CROWD; i++) {
		flow = next_flow(&b->r, flow);
		if (flooded == FROM_TIME)
			install_timed(&b->r, flow);
		else if (flooded == FROM_SCAN)
			rings_install(&b->r, flow);
		else if (flooded == FROM_HOLDS)
			assert_int_equal(rings_hold(&b->r, flow, 1, 0), CHIM_STATUS_SUCCESS);
		else
			return;
		rings_wire_drain(&b->r);
	}
}

static void
bed_up(struct bed *b, enum source flooded)
{
	struct rings *r = &b->r;

	rings_up(r,
		&(struct rings_opts){ .nb_workers = 2,
			.max_connections = CROWD + 16,
			.max_holds = CROWD,
			.host_entries = RING,
			.wire_size = 4095,
			.kernel_size = 4095,
			.nb_mbufs = 16383 });
	b->turn = 0;
	b->n = chim_dp_counters(r->worker[0]);
	b->wire = rings_flow_of(r, 0);
	b->via = next_flow(r, b->wire);
	b->host = next_flow(r, b->via);
	b->timer = next_flow(r, b->host);
	b->miss = next_flow(r, b->timer);
	rings_install(r, b->wire);
	rings_install(r, b->via);
	b->h_host = rings_install(r, b->host);
	install_timed(r, b->timer);
	prepare(b, flooded);
	rings_wire_drain(r);
}

/* ---- the flood ---- */

static void
flood_host(struct bed *b)
{
	struct chim_chan *ring = b->r.target->slot[OTHER_HOST].to_worker[0];
	const struct chim_io io = { .op = CHIM_IO_RETURN };

	while (chim_chan_put(ring, &io, 1) == 1)
		;
}

static void
flood_ctl(struct bed *b)
{
	while (chim_box_room(b->r.to[0]) != 0) {
		struct chim_msg *msg = rings_msg(&b->r, CHIM_MSG_STATS);

		msg->stats.family = CHIM_AF_INET;
		rings_send(&b->r, 0, msg);
	}
}

/* Worker 1 reads frames of worker 0 as fast as the mailbox between them takes them. */
static void
flood_worker(struct bed *b)
{
	for (uint32_t i = 0; i < 255; i++)
		rings_wire_in(&b->r, 1, rings_data(&b->r, b->miss, i, 1));
	for (uint32_t i = 0; i < 255 / CHIM_BURST; i++)
		chim_dp_poll(b->r.worker[1], b->r.now);
}

/* A change of the path that no connection has heard of yet. */
static void
flood_scan(struct bed *b)
{
	struct chim_msg *msg = rings_msg(&b->r, CHIM_MSG_PATH_SET);

	msg->path = (struct chim_msg_path){
		.mtu = 1500 - b->turn % 2, .source = { 10, 0, 0, 1 }, .destination = { 10, 0, 0, 2 }
	};
	rings_send(&b->r, 0, msg);
}

static void
flood(struct bed *b, enum source s)
{
	for (uint32_t i = 0; s == FROM_WIRE && i < FLOOD; i++)
		rings_wire_in(&b->r, 0, rings_data(&b->r, b->miss, i, 1));
	for (uint32_t i = 0; s == FROM_KERNEL && i < FLOOD; i++)
		rings_kernel_in(&b->r, 0, rings_kernel_data(&b->r, b->miss, i, 1));
	if (s == FROM_HOST)
		flood_host(b);
	else if (s == FROM_CTL)
		flood_ctl(b);
	else if (s == FROM_WORKER)
		flood_worker(b);
	else if (s == FROM_SCAN)
		flood_scan(b);
}

/* ---- the others ---- */

/* One thing of each source but the flooded one. */
static void
offer(struct bed *b, enum source flooded)
{
	if (flooded != FROM_WIRE)
		rings_wire_in(&b->r, 0, rings_data(&b->r, b->wire, b->turn * 10, 10));
	if (flooded != FROM_KERNEL)
		rings_kernel_in(&b->r, 0, rings_kernel_data(&b->r, b->miss, b->turn, 1));
	if (flooded != FROM_CTL)
		rings_send(&b->r, 0, rings_msg(&b->r, CHIM_MSG_PARAMS));
	if (flooded != FROM_WORKER) {
		rings_wire_in(&b->r, 1, rings_data(&b->r, b->via, b->turn * 10, 10));
		chim_dp_poll(b->r.worker[1], b->r.now);
	}
	rings_host_send(&b->r, b->h_host, 10);
}

static bool
is_answered(struct bed *b, uint16_t kind)
{
	bool is_there = false;
	struct chim_msg *msg;

	while ((msg = rings_reply(&b->r, 0)) != NULL)
		is_there = is_there || msg->kind == kind;
	return is_there;
}

/* What the hosts were told; what they were lent goes back. @return octets of the peers. */
static uint32_t
take_news(struct bed *b)
{
	uint32_t bytes = 0;
	struct chim_io io;

	while (rings_collect(&b->r, 0, &io)) {
		if (io.op != CHIM_IO_INDICATE)
			continue;
		bytes += io.bytes;
		io.op = CHIM_IO_RETURN;
		rings_post(&b->r, &io);
	}
	return bytes;
}

/* @return whether ten new octets of the host's have gone to the wire. */
static bool
has_sent(struct bed *b)
{
	bool is_there = false;
	struct chim_seg seg;

	while (rings_wire_seg(&b->r, &seg))
		is_there = is_there || (seg.len == 10 && seg.seq == RINGS_OUR_SEQ + b->turn * 10);
	return is_there;
}

static void
expect_progress(struct bed *b, const struct chim_dp_counters *was, enum source flooded)
{
	const struct chim_dp_counters *n = b->n;
	uint32_t bytes = take_news(b);

	assert_int_equal(
		bytes, (flooded != FROM_WIRE ? 10u : 0u) + (flooded != FROM_WORKER ? 10u : 0u));
	assert_true(has_sent(b));
	assert_true(n->kernel_rx_frames > was->kernel_rx_frames);
	assert_true(n->tcp.keepalive_probes > was->tcp.keepalive_probes);
	if (flooded != FROM_CTL)
		assert_true(is_answered(b, CHIM_MSG_PARAMS));
	else
		assert_true(is_answered(b, CHIM_MSG_STATS));
}

/* The flooded source gets its share too, and no more than that. */
static uint64_t
taken(const struct bed *b, enum source s)
{
	switch (s) {
	case FROM_WIRE:
		return b->n->rx_frames;
	case FROM_KERNEL:
		return b->n->kernel_rx_frames;
	case FROM_HOST:
		return b->n->host_io;
	case FROM_CTL:
		return b->n->commands;
	case FROM_WORKER:
		return b->n->why[CHIM_WHY_MISS];
	case FROM_TIME:
		return b->n->tcp.keepalive_probes;
	case FROM_HOLDS:
		return b->n->holds_ended;
	default:
		return 0;
	}
}

static void
run_flood(enum source flooded, uint32_t most)
{
	uint64_t before;
	struct bed b;

	bed_up(&b, flooded);
	before = taken(&b, flooded);
	for (b.turn = 0; b.turn < TURNS; b.turn++) {
		struct chim_dp_counters was = *b.n;
		uint64_t share = taken(&b, flooded);

		b.r.now += STEP_MS * CHIM_US_PER_MS;
		flood(&b, flooded);
		offer(&b, flooded);
		chim_dp_poll(b.r.worker[0], b.r.now);
		expect_progress(&b, &was, flooded);
		assert_in_range(taken(&b, flooded) - share, 0, most);
		rings_kernel_drain(&b.r);
	}
	if (flooded != FROM_SCAN)
		assert_true(taken(&b, flooded) - before >= RTE_MIN(CROWD, TURNS * (most - 3)));
	rings_settle(&b.r);
	is_answered(&b, 0);
	rings_down(&b.r);
}

static void
a_flood_from_the_wire_starves_no_other_source(void **state)
{
	run_flood(FROM_WIRE, 32);
}

static void
a_flood_from_the_kernel_starves_no_other_source(void **state)
{
	run_flood(FROM_KERNEL, 32);
}

/* Each host has a budget of its own: the other one's operations are done too. */
static void
a_flood_of_one_hosts_operations_starves_no_other_source(void **state)
{
	run_flood(FROM_HOST, 64 + 3);
}

static void
a_flood_of_commands_starves_no_other_source(void **state)
{
	run_flood(FROM_CTL, 32);
}

static void
a_flood_from_another_worker_starves_no_other_source(void **state)
{
	run_flood(FROM_WORKER, 64);
}

static void
a_flood_of_timers_starves_no_other_source(void **state)
{
	run_flood(FROM_TIME, 64);
}

static void
a_flood_of_holds_that_end_starves_no_other_source(void **state)
{
	run_flood(FROM_HOLDS, 32);
}

static void
a_flood_of_changed_paths_starves_no_other_source(void **state)
{
	run_flood(FROM_SCAN, 0);
}

/* ---- challenge ACKs ---- */

/* A flood of blind ACKs at a connection of each worker; challenges of a second. */
static uint32_t
challenge_all(struct rings *r, const uint16_t *flow)
{
	uint64_t before = 0, after = 0;

	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		before += chim_dp_counters(r->worker[i])->tcp.challenge_acks;
	for (uint32_t k = 0; k < 150; k++) {
		for (uint32_t i = 0; i < r->opts.nb_workers; i++)
			rings_wire_in(r, i, rings_ack(r, flow[i], 1000));
		rings_poll(r);
		rings_wire_drain(r);
	}
	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		after += chim_dp_counters(r->worker[i])->tcp.challenge_acks;
	return (uint32_t)(after - before);
}

/* RFC 5961, 7: one limit for the stack, and no constant that somebody could count (CVE-2016-5696)
 */
static void
all_workers_together_keep_the_limit_of_challenges(void **state)
{
	for (uint32_t nb = 1; nb <= RINGS_MAX; nb++) {
		uint32_t limit = 101, least = UINT32_MAX, most = 0;
		uint16_t flow[RINGS_MAX];
		struct rings r;

		rings_up(&r, &(struct rings_opts){ .nb_workers = nb, .challenges = limit });
		for (uint32_t i = 0; i < nb; i++) {
			flow[i] = rings_flow_of(&r, i);
			rings_install(&r, flow[i]);
		}
		for (uint32_t s = 0; s < 20; s++) {
			uint32_t sent = challenge_all(&r, flow);

			least = RTE_MIN(least, sent);
			most = RTE_MAX(most, sent);
			rings_wait(&r, 1000);
			rings_wire_drain(&r);
		}
		assert_in_range(most, limit / 2, limit);
		assert_in_range(least, limit / 2, most - 1);
		rings_down(&r);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_flood_from_the_wire_starves_no_other_source),
	cmocka_unit_test(a_flood_from_the_kernel_starves_no_other_source),
	cmocka_unit_test(a_flood_of_one_hosts_operations_starves_no_other_source),
	cmocka_unit_test(a_flood_of_commands_starves_no_other_source),
	cmocka_unit_test(a_flood_from_another_worker_starves_no_other_source),
	cmocka_unit_test(a_flood_of_timers_starves_no_other_source),
	cmocka_unit_test(a_flood_of_holds_that_end_starves_no_other_source),
	cmocka_unit_test(a_flood_of_changed_paths_starves_no_other_source),
	cmocka_unit_test(all_workers_together_keep_the_limit_of_challenges),
};
CHIM_CMOCKA_SUITE(dp_budget_autotest, tests, NULL, NULL)
