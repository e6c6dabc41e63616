/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A stream at home in the kernel: a non-blocking descriptor. What a stay in
 * the engine left over (sends given back, sends never posted) is written
 * before anything new.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <rte_mbuf.h>

#include "serve_stream.h"

/* An errno that means "later". */
static bool
is_later(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

void
serve_fd_fill(struct chim_stream *s)
{
	uint8_t *in = malloc(SERVE_IN_SIZE);
	ssize_t got;

	if (in == NULL) {
		s->wants_read = true;
		return;
	}
	got = recv(s->fd, in, SERVE_IN_SIZE, MSG_DONTWAIT);
	if (got > 0) {
		s->in = in;
		s->in_off = 0;
		s->in_len = (uint32_t)got;
		return;
	}
	free(in);
	if (got == 0)
		s->is_eof = true;
	else if (is_later(errno))
		s->wants_read = true;
	else
		s->error = errno;
}

static size_t
write_some(struct chim_stream *s, const void *data, size_t n)
{
	ssize_t done = send(s->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done >= 0) {
		s->wants_write = (size_t)done < n;
		return (size_t)done;
	}
	if (is_later(errno))
		s->wants_write = true;
	else
		s->error = errno;
	return 0;
}

/* What to write next, made when it is not there; of that less may fit at once. */
static const uint8_t *
next_piece(const struct serve_bytes *from, size_t at, uint8_t *made, size_t *n)
{
	if (from->data != NULL)
		return from->data + at;
	*n = RTE_MIN(*n, (size_t)SERVE_OUT_SIZE);
	from->maker(from->state, at, made, *n);
	return made;
}

size_t
serve_fd_write(struct chim_stream *s, const struct serve_bytes *from, size_t n)
{
	uint8_t made[SERVE_OUT_SIZE];
	size_t taken = 0;

	while (taken < n) {
		size_t part = n - taken;
		const uint8_t *data = next_piece(from, taken, made, &part);
		size_t done = write_some(s, data, part);

		serve_stream_count_out(s, data, done);
		taken += done;
		if (done < part)
			break;
	}
	return taken;
}

/* Write the front of a list as far as it goes. @return true when the list is empty. */
static bool
flush_list(struct chim_stream *s, struct serve_list *l)
{
	while (l->head != NULL) {
		struct rte_mbuf *m = l->head;
		struct rte_mbuf *seg = m;
		size_t done = 0;

		while (seg != NULL && seg->data_len == 0)
			seg = seg->next;
		if (seg == NULL) {
			rte_pktmbuf_free(serve_list_take(l));
			continue;
		}
		done = write_some(s, rte_pktmbuf_mtod(seg, void *), seg->data_len);
		if (done == 0)
			return false;
		seg->data_off += done;
		seg->data_len -= done;
		m->pkt_len -= done;
		l->bytes -= done;
	}
	return true;
}

void
serve_fd_shutdown(struct chim_stream *s)
{
	if (s->is_shut_told)
		return;
	/* In a state beyond ESTABLISHED or CLOSE_WAIT the kernel ignores it: the FIN went out in
	 * the engine. ENOTCONN: the peer's reset came first, recv() will say so. */
	shutdown(s->fd, SHUT_WR);
	s->is_shut_told = true;
}

bool
serve_fd_flush(struct chim_stream *s)
{
	if (!flush_list(s, &s->returned) || !flush_list(s, &s->unsent))
		return false;
	if (s->is_shut)
		serve_fd_shutdown(s);
	return true;
}
