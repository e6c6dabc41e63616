/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See homes.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "homes.h"

struct homes homes;

int
homes_group_setup(void **state)
{
	struct chim_target_config cfg = { .nb_hosts = 1, .nb_workers = 1, .ring_entries = 64 };

	(void)state;
	homes.pool = rte_pktmbuf_pool_create("serve_test", 2047, 0, CHIM_NBL_PRIV_SIZE, 2176, 0);
	if (homes.pool == NULL)
		return -1;
	homes.pieces = chim_content_pool_create("serve_pieces", 8u << 20, 0);
	if (homes.pieces == NULL)
		return -1;
	cfg.host_pool = homes.pool;
	homes.target = chim_target_create(&cfg);
	if (homes.target == NULL)
		return -1;
	homes.host = chim_host_open("serve-test");
	homes.slot = &homes.target->slot[0];
	return homes.host == NULL ? -1 : 0;
}

int
homes_group_teardown(void **state)
{
	(void)state;
	chim_host_close(homes.host);
	chim_target_destroy(homes.target);
	rte_mempool_free(homes.pool);
	rte_mempool_free(homes.pieces);
	return 0;
}

void
homes_begin(const char *service, const char *arg)
{
	const struct chim_service *svc = chim_service_find(service);
	int sv[2];

	assert_non_null(svc);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	homes.peer = sv[0];
	homes.fd = sv[1];
	homes.s = chim_stream_create(homes.host, homes.fd, svc, arg);
	assert_non_null(homes.s);
}

void
homes_end(void)
{
	struct chim_io io;

	chim_stream_destroy(homes.s);
	close(homes.peer);
	close(homes.fd);
	while (chim_chan_take(homes.slot->to_worker[0], &io, 1) == 1) {
		struct rte_mbuf *next;

		for (struct rte_mbuf *m = io.m; m != NULL; m = next) {
			next = chim_nbl(m)->next;
			rte_pktmbuf_free(m);
		}
	}
	assert_int_equal(rte_mempool_in_use_count(homes.pool), 0);
}

void
homes_peer_writes(const char *text)
{
	assert_int_equal(write(homes.peer, text, strlen(text)), (ssize_t)strlen(text));
	chim_stream_on_fd(homes.s);
}

void
homes_peer_reads(const char *text)
{
	char got[256] = "";
	ssize_t n = read(homes.peer, got, sizeof(got) - 1);

	assert_int_equal(n, (ssize_t)strlen(text));
	assert_string_equal(got, text);
}

void
homes_peer_reads_nothing_more(void)
{
	char c;

	assert_int_equal(read(homes.peer, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

struct chim_io
homes_worker_takes(uint16_t op)
{
	struct chim_io io;

	assert_int_equal(chim_chan_take(homes.slot->to_worker[0], &io, 1), 1);
	assert_int_equal(io.op, op);
	return io;
}

void
homes_worker_takes_nothing_more(void)
{
	assert_int_equal(chim_chan_count(homes.slot->to_worker[0]), 0);
}

void
homes_worker_takes_return(void)
{
	struct chim_io io = homes_worker_takes(CHIM_IO_RETURN);

	assert_null(chim_nbl(io.m)->next);
	rte_pktmbuf_free(io.m);
}

static struct rte_mbuf *
chain_of(const char *text)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(homes.pool);

	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	chim_nbl(m)->cookie = HOMES_HANDLE;
	memcpy(rte_pktmbuf_append(m, (uint16_t)strlen(text)), text, strlen(text));
	return m;
}

void
homes_engine_indicates(const char *text)
{
	struct chim_io io = { .op = CHIM_IO_INDICATE,
		.handle = HOMES_HANDLE,
		.m = chain_of(text),
		.bytes = (uint32_t)strlen(text) };

	chim_stream_on_io(homes.s, &io);
}

void
homes_engine_completes(struct chim_io io, enum chim_status status)
{
	struct chim_io done = {
		.op = CHIM_IO_SEND_DONE, .handle = HOMES_HANDLE, .m = io.m, .status = status
	};

	for (struct rte_mbuf *m = io.m; m != NULL; m = chim_nbl(m)->next)
		chim_nbl(m)->status = status;
	chim_stream_on_io(homes.s, &done);
}

void
homes_move_to_engine(void)
{
	struct chim_io io;

	chim_stream_leave(homes.s);
	chim_stream_arrive_engine(homes.s, HOMES_HANDLE);
	io = homes_worker_takes(CHIM_IO_RECEIVE);
	assert_int_equal(chim_nbl(io.m)->room, 0);
	rte_pktmbuf_free(io.m);
}

void
homes_assert_text(const struct rte_mbuf *m, const char *text)
{
	assert_int_equal(m->pkt_len, strlen(text));
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), text, strlen(text));
}
