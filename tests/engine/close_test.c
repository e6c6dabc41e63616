/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * FIN in both directions, half close and full close, RST (RFC 9293, 3.6,
 * 3.10; spec 5.7, 5.8), in each state that can be handed over.
 */
#include "eng.h"

#define FIN .flags = CHIM_FIN

/* ---- we close first ---- */

static void
we_close_then_the_peer_does(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	expect_out(e, SEG(.seq = 0, FIN));
	assert_int_equal(eng_view(e).state, CHIM_TCP_FIN_WAIT_1);
	expect_no_io(e);
	/* checklist 180: acknowledged, and only then complete */
	inject(e, SEG(.ack = 1));
	assert_int_equal(eng_view(e).state, CHIM_TCP_FIN_WAIT_2);
	assert_int_equal(expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_SUCCESS);
	/* checklist 182: reception goes on */
	inject(e, SEG(.seq = 0, .ack = 1, .len = 300));
	expect_data(e, 0, 300);
	inject(e, SEG(.seq = 300, .ack = 1, FIN));
	expect_out(e, SEG(.seq = 1, .ack = 301));
	assert_int_equal(eng_view(e).state, CHIM_TCP_TIME_WAIT);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	/* our last ACK was lost: the FIN comes again and is acknowledged again */
	eng_run(e, 1000);
	inject(e, SEG(.seq = 300, .ack = 1, FIN));
	expect_out(e, SEG(.seq = 1, .ack = 301));
	expect_quiet_for(e, 1000000);
	eng_finish(e);
}

static void
checklist_179_data_goes_before_the_fin_and_the_fin_rides_along(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 500);
	eng_ignore_out(e);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 1200);
	expect_out(e, SEG(.seq = 500, .len = 1000), SEG(.seq = 1500, .len = 200, FIN));
	inject(e, SEG(.ack = 1701));
	/* checklist 181: sends first */
	expect_io(e, CHIM_IO_SEND_DONE);
	struct chim_io *io = expect_io(e, CHIM_IO_DISCONNECT_DONE);

	assert_int_equal(io->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(io->m)->bytes, 1200);
	assert_int_equal(io->m->pkt_len, 0);
	assert_int_equal(eng_view(e).state, CHIM_TCP_FIN_WAIT_2);
	eng_finish(e);
}

static void
both_close_at_once(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	expect_out(e, SEG(.seq = 0, FIN));
	inject(e, SEG(.seq = 0, .ack = 0, FIN));
	expect_out(e, SEG(.seq = 1, .ack = 1));
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSING);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	inject(e, SEG(.seq = 1, .ack = 1));
	assert_int_equal(eng_view(e).state, CHIM_TCP_TIME_WAIT);
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);
}

/* ---- the peer closes first ---- */

static void
checklist_189_190_the_peer_closes_and_we_go_on_sending(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 200, FIN));
	expect_out(e, SEG(.ack = 201));
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSE_WAIT);
	expect_data(e, 0, 200);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	eng_host_sends(e, 100);
	expect_out(e, SEG(.seq = 0, .len = 100, .ack = 201));
	inject(e, SEG(.seq = 201, .ack = 100));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	expect_out(e, SEG(.seq = 100, .ack = 201, FIN));
	assert_int_equal(eng_view(e).state, CHIM_TCP_LAST_ACK);
	inject(e, SEG(.seq = 201, .ack = 101));
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	/* checklist 192 */
	inject(e, SEG(.seq = 201, .ack = 101, .len = 5));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	eng_finish(e);
}

static void
a_fin_that_comes_early_waits_for_the_data_before_it(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 500, .len = 100, FIN));
	expect_out(e, SEG(.ack = 0));
	assert_int_equal(eng_view(e).state, CHIM_TCP_ESTABLISHED);
	inject(e, SEG(.seq = 0, .len = 500));
	expect_out(e, SEG(.ack = 601));
	expect_data(e, 0, 600);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	eng_finish(e);
}

static void
checklist_248_249_nothing_lies_beyond_a_fin(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	/* queued beyond, then the FIN in order: flushed */
	inject(e, SEG(.seq = 700, .len = 100));
	expect_out(e, SEG(.ack = 0));
	inject(e, SEG(.seq = 0, .len = 500, FIN));
	expect_out(e, SEG(.ack = 501));
	assert_int_equal(eng_view(e).reassembly_bytes, 0);
	expect_data(e, 0, 500);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	inject(e, SEG(.seq = 501, .len = 10));
	assert_int_equal(e->why, CHIM_WHY_AFTER_FIN);
	eng_ignore_out(e);
	eng_finish(e);

	/* the FIN first, out of order; data beyond it flushes the queue */
	e = eng_established(.mss = 1000);
	inject(e, SEG(.seq = 700, .len = 100, FIN));
	assert_int_equal(eng_view(e).reassembly_bytes, 100);
	inject(e, SEG(.seq = 900, .len = 100));
	assert_int_equal(e->why, CHIM_WHY_AFTER_FIN);
	assert_int_equal(eng_view(e).reassembly_bytes, 0);
	eng_ignore_out(e);
	eng_finish(e);
}

/* ---- handed over while closing ---- */

static void
an_imported_fin_is_sent_again_when_it_is_lost(void **state)
{
	struct eng *e = eng_in(FIN_WAIT_1, .mss = 1000, .unacked = 400);

	eng_run(e, 200);
	expect_out(e, SEG(.seq = 0, .len = 400, FIN));
	inject(e, SEG(.ack = 401));
	expect_io(e, CHIM_IO_SEND_DONE);
	assert_int_equal(eng_view(e).state, CHIM_TCP_FIN_WAIT_2);
	eng_finish(e);
}

static void
an_imported_fin_that_never_went_out_goes_after_the_data(void **state)
{
	struct eng *e = eng_in(LAST_ACK, .mss = 1000, .unsent = 400, .is_fin_unsent = true);

	expect_out(e, SEG(.seq = 0, .len = 400, .ack = 1, FIN));
	/* the host took the peer's FIN; its client has yet to hear of it */
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	inject(e, SEG(.seq = 1, .ack = 401));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);
}

static void
fin_wait_2_and_closing_go_on_where_they_were(void **state)
{
	struct eng *e = eng_in(FIN_WAIT_2, .mss = 1000);

	inject(e, SEG(.seq = 0, .ack = 0, .len = 10, FIN));
	expect_out(e, SEG(.seq = 0, .ack = 11));
	expect_data(e, 0, 10);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);

	e = eng_in(CLOSING, .mss = 1000);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	inject(e, SEG(.seq = 1, .ack = 1));
	assert_int_equal(eng_view(e).state, CHIM_TCP_TIME_WAIT);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);
}

/* ---- FIN_WAIT_2 does not last for ever ---- */

static void
checklist_237_fin_wait_2_ends_after_120_seconds_without_a_segment(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	inject(e, SEG(.ack = 1));
	eng_ignore_out(e);
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	expect_quiet_for(e, 100000);
	/* any acceptable segment starts it anew */
	inject(e, SEG(.ack = 1, .len = 1));
	expect_data(e, 0, 1);
	eng_run(e, 119999);
	expect_out(e, SEG(.seq = 1, .ack = 1));
	expect_no_io(e);
	eng_run(e, 1);
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_TIMEOUT_EXPIRATION);
	eng_finish(e);
}

/* ---- abort ---- */

static void
checklist_183_184_an_abortive_disconnect_resets(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .len = 100, .ack = 1000));
	struct rte_mbuf *request = eng_host_posts(e, 500, 0);

	/* checklist 184: the indication is out and not returned */
	struct chim_io *lent = expect_io(e, CHIM_IO_INDICATE);

	assert_int_equal(lent->bytes, 100);
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	expect_out(e, SEG(.seq = 1500, .ack = 100, .flags = CHIM_RST));
	assert_int_equal(e->stats4.tcp_out_resets, 1);
	assert_int_equal(e->stats4.tcp_reset_established, 1);
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(chim_nbl(io->m)->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(chim_nbl(io->m)->bytes, 1000);
	/* checklist 174 */
	io = expect_io(e, CHIM_IO_RECEIVE_DONE);
	assert_ptr_equal(io->m, request);
	assert_int_equal(chim_nbl(io->m)->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_SUCCESS);
	/* checklist 185 */
	inject(e, SEG(.seq = 100, .len = 100));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

static void
checklist_191_the_peers_reset_aborts(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	eng_host_posts(e, 500, 0);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .flags = CHIM_RST, .no_ack = true));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	io = expect_io(e, CHIM_IO_DISCONNECT_DONE);
	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	expect_io(e, CHIM_IO_RECEIVE_DONE);
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	/* what the host asks for now comes back */
	eng_host_sends(e, 10);
	io = expect_io(e, CHIM_IO_SEND_DONE);
	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	eng_host_posts(e, 10, 0);
	io = expect_io(e, CHIM_IO_RECEIVE_DONE);
	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	io = expect_io(e, CHIM_IO_DISCONNECT_DONE);
	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	/* checklist 186: a reset is not answered by one */
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

/* ---- full close ---- */

static void
data_after_a_full_close_is_reset(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE, 0);
	expect_out(e, SEG(.seq = 0, FIN));
	inject(e, SEG(.ack = 1));
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	inject(e, SEG(.seq = 0, .ack = 1, .len = 100));
	assert_int_equal(e->why, CHIM_WHY_AFTER_CLOSE);
	expect_out(e, SEG(.seq = 1, .flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	assert_int_equal(eng_view(e).state, CHIM_TCP_CLOSED);
	eng_finish(e);
}

static void
a_full_close_that_the_peer_answers_by_closing_ends_well(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE, 0);
	expect_out(e, SEG(.seq = 0, FIN));
	inject(e, SEG(.ack = 1, FIN));
	expect_out(e, SEG(.seq = 1, .ack = 1));
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);
}

static void
a_full_close_with_unread_data_resets_at_once(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 100);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE, 0);
	expect_out(e, SEG(.seq = 0, .flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	assert_int_equal(
		expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_REQUEST_ABORTED);
	eng_finish(e);
}

static void
a_second_close_and_a_send_after_it_are_refused(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	eng_ignore_out(e);
	eng_host_sends(e, 10);
	assert_int_equal(expect_io(e, CHIM_IO_SEND_DONE)->status, CHIM_STATUS_INVALID_STATE);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	assert_int_equal(expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_INVALID_STATE);
	/* an abort is still possible, and completes the first one too */
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	expect_out(e, SEG(.seq = 1, .flags = CHIM_RST));
	assert_int_equal(
		expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_SUCCESS);
	eng_finish(e);
}

static void
checklist_213_a_syn_in_time_wait_is_the_hosts(void **state)
{
	struct eng *e = eng_in(FIN_WAIT_2, .mss = 1000);

	inject(e, SEG(FIN));
	eng_ignore_out(e);
	eng_ignore_io(e);
	inject(e, SEG(.seq = 100000, .flags = CHIM_SYN, .no_ack = true));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	assert_int_equal(e->why, CHIM_WHY_SYN_TIME_WAIT);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(we_close_then_the_peer_does),
	cmocka_unit_test(checklist_179_data_goes_before_the_fin_and_the_fin_rides_along),
	cmocka_unit_test(both_close_at_once),
	cmocka_unit_test(checklist_189_190_the_peer_closes_and_we_go_on_sending),
	cmocka_unit_test(a_fin_that_comes_early_waits_for_the_data_before_it),
	cmocka_unit_test(checklist_248_249_nothing_lies_beyond_a_fin),
	cmocka_unit_test(an_imported_fin_is_sent_again_when_it_is_lost),
	cmocka_unit_test(an_imported_fin_that_never_went_out_goes_after_the_data),
	cmocka_unit_test(fin_wait_2_and_closing_go_on_where_they_were),
	cmocka_unit_test(checklist_237_fin_wait_2_ends_after_120_seconds_without_a_segment),
	cmocka_unit_test(checklist_183_184_an_abortive_disconnect_resets),
	cmocka_unit_test(checklist_191_the_peers_reset_aborts),
	cmocka_unit_test(data_after_a_full_close_is_reset),
	cmocka_unit_test(a_full_close_that_the_peer_answers_by_closing_ends_well),
	cmocka_unit_test(a_full_close_with_unread_data_resets_at_once),
	cmocka_unit_test(a_second_close_and_a_send_after_it_are_refused),
	cmocka_unit_test(checklist_213_a_syn_in_time_wait_is_the_hosts),
};

CHIM_CMOCKA_SUITE(engine_close_autotest, tests, NULL, NULL)
