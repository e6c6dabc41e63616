/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Out-of-order data of one connection, and a FIN that came early.
 *
 * The queue is a list of runs. A run is data without a hole, a list of mbufs
 * linked by chim_nbl.next; what is known of it lies in the private area of its
 * first mbuf. Runs are listed by how recently they changed, which is the order
 * of SACK blocks (RFC 2018, 4). Overlaps are cut from the new segment: what is
 * queued stays as it is. A segment that reaches over a run into another hole
 * keeps the part before that run; the rest is sent again.
 *
 * Bounds, whatever comes: at most max_runs runs, so that many steps for a
 * segment and no more for its length; at most max_bytes of data; mbufs of at
 * least 256 bytes on average, since small payloads are copied behind the run
 * they continue.
 *
 * An mbuf on the queue has its data trimmed to its part of the stream.
 */
#ifndef TCP_REASS_H
#define TCP_REASS_H

#include "chim_base.h"
#include "chim_io.h"
#include "chim_row.h"
#include "chim_seq.h"

struct tcp_reass {
	struct rte_mbuf *runs; /* first mbuf of the run changed last */
	uint32_t bytes;
	uint16_t nb_runs;
	uint16_t nb_mbufs;
};
_Static_assert(sizeof(struct tcp_reass) == 16, "what an idle connection pays");

struct tcp_reass_in {
	struct rte_mbuf *m; /* data is the payload, within the window; empty only with a FIN */
	uint32_t seq;
	uint32_t rcv_nxt; /* seq > rcv_nxt */
	uint32_t max_bytes;
	uint16_t max_runs;
	bool has_fin; /* a FIN follows the payload */
	bool has_push;
};

enum tcp_reass_verdict {
	TCP_REASS_HELD,	     /* all or part of it is on the queue; m is taken */
	TCP_REASS_DUPLICATE, /* nothing new; m is left on the free row */
	TCP_REASS_FULL,	     /* no room: too many runs, bytes or mbufs; m is left on the free row */
	TCP_REASS_AFTER_FIN, /* beyond a FIN, or a FIN before queued data: the queue was flushed */
};

struct tcp_reass_out {
	uint32_t dup_start; /* part of the segment that was on the queue (RFC 2883); empty: none */
	uint32_t dup_end;
	uint32_t visited; /* runs looked at */
};

/** Queue a segment. Takes in->m in every case. Cost: runs. */
enum tcp_reass_verdict tcp_reass_add(struct tcp_reass *q, const struct tcp_reass_in *in,
	struct chim_row *row, struct tcp_reass_out *out);

/**
 * Take what continues the stream at rcv_nxt, cutting off and dropping what is before it.
 *
 * @param bytes payload taken.
 * @param has_fin a FIN follows it: RCV.NXT becomes rcv_nxt + bytes + 1.
 * @return list by chim_nbl.next, owned by the caller, CHIM_NBL_PUSH set where the peer pushed;
 *   NULL when nothing, or only a FIN, continues it.
 */
struct rte_mbuf *tcp_reass_take(struct tcp_reass *q, uint32_t rcv_nxt, struct chim_row *row,
	uint32_t *bytes, bool *has_fin);

/**
 * The i-th run, the most recently changed first.
 *
 * @return false when there are not so many.
 */
bool tcp_reass_run(const struct tcp_reass *q, uint16_t i, uint32_t *start, uint32_t *end);

/** Drop everything. */
void tcp_reass_flush(struct tcp_reass *q, struct chim_row *row);

/** Invariants, recomputed. @return NULL when they hold, else the one that does not. Cost: all. */
const char *tcp_reass_check(const struct tcp_reass *q);

static inline bool
tcp_reass_is_empty(const struct tcp_reass *q)
{
	return q->runs == NULL;
}

#endif /* TCP_REASS_H */
