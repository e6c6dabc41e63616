/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Where lcores and hosts meet: rings of 64-byte entries, mailboxes of message
 * pointers, and the target's registry of host slots. Nothing here knows what
 * an entry or a message means. Nothing blocks, nothing spins: a full ring is
 * a count smaller than asked.
 *
 * Everything lives in EAL memory, so an EAL secondary process finds it by name.
 */
#ifndef CHIM_CHAN_H
#define CHIM_CHAN_H

#include <stdatomic.h>

#include "chim.h"
#include "chim_base.h"
#include "chim_request.h"

struct rte_mempool;

/* ---- a ring of 64-byte entries, one producer, one consumer ---- */

struct chim_chan;
#define CHIM_CHAN_ENTRY 64u

/**
 * Create a ring of at least nb entries in the memory of that node; of any, where
 * it has none left.
 *
 * @return owned; NULL with rte_errno (EINVAL, ENOMEM, EEXIST).
 * Thread: start-up.
 */
struct chim_chan *chim_chan_create(const char *name, uint32_t nb, int socket_id);

/** Destroy; NULL is allowed. Thread: start-up. */
void chim_chan_destroy(struct chim_chan *c);

/** Put entries, copied. @return how many fitted. Thread: the one producer. */
uint32_t chim_chan_put(struct chim_chan *c, const void *entries, uint32_t n);

/**
 * Begin to put entries by writing them where they are going to stand: at most n, at *entries.
 * chim_chan_finish() comes next, before anything else is put.
 *
 * @return how many have room there, fewer than fit where the ring begins again; 0: it is full.
 * Thread: the one producer.
 */
uint32_t chim_chan_begin(struct chim_chan *c, uint32_t n, void **entries);

/** Put the first n of the entries begun; the others are not begun any more. */
void chim_chan_finish(struct chim_chan *c, uint32_t n);

/** Take entries. @return how many there were, at most n. Thread: the one consumer. */
uint32_t chim_chan_take(struct chim_chan *c, void *entries, uint32_t n);

/** Entries that are sure to fit now. Thread: the producer. */
uint32_t chim_chan_room(const struct chim_chan *c);

/** Entries waiting. Thread: any; exact for the consumer. */
uint32_t chim_chan_count(const struct chim_chan *c);

/** Entries it can hold. Thread: any. */
uint32_t chim_chan_size(const struct chim_chan *c);

/* ---- a mailbox: a ring of pointers, one producer, one consumer ---- */

struct chim_box;

/** Create a mailbox of at least nb pointers, as a ring. @return owned; NULL with rte_errno. */
struct chim_box *chim_box_create(const char *name, uint32_t nb, int socket_id);

/** Destroy; NULL is allowed. */
void chim_box_destroy(struct chim_box *b);

/** Put pointers. @return how many fitted. Thread: the one producer. */
uint32_t chim_box_put(struct chim_box *b, void *const *objs, uint32_t n);

/** Take pointers. @return how many there were, at most n. Thread: the one consumer. */
uint32_t chim_box_take(struct chim_box *b, void **objs, uint32_t n);

/** Pointers that are sure to fit now. Thread: the producer. */
uint32_t chim_box_room(const struct chim_box *b);

/* ---- the target: what hosts attach to ---- */

#define CHIM_MAX_HOSTS	  16u
#define CHIM_TARGET_MAGIC 0x4348494du

enum chim_slot_state {
	CHIM_SLOT_FREE = 0,
	CHIM_SLOT_OPEN,	   /* a host owns it */
	CHIM_SLOT_CLOSING, /* the host has left; ctl makes it FREE when nothing of it is left: no
			    * request, no object. A host of the same name may take it over */
	CHIM_SLOT_CLAIMED, /* a host is writing its name */
};

struct chim_slot {
	_Atomic uint32_t state;	       /* host: FREE or CLOSING -> CLAIMED -> OPEN -> CLOSING; ctl:
					* CLOSING -> FREE */
	_Atomic uint32_t epoch;	       /* host: one more with each OPEN */
	char name[32];		       /* host, before OPEN */
	struct chim_chan *requests;    /* host -> ctl, struct chim_request */
	struct chim_chan *completions; /* ctl -> host, struct chim_completion */
	struct chim_chan *to_worker[CHIM_MAX_WORKERS];	 /* host -> worker, struct chim_io */
	struct chim_chan *from_worker[CHIM_MAX_WORKERS]; /* worker -> host, struct chim_io */
};

/* In the memzone CHIM_TARGET_ZONE. Constant after start unless said otherwise. */
struct chim_target {
	uint32_t magic;
	uint32_t abi;
	uint32_t nb_hosts; /* slots in use by the configuration */
	uint32_t nb_workers;
	struct rte_mempool *host_pool; /* mbufs for hosts' send data */
	_Atomic uint32_t caps_version; /* ctl; odd while caps are being written */
	struct chim_caps caps;	       /* ctl */
	struct chim_slot slot[CHIM_MAX_HOSTS];
};
#define CHIM_TARGET_ZONE "chim_target"

struct chim_target_config {
	uint32_t nb_hosts;     /* 1 .. CHIM_MAX_HOSTS */
	uint32_t nb_workers;   /* 1 .. CHIM_MAX_WORKERS */
	uint32_t ring_entries; /* of each host ring; 0 = 2048 */
	struct rte_mempool *host_pool;
	int socket_id;		  /* control's: the registry, requests and completions */
	const int *worker_socket; /* each worker's: its data rings; NULL = socket_id */
};

/**
 * Create the target: registry and every ring of every slot.
 *
 * @return owned; NULL with rte_errno (EEXIST there is one, ENOMEM, EINVAL).
 * Thread: start-up, EAL primary.
 */
struct chim_target *chim_target_create(const struct chim_target_config *cfg);

/** Destroy; NULL is allowed. No host may be attached. Thread: start-up. */
void chim_target_destroy(struct chim_target *t);

/** Find the target of this EAL. @return NULL with rte_errno ENOENT or EPROTO. Thread: any. */
struct chim_target *chim_target_find(void);

#endif /* CHIM_CHAN_H */
