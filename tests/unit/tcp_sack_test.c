/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which SACK blocks are believed and which are told (RFC 2018, 2883, 6675).
 * Sequence numbers begin just below the wrap; offsets are relative.
 */
#include "pools.h"
#include "tcp_sack.h"

#define ISS 0xFFFFFF00u
#define MSS 100u

static struct rte_mempool *pool, *mbufs;
static struct tcp_sent sent;
static struct tcp_reass reass;
static struct chim_row row;

static int
group_setup(void **state)
{
	(void)state;
	pool = pools_objects("sack_sent", 256, sizeof(struct tcp_sent_rec));
	mbufs = pools_mbufs("sack_mbufs", 255);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	rte_mempool_free(mbufs);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	tcp_sent_init(&sent);
	for (uint32_t i = 0; i < 10; i++) {
		const struct tcp_sent_new tx = {
			.seq = ISS + i * MSS, .len = MSS, .now_us = i, .segs = 1
		};

		assert_true(tcp_sent_append(&sent, pool, &tx));
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tcp_sent_free(&sent, pool);
	tcp_reass_flush(&reass, &row);
	chim_row_flush(&row);
	pools_check_full(pool);
	pools_check_full(mbufs);
	return 0;
}

/* Blocks as offsets, with SND.UNA at an offset. */
static struct tcp_delivery
apply(uint32_t una, uint8_t nb, const uint32_t (*edge)[2])
{
	struct tcp_delivery d = { .now_us = 5000, .has_sack = true };
	struct chim_sack b[CHIM_SACK_IN];
	const struct tcp_sack_in in = {
		.block = b, .nb = nb, .una = ISS + una, .max = ISS + 1000, .mss = MSS
	};

	for (uint8_t i = 0; i < nb; i++)
		b[i] = (struct chim_sack){ ISS + edge[i][0], ISS + edge[i][1] };
	tcp_sent_ack(&sent, pool, ISS + una, &d);
	tcp_sack_apply(&sent, pool, &in, &d);
	assert_null(tcp_sent_check(&sent));
	return d;
}

static void
blocks_mark_what_they_cover(void **state)
{
	const uint32_t edge[][2] = { { 800, 900 }, { 200, 400 } };

	(void)state;
	struct tcp_delivery d = apply(0, 2, edge);
	assert_int_equal(d.sacked, 300);
	assert_int_equal(sent.sacked, 300);
	assert_false(d.is_dsack);
	assert_int_equal(d.high_end, (uint32_t)(ISS + 900));
}

static void
blocks_that_cannot_be_are_passed_over(void **state)
{
	const uint32_t edge[][2] = {
		{ 900, 1100 },	 /* above SND.MAX */
		{ 500, 500 },	 /* empty */
		{ 600, 400 },	 /* backwards */
		{ 0u - 50, 50 }, /* from below SND.UNA into the flight */
	};

	(void)state;
	struct tcp_delivery d = apply(0, 4, edge);
	assert_int_equal(d.sacked, 0);
	assert_int_equal(sent.sacked, 0);
	assert_false(d.is_dsack);
}

/* RFC 2883, 4.1 */
static void
a_first_block_below_the_ack_is_a_duplicate(void **state)
{
	const uint32_t edge[][2] = { { 100, 200 }, { 500, 600 } };

	(void)state;
	struct tcp_delivery d = apply(300, 2, edge);
	assert_true(d.is_dsack);
	assert_int_equal(d.dsack_start, (uint32_t)(ISS + 100));
	assert_int_equal(d.dsack_end, (uint32_t)(ISS + 200));
	assert_int_equal(d.sacked, 100);
}

/* RFC 2883, 4.2 */
static void
a_first_block_inside_the_second_is_a_duplicate(void **state)
{
	const uint32_t edge[][2] = { { 500, 600 }, { 400, 800 } };

	(void)state;
	struct tcp_delivery d = apply(0, 2, edge);
	assert_true(d.is_dsack);
	assert_int_equal(d.sacked, 400);
}

static void
two_separate_blocks_are_no_duplicate(void **state)
{
	const uint32_t edge[][2] = { { 500, 600 }, { 300, 400 } };

	(void)state;
	assert_false(apply(0, 2, edge).is_dsack);
}

static void
an_ack_of_everything_may_report_a_duplicate(void **state)
{
	const uint32_t edge[][2] = { { 900, 1000 } };

	(void)state;
	struct tcp_delivery d = apply(1000, 1, edge);
	assert_true(d.is_dsack);
	assert_int_equal(d.acked, 1000);
	assert_null(tcp_sent_first(&sent));
}

/* ---- out ---- */

static struct tcp_reass_out
arrive(uint32_t off, uint32_t len)
{
	struct tcp_reass_in in = {
		.seq = ISS + off, .rcv_nxt = ISS, .max_bytes = 65535, .max_runs = 16
	};
	struct tcp_reass_out out;

	in.m = rte_pktmbuf_alloc(mbufs);
	assert_non_null(in.m);
	assert_non_null(rte_pktmbuf_append(in.m, (uint16_t)len));
	tcp_reass_add(&reass, &in, &row, &out);
	return out;
}

static void
expect_block(const struct chim_sack *b, uint32_t from, uint32_t to)
{
	assert_int_equal(b->start - ISS, from);
	assert_int_equal(b->end - ISS, to);
}

/* RFC 2018, 4 and its example: the block of the segment that made this ACK is the first. */
static void
the_latest_block_is_told_first(void **state)
{
	struct tcp_dsack none = { 0 };
	struct chim_sack b[CHIM_SACK_OUT];

	(void)state;
	assert_int_equal(tcp_sack_blocks(&reass, &none, b, 4), 0);
	for (uint32_t off = 500; off <= 4500; off += 1000)
		arrive(off, 500);
	assert_int_equal(tcp_sack_blocks(&reass, &none, b, 4), 4);
	expect_block(&b[0], 4500, 5000);
	expect_block(&b[1], 3500, 4000);
	expect_block(&b[2], 2500, 3000);
	expect_block(&b[3], 1500, 2000);
	/* three beside timestamps */
	assert_int_equal(tcp_sack_blocks(&reass, &none, b, 3), 3);
	arrive(2000, 500);
	assert_int_equal(tcp_sack_blocks(&reass, &none, b, 3), 3);
	expect_block(&b[0], 1500, 3000);
	expect_block(&b[1], 4500, 5000);
}

/* RFC 2883, 4.2: a duplicate of queued data comes first, then the block it is part of; once. */
static void
a_duplicate_is_told_once_with_its_block(void **state)
{
	struct tcp_dsack dup;
	struct chim_sack b[CHIM_SACK_OUT];

	(void)state;
	arrive(500, 500);
	arrive(2000, 500);
	struct tcp_reass_out out = arrive(600, 100);
	dup = (struct tcp_dsack){ out.dup_start, out.dup_end };
	assert_int_equal(tcp_sack_blocks(&reass, &dup, b, 3), 3);
	expect_block(&b[0], 600, 700);
	expect_block(&b[1], 500, 1000);
	expect_block(&b[2], 2000, 2500);
	assert_int_equal(tcp_sack_blocks(&reass, &dup, b, 3), 2);
	expect_block(&b[0], 500, 1000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(blocks_mark_what_they_cover),
	T(blocks_that_cannot_be_are_passed_over),
	T(a_first_block_below_the_ack_is_a_duplicate),
	T(a_first_block_inside_the_second_is_a_duplicate),
	T(two_separate_blocks_are_no_duplicate),
	T(an_ack_of_everything_may_report_a_duplicate),
	T(the_latest_block_is_told_first),
	T(a_duplicate_is_told_once_with_its_block),
};
CHIM_CMOCKA_SUITE(tcp_sack_autotest, tests, group_setup, group_teardown)
