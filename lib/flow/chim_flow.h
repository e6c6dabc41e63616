/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker's flow table: key -> one 64-bit value, two rte_hash tables (16-byte
 * and 40-byte keys). What the value means is the datapath's: a connection, a
 * hold, a TIME_WAIT record, told apart by the two low bits.
 *
 * Thread: the owning worker.
 */
#ifndef CHIM_FLOW_H
#define CHIM_FLOW_H

#include "chim_wire.h"

struct chim_flow;

struct chim_flow_config {
	const char *name; /* unique in the EAL, at most 20 characters */
	uint32_t max_ip4; /* entries that are sure to fit */
	uint32_t max_ip6;
	int socket_id;
	const uint8_t *rss_key; /* copied; 40 bytes. Not NULL when the ports put the Toeplitz hash
				 * of the full 4-tuple, with this key, in their frames (chim_port.h,
				 * has_rss); frames without are hashed here */
};

/**
 * Create the tables.
 *
 * @return the table, owned; NULL with rte_errno (ENOMEM, EINVAL, EEXIST).
 * Thread: start-up.
 */
struct chim_flow *chim_flow_create(const struct chim_flow_config *cfg);

/** Destroy; NULL is allowed. Thread: start-up. */
void chim_flow_destroy(struct chim_flow *f);

/**
 * Add a flow.
 *
 * @param value not NULL.
 * @return 0; -EEXIST the key is there (unchanged); -ENOSPC.
 */
int chim_flow_add(struct chim_flow *f, const union chim_key *key, bool is_ip6, void *value);

/** Change the value of a flow that is there. @return 0; -ENOENT. */
int chim_flow_set(struct chim_flow *f, const union chim_key *key, bool is_ip6, void *value);

/** Remove a flow. @return 0; -ENOENT. */
int chim_flow_remove(struct chim_flow *f, const union chim_key *key, bool is_ip6);

/** Find one flow. @return its value, NULL when it is not there. */
void *chim_flow_find(const struct chim_flow *f, const union chim_key *key, bool is_ip6);

/** Flows in both tables. */
uint32_t chim_flow_count(const struct chim_flow *f);

/**
 * Look up every frame of the burst that has CHIM_SEG_LOOKUP: b->flow[i] is the value, or NULL.
 * With a config.rss_key the frame's own hash is the signature; a frame that misses and whose hash
 * is not what it should be is looked up again by the right one. Prefetches the first two cache
 * lines behind each value found (its two low bits aside). With no flow at all it only clears
 * b->flow.
 *
 * Cost: no more than two bulk look-ups, of a train of frames of one flow only the first.
 */
void chim_flow_lookup_burst(const struct chim_flow *f, struct chim_burst *b);

#endif /* CHIM_FLOW_H */
