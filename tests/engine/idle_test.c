/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a connection has from pools is there while something waits, and no
 * longer; and what happens when a pool is empty.
 */
#include "eng.h"

#define TAKEN_MAX 64u

/* All that is left of a pool, so that it is empty. */
struct taken {
	struct rte_mempool *pool;
	void *obj[TAKEN_MAX];
	unsigned int nb;
};

static void
take_all(struct taken *t, struct rte_mempool *pool)
{
	*t = (struct taken){ .pool = pool };
	while (t->nb < TAKEN_MAX && rte_mempool_get(pool, &t->obj[t->nb]) == 0)
		t->nb++;
	assert_in_range(t->nb, 1, TAKEN_MAX - 1);
}

static void
give_all(struct taken *t)
{
	rte_mempool_put_bulk(t->pool, t->obj, t->nb);
}

static void
assert_is_idle(struct eng *e)
{
	assert_int_equal(rte_mempool_in_use_count(e->env.queues_pool), 0);
	assert_int_equal(rte_mempool_in_use_count(e->env.flight_pool), 0);
	assert_int_equal(rte_mempool_in_use_count(e->env.sent_pool), 0);
}

static void
an_idle_connection_has_nothing_from_pools(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	assert_is_idle(e);
	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	assert_int_equal(rte_mempool_in_use_count(e->env.queues_pool), 1);
	inject(e, SEG(.ack = 1500));
	expect_io(e, CHIM_IO_SEND_DONE);
	assert_is_idle(e);
	inject(e, SEG(.seq = 0, .len = 500, .ack = 1500));
	/* What is lent may come back refused. */
	assert_int_equal(rte_mempool_in_use_count(e->env.queues_pool), 1);
	expect_data(e, 0, 500);
	assert_is_idle(e);
	eng_run(e, e->cfg.delayed_ack_ms);
	expect_out(e, SEG(.seq = 1500, .ack = 500));
	assert_is_idle(e);
	eng_finish(e);
}

static void
a_hole_a_request_and_a_duplicate_are_no_idleness(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 1000, .len = 1000));
	eng_ignore_out(e);
	assert_int_equal(rte_mempool_in_use_count(e->env.queues_pool), 1);
	inject(e, SEG(.seq = 0, .len = 1000));
	eng_ignore_out(e);
	expect_data(e, 0, 2000);
	assert_is_idle(e);
	/* The ACK that reports the duplicate ends it. */
	inject(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->nb_out, 1);
	eng_ignore_out(e);
	assert_is_idle(e);
	eng_host_posts(e, 100, 0);
	assert_int_equal(rte_mempool_in_use_count(e->env.queues_pool), 1);
	eng_finish(e);
}

static void
without_queues_data_is_dropped_as_if_lost(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct taken all;

	take_all(&all, e->env.queues_pool);
	inject(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->why, CHIM_WHY_NO_BUFFER);
	expect_no_io(e);
	expect_quiet_for(e, 10000);
	assert_int_equal(e->counters.no_queues, 1);
	give_all(&all);
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_data(e, 0, 1000);
	eng_ignore_out(e);
	eng_finish(e);
}

/* What fills the hole gives back all that waits behind it; an ACK may do as much. */
static void
the_last_buffers_are_not_for_data_that_waits(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	e->env.buffers = CHIM_TCP_BUFFERS_FEW;
	inject(e, SEG(.seq = 1000, .len = 1000));
	assert_int_equal(e->why, CHIM_WHY_NO_BUFFER);
	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_data(e, 0, 1000);
	eng_ignore_out(e);

	e->env.buffers = CHIM_TCP_BUFFERS_LAST;
	eng_host_sends(e, 500);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 1000, .len = 1000, .ack = 500));
	assert_int_equal(e->why, CHIM_WHY_NO_BUFFER);
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_no_io(e);

	e->env.buffers = CHIM_TCP_BUFFERS_ENOUGH;
	inject(e, SEG(.seq = 1000, .len = 1000, .ack = 500));
	expect_data(e, 1000, 1000);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
without_queues_the_fin_alone_is_taken(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct taken all;

	take_all(&all, e->env.queues_pool);
	inject(e, SEG(.seq = 0, .flags = CHIM_FIN));
	expect_out(e, SEG(.ack = 1));
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	give_all(&all);
	eng_finish(e);
}

static void
without_queues_what_the_host_asks_comes_back(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct taken all;

	take_all(&all, e->env.queues_pool);
	eng_host_sends(e, 500);
	assert_int_equal(expect_io(e, CHIM_IO_SEND_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_UPLOAD_REQUESTED);
	give_all(&all);
	/* In order: what comes later does not overtake it. */
	eng_host_sends(e, 500);
	assert_int_equal(expect_io(e, CHIM_IO_SEND_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	assert_int_equal(
		expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	eng_host_posts(e, 100, 0);
	assert_int_equal(
		expect_io(e, CHIM_IO_RECEIVE_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	expect_quiet_for(e, 10000);
	assert_is_idle(e);
	eng_finish(e);
}

static void
without_a_flight_new_data_waits(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct taken all;

	take_all(&all, e->env.flight_pool);
	eng_host_sends(e, 500);
	expect_nothing(e);
	expect_no_io(e);
	give_all(&all);
	eng_turn(e);
	expect_out(e, SEG(.seq = 0, .len = 500));
	inject(e, SEG(.ack = 500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
without_queues_nothing_is_imported_that_waits(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .unsent = 500);
	struct eng_state s;
	struct taken all;

	eng_ignore_out(e);
	eng_export(e, &s);
	eng_ignore_io(e);
	eng_empty(e);
	take_all(&all, e->env.queues_pool);
	assert_int_equal(eng_import_state(e, &s), CHIM_REASON_NO_MEMORY);
	give_all(&all);
	assert_int_equal(eng_import_state(e, &s), CHIM_REASON_NONE);
	eng_turn(e);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_idle_connection_has_nothing_from_pools),
	cmocka_unit_test(a_hole_a_request_and_a_duplicate_are_no_idleness),
	cmocka_unit_test(without_queues_data_is_dropped_as_if_lost),
	cmocka_unit_test(the_last_buffers_are_not_for_data_that_waits),
	cmocka_unit_test(without_queues_the_fin_alone_is_taken),
	cmocka_unit_test(without_queues_what_the_host_asks_comes_back),
	cmocka_unit_test(without_a_flight_new_data_waits),
	cmocka_unit_test(without_queues_nothing_is_imported_that_waits),
};

CHIM_CMOCKA_SUITE(engine_idle_autotest, tests, NULL, NULL)
