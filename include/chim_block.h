/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Block lists and the state objects that follow them.
 *
 * A request names a tree of blocks: neighbor -> path -> TCP. Going along
 * next_block stays on a layer, going down dependent_list enters the layer that
 * depends on this block. A block plays one of three roles (Placeholders,
 * Linkers, and New Offloads):
 *
 *   placeholder   context == NULL; only holds dependents, its type is ignored
 *   linker        *context is the handle of an object offloaded before
 *   new offload   *context == CHIM_HANDLE_NONE; state follows the block
 *
 * State follows the block in memory, each structure with its own length, in
 * the order const, cached, delegated (DDI: NDIS_MINIPORT_OFFLOAD_BLOCK_LIST);
 * struct chim_neighbor_block, chim_path_block and chim_tcp_block are that
 * layout for the three kinds. The block, and what follows it, belongs to the
 * engine from submission to completion, and not a moment longer.
 *
 * What a host gets wrong costs it a status. A tree may have cycles or share
 * nodes; types, sizes, lengths, handles and links are checked where they are
 * used, and a tree that is written to while it is the engine's neither crashes
 * nor detains it. The engine cannot check what only the host's memory says:
 * every pointer must be NULL or point to what its type says, a length must not
 * exceed the memory that is there, and target_reserved and scratch hold the
 * walk's own notes from submission to completion.
 *
 * Ownership classes (Classes of Offload State Variables): const never changes;
 * cached changes only by update; delegated is the engine's while offloaded,
 * and is what terminate returns.
 *
 * Units: ports and addresses in network byte order, everything else in host
 * order; windows in bytes, unscaled; times in host ticks (chim_params).
 */
#ifndef CHIM_BLOCK_H
#define CHIM_BLOCK_H

#include "chim.h"
#include "chim_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;

/* OFFLOAD_STATE_TYPE: which state structures follow a block. */
enum chim_state_type {
	CHIM_STATE_NONE = 0, /* no state follows (relink, invalidate) */
	CHIM_STATE_NEIGHBOR_CONST = 1,
	CHIM_STATE_NEIGHBOR_CACHED = 2,
	CHIM_STATE_NEIGHBOR_DELEGATED = 3,
	CHIM_STATE_NEIGHBOR = 4, /* all three */
	CHIM_STATE_IP4_CONST = 5,
	CHIM_STATE_IP4_CACHED = 6,
	CHIM_STATE_IP4_DELEGATED = 7,
	CHIM_STATE_IP4 = 8,
	CHIM_STATE_IP6_CONST = 9,
	CHIM_STATE_IP6_CACHED = 10,
	CHIM_STATE_IP6_DELEGATED = 11,
	CHIM_STATE_IP6 = 12,
	CHIM_STATE_TCP_CONST = 13,
	CHIM_STATE_TCP_CACHED = 14,
	CHIM_STATE_TCP_DELEGATED = 15,
	CHIM_STATE_TCP_RESOURCE = 16, /* reserved, refused */
	CHIM_STATE_TCP = 17,
	CHIM_STATE_FILTER_RESERVED = 0xFE, /* refused */
};

/* TCP_OFFLOAD_CONNECTION_STATE, X(name, value): RFC 9293 states. */
#define CHIM_TCP_STATE_LIST(X) \
	X(CLOSED, 0)           \
	X(LISTEN, 1)           \
	X(SYN_SENT, 2)         \
	X(SYN_RCVD, 3)         \
	X(ESTABLISHED, 4)      \
	X(FIN_WAIT_1, 5)       \
	X(FIN_WAIT_2, 6)       \
	X(CLOSE_WAIT, 7)       \
	X(CLOSING, 8)          \
	X(LAST_ACK, 9)         \
	X(TIME_WAIT, 10)

#define CHIM_TCP_STATE_ENUM(name, value) CHIM_TCP_##name = (value),
enum chim_tcp_state {
	CHIM_TCP_STATE_LIST(CHIM_TCP_STATE_ENUM)
};
#undef CHIM_TCP_STATE_ENUM

/* NDIS_OBJECT_HEADER of a block. */
struct chim_block_header {
	uint8_t type;	  /* enum chim_state_type */
	uint8_t revision; /* CHIM_BLOCK_REVISION */
	uint16_t size;	  /* sizeof(struct chim_block) */
};
#define CHIM_BLOCK_REVISION 1

/* OFFLOAD_STATE_HEADER: the first member of each state structure. */
struct chim_state_header {
	uint32_t length;	     /* size of the whole structure, bytes */
	uint32_t recognized_options; /* reserved, 0 */
};

/* A tree node. The comment after each member says who may write it. */
struct chim_block {
	struct chim_block_header header;   /* host */
	uint32_t port_number;		   /* host: Chimney port, 0 = the first */
	struct chim_block *next_block;	   /* host */
	struct chim_block *dependent_list; /* host */
	enum chim_status status;	   /* engine, always before completion */
	uint32_t reason;		   /* engine, enum chim_reason */
	chim_handle_t *context;		   /* host: the pointer; engine: what it points to,
					    * on a successful initiate only */
	uint64_t offload_handle;	   /* host: its own name for the object; comes back in
					    * every event and indication (NdisOffloadHandle) */
	uint64_t host_reserved[2];	   /* host; the engine leaves it alone */
	uint64_t protocol_reserved[2];	   /* host; the engine leaves it alone */
	uint64_t target_reserved[2];	   /* engine, freely (MiniportReserved) */
	uint64_t im_reserved[2];	   /* host; the engine leaves it alone */
	uint64_t scratch[2];		   /* engine, freely, while it owns the block */
	uint64_t source_handle;		   /* host; the engine leaves it alone */
	struct rte_mbuf *send_chain;	   /* outstanding send data (NetBufferListChain): in on
					    * initiate, out on terminate; a list of mbuf chains
					    * linked by struct chim_nbl */
};
_Static_assert(sizeof(struct chim_block) == 144, "block layout is a contract");

/* ---- neighbor ---- */

#define CHIM_DL_ADDR_LEN 32

struct chim_neighbor_const {
	struct chim_state_header header;
	uint8_t dl_source[CHIM_DL_ADDR_LEN]; /* source MAC in the first 6 bytes; all zero = the
					      * port's own */
	uint16_t vlan_id;		     /* 12 bits; 0 = not significant */
	uint16_t reserved[3];
};

struct chim_neighbor_cached {
	struct chim_state_header header;
	uint8_t dl_destination[CHIM_DL_ADDR_LEN]; /* next-hop MAC in the first 6 bytes */
	chim_ticks_t host_reachability_delta;	  /* host's now - last time it knew */
	uint32_t reserved;
};

struct chim_neighbor_delegated {
	struct chim_state_header header;
	chim_ticks_t nic_reachability_delta; /* engine's now - last forward progress */
	uint32_t reserved;
};

struct chim_neighbor_block {
	struct chim_block block;
	struct chim_neighbor_const neighbor_const;
	struct chim_neighbor_cached cached;
	struct chim_neighbor_delegated delegated;
};

/* ---- path; the family is told by the block's type ---- */

struct chim_path_const {
	struct chim_state_header header;
	const uint8_t *source_address;	    /* 4 or 16 bytes, copied before completion */
	const uint8_t *destination_address; /* 4 or 16 bytes, copied before completion */
};

struct chim_path_cached {
	struct chim_state_header header;
	uint32_t path_mtu; /* bytes of IP packet */
	uint32_t reserved;
};

struct chim_path_delegated {
	struct chim_state_header header; /* nothing is delegated */
};

struct chim_path_block {
	struct chim_block block;
	struct chim_path_const path_const;
	struct chim_path_cached cached;
	struct chim_path_delegated delegated;
};

/* ---- TCP connection ---- */

/* struct chim_tcp_const.flags */
#define CHIM_TCP_TIMESTAMP_ENABLED	0x0001u /* a timestamp in every segment */
#define CHIM_TCP_SACK_ENABLED		0x0002u
#define CHIM_TCP_WINDOW_SCALING_ENABLED 0x0004u
/* Beyond the documented flags: */
#define CHIM_TCP_ECN_ENABLED 0x0100u /* classic ECN was negotiated (RFC 3168) */
#define CHIM_TCP_INDICATE_ON_REQUEST                             \
	0x0200u /* nothing is indicated before the first receive \
		 * request is posted */

struct chim_tcp_const {
	struct chim_state_header header;
	uint16_t flags;		/* CHIM_TCP_*_ENABLED */
	uint16_t remote_port;	/* network byte order */
	uint16_t local_port;	/* network byte order */
	uint16_t remote_mss;	/* MSS option of the peer, bytes, options not subtracted */
	uint8_t snd_wind_scale; /* 0..14, shift of windows the peer sends */
	uint8_t rcv_wind_scale; /* 0..14, shift of windows we send */
	uint16_t reserved;	/* 0 */
	uint32_t ts_hz;		/* beyond the documented: units a second of our TSval clock as the
				 * peer has seen it so far; 0 = 1000 */
	uint32_t hash_value;	/* RSS hash by the host; a hint */
	uint32_t reserved1;	/* 0 */
};

/* struct chim_tcp_cached.flags */
#define CHIM_TCP_KEEP_ALIVE_ENABLED 0x0001u /* level */
#define CHIM_TCP_NAGLING_ENABLED    0x0002u /* level */
#define CHIM_TCP_KEEP_ALIVE_RESTART 0x0004u /* edge, on update */
#define CHIM_TCP_MAX_RT_RESTART	    0x0008u /* edge, on update */
#define CHIM_TCP_UPDATE_RCV_WND	    0x0010u /* edge, on update */

struct chim_tcp_cached {
	struct chim_state_header header;
	uint16_t flags;		/* CHIM_TCP_* above */
	uint8_t ka_probe_count; /* probes before giving up; 0 = 10 */
	uint8_t ttl;		/* TTL or hop limit */
	uint8_t tos;		/* TOS or traffic class (ECN bits ignored) */
	uint8_t user_priority;	/* 802.1p, 3 bits */
	uint16_t reserved0;
	uint32_t initial_rcv_wnd;     /* receive buffer, bytes (SO_RCVBUF) */
	uint32_t rcv_indication_size; /* preferred bytes an indication; 0 = as many as there are */
	chim_ticks_t ka_timeout;      /* idle time before the first probe; 0 = 2 h */
	chim_ticks_t ka_interval;     /* gap between unanswered probes; 0 = 1 s */
	chim_ticks_t max_rt;	      /* 0 = chim_params.maximum_retransmissions; NONE = no limit */
	uint32_t flow_label;	      /* IPv6 only, 20 bits */
};

struct chim_tcp_delegated {
	struct chim_state_header header;
	uint32_t state; /* enum chim_tcp_state */
	uint32_t flags; /* reserved, 0 */
	uint32_t rcv_nxt;
	uint32_t rcv_wnd; /* window last advertised, counted from rcv_nxt, bytes */
	uint32_t snd_una;
	uint32_t snd_nxt;     /* below snd_max while going back to resend */
	uint32_t snd_max;     /* highest sequence number sent, a sent FIN counted */
	uint32_t snd_wnd;     /* bytes */
	uint32_t max_snd_wnd; /* largest the peer ever offered, bytes */
	uint32_t snd_wl1;
	uint32_t cwnd;	   /* bytes */
	uint32_t ssthresh; /* bytes */
	uint16_t srtt;	   /* 8 x ticks; 0 = no sample yet */
	uint16_t rttvar;   /* 4 x ticks */
	uint32_t ts_recent;
	chim_ticks_t ts_recent_age; /* since ts_recent was taken; NONE = ts_recent unknown, to be
				     * learnt from the first acceptable segment */
	uint32_t ts_time;	    /* TSval clock of the giver, at the moment of giving */
	chim_ticks_t total_rt;	    /* time spent resending the current segment */
	uint8_t dup_ack_count;
	uint8_t snd_wnd_probe_count; /* zero-window probe round */
	uint8_t keep_alive_probe_count;
	uint8_t retransmit_count;
	chim_ticks_t keep_alive_timeout_delta; /* left; NONE = not running; 0 = at once */
	chim_ticks_t retransmit_timeout_delta; /* left; NONE = not running; 0 = at once */
	uint32_t send_backlog_size;	       /* query only: preferred outstanding send bytes */
	uint32_t receive_backlog_size;	       /* query only: bytes received and not delivered */
	struct rte_mbuf *send_data_head; /* initiate, terminate: first of the list that has data */
	struct rte_mbuf *send_data_tail; /* initiate, terminate: last */
	struct rte_mbuf *buffered_data;	 /* initiate: acknowledged, not yet taken by the client;
					  * copied before completion. terminate: the same, returned
					  * through receive-return. List linked by struct chim_nbl */
	uint32_t dwnd;			 /* NDIS 6.1; carried, not used */
	uint32_t reserved;
};

struct chim_tcp_block {
	struct chim_block block;
	struct chim_tcp_const tcp_const;
	struct chim_tcp_cached cached;
	struct chim_tcp_delegated delegated;
};

_Static_assert(sizeof(struct chim_neighbor_const) == 48, "state layout is a contract");
_Static_assert(sizeof(struct chim_neighbor_cached) == 48, "state layout is a contract");
_Static_assert(sizeof(struct chim_neighbor_delegated) == 16, "state layout is a contract");
_Static_assert(sizeof(struct chim_path_const) == 24, "state layout is a contract");
_Static_assert(sizeof(struct chim_path_cached) == 16, "state layout is a contract");
_Static_assert(sizeof(struct chim_tcp_const) == 32, "state layout is a contract");
_Static_assert(sizeof(struct chim_tcp_cached) == 40, "state layout is a contract");
_Static_assert(sizeof(struct chim_tcp_delegated) == 128, "state layout is a contract");

/**
 * Name a TCP state: "ESTABLISHED", ...
 *
 * @return a constant string, "unknown" for a value not in the list.
 * Thread: any.
 */
const char *chim_tcp_state_name(uint32_t state);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_BLOCK_H */
