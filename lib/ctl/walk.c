/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The tree walk: depth-first, breadth-next (spec 3.4), one block a step,
 * without a stack: the way up is in the blocks. What must come after the
 * dependents (terminate: TCP before path before neighbor) is done when the last
 * dependent has settled, not when the walk passes.
 *
 * A block is entered at most once. Before a block is worked on it claims the
 * two blocks it links to; a link to a block that is claimed already closes a
 * cycle or shares a node, is not followed, and fails the block that has it. A
 * link is followed only to what was claimed through it.
 *
 * Settling: each block counts what it waits for (the row below it, messages).
 * At zero it has its status, and its parent one thing less to wait for.
 */
#include <rte_prefetch.h>

#include "ctl_internal.h"

static enum chim_reason
claim(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b, struct chim_block *parent)
{
	struct ctl_link *link;

	if (((uintptr_t)b & (_Alignof(struct chim_block) - 1)) != 0)
		return CHIM_REASON_BAD_VALUE;
	link = ctl_link_of(b);
	if (link->stamp == op->stamp)
		return CHIM_REASON_CYCLE;
	if (ctl_op_is_live(c, link->stamp))
		return CHIM_REASON_OVERLAP;
	link->parent = parent;
	link->stamp = op->stamp;
	*ctl_node_of(b) = (struct ctl_node){ 0 };
	return CHIM_REASON_NONE;
}

void
ctl_walk_begin(struct chim_ctl *c, struct ctl_op *op)
{
	struct chim_block *root = op->req.root;
	enum chim_reason why = CHIM_REASON_NULL_POINTER;

	if (root != NULL)
		why = claim(c, op, root, NULL);
	if (why != CHIM_REASON_NONE)
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, why);
	else
		op->at = root;
}

/* The state behind a block is read one step from now; the block itself is in cache by its claim.
 * A row of a million blocks is in no cache, and this is half of what it costs. */
static void
warm_state(const struct chim_block *b)
{
	const uint8_t *at = (const uint8_t *)(b + 1);

	rte_prefetch0(at);
	rte_prefetch0(at + RTE_CACHE_LINE_SIZE);
	rte_prefetch0(at + 2 * RTE_CACHE_LINE_SIZE);
}

/* Claim what b links to. Returns why b is refused, or NONE. */
static enum chim_reason
claim_links(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	struct chim_block *down = b->dependent_list;
	struct chim_block *next = b->next_block;
	enum chim_reason why = CHIM_REASON_NONE;
	enum chim_reason other = CHIM_REASON_NONE;

	if (next != NULL) {
		why = claim(c, op, next, ctl_link_of(b)->parent);
		if (why != CHIM_REASON_NONE)
			ctl_node_of(b)->flags |= CTL_NODE_BAD_NEXT;
		else
			warm_state(next);
	}
	if (down != NULL) {
		other = claim(c, op, down, b);
		if (other != CHIM_REASON_NONE)
			ctl_node_of(b)->flags |= CTL_NODE_BAD_DOWN;
	}
	return why != CHIM_REASON_NONE ? why : other;
}

/* Where a claimed link leads; NULL for none, or for one that the host has changed since. */
static struct chim_block *
follow(const struct ctl_op *op, struct chim_block *to, struct chim_block *parent)
{
	if (to == NULL || ctl_link_of(to)->stamp != op->stamp ||
		ctl_link_of(to)->parent != parent ||
		(ctl_node_of(to)->flags & CTL_NODE_ENTERED) != 0)
		return NULL;
	return to;
}

static struct chim_block *
follow_down(const struct ctl_op *op, struct chim_block *b)
{
	if ((ctl_node_of(b)->flags & CTL_NODE_BAD_DOWN) != 0)
		return NULL;
	return follow(op, b->dependent_list, b);
}

static struct chim_block *
follow_next(const struct ctl_op *op, struct chim_block *b)
{
	if ((ctl_node_of(b)->flags & CTL_NODE_BAD_NEXT) != 0)
		return NULL;
	return follow(op, b->next_block, ctl_link_of(b)->parent);
}

static void
enter(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	struct ctl_node *n = ctl_node_of(b);
	struct chim_block *parent = ctl_link_of(b)->parent;
	enum chim_reason why;

	n->flags |= CTL_NODE_ENTERED;
	n->nb_open = 1; /* the row below */
	if (parent != NULL)
		ctl_node_of(parent)->nb_open++;
	else
		op->nb_open++;
	op->nb_blocks++;
	c->counters.blocks++;
	b->reason = CHIM_REASON_NONE;
	why = claim_links(c, op, b);
	if (why == CHIM_REASON_NONE) {
		b->status = ctl_dispatch(c, op, b);
	} else {
		b->status = ctl_refuse(c, b, CHIM_STATUS_FAILURE, why);
		if (b->context == NULL) { /* says so in its reason; spec 3.3 fixes the status */
			n->flags |= CTL_NODE_PLACEHOLDER;
			b->status = CHIM_STATUS_SUCCESS;
		}
	}
	if (b->status != CHIM_STATUS_SUCCESS && b->status != CHIM_STATUS_PENDING)
		n->flags |= CTL_NODE_FAILED;
	/* Spec 4.1: nothing is offloaded after a root that could not be. */
	if (b == op->req.root && (n->flags & CTL_NODE_FAILED) != 0)
		op->fail_reason = CHIM_REASON_PARENT_FAILED;
}

/* The row below the block is done: on to the next of its own row, or one up. */
static void
climb(struct chim_ctl *c, struct ctl_op *op)
{
	/* Read first: once the walk has let go of the operation, the blocks are the host's. */
	struct chim_block *b = op->at;
	struct chim_block *parent = ctl_link_of(b)->parent;
	struct chim_block *next = follow_next(op, b);

	ctl_walk_release(c, op, b);
	op->is_climbing = next == NULL;
	op->at = next != NULL ? next : parent;
	if (op->at == NULL)
		ctl_op_release(c, op);
}

/* Enter one block, or leave one: a tree that is deep where it may not be costs no more a step. */
void
ctl_walk_step(struct chim_ctl *c, struct ctl_op *op)
{
	struct chim_block *down;

	if (!op->is_climbing) {
		enter(c, op, op->at);
		down = follow_down(op, op->at);
		if (down != NULL) {
			op->at = down;
			return;
		}
		op->is_climbing = true;
	}
	climb(c, op);
}

static bool
is_good(enum chim_status status)
{
	return status == CHIM_STATUS_SUCCESS || status == CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* Tell the host what its object is called, unless it has taken away the place for it since. */
void
ctl_walk_name(struct chim_block *b, chim_handle_t handle)
{
	chim_handle_t *context = b->context;

	if (context != NULL)
		*context = handle;
}

/* The status of a block whose dependents have theirs (spec 3.3, 4.1). */
static void
conclude_initiate(struct chim_ctl *c, struct chim_block *b)
{
	struct ctl_node *n = ctl_node_of(b);
	bool has_failed = (n->flags & CTL_NODE_HAS_FAILED) != 0;
	bool has_ok = (n->flags & CTL_NODE_HAS_OK) != 0;

	if ((n->flags & (CTL_NODE_PLACEHOLDER | CTL_NODE_FAILED)) != 0)
		return;
	b->status = has_failed ? CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS : CHIM_STATUS_SUCCESS;
	if ((n->flags & CTL_NODE_LINKER) != 0) {
		if (has_failed && !has_ok)
			b->status = CHIM_STATUS_FAILURE;
	} else if (n->kind == CTL_KIND_NEIGHBOR) {
		ctl_walk_name(b,
			chim_handle_make(CHIM_OWNER_NEIGHBOR,
				chim_slab_generation(c->neighbors, n->index), n->index));
	} else if (n->kind == CTL_KIND_PATH) {
		ctl_walk_name(b,
			chim_handle_make(CHIM_OWNER_PATH, chim_slab_generation(c->paths, n->index),
				n->index));
	}
}

static void
conclude(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	if (op->req.op == CHIM_OP_INITIATE)
		conclude_initiate(c, b);
	else if (b->status == CHIM_STATUS_PENDING)
		b->status = CHIM_STATUS_SUCCESS;
}

/*
 * One thing less that b waits for. Settles b when it was the last, and then its parents, no more
 * than the layers of a tree: deeper ones wait for nothing but the walk.
 */
void
ctl_walk_release(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	while (b != NULL) {
		struct ctl_node *n = ctl_node_of(b);
		struct chim_block *parent = ctl_link_of(b)->parent;

		if (--n->nb_open != 0)
			return;
		if ((n->flags & CTL_NODE_AFTER) != 0) {
			n->flags &= (uint16_t)~CTL_NODE_AFTER;
			n->next_ready = NULL;
			*op->ready_end = b;
			op->ready_end = &n->next_ready;
			ctl_op_queue(c, op);
			return;
		}
		conclude(c, op, b);
		if (parent != NULL)
			ctl_node_of(parent)->flags |=
				is_good(b->status) ? CTL_NODE_HAS_OK : CTL_NODE_HAS_FAILED;
		b = parent;
	}
	ctl_op_release(c, op);
}
