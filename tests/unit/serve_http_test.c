/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * HTTP request heads: the same result for every way of cutting them, and a
 * clear refusal of what is not well formed.
 */
#include <stdio.h>
#include <string.h>

#include "serve_http.h"
#include "test.h"

static struct http_request
parse(const char *text)
{
	struct http_head h = { 0 };
	struct http_request r;
	size_t used = 0;

	assert_int_equal(
		serve_http_feed(&h, (const uint8_t *)text, strlen(text), &used), HTTP_FEED_DONE);
	assert_int_equal(used, strlen(text));
	serve_http_parse(&h, &r);
	return r;
}

static void
a_request_is_understood(void **state)
{
	struct http_request r = parse("GET /a/b.html?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");

	(void)state;
	assert_int_equal(r.status, 200);
	assert_int_equal(r.method, HTTP_GET);
	assert_string_equal(r.path, "/a/b.html");
	assert_true(r.keep_alive);
	assert_int_equal(r.content_length, 0);
}

static void
every_cut_gives_the_same_head(void **state)
{
	static const char text[] = "\r\nHEAD /%41%2fx HTTP/1.1\r\nConnection: foo, Close\r\n"
				   "Content-Length: 17\r\n\r\nrest";
	size_t whole = sizeof(text) - 1 - 4;

	(void)state;
	for (size_t cut = 0; cut <= whole; cut++) {
		struct http_head h = { 0 };
		struct http_request r;
		size_t used = 0;

		if (cut > 0 && cut < whole) {
			assert_int_equal(serve_http_feed(&h, (const uint8_t *)text, cut, &used),
				HTTP_FEED_MORE);
			assert_int_equal(used, cut);
		}
		size_t from = cut < whole ? cut : 0;

		assert_int_equal(serve_http_feed(&h, (const uint8_t *)text + from,
					 sizeof(text) - 1 - from, &used),
			HTTP_FEED_DONE);
		assert_int_equal(used, whole - from);
		serve_http_parse(&h, &r);
		assert_int_equal(r.status, 200);
		assert_int_equal(r.method, HTTP_HEAD);
		assert_string_equal(r.path, "/A/x");
		assert_false(r.keep_alive);
		assert_int_equal(r.content_length, 17);
	}
}

static void
a_path_that_leaves_the_directory_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("GET /../etc/passwd HTTP/1.1\r\n\r\n").status, 400);
	assert_int_equal(parse("GET /a/%2e%2e/%2E%2e HTTP/1.1\r\n\r\n").status, 400);
	assert_int_equal(parse("GET /a/.. HTTP/1.1\r\n\r\n").status, 400);
	assert_int_equal(parse("GET /a%00b HTTP/1.1\r\n\r\n").status, 400);
	assert_int_equal(parse("GET relative HTTP/1.1\r\n\r\n").status, 400);
	assert_int_equal(parse("GET /..a/b..c HTTP/1.1\r\n\r\n").status, 200);
}

static void
what_is_not_well_formed_is_refused_and_ends_the_connection(void **state)
{
	static const struct {
		const char *text;
		uint32_t status;
	} row[] = {
		{ "GET\r\n\r\n", 400 },
		{ "GET / \r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
		{ "GET /%zz HTTP/1.1\r\n\r\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < CHIM_DIM(row); i++) {
		struct http_request r = parse(row[i].text);

		assert_int_equal(r.status, row[i].status);
		assert_false(r.keep_alive);
	}
}

static void
another_method_is_refused_but_the_connection_goes_on(void **state)
{
	struct http_request r = parse("POST /form HTTP/1.1\r\nContent-Length: 5\r\n\r\n");

	(void)state;
	assert_int_equal(r.status, 405);
	assert_true(r.keep_alive);
	assert_int_equal(r.content_length, 5);
}

static void
http_1_0_closes_unless_asked(void **state)
{
	(void)state;
	assert_false(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
	assert_true(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
	assert_true(parse("GET / HTTP/1.1\n\n").keep_alive);
}

static struct http_range
range(const char *value)
{
	char text[200];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nRange: %s\r\n\r\n", value);
	return parse(text).range;
}

static void
a_range_is_understood_or_passed_over(void **state)
{
	struct http_range r = range("bytes=5-9");

	(void)state;
	assert_true(r.is_set);
	assert_false(r.is_suffix);
	assert_int_equal(r.first, 5);
	assert_int_equal(r.last, 9);
	r = range("bytes=7-");
	assert_true(r.is_set);
	assert_int_equal(r.first, 7);
	assert_true(r.last == UINT64_MAX);
	r = range("bytes=-3");
	assert_true(r.is_set && r.is_suffix);
	assert_int_equal(r.first, 3);
	assert_false(range("bytes=9-5").is_set);
	assert_false(range("bytes=1-2,4-5").is_set);
	assert_false(range("bytes=-").is_set);
	assert_false(range("bytes=a-b").is_set);
	assert_false(range("lines=1-2").is_set);
	assert_false(range("bytes=99999999999999999999-").is_set);
	assert_false(
		parse("GET / HTTP/1.1\r\nRange: bytes=1-2\r\nIf-Range: x\r\n\r\n").range.is_set);
}

static void
a_head_without_end_is_bounded(void **state)
{
	static uint8_t text[HTTP_HEAD_MAX + 10];
	struct http_head h = { 0 };
	size_t used = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(serve_http_feed(&h, text, sizeof(text), &used), HTTP_FEED_FULL);
	assert_int_equal(used, HTTP_HEAD_MAX + 1);
	assert_int_equal(h.len, HTTP_HEAD_MAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_understood),
	cmocka_unit_test(every_cut_gives_the_same_head),
	cmocka_unit_test(a_path_that_leaves_the_directory_is_refused),
	cmocka_unit_test(what_is_not_well_formed_is_refused_and_ends_the_connection),
	cmocka_unit_test(another_method_is_refused_but_the_connection_goes_on),
	cmocka_unit_test(http_1_0_closes_unless_asked),
	cmocka_unit_test(a_range_is_understood_or_passed_over),
	cmocka_unit_test(a_head_without_end_is_bounded),
};
CHIM_CMOCKA_SUITE(serve_http_autotest, tests, NULL, NULL)
