/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One connection of the engine with a scripted peer and a scripted host, under
 * virtual time. The harness plays the datapath: after each thing that happens
 * it asks for what is to be told and what is to be sent, and keeps both until
 * the test has looked.
 *
 *   struct eng *e = eng_established(.mss = 1000, .cwnd_segs = 10);
 *
 *   eng_host_sends(e, 4000);
 *   expect_out(e, SEG(.seq = 0, .len = 1000), ...);
 *   inject(e, SEG(.ack = 4000));
 *   expect_io(e, CHIM_IO_SEND_DONE);
 *   eng_finish(e);
 *
 * The clock, the sequence numbers and the timestamps start just below their
 * wraps. eng_finish() checks invariants, that nothing was left unexpected, and
 * that every buffer is back.
 */
#ifndef ENG_H
#define ENG_H

#include "chim_tcp.h"
#include "pkt.h"
#include "test.h"

#define ENG_OUT 8192u
#define ENG_IO	4096u

/* How a connection is given to the engine. Zero is the default of each. */
struct eng_opts {
	uint32_t state;	       /* enum chim_tcp_state, default ESTABLISHED */
	uint32_t mss;	       /* payload without timestamps, default 1000 */
	uint32_t cwnd_segs;    /* default 10 */
	uint32_t ssthresh;     /* bytes, default none */
	uint32_t snd_wnd;      /* bytes, default 60000 */
	bool is_window_closed; /* snd_wnd is 0 */
	uint32_t rcv_wnd;      /* bytes, default 60000 */
	uint8_t snd_wscale;
	uint8_t rcv_wscale;
	bool has_ts;
	bool no_sack;
	bool has_ecn;
	bool is_ts_unknown;
	bool is_ip6;
	bool has_nagle;
	bool is_attached;   /* the port takes several mbufs: payload is not copied */
	bool has_tso;	    /* ... and cuts frames into segments; checksums are left to it */
	uint32_t unacked;   /* bytes the chain has between SND.UNA and SND.NXT */
	uint32_t to_resend; /* ... between SND.NXT and SND.MAX */
	uint32_t unsent;    /* ... behind SND.MAX */
	bool is_fin_unsent; /* states that have a FIN: it has not gone out */
	uint32_t buffered;  /* bytes received and not taken */
	uint32_t algorithm; /* enum chim_cc, default NEWRENO */
	uint16_t cached_flags;
	chim_ticks_t ka_timeout;
	chim_ticks_t ka_interval;
	uint8_t ka_probe_count;
	chim_ticks_t max_rt;
	uint32_t rcv_indication_size;
	bool keep_first_ack; /* the ACK after import is left for the test */
	void (*tweak)(struct eng_opts *o, struct chim_tcp_const *k, struct chim_tcp_cached *c,
		struct chim_tcp_delegated *d);
};

struct eng {
	struct chim_conn *c;
	struct eng_opts opts;
	struct chim_tcp_env env;
	struct chim_tcp_config cfg;
	struct chim_tmpl tmpl;
	struct chim_tcp_counters counters;
	struct chim_family_stats stats4, stats6;
	struct chim_row row;
	struct chim_tcp_out out;
	struct rte_mbuf *burst[64];
	uint16_t burst_room;	/* room lent in one turn, default all */
	uint32_t iss, irs;	/* octet 0 of ours, of the peer's */
	uint32_t ts0, peer_ts0; /* TSval 0 of ours, of the peer's */
	uint32_t sent_by_host;	/* bytes */
	uint8_t flags;		/* what chim_seg flags the next inject adds */
	enum chim_why why;	/* of the last segment injected */
	enum chim_verdict verdict;
	uint32_t nb_out, next_out;
	struct rte_mbuf *frame[ENG_OUT];
	struct pkt pkt[ENG_OUT];
	uint32_t nb_io, next_io;
	struct chim_io io[ENG_IO];
	bool is_gone;	 /* terminated or released */
	bool is_manual;	 /* no turn after each step */
	uint32_t in_use; /* elements of the pools before it was made */
};

struct rte_mempool *eng_host_pool(void);

/** Make a connection. Fails the test when the engine does not take it. */
struct eng *eng_new(const struct eng_opts *opts);

#define eng_established(...) \
	eng_new(&(struct eng_opts){ .state = CHIM_TCP_ESTABLISHED, __VA_ARGS__ })
#define eng_in(st, ...) eng_new(&(struct eng_opts){ .state = CHIM_TCP_##st, __VA_ARGS__ })

/** The state structures of opts, for tests of import itself. The chains are owned by the caller. */
struct eng_state {
	struct chim_tcp_const k;
	struct chim_tcp_cached cached;
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;
	struct rte_mbuf *buffered;
};
void eng_state_of(struct eng *e, struct eng_state *s);

/** Take the connection out, with all of its state. Requests it had are completed. */
void eng_export(struct eng *e, struct eng_state *s);

/** Make the slot as good as new, for the next import. */
void eng_empty(struct eng *e);

/**
 * Import such a state into an empty slot. Frees s->buffered.
 *
 * @return why not, or NONE: s->chain is the engine's.
 */
enum chim_reason eng_import_state(struct eng *e, struct eng_state *s);

/** An engine without a connection: pools, clock, configuration. */
struct eng *eng_blank(const struct eng_opts *opts);

/** Import what its options say; fails the test when the engine refuses. */
void eng_import(struct eng *e);

/** Release, look for leaks, and free e. */
void eng_free(struct eng *e);

/** Bytes of a stream from a relative number on, as one chain of the host's pool. */
struct rte_mbuf *eng_chain(uint32_t at, uint32_t len, uint32_t seg_len);

/** The same as one mbuf of the host's pool that refers to memory outside of it. */
struct rte_mbuf *eng_reference(uint32_t at, uint16_t len);

/** One turn of the datapath: tell, then send. */
void eng_turn(struct eng *e);

/** What a query tells: the variables the engine runs, those the host may change. */
struct chim_tcp_delegated eng_delegated(const struct eng *e);
struct chim_tcp_cached eng_cached(const struct eng *e);

/** An update; edges are flags that hold for this one only. */
void eng_update(struct eng *e, const struct chim_tcp_cached *cached, uint16_t edges);

/** Time passes; timers run when they are due. */
void eng_run(struct eng *e, uint32_t ms);

/** Check, release, look for leaks. Frees e. */
void eng_finish(struct eng *e);

/* ---- the peer ---- */

void inject(struct eng *e, struct pkt p);

/** The segment's bytes and our view of it, without giving it to the engine. m is owned. */
struct rte_mbuf *eng_segment(struct eng *e, const struct pkt *p, struct chim_seg *seg);

/* ---- the host ---- */

void eng_host_sends(struct eng *e, uint32_t bytes);
void eng_host_disconnects(struct eng *e, uint16_t flags, uint32_t bytes);
/** Post one request of so many bytes. */
struct rte_mbuf *eng_host_posts(struct eng *e, uint32_t room, uint32_t nbl_flags);
/** Give lent data back. */
void eng_host_returns(struct eng *e, struct rte_mbuf *m);
void eng_host_io(struct eng *e, const struct chim_io *io);

/** Are these bytes those of the stream at a relative number? */
void eng_check_bytes(struct rte_mbuf *m, uint32_t at);

/* ---- what comes out ---- */

void eng_expect_out(struct eng *e, const struct pkt *want, uint32_t nb, const char *file, int line);
#define expect_out(e, ...)                                     \
	eng_expect_out(e, (const struct pkt[]){ __VA_ARGS__ }, \
		CHIM_DIM(((const struct pkt[]){ __VA_ARGS__ })), __FILE__, __LINE__)

/** Nothing was sent. */
#define expect_nothing(e) eng_expect_out(e, NULL, 0, __FILE__, __LINE__)

/** Nothing is sent for so long. */
void eng_expect_quiet(struct eng *e, uint32_t ms, const char *file, int line);
#define expect_quiet_for(e, ms) eng_expect_quiet(e, ms, __FILE__, __LINE__)

/** The next thing told to the host. @return it; its buffers are the harness's unless taken. */
struct chim_io *eng_expect_io(struct eng *e, uint16_t op, const char *file, int line);
#define expect_io(e, op) eng_expect_io(e, op, __FILE__, __LINE__)

void eng_expect_event(struct eng *e, uint32_t event, uint32_t info, const char *file, int line);
#define expect_event(e, event, info) eng_expect_event(e, event, info, __FILE__, __LINE__)

void eng_expect_no_io(struct eng *e, const char *file, int line);
#define expect_no_io(e) eng_expect_no_io(e, __FILE__, __LINE__)

/** The next INDICATE: checks its bytes, returns the data to the engine. */
void eng_expect_data(struct eng *e, uint32_t at, uint32_t len, const char *file, int line);
#define expect_data(e, at, len) eng_expect_data(e, at, len, __FILE__, __LINE__)

/** Forget what was sent so far, or told. */
void eng_ignore_out(struct eng *e);
void eng_ignore_io(struct eng *e);

struct chim_tcp_view eng_view(const struct eng *e);

#endif /* ENG_H */
