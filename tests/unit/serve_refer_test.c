/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Services that send what is kept (chim_content.h): source and http, in both
 * homes and across moves, every byte and the hash of all of them compared;
 * with no memory, too little, and enough.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_hash_crc.h>
#include <rte_mbuf.h>

#include "homes.h"

/* A stream's bytes as they arrive: they must be those of source. */
struct arrived {
	uint64_t pos;
	uint32_t crc;
};

static void
arrives(struct arrived *a, const uint8_t *data, size_t n)
{
	a->crc = rte_hash_crc(data, (uint32_t)n, a->crc);
	for (size_t i = 0; i < n; i++, a->pos++) {
		uint64_t p = a->pos;

		assert_int_equal(data[i], (uint8_t)(p ^ p >> 8 ^ p >> 16 ^ p >> 24));
	}
}

static void
arrives_by_socket(struct arrived *a)
{
	uint8_t got[8192];
	ssize_t n;

	while ((n = read(homes.peer, got, sizeof(got))) > 0)
		arrives(a, got, (size_t)n);
}

/* What is posted, completed with a status. @return how many of the sends referred to content. */
static uint32_t
arrives_by_engine(struct arrived *a, uint32_t nb_sends)
{
	uint32_t nb_referring = 0;

	while (nb_sends-- > 0) {
		struct chim_io io = homes_worker_takes(CHIM_IO_SEND);

		nb_referring += RTE_MBUF_HAS_EXTBUF(io.m) != 0;
		for (struct rte_mbuf *seg = io.m; seg != NULL; seg = seg->next)
			arrives(a, rte_pktmbuf_mtod(seg, uint8_t *), seg->data_len);
		homes_engine_completes(io, CHIM_STATUS_SUCCESS);
		chim_stream_retry(homes.s);
	}
	return nb_referring;
}

static void
sends_all_of(const char *length, uint64_t bytes)
{
	struct arrived a = { .crc = UINT32_MAX };
	struct chim_stream_stats st;
	struct chim_io io;

	homes_begin("source", length);
	chim_stream_on_fd(homes.s);
	assert_true(chim_stream_wants_write(homes.s));
	arrives_by_socket(&a);
	homes_move_to_engine();
	while (a.pos < bytes)
		arrives_by_engine(&a, 1);
	io = homes_worker_takes(CHIM_IO_DISCONNECT);
	assert_int_equal(io.flags, CHIM_DISCONNECT_GRACEFUL);
	homes_worker_takes_nothing_more();
	assert_false(chim_stream_is_finished(homes.s));
	chim_stream_stats(homes.s, &st);
	assert_int_equal(st.bytes_out, bytes);
	assert_int_equal(st.hash_out, ~a.crc);
}

static void
source_sends_its_length_across_a_move_and_closes_its_half(void **state)
{
	struct chim_stream_stats st;

	(void)state;
	sends_all_of("3M", 3u << 20);
	chim_stream_stats(homes.s, &st);
	assert_int_equal(st.bytes_referred, 0);
	homes_end();
}

static bool
make_zeros(void *state, uint64_t at, uint8_t *to, size_t n)
{
	(void)state;
	(void)at;
	memset(to, 0, n);
	return true;
}

/* Half of the pieces are somebody's: what finds none is made as it is sent. */
static void
source_refers_to_what_is_kept_and_makes_the_rest(void **state)
{
	const struct chim_content_key key = { .size = 4u << 20, .ino = 1 };
	struct chim_content *other;
	struct chim_stream_stats st;

	(void)state;
	chim_content_use(homes.pieces);
	other = chim_content_hold(&key);
	for (uint64_t at = 0; at < key.size; at += CHIM_CONTENT_PIECE)
		assert_true(chim_content_load(other, at, make_zeros, NULL) > 0);
	sends_all_of("8M", 8u << 20);
	chim_stream_stats(homes.s, &st);
	assert_true(st.bytes_referred > 3u << 20 && st.bytes_referred <= 4u << 20);
	homes_end();
	chim_content_use(NULL);
	assert_int_equal(rte_mempool_in_use_count(homes.pieces), 0);
}

/* Parts of what refers, taken by the engine, come back with a move and go by the socket; then the
 * source goes on in the kernel, and in the engine again in the middle of a piece. */
static void
what_refers_to_content_moves_like_all_else(void **state)
{
	struct arrived a = { .crc = UINT32_MAX };
	struct chim_stream_stats st;
	struct chim_io io;

	(void)state;
	chim_content_use(homes.pieces);
	homes_begin("source", "100M");
	homes_move_to_engine();
	assert_int_equal(arrives_by_engine(&a, 3), 3);
	io = homes_worker_takes(CHIM_IO_SEND);
	assert_true(RTE_MBUF_HAS_EXTBUF(io.m) != 0);
	arrives(&a, rte_pktmbuf_mtod(io.m, uint8_t *), 5000);
	rte_pktmbuf_adj(io.m, 5000); /* acknowledged */
	chim_stream_leave(homes.s);
	do {
		homes_engine_completes(io, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	} while (chim_chan_take(homes.slot->to_worker[0], &io, 1) == 1);
	chim_stream_arrive_kernel(homes.s);
	while (a.pos < 2u << 20) {
		arrives_by_socket(&a);
		chim_stream_on_fd(homes.s);
	}
	arrives_by_socket(&a);
	homes_move_to_engine();
	while (a.pos < 3u << 20)
		arrives_by_engine(&a, 1);
	chim_stream_stats(homes.s, &st);
	assert_true(st.bytes_referred > 2u << 20);
	/* The rest has not arrived, but counts. */
	chim_stream_leave(homes.s);
	while (chim_chan_take(homes.slot->to_worker[0], &io, 1) == 1) {
		for (struct rte_mbuf *seg = io.m; seg != NULL; seg = seg->next)
			arrives(&a, rte_pktmbuf_mtod(seg, uint8_t *), seg->data_len);
		homes_engine_completes(io, CHIM_STATUS_SUCCESS);
	}
	assert_int_equal(st.bytes_out, a.pos);
	assert_int_equal(st.hash_out, ~a.crc);
	homes_end();
	chim_content_use(NULL);
	assert_int_equal(rte_mempool_in_use_count(homes.pieces), 0);
}

/* A file that was changed lately may change again unnoticed: one of the system's is older. */
static void
http_keeps_a_file_and_refers_to_it(void **state)
{
	static uint8_t file[4u << 20], got[4u << 20];
	char request[256], path[PATH_MAX];
	struct chim_stream_stats st;
	const char *head_end;
	Dl_info lib;
	struct chim_io io;
	ssize_t size;
	size_t n = 0;
	int fd;

	(void)state;
	assert_int_not_equal(dladdr((void *)(uintptr_t)rte_eal_init, &lib), 0);
	assert_non_null(realpath(lib.dli_fname, path));
	fd = open(path, O_RDONLY);
	size = read(fd, file, sizeof(file));
	close(fd);
	assert_true(size > 2 * (ssize_t)CHIM_CONTENT_PIECE && size < 4 << 20);
	chim_content_use(homes.pieces);
	snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n\r\n", strrchr(path, '/') + 1);
	*strrchr(path, '/') = '\0';
	homes_begin("http", path);
	homes_move_to_engine();
	for (int round = 0; round < 2; round++) {
		homes_engine_indicates(request);
		for (n = 0; chim_chan_take(homes.slot->to_worker[0], &io, 1) == 1;) {
			if (io.op == CHIM_IO_RETURN) {
				rte_pktmbuf_free(io.m);
				continue;
			}
			for (struct rte_mbuf *seg = io.m; seg != NULL; seg = seg->next) {
				memcpy(got + n, rte_pktmbuf_mtod(seg, void *), seg->data_len);
				n += seg->data_len;
			}
			homes_engine_completes(io, CHIM_STATUS_SUCCESS);
			chim_stream_retry(homes.s);
		}
		got[n] = '\0';
		head_end = strstr((char *)got, "\r\n\r\n");
		assert_non_null(head_end);
		head_end += 4;
		assert_int_equal((char *)got + n - head_end, size);
		assert_memory_equal(head_end, file, (size_t)size);
		chim_stream_stats(homes.s, &st);
		assert_int_equal(st.bytes_referred, (round + 1) * size);
		assert_int_equal(rte_mempool_in_use_count(homes.pieces),
			(size + CHIM_CONTENT_PIECE - 1) / CHIM_CONTENT_PIECE);
	}
	homes_end();
	chim_content_use(NULL);
	assert_int_equal(rte_mempool_in_use_count(homes.pieces), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(source_sends_its_length_across_a_move_and_closes_its_half),
	cmocka_unit_test(source_refers_to_what_is_kept_and_makes_the_rest),
	cmocka_unit_test(what_refers_to_content_moves_like_all_else),
	cmocka_unit_test(http_keeps_a_file_and_refers_to_it),
};
CHIM_CMOCKA_SUITE(serve_refer_autotest, tests, homes_group_setup, homes_group_teardown)
