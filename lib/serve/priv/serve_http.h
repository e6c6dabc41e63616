/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Reading an HTTP/1.x request head (RFC 9112), apart from streams and files so
 * that it can be tested on text alone.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192u
#define HTTP_PATH_MAX 1024u

/* A request head as it comes in, in pieces of any size. */
struct http_head {
	uint32_t len;
	uint32_t line; /* bytes of the present line, CR not counted: an empty line ends the head */
	char text[HTTP_HEAD_MAX + 1];
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_OTHER,
};

/* "Range: bytes=FIRST-LAST"; one range, what is more is passed over (RFC 9110, 14.2). */
struct http_range {
	bool is_set;
	bool is_suffix; /* "-N": the last N bytes, N in first */
	uint64_t first;
	uint64_t last; /* UINT64_MAX: to the end */
};

struct http_request {
	enum http_method method;
	uint32_t status; /* 200, or what is wrong with the head */
	bool keep_alive;
	uint64_t content_length; /* of the request's own body, to be skipped */
	struct http_range range;
	bool has_if_range;
	char path[HTTP_PATH_MAX]; /* decoded, begins with '/', no ".." segment */
};

enum http_feed {
	HTTP_FEED_MORE, /* everything taken, the head goes on */
	HTTP_FEED_DONE, /* the head is complete */
	HTTP_FEED_FULL, /* longer than HTTP_HEAD_MAX */
};

/* Add bytes to a head. @param used how many were taken. */
enum http_feed serve_http_feed(struct http_head *h, const uint8_t *data, size_t n, size_t *used);

/* Understand a complete head; everything in r is set, whatever status says. */
void serve_http_parse(const struct http_head *h, struct http_request *r);

/* "200 OK", ... */
const char *serve_http_reason(uint32_t status);

/* Content type by the file's name. */
const char *serve_http_type(const char *path);

#endif /* SERVE_HTTP_H */
