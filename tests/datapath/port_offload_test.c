/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Checksum and segmentation offloads on the one pair of vdevs that has them:
 * virtio-user towards vhost over a socket, both in this process. What one side
 * leaves open, the other says is good although it is not filled in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "chim_port.h"
#include "chim_wire.h"
#include "frame.h"
#include "rings.h"
#include "test.h"

#define NB_MBUFS  4095u
#define MAX_POLLS 20000000u /* until the driver's own thread has connected the two */
#define SEQ	  0xFFFFFE00u
#define SERVER	  "net_vhost_off"
#define CLIENT	  "net_virtio_user_off"

static struct rte_mempool *pool;
static struct chim_port server;
static struct chim_port client;
static struct chim_burst burst;
static char folder[] = "/tmp/chim_offload_XXXXXX";
static char path[64];

static int
start(struct chim_port *p, const char *name, const char *args)
{
	struct chim_port_config cfg = {
		.wire = name, .nb_workers = 1, .use_offloads = true, .pool = { pool }
	};
	char why[256];
	char devargs[128];

	snprintf(devargs, sizeof(devargs), args, path);
	if (rte_eal_hotplug_add("vdev", name, devargs) != 0)
		return -1;
	return chim_port_start(p, &cfg, why, sizeof(why));
}

static int
setup(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("port_offload", NB_MBUFS, 0, 0, 4096, SOCKET_ID_ANY);
	if (pool == NULL || mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	if (start(&server, SERVER, "iface=%s,tso=1") != 0)
		return -1;
	return start(&client, CLIENT, "path=%s,queues=1");
}

static int
teardown(void **state)
{
	int leaked;

	(void)state;
	chim_port_stop(&client);
	chim_port_stop(&server);
	rte_eal_hotplug_remove("vdev", CLIENT);
	rte_eal_hotplug_remove("vdev", SERVER);
	unlink(path);
	rmdir(folder);
	leaked = rte_mempool_in_use_count(pool) != 0;
	rte_mempool_free(pool);
	return leaked;
}

static struct rte_mbuf *
packet(bool is_ip6, uint16_t len, uint32_t offloads, uint16_t tso_mss)
{
	struct chim_tmpl_in in = { .is_ip6 = is_ip6,
		.mtu = 1500,
		.source = { 10, 0, 0, 1 },
		.destination = { 10, 0, 0, 2 },
		.dst = { { 2, 0, 0, 0, 0, 2 } } };
	struct chim_hdr h = { .local_port = RTE_BE16(1000),
		.remote_port = RTE_BE16(2000),
		.seq = SEQ,
		.flags = CHIM_ACK,
		.ttl = 64,
		.ip_id = 0x8001 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct chim_tmpl t;
	uint8_t *p;

	assert_non_null(m);
	p = (uint8_t *)rte_pktmbuf_append(m, len);
	for (uint32_t i = 0; i < len; i++)
		p[i] = frame_byte(SEQ + i);
	chim_wire_tmpl_init(&t, &in);
	chim_wire_push(m, &t, &h, offloads, tso_mss);
	return m;
}

/* Send one frame and take it at the other side. */
static struct rte_mbuf *
pass(struct rte_mbuf *m, const struct chim_port *from, const struct chim_port *to)
{
	struct rte_mbuf *got = NULL;
	uint32_t polls = 0;
	struct chim_txq q;

	chim_txq_init(&q, from->wire_id, 0);
	assert_true(q.needs_prepare);
	chim_txq_put(&q, m);
	while (chim_txq_flush(&q) == 0 && q.unsendable == 0)
		assert_true(++polls < MAX_POLLS);
	assert_int_equal(q.unsendable, 0);
	while (rte_eth_rx_burst(to->wire_id, 0, &got, 1) == 0)
		assert_true(++polls < MAX_POLLS);
	return got;
}

static const struct chim_seg *
look(struct rte_mbuf *m)
{
	burst.nb = 1;
	burst.m[0] = m;
	chim_wire_parse_burst(&burst, CHIM_SIDE_WIRE);
	return &burst.seg[0];
}

static void
expect_open_but_good(struct rte_mbuf *m, uint16_t len)
{
	assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE);
	assert_int_equal(look(m)->why, CHIM_WHY_NONE);
	assert_int_equal(burst.seg[0].len, len);
	m->ol_flags = 0; /* without the port's word it is not good */
	assert_int_equal(look(m)->why, CHIM_WHY_BAD_TCP_CHECKSUM);
	chim_wire_fix_checksums(m);
	assert_int_equal(look(m)->why, CHIM_WHY_NONE);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(
			*rte_pktmbuf_mtod_offset(m, uint8_t *, burst.seg[0].payload_off + i),
			frame_byte(SEQ + i));
}

static void
both_ports_offer_offloads(void **state)
{
	(void)state;
	assert_int_equal(client.tx_offloads & CHIM_TX_TCP_CSUM, CHIM_TX_TCP_CSUM);
	assert_int_equal(client.tx_offloads & CHIM_TX_TSO, CHIM_TX_TSO);
	assert_int_equal(client.tx_offloads & CHIM_TX_MULTI_SEGS, CHIM_TX_MULTI_SEGS);
	assert_int_equal(server.tx_offloads & CHIM_TX_TCP_CSUM, CHIM_TX_TCP_CSUM);
	assert_true(client.rx_offloads & RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
}

static void
checksums_left_open_are_good_at_the_other_side(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct rte_mbuf *m =
			pass(packet(is_ip6, 1001, client.tx_offloads, 0), &client, &server);

		expect_open_but_good(m, 1001);
		rte_pktmbuf_free(m);
		m = pass(packet(is_ip6, 1001, server.tx_offloads, 0), &server, &client);
		expect_open_but_good(m, 1001);
		rte_pktmbuf_free(m);
	}
}

static void
checksums_done_here_are_right_at_the_other_side(void **state)
{
	struct rte_mbuf *m = pass(packet(false, 777, CHIM_TX_MULTI_SEGS, 0), &client, &server);

	(void)state;
	m->ol_flags = 0;
	assert_int_equal(look(m)->why, CHIM_WHY_NONE);
	assert_int_equal(burst.seg[0].len, 777);
	rte_pktmbuf_free(m);
}

static void
a_large_segment_goes_with_its_segment_size(void **state)
{
	(void)state;
	for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct rte_mbuf *m =
			pass(packet(is_ip6, 3000, client.tx_offloads, 1000), &client, &server);

		assert_int_equal(m->tso_segsz, 1000);
		expect_open_but_good(m, 3000);
		rte_pktmbuf_free(m);
	}
}

/* The next frame of data that the server gets; virtual time does not pass. */
static struct rte_mbuf *
next_data(struct rings *r)
{
	struct rte_mbuf *m;

	for (uint32_t polls = 0; polls < MAX_POLLS; polls++) {
		rings_poll(r);
		if (rte_eth_rx_burst(server.wire_id, 0, &m, 1) == 0)
			continue;
		if (look(m)->why == CHIM_WHY_NONE && burst.seg[0].len != 0)
			return m;
		rte_pktmbuf_free(m);
	}
	fail_msg("no data came");
	return NULL;
}

/* A worker on a port that cuts: what its host sends is on the wire in large segments. */
static void
a_worker_sends_large_segments_that_arrive_whole(void **state)
{
	struct rings r;
	uint32_t got = 0;
	uint32_t large = 0;
	chim_handle_t h;

	(void)state;
	rings_up(&r, &(struct rings_opts){ .port = &client });
	h = rings_install(&r, 0);
	for (uint32_t i = 0; i < 7; i++)
		rings_host_send(&r, h, 1900);
	while (got < 7 * 1900) {
		struct rte_mbuf *m = next_data(&r);
		const struct chim_seg *seg = &burst.seg[0];

		assert_int_equal(seg->seq, (uint32_t)(RINGS_OUR_SEQ + got));
		for (uint32_t i = 0; i < seg->len; i++) {
			uint8_t octet;

			memcpy(&octet, rte_pktmbuf_read(m, seg->payload_off + i, 1, &octet), 1);
			assert_int_equal(octet, frame_byte((got + i) % 1900));
		}
		if (seg->len > 1460) {
			assert_int_equal(m->tso_segsz, 1460);
			large++;
		}
		got += seg->len;
		rte_pktmbuf_free(m);
	}
	assert_true(large > 0);
	chim_port_stop(&client); /* the last test: the driver gives back what it has sent */
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(both_ports_offer_offloads),
	cmocka_unit_test(checksums_left_open_are_good_at_the_other_side),
	cmocka_unit_test(checksums_done_here_are_right_at_the_other_side),
	cmocka_unit_test(a_large_segment_goes_with_its_segment_size),
	cmocka_unit_test(a_worker_sends_large_segments_that_arrive_whole),
};
CHIM_CMOCKA_SUITE(port_offload_autotest, tests, setup, teardown)
