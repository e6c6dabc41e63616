/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The data rings: for each host and each worker one ring towards the worker
 * (data operations) and one back (their completions, receive indications,
 * events). An entry is 64 bytes, of one shape in both directions, and travels
 * by value; the worker is the one named in the connection's handle
 * (chim_handle_worker).
 *
 * Buffers. A NET_BUFFER_LIST is an mbuf chain (one packet, any number of
 * segments) with a struct chim_nbl in the private area of its first mbuf; a
 * list of them is linked by chim_nbl.next. Pools that a host takes its mbufs
 * from need a private size of at least CHIM_NBL_PRIV_SIZE; chim_host_pool()
 * is such a pool.
 *
 * Ownership. SEND, DISCONNECT, RECEIVE, FORWARD take the list; the matching
 * *_DONE gives the same mbufs back (trimmed by what was acknowledged), or
 * terminate does. INDICATE lends received mbufs to the host until it gives
 * them back with RETURN or REFUSE; the receive window stays smaller by their
 * bytes until then.
 */
#ifndef CHIM_IO_H
#define CHIM_IO_H

#include "chim.h"
#include "chim_status.h"

#include <rte_mbuf.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* struct chim_nbl.flags */
#define CHIM_NBL_NO_PUSH 0x01u /* receive request: never complete early (TcpReceiveNoPush) */
#define CHIM_NBL_PUSH	 0x02u /* the peer set PSH at the end of this data */

/* What travels with each mbuf chain of a list, in its first mbuf's private area. */
struct chim_nbl {
	struct rte_mbuf *next;	 /* next chain of the list, NULL at the end */
	uint64_t cookie;	 /* host's on the way in; the connection's handle on data lent by
				  * INDICATE or terminate */
	enum chim_status status; /* engine, when it gives the chain back */
	uint32_t bytes;		 /* transferred: acknowledged (send), placed (receive); for a
				  * receive request on the way in: bytes already in the buffer;
				  * lent data: sequence number of its first byte */
	uint32_t room;		 /* receive request: bytes the buffer has room for, from the start;
				  * lent data: bytes it still holds of the window */
	uint32_t flags;		 /* CHIM_NBL_* */
};
#define CHIM_NBL_PRIV_SIZE 32u
_Static_assert(sizeof(struct chim_nbl) == CHIM_NBL_PRIV_SIZE, "private area of every mbuf");

/** The list node of an mbuf chain. @return never NULL. Thread: the owner of m. */
static inline struct chim_nbl *
chim_nbl(struct rte_mbuf *m)
{
	return (struct chim_nbl *)rte_mbuf_to_priv(m);
}

/* Walk a list; m may be NULL; the body must not unlink m. */
#define CHIM_NBL_FOREACH(m, head) for (m = (head); m != NULL; m = chim_nbl(m)->next)

/** Free a list, every chain of it; takes it; NULL is allowed. Thread: the owner of the list. */
static inline void
chim_nbl_free(struct rte_mbuf *list)
{
	while (list != NULL) {
		struct rte_mbuf *m = list;

		list = chim_nbl(m)->next;
		rte_pktmbuf_free(m);
	}
}

enum chim_io_op {
	/* host to worker */
	CHIM_IO_SEND = 1,     /* m: list to send, in order */
	CHIM_IO_RECEIVE,      /* m: receive requests, in order; room 0 re-enables indications */
	CHIM_IO_RETURN,	      /* m: lent chains the host is done with, of any connections of
			       * this worker (MiniportTcpOffloadReceiveReturn) */
	CHIM_IO_REFUSE,	      /* m: the indication the host does not take, and every later one it
			       * got, in order; bytes = consumed of the first. Not while a receive
			       * request is open: later data may be in it already */
	CHIM_IO_DISCONNECT,   /* flags CHIM_DISCONNECT_*; m: NULL or data to send before the FIN */
	CHIM_IO_FORWARD,      /* m: unacknowledged segments, each from its TCP header */
	CHIM_IO_REACHABILITY, /* handle: a neighbor; bytes = HostReachabilityDelta, ticks */

	/* worker to host */
	CHIM_IO_SEND_DONE = 32,	 /* m: list, status and bytes in each chain */
	CHIM_IO_RECEIVE_DONE,	 /* m: list, status and bytes in each chain */
	CHIM_IO_DISCONNECT_DONE, /* m: what came with the disconnect; status. UPLOAD_IN_PROGRESS:
				  * less what is acknowledged; it follows the send chain */
	CHIM_IO_FORWARD_DONE,	 /* m: list, status in each chain: SUCCESS, UPLOAD_IN_PROGRESS,
				  * REQUEST_ABORTED, or FAILURE for what is no TCP segment */
	CHIM_IO_INDICATE,	 /* m: a chain of received data, lent; bytes = its length, over 0 */
	CHIM_IO_EVENT,		 /* event, info */
};

/* CHIM_IO_DISCONNECT flags (TCP_DISCONNECT_*). */
#define CHIM_DISCONNECT_GRACEFUL 0x01u
#define CHIM_DISCONNECT_ABORTIVE 0x02u
/* Beyond the documented: with GRACEFUL, the client takes no more data either; what still arrives
 * aborts the connection (RFC 9293 3.10.4, RFC 1122 4.2.2.13). */
#define CHIM_DISCONNECT_FULL_CLOSE 0x04u

/* TCP_OFFLOAD_EVENT_TYPE */
enum chim_event {
	CHIM_EVENT_SEND_BACKLOG_CHANGE = 1, /* info: bytes */
	CHIM_EVENT_DISCONNECT = 2,	    /* the peer's FIN, all data before it consumed */
	CHIM_EVENT_RETRIEVE = 3,	    /* info: enum chim_upload_reason */
	CHIM_EVENT_ABORT = 4,		    /* the peer's RST, or the engine's last resort */
	/* Beyond the documented: */
	CHIM_EVENT_PATH_MTU = 16,    /* info: MTU a validated ICMP error asks for */
	CHIM_EVENT_UNREACHABLE = 17, /* info: ICMP type << 8 | code, validated */
	CHIM_EVENT_TIME_WAIT = 18,   /* both sides have closed; terminate when convenient */
};

/* TCP_UPLOAD_REASON, X(name, value, mandatory) */
#define CHIM_UPLOAD_LIST(X)                \
	X(LOW_ACTIVITY, 1, 0)              \
	X(HIGH_DROP_RATE, 2, 0)            \
	X(SMALL_IO, 3, 0)                  \
	X(NO_BUFFER_PREPOSTING, 4, 0)      \
	X(RECEIVED_URGENT_DATA, 5, 1)      \
	X(HIGH_FRAGMENTATION, 6, 0)        \
	X(HIGH_OUT_OF_ORDER_PACKETS, 7, 0) \
	X(TIMEOUT_EXPIRATION, 8, 1)        \
	X(INVALID_STATE, 9, 1)             \
	X(UPLOAD_REQUESTED, 10, 1)         \
	X(HARDWARE_FAILURE, 11, 1)

#define CHIM_UPLOAD_ENUM(name, value, mandatory) CHIM_UPLOAD_##name = (value),
enum chim_upload_reason {
	CHIM_UPLOAD_LIST(CHIM_UPLOAD_ENUM)
};
#undef CHIM_UPLOAD_ENUM

struct chim_io {
	uint16_t op; /* enum chim_io_op */
	uint16_t flags;
	enum chim_status status; /* *_DONE */
	chim_handle_t handle;	 /* the connection */
	uint64_t offload_handle; /* host's name of it (worker to host) */
	struct rte_mbuf *m;	 /* list, see the operation */
	uint32_t bytes;
	uint32_t event; /* enum chim_event */
	uint32_t info;
	uint32_t reserved[5];
};
_Static_assert(sizeof(struct chim_io) == 64, "ring entries are 64 bytes");

/** Worker that owns a connection, from its handle. @return 0 .. CHIM_MAX_WORKERS-1 for a
 *  connection's handle. Thread: any. */
static inline uint32_t
chim_handle_worker(chim_handle_t handle)
{
	return (uint32_t)(handle >> 56);
}

/** Name an upload reason: "received_urgent_data", ... @return "unknown" if not in the list.
 *  Thread: any. */
const char *chim_upload_name(uint32_t reason);

/** Must a host that is asked for this reason terminate? Else the connection goes on as it is.
 *  @return false if not in the list. Thread: any. */
bool chim_upload_is_mandatory(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_IO_H */
