/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Flow sets from the inside: the object, and the trees of blocks that
 * flowtree.c builds of it. A tree belongs to the engine from submission to
 * completion; there is one, and one request in flight.
 */
#ifndef FLOWTREE_H
#define FLOWTREE_H

#include "chim_host.h"
#include "chim_serve.h"
#include "flowset.h"

#define FLOW_BATCH 1024u

struct flow_conn {
	chim_handle_t handle;
	struct chim_stream *stream; /* NULL: not offloaded, or over */
	bool is_doomed;		    /* waits to be terminated */
	bool is_blocked;	    /* in the list of the blocked */
	bool is_closing;	    /* FIN said */
};

struct flow_tree {
	struct chim_block root; /* placeholder, or the neighbor as linker */
	struct chim_neighbor_block neighbor;
	struct chim_path_block path;
	uint8_t source[16], destination[16]; /* of the path */
	uint32_t nb;			     /* connections in it */
	uint32_t nb_parents;		     /* of a terminate: in bare */
	uint32_t index[FLOW_BATCH];
	struct chim_tcp_block tcp[FLOW_BATCH];
	struct chim_block bare[FLOW_BATCH]; /* paths, or neighbors, to be terminated */
};

struct app_flow_sets {
	struct chim_host *host;
	const struct app_flow_set *set;
	uint32_t nb_sets;
	uint32_t nb_conns; /* of all sets; a connection's offload handle is its index */
	struct flow_conn *conn;
	chim_handle_t neighbor[APP_MAX_FLOW_SETS];
	chim_handle_t *path[APP_MAX_FLOW_SETS];
	/* progress of initiating */
	uint32_t at_set, next_in_set, next_conn;
	/* stacks of indices */
	uint32_t nb_doomed, nb_blocked;
	uint32_t *doomed, *blocked;
	struct chim_request req; /* root: NULL when there is none */
	bool is_waiting;	 /* it is in flight */
	bool is_stopping;
	struct flow_tree *tree;
	struct rte_mbuf *lent; /* to be given back */
	/* counted */
	uint64_t nb_offloaded, nb_refused, nb_ended, ended_in, ended_out;
	const char *refusal;
};

/** The next connections of one path. @return the root. */
struct chim_block *flow_tree_initiate(struct app_flow_sets *s);

/** The last of the doomed. @return the root. */
struct chim_block *flow_tree_terminate(struct app_flow_sets *s);

/** Paths as long as there are any, then neighbors. @return the root; NULL when none is there. */
struct chim_block *flow_tree_terminate_parents(struct app_flow_sets *s);

/** Is a neighbor there, and so perhaps paths? */
bool flow_tree_has_parents(const struct app_flow_sets *s);

/** Paths that the connections of a set need. */
uint32_t flow_tree_count_paths(const struct app_flow_set *f);

#endif /* FLOWTREE_H */
