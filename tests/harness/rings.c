/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Setting up and taking down workers on net_ring ports, and the roles of the
 * wire and of the kernel. ctl's and the host's roles are in roles.c.
 */
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "rings.h"

#define NB_MSGS	       256u
#define DEFAULT_MBUFS  2047u
#define DEFAULT_FRAMES 1023u
#define MAX_TURNS      10000u
#define RSS_KEY_LEN    40u

static uint32_t
or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

static struct rte_ring *
make_ring(const char *what, uint32_t queue, uint32_t size)
{
	struct rte_ring *ring;
	char name[32];

	snprintf(name, sizeof(name), "rings_%s_%u", what, queue);
	ring = rte_ring_create(
		name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	assert_non_null(ring);
	return ring;
}

static void
make_dev(struct rings_dev *d, const char *name, uint32_t nb_queues, uint32_t out_size)
{
	char what[16];
	int port;

	for (uint32_t i = 0; i < nb_queues; i++) {
		snprintf(what, sizeof(what), "%s_in", name);
		d->in[i] = make_ring(what, i, 4095);
		snprintf(what, sizeof(what), "%s_out", name);
		d->out[i] = make_ring(what, i, out_size);
	}
	port = rte_eth_from_rings(name, d->in, nb_queues, d->out, nb_queues, 0);
	assert_true(port >= 0);
}

static void
free_dev(struct rings_dev *d, const char *name)
{
	if (d->in[0] != NULL)
		rte_eal_hotplug_remove("vdev", name);
	for (uint32_t i = 0; i < RINGS_MAX; i++) {
		rte_ring_free(d->in[i]);
		rte_ring_free(d->out[i]);
	}
}

static void
start_port(struct rings *r)
{
	const struct rings_opts *o = &r->opts;
	uint32_t nb_queues = o->has_one_queue ? 1 : o->nb_workers;
	struct chim_port_config cfg = {
		.wire = "net_ring_wire",
		.exception = o->has_no_exception ? NULL : "net_ring_kern",
		.nb_workers = (uint16_t)o->nb_workers,
	};
	char why[256];
	int rc;

	if (o->port != NULL) {
		r->port = *o->port;
		return;
	}
	make_dev(&r->wire, "wire", nb_queues, or_default(o->wire_size, DEFAULT_FRAMES));
	if (!o->has_no_exception)
		make_dev(&r->kernel, "kern", nb_queues, or_default(o->kernel_size, DEFAULT_FRAMES));
	for (uint32_t i = 0; i < o->nb_workers; i++)
		cfg.pool[i] = r->pool;
	rc = chim_port_start(&r->port, &cfg, why, sizeof(why));
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
	assert_int_equal(r->port.nb_queues, nb_queues);
	if (o->has_only_these)
		r->port.tx_offloads = 0;
	r->port.tx_offloads |= o->tx_offloads;
	if (o->tx_frame_mbufs != 0)
		r->port.tx_frame_mbufs = o->tx_frame_mbufs;
	if (o->rss_key != NULL) {
		r->port.has_rss = true;
		r->port.rss_key_len = RSS_KEY_LEN;
		memcpy(r->port.rss_key, o->rss_key, RSS_KEY_LEN);
	}
}

static void
make_pools(struct rings *r)
{
	uint32_t nb = or_default(r->opts.nb_mbufs, DEFAULT_MBUFS);

	/* Without a cache an empty pool is empty. */
	r->pool = rte_pktmbuf_pool_create("rings_pool", nb, r->opts.mbuf_cache, CHIM_NBL_PRIV_SIZE,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(r->pool);
	r->clone_pool = rte_pktmbuf_pool_create(
		"rings_clones", 1023, 0, CHIM_NBL_PRIV_SIZE, 0, SOCKET_ID_ANY);
	assert_non_null(r->clone_pool);
}

static void
make_mailboxes(struct rings *r)
{
	uint32_t size = or_default(r->opts.mailbox_size, 63);
	char name[32];

	for (uint32_t i = 0; i < r->opts.nb_workers; i++) {
		snprintf(name, sizeof(name), "rings_to_%u", i);
		r->to[i] = chim_box_create(name, size, SOCKET_ID_ANY);
		assert_non_null(r->to[i]);
		snprintf(name, sizeof(name), "rings_from_%u", i);
		r->from[i] = chim_box_create(name, size, SOCKET_ID_ANY);
		assert_non_null(r->from[i]);
		for (uint32_t k = 0; k < r->opts.nb_workers; k++) {
			if (i == k)
				continue;
			snprintf(name, sizeof(name), "rings_between_%u_%u", i, k);
			r->between[i][k] = chim_box_create(name, 255, SOCKET_ID_ANY);
			assert_non_null(r->between[i][k]);
		}
	}
}

static void
make_target(struct rings *r)
{
	const struct chim_target_config cfg = {
		.nb_hosts = RINGS_HOST + 1,
		.nb_workers = r->opts.nb_workers,
		.ring_entries = or_default(r->opts.host_entries, 64),
		.host_pool = r->pool,
		.socket_id = SOCKET_ID_ANY,
	};

	r->target = chim_target_create(&cfg);
	assert_non_null(r->target);
	for (uint32_t i = 0; i <= RINGS_HOST && !r->opts.is_bare; i++)
		atomic_store(&r->target->slot[i].state, CHIM_SLOT_OPEN);
}

static void
make_worker(struct rings *r, uint32_t id)
{
	const struct rings_opts *o = &r->opts;
	struct chim_dp_config cfg = {
		.id = id,
		.nb_workers = o->nb_workers,
		.socket_id = SOCKET_ID_ANY,
		.max_connections = or_default(o->max_connections, 16),
		.max_ip6 = o->max_ip6,
		.max_paths = or_default(o->max_paths, 4),
		.max_neighbors = or_default(o->max_paths, 4),
		.max_holds = or_default(o->max_holds, 8),
		.max_hold_bytes = o->max_hold_bytes,
		.target = r->target,
		.from_ctl = r->to[id],
		.to_ctl = r->from[id],
		.port = { &r->port },
		.pool = r->pool,
		.clone_pool = r->clone_pool,
		.random_seed = 42 + id,
		.deliver_to_wrong_worker = o->deliver_to_wrong_worker,
	};

	chim_tcp_config_init(&cfg.tcp);
	cfg.tcp.challenge_per_second = or_default(o->challenges, cfg.tcp.challenge_per_second);
	for (uint32_t i = 0; i < o->nb_workers; i++) {
		cfg.to_worker[i] = r->between[id][i];
		cfg.from_worker[i] = r->between[i][id];
	}
	r->worker[id] = chim_dp_create(&cfg);
	if (r->worker[id] == NULL)
		print_error("worker: %s\n", rte_strerror(rte_errno));
	assert_non_null(r->worker[id]);
}

void
rings_up(struct rings *r, const struct rings_opts *opts)
{
	memset(r, 0, sizeof(*r));
	r->opts = *opts;
	r->opts.nb_workers = or_default(opts->nb_workers, 1);
	assert_true(r->opts.nb_workers <= RINGS_MAX);
	r->now = RINGS_START_US;
	make_pools(r);
	start_port(r);
	make_target(r);
	make_mailboxes(r);
	r->msg = rte_zmalloc("rings_msgs", NB_MSGS * sizeof(struct chim_msg), 64);
	assert_non_null(r->msg);
	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		make_worker(r, i);
	if (r->opts.is_bare)
		return;
	rings_set_neighbor(r, 2, false);
	rings_set_path(r, 0, 1500);
}

struct chim_msg *
rings_msg(struct rings *r, enum chim_msg_op kind)
{
	struct chim_msg *msg = &r->msg[r->next_msg++ % NB_MSGS];

	memset(msg, 0, sizeof(*msg));
	msg->kind = kind;
	msg->host = RINGS_HOST;
	return msg;
}

/* What the workers passed each other and did not get to: mbufs, tagged in their low bits. */
static void
free_parcels(struct chim_box *box)
{
	void *parcel;

	while (box != NULL && chim_box_take(box, &parcel, 1) == 1)
		rte_pktmbuf_free((void *)((uintptr_t)parcel & ~(uintptr_t)63));
	chim_box_destroy(box);
}

void
rings_down(struct rings *r)
{
	rings_host_drop(r);
	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		chim_dp_destroy(r->worker[i]);
	for (uint32_t i = 0; i < r->opts.nb_workers; i++) {
		struct rte_mbuf *m;

		rings_wire_drain(r);
		rings_kernel_drain(r);
		while (r->wire.in[i] != NULL && rte_ring_dequeue(r->wire.in[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		while (r->kernel.in[i] != NULL &&
			rte_ring_dequeue(r->kernel.in[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		chim_box_destroy(r->to[i]);
		chim_box_destroy(r->from[i]);
		for (uint32_t k = 0; k < r->opts.nb_workers; k++)
			free_parcels(r->between[i][k]);
	}
	if (r->opts.port == NULL)
		chim_port_stop(&r->port);
	free_dev(&r->wire, "net_ring_wire");
	free_dev(&r->kernel, "net_ring_kern");
	chim_target_destroy(r->target);
	rte_free(r->msg);
	assert_int_equal(rte_mempool_in_use_count(r->pool), 0);
	assert_int_equal(rte_mempool_in_use_count(r->clone_pool), 0);
	rte_mempool_free(r->pool);
	rte_mempool_free(r->clone_pool);
}

uint32_t
rings_poll(struct rings *r)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		done += chim_dp_poll(r->worker[i], r->now);
	return done;
}

void
rings_settle(struct rings *r)
{
	for (uint32_t i = 0; i < MAX_TURNS; i++) {
		if (rings_poll(r) == 0)
			return;
	}
	fail_msg("the workers do not come to rest");
}

void
rings_wait(struct rings *r, uint32_t ms)
{
	r->now += (chim_us_t)ms * CHIM_US_PER_MS;
	rings_settle(r);
}

/* ---- the wire and the kernel ---- */

static void
frame_in(struct rings_dev *d, uint32_t queue, struct rte_mbuf *m)
{
	assert_int_equal(rte_ring_enqueue(d->in[queue], m), 0);
}

static struct rte_mbuf *
frame_out(struct rings_dev *d, uint32_t queue)
{
	struct rte_mbuf *m = NULL;

	if (d->out[queue] != NULL)
		rte_ring_dequeue(d->out[queue], (void **)&m);
	return m;
}

static uint32_t
drain(struct rings_dev *d)
{
	struct rte_mbuf *m;
	uint32_t nb = 0;

	for (uint32_t i = 0; i < RINGS_MAX; i++) {
		while ((m = frame_out(d, i)) != NULL) {
			rte_pktmbuf_free(m);
			nb++;
		}
	}
	return nb;
}

static bool
next_seg(struct rings_dev *d, enum chim_side side, struct chim_seg *seg)
{
	struct chim_burst b = { .nb = 1 };

	for (uint32_t i = 0; i < RINGS_MAX && b.m[0] == NULL; i++)
		b.m[0] = frame_out(d, i);
	if (b.m[0] == NULL)
		return false;
	rte_pktmbuf_linearize(b.m[0]);
	chim_wire_parse_burst(&b, side);
	*seg = b.seg[0];
	rte_pktmbuf_free(b.m[0]);
	return true;
}

void
rings_wire_in(struct rings *r, uint32_t queue, struct rte_mbuf *m)
{
	frame_in(&r->wire, queue, m);
}

void
rings_kernel_in(struct rings *r, uint32_t queue, struct rte_mbuf *m)
{
	frame_in(&r->kernel, queue, m);
}

struct rte_mbuf *
rings_wire_out(struct rings *r, uint32_t queue)
{
	return frame_out(&r->wire, queue);
}

struct rte_mbuf *
rings_kernel_out(struct rings *r, uint32_t queue)
{
	return frame_out(&r->kernel, queue);
}

uint32_t
rings_wire_drain(struct rings *r)
{
	return drain(&r->wire);
}

uint32_t
rings_kernel_drain(struct rings *r)
{
	return drain(&r->kernel);
}

bool
rings_wire_seg(struct rings *r, struct chim_seg *seg)
{
	return next_seg(&r->wire, CHIM_SIDE_KERNEL, seg);
}

bool
rings_kernel_seg(struct rings *r, struct chim_seg *seg)
{
	return next_seg(&r->kernel, CHIM_SIDE_WIRE, seg);
}
