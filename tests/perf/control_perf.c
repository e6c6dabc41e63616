/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cycles a block on the control lcore for each of the five operations, for
 * trees of 1, 1,000 and 1,000,000 connections, with one and with two workers.
 * The workers only answer; their cycles are not counted. Fails when a status is
 * wrong, never by speed.
 *
 * Short trees are timed by the TSC, of which the least is what counts. A tree of
 * a million takes longer than a time slice: it is timed by what the thread got of
 * the processor, in cycles of the TSC, so that a busy machine does not count.
 *
 * The operations change what there is, so they are measured in their order of
 * life, round after round, and not one at a time as perf.h does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "chim_chan.h"
#include "chim_ctl.h"
#include "chim_handle.h"
#include "chim_host.h"
#include "chim_msg.h"
#include "figures.h"
#include "test.h"

#define LARGE	   1000000u
#define MAX_ROUNDS 41u
#define NB_OPS	   5

static struct figures figures = { .suite = "control_perf" };

static struct bench {
	uint32_t nb_workers;
	struct chim_target *target;
	struct chim_ctl *ctl;
	struct chim_host *host;
	struct chim_port port;
	struct chim_box *in[2];
	struct chim_box *out[2];
	uint32_t *free_index[2]; /* slots of a worker, as a stack */
	uint32_t nb_free[2];

	struct chim_neighbor_block neighbor;
	struct chim_path_block path;
	chim_handle_t neighbor_handle;
	chim_handle_t path_handle;
	struct chim_tcp_block *tcp;
	chim_handle_t *handle;
	struct chim_msg_tcp model; /* what a query finds */
	uint8_t address[2][16];
} b;

/* A worker that knows nothing: it gives names to connections and says yes. */
static void
answer(uint32_t w)
{
	void *burst[64];
	uint32_t nb;

	while ((nb = chim_box_take(b.in[w], burst, CHIM_DIM(burst))) != 0) {
		for (uint32_t i = 0; i < nb; i++) {
			struct chim_msg *m = burst[i];

			m->status = CHIM_STATUS_SUCCESS;
			if (m->kind == CHIM_MSG_INSTALL)
				m->handle = chim_handle_make(w, 1, b.free_index[w][--b.nb_free[w]]);
			else if (m->kind == CHIM_MSG_QUERY)
				m->tcp = b.model;
			else if (m->kind == CHIM_MSG_TERMINATE)
				b.free_index[w][b.nb_free[w]++] = chim_handle_index(m->handle);
		}
		if (chim_box_put(b.out[w], burst, nb) != nb)
			abort(); /* as many places as there are messages */
	}
}

/* Cycles of the TSC: that have passed, or that this thread had of the processor. */
static uint64_t
cycles_now(bool is_long)
{
	struct timespec t;

	if (!is_long)
		return rte_rdtsc();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)(((double)t.tv_sec + (double)t.tv_nsec * 1e-9) * (double)rte_get_tsc_hz());
}

/* Submit a tree and see it through. Returns the cycles that control took, 0 when it went wrong. */
static uint64_t
run_one(uint32_t op, struct chim_block *root, bool is_long)
{
	struct chim_request req = { .op = op, .root = root };
	struct chim_completion e;
	uint64_t took = 0;

	if (chim_host_submit(b.host, &req) != 0)
		return 0;
	while (chim_host_reap(b.host, &e, 1) == 0) {
		uint64_t start = cycles_now(is_long);

		chim_ctl_poll(b.ctl, 0);
		took += cycles_now(is_long) - start;
		for (uint32_t w = 0; w < b.nb_workers; w++)
			answer(w);
	}
	return e.status == CHIM_STATUS_SUCCESS ? took : 0;
}

static void
link_blocks(uint32_t nb)
{
	b.path.block.dependent_list = &b.tcp[0].block;
	for (uint32_t i = 0; i < nb; i++)
		b.tcp[i].block.next_block = i + 1 < nb ? &b.tcp[i + 1].block : NULL;
}

static void
fill_connections(void)
{
	for (uint32_t i = 0; i < LARGE; i++) {
		struct chim_tcp_block *t = &b.tcp[i];

		chim_tcp_block_init(t, &b.handle[i]);
		t->tcp_const.local_port = (uint16_t)(i % 65535 + 1);
		t->tcp_const.remote_port = (uint16_t)(i / 65535 + 1);
		t->tcp_const.remote_mss = 1460;
		t->cached.initial_rcv_wnd = 65536;
		t->delegated.state = CHIM_TCP_ESTABLISHED;
	}
}

static void
fill_model(void)
{
	b.model.want = CHIM_WANT_CONST | CHIM_WANT_CACHED | CHIM_WANT_DELEGATED;
	b.model.tcp_const = b.tcp[0].tcp_const;
	b.model.cached = b.tcp[0].cached;
	b.model.delegated = b.tcp[0].delegated;
}

/* The neighbor and the path stay; trees hang under the path, which is a linker then. */
static bool
offload_path(void)
{
	memcpy(b.address[0], &(uint8_t[]){ 10, 0, 0, 1 }, 4);
	memcpy(b.address[1], &(uint8_t[]){ 10, 0, 0, 2 }, 4);
	chim_neighbor_block_init(&b.neighbor, &b.neighbor_handle);
	b.neighbor.cached.dl_destination[0] = 2;
	chim_path_block_init(&b.path, CHIM_AF_INET, &b.path_handle);
	b.path.path_const.source_address = b.address[0];
	b.path.path_const.destination_address = b.address[1];
	b.path.cached.path_mtu = 1500;
	chim_block_add_dependent(&b.neighbor.block, &b.path.block);
	if (run_one(CHIM_OP_INITIATE, &b.neighbor.block, false) == 0)
		return false;
	b.path.block.header.type = CHIM_STATE_NONE;
	return true;
}

static int
start(uint32_t nb_workers)
{
	struct chim_ctl_config c = { .nb_workers = nb_workers,
		.port[0] = &b.port,
		.socket_id = SOCKET_ID_ANY,
		.max_connections_per_worker = LARGE,
		.caps = { .max_paths = 4, .max_neighbors = 4 } };
	static const char *const names[] = { "perf_in0", "perf_in1", "perf_out0", "perf_out1" };

	b.nb_workers = nb_workers;
	c.target = chim_target_create(&(struct chim_target_config){
		.nb_hosts = 1, .nb_workers = nb_workers, .socket_id = SOCKET_ID_ANY });
	b.target = c.target;
	for (uint32_t w = 0; w < nb_workers; w++) {
		b.in[w] = chim_box_create(names[w], 4096, SOCKET_ID_ANY);
		b.out[w] = chim_box_create(names[2 + w], 4096, SOCKET_ID_ANY);
		c.to_worker[w] = b.in[w];
		c.from_worker[w] = b.out[w];
		b.free_index[w] = malloc(LARGE * sizeof(uint32_t));
		if (b.in[w] == NULL || b.out[w] == NULL || b.free_index[w] == NULL)
			return -1;
		for (uint32_t i = 0; i < LARGE; i++)
			b.free_index[w][i] = LARGE - 1 - i;
		b.nb_free[w] = LARGE;
	}
	b.ctl = chim_ctl_create(&c);
	b.host = chim_host_open("control_perf");
	return b.ctl != NULL && b.host != NULL && offload_path() ? 0 : -1;
}

static void
stop(void)
{
	if (b.host != NULL)
		chim_host_close(b.host);
	chim_ctl_destroy(b.ctl);
	chim_target_destroy(b.target);
	for (uint32_t w = 0; w < b.nb_workers; w++) {
		chim_box_destroy(b.in[w]);
		chim_box_destroy(b.out[w]);
		free(b.free_index[w]);
	}
	memset(&b.host, 0, sizeof(b.host));
	b.neighbor_handle = CHIM_HANDLE_NONE;
	b.path_handle = CHIM_HANDLE_NONE;
}

static void
add(uint32_t op, uint32_t nb, double cycles)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %u workers, %u blocks", chim_op_name(op), b.nb_workers,
		nb);
	figures_add(&figures, name, "cycles/block", cycles);
	snprintf(name, sizeof(name), "%s, %u workers, %u blocks: rate", chim_op_name(op),
		b.nb_workers, nb);
	figures_add(&figures, name, "blocks/s", (double)rte_get_tsc_hz() / cycles);
}

/* One size of tree: rounds of a whole life. The path's block counts too. */
static int
measure(uint32_t nb, uint32_t rounds)
{
	static const uint32_t ops[NB_OPS] = { CHIM_OP_INITIATE, CHIM_OP_QUERY, CHIM_OP_UPDATE,
		CHIM_OP_INVALIDATE, CHIM_OP_TERMINATE };

	link_blocks(nb);
	for (uint32_t r = 0; r < rounds; r++) {
		memset(b.handle, 0, nb * sizeof(*b.handle));
		for (int i = 0; i < NB_OPS; i++) {
			/* Linked for initiate; for the rest a placeholder: the path is not to go.
			 */
			b.path.block.context = ops[i] == CHIM_OP_INITIATE ? &b.path_handle : NULL;
			uint64_t took = run_one(ops[i], &b.path.block, nb == LARGE);

			if (took == 0 || b.tcp[nb - 1].block.status != CHIM_STATUS_SUCCESS)
				return TEST_FAILED;
			add(ops[i], nb, (double)took / (nb + 1));
		}
	}
	return TEST_SUCCESS;
}

static int
measure_all(uint32_t nb_workers)
{
	static const uint32_t sizes[] = { 1, 1000, LARGE };
	static const uint32_t rounds[] = { MAX_ROUNDS, MAX_ROUNDS, 3 };
	int rc = start(nb_workers) == 0 ? TEST_SUCCESS : TEST_FAILED;

	/* A million blocks take their time to make. */
	for (uint32_t i = 0; rc == TEST_SUCCESS && i < CHIM_DIM(sizes) - figures_are_quick(); i++)
		rc = measure(sizes[i], rounds[i]);
	stop();
	return rc;
}

static int
control_perf(void)
{
	int rc = TEST_FAILED;

	b.tcp = calloc(LARGE, sizeof(*b.tcp));
	b.handle = calloc(LARGE, sizeof(*b.handle));
	if (b.tcp != NULL && b.handle != NULL) {
		fill_connections();
		fill_model();
		rc = measure_all(1);
	}
	if (rc == TEST_SUCCESS)
		rc = measure_all(2);
	if (rc == TEST_SUCCESS)
		figures_report(&figures);
	free(b.tcp);
	free(b.handle);
	return rc;
}
REGISTER_TEST_COMMAND(control_perf, control_perf)
