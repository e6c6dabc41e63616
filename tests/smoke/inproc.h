/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The whole engine and its agent inside a test program, polled by its one
 * thread, in the host's namespace of netns.sh; the peer is an unmodified
 * kernel in another namespace. Whatever cannot be set up ends the program.
 */
#ifndef INPROC_H
#define INPROC_H

#include "app.h"

struct inproc {
	struct app_options options;
	struct app_engine engine;
	struct chim_kernel *agent;
	struct chim_host *host;
};
extern struct inproc inproc;

struct inproc_config {
	const char *netns; /* the peer's */
	uint32_t max_connections;
	bool no_hold;
};

void inproc_start(const char *program, const struct inproc_config *cfg);

/** One turn of every worker and of control; the agent is the caller's to poll. */
void inproc_poll(void);

chim_us_t inproc_now(void);

struct inproc_pair {
	bool is_ip6;
	bool is_client;		/* the host connects, the peer accepts */
	const char *congestion; /* of both; NULL = the kernel's choice */
};

/** Connect the two kernels: non-blocking descriptors of either end. */
void inproc_connect(const struct inproc_pair *p, int *host, int *peer);

/** A command, which must succeed. */
void inproc_run(const char *command);

/** Say what failed, with errno, and end. */
void inproc_die(const char *what);

#endif /* INPROC_H */
