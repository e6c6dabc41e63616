/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Disconnects as the host sees them: when they complete and with what, what
 * goes on meanwhile, and what is never done (spec 5.7, 5.8).
 */
#include "eng.h"
#include "eng_int.h"

#define FIN .flags = CHIM_FIN

static void
checklist_180_success_means_that_fin_and_data_are_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 1500);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 500, FIN));
	inject(e, SEG(.ack = 1000));
	expect_no_io(e);
	/* all the data, and not the FIN */
	inject(e, SEG(.ack = 1500));
	expect_no_io(e);
	eng_run(e, 300);
	expect_out(e, SEG(.seq = 1500, FIN));
	expect_no_io(e);
	inject(e, SEG(.ack = 1501));
	struct chim_io *io = expect_io(e, CHIM_IO_DISCONNECT_DONE);

	assert_int_equal(io->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(io->m)->bytes, 1500);
	assert_int_equal(io->m->pkt_len, 0);
	eng_finish(e);
}

/* Not delivered: the bytes that were say so. */
static void
checklist_180_a_reset_before_that_is_told_with_what_was_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 1500);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000));
	inject(e, SEG(.ack = 1000, .flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	struct chim_io *io = expect_io(e, CHIM_IO_DISCONNECT_DONE);

	assert_int_equal(io->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(chim_nbl(io->m)->bytes, 1000);
	assert_int_equal(io->m->pkt_len, 500);
	eng_finish(e);
}

static void
checklist_181_sends_complete_in_order_and_before_the_disconnect(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		eng_host_sends(e, i * 100);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 50);
	eng_ignore_out(e);
	/* everything at once: told one after the other */
	inject(e, SEG(.ack = 651));
	struct rte_mbuf *m = expect_io(e, CHIM_IO_SEND_DONE)->m;

	for (uint32_t i = 1; i <= 3; i++, m = chim_nbl(m)->next)
		assert_int_equal(chim_nbl(m)->bytes, i * 100);
	assert_null(m);
	struct chim_io *io = expect_io(e, CHIM_IO_DISCONNECT_DONE);

	/* with its own data, and none of the sends' */
	assert_int_equal(chim_nbl(io->m)->bytes, 50);
	assert_null(chim_nbl(io->m)->next);
	eng_finish(e);
}

static void
checklist_182_data_is_received_after_our_fin(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	expect_out(e, SEG(.seq = 0, FIN));
	/* FIN_WAIT_1: indicated, acknowledged */
	inject(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.seq = 1, .ack = 2000));
	expect_data(e, 0, 1000);
	expect_data(e, 1000, 1000);
	/* FIN_WAIT_2: into a request, out of order too */
	inject(e, SEG(.seq = 2000, .ack = 1));
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	eng_host_posts(e, 700, 0);
	inject(e, SEG(.seq = 2300, .ack = 1, .len = 400));
	expect_out(e, SEG(.seq = 1, .ack = 2000));
	inject(e, SEG(.seq = 2000, .ack = 1, .len = 300));
	expect_out(e, SEG(.seq = 1, .ack = 2700));
	assert_int_equal(chim_nbl(expect_io(e, CHIM_IO_RECEIVE_DONE)->m)->bytes, 700);
	/* until the peer closes */
	inject(e, SEG(.seq = 2700, .ack = 1, FIN));
	expect_out(e, SEG(.seq = 1, .ack = 2701));
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	expect_event(e, CHIM_EVENT_TIME_WAIT, 0);
	eng_finish(e);
}

/* Whatever comes after the abort, and whatever was owed before it. */
static void
checklist_185_after_an_abort_nothing_is_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	inject(e, SEG(.seq = 0, .len = 100)); /* its ACK is delayed */
	e->is_manual = true;
	inject(e, SEG(.seq = 100, .len = 1000));
	inject(e, SEG(.seq = 5000, .len = 1000)); /* a duplicate ACK is owed */
	e->is_manual = false;
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
	expect_out(e, SEG(.seq = 0, .ack = 1100, .flags = CHIM_RST));
	eng_ignore_io(e);
	inject(e, SEG(.seq = 1100, .len = 100));
	inject(e, SEG(.seq = 3000, .len = 100));
	inject(e, SEG(.seq = 0, .len = 100));
	inject(e, SEG(.seq = 1100, FIN));
	inject(e, SEG(.seq = 1099, .ack = 0)); /* a keepalive probe */
	inject(e, SEG(.seq = 1200, .flags = CHIM_SYN));
	inject(e, SEG(.seq = 1200, .flags = CHIM_RST));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	expect_no_io(e);
	expect_quiet_for(e, 1000000);
	assert_int_equal(e->stats4.tcp_out_resets, 1);
	eng_finish(e);
}

/* ---- RST at no other time ---- */

static void
segments_that_do_not_fit(struct eng *e)
{
	static const struct pkt odd[] = {
		{ .seq = 500000, .len = 100 },
		{ .seq = UINT32_MAX - 900000, .len = 100 },
		{ .seq = 0, .ack = 1u << 20 },
		{ .seq = 0, .ack = 0u - (1u << 20), .len = 10 },
		{ .seq = 0, .no_ack = true, .len = 10 },
		{ .seq = 10, .flags = CHIM_SYN },
		{ .seq = 900000, .flags = CHIM_SYN },
		{ .seq = 20, .flags = CHIM_SYN | CHIM_FIN | CHIM_RST | CHIM_URG },
		{ .seq = 10, .flags = CHIM_RST },
		{ .seq = 900000, .flags = CHIM_RST },
		{ .seq = 10, .len = 10, .flags = CHIM_URG, .urgent = 5, .ack = 1u << 20 },
	};

	for (uint32_t i = 0; i < CHIM_DIM(odd); i++)
		inject(e, odd[i]);
}

static void
a_peer_that_is_gone(struct eng *e)
{
	eng_host_sends(e, 3000);
	eng_run(e, 3600 * 1000);
}

static void
a_window_that_never_opens(struct eng *e)
{
	inject(e, SEG(.ack = 0, .has_wnd = true, .wnd = 0));
	eng_host_sends(e, 3000);
	eng_run(e, 3600 * 1000);
}

static void
a_keepalive_without_answer(struct eng *e)
{
	eng_run(e, 3 * 3600 * 1000);
	assert_true(e->counters.keepalive_probes != 0);
}

static void
a_half_close_without_end(struct eng *e)
{
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	inject(e, SEG(.ack = 1));
	eng_run(e, 3600 * 1000);
}

static void
a_syn_in_order(struct eng *e)
{
	inject(e, SEG(.seq = 0, .flags = CHIM_SYN));
}

static void
the_peers_reset(struct eng *e)
{
	eng_host_sends(e, 1000);
	inject(e, SEG(.seq = 0, .flags = CHIM_RST));
	inject(e, SEG(.seq = 0, .len = 100));
}

static void
urgent_data(struct eng *e)
{
	inject(e, SEG(.seq = 0, .len = 100, .flags = CHIM_URG, .urgent = 3));
	inject(e, SEG(.seq = 100, .len = 100));
}

static void
state_that_is_lost(struct eng *e)
{
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_HARDWARE_FAILURE, &e->env);
	eng_turn(e);
	inject(e, SEG(.seq = 0, .len = 100));
}

static void
both_ends_closing(struct eng *e)
{
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 100);
	inject(e, SEG(.seq = 0, .ack = 50, .len = 10, FIN));
	inject(e, SEG(.seq = 11, .ack = 101));
	inject(e, SEG(.seq = 0, .ack = 101, .len = 10, FIN));
	inject(e, SEG(.seq = 11, .ack = 101, .len = 100));
}

static void
a_terminate(struct eng *e)
{
	struct eng_state s;

	eng_host_sends(e, 3000);
	inject(e, SEG(.seq = 0, .len = 10));
	eng_ignore_out(e);
	eng_export(e, &s);
	chim_nbl_free(s.chain);
	chim_nbl_free(s.buffered);
	inject(e, SEG(.seq = 10, .len = 10));
}

static void
checklist_186_a_reset_is_sent_for_nothing_but_an_abort(void **state)
{
	static void (*const provoke[])(struct eng * e) = { segments_that_do_not_fit,
		a_peer_that_is_gone, a_window_that_never_opens, a_keepalive_without_answer,
		a_half_close_without_end, a_syn_in_order, the_peers_reset, urgent_data,
		state_that_is_lost, both_ends_closing, a_terminate };

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(provoke); i++) {
		struct eng *e =
			eng_established(.mss = 1000, .cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED,
				.ka_timeout = 7200000, .ka_interval = 75000, .ka_probe_count = 9);

		provoke[i](e);
		for (uint32_t k = 0; k < e->nb_out; k++)
			if (e->pkt[k].flags & CHIM_RST)
				fail_msg("provocation %u was answered by a reset", i);
		assert_int_equal(e->stats4.tcp_out_resets, 0);
		eng_ignore_out(e);
		eng_ignore_io(e);
		eng_finish(e);
	}
}

/* ---- a disconnect is carried out ---- */

static void
checklist_187_a_disconnect_waits_and_is_not_failed(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_window_closed = true);

	(void)state;
	/* much is queued, the window is closed, then the path is gone */
	for (uint32_t i = 0; i < 50; i++)
		eng_host_sends(e, 1000);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 100);
	chim_tcp_head(e->c)->is_invalid = 1;
	eng_run(e, 100000);
	expect_nothing(e);
	expect_no_io(e);
	chim_tcp_head(e->c)->is_invalid = 0;
	chim_tcp_path_changed(e->c, 1500, &e->env);
	inject(e, SEG(.ack = 0, .has_wnd = true, .wnd = 60000));
	for (uint32_t ack = eng_view(e).snd_max - e->iss; ack < 50101;
		ack = eng_view(e).snd_max - e->iss) {
		inject(e, SEG(.ack = ack, .has_wnd = true, .wnd = 60000));
		eng_ignore_out(e);
	}
	inject(e, SEG(.ack = 50101));
	struct chim_io *io = &e->io[e->nb_io - 1];

	assert_int_equal(io->op, CHIM_IO_DISCONNECT_DONE);
	assert_int_equal(io->status, CHIM_STATUS_SUCCESS);
	eng_ignore_io(e);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_187_every_state_takes_the_disconnect_that_fits(void **state)
{
	static const uint32_t given[] = { CHIM_TCP_ESTABLISHED, CHIM_TCP_FIN_WAIT_1,
		CHIM_TCP_FIN_WAIT_2, CHIM_TCP_CLOSE_WAIT, CHIM_TCP_CLOSING, CHIM_TCP_LAST_ACK };

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(given); i++) {
		struct eng *e = eng_new(&(struct eng_opts){ .state = given[i] });

		eng_ignore_out(e);
		eng_ignore_io(e);
		eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
		assert_int_equal(
			expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_SUCCESS);
		expect_out(e,
			SEG(.seq = eng_view(e).snd_max - e->iss, .no_ack = true,
				.flags = CHIM_RST));
		eng_finish(e);
	}
}

/* ---- afterwards ---- */

static void
checklist_192_data_for_a_closed_connection_is_the_hosts(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	(void)state;
	inject(e, SEG(.flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	inject(e, SEG(.seq = 0, .len = 100));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	assert_int_equal(e->why, CHIM_WHY_CLOSED);
	expect_no_io(e);
	expect_quiet_for(e, 1000000);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_180_success_means_that_fin_and_data_are_acknowledged),
	cmocka_unit_test(checklist_180_a_reset_before_that_is_told_with_what_was_acknowledged),
	cmocka_unit_test(checklist_181_sends_complete_in_order_and_before_the_disconnect),
	cmocka_unit_test(checklist_182_data_is_received_after_our_fin),
	cmocka_unit_test(checklist_185_after_an_abort_nothing_is_acknowledged),
	cmocka_unit_test(checklist_186_a_reset_is_sent_for_nothing_but_an_abort),
	cmocka_unit_test(checklist_187_a_disconnect_waits_and_is_not_failed),
	cmocka_unit_test(checklist_187_every_state_takes_the_disconnect_that_fits),
	cmocka_unit_test(checklist_192_data_for_a_closed_connection_is_the_hosts),
};

CHIM_CMOCKA_SUITE(engine_disconnect_autotest, tests, NULL, NULL)
