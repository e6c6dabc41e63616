/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * echo: what was read is written; it ends when the peer has closed its half
 * and everything was written back. Keeps nothing of its own: what could not be
 * written stays unread.
 */
#include "serve_stream.h"

static void *
echo_open(struct chim_stream *s, const char *arg)
{
	(void)arg;
	return s;
}

static void
echo_run(struct chim_stream *s, void *state)
{
	const uint8_t *data;
	size_t n;

	(void)state;
	while ((n = chim_stream_peek(s, &data)) > 0) {
		size_t done = chim_stream_write(s, data, n);

		chim_stream_consume(s, done);
		if (done < n)
			return;
	}
	if (chim_stream_is_eof(s))
		chim_stream_finish(s);
}

static void
echo_close(void *state)
{
	(void)state;
}

const struct chim_service serve_echo = {
	.name = "echo",
	.help = "echo: sends back what it gets",
	.open = echo_open,
	.run = echo_run,
	.close = echo_close,
};
