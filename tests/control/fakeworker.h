/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker by script: takes ctl's messages from the mailbox and answers them
 * from a small model of a worker (connections by slot and generation, replicas
 * by index), unless the script says otherwise: refuse the n-th message of a
 * kind, keep messages of a kind until told, take nothing at all. Every message
 * is logged in the order it came.
 */
#ifndef FAKEWORKER_H
#define FAKEWORKER_H

#include "chim_chan.h"
#include "chim_msg.h"

#define FAKE_RULES 8
#define FAKE_LOG   4096u
#define FAKE_INDEX 4096u /* replicas modelled */

struct fake_conn {
	bool is_live;
	bool is_invalid;
	uint32_t generation;
	struct chim_msg_tcp tcp; /* as installed and updated */
};

struct fake_rule {
	uint32_t kind;	/* enum chim_msg_op; 0 = unused */
	uint32_t skip;	/* let so many pass first */
	uint32_t count; /* then refuse so many */
	enum chim_status status;
	enum chim_reason reason;
};

struct fake_entry {
	uint32_t kind;
	uint32_t index; /* path or neighbor */
	chim_handle_t handle;
	uint64_t offload_handle;
};

struct fake_worker {
	uint32_t id;
	struct chim_box *in;
	struct chim_box *out;
	uint32_t max;
	uint32_t nb_live;
	uint32_t next; /* where to look for a free slot */
	struct fake_conn *conns;

	bool is_stalled;  /* takes nothing */
	bool is_careless; /* does not look for the same tuple twice: for very big trees */
	uint64_t keep;	  /* bit per kind: taken, answered by fake_answer_kept() */
	struct chim_msg *kept;
	struct chim_msg **kept_end;
	struct chim_msg *owed; /* answered, no room in the mailbox */
	struct chim_msg **owed_end;
	struct fake_rule rules[FAKE_RULES];

	chim_ticks_t nic_delta; /* answer to NEIGHBOR_QUERY and NEIGHBOR_REMOVE */
	bool has_neighbor[FAKE_INDEX];
	bool has_path[FAKE_INDEX];
	struct chim_msg_neighbor neighbor[FAKE_INDEX];
	struct chim_msg_path path[FAKE_INDEX];
	struct chim_params params;
	struct chim_family_stats stats[2]; /* IPv4, IPv6 */
	struct chim_msg_flow flow;	   /* of the last flow message */
	uint32_t nb_injected;
	uint32_t nb_events_back;

	uint32_t nb_log; /* entries written; may pass FAKE_LOG */
	struct fake_entry log[FAKE_LOG];
};

/* Start over: no connections, no replicas, no script; mailboxes and size as given. */
void fake_start(struct fake_worker *w, uint32_t id, struct chim_box *in, struct chim_box *out,
	uint32_t max);

/* Free what it holds. */
void fake_stop(struct fake_worker *w);

/* Take and answer what is there; returns how much was done. */
uint32_t fake_poll(struct fake_worker *w);

/* Refuse count messages of a kind after skip of them have passed. */
void fake_refuse(struct fake_worker *w, struct fake_rule rule);

/* Answer what the script kept, and keep nothing more. */
void fake_answer_kept(struct fake_worker *w);

/* Raise an event as a worker does; m is the worker's own and comes back through the mailbox. */
void fake_raise(struct fake_worker *w, struct chim_msg *m);

/* Messages of a kind since the start. */
uint32_t fake_count(const struct fake_worker *w, uint32_t kind);

#endif /* FAKEWORKER_H */
