/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What goes out, how and when: Nagle, PSH, headers, the path's MTU (spec 5.1,
 * 8.2, 8.5).
 */
#include <rte_ip.h>
#include <rte_tcp.h>

#include "eng.h"

/* ---- Nagle ---- */

static void
checklist_246_the_tail_of_a_request_does_not_wait(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_nagle = true);

	eng_host_sends(e, 1500);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 500));
	/* nor does it behind an earlier small one */
	eng_host_sends(e, 1200);
	expect_out(e, SEG(.seq = 1500, .len = 1000), SEG(.seq = 2500, .len = 200));
	inject(e, SEG(.ack = 2700));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
small_requests_wait_for_the_ack_of_a_small_one_and_go_together(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_nagle = true);

	eng_host_sends(e, 100);
	expect_out(e, SEG(.seq = 0, .len = 100));
	eng_host_sends(e, 100);
	eng_host_sends(e, 100);
	expect_nothing(e);
	inject(e, SEG(.ack = 100));
	expect_out(e, SEG(.seq = 100, .len = 200));
	expect_io(e, CHIM_IO_SEND_DONE);
	inject(e, SEG(.ack = 300));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
checklist_98_turning_nagle_off_sends_at_once(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_nagle = true);
	struct chim_tcp_cached cached;

	eng_host_sends(e, 100);
	eng_host_sends(e, 100);
	expect_out(e, SEG(.seq = 0, .len = 100));
	cached = eng_cached(e);
	cached.flags &= ~CHIM_TCP_NAGLING_ENABLED;
	eng_update(e, &cached, 0);
	eng_turn(e);
	expect_out(e, SEG(.seq = 100, .len = 100));
	inject(e, SEG(.ack = 200));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- PSH ---- */

static void
checklist_140_psh_ends_each_request(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	e->is_manual = true;
	eng_host_sends(e, 1500);
	eng_host_sends(e, 500);
	eng_turn(e);
	expect_out(e, SEG(.seq = 0, .len = 1000, .has_psh = true),
		SEG(.seq = 1000, .len = 1000, .has_psh = true, .psh = true));
	e->is_manual = false;
	inject(e, SEG(.ack = 2000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- several requests, and those that fail ---- */

static void
checklist_138_139_one_request_is_partly_acknowledged_the_rest_is_not(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 1000);
	eng_host_sends(e, 1000);
	eng_host_sends(e, 1000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1400));
	expect_io(e, CHIM_IO_SEND_DONE);
	inject(e, SEG(.ack = 1400, .flags = CHIM_RST));
	expect_event(e, CHIM_EVENT_ABORT, 0);
	struct rte_mbuf *m = expect_io(e, CHIM_IO_SEND_DONE)->m;

	assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(chim_nbl(m)->bytes, 400);
	assert_int_equal(m->pkt_len, 600);
	m = chim_nbl(m)->next;
	assert_int_equal(chim_nbl(m)->status, CHIM_STATUS_REQUEST_ABORTED);
	assert_int_equal(chim_nbl(m)->bytes, 0);
	assert_null(chim_nbl(m)->next);
	eng_finish(e);
}

static void
empty_requests_complete_in_their_turn(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 0);
	assert_int_equal(chim_nbl(expect_io(e, CHIM_IO_SEND_DONE)->m)->bytes, 0);
	eng_host_sends(e, 500);
	eng_host_sends(e, 0);
	expect_no_io(e);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 500));
	struct rte_mbuf *m = expect_io(e, CHIM_IO_SEND_DONE)->m;

	assert_int_equal(chim_nbl(m)->bytes, 500);
	assert_non_null(chim_nbl(m)->next);
	eng_finish(e);
}

static void
a_request_that_is_not_well_formed_is_failed(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_io io = { .op = CHIM_IO_SEND, .m = eng_chain(0, 100, 100) };

	io.m->pkt_len = 200;
	eng_host_io(e, &io);
	struct chim_io *done = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(done->status, CHIM_STATUS_FAILURE);
	done->m->pkt_len = 100;
	expect_nothing(e);
	eng_finish(e);
}

static void
checklist_204_after_an_upload_was_asked_for_requests_come_back(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	chim_tcp_retrieve(e->c, CHIM_UPLOAD_UPLOAD_REQUESTED, &e->env);
	eng_turn(e);
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_UPLOAD_REQUESTED);
	eng_host_sends(e, 100);
	assert_int_equal(expect_io(e, CHIM_IO_SEND_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	eng_host_posts(e, 100, 0);
	assert_int_equal(
		expect_io(e, CHIM_IO_RECEIVE_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	assert_int_equal(
		expect_io(e, CHIM_IO_DISCONNECT_DONE)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	/* checklist 199: it goes on otherwise */
	inject(e, SEG(.len = 10));
	expect_data(e, 0, 10);
	eng_run(e, 40);
	expect_out(e, SEG(.ack = 10));
	eng_finish(e);
}

/* ---- headers ---- */

static void
checklist_99_142_143_ip_headers(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_cached cached;
	uint16_t last = 0;

	cached = eng_cached(e);
	cached.ttl = 33;
	cached.tos = 0xB8;
	eng_update(e, &cached, 0);
	e->env.ip_id = 0xFFFD;
	for (uint32_t i = 0; i < 4; i++) {
		eng_host_sends(e, 10);
		const struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(e->frame[i], const struct rte_ipv4_hdr *, 14);
		uint16_t id = rte_be_to_cpu_16(ip->packet_id);

		assert_true(id >= 0x8000 && id != last);
		last = id;
		assert_int_equal(ip->time_to_live, 33);
		assert_int_equal(ip->type_of_service, 0xB8);
		assert_int_equal(rte_be_to_cpu_16(ip->fragment_offset), RTE_IPV4_HDR_DF_FLAG);
	}
	eng_ignore_out(e);
	eng_finish(e);
}

static void
ip6_carries_class_hop_limit_and_flow_label(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_ip6 = true);
	struct chim_tcp_cached cached = eng_cached(e);

	cached.ttl = 44;
	cached.tos = 0x20;
	cached.flow_label = 0xABCDE;
	eng_update(e, &cached, 0);
	eng_host_sends(e, 10);
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(e->frame[0], const struct rte_ipv6_hdr *, 14);

	assert_int_equal(ip->hop_limits, 44);
	assert_int_equal(rte_be_to_cpu_32(ip->vtc_flow), 6u << 28 | 0x20u << 20 | 0xABCDEu);
	expect_out(e, SEG(.seq = 0, .len = 10));
	assert_int_equal(e->stats6.tcp_out_segments, 2);
	assert_int_equal(e->stats4.tcp_out_segments, 0);
	/* 40 + 20 + 10, and the first ACK */
	assert_int_equal(e->stats6.ip_out_octets, 70 + 60);
	eng_finish(e);
}

/* Every segment there is: data, again, a probe, an ACK, a FIN, a keepalive, a reset. */
static void
all_kinds_of_segments(struct eng *e)
{
	inject(e, SEG(.seq = 0, .len = 10));
	inject(e, SEG(.seq = 500, .len = 10));
	eng_host_sends(e, 5000);
	eng_run(e, 5000);
	inject(e, SEG(.seq = 10, .ack = 5000));
	eng_run(e, 3600500); /* a keepalive probe */
	inject(e, SEG(.seq = 10, .ack = 5000, .has_wnd = true, .wnd = 0));
	eng_host_sends(e, 100);
	eng_run(e, 1000);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 100);
	inject(e, SEG(.seq = 10, .ack = 5000, .has_wnd = true, .wnd = 20000));
	eng_host_disconnects(e, CHIM_DISCONNECT_ABORTIVE, 0);
}

static void
checklist_141_urg_is_never_sent(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .cached_flags = CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 3600000, .ka_interval = 1000, .ka_probe_count = 9);
	uint8_t seen = 0;

	all_kinds_of_segments(e);
	assert_true(e->nb_out > 15);
	for (uint32_t i = 0; i < e->nb_out; i++) {
		const struct rte_tcp_hdr *tcp =
			rte_pktmbuf_mtod_offset(e->frame[i], const struct rte_tcp_hdr *, 34);

		assert_int_equal(tcp->tcp_flags & CHIM_URG, 0);
		assert_int_equal(tcp->tcp_urp, 0);
		seen |= tcp->tcp_flags;
	}
	assert_int_equal(seen, CHIM_FIN | CHIM_RST | CHIM_PSH | CHIM_ACK);
	eng_ignore_out(e);
	eng_ignore_io(e);
	eng_finish(e);
}

/* What goes on the wire for a frame is no longer than the path's MTU, and DF says so. */
static void
checklist_144_no_frame_is_a_fragment_or_has_to_become_one(void **state)
{
	for (uint32_t k = 0; k < 4; k++) {
		struct eng *e = eng_established(.mss = 1460, .is_ip6 = k & 1, .has_tso = k & 2);
		uint32_t l3 = e->opts.is_ip6 ? 40 : 20;
		uint32_t mtu = 1500;

		all_kinds_of_segments(e);
		for (uint32_t i = 0; i < e->nb_out; i++) {
			const uint8_t *ip =
				rte_pktmbuf_mtod_offset(e->frame[i], const uint8_t *, 14);
			uint32_t tcp_len = (ip[l3 + 12] >> 4) * 4u;
			uint32_t len = e->pkt[i].mss != 0 ? e->pkt[i].mss : e->pkt[i].len;

			assert_true(l3 + tcp_len + len <= mtu);
			if (e->opts.is_ip6)
				assert_int_equal(ip[6], IPPROTO_TCP); /* no fragment header */
			else
				assert_int_equal(ip[6] << 8 | ip[7], RTE_IPV4_HDR_DF_FLAG);
		}
		eng_ignore_out(e);
		eng_ignore_io(e);
		eng_finish(e);
	}
}

/* ---- the path ---- */

static bool
quote(struct eng *e, uint32_t seq, uint8_t code, uint16_t mtu)
{
	const struct chim_icmp_quote q = {
		.seq = e->iss + seq, .type = 3, .code = code, .mtu = mtu
	};

	return chim_tcp_icmp(e->c, &q, &e->env);
}

static void
checklist_86_a_smaller_path_mtu_cuts_what_is_sent_from_then_on(void **state)
{
	struct eng *e = eng_established(.mss = 1400, .cwnd_segs = 4);

	eng_host_sends(e, 7000);
	expect_out(e, SEG(.seq = 0, .len = 1400), SEG(.seq = 1400, .len = 1400),
		SEG(.seq = 2800, .len = 1400), SEG(.seq = 4200, .len = 1400));
	/* the router says so, quoting what is in flight (RFC 5927) */
	assert_false(quote(e, 5600, 4, 1000));
	assert_false(quote(e, 0u - 1, 4, 1000));
	assert_true(quote(e, 1400, 4, 1000));
	eng_turn(e);
	expect_event(e, CHIM_EVENT_PATH_MTU, 1000);
	/* the host updates the path */
	chim_tcp_path_changed(e->c, 1000, &e->env);
	eng_turn(e);
	assert_int_equal(eng_view(e).mss, 960);
	/* what was too large is sent again in pieces at once */
	expect_out(e, SEG(.seq = 0, .len = 960), SEG(.seq = 960, .len = 440),
		SEG(.seq = 1400, .len = 960), SEG(.seq = 2360, .len = 440),
		SEG(.seq = 2800, .len = 960), SEG(.seq = 3760, .len = 440),
		SEG(.seq = 4200, .len = 960), SEG(.seq = 5160, .len = 440));
	inject(e, SEG(.ack = 5600));
	expect_out(e, SEG(.seq = 5600, .len = 960), SEG(.seq = 6560, .len = 440));
	inject(e, SEG(.ack = 7000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
other_icmp_errors_are_told_and_change_nothing(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	eng_host_sends(e, 1000);
	eng_ignore_out(e);
	assert_true(quote(e, 0, 1, 0));
	eng_turn(e);
	expect_event(e, CHIM_EVENT_UNREACHABLE, 3 << 8 | 1);
	inject(e, SEG(.ack = 1000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
checklist_108_109_nothing_is_sent_while_invalid_and_nothing_is_refused(void **state)
{
	struct eng *e = eng_established(.mss = 1000);

	chim_tcp_head(e->c)->is_invalid = 1;
	chim_tcp_retrieve(e->c, CHIM_UPLOAD_INVALID_STATE, &e->env);
	eng_host_sends(e, 500);
	inject(e, SEG(.len = 100));
	expect_event(e, CHIM_EVENT_RETRIEVE, CHIM_UPLOAD_INVALID_STATE);
	expect_data(e, 0, 100);
	expect_quiet_for(e, 1000);
	/* an update made the path usable again */
	chim_tcp_head(e->c)->is_invalid = 0;
	chim_tcp_path_changed(e->c, 1500, &e->env);
	eng_turn(e);
	expect_out(e, SEG(.seq = 0, .len = 500, .ack = 100));
	inject(e, SEG(.seq = 100, .ack = 500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_246_the_tail_of_a_request_does_not_wait),
	cmocka_unit_test(small_requests_wait_for_the_ack_of_a_small_one_and_go_together),
	cmocka_unit_test(checklist_98_turning_nagle_off_sends_at_once),
	cmocka_unit_test(checklist_140_psh_ends_each_request),
	cmocka_unit_test(checklist_138_139_one_request_is_partly_acknowledged_the_rest_is_not),
	cmocka_unit_test(empty_requests_complete_in_their_turn),
	cmocka_unit_test(a_request_that_is_not_well_formed_is_failed),
	cmocka_unit_test(checklist_204_after_an_upload_was_asked_for_requests_come_back),
	cmocka_unit_test(checklist_99_142_143_ip_headers),
	cmocka_unit_test(ip6_carries_class_hop_limit_and_flow_label),
	cmocka_unit_test(checklist_141_urg_is_never_sent),
	cmocka_unit_test(checklist_144_no_frame_is_a_fragment_or_has_to_become_one),
	cmocka_unit_test(checklist_86_a_smaller_path_mtu_cuts_what_is_sent_from_then_on),
	cmocka_unit_test(other_icmp_errors_are_told_and_change_nothing),
	cmocka_unit_test(checklist_108_109_nothing_is_sent_while_invalid_and_nothing_is_refused),
};

CHIM_CMOCKA_SUITE(engine_send_autotest, tests, NULL, NULL)
