/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The served side of a benchmark: the engine as the application builds it, on a
 * wire whose other end is in this process, with a flow set served by a built-in
 * service behind the public interface. One lcore runs worker, control and
 * service (control and service as the worker's guests); the client is on the
 * main lcore (client.h).
 *
 *   bed_up(&b, &(struct bed_config){ .service = "echo", .connections = 256 });
 *   bed_forward(&b); ... bed_halt(&b);    the wire's own cost
 *   bed_serve(&b);   ... bed_halt(&b);    what the engine adds
 *   bed_down(&b);
 */
#ifndef BED_H
#define BED_H

#include "app.h"
#include "flowset.h"

enum bed_wire {
	BED_MEMIF,  /* copies, no offloads */
	BED_VIRTIO, /* vhost and virtio-user: checksums and segmentation are left to it */
};

/* Requests under way. With more connections an answer is acknowledged at once: the next request of
 * its connection, which would do it, is far off. */
#define BED_MOST_OPEN 16384u

struct bed_config {
	enum bed_wire wire;
	const char *service; /* "SERVICE[=ARG]" */
	uint32_t connections;
	uint32_t mss;	     /* of the peer, timestamps not subtracted; 0 = 1460 */
	uint32_t mtu;	     /* 0 = 1500 */
	uint32_t idle;	     /* enum chim_idle */
	uint32_t at_once;    /* bytes that a connection has under way, at most */
	bool software_only;  /* no offloads even where the wire has them */
	bool has_no_tso;     /* the wire cuts no segments, it only computes checksums */
	bool has_no_options; /* neither timestamps nor SACK */
};

struct bed {
	struct bed_config cfg;
	struct app_options opt;
	struct app_engine engine;
	struct app_flow_sets *sets;
	unsigned int lcore;
	uint16_t client_port; /* ethdev of the other end, started */
	uint16_t kernel_port; /* ethdev behind the exception port, where that is virtio-user */
	struct rte_mempool *client_pool;
	bool client_sums; /* it computes checksums for the client */
	/* written by the served lcore, read by the client's */
	_Atomic uint64_t forward_cycles; /* of calls that did something */
	_Atomic uint64_t guest_cycles;	 /* service and control, likewise */
	_Atomic uint64_t submitted;	 /* TSC of the first initiate since bed_start() */
	/* asked of it */
	_Atomic bool is_ending; /* terminate the flow set */
	_Atomic bool is_over;
	_Atomic bool wants_cpu; /* tell the time its thread has had */
	_Atomic uint64_t cpu_ns;
	_Atomic bool is_ready; /* every initiate is answered */
	/* of bed_line(), each lcore writes one */
	_Atomic uint32_t ping __rte_cache_aligned;
	_Atomic uint32_t pong __rte_cache_aligned;
};

/** @return TEST_SUCCESS; TEST_SKIPPED with the reason printed; TEST_FAILED. */
int bed_up(struct bed *b, const struct bed_config *cfg);
/** The served lcore sends every frame back with its MACs changed over; what it waits for the client
 *  is not counted. */
void bed_forward(struct bed *b);
/** The served lcore runs the engine; returns when every connection is in it. @return false when
 *  they are not. */
bool bed_serve(struct bed *b);
/** How far are the two lcores from each other? A virtual machine's may move. Nothing else runs on
 * the served one meanwhile. @return cycles that a cache line takes from one to the other. */
double bed_line(struct bed *b);
/** The two halves of bed_serve(): does not wait; waits. */
bool bed_start(struct bed *b);
bool bed_is_served(struct bed *b);
/** Stop what the lcore does; after bed_serve() with every connection terminated. */
void bed_halt(struct bed *b);
void bed_down(struct bed *b);

/** Time the served lcore's thread has had of its CPU. @return nanoseconds. */
uint64_t bed_cpu_ns(struct bed *b);

/** Cycles of busy turns of the served lcore so far: worker, guests. */
void bed_busy(const struct bed *b, uint64_t *worker, uint64_t *guests);

#endif /* BED_H */
