/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Reductions that were for nothing: F-RTO (RFC 5682), Eifel (RFC 3522), DSACK
 * (RFC 3708). A reduction at SND.UNA = ISS with 1000 octets out.
 */
#include "tcp_undo.h"
#include "test.h"

#define ISS   0xFFFFFF00u
#define POINT (ISS + 1000u)
#define T0    0xFFFFFFF0u

static struct tcp_undo u;

static void
begin(bool can_frto)
{
	const struct tcp_undo_begin b = {
		.cwnd = 20000, .ssthresh = 0x7FFFFFFF, .una = ISS, .can_frto = can_frto
	};

	tcp_undo_begin(&u, &b);
}

static bool
advance(uint32_t una, uint32_t original_end)
{
	const struct tcp_delivery d = {
		.acked = 100, .has_original = original_end != 0, .original_end = ISS + original_end
	};

	return tcp_undo_on_ack(&u, &d, ISS + una, POINT);
}

/* 5682, 3.1: resend, an ACK advances, new data, and the next delivers what was not resent. */
static void
frto_finds_a_spurious_timeout(void **state)
{
	(void)state;
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(advance(100, 0));
	assert_int_equal(u.frto, TCP_FRTO_NEW_DATA);
	assert_true(advance(200, 200));
	assert_int_equal(u.cwnd, 20000);
	assert_false(u.is_armed);
	assert_false(advance(300, 300));
}

/* step 2a: all is acknowledged at once, or nothing new: no conclusion */
static void
frto_gives_up_when_the_first_ack_says_nothing(void **state)
{
	const struct tcp_delivery dup = { .acked = 0 };

	(void)state;
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(advance(1000, 0));
	assert_int_equal(u.frto, TCP_FRTO_OFF);
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(tcp_undo_on_ack(&u, &dup, ISS, POINT));
	assert_int_equal(u.frto, TCP_FRTO_OFF);
	assert_false(advance(100, 100));
	assert_false(advance(200, 200));
}

/* step 3a: only new data arrives, above what was out at the timeout: that was a loss */
static void
frto_sees_a_real_loss(void **state)
{
	const struct tcp_delivery d = {
		.sacked = 100, .has_original = true, .original_end = POINT + 100
	};

	(void)state;
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(advance(100, 0));
	assert_false(tcp_undo_on_ack(&u, &d, ISS + 100, POINT));
	assert_false(advance(200, 200));
}

/* step 2b: without new data to send, the resends go on and prove nothing */
static void
frto_ends_when_more_is_resent(void **state)
{
	(void)state;
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(advance(100, 0));
	tcp_undo_on_resent(&u, 100, T0 + 5);
	assert_false(advance(300, 300));
}

static void
frto_is_only_for_timeouts(void **state)
{
	(void)state;
	begin(false);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(advance(100, 0));
	assert_false(advance(200, 200));
}

/* 3522, 3.2: the first ACK that advances echoes a timestamp from before the resend. */
static void
eifel_compares_the_echo_with_the_first_resend(void **state)
{
	struct tcp_delivery d = { .acked = 100, .has_echo = true, .echo_us = T0 + 99 };

	(void)state;
	begin(false);
	tcp_undo_on_resent(&u, 100, T0 + 100);
	tcp_undo_on_resent(&u, 100, T0 + 200);
	assert_true(tcp_undo_on_ack(&u, &d, ISS + 100, POINT));
	begin(false);
	tcp_undo_on_resent(&u, 100, T0 + 100);
	d.echo_us = T0 + 100;
	assert_false(tcp_undo_on_ack(&u, &d, ISS + 100, POINT));
	/* only the first answer tells: later ones may answer older segments */
	d.echo_us = T0 + 50;
	assert_false(tcp_undo_on_ack(&u, &d, ISS + 200, POINT));
}

static void
eifel_needs_a_resend_and_an_advance(void **state)
{
	struct tcp_delivery d = { .acked = 100, .has_echo = true, .echo_us = T0 };

	(void)state;
	begin(false);
	assert_false(tcp_undo_on_ack(&u, &d, ISS + 100, POINT));
	tcp_undo_on_resent(&u, 100, T0 + 100);
	d.acked = 0;
	assert_false(tcp_undo_on_ack(&u, &d, ISS + 100, POINT));
	d.acked = 100;
	assert_true(tcp_undo_on_ack(&u, &d, ISS + 200, POINT));
}

static bool
dsack(uint32_t from, uint32_t to)
{
	const struct tcp_delivery d = {
		.is_dsack = true, .dsack_start = ISS + from, .dsack_end = ISS + to
	};

	return tcp_undo_on_ack(&u, &d, ISS + 900, POINT);
}

/* 3708: every resent octet is reported as a duplicate. */
static void
dsacks_for_all_resends_undo(void **state)
{
	(void)state;
	begin(false);
	tcp_undo_on_resent(&u, 100, T0);
	tcp_undo_on_resent(&u, 200, T0);
	assert_false(dsack(0, 100));
	assert_true(dsack(100, 300));
}

static void
dsacks_of_other_data_prove_nothing(void **state)
{
	(void)state;
	begin(false);
	tcp_undo_on_resent(&u, 100, T0);
	assert_false(dsack(0u - 100, 0)); /* of an earlier episode */
	assert_false(dsack(0, 500));	  /* more than was resent: the network duplicates */
	assert_false(dsack(0, 100));
}

static void
the_end_disarms(void **state)
{
	(void)state;
	begin(true);
	tcp_undo_on_resent(&u, 100, T0);
	tcp_undo_end(&u);
	assert_false(dsack(0, 100));
	assert_false(advance(100, 0));
	assert_false(advance(200, 200));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(frto_finds_a_spurious_timeout),
	cmocka_unit_test(frto_gives_up_when_the_first_ack_says_nothing),
	cmocka_unit_test(frto_sees_a_real_loss),
	cmocka_unit_test(frto_ends_when_more_is_resent),
	cmocka_unit_test(frto_is_only_for_timeouts),
	cmocka_unit_test(eifel_compares_the_echo_with_the_first_resend),
	cmocka_unit_test(eifel_needs_a_resend_and_an_advance),
	cmocka_unit_test(dsacks_for_all_resends_undo),
	cmocka_unit_test(dsacks_of_other_data_prove_nothing),
	cmocka_unit_test(the_end_disarms),
};
CHIM_CMOCKA_SUITE(tcp_undo_autotest, tests, NULL, NULL)
