/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Two engines and a virtual link between them: delay, rate, a queue, loss,
 * reordering, duplicates and spoiled octets, by rule or by a seeded generator.
 * Frames cross as bytes, through lib/wire on both sides. Each end has a host
 * that sends a stream, and checks and hashes the one it gets.
 *
 * One octet of a spoiled frame is another, anywhere behind the MAC addresses:
 * whatever it is, a checksum of RFC 1071 finds it where one covers it. A port
 * that says of such a frame that it is good is out of reach: nothing looks
 * again.
 *
 *   struct pair *p = pair_new(&(struct pair_opts){ .delay_us = 10000, .bytes = { 1 << 20 } });
 *   pair_drop(p, 0, &(struct pair_rule){ .every = 50 });
 *   pair_run(p, 60000);
 *   pair_finish(p);
 */
#ifndef PAIR_H
#define PAIR_H

#include "eng.h"

#define PAIR_RULES  8u
#define PAIR_FLIGHT 4096u

/* Frames with payload or a FIN are counted; ACKs alone only when the rule says so. */
struct pair_rule {
	bool fin;     /* only those with a FIN */
	bool is_ack;  /* only ACKs without data */
	bool has_seq; /* only those that have this octet */
	uint32_t seq_at;
	uint32_t every; /* each n-th of those; 0 = all */
	uint32_t first; /* at most so many; 0 = no limit */
	/* what came of it */
	uint32_t matched;
	uint32_t dropped;
};

struct pair_opts {
	struct eng_opts eng;  /* of both ends */
	uint64_t bytes[2];    /* each end's stream */
	uint32_t chunk;	      /* of one send request; 0 = 3000 */
	uint32_t refer;	      /* each so many-th send is by reference; 0 = none */
	uint32_t outstanding; /* bytes a host has posted at once; 0 = 256 KiB */
	uint32_t delay_us;    /* one way */
	uint32_t bits_per_us; /* rate; 0 = unlimited */
	chim_us_t *shared;   /* end 0's bottleneck is this one's, of several pairs; zero at first */
	uint32_t queue;	     /* full frames that may wait at the bottleneck; 0 = unlimited */
	uint32_t loss;	     /* per mille */
	uint32_t reorder;    /* per mille of frames that come late by delay / 2 */
	uint32_t duplicate;  /* per mille */
	uint32_t corrupt;    /* per mille: one octet changed */
	bool has_rx_csum;    /* the ports look at the checksums; else the engine does */
	uint32_t mark_above; /* CE when so many frames wait; 0 = never */
	uint32_t hold_data_ms; /* the hosts return what they were lent so late */
	uint32_t post;	       /* the hosts post receive requests of so many bytes */
	uint64_t seed;
	bool stays_open; /* nobody closes */
};

struct pair_frame {
	chim_us_t at;
	struct rte_mbuf *m;
	uint8_t to;
	bool is_spoiled;
};

struct pair_end {
	struct eng *e;
	uint64_t sent;	   /* bytes given to the engine */
	uint32_t nb_sends; /* in so many */
	uint64_t acked;	   /* bytes of completed sends */
	uint64_t got;	   /* bytes received and right */
	uint32_t crc_sent; /* CRC-32C of either stream */
	uint32_t crc_got;
	bool has_closed; /* disconnect posted */
	bool is_close_done;
	bool has_eof;
	bool is_aborted;
	bool is_over;		/* both sides have closed, it says */
	chim_us_t link_free_at; /* when the sender's bottleneck is idle */
	uint32_t waiting;	/* frames in the bottleneck */
	struct pair_rule rule[PAIR_RULES];
	uint32_t nb_rules;
	uint32_t nb_frames, nb_dropped; /* on the wire */
	uint32_t nb_cut;		/* frames that the port made several of */
	uint32_t nb_spoiled;		/* came in spoiled */
	uint32_t nb_harmless;		/* ... where nothing covers it, and so were taken */
	uint32_t why[CHIM_WHY_MAX];	/* ... the others: what they were refused for */
	struct pair_held {
		chim_us_t at;
		struct rte_mbuf *m;
	} held[512];
	uint32_t nb_held, next_held;
	uint32_t nb_moves;
	uint32_t nb_posted; /* receive requests the engine has */
};

struct pair {
	struct pair_opts opts;
	struct pair_end end[2];
	chim_us_t now;
	uint64_t random;
	struct pair_frame flight[PAIR_FLIGHT];
	uint32_t nb_flight;
	chim_us_t done_at; /* when both streams were complete */
};

struct pair *pair_new(const struct pair_opts *opts);

/** Frames that end `from` sends are dropped by this rule. @return the rule, with its counts. */
struct pair_rule *pair_drop(struct pair *p, uint8_t from, const struct pair_rule *rule);

/** Run until both streams are complete and closed, at most so many virtual milliseconds. @return
 *  whether they were. */
bool pair_run(struct pair *p, uint32_t ms);

/** Hand the connection of one end over to a fresh slot, through plain state. @return false: its
 *  state is not one that is handed over. */
bool pair_move(struct pair *p, uint8_t end);

/** Check both streams, release, look for leaks. */
void pair_finish(struct pair *p);

/** Release without checking the streams. */
void pair_free(struct pair *p);

/** The same while other pairs are about: leaks are the caller's to look for. */
void pair_release(struct pair *p);

#endif /* PAIR_H */
