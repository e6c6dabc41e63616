/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A datapath lcore ("worker"): feeds the engine from its sources (commands,
 * host data, received frames, time, the kernel's frames), then tells the host
 * and transmits. One function runs one turn, with the time as argument.
 */
#ifndef CHIM_DP_H
#define CHIM_DP_H

#include <stdatomic.h>

#include "chim_chan.h"
#include "chim_port.h"
#include "chim_stats.h"
#include "chim_tcp.h"
#include "chim_time.h"

struct chim_worker;

/* What an idle worker does; chosen by configuration. */
enum chim_idle {
	CHIM_IDLE_SPIN,	     /* never gives the core away */
	CHIM_IDLE_PAUSE,     /* pauses between empty turns */
	CHIM_IDLE_SLEEP,     /* sleeps idle_sleep_us after idle_turns empty turns */
	CHIM_IDLE_INTERRUPT, /* sleeps until a queue interrupts, where every driver can; else SLEEP
			      */
};

struct chim_dp_config {
	uint32_t id; /* 0 .. nb_workers-1 */
	uint32_t nb_workers;
	int socket_id;
	uint32_t max_connections; /* of this worker */
	uint32_t max_ip4;	  /* of them by IPv4: size of a flow table; 0 = all */
	uint32_t max_ip6;	  /* ... and by IPv6 */
	uint32_t max_paths;
	uint32_t max_neighbors;
	uint32_t max_holds;	 /* 0 = 1024 */
	uint32_t max_hold_bytes; /* kept frames of all holds together; 0 = 64 MiB */
	uint32_t max_sent;	 /* segments in flight; 0 = 1024 a connection, at most 65535 */
	uint32_t max_queues;	 /* connections that are not idle: something is queued, posted, lent
				  * or in flight; 0 = all, at most 65535 */
	uint32_t kernel_frames_per_turn; /* budget of the exception port; 0 = 32 */
	struct chim_tcp_config tcp; /* challenge_per_second is of all workers together, and at least
				     * one of each; a worker takes its part */
	struct chim_target *target; /* host rings */
	struct chim_box *from_ctl;  /* struct chim_msg * */
	struct chim_box *to_ctl;
	struct chim_box *to_worker[CHIM_MAX_WORKERS]; /* frames of others; NULL for itself */
	struct chim_box *from_worker[CHIM_MAX_WORKERS];
	const struct chim_port *port[CHIM_MAX_PORTS]; /* by port number; NULL = none */
	struct rte_mempool *pool; /* rx buffers and headers, priv CHIM_NBL_PRIV_SIZE */
	struct rte_mempool *clone_pool;
	uint64_t random_seed;
	enum chim_idle idle;
	uint32_t idle_turns;	      /* 0 = 1000 */
	uint32_t idle_sleep_us;	      /* 0 = 50; up to eight times that when long idle */
	uint32_t lent_wait_ms;	      /* stopped: how long for what hosts were lent; 0 = 1000 */
	bool deliver_to_wrong_worker; /* tests: treat every frame as if steering were wrong */
};

/* Counters of a worker, written by it alone, read by telemetry. X(name) */
#define CHIM_DP_COUNTER_LIST(X)                                         \
	X(turns)       /* polls */                                      \
	X(busy_turns)  /* polls that did something */                   \
	X(busy_cycles) /* TSC cycles of those */                        \
	X(rx_frames)   /* from the wire */                              \
	X(rx_bytes)                                                     \
	X(tx_frames)	    /* to the wire */                           \
	X(kernel_rx_frames) /* from the exception port */               \
	X(kernel_tx_frames) /* to the exception port */                 \
	X(segments)	    /* given to the engine */                   \
	X(handed_over)	    /* frames passed to another worker */       \
	X(commands)                                                     \
	X(host_io)     /* data operations taken */                      \
	X(host_stale)  /* data operations with a handle that is gone */ \
	X(host_full)   /* times a host's ring had no room */            \
	X(holds)       /* flows held */                                 \
	X(holds_ended) /* by deadline or bound */                       \
	X(installs)                                                     \
	X(terminates)                                                   \
	X(sleeps)                                                       \
	X(longest_gap_us) /* between two polls: somebody else had the CPU */

#define CHIM_DP_COUNTER_FIELD(name) uint64_t name;
struct chim_dp_counters {
	CHIM_DP_COUNTER_LIST(CHIM_DP_COUNTER_FIELD)
	uint64_t why[CHIM_WHY_MAX];
	uint64_t kernel_why[CHIM_WHY_MAX]; /* of frames from the exception port */
	struct chim_tcp_counters tcp;
	struct chim_family_stats ip4;
	struct chim_family_stats ip6;
};
#undef CHIM_DP_COUNTER_FIELD

/**
 * Create a worker and everything it owns.
 *
 * @return owned; NULL with rte_errno (EINVAL, ENOMEM, EEXIST).
 * Thread: start-up.
 */
struct chim_worker *chim_dp_create(const struct chim_dp_config *cfg);

/** Destroy; NULL is allowed. Connections still there are dropped without a packet. */
void chim_dp_destroy(struct chim_worker *w);

/**
 * One turn.
 *
 * @return how much was done; 0 = idle.
 * Thread: the worker's lcore (or the test).
 */
uint32_t chim_dp_poll(struct chim_worker *w, chim_us_t now);

/* Something else that shares the worker's lcore: the control lcore's poll. */
typedef uint32_t (*chim_dp_guest_fn)(void *arg, chim_us_t now);

/**
 * The lcore main: reads the clock, polls, idles as configured, until *stop; and on, for as long as
 * lent_wait_ms allows, until the hosts have returned what they were lent (spec 5.5).
 *
 * @param guest polled after each turn; may be NULL.
 * @return 0.
 */
int chim_dp_run(struct chim_worker *w, chim_dp_guest_fn guest, void *arg, const atomic_bool *stop);

/** Counters. Thread: any, for reading. */
const struct chim_dp_counters *chim_dp_counters(const struct chim_worker *w);

/** Chains of received data that hosts were lent and have not returned. Thread: any, approximate. */
uint32_t chim_dp_nb_lent(const struct chim_worker *w);

/** Connections installed now. Thread: any, approximate. */
uint32_t chim_dp_nb_connections(const struct chim_worker *w);

/* One connection for telemetry. */
struct chim_dp_conn_view {
	chim_handle_t handle;
	uint64_t offload_handle;
	uint32_t host;
	uint32_t path;
	uint32_t is_invalid;
	struct chim_tuple tuple;
	struct chim_tcp_view tcp;
};

/**
 * Describe the connection in a slot. Thread: any; see chim_tcp_view().
 *
 * @return 0; -ENOENT the slot is free; -ERANGE past the last slot.
 */
int chim_dp_describe(const struct chim_worker *w, uint32_t index, struct chim_dp_conn_view *v);

#endif /* CHIM_DP_H */
