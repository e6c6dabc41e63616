/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker's life: creation that fails leaves nothing, the lcore main rests as
 * configured, and a connection whose memory went bad takes the way of spec 4.6.
 */
#include <rte_errno.h>

#include "idle.h"
#include "rings.h"
#include "tcp_conn.h"
#include "worker.h"

/* The configuration of a worker beside the one of rings. */
static struct chim_dp_config
second_worker(const struct rings *r)
{
	struct chim_dp_config cfg = {
		.nb_workers = 1,
		.socket_id = SOCKET_ID_ANY,
		.max_connections = 4,
		.max_paths = 4,
		.max_neighbors = 4,
		.max_holds = 4,
		.target = r->target,
		.from_ctl = r->to[0],
		.to_ctl = r->from[0],
		.port = { &r->port },
		.pool = r->pool,
	};

	chim_tcp_config_init(&cfg.tcp);
	return cfg;
}

static void
expect_refused(struct chim_dp_config *cfg, int err)
{
	rte_errno = 0;
	assert_null(chim_dp_create(cfg));
	assert_int_equal(rte_errno, err);
}

static void
configurations_that_cannot_be_are_refused(void **state)
{
	struct chim_dp_config cfg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	cfg = second_worker(&r);
	expect_refused(&cfg, EEXIST); /* worker 0 is there */
	cfg.id = 1;
	expect_refused(&cfg, EINVAL);
	cfg.nb_workers = 2; /* no mailboxes between them */
	expect_refused(&cfg, EINVAL);
	cfg = second_worker(&r);
	cfg.pool = r.clone_pool;
	cfg.max_connections = 0;
	expect_refused(&cfg, EINVAL);
	cfg = second_worker(&r);
	cfg.target = NULL;
	expect_refused(&cfg, EINVAL);
	cfg = second_worker(&r);
	cfg.tcp.ticks_per_second = 0;
	expect_refused(&cfg, EINVAL);
	/* one challenge of each worker: less is none of some */
	cfg = second_worker(&r);
	cfg.nb_workers = 2;
	cfg.to_worker[1] = r.to[0];
	cfg.from_worker[1] = r.from[0];
	cfg.tcp.challenge_per_second = 1;
	expect_refused(&cfg, EINVAL);
	cfg.tcp.challenge_per_second = 2;
	expect_refused(&cfg, EEXIST); /* as above */
	rings_down(&r);
}

/* Each thing a worker owns in turn is more than there is memory; what came before is given back. */
static void
a_creation_that_fails_gives_everything_back(void **state)
{
	struct chim_dp_config cfg;
	struct chim_worker *w;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	chim_dp_destroy(r.worker[0]);
	for (int round = 0; round < 2; round++) {
		cfg = second_worker(&r);
		cfg.max_connections = 1u << 28;
		expect_refused(&cfg, ENOMEM);
		cfg = second_worker(&r);
		cfg.max_paths = 1u << 28;
		expect_refused(&cfg, ENOMEM);
		cfg = second_worker(&r);
		cfg.max_neighbors = 1u << 28;
		expect_refused(&cfg, ENOMEM);
		cfg = second_worker(&r);
		cfg.max_holds = 1u << 26;
		expect_refused(&cfg, ENOMEM);
		cfg = second_worker(&r);
		cfg.max_sent = 1u << 26;
		expect_refused(&cfg, ENOMEM);
		cfg = second_worker(&r);
		w = chim_dp_create(&cfg);
		assert_non_null(w);
		chim_dp_destroy(w);
	}
	chim_dp_destroy(NULL);
	r.worker[0] = NULL;
	rings_down(&r);
}

struct guest {
	atomic_bool stop;
	uint32_t turns;
	chim_us_t last;
};

static uint32_t
count_turns(void *arg, chim_us_t now)
{
	struct guest *g = arg;

	assert_true(now >= g->last);
	g->last = now;
	if (++g->turns == 20)
		atomic_store(&g->stop, true);
	return 0;
}

static uint64_t
sleeps_of(enum chim_idle idle)
{
	struct guest g = { 0 };
	struct chim_dp_config cfg;
	struct chim_worker *w;
	struct rings r;
	uint64_t sleeps;

	rings_up(&r, &(struct rings_opts){ 0 });
	chim_dp_destroy(r.worker[0]);
	cfg = second_worker(&r);
	cfg.idle = idle;
	cfg.idle_turns = 5;
	cfg.idle_sleep_us = 1;
	w = chim_dp_create(&cfg);
	assert_non_null(w);
	assert_int_equal(chim_dp_run(w, count_turns, &g, &g.stop), 0);
	assert_int_equal(g.turns, 20);
	assert_int_equal(chim_dp_counters(w)->turns, 20);
	assert_int_equal(chim_dp_counters(w)->busy_turns, 0);
	assert_int_equal(chim_dp_counters(w)->busy_cycles, 0);
	sleeps = chim_dp_counters(w)->sleeps;
	chim_dp_destroy(w);
	r.worker[0] = NULL;
	rings_down(&r);
	return sleeps;
}

static void
an_idle_worker_rests_as_configured(void **state)
{
	assert_int_equal(sleeps_of(CHIM_IDLE_SPIN), 0);
	assert_int_equal(sleeps_of(CHIM_IDLE_PAUSE), 0);
	assert_int_equal(sleeps_of(CHIM_IDLE_SLEEP), 16);
	/* net_ring ports have no interrupts: sleeping is what is left. */
	assert_int_equal(sleeps_of(CHIM_IDLE_INTERRUPT), 16);
}

static void
a_worker_that_stays_idle_sleeps_longer(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	struct chim_worker *w = r.worker[0];
	uint32_t first = dp_idle_sleep_us(w, w->idle_turns);
	uint32_t before = first;

	assert_int_equal(first, w->idle_sleep_us);
	for (uint32_t empty = w->idle_turns; empty < w->idle_turns + 1000; empty++) {
		uint32_t us = dp_idle_sleep_us(w, empty);

		assert_true(us == before || us == 2 * before);
		before = us;
	}
	assert_int_equal(before, 8 * first);
	assert_int_equal(dp_idle_sleep_us(w, UINT32_MAX), 8 * first);
	rings_down(&r);
}

struct lent {
	struct rings *r;
	atomic_bool stop;
	struct rte_mbuf *m; /* to be returned, at the 20th turn */
	uint32_t turns;
};

static uint32_t
return_late(void *arg, chim_us_t now)
{
	struct lent *l = arg;
	struct chim_io io = { .op = CHIM_IO_RETURN, .m = l->m };

	atomic_store(&l->stop, true);
	if (++l->turns == 20 && l->m != NULL) {
		rings_post(l->r, &io);
		l->m = NULL;
	}
	return 0;
}

/* A chain of data that the host has, of a connection that is terminated already. */
static struct rte_mbuf *
lend(struct rings *r)
{
	chim_handle_t h = rings_install(r, 0);
	struct chim_io io;

	assert_int_equal(chim_dp_nb_lent(r->worker[0]), 0);
	rings_wire_in(r, 0, rings_data(r, 0, 0, 100));
	rings_settle(r);
	assert_true(rings_collect(r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_INDICATE);
	assert_int_equal(chim_dp_nb_lent(r->worker[0]), 1);
	rings_terminate(r, h);
	assert_int_equal(chim_dp_nb_lent(r->worker[0]), 1);
	return io.m;
}

static void
checklist_176_a_worker_stops_when_it_has_back_what_it_lent(void **state)
{
	struct lent l = { 0 };
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	l.r = &r;
	l.m = lend(&r);
	assert_int_equal(chim_dp_run(r.worker[0], return_late, &l, &l.stop), 0);
	assert_int_equal(l.turns, 21); /* not before it was returned, and no longer */
	assert_int_equal(chim_dp_nb_lent(r.worker[0]), 0);
	rings_down(&r);
}

static void
a_host_that_never_returns_what_it_was_lent_does_not_stop_the_stop(void **state)
{
	struct lent l = { 0 };
	struct rte_mbuf *m;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	l.r = &r;
	m = lend(&r);
	r.worker[0]->lent_wait_us = 100;
	assert_int_equal(chim_dp_run(r.worker[0], return_late, &l, &l.stop), 0);
	assert_int_equal(chim_dp_nb_lent(r.worker[0]), 1);
	rte_pktmbuf_free(m);
	rings_down(&r);
}

static void
what_a_terminate_returns_counts_as_lent_until_it_is_back(void **state)
{
	struct chim_io io = { .op = CHIM_IO_REFUSE };
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	io.op = CHIM_IO_REFUSE;
	io.bytes = 0;
	rings_post(&r, &io);
	rings_settle(&r);
	assert_int_equal(chim_dp_nb_lent(r.worker[0]), 0);
	msg = rings_terminate(&r, h);
	assert_non_null(msg->tcp.delegated.buffered_data);
	assert_int_equal(chim_dp_nb_lent(r.worker[0]), 1);
	io = (struct chim_io){ .op = CHIM_IO_RETURN, .m = msg->tcp.delegated.buffered_data };
	rings_post(&r, &io);
	rings_settle(&r);
	assert_int_equal(chim_dp_nb_lent(r.worker[0]), 0);
	rings_down(&r);
}

/* Bad memory: what is queued and what the variables say no longer agree. */
static void
corrupt(struct rings *r, chim_handle_t h)
{
	struct chim_conn *c = chim_slab_at(r->worker[0]->conns, chim_handle_index(h));

	c->snd_una += 100;
}

static void
checklist_83_a_query_of_a_lost_object_fails_and_it_is_asked_back(void **state)
{
	static const uint32_t events[] = { CHIM_EVENT_RETRIEVE, CHIM_EVENT_ABORT };
	struct chim_msg *msg;
	chim_handle_t h;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 100);
	rings_settle(&r);
	corrupt(&r, h);
	msg = rings_msg(&r, CHIM_MSG_QUERY);
	msg->handle = h;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_CORRUPT);
	for (size_t i = 0; i < CHIM_DIM(events); i++) {
		assert_true(rings_collect(&r, 0, &io));
		assert_int_equal(io.op, CHIM_IO_EVENT);
		assert_int_equal(io.event, events[i]);
	}
	assert_int_equal(chim_dp_counters(r.worker[0])->tcp.check_failed, 1);
	rings_down(&r);
}

static void
checklist_130_a_terminate_of_a_lost_object_fails_and_aborts_its_sends(void **state)
{
	struct chim_msg *msg;
	chim_handle_t h;
	struct chim_io io;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 100);
	rings_settle(&r);
	corrupt(&r, h);
	msg = rings_msg(&r, CHIM_MSG_TERMINATE);
	msg->handle = h;
	msg->tcp.want = CHIM_WANT_DELEGATED;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(msg->reason, CHIM_REASON_CORRUPT);
	assert_null(msg->tcp.send_chain);
	do {
		assert_true(rings_collect(&r, 0, &io));
	} while (io.op != CHIM_IO_SEND_DONE);
	assert_int_equal(chim_nbl(io.m)->status, CHIM_STATUS_REQUEST_ABORTED);
	rte_pktmbuf_free(io.m);
	assert_int_equal(chim_dp_nb_connections(r.worker[0]), 0);
	rings_install(&r, 0);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(configurations_that_cannot_be_are_refused),
	cmocka_unit_test(a_creation_that_fails_gives_everything_back),
	cmocka_unit_test(an_idle_worker_rests_as_configured),
	cmocka_unit_test(a_worker_that_stays_idle_sleeps_longer),
	cmocka_unit_test(checklist_176_a_worker_stops_when_it_has_back_what_it_lent),
	cmocka_unit_test(a_host_that_never_returns_what_it_was_lent_does_not_stop_the_stop),
	cmocka_unit_test(what_a_terminate_returns_counts_as_lent_until_it_is_back),
	cmocka_unit_test(checklist_83_a_query_of_a_lost_object_fails_and_it_is_asked_back),
	cmocka_unit_test(checklist_130_a_terminate_of_a_lost_object_fails_and_aborts_its_sends),
};
CHIM_CMOCKA_SUITE(dp_worker_autotest, tests, NULL, NULL)
