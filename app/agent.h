/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The agent from the inside: the thread that accepts connections, serves them
 * in both homes, moves them by policy or by hand, and answers chimneyctl.
 *
 *   agent.c     create, the loop and its waiting, stopping
 *   listener.c  accept
 *   conn.c      the table of connections; what happens to one
 *   move.c      moves: asked for, started, arrived, refused
 *   policy.c    who should move, and when
 *   control.c   the socket of chimneyctl; command.c what can be asked there
 *   lend.c      sockets that other processes lend
 *   view.c      a connection, and the totals, as JSON
 */
#ifndef AGENT_H
#define AGENT_H

#include <sys/queue.h>

#include <jansson.h>

#include "app.h"
#include "chim_serve.h"
#include "flowset.h"

#define AGENT_HISTORY	  12u	/* last events kept of a connection */
#define AGENT_PAUSES	  2048u /* last moves kept for the distribution of pauses */
#define AGENT_REASONS	  64u	/* different sentences counted */
#define AGENT_MAX_CLIENTS 16u

/* Why a connection is moved. X(name, text) */
#define AGENT_CAUSE_LIST(X)                 \
	X(NONE, "-")                        \
	X(ACCEPT, "policy: accepted")       \
	X(BYTES, "policy: bytes moved")     \
	X(RATE, "policy: rate")             \
	X(AGE, "policy: age")               \
	X(RTT, "policy: round-trip time")   \
	X(WORTH, "policy: every threshold") \
	X(HAND, "by hand")                  \
	X(IDLE, "idle")                     \
	X(CAPACITY, "capacity runs short")  \
	X(ENGINE, "the engine asked")       \
	X(CLOSING, "to be closed")          \
	X(STOP, "chimney stops")

#define AGENT_CAUSE_ENUM(name, text) AGENT_CAUSE_##name,
enum agent_cause {
	AGENT_CAUSE_LIST(AGENT_CAUSE_ENUM) AGENT_CAUSE_MAX
};
#undef AGENT_CAUSE_ENUM

enum agent_want {
	AGENT_WANT_NOTHING,
	AGENT_WANT_OFFLOAD,
	AGENT_WANT_UPLOAD,
};

struct agent_history {
	chim_us_t when;
	const char *what; /* constant */
	const char *why;  /* constant, may be NULL */
	uint32_t pause_us;
};

struct agent_conn {
	TAILQ_ENTRY(agent_conn) wants;	 /* on agent.wants while want is set */
	TAILQ_ENTRY(agent_conn) blocked; /* on agent.blocked while is_blocked */
	uint32_t generation;		 /* 0 while the slot is free */
	uint32_t next_free;
	int fd;
	uint32_t epoll_events; /* 0 = not in the epoll set */
	bool is_away;	       /* the descriptor must not be touched */
	bool is_blocked;
	bool is_pinned;	       /* moved by hand: policy leaves it alone */
	bool is_lent;	       /* another process lent the descriptor */
	struct chim_kconn *kc; /* NULL: stays in the kernel for good */
	struct chim_stream *stream;
	const struct chim_service *svc;
	struct app_policy policy;
	enum agent_want want;
	enum agent_cause cause;	     /* of want, then of the move under way */
	enum agent_cause last_cause; /* of the last move that arrived */
	chim_us_t born;
	chim_us_t active;   /* last byte */
	chim_us_t moved;    /* last move, or try */
	chim_us_t shut_at;  /* seen to have closed its half; 0 = not yet */
	chim_us_t retry_at; /* policy tries no offload before */
	uint64_t seen_in;   /* bytes at the last sweep */
	uint64_t seen_out;
	uint64_t rate_in; /* bytes a second */
	uint64_t rate_out;
	uint64_t moves;
	uint64_t refusals;
	const char *refusal; /* the last, constant */
	struct chim_move_report last;
	uint32_t nb_history;
	struct agent_history history[AGENT_HISTORY];
};

struct agent_listener {
	int fd;
	struct app_policy policy;
	const struct chim_service *svc;
	const struct app_listener_options *opt;
	uint64_t accepted;
	uint64_t refused; /* no descriptor, no memory */
};

struct agent_client {
	int fd;	     /* -1: free */
	int lent_fd; /* came with the request being read; -1: none */
	uint32_t in_len;
	char in[4096];
	char *out; /* malloc()ed, or NULL */
	size_t out_off;
	size_t out_len;
};

/* A sentence and how often. */
struct agent_count {
	const char *text;
	uint64_t nb;
};

struct agent {
	struct app_engine *e;
	const struct app_options *opt;
	struct chim_host *host;
	struct chim_kernel *kernel;
	struct app_flow_sets *flow_sets; /* NULL: the file has none */
	bool polls_ctl;
	int epoll_fd;
	int signal_fd;
	int control_fd;
	char control_path[108];
	uint32_t nb_listeners;
	struct agent_listener listener[APP_MAX_LISTENERS];
	/* connections */
	uint32_t capacity;  /* of the engine */
	uint32_t max_conns; /* in both homes together */
	uint32_t nb_conns;
	uint32_t top; /* slots from here on were never used */
	uint32_t free_head;
	struct agent_conn *conn;
	TAILQ_HEAD(agent_wants, agent_conn) wants;
	TAILQ_HEAD(agent_blocked, agent_conn) blocked;
	struct agent_client client[AGENT_MAX_CLIENTS];
	/* time */
	chim_us_t now;
	chim_us_t next_sweep;
	chim_us_t room_asked; /* last upload for capacity */
	uint64_t room_for;    /* cookie of the connection that it was for; 0 = none */
	chim_us_t worked_at;  /* when a turn last had something to do */
	chim_us_t looked_at;  /* ... and looked at descriptors */
	bool has_seen;	      /* something was there then */
	/* stopping */
	bool is_stopping;
	bool is_done;
	chim_us_t stop_at;
	/* counted */
	uint64_t accepted, closed, broken;
	uint64_t offloads[AGENT_CAUSE_MAX];
	uint64_t uploads[AGENT_CAUSE_MAX];
	struct agent_count refusal[AGENT_REASONS];
	uint64_t nb_pauses;
	uint32_t pause_us[AGENT_PAUSES];
};

/* What an epoll event is about: kind in the upper byte, the rest by kind. */
enum agent_tag {
	AGENT_TAG_SIGNAL = 1,
	AGENT_TAG_KERNEL,
	AGENT_TAG_LISTENER, /* index */
	AGENT_TAG_CONTROL,
	AGENT_TAG_CLIENT, /* index */
	AGENT_TAG_CONN,	  /* generation:24 index:32 */
};

static inline uint64_t
agent_tag(enum agent_tag kind, uint64_t rest)
{
	return (uint64_t)kind << 56 | rest;
}

/* ---- agent.c ---- */

/** Make the agent: host, kernel side, listeners, control socket. @return NULL with why. */
struct agent *agent_create(struct app_engine *e, bool polls_ctl, char *why);
/** Work until stopped. @return the exit code. */
enum app_exit agent_run(struct agent *a);
void agent_destroy(struct agent *a);
/** Add, change (op EPOLL_CTL_*) a descriptor. @return 0, -errno. */
int agent_watch(struct agent *a, int op, int fd, uint32_t events, uint64_t tag);

/* ---- listener.c ---- */

int agent_listeners_open(struct agent *a, char *why);
void agent_listeners_close(struct agent *a);
void agent_listener_on_event(struct agent *a, uint32_t index);

/* ---- conn.c ---- */

/** Take a connected descriptor. @return NULL when there is no room; the descriptor stays the
 *  caller's then. */
struct agent_conn *agent_conn_create(struct agent *a, int fd, const struct chim_service *svc,
	const char *arg, struct app_policy policy);
/** Find by cookie (generation and index). @return NULL when it is gone. */
struct agent_conn *agent_conn_find(struct agent *a, uint64_t cookie);
uint64_t agent_conn_cookie(const struct agent *a, const struct agent_conn *c);
enum chim_home agent_conn_home(const struct agent_conn *c);
void agent_conn_on_event(struct agent *a, uint64_t cookie, uint32_t events);
/** After every call into its stream: sets what epoll waits for, closes what is finished. */
void agent_conn_settle(struct agent *a, struct agent_conn *c);
/** The connection is over, or everything is: close and forget. */
void agent_conn_close(struct agent *a, struct agent_conn *c);
void agent_conn_note(struct agent *a, struct agent_conn *c, const char *what, const char *why,
	uint32_t pause_us);
/** Streams that a full ring stopped. @return how many were tried. */
uint32_t agent_conns_retry(struct agent *a);
/** Once a second: a peer that does not close its half is not waited for longer than the service
 *  lingers. @return true when it is over; the connection may be gone. */
bool agent_conn_check_linger(struct agent *a, struct agent_conn *c);
/** Take the descriptor out of the epoll set; it may change hands now. */
void agent_conn_leave(struct agent *a, struct agent_conn *c);
void agent_conn_return(struct agent *a, struct agent_conn *c);

/* ---- move.c ---- */

const char *agent_cause_text(enum agent_cause cause);
/** Ask for a move; started by agent_moves_start() when there is room for it. */
void agent_move_want(
	struct agent *a, struct agent_conn *c, enum agent_want want, enum agent_cause cause);
void agent_move_forget(struct agent *a, struct agent_conn *c);
/** Start what is wanted. @return how many were started. */
uint32_t agent_moves_start(struct agent *a);
/** Something chim_kernel_poll() brought. */
void agent_move_on_event(struct agent *a, struct chim_kernel_event *ev);

/* ---- policy.c ---- */

/** Should it move now? Called after traffic; cheap. */
void agent_policy_check(struct agent *a, struct agent_conn *c);
/** Once a second: rates, idle connections, tries that were put off. */
void agent_policy_sweep(struct agent *a);
/** An offload found no room: give the least used place back, where that is worth it. */
void agent_policy_make_room(struct agent *a, const struct agent_conn *for_whom);
/** It has left the engine to make room: whom it was for goes there now. */
void agent_policy_give_room(struct agent *a, struct agent_conn *left);

/* ---- lend.c ---- */

json_t *agent_command_lend(struct agent *a, const json_t *request, int *lent_fd);
json_t *agent_command_return(struct agent *a, const json_t *request, int *lent_fd);
/** Is a lent connection in its descriptor, with nothing of it left in here? */
bool agent_lent_is_home(const struct agent_conn *c);

/* ---- control.c, command.c, view.c ---- */

int agent_control_open(struct agent *a, char *why);
void agent_control_close(struct agent *a);
void agent_control_on_event(struct agent *a);
void agent_client_on_event(struct agent *a, uint32_t index, uint32_t events);
/** Answer one request. @param lent_fd taken by "lend", -1 when there is none. @return owned. */
json_t *agent_command_run(struct agent *a, const json_t *request, int *lent_fd);
/** A connection in a few fields, or (detail) all of them. @return owned. */
json_t *agent_view_conn(struct agent *a, struct agent_conn *c, bool detail);
json_t *agent_view_stats(struct agent *a);
json_t *agent_view_drops(struct agent *a);

#endif /* AGENT_H */
