/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Header prediction (Van Jacobson): is a segment the one that is expected?
 *
 * Nearly every segment of a connection without trouble is the next data, the
 * ACK of all that is out, or both. Of the steps of RFC 9293, 3.10.7.4, most
 * have nothing to do for it; input.c asks here once, and then leaves them out
 * (process_plain). What is not plain, for whatever reason, goes the general
 * way, which would do the same for a plain one too: so this may be too narrow,
 * never too wide. Each line of the test says which step it spares.
 */
#include "tcp_internal.h"

/* Of a connection on which a segment may have more to say than its header does. */
#define UNUSUAL                                                                    \
	(TCP_EXPORTED | TCP_URGENT | TCP_RST_DUE | TCP_FIN_QUEUED | TCP_FIN_RCVD | \
		TCP_FULL_CLOSE | TCP_PERSIST | TCP_ECE_OWED | TCP_CHALLENGED)

/* First: timestamps are there if they were agreed, and not older than the last (PAWS). */
static bool
is_timestamp_plain(const struct chim_conn *c, const struct chim_seg *s)
{
	if (!tcp_has_ts(c))
		return (s->info & CHIM_SEG_TS) == 0;
	return (s->info & CHIM_SEG_TS) != 0 && (c->flags & TCP_TS_UNKNOWN) == 0 &&
		(int32_t)(s->tsval - c->ts_recent) >= 0;
}

/* Fifth: nothing is out, or one transmission, and this is its ACK: no loss, no duplicate. */
static bool
is_ack_plain(const struct chim_conn *c, const struct chim_seg *s)
{
	return s->ack == c->snd_max && s->nb_sack == 0 &&
		(!tcp_is_in_flight(c) || tcp_recover_is_plain(&c->recover));
}

/* Seventh: it is all in the window, there is room for it, and nothing waits for it. */
static bool
is_data_plain(const struct chim_conn *c, const struct chim_seg *s, const struct chim_tcp_env *env)
{
	return s->len == 0 ||
		(s->len <= tcp_receive_edge(c) && env->buffers == CHIM_TCP_BUFFERS_ENOUGH &&
			tcp_reass_is_empty(&tcp_queues(c)->reass));
}

bool
tcp_predict_is_plain(
	const struct chim_conn *c, const struct chim_seg *s, const struct chim_tcp_env *env)
{
	/* No RST, SYN, URG, FIN; no ECE and CWR; a window that is open. */
	if ((s->flags & ~CHIM_PSH) != CHIM_ACK || (s->info & CHIM_SEG_CE) != 0 || s->wnd == 0)
		return false;
	return c->state == CHIM_TCP_ESTABLISHED && (c->flags & UNUSUAL) == 0 &&
		s->seq == c->rcv_nxt && is_timestamp_plain(c, s) && is_ack_plain(c, s) &&
		is_data_plain(c, s, env);
}
