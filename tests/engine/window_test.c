/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Windows both ways: what is offered, what is respected, silly windows, and a
 * closed window with its probes (RFC 9293, 3.8.6; spec 8.3).
 */
#include "eng.h"

#define WND(n) .has_wnd = true, .wnd = (n)

/* ---- what we offer ---- */

static void
the_window_shrinks_by_what_the_host_holds_and_keeps_its_edge(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 4000);

	inject(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 2000, WND(2000)));
	inject(e, SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.seq = 3000, .len = 1000));
	expect_out(e, SEG(.ack = 4000, WND(0)));
	/* beyond the edge: not a byte of it */
	inject(e, SEG(.seq = 4000, .len = 1));
	expect_out(e, SEG(.ack = 4000, WND(0)));
	/* the host gives data back: the first segment's worth is announced */
	expect_data(e, 0, 1000);
	expect_out(e, SEG(.ack = 4000, WND(1000)));
	expect_data(e, 1000, 1000);
	expect_out(e, SEG(.ack = 4000, WND(2000)));
	/* half is open: the next ACK will do */
	expect_data(e, 2000, 1000);
	expect_data(e, 3000, 1000);
	expect_out(e, SEG(.ack = 4000, WND(4000)));
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* RFC 1122, 4.2.3.3: the window opens by a segment or by half of the buffer, not octet by octet. */
static void
a_window_that_opens_by_octets_is_announced_by_the_segment(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 4000);
	struct rte_mbuf *lent[40];

	for (uint32_t i = 0; i < 40; i++)
		inject(e, SEG(.seq = 100 * i, .len = 100));
	eng_ignore_out(e);
	for (uint32_t i = 0; i < 40; i++) {
		struct chim_io *io = expect_io(e, CHIM_IO_INDICATE);

		lent[i] = io->m;
		io->m = NULL;
	}
	for (uint32_t i = 0; i < 10; i++) {
		expect_nothing(e);
		eng_host_returns(e, lent[i]);
	}
	expect_out(e, SEG(.ack = 4000, WND(1000)));
	for (uint32_t i = 10; i < 40; i++)
		eng_host_returns(e, lent[i]);
	/* three more at most, for thirty returns */
	assert_in_range(e->nb_out - e->next_out, 1, 3);
	eng_ignore_out(e);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
a_segment_that_overlaps_the_edge_is_cut_there(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 1500);

	inject(e, SEG(.seq = 0, .len = 1000));
	eng_ignore_out(e);
	inject(e, SEG(.seq = 1000, .len = 1000, .flags = CHIM_FIN));
	expect_out(e, SEG(.ack = 1500, WND(0)));
	expect_data(e, 0, 1000);
	eng_ignore_out(e);
	expect_data(e, 1000, 500);
	eng_ignore_out(e);
	assert_int_equal(eng_view(e).state, CHIM_TCP_ESTABLISHED);
	eng_finish(e);
}

static void
a_scaled_window_never_promises_a_unit_too_many(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 16384 * 4, .rcv_wscale = 14,
		.snd_wscale = 1);
	uint32_t edge = 16384 * 4;

	for (uint32_t at = 0; at + 1000 <= 16384 * 5; at += 1000) {
		inject(e, SEG(.seq = at, .len = 1000));
		for (uint32_t i = 0; i < e->nb_out; i++)
			edge = RTE_MAX(edge, e->pkt[i].ack + e->pkt[i].wnd);
		eng_ignore_out(e);
	}
	assert_true(edge <= 16384 * 5);
	assert_true(eng_view(e).rcv_nxt - e->irs >= 16384 * 4);
	eng_ignore_io(e);
	eng_run(e, 1000);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_91_a_new_buffer_size_is_announced(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 10000);
	struct chim_tcp_cached cached = eng_cached(e);

	cached.initial_rcv_wnd = 30000;
	eng_update(e, &cached, CHIM_TCP_UPDATE_RCV_WND);
	eng_turn(e);
	expect_out(e, SEG(WND(30000)));
	/* checklist 92: smaller is honoured too, as data uses the edge up */
	cached.initial_rcv_wnd = 5000;
	eng_update(e, &cached, CHIM_TCP_UPDATE_RCV_WND);
	eng_turn(e);
	expect_out(e, SEG(WND(30000)));
	inject(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 2000, WND(28000)));
	eng_ignore_io(e);
	eng_finish(e);
}

/* ---- what the peer offers ---- */

static void
nothing_is_sent_beyond_the_peers_window(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 2000);

	eng_host_sends(e, 5000);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000));
	inject(e, SEG(.ack = 1000, WND(2000)));
	expect_out(e, SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000, WND(9000)));
	expect_out(e, SEG(.seq = 3000, .len = 1000), SEG(.seq = 4000, .len = 1000));
	inject(e, SEG(.ack = 5000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
an_old_segment_does_not_change_the_window(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 8000);

	inject(e, SEG(.seq = 0, .len = 100));
	inject(e, SEG(.seq = 100, .len = 100, WND(9000)));
	assert_int_equal(eng_view(e).snd_wnd, 9000);
	/* sent before, came later */
	inject(e, SEG(.seq = 0, .len = 0, WND(100)));
	assert_int_equal(eng_view(e).snd_wnd, 9000);
	eng_ignore_io(e);
	eng_run(e, 100);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
less_than_a_segment_of_window_waits_and_is_forced_in_the_end(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 8000);

	inject(e, SEG(WND(300)));
	eng_host_sends(e, 1000);
	/* less than a segment, less than half of the largest window, more is queued */
	expect_quiet_for(e, e->cfg.sws_ms - 1);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = 0, .len = 300));
	inject(e, SEG(.ack = 300, WND(8000)));
	expect_out(e, SEG(.seq = 300, .len = 700));
	inject(e, SEG(.ack = 1000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- a closed window ---- */

static uint32_t
rto(struct eng *e)
{
	uint32_t us = RTE_MAX(eng_view(e).rto_us, e->cfg.rto_min_us);

	return (us + 999) / 1000;
}

static void
expect_probe_after(struct eng *e, uint32_t ms, uint32_t seq)
{
	expect_quiet_for(e, ms - 1);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = seq, .len = 1));
}

static void
checklist_233_234_a_closed_window_is_probed_with_one_byte(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 1000);

	eng_host_sends(e, 3000);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.ack = 1000, WND(0)));
	uint32_t r = rto(e);

	expect_probe_after(e, r, 1000);
	assert_int_equal(e->counters.zero_window_probes, 1);
	/* RTO << Count, as long as nothing comes */
	expect_probe_after(e, r, 1000);
	expect_probe_after(e, 2 * r, 1000);
	expect_probe_after(e, 4 * r, 1000);
	/* an answer: the next round, RTO << SndWndProbeCount */
	inject(e, SEG(.ack = 1000, WND(0)));
	expect_probe_after(e, 2 * r, 1000);
	expect_probe_after(e, r, 1000);
	/* open again; the probe's byte and all that follows */
	inject(e, SEG(.ack = 1000, WND(5000)));
	expect_out(e, SEG(.seq = 1000, .len = 1), SEG(.seq = 1001, .len = 1000),
		SEG(.seq = 2001, .len = 999));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

static void
checklist_235_a_window_ends_persist_and_sending_goes_on(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_window_closed = true);

	eng_host_sends(e, 2500);
	expect_probe_after(e, rto(e), 0);
	inject(e, SEG(.ack = 0, WND(0)));
	assert_int_equal(eng_delegated(e).snd_wnd_probe_count, 1);
	inject(e, SEG(.ack = 1, WND(1000)));
	expect_out(e, SEG(.seq = 1, .len = 1000));
	assert_int_equal(eng_delegated(e).snd_wnd_probe_count, 0);
	/* what is out now is sent again by the retransmission timer's rules, all of it */
	eng_run(e, rto(e));
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1001, WND(5000)));
	expect_out(e, SEG(.seq = 1001, .len = 1000), SEG(.seq = 2001, .len = 499));
	inject(e, SEG(.ack = 2500, WND(0)));
	expect_io(e, CHIM_IO_SEND_DONE);
	/* closed again, but there is nothing to ask for */
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

static void
a_probe_that_is_taken_moves_on_to_the_next_byte(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_window_closed = true);

	eng_host_sends(e, 10);
	expect_probe_after(e, rto(e), 0);
	inject(e, SEG(.ack = 1, WND(0)));
	expect_probe_after(e, 2 * rto(e), 1);
	inject(e, SEG(.ack = 2, WND(100)));
	expect_out(e, SEG(.seq = 2, .len = 8));
	inject(e, SEG(.ack = 10, WND(100)));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
checklist_236_too_many_unanswered_probes_ask_for_upload(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_window_closed = true);

	e->cfg.max_retransmits = 4;
	eng_host_sends(e, 10);
	eng_run(e, 100000);
	assert_int_equal(e->nb_out, 4);
	eng_ignore_out(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	expect_quiet_for(e, 1000000);
	eng_finish(e);
}

static void
a_window_closed_on_data_that_is_out_is_no_reason_to_give_up(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .no_sack = true);

	uint32_t nb_sent = 0;

	e->cfg.max_retransmits = 8;
	eng_host_sends(e, 1000);
	inject(e, SEG(.ack = 0, WND(0)));
	for (uint32_t i = 0; i < 100; i++) {
		eng_ignore_out(e);
		eng_run(e, 30000);
		nb_sent += e->nb_out;
		inject(e, SEG(.ack = 0, WND(0)));
	}
	expect_no_io(e);
	/* 50 minutes, and never more than a minute between two */
	assert_in_range(nb_sent, 50, 200);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
a_probe_of_our_closed_window_is_answered_and_its_ack_counts(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 1000);

	eng_host_sends(e, 500);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .len = 1000));
	eng_run(e, 100);
	expect_out(e, SEG(.seq = 500, .ack = 1000, WND(0)));
	inject(e, SEG(.seq = 1000, .len = 1, .ack = 500));
	expect_out(e, SEG(.seq = 500, .ack = 1000, WND(0)));
	expect_data(e, 0, 1000);
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_out(e, SEG(.seq = 500, .ack = 1000, WND(1000)));
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_window_shrinks_by_what_the_host_holds_and_keeps_its_edge),
	cmocka_unit_test(a_window_that_opens_by_octets_is_announced_by_the_segment),
	cmocka_unit_test(a_segment_that_overlaps_the_edge_is_cut_there),
	cmocka_unit_test(a_scaled_window_never_promises_a_unit_too_many),
	cmocka_unit_test(checklist_91_a_new_buffer_size_is_announced),
	cmocka_unit_test(nothing_is_sent_beyond_the_peers_window),
	cmocka_unit_test(an_old_segment_does_not_change_the_window),
	cmocka_unit_test(less_than_a_segment_of_window_waits_and_is_forced_in_the_end),
	cmocka_unit_test(checklist_233_234_a_closed_window_is_probed_with_one_byte),
	cmocka_unit_test(checklist_235_a_window_ends_persist_and_sending_goes_on),
	cmocka_unit_test(a_probe_that_is_taken_moves_on_to_the_next_byte),
	cmocka_unit_test(checklist_236_too_many_unanswered_probes_ask_for_upload),
	cmocka_unit_test(a_window_closed_on_data_that_is_out_is_no_reason_to_give_up),
	cmocka_unit_test(a_probe_of_our_closed_window_is_answered_and_its_ack_counts),
};

CHIM_CMOCKA_SUITE(engine_window_autotest, tests, NULL, NULL)
