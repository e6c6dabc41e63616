/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Received data to the host: requests, indications, refusals, the push timer
 * (spec 5.2 to 5.5).
 */
#include "eng.h"
#include "tcp_conn.h"

#define PSH	   .psh = true
#define REQUEST(e) expect_io(e, CHIM_IO_RECEIVE_DONE)

/* A completed request: how much was placed, and that it is the right data. */
static void
check_request(struct chim_io *io, struct rte_mbuf *m, uint32_t at, uint32_t bytes)
{
	assert_ptr_equal(io->m, m);
	assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(m)->bytes, bytes);
	assert_int_equal(m->pkt_len, bytes);
	eng_check_bytes(m, at);
}

static void
quiet_ack(struct eng *e)
{
	eng_run(e, e->cfg.delayed_ack_ms);
	eng_ignore_out(e);
}

/* ---- requests ---- */

static void
checklist_147_148_149_requests_are_filled_in_order_and_before_any_indication(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 300, 0);
	struct rte_mbuf *b = eng_host_posts(e, 500, CHIM_NBL_NO_PUSH);

	inject(e, SEG(.seq = 0, .len = 1000));
	struct chim_io *io = REQUEST(e);

	assert_ptr_equal(chim_nbl(io->m)->next, b);
	check_request(io, a, 0, 300);
	assert_int_equal(b->pkt_len, 500);
	eng_check_bytes(b, 300);
	/* what is left over is indicated */
	expect_data(e, 800, 200);
	quiet_ack(e);
	eng_finish(e);
}

static void
checklist_150_a_pushed_segment_completes_a_partly_filled_request(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 2000, 0);

	inject(e, SEG(.seq = 0, .len = 400));
	expect_no_io(e);
	inject(e, SEG(.seq = 400, .len = 100, PSH));
	check_request(REQUEST(e), a, 0, 500);
	quiet_ack(e);
	eng_finish(e);
}

static void
checklist_151_155_the_push_timer_completes_and_data_restarts_it(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 2000, 0);

	inject(e, SEG(.seq = 0, .len = 400));
	eng_run(e, e->cfg.push_ms - 1);
	expect_no_io(e);
	inject(e, SEG(.seq = 400, .len = 100));
	eng_run(e, e->cfg.push_ms - 1);
	expect_no_io(e);
	eng_run(e, 1);
	check_request(REQUEST(e), a, 0, 500);
	eng_ignore_out(e);
	/* checklist 157: nothing is partly filled any more */
	eng_run(e, 10 * e->cfg.push_ms);
	expect_no_io(e);
	eng_finish(e);
}

static void
checklist_152_153_a_non_push_request_waits_until_it_is_full(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 800, CHIM_NBL_NO_PUSH);

	inject(e, SEG(.seq = 0, .len = 500, PSH));
	eng_run(e, 100 * e->cfg.push_ms);
	expect_no_io(e);
	inject(e, SEG(.seq = 500, .len = 300));
	check_request(REQUEST(e), a, 0, 800);
	quiet_ack(e);
	eng_finish(e);
}

static void
checklist_154_the_push_timer_runs_from_posting_when_the_host_put_data_in(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *m = eng_chain(0u - 100, 100, 100);
	struct chim_io post = { .op = CHIM_IO_RECEIVE, .m = m };

	chim_nbl(m)->bytes = 100;
	chim_nbl(m)->room = 1000;
	eng_host_io(e, &post);
	eng_run(e, e->cfg.push_ms - 1);
	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 200, PSH));
	struct chim_io *io = REQUEST(e);

	/* 100 of the host's, 200 of ours */
	assert_int_equal(chim_nbl(io->m)->bytes, 200);
	assert_int_equal(m->pkt_len, 300);
	eng_check_bytes(m, 0u - 100);
	quiet_ack(e);
	eng_finish(e);
}

static void
checklist_156_a_filled_request_stops_the_push_timer(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 500, 0);

	inject(e, SEG(.seq = 0, .len = 200));
	inject(e, SEG(.seq = 200, .len = 300));
	check_request(REQUEST(e), a, 0, 500);
	quiet_ack(e);
	eng_run(e, 10 * e->cfg.push_ms);
	expect_no_io(e);
	eng_finish(e);
}

static void
one_request_may_have_several_segments(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 5000, 0);

	assert_true(a->nb_segs > 1);
	for (uint32_t at = 0; at < 5000; at += 1000)
		inject(e, SEG(.seq = at, .len = 1000));
	check_request(REQUEST(e), a, 0, 5000);
	eng_ignore_out(e);
	eng_run(e, 100);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
a_request_that_lies_about_its_room_is_failed(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *m = eng_chain(0, 0, 1);
	struct chim_io post = { .op = CHIM_IO_RECEIVE, .m = m };

	chim_nbl(m)->room = 100000;
	eng_host_io(e, &post);
	assert_int_equal(chim_nbl(REQUEST(e)->m)->status, CHIM_STATUS_FAILURE);
	eng_finish(e);
}

/* ---- indications ---- */

static void
checklist_162_171_one_chain_with_all_there_is(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	e->is_manual = true;
	for (uint32_t at = 0; at < 5000; at += 1000)
		inject(e, SEG(.seq = at, .len = 1000));
	eng_turn(e);
	assert_int_equal(e->nb_io, 1);
	assert_null(chim_nbl(e->io[0].m)->next);
	assert_int_equal(e->io[0].m->nb_segs, 5);
	expect_data(e, 0, 5000);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
the_preferred_indication_size_is_kept(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_indication_size = 2500);

	e->is_manual = true;
	for (uint32_t at = 0; at < 5000; at += 1000)
		inject(e, SEG(.seq = at, .len = 1000));
	eng_turn(e);
	expect_data(e, 0, 2000);
	expect_data(e, 2000, 2000);
	expect_data(e, 4000, 1000);
	eng_ignore_out(e);
	eng_finish(e);
}

/* ---- refusals ---- */

static void
refuse(struct eng *e, struct rte_mbuf *list, uint32_t consumed)
{
	struct chim_io io = { .op = CHIM_IO_REFUSE, .m = list, .bytes = consumed };

	eng_host_io(e, &io);
}

static struct rte_mbuf *
take(struct eng *e)
{
	struct chim_io *io = expect_io(e, CHIM_IO_INDICATE);
	struct rte_mbuf *m = io->m;

	io->m = NULL;
	return m;
}

static void
checklist_166_168_169_refused_data_waits_for_a_request(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	refuse(e, take(e), 0);
	expect_no_io(e);
	/* checklist 169: newer data queues behind it */
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_no_io(e);
	/* checklist 168: a request without room asks for indications again, and is completed */
	eng_host_posts(e, 0, 0);
	assert_int_equal(chim_nbl(REQUEST(e)->m)->bytes, 0);
	expect_data(e, 0, 2000);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_167_170_after_partial_acceptance_delivery_goes_on_at_the_next_byte(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	refuse(e, take(e), 300);
	struct rte_mbuf *a = eng_host_posts(e, 200, 0);

	check_request(REQUEST(e), a, 300, 200);
	expect_data(e, 500, 500);
	quiet_ack(e);
	eng_finish(e);
}

static void
a_refusal_of_what_was_taken_whole_leaves_nothing_to_indicate(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	refuse(e, take(e), 1000);
	eng_host_posts(e, 0, 0);
	assert_int_equal(chim_nbl(REQUEST(e)->m)->bytes, 0);
	expect_no_io(e);
	inject(e, SEG(.seq = 1000, .len = 500));
	expect_data(e, 1000, 500);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
what_was_in_the_ring_when_it_was_refused_comes_back_in_order(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	struct rte_mbuf *first = take(e);

	inject(e, SEG(.seq = 1000, .len = 1000));
	struct rte_mbuf *second = take(e);

	/* the host saw the first only; the second is still in its ring */
	refuse(e, first, 0);
	inject(e, SEG(.seq = 2000, .len = 1000));
	struct rte_mbuf *a = eng_host_posts(e, 1500, 0);

	expect_no_io(e);
	refuse(e, second, 0);
	check_request(REQUEST(e), a, 0, 1500);
	/* a refusal stops indications again until a request comes */
	expect_no_io(e);
	eng_host_posts(e, 0, 0);
	REQUEST(e);
	expect_data(e, 1500, 1500);
	eng_ignore_out(e);
	eng_run(e, 100);
	eng_ignore_out(e);
	eng_finish(e);
}

/* What comes back is the engine's with the call: the host has nothing to return. */
static void
checklist_165_refused_data_is_the_engines_at_once(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(eng_view(e).recv_queue_bytes, 1000);
	struct rte_mbuf *m = take(e);

	e->is_manual = true;
	refuse(e, m, 400);
	/* the rest is in its queue, trimmed, and no longer lent */
	assert_int_equal(eng_view(e).recv_queue_bytes, 600);
	assert_int_equal(m->pkt_len, 600);
	/* the connection goes, and takes it along: eng_finish() counts the buffers */
	quiet_ack(e);
	eng_finish(e);
}

/* Spec 5.4: the timer can find nothing partly filled. */
static void
checklist_157_a_push_timer_may_fire_for_nothing(void **state)
{
	/* it starts with the offload (spec 6.1), and no request is posted */
	struct eng *e = eng_established(.mss = 1000, .buffered = 300);
	chim_ms_t when;

	assert_true(chim_tcp_deadline(e->c, &when));
	expect_quiet_for(e, 10000);
	expect_no_io(e);
	assert_false(chim_tcp_deadline(e->c, &when));
	struct rte_mbuf *a = eng_host_posts(e, 300, 0);

	check_request(REQUEST(e), a, 0u - 300, 300);
	eng_finish(e);
}

static void
refused_data_counts_in_the_window_as_before(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 3000);

	inject(e, SEG(.seq = 0, .len = 1000));
	refuse(e, take(e), 400);
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 2000, .has_wnd = true, .wnd = 1400));
	assert_int_equal(eng_view(e).recv_queue_bytes, 1600);
	eng_finish(e);
}

static void
a_refusal_of_what_was_never_lent_is_thrown_away(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *m = eng_chain(0, 500, 500);

	chim_nbl(m)->bytes = e->irs - 77;
	refuse(e, m, 0);
	inject(e, SEG(.seq = 0, .len = 100));
	expect_data(e, 0, 100);
	quiet_ack(e);
	eng_finish(e);
}

static void
a_terminate_between_two_refusals_says_where_the_gap_is(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct eng_state s;

	inject(e, SEG(.seq = 0, .len = 1000));
	struct rte_mbuf *first = take(e);

	inject(e, SEG(.seq = 1000, .len = 500));
	struct rte_mbuf *second = take(e);

	refuse(e, first, 300);
	inject(e, SEG(.seq = 1500, .len = 200));
	eng_ignore_out(e);
	eng_export(e, &s);
	assert_int_equal(chim_nbl(s.buffered)->bytes, e->irs + 300);
	assert_int_equal(s.buffered->pkt_len, 700);
	assert_int_equal(chim_nbl(chim_nbl(s.buffered)->next)->bytes, e->irs + 1500);
	assert_int_equal(s.d.rcv_nxt, e->irs + 1700);
	chim_nbl_free(s.buffered);
	rte_pktmbuf_free(second);
	eng_finish(e);
}

static void
a_reset_between_two_refusals_leaves_nothing_of_either(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct eng_state s;

	inject(e, SEG(.seq = 0, .len = 1000));
	struct rte_mbuf *first = take(e);

	inject(e, SEG(.seq = 1000, .len = 500));
	struct rte_mbuf *second = take(e);

	eng_ignore_out(e);
	refuse(e, first, 0);
	inject(e, SEG(.seq = 1500, .flags = CHIM_RST, .no_ack = true));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	refuse(e, second, 0);
	expect_no_io(e);
	eng_export(e, &s);
	assert_int_equal(s.d.state, CHIM_TCP_CLOSED);
	assert_int_equal(s.d.rcv_nxt, e->irs + 1500);
	assert_null(s.buffered);
	eng_finish(e);
}

/* ---- the end of the stream ---- */

static void
requests_that_are_open_when_the_fin_comes_complete(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *a = eng_host_posts(e, 1000, CHIM_NBL_NO_PUSH);
	struct rte_mbuf *b = eng_host_posts(e, 1000, 0);

	inject(e, SEG(.seq = 0, .len = 100, .flags = CHIM_FIN));
	struct chim_io *io = REQUEST(e);

	assert_ptr_equal(chim_nbl(a)->next, b);
	check_request(io, a, 0, 100);
	assert_int_equal(chim_nbl(b)->bytes, 0);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_173_a_request_after_the_disconnect_is_told_is_invalid(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *m;

	inject(e, SEG(.seq = 0, .len = 100, .flags = CHIM_FIN));
	expect_data(e, 0, 100);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	for (uint32_t i = 0; i < 3; i++) {
		m = eng_host_posts(e, 10 * i, 0);
		assert_ptr_equal(REQUEST(e)->m, m);
		assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_INVALID_STATE);
		assert_int_equal(chim_nbl(m)->bytes, 0);
	}
	/* our half is open */
	eng_ignore_out(e);
	eng_host_sends(e, 10);
	expect_out(e, SEG(.seq = 0, .ack = 101, .len = 10));
	eng_finish(e);
}

/* ---- every request completes, once, with what was placed ---- */

static void
by_peer_close(struct eng *e)
{
	inject(e, SEG(.seq = 300, .flags = CHIM_FIN));
}

static void
by_peer_reset(struct eng *e)
{
	inject(e, SEG(.seq = 300, .flags = CHIM_RST));
}

static void
by_new_connection(struct eng *e)
{
	inject(e, SEG(.seq = 300, .flags = CHIM_SYN));
}

static void
by_host_abort(struct eng *e)
{
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
}

static void
by_terminate(struct eng *e)
{
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	assert_null(chain);
	assert_null(d.buffered_data);
	eng_turn(e);
}

static void
by_lost_state(struct eng *e)
{
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	chim_tcp_retrieve(e->c, CHIM_UPLOAD_HARDWARE_FAILURE, &e->env);
	e->c->snd_una++;
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_FAILURE);
	e->c->snd_una--;
	eng_turn(e);
}

static void
by_data(struct eng *e)
{
	inject(e, SEG(.seq = 300, .len = 1000));
	inject(e, SEG(.seq = 1300, .len = 1000));
	inject(e, SEG(.seq = 2300, .len = 700));
}

static const struct ending {
	void (*end)(struct eng *e);
	enum chim_status status;
	uint32_t bytes[3]; /* of each request */
} endings[] = {
	{ by_data, CHIM_STATUS_SUCCESS, { 1000, 1000, 1000 } },
	{ by_peer_close, CHIM_STATUS_SUCCESS, { 300, 0, 0 } },
	{ by_peer_reset, CHIM_STATUS_REQUEST_ABORTED, { 300, 0, 0 } },
	{ by_new_connection, CHIM_STATUS_REQUEST_ABORTED, { 300, 0, 0 } },
	{ by_host_abort, CHIM_STATUS_REQUEST_ABORTED, { 300, 0, 0 } },
	{ by_terminate, CHIM_STATUS_UPLOAD_IN_PROGRESS, { 300, 0, 0 } },
	{ by_lost_state, CHIM_STATUS_REQUEST_ABORTED, { 300, 0, 0 } },
};

/* Three requests, the first partly filled, and an end; then every completion in order. */
static void
complete_all(const struct ending *how, uint32_t *nb)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *posted[3];
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < 3; i++)
		posted[i] = eng_host_posts(e, 1000, CHIM_NBL_NO_PUSH);
	inject(e, SEG(.seq = 0, .len = 300));
	expect_no_io(e);
	how->end(e);
	for (; e->next_io < e->nb_io; e->next_io++) {
		const struct chim_io *io = &e->io[e->next_io];

		if (io->op != CHIM_IO_RECEIVE_DONE)
			continue;
		CHIM_NBL_FOREACH (m, io->m) {
			assert_true(*nb < 3);
			assert_ptr_equal(m, posted[*nb]);
			assert_int_equal(chim_nbl(m)->status, how->status);
			assert_int_equal(chim_nbl(m)->bytes, how->bytes[*nb]);
			assert_int_equal(m->pkt_len, how->bytes[*nb]);
			eng_check_bytes(m, *nb * 1000);
			++*nb;
		}
	}
	eng_ignore_out(e);
	eng_run(e, 100000);
	eng_ignore_out(e);
	assert_int_equal(e->next_io, e->nb_io); /* and not once more */
	eng_finish(e);
}

static void
checklist_172_174_every_request_completes_once_with_its_bytes(void **state)
{
	for (uint32_t i = 0; i < CHIM_DIM(endings); i++) {
		uint32_t nb = 0;

		complete_all(&endings[i], &nb);
		assert_int_equal(nb, 3);
	}
}

static void
the_end_is_told_after_refused_data_again(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 100, .flags = CHIM_FIN));
	struct rte_mbuf *m = take(e);

	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	refuse(e, m, 0);
	expect_no_io(e);
	struct rte_mbuf *a = eng_host_posts(e, 500, 0);

	check_request(REQUEST(e), a, 0, 100);
	expect_event(e, CHIM_EVENT_DISCONNECT, 0);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
data_out_of_order_is_delivered_in_order(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 2000, .len = 1000, PSH));
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 0, .has_sack = true, .nb_sack = 1, .sack = { { 2000, 3000 } }),
		SEG(.ack = 0, .has_sack = true, .nb_sack = 1, .sack = { { 1000, 3000 } }));
	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 1000));
	expect_out(e, SEG(.ack = 3000, .has_sack = true));
	assert_int_equal(e->io[0].flags, CHIM_NBL_PUSH);
	expect_data(e, 0, 3000);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(
		checklist_147_148_149_requests_are_filled_in_order_and_before_any_indication),
	cmocka_unit_test(checklist_150_a_pushed_segment_completes_a_partly_filled_request),
	cmocka_unit_test(checklist_151_155_the_push_timer_completes_and_data_restarts_it),
	cmocka_unit_test(checklist_152_153_a_non_push_request_waits_until_it_is_full),
	cmocka_unit_test(checklist_154_the_push_timer_runs_from_posting_when_the_host_put_data_in),
	cmocka_unit_test(checklist_156_a_filled_request_stops_the_push_timer),
	cmocka_unit_test(one_request_may_have_several_segments),
	cmocka_unit_test(a_request_that_lies_about_its_room_is_failed),
	cmocka_unit_test(checklist_162_171_one_chain_with_all_there_is),
	cmocka_unit_test(the_preferred_indication_size_is_kept),
	cmocka_unit_test(a_refusal_of_what_was_taken_whole_leaves_nothing_to_indicate),
	cmocka_unit_test(checklist_166_168_169_refused_data_waits_for_a_request),
	cmocka_unit_test(
		checklist_167_170_after_partial_acceptance_delivery_goes_on_at_the_next_byte),
	cmocka_unit_test(what_was_in_the_ring_when_it_was_refused_comes_back_in_order),
	cmocka_unit_test(checklist_165_refused_data_is_the_engines_at_once),
	cmocka_unit_test(checklist_157_a_push_timer_may_fire_for_nothing),
	cmocka_unit_test(refused_data_counts_in_the_window_as_before),
	cmocka_unit_test(a_refusal_of_what_was_never_lent_is_thrown_away),
	cmocka_unit_test(a_terminate_between_two_refusals_says_where_the_gap_is),
	cmocka_unit_test(a_reset_between_two_refusals_leaves_nothing_of_either),
	cmocka_unit_test(requests_that_are_open_when_the_fin_comes_complete),
	cmocka_unit_test(checklist_173_a_request_after_the_disconnect_is_told_is_invalid),
	cmocka_unit_test(checklist_172_174_every_request_completes_once_with_its_bytes),
	cmocka_unit_test(the_end_is_told_after_refused_data_again),
	cmocka_unit_test(data_out_of_order_is_delivered_in_order),
};

CHIM_CMOCKA_SUITE(engine_delivery_autotest, tests, NULL, NULL)
