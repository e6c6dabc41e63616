/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Random operations of ctl, hosts, wire and kernel on two workers polled in
 * random order. Nothing particular is expected of any of them, only that each
 * message is answered once and that in the end every buffer is back. A seed
 * names a run: it is printed when one fails.
 */
#include <inttypes.h>
#include <string.h>

#include "rings.h"

#define FLOWS 8u
#define STEPS 4000u

struct monkey {
	struct rings r;
	uint64_t random;
	chim_handle_t handle[FLOWS];
	bool is_moving[FLOWS]; /* an install or a terminate is under way */
	uint32_t nb_open;      /* messages not answered yet */
	struct chim_io lent[16];
	uint32_t nb_lent;
};

static struct monkey monkey;

static uint32_t
draw(struct monkey *k, uint32_t below)
{
	k->random ^= k->random << 13;
	k->random ^= k->random >> 7;
	k->random ^= k->random << 17;
	return (uint32_t)(k->random >> 16) % below;
}

static uint16_t
flow_of(const struct chim_tuple *t)
{
	return (uint16_t)(rte_be_to_cpu_16(t->remote_port) - FRAME_REMOTE_PORT);
}

static void
take_answer(struct monkey *k, uint32_t worker, struct chim_msg *msg)
{
	uint16_t flow = (uint16_t)msg->cookie;

	if (msg->kind >= CHIM_MSG_EVENT_REACHABILITY) {
		rings_send(&k->r, worker, msg);
		return;
	}
	assert_int_equal(msg->reserved, 1); /* sent, and not answered before */
	msg->reserved = 0;
	k->nb_open--;
	if (msg->kind == CHIM_MSG_INSTALL) {
		k->is_moving[flow] = false;
		if (msg->status == CHIM_STATUS_SUCCESS)
			k->handle[flow] = msg->handle;
		else
			chim_nbl_free(msg->tcp.send_chain);
		assert_int_equal(flow_of(&msg->tcp.tuple), flow);
	} else if (msg->kind == CHIM_MSG_TERMINATE) {
		assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
		k->is_moving[flow] = false;
		k->handle[flow] = CHIM_HANDLE_NONE;
		chim_nbl_free(msg->tcp.send_chain);
		chim_nbl_free(msg->tcp.delegated.buffered_data);
	}
}

static void
take_answers(struct monkey *k)
{
	struct chim_msg *msg;

	for (uint32_t i = 0; i < RINGS_WORKERS; i++) {
		while ((msg = rings_reply(&k->r, i)) != NULL)
			take_answer(k, i, msg);
	}
}

static void
send_msg(struct monkey *k, struct chim_msg *msg, uint16_t flow)
{
	msg->cookie = flow;
	msg->reserved = 1;
	k->nb_open++;
	rings_send(&k->r, rings_owner(&k->r, flow), msg);
}

static void
ask_about_flow(struct monkey *k, uint16_t flow)
{
	static const enum chim_msg_op kinds[] = { CHIM_MSG_HOLD, CHIM_MSG_HOLD, CHIM_MSG_RELEASE,
		CHIM_MSG_SEAL };
	struct chim_msg *msg = rings_msg(&k->r, kinds[draw(k, CHIM_DIM(kinds))]);

	msg->flow.tuple = rings_tuple(flow);
	if (msg->kind == CHIM_MSG_HOLD) {
		msg->flow.limits.deadline_ms = draw(k, 300);
		msg->flow.limits.max_bytes = draw(k, 2) * 1000;
	} else if (msg->kind == CHIM_MSG_SEAL) {
		msg->flow.marker = draw(k, 4);
	}
	send_msg(k, msg, flow);
}

static void
move(struct monkey *k, uint16_t flow)
{
	struct chim_msg *msg;

	if (k->is_moving[flow])
		return;
	k->is_moving[flow] = true;
	if (k->handle[flow] == CHIM_HANDLE_NONE) {
		msg = rings_install_msg(&k->r, flow);
	} else {
		msg = rings_msg(&k->r, CHIM_MSG_TERMINATE);
		msg->handle = k->handle[flow];
		msg->tcp.want = draw(k, 2) != 0 ? CHIM_WANT_DELEGATED : 0;
	}
	send_msg(k, msg, flow);
}

static void
ask_about_connection(struct monkey *k, uint16_t flow)
{
	static const enum chim_msg_op kinds[] = { CHIM_MSG_QUERY, CHIM_MSG_UPDATE,
		CHIM_MSG_INVALIDATE };
	struct chim_msg *msg = rings_msg(&k->r, kinds[draw(k, CHIM_DIM(kinds))]);

	msg->handle = k->handle[flow];
	msg->tcp.want = CHIM_WANT_CACHED | CHIM_WANT_DELEGATED;
	msg->tcp.cached = rings_install_msg(&k->r, flow)->tcp.cached;
	send_msg(k, msg, flow);
}

static void
change_replica(struct monkey *k)
{
	for (uint32_t i = 0; i < RINGS_WORKERS; i++) {
		struct chim_msg *msg = rings_msg(&k->r, CHIM_MSG_PATH_SET);

		msg->path.mtu = 600 + draw(k, 900);
		msg->path.is_invalid = draw(k, 4) == 0;
		memcpy(msg->path.source, rings_tuple(0).local_addr, 16);
		memcpy(msg->path.destination, rings_tuple(0).remote_addr, 16);
		send_msg(k, msg, rings_flow_of(&k->r, i));
	}
}

static void
wire_says(struct monkey *k, uint16_t flow)
{
	uint32_t rel = draw(k, 3000);
	uint32_t queue = draw(k, RINGS_WORKERS);

	if (draw(k, 3) == 0)
		rings_wire_in(&k->r, queue, rings_ack(&k->r, flow, rel));
	else
		rings_wire_in(&k->r, queue, rings_data(&k->r, flow, rel, (uint16_t)draw(k, 500)));
}

static void
kernel_says(struct monkey *k, uint16_t flow)
{
	uint32_t queue = draw(k, RINGS_WORKERS);

	if (draw(k, 4) == 0)
		rings_kernel_in(&k->r, queue, rings_marker(&k->r, draw(k, 4)));
	else
		rings_kernel_in(&k->r, queue, rings_kernel_data(&k->r, flow, draw(k, 3000), 10));
}

static void
host_says(struct monkey *k, uint16_t flow)
{
	struct chim_chan *ring =
		k->r.target->slot[RINGS_HOST].to_worker[chim_handle_worker(k->handle[flow])];

	if (k->handle[flow] == CHIM_HANDLE_NONE || k->is_moving[flow] || chim_chan_room(ring) == 0)
		return;
	if (draw(k, 20) == 0) {
		struct chim_io io = { .op = CHIM_IO_DISCONNECT,
			.flags = (uint16_t)(1 + draw(k, 2)),
			.handle = k->handle[flow] };

		rings_post(&k->r, &io);
		return;
	}
	rings_host_send(&k->r, k->handle[flow], 1 + draw(k, 1500));
}

static void
host_hears(struct monkey *k)
{
	struct chim_io io;
	uint32_t worker = draw(k, RINGS_WORKERS);

	if (k->nb_lent != 0 && draw(k, 2) == 0) {
		io = k->lent[--k->nb_lent];
		io.op = CHIM_IO_RETURN;
		if (chim_chan_room(k->r.target->slot[RINGS_HOST]
					   .to_worker[chim_handle_worker(io.handle)]) == 0)
			rte_pktmbuf_free(io.m);
		else
			rings_post(&k->r, &io);
	}
	if (k->nb_lent == CHIM_DIM(k->lent) || !rings_collect(&k->r, worker, &io))
		return;
	if (io.op == CHIM_IO_INDICATE)
		k->lent[k->nb_lent++] = io;
	else
		chim_nbl_free(io.m);
}

static void
step(struct monkey *k)
{
	uint16_t flow = (uint16_t)draw(k, FLOWS);
	uint32_t what = draw(k, 100);

	/* The test cannot speak without a buffer; the workers have to live with that. */
	if (rte_mempool_avail_count(k->r.pool) < 4)
		what = draw(k, 2) == 0 ? 0 : 70;
	if (what < 25)
		chim_dp_poll(k->r.worker[draw(k, RINGS_WORKERS)], k->r.now);
	else if (what < 50)
		wire_says(k, flow);
	else if (what < 60)
		kernel_says(k, flow);
	else if (what < 80)
		host_hears(k);
	else if (what < 87)
		host_says(k, flow);
	else if (what < 90)
		k->r.now += draw(k, 100) * CHIM_US_PER_MS;
	else if (what < 92)
		rings_wire_drain(&k->r);
	else if (what < 94)
		rings_kernel_drain(&k->r);
	else if (k->nb_open > 32)
		return;
	else if (what < 96)
		ask_about_flow(k, flow);
	else if (what < 98)
		move(k, flow);
	else if (what < 99)
		ask_about_connection(k, flow);
	else
		change_replica(k);
}

/* Terminate what is left, with a host, a wire and a kernel that take everything. */
static void
come_to_rest(struct monkey *k)
{
	for (uint32_t i = 0; i < 2000; i++) {
		struct chim_io io;

		rings_poll(&k->r);
		take_answers(k);
		rings_wire_drain(&k->r);
		rings_kernel_drain(&k->r);
		for (uint32_t w = 0; w < RINGS_WORKERS; w++) {
			while (rings_collect(&k->r, w, &io))
				chim_nbl_free(io.m);
		}
		for (uint16_t flow = 0; i % 100 == 0 && flow < FLOWS; flow++) {
			if (k->handle[flow] != CHIM_HANDLE_NONE)
				move(k, flow);
		}
		k->r.now += 10 * CHIM_US_PER_MS;
	}
	while (k->nb_lent != 0)
		rte_pktmbuf_free(k->lent[--k->nb_lent].m);
}

static void
run(uint64_t seed, const struct rings_opts *opts)
{
	struct monkey *k = &monkey;

	memset(k, 0, sizeof(*k));
	k->random = seed;
	rings_up(&k->r, opts);
	for (uint32_t i = 0; i < STEPS; i++) {
		step(k);
		take_answers(k);
	}
	come_to_rest(k);
	if (k->nb_open != 0)
		print_error("seed %" PRIu64 "\n", seed);
	assert_int_equal(k->nb_open, 0);
	for (uint32_t i = 0; i < RINGS_WORKERS; i++) {
		const struct chim_dp_counters *n = chim_dp_counters(k->r.worker[i]);

		assert_int_equal(chim_dp_nb_connections(k->r.worker[i]), 0);
		assert_true(n->installs > 0 && n->installs == n->terminates);
		assert_true(n->segments > 0 && n->handed_over > 0 && n->holds > 0);
	}
	rings_down(&k->r);
}

static void
every_message_is_answered_and_every_buffer_comes_back(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++)
		run(seed,
			&(struct rings_opts){
				.nb_workers = 2, .host_entries = 8, .nb_mbufs = 4095 });
}

static void
also_with_frames_astray_and_devices_that_fill_up(void **state)
{
	for (uint64_t seed = 100; seed < 112; seed++)
		run(seed,
			&(struct rings_opts){ .nb_workers = 2,
				.host_entries = 3,
				.wire_size = 4,
				.kernel_size = 2,
				.max_holds = 3,
				.nb_mbufs = 400,
				.deliver_to_wrong_worker = true });
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_message_is_answered_and_every_buffer_comes_back),
	cmocka_unit_test(also_with_frames_astray_and_devices_that_fill_up),
};
CHIM_CMOCKA_SUITE(dp_monkey_autotest, tests, NULL, NULL)
