/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * source=LENGTH: sends so many bytes and closes its half; reads and counts
 * whatever comes meanwhile, and ends when the peer has closed too.
 *
 * The byte at position p is the exclusive or of the bytes of p (p, p >> 8,
 * p >> 16, p >> 24, modulo 256): any lost, doubled or moved piece shows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_string_fns.h>

#include "serve_stream.h"

#define SOURCE_PIECE 65536u

struct source {
	uint64_t length;
	uint64_t sent;
};

/* The upper three bytes of p are the same for 256 of them. */
static void
source_make(void *state, size_t at, uint8_t *to, size_t n)
{
	const struct source *src = state;
	uint32_t p = (uint32_t)(src->sent + at);

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
	struct source *src = calloc(1, sizeof(*src));

	(void)s;
	if (src != NULL && arg != NULL)
		src->length = rte_str_to_size(arg);
	return src;
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
		size_t want = RTE_MIN((uint64_t)SOURCE_PIECE, src->length - src->sent);
		size_t done = chim_stream_make(s, source_make, src, want);

		src->sent += done;
		if (done < want)
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
	.close = free,
};
