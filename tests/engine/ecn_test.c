/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Classic ECN in both directions (RFC 3168), and how DCTCP's receiver tells of
 * marks (RFC 8257, 3.2).
 */
#include "eng.h"

#define TOS(v) .has_tos = true, .tos = (v)

static void
new_data_is_ect_and_nothing_else_is(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ecn = true, .no_sack = true);

	eng_host_sends(e, 1000);
	expect_out(e, SEG(.seq = 0, .len = 1000, TOS(2)));
	eng_run(e, 200);
	expect_out(e, SEG(.seq = 0, .len = 1000, TOS(0)));
	inject(e, SEG(.ack = 1000, .len = 10));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_data(e, 0, 10);
	eng_run(e, 40);
	expect_out(e, SEG(.seq = 1000, .ack = 10, TOS(0)));
	eng_finish(e);
}

static void
congestion_is_echoed_until_the_peer_has_reduced(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ecn = true);

	inject(e, SEG(.seq = 0, .len = 1000, .is_ce = true));
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 2000, .flags = CHIM_ECE));
	inject(e, SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.seq = 3000, .len = 1000));
	expect_out(e, SEG(.ack = 4000, .flags = CHIM_ECE));
	inject(e, SEG(.seq = 4000, .len = 1000, .flags = CHIM_CWR));
	inject(e, SEG(.seq = 5000, .len = 1000));
	expect_out(e, SEG(.ack = 6000));
	assert_int_equal(e->counters.ecn_ce_in, 1);
	eng_ignore_io(e);
	eng_finish(e);
}

static void
an_echo_halves_the_window_once_and_is_confirmed(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ecn = true, .cwnd_segs = 10);

	eng_host_sends(e, 20000);
	assert_int_equal(e->nb_out, 10);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000, .flags = CHIM_ECE));
	inject(e, SEG(.ack = 2000, .flags = CHIM_ECE));
	for (uint32_t i = 3; i <= 10; i++)
		inject(e, SEG(.ack = 1000 * i));
	assert_int_equal(e->counters.ecn_reductions, 1);
	assert_in_range(eng_view(e).ssthresh, 4000, 5000);
	/* the first new segment after it says CWR, and only that */
	uint32_t cwr = 0;

	for (uint32_t i = 0; i < e->nb_out; i++)
		cwr += (e->pkt[i].flags & CHIM_CWR) != 0;
	assert_int_equal(cwr, 1);
	assert_true(e->pkt[0].flags & CHIM_CWR);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* ---- DCTCP's receiver ---- */

#define ECE    .flags = CHIM_ECE
#define DCTCP  .mss = 1000, .has_ecn = true, .algorithm = CHIM_CC_DCTCP
#define CE(at) SEG(.seq = (at), .len = 1000, .is_ce = true)
#define NO(at) SEG(.seq = (at), .len = 1000)

static void
finish(struct eng *e)
{
	eng_ignore_io(e);
	eng_run(e, 100);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* RFC 8257, 3.2: what waited is acknowledged as it came; what comes begins to wait. */
static void
a_mark_is_told_apart_from_what_came_before_it(void **state)
{
	struct eng *e = eng_established(DCTCP);

	(void)state;
	inject(e, NO(0));
	expect_nothing(e);
	inject(e, CE(1000));
	expect_out(e, SEG(.ack = 1000));
	/* every second segment as before */
	inject(e, CE(2000));
	expect_out(e, SEG(.ack = 3000, ECE));
	inject(e, CE(3000));
	expect_nothing(e);
	inject(e, NO(4000));
	expect_out(e, SEG(.ack = 4000, ECE));
	/* the last one waits for the timer, in its own state */
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 5000));
	finish(e);
}

/* Nothing waits: nothing is told apart. */
static void
a_change_with_nothing_waiting_needs_no_ack(void **state)
{
	struct eng *e = eng_established(DCTCP);

	(void)state;
	inject(e, NO(0));
	inject(e, NO(1000));
	expect_out(e, SEG(.ack = 2000));
	inject(e, CE(2000));
	expect_nothing(e);
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 3000, ECE));
	finish(e);
}

/* Several changes in one turn: each run has its ACK, and the window's edge does not go back. */
static void
every_run_of_a_burst_is_acknowledged(void **state)
{
	struct eng *e = eng_established(DCTCP, .rcv_wnd = 30000);

	(void)state;
	e->is_manual = true;
	inject(e, NO(0));
	inject(e, CE(1000));
	inject(e, NO(2000));
	inject(e, NO(3000));
	e->is_manual = false;
	eng_turn(e);
	for (uint32_t i = 0; i < e->nb_out; i++)
		assert_true(e->pkt[i].ack + e->pkt[i].wnd >= 30000);
	expect_out(e, SEG(.ack = 1000), SEG(.ack = 2000, ECE), SEG(.ack = 4000));
	finish(e);
}

/* More changes than are kept: the newest are told. */
static void
a_burst_of_changes_has_a_bounded_number_of_acks(void **state)
{
	struct eng *e = eng_established(DCTCP);

	(void)state;
	e->is_manual = true;
	for (uint32_t i = 0; i < 20; i += 2) {
		inject(e, NO(i * 1000));
		inject(e, CE(i * 1000 + 1000));
	}
	e->is_manual = false;
	eng_turn(e);
	/* before each there was one change; the last segment waits */
	expect_out(e, SEG(.ack = 16000, ECE), SEG(.ack = 17000), SEG(.ack = 18000, ECE),
		SEG(.ack = 19000));
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 20000, ECE));
	finish(e);
}

/* A sender that counts bytes gets their number right. */
static void
the_share_of_marked_bytes_is_what_was_marked(void **state)
{
	struct eng *e = eng_established(DCTCP, .rcv_wnd = 60000);
	uint32_t marked = 0, acked = 0;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		if (i % 5 < 2)
			inject(e, CE(i * 1000));
		else
			inject(e, NO(i * 1000));
	}
	eng_run(e, 40);
	for (uint32_t i = 0; i < e->nb_out; i++) {
		if (e->pkt[i].flags & CHIM_ECE)
			marked += e->pkt[i].ack - acked;
		acked = e->pkt[i].ack;
	}
	assert_int_equal(acked, 40000);
	assert_int_equal(marked, 16000);
	finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(new_data_is_ect_and_nothing_else_is),
	cmocka_unit_test(congestion_is_echoed_until_the_peer_has_reduced),
	cmocka_unit_test(an_echo_halves_the_window_once_and_is_confirmed),
	cmocka_unit_test(a_mark_is_told_apart_from_what_came_before_it),
	cmocka_unit_test(a_change_with_nothing_waiting_needs_no_ack),
	cmocka_unit_test(every_run_of_a_burst_is_acknowledged),
	cmocka_unit_test(a_burst_of_changes_has_a_bounded_number_of_acks),
	cmocka_unit_test(the_share_of_marked_bytes_is_what_was_marked),
};

CHIM_CMOCKA_SUITE(engine_ecn_autotest, tests, NULL, NULL)
