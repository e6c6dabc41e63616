/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Loss recovery and congestion control of one connection, as the rest of the
 * engine sees it: sent records, SACK, RACK-TLP, PRR, undo and congestion
 * control run behind these calls, in the order of the RFCs.
 *
 *   ack.c     tcp_recover_on_ack() for each acceptable ACK while data is in
 *             flight, or tcp_recover_end_plainly(); then tcp_recover_reo_us(),
 *             tcp_recover_pto_us() for timers
 *   output.c  tcp_recover_allowance(), tcp_recover_next(), then
 *             tcp_recover_on_resent(); or tcp_recover_enter(), then
 *             tcp_recover_on_sent()
 *   timer.c   tcp_recover_on_rto(), tcp_recover_on_reo(), tcp_recover_on_pto()
 *
 * struct tcp_recover is in the connection, one cache line. Everything that only
 * matters while data is in flight is in a struct tcp_flight of a pool, taken
 * when the first segment is sent. When the last is acknowledged it is as new,
 * and kept as long as the host is likely to answer what the peer has asked
 * (queues.c): an idle connection has none.
 */
#ifndef TCP_RECOVER_H
#define TCP_RECOVER_H

#include "chim_tcp.h"
#include "tcp_cc.h"
#include "tcp_prr.h"
#include "tcp_rack.h"
#include "tcp_sack.h"
#include "tcp_sent.h"
#include "tcp_undo.h"

enum tcp_recover_state {
	TCP_RECOVER_OPEN,
	TCP_RECOVER_FAST, /* fast recovery */
	TCP_RECOVER_RTO,  /* after a timeout, until what was out then is acknowledged */
	TCP_RECOVER_CWR,  /* reduced for ECN, until what was out then is acknowledged */
};

struct tcp_flight {
	struct tcp_sent sent;
	uint32_t point;	 /* SND.MAX when the episode began (RecoveryPoint) */
	uint32_t reo_us; /* when RACK is to look again */
	uint8_t has_reo;
	uint8_t state;	     /* enum tcp_recover_state */
	uint8_t dupacks;     /* duplicate ACKs in a row */
	uint8_t must_resend; /* the timeout has come: the first goes out whatever is in flight */
	struct tcp_rack rack;
	struct tcp_undo undo;
	struct tcp_prr prr;
	struct tcp_cc_run run;
};
_Static_assert(offsetof(struct tcp_flight, undo) <= 192, "the usual ACK touches three lines");

struct tcp_recover {
	struct tcp_cc cc; /* cwnd, ssthresh */
	struct tcp_rack_kept kept;
	struct tcp_flight *flight; /* NULL, or without records: nothing is in flight */
	uint32_t sent_ms;	   /* last transmission of data, for restart after idle */
	uint32_t retransmits;	   /* segments sent again, for the view */
};

/* What ack.c knows of an ACK. */
struct tcp_recover_in {
	const struct chim_sack *sack;
	uint32_t una;	  /* before this ACK */
	uint32_t ack;	  /* una <= ack <= max */
	uint32_t max;	  /* SND.MAX */
	uint32_t mss;	  /* sender's, options subtracted */
	uint32_t srtt_us; /* 0 = no sample yet */
	uint32_t echo_us; /* latest time, modulo 2^32 us, at which a segment with this TSecr can
			   * have been sent; with has_echo */
	uint8_t nb_sack;
	bool has_sack; /* negotiated */
	bool has_echo;
	bool has_ece; /* ECE set, ECN negotiated */
	bool is_dup;  /* a duplicate ACK by RFC 5681, 2 */
};

/* struct tcp_recover_out.events */
#define TCP_RECOVER_ENTERED 0x01u /* fast recovery began */
#define TCP_RECOVER_EXITED  0x02u /* an episode ended: all that was out then is acknowledged */
#define TCP_RECOVER_UNDONE                                                                       \
	0x04u			   /* the reduction was for nothing; after an RTO also reset the \
				    * back-off */
#define TCP_RECOVER_REDUCED  0x08u /* for ECE */
#define TCP_RECOVER_PROGRESS 0x10u /* new data acknowledged: restart the RTO (RFC 6298, 5.3) */
#define TCP_RECOVER_EMPTY    0x20u /* nothing is in flight any more: stop the RTO (5.2) */

struct tcp_recover_out {
	struct tcp_delivery d; /* acked, rtt_us, rtt_first_us, ... */
	uint32_t events;
};

/** A connection begins, or comes from elsewhere with these windows. */
void tcp_recover_init(struct tcp_recover *r, uint8_t algorithm, uint32_t cwnd, uint32_t ssthresh);

/**
 * [una, max) was in flight when the connection came here; from nxt on it is to be sent again.
 *
 * @param has_fin the last octet is a FIN.
 * @return false: no record is free, nothing is taken.
 */
bool tcp_recover_import(struct tcp_recover *r, struct chim_tcp_env *env,
	const struct chim_sack *out, uint32_t nxt, bool has_fin);

/** Give back everything, a flight that is kept for the next included. */
void tcp_recover_release(struct tcp_recover *r, struct chim_tcp_env *env);

/**
 * An acceptable ACK. Counts in env->counters. Nothing happens when nothing is in flight.
 *
 * @param out always filled.
 */
void tcp_recover_on_ack(struct tcp_recover *r, const struct tcp_recover_in *in,
	struct chim_tcp_env *env, struct tcp_recover_out *out);

/**
 * The usual flight of a short exchange: one record, sent once, and nothing else going on. What
 * recovery could learn from the ACK of it would go with the flight. Something is in flight.
 */
static inline bool
tcp_recover_is_plain(const struct tcp_recover *r)
{
	const struct tcp_flight *f = r->flight;

	return f->sent.nb == 1 && f->state == TCP_RECOVER_OPEN && !f->rack.has_tlp &&
		f->sent.reno == 0 && (tcp_sent_first(&f->sent)->flags & ~TCP_SENT_FIN) == 0;
}

/** tcp_recover_on_ack() of all of a flight that is plain, by an ACK that says nothing else. */
void tcp_recover_end_plainly(struct tcp_recover *r, const struct tcp_recover_in *in,
	struct chim_tcp_env *env, struct tcp_recover_out *out);

/** Bytes that may be sent now, lost or new; the peer's window is not looked at. */
uint32_t tcp_recover_allowance(const struct tcp_recover *r);

/**
 * The record to be sent again next. Send its first min(len, mss) bytes, or all of it with TSO, and
 * say so by tcp_recover_on_resent(). During F-RTO new data goes first (RFC 5682, 3.2).
 *
 * @param has_new new data could be sent instead.
 * @return NULL: nothing to be sent again now.
 */
struct tcp_sent_rec *tcp_recover_next(const struct tcp_recover *r, bool has_new);

/**
 * The first len bytes of a record are being sent again: cuts it there.
 *
 * @return false: no record is free to cut with; do not send (or send the whole).
 */
bool tcp_recover_on_resent(
	struct tcp_recover *r, struct tcp_sent_rec *rec, uint32_t len, struct chim_tcp_env *env);

/** Is a record free, so that the cut of tcp_recover_on_resent() succeeds? */
bool tcp_recover_can_cut(const struct tcp_recover *r, struct chim_tcp_env *env);

/**
 * New data [seq, seq+len), a FIN counted in len, is going to be sent: a record for it; segs is how
 * many segments TSO makes of it. Then the frame is built, and tcp_recover_on_sent() follows, or
 * tcp_recover_withdraw(). The last records are for connections that have few.
 *
 * @return false: no record is free; do not send, try again after a turn.
 */
bool
tcp_recover_enter(struct tcp_recover *r, const struct tcp_sent_new *tx, struct chim_tcp_env *env);

/** What was entered last has not been sent. */
void tcp_recover_withdraw(struct tcp_recover *r, struct chim_tcp_env *env);

/** What was entered last, of len, has been sent. */
void tcp_recover_on_sent(struct tcp_recover *r, uint32_t len, const struct chim_tcp_env *env);

/** Before new data after a pause: restart from the restart window (RFC 5681, 4.1). */
void tcp_recover_on_idle(
	struct tcp_recover *r, uint32_t mss, uint32_t rto_us, const struct chim_tcp_env *env);

/** The retransmission timeout expired (RFC 6298, 5.4-5.6; RFC 8985, 6.3): of in, max, mss, srtt_us
 *  and has_sack are read. @param is_first not yet backed off for this segment. */
void tcp_recover_on_rto(struct tcp_recover *r, const struct tcp_recover_in *in, bool is_first,
	struct chim_tcp_env *env);

/** When RACK is to look again. @return false: no need; else left_us from now, may be 0. */
bool
tcp_recover_reo_us(const struct tcp_recover *r, const struct chim_tcp_env *env, uint32_t *left_us);

/** That time has come. @return true when something was marked lost. */
bool tcp_recover_on_reo(
	struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env);

/**
 * Probe timeout from now; arm it after new data was sent and after an ACK made progress
 * (RFC 8985, 7.2), instead of the RTO.
 *
 * @param in of it mss, srtt_us and has_sack are read.
 * @param rto_left_us until the RTO.
 * @return false: no probe; the RTO alone.
 */
bool tcp_recover_pto_us(const struct tcp_recover *r, const struct tcp_recover_in *in,
	uint32_t rto_left_us, uint32_t *left_us);

/**
 * The probe timeout has come (7.3): send one segment of new data whatever the allowance, or, when
 * there is none to send, this record. Say so by tcp_recover_on_sent() or tcp_recover_on_resent(),
 * and then by tcp_recover_on_probe(); and arm the RTO.
 *
 * @return the last mss bytes in flight, or more when no record is free to cut them off; NULL when
 *   nothing is in flight.
 */
struct tcp_sent_rec *
tcp_recover_probe(struct tcp_recover *r, uint32_t mss, struct chim_tcp_env *env);

/** A probe has been sent. @param max SND.MAX after it. */
void tcp_recover_on_probe(
	struct tcp_recover *r, uint32_t max, bool is_retrans, struct chim_tcp_env *env);

/**
 * The path takes only mss bytes now: what is out in larger segments did not get through. That is no
 * sign of congestion (RFC 1191, 6.4): no window is reduced. Cost: all records.
 */
void tcp_recover_on_mtu(struct tcp_recover *r, uint32_t mss);

/** SND.NXT as the chimney state wants it: the next to be sent again, or SND.MAX. */
uint32_t tcp_recover_snd_nxt(const struct tcp_recover *r, uint32_t max);

/** Invariants. @return NULL when they hold, else the one that does not. */
const char *tcp_recover_check(const struct tcp_recover *r, uint32_t una, uint32_t max);

/** Is anything in flight? */
static inline bool
tcp_recover_is_out(const struct tcp_recover *r)
{
	return r->flight != NULL && r->flight->sent.nb != 0;
}

/** The record at SND.UNA. @return NULL when nothing is in flight. */
static inline struct tcp_sent_rec *
tcp_recover_first(const struct tcp_recover *r)
{
	return r->flight == NULL ? NULL : tcp_sent_first(&r->flight->sent);
}

/** Is anything to be sent again? */
static inline bool
tcp_recover_has_lost(const struct tcp_recover *r)
{
	return r->flight != NULL && tcp_sent_next_lost(&r->flight->sent) != NULL;
}

/** In which episode? */
static inline enum tcp_recover_state
tcp_recover_state(const struct tcp_recover *r)
{
	return r->flight == NULL ? TCP_RECOVER_OPEN : (enum tcp_recover_state)r->flight->state;
}

/** For a view: 0 open, 1 fast recovery, 2 after a timeout. Thread: any. */
static inline uint8_t
tcp_recover_view(const struct tcp_recover *r)
{
	if (r->cc.flags & TCP_CC_IN_RTO)
		return 2;
	return (r->cc.flags & TCP_CC_IN_FAST) != 0;
}

#endif /* TCP_RECOVER_H */
