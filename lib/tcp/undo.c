/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Detection of reductions that were for nothing; see tcp_undo.h.
 */
#include "tcp_undo.h"

void
tcp_undo_begin(struct tcp_undo *u, const struct tcp_undo_begin *b)
{
	*u = (struct tcp_undo){
		.cwnd = b->cwnd,
		.ssthresh = b->ssthresh,
		.w_max = b->w_max,
		.una = b->una,
		.is_armed = 1,
		.is_by_dsack = 1,
		.frto = b->can_frto ? TCP_FRTO_RESENT : TCP_FRTO_OFF,
	};
}

void
tcp_undo_on_resent(struct tcp_undo *u, uint32_t bytes, uint32_t now_us)
{
	if (!u->is_armed)
		return;
	if (!u->has_resent)
		u->resent_us = now_us;
	if (u->frto == TCP_FRTO_NEW_DATA)
		u->frto =
			TCP_FRTO_OFF; /* there was no new data to be sent (RFC 5682, 3.1 step 2b) */
	u->has_resent = 1;
	u->bytes += bytes;
}

/* RFC 3522, 3.2 step 4: the ACK answers what was sent before the first resend. */
static bool
is_eifel(const struct tcp_undo *u, const struct tcp_delivery *d)
{
	return d->acked > 0 && d->has_echo && u->has_resent && !u->is_answered &&
		(int32_t)(d->echo_us - u->resent_us) < 0;
}

/*
 * RFC 5682, 3.1 (with SACK): after the timeout one segment is sent again, then new data. If the
 * ACKs that follow deliver what was not sent again, it had not been lost.
 */
static bool
is_frto(struct tcp_undo *u, const struct tcp_delivery *d, uint32_t una, uint32_t point)
{
	bool is_original = d->has_original && chim_seq_le(d->original_end, point);

	switch (u->frto) {
	case TCP_FRTO_RESENT:
		if (d->acked > 0 && chim_seq_lt(una, point))
			u->frto = TCP_FRTO_NEW_DATA; /* step 2b */
		else if (d->acked > 0 || d->sacked == 0)
			u->frto = TCP_FRTO_OFF; /* step 2a */
		return false;
	case TCP_FRTO_NEW_DATA:
		u->frto = TCP_FRTO_OFF;
		return is_original; /* step 3b, else 3a */
	default:
		return false;
	}
}

/* RFC 3708: each segment that was sent again has arrived twice. */
static bool
is_all_duplicate(struct tcp_undo *u, const struct tcp_delivery *d)
{
	if (!d->is_dsack || !u->has_resent || !u->is_by_dsack)
		return false;
	if (chim_seq_lt(d->dsack_start, u->una))
		return false;
	uint32_t len = d->dsack_end - d->dsack_start;
	if (len > u->bytes) {
		u->is_by_dsack = 0; /* the network duplicates; the reports prove nothing */
		return false;
	}
	u->bytes -= len;
	return u->bytes == 0;
}

bool
tcp_undo_on_ack(struct tcp_undo *u, const struct tcp_delivery *d, uint32_t una, uint32_t point)
{
	if (!u->is_armed)
		return false;
	bool is_spurious = is_eifel(u, d) || is_frto(u, d, una, point) || is_all_duplicate(u, d);

	if (is_spurious) {
		tcp_undo_end(u);
		return true;
	}
	/* Only the first ACK that advances after the resend tells by its timestamp (RFC 3522). */
	u->is_answered |= u->has_resent && d->acked > 0;
	return false;
}
