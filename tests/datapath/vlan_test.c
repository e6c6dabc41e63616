/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames with a tag, in the frame or taken out by the port: they are classified
 * as those without, kept, dropped and passed on with their tag. What tag a
 * connection accepts is in classify_test.c, what it sends in command_test.c.
 */
#include <string.h>

#include "chim_wire.h"
#include "rings.h"

#define TCI 0x6005u /* priority 3, VLAN 5 */

static const struct frame tagged = { .seq = RINGS_PEER_SEQ,
	.ack = RINGS_OUR_SEQ,
	.wnd = 1000,
	.flags = CHIM_ACK,
	.ttl = 64,
	.nb_tags = 1,
	.tci = TCI,
	.len = 10 };

static struct rte_mbuf *
from_wire(struct rings *r, uint32_t rel)
{
	struct frame f = tagged;

	f.seq += rel;
	return frame_build(r->pool, &f);
}

static struct rte_mbuf *
from_kernel(struct rings *r)
{
	struct frame f = tagged;

	f.is_from_us = true;
	f.seq = RINGS_OUR_SEQ;
	f.ack = RINGS_PEER_SEQ;
	return frame_build(r->pool, &f);
}

/* As a port does that takes tags out. */
static struct rte_mbuf *
strip(struct rte_mbuf *m)
{
	assert_int_equal(rte_vlan_strip(m), 0);
	assert_int_equal(m->vlan_tci, TCI);
	return m;
}

/* The next frame that the kernel gets: tagged, and otherwise as it came. */
static void
expect_tagged_up(struct rings *r, uint32_t rel)
{
	struct frame f = tagged;
	struct rte_mbuf *m = rings_kernel_out(r, 0);
	struct rte_mbuf *as_it_came;

	f.seq += rel;
	as_it_came = frame_build(r->pool, &f);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, as_it_came->pkt_len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(as_it_came, void *),
		as_it_came->data_len);
	assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED, 0);
	rte_pktmbuf_free(as_it_came);
	rte_pktmbuf_free(m);
}

static void
the_kernels_tagged_frames_of_an_offloaded_connection_are_dropped(void **state)
{
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	rings_kernel_in(&r, 0, from_kernel(&r));
	rings_kernel_in(&r, 0, strip(from_kernel(&r)));
	rings_settle(&r);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_OF_OFFLOADED), 2);
	assert_int_equal(rings_wire_drain(&r), 0);
	rings_down(&r);
}

static void
a_hold_keeps_tagged_frames_and_gives_them_up_with_their_tags(void **state)
{
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	rings_wire_in(&r, 0, from_wire(&r, 0));
	rings_wire_in(&r, 0, strip(from_wire(&r, 10)));
	rings_kernel_in(&r, 0, from_kernel(&r));
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_HELD), 2);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_release(&r, 0);
	rings_settle(&r);
	expect_tagged_up(&r, 0);
	expect_tagged_up(&r, 10);
	rings_down(&r);
}

/* A marker that left by a VLAN interface has its tag. */
static void
a_seal_hears_a_tagged_marker(void **state)
{
	struct chim_msg *msg;
	struct rte_mbuf *m;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_hold(&r, 0, 0, 0);
	msg = rings_msg(&r, CHIM_MSG_SEAL);
	msg->flow.tuple = rings_tuple(0);
	msg->flow.marker = 99;
	rings_send(&r, 0, msg);
	rings_settle(&r);
	m = rings_marker(&r, 99);
	m->vlan_tci = TCI;
	assert_int_equal(rte_vlan_insert(&m), 0);
	rings_kernel_in(&r, 0, from_kernel(&r));
	rings_kernel_in(&r, 0, m);
	rings_kernel_in(&r, 0, from_kernel(&r));
	rings_settle(&r);
	assert_ptr_equal(rings_reply(&r, 0), msg);
	assert_int_equal(msg->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->flow.record.snd_max, (uint32_t)(RINGS_OUR_SEQ + 10));
	assert_int_equal(rings_wire_drain(&r), 1);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_SEALED), 1);
	rings_release(&r, 0);
	rings_down(&r);
}

static void
a_tag_that_the_port_took_out_is_put_back(void **state)
{
	struct rte_mbuf *m;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_wire_in(&r, 0, strip(from_wire(&r, 0))); /* of no connection */
	rings_settle(&r);
	expect_tagged_up(&r, 0);
	rings_kernel_in(&r, 0, strip(from_kernel(&r)));
	rings_settle(&r);
	m = rings_wire_out(&r, 0);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, 14 + 4 + 40 + 10);
	rte_pktmbuf_free(m);
	rings_down(&r);
}

/* Without its tag it would be a frame of another network. */
static void
a_tag_without_room_is_not_lost_alone(void **state)
{
	struct rte_mbuf *m;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	m = strip(from_wire(&r, 0));
	memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->data_off = 0;
	rings_wire_in(&r, 0, m);
	rings_settle(&r);
	assert_int_equal(rings_kernel_drain(&r), 0);
	assert_int_equal(rings_why(&r, CHIM_WHY_PUNT_NO_ROOM), 1);
	m = strip(from_kernel(&r));
	memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->data_off = 0;
	rings_kernel_in(&r, 0, m);
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 0);
	assert_int_equal(rings_kernel_why(&r, CHIM_WHY_KERNEL_NO_ROOM), 1);
	rings_down(&r);
}

/* The neighbor's VLAN is asked of the port's word too. */
static void
a_tag_that_the_port_took_out_is_the_frames(void **state)
{
	struct chim_msg *msg;
	struct rte_mbuf *m;
	struct rings r;

	(void)state;
	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_SET);
	msg->neighbor.vlan_id = TCI & 0xFFFu;
	msg->neighbor.dl_source[5] = 1;
	msg->neighbor.dl_destination[5] = 2;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	m = strip(from_wire(&r, 0));
	m->vlan_tci++;
	rings_wire_in(&r, 0, m);
	rings_settle(&r);
	assert_int_equal(rings_why(&r, CHIM_WHY_VLAN), 1);
	rings_wire_in(&r, 0, strip(from_wire(&r, 0)));
	rings_settle(&r);
	rings_expect_data(&r, 0, 10);
	rings_settle(&r);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_kernels_tagged_frames_of_an_offloaded_connection_are_dropped),
	cmocka_unit_test(a_hold_keeps_tagged_frames_and_gives_them_up_with_their_tags),
	cmocka_unit_test(a_seal_hears_a_tagged_marker),
	cmocka_unit_test(a_tag_that_the_port_took_out_is_put_back),
	cmocka_unit_test(a_tag_without_room_is_not_lost_alone),
	cmocka_unit_test(a_tag_that_the_port_took_out_is_the_frames),
};
CHIM_CMOCKA_SUITE(dp_vlan_autotest, tests, NULL, NULL)
