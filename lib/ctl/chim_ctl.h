/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The control lcore: takes request-ring entries, walks the tree, records
 * neighbors and paths, sends TCP objects to workers, completes each request
 * once. One function runs one turn, with the time as argument.
 */
#ifndef CHIM_CTL_H
#define CHIM_CTL_H

#include "chim_chan.h"
#include "chim_port.h"
#include "chim_time.h"

struct chim_ctl;

struct chim_ctl_config {
	struct chim_target *target;
	struct chim_box *to_worker[CHIM_MAX_WORKERS];
	struct chim_box *from_worker[CHIM_MAX_WORKERS];
	uint32_t nb_workers;
	const struct chim_port *port[CHIM_MAX_PORTS]; /* by port number; NULL = none */
	int socket_id;
	struct chim_caps caps; /* what is advertised, parameters included */
	uint32_t max_connections_per_worker;
	uint32_t max_requests; /* operation records: requests in flight; 0 = 4096 */
	uint32_t max_messages; /* in flight to workers; 0 = 4096 */
	uint32_t slice;	       /* blocks walked a turn; 0 = 256 */
	uint16_t vlan[CHIM_MAX_PORTS]
		     [16]; /* interface VLANs of each port; all 0 = any (spec 11.3) */
};

/**
 * Create the control half; writes the target's caps.
 *
 * @return owned; NULL with rte_errno (EINVAL, ENOMEM, EEXIST).
 * Thread: start-up.
 */
struct chim_ctl *chim_ctl_create(const struct chim_ctl_config *cfg);

/** Destroy; NULL is allowed. Objects still recorded are forgotten. */
void chim_ctl_destroy(struct chim_ctl *c);

/**
 * One turn: replies, requests, walks, completions; bounded work.
 *
 * @return how much was done; 0 = idle.
 * Thread: the control lcore (or the test).
 */
uint32_t chim_ctl_poll(struct chim_ctl *c, chim_us_t now);

/** Announce PAUSE to every host; initiates that still arrive wait. Thread: any. */
void chim_ctl_pause(struct chim_ctl *c);

/** Announce RESUME, with changed capabilities where caps is not NULL. Thread: any. */
void chim_ctl_resume(struct chim_ctl *c, const struct chim_caps *caps);

/** Ask every host to take everything back. Thread: any. */
void chim_ctl_upload_all(struct chim_ctl *c);

/* Counters of the control lcore, written by it alone. X(name) */
#define CHIM_CTL_COUNTER_LIST(X) \
	X(turns)                 \
	X(busy_turns)            \
	X(requests)              \
	X(completions)           \
	X(blocks)                \
	X(messages)              \
	X(mailbox_full)          \
	X(completion_full)       \
	X(no_message)            \
	X(no_record)

#define CHIM_CTL_COUNTER_FIELD(name) uint64_t name;
struct chim_ctl_counters {
	CHIM_CTL_COUNTER_LIST(CHIM_CTL_COUNTER_FIELD)
	uint64_t op[CHIM_OP_MAX];
	uint64_t reason[CHIM_REASON_MAX];
	uint64_t neighbors;   /* now */
	uint64_t paths;	      /* now */
	uint64_t connections; /* now */
};
#undef CHIM_CTL_COUNTER_FIELD

/** Counters. Thread: any, for reading. */
const struct chim_ctl_counters *chim_ctl_counters(const struct chim_ctl *c);

#endif /* CHIM_CTL_H */
