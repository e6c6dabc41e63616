/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * http=DIRECTORY: the files under a directory by HTTP/1.1 (RFC 9110, 9112):
 * GET and HEAD, one range of bytes, persistent connections, pipelining. A connection goes round in
 *
 *   HEAD  gather a request head     -> BODY
 *   BODY  skip the request's body   -> SEND
 *   SEND  status line, fields, file -> HEAD, or LINGER
 *   LINGER our half is closed; read what still comes until the peer's FIN, so
 *          that the close does not reset the answer away
 *
 * A file of some length that has not been changed lately is kept, and sent from
 * memory (chim_content.h); others, and heads, are read or written for each answer.
 *
 * A path is resolved by the kernel beneath the directory (RESOLVE_BENEATH):
 * neither ".." nor a symbolic link leads out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "serve_http.h"
#include "serve_stream.h"

#define HTTP_OUT_SIZE 65536u
#define LINGER_S      10u
#define KEPT_LEAST    16384 /* bytes of a file: less goes in one send with the head */
/* What is written within one tick of a file system's clock looks as if nothing had been. */
#define KEPT_AFTER_S 2

enum http_step {
	STEP_HEAD,
	STEP_BODY,
	STEP_SEND,
	STEP_LINGER,
};

struct http {
	enum http_step step;
	char *root;
	struct http_head *head; /* while a request is coming in */
	struct http_request request;
	uint64_t body_left; /* of the request, to skip */
	uint8_t *out;	    /* HTTP_OUT_SIZE bytes while answering */
	uint32_t out_off;
	uint32_t out_len;
	int file; /* -1: none */
	uint64_t file_off;
	uint64_t file_left;
	struct chim_content *content; /* the file, where it is kept */
};

static int
http_check(const char *arg, char *why, size_t why_len)
{
	struct stat st;

	if (arg == NULL || arg[0] != '/') {
		snprintf(why, why_len, "service http needs a directory: http=/srv/www");
		return -EINVAL;
	}
	if (stat(arg, &st) != 0 || !S_ISDIR(st.st_mode)) {
		snprintf(why, why_len, "service http: %s is not a directory", arg);
		return -EINVAL;
	}
	return 0;
}

static void *
http_open(struct chim_stream *s, const char *arg)
{
	struct http *h = calloc(1, sizeof(*h));

	(void)s;
	if (h == NULL || arg == NULL) {
		free(h);
		return NULL;
	}
	h->file = -1;
	h->root = strdup(arg);
	if (h->root == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

static void
http_close(void *state)
{
	struct http *h = state;

	if (h->file >= 0)
		close(h->file);
	chim_content_release(h->content);
	free(h->head);
	free(h->out);
	free(h->root);
	free(h);
}

/* Open beneath the root; regular files only. @return -1 when there is no such file. */
static int
open_beneath(const char *root, const char *path, struct stat *st)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return -1;
	while (*path == '/')
		path++;
	fd = (int)syscall(SYS_openat2, dir, *path == '\0' ? "." : path, &how, sizeof(how));
	if (fd >= 0 && fstat(fd, st) == 0 && S_ISDIR(st->st_mode)) {
		int index = (int)syscall(SYS_openat2, fd, "index.html", &how, sizeof(how));

		close(fd);
		fd = index;
	}
	close(dir);
	if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Which bytes of the file: sets where to begin, how many, and the status (RFC 9110, 14.1.2). */
static void
choose_bytes(struct http *h, uint64_t size)
{
	const struct http_range *range = &h->request.range;
	uint64_t first = range->first;

	h->file_off = 0;
	h->file_left = size;
	if (!range->is_set || h->request.method != HTTP_GET)
		return;
	if (range->is_suffix) {
		first = RTE_MIN(range->first, size);
		first = first == 0 ? size : size - first;
	}
	if (first >= size) {
		h->request.status = 416;
		return;
	}
	h->request.status = 206;
	h->file_off = first;
	h->file_left = RTE_MIN(range->last, size - 1) - first + 1;
}

/* The fields that only some answers have. */
static void
write_extra(const struct http *h, uint64_t size, char *out, size_t room)
{
	unsigned long long first = h->file_off, all = size;

	out[0] = '\0';
	if (h->request.status == 405)
		snprintf(out, room, "Allow: GET, HEAD\r\n");
	else if (h->request.status == 200)
		snprintf(out, room, "Accept-Ranges: bytes\r\n");
	else if (h->request.status == 206)
		snprintf(out, room, "Content-Range: bytes %llu-%llu/%llu\r\n", first,
			first + h->file_left - 1, all);
	else if (h->request.status == 416)
		snprintf(out, room, "Content-Range: bytes */%llu\r\n", all);
}

/* The head of an answer, and a text for a person where there is no file. */
static void
write_head(struct http *h, uint64_t size)
{
	const struct http_request *r = &h->request;
	const char *reason = serve_http_reason(r->status);
	bool has_file = r->status == 200 || r->status == 206;
	uint64_t length = has_file ? h->file_left : strlen(reason) + 1;
	bool has_text = !has_file && r->method != HTTP_HEAD;
	time_t now = time(NULL);
	char date[64], extra[128];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	write_extra(h, size, extra, sizeof(extra));
	h->out_off = 0;
	h->out_len = (uint32_t)snprintf((char *)h->out, HTTP_OUT_SIZE,
		"HTTP/1.1 %s\r\nServer: chimney/" CHIM_VERSION "\r\nDate: %s\r\n"
		"Content-Type: %s\r\nContent-Length: %llu\r\n%sConnection: %s\r\n\r\n%s%s",
		reason, date, has_file ? serve_http_type(r->path) : "text/plain",
		(unsigned long long)length, extra, r->keep_alive ? "keep-alive" : "close",
		has_text ? reason : "", has_text ? "\n" : "");
}

static uint64_t
in_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

/* @return NULL: it is read. */
static struct chim_content *
hold_file(const struct stat *st)
{
	const struct chim_content_key key = {
		.size = (uint64_t)st->st_size,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.modified_ns = in_ns(&st->st_mtim),
		.changed_ns = in_ns(&st->st_ctim),
	};

	if (st->st_size < KEPT_LEAST || time(NULL) - st->st_ctim.tv_sec < KEPT_AFTER_S)
		return NULL;
	return chim_content_hold(&key);
}

/* Begin the answer to h->request. @return false when there is no memory for it now. */
static bool
begin_answer(struct http *h)
{
	struct http_request *r = &h->request;
	struct stat st = { 0 };

	h->out = malloc(HTTP_OUT_SIZE);
	if (h->out == NULL)
		return false;
	if (r->status == 200) {
		h->file = open_beneath(h->root, r->path, &st);
		if (h->file < 0)
			r->status = 404;
	}
	if (r->status == 200)
		choose_bytes(h, (uint64_t)st.st_size);
	write_head(h, (uint64_t)st.st_size);
	if ((r->status != 200 && r->status != 206) || r->method == HTTP_HEAD)
		h->file_left = 0;
	if (h->file_left > 0)
		h->content = hold_file(&st);
	return true;
}

/* @return true when the head is complete, or refused. */
static bool
read_head(struct chim_stream *s, struct http *h)
{
	const uint8_t *data;
	size_t n, used;

	while ((n = chim_stream_peek(s, &data)) > 0) {
		enum http_feed fed;

		if (h->head == NULL)
			h->head = calloc(1, sizeof(*h->head));
		if (h->head == NULL)
			return false;
		fed = serve_http_feed(h->head, data, n, &used);
		chim_stream_consume(s, used);
		if (fed == HTTP_FEED_MORE)
			continue;
		serve_http_parse(h->head, &h->request);
		if (fed == HTTP_FEED_FULL) {
			h->request.status = 431;
			h->request.keep_alive = false;
		}
		free(h->head);
		h->head = NULL;
		h->body_left = h->request.content_length;
		return true;
	}
	return false;
}

/* @return true when the body is behind us. */
static bool
skip_body(struct chim_stream *s, struct http *h)
{
	const uint8_t *data;
	size_t n;

	while (h->body_left > 0 && (n = chim_stream_peek(s, &data)) > 0) {
		n = RTE_MIN((uint64_t)n, h->body_left);
		chim_stream_consume(s, n);
		h->body_left -= n;
	}
	return h->body_left == 0;
}

/* Read the next piece of the file behind what is in out. @return false when it became shorter. */
static bool
fill_out(struct http *h)
{
	size_t room;
	ssize_t got;

	if (h->out_off == h->out_len) {
		h->out_off = 0;
		h->out_len = 0;
	}
	room = RTE_MIN((uint64_t)(HTTP_OUT_SIZE - h->out_len), h->file_left);
	if (room == 0)
		return true;
	got = pread(h->file, h->out + h->out_len, room, (off_t)h->file_off);
	if (got <= 0)
		return false;
	h->out_len += (uint32_t)got;
	h->file_off += (uint64_t)got;
	h->file_left -= (uint64_t)got;
	return true;
}

/* Reads a piece of a file that is to be kept. */
static bool
read_piece(void *state, uint64_t at, uint8_t *to, size_t n)
{
	const struct http *h = state;

	while (n > 0) {
		ssize_t got = pread(h->file, to, n, (off_t)at);

		if (got <= 0)
			return false;
		at += (uint64_t)got;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

/* Send from memory what there is of a file. @return false when there is no room now. */
static bool
refer_file(struct chim_stream *s, struct http *h)
{
	while (h->file_left > 0) {
		size_t n = chim_content_load(h->content, h->file_off, read_piece, h);
		size_t done;

		if (n == 0)
			break;
		n = RTE_MIN((uint64_t)n, h->file_left);
		done = chim_stream_refer(s, h->content, h->file_off, n);
		h->file_off += done;
		h->file_left -= done;
		if (done < n)
			return false;
	}
	/* The rest, where there is one, is read. */
	chim_content_release(h->content);
	h->content = NULL;
	return true;
}

static void
end_answer(struct http *h)
{
	if (h->file >= 0)
		close(h->file);
	h->file = -1;
	free(h->out);
	h->out = NULL;
}

/* @return true when the answer has been written. */
static bool
send_answer(struct chim_stream *s, struct http *h)
{
	if (h->out == NULL && !begin_answer(h))
		return false;
	for (;;) {
		size_t done;

		if (h->content != NULL && h->out_off == h->out_len && !refer_file(s, h))
			return false;
		if (h->content == NULL && !fill_out(h)) {
			/* The length promised cannot be kept: only a close tells the client. */
			h->request.keep_alive = false;
			h->file_left = 0;
		}
		if (h->out_off == h->out_len && h->file_left == 0)
			break;
		done = chim_stream_write(s, h->out + h->out_off, h->out_len - h->out_off);
		h->out_off += (uint32_t)done;
		if (h->out_off < h->out_len)
			return false;
	}
	end_answer(h);
	return true;
}

/* @return true when there is nothing more to come. */
static bool
linger(struct chim_stream *s)
{
	const uint8_t *data;
	size_t n;

	while ((n = chim_stream_peek(s, &data)) > 0)
		chim_stream_consume(s, n);
	return chim_stream_is_eof(s);
}

/* One step. @return true when the next one may follow at once. */
static bool
step(struct chim_stream *s, struct http *h)
{
	switch (h->step) {
	case STEP_HEAD:
		if (!read_head(s, h))
			break;
		h->step = STEP_BODY;
		return true;
	case STEP_BODY:
		if (!skip_body(s, h))
			break;
		h->step = STEP_SEND;
		return true;
	case STEP_SEND:
		if (!send_answer(s, h))
			return false;
		h->step = h->request.keep_alive ? STEP_HEAD : STEP_LINGER;
		if (h->step == STEP_LINGER)
			chim_stream_shutdown(s);
		return true;
	case STEP_LINGER:
		if (linger(s))
			chim_stream_finish(s);
		return false;
	}
	/* The peer will send no more of what this step waits for. */
	if (chim_stream_is_eof(s))
		chim_stream_finish(s);
	return false;
}

static void
http_run(struct chim_stream *s, void *state)
{
	while (step(s, state))
		;
}

const struct chim_service serve_http = {
	.name = "http",
	.help = "http=DIRECTORY: the files under it by HTTP/1.1",
	.check = http_check,
	.open = http_open,
	.run = http_run,
	.close = http_close,
	.linger_s = LINGER_S,
};
