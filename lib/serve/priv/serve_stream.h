/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A stream from the inside, and what its two back ends offer to stream.c.
 *
 * Read order is fixed, whatever the moves: first what recv() brought (in),
 * then what the engine lent (lent), then the descriptor. It holds because
 * recv() is called only when both are empty.
 *
 * Write order: first sends that an upload gave back (returned), then what no
 * home has taken yet (unsent), then new bytes.
 */
#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H

#include <string.h>

#include "chim_serve.h"
#include "serve_content.h"

#define SERVE_IN_SIZE	  65536u   /* bytes one recv() asks for */
#define SERVE_OUT_SIZE	  65536u   /* bytes made for one send() */
#define SERVE_MAX_POSTED  1048576u /* bytes in the engine and not acknowledged: then no more */
#define SERVE_RUN_BUDGET  1048576u /* bytes a service may write before others have their turn */
#define SERVE_CHAIN_BYTES 65536u   /* largest send */
#define SERVE_CHAIN_SEGS  48u

enum serve_home {
	SERVE_HOME_KERNEL,
	SERVE_HOME_AWAY,
	SERVE_HOME_ENGINE,
};

/* A list of mbuf chains, linked by struct chim_nbl. */
struct serve_list {
	struct rte_mbuf *head;
	struct rte_mbuf *tail;
	uint32_t bytes;
};

/* What a service writes: bytes that are there, or will be made. */
struct serve_bytes {
	const uint8_t *data; /* NULL: ask the maker */
	chim_stream_maker maker;
	void *state;
	const struct chim_content *content; /* which data is from offset on, or NULL */
	uint64_t offset;
};

struct chim_stream {
	struct chim_host *host;
	const struct chim_service *svc;
	void *state;
	chim_handle_t handle; /* in the engine */
	int fd;
	int error;
	enum serve_home home;
	/* read side */
	uint8_t *in; /* SERVE_IN_SIZE bytes, or NULL while there is nothing in it */
	uint32_t in_off;
	uint32_t in_len;
	struct serve_list lent;
	struct rte_mbuf *seg; /* segment of lent.head that peek shows */
	uint32_t seg_off;
	struct rte_mbuf *give_back; /* read, but the ring was full */
	/* write side */
	struct serve_list returned;
	struct serve_list unsent;
	uint32_t posted;
	uint32_t budget;
	bool is_eof;	   /* the peer's FIN has been seen */
	bool is_shut;	   /* the service has closed its half */
	bool is_shut_told; /* this home knows */
	bool is_finished;
	bool is_running;
	bool wants_read;
	bool wants_write;
	bool is_short;	 /* the service could not write all that it had */
	bool is_blocked; /* something for chim_stream_retry() */
	bool is_enabled; /* the receive that enables indications is posted */
	struct chim_stream_stats stats;
};

/* ---- list.c ---- */

void serve_list_put(struct serve_list *l, struct rte_mbuf *m);
struct rte_mbuf *serve_list_take(struct serve_list *l);
void serve_list_free(struct serve_list *l);

/* ---- stream.c ---- */

/* Bytes at .. at + n of what is written. */
static inline void
serve_bytes_get(const struct serve_bytes *from, size_t at, uint8_t *to, size_t n)
{
	if (from->data != NULL)
		memcpy(to, from->data + at, n);
	else
		from->maker(from->state, at, to, n);
}

/* The service's n bytes at data are on their way: they count. */
void serve_stream_count_out(struct chim_stream *s, const void *data, size_t n);

/* ---- backend_fd.c: the kernel's descriptor ---- */

/* Fill s->in; sets is_eof, error, wants_read. */
void serve_fd_fill(struct chim_stream *s);
/* Write what is waiting. @return true when nothing waits any more. */
bool serve_fd_flush(struct chim_stream *s);
/* @return bytes taken, 0 when the socket is full. */
size_t serve_fd_write(struct chim_stream *s, const struct serve_bytes *from, size_t n);
void serve_fd_shutdown(struct chim_stream *s);

/* ---- backend_ring.c: the engine's data rings ---- */

/* Post what is waiting: enabling receive, sends, returns, disconnect. @return true when nothing
 * waits any more. */
bool serve_ring_flush(struct chim_stream *s);
/* @return bytes taken, 0 when there is no room now. */
size_t serve_ring_write(struct chim_stream *s, const struct serve_bytes *from, size_t n);
/* Give a lent chain back to the engine, now or later. */
void serve_ring_give_back(struct chim_stream *s, struct rte_mbuf *chain);
/* Try again what a full ring refused of that. */
void serve_ring_return(struct chim_stream *s);
/* Sort a completion, indication or event into the stream; takes io->m. */
void serve_ring_take(struct chim_stream *s, const struct chim_io *io);

/* ---- the services ---- */

extern const struct chim_service serve_echo;
extern const struct chim_service serve_discard;
extern const struct chim_service serve_source;
extern const struct chim_service serve_http;
extern const struct chim_service serve_park;

#endif /* SERVE_STREAM_H */
