/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * HTTP/1.x request heads (RFC 9112): gathered byte by byte whatever the
 * pieces, then taken apart once. Called by http.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chim_base.h"
#include "serve_http.h"

enum http_feed
serve_http_feed(struct http_head *h, const uint8_t *data, size_t n, size_t *used)
{
	for (size_t i = 0; i < n; i++) {
		char c = (char)data[i];

		*used = i + 1;
		/* Empty lines before a request are ignored (RFC 9112, 2.2). */
		if (h->len == 0 && (c == '\r' || c == '\n'))
			continue;
		if (h->len == HTTP_HEAD_MAX)
			return HTTP_FEED_FULL;
		h->text[h->len++] = c;
		if (c == '\n') {
			if (h->line == 0) {
				h->text[h->len] = '\0';
				return HTTP_FEED_DONE;
			}
			h->line = 0;
		} else if (c != '\r') {
			h->line++;
		}
	}
	return HTTP_FEED_MORE;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode an origin-form target up to its query. @return false when it is not a path. */
static bool
decode_path(const char *target, size_t n, struct http_request *r)
{
	size_t len = 0;

	if (n == 0 || target[0] != '/')
		return false;
	for (size_t i = 0; i < n && target[i] != '?' && target[i] != '#'; i++) {
		int c = (unsigned char)target[i];

		if (c == '%') {
			if (i + 2 >= n || hex(target[i + 1]) < 0 || hex(target[i + 2]) < 0)
				return false;
			c = hex(target[i + 1]) << 4 | hex(target[i + 2]);
			i += 2;
		}
		if (c == '\0' || len == sizeof(r->path) - 1)
			return false;
		r->path[len++] = (char)c;
	}
	r->path[len] = '\0';
	/* A segment ".." would leave the directory. */
	for (const char *at = r->path; (at = strstr(at, "/..")) != NULL; at += 3) {
		if (at[3] == '\0' || at[3] == '/')
			return false;
	}
	return true;
}

/* "GET /path HTTP/1.1", up to the end of line. */
static void
parse_request_line(const char *line, size_t n, struct http_request *r)
{
	const char *target = memchr(line, ' ', n);
	const char *version;
	size_t left;

	r->status = 400;
	if (target == NULL)
		return;
	target++;
	left = n - (size_t)(target - line);
	version = memchr(target, ' ', left);
	if (version == NULL)
		return;
	version++;
	left = n - (size_t)(version - line);
	if (left != 8 || strncmp(version, "HTTP/1.", 7) != 0 ||
		!isdigit((unsigned char)version[7])) {
		r->status = left > 5 && strncmp(version, "HTTP/", 5) == 0 ? 505 : 400;
		return;
	}
	r->keep_alive = version[7] != '0';
	if (strncmp(line, "GET ", 4) == 0)
		r->method = HTTP_GET;
	else if (strncmp(line, "HEAD ", 5) == 0)
		r->method = HTTP_HEAD;
	if (!decode_path(target, (size_t)(version - 1 - target), r))
		return;
	r->status = r->method == HTTP_OTHER ? 405 : 200;
}

/* Is word one of the comma-separated elements of a field value? */
static bool
has_word(const char *value, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= n; i++) {
		bool begins = i == 0 || value[i - 1] == ' ' || value[i - 1] == ',';
		bool ends = i + len == n || value[i + len] == ' ' || value[i + len] == ',';

		if (begins && ends && strncasecmp(value + i, word, len) == 0)
			return true;
	}
	return false;
}

/* Digits up to end. @return false when there are none, or too many. */
static bool
parse_digits(const char *text, size_t n, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	}
	return n > 0 && n <= 18;
}

static void
parse_length(const char *value, size_t n, struct http_request *r)
{
	if (!parse_digits(value, n, &r->content_length))
		r->status = 400;
}

/* What is not one well-formed range of bytes is as if it were not there. */
static void
parse_range(const char *value, size_t n, struct http_range *r)
{
	const char *dash;
	size_t before, after;

	if (n < 6 || strncasecmp(value, "bytes=", 6) != 0)
		return;
	value += 6;
	n -= 6;
	dash = memchr(value, '-', n);
	if (dash == NULL)
		return;
	before = (size_t)(dash - value);
	after = n - before - 1;
	r->last = UINT64_MAX;
	r->is_suffix = before == 0;
	if (r->is_suffix)
		r->is_set = parse_digits(dash + 1, after, &r->first);
	else if (parse_digits(value, before, &r->first))
		r->is_set = after == 0 ||
			(parse_digits(dash + 1, after, &r->last) && r->last >= r->first);
}

static void
parse_field(const char *line, size_t n, struct http_request *r)
{
	const char *value = memchr(line, ':', n);
	size_t name_len, len;

	if (value == NULL || line[0] == ' ' || line[0] == '\t') {
		r->status = 400; /* no colon, or obsolete folding (RFC 9112, 5.2) */
		return;
	}
	name_len = (size_t)(value - line);
	value++;
	len = n - name_len - 1;
	while (len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (name_len == 10 && strncasecmp(line, "Connection", 10) == 0) {
		if (has_word(value, len, "close"))
			r->keep_alive = false;
		else if (has_word(value, len, "keep-alive"))
			r->keep_alive = true;
	} else if (name_len == 14 && strncasecmp(line, "Content-Length", 14) == 0) {
		parse_length(value, len, r);
	} else if (name_len == 5 && strncasecmp(line, "Range", 5) == 0) {
		parse_range(value, len, &r->range);
	} else if (name_len == 8 && strncasecmp(line, "If-Range", 8) == 0) {
		r->has_if_range = true; /* there are no validators that it could match */
	} else if (name_len == 17 && strncasecmp(line, "Transfer-Encoding", 17) == 0) {
		r->status = 501; /* a chunked request body is not understood */
	}
}

void
serve_http_parse(const struct http_head *h, struct http_request *r)
{
	const char *line = h->text;
	bool is_first = true;

	memset(r, 0, sizeof(*r));
	r->method = HTTP_OTHER;
	while (*line != '\0') {
		const char *end = strchr(line, '\n');
		size_t n = end == NULL ? strlen(line) : (size_t)(end - line);

		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (is_first)
			parse_request_line(line, n, r);
		else if (n > 0)
			parse_field(line, n, r);
		is_first = false;
		if (end == NULL)
			break;
		line = end + 1;
	}
	if (memchr(h->text, '\0', h->len) != NULL)
		r->status = 400;
	if (r->status == 0)
		r->status = 400;
	if (r->has_if_range)
		r->range.is_set = false;
	/* Where the head was not understood, neither is what follows it. */
	if (r->status != 200 && r->status != 405)
		r->keep_alive = false;
}

const char *
serve_http_reason(uint32_t status)
{
	switch (status) {
	case 200:
		return "200 OK";
	case 206:
		return "206 Partial Content";
	case 404:
		return "404 Not Found";
	case 405:
		return "405 Method Not Allowed";
	case 416:
		return "416 Range Not Satisfiable";
	case 431:
		return "431 Request Header Fields Too Large";
	case 501:
		return "501 Not Implemented";
	case 503:
		return "503 Service Unavailable";
	case 505:
		return "505 HTTP Version Not Supported";
	default:
		return "400 Bad Request";
	}
}

const char *
serve_http_type(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html" },
		{ ".txt", "text/plain" },
		{ ".css", "text/css" },
		{ ".js", "text/javascript" },
		{ ".json", "application/json" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".svg", "image/svg+xml" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot != NULL && i < CHIM_DIM(types); i++) {
		if (strcasecmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}
