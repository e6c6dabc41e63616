/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Steering: the published vectors of the RSS verification suite, and the
 * fallback where a port has no RSS.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "chim_port.h"
#include "test.h"

static const uint8_t suite_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

struct vector {
	const char *remote, *local;
	uint16_t remote_port, local_port;
	uint32_t hash;
};

static const struct vector vectors[] = {
	{ "66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178 },
	{ "199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea },
	{ "24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a },
	{ "38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f },
	{ "153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2 },
	{ "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d },
	{ "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf },
	{ "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
		0x02d1feef },
};

static struct chim_tuple
tuple_of(const struct vector *v)
{
	struct chim_tuple t = { .local_port = rte_cpu_to_be_16(v->local_port),
		.remote_port = rte_cpu_to_be_16(v->remote_port) };
	int family = strchr(v->local, ':') != NULL ? AF_INET6 : AF_INET;

	t.family = family == AF_INET6 ? CHIM_AF_INET6 : CHIM_AF_INET;
	assert_int_equal(inet_pton(family, v->local, t.local_addr), 1);
	assert_int_equal(inet_pton(family, v->remote, t.remote_addr), 1);
	return t;
}

static struct chim_port
port_with_rss(uint16_t nb_queues)
{
	struct chim_port p = {
		.has_rss = true, .nb_queues = nb_queues, .rss_key_len = 40, .reta_size = 512
	};

	memcpy(p.rss_key, suite_key, sizeof(suite_key));
	return p;
}

/* Nine bits of the hash choose an entry; two tables read all nine through 64 workers. */
static void
frames_are_owned_where_rss_puts_them(void **state)
{
	struct chim_port low = port_with_rss(64);
	struct chim_port high = port_with_rss(64);

	(void)state;
	for (uint16_t i = 0; i < 512; i++) {
		low.reta[i] = i % 64;
		high.reta[i] = i / 64;
	}
	for (uint32_t i = 0; i < CHIM_DIM(vectors); i++) {
		struct chim_tuple t = tuple_of(&vectors[i]);
		uint32_t entry = vectors[i].hash % 512;

		assert_int_equal(chim_port_steer(&low, 64, &t), entry % 64);
		assert_int_equal(chim_port_steer(&high, 64, &t), entry / 64);
	}
}

static void
a_small_table_uses_fewer_bits(void **state)
{
	struct chim_port p = port_with_rss(4);

	(void)state;
	p.reta_size = 128;
	for (uint16_t i = 0; i < 128; i++)
		p.reta[i] = i % 4;
	for (uint32_t i = 0; i < CHIM_DIM(vectors); i++) {
		struct chim_tuple t = tuple_of(&vectors[i]);

		assert_int_equal(chim_port_steer(&p, 4, &t), vectors[i].hash % 128 % 4);
	}
}

static void
one_worker_owns_everything(void **state)
{
	struct chim_port rss = port_with_rss(1);
	struct chim_port none = { .nb_queues = 1 };
	struct chim_tuple t = tuple_of(&vectors[0]);

	(void)state;
	assert_int_equal(chim_port_steer(&rss, 1, &t), 0);
	assert_int_equal(chim_port_steer(&none, 1, &t), 0);
}

/* Random connections over n workers: each gets its share, and each always the same one. */
static void
expect_even_spread(const struct chim_port *p, uint32_t nb_workers)
{
	uint32_t share[8] = { 0 };

	srand(4);
	for (uint32_t i = 0; i < 8000; i++) {
		struct chim_tuple t = { .family = i % 2 ? CHIM_AF_INET : CHIM_AF_INET6,
			.local_port = RTE_BE16(80),
			.remote_port = (uint16_t)rand(),
			.remote_addr = { 10, 0, (uint8_t)rand(), (uint8_t)rand() } };
		uint32_t worker = chim_port_steer(p, nb_workers, &t);

		assert_true(worker < nb_workers);
		assert_int_equal(chim_port_steer(p, nb_workers, &t), worker);
		share[worker]++;
	}
	for (uint32_t w = 0; w < nb_workers; w++)
		assert_in_range(share[w], 8000 / nb_workers * 8 / 10, 8000 / nb_workers * 12 / 10);
}

static void
without_rss_the_spread_is_even(void **state)
{
	struct chim_port none = { .nb_queues = 1 };

	(void)state;
	expect_even_spread(&none, 2);
	expect_even_spread(&none, 3);
	expect_even_spread(&none, 8);
}

static void
rss_that_does_not_fit_the_workers_is_not_used(void **state)
{
	struct chim_port one_queue = port_with_rss(1); /* its table says 0 throughout */
	struct chim_port strange = port_with_rss(3);

	(void)state;
	expect_even_spread(&one_queue, 3);
	for (uint16_t i = 0; i < 512; i++)
		strange.reta[i] = 77; /* no such worker */
	expect_even_spread(&strange, 3);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(frames_are_owned_where_rss_puts_them),
	cmocka_unit_test(a_small_table_uses_fewer_bits),
	cmocka_unit_test(one_worker_owns_everything),
	cmocka_unit_test(without_rss_the_spread_is_even),
	cmocka_unit_test(rss_that_does_not_fit_the_workers_is_not_used),
};
CHIM_CMOCKA_SUITE(port_steer_autotest, tests, NULL, NULL)
