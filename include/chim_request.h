/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The request ring and the completion ring: one pair for each host, served by
 * the control lcore. An entry is 64 bytes and travels by value.
 *
 * Every request is completed exactly once, asynchronously, with the cookie and
 * (for trees) the root it came with. Completions may overtake each other when
 * the requests concern different objects. Before completion every block of the
 * tree has its status written.
 *
 * Beyond the documented five there are three frame operations, which move
 * frames of a flow that is in transit between two stacks:
 *
 *   hold      From its completion on, frames that arrive for the flow are kept
 *             and reach nobody; nothing of the flow is left on the way to the
 *             host's kernel (a barrier). Frames of the flow that the kernel
 *             sends still pass, and what they said is recorded.
 *   seal      From its completion on, frames of the flow that the kernel sends
 *             are dropped and counted; everything it sent before has gone out
 *             (a barrier), so the record in the completion is final. The
 *             request takes effect when the worker reads a marker frame with
 *             this request's marker from the exception port, which the host
 *             sends after the last thing the kernel may have said.
 *   release   Ends the hold: the kept frames go to the kernel, in order.
 *             (A successful initiate ends it too: they go to TCP input.)
 *   inject    Gives frames to the kernel by the exception port, as if they
 *             had come from the wire: in order with those of the same flow
 *             that a release gives it.
 *
 * Thread: a ring pair belongs to one host; at most one thread may use it at a
 * time. Nothing here blocks.
 */
#ifndef CHIM_REQUEST_H
#define CHIM_REQUEST_H

#include "chim.h"
#include "chim_block.h"
#include "chim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CHIM_OP_LIST(X) \
	X(INITIATE)     \
	X(QUERY)        \
	X(UPDATE)       \
	X(INVALIDATE)   \
	X(TERMINATE)    \
	X(HOLD)         \
	X(SEAL)         \
	X(RELEASE)      \
	X(INJECT)       \
	X(SET_PARAMS)   \
	X(GET_CAPS)     \
	X(GET_STATS)    \
	X(RESET_STATS)

#define CHIM_OP_ENUM(name) CHIM_OP_##name,
enum chim_op {
	CHIM_OP_LIST(CHIM_OP_ENUM) CHIM_OP_MAX
};
#undef CHIM_OP_ENUM

struct chim_params;
struct chim_caps;
struct chim_family_stats;

/* struct chim_request, hold: what ends a hold that nobody ends. */
#define CHIM_HOLD_DEADLINE_MS 1000u
#define CHIM_HOLD_BYTES	      (4u << 20)
struct chim_hold_limits {
	uint32_t deadline_ms; /* from hold to release or initiate; 0 = CHIM_HOLD_DEADLINE_MS */
	uint32_t max_bytes;   /* kept frames, payload, beyond which it ends; 0 = CHIM_HOLD_BYTES,
			       * UINT32_MAX = none. Where all holds together have no room, frames
			       * are dropped. */
};

struct chim_request {
	uint32_t op;	 /* enum chim_op */
	uint32_t flags;	 /* 0 */
	uint64_t cookie; /* comes back unchanged */
	union {
		struct chim_block *root; /* INITIATE .. TERMINATE */
		struct {		 /* HOLD, SEAL, RELEASE */
			struct chim_tuple tuple;
			union {
				struct chim_hold_limits limits; /* HOLD */
				uint64_t marker;		/* SEAL, see chim_marker_frame */
			};
		} flow;
		struct {			 /* INJECT */
			struct chim_tuple tuple; /* the flow; family 0: of no flow, port_number
						  * counts all the same */
			struct rte_mbuf *frames; /* list by struct chim_nbl, taken */
		} inject;
		const struct chim_params *params;	 /* SET_PARAMS: borrowed to completion */
		struct chim_caps *caps;			 /* GET_CAPS: written before completion */
		struct {				 /* GET_STATS, RESET_STATS */
			struct chim_family_stats *stats; /* written before completion */
			uint32_t family;		 /* CHIM_AF_INET, CHIM_AF_INET6 */
		} stats;
	};
};
_Static_assert(sizeof(struct chim_request) == 64, "ring entries are 64 bytes");

/* struct chim_flow_record.flags: what the worker has seen go by during a hold. */
#define CHIM_RECORD_SENT    0x1u  /* a segment of the kernel left: rcv_nxt, wnd are set */
#define CHIM_RECORD_TS	    0x2u  /* it carried timestamps: tsval, tsecr are set */
#define CHIM_RECORD_PEER    0x4u  /* a frame of the peer is kept: peer_* are set */
#define CHIM_RECORD_PEER_TS 0x8u  /* it carried timestamps: peer_tsval is set */
#define CHIM_RECORD_DATA    0x10u /* what left took sequence numbers: snd_max is set */

/* What hold and seal have recorded of a flow. */
struct chim_flow_record {
	uint32_t flags;	     /* CHIM_RECORD_* */
	uint32_t snd_max;    /* highest sequence number that left, SYN and FIN counted */
	uint32_t rcv_nxt;    /* last acknowledgment number that left */
	uint32_t wnd;	     /* window field that went with it, unscaled by nobody */
	uint32_t tsval;	     /* last that left */
	uint32_t tsecr;	     /* last that left: the kernel's ts_recent then */
	uint32_t peer_tsval; /* last of the kept frames */
	uint32_t kept;	     /* frames kept now */
};

/* What a completion, or an adapter-wide event, is about. */
enum chim_completion_kind {
	CHIM_COMPLETION_REQUEST = 0,	    /* op, cookie, status, and the union */
	CHIM_COMPLETION_OFFLOAD_PAUSE,	    /* NDIS_STATUS_OFFLOAD_PAUSE */
	CHIM_COMPLETION_OFFLOAD_RESUME,	    /* capabilities may have changed: GET_CAPS again */
	CHIM_COMPLETION_UPLOAD_ALL,	    /* terminate everything, please */
	CHIM_COMPLETION_REACHABILITY_QUERY, /* answer with CHIM_IO_REACHABILITY */
	CHIM_COMPLETION_HOLD_ENDED,	    /* a hold ran out: reason HOLD_EXPIRED or HOLD_OVERFLOW;
					     * the kept frames went to the kernel */
};

struct chim_completion {
	uint16_t kind;		 /* enum chim_completion_kind */
	uint16_t op;		 /* enum chim_op */
	enum chim_status status; /* of the root block for trees */
	uint64_t cookie;
	uint32_t reason;    /* enum chim_reason */
	uint32_t nb_blocks; /* trees: blocks visited */
	union {
		struct chim_block *root;
		struct chim_flow_record record;	 /* HOLD, SEAL */
		struct chim_tuple tuple;	 /* HOLD_ENDED */
		struct {			 /* REACHABILITY_QUERY */
			uint64_t offload_handle; /* of the neighbor */
			chim_handle_t handle;
			chim_ticks_t nic_reachability_delta;
		} neighbor;
	};
};
_Static_assert(sizeof(struct chim_completion) == 64, "ring entries are 64 bytes");

/*
 * Adapter-wide parameters (NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS). Times in
 * ticks unless the name says otherwise. ticks_per_second may be set only while
 * nothing is offloaded. A zero keeps the present value.
 */
struct chim_params {
	uint32_t ticks_per_second; /* 10, 100 or 1000 */
	uint32_t ack_frequency;	   /* segments at most before an ACK */
	chim_ticks_t delayed_ack_ticks;
	uint32_t maximum_retransmissions;
	uint32_t doubt_reachability_retransmissions;
	chim_ticks_t sws_prevention_ticks;
	uint32_t duplicate_ack_threshold;
	chim_ticks_t push_ticks;
	chim_ticks_t nce_stale_ticks;
	uint32_t congestion_algorithm; /* enum chim_cc */
	uint32_t reserved[6];
};

enum chim_cc {
	CHIM_CC_DEFAULT = 0, /* CUBIC */
	CHIM_CC_NEWRENO = 1,
	CHIM_CC_CUBIC = 2,
	CHIM_CC_DCTCP = 3,
};

/* What the engine can do (NDIS_TCP_CONNECTION_OFFLOAD and the limits beside it). */
struct chim_caps {
	uint32_t abi; /* CHIM_ABI of the engine */
	uint32_t nb_workers;
	uint32_t nb_ports;
	uint32_t support;	  /* CHIM_CAP_* */
	uint32_t max_connections; /* IPv4 and IPv6 together */
	uint32_t max_paths;
	uint32_t max_neighbors;
	uint32_t max_source_macs;
	uint32_t max_source_ips;
	uint32_t max_vlans;
	uint32_t max_rcv_wnd;	   /* bytes */
	uint32_t max_mtu;	   /* bytes of IP packet */
	uint32_t max_send_bytes;   /* outstanding send data a connection may bring, bytes */
	uint32_t max_recv_bytes;   /* buffered receive data a connection may bring, bytes */
	struct chim_params params; /* in force now */
	uint32_t reserved[10];
};

#define CHIM_CAP_IPV4 0x01u
#define CHIM_CAP_IPV6 0x02u
#define CHIM_CAP_SACK 0x04u
#define CHIM_CAP_VLAN 0x08u
#define CHIM_CAP_QOS  0x10u /* 802.1p */
#define CHIM_CAP_MAC  0x20u /* source MACs other than the port's */
#define CHIM_CAP_ECN  0x40u

/*
 * The marker frame of seal: Ethernet, this ethertype (a local experimental one,
 * IEEE 802), then the 8-byte marker in network byte order. The worker that reads
 * it from the exception port consumes it.
 */
#define CHIM_MARKER_ETHERTYPE 0x88B5u
#define CHIM_MARKER_LEN	      60u

/** Name an operation: "initiate", ... @return "unknown" if not in the list. Thread: any. */
const char *chim_op_name(uint32_t op);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_REQUEST_H */
