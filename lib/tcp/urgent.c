/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Urgent data is the host's (spec 11.2): an acceptable segment with URG stops
 * the connection and asks for upload; it and all later ones are kept, whole
 * and unacknowledged, and go to the host's own stack after terminate.
 */
#include "tcp_internal.h"

/* Beyond that the peer sends it again, to the host's stack. */
#define KEPT_MAX_BYTES (256u * 1024u)
/* What a frame counts for at least: small ones take a buffer too. */
#define KEPT_FRAME_BYTES 1024u

enum chim_verdict
tcp_urgent_keep(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	uint32_t cost = RTE_MAX(m->pkt_len, KEPT_FRAME_BYTES);

	s->why = CHIM_WHY_AFTER_URGENT;
	/* A forwarded segment has no frame to be given on: its sender has it still. */
	if (s->tcp_off == 0 || !tcp_queues_attach(c, env) ||
		c->q->kept_bytes + cost > KEPT_MAX_BYTES) {
		s->why = CHIM_WHY_NO_BUFFER;
		return CHIM_VERDICT_FREE;
	}
	c->q->kept_bytes += cost;
	tcp_list_append(&c->q->kept, m);
	return CHIM_VERDICT_HELD;
}

enum chim_verdict
tcp_urgent_begin(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *s, struct chim_tcp_env *env)
{
	c->flags |= TCP_URGENT | TCP_STOPPED;
	c->armed = 0;
	chim_tcp_retrieve(c, CHIM_UPLOAD_RECEIVED_URGENT_DATA, env);
	return tcp_urgent_keep(c, m, s, env);
}

struct rte_mbuf *
chim_tcp_take_kept(struct chim_conn *c)
{
	if (c->q == NULL)
		return NULL;
	c->q->kept_bytes = 0;
	return tcp_list_take(&c->q->kept);
}
