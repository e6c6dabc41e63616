/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The life of an operation: begin (loop.c, a request was taken), run (loop.c,
 * a slice a turn), finish (nothing is waited for), complete (the entry is in
 * the host's ring and the record is free). Each happens once: a record is on
 * one list at a time, and only the last release finishes it.
 */
#include <inttypes.h>

#include "chim_log.h"
#include "ctl_internal.h"

struct ctl_op *
ctl_op_begin(struct chim_ctl *c, uint32_t host, const struct chim_request *req)
{
	struct ctl_op *op = STAILQ_FIRST(&c->free_ops);

	if (op == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&c->free_ops, next);
	/* The number of the record is part of the stamp, so a stamp found in a block or an object
	 * leads to the operation, if it still runs. */
	op->stamp = c->next_stamp << 16 | (uint64_t)(op - c->ops);
	c->next_stamp++;
	atomic_store_explicit(&op->gate, op->stamp, memory_order_relaxed);
	op->req = *req;
	op->at = NULL;
	op->ready = NULL;
	op->ready_end = &op->ready;
	op->nb_open = 1; /* the walk, or the start of what has no tree */
	op->nb_blocks = 0;
	op->fail_reason = CHIM_REASON_NONE;
	op->status = CHIM_STATUS_SUCCESS;
	op->reason = CHIM_REASON_NONE;
	op->host = (uint8_t)host;
	op->is_started = false;
	op->is_queued = false;
	op->is_climbing = false;
	op->record = (struct chim_flow_record){ 0 };
	c->host[host].nb_ops++;
	c->counters.requests++;
	if (req->op < CHIM_OP_MAX)
		c->counters.op[req->op]++;
	return op;
}

bool
ctl_op_is_live(const struct chim_ctl *c, uint64_t stamp)
{
	uint32_t number = stamp & (CTL_MAX_OPS - 1);

	return stamp != 0 && number < c->cfg.max_requests && c->ops[number].stamp == stamp;
}

bool
ctl_op_is_tree(const struct ctl_op *op)
{
	return op->req.op <= CHIM_OP_TERMINATE;
}

void
ctl_op_queue(struct chim_ctl *c, struct ctl_op *op)
{
	if (op->is_queued)
		return;
	op->is_queued = true;
	STAILQ_INSERT_TAIL(&c->run, op, next);
}

void
ctl_op_fail(struct chim_ctl *c, struct ctl_op *op, enum chim_status st, enum chim_reason why)
{
	op->status = st;
	op->reason = why;
	c->counters.reason[why]++;
}

static void
start(struct chim_ctl *c, struct ctl_op *op)
{
	op->is_started = true;
	if (op->req.flags != 0 || op->req.op >= CHIM_OP_MAX) {
		/* Taken with the request (chim_request.h). */
		if (op->req.op == CHIM_OP_INJECT)
			chim_nbl_free(op->req.inject.frames);
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE,
			op->req.flags != 0 ? CHIM_REASON_BAD_VALUE : CHIM_REASON_UNSUPPORTED);
		return;
	}
	if (ctl_op_is_tree(op))
		ctl_walk_begin(c, op);
	else if (op->req.op <= CHIM_OP_INJECT)
		ctl_flow_start(c, op);
	else
		ctl_adapter_start(c, op);
}

/* Blocks whose dependents are all done: what was put off until then. */
static void
run_ready(struct chim_ctl *c, struct ctl_op *op)
{
	struct chim_block *b = op->ready;
	struct ctl_node *n = ctl_node_of(b);

	op->ready = n->next_ready;
	if (op->ready == NULL)
		op->ready_end = &op->ready;
	n->nb_open = 1;
	b->status = ctl_dispatch_after(c, op, b);
	ctl_walk_release(c, op, b);
}

static bool
has_work(const struct ctl_op *op)
{
	return op->nb_open != 0 && (!op->is_started || op->at != NULL || op->ready != NULL);
}

/* One step; sends at most one message to each worker. */
static void
step(struct chim_ctl *c, struct ctl_op *op)
{
	if (!op->is_started) {
		start(c, op);
		if (op->at == NULL)
			ctl_op_release(c, op);
	} else if (op->ready != NULL) {
		run_ready(c, op);
	} else {
		ctl_walk_step(c, op);
	}
}

/*
 * Work on an operation that was taken off the run list, for at most *budget steps. Returns
 * whether it has more to do now; what only waits for replies has not.
 */
bool
ctl_op_run(struct chim_ctl *c, struct ctl_op *op, uint32_t *budget)
{
	/* is_queued stays set meanwhile: what is running is not put on the list once more. */
	while (has_work(op) && *budget > 0) {
		if (!ctl_mail_has_room(c)) {
			c->counters.no_message++;
			*budget = 0;
			break;
		}
		(*budget)--;
		step(c, op);
	}
	op->is_queued = false;
	return has_work(op);
}

void
ctl_op_release(struct chim_ctl *c, struct ctl_op *op)
{
	if (--op->nb_open != 0)
		return;
	ctl_adapter_finish(c, op);
	STAILQ_INSERT_TAIL(&c->host[op->host].done, op, next);
}

static void
fill_completion(const struct ctl_op *op, struct chim_completion *e)
{
	*e = (struct chim_completion){
		.kind = CHIM_COMPLETION_REQUEST,
		.op = (uint16_t)op->req.op,
		.status = op->status,
		.reason = op->reason,
		.cookie = op->req.cookie,
		.nb_blocks = op->nb_blocks,
	};
	if (!ctl_op_is_tree(op)) {
		e->record = op->record;
		return;
	}
	e->root = op->req.root;
	/* A root that another operation holds, or none, is not read: op->status says it all. */
	if (op->nb_blocks != 0) {
		e->status = op->req.root->status;
		e->reason = op->req.root->reason;
	}
}

/* Nobody will read it: the host has left without waiting. */
static bool
is_abandoned(const struct chim_ctl *c, uint32_t host)
{
	return atomic_load_explicit(&c->cfg.target->slot[host].state, memory_order_acquire) ==
		CHIM_SLOT_CLOSING;
}

/* Put the completion and free the record. Returns false when the host's ring has no room. */
bool
ctl_op_complete(struct chim_ctl *c, struct ctl_op *op)
{
	struct ctl_host *h = &c->host[op->host];
	struct chim_completion entry;

	fill_completion(op, &entry);
	if (chim_chan_put(c->cfg.target->slot[op->host].completions, &entry, 1) == 0 &&
		!is_abandoned(c, op->host)) {
		c->counters.completion_full++;
		return false;
	}
	CHIM_LOG(CTL, DEBUG, "%s cookie %#" PRIx64 " blocks %u: %s (%s)", chim_op_name(op->req.op),
		op->req.cookie, op->nb_blocks, chim_status_name(entry.status),
		chim_reason_name(entry.reason));
	STAILQ_REMOVE_HEAD(&h->done, next);
	h->nb_ops--;
	c->counters.completions++;
	/* Release: with the workers' acquire. What they tell now comes after the completion. */
	atomic_store_explicit(&op->gate, 0, memory_order_release);
	op->stamp = 0;
	STAILQ_INSERT_HEAD(&c->free_ops, op, next);
	return true;
}
