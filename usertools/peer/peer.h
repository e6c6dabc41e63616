/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * chimney-peer: the unmodified kernel on the other side of a Chimney, as a
 * client that knows every byte it should get, or as an echo server where there
 * is no engine. Plain sockets; uses nothing of the project.
 *
 * main.c reads the options, client.c runs many connections on one epoll set,
 * conn.c is one connection, report.c prints, serve.c is the echo server.
 */
#ifndef PEER_H
#define PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PEER_PIECE (256u * 1024u) /* bytes moved in one turn of a connection */

struct peer_options {
	struct sockaddr_storage to, from; /* from: ss_family 0 = any */
	socklen_t addr_len;
	uint64_t bytes; /* to send to an echo, or to get from a source; each connection */
	uint64_t ahead; /* send at most so much more than has come back; 0 = no limit */
	uint64_t seed;
	uint32_t connections; /* in all */
	uint32_t parallel;    /* at once */
	uint32_t progress_ms; /* 0 = no progress lines */
	uint32_t stall_s;     /* fail when nothing moved for so long */
	const char *cc;	      /* congestion control; NULL = the system's */
	const char *gaps;     /* file that gets the pauses seen; NULL = none */
	bool is_source;	      /* the service sends and we only check */
	bool is_reset;	      /* end with a reset when everything has come back */
	bool until_usr1;      /* go on after bytes, until SIGUSR1; close at the next */
	bool is_resting;      /* ... but send no more than bytes, and only stay open */
	bool json;
};

/* What one connection did, or the sum over many. */
struct peer_count {
	uint64_t sent, received;
	uint32_t hash_sent, hash_received; /* CRC-32C in order; of a sum: combined by xor */
	uint64_t retrans, dsacks;
	uint32_t options; /* tcpi_options, of a sum: of the last that ended */
};

struct peer_conn {
	int fd; /* -1 = free */
	bool is_connected;
	bool has_shut;	 /* our FIN is on its way */
	bool wants_out;	 /* epoll watches for room to write */
	bool is_held;	 /* stays open after the last byte */
	bool is_over;	 /* ended, well when error is empty */
	uint32_t number; /* tells patterns apart */
	uint64_t seed, goal;
	uint64_t last_us; /* bytes came, or it began */
	struct peer_count n;
	char error[160];
};

struct peer_run {
	const struct peer_options *opt;
	int epoll;
	struct peer_conn *conn; /* opt->parallel of them */
	uint32_t opened, good, bad;
	bool has_told;		     /* that everything has come back */
	uint64_t start_us, moved_us; /* bytes moved at last */
	struct peer_count total;     /* of ended connections */
	FILE *gaps;
	uint8_t *piece, *expected; /* PEER_PIECE each */
	char error[160];	   /* of the first that failed */
};

/* conn.c */
int peer_conn_open(struct peer_run *r, struct peer_conn *c, uint32_t number);
void peer_conn_run(struct peer_run *r, struct peer_conn *c);
void peer_conn_counters(struct peer_conn *c);

/* pattern.c: the byte at each position, echo's own and that of "source" */
void peer_pattern_fill(uint8_t *out, uint64_t seed, uint64_t pos, size_t n);
void peer_pattern_source(uint8_t *out, uint64_t pos, size_t n);
uint32_t peer_hash(uint32_t hash, const uint8_t *data, size_t n);

/* report.c */
void peer_print_progress(const struct peer_run *r);
void peer_print_final(const struct peer_run *r);
uint64_t peer_now_us(void);

/* client.c, serve.c: exit status */
int peer_client(const struct peer_options *opt);
int peer_serve(const struct peer_options *opt);

#endif /* PEER_H */
