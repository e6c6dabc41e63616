/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A stream: what a service reads and writes, whichever home the connection is
 * in. The application creates it, tells it of moves, and calls it when its
 * home has news; each such call ends in run(), which lets the service work.
 *
 * The accounting (bytes and a CRC-32C of them) is done where a byte passes
 * between service and stream, so it does not depend on homes or moves.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_mbuf.h>

#include "chim_base.h"
#include "serve_stream.h"

static void
run(struct chim_stream *s)
{
	if (s->is_running || s->home == SERVE_HOME_AWAY || s->is_finished || s->error != 0)
		return;
	s->is_running = true;
	s->wants_read = false;
	s->wants_write = false;
	s->is_short = false;
	s->budget = SERVE_RUN_BUDGET;
	s->svc->run(s, s->state);
	s->is_running = false;
	/* It may have read the last of an earlier stay: then indications are welcome. */
	if (s->home == SERVE_HOME_ENGINE && !s->is_enabled)
		serve_ring_flush(s);
	/* The service may have nothing to write while an earlier home's rest still waits. */
	if (s->home == SERVE_HOME_KERNEL && (s->returned.head != NULL || s->unsent.head != NULL))
		s->wants_write = true;
}

/* Hand over what earlier writes left behind. @return true when new bytes may follow. */
static bool
flush(struct chim_stream *s)
{
	if (s->home == SERVE_HOME_KERNEL) {
		serve_ring_return(s);
		return serve_fd_flush(s);
	}
	if (s->home == SERVE_HOME_ENGINE)
		return serve_ring_flush(s);
	return false;
}

/* ---- what a service calls ---- */

size_t
chim_stream_peek(struct chim_stream *s, const uint8_t **data)
{
	if (s->in == NULL && s->lent.head == NULL && s->home == SERVE_HOME_KERNEL && !s->is_eof)
		serve_fd_fill(s);
	if (s->in != NULL) {
		*data = s->in + s->in_off;
		return s->in_len - s->in_off;
	}
	while (s->seg != NULL && s->seg_off == s->seg->data_len) {
		s->seg = s->seg->next;
		s->seg_off = 0;
	}
	if (s->seg == NULL)
		return 0;
	*data = rte_pktmbuf_mtod_offset(s->seg, const uint8_t *, s->seg_off);
	return s->seg->data_len - s->seg_off;
}

/* Leave a lent chain behind whose bytes have all been read. */
static void
next_chain(struct chim_stream *s)
{
	struct rte_mbuf *m = serve_list_take(&s->lent);

	s->seg = s->lent.head;
	s->seg_off = 0;
	serve_ring_give_back(s, m);
}

void
chim_stream_consume(struct chim_stream *s, size_t n)
{
	const uint8_t *data;
	size_t have = chim_stream_peek(s, &data);

	chim_assert(n <= have);
	if (n == 0)
		return;
	s->stats.bytes_in += n;
	s->stats.hash_in = serve_crc(s->stats.hash_in, data, n);
	if (s->in != NULL) {
		s->in_off += n;
		if (s->in_off == s->in_len) {
			free(s->in);
			s->in = NULL;
		}
		return;
	}
	s->seg_off += n;
	while (s->seg != NULL && s->seg_off == s->seg->data_len) {
		s->seg = s->seg->next;
		s->seg_off = 0;
	}
	if (s->seg == NULL)
		next_chain(s);
}

bool
chim_stream_is_eof(const struct chim_stream *s)
{
	return s->is_eof && s->in == NULL && s->lent.head == NULL;
}

void
serve_stream_count_out(struct chim_stream *s, const void *data, size_t n)
{
	s->stats.bytes_out += n;
	s->stats.hash_out = serve_crc(s->stats.hash_out, data, n);
}

static size_t
write_bytes(struct chim_stream *s, const struct serve_bytes *from, size_t n)
{
	size_t most = RTE_MIN(n, (size_t)s->budget);
	size_t taken = 0;

	if (s->is_shut || s->error != 0 || n == 0)
		return 0;
	s->is_short = true;
	if (!flush(s))
		return 0;
	if (most > 0 && s->home == SERVE_HOME_KERNEL)
		taken = serve_fd_write(s, from, most);
	else if (most > 0)
		taken = serve_ring_write(s, from, most);
	s->budget -= taken;
	if (s->budget == 0) {
		/* Its turn is over, although there may be room: come back. */
		s->wants_write = true;
		s->is_blocked = s->home == SERVE_HOME_ENGINE;
	}
	s->is_short = taken < n;
	return taken;
}

size_t
chim_stream_write(struct chim_stream *s, const void *data, size_t n)
{
	return write_bytes(s, &(struct serve_bytes){ .data = data }, n);
}

size_t
chim_stream_make(struct chim_stream *s, chim_stream_maker maker, void *state, size_t n)
{
	return write_bytes(s, &(struct serve_bytes){ .maker = maker, .state = state }, n);
}

size_t
chim_stream_refer(struct chim_stream *s, const struct chim_content *c, uint64_t offset, size_t n)
{
	const struct serve_bytes from = {
		.data = serve_content_at(c, offset), .content = c, .offset = offset
	};

	return write_bytes(s, &from, n);
}

void
chim_stream_shutdown(struct chim_stream *s)
{
	s->is_shut = true;
	flush(s);
}

void
chim_stream_finish(struct chim_stream *s)
{
	s->is_finished = true;
	flush(s);
}

/* ---- what the application calls ---- */

struct chim_stream *
chim_stream_create(struct chim_host *host, int fd, const struct chim_service *svc, const char *arg)
{
	struct chim_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->host = host;
	s->fd = fd;
	s->svc = svc;
	s->home = SERVE_HOME_KERNEL;
	s->state = svc->open(s, arg);
	if (s->state == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
chim_stream_destroy(struct chim_stream *s)
{
	if (s == NULL)
		return;
	s->svc->close(s->state);
	while (s->lent.head != NULL)
		serve_ring_give_back(s, serve_list_take(&s->lent));
	/* What a full ring refuses may be freed as well: the connection is over, or at home in the
	 * kernel, and there is no window left to open. */
	while (s->give_back != NULL) {
		struct rte_mbuf *m = s->give_back;

		s->give_back = chim_nbl(m)->next;
		rte_pktmbuf_free(m);
	}
	serve_list_free(&s->returned);
	serve_list_free(&s->unsent);
	free(s->in);
	free(s);
}

void
chim_stream_on_fd(struct chim_stream *s)
{
	if (s->home != SERVE_HOME_KERNEL)
		return;
	flush(s);
	run(s);
}

void
chim_stream_leave(struct chim_stream *s)
{
	s->home = SERVE_HOME_AWAY;
	s->posted = 0;
	s->wants_read = false;
	s->wants_write = false;
	s->is_blocked = false;
}

void
chim_stream_inherit(struct chim_stream *s, uint32_t bytes)
{
	s->posted = bytes;
}

void
chim_stream_arrive_engine(struct chim_stream *s, chim_handle_t handle)
{
	s->home = SERVE_HOME_ENGINE;
	s->handle = handle;
	s->is_enabled = false;
	flush(s);
	run(s);
}

void
chim_stream_arrive_kernel(struct chim_stream *s)
{
	s->home = SERVE_HOME_KERNEL;
	s->handle = CHIM_HANDLE_NONE;
	s->posted = 0;
	s->is_shut_told = false; /* the engine may not have come to it; twice does no harm */
	flush(s);
	run(s);
}

/* Sends that are done are no news for a service that had room for all it wanted to write. */
void
chim_stream_on_io(struct chim_stream *s, const struct chim_io *io)
{
	serve_ring_take(s, io);
	if (s->home != SERVE_HOME_ENGINE)
		return;
	flush(s);
	if (io->op != CHIM_IO_SEND_DONE || s->is_short)
		run(s);
}

void
chim_stream_retry(struct chim_stream *s)
{
	if (!s->is_blocked)
		return;
	s->is_blocked = false;
	flush(s);
	run(s);
}

bool
chim_stream_is_blocked(const struct chim_stream *s)
{
	return s->is_blocked;
}

bool
chim_stream_wants_read(const struct chim_stream *s)
{
	return s->wants_read;
}

bool
chim_stream_wants_write(const struct chim_stream *s)
{
	return s->wants_write;
}

bool
chim_stream_is_finished(const struct chim_stream *s)
{
	return s->is_finished && s->returned.head == NULL && s->unsent.head == NULL;
}

bool
chim_stream_is_shut(const struct chim_stream *s)
{
	return s->is_shut;
}

int
chim_stream_error(const struct chim_stream *s)
{
	return s->error;
}

bool
chim_stream_is_idle(const struct chim_stream *s)
{
	return s->posted == 0 && s->lent.head == NULL && s->give_back == NULL;
}

void
chim_stream_stats(const struct chim_stream *s, struct chim_stream_stats *st)
{
	*st = s->stats;
	st->unread = s->lent.bytes - (s->lent.head != NULL && s->seg != NULL ? s->seg_off : 0);
	if (s->in != NULL)
		st->unread += s->in_len - s->in_off;
	st->unsent = s->returned.bytes + s->unsent.bytes;
	st->posted = s->posted;
}
