/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Neighbor and path replicas: a change is in the next frame of every dependent
 * connection, invalidation stops sending at once, reachability is asked for
 * when it is stale.
 */
#include <string.h>

#include "rings.h"

static void
send_some(struct rings *r, chim_handle_t h)
{
	rings_host_send(r, h, 10);
	rings_settle(r);
}

/* The last byte of the MAC that the next frame goes to. */
static int
next_mac(struct rings *r)
{
	struct rte_mbuf *m = rings_wire_out(r, 0);
	int last;

	assert_non_null(m);
	last = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes[5];
	rte_pktmbuf_free(m);
	rings_wire_drain(r);
	return last;
}

static void
expect_event(struct rings *r, uint32_t event, uint32_t info)
{
	struct chim_io io;

	assert_true(rings_collect(r, 0, &io));
	assert_int_equal(io.op, CHIM_IO_EVENT);
	assert_int_equal(io.event, event);
	assert_int_equal(io.info, info);
}

static void
checklist_85_a_new_mac_is_in_the_next_frame(void **state)
{
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	send_some(&r, h);
	assert_int_equal(next_mac(&r), 2);
	rings_set_neighbor(&r, 9, false);
	send_some(&r, h);
	assert_int_equal(next_mac(&r), 9);
	rings_down(&r);
}

static void
checklist_86_a_new_mtu_is_in_the_next_segment(void **state)
{
	struct chim_seg seg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	rings_host_send(&r, h, 1460);
	rings_settle(&r);
	assert_true(rings_wire_seg(&r, &seg));
	assert_int_equal(seg.len, 1460);
	rings_set_path(&r, 0, 600);
	rings_host_send(&r, h, 1460);
	rings_settle(&r);
	while (rings_wire_seg(&r, &seg))
		assert_true(seg.len > 0 && seg.len <= 560);
	rings_down(&r);
}

static void
checklist_88_a_relinked_path_uses_the_new_neighbor(void **state)
{
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_SET);
	msg->neighbor.index = 3;
	msg->neighbor.dl_source[5] = 1;
	msg->neighbor.dl_destination[5] = 33;
	msg->neighbor.vlan_id = 12;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	/* The relink sequence: the old neighbor first becomes invalid (spec 7). */
	rings_set_neighbor(&r, 2, true);
	rings_settle(&r);
	expect_event(&r, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
	send_some(&r, h);
	assert_int_equal(rings_wire_drain(&r), 0);
	rings_set_path(&r, 3, 1500);
	rings_settle(&r);
	{
		struct rte_mbuf *m = rings_wire_out(&r, 0);
		const uint8_t *at;

		assert_non_null(m);
		at = rte_pktmbuf_mtod(m, const uint8_t *);
		assert_int_equal(at[5], 33);
		assert_int_equal(at[12] << 8 | at[13], 0x8100);
		assert_int_equal(at[15], 12);
		rte_pktmbuf_free(m);
	}
	rings_down(&r);
}

static void
checklist_104_an_invalid_neighbor_stops_all_sending_at_once(void **state)
{
	chim_handle_t h[3];
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	for (uint16_t i = 0; i < 3; i++) {
		h[i] = rings_install(&r, i);
		rings_host_send(&r, h[i], 10);
		rings_wire_in(&r, 0, rings_data(&r, i, 0, 10));
	}
	/* The turn that takes the message sends nothing any more. */
	rings_set_neighbor(&r, 2, true);
	rings_settle(&r);
	rings_wait(&r, 10000);
	assert_int_equal(rings_wire_drain(&r), 0);
	rings_down(&r);
}

static void
checklist_105_106_an_invalid_path_and_an_invalid_connection(void **state)
{
	struct chim_msg *msg;
	chim_handle_t h[2];
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h[0] = rings_install(&r, 0);
	h[1] = rings_install(&r, 1);
	msg = rings_msg(&r, CHIM_MSG_INVALIDATE);
	msg->handle = h[0];
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	expect_event(&r, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
	send_some(&r, h[0]);
	assert_int_equal(rings_wire_drain(&r), 0);
	send_some(&r, h[1]);
	assert_int_equal(rings_wire_drain(&r), 1);
	msg = rings_msg(&r, CHIM_MSG_PATH_SET);
	msg->path.is_invalid = 1;
	msg->path.mtu = 1500;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	rings_settle(&r);
	expect_event(&r, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
	send_some(&r, h[1]);
	assert_int_equal(rings_wire_drain(&r), 0);
	/* Valid again: it goes on; the connection that was itself invalidated does not. */
	rings_set_path(&r, 0, 1500);
	rings_settle(&r);
	assert_int_equal(rings_wire_drain(&r), 1);
	rings_down(&r);
}

/* More connections than one turn looks at. */
static void
every_connection_of_an_invalid_path_is_asked_back(void **state)
{
	struct chim_io io;
	uint32_t asked = 0;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ .max_connections = 300, .host_entries = 512 });
	for (uint16_t i = 0; i < 300; i++)
		rings_install(&r, i);
	rings_set_neighbor(&r, 2, true);
	rings_settle(&r);
	while (rings_collect(&r, 0, &io)) {
		assert_int_equal(io.event, CHIM_EVENT_RETRIEVE);
		assert_int_equal(io.info, CHIM_UPLOAD_INVALID_STATE);
		asked++;
	}
	assert_int_equal(asked, 300);
	rings_down(&r);
}

static struct chim_msg *
query_neighbor(struct rings *r)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_NEIGHBOR_QUERY);

	assert_int_equal(rings_call(r, 0, msg), CHIM_STATUS_SUCCESS);
	return msg;
}

static void
set_stale(struct rings *r, uint32_t ticks)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_PARAMS);

	msg->params.nce_stale_ticks = ticks;
	assert_int_equal(rings_call(r, 0, msg), CHIM_STATUS_SUCCESS);
}

static void
checklist_227_231_progress_makes_a_neighbor_young(void **state)
{
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	rings_install(&r, 0);
	assert_int_equal(query_neighbor(&r)->neighbor.nic_reachability_delta, CHIM_TICKS_NONE);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	rings_wait(&r, 700);
	assert_int_equal(query_neighbor(&r)->neighbor.nic_reachability_delta, 700);
	rings_wire_in(&r, 0, rings_data(&r, 0, 10, 10));
	rings_settle(&r);
	assert_int_equal(query_neighbor(&r)->neighbor.nic_reachability_delta, 0);
	rings_down(&r);
}

static void
checklist_228_229_a_stale_neighbor_is_asked_about_once(void **state)
{
	struct chim_msg *msg;
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	set_stale(&r, 1000);
	rings_wait(&r, 1000);
	send_some(&r, h);
	assert_null(rings_reply(&r, 0)); /* as old as that is not older */
	rings_wait(&r, 1);
	send_some(&r, h);
	msg = rings_reply(&r, 0);
	assert_non_null(msg);
	assert_int_equal(msg->kind, CHIM_MSG_EVENT_REACHABILITY);
	assert_int_equal(msg->neighbor.offload_handle, 77);
	assert_int_equal(msg->neighbor.nic_reachability_delta, 1001);
	rings_send(&r, 0, msg);
	/* The host knew it 400 ticks ago: so much earlier the next question. */
	rings_post(&r,
		&(struct chim_io){
			.op = CHIM_IO_REACHABILITY, .handle = 0xFF00000100000000, .bytes = 400 });
	rings_settle(&r);
	rings_wait(&r, 600);
	send_some(&r, h);
	assert_null(rings_reply(&r, 0));
	rings_wait(&r, 1);
	send_some(&r, h);
	msg = rings_reply(&r, 0);
	assert_non_null(msg);
	rings_send(&r, 0, msg);
	/* Without an answer: not again before it has grown stale once more. */
	rings_wait(&r, 900);
	send_some(&r, h);
	assert_null(rings_reply(&r, 0));
	rings_down(&r);
}

/* Milliseconds wrap 500 ms after the clock of the tests starts. */
static void
checklist_230_ages_survive_the_wrap(void **state)
{
	chim_handle_t h;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	h = rings_install(&r, 0);
	set_stale(&r, 1000);
	rings_wire_in(&r, 0, rings_data(&r, 0, 0, 10));
	rings_settle(&r);
	rings_wait(&r, 900);
	assert_true((uint32_t)(r.now / 1000) < 1000);
	send_some(&r, h);
	assert_null(rings_reply(&r, 0));
	assert_int_equal(query_neighbor(&r)->neighbor.nic_reachability_delta, 900);
	rings_down(&r);
}

static void
replicas_that_cannot_be_are_refused(void **state)
{
	struct chim_msg *msg;
	struct rings r;

	rings_up(&r, &(struct rings_opts){ 0 });
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_SET);
	msg->neighbor.index = 4;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	msg = rings_msg(&r, CHIM_MSG_PATH_SET);
	msg->path.neighbor = 2;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	msg = rings_msg(&r, CHIM_MSG_PATH_REMOVE);
	msg->path.index = 1;
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	msg = rings_msg(&r, CHIM_MSG_PATH_REMOVE);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_REMOVE);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(msg->neighbor.nic_reachability_delta, CHIM_TICKS_NONE);
	msg = rings_msg(&r, CHIM_MSG_NEIGHBOR_QUERY);
	assert_int_equal(rings_call(&r, 0, msg), CHIM_STATUS_FAILURE);
	assert_int_equal(rings_call(&r, 0, rings_install_msg(&r, 0)), CHIM_STATUS_FAILURE);
	rings_down(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_85_a_new_mac_is_in_the_next_frame),
	cmocka_unit_test(checklist_86_a_new_mtu_is_in_the_next_segment),
	cmocka_unit_test(checklist_88_a_relinked_path_uses_the_new_neighbor),
	cmocka_unit_test(checklist_104_an_invalid_neighbor_stops_all_sending_at_once),
	cmocka_unit_test(checklist_105_106_an_invalid_path_and_an_invalid_connection),
	cmocka_unit_test(every_connection_of_an_invalid_path_is_asked_back),
	cmocka_unit_test(checklist_227_231_progress_makes_a_neighbor_young),
	cmocka_unit_test(checklist_228_229_a_stale_neighbor_is_asked_about_once),
	cmocka_unit_test(checklist_230_ages_survive_the_wrap),
	cmocka_unit_test(replicas_that_cannot_be_are_refused),
};
CHIM_CMOCKA_SUITE(dp_replica_autotest, tests, NULL, NULL)
