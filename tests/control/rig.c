/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See rig.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "rig.h"

#define POOL_SIZE 255u

static uint32_t
or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

static void
make_workers(struct rig *r, struct chim_ctl_config *c)
{
	char name[32];

	for (uint32_t w = 0; w < r->cfg.nb_workers; w++) {
		snprintf(name, sizeof(name), "rig_in_%u", w);
		r->box[2 * w] = chim_box_create(name, r->cfg.box_entries, SOCKET_ID_ANY);
		snprintf(name, sizeof(name), "rig_out_%u", w);
		r->box[2 * w + 1] = chim_box_create(name, r->cfg.box_entries, SOCKET_ID_ANY);
		assert_non_null(r->box[2 * w]);
		assert_non_null(r->box[2 * w + 1]);
		c->to_worker[w] = r->box[2 * w];
		c->from_worker[w] = r->box[2 * w + 1];
		r->worker[w] = malloc(sizeof(struct fake_worker));
		assert_non_null(r->worker[w]);
		fake_start(
			r->worker[w], w, r->box[2 * w], r->box[2 * w + 1], r->cfg.max_connections);
	}
}

static void
make_port(struct chim_port *p, uint16_t number)
{
	p->port_number = number;
	p->mtu = 9000;
	p->mac = (struct rte_ether_addr){ { 0x02, 0, 0, 0, 0, (uint8_t)(0x10 + number) } };
}

static void
complete_config(struct rig_config *cfg)
{
	cfg->nb_workers = or_default(cfg->nb_workers, 1);
	cfg->nb_hosts = or_default(cfg->nb_hosts, 1);
	cfg->ring_entries = or_default(cfg->ring_entries, 1024);
	cfg->box_entries = or_default(cfg->box_entries, 4096);
	cfg->max_connections = or_default(cfg->max_connections, 1024);
	cfg->caps.support = or_default(cfg->caps.support,
		CHIM_CAP_IPV4 | CHIM_CAP_IPV6 | CHIM_CAP_SACK | CHIM_CAP_VLAN | CHIM_CAP_QOS |
			CHIM_CAP_MAC);
	cfg->caps.max_source_macs = or_default(cfg->caps.max_source_macs, 8);
	cfg->caps.max_vlans = or_default(cfg->caps.max_vlans, 8);
}

struct rig *
rig_open(const struct rig_config *cfg)
{
	struct chim_ctl_config c = { 0 };
	struct rig *r = calloc(1, sizeof(*r));
	char name[32];

	assert_non_null(r);
	r->cfg = *cfg;
	complete_config(&r->cfg);
	r->now = 1000000;
	r->pool = rte_pktmbuf_pool_create(
		"rig_pool", POOL_SIZE, 0, CHIM_NBL_PRIV_SIZE, 2048, SOCKET_ID_ANY);
	assert_non_null(r->pool);
	r->target = chim_target_create(&(struct chim_target_config){ .nb_hosts = RIG_HOSTS,
		.nb_workers = r->cfg.nb_workers,
		.ring_entries = r->cfg.ring_entries,
		.host_pool = r->pool,
		.socket_id = SOCKET_ID_ANY });
	assert_non_null(r->target);
	make_workers(r, &c);
	make_port(&r->port[0], 0);
	make_port(&r->port[1], 1);
	c.target = r->target;
	c.nb_workers = r->cfg.nb_workers;
	c.port[0] = &r->port[0];
	c.port[1] = &r->port[1];
	c.socket_id = SOCKET_ID_ANY;
	c.caps = r->cfg.caps;
	c.max_connections_per_worker = r->cfg.max_connections;
	c.slice = r->cfg.slice;
	c.max_messages = r->cfg.max_messages;
	c.max_requests = r->cfg.max_requests;
	memcpy(c.vlan[0], r->cfg.vlan, sizeof(r->cfg.vlan));
	r->ctl = chim_ctl_create(&c);
	assert_non_null(r->ctl);
	for (uint32_t i = 0; i < r->cfg.nb_hosts; i++) {
		snprintf(name, sizeof(name), "host%u", i);
		r->host[i] = chim_host_open(name);
		assert_non_null(r->host[i]);
	}
	return r;
}

static void
check_leaks(struct rig *r, uint32_t nb_objects)
{
	const struct chim_ctl *c = r->ctl;
	uint32_t nb_free = 0;
	const struct ctl_op *op;

	STAILQ_FOREACH (op, &c->free_ops, next)
		nb_free++;
	assert_int_equal(nb_free, c->cfg.max_requests);
	assert_int_equal(c->nb_free_messages, c->cfg.max_messages);
	assert_int_equal(rte_mempool_avail_count(c->messages), c->cfg.max_messages);
	assert_int_equal(
		c->counters.neighbors + c->counters.paths + c->counters.connections, nb_objects);
	assert_int_equal(c->nb_reserved_conns, c->counters.connections);
	assert_int_equal(rte_mempool_avail_count(r->pool), POOL_SIZE);
}

void
rig_close_with(struct rig *r, uint32_t nb_objects)
{
	rig_run(r);
	assert_false(rig_has_completion(r));
	for (uint32_t i = 0; i < RIG_HOSTS; i++) {
		if (r->host[i] != NULL)
			assert_int_equal(chim_host_close(r->host[i]), 0);
	}
	rig_run(r);
	check_leaks(r, nb_objects);
	chim_ctl_destroy(r->ctl);
	chim_target_destroy(r->target);
	for (uint32_t w = 0; w < r->cfg.nb_workers; w++) {
		fake_stop(r->worker[w]);
		free(r->worker[w]);
		chim_box_destroy(r->box[2 * w]);
		chim_box_destroy(r->box[2 * w + 1]);
	}
	rte_mempool_free(r->pool);
	while (r->memory != NULL) {
		struct rig_memory *next = r->memory->next;

		free(r->memory);
		r->memory = next;
	}
	free(r);
}

void
rig_close(struct rig *r)
{
	rig_close_with(r, 0);
}

uint32_t
rig_turn(struct rig *r)
{
	uint32_t work = chim_ctl_poll(r->ctl, r->now);

	for (uint32_t w = 0; w < r->cfg.nb_workers; w++)
		work += fake_poll(r->worker[w]);
	return work;
}

void
rig_run(struct rig *r)
{
	while (rig_turn(r) != 0)
		;
}

void *
rig_alloc(struct rig *r, size_t size)
{
	struct rig_memory *m = calloc(1, sizeof(*m) + size);

	assert_non_null(m);
	m->next = r->memory;
	r->memory = m;
	return m + 1;
}

struct rig_neighbor *
rig_neighbor(struct rig *r)
{
	struct rig_neighbor *n = rig_alloc(r, sizeof(*n));

	chim_neighbor_block_init(&n->b, &n->h);
	n->b.block.offload_handle = 0x100000 + ++r->unique;
	memcpy(n->b.cached.dl_destination, &(uint8_t[]){ 0x02, 0x99, 0, 0, 0, 1 }, 6);
	n->b.cached.host_reachability_delta = 5;
	n->b.delegated.nic_reachability_delta = 5;
	return n;
}

struct rig_path *
rig_path(struct rig *r, uint32_t family)
{
	struct rig_path *p = rig_alloc(r, sizeof(*p));
	uint32_t address = rte_cpu_to_be_32(0x0a000000 + ++r->unique);

	chim_path_block_init(&p->b, family, &p->h);
	p->b.block.offload_handle = 0x200000 + r->unique;
	memcpy(p->source, &(uint8_t[]){ 10, 255, 0, 1 }, 4);
	memcpy(p->destination, &address, 4);
	p->b.path_const.source_address = p->source;
	p->b.path_const.destination_address = p->destination;
	p->b.cached.path_mtu = 1500;
	return p;
}

struct rig_tcp *
rig_tcp(struct rig *r)
{
	struct rig_tcp *t = rig_alloc(r, sizeof(*t));

	chim_tcp_block_init(&t->b, &t->h);
	t->b.block.offload_handle = 0x300000 + ++r->unique;
	t->b.tcp_const.flags = CHIM_TCP_WINDOW_SCALING_ENABLED;
	t->b.tcp_const.local_port = rte_cpu_to_be_16((uint16_t)(1024 + r->unique % 60000));
	t->b.tcp_const.remote_port = rte_cpu_to_be_16((uint16_t)(80 + r->unique / 60000));
	t->b.tcp_const.remote_mss = 1460;
	t->b.cached.initial_rcv_wnd = 65536;
	t->b.cached.ttl = 64;
	t->b.delegated.state = CHIM_TCP_ESTABLISHED;
	t->b.delegated.snd_una = 0xfffffff0;
	t->b.delegated.snd_nxt = 0xfffffff0;
	t->b.delegated.snd_max = 0xfffffff0;
	t->b.delegated.rcv_nxt = 0xffffff00;
	return t;
}

struct rig_bare *
rig_bare(struct rig *r, chim_handle_t h)
{
	struct rig_bare *b = rig_alloc(r, sizeof(*b));

	b->h = h;
	chim_bare_block_init(&b->b, h != CHIM_HANDLE_NONE ? &b->h : NULL);
	return b;
}

void
rig_add(struct chim_block *parent, struct chim_block *child)
{
	struct chim_block **at = &parent->dependent_list;

	while (*at != NULL)
		at = &(*at)->next_block;
	*at = child;
}

void
rig_submit(struct rig *r, uint32_t op, struct chim_block *root)
{
	struct chim_request req = { .op = op, .cookie = ++r->cookie, .root = root };

	assert_int_equal(chim_host_submit(r->host[0], &req), 0);
}

enum chim_status
rig_do_request(struct rig *r, uint32_t host, struct chim_request *req)
{
	req->cookie = ++r->cookie;
	assert_int_equal(chim_host_submit(r->host[host], req), 0);
	rig_run(r);
	assert_int_equal(chim_host_reap(r->host[host], &r->last, 1), 1);
	assert_int_equal(r->last.kind, CHIM_COMPLETION_REQUEST);
	assert_int_equal(r->last.op, req->op);
	assert_int_equal(r->last.cookie, req->cookie);
	return r->last.status;
}

enum chim_status
rig_do(struct rig *r, uint32_t op, struct chim_block *root)
{
	struct chim_request req = { .op = op, .root = root };
	enum chim_status status = rig_do_request(r, 0, &req);

	assert_ptr_equal(r->last.root, root);
	return status;
}

struct chim_completion
rig_reap(struct rig *r)
{
	struct chim_completion e;

	assert_int_equal(chim_host_reap(r->host[0], &e, 1), 1);
	return e;
}

bool
rig_has_completion(struct rig *r)
{
	return r->host[0] != NULL && chim_chan_count(r->target->slot[0].completions) != 0;
}

struct rig_trio
rig_offload(struct rig *r)
{
	struct rig_trio t = { rig_neighbor(r), rig_path(r, CHIM_AF_INET), rig_tcp(r) };

	rig_add(&t.n->b.block, &t.p->b.block);
	rig_add(&t.p->b.block, &t.t->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &t.n->b.block), CHIM_STATUS_SUCCESS);
	return t;
}

void
rig_remove(struct rig *r, chim_handle_t h)
{
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &rig_bare(r, h)->b), CHIM_STATUS_SUCCESS);
}

void
rig_terminate(struct rig *r, const struct rig_trio *t)
{
	rig_remove(r, t->t->h);
	rig_remove(r, t->p->h);
	rig_remove(r, t->n->h);
}

struct rte_mbuf *
rig_buffer(struct rig *r, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	memset(rte_pktmbuf_append(m, (uint16_t)len), 'x', len);
	return m;
}
