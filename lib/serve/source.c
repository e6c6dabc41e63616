/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * source=LENGTH: sends so many bytes and closes its half; reads and counts
 * whatever comes meanwhile, and ends when the peer has closed too.
 *
 * The byte at position p is the exclusive or of the bytes of p (p, p >> 8,
 * p >> 16, p >> 24, modulo 256): any lost, doubled or moved piece shows. Of a
 * piece of content, which is CHIM_CONTENT_PIECE of them from a multiple of that
 * on, there are 256 different ones: its upper bytes together are a constant. So
 * all that is long is sent from one content, prepared as far as it is asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_string_fns.h>

#include "serve_stream.h"

#define SOURCE_PIECE  65536u
#define SOURCE_PIECES 256u

struct source {
	uint64_t length;
	uint64_t sent;
	struct chim_content *content; /* NULL: bytes are made as they are sent */
};

/* The upper three bytes of p are the same for 256 of them. */
static void
make_bytes(uint32_t p, uint8_t *to, size_t n)
{
	while (n > 0) {
		uint8_t upper = (uint8_t)(p >> 8 ^ p >> 16 ^ p >> 24);
		uint32_t here = (uint32_t)RTE_MIN(n, (size_t)(256 - (p & 0xFF)));

		for (uint32_t i = 0; i < here; i++)
			to[i] = (uint8_t)((p + i) ^ upper);
		to += here;
		p += here;
		n -= here;
	}
}

static void
source_make(void *state, size_t at, uint8_t *to, size_t n)
{
	const struct source *src = state;

	make_bytes((uint32_t)(src->sent + at), to, n);
}

/* Piece k has the constant k: it is the one from k << 16 on. */
static bool
make_piece(void *state, uint64_t at, uint8_t *to, size_t n)
{
	uint32_t k = (uint32_t)(at / CHIM_CONTENT_PIECE);

	(void)state;
	make_bytes(k << 16 | (uint32_t)(at % CHIM_CONTENT_PIECE), to, n);
	return true;
}

/* Where in the content the byte at position p is. */
static uint64_t
place_of(uint32_t p)
{
	uint32_t first = p & ~(CHIM_CONTENT_PIECE - 1);
	uint32_t k = (first >> 8 ^ first >> 16 ^ first >> 24) & 0xFF;

	return (uint64_t)k * CHIM_CONTENT_PIECE + (p - first);
}

static int
source_check(const char *arg, char *why, size_t why_len)
{
	errno = 0;
	if (arg != NULL && rte_str_to_size(arg) > 0 && errno == 0)
		return 0;
	snprintf(why, why_len, "service source needs a length: source=100M");
	return -EINVAL;
}

static void *
source_open(struct chim_stream *s, const char *arg)
{
	const struct chim_content_key key = { .size = SOURCE_PIECES * CHIM_CONTENT_PIECE };
	struct source *src = calloc(1, sizeof(*src));

	(void)s;
	if (src != NULL && arg != NULL)
		src->length = rte_str_to_size(arg);
	if (src != NULL && src->length >= SOURCE_PIECE)
		src->content = chim_content_hold(&key);
	return src;
}

static void
source_close(void *state)
{
	struct source *src = state;

	chim_content_release(src->content);
	free(src);
}

/* @return true when more may follow at once. */
static bool
send_some(struct chim_stream *s, struct source *src)
{
	size_t want = RTE_MIN((uint64_t)SOURCE_PIECE, src->length - src->sent);
	uint64_t place = place_of((uint32_t)src->sent);
	size_t there = 0;
	size_t done;

	if (src->content != NULL)
		there = chim_content_load(src->content, place, make_piece, NULL);
	if (there > 0) {
		want = RTE_MIN(want, there);
		done = chim_stream_refer(s, src->content, place, want);
	} else {
		done = chim_stream_make(s, source_make, src, want);
	}
	src->sent += done;
	return done == want;
}

static void
source_run(struct chim_stream *s, void *state)
{
	struct source *src = state;
	const uint8_t *data;
	size_t n;

	while ((n = chim_stream_peek(s, &data)) > 0)
		chim_stream_consume(s, n);
	while (src->sent < src->length) {
		if (!send_some(s, src))
			return;
	}
	chim_stream_shutdown(s);
	if (chim_stream_is_eof(s))
		chim_stream_finish(s);
}

const struct chim_service serve_source = {
	.name = "source",
	.help = "source=LENGTH: sends so many bytes (100M, 2G), reads and drops what comes",
	.check = source_check,
	.open = source_open,
	.run = source_run,
	.close = source_close,
};
