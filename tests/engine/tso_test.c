/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames of several segments, for a port that cuts them (TSO): when they are
 * made and how large, what recovery does with them, and what goes in single
 * segments all the same. The peer sees segments of mss, whatever the frame was.
 */
#include <rte_ip.h>

#include "eng.h"
#include "tcp_conn.h"

#define TSO(...) eng_established(.mss = 1000, .has_tso = true, __VA_ARGS__)

static void
a_window_goes_as_one_frame(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	eng_host_sends(e, 10000);
	expect_out(e, SEG(.seq = 0, .len = 10000, .mss = 1000, .has_psh = true, .psh = true));
	assert_int_equal(e->c->recover.flight->sent.nb, 1);
	inject(e, SEG(.ack = 10000));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_quiet_for(e, 1000);
	eng_finish(e);
}

/* Without the offload, every segment is a frame. */
static void
without_the_offload_each_segment_is_a_frame(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .is_attached = true, .cwnd_segs = 3);

	(void)state;
	eng_host_sends(e, 3000);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
congestion_control_counts_whole_segments(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 4);

	(void)state;
	eng_host_sends(e, 20000);
	expect_out(e, SEG(.seq = 0, .len = 4000, .mss = 1000));
	/* slow start: two acknowledged, four may go */
	inject(e, SEG(.ack = 2000));
	expect_out(e, SEG(.seq = 4000, .len = 4000, .mss = 1000));
	/* less than a segment of room is none */
	inject(e, SEG(.ack = 2400));
	expect_nothing(e);
	inject(e, SEG(.ack = 8000));
	assert_int_equal(e->pkt[0].len % 1000, 0);
	eng_ignore_out(e);
	eng_finish(e);
}

/* RFC 9293, 3.8.6.2.1: the rest of a window is no segment; a request's tail is. */
static void
the_peers_window_is_filled_with_whole_segments(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 20, .snd_wnd = 8500);

	(void)state;
	eng_host_sends(e, 12000);
	expect_out(e, SEG(.seq = 0, .len = 8000, .mss = 1000));
	inject(e, SEG(.ack = 8000));
	expect_out(e, SEG(.seq = 8000, .len = 4000, .mss = 1000));
	inject(e, SEG(.ack = 12000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
the_tail_of_a_request_rides_along(void **state)
{
	struct eng *e = TSO(.has_nagle = true, .cwnd_segs = 20);

	(void)state;
	eng_host_sends(e, 2300);
	expect_out(e, SEG(.seq = 0, .len = 2300, .mss = 1000));
	assert_int_equal(e->c->recover.flight->sent.by_seq.tqh_first->segs, 3);
	/* behind that small one too (spec 8.5) */
	eng_host_sends(e, 2200);
	expect_out(e, SEG(.seq = 2300, .len = 2200, .mss = 1000));
	inject(e, SEG(.ack = 4500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* Nagle: the end of several small requests waits, the full segments before it do not. */
static void
small_requests_at_the_end_wait(void **state)
{
	struct eng *e = TSO(.has_nagle = true, .cwnd_segs = 20);

	(void)state;
	eng_host_sends(e, 100);
	expect_out(e, SEG(.seq = 0, .len = 100));
	e->is_manual = true;
	for (uint32_t i = 0; i < 7; i++)
		eng_host_sends(e, 400);
	e->is_manual = false;
	eng_turn(e);
	expect_out(e, SEG(.seq = 100, .len = 2000, .mss = 1000));
	inject(e, SEG(.ack = 100));
	expect_io(e, CHIM_IO_SEND_DONE);
	expect_out(e, SEG(.seq = 2100, .len = 800));
	inject(e, SEG(.ack = 2900));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* The IP length has 16 bits. */
static void
frames_are_as_large_as_ip_allows(void **state)
{
	struct eng *e = eng_established(.mss = 1448, .has_ts = true, .has_tso = true,
		.cwnd_segs = 100, .snd_wnd = 500000, .snd_wscale = 7, .rcv_wscale = 7);

	(void)state;
	eng_host_sends(e, 100 * 1448);
	expect_out(e, SEG(.seq = 0, .len = 45 * 1448, .mss = 1448),
		SEG(.seq = 45 * 1448, .len = 45 * 1448, .mss = 1448),
		SEG(.seq = 90 * 1448, .len = 10 * 1448, .mss = 1448));
	inject(e, SEG(.ack = 100 * 1448, .has_ts = true));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
frames_can_be_limited(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	e->cfg.tso_bytes = 4500;
	eng_host_sends(e, 10000);
	expect_out(e, SEG(.seq = 0, .len = 4000, .mss = 1000),
		SEG(.seq = 4000, .len = 4000, .mss = 1000),
		SEG(.seq = 8000, .len = 2000, .mss = 1000));
	inject(e, SEG(.ack = 10000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* Ports refuse to cut segments that are too small. */
static void
tiny_segments_are_not_left_to_the_port(void **state)
{
	struct eng *e = eng_established(.mss = 200, .has_tso = true, .cwnd_segs = 3);

	(void)state;
	eng_host_sends(e, 600);
	expect_out(e, SEG(.seq = 0, .len = 200), SEG(.seq = 200, .len = 200),
		SEG(.seq = 400, .len = 200));
	inject(e, SEG(.ack = 600));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
a_fin_ends_the_frame(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 3300);
	expect_out(e, SEG(.seq = 0, .len = 3300, .mss = 1000, .flags = CHIM_FIN));
	/* all but the FIN */
	inject(e, SEG(.ack = 3300));
	expect_no_io(e);
	eng_run(e, 300);
	expect_out(e, SEG(.seq = 3300, .flags = CHIM_FIN));
	inject(e, SEG(.ack = 3301));
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	eng_finish(e);
}

/* checklist 143: the port counts the identification up from the first segment's. */
static void
each_segment_of_a_frame_has_an_id_of_the_upper_half(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 20);
	const struct rte_ipv4_hdr *ip;

	(void)state;
	e->env.ip_id = 0xFFFA;
	eng_host_sends(e, 4000);
	ip = rte_pktmbuf_mtod_offset(e->frame[0], const struct rte_ipv4_hdr *, 14);
	assert_int_equal(rte_be_to_cpu_16(ip->packet_id), 0xFFFB);
	assert_int_equal(e->env.ip_id, 0xFFFE);
	eng_host_sends(e, 4000);
	ip = rte_pktmbuf_mtod_offset(e->frame[1], const struct rte_ipv4_hdr *, 14);
	assert_int_equal(rte_be_to_cpu_16(ip->packet_id), 0x8000);
	assert_int_equal(e->env.ip_id, 0x8003);
	eng_ignore_out(e);
	eng_finish(e);
}

/* checklist 256, 260: what the wire carries is counted, not the frame. */
static void
segments_and_their_headers_are_counted(void **state)
{
	struct eng *e = TSO(.no_sack = true, .cwnd_segs = 20);

	(void)state;
	eng_host_sends(e, 4500);
	eng_ignore_out(e);
	/* the first ACK was one */
	assert_int_equal(e->stats4.tcp_out_segments, 1 + 5);
	assert_int_equal(e->stats4.ip_out_requests, 1 + 5);
	assert_int_equal(e->stats4.ip_out_octets, 40 + 5 * 40 + 4500);
	eng_run(e, 250);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 1);
	inject(e, SEG(.ack = 1000));
	/* slow start after the timeout: two segments may go, in one frame */
	expect_out(e, SEG(.seq = 1000, .len = 2000, .mss = 1000));
	assert_int_equal(e->stats4.tcp_retransmitted_segments, 3);
	assert_int_equal(eng_view(e).retransmits, 3);
	inject(e, SEG(.ack = 4500));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
ip6_is_cut_too(void **state)
{
	struct eng *e = TSO(.is_ip6 = true, .cwnd_segs = 10);

	(void)state;
	eng_host_sends(e, 5000);
	expect_out(e, SEG(.seq = 0, .len = 5000, .mss = 1000));
	assert_int_equal(e->stats6.ip_out_octets, 60 + 5 * 60 + 5000);
	inject(e, SEG(.ack = 5000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* ---- recovery ---- */

static struct pkt
dup(uint32_t ack, uint32_t from, uint32_t to)
{
	return SEG(.ack = ack, .has_sack = true, .nb_sack = 1, .sack = { { from, to } });
}

/* RFC 6675, RFC 8985: the segments of a frame are lost one by one. */
static void
a_hole_inside_a_frame_is_all_that_is_resent(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	eng_host_sends(e, 10000);
	expect_out(e, SEG(.seq = 0, .len = 10000, .mss = 1000));
	eng_run(e, 50);
	inject(e, SEG(.ack = 3000));
	inject(e, dup(3000, 4000, 5000));
	inject(e, dup(3000, 4000, 6000));
	expect_nothing(e);
	inject(e, dup(3000, 4000, 7000));
	expect_out(e, SEG(.seq = 3000, .len = 1000));
	inject(e, dup(3000, 4000, 10000));
	expect_nothing(e);
	inject(e, SEG(.ack = 10000));
	expect_io(e, CHIM_IO_SEND_DONE);
	assert_int_equal(e->counters.fast_recovery, 1);
	assert_int_equal(e->counters.rto, 0);
	assert_int_equal(eng_view(e).retransmits, 1);
	expect_quiet_for(e, 1000);
	eng_finish(e);
}

/* A long hole goes in frames as PRR lets it, never in more than it allows. */
static void
a_long_hole_is_resent_in_frames(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 20);
	uint32_t resent = 0;

	(void)state;
	eng_host_sends(e, 20000);
	eng_ignore_out(e);
	eng_run(e, 50);
	for (uint32_t to = 12000; to <= 20000; to += 2000) {
		inject(e, dup(0, 10000, to));
		for (uint32_t i = 0; i < e->nb_out; i++) {
			assert_int_equal(e->pkt[i].seq, resent);
			assert_int_equal(e->pkt[i].len % 1000, 0);
			resent += e->pkt[i].len;
		}
		assert_true(tcp_sent_pipe(&e->c->recover.flight->sent) <= eng_view(e).cwnd);
		eng_ignore_out(e);
	}
	assert_true(resent > 0 && resent < 10000);
	inject(e, SEG(.ack = 20000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* RFC 6582: without SACK one segment of the frame at a time. */
static void
without_sack_the_first_segment_is_resent(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10, .no_sack = true);

	(void)state;
	eng_host_sends(e, 10000);
	eng_ignore_out(e);
	for (uint32_t i = 0; i < 2; i++)
		inject(e, SEG(.ack = 0));
	expect_nothing(e);
	inject(e, SEG(.ack = 0));
	expect_out(e, SEG(.seq = 0, .len = 1000));
	for (uint32_t i = 3; i < 8; i++)
		inject(e, SEG(.ack = 0));
	expect_nothing(e);
	inject(e, SEG(.ack = 4000));
	expect_out(e, SEG(.seq = 4000, .len = 1000));
	inject(e, SEG(.ack = 10000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* RFC 8985, 7.3: a probe is one segment. */
static void
a_tail_loss_probe_is_the_last_segment_of_the_frame(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	eng_host_sends(e, 5000);
	eng_ignore_out(e);
	for (uint32_t ms = 0; e->nb_out == 0 && ms < 1000; ms++)
		eng_run(e, 1);
	expect_out(e, SEG(.seq = 4000, .len = 1000));
	assert_int_equal(e->counters.tlp, 1);
	inject(e, SEG(.ack = 5000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* spec 8.3: a window probe is one octet, and then the rest goes in a frame. */
static void
a_window_that_opens_is_filled_with_a_frame(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10, .is_window_closed = true);

	(void)state;
	eng_host_sends(e, 5000);
	expect_nothing(e);
	eng_run(e, 1500);
	assert_int_equal(e->pkt[0].len, 1);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1, .has_wnd = true, .wnd = 20000));
	expect_out(e, SEG(.seq = 1, .len = 4999, .mss = 1000));
	inject(e, SEG(.ack = 5000, .has_wnd = true, .wnd = 20000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* RFC 1191, 6.4: frames in flight were of segments too large. */
static void
a_smaller_path_mtu_cuts_anew(void **state)
{
	struct eng *e = eng_established(.mss = 1400, .has_tso = true, .cwnd_segs = 4);

	(void)state;
	eng_host_sends(e, 9800);
	expect_out(e, SEG(.seq = 0, .len = 5600, .mss = 1400));
	chim_tcp_path_changed(e->c, 1000, &e->env);
	eng_turn(e);
	expect_out(e, SEG(.seq = 0, .len = 5600, .mss = 960));
	inject(e, SEG(.ack = 5600));
	expect_out(e, SEG(.seq = 5600, .len = 4200, .mss = 960));
	inject(e, SEG(.ack = 9800));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

/* RFC 3168, 6.1.2: CWR is of one segment; ports copy it to all, or to the first. */
static void
cwr_goes_on_a_segment_of_its_own(void **state)
{
	struct eng *e = TSO(.has_ecn = true, .cwnd_segs = 10);
	uint32_t cwr = 0;

	(void)state;
	eng_host_sends(e, 30000);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 1000, .flags = CHIM_ECE));
	inject(e, SEG(.ack = 10000));
	for (uint32_t i = 0; i < e->nb_out; i++) {
		cwr += (e->pkt[i].flags & CHIM_CWR) != 0;
		assert_true((e->pkt[i].flags & CHIM_CWR) == 0 || e->pkt[i].mss == 0);
	}
	assert_int_equal(cwr, 1);
	assert_int_equal(e->pkt[0].flags, CHIM_CWR);
	assert_int_equal(e->pkt[0].len, 1000);
	assert_int_equal(e->pkt[1].mss, 1000);
	eng_ignore_out(e);
	eng_finish(e);
}

/* Segments with SACK blocks have less room, all of a frame. */
static void
blocks_that_go_along_shorten_the_segments(void **state)
{
	struct eng *e = eng_established(.mss = 1460, .has_tso = true, .cwnd_segs = 10);

	(void)state;
	inject(e, SEG(.seq = 1000, .len = 500));
	eng_ignore_out(e);
	eng_host_sends(e, 6000);
	assert_int_equal(e->pkt[0].mss, 1460 - 36);
	assert_int_equal(e->pkt[0].nb_sack, 1);
	assert_int_equal(e->pkt[0].len, 6000);
	eng_ignore_out(e);
	inject(e, SEG(.seq = 0, .len = 1000, .ack = 6000));
	eng_ignore_io(e);
	eng_ignore_out(e);
	eng_finish(e);
}

/* ---- what the port takes ---- */

static void
a_frame_has_only_as_many_mbufs_as_the_port_takes(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	/* mbufs of 700: three beside the header are 2100 */
	e->cfg.tx_frame_mbufs = 4;
	eng_host_sends(e, 7000);
	for (uint32_t i = 0; i < e->nb_out; i++)
		assert_true(e->frame[i]->nb_segs <= 4);
	expect_out(e, SEG(.seq = 0, .len = 2000, .mss = 1000), SEG(.seq = 2000, .len = 1000),
		SEG(.seq = 3000, .len = 1000), SEG(.seq = 4000, .len = 1000),
		SEG(.seq = 5000, .len = 2000, .mss = 1000));
	inject(e, SEG(.ack = 7000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
a_segment_of_too_many_mbufs_is_copied(void **state)
{
	struct eng *e = TSO(.cwnd_segs = 10);
	struct chim_io io = { .op = CHIM_IO_SEND, .m = eng_chain(0, 4000, 100) };

	(void)state;
	e->cfg.tx_seg_mbufs = 8;
	e->sent_by_host = 4000;
	eng_host_io(e, &io);
	for (uint32_t i = 0; i < e->nb_out; i++)
		assert_int_equal(e->frame[i]->nb_segs, 1);
	expect_out(e, SEG(.seq = 0, .len = 1000), SEG(.seq = 1000, .len = 1000),
		SEG(.seq = 2000, .len = 1000), SEG(.seq = 3000, .len = 1000));
	inject(e, SEG(.ack = 4000));
	expect_io(e, CHIM_IO_SEND_DONE);
	/* eleven of them are enough: ten of data, and one for the header */
	io.m = eng_chain(4000, 4000, 100);
	e->cfg.tx_seg_mbufs = 11;
	e->sent_by_host = 8000;
	eng_host_io(e, &io);
	expect_out(e, SEG(.seq = 4000, .len = 4000, .mss = 1000));
	inject(e, SEG(.ack = 8000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
few_indirect_mbufs_make_small_frames(void **state)
{
	struct rte_mempool *few =
		rte_pktmbuf_pool_create("tso_few", 3, 0, CHIM_NBL_PRIV_SIZE, 0, SOCKET_ID_ANY);
	struct eng *e = TSO(.cwnd_segs = 10);

	(void)state;
	assert_non_null(few);
	e->env.clone_pool = few;
	eng_host_sends(e, 5000);
	/* two of 700 hold a segment: one goes, the next has only one left */
	expect_out(e, SEG(.seq = 0, .len = 1000));
	eng_turn(e);
	expect_out(e, SEG(.seq = 1000, .len = 1000));
	eng_finish(e);
	rte_mempool_free(few);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_window_goes_as_one_frame),
	cmocka_unit_test(without_the_offload_each_segment_is_a_frame),
	cmocka_unit_test(congestion_control_counts_whole_segments),
	cmocka_unit_test(the_peers_window_is_filled_with_whole_segments),
	cmocka_unit_test(the_tail_of_a_request_rides_along),
	cmocka_unit_test(small_requests_at_the_end_wait),
	cmocka_unit_test(frames_are_as_large_as_ip_allows),
	cmocka_unit_test(frames_can_be_limited),
	cmocka_unit_test(tiny_segments_are_not_left_to_the_port),
	cmocka_unit_test(a_fin_ends_the_frame),
	cmocka_unit_test(each_segment_of_a_frame_has_an_id_of_the_upper_half),
	cmocka_unit_test(segments_and_their_headers_are_counted),
	cmocka_unit_test(ip6_is_cut_too),
	cmocka_unit_test(a_hole_inside_a_frame_is_all_that_is_resent),
	cmocka_unit_test(a_long_hole_is_resent_in_frames),
	cmocka_unit_test(without_sack_the_first_segment_is_resent),
	cmocka_unit_test(a_tail_loss_probe_is_the_last_segment_of_the_frame),
	cmocka_unit_test(a_window_that_opens_is_filled_with_a_frame),
	cmocka_unit_test(a_smaller_path_mtu_cuts_anew),
	cmocka_unit_test(cwr_goes_on_a_segment_of_its_own),
	cmocka_unit_test(blocks_that_go_along_shorten_the_segments),
	cmocka_unit_test(a_frame_has_only_as_many_mbufs_as_the_port_takes),
	cmocka_unit_test(a_segment_of_too_many_mbufs_is_copied),
	cmocka_unit_test(few_indirect_mbufs_make_small_frames),
};

CHIM_CMOCKA_SUITE(engine_tso_autotest, tests, NULL, NULL)
