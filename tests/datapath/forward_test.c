/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Segments that the host gives back (spec 5.9): fragments and packets with
 * options that went up, what came by another interface or while the
 * connection was on its way. They begin with their TCP headers.
 */
#include <string.h>

#include "rings.h"

/* Data of the peer as the host has it: without Ethernet and IP header. */
static struct rte_mbuf *
segment(struct rings *r, uint32_t rel, uint16_t len)
{
	struct rte_mbuf *m = rings_data(r, 0, rel, len);

	assert_non_null(rte_pktmbuf_adj(m, 14 + 20));
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	return m;
}

static void
forward(struct rings *r, chim_handle_t h, struct rte_mbuf *list)
{
	rings_post(r, &(struct chim_io){ .op = CHIM_IO_FORWARD, .handle = h, .m = list });
	rings_settle(r);
}

/* The completion, which comes first; its chains are freed. */
static void
expect_done(struct rings *r, struct rte_mbuf *list, const enum chim_status *status, uint32_t nb)
{
	struct rte_mbuf *m = list;
	struct rte_mbuf *next;
	struct chim_io io;

	assert_true(rings_collect(r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_FORWARD_DONE);
	assert_ptr_equal(io.m, list);
	for (uint32_t i = 0; i < nb; i++, m = next) {
		assert_non_null(m);
		assert_int_equal(chim_nbl(m)->status, status[i]);
		next = chim_nbl(m)->next;
		rte_pktmbuf_free(m);
	}
	assert_null(m);
}

static void
expect_one_done(struct rings *r, struct rte_mbuf *m, enum chim_status status)
{
	expect_done(r, m, &status, 1);
}

/* The post has no answer; a completion comes, with the same chains in order, a status in each. */
static void
checklist_193_each_forwarded_segment_comes_back_with_a_status(void **state)
{
	static const enum chim_status status[] = { CHIM_STATUS_SUCCESS, CHIM_STATUS_FAILURE,
		CHIM_STATUS_SUCCESS };
	struct rte_mbuf *m[3];
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	m[0] = segment(&r, 0, 100);
	m[1] = segment(&r, 100, 0);
	rte_pktmbuf_trim(m[1], 3); /* not even a TCP header */
	m[2] = segment(&r, 100, 50);
	chim_nbl(m[0])->next = m[1];
	chim_nbl(m[1])->next = m[2];
	rings_post(&r, &(struct chim_io){ .op = CHIM_IO_FORWARD, .handle = h, .m = m[0] });
	assert_false(rings_collect(&r, 0, &io));
	rings_settle(&r);
	expect_done(&r, m[0], status, 3);
	rings_expect_data(&r, 0, 150);
	assert_false(rings_collect(&r, 0, &io));
	rings_settle(&r);
	rings_down(&r);
}

/* Any options; in several mbufs; and a frame with its IP header is no segment of the flow. */
static void
checklist_194_a_forwarded_buffer_is_read_from_the_tcp_header_on(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0 };
	const struct frame with_options = { .seq = RINGS_PEER_SEQ,
		.ack = RINGS_OUR_SEQ,
		.wnd = 60000,
		.flags = 0x10,
		.nb_options = sizeof(options),
		.options = options,
		.len = 200 };
	struct rte_mbuf *m;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	m = rings_frame(&r, &with_options, 0);
	assert_non_null(rte_pktmbuf_adj(m, 14 + 20));
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	frame_split(r.pool, m, 90);
	forward(&r, h, m);
	expect_one_done(&r, m, CHIM_STATUS_SUCCESS);
	rings_expect_data(&r, 0, 200);
	rings_settle(&r);
	/* the bytes of an IP header are read as a TCP header: nothing of it is delivered */
	m = rings_data(&r, 0, 200, 100);
	assert_non_null(rte_pktmbuf_adj(m, 14));
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	forward(&r, h, m);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_FORWARD_DONE);
	rte_pktmbuf_free(io.m);
	assert_false(rings_collect(&r, 0, &io));
	rings_down(&r);
}

static void
checklist_196_a_forwarded_segment_fills_the_hole_the_wire_left(void **state)
{
	struct chim_seg seg;
	struct rte_mbuf *m;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_settle(&r);
	rings_wire_drain(&r);
	rings_wire_in(&r, 0, rings_data(&r, 0, 100, 50));
	rings_wire_in(&r, 0, rings_data(&r, 0, 150, 50));
	rings_settle(&r);
	assert_false(rings_collect(&r, 0, &io));
	rings_wire_drain(&r);
	m = segment(&r, 0, 100);
	forward(&r, h, m);
	expect_one_done(&r, m, CHIM_STATUS_SUCCESS);
	rings_expect_data(&r, 0, 200);
	/* and is acknowledged at once, with what it released */
	assert_true(rings_wire_seg(&r, &seg));
	assert_int_equal(seg.ack, (uint32_t)(RINGS_PEER_SEQ + 200));
	rings_settle(&r);
	rings_down(&r);
}

static void
checklist_197_forwards_come_back_during_upload_and_after_a_reset(void **state)
{
	struct rte_mbuf *m;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	/* the peer resets it */
	h = rings_install(&r, 0);
	rings_wire_in(&r, 0,
		rings_frame(&r,
			&(struct frame){
				.seq = RINGS_PEER_SEQ, .ack = RINGS_OUR_SEQ, .flags = 0x14 },
			0));
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.event, CHIM_EVENT_ABORT);
	m = segment(&r, 0, 100);
	forward(&r, h, m);
	expect_one_done(&r, m, CHIM_STATUS_REQUEST_ABORTED);
	rings_terminate(&r, h);
	/* terminated: gone */
	m = segment(&r, 0, 100);
	forward(&r, h, m);
	expect_one_done(&r, m, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	assert_false(rings_collect(&r, 0, &io));
	rings_down(&r);
}

/* A SYN in order has made the engine ask for upload: closed as it is, it is being uploaded. */
static void
checklist_197_a_forward_after_an_upload_was_asked_for_comes_back(void **state)
{
	struct rte_mbuf *m;
	struct chim_io io;
	chim_handle_t h;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_wire_in(
		&r, 0, rings_frame(&r, &(struct frame){ .seq = RINGS_PEER_SEQ, .flags = 0x02 }, 0));
	rings_settle(&r);
	assert_true(rings_collect(&r, 0, &io));
	assert_int_equal(io.event, CHIM_EVENT_RETRIEVE);
	m = segment(&r, 0, 100);
	forward(&r, h, m);
	expect_one_done(&r, m, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	assert_false(rings_collect(&r, 0, &io));
	rings_down(&r);
}

/* Spec 5.8: what still comes for it is the host's own stack's. */
static void
checklist_192_data_for_a_closed_connection_goes_to_the_kernel(void **state)
{
	struct chim_seg seg;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_wire_in(&r, 0,
		rings_frame(&r,
			&(struct frame){
				.seq = RINGS_PEER_SEQ, .ack = RINGS_OUR_SEQ, .flags = 0x14 },
			0));
	rings_settle(&r);
	rings_host_drop(&r);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 77));
	rings_settle(&r);
	assert_true(rings_kernel_seg(&r, &seg));
	assert_int_equal(seg.len, 77);
	assert_int_equal(rings_why(&r, CHIM_WHY_CLOSED), 1);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_193_each_forwarded_segment_comes_back_with_a_status),
	cmocka_unit_test(checklist_194_a_forwarded_buffer_is_read_from_the_tcp_header_on),
	cmocka_unit_test(checklist_196_a_forwarded_segment_fills_the_hole_the_wire_left),
	cmocka_unit_test(checklist_197_forwards_come_back_during_upload_and_after_a_reset),
	cmocka_unit_test(checklist_197_a_forward_after_an_upload_was_asked_for_comes_back),
	cmocka_unit_test(checklist_192_data_for_a_closed_connection_goes_to_the_kernel),
};
CHIM_CMOCKA_SUITE(dp_forward_autotest, tests, NULL, NULL)
