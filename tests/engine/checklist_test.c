/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Lines of the specification's checklist that belong to one connection and
 * that no other file of this folder has: query, terminate in every state,
 * sends, events, timers, statistics.
 */
#include <rte_ip.h>

#include "eng.h"
#include "eng_int.h"
#include "tcp_conn.h"

/* ---- query ---- */

static void
checklist_74_a_query_gives_the_values_of_now(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .len = 100, .ack = 1000, .has_wnd = true, .wnd = 7000));
	struct chim_tcp_delegated d = eng_delegated(e);

	assert_int_equal(d.snd_una, e->iss + 1000);
	assert_int_equal(d.snd_nxt, e->iss + 1500);
	assert_int_equal(d.snd_max, e->iss + 1500);
	assert_int_equal(d.snd_wnd, 7000);
	assert_int_equal(d.max_snd_wnd, 60000);
	assert_int_equal(d.rcv_nxt, e->irs + 100);
	eng_ignore_io(e);
	eng_run(e, 40);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_76_78_the_send_backlog_does_not_depend_on_what_is_posted(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	uint32_t before = eng_delegated(e).send_backlog_size;

	assert_true(before >= 64 * 1024 && before != UINT32_MAX);
	eng_host_sends(e, 50000);
	assert_int_equal(eng_delegated(e).send_backlog_size, before);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_77_the_receive_backlog_is_what_waits_for_the_host(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 700);

	inject(e, SEG(.seq = 0, .len = 300));
	assert_int_equal(eng_delegated(e).receive_backlog_size, 1000);
	eng_run(e, 40);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_79_81_timers_that_rest_and_round_trips(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d = eng_delegated(e);

	assert_int_equal(d.retransmit_timeout_delta, CHIM_TICKS_NONE);
	assert_int_equal(d.keep_alive_timeout_delta, CHIM_TICKS_NONE);
	assert_int_equal(d.srtt, 8 * 100);
	assert_int_equal(d.rttvar, 4 * 25);
	eng_host_sends(e, 10);
	eng_run(e, 50);
	assert_int_equal(eng_delegated(e).retransmit_timeout_delta, 150);
	eng_ignore_out(e);
	eng_finish(e);
}

/* ---- terminate ---- */

static void
terminate(struct eng *e, struct chim_tcp_delegated *d)
{
	struct rte_mbuf *chain;

	assert_int_equal(chim_tcp_terminate(e->c, NULL, d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	struct chim_io back = { .m = chain };

	eng_drop_io(&back);
	back.m = d->buffered_data;
	eng_drop_io(&back);
	eng_turn(e);
	eng_ignore_io(e);
	eng_finish(e);
}

static void
checklist_125_terminate_works_in_every_state(void **state)
{
	static const uint32_t given[] = { CHIM_TCP_ESTABLISHED, CHIM_TCP_FIN_WAIT_1,
		CHIM_TCP_FIN_WAIT_2, CHIM_TCP_CLOSE_WAIT, CHIM_TCP_CLOSING, CHIM_TCP_LAST_ACK };
	struct chim_tcp_delegated d;
	struct eng *e;

	for (uint32_t i = 0; i < CHIM_DIM(given); i++) {
		e = eng_new(&(struct eng_opts){ .state = given[i] });
		eng_ignore_io(e);
		terminate(e, &d);
		assert_int_equal(d.state, given[i]);
	}
	e = eng_in(FIN_WAIT_2);
	inject(e, SEG(.flags = CHIM_FIN));
	eng_ignore_out(e);
	eng_ignore_io(e);
	terminate(e, &d);
	assert_int_equal(d.state, CHIM_TCP_TIME_WAIT);
	e = eng_established();
	inject(e, SEG(.flags = CHIM_RST));
	eng_ignore_io(e);
	terminate(e, &d);
	assert_int_equal(d.state, CHIM_TCP_CLOSED);
}

static void
checklist_120_121_buffered_data_at_terminate_is_what_was_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 500);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;
	struct rte_mbuf *m;
	uint32_t at = 0u - 500;

	inject(e, SEG(.seq = 0, .len = 200));
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	CHIM_NBL_FOREACH (m, d.buffered_data) {
		eng_check_bytes(m, at);
		at += m->pkt_len;
		/* to be returned like lent data */
		assert_int_equal(chim_nbl(m)->cookie, chim_tcp_head(e->c)->handle);
		assert_int_equal(chim_nbl(m)->room, m->pkt_len);
	}
	assert_int_equal(at, 200);
	struct chim_io back = { .m = d.buffered_data };

	eng_drop_io(&back);
	eng_finish(e);
}

static void
checklist_130_state_that_cannot_be_trusted_is_not_given_back(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	e->c->snd_end += 1;
	assert_non_null(chim_tcp_check(e->c));
	assert_int_equal(
		chim_tcp_terminate(e->c, &e->tmpl, &d, &chain, &e->env), CHIM_STATUS_FAILURE);
	assert_int_equal(e->counters.check_failed, 1);
	assert_null(chain);
	eng_turn(e);
	/* spec 4.6: the sends come back aborted */
	assert_int_equal(expect_io(e, CHIM_IO_SEND_DONE)->status, CHIM_STATUS_REQUEST_ABORTED);
	eng_finish(e);
}

static void
each_invariant_is_looked_at(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 100, .unacked = 500);
	struct chim_conn *c = e->c;
	uint32_t *const field[] = { &c->snd_una, &c->snd_max, &c->snd_end, &c->q->rcvq_bytes,
		&c->q->refused_bytes, &c->rcv_nxt, &c->snd_wnd };

	for (uint32_t i = 0; i < CHIM_DIM(field); i++) {
		uint32_t was = *field[i];

		assert_null(chim_tcp_check(c));
		*field[i] += 100000;
		assert_non_null(chim_tcp_check(c));
		*field[i] = was;
	}
	c->armed = 0;
	assert_non_null(chim_tcp_check(c));
	c->armed = 1u << TCP_TIMER_RETRANSMIT;
	eng_finish(e);
}

/* ---- send ---- */

static void
checklist_132_every_send_is_accepted_however_full_the_window(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_window_closed = true);

	for (uint32_t i = 0; i < 200; i++)
		eng_host_sends(e, 5000);
	expect_no_io(e);
	assert_int_equal(eng_view(e).send_queue_bytes, 1000000);
	expect_nothing(e);
	eng_finish(e);
}

static void
checklist_135_a_request_in_many_buffers_is_one_sequence(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_attached = true);
	struct chim_io io = { .op = CHIM_IO_SEND, .m = eng_chain(0, 3000, 37) };

	e->sent_by_host = 3000;
	assert_int_equal(io.m->nb_segs, 82);
	eng_host_io(e, &io);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- close ---- */

static void
checklist_188_a_closed_connection_is_there_until_terminate(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	assert_int_equal(eng_delegated(e).state, CHIM_TCP_CLOSED);
	assert_int_equal(eng_delegated(e).rcv_nxt, e->irs);
	expect_quiet_for(e, 1000000);
	eng_finish(e);
}

/* ---- events ---- */

static void
checklist_198_199_an_optional_reason_changes_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	chim_tcp_retrieve(e->c, CHIM_UPLOAD_LOW_ACTIVITY, &e->env);
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_LOW_ACTIVITY, &e->env);
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_SMALL_IO, &e->env);
	eng_turn(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_LOW_ACTIVITY);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_SMALL_IO);
	eng_host_sends(e, 100);
	expect_out(e, SEG(.seq = 0, .len = 100));
	inject(e, SEG(.ack = 100));
	expect_io(e, CHIM_IO_SEND_DONE);
	/* it may be asked again */
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_SMALL_IO, &e->env);
	eng_turn(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_SMALL_IO);
	eng_finish(e);
}

static void
checklist_201_a_half_closed_connection_is_not_asked_back_for_its_quality(void **state)
{
	static const uint32_t states[] = { CHIM_TCP_FIN_WAIT_1, CHIM_TCP_FIN_WAIT_2,
		CHIM_TCP_CLOSE_WAIT };

	for (uint32_t i = 0; i < CHIM_DIM(states); i++) {
		struct eng *e = eng_new(&(struct eng_opts){ .state = states[i] });

		eng_ignore_io(e);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_LOW_ACTIVITY, &e->env);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_HIGH_DROP_RATE, &e->env);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_SMALL_IO, &e->env);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_NO_BUFFER_PREPOSTING, &e->env);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_HIGH_FRAGMENTATION, &e->env);
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_HIGH_OUT_OF_ORDER_PACKETS, &e->env);
		eng_turn(e);
		expect_no_io(e);
		/* what the host asked for itself, by invalidating the path, is told */
		chim_tcp_retrieve(e->c, CHIM_UPLOAD_INVALID_STATE, &e->env);
		eng_turn(e);
		expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
		assert_int_equal(eng_delegated(e).state, states[i]);
		eng_ignore_out(e);
		eng_finish(e);
	}
	/* the exception: FIN_WAIT_2 runs out, and it is closed then */
	struct eng *e = eng_in(FIN_WAIT_2);

	eng_run(e, 120000);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	assert_int_equal(eng_delegated(e).state, CHIM_TCP_CLOSED);
	eng_finish(e);
}

static void
checklist_202_time_wait_asks_to_be_taken_back(void **state)
{
	struct eng *e = eng_in(FIN_WAIT_2);

	inject(e, SEG(.seq = 0, .len = 100, .flags = CHIM_FIN));
	expect_out(e, SEG(.seq = 0, .ack = 101));
	assert_int_equal(eng_delegated(e).state, CHIM_TCP_TIME_WAIT);
	/* last of all: the data and the peer's FIN come before */
	expect_data(e, 0, 100);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_ignore_out(e);
	/* once, and until terminate the peer is answered */
	eng_run(e, 240000);
	expect_no_io(e);
	inject(e, SEG(.seq = 100, .flags = CHIM_FIN));
	expect_out(e, SEG(.seq = 0, .ack = 101));
	expect_no_io(e);
	eng_finish(e);
}

static void
checklist_200_hardware_failure_stops_it_and_is_followed_by_abort(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	chim_tcp_retrieve(e->c, CHIM_UPLOAD_HARDWARE_FAILURE, &e->env);
	eng_turn(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_HARDWARE_FAILURE);
	expect_event(e, CHIM_EVENT_ABORT, 0);
	eng_host_sends(e, 100);
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

/* All that is out is acknowledged, so many times; what can go goes. */
static void
acknowledge(struct eng *e, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		eng_ignore_out(e);
		inject(e, SEG(.ack = eng_view(e).snd_max - e->iss));
	}
	eng_ignore_out(e);
}

/* The events told; everything else that was told is dropped. */
static uint32_t
backlog_events(struct eng *e, uint32_t *last)
{
	uint32_t nb = 0;

	for (uint32_t i = 0; i < e->nb_io; i++) {
		if (e->io[i].op != CHIM_IO_EVENT ||
			e->io[i].event != CHIM_EVENT_SEND_BACKLOG_CHANGE)
			continue;
		*last = e->io[i].info;
		nb++;
	}
	eng_ignore_io(e);
	return nb;
}

static void
checklist_203_backlog_changes_are_told_rarely(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wscale = 10, .snd_wnd = 16 << 20);
	uint32_t last = 0, nb = 0, told = 0;

	e->cfg.abc_limit = 100000; /* an ACK of all is as good as one of each */
	for (uint32_t i = 0; i < 20; i++)
		eng_host_sends(e, 200000);
	assert_int_equal(backlog_events(e, &last), 0);
	/* slow start: the window doubles each round, eight times */
	acknowledge(e, 8);
	nb = backlog_events(e, &last);
	assert_true(eng_view(e).cwnd > 1000000);
	/* not once for each: again only after a second, and then what it is by now */
	assert_int_equal(nb, 1);
	eng_run(e, 150);
	acknowledge(e, 1);
	assert_int_equal(backlog_events(e, &told), 0);
	eng_finish(e);
}

static void
checklist_203_the_host_hears_of_a_larger_backlog_in_the_end(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wscale = 10, .snd_wnd = 16 << 20);
	uint32_t last = 0, nb = 0;

	e->cfg.abc_limit = 100000;
	for (uint32_t i = 0; i < 40; i++)
		eng_host_sends(e, 200000);
	for (uint32_t i = 0; i < 12; i++) {
		chim_tcp_set_now(&e->env, e->env.now_us + 150 * CHIM_US_PER_MS);
		acknowledge(e, 1);
		nb += backlog_events(e, &last);
	}
	assert_in_range(nb, 2, 3);
	/* what a query says, or half of it */
	assert_true(last >= eng_delegated(e).send_backlog_size / 2);
	assert_true(last >= 1 << 20);
	eng_finish(e);
}

/* ---- an invalid path (spec 7) ---- */

static void
nothing_is_given_up_while_the_path_is_invalid(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 60000, .ka_interval = 1000, .ka_probe_count = 3);

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	chim_tcp_head(e->c)->is_invalid = 1;
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_INVALID_STATE, &e->env);
	eng_turn(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
	/* hours: what was not sent was not unanswered */
	expect_quiet_for(e, 5 * 3600 * 1000);
	expect_no_io(e);
	assert_int_equal(eng_delegated(e).retransmit_count, 0);
	chim_tcp_head(e->c)->is_invalid = 0;
	chim_tcp_path_changed(e->c, 1500, &e->env);
	eng_run(e, 1000);
	assert_true(e->nb_out != 0);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1500));
	expect_io(e, CHIM_IO_SEND_DONE);
	/* keepalive starts anew, and counts */
	eng_run(e, 70000);
	assert_true(e->nb_out >= 3);
	eng_ignore_out(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	eng_finish(e);
}

static void
checklist_244_a_round_trip_counts_for_30_seconds_at_most(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true, .max_rt = CHIM_TICKS_NONE);

	eng_host_sends(e, 1000);
	/* sent again, so that only the echo tells: of the first, more than a minute ago */
	eng_run(e, 90000);
	eng_ignore_out(e);
	uint32_t before = eng_view(e).srtt_us;

	inject(e, SEG(.ack = 1000, .has_ts = true, .tsval = 10, .tsecr = 0));
	/* 7/8 of what it was and 1/8 of 30 s */
	assert_in_range(eng_view(e).srtt_us, before / 8 * 7 + 3750000 - 2,
		before / 8 * 7 + 3750000 + 100000);
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- timers and recovery ---- */

static void
checklist_242_fast_retransmit_comes_at_the_configured_duplicate(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	e->cfg.dupack_threshold = 5;
	eng_host_sends(e, 9000);
	eng_ignore_out(e);
	for (uint32_t i = 0; i < 4; i++)
		inject(e, SEG(.ack = 0));
	expect_nothing(e);
	inject(e, SEG(.ack = 0));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.ack = 9000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
fast_path(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	d->srtt = 8;
	d->rttvar = 4;
}

static void
checklist_244_the_timeout_has_a_configured_floor(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true, .tweak = fast_path);

	/* the documented value, as a profile sets it */
	e->cfg.rto_min_us = 300000;
	eng_host_sends(e, 100);
	eng_ignore_out(e);
	expect_quiet_for(e, 299);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = 0, .len = 100));
	eng_finish(e);
}

static void
checklist_247_many_holes_are_filled_in_any_order(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 1000, .len = 1000));
	inject(e, SEG(.seq = 3000, .len = 1000));
	inject(e, SEG(.seq = 5000, .len = 1000));
	eng_ignore_out(e);
	inject(e, SEG(.seq = 4000, .len = 1000));
	inject(e, SEG(.seq = 2000, .len = 1000));
	eng_ignore_out(e);
	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_out(e, SEG(.ack = 6000));
	expect_data(e, 0, 6000);
	eng_finish(e);
}

static void
checklist_250_sack_that_was_not_agreed_is_passed_over(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	eng_host_sends(e, 3000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000, .nb_sack = 1, .sack = { { 2000, 3000 } }));
	/* the ACK counted, the block did not: all of the rest is resent after a timeout */
	assert_int_equal(eng_view(e).snd_una, e->iss + 1000);
	eng_run(e, 500);
	assert_int_equal(e->pkt[0].seq, 1000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 2000));
	expect_out(e, SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
deci_ticks(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	d->keep_alive_timeout_delta = 50;
}

static void
checklist_232_ticks_are_scaled(void **state)
{
	struct eng *e = eng_blank(&(struct eng_opts){ .mss = 1000,
		.cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 100,
		.ka_probe_count = 3,
		.tweak = deci_ticks });

	e->cfg.ticks_per_second = 10;
	eng_import(e);
	eng_turn(e);
	expect_out(e, SEG(.ack = 0));
	/* 50 ticks of 100 ms */
	expect_quiet_for(e, 4999);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = UINT32_MAX));
	inject(e, SEG(.ack = 0));
	expect_quiet_for(e, 9999);
	assert_int_equal(eng_delegated(e).keep_alive_timeout_delta, 0);
	eng_finish(e);
}

/* ---- statistics ---- */

static void
checklist_253_256_257_258_260_what_is_counted(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	assert_int_equal(e->stats4.tcp_currently_established, 1);
	eng_host_sends(e, 1000);
	eng_run(e, 200);
	eng_ignore_out(e);
	/* the first ACK, and data once; what was sent again is counted apart */
	assert_int_equal(e->stats4.tcp_out_segments, 2);
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 1);
	assert_int_equal(e->stats4.ip_out_requests, 3);
	assert_int_equal(e->stats4.ip_out_octets, 40 + 2 * 1040);
	inject(e, SEG(.seq = 0, .len = 500, .ack = 1000, .flags = CHIM_FIN));
	assert_int_equal(e->stats4.tcp_in_segments, 1);
	assert_int_equal(e->stats4.ip_in_octets, 540);
	/* CLOSE_WAIT counts as established */
	assert_int_equal(e->stats4.tcp_currently_established, 1);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	eng_ignore_out(e);
	eng_ignore_io(e);
	assert_int_equal(e->stats4.tcp_out_resets, 1);
	assert_int_equal(e->stats4.tcp_reset_established, 1);
	assert_int_equal(e->stats4.tcp_currently_established, 0);
	assert_int_equal(e->stats6.tcp_in_segments, 0);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_74_a_query_gives_the_values_of_now),
	cmocka_unit_test(checklist_76_78_the_send_backlog_does_not_depend_on_what_is_posted),
	cmocka_unit_test(checklist_77_the_receive_backlog_is_what_waits_for_the_host),
	cmocka_unit_test(checklist_79_81_timers_that_rest_and_round_trips),
	cmocka_unit_test(checklist_125_terminate_works_in_every_state),
	cmocka_unit_test(checklist_120_121_buffered_data_at_terminate_is_what_was_acknowledged),
	cmocka_unit_test(checklist_130_state_that_cannot_be_trusted_is_not_given_back),
	cmocka_unit_test(each_invariant_is_looked_at),
	cmocka_unit_test(checklist_132_every_send_is_accepted_however_full_the_window),
	cmocka_unit_test(checklist_135_a_request_in_many_buffers_is_one_sequence),
	cmocka_unit_test(checklist_188_a_closed_connection_is_there_until_terminate),
	cmocka_unit_test(checklist_198_199_an_optional_reason_changes_nothing),
	cmocka_unit_test(checklist_201_a_half_closed_connection_is_not_asked_back_for_its_quality),
	cmocka_unit_test(checklist_202_time_wait_asks_to_be_taken_back),
	cmocka_unit_test(checklist_200_hardware_failure_stops_it_and_is_followed_by_abort),
	cmocka_unit_test(checklist_203_backlog_changes_are_told_rarely),
	cmocka_unit_test(checklist_203_the_host_hears_of_a_larger_backlog_in_the_end),
	cmocka_unit_test(nothing_is_given_up_while_the_path_is_invalid),
	cmocka_unit_test(checklist_244_a_round_trip_counts_for_30_seconds_at_most),
	cmocka_unit_test(checklist_242_fast_retransmit_comes_at_the_configured_duplicate),
	cmocka_unit_test(checklist_244_the_timeout_has_a_configured_floor),
	cmocka_unit_test(checklist_247_many_holes_are_filled_in_any_order),
	cmocka_unit_test(checklist_250_sack_that_was_not_agreed_is_passed_over),
	cmocka_unit_test(checklist_232_ticks_are_scaled),
	cmocka_unit_test(checklist_253_256_257_258_260_what_is_counted),
};

CHIM_CMOCKA_SUITE(engine_checklist_autotest, tests, NULL, NULL)
