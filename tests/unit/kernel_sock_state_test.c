/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a socket's state learns from what the kernel sent during a hold: all of
 * it that the socket can have sent, and nothing else.
 */
#include <errno.h>

#include "kernel_sock.h"
#include "test.h"

#define SND_UNA UINT32_C(0xFFFFFF00)
#define RCV_NXT UINT32_C(0xFFFFFE00)

/* 1000 bytes are queued, 200 of them sent; 500 bytes are promised, from 100 before rcv_nxt on. */
static struct kernel_sock_state
frozen(void)
{
	return (struct kernel_sock_state){
		.state = CHIM_TCP_ESTABLISHED,
		.snd_una = SND_UNA,
		.snd_max = SND_UNA + 200,
		.send = { .len = 1000 },
		.rcv_nxt = RCV_NXT,
		.window = { .rcv_wup = RCV_NXT - 100, .rcv_wnd = 500 },
	};
}

static void
it_learns_what_was_sent_and_promised_meanwhile(void **state)
{
	struct kernel_sock_state st = frozen();

	assert_int_equal(
		kernel_sock_learn(&st,
			&(struct chim_flow_record){
				.flags = CHIM_RECORD_SENT | CHIM_RECORD_DATA | CHIM_RECORD_TS,
				.snd_max = SND_UNA + 1000,
				.rcv_nxt = RCV_NXT,
				.wnd = 450,
				.tsecr = 7,
			}),
		0);
	assert_int_equal(st.snd_max, (uint32_t)(SND_UNA + 1000));
	assert_int_equal(st.window.rcv_wup, RCV_NXT);
	assert_int_equal(st.window.rcv_wnd, 450);
	assert_true(st.has_ts_recent);
	assert_int_equal(st.ts_recent, 7);
}

static void
a_window_that_was_promised_stays(void **state)
{
	struct kernel_sock_state st = frozen();

	assert_int_equal(
		kernel_sock_learn(&st,
			&(struct chim_flow_record){
				.flags = CHIM_RECORD_SENT, .rcv_nxt = RCV_NXT, .wnd = 400 }),
		0);
	assert_int_equal(st.window.rcv_wup, RCV_NXT - 100);
	assert_int_equal(st.window.rcv_wnd, 500);
}

static void
it_does_not_believe_what_the_queues_contradict(void **state)
{
	struct kernel_sock_state st = frozen();

	/* Behind all that is queued, and acknowledging what had not come. */
	assert_int_equal(kernel_sock_learn(&st,
				 &(struct chim_flow_record){
					 .flags = CHIM_RECORD_SENT | CHIM_RECORD_DATA,
					 .snd_max = SND_UNA + 1001,
					 .rcv_nxt = RCV_NXT + 1,
					 .wnd = 60000,
				 }),
		-EIO);
	assert_int_equal(st.snd_max, (uint32_t)(SND_UNA + 200));
	assert_int_equal(st.window.rcv_wup, RCV_NXT - 100);
	assert_int_equal(st.window.rcv_wnd, 500);
}

static void
a_fin_that_left_counts(void **state)
{
	struct kernel_sock_state st = frozen();

	st.state = CHIM_TCP_FIN_WAIT_1;
	assert_int_equal(kernel_sock_learn(&st,
				 &(struct chim_flow_record){
					 .flags = CHIM_RECORD_DATA, .snd_max = SND_UNA + 1001 }),
		0);
	assert_int_equal(st.snd_max, (uint32_t)(SND_UNA + 1001));
	assert_true(kernel_sock_is_fin_sent(&st));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_learns_what_was_sent_and_promised_meanwhile),
	cmocka_unit_test(a_window_that_was_promised_stays),
	cmocka_unit_test(it_does_not_believe_what_the_queues_contradict),
	cmocka_unit_test(a_fin_that_left_counts),
};

CHIM_CMOCKA_SUITE(kernel_sock_state_autotest, tests, NULL, NULL);
