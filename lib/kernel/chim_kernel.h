/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The Linux kernel as host stack: takes an established socket to the engine
 * and brings it back into the same descriptor. Reaches the engine only through
 * chim_host.h.
 *
 * One agent serves one host slot and is one state machine: nothing blocks
 * except the short system calls of a move; many moves can be under way. At
 * every instant exactly one side speaks for a connection.
 *
 * Thread: the thread that created the agent.
 */
#ifndef CHIM_KERNEL_H
#define CHIM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "chim_host.h"
#include "chim_time.h"

/*
 * The cookie of send chains that the agent has made (struct chim_nbl), not for the user's own. They
 * carry what moved along unacknowledged or unsent (struct chim_move_report), and do not come to the
 * user: a SEND_DONE event tells in io.bytes how many of these bytes have been acknowledged.
 */
#define CHIM_KERNEL_COOKIE UINT64_C(0x4348494d4b4e4c01)

struct chim_kernel; /* the agent */
struct chim_kconn;  /* one connection it knows, one descriptor */

/* Where a connection is. X(name, text) */
#define CHIM_HOME_LIST(X)         \
	X(KERNEL, "kernel")       \
	X(TO_ENGINE, "to-engine") \
	X(ENGINE, "engine")       \
	X(TO_KERNEL, "to-kernel") \
	X(ENDED, "ended") /* over, the descriptor says how; or lost, loudly */

#define CHIM_HOME_ENUM(name, text) CHIM_HOME_##name,
enum chim_home {
	CHIM_HOME_LIST(CHIM_HOME_ENUM)
};
#undef CHIM_HOME_ENUM

struct chim_kernel_config {
	struct chim_host *host;
	const char *netns; /* NULL = the agent's own; sockets elsewhere are refused */
	struct {
		uint16_t port_number;	      /* Chimney port */
		const char *exception_ifname; /* the kernel's interface of it */
		bool is_late;		      /* it may get frames after the driver has sent them */
		uint8_t mac[6];
	} port[8];
	uint32_t nb_ports;
	uint32_t max_connections;
	uint32_t max_moves;	   /* under way at once; 0 = 256 */
	uint32_t hold_deadline_ms; /* 0 = CHIM_HOLD_DEADLINE_MS */
	uint64_t random;	   /* any number: not that of an agent before, not to be guessed */
	bool disable_hold;	   /* only to prove that a hold is needed */
};

/** Create an agent. @return owned; NULL with errno; why gets a sentence for a person. */
struct chim_kernel *
chim_kernel_create(const struct chim_kernel_config *cfg, char *why, size_t why_len);

/** Give the engine back what it still has of ours: neighbors and paths that nobody uses. To be
 *  called (and chim_kernel_poll()) until it says so, before destroy.
 *  @return true when nothing is left and nothing is under way. */
bool chim_kernel_clear(struct chim_kernel *k);

/** Destroy. Connections in the engine must have been brought back (chim_kernel_nb_in_engine). */
void chim_kernel_destroy(struct chim_kernel *k);

/**
 * Know a connected TCP socket. The descriptor stays the caller's, who does not touch it from
 * chim_kernel_offload() until the event that says it is back in the kernel.
 *
 * @param cookie comes back in events.
 * @return the connection; NULL with errno (ENOTCONN, ENOSPC, EOPNOTSUPP not TCP).
 */
struct chim_kconn *chim_kernel_adopt(struct chim_kernel *k, int fd, uint64_t cookie);

/** Forget a connection that is at home in the kernel or ended. The caller closes the descriptor. */
void chim_kernel_forget(struct chim_kernel *k, struct chim_kconn *kc);

/**
 * Start the move to the engine. It ends with an event: MOVED (home ENGINE) or REFUSED (home
 * KERNEL, nothing changed for the connection).
 *
 * @return 0; -EALREADY not at home in the kernel; -EAGAIN too many moves under way.
 */
int chim_kernel_offload(struct chim_kernel *k, struct chim_kconn *kc);

/**
 * Start the move back. It ends with MOVED (home KERNEL), or ENDED.
 *
 * @return 0; -EALREADY not in the engine; -EAGAIN.
 */
int chim_kernel_upload(struct chim_kernel *k, struct chim_kconn *kc);

enum chim_kernel_event_kind {
	CHIM_KERNEL_MOVED,   /* home says where to */
	CHIM_KERNEL_REFUSED, /* an offload did not happen; why says what stood against it */
	CHIM_KERNEL_ENDED,   /* the connection is over: error is 0 (EOF both ways) or an errno */
	CHIM_KERNEL_IO,	     /* io is for the user of the bytes: INDICATE, *_DONE, EVENT DISCONNECT;
			      * nothing is indicated before it has posted a receive request, which
			      * may have no room */
	CHIM_KERNEL_ASKED,   /* the engine asks for an upload; the agent has started it */
};

/* What a move did, for reports. */
struct chim_move_report {
	uint64_t pause_us;     /* from the hold to the release */
	uint32_t send_unacked; /* bytes sent and not acknowledged that moved along */
	uint32_t send_unsent;  /* bytes not yet sent that moved along */
	uint32_t send_chains;  /* mbuf chains that terminate returned */
	uint32_t recv_unread;  /* bytes received and not read that moved along */
	uint32_t kept_frames;  /* frames the hold kept meanwhile */
	uint32_t state;	       /* enum chim_tcp_state */
};

struct chim_kernel_event {
	enum chim_kernel_event_kind kind;
	uint64_t cookie;
	struct chim_kconn *kc;
	enum chim_home home;
	int error;
	enum chim_reason reason;
	const char *why;	      /* REFUSED, ENDED, ASKED: a constant sentence */
	struct chim_move_report move; /* MOVED */
	struct chim_io io;	      /* IO */
};

/**
 * Work: completions, data rings, steps of moves, netlink, deadlines.
 *
 * @return events written, at most n.
 */
unsigned int chim_kernel_poll(
	struct chim_kernel *k, chim_us_t now, struct chim_kernel_event *ev, unsigned int n);

/** Descriptor that becomes readable when the kernel has news (netlink), for an epoll set. */
int chim_kernel_fd(const struct chim_kernel *k);

/** Is anything under way that wants chim_kernel_poll() soon? */
bool chim_kernel_is_busy(const struct chim_kernel *k);

/** Does a peer wait for a move? Then nothing should come between two calls of chim_kernel_poll().
 */
bool chim_kernel_is_urgent(const struct chim_kernel *k);

/** Connections whose home is not the kernel. */
uint32_t chim_kernel_nb_in_engine(const struct chim_kernel *k);

/** Where a connection is now. */
enum chim_home chim_kernel_home(const struct chim_kconn *kc);

/** Its handle while its home is the engine, else CHIM_HANDLE_NONE. */
chim_handle_t chim_kernel_handle(const struct chim_kconn *kc);

/** Its tuple. */
void chim_kernel_tuple(const struct chim_kconn *kc, struct chim_tuple *t);

/** Name a home: "kernel", "engine", ... */
const char *chim_home_name(enum chim_home home);

/* Counters of the agent. X(name) */
#define CHIM_KERNEL_COUNTER_LIST(X)                                    \
	X(offloads) /* moves to the engine that arrived */             \
	X(uploads)  /* moves to the kernel that arrived */             \
	X(refused)                                                     \
	X(restored) /* offloads that failed late and were undone */    \
	X(ended)                                                       \
	X(lost) /* connections that could not be given back: logged */ \
	X(neighbor_updates)                                            \
	X(path_updates)                                                \
	X(relinks)                                                     \
	X(invalidates)                                                 \
	X(renewals)	 /* conntrack entries kept alive */            \
	X(confirmations) /* kernel neighbors that forward progress confirmed */

#define CHIM_KERNEL_COUNTER_FIELD(name) uint64_t name;
struct chim_kernel_counters {
	CHIM_KERNEL_COUNTER_LIST(CHIM_KERNEL_COUNTER_FIELD)
};
#undef CHIM_KERNEL_COUNTER_FIELD

/** Counters. */
const struct chim_kernel_counters *chim_kernel_counters(const struct chim_kernel *k);

#endif /* CHIM_KERNEL_H */
