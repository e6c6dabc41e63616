/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Messages between the control lcore and the workers: the only thing ctl and
 * dp share. ctl owns the pool; the message that goes out is the message that
 * comes back, with status, reason and results filled in. A worker never
 * allocates one and never keeps one: it answers every message in the turn that
 * took it, except SEAL, which it answers when the marker has come by.
 *
 * State travels by copy: what a host may still scribble on has been copied
 * here before it is checked.
 */
#ifndef CHIM_MSG_H
#define CHIM_MSG_H

#include "chim.h"
#include "chim_block.h"
#include "chim_io.h"
#include "chim_request.h"
#include "chim_stats.h"

enum chim_msg_op {
	/* TCP objects, to the worker that owns the connection */
	CHIM_MSG_INSTALL = 1,
	CHIM_MSG_QUERY,
	CHIM_MSG_UPDATE,
	CHIM_MSG_INVALIDATE,
	CHIM_MSG_TERMINATE,
	/* replicas, to every worker */
	CHIM_MSG_NEIGHBOR_SET, /* new, update, invalidate: the whole replica */
	CHIM_MSG_NEIGHBOR_REMOVE,
	CHIM_MSG_NEIGHBOR_QUERY, /* reachability of it as this worker saw it */
	CHIM_MSG_PATH_SET,
	CHIM_MSG_PATH_REMOVE,
	/* frames in transit, to the worker that steering names */
	CHIM_MSG_HOLD,
	CHIM_MSG_SEAL,
	CHIM_MSG_RELEASE,
	CHIM_MSG_INJECT,
	/* adapter-wide, to every worker */
	CHIM_MSG_PARAMS,
	CHIM_MSG_STATS,
	CHIM_MSG_STATS_RESET,

	/* worker to ctl, unasked; ctl gives the message back as a reply. These are preallocated in
	 * the worker: one in flight at a time for each kind. */
	CHIM_MSG_EVENT_REACHABILITY = 64, /* neighbor: stale on this worker */
	CHIM_MSG_EVENT_HOLD_ENDED,	  /* flow: a hold ran out */
};

/* ---- INSTALL, QUERY, UPDATE, INVALIDATE, TERMINATE ---- */

/* struct chim_msg_tcp.want, on QUERY and TERMINATE: fill these. */
#define CHIM_WANT_CONST	    0x1u
#define CHIM_WANT_CACHED    0x2u
#define CHIM_WANT_DELEGATED 0x4u

struct chim_msg_tcp {
	struct chim_tuple tuple;	     /* INSTALL */
	uint64_t offload_handle;	     /* INSTALL */
	uint32_t path;			     /* INSTALL: index of its path */
	uint32_t want;			     /* QUERY, TERMINATE; on TERMINATE without DELEGATED the
					      * sends are completed, not returned */
	struct rte_mbuf *send_chain;	     /* INSTALL: in; TERMINATE: out */
	struct chim_tcp_const tcp_const;     /* INSTALL: in; QUERY: out */
	struct chim_tcp_cached cached;	     /* INSTALL, UPDATE: in; QUERY: out */
	struct chim_tcp_delegated delegated; /* INSTALL: in; QUERY, TERMINATE: out */
	/* INSTALL: the host hears nothing of the connection while *gate is gate_stamp, that is,
	 * before its initiate has completed (spec 4.1); NULL = at once. Outlives the worker. */
	const _Atomic uint64_t *gate;
	uint64_t gate_stamp;
};

/* ---- replicas ---- */

struct chim_msg_neighbor {
	uint32_t index; /* in ctl's pool, and in every worker's replica table */
	uint32_t is_invalid;
	chim_handle_t handle;
	uint8_t dl_source[6]; /* resolved: never zero */
	uint8_t dl_destination[6];
	uint16_t vlan_id;
	uint16_t port_number;
	uint32_t is_fresh; /* new, or host_reachability_delta is news */
	chim_ticks_t host_reachability_delta;
	chim_ticks_t
		nic_reachability_delta; /* NEW: in; NEIGHBOR_QUERY, REMOVE: out, CHIM_TICKS_NONE
					 * when this worker never saw progress */
	uint64_t offload_handle;	/* of the neighbor, for the reachability query */
	uint32_t host;			/* slot */
};

struct chim_msg_path {
	uint32_t index;
	uint32_t neighbor; /* index */
	uint32_t is_invalid;
	uint32_t is_ip6;
	uint32_t mtu;
	uint8_t source[16];
	uint8_t destination[16];
};

/* ---- frames in transit ---- */

struct chim_msg_flow {
	struct chim_tuple tuple;
	struct chim_hold_limits limits; /* HOLD; zeroes replaced by the defaults */
	uint64_t marker;		/* SEAL */
	struct chim_flow_record record; /* out */
	struct rte_mbuf *frames;	/* INJECT */
	uint32_t port_number;		/* INJECT */
};

struct chim_msg_stats {
	uint32_t family;		/* CHIM_AF_INET, CHIM_AF_INET6 */
	struct chim_family_stats stats; /* out */
};

struct chim_msg {
	/* ctl's; the worker leaves it alone */
	struct chim_msg *next;	  /* waiting for room in a mailbox, or free */
	void *op;		  /* operation record this belongs to */
	struct chim_block *block; /* its block, NULL for others */
	uint64_t cookie;
	/* both */
	uint16_t kind; /* enum chim_msg_op */
	uint8_t worker;
	uint8_t host;		 /* slot of the host */
	enum chim_status status; /* worker */
	uint32_t reason;	 /* worker, enum chim_reason */
	uint32_t reserved;
	chim_handle_t handle; /* INSTALL: out; other TCP messages: in */
	uint64_t reserved1;
	union {
		struct chim_msg_tcp tcp;
		struct chim_msg_neighbor neighbor;
		struct chim_msg_path path;
		struct chim_msg_flow flow;
		struct chim_params params;
		struct chim_msg_stats stats;
	};
};
_Static_assert(offsetof(struct chim_msg, tcp) == 64, "header of a message is a cache line");

#endif /* CHIM_MSG_H */
