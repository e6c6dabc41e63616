/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The whole way: a host's blocks through the real control lcore to a real
 * worker on net_ring ports, data both ways, and back. All polled round-robin in
 * one thread; the test is host, wire and kernel.
 */
#include <string.h>

#include <rte_mempool.h>

#include "chim_seq.h"
#include "tcp_conn.h"
#include "way.h"
#include "worker.h"

/* The rig's own connections are as rings.h makes them; here the blocks say the same. */
static void
fill_blocks(struct way *w)
{
	struct chim_tuple tuple = rings_tuple(0);

	chim_neighbor_block_init(&w->n, &w->nh);
	memcpy(w->n.cached.dl_destination, &(uint8_t[]){ 2, 0, 0, 0, 0, 9 }, 6);
	w->n.block.offload_handle = 11;
	chim_path_block_init(&w->p, CHIM_AF_INET, &w->ph);
	memcpy(w->source, tuple.local_addr, 16);
	memcpy(w->destination, tuple.remote_addr, 16);
	w->p.path_const.source_address = w->source;
	w->p.path_const.destination_address = w->destination;
	w->p.cached.path_mtu = 1500;
	chim_block_add_dependent(&w->n.block, &w->p.block);
	for (uint16_t i = 0; i < 2; i++) {
		struct chim_msg *model = rings_install_msg(&w->r, i);
		struct chim_tcp_block *t = &w->t[i];

		chim_tcp_block_init(t, &w->th[i]);
		t->tcp_const = model->tcp.tcp_const;
		t->cached = model->tcp.cached;
		t->delegated = model->tcp.delegated;
		t->block.offload_handle = 100 + i;
		chim_block_add_dependent(&w->p.block, &t->block);
	}
}

static void
set_up(struct way *w, const struct rings_opts *opts)
{
	way_up(w, opts);
	fill_blocks(w);
}

static void
offload(struct way *w)
{
	assert_int_equal(way_call(w, CHIM_OP_INITIATE, &w->n.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(w->p.block.status, CHIM_STATUS_SUCCESS);
	rings_wire_drain(&w->r);
}

/* The tree again, to be terminated with state. */
static enum chim_status
terminate(struct way *w)
{
	enum chim_status status = way_call(w, CHIM_OP_TERMINATE, &w->n.block);

	rings_wire_drain(&w->r);
	return status;
}

static void
expect_indication(struct way *w, chim_handle_t h, uint32_t len)
{
	struct chim_io io;

	assert_int_equal(chim_host_collect(w->host, &io, 1), 1);
	assert_int_equal(io.op, CHIM_IO_INDICATE);
	assert_int_equal(io.handle, h);
	assert_int_equal(io.bytes, len);
	assert_null(chim_host_return(w->host, io.m));
	way_run(w);
}

/* Which of the two blocks is flow 0: the tree has them in reverse order of adding. */
static void
checklist_127_129_a_tree_goes_in_and_comes_back_as_it_was(void **state)
{
	struct way w;
	struct chim_tcp_delegated before;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	before = w.t[0].delegated;
	offload(&w);
	assert_int_equal(chim_dp_nb_connections(w.r.worker[0]), 2);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	assert_int_equal(w.t[0].block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(w.t[0].delegated.state, before.state);
	assert_int_equal(w.t[0].delegated.snd_una, before.snd_una);
	assert_int_equal(w.t[0].delegated.snd_nxt, before.snd_nxt);
	assert_int_equal(w.t[0].delegated.snd_max, before.snd_max);
	assert_int_equal(w.t[0].delegated.rcv_nxt, before.rcv_nxt);
	assert_int_equal(w.t[0].delegated.ts_recent, before.ts_recent);
	assert_int_equal(w.t[0].delegated.retransmit_timeout_delta, CHIM_TICKS_NONE);
	assert_null(w.t[0].block.send_chain);
	assert_int_equal(chim_dp_nb_connections(w.r.worker[0]), 0);
	way_down(&w);
}

static void
data_goes_both_ways_and_what_is_left_comes_back(void **state)
{
	struct way w;
	struct chim_io io;
	struct rte_mbuf *m;
	struct chim_seg seg;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	offload(&w);
	m = rte_pktmbuf_alloc(chim_host_pool(w.host));
	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	memset(rte_pktmbuf_append(m, 200), 'y', 200);
	io = (struct chim_io){ .op = CHIM_IO_SEND, .handle = w.th[0], .m = m };
	assert_int_equal(chim_host_post(w.host, &io), 0);
	way_run(&w);
	assert_true(rings_wire_seg(&w.r, &seg));
	assert_int_equal(seg.len, 200);
	/* Half of it is acknowledged; the rest comes back as the same buffer, trimmed. */
	rings_wire_in(&w.r, 0, rings_ack(&w.r, 0, 80));
	way_run(&w);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 300));
	way_run(&w);
	expect_indication(&w, w.th[0], 300);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	assert_ptr_equal(w.t[0].block.send_chain, m);
	assert_int_equal(m->pkt_len, 120);
	assert_ptr_equal(w.t[0].delegated.send_data_head, m);
	assert_int_equal(w.t[0].delegated.snd_max - w.t[0].delegated.snd_una, 120);
	assert_int_equal(w.t[0].delegated.rcv_nxt, (uint32_t)(w.t[1].delegated.rcv_nxt + 300));
	rte_pktmbuf_free(m);
	way_down(&w);
}

static struct rte_mbuf *
host_buffer(struct way *w, char fill, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(chim_host_pool(w->host));

	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	memset(rte_pktmbuf_append(m, len), fill, len);
	return m;
}

static void
checklist_72_136_137_an_inherited_chain_is_completed_as_a_send(void **state)
{
	struct way w;
	struct rte_mbuf *m;
	struct chim_seg seg;
	struct chim_io io;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	m = host_buffer(&w, 's', 100);
	w.t[0].block.send_chain = m;
	w.t[0].delegated.send_data_head = m;
	w.t[0].delegated.send_data_tail = m;
	assert_int_equal(way_call(&w, CHIM_OP_INITIATE, &w.n.block), CHIM_STATUS_SUCCESS);
	do
		assert_true(rings_wire_seg(&w.r, &seg));
	while (seg.len == 0);
	assert_int_equal(seg.len, 100);
	rings_wire_in(&w.r, 0, rings_ack(&w.r, 0, 100));
	way_run(&w);
	assert_int_equal(chim_host_collect(w.host, &io, 1), 1);
	assert_int_equal(io.op, CHIM_IO_SEND_DONE);
	assert_ptr_equal(io.m, m);
	assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(m)->bytes, 100);
	assert_int_equal(m->pkt_len, 0); /* advanced by what was acknowledged */
	rte_pktmbuf_free(m);
	rings_wire_drain(&w.r);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	assert_null(w.t[0].block.send_chain);
	way_down(&w);
}

static void
checklist_59_120_121_buffered_data_is_copied_and_comes_back(void **state)
{
	struct way w;
	struct rte_mbuf *m;
	struct rte_mbuf *back;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	m = host_buffer(&w, 'b', 60);
	w.t[0].delegated.buffered_data = m;
	offload(&w);
	/* The host's copy is its own again at completion. */
	memset(rte_pktmbuf_mtod(m, char *), 'X', 60);
	rte_pktmbuf_free(m);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	back = w.t[0].delegated.buffered_data;
	assert_non_null(back);
	assert_null(chim_nbl(back)->next);
	assert_int_equal(back->pkt_len, 60);
	assert_int_equal(*rte_pktmbuf_mtod(back, char *), 'b');
	assert_int_equal(*rte_pktmbuf_mtod_offset(back, char *, 59), 'b');
	/* Lent: it is out of the pool until it is returned, which way_down() checks. */
	assert_null(chim_host_return(w.host, back));
	way_run(&w);
	way_down(&w);
}

static void
checklist_61_to_64_buffered_data_goes_to_requests_first_and_before_newer(void **state)
{
	struct way w;
	struct rte_mbuf *m;
	struct chim_io io;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	m = host_buffer(&w, 'b', 60);
	w.t[0].delegated.buffered_data = m;
	offload(&w);
	rte_pktmbuf_free(m);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 300));
	way_run(&w);
	assert_int_equal(chim_host_collect(w.host, &io, 1), 0);
	m = rte_pktmbuf_alloc(chim_host_pool(w.host));
	assert_non_null(m);
	*chim_nbl(m) = (struct chim_nbl){ .room = 40 };
	io = (struct chim_io){ .op = CHIM_IO_RECEIVE, .handle = w.th[0], .m = m };
	assert_int_equal(chim_host_post(w.host, &io), 0);
	way_run(&w);
	assert_int_equal(chim_host_collect(w.host, &io, 1), 1);
	assert_int_equal(io.op, CHIM_IO_RECEIVE_DONE);
	assert_ptr_equal(io.m, m);
	assert_int_equal(chim_nbl(m)->bytes, 40);
	assert_int_equal(*rte_pktmbuf_mtod_offset(m, char *, 39), 'b');
	rte_pktmbuf_free(m);
	/* the excess, and what came after it */
	expect_indication(&w, w.th[0], 20 + 300);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

/* Memory of a connection that went bad: what is queued and what its variables say disagree. */
static void
corrupt(struct way *w, int tcp)
{
	struct chim_conn *c = chim_slab_at(w->r.worker[0]->conns, chim_handle_index(w->th[tcp]));

	c->snd_una += 100;
}

/* The next event of the first connection; what is told of the second is passed over. */
static void
expect_event(struct way *w, uint32_t event, uint32_t info)
{
	struct chim_io io;

	do
		assert_int_equal(chim_host_collect(w->host, &io, 1), 1);
	while (io.handle != w->th[0]);
	assert_int_equal(io.op, CHIM_IO_EVENT);
	assert_int_equal(io.event, event);
	assert_int_equal(io.info, info);
}

/* Spec 4.6, from the first step to the last, once by query and once by invalidate. */
static void
checklist_83_130_a_connection_whose_state_is_corrupt_is_lost_and_told_so(void **state)
{
	static const uint32_t ops[] = { CHIM_OP_QUERY, CHIM_OP_INVALIDATE };
	struct way w;
	struct chim_io io;
	struct rte_mbuf *m;
	(void)state;

	for (size_t i = 0; i < CHIM_DIM(ops); i++) {
		struct chim_block *above = &w.p.block;

		set_up(&w, &(struct rings_opts){ 0 });
		offload(&w);
		m = host_buffer(&w, 'z', 200);
		io = (struct chim_io){ .op = CHIM_IO_SEND, .handle = w.th[0], .m = m };
		assert_int_equal(chim_host_post(w.host, &io), 0);
		way_run(&w);
		rings_wire_drain(&w.r);
		corrupt(&w, 0);
		above->context = NULL; /* both connections, and nothing above them */
		assert_int_equal(way_call(&w, ops[i], above), CHIM_STATUS_SUCCESS);
		assert_int_equal(w.t[0].block.status, CHIM_STATUS_FAILURE);
		assert_int_equal(w.t[0].block.reason, CHIM_REASON_CORRUPT);
		assert_int_equal(w.t[1].block.status, CHIM_STATUS_SUCCESS);
		expect_event(&w, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_HARDWARE_FAILURE);
		expect_event(&w, CHIM_EVENT_ABORT, 0);
		while (chim_host_collect(w.host, &io, 1) == 1)
			assert_int_equal(io.handle, w.th[1]);
		above->context = &w.ph;
		way_call(&w, CHIM_OP_TERMINATE, &w.n.block);
		assert_int_equal(w.t[0].block.status, CHIM_STATUS_FAILURE);
		assert_int_equal(w.t[0].block.reason, CHIM_REASON_CORRUPT);
		assert_null(w.t[0].block.send_chain);
		assert_int_equal(w.t[1].block.status, CHIM_STATUS_SUCCESS);
		assert_int_equal(chim_host_collect(w.host, &io, 1), 1);
		assert_int_equal(io.op, CHIM_IO_SEND_DONE);
		assert_int_equal(io.status, CHIM_STATUS_REQUEST_ABORTED);
		assert_ptr_equal(io.m, m);
		rte_pktmbuf_free(m);
		/* the connection is gone all the same, so what it hung under may go */
		assert_int_equal(w.n.block.status, CHIM_STATUS_SUCCESS);
		rings_wire_drain(&w.r);
		way_down(&w);
	}
}

static void
checklist_55_nothing_is_indicated_before_the_initiate_completes(void **state)
{
	struct way w;
	struct chim_io io;
	struct chim_completion e;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	way_submit(&w, CHIM_OP_INITIATE, &w.n.block);
	chim_ctl_poll(w.ctl, w.r.now);
	rings_poll(&w.r); /* installed; control has not heard of it yet */
	assert_int_equal(chim_dp_nb_connections(w.r.worker[0]), 2);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 300));
	for (int i = 0; i < 5; i++)
		rings_poll(&w.r);
	assert_int_equal(chim_chan_count(w.r.target->slot[0].from_worker[0]), 0);
	chim_ctl_poll(w.ctl, w.r.now);
	rings_poll(&w.r);
	/* It is complete, and the data is there; the host takes them in that order. */
	assert_int_equal(chim_chan_count(w.r.target->slot[0].from_worker[0]), 1);
	assert_int_equal(chim_host_collect(w.host, &io, 1), 0);
	assert_int_equal(chim_host_reap(w.host, &e, 1), 1);
	assert_int_equal(e.status, CHIM_STATUS_SUCCESS);
	expect_indication(&w, w.th[0], 300);
	rings_wire_drain(&w.r);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_56_what_arrives_before_completion_is_not_lost(void **state)
{
	struct way w;
	struct chim_completion e;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	way_submit(&w, CHIM_OP_INITIATE, &w.n.block);
	chim_ctl_poll(w.ctl, w.r.now);
	rings_poll(&w.r);
	rings_wire_drain(&w.r);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 100));
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 100, 100));
	rings_poll(&w.r);
	assert_int_equal(rings_wire_drain(&w.r), 1); /* acknowledged before the host knows */
	way_run(&w);
	assert_int_equal(chim_host_reap(w.host, &e, 1), 1);
	expect_indication(&w, w.th[0], 200);
	rings_wire_drain(&w.r);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_14_events_bear_the_hosts_name_of_the_connection(void **state)
{
	struct way w;
	struct chim_io io;
	chim_handle_t h;
	struct chim_block b;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	offload(&w);
	h = w.th[1];
	chim_bare_block_init(&b, &h);
	assert_int_equal(way_call(&w, CHIM_OP_INVALIDATE, &b), CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_host_collect(w.host, &io, 1), 1);
	assert_int_equal(io.op, CHIM_IO_EVENT);
	assert_int_equal(io.event, CHIM_EVENT_RETRIEVE);
	assert_int_equal(io.info, CHIM_UPLOAD_INVALID_STATE);
	assert_int_equal(io.offload_handle, 101);
	assert_int_equal(io.handle, w.th[1]);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_106_every_connection_under_an_invalidated_neighbor_asks_for_upload(void **state)
{
	struct way w;
	struct chim_io io[4];
	chim_handle_t h;
	struct chim_block b;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	offload(&w);
	h = w.nh;
	chim_bare_block_init(&b, &h);
	assert_int_equal(way_call(&w, CHIM_OP_INVALIDATE, &b), CHIM_STATUS_SUCCESS);
	way_run(&w);
	assert_int_equal(chim_host_collect(w.host, io, 4), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(io[i].event, CHIM_EVENT_RETRIEVE);
		assert_int_equal(io[i].info, CHIM_UPLOAD_INVALID_STATE);
	}
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_87_88_frames_use_the_neighbor_a_path_was_relinked_to(void **state)
{
	struct way w;
	struct chim_neighbor_block other;
	chim_handle_t oh = CHIM_HANDLE_NONE;
	struct chim_block to;
	struct chim_block path;
	chim_handle_t ph;
	struct rte_mbuf *m;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	offload(&w);
	chim_neighbor_block_init(&other, &oh);
	memcpy(other.cached.dl_destination, &(uint8_t[]){ 2, 0, 0, 0, 0, 0x44 }, 6);
	assert_int_equal(way_call(&w, CHIM_OP_INITIATE, &other.block), CHIM_STATUS_SUCCESS);
	ph = w.ph;
	chim_bare_block_init(&to, &oh);
	chim_bare_block_init(&path, &ph);
	chim_block_add_dependent(&to, &path);
	assert_int_equal(way_call(&w, CHIM_OP_UPDATE, &to), CHIM_STATUS_SUCCESS);
	rings_wire_drain(&w.r);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 100));
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 100, 100));
	way_run(&w);
	m = rings_wire_out(&w.r, 0);
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes[5], 0x44);
	rte_pktmbuf_free(m);
	expect_indication(&w, w.th[0], 200);
	rings_wire_drain(&w.r);
	/* The old neighbor has nothing under it any more: the tree is now another. */
	w.n.block.context = &oh;
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	chim_bare_block_init(&to, &w.nh);
	assert_int_equal(way_call(&w, CHIM_OP_TERMINATE, &to), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_58_125_states_that_may_go_come_back_and_the_others_are_refused(void **state)
{
	struct way w;
	(void)state;

	for (uint32_t s = CHIM_TCP_CLOSED; s <= CHIM_TCP_TIME_WAIT + 1; s++) {
		bool may_go = s == CHIM_TCP_ESTABLISHED || s == CHIM_TCP_CLOSE_WAIT ||
			s == CHIM_TCP_FIN_WAIT_1 || s == CHIM_TCP_FIN_WAIT_2 ||
			s == CHIM_TCP_CLOSING || s == CHIM_TCP_LAST_ACK;

		set_up(&w, &(struct rings_opts){ 0 });
		w.t[0].delegated.state = s;
		if (s == CHIM_TCP_FIN_WAIT_1 || s == CHIM_TCP_CLOSING || s == CHIM_TCP_LAST_ACK) {
			/* Our FIN is out and not acknowledged: one number of the sequence space. */
			w.t[0].delegated.snd_max++;
			w.t[0].delegated.snd_nxt++;
		}
		way_call(&w, CHIM_OP_INITIATE, &w.n.block);
		if (may_go)
			assert_int_equal(w.t[0].block.status, CHIM_STATUS_SUCCESS);
		else
			assert_int_equal(w.t[0].block.reason, CHIM_REASON_BAD_STATE);
		assert_int_equal(w.t[1].block.status, CHIM_STATUS_SUCCESS);
		if (w.th[0] == CHIM_HANDLE_NONE)
			w.t[0].block.context = NULL; /* nothing of it to take back */
		assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
		assert_int_equal(w.t[0].block.status, CHIM_STATUS_SUCCESS);
		assert_int_equal(w.t[0].delegated.state, s);
		way_down(&w);
	}
}

static void
the_same_tuple_twice_is_refused_and_sequence_must_add_up(void **state)
{
	struct way w;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	w.t[0].tcp_const = w.t[1].tcp_const; /* the walk comes to 1 first */
	assert_int_equal(way_call(&w, CHIM_OP_INITIATE, &w.n.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(w.p.block.status, CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(w.t[0].block.reason, CHIM_REASON_DUPLICATE);
	w.t[0].block.context = NULL;
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
	set_up(&w, &(struct rings_opts){ 0 });
	w.t[0].delegated.snd_una = w.t[0].delegated.snd_nxt + 1;
	way_call(&w, CHIM_OP_INITIATE, &w.n.block);
	assert_int_equal(w.t[0].block.reason, CHIM_REASON_BAD_SEQUENCE);
	w.t[0].block.context = NULL;
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
connections_go_to_the_worker_that_steering_names(void **state)
{
	struct way w;
	(void)state;

	set_up(&w, &(struct rings_opts){ .nb_workers = 2 });
	offload(&w);
	for (uint16_t i = 0; i < 2; i++) {
		assert_int_equal(chim_handle_worker(w.th[i]), rings_owner(&w.r, i));
		rings_wire_in(&w.r, rings_owner(&w.r, i), rings_data(&w.r, i, 0, 50));
		way_run(&w);
		expect_indication(&w, w.th[i], 50);
	}
	rings_wire_drain(&w.r);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static void
checklist_254_255_statistics_are_those_of_offloaded_traffic(void **state)
{
	struct way w;
	struct chim_family_stats s;
	struct chim_request req = { .op = CHIM_OP_GET_STATS,
		.stats = { .stats = &s, .family = CHIM_AF_INET } };
	struct chim_completion e;
	(void)state;

	set_up(&w, &(struct rings_opts){ 0 });
	offload(&w);
	rings_wire_in(&w.r, 0, rings_data(&w.r, 0, 0, 50));
	rings_wire_in(&w.r, 0, rings_data(&w.r, 5, 0, 50)); /* nobody's here */
	way_run(&w);
	expect_indication(&w, w.th[0], 50);
	assert_int_equal(chim_host_submit(w.host, &req), 0);
	way_run(&w);
	assert_int_equal(chim_host_reap(w.host, &e, 1), 1);
	assert_int_equal(s.tcp_in_segments, 1);
	assert_int_equal(s.tcp_currently_established, 2);
	req.op = CHIM_OP_RESET_STATS;
	assert_int_equal(chim_host_submit(w.host, &req), 0);
	req.op = CHIM_OP_GET_STATS;
	assert_int_equal(chim_host_submit(w.host, &req), 0);
	way_run(&w);
	assert_int_equal(chim_host_reap(w.host, &e, 1), 1);
	assert_int_equal(chim_host_reap(w.host, &e, 1), 1);
	assert_int_equal(s.tcp_in_segments, 0);
	assert_int_equal(s.tcp_currently_established, 2);
	assert_int_equal(terminate(&w), CHIM_STATUS_SUCCESS);
	way_down(&w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_127_129_a_tree_goes_in_and_comes_back_as_it_was),
	cmocka_unit_test(data_goes_both_ways_and_what_is_left_comes_back),
	cmocka_unit_test(checklist_72_136_137_an_inherited_chain_is_completed_as_a_send),
	cmocka_unit_test(checklist_59_120_121_buffered_data_is_copied_and_comes_back),
	cmocka_unit_test(checklist_61_to_64_buffered_data_goes_to_requests_first_and_before_newer),
	cmocka_unit_test(checklist_83_130_a_connection_whose_state_is_corrupt_is_lost_and_told_so),
	cmocka_unit_test(checklist_55_nothing_is_indicated_before_the_initiate_completes),
	cmocka_unit_test(checklist_56_what_arrives_before_completion_is_not_lost),
	cmocka_unit_test(checklist_14_events_bear_the_hosts_name_of_the_connection),
	cmocka_unit_test(
		checklist_106_every_connection_under_an_invalidated_neighbor_asks_for_upload),
	cmocka_unit_test(checklist_87_88_frames_use_the_neighbor_a_path_was_relinked_to),
	cmocka_unit_test(checklist_58_125_states_that_may_go_come_back_and_the_others_are_refused),
	cmocka_unit_test(the_same_tuple_twice_is_refused_and_sequence_must_add_up),
	cmocka_unit_test(connections_go_to_the_worker_that_steering_names),
	cmocka_unit_test(checklist_254_255_statistics_are_those_of_offloaded_traffic),
};
CHIM_CMOCKA_SUITE(endtoend_autotest, tests, NULL, NULL)
