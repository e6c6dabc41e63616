/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The TCP engine: (connection, segment, now) in, verdict and things to do out.
 *
 * Time, memory and chance are in struct chim_tcp_env; the engine has no clock,
 * no allocator beyond the env's mbuf pools, no log and no callback. A call
 * changes the connection and sets todo bits; the datapath then asks, once a
 * turn for each touched connection, what to tell the host (chim_tcp_next_io)
 * and what to send (chim_tcp_output), and arms its wheel for
 * chim_tcp_deadline().
 *
 * Thread: the worker that owns the connection.
 */
#ifndef CHIM_TCP_H
#define CHIM_TCP_H

#include "chim_base.h"
#include "chim_block.h"
#include "chim_io.h"
#include "chim_request.h"
#include "chim_row.h"
#include "chim_stats.h"
#include "chim_time.h"
#include "chim_wheel.h"
#include "chim_wire.h"

struct chim_conn; /* lib/tcp/priv/tcp_conn.h */

/* chim_conn_head.todo: what the datapath still has to ask this turn. */
#define CHIM_TODO_OUTPUT   0x1u /* something may be sendable: chim_tcp_output */
#define CHIM_TODO_DELIVER  0x2u /* something to tell the host: chim_tcp_next_io */
#define CHIM_TODO_TIMER	   0x4u /* the earliest deadline may have changed */
#define CHIM_TODO_PROGRESS 0x8u /* the peer was heard: new data, or an ACK of ours (spec 8.1) */

/*
 * What engine and datapath share: the first member of struct chim_conn.
 * The comment says who writes a field.
 */
struct chim_conn_head {
	chim_handle_t handle; /* datapath, at install; it names the slot in the worker's slab */
	uint32_t path;	      /* datapath, at install: index of the path replica */
	uint32_t waiting;     /* datapath: slot of the next that waits for the wire */
	uint16_t local_port;  /* engine, at import; network byte order. With the path's addresses */
	uint16_t remote_port; /* ... the key of the flow */
	uint8_t todo;	      /* engine sets bits, datapath clears those it acts on */
	uint8_t host;	      /* datapath: slot of the host */
	uint8_t is_ip6 : 1;   /* datapath */
	uint8_t is_touched : 1;	      /* datapath: something happened to it in this turn */
	uint8_t is_waiting : 1;	      /* datapath: for the wire, in its port's queue */
	uint8_t is_invalid : 1;	      /* datapath: invalidated, nothing is sent */
	struct chim_wheel_link wheel; /* the wheel */
};
_Static_assert(sizeof(struct chim_conn_head) == 40, "the datapath's part of an idle connection");

/** The shared part of a connection. */
static inline struct chim_conn_head *
chim_tcp_head(struct chim_conn *c)
{
	return (struct chim_conn_head *)c;
}

/* Counters of the engine beyond the documented statistics. X(name) */
#define CHIM_TCP_COUNTER_LIST(X)                                       \
	X(rto)		 /* retransmission timer expiries */           \
	X(fast_recovery) /* entries into fast recovery */              \
	X(tlp)		 /* tail loss probes (RFC 8985, 7) */          \
	X(rack_lost)	 /* segments marked lost by time */            \
	X(spurious_rto)	 /* undone (RFC 5682) */                       \
	X(dsack_in)	 /* duplicates the peer reported (RFC 2883) */ \
	X(dsack_out)                                                   \
	X(out_of_order) /* segments queued for reassembly */           \
	X(delayed_acks) /* ACKs sent by the delayed-ACK timer */       \
	X(pure_acks)                                                   \
	X(tso_frames) /* of several segments, which the port cuts */   \
	X(zero_window_probes)                                          \
	X(keepalive_probes)                                            \
	X(challenge_acks)                                              \
	X(window_updates)                                              \
	X(ecn_ce_in)	  /* segments with CE */                       \
	X(ecn_reductions) /* window reductions for ECE */              \
	X(sack_reneged)                                                \
	X(persist_entered)                                             \
	X(no_queues)	/* chim_tcp_env.queues_pool was empty */       \
	X(check_failed) /* a connection whose invariants did not hold */

#define CHIM_TCP_COUNTER_FIELD(name) uint64_t name;
struct chim_tcp_counters {
	CHIM_TCP_COUNTER_LIST(CHIM_TCP_COUNTER_FIELD)
};
#undef CHIM_TCP_COUNTER_FIELD

/* How the engine behaves; constant between CHIM_MSG_PARAMS. */
struct chim_tcp_config {
	uint32_t ticks_per_second; /* host ticks: 10, 100, 1000 */
	uint32_t ack_frequency;	   /* full segments at most before an ACK (RFC 9293 3.8.6.3) */
	uint32_t delayed_ack_ms;
	uint32_t max_retransmits;
	uint32_t dupack_threshold;
	uint32_t push_ms;
	uint32_t sws_ms;
	uint32_t rto_min_us;	       /* 200 ms by default; the chimney profile says 300 ms */
	uint32_t rto_max_us;	       /* 60 s (RFC 6298, 2.5 allows >= 60 s) */
	uint32_t fin_wait_2_ms;	       /* 120 s */
	uint32_t congestion_algorithm; /* enum chim_cc, never DEFAULT */
	uint32_t abc_limit;	       /* L of RFC 3465, segments */
	uint32_t max_reassembly_bytes; /* out-of-order data kept for a connection, beyond the
					* window's own bound; 0 = the window alone */
	uint32_t max_reassembly_holes;
	uint32_t challenge_per_second; /* of all connections together, at most; 0 = none at all */
	uint32_t tx_offloads;	       /* CHIM_TX_* of the wire */
	uint32_t tso_bytes;	       /* payload of a frame that the port cuts, at most */
	uint16_t tx_frame_mbufs;       /* mbufs of a frame that the port takes; UINT16_MAX = any */
	uint16_t tx_seg_mbufs;	       /* ... and of each segment of it */
	uint32_t copy_below;	       /* payload of at most this many bytes is copied behind its
					* header although the port takes segments */
};

/** The default configuration: today's RFCs. */
void chim_tcp_config_init(struct chim_tcp_config *cfg);

/* Segments that the engine wants sent, in order. The datapath lends room of its transmit vector. */
struct chim_tcp_out {
	struct rte_mbuf **m;
	uint16_t nb;
	uint16_t room;
};

/*
 * How many receive buffers are free. What waits in them - for a hole to be filled, for a host that
 * has yet to send what it was told - often waits for a segment that needs a buffer itself. So data
 * beyond a hole may not take the last of them, and data in order not the very last, which are for
 * acknowledgments, for what fills a hole, and for frames that only pass.
 */
enum chim_tcp_buffers {
	CHIM_TCP_BUFFERS_ENOUGH,
	CHIM_TCP_BUFFERS_FEW,  /* no data out of order is kept */
	CHIM_TCP_BUFFERS_LAST, /* no data at all */
};

/* Everything a call may touch besides the connection. Owned by the worker, or by a test. */
struct chim_tcp_env {
	chim_us_t now_us; /* set by chim_tcp_set_now(), with the next */
	uint64_t now_ms;  /* the same moment; deadlines are of its low 32 bits */
	const struct chim_tcp_config *cfg;
	struct rte_mempool *pool;	 /* headers, copies; private size CHIM_NBL_PRIV_SIZE */
	struct rte_mempool *clone_pool;	 /* indirect mbufs; may be NULL: then data is copied */
	struct rte_mempool *sent_pool;	 /* chim_tcp_sent_size() each: a record for each segment in
					  * flight beside a connection's first; when empty, new
					  * data waits */
	struct rte_mempool *flight_pool; /* chim_tcp_flight_size() each: one for each connection
					  * with data in flight, or with queues and likely to send;
					  * when empty, new data waits */
	struct rte_mempool *queues_pool; /* chim_tcp_queues_size() each: one for each connection
					  * with anything queued, lent, posted or to be told; when
					  * empty, data that arrives is dropped and what the host
					  * asks comes back (no_queues counts both) */
	enum chim_tcp_buffers buffers;	 /* as the datapath has just seen them */
	struct chim_row *row;		 /* mbufs the engine is done with */
	struct chim_tcp_out *out;
	struct chim_family_stats *stats[2]; /* IPv4's, IPv6's */
	struct chim_tcp_counters *counters;
	uint64_t random;	   /* state of the generator, seeded by the owner */
	uint32_t challenge_left;   /* of the budget, this second */
	chim_ms_t challenge_reset; /* when the budget is refilled */
	uint16_t ip_id;		   /* next, 0x8000..0xFFFF */
};

/** Time goes on: once a turn, so that nobody behind it divides. */
static inline void
chim_tcp_set_now(struct chim_tcp_env *env, chim_us_t now)
{
	env->now_us = now;
	env->now_ms = now / CHIM_US_PER_MS;
}

/** Bytes of a connection; slots of the worker's slab. A multiple of the cache line. */
uint32_t chim_tcp_conn_size(void);

/** Bytes of an element of chim_tcp_env.sent_pool. */
uint32_t chim_tcp_sent_size(void);

/** Bytes of an element of chim_tcp_env.flight_pool. */
uint32_t chim_tcp_flight_size(void);

/** Bytes of an element of chim_tcp_env.queues_pool. */
uint32_t chim_tcp_queues_size(void);

/* ---- into the engine and out of it (transfer.c) ---- */

struct chim_tcp_import {
	const struct chim_tcp_const *tcp_const;
	const struct chim_tcp_cached *cached;
	const struct chim_tcp_delegated *delegated;
	struct rte_mbuf
		*send_chain; /* list by struct chim_nbl; borrowed until success, then taken */
	uint32_t path_mtu;
};

/**
 * Does this state describe a connection that can be run? Checks states, sequence variables,
 * windows, scales, and that the send chain is at least as long as SndMax - SndUna says.
 *
 * @return CHIM_REASON_NONE, BAD_STATE, BAD_SEQUENCE, BAD_VALUE, BAD_SIZE, BAD_BUFFER.
 */
enum chim_reason chim_tcp_import_check(const struct chim_tcp_import *in);

/**
 * Make a connection in c (a slot; head filled in by the caller, everything else overwritten) from
 * handed-over state. Buffered data is copied (spec 6.1); the send chain is used in place. Sets
 * OUTPUT so that what is due goes out; an ACK is owed at once.
 *
 * @param why the reason when the status is not SUCCESS.
 * @return CHIM_STATUS_SUCCESS; CHIM_STATUS_FAILURE for what chim_tcp_import_check() refuses or no
 *   buffer for the copy. On failure nothing is taken and c holds nothing.
 */
enum chim_status chim_tcp_import(struct chim_conn *c, const struct chim_tcp_import *in,
	struct chim_tcp_env *env, enum chim_reason *why);

/**
 * Write current values; each pointer may be NULL. Query semantics for delegated (backlog sizes,
 * no data).
 */
void
chim_tcp_query(const struct chim_conn *c, struct chim_tcp_const *k, struct chim_tcp_cached *cached,
	struct chim_tcp_delegated *delegated, const struct chim_tcp_env *env);

/** Apply cached values with the flags' edge meaning (spec 4.3). */
void chim_tcp_update(
	struct chim_conn *c, const struct chim_tcp_cached *cached, struct chim_tcp_env *env);

/**
 * First half of terminate: sends the pending ACK through env->out (needs room for 1), stops
 * everything, exports. With d: returns delegated state, outstanding send data in *send_chain (the
 * host's own mbufs, acknowledged bytes trimmed) and undelivered data in d->buffered_data; without:
 * the sends are to be completed UPLOAD_IN_PROGRESS. Pending requests become completions: ask
 * chim_tcp_next_io() until it has no more, then chim_tcp_release().
 *
 * @param t the path's headers; NULL when nothing may be sent (invalidated).
 * @return SUCCESS; FAILURE when the connection's invariants do not hold (spec 4.6).
 */
enum chim_status chim_tcp_terminate(struct chim_conn *c, const struct chim_tmpl *t,
	struct chim_tcp_delegated *d, struct rte_mbuf **send_chain, struct chim_tcp_env *env);

/**
 * Frames kept behind urgent data (spec 11.2), whole and in order: after terminate they are the
 * host's own stack's (CHIM_WHY_URGENT_HANDED).
 *
 * @return list by struct chim_nbl, given to the caller; NULL: none.
 */
struct rte_mbuf *chim_tcp_take_kept(struct chim_conn *c);

/** Free what the connection still owns (reassembly queue, ...). The slot is the caller's again. */
void chim_tcp_release(struct chim_conn *c, struct chim_tcp_env *env);

/* ---- what happens to it ---- */

enum chim_verdict {
	CHIM_VERDICT_FREE, /* done with the frame: the caller frees it (seg->why says more) */
	CHIM_VERDICT_HELD, /* the engine keeps the frame */
	CHIM_VERDICT_PUNT, /* the frame is the kernel's (seg->why) */
};

/**
 * Segment arrival (RFC 9293, 3.10.7.4). seg->why is set when the segment was not plainly accepted.
 *
 * @param m the frame, or a segment that begins with its TCP header; payload at seg->payload_off.
 * @return whose the frame is now.
 */
enum chim_verdict chim_tcp_input(
	struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *seg, struct chim_tcp_env *env);

/**
 * Bring what a segment is going to touch towards the cache, some segments ahead: step 1 what the
 * connection points to, later step 2 what that points to. For connections beyond the caches.
 */
void chim_tcp_warm(const struct chim_conn *c, uint32_t step);

/** Earliest deadline. @return false when no timer runs. */
bool chim_tcp_deadline(const struct chim_conn *c, chim_ms_t *when);

/** Run the timers whose deadline has come at env->now_us; early calls do nothing. */
void chim_tcp_expire(struct chim_conn *c, struct chim_tcp_env *env);

/**
 * An ICMP error that quotes this connection (RFC 5927): believed only when the quoted sequence
 * number is in flight.
 *
 * @param quote mtu of "fragmentation needed" or "packet too big"; 0 for other errors.
 * @return true when an event will be told to the host.
 */
bool
chim_tcp_icmp(struct chim_conn *c, const struct chim_icmp_quote *quote, struct chim_tcp_env *env);

/** The path changed: another MTU, another neighbor, valid again. Re-segments what is not sent. */
void chim_tcp_path_changed(struct chim_conn *c, uint32_t path_mtu, struct chim_tcp_env *env);

/** Ask the host to take the connection back; one event for each different reason. A half-closed
 *  connection is not asked back for its quality (spec 5.6). */
void
chim_tcp_retrieve(struct chim_conn *c, enum chim_upload_reason reason, struct chim_tcp_env *env);

/* ---- the host's data operations ---- */

/**
 * SEND, RECEIVE, DISCONNECT, REFUSE of chim_io.h. What cannot be done becomes a completion with its
 * status, in order; or, where nothing is before it, is not taken.
 *
 * @return SUCCESS: io->m is taken. Else the status with which the caller gives io->m back at once:
 *   UPLOAD_IN_PROGRESS, REQUEST_ABORTED, INVALID_STATE, FAILURE.
 */
enum chim_status
chim_tcp_host_io(struct chim_conn *c, const struct chim_io *io, struct chim_tcp_env *env);

/** The host has returned lent data: open the window by so many bytes. */
void chim_tcp_credit(struct chim_conn *c, uint32_t bytes, struct chim_tcp_env *env);

/**
 * What is next to tell the host, at most max things, in order: *_DONE, INDICATE, EVENT, with the
 * handle filled in (offload_handle is the datapath's). INDICATE lends its data: chim_nbl.cookie is
 * the handle and chim_nbl.room the bytes to credit on return.
 *
 * @return how many; fewer than max when there is nothing more now.
 */
uint32_t
chim_tcp_next_io(struct chim_conn *c, struct chim_io *io, uint32_t max, struct chim_tcp_env *env);

/* ---- what it sends ---- */

/**
 * Send what may be sent: owed ACKs, retransmissions, new data, FIN, probes, RST.
 *
 * @return true when there was more than env->out had room for.
 */
bool chim_tcp_output(struct chim_conn *c, const struct chim_tmpl *t, struct chim_tcp_env *env);

/* ---- looking at it ---- */

/* One connection as plain numbers, for telemetry and chimneyctl. */
struct chim_tcp_view {
	uint32_t state; /* enum chim_tcp_state */
	uint32_t snd_una, snd_nxt, snd_max, snd_wnd, rcv_nxt, rcv_wnd;
	uint32_t cwnd, ssthresh, mss;
	uint32_t srtt_us, rttvar_us;
	uint32_t rto_us;	   /* before the bounds of the configuration */
	uint32_t send_queue_bytes; /* not acknowledged or not sent */
	uint32_t recv_queue_bytes; /* received in order, not returned by the host */
	uint32_t reassembly_bytes;
	uint32_t retransmits;	      /* segments */
	uint64_t bytes_in, bytes_out; /* in order; acknowledged */
	uint8_t has_ts, has_sack, has_ecn, snd_wscale, rcv_wscale;
	uint8_t congestion_algorithm;
	uint8_t in_recovery;  /* 0 open, 1 fast recovery, 2 after RTO */
	uint8_t is_uploading; /* the host was asked to take it back: operations come back */
};

/** Describe a connection. Thread: any; values of one lcore read without a lock by another are each
 *  whole, not necessarily of one moment. */
void chim_tcp_view(const struct chim_conn *c, struct chim_tcp_view *v);

/** The invariants of a connection (check.c). @return NULL when they hold, else the one that does
 *  not, as text. */
const char *chim_tcp_check(const struct chim_conn *c);

#endif /* CHIM_TCP_H */
