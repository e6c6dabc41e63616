/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Everything at once, in one thread: a host's requests go through ctl to
 * workers on net_ring ports and come back; the test plays host, wire and
 * kernel. What a layer's own suite proves is not repeated here, only that the
 * layers mean the same by what they tell each other.
 */
#include <string.h>

#include "chim_ctl.h"
#include "chim_host.h"
#include "rings.h"

#define MAX_FLOWS 100u

struct world {
	struct rings r;
	struct chim_ctl *ctl;
	struct chim_host *host;
	struct chim_neighbor_block neighbor;
	struct chim_path_block path;
	struct chim_tcp_block tcp[MAX_FLOWS];
	chim_handle_t neighbor_handle;
	chim_handle_t path_handle;
	chim_handle_t handle[MAX_FLOWS];
	uint8_t local[4];
	uint8_t remote[4];
	uint64_t cookie;
	uint32_t indicated[MAX_FLOWS]; /* bytes */
	uint32_t sent_done;	       /* bytes */
	uint32_t nb_retrieves;
};

static struct world world;

static void
open_ctl(struct world *w)
{
	struct chim_ctl_config cfg = {
		.target = w->r.target,
		.nb_workers = w->r.opts.nb_workers,
		.port = { &w->r.port },
		.socket_id = SOCKET_ID_ANY,
		.max_connections_per_worker = MAX_FLOWS,
		.max_requests = 32,
		.max_messages = 32,
		.caps = {
			.max_connections = 2 * MAX_FLOWS,
			.max_paths = 4,
			.max_neighbors = 4,
			.max_source_macs = 4,
			.max_source_ips = 4,
			.max_vlans = 4,
			.max_rcv_wnd = 1 << 20,
			.max_mtu = 9000,
			.max_send_bytes = 1 << 20,
			.max_recv_bytes = 1 << 20,
			.support = CHIM_CAP_IPV4 | CHIM_CAP_SACK,
			.params.ticks_per_second = 1000,
		},
	};

	for (uint32_t i = 0; i < w->r.opts.nb_workers; i++) {
		cfg.to_worker[i] = w->r.to[i];
		cfg.from_worker[i] = w->r.from[i];
	}
	w->ctl = chim_ctl_create(&cfg);
	assert_non_null(w->ctl);
}

static struct world *
world_open(const struct rings_opts *opts)
{
	struct world *w = &world;
	struct rings_opts o = *opts;

	memset(w, 0, sizeof(*w));
	o.is_bare = true;
	o.max_connections = MAX_FLOWS;
	o.host_entries = 256;
	rings_up(&w->r, &o);
	open_ctl(w);
	w->host = chim_host_open("layers");
	assert_non_null(w->host);
	return w;
}

static uint32_t
take_io(struct world *w)
{
	struct chim_io io;
	uint32_t nb = 0;

	while (chim_host_collect(w->host, &io, 1) == 1) {
		nb++;
		if (io.op == CHIM_IO_INDICATE) {
			assert_true(io.offload_handle >= 1000);
			w->indicated[io.offload_handle - 1000] += io.bytes;
			assert_null(chim_host_return(w->host, io.m));
			continue;
		}
		w->nb_retrieves += io.op == CHIM_IO_EVENT && io.event == CHIM_EVENT_RETRIEVE;
		for (struct rte_mbuf *m = io.m, *next; m != NULL; m = next) {
			next = chim_nbl(m)->next;
			if (chim_nbl(m)->status == CHIM_STATUS_SUCCESS)
				w->sent_done += chim_nbl(m)->bytes;
			rte_pktmbuf_free(m);
		}
	}
	return nb;
}

static void
turn_until_idle(struct world *w)
{
	uint32_t idle = 0;

	for (uint32_t i = 0; i < 100000 && idle < 3; i++) {
		uint32_t done = rings_poll(&w->r);

		done += chim_ctl_poll(w->ctl, w->r.now);
		done += take_io(w);
		idle = done != 0 ? 0 : idle + 1;
	}
	assert_true(idle == 3);
}

static void
world_close(struct world *w)
{
	assert_int_equal(chim_host_close(w->host), 0);
	chim_ctl_destroy(w->ctl);
	rings_down(&w->r);
}

/* Submit, run, and take the completion. */
static struct chim_completion
request(struct world *w, const struct chim_request *req)
{
	struct chim_request mine = *req;
	struct chim_completion c;

	mine.cookie = ++w->cookie;
	assert_int_equal(chim_host_submit(w->host, &mine), 0);
	turn_until_idle(w);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 1);
	assert_int_equal(c.kind, CHIM_COMPLETION_REQUEST);
	assert_int_equal(c.cookie, w->cookie);
	turn_until_idle(w); /* what waited for the completion to be taken */
	return c;
}

static enum chim_status
on_tree(struct world *w, enum chim_op op, struct chim_block *root)
{
	struct chim_request req = { .op = op, .root = root };

	return request(w, &req).status;
}

static struct chim_completion
on_flow(struct world *w, enum chim_op op, uint16_t flow)
{
	struct chim_request req = { .op = op, .flow.tuple = rings_tuple(flow) };

	return request(w, &req);
}

/* Neighbor -> path -> connections of flows 0 .. nb - 1. */
static struct chim_block *
plant(struct world *w, uint16_t nb)
{
	memcpy(w->local, rings_tuple(0).local_addr, 4);
	memcpy(w->remote, rings_tuple(0).remote_addr, 4);
	chim_neighbor_block_init(&w->neighbor, &w->neighbor_handle);
	w->neighbor.block.offload_handle = 7;
	w->neighbor.cached.dl_destination[0] = 2;
	w->neighbor.cached.dl_destination[5] = 2;
	chim_path_block_init(&w->path, CHIM_AF_INET, &w->path_handle);
	w->path.path_const.source_address = w->local;
	w->path.path_const.destination_address = w->remote;
	w->path.cached.path_mtu = 1500;
	chim_block_add_dependent(&w->neighbor.block, &w->path.block);
	for (uint16_t flow = 0; flow < nb; flow++) {
		const struct chim_msg_tcp *like = &rings_install_msg(&w->r, flow)->tcp;
		struct chim_tcp_block *t = &w->tcp[flow];

		chim_tcp_block_init(t, &w->handle[flow]);
		t->block.offload_handle = 1000u + flow;
		t->tcp_const = like->tcp_const;
		t->cached = like->cached;
		t->delegated = like->delegated;
		chim_block_add_dependent(&w->path.block, &t->block);
	}
	return &w->neighbor.block;
}

static void
data_in(struct world *w, uint16_t flow, uint32_t rel, uint16_t len)
{
	rings_wire_in(&w->r, 0, rings_data(&w->r, flow, rel, len));
}

static void
ack_in(struct world *w, uint16_t flow, uint32_t rel, uint32_t rel_ack)
{
	const struct frame f = { .seq = RINGS_PEER_SEQ + rel,
		.ack = RINGS_OUR_SEQ + rel_ack,
		.flags = CHIM_ACK,
		.wnd = RINGS_WND,
		.ttl = 64 };

	rings_wire_in(&w->r, 0, rings_frame(&w->r, &f, flow));
}

static void
host_sends(struct world *w, uint16_t flow, uint16_t len)
{
	struct chim_io io = { .op = CHIM_IO_SEND, .handle = w->handle[flow] };
	void *at;

	io.m = rte_pktmbuf_alloc(w->r.pool);
	assert_non_null(io.m);
	at = rte_pktmbuf_append(io.m, len);
	memset(at, 0x5A, len);
	memset(chim_nbl(io.m), 0, sizeof(struct chim_nbl));
	assert_int_equal(chim_host_post(w->host, &io), 0);
}

static void
run_life(const struct rings_opts *opts, uint16_t nb)
{
	struct world *w = world_open(opts);
	struct chim_block *root = plant(w, nb);
	uint32_t in_table = 0;

	assert_int_equal(on_tree(w, CHIM_OP_INITIATE, root), CHIM_STATUS_SUCCESS);
	for (uint16_t flow = 0; flow < nb; flow++) {
		assert_int_equal(w->tcp[flow].block.status, CHIM_STATUS_SUCCESS);
		data_in(w, flow, 0, 100);
		host_sends(w, flow, 100);
		data_in(w, flow, 100, 50);
		turn_until_idle(w);
		ack_in(w, flow, 150, 100);
	}
	turn_until_idle(w);
	for (uint32_t i = 0; i < w->r.opts.nb_workers; i++) {
		assert_true(chim_dp_nb_connections(w->r.worker[i]) > 0);
		in_table += chim_dp_nb_connections(w->r.worker[i]);
	}
	assert_int_equal(in_table, nb);
	for (uint16_t flow = 0; flow < nb; flow++)
		assert_int_equal(w->indicated[flow], 150);
	assert_int_equal(w->sent_done, 100u * nb);
	assert_int_equal(on_tree(w, CHIM_OP_TERMINATE, root), CHIM_STATUS_SUCCESS);
	for (uint16_t flow = 0; flow < nb; flow++) {
		const struct chim_tcp_delegated *d = &w->tcp[flow].delegated;

		assert_int_equal(d->rcv_nxt, (uint32_t)(RINGS_PEER_SEQ + 150));
		assert_int_equal(d->snd_una, (uint32_t)(RINGS_OUR_SEQ + 100));
		assert_null(w->tcp[flow].block.send_chain);
	}
	for (uint32_t i = 0; i < w->r.opts.nb_workers; i++)
		assert_int_equal(chim_dp_nb_connections(w->r.worker[i]), 0);
	assert_int_equal(rings_kernel_drain(&w->r), 0);
	world_close(w);
}

static void
connections_live_from_initiate_to_terminate(void **state)
{
	run_life(&(struct rings_opts){ 0 }, 1);
	run_life(&(struct rings_opts){ 0 }, MAX_FLOWS);
}

static void
and_so_they_do_on_two_workers(void **state)
{
	run_life(&(struct rings_opts){ .nb_workers = 2 }, MAX_FLOWS);
	run_life(&(struct rings_opts){ .nb_workers = 2, .deliver_to_wrong_worker = true },
		MAX_FLOWS);
	run_life(&(struct rings_opts){ .nb_workers = 2, .has_one_queue = true }, MAX_FLOWS);
}

/* Unsent and unacknowledged data comes back as the host's own buffers. */
static void
a_terminate_brings_the_hosts_own_buffers_back(void **state)
{
	struct world *w = world_open(&(struct rings_opts){ 0 });
	struct chim_block *root = plant(w, 1);
	struct rte_mbuf *m;
	uint32_t bytes = 0;

	assert_int_equal(on_tree(w, CHIM_OP_INITIATE, root), CHIM_STATUS_SUCCESS);
	host_sends(w, 0, 700);
	host_sends(w, 0, 800);
	turn_until_idle(w);
	ack_in(w, 0, 0, 300);
	turn_until_idle(w);
	assert_int_equal(on_tree(w, CHIM_OP_TERMINATE, root), CHIM_STATUS_SUCCESS);
	m = w->tcp[0].block.send_chain;
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_pkt_len(m), 400); /* acknowledged bytes are trimmed */
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		bytes += rte_pktmbuf_pkt_len(m);
		rte_pktmbuf_free(m);
		m = next;
	}
	assert_int_equal(bytes, 1200);
	assert_int_equal(w->tcp[0].delegated.snd_una, (uint32_t)(RINGS_OUR_SEQ + 300));
	assert_int_equal(w->sent_done, 0);
	world_close(w);
}

/* Architecture 7 there and back, as an agent asks for it; nothing of the peer is lost. */
static void
a_flow_is_handed_over_and_back_with_no_frame_lost(void **state)
{
	struct world *w = world_open(&(struct rings_opts){ 0 });
	struct chim_request seal = {
		.op = CHIM_OP_SEAL, .cookie = 900, .flow = { .tuple = rings_tuple(0), .marker = 31 }
	};
	struct chim_completion c;
	struct chim_block *root;
	struct chim_seg seg;

	assert_int_equal(on_flow(w, CHIM_OP_HOLD, 0).status, CHIM_STATUS_SUCCESS);
	data_in(w, 0, 0, 10);
	rings_kernel_in(&w->r, 0, rings_kernel_data(&w->r, 0, 0, 40));
	turn_until_idle(w);
	assert_int_equal(chim_host_submit(w->host, &seal), 0);
	turn_until_idle(w);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 0);
	rings_kernel_in(&w->r, 0, rings_marker(&w->r, 31));
	turn_until_idle(w);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 1);
	assert_int_equal(c.cookie, 900);
	assert_int_equal(c.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 40));
	assert_int_equal(c.record.kept, 1);
	root = plant(w, 1);
	w->tcp[0].delegated.snd_una = RINGS_OUR_SEQ + 40;
	w->tcp[0].delegated.snd_nxt = RINGS_OUR_SEQ + 40;
	w->tcp[0].delegated.snd_max = RINGS_OUR_SEQ + 40;
	data_in(w, 0, 10, 10);
	assert_int_equal(on_tree(w, CHIM_OP_INITIATE, root), CHIM_STATUS_SUCCESS);
	assert_int_equal(w->indicated[0], 20);
	assert_int_equal(on_tree(w, CHIM_OP_TERMINATE, root), CHIM_STATUS_SUCCESS);
	rings_wire_drain(&w->r);
	data_in(w, 0, 20, 10);
	turn_until_idle(w);
	assert_int_equal(rings_kernel_drain(&w->r), 0);
	assert_int_equal(on_flow(w, CHIM_OP_RELEASE, 0).status, CHIM_STATUS_SUCCESS);
	assert_true(rings_kernel_seg(&w->r, &seg));
	assert_int_equal(seg.seq, (uint32_t)(RINGS_PEER_SEQ + 20));
	assert_int_equal(rings_kernel_drain(&w->r), 0);
	world_close(w);
}

static void
a_hold_that_ran_out_is_told_to_its_host(void **state)
{
	struct world *w = world_open(&(struct rings_opts){ 0 });
	struct chim_completion c;

	assert_int_equal(on_flow(w, CHIM_OP_HOLD, 3).status, CHIM_STATUS_SUCCESS);
	data_in(w, 3, 0, 10);
	turn_until_idle(w);
	w->r.now += 1001 * 1000;
	turn_until_idle(w);
	assert_int_equal(rings_kernel_drain(&w->r), 1);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 1);
	assert_int_equal(c.kind, CHIM_COMPLETION_HOLD_ENDED);
	assert_int_equal(c.reason, CHIM_REASON_HOLD_EXPIRED);
	assert_int_equal(c.tuple.remote_port, rings_tuple(3).remote_port);
	c = on_flow(w, CHIM_OP_RELEASE, 3);
	assert_int_equal(c.status, CHIM_STATUS_FAILURE);
	assert_int_equal(c.reason, CHIM_REASON_HOLD_EXPIRED);
	world_close(w);
}

/* checklist 104, 106, 107, through all layers */
static void
an_invalidated_neighbor_asks_all_its_connections_back(void **state)
{
	struct world *w = world_open(&(struct rings_opts){ .nb_workers = 2 });
	struct chim_block *root = plant(w, MAX_FLOWS);
	struct chim_block alone;

	assert_int_equal(on_tree(w, CHIM_OP_INITIATE, root), CHIM_STATUS_SUCCESS);
	rings_wire_drain(&w->r);
	chim_bare_block_init(&alone, &w->neighbor_handle);
	assert_int_equal(on_tree(w, CHIM_OP_INVALIDATE, &alone), CHIM_STATUS_SUCCESS);
	host_sends(w, 0, 100);
	turn_until_idle(w);
	assert_int_equal(rings_wire_drain(&w->r), 0);
	assert_int_equal(w->nb_retrieves, MAX_FLOWS);
	assert_int_equal(on_tree(w, CHIM_OP_TERMINATE, root), CHIM_STATUS_SUCCESS);
	rte_pktmbuf_free(w->tcp[0].block.send_chain);
	world_close(w);
}

/* checklist 228, 229, through all layers */
static void
a_stale_neighbor_is_asked_about_and_the_answer_counts(void **state)
{
	struct world *w = world_open(&(struct rings_opts){ 0 });
	struct chim_block *root = plant(w, 1);
	struct chim_completion c;

	assert_int_equal(on_tree(w, CHIM_OP_INITIATE, root), CHIM_STATUS_SUCCESS);
	w->r.now += 40000 * 1000;
	turn_until_idle(w);
	host_sends(w, 0, 10);
	turn_until_idle(w);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 1);
	assert_int_equal(c.kind, CHIM_COMPLETION_REACHABILITY_QUERY);
	assert_int_equal(c.neighbor.offload_handle, 7);
	assert_int_equal(c.neighbor.handle, w->neighbor_handle);
	assert_int_equal(chim_host_post(w->host,
				 &(struct chim_io){ .op = CHIM_IO_REACHABILITY,
					 .handle = w->neighbor_handle,
					 .bytes = 0 }),
		0);
	w->r.now += 20000 * 1000;
	turn_until_idle(w);
	assert_int_equal(chim_host_reap(w->host, &c, 1), 0);
	assert_int_equal(on_tree(w, CHIM_OP_TERMINATE, root), CHIM_STATUS_SUCCESS);
	rte_pktmbuf_free(w->tcp[0].block.send_chain);
	world_close(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(connections_live_from_initiate_to_terminate),
	cmocka_unit_test(and_so_they_do_on_two_workers),
	cmocka_unit_test(a_terminate_brings_the_hosts_own_buffers_back),
	cmocka_unit_test(a_flow_is_handed_over_and_back_with_no_frame_lost),
	cmocka_unit_test(a_hold_that_ran_out_is_told_to_its_host),
	cmocka_unit_test(an_invalidated_neighbor_asks_all_its_connections_back),
	cmocka_unit_test(a_stale_neighbor_is_asked_about_and_the_answer_counts),
};
CHIM_CMOCKA_SUITE(layers_autotest, tests, NULL, NULL)
