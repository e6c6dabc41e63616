/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The flow table: both families, promised capacity, bursts with gaps, and the
 * port's hash as signature - right, wrong or missing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "chim_flow.h"
#include "test.h"

#define NB_MBUFS 63u

/* Any key will do; not the one that ports use. */
static const uint8_t rss_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

static struct rte_mempool *pool;
static struct chim_burst burst;
static uint8_t object[4096];

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("flow_flow", NB_MBUFS, 0, 0, 256, SOCKET_ID_ANY);
	return pool == NULL || rte_pktmbuf_alloc_bulk(pool, burst.m, CHIM_BURST) != 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	int leaked;

	(void)state;
	rte_pktmbuf_free_bulk(burst.m, CHIM_BURST);
	leaked = rte_mempool_in_use_count(pool) != 0;
	rte_mempool_free(pool);
	return leaked;
}

static struct chim_flow *
create(uint32_t max_ip4, uint32_t max_ip6, const uint8_t *key)
{
	struct chim_flow_config cfg = { .name = "test",
		.max_ip4 = max_ip4,
		.max_ip6 = max_ip6,
		.socket_id = SOCKET_ID_ANY,
		.rss_key = key };
	struct chim_flow *f = chim_flow_create(&cfg);

	assert_non_null(f);
	assert_int_equal(chim_flow_count(f), 0);
	return f;
}

static union chim_key
key_of(bool is_ip6, uint32_t number)
{
	struct chim_tuple t = { .family = is_ip6 ? CHIM_AF_INET6 : CHIM_AF_INET,
		.port_number = 1,
		.local_port = RTE_BE16(80),
		.local_addr = { 10, 0, 0, 1 },
		.remote_port = (uint16_t)(number % 60000) };
	union chim_key key;

	memcpy(t.remote_addr, &number, sizeof(number));
	chim_wire_key(&t, &key);
	return key;
}

/* Values are tagged pointers; nothing behind them is touched but by prefetch. */
static void *
value_of(uint32_t number)
{
	return object + number % 1000 * 4 + 1 + number % 3;
}

static void
a_flow_is_found_until_it_is_removed(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		bool is_ip6 = kind & 1;
		struct chim_flow *f = create(100, 100, kind & 2 ? rss_key : NULL);
		union chim_key key = key_of(is_ip6, 7);

		assert_null(chim_flow_find(f, &key, is_ip6));
		assert_int_equal(chim_flow_set(f, &key, is_ip6, value_of(1)), -ENOENT);
		assert_int_equal(chim_flow_remove(f, &key, is_ip6), -ENOENT);
		assert_int_equal(chim_flow_add(f, &key, is_ip6, value_of(1)), 0);
		assert_int_equal(chim_flow_add(f, &key, is_ip6, value_of(2)), -EEXIST);
		assert_ptr_equal(chim_flow_find(f, &key, is_ip6), value_of(1));
		assert_null(chim_flow_find(f, &key, !is_ip6));
		assert_int_equal(chim_flow_set(f, &key, is_ip6, value_of(2)), 0);
		assert_ptr_equal(chim_flow_find(f, &key, is_ip6), value_of(2));
		assert_int_equal(chim_flow_count(f), 1);
		assert_int_equal(chim_flow_remove(f, &key, is_ip6), 0);
		assert_int_equal(chim_flow_count(f), 0);
		assert_null(chim_flow_find(f, &key, is_ip6));
		chim_flow_destroy(f);
	}
}

static void
every_field_of_the_key_counts(void **state)
{
	struct chim_flow *f = create(100, 100, NULL);

	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		union chim_key key = key_of(is_ip6, 9);
		size_t used = is_ip6 ? offsetof(struct chim_key6, zero)
				     : offsetof(struct chim_key4, zero);

		assert_int_equal(chim_flow_add(f, &key, is_ip6, value_of(5)), 0);
		for (size_t i = 0; i < used; i++) {
			union chim_key other = key;

			((uint8_t *)&other)[i] ^= 0x40;
			assert_null(chim_flow_find(f, &other, is_ip6));
		}
	}
	chim_flow_destroy(f);
}

static void
what_was_promised_fits_and_no_promise_is_no_table(void **state)
{
	struct chim_flow *f = create(4096, 0, NULL);
	union chim_key key = key_of(true, 1);

	(void)state;
	assert_int_equal(chim_flow_add(f, &key, true, value_of(1)), -ENOSPC);
	assert_int_equal(chim_flow_set(f, &key, true, value_of(1)), -ENOENT);
	assert_int_equal(chim_flow_remove(f, &key, true), -ENOENT);
	assert_null(chim_flow_find(f, &key, true));
	for (uint32_t i = 0; i < 4096; i++) {
		key = key_of(false, i);
		assert_int_equal(chim_flow_add(f, &key, false, value_of(i)), 0);
	}
	for (uint32_t i = 0; i < 4096; i++) {
		key = key_of(false, i);
		assert_ptr_equal(chim_flow_find(f, &key, false), value_of(i));
	}
	chim_flow_destroy(f);
}

static void
a_full_table_refuses_and_keeps_what_it_has(void **state)
{
	struct chim_flow *f = create(64, 64, NULL);
	uint32_t nb = 0;
	union chim_key key = key_of(true, 0);

	(void)state;
	while (chim_flow_add(f, &key, true, value_of(nb)) == 0) {
		assert_true(++nb < 1000);
		key = key_of(true, nb);
	}
	assert_true(nb >= 64);
	assert_int_equal(chim_flow_add(f, &key, true, value_of(nb)), -ENOSPC);
	assert_int_equal(chim_flow_count(f), nb);
	key = key_of(true, 3);
	assert_int_equal(chim_flow_set(f, &key, true, value_of(99)), 0); /* needs no room */
	assert_int_equal(chim_flow_remove(f, &key, true), 0);
	assert_int_equal(chim_flow_add(f, &key, true, value_of(3)), 0);
	chim_flow_destroy(f);
}

/* The same keys, port by port, in a bad order: nothing is lost between adds and removes. */
static void
random_changes_agree_with_an_array(void **state)
{
	struct chim_flow *f = create(512, 512, NULL);
	bool is_there[2][512] = { { false } };

	(void)state;
	srand(16);
	for (uint32_t round = 0; round < 100000; round++) {
		uint32_t n = (uint32_t)rand() % 512;
		bool is_ip6 = rand() % 2;
		union chim_key key = key_of(is_ip6, n);

		assert_ptr_equal(
			chim_flow_find(f, &key, is_ip6), is_there[is_ip6][n] ? value_of(n) : NULL);
		if (is_there[is_ip6][n])
			assert_int_equal(chim_flow_remove(f, &key, is_ip6), 0);
		else
			assert_int_equal(chim_flow_add(f, &key, is_ip6, value_of(n)), 0);
		is_there[is_ip6][n] = !is_there[is_ip6][n];
	}
	chim_flow_destroy(f);
}

enum frame_hash {
	HASH_NONE,
	HASH_RIGHT,
	HASH_WRONG
};

/* Frame i is of flow i; every fifth is not to be looked up. */
static void
fill_burst(enum frame_hash frame_hash)
{
	burst.nb = CHIM_BURST;
	for (uint32_t i = 0; i < CHIM_BURST; i++) {
		bool is_ip6 = i % 3 == 0;

		burst.key[i] = key_of(is_ip6, i);
		burst.seg[i] = (struct chim_seg){ .info = is_ip6 ? CHIM_SEG_IP6 : 0 };
		if (i % 5 != 4)
			burst.seg[i].info |= CHIM_SEG_LOOKUP;
		burst.flow[i] = object; /* must be overwritten */
		burst.m[i]->ol_flags = frame_hash == HASH_NONE ? 0 : RTE_MBUF_F_RX_RSS_HASH;
		burst.m[i]->hash.rss = chim_wire_rss_hash(&burst.key[i], is_ip6, rss_key);
		if (frame_hash == HASH_WRONG)
			burst.m[i]->hash.rss ^= 0x12345678;
	}
}

static void
expect_burst_found(struct chim_flow *f)
{
	chim_flow_lookup_burst(f, &burst);
	for (uint32_t i = 0; i < CHIM_BURST; i++) {
		bool is_there = i % 5 != 4 && i % 2 == 0;

		assert_ptr_equal(burst.flow[i], is_there ? value_of(i) : NULL);
	}
}

static void
a_burst_is_looked_up_with_and_without_the_ports_hash(void **state)
{
	(void)state;
	for (int has_key = 0; has_key < 2; has_key++) {
		struct chim_flow *f = create(100, 100, has_key ? rss_key : NULL);

		for (uint32_t i = 0; i < CHIM_BURST; i += 2) {
			union chim_key key = key_of(i % 3 == 0, i);

			assert_int_equal(chim_flow_add(f, &key, i % 3 == 0, value_of(i)), 0);
		}
		for (int frame_hash = HASH_NONE; frame_hash <= HASH_WRONG; frame_hash++) {
			fill_burst((enum frame_hash)frame_hash);
			expect_burst_found(f);
		}
		/* The hash of an ICMP error is not that of the flow it quotes. */
		fill_burst(HASH_WRONG);
		burst.seg[0].why = CHIM_WHY_NOT_TCP;
		expect_burst_found(f);
		chim_flow_destroy(f);
	}
}

static void
a_frame_alone_is_looked_up_as_in_a_burst(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct chim_flow *f = create(100, 100, kind & 2 ? rss_key : NULL);
		bool is_ip6 = kind & 1;
		uint32_t there = is_ip6 ? 3 : 1;
		uint32_t absent = is_ip6 ? 6 : 2;
		union chim_key key = key_of(is_ip6, there);

		assert_int_equal(chim_flow_add(f, &key, is_ip6, value_of(there)), 0);
		fill_burst(HASH_RIGHT);
		for (uint32_t i = 0; i < CHIM_BURST; i++)
			if (i != there)
				burst.seg[i].info &= ~CHIM_SEG_LOOKUP;
		chim_flow_lookup_burst(f, &burst);
		for (uint32_t i = 0; i < CHIM_BURST; i++)
			assert_ptr_equal(burst.flow[i], i == there ? value_of(there) : NULL);
		burst.key[there] = key_of(is_ip6, absent);
		chim_flow_lookup_burst(f, &burst);
		assert_null(burst.flow[there]);
		chim_flow_destroy(f);
	}
}

/* Trains of one to eight frames of a flow that is there, or is not, whatever their hashes. */
static void
a_train_is_where_its_first_frame_is(void **state)
{
	(void)state;
	for (uint32_t len = 1; len <= 8; len++) {
		struct chim_flow *f = create(100, 100, len % 2 != 0 ? rss_key : NULL);

		for (uint32_t flow = 0; flow < CHIM_BURST; flow += 2) {
			union chim_key key = key_of(flow % 3 == 0, flow);

			assert_int_equal(chim_flow_add(f, &key, flow % 3 == 0, value_of(flow)), 0);
		}
		fill_burst(HASH_RIGHT);
		for (uint32_t i = 0; i < CHIM_BURST; i++) {
			uint32_t flow = i / len;

			burst.key[i] = key_of(flow % 3 == 0, flow);
			burst.seg[i].info = CHIM_SEG_LOOKUP | (flow % 3 == 0 ? CHIM_SEG_IP6 : 0);
			burst.m[i]->hash.rss = i;
		}
		/* one that does not count parts no train */
		burst.seg[len].info &= ~CHIM_SEG_LOOKUP;
		chim_flow_lookup_burst(f, &burst);
		for (uint32_t i = 0; i < CHIM_BURST; i++) {
			bool is_there = i != len && i / len % 2 == 0;

			assert_ptr_equal(burst.flow[i], is_there ? value_of(i / len) : NULL);
		}
		chim_flow_destroy(f);
	}
}

static void
without_flows_a_burst_is_only_cleared(void **state)
{
	struct chim_flow *f = create(100, 0, NULL);

	(void)state;
	fill_burst(HASH_NONE);
	chim_flow_lookup_burst(f, &burst);
	for (uint32_t i = 0; i < CHIM_BURST; i++)
		assert_null(burst.flow[i]);
	burst.nb = 0;
	chim_flow_lookup_burst(f, &burst);
	chim_flow_destroy(f);
}

static void
bad_configurations_are_refused(void **state)
{
	struct chim_flow_config cfg = {
		.name = "a name of more than twenty", .max_ip4 = 8, .socket_id = SOCKET_ID_ANY
	};
	struct chim_flow *f = create(8, 8, NULL);

	(void)state;
	assert_null(chim_flow_create(&cfg));
	assert_int_equal(rte_errno, EINVAL);
	cfg.name = "test"; /* taken */
	assert_null(chim_flow_create(&cfg));
	assert_int_equal(rte_errno, EEXIST);
	chim_flow_destroy(f);
	chim_flow_destroy(NULL);
	f = chim_flow_create(&cfg); /* and free again */
	assert_non_null(f);
	chim_flow_destroy(f);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_flow_is_found_until_it_is_removed),
	cmocka_unit_test(every_field_of_the_key_counts),
	cmocka_unit_test(what_was_promised_fits_and_no_promise_is_no_table),
	cmocka_unit_test(a_full_table_refuses_and_keeps_what_it_has),
	cmocka_unit_test(random_changes_agree_with_an_array),
	cmocka_unit_test(a_burst_is_looked_up_with_and_without_the_ports_hash),
	cmocka_unit_test(a_frame_alone_is_looked_up_as_in_a_burst),
	cmocka_unit_test(a_train_is_where_its_first_frame_is),
	cmocka_unit_test(without_flows_a_burst_is_only_cleared),
	cmocka_unit_test(bad_configurations_are_refused),
};
CHIM_CMOCKA_SUITE(flow_flow_autotest, tests, setup, teardown)
