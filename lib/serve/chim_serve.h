/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Built-in services over one stream interface with two back ends: the kernel's
 * descriptor, and the engine's data rings. A stream outlives the moves of its
 * connection: a request half read in one home is answered in the other.
 *
 * A service is a set of functions called when its stream can be read or
 * written; it never knows which home it is in. Uses chim_host.h and sockets
 * only, so a local application's ring can stand in its place.
 *
 * Thread: the thread of the agent.
 */
#ifndef CHIM_SERVE_H
#define CHIM_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "chim_content.h"
#include "chim_host.h"

struct chim_stream;

/* What a service is. Each function may be called at any time after open. */
struct chim_service {
	const char *name;  /* "echo", "discard", "source", "http", "park" */
	const char *help;  /* one line, its argument explained */
	bool is_passive;   /* never reads: what arrives stays in the connection */
	uint32_t linger_s; /* after it has closed its half it waits so long for the peer's end;
			    * 0 = for ever */
	/** Is the argument usable? NULL when any is. @return 0; -EINVAL with why filled in. */
	int (*check)(const char *arg, char *why, size_t why_len);
	/** State for one connection. @param arg of the listener's configuration, may be NULL.
	 *  @return NULL when it cannot be served. */
	void *(*open)(struct chim_stream *s, const char *arg);
	/** Bytes, end of stream or room may be there: read and write as far as it goes. */
	void (*run)(struct chim_stream *s, void *state);
	void (*close)(void *state);
};

/** Find a service by name. @return NULL when there is none. */
const struct chim_service *chim_service_find(const char *name);

/** All services, ends with NULL. @return never NULL. */
const struct chim_service *const *chim_service_list(void);

/** Check a service's argument (a directory, a length). @return 0; -EINVAL with why. */
int chim_service_check(const struct chim_service *svc, const char *arg, char *why, size_t why_len);

/* ---- what a service calls ---- */

/**
 * Bytes that can be read without copying: the next contiguous piece.
 *
 * @return its length, 0 when nothing is there now.
 */
size_t chim_stream_peek(struct chim_stream *s, const uint8_t **data);

/** Consume n bytes of what peek showed. */
void chim_stream_consume(struct chim_stream *s, size_t n);

/** Has the peer closed its half, and is everything before read? */
bool chim_stream_is_eof(const struct chim_stream *s);

/** Write at most n bytes. @return how many were taken; 0 when there is no room now. */
size_t chim_stream_write(struct chim_stream *s, const void *data, size_t n);

/** Makes n bytes at to, those that follow at bytes more of what its service has to write. Of a
 *  stream that did not take all it made, it makes the rest again. */
typedef void (*chim_stream_maker)(void *state, size_t at, uint8_t *to, size_t n);

/** Write at most n bytes that are made in the buffers they are sent from, where the home has such.
 *  @return how many were taken; 0 when there is no room now. */
size_t chim_stream_make(struct chim_stream *s, chim_stream_maker maker, void *state, size_t n);

/** Write at most n bytes of content, sent from where they lie where the home can. @param n at most
 *  what chim_content_load() said of offset. @return how many were taken; 0 when there is no room
 *  now. */
size_t
chim_stream_refer(struct chim_stream *s, const struct chim_content *c, uint64_t offset, size_t n);

/** Close our half after what was written; nothing may be written after it. */
void chim_stream_shutdown(struct chim_stream *s);

/** The service is done with the stream in both directions: what was written is sent, then closed.
 */
void chim_stream_finish(struct chim_stream *s);

/* ---- what the application calls ---- */

/**
 * Make a stream for a connected, non-blocking descriptor, in its kernel home.
 *
 * @param host may be NULL when the stream will never leave the kernel.
 * @param fd borrowed until destroy.
 * @return owned; NULL when out of memory, or the service refuses its argument.
 */
struct chim_stream *
chim_stream_create(struct chim_host *host, int fd, const struct chim_service *svc, const char *arg);

/** Destroy; gives lent data back. The connection is at home in the kernel, or over. */
void chim_stream_destroy(struct chim_stream *s);

/** The descriptor may be readable or writable: run the service. Only in the kernel home. */
void chim_stream_on_fd(struct chim_stream *s);

/** The connection leaves: touch nothing until arrive. */
void chim_stream_leave(struct chim_stream *s);

/** Bytes that moved along and are not acknowledged or not sent: they count as posted, until a
 *  CHIM_IO_SEND_DONE without buffers says that so many are done. Before arrive_engine. */
void chim_stream_inherit(struct chim_stream *s, uint32_t bytes);

/**
 * The connection is at home in the engine under this handle. Posts the zero-byte receive that
 * enables indications as soon as everything lent in an earlier stay has been read, so that what is
 * lent stays within one window; and runs the service.
 */
void chim_stream_arrive_engine(struct chim_stream *s, chim_handle_t handle);

/** The connection is back in the descriptor; runs the service. */
void chim_stream_arrive_kernel(struct chim_stream *s);

/** A completion, indication or event of the connection; takes io->m. */
void chim_stream_on_io(struct chim_stream *s, const struct chim_io *io);

/** Retry what a full ring refused. Call once a loop turn for streams that are blocked. */
void chim_stream_retry(struct chim_stream *s);

/** Is something waiting that chim_stream_retry() should try? */
bool chim_stream_is_blocked(const struct chim_stream *s);

/** Has the service read everything that the kernel's socket had (EPOLLIN)? */
bool chim_stream_wants_read(const struct chim_stream *s);

/** Does the service want to write although the kernel's socket is full (EPOLLOUT)? */
bool chim_stream_wants_write(const struct chim_stream *s);

/** Has the service finished and everything been written: may the connection be closed? In the
 *  engine home the caller uploads first. */
bool chim_stream_is_finished(const struct chim_stream *s);

/** Has the service closed its half? */
bool chim_stream_is_shut(const struct chim_stream *s);

/** What broke the connection. @return 0, or an errno (ECONNRESET, ETIMEDOUT, ...). */
int chim_stream_error(const struct chim_stream *s);

/** No send is posted and not completed, and no lent data is kept: a move does not need it. */
bool chim_stream_is_idle(const struct chim_stream *s);

struct chim_stream_stats {
	uint64_t bytes_in, bytes_out; /* taken by, and taken from, the service */
	uint64_t bytes_referred;      /* of bytes_out: sent from where they lie */
	uint32_t hash_in, hash_out;   /* CRC-32C of these bytes, in order */
	uint32_t unread;	      /* bytes received and not taken by the service */
	uint32_t unsent;	      /* bytes taken from the service, in no home yet */
	uint32_t posted;	      /* bytes the engine has and has not completed */
};

/** What went through. */
void chim_stream_stats(const struct chim_stream *s, struct chim_stream_stats *st);

#endif /* CHIM_SERVE_H */
