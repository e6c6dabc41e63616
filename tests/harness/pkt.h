/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A segment as a test writes it: numbers relative to the connection, so that
 * 0 is the first octet either side sent in the test.
 *
 *   SEG(.seq = 1000, .len = 500, .flags = CHIM_FIN)
 *
 * seq counts in the stream of the side that sends the segment, ack and sack in
 * the other's. ACK is set unless no_ack says otherwise. A segment that is
 * expected says nothing about PSH, window, timestamps, SACK and TOS unless the
 * has_ member of it is set.
 */
#ifndef PKT_H
#define PKT_H

#include "chim_wire.h"

struct pkt {
	uint32_t seq;
	uint32_t ack;
	uint32_t len;
	uint32_t
		mss; /* the port cuts it into segments of so much; 0 = it is one, always compared */
	uint8_t flags; /* FIN, SYN, RST, URG, ECE, CWR */
	bool no_ack;
	bool has_psh; /* psh is compared; sent as it is */
	bool psh;
	bool has_wnd;
	uint32_t wnd; /* bytes, scaled back */
	bool has_ts;
	uint32_t tsval;
	uint32_t tsecr;
	bool has_sack;
	struct chim_sack sack[CHIM_SACK_OUT];
	uint8_t nb_sack;
	bool has_tos;
	uint8_t tos;
	uint16_t urgent;
	bool is_ce;
};

#define SEG(...) ((struct pkt){ __VA_ARGS__ })

/* Octet of a stream at a relative number; every direction has the same stream. */
static inline uint8_t
pkt_byte(uint32_t at)
{
	return (uint8_t)(at * 131u >> 3 ^ at);
}

/** Compare; on a difference prints both and fails the test. @param i says which one it was. */
void
pkt_compare(const struct pkt *got, const struct pkt *want, uint32_t i, const char *file, int line);

/** Print one segment. */
void pkt_print(const char *what, const struct pkt *p);

#endif /* PKT_H */
