/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Streams in both homes and across moves. Covers stream.c, both back ends and
 * the services; what they keep is in serve_refer_test.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "homes.h"

static void
echo_answers_in_the_kernel_and_ends_with_its_peer(void **state)
{
	struct chim_stream_stats st;

	(void)state;
	homes_begin("echo", NULL);
	homes_peer_writes("hello");
	homes_peer_reads("hello");
	assert_true(chim_stream_wants_read(homes.s));
	assert_false(chim_stream_wants_write(homes.s));
	assert_false(chim_stream_is_finished(homes.s));
	shutdown(homes.peer, SHUT_WR);
	chim_stream_on_fd(homes.s);
	assert_true(chim_stream_is_finished(homes.s));
	chim_stream_stats(homes.s, &st);
	assert_int_equal(st.bytes_in, 5);
	assert_int_equal(st.bytes_out, 5);
	assert_true(st.hash_in == 0x9a71bb4cu); /* CRC-32C of "hello" */
	assert_true(st.hash_out == st.hash_in);
	homes_end();
}

static void
echo_waits_when_the_socket_is_full_and_loses_nothing(void **state)
{
	char piece[4096];
	size_t in = 0, out = 0;
	ssize_t n;

	(void)state;
	homes_begin("echo", NULL);
	memset(piece, 'x', sizeof(piece));
	while (!chim_stream_wants_write(homes.s)) {
		n = write(homes.peer, piece, sizeof(piece));
		in += n > 0 ? (size_t)n : 0;
		chim_stream_on_fd(homes.s);
	}
	assert_false(chim_stream_wants_read(homes.s));
	shutdown(homes.peer, SHUT_WR);
	while ((n = read(homes.peer, piece, sizeof(piece))) > 0) {
		out += (size_t)n;
		chim_stream_on_fd(homes.s);
	}
	assert_true(chim_stream_is_finished(homes.s));
	assert_int_equal(in, out);
	homes_end();
}

static void
echo_answers_in_the_engine_and_returns_what_it_was_lent(void **state)
{
	struct chim_io io;

	(void)state;
	homes_begin("echo", NULL);
	homes_move_to_engine();
	homes_engine_indicates("abc");
	io = homes_worker_takes(CHIM_IO_SEND);
	assert_true(io.handle == HOMES_HANDLE);
	homes_assert_text(io.m, "abc");
	homes_worker_takes_return();
	homes_worker_takes_nothing_more();
	assert_false(chim_stream_is_idle(homes.s));
	homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	assert_true(chim_stream_is_idle(homes.s));
	homes_peer_reads_nothing_more();
	homes_end();
}

static void
a_send_that_came_too_late_goes_first_in_the_kernel(void **state)
{
	struct chim_io first, second;

	(void)state;
	homes_begin("echo", NULL);
	homes_move_to_engine();
	homes_engine_indicates("one");
	homes_engine_indicates("two");
	first = homes_worker_takes(CHIM_IO_SEND);
	homes_worker_takes_return();
	second = homes_worker_takes(CHIM_IO_SEND);
	homes_worker_takes_return();
	chim_stream_leave(homes.s);
	homes_engine_completes(first, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	homes_engine_completes(second, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	homes_worker_takes_nothing_more();
	chim_stream_arrive_kernel(homes.s);
	homes_peer_writes("three");
	homes_peer_reads("onetwothree");
	homes_end();
}

static void
data_lent_before_a_move_is_read_after_it(void **state)
{
	(void)state;
	homes_begin("echo", NULL);
	homes_move_to_engine();
	chim_stream_leave(homes.s);
	homes_engine_indicates("lent ");
	homes_peer_reads_nothing_more();
	assert_int_equal(write(homes.peer, "socket", 6), 6);
	chim_stream_arrive_kernel(homes.s);
	homes_peer_reads("lent socket");
	homes_worker_takes_return();
	homes_end();
}

static void
indications_wait_until_an_earlier_stay_is_read(void **state)
{
	struct chim_io io, done = { .op = CHIM_IO_SEND_DONE, .handle = HOMES_HANDLE };

	(void)state;
	homes_begin("echo", NULL);
	homes_move_to_engine();
	chim_stream_leave(homes.s);
	homes_engine_indicates("earlier");
	/* Everything the engine may have is there already: nothing can be written, nothing read. */
	chim_stream_inherit(homes.s, 1u << 20);
	chim_stream_arrive_engine(homes.s, HOMES_HANDLE);
	homes_worker_takes_nothing_more();
	done.bytes = 4;
	chim_stream_on_io(homes.s, &done);
	io = homes_worker_takes(CHIM_IO_SEND);
	homes_assert_text(io.m, "earl");
	rte_pktmbuf_free(io.m);
	homes_worker_takes_nothing_more();
	done.bytes = 1u << 19;
	chim_stream_on_io(homes.s, &done);
	io = homes_worker_takes(CHIM_IO_SEND);
	homes_assert_text(io.m, "ier");
	rte_pktmbuf_free(io.m);
	homes_worker_takes_return();
	io = homes_worker_takes(CHIM_IO_RECEIVE);
	assert_int_equal(chim_nbl(io.m)->room, 0);
	rte_pktmbuf_free(io.m);
	homes_worker_takes_nothing_more();
	homes_end();
}

static void
a_full_ring_is_retried(void **state)
{
	struct chim_io filler = { .op = CHIM_IO_RETURN };
	struct chim_io io;
	uint32_t nb = 0;

	(void)state;
	homes_begin("echo", NULL);
	homes_move_to_engine();
	while (chim_chan_put(homes.slot->to_worker[0], &filler, 1) == 1)
		nb++;
	homes_engine_indicates("abc");
	assert_true(chim_stream_is_blocked(homes.s));
	while (nb-- > 0)
		homes_worker_takes(CHIM_IO_RETURN);
	chim_stream_retry(homes.s);
	assert_false(chim_stream_is_blocked(homes.s));
	/* The return and the send; their order does not matter. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chim_chan_take(homes.slot->to_worker[0], &io, 1), 1);
		homes_assert_text(io.m, "abc");
		rte_pktmbuf_free(io.m);
	}
	homes_worker_takes_nothing_more();
	homes_end();
}

/* One send, no larger than what is left for those that have nothing posted; then no other. */
static struct chim_io
worker_takes_a_small_share(void)
{
	struct chim_io io = homes_worker_takes(CHIM_IO_SEND);

	assert_true(io.m->nb_segs <= homes.pool->size / 64 + 1);
	assert_true(chim_stream_is_blocked(homes.s));
	homes_worker_takes_nothing_more();
	return io;
}

static void
a_pool_that_is_half_used_is_shared_out(void **state)
{
	struct rte_mbuf *taken[1100];
	struct chim_io io;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(homes.pool, taken, 1100), 0);
	homes_begin("source", "10M");
	homes_move_to_engine();
	io = worker_takes_a_small_share();
	/* What it has posted counts against it, however often it tries. */
	chim_stream_retry(homes.s);
	homes_worker_takes_nothing_more();
	homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	io = worker_takes_a_small_share();
	/* Where there is enough again it may have more. */
	rte_pktmbuf_free_bulk(taken, 1100);
	chim_stream_retry(homes.s);
	assert_true(chim_chan_count(homes.slot->to_worker[0]) > 1);
	homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	homes_end();
}

static void
the_peers_fin_in_the_engine_is_end_of_file(void **state)
{
	struct chim_io fin = {
		.op = CHIM_IO_EVENT, .handle = HOMES_HANDLE, .event = CHIM_EVENT_DISCONNECT
	};

	(void)state;
	homes_begin("discard", NULL);
	homes_move_to_engine();
	homes_engine_indicates("x");
	homes_worker_takes_return();
	assert_false(chim_stream_is_finished(homes.s));
	chim_stream_on_io(homes.s, &fin);
	assert_true(chim_stream_is_finished(homes.s));
	homes_end();
}

static void
a_passive_stream_refuses_and_reads_nothing(void **state)
{
	struct chim_io io;

	(void)state;
	homes_begin("park", NULL);
	homes_peer_writes("stay");
	assert_false(chim_stream_wants_read(homes.s));
	chim_stream_leave(homes.s);
	chim_stream_arrive_engine(homes.s, HOMES_HANDLE);
	homes_worker_takes_nothing_more();
	homes_engine_indicates("keep");
	io = homes_worker_takes(CHIM_IO_REFUSE);
	homes_assert_text(io.m, "keep");
	rte_pktmbuf_free(io.m);
	homes_end();
}

static void
refusals_that_a_full_ring_delays_keep_their_order(void **state)
{
	struct chim_io filler = { .op = CHIM_IO_RETURN };
	struct chim_io io;
	uint32_t nb = 0;

	(void)state;
	homes_begin("park", NULL);
	chim_stream_leave(homes.s);
	chim_stream_arrive_engine(homes.s, HOMES_HANDLE);
	while (chim_chan_put(homes.slot->to_worker[0], &filler, 1) == 1)
		nb++;
	homes_engine_indicates("first");
	while (nb-- > 0)
		homes_worker_takes(CHIM_IO_RETURN);
	homes_engine_indicates("second");
	io = homes_worker_takes(CHIM_IO_REFUSE);
	homes_assert_text(io.m, "first");
	homes_assert_text(chim_nbl(io.m)->next, "second");
	assert_null(chim_nbl(chim_nbl(io.m)->next)->next);
	rte_pktmbuf_free(chim_nbl(io.m)->next);
	rte_pktmbuf_free(io.m);
	homes_worker_takes_nothing_more();
	homes_end();
}

/* CRC-32C as it is defined, a bit at a time; complemented before and after (RFC 3720, B.4). */
static uint32_t
crc_of_byte(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
	return crc;
}

static void
the_hash_is_the_same_in_pieces_of_any_length(void **state)
{
	static const size_t lengths[] = { 1, 479, 480, 481, 960, 1440, 1448, 4099, 20000 };
	struct chim_stream_stats st;
	uint32_t crc = UINT32_MAX;
	uint8_t piece[20000];

	(void)state;
	homes_begin("discard", NULL);
	for (size_t i = 0; i < CHIM_DIM(lengths); i++) {
		for (size_t k = 0; k < lengths[i]; k++) {
			piece[k] = (uint8_t)(k * 31 + k / 251 + i);
			crc = crc_of_byte(crc, piece[k]);
		}
		assert_int_equal(write(homes.peer, piece, lengths[i]), (ssize_t)lengths[i]);
		chim_stream_on_fd(homes.s);
		chim_stream_stats(homes.s, &st);
		assert_int_equal(st.hash_in, ~crc);
	}
	homes_end();
}

static void
http_answers_a_request_read_half_in_each_home(void **state)
{
	char dir[] = "/tmp/chim-http-XXXXXX";
	char name[64], text[512];
	struct chim_io io;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/f.txt", dir);
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "content", 7), 7);
	close(fd);
	homes_begin("http", dir);
	homes_peer_writes("GET /f.t");
	homes_peer_reads_nothing_more();
	homes_move_to_engine();
	homes_engine_indicates(
		"xt HTTP/1.1\r\n\r\nGET /missing HTTP/1.1\r\nConnection: close\r\n\r\n");
	io = homes_worker_takes(CHIM_IO_SEND);
	snprintf(text, sizeof(text), "%.*s", (int)io.m->data_len, rte_pktmbuf_mtod(io.m, char *));
	assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(text, "Content-Length: 7\r\n"));
	assert_non_null(strstr(text, "\r\n\r\ncontent"));
	homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	homes_worker_takes_return();
	io = homes_worker_takes(CHIM_IO_SEND);
	snprintf(text, sizeof(text), "%.*s", (int)io.m->data_len, rte_pktmbuf_mtod(io.m, char *));
	assert_non_null(strstr(text, "HTTP/1.1 404 Not Found\r\n"));
	assert_non_null(strstr(text, "Connection: close\r\n"));
	homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	homes_worker_takes(CHIM_IO_DISCONNECT);
	unlink(name);
	rmdir(dir);
	homes_end();
}

static void
arguments_are_checked(void **state)
{
	char why[128] = "";

	(void)state;
	assert_null(chim_service_find("nothing"));
	assert_int_equal(chim_service_check(chim_service_find("echo"), NULL, why, sizeof(why)), 0);
	assert_int_equal(
		chim_service_check(chim_service_find("echo"), "x", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "no argument"));
	assert_int_equal(
		chim_service_check(chim_service_find("source"), "10M", why, sizeof(why)), 0);
	assert_int_equal(
		chim_service_check(chim_service_find("source"), NULL, why, sizeof(why)), -EINVAL);
	assert_int_equal(
		chim_service_check(chim_service_find("http"), "/nowhere", why, sizeof(why)),
		-EINVAL);
	assert_non_null(strstr(why, "/nowhere"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(echo_answers_in_the_kernel_and_ends_with_its_peer),
	cmocka_unit_test(echo_waits_when_the_socket_is_full_and_loses_nothing),
	cmocka_unit_test(echo_answers_in_the_engine_and_returns_what_it_was_lent),
	cmocka_unit_test(a_send_that_came_too_late_goes_first_in_the_kernel),
	cmocka_unit_test(data_lent_before_a_move_is_read_after_it),
	cmocka_unit_test(indications_wait_until_an_earlier_stay_is_read),
	cmocka_unit_test(a_full_ring_is_retried),
	cmocka_unit_test(a_pool_that_is_half_used_is_shared_out),
	cmocka_unit_test(the_peers_fin_in_the_engine_is_end_of_file),
	cmocka_unit_test(a_passive_stream_refuses_and_reads_nothing),
	cmocka_unit_test(refusals_that_a_full_ring_delays_keep_their_order),
	cmocka_unit_test(the_hash_is_the_same_in_pieces_of_any_length),
	cmocka_unit_test(http_answers_a_request_read_half_in_each_home),
	cmocka_unit_test(arguments_are_checked),
};
CHIM_CMOCKA_SUITE(serve_stream_autotest, tests, homes_group_setup, homes_group_teardown)
