/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the congestion window of a whole connection does besides losses: after
 * an idle time, when it is not used, when round trips grow in slow start; and
 * what reports of duplicates undo and teach.
 */
#include "eng.h"

#define MSS 1000u

static struct eng *
with_window(uint32_t segs, uint32_t algorithm)
{
	return eng_established(.mss = MSS, .cwnd_segs = segs, .algorithm = algorithm,
		.snd_wscale = 8, .snd_wnd = 4u << 20);
}

/* All that is out is acknowledged after so long, a segment at a time. */
static void
round_trip(struct eng *e, uint32_t rtt_ms)
{
	uint32_t from = eng_view(e).snd_una - e->iss;
	uint32_t end = eng_view(e).snd_max - e->iss;

	eng_run(e, rtt_ms);
	for (uint32_t at = from + MSS; at <= end; at += MSS)
		inject(e, SEG(.ack = at));
	eng_ignore_io(e);
}

/* RFC 5681, 4.1: after an RTO of silence the window is the restart window again. */
static void
an_idle_connection_starts_from_the_restart_window(void **state)
{
	struct eng *e = with_window(40, CHIM_CC_NEWRENO);
	uint32_t cwnd;

	(void)state;
	eng_host_sends(e, 40 * MSS);
	assert_int_equal(e->nb_out, 40);
	eng_ignore_out(e);
	round_trip(e, 100);
	cwnd = eng_view(e).cwnd;
	assert_true(cwnd >= 40 * MSS);
	/* not yet an RTO since the last was sent */
	eng_run(e, 50);
	eng_host_sends(e, 40 * MSS);
	assert_int_equal(e->nb_out, 40);
	eng_ignore_out(e);
	round_trip(e, 100);
	cwnd = eng_view(e).cwnd;
	eng_run(e, eng_view(e).rto_us / 1000 + 1);
	eng_host_sends(e, 40 * MSS);
	assert_int_equal(e->nb_out, 10);
	assert_int_equal(eng_view(e).ssthresh, 1u << 30);
	eng_ignore_out(e);
	/* and slow start up to where it was: two for each acknowledged */
	round_trip(e, 100);
	assert_int_equal(e->nb_out, 20);
	eng_ignore_out(e);
	round_trip(e, 100);
	assert_int_equal(e->nb_out, 10);
	eng_ignore_out(e);
	round_trip(e, 100);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* A segment every 100 ms for so many seconds. */
static void
trickle(struct eng *e, uint32_t seconds)
{
	for (uint32_t i = 0; i < seconds * 10; i++) {
		eng_host_sends(e, MSS);
		assert_int_equal(e->nb_out, 1);
		eng_ignore_out(e);
		round_trip(e, 50);
		eng_run(e, 50);
	}
}

/* RFC 7661, 4.3: a window that is not used proves nothing: it does not grow, and goes in the end.
 */
static void
an_unused_window_does_not_grow_and_is_halved_every_five_minutes(void **state)
{
	struct eng *e = with_window(40, CHIM_CC_NEWRENO);

	(void)state;
	trickle(e, 299);
	assert_int_equal(eng_view(e).cwnd, 40 * MSS);
	trickle(e, 2);
	assert_int_equal(eng_view(e).cwnd, 20 * MSS);
	trickle(e, 300);
	assert_int_equal(eng_view(e).cwnd, 10 * MSS);
	/* what a new connection may is left */
	trickle(e, 600);
	assert_int_equal(eng_view(e).cwnd, 10 * MSS);
	/* used again, it grows again */
	eng_host_sends(e, 30 * MSS);
	assert_int_equal(e->nb_out, 10);
	eng_ignore_out(e);
	round_trip(e, 100);
	assert_int_equal(e->nb_out, 20);
	eng_ignore_out(e);
	round_trip(e, 100);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* In slow start, from 100 to 120 ms. A round ends when what was out at its begin is acknowledged:
 * the answers to its last ACK are the first of the next, so that a jump is seen one round later. */
static struct eng *
with_grown_round_trip(void)
{
	struct eng *e = with_window(10, CHIM_CC_CUBIC);

	eng_host_sends(e, 4000 * MSS);
	for (uint32_t i = 0; i < 2; i++) {
		eng_ignore_out(e);
		round_trip(e, 100);
	}
	assert_int_equal(eng_view(e).cwnd, 40 * MSS);
	eng_ignore_out(e);
	round_trip(e, 120);
	assert_int_equal(eng_view(e).cwnd, 80 * MSS);
	eng_ignore_out(e);
	round_trip(e, 120);
	/* eight tell, six of which were among the last before; a quarter for each of the others */
	assert_in_range(eng_view(e).cwnd, 100 * MSS, 102 * MSS);
	return e;
}

/* RFC 9406, 4.2: round trips that grow make slow start a quarter as fast, and end it five rounds
 * on. */
static void
growing_round_trips_end_slow_start_before_a_loss(void **state)
{
	struct eng *e = with_grown_round_trip();
	uint32_t cwnd;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		cwnd = eng_view(e).cwnd;
		eng_ignore_out(e);
		round_trip(e, 120);
		assert_in_range(eng_view(e).cwnd, cwnd + cwnd / 5, cwnd + cwnd / 3);
	}
	assert_true(eng_view(e).ssthresh <= eng_view(e).cwnd + MSS);
	cwnd = eng_view(e).cwnd;
	eng_ignore_out(e);
	round_trip(e, 120);
	assert_true(eng_view(e).cwnd < cwnd + cwnd / 8);
	assert_int_equal(eng_view(e).retransmits, 0);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* RFC 9406, 4.2: as short as before, and slow start goes on as before. */
static void
a_round_trip_that_grew_for_once_does_not_end_slow_start(void **state)
{
	struct eng *e = with_grown_round_trip();
	uint32_t cwnd;

	(void)state;
	eng_ignore_out(e);
	round_trip(e, 100);
	cwnd = eng_view(e).cwnd;
	eng_ignore_out(e);
	round_trip(e, 100);
	assert_in_range(eng_view(e).cwnd, 2 * cwnd - 2 * MSS, 2 * cwnd);
	assert_int_equal(eng_view(e).ssthresh, 1u << 30);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

static struct pkt
sacked(uint32_t ack, uint32_t from, uint32_t to)
{
	return SEG(.ack = ack, .has_sack = true, .nb_sack = 1, .sack = { { from, to } });
}

/* RFC 3708, RFC 2883: what was sent again had only been late, and the peer says so. */
static void
reported_duplicates_undo_a_recovery(void **state)
{
	struct eng *e = with_window(10, CHIM_CC_NEWRENO);

	(void)state;
	eng_host_sends(e, 10 * MSS);
	eng_ignore_out(e);
	eng_run(e, 50);
	for (uint32_t to = 2 * MSS; to <= 4 * MSS; to += MSS)
		inject(e, sacked(0, MSS, to));
	expect_out(e, SEG(.seq = 0, .len = MSS));
	assert_int_equal(eng_view(e).in_recovery, 1);
	assert_int_equal(eng_view(e).ssthresh, 5 * MSS);
	/* the original comes, then the copy */
	inject(e, SEG(.ack = 4 * MSS));
	assert_int_equal(eng_view(e).in_recovery, 1);
	inject(e, sacked(4 * MSS, 0, MSS));
	assert_int_equal(e->counters.dsack_in, 1);
	assert_int_equal(eng_view(e).in_recovery, 0);
	assert_int_equal(eng_view(e).ssthresh, 1u << 30);
	assert_true(eng_view(e).cwnd >= 10 * MSS);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 10 * MSS));
	eng_ignore_io(e);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* RFC 8985, 6.2.4: a needless repair widens the reordering window by a quarter of the round trip.
 */
static void
a_needless_repair_makes_the_next_one_wait_longer(void **state)
{
	struct eng *e = with_window(10, CHIM_CC_NEWRENO);

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t at = 3 * MSS * i;

		eng_host_sends(e, 3 * MSS);
		eng_ignore_out(e);
		eng_run(e, 80);
		inject(e, sacked(at, at + MSS, at + 2 * MSS));
		expect_quiet_for(e, 20 * (i + 1) - 1);
		eng_run(e, 3);
		expect_out(e, SEG(.seq = at, .len = MSS));
		inject(e, sacked(at + 3 * MSS, at, at + MSS));
		eng_ignore_io(e);
		eng_ignore_out(e);
	}
	assert_int_equal(e->counters.dsack_in, 2);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_idle_connection_starts_from_the_restart_window),
	cmocka_unit_test(an_unused_window_does_not_grow_and_is_halved_every_five_minutes),
	cmocka_unit_test(growing_round_trips_end_slow_start_before_a_loss),
	cmocka_unit_test(a_round_trip_that_grew_for_once_does_not_end_slow_start),
	cmocka_unit_test(reported_duplicates_undo_a_recovery),
	cmocka_unit_test(a_needless_repair_makes_the_next_one_wait_longer),
};

CHIM_CMOCKA_SUITE(engine_response_autotest, tests, NULL, NULL)
