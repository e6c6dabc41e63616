/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Content: made once and piece by piece, referred to by mbufs and their clones,
 * forgotten when its memory is wanted, and never while somebody needs it; what
 * is kept of its CRC. After each test every piece is back in its pool.
 */
#include <string.h>

#include <rte_mbuf.h>
#include <rte_memory.h>

#include "serve_content.h"
#include "test.h"

#define PIECES 8u

static struct {
	struct rte_mempool *pool;
	struct rte_mempool *mbufs;
	uint32_t nb_made;
	bool fails;
} t;

static int
group_setup(void **state)
{
	(void)state;
	t.pool = chim_content_pool_create(
		"content_test", PIECES * CHIM_CONTENT_PIECE + 1, SOCKET_ID_ANY);
	t.mbufs = rte_pktmbuf_pool_create("content_mbufs", 255, 0, 32, 256, SOCKET_ID_ANY);
	return t.pool == NULL || t.mbufs == NULL ? -1 : 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rte_mempool_free(t.pool);
	rte_mempool_free(t.mbufs);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	t.nb_made = 0;
	t.fails = false;
	chim_content_use(t.pool);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	chim_content_use(NULL);
	return rte_mempool_in_use_count(t.pool) == 0 && rte_mempool_in_use_count(t.mbufs) == 0 ? 0
											       : -1;
}

/* Differs in each piece, and from content to content. */
static bool
make(void *state, uint64_t at, uint8_t *to, size_t n)
{
	const uint8_t *salt = state;

	t.nb_made++;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((at + i) * 31 + (at + i) / 251 + *salt);
	return !t.fails;
}

static struct chim_content *
hold(uint8_t salt, uint64_t size)
{
	const struct chim_content_key key = { .size = size, .ino = salt };

	return chim_content_hold(&key);
}

static size_t
load(struct chim_content *c, uint8_t salt, uint64_t at)
{
	return chim_content_load(c, at, make, &salt);
}

static struct rte_mbuf *
refer(const struct chim_content *c, uint64_t at, uint16_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t.mbufs);

	assert_non_null(m);
	assert_true(serve_content_refer(c, at, n, m));
	return m;
}

static void
assert_bytes(const struct rte_mbuf *m, uint8_t salt, uint64_t at)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	for (uint16_t i = 0; i < m->data_len; i++, at++)
		assert_int_equal(data[i], (uint8_t)(at * 31 + at / 251 + salt));
}

static void
a_piece_is_made_when_it_is_asked_for_and_once(void **state)
{
	const uint64_t size = 2 * CHIM_CONTENT_PIECE + 100;
	struct chim_content *c = hold(1, size);
	struct chim_content *again;

	(void)state;
	assert_non_null(c);
	assert_int_equal(rte_mempool_in_use_count(t.pool), 0);
	assert_int_equal(load(c, 1, 0), CHIM_CONTENT_PIECE);
	assert_int_equal(load(c, 1, CHIM_CONTENT_PIECE - 1), 1);
	assert_int_equal(load(c, 1, size - 1), 1);
	assert_int_equal(load(c, 1, 2 * CHIM_CONTENT_PIECE), 100);
	assert_int_equal(t.nb_made, 2);
	chim_content_release(c);
	/* It is there for the next who asks, and what is new of a key is other content. */
	again = hold(1, size);
	assert_ptr_equal(again, c);
	assert_int_equal(load(again, 1, 5), CHIM_CONTENT_PIECE - 5);
	assert_int_equal(t.nb_made, 2);
	chim_content_release(again);
	again = hold(2, size);
	assert_ptr_not_equal(again, c);
	chim_content_release(again);
}

static void
mbufs_and_their_clones_refer_and_the_last_lets_go(void **state)
{
	struct chim_content *c = hold(3, CHIM_CONTENT_PIECE);
	struct rte_mbuf *m, *clone, *second;

	(void)state;
	assert_int_equal(load(c, 3, 0), CHIM_CONTENT_PIECE);
	m = refer(c, 1000, 2000);
	assert_false(RTE_MBUF_DIRECT(m));
	assert_bytes(m, 3, 1000);
	assert_int_equal(rte_pktmbuf_iova(m), rte_mem_virt2iova(rte_pktmbuf_mtod(m, void *)));
	clone = rte_pktmbuf_clone(m, t.mbufs);
	second = rte_pktmbuf_clone(clone, t.mbufs);
	assert_int_equal(rte_mbuf_ext_refcnt_read(m->shinfo), 4);
	rte_pktmbuf_free(m);
	/* The content is forgotten first: what refers to it is as it was. */
	chim_content_release(c);
	chim_content_use(t.pool);
	assert_int_equal(rte_mempool_in_use_count(t.pool), 1);
	assert_bytes(second, 3, 1000);
	rte_pktmbuf_free(clone);
	assert_int_equal(rte_mempool_in_use_count(t.pool), 1);
	assert_bytes(second, 3, 1000);
	rte_pktmbuf_free(second);
	assert_int_equal(rte_mempool_in_use_count(t.pool), 0);
	/* The mbufs are what they were. */
	m = rte_pktmbuf_alloc(t.mbufs);
	assert_true(RTE_MBUF_DIRECT(m));
	assert_int_equal(m->buf_len, 256);
	rte_pktmbuf_free(m);
}

static void
a_piece_with_too_many_references_takes_no_more(void **state)
{
	struct chim_content *c = hold(4, CHIM_CONTENT_PIECE);
	struct rte_mbuf *m, *refused = rte_pktmbuf_alloc(t.mbufs);
	uint16_t before;

	(void)state;
	load(c, 4, 0);
	m = refer(c, 0, 1);
	before = rte_mbuf_ext_refcnt_read(m->shinfo);
	rte_mbuf_ext_refcnt_set(m->shinfo, UINT16_MAX / 2);
	assert_false(serve_content_refer(c, 0, 1, refused));
	assert_true(RTE_MBUF_DIRECT(refused));
	rte_mbuf_ext_refcnt_set(m->shinfo, before);
	assert_true(serve_content_refer(c, 0, 1, refused));
	rte_pktmbuf_free(refused);
	rte_pktmbuf_free(m);
	chim_content_release(c);
}

static void
the_oldest_that_nobody_holds_makes_room(void **state)
{
	struct chim_content *held = hold(1, 3 * CHIM_CONTENT_PIECE);
	struct chim_content *old = hold(2, 3 * CHIM_CONTENT_PIECE);
	struct chim_content *young = hold(3, 2 * CHIM_CONTENT_PIECE);
	struct chim_content *c;

	(void)state;
	for (uint64_t at = 0; at < 3; at++) {
		assert_true(load(held, 1, at * CHIM_CONTENT_PIECE) > 0);
		assert_true(load(old, 2, at * CHIM_CONTENT_PIECE) > 0);
	}
	assert_true(load(young, 3, 0) > 0);
	assert_true(load(young, 3, CHIM_CONTENT_PIECE) > 0);
	assert_int_equal(rte_mempool_avail_count(t.pool), 0);
	c = hold(4, 4 * CHIM_CONTENT_PIECE);
	assert_int_equal(load(c, 4, 0), 0); /* all are held */
	chim_content_release(old);
	chim_content_release(young);
	for (uint64_t at = 0; at < 3; at++)
		assert_true(load(c, 4, at * CHIM_CONTENT_PIECE) > 0);
	t.nb_made = 0;
	young = hold(3, 2 * CHIM_CONTENT_PIECE);
	assert_true(load(young, 3, 0) > 0);
	assert_int_equal(t.nb_made, 0); /* the old one's pieces were enough */
	chim_content_release(young);
	assert_true(load(c, 4, 3 * CHIM_CONTENT_PIECE) > 0);
	t.nb_made = 0;
	assert_true(load(held, 1, 0) > 0);
	assert_int_equal(t.nb_made, 0);
	chim_content_release(held);
	chim_content_release(c);
}

static void
what_is_still_being_sent_is_not_overwritten(void **state)
{
	struct chim_content *c = hold(1, PIECES * CHIM_CONTENT_PIECE);
	struct rte_mbuf *m;

	(void)state;
	for (uint64_t at = 0; at < PIECES; at++)
		assert_true(load(c, 1, at * CHIM_CONTENT_PIECE) > 0);
	m = refer(c, CHIM_CONTENT_PIECE, CHIM_CONTENT_PIECE);
	chim_content_release(c);
	c = hold(2, PIECES * CHIM_CONTENT_PIECE);
	for (uint64_t at = 0; at < PIECES - 1; at++)
		assert_true(load(c, 2, at * CHIM_CONTENT_PIECE) > 0);
	assert_int_equal(load(c, 2, (PIECES - 1) * CHIM_CONTENT_PIECE), 0);
	assert_bytes(m, 1, CHIM_CONTENT_PIECE);
	rte_pktmbuf_free(m);
	assert_true(load(c, 2, (PIECES - 1) * CHIM_CONTENT_PIECE) > 0);
	chim_content_release(c);
}

static void
what_cannot_be_kept_leaves_nothing(void **state)
{
	struct chim_content *c;

	(void)state;
	assert_null(hold(1, PIECES * CHIM_CONTENT_PIECE + 1));
	c = hold(1, PIECES * CHIM_CONTENT_PIECE);
	t.fails = true;
	assert_int_equal(load(c, 1, 0), 0);
	assert_int_equal(rte_mempool_in_use_count(t.pool), 0);
	t.fails = false;
	assert_int_equal(load(c, 1, 0), CHIM_CONTENT_PIECE);
	chim_content_release(c);
	chim_content_release(NULL);
	chim_content_use(NULL);
	assert_null(hold(1, 1));
}

static void
the_crc_of_a_piece_joins_as_if_it_had_been_read(void **state)
{
	static const size_t lengths[] = { 1, 7, 479, 480, 1448, 4099, CHIM_CONTENT_PIECE };
	static uint8_t data[CHIM_CONTENT_PIECE];
	uint8_t salt = 9;
	uint32_t crc = 0, joined = 0;

	(void)state;
	make(&salt, 77, data, sizeof(data));
	for (size_t i = 0; i < 3 * CHIM_DIM(lengths); i++) {
		size_t n = lengths[i % CHIM_DIM(lengths)];
		const uint8_t *at = data + (i * 977) % (sizeof(data) - n + 1);
		const struct serve_crc_part part = serve_crc_part(at, n);

		crc = serve_crc(crc, at, n);
		joined = serve_crc_join(joined, &part);
		assert_int_equal(joined, crc);
	}
}

static void
the_crc_of_content_is_that_of_its_bytes(void **state)
{
	const uint64_t size = CHIM_CONTENT_PIECE + 4099;
	struct chim_content *c = hold(5, size);
	uint32_t crc = 0, kept = 0;

	(void)state;
	/* A part of a piece, the whole of the last one, the whole of the first one, another part.
	 */
	static const struct {
		uint64_t at;
		uint16_t n;
	} row[] = { { 17, 3000 }, { CHIM_CONTENT_PIECE, 4099 }, { 0, CHIM_CONTENT_PIECE },
		{ CHIM_CONTENT_PIECE + 1, 4098 } };

	for (size_t i = 0; i < CHIM_DIM(row); i++) {
		assert_true(load(c, 5, row[i].at) >= row[i].n);
		kept = serve_content_crc(c, row[i].at, row[i].n, kept);
		crc = serve_crc(crc, serve_content_at(c, row[i].at), row[i].n);
		assert_int_equal(kept, crc);
	}
	chim_content_release(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(a_piece_is_made_when_it_is_asked_for_and_once),
	TEST(mbufs_and_their_clones_refer_and_the_last_lets_go),
	TEST(a_piece_with_too_many_references_takes_no_more),
	TEST(the_oldest_that_nobody_holds_makes_room),
	TEST(what_is_still_being_sent_is_not_overwritten),
	TEST(what_cannot_be_kept_leaves_nothing),
	TEST(the_crc_of_a_piece_joins_as_if_it_had_been_read),
	TEST(the_crc_of_content_is_that_of_its_bytes),
};
CHIM_CMOCKA_SUITE(serve_content_autotest, tests, group_setup, group_teardown)
