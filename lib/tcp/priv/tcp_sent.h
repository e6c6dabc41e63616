/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What is in flight: one record for each transmitted segment (or TSO frame) of
 * a connection, and the counts that RFC 6675's pipe is made of, kept while the
 * records change.
 *
 * A record is on the list by sequence number, and, by its fate, on one more:
 *
 *   flight   sent, nothing heard of it; in order of transmission (RACK's order)
 *   lost     to be sent again; the lowest first, the others as they were found
 *   none     SACKED: neighbours that are both SACKED become one record
 *
 * so that every question asked for each ACK is answered from the head of a
 * list. Bounds, whatever the peer sends: an ACK walks over at most
 * TCP_SENT_BUDGET records without changing them, every other visit marks or
 * frees a record; and SACK edges inside a record are refused once the records
 * are more than twice the segments of the flight, and 64. One record is in the
 * queue itself: a short exchange needs no other. More come from a mempool: when
 * it is empty new data waits, and a SACK edge inside a record is passed over
 * (SACK is advice; the segment is acknowledged later).
 *
 * Times are microseconds modulo 2^32: differences below 35 minutes compare,
 * and no retransmission timeout comes near that.
 */
#ifndef TCP_SENT_H
#define TCP_SENT_H

#include <sys/queue.h>

#include <rte_mempool.h>

#include "chim_base.h"
#include "chim_seq.h"
#include "chim_wire.h"

#define TCP_SENT_SACKED	      0x01u
#define TCP_SENT_LOST	      0x02u
#define TCP_SENT_RETRANS      0x04u /* sent again, and that copy is not known to be lost */
#define TCP_SENT_EVER_RETRANS 0x08u /* no RTT sample (Karn, RFC 6298, 3) */
#define TCP_SENT_FIN	      0x10u /* the last octet of the sequence space is a FIN */
#define TCP_SENT_PROBE	      0x20u /* a tail loss probe (RFC 8985, 7) */
#define TCP_SENT_GUESSED      0x40u /* sent before the connection came here: the time is a bound */

#define TCP_SENT_BUDGET 256u
#define TCP_SENT_SPARE	64u

struct tcp_sent_rec {
	TAILQ_ENTRY(tcp_sent_rec) by_seq;
	TAILQ_ENTRY(tcp_sent_rec) by_fate;
	uint32_t seq;
	uint32_t len;	/* sequence space, a FIN counted */
	uint32_t tx_us; /* last transmission */
	uint16_t segs;	/* segments on the wire that it is, about, when in several */
	uint8_t flags;	/* TCP_SENT_* */
	uint8_t nb_resent;
};
_Static_assert(sizeof(struct tcp_sent_rec) == 48, "a record a segment");

TAILQ_HEAD(tcp_sent_list, tcp_sent_rec);

struct tcp_sent {
	struct tcp_sent_rec own; /* free when its len is 0 */
	struct tcp_sent_list by_seq;
	struct tcp_sent_list flight;
	struct tcp_sent_list lost;
	struct tcp_sent_rec *cursor; /* where the last SACK block ended */
	uint32_t bytes;		     /* of all records: SND.MAX - SND.UNA */
	uint32_t sacked;	     /* bytes */
	uint32_t lost_bytes;	     /* bytes LOST, sent again or not */
	uint32_t retrans;	     /* bytes RETRANS */
	uint32_t reno;		     /* bytes that duplicate ACKs say have left, without SACK */
	uint32_t nb;		     /* records */
	uint32_t sacked_segs;	     /* segments SACKED */
};

/*
 * What one ACK delivered: filled by tcp_sent_ack() and tcp_sack_apply(), read by
 * RACK, PRR and congestion control. Set the first part before.
 */
struct tcp_delivery {
	uint32_t now_us;
	uint32_t min_rtt_us; /* of the connection, 0 = unknown: RACK's filter */
	uint32_t echo_us;    /* latest moment the segment echoed by TSecr can have been sent */
	bool has_echo;
	bool has_sack; /* negotiated */
	/* out */
	bool has_latest; /* tx_us, end_seq, is_retrans: the last sent of those delivered */
	bool latest_is_retrans;
	bool latest_is_guessed;
	bool has_news;	       /* high_end is set */
	bool has_original;     /* original_end is set */
	bool is_retrans_acked; /* a segment that was ever resent has been delivered */
	bool is_dsack;	       /* the first block reported a duplicate (RFC 2883) */
	bool is_reneged;       /* data once SACKED is at SND.UNA again (RFC 2018, 8) */
	uint32_t acked;	       /* bytes newly below SND.UNA */
	uint32_t sacked;       /* bytes newly SACKED */
	uint32_t delivered;    /* bytes of which this ACK is the first news */
	uint32_t rtt_us;       /* of the last sent, 0 = no sample */
	uint32_t rtt_first_us; /* of the first sent, delayed ACK included; 0 = no sample */
	uint32_t tx_us;
	uint32_t end_seq;
	uint32_t original_end; /* lowest end delivered of those never resent */
	uint32_t high_end;     /* highest end delivered */
	uint32_t dsack_start;
	uint32_t dsack_end;
	uint32_t visited; /* records walked over without effect */
	uint32_t worked;  /* records marked or freed */
};

/* A transmission to be recorded. */
struct tcp_sent_new {
	uint32_t seq;
	uint32_t len; /* sequence space, a FIN counted */
	uint32_t now_us;
	uint16_t segs;
	uint8_t flags; /* TCP_SENT_FIN, TCP_SENT_PROBE, TCP_SENT_GUESSED */
};

/* What an empty queue is, at its place. */
#define TCP_SENT_EMPTY(q)                                     \
	{                                                     \
		.by_seq = TAILQ_HEAD_INITIALIZER((q).by_seq), \
		.flight = TAILQ_HEAD_INITIALIZER((q).flight), \
		.lost = TAILQ_HEAD_INITIALIZER((q).lost),     \
	}

/** Make an empty queue. */
void tcp_sent_init(struct tcp_sent *q);

/** Is a record free? */
bool tcp_sent_has_free(const struct tcp_sent *q, struct rte_mempool *pool);

/** Record new data, which begins where the last record ends. @return false: no record is free. */
bool tcp_sent_append(struct tcp_sent *q, struct rte_mempool *pool, const struct tcp_sent_new *tx);

/** Forget the record before SND.MAX: it was not sent. */
void tcp_sent_drop_last(struct tcp_sent *q, struct rte_mempool *pool);

/**
 * Cut a record in two after len bytes (0 < len < r->len); r stays the first part.
 *
 * @return false: no record is free, r is whole.
 */
bool
tcp_sent_split(struct tcp_sent *q, struct rte_mempool *pool, struct tcp_sent_rec *r, uint32_t len);

/** A cumulative acknowledgment: SND.UNA is now ack. */
void
tcp_sent_ack(struct tcp_sent *q, struct rte_mempool *pool, uint32_t ack, struct tcp_delivery *d);

/**
 * [start, end) is at the receiver (RFC 2018). Must lie within the queue; segments of mss bytes
 * say how far records may be cut.
 */
void tcp_sent_sack(struct tcp_sent *q, struct rte_mempool *pool, const struct chim_sack *range,
	uint32_t mss, struct tcp_delivery *d);

/** Without SACK: a duplicate ACK says that a segment has left (RFC 5681, 3.2; RFC 6582). */
void tcp_sent_dupack(struct tcp_sent *q, uint32_t mss);

/** This record, or the copy of it that was resent, is lost. Nothing happens when it is SACKED. */
void tcp_sent_lose(struct tcp_sent *q, struct tcp_sent_rec *r);

/** Everything not SACKED is lost (RFC 6298, 5). Cost: all records. */
void tcp_sent_lose_all(struct tcp_sent *q);

/** Forget what was SACKED: the receiver has dropped it (RFC 2018, 8). Cost: all records. */
void tcp_sent_renege(struct tcp_sent *q);

/** The loss was none: what is lost is in flight again. Cost: all records. */
void tcp_sent_unlose(struct tcp_sent *q);

/** The record has been sent again, as a probe or because it is lost. */
void tcp_sent_resent(struct tcp_sent *q, struct tcp_sent_rec *r, uint32_t now_us);

/** Drop all records. The queue is none until it is made again. */
void tcp_sent_free(struct tcp_sent *q, struct rte_mempool *pool);

/** Invariants, recomputed. @return NULL when they hold, else the one that does not. Cost: all. */
const char *tcp_sent_check(const struct tcp_sent *q);

/** The next to be sent again. @return NULL when nothing is lost. */
static inline struct tcp_sent_rec *
tcp_sent_next_lost(const struct tcp_sent *q)
{
	return TAILQ_FIRST(&q->lost);
}

/** The record at SND.UNA. @return NULL when nothing is in flight. */
static inline struct tcp_sent_rec *
tcp_sent_first(const struct tcp_sent *q)
{
	return TAILQ_FIRST(&q->by_seq);
}

/** The record before SND.MAX. @return NULL when nothing is in flight. */
static inline struct tcp_sent_rec *
tcp_sent_last(const struct tcp_sent *q)
{
	return TAILQ_LAST(&q->by_seq, tcp_sent_list);
}

/** After the last sequence number of a record. */
static inline uint32_t
tcp_sent_end(const struct tcp_sent_rec *r)
{
	return r->seq + r->len;
}

/** Bytes in the network (RFC 6675, 4: pipe). */
static inline uint32_t
tcp_sent_pipe(const struct tcp_sent *q)
{
	uint32_t out = q->bytes + q->retrans;
	uint32_t gone = q->sacked + q->lost_bytes + q->reno;

	return out > gone ? out - gone : 0;
}

/** Is a sent before b? Times wrap; equal times are ordered by sequence (RFC 8985, 5.1). */
static inline bool
tcp_sent_before(uint32_t a_us, uint32_t a_end, uint32_t b_us, uint32_t b_end)
{
	return (int32_t)(a_us - b_us) < 0 || (a_us == b_us && chim_seq_lt(a_end, b_end));
}

#endif /* TCP_SENT_H */
