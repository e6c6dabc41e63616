/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A sender made of loss recovery and congestion control alone, a receiver made
 * of the reassembly queue, and a link between them, in virtual time: a bottleneck
 * with a rate, a queue and a delay, and rules that lose, delay or duplicate.
 * No headers, no data: segments are numbers.
 *
 * sim_begin(), set what differs in s->link and s->peer, sim_run(), look, sim_end().
 */
#ifndef SIM_H
#define SIM_H

#include "chim_tcp.h"
#include "tcp_recover.h"
#include "tcp_sack.h"

#define SIM_MSS	    1000u
#define SIM_ISS	    0xFFFF0000u
#define SIM_PACKETS 32768u

struct sim;

struct sim_packet {
	chim_us_t at; /* arrives */
	chim_us_t sent_at;
	uint64_t order; /* of creation: breaks ties */
	uint32_t seq;	/* data */
	uint32_t len;
	uint32_t ack; /* ACK */
	struct chim_sack sack[CHIM_SACK_OUT];
	uint8_t nb_sack;
	bool is_ack;
	bool has_ce;	/* on data; on an ACK: ECE */
	chim_us_t echo; /* when the segment was sent that made this ACK */
};

struct sim_link {
	uint32_t bytes_per_ms;
	uint32_t delay_us; /* each way */
	uint32_t queue_bytes;
	uint32_t mark_bytes; /* CE from this backlog on; 0 = never */
	uint32_t loss_every; /* seeded: one of so many, both ways; 0 = none */
	uint32_t dup_every;  /* data twice */
	uint32_t late_every; /* data late_us late */
	uint32_t late_us;
	/* A rule of the test. @return true: lose it. May change p->at. */
	bool (*rule)(struct sim *s, struct sim_packet *p);
};

struct sim_peer {
	bool has_sack;
	bool has_dsack;
	bool has_ts;
	uint32_t delayed_ack_us;
};

struct sim {
	struct sim_link link;
	struct sim_peer peer;
	struct chim_tcp_env env;
	struct chim_tcp_config cfg;
	struct chim_tcp_counters counters;
	struct chim_row row;
	uint64_t rnd;
	chim_us_t begin;

	/* sender */
	struct tcp_recover r;
	uint32_t una, max;
	uint64_t app_left; /* bytes the application still has to send */
	uint32_t srtt_us, rttvar_us;
	uint32_t backoff;
	chim_us_t rto_at, reo_at, pto_at; /* 0 = not armed */
	uint64_t acked;
	uint32_t resent; /* segments */

	/* link */
	chim_us_t busy_until;
	uint64_t order;
	uint32_t nb; /* packets under way: a heap by arrival */
	struct sim_packet *heap;
	uint32_t drops; /* of the queue */
	uint32_t lost;	/* by rules and chance */

	/* receiver */
	uint32_t rcv_nxt;
	struct tcp_reass reass;
	struct tcp_dsack dsack;
	uint32_t unacked; /* segments since the last ACK */
	chim_us_t ack_at; /* delayed ACK, 0 = not armed */
	chim_us_t echo;
	bool has_ce;
	uint32_t duplicates; /* segments with nothing new */
};

/** A transfer of so many bytes, RTT 50 ms, 10 Mbit/s, queue of a BDP, SACK with DSACK. */
void sim_begin(struct sim *s, uint8_t algorithm, uint64_t bytes, uint64_t seed);

/** Run until all is acknowledged, or for so long. @return true when all is acknowledged. */
bool sim_run(struct sim *s, chim_us_t us);

/** Give everything back; for the teardown of a test that failed. */
void sim_drop(struct sim *s);

/** Give everything back: nothing leaks. */
void sim_end(struct sim *s);

/** Since the beginning. */
static inline chim_us_t
sim_now(const struct sim *s)
{
	return s->env.now_us - s->begin;
}

/** Offset of a sequence number in the stream; streams here are below 4 GiB. */
static inline uint32_t
sim_offset(uint32_t seq)
{
	return seq - SIM_ISS;
}

#endif /* SIM_H */
