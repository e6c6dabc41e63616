/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The straight path: data both ways on an established connection, and what
 * the first moments after import look like.
 */
#include "eng.h"

static void
import_is_followed_by_one_ack(void **state)
{
	struct eng *e = eng_established(.keep_first_ack = true);

	eng_turn(e);
	expect_out(e, SEG(.seq = 0, .ack = 0, .has_wnd = true, .wnd = 60000));
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
checklist_134_a_send_completes_when_its_last_byte_is_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 2500);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 500, .has_psh = true, .psh = true));
	inject(e, SEG(.ack = 2499));
	expect_no_io(e);
	inject(e, SEG(.ack = 2500));
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(io->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(io->m)->status, CHIM_STATUS_SUCCESS);
	/* checklist 136, 137: the count is set, the buffer is advanced past it */
	assert_int_equal(chim_nbl(io->m)->bytes, 2500);
	assert_int_equal(io->m->pkt_len, 0);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
checklist_133_sends_go_out_in_order_and_complete_in_order(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 300);
	eng_host_sends(e, 400);
	expect_out(e, SEG(.seq = 0, .len = 300), SEG(.seq = 300, .len = 400));
	inject(e, SEG(.ack = 700));
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(chim_nbl(io->m)->bytes, 300);
	assert_int_equal(chim_nbl(chim_nbl(io->m)->next)->bytes, 400);
	assert_null(chim_nbl(chim_nbl(io->m)->next)->next);
	eng_finish(e);
}

static void
data_is_lent_and_acknowledged_late(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 500));
	expect_nothing(e);
	expect_data(e, 0, 500);
	eng_run(e, e->cfg.delayed_ack_ms);
	expect_out(e, SEG(.ack = 500));
	assert_int_equal(e->counters.delayed_acks, 1);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
checklist_243_every_second_full_segment_is_acknowledged(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 1000));
	expect_nothing(e);
	inject(e, SEG(.seq = 1000, .len = 1000));
	expect_out(e, SEG(.ack = 2000));
	expect_data(e, 0, 1000);
	expect_data(e, 1000, 1000);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

/* It has no octet that was received already, and none that is new: only its ACK counts. */
static void
an_overtaken_ack_brings_no_data(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 300);
	expect_out(e, SEG(.seq = 0, .len = 300));
	inject(e, SEG(.seq = 0, .len = 500));
	expect_data(e, 0, 500);
	inject(e, SEG(.seq = 0, .ack = 300, .psh = true));
	assert_int_equal(e->verdict, CHIM_VERDICT_FREE);
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_no_io(e);
	eng_run(e, e->cfg.delayed_ack_ms);
	/* ... without a DSACK */
	expect_out(e, SEG(.seq = 300, .ack = 500));
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
an_ack_rides_on_data(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	inject(e, SEG(.seq = 0, .len = 100));
	eng_host_sends(e, 200);
	expect_out(e, SEG(.seq = 0, .len = 200, .ack = 100));
	expect_data(e, 0, 100);
	inject(e, SEG(.seq = 100, .ack = 200));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
payload_is_sent_in_place_where_the_port_takes_segments(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_attached = true);

	eng_host_sends(e, 2500);
	assert_int_equal(e->nb_out, 3);
	assert_true(e->frame[0]->nb_segs > 1);
	assert_true(RTE_MBUF_CLONED(e->frame[0]->next));
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 500));
	inject(e, SEG(.ack = 2500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
a_full_transmit_vector_delays_and_loses_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	e->burst_room = 1;
	eng_host_sends(e, 3000);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(import_is_followed_by_one_ack),
	cmocka_unit_test(checklist_134_a_send_completes_when_its_last_byte_is_acknowledged),
	cmocka_unit_test(checklist_133_sends_go_out_in_order_and_complete_in_order),
	cmocka_unit_test(data_is_lent_and_acknowledged_late),
	cmocka_unit_test(checklist_243_every_second_full_segment_is_acknowledged),
	cmocka_unit_test(an_overtaken_ack_brings_no_data),
	cmocka_unit_test(an_ack_rides_on_data),
	cmocka_unit_test(payload_is_sent_in_place_where_the_port_takes_segments),
	cmocka_unit_test(a_full_transmit_vector_delays_and_loses_nothing),
};

CHIM_CMOCKA_SUITE(engine_established_autotest, tests, NULL, NULL)
