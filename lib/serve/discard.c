/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * discard reads everything and sends nothing. park reads nothing: what arrives
 * stays in the connection, up to its window, and goes back with it unread.
 */
#include "serve_stream.h"

static void *
no_state(struct chim_stream *s, const char *arg)
{
	(void)arg;
	return s;
}

static void
discard_run(struct chim_stream *s, void *state)
{
	const uint8_t *data;
	size_t n;

	(void)state;
	while ((n = chim_stream_peek(s, &data)) > 0)
		chim_stream_consume(s, n);
	if (chim_stream_is_eof(s))
		chim_stream_finish(s);
}

static void
park_run(struct chim_stream *s, void *state)
{
	(void)s;
	(void)state;
}

static void
no_close(void *state)
{
	(void)state;
}

const struct chim_service serve_discard = {
	.name = "discard",
	.help = "discard: reads everything, answers nothing",
	.open = no_state,
	.run = discard_run,
	.close = no_close,
};

const struct chim_service serve_park = {
	.name = "park",
	.help = "park: reads nothing; data waits in the connection",
	.is_passive = true,
	.open = no_state,
	.run = park_run,
	.close = no_close,
};
