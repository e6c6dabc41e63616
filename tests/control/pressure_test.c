/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Full rings, few messages, thousands in flight, hosts that leave: nothing is
 * lost, nothing spins, and a turn stays short.
 */
#include <errno.h>
#include <string.h>

#include "rig.h"

/* One neighbor, one path, nb connections: a tree of nb + 2 blocks. */
struct big {
	struct rig_neighbor *n;
	struct rig_path *p;
	struct rig_tcp *t;
	uint32_t nb;
};

static struct big
make_big(struct rig *r, uint32_t nb)
{
	struct big b = { rig_neighbor(r), rig_path(r, CHIM_AF_INET),
		rig_alloc(r, nb * sizeof(*b.t)), nb };
	struct rig_tcp *model = rig_tcp(r);

	rig_add(&b.n->b.block, &b.p->b.block);
	b.p->b.block.dependent_list = &b.t[0].b.block;
	for (uint32_t i = 0; i < nb; i++) {
		b.t[i] = *model;
		b.t[i].b.block.context = &b.t[i].h;
		b.t[i].b.tcp_const.local_port = (uint16_t)(i % 65535 + 1);
		b.t[i].b.tcp_const.remote_port = (uint16_t)(i / 65535 + 1);
		b.t[i].b.block.next_block = i + 1 < nb ? &b.t[i + 1].b.block : NULL;
	}
	return b;
}

/* The same objects, to be terminated; reuses the blocks. */
static struct chim_block *
bare_big(struct big *b)
{
	b->n->b.block.header.type = CHIM_STATE_NONE;
	b->p->b.block.header.type = CHIM_STATE_NONE;
	for (uint32_t i = 0; i < b->nb; i++)
		b->t[i].b.block.header.type = CHIM_STATE_NONE;
	return &b->n->b.block;
}

static void
come_and_go(struct rig *r, uint32_t nb)
{
	struct big b = make_big(r, nb);

	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &b.n->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.nb_blocks, nb + 2);
	assert_int_equal(r->ctl->counters.connections, nb);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_big(&b)), CHIM_STATUS_SUCCESS);
	for (uint32_t i = 0; i < nb; i++)
		assert_int_equal(b.t[i].b.block.status, CHIM_STATUS_SUCCESS);
}

static void
a_full_mailbox_delays_and_loses_nothing(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .box_entries = 3 });

	come_and_go(r, 500);
	assert_true(r->ctl->counters.mailbox_full > 0);
	rig_close(r);
	(void)state;
}

static void
few_messages_delay_and_lose_nothing(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .nb_workers = 3, .max_messages = 4 });

	come_and_go(r, 500);
	assert_true(r->ctl->counters.no_message > 0);
	rig_close(r);
	(void)state;
}

static void
a_worker_that_takes_nothing_stops_nobody_else(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	struct big b = make_big(r, 100);
	struct chim_caps caps;
	struct chim_request req = { .op = CHIM_OP_GET_CAPS, .caps = &caps };

	r->worker[0]->is_stalled = true;
	rig_submit(r, CHIM_OP_INITIATE, &b.n->b.block);
	rig_run(r); /* ends: waiting is not work */
	assert_int_equal(rig_do_request(r, 0, &req), CHIM_STATUS_SUCCESS);
	r->worker[0]->is_stalled = false;
	rig_run(r);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_big(&b)), CHIM_STATUS_SUCCESS);
	rig_close(r);
	(void)state;
}

static void
a_full_request_ring_is_told_to_the_host(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .ring_entries = 4 });
	struct chim_request req = { .op = CHIM_OP_QUERY };
	struct chim_completion e[8];

	for (int i = 0; i < 4; i++) {
		req.root = &rig_bare(r, CHIM_HANDLE_NONE)->b;
		assert_int_equal(chim_host_submit(r->host[0], &req), 0);
	}
	assert_int_equal(chim_host_submit(r->host[0], &req), -EAGAIN);
	/* The ring is empty again, but as many are in flight as completions fit. */
	rig_run(r);
	assert_int_equal(chim_host_submit(r->host[0], &req), -EAGAIN);
	assert_int_equal(chim_host_close(r->host[0]), -EBUSY);
	assert_int_equal(chim_host_reap(r->host[0], e, 8), 4);
	assert_int_equal(chim_host_submit(r->host[0], &req), 0);
	rig_run(r);
	assert_int_equal(chim_host_reap(r->host[0], e, 8), 1);
	rig_close(r);
	(void)state;
}

static void
a_full_completion_ring_delays_and_loses_nothing(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .ring_entries = 4 });
	static struct chim_msg event;
	uint32_t seen[16] = { 0 };
	struct chim_completion e;

	/* Four completions fill the ring; events of every kind have to wait, in order. */
	for (int i = 0; i < 4; i++)
		rig_submit(r, CHIM_OP_QUERY, &rig_bare(r, CHIM_HANDLE_NONE)->b);
	rig_run(r);
	chim_ctl_pause(r->ctl);
	event = (struct chim_msg){ .kind = CHIM_MSG_EVENT_HOLD_ENDED };
	fake_raise(r->worker[0], &event);
	rig_run(r);
	chim_ctl_upload_all(r->ctl);
	rig_run(r);
	chim_ctl_resume(r->ctl, NULL);
	rig_run(r);
	assert_int_equal(r->worker[0]->nb_events_back, 0);
	assert_true(r->ctl->counters.completion_full > 0);
	for (int i = 0; i < 8; i++) {
		e = rig_reap(r);
		seen[e.kind]++;
		rig_run(r);
	}
	assert_int_equal(seen[CHIM_COMPLETION_REQUEST], 4);
	assert_int_equal(seen[CHIM_COMPLETION_HOLD_ENDED], 1);
	assert_int_equal(seen[CHIM_COMPLETION_OFFLOAD_PAUSE], 1);
	assert_int_equal(seen[CHIM_COMPLETION_UPLOAD_ALL], 1);
	assert_int_equal(e.kind, CHIM_COMPLETION_OFFLOAD_RESUME);
	assert_int_equal(r->worker[0]->nb_events_back, 1);
	rig_close(r);
	(void)state;
}

static void
a_host_that_never_reads_hears_the_last_state(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .ring_entries = 1 });
	struct chim_completion e;
	bool has_upload = false;

	rig_submit(r, CHIM_OP_QUERY, &rig_bare(r, CHIM_HANDLE_NONE)->b);
	rig_run(r);
	chim_ctl_upload_all(r->ctl);
	rig_run(r);
	for (int i = 0; i < 21; i++) {
		chim_ctl_pause(r->ctl);
		rig_run(r);
		chim_ctl_resume(r->ctl, NULL);
		rig_run(r);
	}
	rig_reap(r);
	do {
		rig_run(r);
		e = rig_reap(r);
		has_upload |= e.kind == CHIM_COMPLETION_UPLOAD_ALL;
		rig_run(r);
	} while (rig_has_completion(r));
	assert_int_equal(e.kind, CHIM_COMPLETION_OFFLOAD_RESUME);
	assert_true(has_upload);
	rig_close(r);
	(void)state;
}

static void
thousands_in_flight_complete_once_each(void **state)
{
	enum {
		NB = 3000
	};
	struct rig *r = rig_open(&(struct rig_config){
		.ring_entries = 4096, .max_requests = 2000, .max_connections = NB });
	struct rig_trio t = rig_offload(r);
	struct rig_tcp **c = rig_alloc(r, NB * sizeof(*c));
	uint8_t *seen = rig_alloc(r, NB);
	struct chim_completion e;
	uint64_t first = r->cookie + 1;

	r->worker[0]->keep = 1ull << CHIM_MSG_INSTALL;
	for (int i = 0; i < NB - 1; i++) {
		struct rig_bare *p = rig_bare(r, t.p->h);

		c[i] = rig_tcp(r);
		rig_add(&p->b, &c[i]->b.block);
		rig_submit(r, CHIM_OP_INITIATE, &p->b);
	}
	rig_run(r);
	assert_false(rig_has_completion(r));
	assert_true(r->ctl->counters.no_record > 0); /* more requests than records */
	fake_answer_kept(r->worker[0]);
	rig_run(r);
	for (int i = 0; i < NB - 1; i++) {
		e = rig_reap(r);
		assert_int_equal(e.status, CHIM_STATUS_SUCCESS);
		assert_int_equal(seen[e.cookie - first]++, 0);
	}
	assert_false(rig_has_completion(r));
	for (int i = 0; i < NB - 1; i++)
		rig_remove(r, c[i]->h);
	rig_terminate(r, &t);
	rig_close(r);
	(void)state;
}

static void
a_tree_of_a_million_blocks_delays_others_by_a_slice(void **state)
{
	enum {
		NB = 1000000 - 2
	};
	struct rig *r = rig_open(&(struct rig_config){ .max_connections = NB, .slice = 256 });
	struct big b = make_big(r, NB);
	uint64_t turns;
	uint64_t blocks;

	r->worker[0]->is_careless = true;
	rig_submit(r, CHIM_OP_INITIATE, &b.n->b.block);
	rig_turn(r);
	blocks = r->ctl->counters.blocks;
	assert_true(blocks > 0 && blocks <= 256);
	rig_submit(r, CHIM_OP_QUERY, &rig_bare(r, CHIM_HANDLE_NONE)->b);
	rig_turn(r);
	rig_turn(r);
	assert_int_equal(rig_reap(r).op, CHIM_OP_QUERY);
	assert_true(r->ctl->counters.blocks - blocks <= 2 * 256);
	turns = r->ctl->counters.turns;
	rig_run(r);
	assert_true(r->ctl->counters.turns - turns >= (1000000 - 1000) / 256);
	assert_int_equal(rig_reap(r).status, CHIM_STATUS_SUCCESS);
	assert_int_equal(r->ctl->counters.connections, NB);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, bare_big(&b)), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->nb_live, 0);
	rig_close(r);
	(void)state;
}

/* ---- hosts that leave ---- */

static uint32_t
slot_state(struct rig *r, uint32_t host)
{
	return atomic_load(&r->target->slot[host].state);
}

static void
leave(struct rig *r, uint32_t host)
{
	assert_int_equal(chim_host_close(r->host[host]), 0);
	r->host[host] = NULL;
	rig_run(r);
}

static void
a_slot_is_free_when_its_host_leaves_nothing(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .nb_hosts = 2 });

	assert_int_equal(slot_state(r, 1), CHIM_SLOT_OPEN);
	leave(r, 1);
	assert_int_equal(slot_state(r, 1), CHIM_SLOT_FREE);
	r->host[1] = chim_host_open("another");
	assert_non_null(r->host[1]);
	assert_int_equal(slot_state(r, 1), CHIM_SLOT_OPEN);
	rig_close(r);
	(void)state;
}

static void
a_host_finds_what_it_left_and_nobody_else_does(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	struct rig_trio t = rig_offload(r);
	struct chim_request req = { .op = CHIM_OP_QUERY, .root = &rig_bare(r, t.t->h)->b };

	leave(r, 0);
	assert_int_equal(slot_state(r, 0), CHIM_SLOT_CLOSING);
	r->host[1] = chim_host_open("another"); /* does not get the slot with the objects */
	assert_non_null(r->host[1]);
	assert_int_equal(slot_state(r, 1), CHIM_SLOT_OPEN);
	assert_int_equal(rig_do_request(r, 1, &req), CHIM_STATUS_FAILURE);
	assert_int_equal(r->last.reason, CHIM_REASON_FOREIGN);
	r->host[0] = chim_host_open("host0");
	assert_non_null(r->host[0]);
	assert_int_equal(slot_state(r, 0), CHIM_SLOT_OPEN);
	assert_int_equal(atomic_load(&r->target->slot[0].epoch), 2);
	rig_terminate(r, &t);
	leave(r, 0);
	assert_int_equal(slot_state(r, 0), CHIM_SLOT_FREE);
	rig_close(r);
	(void)state;
}

static void
a_host_that_dies_with_requests_in_flight_frees_its_records(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .ring_entries = 4 });
	struct rig_neighbor *n[8];

	for (int i = 0; i < 4; i++) {
		n[i] = rig_neighbor(r);
		rig_submit(r, CHIM_OP_INITIATE, &n[i]->b.block);
	}
	rig_run(r);
	/* It is gone, its completions unread and more requests in its ring; an EAL secondary
	 * process that is killed leaves its slot like this when the primary closes it. */
	for (int i = 4; i < 8; i++) {
		struct chim_request req = { .op = CHIM_OP_TERMINATE,
			.root = &rig_bare(r, n[i - 4]->h)->b };

		assert_int_equal(chim_chan_put(r->target->slot[0].requests, &req, 1), 1);
	}
	atomic_store(&r->target->slot[0].state, CHIM_SLOT_CLOSING);
	rig_run(r);
	assert_int_equal(r->ctl->counters.neighbors, 0);
	assert_int_equal(r->ctl->host[0].nb_ops, 0);
	assert_int_equal(slot_state(r, 0), CHIM_SLOT_FREE);
	/* The next owner hears nothing of it. */
	r->host[1] = chim_host_open("next");
	assert_int_equal(chim_chan_count(r->target->slot[0].completions), 0);
	r->host[0]->in_flight = 0;
	atomic_store(&r->target->slot[0].state, CHIM_SLOT_OPEN);
	rig_close(r);
	(void)state;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_full_mailbox_delays_and_loses_nothing),
	cmocka_unit_test(few_messages_delay_and_lose_nothing),
	cmocka_unit_test(a_worker_that_takes_nothing_stops_nobody_else),
	cmocka_unit_test(a_full_request_ring_is_told_to_the_host),
	cmocka_unit_test(a_full_completion_ring_delays_and_loses_nothing),
	cmocka_unit_test(a_host_that_never_reads_hears_the_last_state),
	cmocka_unit_test(thousands_in_flight_complete_once_each),
	cmocka_unit_test(a_tree_of_a_million_blocks_delays_others_by_a_slice),
	cmocka_unit_test(a_slot_is_free_when_its_host_leaves_nothing),
	cmocka_unit_test(a_host_finds_what_it_left_and_nobody_else_does),
	cmocka_unit_test(a_host_that_dies_with_requests_in_flight_frees_its_records),
};
CHIM_CMOCKA_SUITE(ctl_pressure_autotest, tests, NULL, NULL)
