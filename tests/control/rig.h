/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The control half on a bench: real hosts, the real control lcore, fake workers,
 * all polled round-robin in one thread with a time that the test moves.
 *
 *   struct rig *r = rig_open(&(struct rig_config){ .nb_workers = 2 });
 *   struct rig_neighbor *n = rig_neighbor(r);
 *   ...
 *   assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_SUCCESS);
 *   rig_close(r);   // and nothing leaked: messages, records, objects, mbufs
 */
#ifndef RIG_H
#define RIG_H

#include "chim_chan.h"
#include "chim_ctl.h"
#include "chim_host.h"
#include "ctl_internal.h"
#include "fakeworker.h"
#include "host_internal.h"
#include "test.h"

#define RIG_WORKERS 4
#define RIG_HOSTS   4

struct rig_config {
	uint32_t nb_workers;   /* 0 = 1 */
	uint32_t nb_hosts;     /* opened at once; 0 = 1 */
	uint32_t ring_entries; /* of hosts; 0 = 1024 */
	uint32_t box_entries;  /* of mailboxes; 0 = 4096 */
	uint32_t max_connections;
	uint32_t slice;
	uint32_t max_messages;
	uint32_t max_requests;
	struct chim_caps caps;
	uint16_t vlan[16]; /* of port 0 */
};

struct rig_neighbor {
	struct chim_neighbor_block b;
	chim_handle_t h;
};

struct rig_path {
	struct chim_path_block b;
	chim_handle_t h;
	uint8_t source[16];
	uint8_t destination[16];
};

struct rig_tcp {
	struct chim_tcp_block b;
	chim_handle_t h;
};

struct rig_bare {
	struct chim_block b;
	chim_handle_t h;
};

struct rig_memory {
	struct rig_memory *next;
};

struct rig {
	struct rig_config cfg;
	struct chim_target *target;
	struct chim_ctl *ctl;
	struct chim_host *host[RIG_HOSTS];
	struct fake_worker *worker[RIG_WORKERS];
	struct chim_box *box[2 * RIG_WORKERS];
	struct chim_port port[2];
	struct rte_mempool *pool;
	chim_us_t now;
	uint64_t cookie;
	uint32_t unique;	     /* addresses and ports no two objects share */
	struct chim_completion last; /* of rig_do() */
	struct rig_memory *memory;
};

struct rig *rig_open(const struct rig_config *cfg);

/* Every request must be answered by now, and nothing may be left but objects the test meant to
 * leave: nb_objects of them. */
void rig_close_with(struct rig *r, uint32_t nb_objects);
void rig_close(struct rig *r);

/* One turn of everything. Returns the work done. */
uint32_t rig_turn(struct rig *r);

/* Turns until nobody has anything to do. */
void rig_run(struct rig *r);

/* Memory freed by rig_close(), zeroed. */
void *rig_alloc(struct rig *r, size_t size);

/* Blocks of a new object with values that are good. */
struct rig_neighbor *rig_neighbor(struct rig *r);
struct rig_path *rig_path(struct rig *r, uint32_t family);
struct rig_tcp *rig_tcp(struct rig *r);

/* A block without state for an object (0: placeholder). */
struct rig_bare *rig_bare(struct rig *r, chim_handle_t h);

/* Put child at the end of parent's dependents. */
void rig_add(struct chim_block *parent, struct chim_block *child);

/* Submit from host 0. */
void rig_submit(struct rig *r, uint32_t op, struct chim_block *root);

/* Submit, run, and take the one completion, which must be of this request; its status. */
enum chim_status rig_do(struct rig *r, uint32_t op, struct chim_block *root);
enum chim_status rig_do_request(struct rig *r, uint32_t host, struct chim_request *req);

/* Take one completion of host 0; fails when there is none. */
struct chim_completion rig_reap(struct rig *r);
bool rig_has_completion(struct rig *r);

/* One neighbor, one path, one connection, offloaded; and their removal. */
struct rig_trio {
	struct rig_neighbor *n;
	struct rig_path *p;
	struct rig_tcp *t;
};
struct rig_trio rig_offload(struct rig *r);
void rig_terminate(struct rig *r, const struct rig_trio *t);

/* Terminate an object by handle; must succeed. */
void rig_remove(struct rig *r, chim_handle_t h);

/* A chain of len bytes with a list node, from the host pool. */
struct rte_mbuf *rig_buffer(struct rig *r, uint32_t len);

#endif /* RIG_H */
