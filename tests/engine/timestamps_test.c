/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Timestamps and PAWS (RFC 7323), and the clock that goes on across handover
 * (spec 8.4). Both sides' timestamps wrap within the first tenth of a second.
 */
#include "eng.h"

#define TS(v, ecr) .has_ts = true, .tsval = (v), .tsecr = (ecr)
#define DAYS	   (24ull * 3600 * 1000 * 1000)

static void
checklist_145_241_every_segment_has_the_givers_clock(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	eng_host_sends(e, 10);
	expect_out(e, SEG(.seq = 0, .len = 10, TS(0, 0)));
	/* across the wrap of the clock: TSval 0 is 99 ticks below it */
	eng_run(e, 150);
	inject(e, SEG(.ack = 10, .len = 5, TS(150, 0)));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_data(e, 0, 5);
	eng_run(e, 40);
	expect_out(e, SEG(.seq = 10, .ack = 5, TS(190, 150)));
	eng_finish(e);
}

static void
fast_clock(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	k->ts_hz = 250;
}

static void
the_clock_ticks_at_the_rate_the_peer_has_seen(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true, .tweak = fast_clock);

	eng_run(e, 4000);
	assert_int_equal(eng_delegated(e).ts_time - e->ts0, 1000);
	eng_finish(e);
}

static void
checklist_128_the_clock_comes_back_where_the_peer_has_seen_it(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	/* TSval 0 is what the giver's clock said; it wraps on the way */
	eng_run(e, 1234);
	eng_host_sends(e, 10);
	expect_out(e, SEG(.seq = 0, .len = 10, TS(1234, 0)));
	eng_run(e, 66);
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	assert_int_equal(d.ts_time, (uint32_t)(e->ts0 + 1300));
	rte_pktmbuf_free(chain);
	eng_finish(e);
}

/* What the giver's clock said when the state was given. */
static uint32_t given_ts;

static void
with_given_clock(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	d->ts_time = given_ts;
}

/* Runs a connection for a while. @return the number of segments, none of them older than last. */
static uint32_t
no_segment_is_older(struct eng *e, uint32_t *last)
{
	uint32_t nb = 0;

	for (uint32_t i = 0; i < 20; i++) {
		eng_host_sends(e, 10);
		eng_run(e, 7);
		for (; e->next_out < e->nb_out; e->next_out++, nb++) {
			uint32_t tsval = e->ts0 + e->pkt[e->next_out].tsval;

			assert_true((int32_t)(tsval - *last) >= 0);
			*last = tsval;
		}
		eng_ignore_out(e);
		inject(e, SEG(.ack = 10 * (i + 1), TS(7 * (i + 1), 0)));
		eng_ignore_io(e);
	}
	return nb;
}

static void
checklist_240_timestamps_never_go_back_across_handover(void **state)
{
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;
	uint32_t last;

	/* each engine's own clock starts at the same moment: only the delta carries on */
	given_ts = UINT32_MAX - 300;
	last = given_ts;
	for (uint32_t engine = 0; engine < 6; engine++) {
		struct eng *e =
			eng_established(.mss = 1000, .has_ts = true, .tweak = with_given_clock);

		assert_int_equal(no_segment_is_older(e, &last), 20);
		assert_int_equal(
			chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
		assert_null(chain);
		assert_true((int32_t)(d.ts_time - last) >= 0);
		given_ts = d.ts_time;
		eng_finish(e);
	}
	/* it has wrapped, and 140 ms went by six times */
	assert_int_equal(given_ts, 6 * 140 - 301);
}

static void
checklist_252_what_is_older_than_ts_recent_is_dropped_with_an_ack(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	inject(e, SEG(.seq = 0, .len = 10, TS(100, 0)));
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 10, TS(40, 100)));
	expect_data(e, 0, 10);
	inject(e, SEG(.seq = 10, .len = 10, TS(99, 0)));
	assert_int_equal(e->why, CHIM_WHY_PAWS);
	expect_out(e, SEG(.ack = 10, TS(40, 100)));
	/* a reset has no say in it (RFC 7323, 5.2) */
	inject(e, SEG(.seq = 10, .flags = CHIM_RST, TS(50, 0)));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	eng_finish(e);
}

static void
after_24_days_ts_recent_says_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	inject(e, SEG(.seq = 0, TS(100, 0)));
	chim_tcp_set_now(&e->env, e->env.now_us + 25 * DAYS);
	inject(e, SEG(.seq = 0, .len = 10, TS(50, 0)));
	assert_int_equal(e->why, CHIM_WHY_NONE);
	expect_data(e, 0, 10);
	eng_run(e, 40);
	assert_int_equal(e->pkt[0].tsecr, 50);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
an_unknown_ts_recent_is_learnt_from_the_first_segment(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true, .is_ts_unknown = true,
		.keep_first_ack = true);

	eng_turn(e);
	/* nothing to echo yet: TSecr is 0 on the wire */
	expect_out(e, SEG(.ack = 0, TS(0, 0u - e->peer_ts0)));
	inject(e, SEG(.seq = 0, .len = 10, TS(0x90000000, 0)));
	assert_int_equal(e->why, CHIM_WHY_NONE);
	expect_data(e, 0, 10);
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 10, TS(40, 0x90000000)));
	inject(e, SEG(.seq = 10, .len = 10, TS(0x8FFFFFFF, 0)));
	assert_int_equal(e->why, CHIM_WHY_PAWS);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
out_of_order_segments_do_not_move_ts_recent(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	inject(e, SEG(.seq = 1000, .len = 1000, TS(200, 0)));
	expect_out(e, SEG(.ack = 0, TS(0, 0)));
	inject(e, SEG(.seq = 0, .len = 1000, TS(150, 0)));
	expect_out(e, SEG(.ack = 2000, TS(0, 150)));
	expect_data(e, 0, 2000);
	eng_finish(e);
}

static void
a_segment_that_lacks_agreed_timestamps_is_dropped(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	inject(e, SEG(.seq = 0, .len = 10));
	assert_int_equal(e->why, CHIM_WHY_PAWS);
	expect_quiet_for(e, 1000);
	eng_finish(e);
}

static void
an_echo_gives_a_sample_where_the_segment_was_resent(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true, .no_sack = true);

	eng_host_sends(e, 500);
	eng_run(e, 200);
	eng_ignore_out(e);
	eng_run(e, 40);
	uint32_t before = eng_view(e).srtt_us;

	/* the second transmission left at 200 */
	inject(e, SEG(.ack = 500, TS(240, 200)));
	expect_io(e, CHIM_IO_SEND_DONE);
	assert_int_equal(eng_view(e).srtt_us, before - before / 8 + 40000 / 8);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_145_241_every_segment_has_the_givers_clock),
	cmocka_unit_test(the_clock_ticks_at_the_rate_the_peer_has_seen),
	cmocka_unit_test(checklist_128_the_clock_comes_back_where_the_peer_has_seen_it),
	cmocka_unit_test(checklist_240_timestamps_never_go_back_across_handover),
	cmocka_unit_test(checklist_252_what_is_older_than_ts_recent_is_dropped_with_an_ack),
	cmocka_unit_test(after_24_days_ts_recent_says_nothing),
	cmocka_unit_test(an_unknown_ts_recent_is_learnt_from_the_first_segment),
	cmocka_unit_test(out_of_order_segments_do_not_move_ts_recent),
	cmocka_unit_test(a_segment_that_lacks_agreed_timestamps_is_dropped),
	cmocka_unit_test(an_echo_gives_a_sample_where_the_segment_was_resent),
};

CHIM_CMOCKA_SUITE(engine_timestamps_autotest, tests, NULL, NULL)
