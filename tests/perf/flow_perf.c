/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cycles a look-up in lib/flow, by burst, by table size (in cache and far out
 * of it) and by who makes the hash; adding and removing; steering; the wheel.
 */
#include <stdlib.h>

#include "chim_flow.h"
#include "chim_port.h"
#include "chim_wheel.h"
#include "perf.h"
#include "test.h"

#define SMALL	1024u
#define LARGE	500000u
#define NB_KEYS 4096u /* looked up in turn, spread over the table */

static const uint8_t rss_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

struct table {
	struct chim_flow *flow;
	uint32_t nb;
	bool is_ip6;
};

struct lookup {
	const struct table *table;
	uint32_t burst;
	uint32_t next;
	bool is_miss;
};

static struct chim_burst burst;
static struct rte_mbuf mbufs[CHIM_BURST];
static uint8_t object[4096];

static union chim_key
key_of(bool is_ip6, uint32_t number)
{
	struct chim_tuple t = { .family = is_ip6 ? CHIM_AF_INET6 : CHIM_AF_INET,
		.local_addr = { 10, 0, 0, 1 },
		.local_port = RTE_BE16(80),
		.remote_port = (uint16_t)(number * 7919u) };
	uint32_t addr = number * 2654435761u;
	union chim_key key;

	memcpy(t.remote_addr, &addr, sizeof(addr));
	chim_wire_key(&t, &key);
	return key;
}

/* The keys of a burst, and the hash that a port would have brought: not what is measured. */
static void
fill_burst(struct lookup *l)
{
	bool is_ip6 = l->table->is_ip6;

	burst.nb = (uint16_t)l->burst;
	for (uint32_t i = 0; i < l->burst; i++) {
		uint32_t step = l->table->nb / NB_KEYS + 1;
		uint32_t number = (l->next + i) * step % l->table->nb;

		burst.key[i] = key_of(is_ip6, l->is_miss ? number + l->table->nb : number);
		burst.seg[i].info = CHIM_SEG_LOOKUP | (is_ip6 ? CHIM_SEG_IP6 : 0);
		burst.m[i] = &mbufs[i];
		mbufs[i].ol_flags = RTE_MBUF_F_RX_RSS_HASH;
		mbufs[i].hash.rss = chim_wire_rss_hash(&burst.key[i], is_ip6, rss_key);
	}
	l->next += l->burst;
}

/* Many bursts are prepared before a sample and looked up in turn. */
#define NB_BURSTS 128u
static struct chim_burst prepared[NB_BURSTS];
static struct rte_mbuf prepared_mbufs[NB_BURSTS][CHIM_BURST];
static uint32_t at;

static void
prepare(void *arg)
{
	struct lookup *l = arg;

	for (uint32_t b = 0; b < NB_BURSTS; b++) {
		fill_burst(l);
		prepared[b] = burst;
		for (uint32_t i = 0; i < l->burst; i++) {
			prepared_mbufs[b][i] = mbufs[i];
			prepared[b].m[i] = &prepared_mbufs[b][i];
		}
	}
}

static uint32_t
look_up(void *arg)
{
	struct lookup *l = arg;
	uint32_t found = 0;
	struct chim_burst *b = &prepared[at++ % NB_BURSTS];

	chim_flow_lookup_burst(l->table->flow, b);
	for (uint32_t i = 0; i < l->burst; i++)
		found += (b->flow[i] == NULL) == l->is_miss;
	return found;
}

static uint32_t
add_and_remove(void *arg)
{
	const struct table *t = arg;
	union chim_key key = key_of(t->is_ip6, t->nb + at++);

	return chim_flow_add(t->flow, &key, t->is_ip6, object) == 0 &&
		chim_flow_remove(t->flow, &key, t->is_ip6) == 0;
}

static struct chim_tuple tuples[64];

static uint32_t
steer(void *arg)
{
	const struct chim_port *p = arg;

	return chim_port_steer(p, p->nb_queues, &tuples[at++ % CHIM_DIM(tuples)]) < p->nb_queues;
}

struct wheeled {
	struct chim_wheel wheel;
	struct chim_wheel_link links[4096];
};

static struct wheeled wheeled;

/* Re-arm as each acknowledgment does, and move on now and then. */
static uint32_t
arm_again(void *arg)
{
	struct wheeled *w = arg;
	uint32_t expired[32];

	chim_wheel_arm(
		&w->wheel, at * 2654435761u % CHIM_DIM(w->links), w->wheel.now + 200 + at % 64);
	if (at++ % 64 == 0)
		chim_wheel_advance(&w->wheel, w->wheel.now + 1, expired, CHIM_DIM(expired));
	return 1;
}

static bool
make_table(struct table *t, const char *name, const uint8_t *key)
{
	struct chim_flow_config cfg = { .name = name,
		.socket_id = SOCKET_ID_ANY,
		.rss_key = key,
		.max_ip4 = t->is_ip6 ? 0 : t->nb + 1,
		.max_ip6 = t->is_ip6 ? t->nb + 1 : 0 };

	t->flow = chim_flow_create(&cfg);
	if (t->flow == NULL)
		return false;
	for (uint32_t i = 0; i < t->nb; i++) {
		union chim_key k = key_of(t->is_ip6, i);

		if (chim_flow_add(t->flow, &k, t->is_ip6, object + i * 64 % sizeof(object)) != 0)
			return false;
	}
	return true;
}

static void
make_others(struct chim_port *rss)
{
	memcpy(rss->rss_key, rss_key, sizeof(rss_key));
	for (uint16_t i = 0; i < rss->reta_size; i++)
		rss->reta[i] = i % rss->nb_queues;
	for (uint32_t i = 0; i < CHIM_DIM(tuples); i++) {
		union chim_key k = key_of(false, i);

		chim_wire_tuple(&k, false, &tuples[i]);
	}
	chim_wheel_init(&wheeled.wheel, wheeled.links, sizeof(wheeled.links[0]), 0, 0);
	for (uint32_t i = 0; i < CHIM_DIM(wheeled.links); i++)
		chim_wheel_link_init(&wheeled.links[i]);
}

static int
flow_perf(void)
{
	struct table small = { .nb = SMALL }, large = { .nb = LARGE }, nic = { .nb = LARGE };
	struct table six = { .nb = LARGE / 4, .is_ip6 = true }, none = { .nb = 0 };
	struct chim_port rss = { .has_rss = true, .nb_queues = 4, .reta_size = 128 };
	struct chim_port no_rss = { .nb_queues = 4 };
	struct lookup l[] = { { &small, 1, 0, false }, { &small, 8, 0, false },
		{ &small, 32, 0, false }, { &large, 1, 0, false }, { &large, 8, 0, false },
		{ &large, 32, 0, false }, { &nic, 32, 0, false }, { &six, 32, 0, false },
		{ &large, 32, 0, true } };
	const struct perf_case cases[] = {
		{ "look up, 1024 flows", 1, look_up, &l[0], prepare },
		{ "look up, 1024 flows", 8, look_up, &l[1], prepare },
		{ "look up, 1024 flows", 32, look_up, &l[2], prepare },
		{ "look up, 500000 flows", 1, look_up, &l[3], prepare },
		{ "look up, 500000 flows", 8, look_up, &l[4], prepare },
		{ "look up, 500000 flows", 32, look_up, &l[5], prepare },
		{ "look up, 500000 flows, port's hash", 32, look_up, &l[6], prepare },
		{ "look up, 125000 IPv6 flows", 32, look_up, &l[7], prepare },
		{ "miss, 500000 flows", 32, look_up, &l[8], prepare },
		{ "add and remove, 500000 flows", 1, add_and_remove, &large, NULL },
		{ "steer by Toeplitz", 1, steer, &rss, NULL },
		{ "steer by software", 1, steer, &no_rss, NULL },
		{ "wheel, arm again", 1, arm_again, &wheeled, NULL },
	};
	int rc = TEST_FAILED;

	make_others(&rss);
	if (make_table(&small, "small", NULL) && make_table(&large, "large", NULL) &&
		make_table(&nic, "nic", rss_key) && make_table(&six, "six", NULL) &&
		make_table(&none, "none", NULL))
		rc = perf_run("flow_perf", cases, CHIM_DIM(cases));
	chim_flow_destroy(small.flow);
	chim_flow_destroy(large.flow);
	chim_flow_destroy(nic.flow);
	chim_flow_destroy(six.flow);
	chim_flow_destroy(none.flow);
	return rc;
}
REGISTER_TEST_COMMAND(flow_perf, flow_perf)
