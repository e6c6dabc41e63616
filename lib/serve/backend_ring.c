/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A stream at home in the engine: sends are made in mbufs of the host's pool,
 * or copied there, or refer to content, and are posted; received data is lent by the engine, read
 * in place, and given back. A ring or pool that is full is a state: what could not be posted waits
 * in the stream, and is_blocked asks for chim_stream_retry().
 *
 * A move away takes the posted sends along: terminate returns them to the
 * agent, which writes them into the kernel's queue. A send that the worker
 * found too late comes back here and goes first in the next home.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "serve_stream.h"

#define FIRST_SHARE 64u /* of a pool, for a stream that has nothing posted */

static bool
post(struct chim_stream *s, uint16_t op, struct rte_mbuf *m, uint16_t flags)
{
	struct chim_io io = { .op = op, .flags = flags, .handle = s->handle, .m = m };

	if (chim_host_post(s->host, &io) == 0)
		return true;
	s->is_blocked = true;
	return false;
}

/* A receive request without room: from now on data may be indicated (spec 6.2). */
static bool
post_enable(struct chim_stream *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(chim_host_pool(s->host));

	if (m == NULL) {
		s->is_blocked = true;
		return false;
	}
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	s->is_enabled = post(s, CHIM_IO_RECEIVE, m, 0);
	if (!s->is_enabled)
		rte_pktmbuf_free(m);
	return s->is_enabled;
}

static bool
post_list(struct chim_stream *s, struct serve_list *l)
{
	while (l->head != NULL) {
		struct rte_mbuf *m = serve_list_take(l);
		uint32_t bytes = m->pkt_len;

		/* Its completion may come with less data in the chain: keep the length. */
		chim_nbl(m)->cookie = bytes;
		if (!post(s, CHIM_IO_SEND, m, 0)) {
			chim_nbl(m)->next = l->head;
			if (l->head == NULL)
				l->tail = m;
			l->head = m;
			l->bytes += bytes;
			return false;
		}
		s->posted += bytes;
	}
	return true;
}

void
serve_ring_return(struct chim_stream *s)
{
	if (s->give_back == NULL)
		return;
	s->give_back = chim_host_return(s->host, s->give_back);
	if (s->give_back != NULL)
		s->is_blocked = true;
}

/*
 * A passive service leaves everything in the connection. What a full ring did not take goes with
 * the next refusal: they must come in the order of the data.
 */
static void
post_refusals(struct chim_stream *s)
{
	if (s->svc->is_passive && s->lent.head != NULL && post(s, CHIM_IO_REFUSE, s->lent.head, 0))
		s->lent = (struct serve_list){ 0 };
}

/* The usual case, at every entry of the ring. */
static bool
nothing_waits(const struct chim_stream *s)
{
	return s->is_enabled && s->give_back == NULL && s->returned.head == NULL &&
		s->unsent.head == NULL && (!s->is_shut || s->is_shut_told);
}

bool
serve_ring_flush(struct chim_stream *s)
{
	if (nothing_waits(s))
		return true;
	serve_ring_return(s);
	post_refusals(s);
	if (!s->is_enabled && !s->svc->is_passive && s->lent.head == NULL && !post_enable(s))
		return false;
	if (!post_list(s, &s->returned) || !post_list(s, &s->unsent))
		return false;
	if (s->is_shut && !s->is_shut_told)
		s->is_shut_told = post(s, CHIM_IO_DISCONNECT, NULL, CHIM_DISCONNECT_GRACEFUL);
	return true;
}

/* Bytes from at on, in a new chain. @return NULL when the pool is empty. */
static struct rte_mbuf *
make_chain(struct chim_stream *s, const struct serve_bytes *from, size_t at, size_t n)
{
	struct rte_mempool *pool = chim_host_pool(s->host);
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	struct rte_mbuf *seg[SERVE_CHAIN_SEGS];
	uint32_t nb = (uint32_t)((n + room - 1) / room);

	if (rte_pktmbuf_alloc_bulk(pool, seg, nb) != 0)
		return NULL;
	for (uint32_t i = 0; i < nb; i++) {
		uint16_t len = (uint16_t)RTE_MIN(n, (size_t)room);
		uint8_t *to = (uint8_t *)rte_pktmbuf_append(seg[i], len);

		serve_bytes_get(from, at, to, len);
		serve_stream_count_out(s, to, len);
		at += len;
		n -= len;
		if (i > 0)
			seg[i - 1]->next = seg[i];
	}
	for (uint32_t i = 1; i < nb; i++)
		seg[0]->pkt_len += seg[i]->data_len;
	seg[0]->nb_segs = (uint16_t)nb;
	memset(chim_nbl(seg[0]), 0, sizeof(struct chim_nbl));
	return seg[0];
}

/*
 * How many mbufs the next chain of this stream may have. Peers that read nothing keep what was
 * written to them: the second half of the pool is for streams that have nothing posted, and
 * there is little of it for each, so that all find some.
 */
static uint32_t
share(const struct chim_stream *s, struct rte_mempool *pool)
{
	if (s->posted == 0)
		return RTE_MIN(pool->size / FIRST_SHARE + 1, SERVE_CHAIN_SEGS);
	return rte_mempool_avail_count(pool) > pool->size / 2 ? SERVE_CHAIN_SEGS : 0;
}

/*
 * One mbuf that refers to content. As much as there is, even where that is a little more than may
 * be posted: a piece that is cut would have to be read for its CRC. @return NULL when there is no
 * mbuf, or the piece has too many references.
 */
static struct rte_mbuf *
refer_chain(struct chim_stream *s, const struct serve_bytes *from, size_t at, size_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(chim_host_pool(s->host));

	if (m == NULL)
		return NULL;
	if (!serve_content_refer(from->content, from->offset + at, (uint16_t)n, m)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	s->stats.hash_out =
		serve_content_crc(from->content, from->offset + at, (uint16_t)n, s->stats.hash_out);
	s->stats.bytes_out += n;
	s->stats.bytes_referred += n;
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	return m;
}

/* What can go in one send now. @return NULL when nothing can. */
static struct rte_mbuf *
next_chain(struct chim_stream *s, const struct serve_bytes *from, size_t at, size_t n)
{
	struct rte_mempool *pool = chim_host_pool(s->host);
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	size_t most = (size_t)room * share(s, pool);
	struct rte_mbuf *m = NULL;

	if (most == 0)
		return NULL;
	if (from->content != NULL)
		m = refer_chain(s, from, at, n);
	if (m != NULL)
		return m;
	most = RTE_MIN(most, (size_t)SERVE_CHAIN_BYTES);
	most = RTE_MIN(most, (size_t)(SERVE_MAX_POSTED - s->posted));
	return make_chain(s, from, at, RTE_MIN(most, n));
}

size_t
serve_ring_write(struct chim_stream *s, const struct serve_bytes *from, size_t n)
{
	size_t taken = 0;

	while (taken < n && s->posted < SERVE_MAX_POSTED && s->unsent.head == NULL) {
		struct rte_mbuf *m = next_chain(s, from, taken, n - taken);

		if (m == NULL) {
			s->is_blocked = true;
			break;
		}
		taken += m->pkt_len;
		serve_list_put(&s->unsent, m);
		post_list(s, &s->unsent);
	}
	return taken;
}

void
serve_ring_give_back(struct chim_stream *s, struct rte_mbuf *chain)
{
	struct rte_mbuf **at = &s->give_back;

	while (*at != NULL)
		at = &chim_nbl(*at)->next;
	chim_nbl(chain)->next = NULL;
	*at = chain;
	serve_ring_return(s);
}

/* Sends are done, or were too late for the engine: then they are still to be sent. */
static void
take_sends(struct chim_stream *s, struct rte_mbuf *list)
{
	while (list != NULL) {
		struct rte_mbuf *m = list;
		uint32_t bytes = (uint32_t)chim_nbl(m)->cookie;

		list = chim_nbl(m)->next;
		s->posted -= RTE_MIN(bytes, s->posted);
		if (chim_nbl(m)->status == CHIM_STATUS_UPLOAD_IN_PROGRESS && m->pkt_len > 0)
			serve_list_put(&s->returned, m);
		else
			rte_pktmbuf_free(m);
	}
}

static void
take_indication(struct chim_stream *s, const struct chim_io *io)
{
	serve_list_put(&s->lent, io->m);
	if (s->svc->is_passive) {
		post_refusals(s);
		return;
	}
	if (s->seg == NULL) {
		s->seg = s->lent.head;
		s->seg_off = 0;
	}
}

void
serve_ring_take(struct chim_stream *s, const struct chim_io *io)
{
	switch (io->op) {
	case CHIM_IO_SEND_DONE:
		s->posted -= RTE_MIN(io->bytes, s->posted); /* inherited */
		take_sends(s, io->m);
		break;
	case CHIM_IO_INDICATE:
		take_indication(s, io);
		break;
	case CHIM_IO_EVENT:
		if (io->event == CHIM_EVENT_DISCONNECT)
			s->is_eof = true;
		else if (io->event == CHIM_EVENT_ABORT)
			s->error = ECONNRESET;
		break;
	default:
		chim_nbl_free(io->m);
		break;
	}
}
