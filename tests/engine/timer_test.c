/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Retransmission and keepalive timers (RFC 6298; RFC 1122, 4.2.3.6; spec 8.3).
 */
#include "eng.h"

#define HOUR_MS (3600u * 1000u)

static void
expect_after(struct eng *e, uint32_t ms, struct pkt p)
{
	expect_quiet_for(e, ms - 1);
	eng_run(e, 1);
	expect_out(e, p);
}

/* RTO 200 ms: srtt 100 ms, 4 * rttvar 100 ms at import. No tail probe without SACK. */
static void
a_segment_is_sent_again_with_the_timeout_doubled_each_time(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	eng_host_sends(e, 500);
	expect_out(e, SEG(.seq = 0, .len = 500));
	expect_after(e, 200, SEG(.seq = 0, .len = 500));
	expect_after(e, 400, SEG(.seq = 0, .len = 500));
	expect_after(e, 800, SEG(.seq = 0, .len = 500));
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 3);
	/* checklist 256: one of ours and the first ACK */
	assert_int_equal(e->stats4.tcp_out_segments, 2);
	/* Karn: this gives no sample; the next segment starts from the first timeout */
	inject(e, SEG(.ack = 500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_host_sends(e, 500);
	expect_out(e, SEG(.seq = 500, .len = 500));
	expect_after(e, 200, SEG(.seq = 500, .len = 500));
	inject(e, SEG(.ack = 1000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
the_timeout_stops_at_its_bound(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true, .max_rt = CHIM_TICKS_NONE);
	uint32_t ms = 200;

	eng_host_sends(e, 500);
	eng_ignore_out(e);
	for (uint32_t i = 0; i < 30; i++) {
		expect_after(e, ms, SEG(.seq = 0, .len = 500));
		ms = RTE_MIN(2 * ms, 60000u);
	}
	expect_no_io(e);
	eng_finish(e);
}

static void
checklist_239_the_count_limits_by_default(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	e->cfg.max_retransmits = 3;
	eng_host_sends(e, 500);
	eng_run(e, HOUR_MS);
	/* the first and three more */
	assert_int_equal(e->nb_out, 4);
	eng_ignore_out(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	/* nothing is lost: the host gets the data back */
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	assert_int_equal(chain->pkt_len, 500);
	assert_int_equal(d.retransmit_count, 3);
	assert_int_equal(d.total_rt, 200 + 400 + 800 + 1600);
	rte_pktmbuf_free(chain);
	eng_finish(e);
}

static void
checklist_239_a_time_limits_when_it_is_set(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true, .max_rt = 1000);

	eng_host_sends(e, 500);
	eng_ignore_out(e);
	eng_run(e, 600);
	assert_int_equal(e->nb_out, 2);
	eng_ignore_out(e);
	/* 200 + 400 + 800 >= 1000 */
	expect_quiet_for(e, 799);
	expect_no_io(e);
	eng_run(e, 1);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	eng_finish(e);
}

static void
checklist_95_max_rt_restart_gives_the_segment_its_time_again(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true, .max_rt = 1000);
	struct chim_tcp_cached cached;

	eng_host_sends(e, 500);
	eng_run(e, 600);
	eng_ignore_out(e);
	cached = eng_cached(e);
	assert_int_equal(eng_delegated(e).total_rt, 600);
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).total_rt, 0);
	eng_run(e, 800);
	expect_out(e, SEG(.seq = 0, .len = 500));
	expect_no_io(e);
	eng_finish(e);
}

/* Spec 2.3: a limit that is set starts from now; none leaves what was counted. */
static void
checklist_95_a_new_limit_starts_from_now(void **state)
{
	static const chim_ticks_t limits[] = { 0, 5000 };

	for (uint32_t i = 0; i < CHIM_DIM(limits); i++) {
		struct eng *e = eng_established(.mss = 1000, .no_sack = true, .max_rt = 1000);
		struct chim_tcp_cached cached;

		eng_host_sends(e, 500);
		eng_run(e, 600);
		eng_ignore_out(e);
		cached = eng_cached(e);
		cached.max_rt = limits[i];
		eng_update(e, &cached, 0);
		assert_int_equal(eng_delegated(e).total_rt, limits[i] != 0 ? 0 : 600);
		eng_finish(e);
	}
}

static void
a_lost_tail_is_probed_before_the_timeout(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 60000);

	eng_host_sends(e, 3000);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000));
	/* RFC 8985, 7.2: twice the round trip; the last segment again */
	eng_run(e, 201);
	assert_int_equal(e->counters.tlp + e->counters.rto, 1);
	assert_int_equal(e->nb_out, 1);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* ---- keepalive ---- */

#define KEEPALIVE                                                               \
	.cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED, .ka_timeout = 2 * HOUR_MS, \
	.ka_interval = 75000, .ka_probe_count = 3

static const struct pkt probe = { .seq = UINT32_MAX };

static void
an_idle_peer_is_asked_after_two_hours_across_every_wrap(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);

	/* 700 ms before the millisecond clock wraps it was armed */
	expect_after(e, 2 * HOUR_MS, probe);
	assert_int_equal(e->counters.keepalive_probes, 1);
	inject(e, SEG(.ack = 0));
	expect_after(e, 2 * HOUR_MS, probe);
	expect_after(e, 75000, probe);
	inject(e, SEG(.ack = 0));
	expect_quiet_for(e, 2 * HOUR_MS - 1);
	eng_run(e, 1);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
a_peer_that_does_not_answer_is_given_back(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);

	expect_after(e, 2 * HOUR_MS, probe);
	expect_after(e, 75000, probe);
	expect_after(e, 75000, probe);
	expect_quiet_for(e, 74999);
	expect_no_io(e);
	eng_run(e, 1);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	expect_quiet_for(e, 10 * HOUR_MS);
	assert_int_equal(eng_view(e).state, CHIM_TCP_ESTABLISHED);
	eng_finish(e);
}

static void
half_spent(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	d->keep_alive_timeout_delta = 5000;
	d->keep_alive_probe_count = 2;
}

static void
checklist_238_an_inherited_keepalive_goes_on_where_it_was(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE, .tweak = half_spent);

	expect_after(e, 5000, probe);
	/* two were sent before it came here, and three are the limit */
	eng_run(e, 75000);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	eng_finish(e);
}

static void
checklist_80_93_94_update_turns_keepalive_off_on_and_restarts_it(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);
	struct chim_tcp_cached cached = eng_cached(e);

	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, 2 * HOUR_MS);
	cached.flags = 0;
	eng_update(e, &cached, 0);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, CHIM_TICKS_NONE);
	expect_quiet_for(e, 3 * HOUR_MS);
	cached.flags = CHIM_TCP_KEEP_ALIVE_ENABLED;
	cached.ka_timeout = 10000;
	eng_update(e, &cached, 0);
	expect_quiet_for(e, 9000);
	eng_update(e, &cached, CHIM_TCP_KEEP_ALIVE_RESTART);
	expect_after(e, 10000, probe);
	/* checklist 96: the count starts over when its limit changes */
	cached.flags = CHIM_TCP_KEEP_ALIVE_ENABLED | CHIM_TCP_MAX_RT_RESTART;
	cached.ka_probe_count = 7;
	eng_update(e, &cached, 0);
	assert_int_equal(eng_delegated(e).keep_alive_probe_count, 0);
	/* checklist 97 */
	cached.ka_timeout = 20000;
	eng_update(e, &cached, 0);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, 20000);
	eng_finish(e);
}

static void
checklist_96_with_max_rt_restart_a_new_probe_count_starts_at_none(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);
	struct chim_tcp_cached cached;

	expect_after(e, 2 * HOUR_MS, probe);
	expect_after(e, 75000, probe);
	cached = eng_cached(e);
	cached.ka_probe_count = 5;
	eng_update(e, &cached, 0);
	assert_int_equal(eng_delegated(e).keep_alive_probe_count, 2);
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).keep_alive_probe_count, 2);
	cached.ka_probe_count = 4;
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).keep_alive_probe_count, 0);
	/* so there are four more, at the interval that was running */
	for (uint32_t i = 0; i < 4; i++)
		expect_after(e, 75000, probe);
	eng_run(e, 75000);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	eng_finish(e);
}

static void
checklist_97_with_max_rt_restart_new_keepalive_times_start_the_timer_again(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);
	struct chim_tcp_cached cached = eng_cached(e);

	eng_run(e, HOUR_MS);
	cached.ka_timeout = 50000;
	eng_update(e, &cached, 0);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, HOUR_MS);
	/* nothing new in it: nothing is started again */
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, HOUR_MS);
	cached.ka_timeout = 20000;
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, 20000);
	eng_run(e, 5000);
	cached.ka_interval = 3000;
	eng_update(e, &cached, CHIM_TCP_MAX_RT_RESTART);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, 20000);
	expect_after(e, 20000, probe);
	expect_after(e, 3000, probe);
	eng_finish(e);
}

static void
an_idle_time_of_zero_is_two_hours_and_no_storm_of_probes(void **state)
{
	struct eng *e = eng_established(.cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED);

	inject(e, SEG(.seq = 0));
	expect_after(e, 2 * HOUR_MS, SEG(.seq = UINT32_MAX));
	inject(e, SEG(.seq = 0));
	expect_after(e, 2 * HOUR_MS, SEG(.seq = UINT32_MAX));
	eng_finish(e);
}

static void
a_keepalive_of_the_peer_is_answered(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = UINT32_MAX, .len = 0));
	expect_out(e, SEG(.ack = 0));
	eng_run(e, 75000);
	inject(e, SEG(.seq = UINT32_MAX, .len = 1));
	expect_out(e, SEG(.ack = 0));
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_segment_is_sent_again_with_the_timeout_doubled_each_time),
	cmocka_unit_test(the_timeout_stops_at_its_bound),
	cmocka_unit_test(checklist_239_the_count_limits_by_default),
	cmocka_unit_test(checklist_239_a_time_limits_when_it_is_set),
	cmocka_unit_test(checklist_95_max_rt_restart_gives_the_segment_its_time_again),
	cmocka_unit_test(checklist_95_a_new_limit_starts_from_now),
	cmocka_unit_test(a_lost_tail_is_probed_before_the_timeout),
	cmocka_unit_test(an_idle_peer_is_asked_after_two_hours_across_every_wrap),
	cmocka_unit_test(a_peer_that_does_not_answer_is_given_back),
	cmocka_unit_test(checklist_238_an_inherited_keepalive_goes_on_where_it_was),
	cmocka_unit_test(checklist_80_93_94_update_turns_keepalive_off_on_and_restarts_it),
	cmocka_unit_test(checklist_96_with_max_rt_restart_a_new_probe_count_starts_at_none),
	cmocka_unit_test(
		checklist_97_with_max_rt_restart_new_keepalive_times_start_the_timer_again),
	cmocka_unit_test(an_idle_time_of_zero_is_two_hours_and_no_storm_of_probes),
	cmocka_unit_test(a_keepalive_of_the_peer_is_answered),
};

CHIM_CMOCKA_SUITE(engine_timer_autotest, tests, NULL, NULL)
