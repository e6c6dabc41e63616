/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Loss recovery of a whole connection: fast retransmit with and without SACK,
 * limited transmit, timeouts and their undoing, tail loss probes, ECN, and the
 * SACK blocks that go out. srtt is 100 ms, rttvar none, so that RTO is 200 ms.
 */
#include "eng.h"

/* Ten segments out, cwnd used up. */
static struct eng *
ten_out(struct eng *e, uint32_t more)
{
	eng_host_sends(e, 10000 + more);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(e->pkt[i].seq, i * 1000);
	assert_int_equal(e->nb_out, 10);
	eng_ignore_out(e);
	return e;
}

/* A duplicate ACK that SACKs [from, to). */
static struct pkt
dup(uint32_t ack, uint32_t from, uint32_t to)
{
	return SEG(.ack = ack, .has_sack = true, .nb_sack = 1, .sack = { { from, to } });
}

static void
finish_sent(struct eng *e)
{
	uint32_t out;

	do {
		eng_ignore_out(e);
		out = eng_view(e).snd_max - e->iss;
		inject(e, SEG(.ack = out));
	} while (out != e->sent_by_host);
	eng_ignore_out(e);
	eng_ignore_io(e);
	expect_quiet_for(e, 20000);
	eng_finish(e);
}

/* RFC 6675, 5; RFC 8985, 6.2 */
static void
the_third_duplicate_resends_the_hole(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 0);

	(void)state;
	eng_run(e, 50);
	inject(e, dup(0, 1000, 2000));
	inject(e, dup(0, 1000, 3000));
	expect_nothing(e);
	inject(e, dup(0, 1000, 4000));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(eng_view(e).in_recovery, 1);
	for (uint32_t to = 5000; to <= 10000; to += 1000)
		inject(e, dup(0, 1000, to));
	expect_nothing(e);
	inject(e, SEG(.ack = 10000));
	assert_int_equal(eng_view(e).in_recovery, 0);
	assert_int_equal(eng_view(e).cwnd, 5000);
	assert_int_equal(e->counters.fast_recovery, 1);
	assert_int_equal(e->counters.rto, 0);
	finish_sent(e);
}

/* RFC 3042: each of the first two duplicates lets a new segment out. */
static void
the_first_duplicates_let_new_data_out(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 5000);

	(void)state;
	eng_run(e, 50);
	inject(e, dup(0, 1000, 2000));
	expect_out(e, SEG(.seq = 10000, .len = 1000));
	inject(e, dup(0, 1000, 3000));
	expect_out(e, SEG(.seq = 11000, .len = 1000));
	inject(e, dup(0, 1000, 4000));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	finish_sent(e);
}

/* RFC 6582, 3.2: a partial acknowledgment resends the next hole at once. */
static void
without_sack_holes_are_resent_one_by_one(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000, .no_sack = true), 0);

	(void)state;
	eng_run(e, 50);
	inject(e, SEG(.ack = 0));
	inject(e, SEG(.ack = 0));
	expect_nothing(e);
	inject(e, SEG(.ack = 0));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	/* the fifth is lost too, the other five arrive */
	for (int i = 0; i < 5; i++)
		inject(e, SEG(.ack = 0));
	expect_nothing(e);
	eng_run(e, 50);
	inject(e, SEG(.ack = 4000));
	expect_out(e, SEG(.seq = 4000, .len = 1000));
	inject(e, SEG(.ack = 10000));
	assert_int_equal(eng_view(e).in_recovery, 0);
	assert_int_equal(e->counters.fast_recovery, 1);
	finish_sent(e);
}

/* RFC 9937: recovery sends half as much as is delivered when half is the aim. */
static void
recovery_brings_the_flight_down_smoothly(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 20000);
	uint32_t sent = 0;

	(void)state;
	eng_run(e, 50);
	for (uint32_t to = 2000; to <= 10000; to += 1000) {
		inject(e, dup(0, 1000, to));
		sent += e->nb_out;
		eng_ignore_out(e);
	}
	/* two by limited transmit, the hole, and about half of the other seven */
	assert_in_range(sent, 5, 7);
	finish_sent(e);
}

/* RFC 8985, 6.2: one duplicate is enough when time passes; a quarter of the round trip. */
static void
one_duplicate_and_time_resend_the_hole(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_sends(e, 3000);
	eng_ignore_out(e);
	eng_run(e, 80);
	inject(e, dup(0, 1000, 2000));
	expect_quiet_for(e, 19);
	eng_run(e, 3);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->counters.rack_lost, 1);
	finish_sent(e);
}

/* RFC 6298, 5: the head was resent late; the timeout runs from then. */
static void
a_resent_head_has_a_timeout_of_its_own(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 0);

	(void)state;
	eng_run(e, 150);
	for (uint32_t to = 2000; to <= 4000; to += 1000)
		inject(e, dup(0, 1000, to));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	expect_quiet_for(e, 195);
	assert_int_equal(e->counters.rto, 0);
	eng_run(e, 300);
	assert_int_equal(e->counters.rto, 1);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	finish_sent(e);
}

/* RFC 6298, 5.4-5.7; RFC 5681, 3.1: one segment, twice the time, then slow start. */
static void
a_timeout_resends_the_first_and_backs_off(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000, .no_sack = true), 0);

	(void)state;
	eng_run(e, 201);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(eng_view(e).cwnd, 1000);
	assert_int_equal(eng_view(e).ssthresh, 5000);
	expect_quiet_for(e, 398);
	eng_run(e, 4);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(eng_view(e).ssthresh, 5000);
	inject(e, SEG(.ack = 1000));
	expect_out(e, SEG(.seq = 1000, .len = 1000), SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000));
	assert_int_equal(e->nb_out, 4);
	finish_sent(e);
}

/* RFC 2018, 8: what was SACKED is resent when the peer has dropped it after all. */
static void
a_receiver_that_reneges_gets_it_again(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 0);

	(void)state;
	eng_run(e, 50);
	for (uint32_t to = 2000; to <= 10000; to += 1000)
		inject(e, dup(0, 1000, to));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	eng_run(e, 50);
	/* the hole is filled, and the rest is gone */
	inject(e, SEG(.ack = 1000));
	assert_int_equal(e->counters.sack_reneged, 1);
	assert_int_equal(e->pkt[e->next_out].seq, 1000);
	eng_ignore_out(e);
	eng_run(e, 2000);
	finish_sent(e);
}

/* RFC 8985, 7: two round trips after the last data the tail goes again, once. */
static void
a_tail_probe_comes_before_the_timeout(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_sends(e, 2000);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000));
	eng_run(e, 50);
	inject(e, SEG(.ack = 1000));
	inject(e, SEG(.ack = 2000));
	eng_ignore_io(e);
	/* srtt is about 88 ms now */
	eng_host_sends(e, 3000);
	eng_ignore_out(e);
	expect_quiet_for(e, 150);
	eng_run(e, 40);
	expect_out(e, SEG(.seq = 4000, .len = 1000));
	assert_int_equal(e->counters.tlp, 1);
	assert_int_equal(e->counters.rto, 0);
	/* all three were lost: the probe's SACK brings the others at once */
	eng_run(e, 50);
	inject(e, dup(2000, 4000, 5000));
	assert_int_equal(e->pkt[e->next_out].seq, 2000);
	assert_int_equal(e->counters.rto, 0);
	finish_sent(e);
}

/* RFC 8985, 7.2, 7.3: new data is the better probe; a lone segment's comes at the RTO, before it.
 */
static void
a_lone_segment_is_probed_at_the_time_of_the_timeout(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_sends(e, 1000);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	expect_quiet_for(e, 198);
	eng_run(e, 4);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->counters.tlp, 1);
	assert_int_equal(e->counters.rto, 0);
	assert_int_equal(eng_view(e).cwnd, 10000);
	expect_quiet_for(e, 196);
	eng_run(e, 6);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->counters.rto, 1);
	finish_sent(e);
}

/* RFC 5682, 3.1 */
static void
a_spurious_timeout_is_undone(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 5000);
	uint32_t late = 0;

	(void)state;
	/* a probe first, then the timeout */
	while (e->counters.rto == 0 && late++ < 1000)
		eng_run(e, 1);
	assert_int_equal(eng_view(e).in_recovery, 2);
	eng_ignore_out(e);
	/* the originals are acknowledged after all: first the one that was sent again */
	inject(e, SEG(.ack = 1000));
	assert_true(e->nb_out > e->next_out);
	for (uint32_t i = e->next_out; i < e->nb_out; i++)
		assert_true(e->pkt[i].seq >= 10000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 2000));
	assert_int_equal(e->counters.spurious_rto, 1);
	assert_true(eng_view(e).cwnd >= 10000);
	assert_int_equal(eng_view(e).in_recovery, 0);
	finish_sent(e);
}

/* RFC 3522: the echoed timestamp is older than the resend. */
static void
a_timestamp_undoes_a_spurious_timeout(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);
	uint32_t sent_at, late = 0;

	(void)state;
	eng_host_sends(e, 3000);
	assert_true(e->pkt[0].has_ts);
	sent_at = e->pkt[0].tsval;
	while (e->counters.rto == 0 && late++ < 1000)
		eng_run(e, 1);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000, .has_ts = true, .tsval = late, .tsecr = sent_at));
	assert_int_equal(e->counters.spurious_rto, 1);
	assert_true(eng_view(e).cwnd >= 10000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 3000, .has_ts = true, .tsval = late, .tsecr = sent_at));
	eng_ignore_io(e);
	expect_quiet_for(e, 20000);
	eng_finish(e);
}

/* RFC 3168, 6.1.2: one reduction a window, CWR with the next new data. */
static void
an_echo_of_congestion_reduces_once(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000, .has_ecn = true), 10000);

	(void)state;
	eng_run(e, 50);
	inject(e, SEG(.ack = 1000, .flags = CHIM_ECE));
	assert_int_equal(e->counters.ecn_reductions, 1);
	assert_int_equal(eng_view(e).cwnd, 5000);
	inject(e, SEG(.ack = 2000, .flags = CHIM_ECE));
	inject(e, SEG(.ack = 4000, .flags = CHIM_ECE));
	assert_int_equal(e->counters.ecn_reductions, 1);
	expect_nothing(e);
	inject(e, SEG(.ack = 6000, .flags = CHIM_ECE));
	expect_out(e, SEG(.seq = 10000, .len = 1000, .flags = CHIM_CWR));
	inject(e, SEG(.ack = 7000));
	expect_out(e, SEG(.seq = 11000, .len = 1000));
	assert_int_equal(e->counters.ecn_reductions, 1);
	finish_sent(e);
}

/* ---- the receiving side ---- */

/* RFC 2018, 4; RFC 5681, 4.2: each segment out of order is answered at once, latest block first. */
static void
holes_are_told_latest_first(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	inject(e, SEG(.seq = 1000, .len = 500));
	expect_out(e, SEG(.ack = 0, .has_sack = true, .nb_sack = 1, .sack = { { 1000, 1500 } }));
	inject(e, SEG(.seq = 3000, .len = 500));
	expect_out(e,
		SEG(.ack = 0, .has_sack = true, .nb_sack = 2,
			.sack = { { 3000, 3500 }, { 1000, 1500 } }));
	inject(e, SEG(.seq = 1500, .len = 500));
	expect_out(e,
		SEG(.ack = 0, .has_sack = true, .nb_sack = 2,
			.sack = { { 1000, 2000 }, { 3000, 3500 } }));
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_out(e, SEG(.ack = 2000, .has_sack = true, .nb_sack = 1, .sack = { { 3000, 3500 } }));
	inject(e, SEG(.seq = 2000, .len = 1000));
	expect_out(e, SEG(.ack = 3500, .has_sack = true, .nb_sack = 0));
	eng_ignore_io(e);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* RFC 2883, 4: duplicates are reported once, whether delivered or queued. */
static void
duplicates_are_told_once(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	inject(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.seq = 1000, .len = 1000));
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_out(e, SEG(.ack = 2000, .has_sack = true, .nb_sack = 1, .sack = { { 0, 1000 } }));
	inject(e, SEG(.seq = 3000, .len = 1000));
	expect_out(e, SEG(.ack = 2000, .has_sack = true, .nb_sack = 1, .sack = { { 3000, 4000 } }));
	inject(e, SEG(.seq = 3000, .len = 1000));
	expect_out(e,
		SEG(.ack = 2000, .has_sack = true, .nb_sack = 2,
			.sack = { { 3000, 4000 }, { 3000, 4000 } }));
	assert_int_equal(e->counters.dsack_out, 2);
	inject(e, SEG(.seq = 2000, .len = 1000));
	expect_out(e, SEG(.ack = 4000));
	eng_ignore_io(e);
	eng_finish(e);
}

/* SegmentSmack: single octets from the back; what is kept is bounded by the window, not more. */
static void
attack_an_octet_flood_holds_few_buffers(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 60000);
	uint32_t before = rte_mempool_in_use_count(e->env.pool);

	(void)state;
	for (uint32_t i = 3000; i > 0; i--) {
		inject(e, SEG(.seq = 2 * i, .len = 1));
		eng_ignore_out(e);
	}
	assert_true(rte_mempool_in_use_count(e->env.pool) - before < 400);
	assert_true(eng_view(e).reassembly_bytes <= e->cfg.max_reassembly_holes);
	inject(e, SEG(.seq = 0, .len = 1000));
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* SACK panic: octet blocks over a large flight. Records stay in proportion, and it ends well. */
static void
attack_an_octet_of_sack_at_a_time(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .cwnd_segs = 50);
	uint32_t before;

	(void)state;
	eng_host_sends(e, 50000);
	eng_ignore_out(e);
	before = rte_mempool_in_use_count(e->env.sent_pool);
	for (uint32_t at = 1001; at < 49000; at += 20) {
		inject(e, dup(0, at, at + 1));
		eng_ignore_out(e);
	}
	assert_true(rte_mempool_in_use_count(e->env.sent_pool) - before < 200);
	finish_sent(e);
}

/* ---- the chimney's numbers ---- */

static void
give_tiny_cwnd(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
	struct chim_tcp_delegated *d)
{
	(void)o;
	(void)k;
	(void)c;
	d->cwnd = 1;
}

/* A host may give any window: one segment is always allowed (RFC 5681, 3.1: LW). */
static void
a_window_below_a_segment_stops_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .tweak = give_tiny_cwnd);

	(void)state;
	eng_host_sends(e, 5000);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	eng_run(e, 50);
	inject(e, SEG(.ack = 1000));
	expect_out(e, SEG(.seq = 1000, .len = 1000));
	eng_run(e, 50);
	inject(e, SEG(.ack = 2000));
	expect_out(e, SEG(.seq = 2000, .len = 1000), SEG(.seq = 3000, .len = 1000));
	finish_sent(e);
}

static void
checklist_242_fast_retransmit_at_the_configured_threshold(void **state)
{
	(void)state;
	for (uint32_t threshold = 2; threshold <= 6; threshold++) {
		struct eng *e = eng_established(.mss = 1000, .no_sack = true);

		e->cfg.dupack_threshold = threshold;
		ten_out(e, 0);
		eng_run(e, 50);
		for (uint32_t i = 1; i < threshold; i++)
			inject(e, SEG(.ack = 0));
		expect_nothing(e);
		inject(e, SEG(.ack = 0));
		expect_out(e, SEG(.seq = 0, .len = 1000));
		finish_sent(e);
	}
}

/* Spec 8.5: at least 300 ms, at most 60 s, twice as long each time. */
static void
checklist_244_timeouts_keep_within_their_bounds(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true, .max_rt = CHIM_TICKS_NONE);
	uint32_t rto = 300;

	(void)state;
	e->cfg.rto_min_us = 300000;
	eng_host_sends(e, 1000);
	eng_ignore_out(e);
	for (int i = 0; i < 12; i++) {
		expect_quiet_for(e, rto - 1);
		eng_run(e, 1);
		expect_out(e, SEG(.seq = 0, .len = 1000));
		rto = RTE_MIN(2 * rto, 60000u);
	}
	assert_int_equal(rto, 60000);
	finish_sent(e);
}

static void
checklist_247_two_holes_can_be_filled(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	e->cfg.max_reassembly_holes = 2;
	inject(e, SEG(.seq = 1000, .len = 1000));
	inject(e, SEG(.seq = 3000, .len = 1000));
	/* a third has no place */
	inject(e, SEG(.seq = 5000, .len = 1000));
	assert_int_equal(e->why, CHIM_WHY_REASSEMBLY_FULL);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->pkt[e->nb_out - 1].ack, 4000);
	eng_ignore_out(e);
	expect_data(e, 0, 4000);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
checklist_250_sack_is_ignored_where_it_was_not_agreed(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000, .no_sack = true), 0);

	(void)state;
	eng_run(e, 50);
	/* the ACK counts, its blocks do not: nothing is lost, nothing is spared */
	inject(e, dup(1000, 5000, 10000));
	eng_run(e, 40);
	expect_nothing(e);
	assert_int_equal(eng_view(e).snd_una, e->iss + 1000);
	eng_run(e, 200);
	expect_out(e, SEG(.seq = 1000, .len = 1000));
	inject(e, SEG(.ack = 2000));
	eng_ignore_out(e);
	/* and none are sent */
	inject(e, SEG(.seq = 500, .len = 500, .ack = 2000));
	assert_int_equal(e->pkt[e->nb_out - 1].nb_sack, 0);
	inject(e, SEG(.seq = 0, .len = 500, .ack = 2000));
	inject(e, SEG(.seq = 1000, .ack = 10000));
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

static void
checklist_256_a_pure_retransmission_counts_as_one(void **state)
{
	struct eng *e = ten_out(eng_established(.mss = 1000), 0);
	uint64_t out = e->stats4.tcp_out_segments;

	(void)state;
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 0);
	eng_run(e, 50);
	for (uint32_t to = 2000; to <= 4000; to += 1000)
		inject(e, dup(0, 1000, to));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 1);
	assert_int_equal(e->stats4.tcp_out_segments, out);
	finish_sent(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_third_duplicate_resends_the_hole),
	cmocka_unit_test(the_first_duplicates_let_new_data_out),
	cmocka_unit_test(without_sack_holes_are_resent_one_by_one),
	cmocka_unit_test(recovery_brings_the_flight_down_smoothly),
	cmocka_unit_test(one_duplicate_and_time_resend_the_hole),
	cmocka_unit_test(a_resent_head_has_a_timeout_of_its_own),
	cmocka_unit_test(a_timeout_resends_the_first_and_backs_off),
	cmocka_unit_test(a_receiver_that_reneges_gets_it_again),
	cmocka_unit_test(a_tail_probe_comes_before_the_timeout),
	cmocka_unit_test(a_lone_segment_is_probed_at_the_time_of_the_timeout),
	cmocka_unit_test(a_spurious_timeout_is_undone),
	cmocka_unit_test(a_timestamp_undoes_a_spurious_timeout),
	cmocka_unit_test(an_echo_of_congestion_reduces_once),
	cmocka_unit_test(holes_are_told_latest_first),
	cmocka_unit_test(duplicates_are_told_once),
	cmocka_unit_test(attack_an_octet_flood_holds_few_buffers),
	cmocka_unit_test(attack_an_octet_of_sack_at_a_time),
	cmocka_unit_test(a_window_below_a_segment_stops_nothing),
	cmocka_unit_test(checklist_242_fast_retransmit_at_the_configured_threshold),
	cmocka_unit_test(checklist_244_timeouts_keep_within_their_bounds),
	cmocka_unit_test(checklist_247_two_holes_can_be_filled),
	cmocka_unit_test(checklist_250_sack_is_ignored_where_it_was_not_agreed),
	cmocka_unit_test(checklist_256_a_pure_retransmission_counts_as_one),
};
CHIM_CMOCKA_SUITE(engine_recovery_autotest, tests, NULL, NULL)
