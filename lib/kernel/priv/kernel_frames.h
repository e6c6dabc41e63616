/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames that the agent makes: those injected into the kernel on a connection's
 * way back, and the marker that tells the worker "what the kernel had to say
 * has been said". Used by handback.c and handoff.c.
 *
 * Thread: the agent's.
 */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel_sock.h"

/* A segment of the peer's, without payload. */
struct kernel_frame {
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;  /* as on the wire, scaled */
	uint8_t flags; /* RTE_TCP_*_FLAG */
	bool has_ts;
	uint32_t tsval;
	uint32_t tsecr;
};

#define KERNEL_FRAMES_MAX  2u
#define KERNEL_FRAME_BYTES 128u /* Ethernet, a tag, IPv6, TCP with timestamps, and room */

/** Link-layer addresses as seen by the receiver of a frame, and its VLAN. */
struct kernel_link {
	uint8_t dst[6];
	uint8_t src[6];
	uint16_t vlan_id; /* 0 = untagged; of no account for markers, which the interface tags */
};

/**
 * Which segments of the peer the kernel has to see again, once kernel_sock_rebuild() is done, to
 * know what it cannot be told: the peer's last timestamp, that our FIN is acknowledged, that the
 * peer has closed.
 *
 * @return how many were written, at most KERNEL_FRAMES_MAX; in the order of delivery.
 */
unsigned int kernel_frames_plan(const struct kernel_sock_state *st, struct kernel_frame *out);

/**
 * The segment that makes a kernel socket in any state say what its ts_recent is: empty, just left
 * of the window, so it is answered with an ACK and changes nothing (RFC 9293 3.10.7.4, first step).
 * The kernel answers at most one in half a second.
 */
struct kernel_frame kernel_frame_question(const struct kernel_sock_state *st);

/**
 * Write one as an Ethernet frame from the connection's remote end to its local end, checksums
 * included.
 *
 * @param at room for KERNEL_FRAME_BYTES.
 * @return its length.
 */
uint16_t kernel_frame_write(uint8_t *at, const struct kernel_link *l, const struct chim_tuple *t,
	const struct kernel_frame *f);

/** Write a marker frame. @param at room for CHIM_MARKER_LEN. @return its length. */
uint16_t kernel_marker_write(uint8_t *at, const struct kernel_link *l, uint64_t marker);

/** Open a socket to send markers with. @return descriptor or negative errno. */
int kernel_marker_open(void);

/** Open a socket to hear markers with that come through a port's interface to the kernel.
 *  @return descriptor or negative errno. */
int kernel_marker_listen(int ifindex);

/** Send a marker out of an interface, behind everything the kernel has queued there. */
int kernel_marker_send(int fd, int ifindex, const struct kernel_link *l, uint64_t marker);

#endif /* KERNEL_FRAMES_H */
