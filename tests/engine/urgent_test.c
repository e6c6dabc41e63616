/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Urgent data is the host's (spec 11.2).
 */
#include "eng.h"
#include "eng_int.h"

#define URG .flags = CHIM_URG, .urgent = 1

static void
checklist_216_urgent_data_stops_the_connection_and_is_kept(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	inject(e, SEG(.seq = 0, .len = 100));
	expect_data(e, 0, 100);
	inject(e, SEG(.seq = 100, .len = 50, URG));
	assert_int_equal(e->verdict, CHIM_VERDICT_HELD);
	assert_int_equal(e->why, CHIM_WHY_AFTER_URGENT);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_RECEIVED_URGENT_DATA);
	inject(e, SEG(.seq = 150, .len = 70));
	assert_int_equal(e->verdict, CHIM_VERDICT_HELD);
	/* no ACK, no data, nothing, for this and what follows */
	expect_no_io(e);
	expect_quiet_for(e, 100000);
	assert_int_equal(
		chim_tcp_terminate(e->c, &e->tmpl, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	assert_int_equal(d.rcv_nxt, e->irs + 100);
	/* whole frames, in order */
	struct rte_mbuf *m = chim_tcp_take_kept(e->c);

	assert_int_equal(m->pkt_len, 54 + 50);
	assert_int_equal(chim_nbl(m)->next->pkt_len, 54 + 70);
	assert_null(chim_nbl(chim_nbl(m)->next)->next);
	rte_pktmbuf_free(chim_nbl(m)->next);
	rte_pktmbuf_free(m);
	assert_null(chim_tcp_take_kept(e->c));
	eng_finish(e);
}

static void
checklist_215_urgent_data_out_of_place_changes_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 10000);

	inject(e, SEG(.seq = 20000, .len = 10, URG));
	assert_int_equal(e->why, CHIM_WHY_BAD_URGENT);
	inject(e, SEG(.seq = 0, .len = 10, .ack = 5, URG));
	assert_int_equal(e->why, CHIM_WHY_BAD_URGENT);
	eng_ignore_out(e);
	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 10));
	expect_data(e, 0, 10);
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 10));
	eng_finish(e);
}

static void
what_is_kept_behind_urgent_data_is_bounded(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .rcv_wnd = 60000);
	uint32_t held = 0;

	inject(e, SEG(.seq = 0, .len = 1, URG));
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_RECEIVED_URGENT_DATA);
	for (uint32_t i = 0; i < 1000; i++) {
		inject(e, SEG(.seq = 1, .len = 1000));
		held += e->verdict == CHIM_VERDICT_HELD;
	}
	assert_in_range(held, 100, 300);
	assert_int_equal(e->why, CHIM_WHY_NO_BUFFER);
	eng_finish(e);

	/* and the smallest frames take whole buffers too */
	e = eng_established(.mss = 1000, .rcv_wnd = 60000);
	inject(e, SEG(.seq = 0, .len = 1, URG));
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_RECEIVED_URGENT_DATA);
	for (uint32_t i = 0; i < 1000; i++)
		inject(e, SEG(.seq = 1, .len = 1));
	assert_true(eng_in_use() - e->in_use <= 300);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_216_urgent_data_stops_the_connection_and_is_kept),
	cmocka_unit_test(checklist_215_urgent_data_out_of_place_changes_nothing),
	cmocka_unit_test(what_is_kept_behind_urgent_data_is_bounded),
};

CHIM_CMOCKA_SUITE(engine_urgent_autotest, tests, NULL, NULL)
