/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Streams in both homes and across moves: a socket pair is the kernel's home,
 * and the far end of a host slot's data rings is the engine's, played by the
 * test. Covers stream.c, both back ends and the services.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "chim_chan.h"
#include "chim_host.h"
#include "chim_serve.h"
#include "test.h"

#define HANDLE ((chim_handle_t)0x0000000100000007u)

static struct {
	struct rte_mempool *pool;
	struct chim_target *target;
	struct chim_host *host;
	struct chim_slot *slot;
	struct chim_stream *s;
	int peer;
	int fd;
} t;

static int
group_setup(void **state)
{
	struct chim_target_config cfg = { .nb_hosts = 1, .nb_workers = 1, .ring_entries = 64 };

	(void)state;
	t.pool = rte_pktmbuf_pool_create("serve_test", 2047, 0, CHIM_NBL_PRIV_SIZE, 2176, 0);
	if (t.pool == NULL)
		return -1;
	cfg.host_pool = t.pool;
	t.target = chim_target_create(&cfg);
	if (t.target == NULL)
		return -1;
	t.host = chim_host_open("serve-test");
	t.slot = &t.target->slot[0];
	return t.host == NULL ? -1 : 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	chim_host_close(t.host);
	chim_target_destroy(t.target);
	rte_mempool_free(t.pool);
	return 0;
}

static void
begin(const char *service, const char *arg)
{
	const struct chim_service *svc = chim_service_find(service);
	int sv[2];

	assert_non_null(svc);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	t.peer = sv[0];
	t.fd = sv[1];
	t.s = chim_stream_create(t.host, t.fd, svc, arg);
	assert_non_null(t.s);
}

static void
end(void)
{
	struct chim_io io;

	chim_stream_destroy(t.s);
	close(t.peer);
	close(t.fd);
	while (chim_chan_take(t.slot->to_worker[0], &io, 1) == 1) {
		struct rte_mbuf *next;

		for (struct rte_mbuf *m = io.m; m != NULL; m = next) {
			next = chim_nbl(m)->next;
			rte_pktmbuf_free(m);
		}
	}
	assert_int_equal(rte_mempool_in_use_count(t.pool), 0);
}

static void
peer_writes(const char *text)
{
	assert_int_equal(write(t.peer, text, strlen(text)), (ssize_t)strlen(text));
	chim_stream_on_fd(t.s);
}

static void
peer_reads(const char *text)
{
	char got[256] = "";
	ssize_t n = read(t.peer, got, sizeof(got) - 1);

	assert_int_equal(n, (ssize_t)strlen(text));
	assert_string_equal(got, text);
}

static void
peer_reads_nothing_more(void)
{
	char c;

	assert_int_equal(read(t.peer, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

/* What the service posted next. */
static struct chim_io
worker_takes(uint16_t op)
{
	struct chim_io io;

	assert_int_equal(chim_chan_take(t.slot->to_worker[0], &io, 1), 1);
	assert_int_equal(io.op, op);
	return io;
}

static void
worker_takes_nothing_more(void)
{
	assert_int_equal(chim_chan_count(t.slot->to_worker[0]), 0);
}

static void
worker_takes_return(void)
{
	struct chim_io io = worker_takes(CHIM_IO_RETURN);

	assert_null(chim_nbl(io.m)->next);
	rte_pktmbuf_free(io.m);
}

static struct rte_mbuf *
chain_of(const char *text)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t.pool);

	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	chim_nbl(m)->cookie = HANDLE;
	memcpy(rte_pktmbuf_append(m, (uint16_t)strlen(text)), text, strlen(text));
	return m;
}

static void
engine_indicates(const char *text)
{
	struct chim_io io = { .op = CHIM_IO_INDICATE,
		.handle = HANDLE,
		.m = chain_of(text),
		.bytes = (uint32_t)strlen(text) };

	chim_stream_on_io(t.s, &io);
}

static void
engine_completes(struct chim_io io, enum chim_status status)
{
	struct chim_io done = {
		.op = CHIM_IO_SEND_DONE, .handle = HANDLE, .m = io.m, .status = status
	};

	for (struct rte_mbuf *m = io.m; m != NULL; m = chim_nbl(m)->next)
		chim_nbl(m)->status = status;
	chim_stream_on_io(t.s, &done);
}

static void
moves_to_engine(void)
{
	struct chim_io io;

	chim_stream_leave(t.s);
	chim_stream_arrive_engine(t.s, HANDLE);
	io = worker_takes(CHIM_IO_RECEIVE);
	assert_int_equal(chim_nbl(io.m)->room, 0);
	rte_pktmbuf_free(io.m);
}

static void
assert_text(const struct rte_mbuf *m, const char *text)
{
	assert_int_equal(m->pkt_len, strlen(text));
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), text, strlen(text));
}

static void
echo_answers_in_the_kernel_and_ends_with_its_peer(void **state)
{
	struct chim_stream_stats st;

	(void)state;
	begin("echo", NULL);
	peer_writes("hello");
	peer_reads("hello");
	assert_true(chim_stream_wants_read(t.s));
	assert_false(chim_stream_wants_write(t.s));
	assert_false(chim_stream_is_finished(t.s));
	shutdown(t.peer, SHUT_WR);
	chim_stream_on_fd(t.s);
	assert_true(chim_stream_is_finished(t.s));
	chim_stream_stats(t.s, &st);
	assert_int_equal(st.bytes_in, 5);
	assert_int_equal(st.bytes_out, 5);
	assert_true(st.hash_in == 0x9a71bb4cu); /* CRC-32C of "hello" */
	assert_true(st.hash_out == st.hash_in);
	end();
}

static void
echo_waits_when_the_socket_is_full_and_loses_nothing(void **state)
{
	char piece[4096];
	size_t in = 0, out = 0;
	ssize_t n;

	(void)state;
	begin("echo", NULL);
	memset(piece, 'x', sizeof(piece));
	while (!chim_stream_wants_write(t.s)) {
		n = write(t.peer, piece, sizeof(piece));
		in += n > 0 ? (size_t)n : 0;
		chim_stream_on_fd(t.s);
	}
	assert_false(chim_stream_wants_read(t.s));
	shutdown(t.peer, SHUT_WR);
	while ((n = read(t.peer, piece, sizeof(piece))) > 0) {
		out += (size_t)n;
		chim_stream_on_fd(t.s);
	}
	assert_true(chim_stream_is_finished(t.s));
	assert_int_equal(in, out);
	end();
}

static void
echo_answers_in_the_engine_and_returns_what_it_was_lent(void **state)
{
	struct chim_io io;

	(void)state;
	begin("echo", NULL);
	moves_to_engine();
	engine_indicates("abc");
	io = worker_takes(CHIM_IO_SEND);
	assert_true(io.handle == HANDLE);
	assert_text(io.m, "abc");
	worker_takes_return();
	worker_takes_nothing_more();
	assert_false(chim_stream_is_idle(t.s));
	engine_completes(io, CHIM_STATUS_SUCCESS);
	assert_true(chim_stream_is_idle(t.s));
	peer_reads_nothing_more();
	end();
}

static void
a_send_that_came_too_late_goes_first_in_the_kernel(void **state)
{
	struct chim_io first, second;

	(void)state;
	begin("echo", NULL);
	moves_to_engine();
	engine_indicates("one");
	engine_indicates("two");
	first = worker_takes(CHIM_IO_SEND);
	worker_takes_return();
	second = worker_takes(CHIM_IO_SEND);
	worker_takes_return();
	chim_stream_leave(t.s);
	engine_completes(first, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	engine_completes(second, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	worker_takes_nothing_more();
	chim_stream_arrive_kernel(t.s);
	peer_writes("three");
	peer_reads("onetwothree");
	end();
}

static void
data_lent_before_a_move_is_read_after_it(void **state)
{
	(void)state;
	begin("echo", NULL);
	moves_to_engine();
	chim_stream_leave(t.s);
	engine_indicates("lent ");
	peer_reads_nothing_more();
	assert_int_equal(write(t.peer, "socket", 6), 6);
	chim_stream_arrive_kernel(t.s);
	peer_reads("lent socket");
	worker_takes_return();
	end();
}

static void
indications_wait_until_an_earlier_stay_is_read(void **state)
{
	struct chim_io io, done = { .op = CHIM_IO_SEND_DONE, .handle = HANDLE };

	(void)state;
	begin("echo", NULL);
	moves_to_engine();
	chim_stream_leave(t.s);
	engine_indicates("earlier");
	/* Everything the engine may have is there already: nothing can be written, nothing read. */
	chim_stream_inherit(t.s, 1u << 20);
	chim_stream_arrive_engine(t.s, HANDLE);
	worker_takes_nothing_more();
	done.bytes = 4;
	chim_stream_on_io(t.s, &done);
	io = worker_takes(CHIM_IO_SEND);
	assert_text(io.m, "earl");
	rte_pktmbuf_free(io.m);
	worker_takes_nothing_more();
	done.bytes = 1u << 19;
	chim_stream_on_io(t.s, &done);
	io = worker_takes(CHIM_IO_SEND);
	assert_text(io.m, "ier");
	rte_pktmbuf_free(io.m);
	worker_takes_return();
	io = worker_takes(CHIM_IO_RECEIVE);
	assert_int_equal(chim_nbl(io.m)->room, 0);
	rte_pktmbuf_free(io.m);
	worker_takes_nothing_more();
	end();
}

static void
a_full_ring_is_retried(void **state)
{
	struct chim_io filler = { .op = CHIM_IO_RETURN };
	struct chim_io io;
	uint32_t nb = 0;

	(void)state;
	begin("echo", NULL);
	moves_to_engine();
	while (chim_chan_put(t.slot->to_worker[0], &filler, 1) == 1)
		nb++;
	engine_indicates("abc");
	assert_true(chim_stream_is_blocked(t.s));
	while (nb-- > 0)
		worker_takes(CHIM_IO_RETURN);
	chim_stream_retry(t.s);
	assert_false(chim_stream_is_blocked(t.s));
	/* The return and the send; their order does not matter. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chim_chan_take(t.slot->to_worker[0], &io, 1), 1);
		assert_text(io.m, "abc");
		rte_pktmbuf_free(io.m);
	}
	worker_takes_nothing_more();
	end();
}

/* One send, no larger than what is left for those that have nothing posted; then no other. */
static struct chim_io
worker_takes_a_small_share(void)
{
	struct chim_io io = worker_takes(CHIM_IO_SEND);

	assert_true(io.m->nb_segs <= t.pool->size / 64 + 1);
	assert_true(chim_stream_is_blocked(t.s));
	worker_takes_nothing_more();
	return io;
}

static void
a_pool_that_is_half_used_is_shared_out(void **state)
{
	struct rte_mbuf *taken[1100];
	struct chim_io io;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(t.pool, taken, 1100), 0);
	begin("source", "10M");
	moves_to_engine();
	io = worker_takes_a_small_share();
	/* What it has posted counts against it, however often it tries. */
	chim_stream_retry(t.s);
	worker_takes_nothing_more();
	engine_completes(io, CHIM_STATUS_SUCCESS);
	io = worker_takes_a_small_share();
	/* Where there is enough again it may have more. */
	rte_pktmbuf_free_bulk(taken, 1100);
	chim_stream_retry(t.s);
	assert_true(chim_chan_count(t.slot->to_worker[0]) > 1);
	engine_completes(io, CHIM_STATUS_SUCCESS);
	end();
}

static void
the_peers_fin_in_the_engine_is_end_of_file(void **state)
{
	struct chim_io fin = {
		.op = CHIM_IO_EVENT, .handle = HANDLE, .event = CHIM_EVENT_DISCONNECT
	};

	(void)state;
	begin("discard", NULL);
	moves_to_engine();
	engine_indicates("x");
	worker_takes_return();
	assert_false(chim_stream_is_finished(t.s));
	chim_stream_on_io(t.s, &fin);
	assert_true(chim_stream_is_finished(t.s));
	end();
}

static void
a_passive_stream_refuses_and_reads_nothing(void **state)
{
	struct chim_io io;

	(void)state;
	begin("park", NULL);
	peer_writes("stay");
	assert_false(chim_stream_wants_read(t.s));
	chim_stream_leave(t.s);
	chim_stream_arrive_engine(t.s, HANDLE);
	worker_takes_nothing_more();
	engine_indicates("keep");
	io = worker_takes(CHIM_IO_REFUSE);
	assert_text(io.m, "keep");
	rte_pktmbuf_free(io.m);
	end();
}

static void
refusals_that_a_full_ring_delays_keep_their_order(void **state)
{
	struct chim_io filler = { .op = CHIM_IO_RETURN };
	struct chim_io io;
	uint32_t nb = 0;

	(void)state;
	begin("park", NULL);
	chim_stream_leave(t.s);
	chim_stream_arrive_engine(t.s, HANDLE);
	while (chim_chan_put(t.slot->to_worker[0], &filler, 1) == 1)
		nb++;
	engine_indicates("first");
	while (nb-- > 0)
		worker_takes(CHIM_IO_RETURN);
	engine_indicates("second");
	io = worker_takes(CHIM_IO_REFUSE);
	assert_text(io.m, "first");
	assert_text(chim_nbl(io.m)->next, "second");
	assert_null(chim_nbl(chim_nbl(io.m)->next)->next);
	rte_pktmbuf_free(chim_nbl(io.m)->next);
	rte_pktmbuf_free(io.m);
	worker_takes_nothing_more();
	end();
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
	begin("discard", NULL);
	for (size_t i = 0; i < CHIM_DIM(lengths); i++) {
		for (size_t k = 0; k < lengths[i]; k++) {
			piece[k] = (uint8_t)(k * 31 + k / 251 + i);
			crc = crc_of_byte(crc, piece[k]);
		}
		assert_int_equal(write(t.peer, piece, lengths[i]), (ssize_t)lengths[i]);
		chim_stream_on_fd(t.s);
		chim_stream_stats(t.s, &st);
		assert_int_equal(st.hash_in, ~crc);
	}
	end();
}

static void
source_sends_its_length_across_a_move_and_closes_its_half(void **state)
{
	struct chim_stream_stats st;
	uint32_t crc = UINT32_MAX;
	uint64_t pos = 0;
	struct chim_io io;
	uint8_t got[8192];
	ssize_t n;

	(void)state;
	begin("source", "3M");
	chim_stream_on_fd(t.s);
	assert_true(chim_stream_wants_write(t.s));
	while ((n = read(t.peer, got, sizeof(got))) > 0) {
		for (ssize_t i = 0; i < n; i++, pos++) {
			assert_int_equal(got[i], (uint8_t)(pos ^ pos >> 8 ^ pos >> 16 ^ pos >> 24));
			crc = crc_of_byte(crc, got[i]);
		}
	}
	moves_to_engine();
	while (pos < 3u << 20) {
		io = worker_takes(CHIM_IO_SEND);
		for (struct rte_mbuf *seg = io.m; seg != NULL; seg = seg->next) {
			const uint8_t *p = rte_pktmbuf_mtod(seg, uint8_t *);

			for (uint16_t i = 0; i < seg->data_len; i++, pos++) {
				assert_int_equal(
					p[i], (uint8_t)(pos ^ pos >> 8 ^ pos >> 16 ^ pos >> 24));
				crc = crc_of_byte(crc, p[i]);
			}
		}
		engine_completes(io, CHIM_STATUS_SUCCESS);
		chim_stream_retry(t.s);
	}
	io = worker_takes(CHIM_IO_DISCONNECT);
	assert_int_equal(io.flags, CHIM_DISCONNECT_GRACEFUL);
	worker_takes_nothing_more();
	assert_false(chim_stream_is_finished(t.s));
	chim_stream_stats(t.s, &st);
	assert_int_equal(st.bytes_out, 3u << 20);
	assert_int_equal(st.hash_out, ~crc);
	end();
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
	begin("http", dir);
	peer_writes("GET /f.t");
	peer_reads_nothing_more();
	moves_to_engine();
	engine_indicates("xt HTTP/1.1\r\n\r\nGET /missing HTTP/1.1\r\nConnection: close\r\n\r\n");
	io = worker_takes(CHIM_IO_SEND);
	snprintf(text, sizeof(text), "%.*s", (int)io.m->data_len, rte_pktmbuf_mtod(io.m, char *));
	assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(text, "Content-Length: 7\r\n"));
	assert_non_null(strstr(text, "\r\n\r\ncontent"));
	engine_completes(io, CHIM_STATUS_SUCCESS);
	worker_takes_return();
	io = worker_takes(CHIM_IO_SEND);
	snprintf(text, sizeof(text), "%.*s", (int)io.m->data_len, rte_pktmbuf_mtod(io.m, char *));
	assert_non_null(strstr(text, "HTTP/1.1 404 Not Found\r\n"));
	assert_non_null(strstr(text, "Connection: close\r\n"));
	engine_completes(io, CHIM_STATUS_SUCCESS);
	worker_takes(CHIM_IO_DISCONNECT);
	unlink(name);
	rmdir(dir);
	end();
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
	cmocka_unit_test(source_sends_its_length_across_a_move_and_closes_its_half),
	cmocka_unit_test(http_answers_a_request_read_half_in_each_home),
	cmocka_unit_test(arguments_are_checked),
};
CHIM_CMOCKA_SUITE(serve_stream_autotest, tests, group_setup, group_teardown)
