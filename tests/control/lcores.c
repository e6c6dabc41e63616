/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See lcores.h.
 */
#include <sched.h>
#include <string.h>

#include <rte_lcore.h>

#include "lcores.h"
#include "pools.h"

#define MAX_POSTED 6000u
#define MAX_UNREAD 6000u

/* ---- the threads ---- */

static void *
lcore_main(void *arg)
{
	struct lcore *l = arg;
	struct world *w = l->world;
	bool is_lcore = rte_thread_register() == 0;

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		if (l->poll(l->what, atomic_load_explicit(&w->now, memory_order_relaxed)) == 0)
			sched_yield();
	}
	if (is_lcore)
		rte_thread_unregister();
	return NULL;
}

static uint32_t
poll_ctl(void *what, chim_us_t now)
{
	return chim_ctl_poll(what, now);
}

static uint32_t
poll_worker(void *what, chim_us_t now)
{
	return chim_dp_poll(what, now);
}

void
world_start(struct world *w)
{
	w->lcore[0] = (struct lcore){ .world = w, .poll = poll_ctl, .what = w->ctl };
	for (uint32_t i = 0; i < RINGS_WORKERS; i++)
		w->lcore[1 + i] =
			(struct lcore){ .world = w, .poll = poll_worker, .what = w->r.worker[i] };
	for (uint32_t i = 0; i < CHIM_DIM(w->lcore); i++) {
		struct lcore *l = &w->lcore[i];

		/* lint hygiene: threads are what is tested; their time is the test's */
		assert_int_equal(pthread_create(&l->thread, NULL, lcore_main, l), 0);
	}
}

void
world_stop(struct world *w)
{
	atomic_store(&w->stop, true);
	for (uint32_t i = 0; i < CHIM_DIM(w->lcore); i++)
		pthread_join(w->lcore[i].thread, NULL);
}

/* ---- set-up ---- */

static uint16_t
flow_of(const struct world *w, const struct conn *c)
{
	for (uint16_t f = 0; f < FAMILIES; f++) {
		if (c >= w->family[f].conn && c < w->family[f].conn + CONNS)
			return (uint16_t)(f * CONNS + (c - w->family[f].conn));
	}
	return UINT16_MAX;
}

static void
fill_conn(struct world *w, struct conn *c)
{
	const struct chim_msg *model = rings_install_msg(&w->r, flow_of(w, c));

	chim_tcp_block_init(&c->b, &c->h);
	c->b.tcp_const = model->tcp.tcp_const;
	c->b.cached = model->tcp.cached;
	c->b.delegated = model->tcp.delegated;
	c->b.block.offload_handle = flow_of(w, c);
}

static void
fill_family(struct world *w, struct family *f)
{
	struct chim_tuple tuple = rings_tuple(0);

	chim_neighbor_block_init(&f->n, &f->nh);
	memcpy(f->n.cached.dl_destination, &(uint8_t[]){ 2, 0, 0, 0, 0, 9 }, 6);
	chim_path_block_init(&f->p, CHIM_AF_INET, &f->ph);
	memcpy(f->source, tuple.local_addr, sizeof(f->source));
	memcpy(f->destination, tuple.remote_addr, sizeof(f->destination));
	f->p.path_const.source_address = f->source;
	f->p.path_const.destination_address = f->destination;
	f->p.cached.path_mtu = 1500;
	for (uint32_t i = 0; i < CONNS; i++)
		fill_conn(w, &f->conn[i]);
}

void
world_set_up(struct world *w, uint64_t seed)
{
	struct chim_ctl_config c = { .nb_workers = RINGS_WORKERS,
		.socket_id = SOCKET_ID_ANY,
		.max_connections_per_worker = FAMILIES * CONNS,
		.slice = 1 + (uint32_t)(seed % 5),
		.max_messages = 8 + (uint32_t)(seed % 30),
		.caps = { .max_paths = FAMILIES, .max_neighbors = FAMILIES } };

	memset(w, 0, sizeof(*w));
	w->random = seed ^ 0x5DEECE66D;
	rings_up(&w->r,
		&(struct rings_opts){ .nb_workers = RINGS_WORKERS,
			.max_connections = FAMILIES * CONNS,
			.max_paths = FAMILIES,
			.max_holds = 2 * FAMILIES * CONNS,
			.nb_mbufs = 8191,
			.is_bare = true });
	atomic_store(&w->now, w->r.now);
	c.target = w->r.target;
	c.port[0] = &w->r.port;
	for (uint32_t i = 0; i < RINGS_WORKERS; i++) {
		c.to_worker[i] = w->r.to[i];
		c.from_worker[i] = w->r.from[i];
	}
	w->ctl = chim_ctl_create(&c);
	assert_non_null(w->ctl);
	w->host = chim_host_open("lcores");
	assert_non_null(w->host);
	for (uint32_t i = 0; i < FAMILIES; i++) {
		w->family[i].random = seed * 1000 + i + 1;
		fill_family(w, &w->family[i]);
	}
}

/* ---- what the workers say ---- */

static struct conn *
conn_of(struct world *w, uint64_t flow)
{
	return &w->family[flow / CONNS % FAMILIES].conn[flow % CONNS];
}

/* Received bytes, in their order. */
void
world_read(struct world *w, struct conn *c, struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next) {
		for (uint32_t i = 0; i < m->data_len; i++, c->delivered++) {
			uint8_t byte = *rte_pktmbuf_mtod_offset(m, uint8_t *, i);

			EXPECT(w, byte == frame_byte(RINGS_PEER_SEQ + c->delivered));
		}
	}
	EXPECT(w, c->delivered <= c->injected);
}

bool
world_collect(struct world *w)
{
	struct chim_io io;
	bool is_any = false;

	while (chim_host_collect(w->host, &io, 1) == 1) {
		is_any = true;
		if (io.op == CHIM_IO_INDICATE) {
			world_read(w, conn_of(w, io.offload_handle), io.m);
			chim_nbl(io.m)->next = w->give_back;
			w->give_back = io.m;
			continue;
		}
		/* Nothing is acknowledged, so nothing completes; what was invalidated says so. */
		EXPECT(w,
			io.op == CHIM_IO_EVENT && io.event == CHIM_EVENT_RETRIEVE &&
				io.info == CHIM_UPLOAD_INVALID_STATE);
	}
	w->give_back = chim_host_return(w->host, w->give_back);
	return is_any;
}

/* ---- data ---- */

static void
peer_sends(struct world *w, struct conn *c)
{
	uint16_t flow = flow_of(w, c);
	uint32_t queue = rings_owner(&w->r, flow);
	uint16_t len = (uint16_t)(1 + pools_below(&w->random, 1000));

	if (!c->is_known || c->injected - c->delivered + len > MAX_UNREAD ||
		rte_ring_free_count(w->r.wire.in[queue]) == 0)
		return;
	rings_wire_in(&w->r, queue, rings_data(&w->r, flow, c->injected, len));
	c->injected += len;
}

static void
host_sends(struct world *w, const struct family *f, struct conn *c)
{
	uint16_t len = (uint16_t)(1 + pools_below(&w->random, 500));
	struct chim_io io = { .op = CHIM_IO_SEND, .handle = c->h };
	uint8_t *to;

	if (!c->is_live || c->posted + len > MAX_POSTED ||
		(f->pending != 0 && f->op == CHIM_OP_TERMINATE))
		return;
	io.m = rte_pktmbuf_alloc(chim_host_pool(w->host));
	EXPECT(w, io.m != NULL);
	if (io.m == NULL)
		return;
	memset(chim_nbl(io.m), 0, sizeof(struct chim_nbl));
	to = (uint8_t *)rte_pktmbuf_append(io.m, len);
	for (uint32_t i = 0; i < len; i++)
		to[i] = frame_byte(RINGS_OUR_SEQ + c->posted + i);
	if (chim_host_post(w->host, &io) == 0)
		c->posted += len;
	else
		rte_pktmbuf_free(io.m);
}

void
world_drain(struct world *w)
{
	rings_wire_drain(&w->r);
	w->nb_for_kernel += rings_kernel_drain(&w->r);
}

void
world_move_data(struct world *w)
{
	struct family *f = &w->family[pools_below(&w->random, FAMILIES)];
	struct conn *c = &f->conn[pools_below(&w->random, CONNS)];

	peer_sends(w, c);
	if (pools_below(&w->random, 4) == 0)
		host_sends(w, f, c);
	world_drain(w);
}
