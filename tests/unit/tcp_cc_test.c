/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Congestion control apart from CUBIC's curve: slow start, NewReno, HyStart++,
 * DCTCP, validation of the window, idle, timeouts. The clock begins just below
 * the wrap of its milliseconds, sequence numbers just below theirs.
 */
#include "tcp_cc.h"
#include "test.h"

#define MSS 1000u
#define INF 0x7FFFFFFFu
#define ISS 0xFFFFFF00u
#define T0  ((chim_us_t)0xFFFFFF00u * 1000u)

static struct tcp_cc cc;
static struct tcp_cc_run run;
static struct tcp_cc_ack a;

static void
begin(uint8_t algorithm, uint32_t cwnd, uint32_t ssthresh)
{
	tcp_cc_init(&cc, algorithm, cwnd, ssthresh);
	tcp_cc_on_flight(&cc);
	run = (struct tcp_cc_run){ 0 };
	a = (struct tcp_cc_ack){ .now_us = T0,
		.una = ISS,
		.max = ISS + cwnd,
		.mss = MSS,
		.abc_limit = 4,
		.srtt_us = 50000 };
}

/* An ACK for so many bytes; what it frees is sent. */
static uint32_t
ack(uint32_t bytes, uint32_t rtt_us)
{
	uint32_t before = cc.cwnd;

	a.acked = bytes;
	a.delivered = bytes;
	a.rtt_us = rtt_us;
	a.una += bytes;
	tcp_cc_on_delivered(&cc, &run, &a);
	tcp_cc_on_ack(&cc, &run, &a);
	a.max = a.una + cc.cwnd;
	return cc.cwnd - before;
}

/* RFC 5681, 3.1; RFC 3465, 2.2: by the bytes acknowledged, L segments at most. */
static void
slow_start_counts_bytes_up_to_the_limit(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 10 * MSS, INF);
	assert_int_equal(ack(MSS, 0), MSS);
	assert_int_equal(ack(300, 0), 300);
	assert_int_equal(ack(9 * MSS, 0), 4 * MSS);
}

/* Chimney specification 8.5: cwnd == ssthresh is congestion avoidance. */
static void
equality_is_congestion_avoidance(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 10 * MSS, 10 * MSS);
	assert_int_equal(ack(MSS, 0), MSS * MSS / (10 * MSS));
	begin(CHIM_CC_NEWRENO, 10 * MSS - 1, 10 * MSS);
	assert_int_equal(ack(MSS, 0), MSS);
}

/* Chimney specification 8.5: CWnd += max(MaxMss * min(MaxMss*L, BytesAcked) / CWnd, 1), L = 4. */
static void
checklist_245_congestion_avoidance_counts_bytes(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 50 * MSS, 20 * MSS);
	assert_int_equal(ack(2 * MSS, 0), MSS * 2 * MSS / (50 * MSS));
	begin(CHIM_CC_NEWRENO, 50 * MSS, 20 * MSS);
	assert_int_equal(ack(9 * MSS, 0), MSS * 4 * MSS / (50 * MSS));
	begin(CHIM_CC_NEWRENO, 50 * MSS, 20 * MSS);
	assert_int_equal(ack(10, 0), 1);
	/* a window of them makes one segment */
	begin(CHIM_CC_NEWRENO, 50 * MSS, 20 * MSS);
	for (int i = 0; i < 50; i++)
		ack(MSS, 0);
	assert_in_range(cc.cwnd, 51 * MSS - 60, 51 * MSS);
}

/* ACK division (RFC 3465, 1): as many bytes in as many more ACKs open the window no further. */
static void
attack_divided_acks_gain_nothing_in_slow_start(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 10 * MSS, INF);
	for (int i = 0; i < 1000; i++)
		ack(1, 0);
	assert_int_equal(cc.cwnd, 11 * MSS);
}

/* RFC 5681, 3.1, equation 4 */
static void
a_loss_halves_the_flight(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 50 * MSS, INF);
	tcp_cc_on_loss(&cc, 40 * MSS, MSS);
	assert_int_equal(cc.ssthresh, 20 * MSS);
	assert_true(cc.flags & TCP_CC_CWR_DUE);
	tcp_cc_on_exit(&cc, MSS);
	assert_int_equal(cc.cwnd, 20 * MSS);
	/* limited transmit is not part of the flight; two segments are the least */
	tcp_cc_on_loss(&cc, 22 * MSS, MSS);
	assert_int_equal(cc.ssthresh, 10 * MSS);
	tcp_cc_on_exit(&cc, MSS);
	tcp_cc_on_loss(&cc, MSS, MSS);
	assert_int_equal(cc.ssthresh, 2 * MSS);
}

/* RFC 5681, 3.1: one segment; ssthresh is not taken again for the same segment. */
static void
a_timeout_starts_over(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 50 * MSS, INF);
	tcp_cc_on_rto(&cc, 50 * MSS, MSS, true);
	assert_int_equal(cc.cwnd, MSS);
	assert_int_equal(cc.ssthresh, 25 * MSS);
	tcp_cc_on_rto(&cc, MSS, MSS, false);
	assert_int_equal(cc.ssthresh, 25 * MSS);
}

/* RFC 4015 */
static void
an_undo_puts_everything_back(void **state)
{
	(void)state;
	begin(CHIM_CC_CUBIC, 50 * MSS, INF);
	tcp_cc_on_rto(&cc, 50 * MSS, MSS, true);
	tcp_cc_undo(&cc, 50 * MSS, INF, 12345);
	assert_int_equal(cc.cwnd, 50 * MSS);
	assert_int_equal(cc.ssthresh, INF);
	assert_int_equal(cc.w_max, 12345);
}

/* RFC 5681, 4.1; the old window is remembered in ssthresh. */
static void
idle_restarts_from_the_restart_window(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 100 * MSS, 20 * MSS);
	tcp_cc_on_idle(&cc, MSS);
	assert_int_equal(cc.cwnd, 10 * MSS);
	assert_int_equal(cc.ssthresh, 75 * MSS);
	begin(CHIM_CC_NEWRENO, 5 * MSS, 20 * MSS);
	tcp_cc_on_idle(&cc, MSS);
	assert_int_equal(cc.cwnd, 5 * MSS);
	assert_int_equal(tcp_cc_initial_window(1460), 14600);
	assert_int_equal(tcp_cc_initial_window(9000), 18000);
	assert_int_equal(tcp_cc_initial_window(536), 5360);
}

/* RFC 7661, 4.2: of a window not half used nothing is learnt; after five minutes it is halved. */
static void
an_unused_window_does_not_grow_and_decays(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 100 * MSS, INF);
	a.una = ISS;
	a.max = ISS + 49 * MSS;
	a.acked = MSS - 1;
	a.una = ISS + MSS;
	tcp_cc_on_ack(&cc, &run, &a);
	assert_int_equal(cc.cwnd, 100 * MSS);
	a.now_us += 299 * CHIM_US_PER_S;
	tcp_cc_on_ack(&cc, &run, &a);
	assert_int_equal(cc.cwnd, 100 * MSS);
	a.now_us += CHIM_US_PER_S;
	tcp_cc_on_ack(&cc, &run, &a);
	assert_int_equal(cc.cwnd, 50 * MSS);
	assert_int_equal(cc.ssthresh, INF);
	/* half of it used: it grows */
	a.max = a.una + 25 * MSS;
	tcp_cc_on_ack(&cc, &run, &a);
	assert_int_equal(cc.cwnd, 51 * MSS - 1);
}

/* ---- HyStart++ (RFC 9406) ---- */

/* A round as 4.2 counts them, until its windowEnd is acknowledged; with a round-trip time. */
static void
hystart_round(uint32_t rtt_us)
{
	uint32_t end = cc.flags & TCP_CC_HAS_WINDOW ? run.hystart.window_end : a.max;

	while (chim_seq_lt(a.una, end)) {
		ack(MSS, rtt_us);
		a.now_us += 10;
	}
}

static void
steady_round_trips_keep_slow_start(void **state)
{
	(void)state;
	begin(CHIM_CC_CUBIC, 10 * MSS, INF);
	for (int i = 0; i < 6; i++)
		hystart_round(50000 + 100 * (uint32_t)i);
	assert_int_equal(cc.cwnd, a.una - ISS + 10 * MSS);
	assert_true(cc.cwnd > 400 * MSS);
	assert_int_equal(cc.ssthresh, INF);
}

/* 4.2: a rise of an eighth begins conservative slow start, five rounds of it end slow start. */
static void
rising_round_trips_end_slow_start(void **state)
{
	uint32_t before;

	(void)state;
	begin(CHIM_CC_CUBIC, 16 * MSS, INF);
	hystart_round(50000);
	hystart_round(50000);
	hystart_round(50000 + 6250);
	assert_true(cc.flags & TCP_CC_CSS);
	/* the round that it began in counts */
	for (int i = 0; i < 3; i++) {
		before = cc.cwnd;
		hystart_round(58000);
		assert_in_range(cc.cwnd, before + before / 6, before + before / 4 + MSS);
		assert_int_equal(cc.ssthresh, INF);
	}
	hystart_round(58000);
	ack(MSS, 58000);
	assert_false(tcp_cc_is_slow_start(&cc));
	assert_true(cc.flags & TCP_CC_NO_HYSTART);
}

/* 4.2: a rise that was jitter: slow start goes on. */
static void
a_false_alarm_resumes_slow_start(void **state)
{
	(void)state;
	begin(CHIM_CC_CUBIC, 16 * MSS, INF);
	hystart_round(50000);
	hystart_round(50000);
	hystart_round(60000);
	assert_true(cc.flags & TCP_CC_CSS);
	hystart_round(50500);
	assert_false(cc.flags & TCP_CC_CSS);
	uint32_t before = cc.cwnd, una = a.una;
	hystart_round(50500);
	assert_int_equal(cc.cwnd - before, a.una - una);
}

/* 4.2: below eight samples a round says nothing; the threshold is 4 ms at least, 16 at most. */
static void
few_samples_and_small_rises_say_nothing(void **state)
{
	(void)state;
	begin(CHIM_CC_CUBIC, 4 * MSS, INF);
	hystart_round(50000);
	begin(CHIM_CC_CUBIC, 16 * MSS, INF);
	hystart_round(8000);
	hystart_round(8000);
	hystart_round(11999);
	assert_false(cc.flags & TCP_CC_CSS);
	begin(CHIM_CC_CUBIC, 16 * MSS, INF);
	hystart_round(400000);
	hystart_round(400000);
	hystart_round(416000);
	assert_true(cc.flags & TCP_CC_CSS);
}

/* 4.3: only the first slow start. */
static void
later_slow_starts_are_plain(void **state)
{
	(void)state;
	begin(CHIM_CC_CUBIC, 100 * MSS, INF);
	tcp_cc_on_rto(&cc, 100 * MSS, MSS, true);
	a.max = a.una + cc.cwnd;
	hystart_round(50000);
	for (uint32_t rtt = 60000; rtt < 100000; rtt += 10000)
		hystart_round(rtt);
	assert_false(cc.flags & TCP_CC_CSS);
	assert_int_equal(cc.cwnd, a.una - ISS + MSS);
}

/* ---- DCTCP (RFC 8257) ---- */

static void
dctcp_window(bool is_marked)
{
	uint32_t nb = cc.cwnd / MSS;

	for (uint32_t i = 0; i < nb; i++) {
		a.has_ece = is_marked;
		ack(MSS, 0);
	}
}

/* 3.3: alpha follows the share of marked bytes with a gain of 1/16. */
static void
alpha_follows_the_marks(void **state)
{
	(void)state;
	begin(CHIM_CC_DCTCP, 20 * MSS, 10 * MSS);
	assert_int_equal(cc.alpha, TCP_DCTCP_ONE);
	for (int i = 0; i < 200; i++)
		dctcp_window(false);
	assert_true(cc.alpha < TCP_DCTCP_ONE / 1000);
	for (int i = 0; i < 200; i++)
		dctcp_window(true);
	assert_true(cc.alpha > TCP_DCTCP_ONE / 100 * 99);
	assert_true(cc.alpha <= TCP_DCTCP_ONE);
	for (int i = 0; i < 400; i++)
		for (uint32_t k = cc.cwnd / MSS; k > 0; k--) {
			a.has_ece = k % 4 == 0;
			ack(MSS, 0);
		}
	assert_in_range(cc.alpha, TCP_DCTCP_ONE / 100 * 23, TCP_DCTCP_ONE / 100 * 27);
}

/* 3.4, 3.5: a mark cuts by half of alpha, a loss by half. */
static void
a_mark_cuts_by_half_of_alpha(void **state)
{
	(void)state;
	begin(CHIM_CC_DCTCP, 100 * MSS, 10 * MSS);
	cc.alpha = TCP_DCTCP_ONE / 10;
	tcp_cc_on_ecn(&cc, 100 * MSS, MSS);
	assert_in_range(cc.ssthresh, 95 * MSS - 1, 95 * MSS + 1);
	assert_true(cc.flags & TCP_CC_CWR_DUE);
	tcp_cc_on_loss(&cc, 100 * MSS, MSS);
	assert_int_equal(cc.ssthresh, 50 * MSS);
	/* a timeout does not forget alpha */
	tcp_cc_on_rto(&cc, 100 * MSS, MSS, true);
	assert_int_equal(cc.alpha, TCP_DCTCP_ONE / 10);
}

/* RFC 3168, 6.1.2: others answer a mark as a loss. */
static void
newreno_answers_a_mark_as_a_loss(void **state)
{
	(void)state;
	begin(CHIM_CC_NEWRENO, 100 * MSS, INF);
	tcp_cc_on_ecn(&cc, 100 * MSS, MSS);
	assert_int_equal(cc.ssthresh, 50 * MSS);
	assert_true(cc.flags & TCP_CC_CWR_DUE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(slow_start_counts_bytes_up_to_the_limit),
	cmocka_unit_test(equality_is_congestion_avoidance),
	cmocka_unit_test(checklist_245_congestion_avoidance_counts_bytes),
	cmocka_unit_test(attack_divided_acks_gain_nothing_in_slow_start),
	cmocka_unit_test(a_loss_halves_the_flight),
	cmocka_unit_test(a_timeout_starts_over),
	cmocka_unit_test(an_undo_puts_everything_back),
	cmocka_unit_test(idle_restarts_from_the_restart_window),
	cmocka_unit_test(an_unused_window_does_not_grow_and_decays),
	cmocka_unit_test(steady_round_trips_keep_slow_start),
	cmocka_unit_test(rising_round_trips_end_slow_start),
	cmocka_unit_test(a_false_alarm_resumes_slow_start),
	cmocka_unit_test(few_samples_and_small_rises_say_nothing),
	cmocka_unit_test(later_slow_starts_are_plain),
	cmocka_unit_test(alpha_follows_the_marks),
	cmocka_unit_test(a_mark_cuts_by_half_of_alpha),
	cmocka_unit_test(newreno_answers_a_mark_as_a_loss),
};
CHIM_CMOCKA_SUITE(tcp_cc_autotest, tests, NULL, NULL)
