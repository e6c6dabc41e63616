/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * SACK blocks in and out. What a block does to the records is in sent.c, what
 * the runs are in reass.c; here is which blocks are believed, and which are told.
 */
#include "tcp_sack.h"

/* The first block may report a duplicate: below the ACK, or part of the second (RFC 2883, 4). */
static bool
is_duplicate(const struct tcp_sack_in *in)
{
	const struct chim_sack *b = in->block;

	if (chim_seq_ge(b[0].start, b[0].end))
		return false;
	if (chim_seq_le(b[0].end, in->una))
		return in->una - b[0].start <= INT32_MAX;
	return in->nb > 1 && chim_seq_ge(b[0].start, b[1].start) &&
		chim_seq_le(b[0].end, b[1].end) && chim_seq_le(b[1].end, in->max);
}

static bool
is_plausible(const struct chim_sack *b, const struct tcp_sack_in *in)
{
	return chim_seq_lt(b->start, b->end) && chim_seq_ge(b->start, in->una) &&
		chim_seq_le(b->end, in->max);
}

void
tcp_sack_apply(struct tcp_sent *q, struct rte_mempool *pool, const struct tcp_sack_in *in,
	struct tcp_delivery *d)
{
	if (in->nb > 0 && is_duplicate(in)) {
		d->is_dsack = true;
		d->dsack_start = in->block[0].start;
		d->dsack_end = in->block[0].end;
	}
	if (tcp_sent_first(q) == NULL)
		return;
	for (uint8_t i = 0; i < in->nb; i++)
		if (is_plausible(&in->block[i], in))
			tcp_sent_sack(q, pool, &in->block[i], in->mss, d);
}

uint8_t
tcp_sack_blocks(
	const struct tcp_reass *q, struct tcp_dsack *dup, struct chim_sack *out, uint8_t room)
{
	uint8_t nb = 0;

	room = RTE_MIN(room, CHIM_SACK_OUT);
	if (dup->start != dup->end && room > 0) {
		out[nb].start = dup->start;
		out[nb++].end = dup->end;
		dup->start = dup->end;
	}
	for (uint16_t i = 0; nb < room; i++, nb++)
		if (!tcp_reass_run(q, i, &out[nb].start, &out[nb].end))
			break;
	return nb;
}
