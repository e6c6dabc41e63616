/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Every number that comes round: sequence numbers, TSval, the milliseconds of
 * deadlines, the 32 bits of microseconds in stamps, the IPv4 ID - each crosses
 * its end while a keepalive of two hours is armed, which comes when it is due.
 */
#include "eng.h"

#define HOUR_MS (3600u * 1000u)
#define KEEPALIVE                                                               \
	.cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED, .ka_timeout = 2 * HOUR_MS, \
	.ka_interval = 1000, .ka_probe_count = 5

/* Nothing but the probe, two hours after the last word of the peer. */
static void
expect_probe(struct eng *e, uint32_t seq)
{
	expect_quiet_for(e, 2 * HOUR_MS - 1);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = seq - 1));
}

/* The harness begins 700 ms before the wrap of the milliseconds. */
static void
two_hours_of_silence_cross_the_wrap_of_the_milliseconds(void **state)
{
	struct eng *e = eng_established(KEEPALIVE);
	chim_ms_t before = chim_us_to_ms(e->env.now_us);

	inject(e, SEG(.seq = 0));
	expect_probe(e, 0);
	assert_true(chim_us_to_ms(e->env.now_us) < before);
	eng_finish(e);
}

/* 2^31 ms are 24.8 days, 2^32 ms are 49.7: a probe every two hours, all the time. */
static void
probes_come_for_two_months(void **state)
{
	struct eng *e = eng_established(KEEPALIVE);

	inject(e, SEG(.seq = 0));
	for (uint32_t i = 0; i < 60 * 12; i++) {
		expect_probe(e, 0);
		inject(e, SEG(.seq = 0));
	}
	assert_int_equal(e->counters.keepalive_probes, 60 * 12);
	eng_finish(e);
}

/* Sequence numbers start 500 and 300 below their wraps, timestamps 100 and 50. */
static void
sequence_numbers_and_timestamps_cross_in_both_directions(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true, KEEPALIVE);

	for (uint32_t i = 0; i < 10; i++) {
		eng_host_sends(e, 200);
		expect_out(e,
			SEG(.seq = 200 * i, .ack = 100 * i, .len = 200, .has_ts = true,
				.tsval = 20 * i, .tsecr = i == 0 ? 0 : 10 * i));
		eng_run(e, 10);
		inject(e,
			SEG(.seq = 100 * i, .len = 100, .ack = 200 * (i + 1), .has_ts = true,
				.tsval = 10 * (i + 1), .tsecr = 20 * i));
		expect_io(e, CHIM_IO_SEND_DONE);
		expect_data(e, 100 * i, 100);
		eng_run(e, 10);
	}
	eng_run(e, 100);
	eng_ignore_out(e);
	/* the last word of the peer was 110 ms ago */
	eng_run(e, 2 * HOUR_MS - 111);
	expect_nothing(e);
	eng_run(e, 1);
	expect_out(e, SEG(.seq = 1999, .ack = 1000));
	eng_finish(e);
}

/* Stamps of sent segments have 32 bits of microseconds: 71.6 minutes. */
static void
a_round_trip_across_the_wrap_of_the_microseconds_is_measured(void **state)
{
	struct eng *e = eng_established(.mss = 1000, KEEPALIVE);
	uint32_t left_ms = (UINT32_MAX - (uint32_t)e->env.now_us) / 1000;

	inject(e, SEG(.seq = 0));
	eng_run(e, left_ms - 60);
	eng_host_sends(e, 1000);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	uint32_t sent_at = (uint32_t)e->env.now_us;

	eng_run(e, 100);
	assert_true((uint32_t)e->env.now_us < sent_at);
	inject(e, SEG(.ack = 1000));
	expect_io(e, CHIM_IO_SEND_DONE);
	assert_in_range(eng_view(e).srtt_us, 99000, 101000);
	assert_int_equal(eng_view(e).retransmits, 0);
	expect_probe(e, 1000);
	eng_finish(e);
}

/* The upper half is the engine's (checklist 143), and comes round within it. */
static void
ip_ids_stay_in_the_upper_half(void **state)
{
	struct eng *e = eng_established(.rcv_wnd = 60000);
	uint16_t last = e->env.ip_id;
	uint32_t nb_wraps = 0;

	for (uint32_t i = 0; i < 70000; i++) {
		inject(e, SEG(.seq = i, .len = 1));
		eng_ignore_io(e);
		chim_tcp_credit(e->c, 1, &e->env);
		eng_ignore_out(e);
		assert_true(e->env.ip_id >= 0x8000);
		nb_wraps += e->env.ip_id < last;
		last = e->env.ip_id;
	}
	assert_int_equal(nb_wraps, 1);
	assert_int_equal(eng_view(e).rcv_nxt, e->irs + 70000);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(two_hours_of_silence_cross_the_wrap_of_the_milliseconds),
	cmocka_unit_test(probes_come_for_two_months),
	cmocka_unit_test(sequence_numbers_and_timestamps_cross_in_both_directions),
	cmocka_unit_test(a_round_trip_across_the_wrap_of_the_microseconds_is_measured),
	cmocka_unit_test(ip_ids_stay_in_the_upper_half),
};

CHIM_CMOCKA_SUITE(engine_wrap_autotest, tests, NULL, NULL)
