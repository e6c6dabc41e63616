/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Proportional rate reduction (RFC 9937): the flight comes down to ssthresh, in
 * proportion while it is above, no faster than it is delivered while below.
 */
#include "tcp_prr.h"
#include "test.h"

#define MSS 1000u

static struct tcp_prr prr;

/* Recovery of a flight: each ACK delivers a segment, what may be sent is sent. */
struct flight {
	uint32_t pipe;
	uint32_t ssthresh;
	uint32_t sent;
};

static uint32_t
ack(struct flight *f, uint32_t delivered, bool is_safe)
{
	const struct tcp_prr_ack a = { .delivered = delivered,
		.pipe = f->pipe,
		.ssthresh = f->ssthresh,
		.mss = MSS,
		.is_safe = is_safe };
	uint32_t room = tcp_prr_on_ack(&prr, &a) - f->pipe;
	uint32_t whole = room / MSS * MSS;

	tcp_prr_on_sent(&prr, whole);
	f->pipe += whole;
	f->sent += whole;
	return whole;
}

/* 6.2: of 20 segments one is lost, ssthresh is half: about one is sent for two delivered. */
static void
half_the_rate_brings_half_the_flight(void **state)
{
	struct flight f = { .pipe = 20 * MSS, .ssthresh = 10 * MSS };
	uint32_t longest = 0, silent = 0;

	(void)state;
	tcp_prr_begin(&prr, 20 * MSS);
	f.pipe -= MSS; /* the lost one */
	for (int i = 0; i < 19; i++) {
		f.pipe -= MSS;
		silent = ack(&f, MSS, false) == 0 ? silent + 1 : 0;
		longest = RTE_MAX(longest, silent);
	}
	assert_true(longest <= 2);
	assert_in_range(f.pipe, 9 * MSS, 10 * MSS);
	assert_in_range(f.sent, 9 * MSS, 10 * MSS);
}

static void
cubic_keeps_seven_tenths(void **state)
{
	struct flight f = { .pipe = 100 * MSS, .ssthresh = 70 * MSS };

	(void)state;
	tcp_prr_begin(&prr, 100 * MSS);
	f.pipe -= MSS;
	for (int i = 0; i < 99; i++) {
		f.pipe -= MSS;
		ack(&f, MSS, false);
	}
	assert_in_range(f.pipe, 69 * MSS, 70 * MSS);
}

/* 6.2, PRR-CRB: heavy loss leaves the flight below ssthresh; what is sent is what is delivered. */
static void
below_ssthresh_packets_are_conserved(void **state)
{
	struct flight f = { .pipe = 4 * MSS, .ssthresh = 10 * MSS };

	(void)state;
	tcp_prr_begin(&prr, 20 * MSS);
	for (int i = 0; i < 8; i++) {
		f.pipe -= MSS;
		assert_int_equal(ack(&f, MSS, false), MSS);
	}
	assert_int_equal(f.pipe, 4 * MSS);
}

/* 6.2, PRR-SSRB: with safe ACKs it grows by a segment each, not beyond ssthresh. */
static void
safe_acks_let_the_flight_grow_to_ssthresh(void **state)
{
	struct flight f = { .pipe = 4 * MSS, .ssthresh = 10 * MSS };

	(void)state;
	tcp_prr_begin(&prr, 20 * MSS);
	for (uint32_t i = 1; i <= 6; i++) {
		f.pipe -= MSS;
		assert_int_equal(ack(&f, MSS, true), 2 * MSS);
		assert_int_equal(f.pipe, (4 + i) * MSS);
	}
	for (int i = 0; i < 10; i++) {
		f.pipe -= MSS;
		assert_int_equal(ack(&f, MSS, true), MSS);
	}
	assert_int_equal(f.pipe, 10 * MSS);
}

/* 6.2: the first resend goes out whatever the proportion says, once. */
static void
the_first_resend_is_not_held_back(void **state)
{
	struct flight f = { .pipe = 100 * MSS, .ssthresh = 10 * MSS };

	(void)state;
	tcp_prr_begin(&prr, 100 * MSS);
	assert_int_equal(ack(&f, 0, false), MSS);
	f.pipe -= MSS;
	assert_int_equal(ack(&f, MSS, false), 0);
}

/* A timer that finds losses moves the pipe without delivering: what was allowed stays. */
static void
without_delivery_nothing_is_added(void **state)
{
	struct flight f = { .pipe = 20 * MSS, .ssthresh = 10 * MSS };

	(void)state;
	tcp_prr_begin(&prr, 20 * MSS);
	f.pipe -= 4 * MSS;
	assert_int_equal(ack(&f, 4 * MSS, false), 2 * MSS);
	f.pipe -= 12 * MSS; /* found lost */
	assert_int_equal(ack(&f, 0, false), 2 * MSS);
	assert_int_equal(ack(&f, 0, false), 0);
	assert_int_equal(f.sent, 4 * MSS);
}

static void
huge_windows_do_not_overflow(void **state)
{
	struct flight f = { .pipe = 0x3F000000u, .ssthresh = 0x20000000u };

	(void)state;
	tcp_prr_begin(&prr, 0x3F000000u);
	f.pipe -= 0x10000000u;
	ack(&f, 0x10000000u, false);
	assert_in_range(f.sent, 0x08000000u, 0x08300000u);
	tcp_prr_begin(&prr, 0);
	f.pipe = 0;
	assert_int_equal(ack(&f, MSS, true), 2 * MSS);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(half_the_rate_brings_half_the_flight),
	cmocka_unit_test(cubic_keeps_seven_tenths),
	cmocka_unit_test(below_ssthresh_packets_are_conserved),
	cmocka_unit_test(safe_acks_let_the_flight_grow_to_ssthresh),
	cmocka_unit_test(the_first_resend_is_not_held_back),
	cmocka_unit_test(without_delivery_nothing_is_added),
	cmocka_unit_test(huge_windows_do_not_overflow),
};
CHIM_CMOCKA_SUITE(tcp_prr_autotest, tests, NULL, NULL)
