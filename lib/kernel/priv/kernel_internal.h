/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The agent's own structures and what its files call of each other.
 *
 *   agent.c     life, connections, poll
 *   events.c    what the data rings say, and the queue towards the user
 *   move.c      the engine of moves: lists of steps, one function a step
 *   handoff.c   the steps kernel to engine      handback.c  engine to kernel
 *   build.c     state <-> block                 chains.c    bytes <-> mbufs
 *   objects.c   neighbors and paths offloaded   follow.c    what the kernel says of them
 *   reach.c     who is reachable                refuse.c    what may not go
 *   egress.c    which port and VLAN a route leads to
 *   resolve.c, netlink.c, conntrack.c   asking the kernel
 *
 * Whatever the engine reads or writes by address (blocks, contexts) is in EAL
 * memory; everything else is on the C heap.
 */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "chim_kernel.h"
#include "kernel_frames.h"
#include "kernel_netlink.h"
#include "kernel_sock.h"

#define KERNEL_MAX_PORTS 8u
#define KERNEL_HELD	 4u /* connections whose peers wait at once, each way */

struct kernel_port {
	uint16_t number;
	int ifindex;  /* of the exception interface */
	int heard_fd; /* where markers that came through it are read; -1: nothing comes late */
	char name[IFNAMSIZ];
	uint8_t mac[6];
};

/* Where an object of the engine is in its life, seen from here. */
enum kernel_life {
	KERNEL_LIFE_ABSENT, /* to be offloaded with the next connection */
	KERNEL_LIFE_COMING, /* part of an initiate that is not completed */
	KERNEL_LIFE_PRESENT,
	KERNEL_LIFE_INVALID, /* invalidated; its connections are coming back */
	KERNEL_LIFE_LEAVING, /* part of a terminate that is not completed */
};

/* One request at a time for an object; in EAL memory. */
struct kernel_neighbor {
	TAILQ_ENTRY(kernel_neighbor) next;
	uint32_t id; /* offload handle */
	enum kernel_life life;
	bool is_busy;  /* a request about it is in flight */
	bool is_stale; /* the kernel has said something new: look again */
	bool is_wrong; /* the engine could not be told what is true: it is to give it up */
	const struct kernel_port *port;
	int ifindex;	  /* where the kernel has it: the port's, or a VLAN interface on that */
	uint16_t vlan_id; /* 0 = none */
	uint8_t family;	  /* AF_INET, AF_INET6: of the next hop */
	uint8_t addr[16];
	uint8_t mac[6]; /* as the engine has it */
	uint32_t nb_paths;
	chim_us_t confirmed; /* when the kernel last knew it reachable, as of its creation */
	chim_us_t idle_since;
	chim_handle_t handle;
	struct chim_neighbor_block block;
};

struct kernel_path {
	TAILQ_ENTRY(kernel_path) next;
	uint32_t id;
	enum kernel_life life;
	bool is_busy;
	bool is_stale;
	bool is_wrong; /* the engine could not be told what is true: it is to give it up */
	struct kernel_neighbor *neighbor;
	struct kernel_neighbor *target; /* relink in progress: where to */
	uint8_t family;			/* CHIM_AF_* */
	uint8_t local[16];
	uint8_t remote[16];
	uint32_t mark;
	int bound;	       /* SO_BINDTODEVICE, 0 = not */
	struct kernel_qos qos; /* of the VLAN interface */
	chim_us_t routed_at;   /* when the kernel last said that it has a route */
	uint16_t vlan_id;      /* by which it expects frames of the peer then, 0 = none */
	uint32_t route_mtu;    /* what the kernel says */
	uint32_t mtu;	       /* as the engine has it */
	uint32_t learnt_mtu;   /* what ICMP asked for */
	chim_us_t mtu_until;   /* then the route's is tried again */
	uint32_t nb_conns;     /* that use it, or are on the way to it */
	chim_us_t idle_since;
	chim_handle_t handle;
	struct chim_path_block block;
	struct chim_block linker; /* of the neighbor, above the path in an update */
};

TAILQ_HEAD(kernel_neighbors, kernel_neighbor);
TAILQ_HEAD(kernel_paths, kernel_path);

/* A marker, and by which interface it goes. */
struct kernel_due {
	const struct kernel_neighbor *neighbor;
	uint64_t marker;
};

struct kernel_move;

struct chim_kconn {
	struct chim_kernel *k;
	TAILQ_ENTRY(chim_kconn) waiting; /* for a move slot, asked for by the engine */
	uint32_t index;
	uint32_t generation; /* 0 = free */
	uint32_t next_free;
	int fd;
	uint64_t cookie;
	enum chim_home home;
	const char *never; /* what will stand against offloading it as long as it lives; NULL */
	enum chim_reason never_reason;
	struct chim_tuple tuple;
	chim_handle_t handle;
	struct kernel_path *path; /* while not at home */
	struct kernel_move *move;
	uint32_t tracked_s; /* time given to its conntrack entry; 0 = it has none */
	chim_us_t renew_at;
	struct kernel_sock_state *st; /* while not at home: what the engine does not carry */
	struct chim_io *early;	      /* said by the engine before the initiate was completed */
	uint32_t nb_early;
	uint32_t ts_recent; /* last known, 0 = never */
	bool is_waiting;
	bool is_aborted;   /* CHIM_EVENT_ABORT */
	uint32_t retrieve; /* enum chim_upload_reason, 0 = none */
};

/* Blocks of one request; in EAL memory. */
struct kernel_tree {
	chim_handle_t handle; /* of the connection */
	struct chim_block linker;
	struct chim_tcp_block tcp;
	struct {
		struct chim_block block;
		struct chim_tcp_delegated delegated;
	} back; /* terminate */
};

/* What a step answers. */
enum kernel_next {
	KERNEL_NEXT,  /* on to the next step */
	KERNEL_WAIT,  /* for the completion of what it has submitted */
	KERNEL_AGAIN, /* call it again at the next poll */
	KERNEL_FAIL,  /* m->reason and m->why say it */
	KERNEL_OVER,  /* the move is gone */
};

/* How far a move to the engine has come, for who undoes it. */
#define KERNEL_DID_PATH	  0x1u /* counted on a path */
#define KERNEL_DID_HOLD	  0x2u
#define KERNEL_DID_REPAIR 0x4u /* has been in repair mode, or still is */
#define KERNEL_DID_EMPTY  0x8u
#define KERNEL_DID_TREE	  0x10u /* the tree has the queues, until the engine takes them */

struct kernel_step {
	const char *name;
	enum kernel_next (*run)(struct chim_kernel *k, struct kernel_move *m);
	/* After KERNEL_WAIT. */
	enum kernel_next (*done)(
		struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c);
	/* At each poll while waiting; may be NULL. */
	void (*tick)(struct chim_kernel *k, struct kernel_move *m);
	bool is_pause; /* from here on the peer waits: not more at once than is good for each */
};

struct kernel_move {
	TAILQ_ENTRY(kernel_move) next;
	uint32_t index;
	uint32_t generation;
	struct chim_kconn *kc;		/* NULL = free */
	const struct kernel_step *step; /* current; a list ends with name NULL */
	bool is_waiting;
	bool is_held;	 /* counted in nb_held */
	bool is_offload; /* towards the engine: a failure undoes it */
	bool is_restore; /* undoing one: the user hears REFUSED */
	uint32_t did;	 /* KERNEL_DID_* */
	chim_us_t began;
	chim_us_t held;	    /* when the hold, or the terminate, was asked for */
	chim_us_t released; /* when it was over */
	chim_us_t retry_at;
	uint32_t tries;
	uint32_t segs_in; /* before frames were injected */
	uint32_t nb_frames;
	uint64_t marker;
	bool is_heard; /* the kernel has got the marker */
	chim_us_t marker_at;
	uint32_t marker_again_us; /* until it is sent once more */
	uint32_t tail_done;
	int error; /* of the connection itself, found on the way */
	enum chim_reason reason;
	const char *why;
	struct kernel_tree *tree;
	struct chim_move_report report;
};

TAILQ_HEAD(kernel_moves, kernel_move);

struct chim_kernel {
	struct chim_host *host;
	chim_us_t now;
	uint32_t nb_ports;
	struct kernel_port port[KERNEL_MAX_PORTS];
	uint32_t hold_deadline_ms;
	bool disable_hold;
	bool is_paused;
	uint64_t netns_cookie;
	uint32_t tcp_ecn; /* sysctl, looked at now and then */
	uint32_t rmem_max;
	chim_us_t policies_at; /* when these two were asked for */
	bool has_policies;     /* of IPsec */
	bool is_tracking;      /* connection tracking has entries */
	chim_us_t follow_at;   /* when to read the kernel's news again */
	chim_us_t look_at;     /* when to look at sysctls and idle objects again */
	struct kernel_netlink nl;
	int marker_fd;
	uint64_t marker; /* last used */
	uint32_t nb_due; /* markers of this turn */
	struct kernel_due due[KERNEL_HELD];

	struct chim_kconn *conn;
	uint32_t nb_slots; /* size */
	uint32_t top;
	uint32_t free_head;
	uint32_t nb_away; /* home not the kernel */
	TAILQ_HEAD(, chim_kconn) waiting;

	struct kernel_move *move;
	uint32_t nb_move_slots;
	struct kernel_tree *trees; /* one for each, in EAL memory */
	uint32_t nb_moves;
	struct kernel_moves starting; /* nothing done yet */
	struct kernel_moves ready;    /* the next step is a pause */
	struct kernel_moves moves;    /* under way */
	struct kernel_moves free_moves;
	uint32_t nb_ready;
	uint32_t nb_held[2]; /* in their pause; [is_offload] */

	struct kernel_neighbors neighbors;
	struct kernel_paths paths;
	uint32_t next_id;
	uint32_t nb_object_requests;
	bool routes_changed;

	struct chim_kernel_event *event; /* ring */
	uint32_t event_size, event_head, nb_events;
	struct rte_mbuf *give_back; /* lent chains a full ring did not take */
	struct chim_kernel_counters counters;
};

/* ---- cookies of requests ---- */

#define KERNEL_COOKIE_MOVE     1u
#define KERNEL_COOKIE_NEIGHBOR 2u
#define KERNEL_COOKIE_PATH     3u

static inline uint64_t
kernel_cookie(uint32_t kind, uint32_t generation, uint32_t index)
{
	return (uint64_t)kind << 56 | (uint64_t)(generation & 0xFFFFFF) << 32 | index;
}

/* ---- agent.c ---- */

/** The connection an offload handle names. @return NULL when it is gone. */
struct chim_kconn *kernel_conn_find(struct chim_kernel *k, uint64_t offload_handle);
uint64_t kernel_conn_offload_handle(const struct chim_kconn *kc);
/** Change home, and count. */
void kernel_conn_set_home(struct chim_kconn *kc, enum chim_home home);

/* ---- events.c ---- */

/** Room for n more events, or memory for it. */
bool kernel_events_reserve(struct chim_kernel *k, uint32_t n);
/** Put one; room has been reserved. */
struct chim_kernel_event *
kernel_event_put(struct chim_kernel *k, struct chim_kconn *kc, enum chim_kernel_event_kind kind);
unsigned int
kernel_events_take(struct chim_kernel *k, struct chim_kernel_event *ev, unsigned int n);
/** One entry of the data rings. */
void kernel_on_io(struct chim_kernel *k, const struct chim_io *io);
/** Take everything the data rings have now. @return how much. */
uint32_t kernel_collect(struct chim_kernel *k);
/** What came before the initiate was completed. */
void kernel_replay_early(struct chim_kernel *k, struct chim_kconn *kc);
/** Have the engine's wish fulfilled: bring the connection back. */
void kernel_ask_back(struct chim_kernel *k, struct chim_kconn *kc, const char *why);

/* ---- move.c ---- */

int kernel_move_begin(struct chim_kernel *k, struct chim_kconn *kc, const struct kernel_step *list);
/** Submit for a move; the completion finds it. @return KERNEL_WAIT, or AGAIN when the ring is full.
 */
enum kernel_next
kernel_move_submit(struct chim_kernel *k, struct kernel_move *m, struct chim_request *req);
/** Fail a step. @return KERNEL_FAIL. */
enum kernel_next kernel_move_fail(struct kernel_move *m, enum chim_reason reason, const char *why);
/** A system call failed: KERNEL_FAIL with a reason fit for it. */
enum kernel_next kernel_move_errno(struct kernel_move *m, int rc, const char *why);
/** A turn: moves whose peers wait go on first, then new ones begin. */
uint32_t kernel_moves_run(struct chim_kernel *k);
/** Is anybody waiting for a move of ours? */
bool kernel_moves_are_held(const struct chim_kernel *k);
/** The peer does not wait any more. */
void kernel_move_resume(struct chim_kernel *k, struct kernel_move *m);
void kernel_move_on_completion(struct chim_kernel *k, const struct chim_completion *c);
/** The move is over: free its slot. */
void kernel_move_end(struct chim_kernel *k, struct kernel_move *m);
/** Submit frames of the peer's to the kernel. */
enum kernel_next kernel_move_inject(struct chim_kernel *k, struct kernel_move *m,
	const struct kernel_frame *frames, uint32_t nb);
/** Submit the move's marker to the kernel. */
enum kernel_next kernel_move_inject_marker(struct chim_kernel *k, struct kernel_move *m);

/* ---- the lists of steps (handoff.c, handback.c) ---- */

extern const struct kernel_step kernel_steps_to_engine[];
extern const struct kernel_step kernel_steps_to_kernel[];
extern const struct kernel_step kernel_steps_restore[];	 /* after the placeholder was made */
extern const struct kernel_step kernel_steps_back_out[]; /* before it */

/** A step failed. @return the list that undoes, or the one that gives the connection up; NULL when
 *  the move is over. */
const struct kernel_step *kernel_handoff_undo(struct chim_kernel *k, struct kernel_move *m);
const struct kernel_step *kernel_handback_undo(struct chim_kernel *k, struct kernel_move *m);
/** Over, and the connection is where it was: REFUSED. */
void kernel_handoff_refused(struct chim_kernel *k, struct kernel_move *m);
/** Give the connection's path back. */
void kernel_conn_leave_path(struct chim_kernel *k, struct chim_kconn *kc);

/* ---- build.c, chains.c ---- */

/** A new TCP block with a state's queues in it. @return 0; -ENOMEM no mbufs, nothing taken. */
int kernel_build_queues(
	struct chim_kernel *k, const struct kernel_sock_state *st, struct kernel_tree *tree);
/** Free the queues of a block that the engine has not taken. */
void kernel_build_drop_queues(struct kernel_tree *tree);
/** All the rest of it, ready for initiate. */
void kernel_build_tcp(struct chim_kernel *k, struct chim_kconn *kc, struct kernel_tree *tree);
/** What terminate has returned, into the state kept since the offload. Frees send chain, gives
 *  buffered data back. @return 0; -ENOMEM: call again, nothing is lost. */
int kernel_build_state(struct chim_kernel *k, struct chim_kconn *kc, struct kernel_tree *tree,
	struct chim_move_report *report);

/** Copy bytes into a list of chains. @return 0 with *list NULL for no bytes; -ENOMEM. */
int kernel_chains_make(
	struct rte_mempool *pool, const struct kernel_bytes *from, struct rte_mbuf **list);
/** Copy a list's bytes. @return 0; -ENOMEM. */
int kernel_chains_copy(struct rte_mbuf *list, struct kernel_bytes *out, uint32_t *nb_chains);
/** Take the agent's own chains out of a list and free them. @param bytes what they carried.
 *  @return the rest. */
struct rte_mbuf *kernel_chains_drop_own(struct rte_mbuf *list, uint32_t *bytes);

/* ---- refuse.c ---- */

/** @return 0 when the socket may be adopted, else errno is set. */
int kernel_refuse_adopt(int fd);
/** Look at what will not change while the connection lives: never, never_reason. */
void kernel_refuse_look_at(const struct chim_kernel *k, struct chim_kconn *kc);
/** What stands against offloading now; its state has been read. @return NULL: nothing; *reason is
 *  set otherwise. */
const char *
kernel_refuse_offload(struct chim_kernel *k, struct chim_kconn *kc, enum chim_reason *reason);
/** Look at the sysctls that decide. */
void kernel_refuse_look(struct chim_kernel *k);

/* ---- conntrack.c ---- */

/** Have connection tracking bear with a connection's absence. @return NULL, or what stands against
 *  offloading it. */
const char *kernel_conntrack_prepare(struct chim_kernel *k, struct chim_kconn *kc);
/** Keep the entries of those that are away alive. */
void kernel_conntrack_look(struct chim_kernel *k);

/* ---- objects.c ---- */

/** Find or make the path of a connection, resolving what is new. @return NULL with *why. */
struct kernel_path *kernel_path_get(struct chim_kernel *k, const struct chim_tuple *t,
	uint32_t mark, int bound, const char **why);
/** Has the kernel a route still, without which it cannot have the connection back? */
bool
kernel_path_has_route(struct chim_kernel *k, struct kernel_path *p, const struct chim_tuple *t);
/** Is the path there, or will the next initiate bring it? AGAIN while another request has it. */
enum kernel_next kernel_path_ready(struct chim_kernel *k, struct kernel_path *p);
/** Root of an initiate tree for one connection, as little as the engine does not have yet. */
struct chim_block *
kernel_path_tree(struct chim_kernel *k, struct kernel_path *p, struct kernel_tree *tree);
/** The initiate is completed: what it brought. */
void kernel_path_tree_done(struct chim_kernel *k, struct kernel_path *p);
void kernel_objects_on_completion(struct chim_kernel *k, const struct chim_completion *c);
/** Terminate what nobody has used for a while. @param all whatever its age. */
uint32_t kernel_objects_sweep(struct chim_kernel *k, bool all);
void kernel_objects_free(struct chim_kernel *k);
struct kernel_neighbor *
kernel_neighbor_find(struct chim_kernel *k, int ifindex, uint8_t family, const uint8_t *addr);
struct kernel_neighbor *
kernel_neighbor_get(struct chim_kernel *k, const struct kernel_route *r, const char **why);
/** Submit for an object. @return false when the ring is full. */
bool
kernel_object_submit(struct chim_kernel *k, uint32_t op, uint64_t cookie, struct chim_block *root);
bool kernel_path_invalidate(struct chim_kernel *k, struct kernel_path *p);
bool kernel_neighbor_invalidate(struct chim_kernel *k, struct kernel_neighbor *n);
bool kernel_path_update(struct chim_kernel *k, struct kernel_path *p, uint32_t mtu);
bool kernel_neighbor_update(struct chim_kernel *k, struct kernel_neighbor *n, const uint8_t *mac);
bool kernel_path_relink(struct chim_kernel *k, struct kernel_path *p, struct kernel_neighbor *to);

/* ---- egress.c ---- */

struct kernel_egress {
	const struct kernel_port *port;
	int ifindex;	  /* that the kernel sends by */
	uint16_t vlan_id; /* 0 = none */
};

/** Which way do frames of a route leave? @return NULL; or why the engine could not take it. */
const char *
kernel_egress_find(struct chim_kernel *k, const struct kernel_route *r, struct kernel_egress *out);
/** The 802.1p priority of a socket's frames. @param priority SO_PRIORITY. */
uint8_t kernel_egress_priority(const struct kernel_qos *qos, uint32_t priority);

/* ---- marker.c ---- */

/** The marker that will follow, at the end of this turn, whatever the neighbor's interface was
 *  given. */
uint64_t kernel_marker_of_turn(struct chim_kernel *k, const struct kernel_neighbor *n);
/** Send those of this turn. */
void kernel_markers_send(struct chim_kernel *k);
/** Send one again. */
void
kernel_marker_again(const struct chim_kernel *k, const struct kernel_neighbor *n, uint64_t marker);
/** Note the moves whose markers have come through the port to the kernel. */
void kernel_markers_hear(struct chim_kernel *k, const struct kernel_port *p);

/* ---- follow.c ---- */

/** Read notifications, and bring the engine's objects up to date. @return work done. */
uint32_t kernel_follow(struct chim_kernel *k);
/** An event of a connection concerns its path. */
void kernel_follow_mtu(struct chim_kernel *k, struct kernel_path *p, uint32_t mtu);

/* ---- reach.c ---- */

/** The engine asks whether a neighbor is still there. */
void kernel_reach_answer(struct chim_kernel *k, const struct chim_completion *c);
/** Ask the engine about the neighbors that the kernel is in doubt about. */
void kernel_reach_look(struct chim_kernel *k);
/** It has answered: confirm the kernel's entry when there was forward progress. */
void kernel_reach_confirm(struct chim_kernel *k, struct kernel_neighbor *n);

#endif /* KERNEL_INTERNAL_H */
