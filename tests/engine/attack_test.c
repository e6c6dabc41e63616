/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Segments of somebody who guesses: RST, SYN, ACK and data out of place
 * (RFC 5961; spec 8.6), floods, and the bounds of what they can cost.
 */
#include "eng.h"
#include "eng_int.h"
#include "pools.h"

#define RST	.flags = CHIM_RST, .no_ack = true
#define SYN	.flags = CHIM_SYN, .no_ack = true
#define MINUTES (60u * 1000u)

static const struct pkt ack = { .seq = 0 };

/* ---- RST ---- */

static void
checklist_217_a_reset_out_of_the_window_is_dropped_silently(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 10000, RST));
	assert_int_equal(e->why, CHIM_WHY_RST_OUT_OF_WINDOW);
	inject(e, SEG(.seq = UINT32_MAX, RST));
	assert_int_equal(e->why, CHIM_WHY_RST_OUT_OF_WINDOW);
	expect_quiet_for(e, 10 * MINUTES);
	eng_finish(e);
}

static void
checklist_218_a_reset_in_the_window_is_challenged_once(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 1, RST));
	assert_int_equal(e->why, CHIM_WHY_RST_CHALLENGED);
	expect_out(e, ack);
	inject(e, SEG(.seq = 9999, RST));
	assert_int_equal(e->why, CHIM_WHY_RST_CHALLENGED);
	expect_nothing(e);
	/* an acceptable segment ends the period */
	inject(e, SEG(.seq = 0));
	inject(e, SEG(.seq = 1, RST));
	expect_out(e, ack);
	assert_int_equal(e->counters.challenge_acks, 2);
	assert_int_equal(eng_view(e).state, CHIM_TCP_ESTABLISHED);
	eng_finish(e);
}

static void
checklist_221_222_a_challenge_makes_the_peer_prove_it_lives(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 1, RST));
	expect_out(e, ack);
	expect_quiet_for(e, 5 * MINUTES - 1);
	eng_run(e, 1);
	/* ten probes a second apart, by default */
	for (uint32_t i = 0; i < 10; i++) {
		expect_out(e, SEG(.seq = UINT32_MAX));
		eng_run(e, 1000);
	}
	expect_nothing(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	eng_finish(e);
}

static void
checklist_223_an_acceptable_segment_disarms_only_that(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 1, RST));
	expect_out(e, ack);
	inject(e, SEG(.seq = 0));
	expect_quiet_for(e, 60 * MINUTES);
	eng_finish(e);

	/* keepalive of the host's goes on by its own time */
	e = eng_established(.rcv_wnd = 10000, .cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 7 * MINUTES, .ka_interval = 1000, .ka_probe_count = 5);
	inject(e, SEG(.seq = 1, RST));
	expect_out(e, ack);
	inject(e, SEG(.seq = 0));
	expect_quiet_for(e, 7 * MINUTES - 1);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = UINT32_MAX));
	eng_finish(e);
}

/* ---- SYN ---- */

static void
checklist_219_a_syn_out_of_the_window_gets_an_ack(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 500000, SYN));
	assert_int_equal(e->why, CHIM_WHY_SYN_CHALLENGED);
	expect_out(e, ack);
	eng_finish(e);
}

static void
checklist_220_a_syn_in_the_window_is_challenged_every_3_seconds(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 77, SYN));
	expect_out(e, ack);
	eng_run(e, 2999);
	inject(e, SEG(.seq = 77, SYN));
	expect_nothing(e);
	eng_run(e, 1);
	inject(e, SEG(.seq = 77, SYN));
	expect_out(e, ack);
	eng_finish(e);
}

static void
checklist_214_a_syn_in_order_gives_the_connection_back_closed(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 0, SYN));
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_UPLOAD_REQUESTED);
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	expect_quiet_for(e, 10 * MINUTES);
	eng_finish(e);
}

/* ---- ACK and data ---- */

static void
an_ack_of_what_was_never_sent_is_challenged_and_changes_nothing(void **state)
{
	struct eng *e = eng_established(.snd_wnd = 10000);

	inject(e, SEG(.ack = 1, .len = 10));
	assert_int_equal(e->why, CHIM_WHY_BAD_ACK);
	expect_out(e, ack);
	/* older than the largest window there ever was (RFC 5961, 5.2) */
	inject(e, SEG(.ack = 0u - 10001, .len = 10));
	assert_int_equal(e->why, CHIM_WHY_BAD_ACK);
	expect_out(e, ack);
	assert_int_equal(eng_view(e).rcv_nxt, e->irs);
	/* old, but not that old: the data counts */
	inject(e, SEG(.ack = 0u - 10000, .len = 10));
	expect_data(e, 0, 10);
	eng_run(e, 100);
	expect_out(e, SEG(.ack = 10));
	eng_finish(e);
}

static void
a_segment_without_ack_is_dropped(void **state)
{
	struct eng *e = eng_established();

	inject(e, SEG(.len = 10, .no_ack = true));
	assert_int_equal(e->why, CHIM_WHY_NO_ACK_FLAG);
	expect_quiet_for(e, 1000);
	eng_finish(e);
}

static void
what_lies_outside_the_window_is_answered_and_named(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	inject(e, SEG(.seq = 0u - 500, .len = 500));
	assert_int_equal(e->why, CHIM_WHY_OLD_DUPLICATE);
	expect_out(e, ack);
	inject(e, SEG(.seq = 10001, .len = 1));
	assert_int_equal(e->why, CHIM_WHY_OUT_OF_WINDOW);
	expect_out(e, ack);
	expect_no_io(e);
	eng_finish(e);
}

static void
without_a_budget_no_challenge_is_sent(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	e->cfg.challenge_per_second = 0;
	inject(e, SEG(.seq = 1, RST));
	assert_int_equal(e->why, CHIM_WHY_CHALLENGE_BUDGET);
	inject(e, SEG(.seq = 1, SYN));
	assert_int_equal(e->why, CHIM_WHY_CHALLENGE_BUDGET);
	inject(e, SEG(.seq = 500000, SYN));
	assert_int_equal(e->why, CHIM_WHY_CHALLENGE_BUDGET);
	expect_quiet_for(e, 10 * MINUTES);
	eng_finish(e);
}

static void
the_budget_of_challenges_is_bounded_and_not_a_constant(void **state)
{
	struct eng *e = eng_established(.snd_wnd = 10000);
	uint32_t per_second[20];
	bool is_constant = true;

	e->cfg.challenge_per_second = 100;
	for (uint32_t s = 0; s < CHIM_DIM(per_second); s++) {
		for (uint32_t i = 0; i < 200; i++)
			inject(e, SEG(.ack = 1));
		per_second[s] = e->nb_out;
		eng_ignore_out(e);
		eng_run(e, 1000);
		assert_in_range(per_second[s], 50, 100);
		is_constant = is_constant && per_second[s] == per_second[0];
	}
	assert_false(is_constant);
	eng_finish(e);
}

static void
two_stacks_that_disagree_do_not_answer_each_other_for_ever(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 10000);

	for (uint32_t i = 0; i < 1000; i++)
		inject(e, SEG(.seq = 50000));
	assert_int_equal(e->nb_out, 1);
	eng_ignore_out(e);
	eng_run(e, 500);
	inject(e, SEG(.seq = 50000));
	expect_out(e, ack);
	eng_finish(e);
}

static void
a_flood_of_holes_is_bounded(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 60000);

	e->cfg.max_reassembly_holes = 8;
	for (uint32_t i = 0; i < 30; i++)
		inject(e, SEG(.seq = 1000 + 2000 * i, .len = 10));
	assert_int_equal(e->why, CHIM_WHY_REASSEMBLY_FULL);
	assert_int_equal(eng_view(e).reassembly_bytes, 80);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
tiny_segments_share_buffers(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 60000, .buffered = 10);

	/* nothing is delivered until the host asks */
	for (uint32_t i = 0; i < 5000; i++)
		inject(e, SEG(.seq = i * 10, .len = 10, .psh = true));
	assert_int_equal(eng_view(e).recv_queue_bytes, 50010);
	assert_true(eng_in_use() - e->in_use - e->nb_out < 50);
	eng_ignore_out(e);
	eng_host_posts(e, 0, 0);
	expect_io(e, CHIM_IO_RECEIVE_DONE);
	uint32_t at = 0u - 10;

	while (e->next_io < e->nb_io) {
		uint32_t len = e->io[e->next_io].bytes;

		expect_data(e, at, len);
		at += len;
	}
	assert_int_equal(at, 50000);
	eng_ignore_out(e);
	eng_finish(e);
}

/* A large window for small segments, and then no ACK: others must still be able to send. */
static void
one_peer_does_not_get_all_the_records_of_what_was_sent(void **state)
{
	struct eng *greedy = eng_established(.mss = 100, .cwnd_segs = 60000, .snd_wscale = 8,
		.snd_wnd = 1u << 23);
	struct eng *other = eng_established(.mss = 1000);

	eng_host_sends(greedy, 4 * 200000);
	assert_in_range(greedy->nb_out, 5000, 7000);
	eng_ignore_out(greedy);
	eng_host_sends(other, 10000);
	expect_out(other, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000), SEG(.seq = 3000, .len = 1000),
		SEG(.seq = 4000, .len = 1000), SEG(.seq = 5000, .len = 1000),
		SEG(.seq = 6000, .len = 1000), SEG(.seq = 7000, .len = 1000),
		SEG(.seq = 8000, .len = 1000), SEG(.seq = 9000, .len = 1000));
	inject(other, SEG(.ack = 10000));
	expect_io(other, CHIM_IO_SEND_DONE);
	eng_ignore_io(other);
	eng_finish(greedy);
	eng_finish(other);
}

static void
acks_that_divide_do_not_open_the_window_faster(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .cwnd_segs = 2);

	eng_host_sends(e, 20000);
	eng_ignore_out(e);
	/* one segment acknowledged in a hundred steps is one segment (RFC 3465, 2) */
	for (uint32_t i = 1; i <= 100; i++)
		inject(e, SEG(.ack = 10 * i));
	assert_true(eng_view(e).cwnd <= 3000);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* RFC 5961, 5: whoever does not see the stream guesses the acknowledgment number too. */
static void
blind_data_is_not_taken(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 60000, .snd_wnd = 20000);

	/* older than any window the peer ever offered, or of the future */
	inject(e, SEG(.seq = 0, .len = 100, .ack = 0u - 20001));
	assert_int_equal(e->why, CHIM_WHY_BAD_ACK);
	expect_out(e, SEG(.ack = 0));
	inject(e, SEG(.seq = 0, .len = 100, .ack = 1));
	assert_int_equal(e->why, CHIM_WHY_BAD_ACK);
	expect_out(e, SEG(.ack = 0));
	inject(e, SEG(.seq = 100, .flags = CHIM_FIN, .ack = 0x40000000));
	assert_int_equal(e->why, CHIM_WHY_BAD_ACK);
	eng_ignore_out(e);
	expect_no_io(e);
	assert_int_equal(eng_view(e).reassembly_bytes, 0);
	/* the real one is */
	inject(e, SEG(.seq = 0, .len = 100));
	expect_data(e, 0, 100);
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 100));
	eng_finish(e);
}

/* Segments that say something else about octets that are here already: what came first stays. */
static void
data_that_overlaps_changes_nothing_that_is_here(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 60000);
	const struct pkt later[] = { { .seq = 400, .len = 300 }, { .seq = 900, .len = 300 },
		{ .seq = 500, .len = 500 }, { .seq = 600, .len = 100 } };

	inject(e, SEG(.seq = 500, .len = 500));
	for (uint32_t i = 0; i < CHIM_DIM(later); i++) {
		struct chim_seg seg;
		struct rte_mbuf *m = eng_segment(e, &later[i], &seg);

		for (uint32_t at = later[i].seq; at < later[i].seq + later[i].len; at++)
			if (at >= 500 && at < 1000)
				*rte_pktmbuf_mtod_offset(
					m, uint8_t *, seg.payload_off + at - later[i].seq) ^= 0xFF;
		if (chim_tcp_input(e->c, m, &seg, &e->env) != CHIM_VERDICT_HELD)
			rte_pktmbuf_free(m);
		eng_turn(e);
	}
	inject(e, SEG(.seq = 0, .len = 400));
	/* expect_data() looks at each octet */
	expect_data(e, 0, 1200);
	eng_ignore_out(e);
	eng_finish(e);
}

/* A peer that offers an octet at a time gets one segment for each timeout of SWS, not a stream. */
static void
tiny_windows_cost_a_segment_a_timeout(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	uint32_t sent = 0;

	inject(e, SEG(.ack = 0, .has_wnd = true, .wnd = 1));
	eng_host_sends(e, 5000);
	for (uint32_t ms = 0; ms < 10000; ms += 10) {
		eng_run(e, 10);
		sent += e->nb_out;
		eng_ignore_out(e);
		inject(e, SEG(.ack = eng_view(e).snd_max - e->iss, .has_wnd = true, .wnd = 1));
		sent += e->nb_out;
		eng_ignore_out(e);
	}
	assert_in_range(sent, 1, 10000 / 200 + 2);
	eng_ignore_io(e);
	eng_finish(e);
}

/* Blocks for every octet and far beyond: none grows the records beyond twice the segments. */
static void
a_storm_of_blocks_keeps_the_records_few(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .cwnd_segs = 50);
	uint64_t seed = 7;

	eng_host_sends(e, 50000);
	eng_ignore_out(e);
	for (uint32_t i = 0; i < 20000; i++) {
		struct pkt p = { .ack = 0, .has_sack = true, .nb_sack = 4 };

		for (uint32_t k = 0; k < 4; k++) {
			uint32_t at = pools_below(&seed, 60000);

			p.sack[k] = (struct chim_sack){ at, at + 1 + pools_below(&seed, 3) };
		}
		inject(e, p);
		eng_ignore_out(e);
		assert_true(eng_in_use() - e->in_use < 4 * 50 + 300);
	}
	eng_ignore_io(e);
	inject(e, SEG(.ack = 50000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_ignore_out(e);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_217_a_reset_out_of_the_window_is_dropped_silently),
	cmocka_unit_test(checklist_218_a_reset_in_the_window_is_challenged_once),
	cmocka_unit_test(checklist_221_222_a_challenge_makes_the_peer_prove_it_lives),
	cmocka_unit_test(checklist_223_an_acceptable_segment_disarms_only_that),
	cmocka_unit_test(checklist_219_a_syn_out_of_the_window_gets_an_ack),
	cmocka_unit_test(checklist_220_a_syn_in_the_window_is_challenged_every_3_seconds),
	cmocka_unit_test(checklist_214_a_syn_in_order_gives_the_connection_back_closed),
	cmocka_unit_test(an_ack_of_what_was_never_sent_is_challenged_and_changes_nothing),
	cmocka_unit_test(a_segment_without_ack_is_dropped),
	cmocka_unit_test(what_lies_outside_the_window_is_answered_and_named),
	cmocka_unit_test(without_a_budget_no_challenge_is_sent),
	cmocka_unit_test(the_budget_of_challenges_is_bounded_and_not_a_constant),
	cmocka_unit_test(two_stacks_that_disagree_do_not_answer_each_other_for_ever),
	cmocka_unit_test(a_flood_of_holes_is_bounded),
	cmocka_unit_test(tiny_segments_share_buffers),
	cmocka_unit_test(one_peer_does_not_get_all_the_records_of_what_was_sent),
	cmocka_unit_test(acks_that_divide_do_not_open_the_window_faster),
	cmocka_unit_test(blind_data_is_not_taken),
	cmocka_unit_test(data_that_overlaps_changes_nothing_that_is_here),
	cmocka_unit_test(tiny_windows_cost_a_segment_a_timeout),
	cmocka_unit_test(a_storm_of_blocks_keeps_the_records_few),
};

CHIM_CMOCKA_SUITE(engine_attack_autotest, tests, NULL, NULL)
