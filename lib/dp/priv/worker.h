/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker, and what the files of the datapath call of each other, in the
 * order in which a turn runs them. The comment of a section says who writes
 * its fields and who else reads them; nothing writable shares a cache line
 * with another lcore's fields.
 */
#ifndef DP_WORKER_H
#define DP_WORKER_H

#include <sys/queue.h>

#include <rte_memzone.h>

#include "chim_chan.h"
#include "chim_dp.h"
#include "chim_flow.h"
#include "chim_handle.h"
#include "chim_msg.h"
#include "chim_row.h"
#include "chim_slab.h"
#include "chim_trace.h"
#include "chim_wheel.h"

/* Budgets of one turn: no source starves another. */
#define DP_COMMANDS	   32u	   /* messages from ctl */
#define DP_IO		   64u	   /* data operations of each host */
#define DP_PARCELS	   64u	   /* frames from each other worker */
#define DP_TIMERS	   64u	   /* expiries */
#define DP_KERNEL	   32u	   /* frames from each exception port, by default */
#define DP_SCAN		   64u	   /* connections looked at after a replica changed */
#define DP_HOLDS	   32u	   /* holds whose deadline has come */
#define DP_KERNEL_RESERVE  128u	   /* room of the wire's vector that kernel frames leave alone */
#define DP_FLUSH_BELOW	   32u	   /* room at which output flushes before it goes on */
#define DP_WAITING	   64u	   /* connections served that wait for the wire */
#define DP_CROWD	   512u	   /* connections from which on their state is fetched ahead */
#define DP_TERMINATE_TRIES 200u	   /* turns a terminate waits for room to send the pending ACK */
#define DP_BUFFERS	   64u	   /* frames after which free receive buffers are counted */
#define DP_MARKERS	   16u	   /* remembered, and waiting for an empty queue */
#define DP_MARKER_US	   100000u /* how long */

/* Of a terminate with state: until the host has rebuilt the connection its kernel would take what
 * comes for a placeholder's, or answer with a reset. So not while the host waits for a CPU. */
#define DP_TERMINATE_HOLD_MS 10000u
#define DP_HOLD_LINGER_MS    60000u /* how long a hold that ran out is remembered */
#define DP_HOLD_FRAME_BYTES  256u   /* a kept frame counts as so much at least: it keeps an mbuf */

/* ---- flow values: the two low bits tell what a flow is ---- */

#define DP_FLOW_HOLD 1u
#define DP_FLOW_TAGS 3u

struct dp_hold;

static inline struct dp_hold *
dp_flow_hold(void *flow)
{
	return ((uintptr_t)flow & DP_FLOW_TAGS) == DP_FLOW_HOLD
		? (struct dp_hold *)((uintptr_t)flow & ~(uintptr_t)DP_FLOW_TAGS)
		: NULL;
}

static inline void *
dp_hold_flow(struct dp_hold *hold)
{
	return (void *)((uintptr_t)hold | DP_FLOW_HOLD);
}

/* ---- frames in transit ---- */

enum dp_hold_state {
	DP_HOLD_ACTIVE,	  /* keeps frames */
	DP_HOLD_DRAINING, /* its frames go to the kernel as there is room; newer ones behind them */
	DP_HOLD_OVER,	  /* ran out: everything passes, a late initiate is refused */
};

struct dp_hold {
	union chim_key key;
	uint8_t is_ip6;
	uint8_t host;
	uint8_t state;	  /* enum dp_hold_state */
	uint8_t is_asked; /* by HOLD; else made by a terminate */
	uint8_t is_sealed;
	uint8_t is_untold; /* waits for the event message */
	uint16_t port_number;
	uint32_t index;	 /* slot */
	uint32_t reason; /* why it ran out; CHIM_REASON_NONE when it did not */
	uint32_t bytes;	 /* kept */
	uint32_t max_bytes;
	chim_ms_t deadline; /* of the state it is in */
	struct chim_wheel_link wheel;
	struct rte_mbuf *head; /* kept frames, by chim_nbl.next */
	struct rte_mbuf *tail;
	struct chim_msg *seal; /* waiting for its marker */
	uint64_t marker;
	uint64_t seal_left; /* workers whose queue is not read up to the marker yet */
	struct chim_flow_record record;
	TAILQ_ENTRY(dp_hold) draining;
	TAILQ_ENTRY(dp_hold) untold;
	TAILQ_ENTRY(dp_hold) sealing;
};
TAILQ_HEAD(dp_hold_list, dp_hold);

/* What is known of a seal's marker. */
struct dp_marker {
	uint64_t marker;
	chim_us_t first_us; /* when it was first heard of */
	uint64_t read_by;   /* workers whose queue of the exception port is read up to it */
};

/* A marker that waits for this worker's queue to be empty. */
struct dp_fence {
	uint64_t marker;
	struct rte_mbuf *m;
	uint16_t port_number;
};

/* ---- replicas ---- */

struct dp_neighbor {
	uint32_t epoch; /* one more with each change that connections must notice */
	uint8_t is_present;
	uint8_t is_invalid;
	uint8_t has_progress; /* nrt is of this worker's own seeing */
	uint8_t host;
	chim_ticks_t nrt; /* spec 8.1: NIC reachability time */
	chim_ticks_t hrt; /* host reachability time */
	uint16_t port_number;
	uint16_t vlan_id;
	struct rte_ether_addr source;
	struct rte_ether_addr destination;
	chim_handle_t handle;
	uint64_t offload_handle;
};

struct dp_path {
	uint32_t epoch;
	uint32_t built; /* epoch of path and neighbor that tmpl was built for */
	uint32_t neighbor;
	uint32_t mtu;
	uint8_t is_present;
	uint8_t is_invalid;
	uint8_t is_ip6;
	uint8_t is_built;
	uint8_t source[16];
	uint8_t destination[16];
	struct chim_tmpl tmpl;
};

/* ---- connections that wait for room, first come first served ---- */

struct dp_queue {
	uint32_t first; /* slot, CHIM_SLAB_NONE when nobody waits */
	uint32_t last;
};

/* ---- ports ---- */

struct dp_port {
	const struct chim_port *port;
	bool has_wire_queue;   /* this worker has a queue pair of the wire */
	bool has_kernel_queue; /* and of the exception port */
	bool has_exception;
	bool is_wire_stuck;    /* it took less than it was offered: not asked again in this turn,
				* by any of a thousand connections that would like to send */
	uint32_t max_wire_len; /* bytes of frame */
	uint32_t max_kernel_len;
	uint64_t relayed;	 /* frames given to the worker that has the queue */
	struct dp_queue waiting; /* connections that would send */
	struct chim_txq wire;
	struct chim_txq kernel;
};

/* What travels between workers: an mbuf, tagged in the low bits that its alignment leaves. */
enum dp_parcel {
	DP_PARCEL_RX,	     /* from the wire, for the worker that steering names */
	DP_PARCEL_KERNEL_RX, /* from the kernel, likewise */
	DP_PARCEL_TX,	     /* for the wire, to the worker that has the queue */
	DP_PARCEL_KERNEL_TX, /* for the exception port, likewise */
};

/* ---- beside each connection: what only the datapath knows of it ---- */

struct dp_side {
	uint64_t offload_handle; /* the host's name for it */
	union {
		const _Atomic uint64_t *gate; /* see struct chim_msg_tcp; NULL once it was open */
		struct chim_msg *terminate;   /* is_ending: the message to answer */
	};
	union {
		uint64_t gate_stamp; /* until the gate is open; from then on */
		uint32_t unheard;    /* slot of the next that has something to tell the host */
	};
	uint32_t seen;	     /* epoch of path and neighbor the engine was told of */
	uint8_t is_ending;   /* being terminated */
	uint8_t is_exported; /* chim_tcp_terminate() has been called */
	uint8_t is_unheard;  /* waits for room in the host's ring */
	uint8_t tries;
};
_Static_assert(sizeof(struct dp_side) == 32, "two connections a cache line");

struct chim_worker {
	/* ---- constant after start; telemetry reads it too ---- */
	uint32_t id;
	uint32_t nb_workers;
	uint32_t nb_hosts;
	uint32_t kernel_budget;
	uint32_t max_paths;
	uint32_t max_neighbors;
	uint32_t max_hold_bytes;
	uint32_t rx_unseen; /* frames since the free receive buffers were counted */
	bool deliver_to_wrong_worker;
	enum chim_idle idle;
	uint32_t idle_turns;
	uint32_t idle_sleep_us;
	uint32_t lent_wait_us;
	struct chim_target *target;
	struct chim_box *from_ctl;
	struct chim_box *to_ctl;
	struct chim_box *to_worker[CHIM_MAX_WORKERS];
	struct chim_box *from_worker[CHIM_MAX_WORKERS];
	const struct rte_memzone *zone; /* of conns */
	struct chim_slab *conns;
	struct dp_side *side; /* one for each slot of conns */
	struct chim_slab *holds;
	struct dp_neighbor *neighbors;
	struct dp_path *paths;
	struct chim_flow *flow;
	struct chim_msg *event_reachability;
	struct chim_msg *event_hold;

	/* ---- this lcore only ---- */
	struct chim_tcp_env env __rte_cache_aligned;
	struct chim_tcp_config tcp;
	struct chim_tcp_out out; /* aliases the vector of the connection's port */
	uint32_t *touched;	 /* slots of connections with something to do in this turn */
	uint32_t nb_touched;	 /* at most all of them */
	struct dp_queue unheard[CHIM_MAX_HOSTS]; /* connections whose host's ring is full */
	uint32_t nb_leaving;			 /* exported while they wait for the wire */
	struct dp_hold_list draining;		 /* holds whose frames go to the kernel */
	struct dp_hold_list untold;		 /* holds that ran out; ctl does not know yet */
	struct dp_hold_list sealing;		 /* holds whose seal waits for a marker */
	struct dp_marker markers[DP_MARKERS];
	struct dp_fence fences[DP_MARKERS];
	uint32_t next_marker;
	uint32_t nb_fences;
	uint32_t hold_bytes; /* kept by all holds together */
	uint32_t owed;	     /* messages taken, not answered: room of to_ctl for them */
	uint32_t scan_left;  /* slots still to look at after a replica changed */
	uint32_t scan_at;
	uint32_t nb_vlans; /* neighbors with a VLAN */
	uint32_t nb_lent;  /* chains with the hosts, to be returned */
	uint32_t nce_stale_ticks;
	bool is_started;	  /* the wheels know the time */
	bool is_reachability_out; /* the event message is with ctl */
	bool is_hold_out;
	struct chim_row row;
	struct chim_burst burst;      /* of the stage that runs */
	struct chim_burst replay;     /* of a command: kept frames classified again */
	struct chim_wheel wheel;      /* over conns */
	struct chim_wheel hold_wheel; /* over holds */
	struct dp_port ports[CHIM_MAX_PORTS];

	/* ---- counters: this lcore writes, telemetry reads ---- */
	struct chim_dp_counters counters __rte_cache_aligned;
};

/* ---- small things ---- */

static inline struct chim_conn *
dp_conn_at(const struct chim_worker *w, uint32_t index)
{
	return chim_slab_slot(w->conns, index);
}

/* A connection's slot in the slab. */
static inline uint32_t
dp_index(const struct chim_conn_head *head)
{
	return chim_handle_index(head->handle);
}

static inline struct dp_side *
dp_side(const struct chim_worker *w, struct chim_conn *c)
{
	return &w->side[dp_index(chim_tcp_head(c))];
}

/* Note a connection that has something to do; once is enough. */
static inline void
dp_touch(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);

	if (head->is_touched)
		return;
	head->is_touched = 1;
	w->touched[w->nb_touched++] = dp_index(head);
}

/* A host's clock now, in ticks (spec 8.1: NCT). */
static inline chim_ticks_t
dp_ticks(const struct chim_worker *w)
{
	if (w->tcp.ticks_per_second == 1000)
		return (chim_ticks_t)w->env.now_ms;
	return (chim_ticks_t)(w->env.now_us / (CHIM_US_PER_S / w->tcp.ticks_per_second));
}

/* ---- command.c: source 1 ---- */

uint32_t dp_commands(struct chim_worker *w);

/* Give a message back to ctl; there is room for it since it was taken. */
void dp_reply(struct chim_worker *w, struct chim_msg *msg, enum chim_status status,
	enum chim_reason reason);

/* The connection that a message or an operation of this host names, or NULL and why. */
struct chim_conn *
dp_find(struct chim_worker *w, chim_handle_t handle, uint8_t host, enum chim_reason *why);

/* The same, and not while it is being terminated. */
struct chim_conn *
dp_find_idle(struct chim_worker *w, chim_handle_t handle, uint8_t host, enum chim_reason *why);

/* ---- install.c ---- */

void dp_install(struct chim_worker *w, struct chim_msg *msg);

/* ---- terminate.c ---- */

void dp_terminate(struct chim_worker *w, struct chim_msg *msg);

/* Go on with a terminate as far as there is room; called for each turn's touched connections. */
void dp_terminate_resume(struct chim_worker *w, struct chim_conn *c);

/* The host has been told everything: frees the slot and answers. */
void dp_terminate_finish(struct chim_worker *w, struct chim_conn *c);

/* ---- replica.c ---- */

void dp_neighbor_set(struct chim_worker *w, struct chim_msg *msg);
void dp_neighbor_remove(struct chim_worker *w, struct chim_msg *msg);
void dp_neighbor_query(struct chim_worker *w, struct chim_msg *msg);
void dp_path_set(struct chim_worker *w, struct chim_msg *msg);
void dp_path_remove(struct chim_worker *w, struct chim_msg *msg);

/* The neighbor a connection's frames go to. */
static inline struct dp_neighbor *
dp_neighbor_of(const struct chim_worker *w, const struct chim_conn_head *head)
{
	return &w->neighbors[w->paths[head->path].neighbor];
}

/* May frames be sent by this path? */
bool dp_path_is_usable(const struct chim_worker *w, uint32_t path);

/* The path's MTU, not more than its port's. */
uint32_t dp_path_mtu(const struct chim_worker *w, uint32_t path);

/* Epoch of a path and its neighbor together. */
static inline uint32_t
dp_path_epoch(const struct chim_worker *w, uint32_t path)
{
	return w->paths[path].epoch + w->neighbors[w->paths[path].neighbor].epoch;
}

/* The headers for a connection's frames; NULL when nothing may be sent. */
const struct chim_tmpl *dp_path_tmpl(struct chim_worker *w, const struct chim_conn_head *head);

/* What a connection is found by: the addresses are its path's, the ports its own. */
void
dp_path_key(const struct chim_worker *w, const struct chim_conn_head *head, union chim_key *key);

/* Tell the engine of a changed path. */
void dp_replica_tell(struct chim_worker *w, struct chim_conn *c);

/* The same, if it has not been told. */
static inline void
dp_replica_sync(struct chim_worker *w, struct chim_conn *c)
{
	if (dp_side(w, c)->seen != dp_path_epoch(w, chim_tcp_head(c)->path))
		dp_replica_tell(w, c);
}

/* Source 6: a slice of the connections after a replica changed. */
uint32_t dp_replica_scan(struct chim_worker *w);

/* ---- reach.c: spec 8.1 ---- */

/* Ask the host about a neighbor that nobody has heard of for too long. */
void dp_reach_ask(struct chim_worker *w, uint32_t neighbor);

/* Forward progress by way of a connection's neighbor. */
static inline void
dp_reach_progress(struct chim_worker *w, struct chim_conn_head *head)
{
	struct dp_neighbor *n = dp_neighbor_of(w, head);

	head->todo &= ~CHIM_TODO_PROGRESS;
	n->nrt = dp_ticks(w);
	n->has_progress = 1;
}

/* A frame is going to be sent to a neighbor. */
static inline void
dp_reach_check(struct chim_worker *w, uint32_t neighbor)
{
	const struct dp_neighbor *n = &w->neighbors[neighbor];
	chim_ticks_t now = dp_ticks(w);

	if (now - n->nrt > w->nce_stale_ticks && now - n->hrt > w->nce_stale_ticks)
		dp_reach_ask(w, neighbor);
}

void dp_reach_answer(struct chim_worker *w, chim_handle_t handle, chim_ticks_t delta);

/* ---- io.c: source 1b ---- */

uint32_t dp_io(struct chim_worker *w);

/* Take everything that waits in a host's ring. @return false: no room for answers, try again. */
bool dp_io_drain(struct chim_worker *w, uint8_t host);

/* ---- receive.c: source 2 ---- */

uint32_t dp_receive(struct chim_worker *w);

/* Classified frames b->m[0..nb) from the wire: look up, then input, keep, hand over or punt. */
void dp_receive_parsed(struct chim_worker *w, struct chim_burst *b);

/* One frame of an offloaded connection. */
void dp_receive_input(
	struct chim_worker *w, struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *seg);

/* ---- handoff.c: between workers ---- */

/* Frames that other workers passed on. */
uint32_t dp_parcels(struct chim_worker *w);

/* Another worker's frame, if it is one: pass it on. There is more than one worker. */
bool dp_handoff_owned(struct chim_worker *w, struct chim_burst *b, uint16_t i, enum dp_parcel kind);

/* Another worker's frame: pass it on. @return false when it is this worker's. */
static inline bool
dp_handoff(struct chim_worker *w, struct chim_burst *b, uint16_t i, enum dp_parcel kind)
{
	return w->nb_workers > 1 && dp_handoff_owned(w, b, i, kind);
}

/* Give a frame to a worker. @return false when its mailbox is full. */
bool dp_parcel_put(
	struct chim_worker *w, uint32_t to, enum dp_parcel kind, uint16_t port, struct rte_mbuf *m);

/* Frames whose worker deliver_to_wrong_worker names another: takes them out of the burst. */
void dp_handoff_astray(struct chim_worker *w, struct chim_burst *b);

/* The same, counted; a frame that has no room is dropped. Takes m. */
void dp_handoff_put(
	struct chim_worker *w, uint32_t to, enum dp_parcel kind, uint16_t port, struct rte_mbuf *m);

/* ---- timers.c: source 3 ---- */

uint32_t dp_timers(struct chim_worker *w);

/* Arm the wheel for the connection's earliest deadline, or stop it. */
void dp_timer_arm(struct chim_worker *w, struct chim_conn *c);

/* ---- kernel.c: source 4 ---- */

uint32_t dp_kernel(struct chim_worker *w);

/* Frames b->m[0..nb) of the kernel, not classified yet, read by a worker, maybe this one. */
void dp_kernel_burst(struct chim_worker *w, struct chim_burst *b, uint32_t from_worker);

/* ---- marker.c ---- */

/* Is it a marker frame? */
bool dp_marker_read(const struct rte_mbuf *m, uint64_t *marker);

/* A marker frame that a worker has read. Takes m. */
void dp_marker_take(struct chim_worker *w, uint16_t port, struct rte_mbuf *m, uint32_t from);

/* This worker's queue of the exception port has been read to its end. */
void dp_marker_queue_empty(struct chim_worker *w, uint16_t port);

/* Workers with a queue of the exception port; those that have read up to a marker: bit masks. */
uint64_t dp_marker_queues(const struct chim_worker *w, uint16_t port);
uint64_t dp_marker_read_by(struct chim_worker *w, uint64_t marker);

/* ---- hold.c: source 5 ---- */

uint32_t dp_holds(struct chim_worker *w);

/* Put a flow on hold, whatever the table says of it now, with the default limits.
 * @return NULL: no slot, or no room in the table. */
struct dp_hold *
dp_hold_add(struct chim_worker *w, const union chim_key *key, bool is_ip6, uint16_t port_number);

/* Make a hold, also one that has ended, keep frames from now on, within limits. */
void
dp_hold_start(struct chim_worker *w, struct dp_hold *hold, const struct chim_hold_limits *limits);

/* Keep a frame of the wire; takes it. seg as classified. */
void dp_hold_keep(struct chim_worker *w, struct dp_hold *hold, struct rte_mbuf *m,
	const struct chim_seg *seg);

/* Keep a frame behind those already kept, whatever the bounds say; takes it. */
void dp_hold_append(struct chim_worker *w, struct dp_hold *hold, struct rte_mbuf *m);

/* Take the oldest kept frame. @return NULL when there is none. */
struct rte_mbuf *dp_hold_pop(struct chim_worker *w, struct dp_hold *hold);

/* What the kernel said of a held flow. */
void dp_hold_record(struct dp_hold *hold, const struct chim_seg *seg);

/* End it: frames to the kernel. reason NONE: as asked; else it ran out, and ctl is told. */
void dp_hold_end(struct chim_worker *w, struct dp_hold *hold, enum chim_reason reason);

/* Free a hold, and frames it still keeps; its flow has left the table, or is a connection's. */
void dp_hold_free(struct chim_worker *w, struct dp_hold *hold);

/* Nobody asks any more why it ran out: free it as soon as it is empty. */
void dp_hold_forget(struct chim_worker *w, struct dp_hold *hold);

/* The event message has come back from ctl. */
void dp_hold_event_back(struct chim_worker *w);

/* ---- flowcmd.c: HOLD, SEAL, RELEASE, INJECT ---- */

void dp_flow_hold_cmd(struct chim_worker *w, struct chim_msg *msg);
void dp_flow_seal(struct chim_worker *w, struct chim_msg *msg);
void dp_flow_release(struct chim_worker *w, struct chim_msg *msg);
void dp_flow_inject(struct chim_worker *w, struct chim_msg *msg);

/* Answer the SEAL that waits on a hold, if one does, and forget it. */
void dp_seal_answer(struct chim_worker *w, struct dp_hold *hold, enum chim_status status,
	enum chim_reason reason);

/* ---- deliver.c: sink 1 ---- */

uint32_t dp_deliver(struct chim_worker *w);

/* ---- output.c: sink 2 ---- */

uint32_t dp_output(struct chim_worker *w);

/* Lend the engine room of a port's vector, and take back what it filled. */
void dp_output_lend(struct chim_worker *w, struct dp_port *p);
uint16_t dp_output_settle(struct chim_worker *w, struct dp_port *p);

/* ---- ports.c ---- */

int dp_ports_init(struct chim_worker *w, const struct chim_dp_config *cfg);

/* Give a frame of the wire to the kernel, or drop it, with its reason counted. Takes m. */
void dp_punt(struct chim_worker *w, uint16_t port, struct rte_mbuf *m, enum chim_why why);

/* Send a frame of the kernel, or drop it. Takes m. */
void dp_pass(struct chim_worker *w, uint16_t port, struct rte_mbuf *m);

/* Drop a frame with its reason counted. Takes m. */
void dp_drop(struct chim_worker *w, struct rte_mbuf *m, enum chim_why why);

/* Room in the vector towards the wire or the kernel, flushed first where that helps. */
uint16_t dp_wire_make_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted);

static inline uint16_t
dp_wire_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted)
{
	uint16_t room = chim_txq_room(&p->wire);

	return room >= wanted ? room : dp_wire_make_room(w, p, wanted);
}

uint16_t dp_kernel_make_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted);

static inline uint16_t
dp_kernel_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted)
{
	uint16_t room = chim_txq_room(&p->kernel);

	return p->has_exception && room >= wanted ? room : dp_kernel_make_room(w, p, wanted);
}

/* Flush every vector and the free row. */
void dp_finish(struct chim_worker *w);

#endif /* DP_WORKER_H */
