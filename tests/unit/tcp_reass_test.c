/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The reassembly queue: overlaps, an early FIN, bounds; and random segments of
 * a stream, put together again whatever their order.
 *
 * The stream begins just below the wrap; offsets are relative to RCV.NXT.
 */
#include <string.h>

#include "pools.h"
#include "tcp_reass.h"

#define IRS    0xFFFFFE00u
#define MBUFS  2047u
#define STREAM 6000u

static struct rte_mempool *pool;
static struct chim_row row;
static struct tcp_reass q;
static struct tcp_reass_out last;

static int
group_setup(void **state)
{
	(void)state;
	pool = pools_mbufs("reass", MBUFS);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	q = (struct tcp_reass){ 0 };
	row.nb = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tcp_reass_flush(&q, &row);
	chim_row_flush(&row);
	pools_check_full(pool);
	return 0;
}

/* The octet of the stream at an offset. */
static uint8_t
octet(uint32_t off)
{
	return (uint8_t)(off * 7 + (off >> 8));
}

static struct rte_mbuf *
payload(uint32_t off, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	uint8_t *data = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	for (uint32_t i = 0; i < len; i++)
		data[i] = octet(off + i);
	return m;
}

#define FIN  0x1u
#define PUSH 0x2u

static struct tcp_reass_in
segment(uint32_t off, uint32_t len, unsigned int flags)
{
	return (struct tcp_reass_in){
		.m = payload(off, len),
		.seq = IRS + off,
		.rcv_nxt = IRS,
		.max_bytes = 100000,
		.max_runs = 32,
		.has_fin = (flags & FIN) != 0,
		.has_push = (flags & PUSH) != 0,
	};
}

static enum tcp_reass_verdict
add(uint32_t off, uint32_t len, unsigned int flags)
{
	const struct tcp_reass_in in = segment(off, len, flags);
	enum tcp_reass_verdict v = tcp_reass_add(&q, &in, &row, &last);

	assert_null(tcp_reass_check(&q));
	return v;
}

static void
expect_run(uint16_t i, uint32_t from, uint32_t to)
{
	uint32_t start, end;

	assert_true(tcp_reass_run(&q, i, &start, &end));
	assert_int_equal(start - IRS, from);
	assert_int_equal(end - IRS, to);
}

/* Take at an offset and compare with the stream. @return bytes. */
static uint32_t
take(uint32_t off, bool *fin)
{
	uint32_t bytes, at = off;
	struct rte_mbuf *m = tcp_reass_take(&q, IRS + off, &row, &bytes, fin);

	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		assert_true(m->pkt_len > 0);
		for (struct rte_mbuf *s = m; s != NULL; s = s->next)
			for (uint16_t i = 0; i < s->data_len; i++, at++)
				assert_int_equal(
					*rte_pktmbuf_mtod_offset(s, uint8_t *, i), octet(at));
		chim_row_put(&row, m);
		m = next;
	}
	assert_int_equal(at - off, bytes);
	assert_null(tcp_reass_check(&q));
	return bytes;
}

static void
a_filled_hole_gives_the_stream(void **state)
{
	bool fin;

	(void)state;
	assert_int_equal(add(1000, 500, 0), TCP_REASS_HELD);
	assert_int_equal(add(2000, 500, 0), TCP_REASS_HELD);
	assert_int_equal(q.nb_runs, 2);
	assert_int_equal(add(1500, 500, 0), TCP_REASS_HELD);
	assert_int_equal(q.nb_runs, 1);
	expect_run(0, 1000, 2500);
	assert_int_equal(take(900, &fin), 0);
	assert_int_equal(q.bytes, 1500);
	assert_int_equal(take(1000, &fin), 1500);
	assert_false(fin);
	assert_true(tcp_reass_is_empty(&q));
}

/* RFC 2018, 4: the run that changed last comes first, a duplicate counts. */
static void
runs_are_listed_by_recency(void **state)
{
	(void)state;
	add(1000, 100, 0);
	add(3000, 100, 0);
	add(2000, 100, 0);
	expect_run(0, 2000, 2100);
	expect_run(1, 3000, 3100);
	expect_run(2, 1000, 1100);
	add(3100, 100, 0);
	expect_run(0, 3000, 3200);
	assert_int_equal(add(1020, 20, 0), TCP_REASS_DUPLICATE);
	expect_run(0, 1000, 1100);
	expect_run(1, 3000, 3200);
}

/* RFC 9293, 3.10.7.4: what is queued stays, the new segment is trimmed. */
static void
queued_data_wins_over_an_overlap(void **state)
{
	const struct tcp_reass_in in = segment(900, 300, 0);
	bool fin;

	(void)state;
	add(1000, 100, 0);
	memset(rte_pktmbuf_mtod_offset(in.m, void *, 100), 0xEE, 100);
	assert_int_equal(tcp_reass_add(&q, &in, &row, &last), TCP_REASS_HELD);
	/* in front of the queued run; what is behind it is sent again */
	expect_run(0, 900, 1100);
	assert_int_equal(last.dup_start - IRS, 1000);
	assert_int_equal(last.dup_end - IRS, 1100);
	assert_int_equal(take(900, &fin), 200);
}

static void
an_overlap_at_the_front_is_trimmed_and_told(void **state)
{
	(void)state;
	add(1000, 100, 0);
	assert_int_equal(add(1050, 100, 0), TCP_REASS_HELD);
	assert_int_equal(last.dup_start - IRS, 1050);
	assert_int_equal(last.dup_end - IRS, 1100);
	expect_run(0, 1000, 1150);
	assert_int_equal(add(1000, 150, 0), TCP_REASS_DUPLICATE);
	assert_int_equal(last.dup_start - IRS, 1000);
	assert_int_equal(last.dup_end - IRS, 1150);
}

/* The segment in order overlapped what is queued: take() cuts that off. */
static void
what_is_before_rcv_nxt_is_dropped(void **state)
{
	bool fin;

	(void)state;
	add(1000, 300, 0);
	add(1300, 300, 0);
	add(5000, 10, 0);
	assert_int_equal(take(1450, &fin), 150);
	assert_int_equal(q.nb_runs, 1);
	assert_int_equal(take(5010, &fin), 0);
	assert_true(tcp_reass_is_empty(&q));
}

static void
an_early_fin_is_kept(void **state)
{
	bool fin;

	(void)state;
	assert_int_equal(add(1000, 500, FIN), TCP_REASS_HELD);
	expect_run(0, 1000, 1501);
	assert_int_equal(add(1000, 500, FIN), TCP_REASS_DUPLICATE);
	assert_int_equal(add(500, 500, 0), TCP_REASS_HELD);
	assert_int_equal(take(500, &fin), 1000);
	assert_true(fin);
}

static void
a_fin_alone_is_kept(void **state)
{
	bool fin;

	(void)state;
	assert_int_equal(add(1500, 0, FIN), TCP_REASS_HELD);
	expect_run(0, 1500, 1501);
	assert_int_equal(add(1500, 0, FIN), TCP_REASS_DUPLICATE);
	assert_int_equal(add(1000, 500, PUSH), TCP_REASS_HELD);
	expect_run(0, 1000, 1501);
	assert_int_equal(take(1000, &fin), 500);
	assert_true(fin);
	/* alone, with nothing before it */
	add(1500, 0, FIN);
	assert_int_equal(take(1500, &fin), 0);
	assert_true(fin);
}

static void
a_fin_comes_with_data_that_is_queued(void **state)
{
	bool fin;

	(void)state;
	add(1000, 500, 0);
	assert_int_equal(add(1200, 300, FIN), TCP_REASS_HELD);
	expect_run(0, 1000, 1501);
	assert_int_equal(take(1000, &fin), 500);
	assert_true(fin);
}

/* Chimney specification 8.5: what contradicts a FIN flushes the queue. */
static void
data_beyond_a_fin_flushes_the_queue(void **state)
{
	(void)state;
	add(1000, 500, FIN);
	add(3000, 100, 0);
	assert_true(tcp_reass_is_empty(&q));
	add(1000, 500, FIN);
	assert_int_equal(add(1400, 200, 0), TCP_REASS_AFTER_FIN);
	assert_true(tcp_reass_is_empty(&q));
	/* a FIN below queued data, and a second FIN elsewhere */
	add(3000, 100, 0);
	assert_int_equal(add(1000, 500, FIN), TCP_REASS_AFTER_FIN);
	assert_true(tcp_reass_is_empty(&q));
	add(1000, 500, FIN);
	assert_int_equal(add(900, 50, FIN), TCP_REASS_AFTER_FIN);
	assert_true(tcp_reass_is_empty(&q));
	assert_int_equal(q.bytes, 0);
}

static void
push_marks_travel_with_their_mbuf(void **state)
{
	uint32_t bytes;
	bool fin;

	(void)state;
	add(1000, 500, 0);
	add(1500, 500, PUSH);
	add(2000, 500, 0);
	struct rte_mbuf *m = tcp_reass_take(&q, IRS + 1000, &row, &bytes, &fin);
	assert_int_equal(bytes, 1500);
	assert_int_equal(chim_nbl(m)->flags, 0);
	struct rte_mbuf *second = chim_nbl(m)->next;
	assert_int_equal(chim_nbl(second)->flags, CHIM_NBL_PUSH);
	struct rte_mbuf *third = chim_nbl(second)->next;
	assert_int_equal(chim_nbl(third)->flags, 0);
	assert_null(chim_nbl(third)->next);
	chim_row_put(&row, m);
	chim_row_put(&row, second);
	chim_row_put(&row, third);
}

static void
chains_of_several_mbufs_are_trimmed(void **state)
{
	struct tcp_reass_in in = segment(1000, 100, 0);
	bool fin;

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(in.m, payload(1100, 100)), 0);
	assert_int_equal(rte_pktmbuf_chain(in.m, payload(1200, 100)), 0);
	add(850, 300, 0);
	add(1250, 300, 0);
	assert_int_equal(tcp_reass_add(&q, &in, &row, &last), TCP_REASS_HELD);
	assert_null(tcp_reass_check(&q));
	expect_run(0, 850, 1550);
	assert_int_equal(take(870, &fin), 680);
}

static void
the_bounds_hold(void **state)
{
	struct tcp_reass_in in;

	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(add(1000 + i * 100, 10, 0), TCP_REASS_HELD);
	assert_int_equal(add(9000, 10, 0), TCP_REASS_FULL);
	/* what fills a hole, or continues a run, needs no new one */
	assert_int_equal(add(1010, 90, 0), TCP_REASS_HELD);
	assert_int_equal(q.nb_runs, 31);
	in = segment(4110, 1000, 0);
	in.max_bytes = q.bytes + 999;
	assert_int_equal(tcp_reass_add(&q, &in, &row, &last), TCP_REASS_FULL);
	assert_null(tcp_reass_check(&q));
}

/* SegmentSmack: tiny segments out of order. Mbufs and steps stay few. */
static void
attack_tiny_segments_share_mbufs(void **state)
{
	bool fin;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		assert_int_equal(add(1 + i, 1, 0), TCP_REASS_HELD);
		assert_int_equal(last.visited, RTE_MIN(i, 1u));
	}
	assert_true(q.nb_mbufs <= 4);
	assert_int_equal(take(1, &fin), 4000);
}

static void
attack_isolated_octets_stop_at_the_bound(void **state)
{
	uint32_t held = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		held += add(1 + 2 * i, 1, 0) == TCP_REASS_HELD;
		assert_true(last.visited <= 32);
	}
	assert_int_equal(held, 32);
	assert_int_equal(q.nb_mbufs, 32);
}

/* From the back to the front nothing can be copied behind: mbufs are bounded by themselves. */
static void
attack_backwards_octets_do_not_hoard_mbufs(void **state)
{
	(void)state;
	for (uint32_t i = 4000; i > 0; i--) {
		struct tcp_reass_in in = segment(i, 1, 0);

		in.max_bytes = 65536;
		tcp_reass_add(&q, &in, &row, &last);
		assert_true(last.visited <= 32);
	}
	assert_true(q.nb_mbufs <= 64 + 65536 / 256);
	assert_null(tcp_reass_check(&q));
}

static void
random_segments_make_the_stream_again(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t rnd = seed * 0x9E3779B97F4A7C15ull;
		uint32_t nxt = 0, nb = 0;
		bool fin = false;

		while (!fin) {
			/* mostly near RCV.NXT, never at it before half of the tries */
			uint32_t off = nxt + pools_below(&rnd, 1500);
			uint32_t len = 1 + pools_below(&rnd, 400);

			off = pools_below(&rnd, 4) == 0 ? nxt : off;
			off = RTE_MIN(off, STREAM - 1);
			len = RTE_MIN(len, STREAM - off);
			assert_int_not_equal(
				add(off, len, off + len == STREAM ? FIN : 0), TCP_REASS_AFTER_FIN);
			assert_true(last.visited <= 32);
			uint32_t got = take(nxt, &fin);
			nxt += got;
			assert_true(++nb < 20000);
		}
		assert_int_equal(nxt, STREAM);
		assert_true(tcp_reass_is_empty(&q));
		chim_row_flush(&row);
		pools_check_full(pool);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(a_filled_hole_gives_the_stream),
	T(runs_are_listed_by_recency),
	T(queued_data_wins_over_an_overlap),
	T(an_overlap_at_the_front_is_trimmed_and_told),
	T(what_is_before_rcv_nxt_is_dropped),
	T(an_early_fin_is_kept),
	T(a_fin_alone_is_kept),
	T(a_fin_comes_with_data_that_is_queued),
	T(data_beyond_a_fin_flushes_the_queue),
	T(push_marks_travel_with_their_mbuf),
	T(chains_of_several_mbufs_are_trimmed),
	T(the_bounds_hold),
	T(attack_tiny_segments_share_mbufs),
	T(attack_isolated_octets_stop_at_the_bound),
	T(attack_backwards_octets_do_not_hoard_mbufs),
	T(random_segments_make_the_stream_again),
};
CHIM_CMOCKA_SUITE(tcp_reass_autotest, tests, group_setup, group_teardown)
