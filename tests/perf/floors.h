/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Floors that are measured beside what stands on them: rte_hash alone, in bulk,
 * with keys of the caller's, and a frame forwarded from a port to a port with
 * nothing between. Both are cases for perf_run().
 *
 *   floors_hash_up(&h, &(struct floors_keys){ .nb = 1000, .len = 16, .fill = fill });
 *   { "floor: rte_hash", FLOORS_BURST, floors_hash_look_up, &h }
 *   floors_hash_down(&h);
 */
#ifndef FLOORS_H
#define FLOORS_H

#include <stdbool.h>
#include <stdint.h>

#define FLOORS_BURST 32u

struct rte_hash;

/* Keys by their number. */
struct floors_keys {
	uint32_t nb;
	uint32_t len; /* bytes, at most FLOORS_KEY_MAX */
	void (*fill)(const void *arg, uint32_t number, void *key);
	const void *arg;
};

#define FLOORS_KEY_MAX 64u

struct floors_hash {
	struct floors_keys keys;
	struct rte_hash *hash;
	uint32_t *signature; /* of each key */
	bool has_signature;  /* they are at hand, as from a port */
	uint32_t turn;
	uint8_t (*key)[FLOORS_KEY_MAX]; /* of what is looked up in turn */
	uint32_t *number;		/* of each of these */
};

/** A table of these keys. @return false: no memory. */
bool floors_hash_up(struct floors_hash *h, const struct floors_keys *keys);
void floors_hash_down(struct floors_hash *h);

/** Look up a burst in bulk; arg is the table. @return hits. */
uint32_t floors_hash_look_up(void *arg);

/* A loop: what a port sends comes back to it. */
struct floors_loop {
	uint16_t port;
	bool swaps_macs;
	bool is_null; /* net_null: it makes frames and takes them */
};

/** A loop of net_ring with a burst of frames of 64 bytes in it, or net_null. @return false: this
 *  machine has none. */
bool floors_loop_up(struct floors_loop *l);
void floors_loop_down(struct floors_loop *l);

/** Receive a burst and send it; arg is the loop. @return frames. */
uint32_t floors_loop_forward(void *arg);

#endif /* FLOORS_H */
