/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Chimney, a TCP offload engine on DPDK: the words every other public header
 * uses. A host program includes chim_host.h, which brings in the rest:
 *
 *   chim_status.h    what an operation answered, and why
 *   chim_block.h     block lists and state objects (what is handed over)
 *   chim_request.h   request ring and completion ring (state operations)
 *   chim_io.h        data rings (send, receive, disconnect, forward, events)
 *   chim_stats.h     counters and drop reasons
 *   chim_host.h      the calls
 *
 * The terms are those of the NDIS TCP chimney; each header names the page of
 * its documentation that a rule rests on.
 */
#ifndef CHIM_H
#define CHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bumped when a structure in include/ changes size or meaning. */
#define CHIM_ABI 1

/*
 * A reference to an offloaded object: the value that initiate writes through
 * struct chim_block.context (MiniportOffloadContext). It is a name, not a
 * pointer: using one after its object is gone is answered with a status.
 *
 *   bits 63..56  owner: worker number for a TCP connection, or one of the two
 *                constants below
 *   bits 55..32  generation, never 0
 *   bits 31..0   index in the owner's pool
 */
typedef uint64_t chim_handle_t;

#define CHIM_HANDLE_NONE    ((chim_handle_t)0)
#define CHIM_OWNER_PATH	    0xFEu
#define CHIM_OWNER_NEIGHBOR 0xFFu
#define CHIM_MAX_WORKERS    64u

/* Host clock ticks, see struct chim_params.ticks_per_second. */
typedef uint32_t chim_ticks_t;

/* "Timer not running" and "no limit" in tick fields (a documented -1). */
#define CHIM_TICKS_NONE UINT32_MAX

#define CHIM_AF_INET  4u
#define CHIM_AF_INET6 6u

/*
 * One TCP connection as the wire names it, seen from the host that owns the
 * local address. Ports and addresses in network byte order; an IPv4 address
 * fills the first four bytes of its array and the rest is zero.
 */
struct chim_tuple {
	uint8_t family;	      /* CHIM_AF_INET or CHIM_AF_INET6 */
	uint8_t reserved;     /* 0 */
	uint16_t port_number; /* Chimney port (struct chim_block.port_number) */
	uint16_t local_port;
	uint16_t remote_port;
	uint8_t local_addr[16];
	uint8_t remote_addr[16];
};
_Static_assert(sizeof(struct chim_tuple) == 40, "tuple is part of 64-byte ring entries");

#ifdef __cplusplus
}
#endif

#endif /* CHIM_H */
