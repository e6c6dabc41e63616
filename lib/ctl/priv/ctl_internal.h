/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The control lcore's own records, and the functions that cross its files.
 *
 * An operation (struct ctl_op) lives from the turn its request is taken to the
 * turn its completion is put. What it knows about a block it keeps in the block
 * itself (struct ctl_link, struct ctl_node), so a tree of any size needs no
 * memory here. Every block counts what it waits for; the last to arrive settles
 * it and tells its parent, so no second walk collects statuses.
 */
#ifndef CTL_INTERNAL_H
#define CTL_INTERNAL_H

#include <sys/queue.h>

#include <rte_spinlock.h>

#include "chim_chan.h"
#include "chim_ctl.h"
#include "chim_handle.h"
#include "chim_msg.h"
#include "chim_slab.h"

struct rte_hash;

/* Layers of a tree; a child's is its parent's plus one. */
enum ctl_kind {
	CTL_KIND_ANY = 0, /* a placeholder at the top: neighbor or path */
	CTL_KIND_NEIGHBOR,
	CTL_KIND_PATH,
	CTL_KIND_TCP,
	CTL_KIND_BEYOND, /* under a TCP block: nothing may be there */
};

/* What is done to an object: rows of the table in dispatch.c. */
enum ctl_action {
	CTL_ACTION_OFFLOAD,
	CTL_ACTION_LINK,
	CTL_ACTION_QUERY,
	CTL_ACTION_UPDATE,
	CTL_ACTION_INVALIDATE,
	CTL_ACTION_TERMINATE,
	CTL_ACTION_MAX
};

/* ---- in the block, while the engine owns it ---- */

/* struct chim_block.target_reserved */
struct ctl_link {
	struct chim_block *parent; /* NULL in the top row */
	uint64_t stamp;		   /* of the operation that claimed the block */
};

/* struct ctl_node.flags */
#define CTL_NODE_ENTERED     0x01u
#define CTL_NODE_BAD_NEXT    0x02u /* next_block may not be followed */
#define CTL_NODE_BAD_DOWN    0x04u /* dependent_list may not be followed */
#define CTL_NODE_PLACEHOLDER 0x08u
#define CTL_NODE_LINKER	     0x10u
#define CTL_NODE_FAILED	     0x20u  /* its own state did not get in */
#define CTL_NODE_HAS_OK	     0x40u  /* a dependent is in */
#define CTL_NODE_HAS_FAILED  0x80u  /* a dependent is not */
#define CTL_NODE_OBJECT	     0x100u /* index names a live neighbor or path */
#define CTL_NODE_AFTER	     0x200u /* something is left to do when its dependents are done */

/* struct chim_block.scratch */
struct ctl_node {
	uint32_t index; /* of the object, for dependents */
	uint16_t flags; /* CTL_NODE_* */
	uint8_t kind;	/* enum ctl_kind */
	uint8_t reserved;
	union {
		uint64_t nb_open;	       /* what the block waits for */
		struct chim_block *next_ready; /* waits for nothing: on ctl_op.ready */
	};
};
_Static_assert(sizeof(struct ctl_link) == sizeof(((struct chim_block *)0)->target_reserved),
	"a link fits the block");
_Static_assert(sizeof(struct ctl_node) == sizeof(((struct chim_block *)0)->scratch),
	"a node fits the block");

static inline struct ctl_link *
ctl_link_of(struct chim_block *b)
{
	return (struct ctl_link *)b->target_reserved;
}

static inline struct ctl_node *
ctl_node_of(struct chim_block *b)
{
	return (struct ctl_node *)b->scratch;
}

/* ---- operations ---- */

struct ctl_op {
	STAILQ_ENTRY(ctl_op) next; /* on one list: free, run, paused, or done of its host */
	uint64_t stamp;	       /* unique while live, 0 when free; low bits: number of the record */
	_Atomic uint64_t gate; /* the stamp, until the completion is in the ring; workers read */
	struct chim_request req;
	struct chim_block *at;	  /* next block to enter; NULL: the walk is over */
	struct chim_block *ready; /* blocks whose dependents are done, see CTL_NODE_AFTER */
	struct chim_block **ready_end;
	uint64_t nb_open; /* what the operation waits for */
	uint32_t nb_blocks;
	uint32_t fail_reason;	 /* initiate: why nothing more is offloaded, or NONE */
	enum chim_status status; /* operations without a tree */
	uint32_t reason;
	uint8_t host; /* slot */
	bool is_started;
	bool is_queued;	  /* on the run list */
	bool is_climbing; /* at: its row below is done */
	struct chim_flow_record record;
	struct chim_family_stats stats;
};
STAILQ_HEAD(ctl_op_list, ctl_op);

#define CTL_MAX_OPS 65536u

/* ---- objects ---- */

/* Who uses an object, and what is in progress on it (spec 4.7). */
struct ctl_use {
	uint64_t stamp;	       /* operation that last initiated, invalidated or terminated it */
	uint64_t update_stamp; /* operation that last updated it */
	uint32_t nb_queries;   /* queries on their way */
	uint8_t op;	       /* enum chim_op of stamp */
	uint8_t host;	       /* slot that owns the object */
	bool is_invalid;
	uint8_t reserved;
};

struct ctl_neighbor {
	struct ctl_use use;
	struct chim_msg_neighbor replica;
	struct chim_neighbor_const given; /* as offloaded, for query */
	struct chim_neighbor_cached cached;
	chim_us_t since; /* nic_reachability_delta of the replica was true then */
	uint32_t nb_paths;
	bool has_mac; /* counted in chim_ctl.macs */
};

struct ctl_path {
	struct ctl_use use;
	struct chim_msg_path replica;
	uint64_t offload_handle;
	uint32_t nb_connections; /* installed or being installed */
};

struct ctl_conn {
	struct ctl_use use;
	uint32_t generation; /* 0 = none */
	uint32_t path;
};
_Static_assert(sizeof(struct ctl_conn) == 32, "two connections a cache line");

/* A set of distinct keys with a count of users each, bounded. set.c */
struct ctl_set {
	struct rte_hash *hash;
	uint32_t *users;
	uint32_t max;
	uint32_t nb;
};
struct ctl_set_key {
	uint8_t bytes[16];
	uint32_t scope;
};

/* ---- the control lcore ---- */

#define CTL_EVENT_QUEUE 8u

struct ctl_host {
	struct ctl_op_list done; /* complete, waiting for room in the completion ring */
	struct chim_msg *events; /* workers' events, waiting likewise */
	struct chim_msg **events_end;
	uint8_t adapter[CTL_EVENT_QUEUE]; /* enum chim_completion_kind, in order */
	uint32_t nb_adapter;
	uint32_t nb_ops;
	uint32_t nb_objects;
};

struct ctl_outbox {
	struct chim_msg *head;
	struct chim_msg **end;
};

/* What other threads ask of the adapter; taken once a turn. */
struct ctl_wish {
	rte_spinlock_t lock;
	_Atomic bool is_set; /* something below; saves the lock in most turns */
	bool has_pause;
	bool has_resume;
	bool has_upload;
	bool has_caps;
	bool is_paused; /* as the last call left it */
	struct chim_caps caps;
};

struct chim_ctl {
	/* constant after start */
	struct chim_ctl_config cfg;
	struct ctl_op *ops;
	struct rte_mempool *messages;
	struct chim_slab *neighbors;
	struct chim_slab *paths;
	struct ctl_conn *conns[CHIM_MAX_WORKERS];

	/* control lcore only */
	chim_us_t now;
	struct chim_caps caps;
	uint64_t next_stamp;
	uint32_t nb_free_messages;
	uint32_t nb_reserved_conns; /* installed or being installed */
	uint32_t nb_worker_conns[CHIM_MAX_WORKERS];
	uint32_t nb_paused;
	bool is_paused;
	struct ctl_op_list free_ops;
	struct ctl_op_list run;
	struct ctl_op_list paused;
	struct ctl_outbox outbox[CHIM_MAX_WORKERS];
	struct ctl_host host[CHIM_MAX_HOSTS];
	struct ctl_set macs;
	struct ctl_set addresses;
	struct ctl_set vlans;

	struct chim_ctl_counters counters; /* read by telemetry */
	struct ctl_wish wish;		   /* any thread, under its lock */
};

/* One block in the hands of a function of the table. */
struct ctl_visit {
	struct chim_ctl *c;
	struct ctl_op *op;
	struct chim_block *b;
	struct chim_block *parent; /* NULL in the top row */
	chim_handle_t handle;
	uint8_t type; /* the block's, read once */
	uint8_t kind; /* enum ctl_kind of the object */
	union {
		void *object;
		struct ctl_neighbor *neighbor;
		struct ctl_path *path;
		struct ctl_conn *conn;
	};
};

/* Does the work on one block: SUCCESS, PENDING when messages are out, or refused (the reason is
 * in the block). */
typedef enum chim_status (*ctl_visit_fn)(struct ctl_visit *v);

/* ---- op.c: life of an operation ---- */

struct ctl_op *ctl_op_begin(struct chim_ctl *c, uint32_t host, const struct chim_request *req);
bool ctl_op_is_live(const struct chim_ctl *c, uint64_t stamp);
bool ctl_op_is_tree(const struct ctl_op *op);
void ctl_op_queue(struct chim_ctl *c, struct ctl_op *op);
void ctl_op_release(struct chim_ctl *c, struct ctl_op *op);
bool ctl_op_complete(struct chim_ctl *c, struct ctl_op *op);
bool ctl_op_run(struct chim_ctl *c, struct ctl_op *op, uint32_t *budget);
void ctl_op_fail(struct chim_ctl *c, struct ctl_op *op, enum chim_status st, enum chim_reason why);

/* ---- walk.c: positions in a tree ---- */

void ctl_walk_begin(struct chim_ctl *c, struct ctl_op *op);
void ctl_walk_step(struct chim_ctl *c, struct ctl_op *op);
void ctl_walk_release(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b);
void ctl_walk_name(struct chim_block *b, chim_handle_t handle);

/* ---- dispatch.c: which function for which block ---- */

enum chim_status ctl_dispatch(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b);
enum chim_status ctl_dispatch_after(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b);
enum chim_status ctl_refuse(
	struct chim_ctl *c, struct chim_block *b, enum chim_status status, enum chim_reason reason);

/* ---- one file for each kind of object ---- */

enum chim_status ctl_neigh_offload(struct ctl_visit *v);
enum chim_status ctl_neigh_link(struct ctl_visit *v);
enum chim_status ctl_neigh_query(struct ctl_visit *v);
enum chim_status ctl_neigh_update(struct ctl_visit *v);
enum chim_status ctl_neigh_invalidate(struct ctl_visit *v);
enum chim_status ctl_neigh_terminate(struct ctl_visit *v);
enum chim_status ctl_neigh_remove(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b);
void ctl_neigh_reply(const struct chim_msg *m);

enum chim_status ctl_path_offload(struct ctl_visit *v);
enum chim_status ctl_path_link(struct ctl_visit *v);
enum chim_status ctl_path_query(struct ctl_visit *v);
enum chim_status ctl_path_update(struct ctl_visit *v);
enum chim_status ctl_path_invalidate(struct ctl_visit *v);
enum chim_status ctl_path_terminate(struct ctl_visit *v);
enum chim_status ctl_path_remove(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b);

enum chim_status ctl_tcp_offload(struct ctl_visit *v);
enum chim_status ctl_tcp_link(struct ctl_visit *v);
enum chim_status ctl_tcp_query(struct ctl_visit *v);
enum chim_status ctl_tcp_update(struct ctl_visit *v);
enum chim_status ctl_tcp_invalidate(struct ctl_visit *v);
enum chim_status ctl_tcp_terminate(struct ctl_visit *v);
void ctl_tcp_reply(struct chim_ctl *c, struct ctl_op *op, const struct chim_msg *m);
struct ctl_conn *ctl_tcp_at(const struct chim_ctl *c, chim_handle_t h);

/* ---- flowop.c, adapter.c: requests without a tree ---- */

void ctl_flow_start(struct chim_ctl *c, struct ctl_op *op);
void ctl_adapter_start(struct chim_ctl *c, struct ctl_op *op);
void ctl_adapter_reply(struct chim_ctl *c, struct ctl_op *op, const struct chim_msg *m);
void ctl_adapter_finish(struct chim_ctl *c, struct ctl_op *op);
void ctl_adapter_apply_params(struct chim_params *to, const struct chim_params *from);
void ctl_adapter_publish(struct chim_ctl *c);
uint32_t ctl_adapter_wishes(struct chim_ctl *c);
bool ctl_adapter_tell(struct chim_ctl *c, uint32_t host);

/* ---- setup.c ---- */

void ctl_setup_clamp(struct chim_ctl *c);

/* ---- reply.c: what workers say ---- */

uint32_t ctl_reply_poll(struct chim_ctl *c);
bool ctl_reply_events(struct chim_ctl *c, uint32_t host);

/* ---- mail.c: messages to workers ---- */

bool ctl_mail_has_room(const struct chim_ctl *c);
struct chim_msg *
ctl_mail_new(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b, enum chim_msg_op kind);
void ctl_mail_send(struct chim_ctl *c, uint32_t worker, struct chim_msg *m);
void ctl_mail_free(struct chim_ctl *c, struct chim_msg *m);
uint32_t ctl_mail_flush(struct chim_ctl *c);

/* ---- state.c: the structures behind a block ---- */

#define CTL_PART_CONST	   CHIM_WANT_CONST
#define CTL_PART_CACHED	   CHIM_WANT_CACHED
#define CTL_PART_DELEGATED CHIM_WANT_DELEGATED
#define CTL_PART_ALL	   (CTL_PART_CONST | CTL_PART_CACHED | CTL_PART_DELEGATED)

struct ctl_state {
	uint32_t parts; /* CTL_PART_* that are there */
	struct chim_state_header *part[3];
};

uint32_t ctl_state_kind(uint8_t type);
bool ctl_state_is_ip6(uint8_t type);
enum chim_reason ctl_state_find(struct chim_block *b, uint8_t type, struct ctl_state *s);
bool ctl_state_find_again(struct chim_block *b, enum ctl_kind kind, struct ctl_state *s);
void ctl_state_write(struct chim_state_header *to, const void *from, size_t size);

/* ---- set.c ---- */

int ctl_set_create(struct ctl_set *s, const char *name, uint32_t max, int socket_id);
void ctl_set_destroy(struct ctl_set *s);
bool ctl_set_add(struct ctl_set *s, const struct ctl_set_key *key);
void ctl_set_drop(struct ctl_set *s, const struct ctl_set_key *key);

/* ---- use.c: who may do what to an object now ---- */

enum chim_reason
ctl_use_check(const struct chim_ctl *c, const struct ctl_use *use, enum ctl_action action);
void ctl_use_mark(struct ctl_use *use, const struct ctl_op *op, enum ctl_action action);

#endif /* CTL_INTERNAL_H */
