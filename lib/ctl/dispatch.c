/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a block is (placeholder, linker, new offload; neighbor, path, TCP), and
 * the one table that names the function for each action on each kind. Every
 * check that does not depend on the kind is here: header, layer, handle, owner,
 * overlap. Runs once for each block the walk enters.
 */
#include "ctl_internal.h"

static enum chim_status
refuse_kind(struct ctl_visit *v)
{
	return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_WRONG_KIND);
}

static const struct ctl_row {
	ctl_visit_fn fn[CTL_KIND_BEYOND];
} table[CTL_ACTION_MAX] = {
	[CTL_ACTION_OFFLOAD] = { { refuse_kind, ctl_neigh_offload, ctl_path_offload,
		ctl_tcp_offload } },
	[CTL_ACTION_LINK] = { { refuse_kind, ctl_neigh_link, ctl_path_link, ctl_tcp_link } },
	[CTL_ACTION_QUERY] = { { refuse_kind, ctl_neigh_query, ctl_path_query, ctl_tcp_query } },
	[CTL_ACTION_UPDATE] = { { refuse_kind, ctl_neigh_update, ctl_path_update,
		ctl_tcp_update } },
	[CTL_ACTION_INVALIDATE] = { { refuse_kind, ctl_neigh_invalidate, ctl_path_invalidate,
		ctl_tcp_invalidate } },
	[CTL_ACTION_TERMINATE] = { { refuse_kind, ctl_neigh_terminate, ctl_path_terminate,
		ctl_tcp_terminate } },
};

enum chim_status
ctl_refuse(
	struct chim_ctl *c, struct chim_block *b, enum chim_status status, enum chim_reason reason)
{
	b->reason = reason;
	c->counters.reason[reason]++;
	return status;
}

/* The layer a block is on, from where it hangs. */
static enum ctl_kind
layer_of(const struct ctl_visit *v)
{
	uint8_t above;

	if (v->parent == NULL)
		return CTL_KIND_ANY;
	above = ctl_node_of(v->parent)->kind;
	if (above == CTL_KIND_ANY)
		return CTL_KIND_PATH;
	return above < CTL_KIND_BEYOND ? above + 1 : CTL_KIND_BEYOND;
}

/* May a block of this kind hang here? A placeholder at the top stands for a neighbor or a path. */
static bool
fits_layer(const struct ctl_visit *v)
{
	uint8_t above;

	if (v->parent == NULL)
		return true;
	above = ctl_node_of(v->parent)->kind;
	if (above == CTL_KIND_ANY)
		return v->kind == CTL_KIND_PATH || v->kind == CTL_KIND_TCP;
	return v->kind == above + 1;
}

static enum chim_status
placeholder(struct ctl_visit *v)
{
	struct ctl_node *n = ctl_node_of(v->b);

	n->flags |= CTL_NODE_PLACEHOLDER;
	n->kind = layer_of(v);
	return CHIM_STATUS_SUCCESS;
}

static enum chim_reason
find_object(struct ctl_visit *v)
{
	const struct chim_ctl *c = v->c;
	uint32_t owner = chim_handle_owner(v->handle);
	uint32_t index = chim_handle_index(v->handle);
	uint32_t generation = chim_handle_generation(v->handle);

	if (v->handle == CHIM_HANDLE_NONE)
		return CHIM_REASON_NULL_POINTER;
	v->kind = CTL_KIND_TCP;
	if (owner == CHIM_OWNER_NEIGHBOR)
		v->kind = CTL_KIND_NEIGHBOR;
	else if (owner == CHIM_OWNER_PATH)
		v->kind = CTL_KIND_PATH;
	if (generation == 0)
		return CHIM_REASON_FOREIGN;
	if (v->kind == CTL_KIND_TCP) {
		v->conn = ctl_tcp_at(c, v->handle);
		if (v->conn == NULL)
			return CHIM_REASON_FOREIGN;
		return v->conn->generation == generation ? CHIM_REASON_NONE : CHIM_REASON_STALE;
	}
	const struct chim_slab *slab = v->kind == CTL_KIND_PATH ? c->paths : c->neighbors;

	if (chim_slab_at(slab, index) == NULL)
		return CHIM_REASON_FOREIGN;
	v->object = chim_slab_find(slab, generation, index);
	return v->object != NULL ? CHIM_REASON_NONE : CHIM_REASON_STALE;
}

static enum ctl_action
action_of(const struct ctl_visit *v)
{
	switch (v->op->req.op) {
	case CHIM_OP_QUERY:
		return CTL_ACTION_QUERY;
	case CHIM_OP_UPDATE:
		return CTL_ACTION_UPDATE;
	case CHIM_OP_INVALIDATE:
		return CTL_ACTION_INVALIDATE;
	case CHIM_OP_TERMINATE:
		return CTL_ACTION_TERMINATE;
	default:
		return v->handle == CHIM_HANDLE_NONE ? CTL_ACTION_OFFLOAD : CTL_ACTION_LINK;
	}
}

/* A block that names an object: every check short of what the operation needs itself. */
static enum chim_reason
check_object(struct ctl_visit *v, enum ctl_action action)
{
	enum chim_reason why = find_object(v);
	const struct ctl_use *use = v->object; /* the first member of every kind of object */

	if (why != CHIM_REASON_NONE)
		return why;
	if (use->host != v->op->host)
		return CHIM_REASON_FOREIGN;
	if (!fits_layer(v))
		return CHIM_REASON_WRONG_KIND;
	if (v->type != CHIM_STATE_NONE && ctl_state_kind(v->type) != v->kind)
		return CHIM_REASON_BAD_TYPE;
	return ctl_use_check(v->c, use, action);
}

static enum chim_reason
check_new(struct ctl_visit *v)
{
	v->kind = (uint8_t)ctl_state_kind(v->type);
	if (v->kind == CTL_KIND_ANY)
		return CHIM_REASON_BAD_TYPE;
	return fits_layer(v) ? CHIM_REASON_NONE : CHIM_REASON_WRONG_KIND;
}

static enum chim_reason
check(struct ctl_visit *v, enum ctl_action action)
{
	const struct chim_block_header header = v->b->header;
	enum chim_reason why;

	v->type = header.type;
	if (header.size != sizeof(struct chim_block))
		return CHIM_REASON_BAD_SIZE;
	if (header.revision != CHIM_BLOCK_REVISION)
		return CHIM_REASON_BAD_TYPE;
	if (v->op->req.op == CHIM_OP_INITIATE) {
		if (v->op->fail_reason != CHIM_REASON_NONE)
			return v->op->fail_reason;
		if (v->parent != NULL && (ctl_node_of(v->parent)->flags & CTL_NODE_FAILED) != 0)
			return CHIM_REASON_PARENT_FAILED;
	}
	why = action == CTL_ACTION_OFFLOAD ? check_new(v) : check_object(v, action);
	return why;
}

enum chim_status
ctl_dispatch(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	struct ctl_visit v = { .c = c, .op = op, .b = b, .parent = ctl_link_of(b)->parent };
	struct ctl_node *n = ctl_node_of(b);
	chim_handle_t *context = b->context;
	enum ctl_action action;
	enum chim_reason why;

	if (context == NULL)
		return placeholder(&v);
	v.handle = *context;
	action = action_of(&v);
	if (action == CTL_ACTION_LINK)
		n->flags |= CTL_NODE_LINKER;
	n->kind = layer_of(&v);
	why = check(&v, action);
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(c, b, CHIM_STATUS_FAILURE, why);
	n->kind = v.kind;
	return table[action].fn[v.kind](&v);
}

/* What was put off until the dependents were done: removing a neighbor or a path. */
enum chim_status
ctl_dispatch_after(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	if (ctl_node_of(b)->kind == CTL_KIND_NEIGHBOR)
		return ctl_neigh_remove(c, op, b);
	return ctl_path_remove(c, op, b);
}
