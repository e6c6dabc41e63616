/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker that is fed by hand: frames are made before, and what is measured is
 * what the worker does with them, from the classification to the ACK in the
 * wire's queue. The wire, the host and the timers are served in between, and
 * not measured.
 *
 *   segment_up(&s, 1024, false);
 *   uint64_t cycles = segment_take(&s, frames, nb, 32);     in bursts of 32
 *   segment_rest(&s);                                       host and wire
 *   segment_down(&s);
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "rings.h"

/* One connection, seen from the peer: numbers relative to the first. */
struct segment_peer {
	chim_handle_t handle;
	uint32_t hash;
	uint32_t seq; /* next to be sent */
	uint32_t ack; /* of what has come from the engine */
};

struct segment_bed {
	struct rings r;
	uint32_t nb;
	struct segment_peer *peer;
	bool is_ip6;
	bool is_software; /* frames come without hash and checksum verdict */
	uint64_t random;
};

/* A frame of a peer. */
struct segment_frame {
	uint32_t flow;
	uint32_t seq;
	uint32_t ack;
	uint16_t len;
	uint8_t nb_sack;
	struct chim_sack sack[3];
};

/** Nb connections (at most 2^20) on one worker. @return false: no memory. */
bool segment_up(struct segment_bed *s, uint32_t nb, bool is_ip6);
void segment_down(struct segment_bed *s);

/** A frame as from the wire. @return owned. */
struct rte_mbuf *segment_make(struct segment_bed *s, const struct segment_frame *f);

/** The next data of a flow, in order. @return owned. */
struct rte_mbuf *segment_next(struct segment_bed *s, uint32_t flow, uint16_t len);

/** Have the worker take frames in bursts, and answer. Takes them. @return cycles. */
uint64_t segment_take(struct segment_bed *s, struct rte_mbuf **m, uint32_t nb, uint32_t per_burst);

/** The host returns what it was lent, the wire is emptied, time goes on. @return what was told to
 *  the host: indications and completions. */
uint32_t segment_rest(struct segment_bed *s);

/** The host answers everything it was told with len bytes, which go out with the next
 *  segment_take(); the wire is emptied. @return indications. */
uint32_t segment_answer(struct segment_bed *s, uint32_t len);

/** The host sends len bytes by a connection; goes out with the next segment_rest(). */
void segment_send(struct segment_bed *s, uint32_t flow, uint32_t len);

/** The key of a flow, as the worker's table has it. */
void segment_key(const struct segment_bed *s, uint32_t flow, union chim_key *key);

/** 0 .. n-1. */
uint32_t segment_below(struct segment_bed *s, uint32_t n);

#endif /* SEGMENT_H */
