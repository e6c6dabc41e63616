/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Paths: the record here, a replica on every worker, as for neighbors. An
 * update may also move a path to another neighbor (spec 4.3): in an update
 * tree, a path under a neighbor that is not its own goes there.
 */
#include <string.h>

#include "ctl_internal.h"

#define MIN_MTU_IP4 68u	  /* RFC 791, 3.2 */
#define MIN_MTU_IP6 1280u /* RFC 8200, 5 */

static void
broadcast(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b, enum chim_msg_op kind)
{
	const struct ctl_path *path = chim_slab_at(c->paths, ctl_node_of(b)->index);

	for (uint32_t w = 0; w < c->cfg.nb_workers; w++) {
		struct chim_msg *m = ctl_mail_new(c, op, b, kind);

		m->path = path->replica;
		ctl_mail_send(c, w, m);
	}
	ctl_node_of(b)->nb_open += c->cfg.nb_workers;
}

static struct ctl_neighbor *
neighbor_of(const struct chim_ctl *c, const struct ctl_path *path)
{
	return chim_slab_at(c->neighbors, path->replica.neighbor);
}

/* ---- what a path may be ---- */

/* An address that one end of a TCP connection can have (RFC 1122, 3.2.1.3; RFC 4291, 2.5, 2.7). */
static bool
is_usable_address(const uint8_t *a, bool is_ip6)
{
	static const uint8_t unspecified[16];
	static const uint8_t broadcast_ip4[4] = { 255, 255, 255, 255 };

	if (is_ip6)
		return a[0] != 0xff && memcmp(a, unspecified, 16) != 0;
	return a[0] != 0 && (a[0] & 0xf0) != 0xe0 && memcmp(a, broadcast_ip4, 4) != 0;
}

static bool
has_family(const struct chim_ctl *c, bool is_ip6)
{
	return (c->caps.support & (is_ip6 ? CHIM_CAP_IPV6 : CHIM_CAP_IPV4)) != 0;
}

/* Why an MTU cannot be: NONE, BAD_VALUE below what the family asks for, LIMIT above what we do. */
static enum chim_reason
check_mtu(const struct chim_ctl *c, const struct chim_msg_path *r)
{
	const struct ctl_neighbor *nb = chim_slab_at(c->neighbors, r->neighbor);
	uint32_t port_mtu = c->cfg.port[nb->replica.port_number]->mtu;

	if (r->mtu < (r->is_ip6 != 0 ? MIN_MTU_IP6 : MIN_MTU_IP4))
		return CHIM_REASON_BAD_VALUE;
	if (r->mtu > c->caps.max_mtu || (port_mtu != 0 && r->mtu > port_mtu))
		return CHIM_REASON_LIMIT;
	return CHIM_REASON_NONE;
}

static enum chim_reason
take_addresses(const struct chim_ctl *c, const struct chim_path_const *k, struct chim_msg_path *r)
{
	size_t len = r->is_ip6 != 0 ? 16 : 4;

	if (!has_family(c, r->is_ip6 != 0))
		return CHIM_REASON_UNSUPPORTED;
	if (k->source_address == NULL || k->destination_address == NULL)
		return CHIM_REASON_NULL_POINTER;
	memcpy(r->source, k->source_address, len);
	memcpy(r->destination, k->destination_address, len);
	if (!is_usable_address(r->source, r->is_ip6 != 0) ||
		!is_usable_address(r->destination, r->is_ip6 != 0))
		return CHIM_REASON_BAD_ADDRESS;
	return CHIM_REASON_NONE;
}

static enum chim_status
take_state(struct ctl_visit *v, struct chim_msg_path *r)
{
	struct chim_path_const konst;
	struct chim_path_cached cached;
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why == CHIM_REASON_NONE && at.parts != CTL_PART_ALL)
		why = CHIM_REASON_BAD_TYPE;
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	memcpy(&konst, at.part[0], sizeof(konst));
	memcpy(&cached, at.part[1], sizeof(cached));
	memset(r, 0, sizeof(*r));
	r->is_ip6 = ctl_state_is_ip6(v->type);
	r->neighbor = ctl_node_of(v->parent)->index;
	r->mtu = cached.path_mtu;
	why = take_addresses(v->c, &konst, r);
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	why = check_mtu(v->c, r);
	if (why == CHIM_REASON_NONE)
		return CHIM_STATUS_SUCCESS;
	return ctl_refuse(v->c, v->b,
		why == CHIM_REASON_LIMIT ? CHIM_STATUS_OFFLOAD_PATH_MTU : CHIM_STATUS_FAILURE, why);
}

static struct ctl_set_key
address_key(const struct chim_msg_path *r)
{
	struct ctl_set_key key = { .scope = r->is_ip6 };

	memcpy(key.bytes, r->source, sizeof(key.bytes));
	return key;
}

/* Is there a live neighbor above? Its index is then in the parent's node. */
static bool
has_parent_object(const struct ctl_visit *v)
{
	return v->parent != NULL && (ctl_node_of(v->parent)->flags & CTL_NODE_OBJECT) != 0;
}

static void
become(struct ctl_visit *v, uint32_t index)
{
	ctl_node_of(v->b)->index = index;
	ctl_node_of(v->b)->flags |= CTL_NODE_OBJECT;
}

static void
record(struct ctl_visit *v, const struct chim_msg_path *replica, uint32_t index)
{
	v->path = chim_slab_at(v->c->paths, index);
	memset(v->path, 0, sizeof(*v->path));
	v->path->use.host = v->op->host;
	ctl_use_mark(&v->path->use, v->op, CTL_ACTION_OFFLOAD);
	v->path->replica = *replica;
	v->path->replica.index = index;
	v->path->offload_handle = v->b->offload_handle;
	neighbor_of(v->c, v->path)->nb_paths++;
	v->c->counters.paths++;
	v->c->host[v->op->host].nb_objects++;
}

enum chim_status
ctl_path_offload(struct ctl_visit *v)
{
	struct chim_ctl *c = v->c;
	struct chim_msg_path replica;
	struct ctl_set_key key;
	enum chim_status status;
	uint32_t index;

	if (!has_parent_object(v))
		return ctl_refuse(c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_NO_PARENT);
	status = take_state(v, &replica);
	if (status != CHIM_STATUS_SUCCESS)
		return status;
	key = address_key(&replica);
	if (!ctl_set_add(&c->addresses, &key))
		return ctl_refuse(
			c, v->b, CHIM_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, CHIM_REASON_TABLE_FULL);
	index = c->counters.paths < c->caps.max_paths ? chim_slab_take(c->paths) : CHIM_SLAB_NONE;
	if (index == CHIM_SLAB_NONE) {
		ctl_set_drop(&c->addresses, &key);
		return ctl_refuse(
			c, v->b, CHIM_STATUS_OFFLOAD_PATH_ENTRIES, CHIM_REASON_TABLE_FULL);
	}
	record(v, &replica, index);
	become(v, index);
	broadcast(c, v->op, v->b, CHIM_MSG_PATH_SET);
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_path_link(struct ctl_visit *v)
{
	if (has_parent_object(v) && ctl_node_of(v->parent)->index != v->path->replica.neighbor)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_FOREIGN);
	if (neighbor_of(v->c, v->path)->use.is_invalid)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_INVALIDATED);
	become(v, v->path->replica.index);
	return CHIM_STATUS_SUCCESS;
}

enum chim_status
ctl_path_query(struct ctl_visit *v)
{
	const struct ctl_path *path = v->path;
	/* The addresses are ours, in memory every process of the EAL sees, and stay until the path
	 * is terminated. */
	struct chim_path_const konst = { .source_address = path->replica.source,
		.destination_address = path->replica.destination };
	struct chim_path_cached cached = { .path_mtu = path->replica.mtu };
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why == CHIM_REASON_NONE && at.parts != 0 &&
		ctl_state_is_ip6(v->type) != (path->replica.is_ip6 != 0))
		why = CHIM_REASON_BAD_TYPE;
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	if ((at.parts & CTL_PART_CONST) != 0)
		ctl_state_write(at.part[0], &konst, sizeof(konst));
	if ((at.parts & CTL_PART_CACHED) != 0)
		ctl_state_write(at.part[1], &cached, sizeof(cached));
	return CHIM_STATUS_SUCCESS;
}

/* ---- update ---- */

/* May the path go to the neighbor above it in the tree? */
static enum chim_reason
check_relink(const struct ctl_visit *v)
{
	const struct ctl_neighbor *to;

	if (v->parent == NULL || (ctl_node_of(v->parent)->flags & CTL_NODE_PLACEHOLDER) != 0)
		return CHIM_REASON_NONE;
	if (!has_parent_object(v))
		return CHIM_REASON_PARENT_FAILED;
	to = chim_slab_at(v->c->neighbors, ctl_node_of(v->parent)->index);
	/* Steering is by port: on another one the connections might belong to other workers. */
	if (to->replica.port_number != neighbor_of(v->c, v->path)->replica.port_number)
		return CHIM_REASON_UNSUPPORTED;
	return CHIM_REASON_NONE;
}

static enum chim_reason
take_update(struct ctl_visit *v, struct chim_msg_path *r)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why == CHIM_REASON_NONE && at.parts != 0 &&
		ctl_state_is_ip6(v->type) != (r->is_ip6 != 0))
		why = CHIM_REASON_BAD_TYPE;
	if (why == CHIM_REASON_NONE)
		why = check_relink(v);
	if (why != CHIM_REASON_NONE)
		return why;
	if (has_parent_object(v))
		r->neighbor = ctl_node_of(v->parent)->index;
	if ((at.parts & CTL_PART_CACHED) == 0)
		return CHIM_REASON_NONE;
	r->mtu = ((const struct chim_path_cached *)at.part[1])->path_mtu;
	return check_mtu(v->c, r);
}

enum chim_status
ctl_path_update(struct ctl_visit *v)
{
	struct ctl_path *path = v->path;
	struct chim_msg_path replica = path->replica;
	enum chim_reason why = take_update(v, &replica);

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	become(v, replica.index);
	neighbor_of(v->c, path)->nb_paths--;
	path->replica = replica;
	neighbor_of(v->c, path)->nb_paths++;
	ctl_use_mark(&path->use, v->op, CTL_ACTION_UPDATE);
	broadcast(v->c, v->op, v->b, CHIM_MSG_PATH_SET);
	return CHIM_STATUS_PENDING;
}

/* ---- invalidate, terminate ---- */

enum chim_status
ctl_path_invalidate(struct ctl_visit *v)
{
	become(v, v->path->replica.index);
	v->path->use.is_invalid = true;
	v->path->replica.is_invalid = 1;
	ctl_use_mark(&v->path->use, v->op, CTL_ACTION_INVALIDATE);
	broadcast(v->c, v->op, v->b, CHIM_MSG_PATH_SET);
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_path_terminate(struct ctl_visit *v)
{
	become(v, v->path->replica.index);
	ctl_use_mark(&v->path->use, v->op, CTL_ACTION_TERMINATE);
	ctl_node_of(v->b)->flags |= CTL_NODE_AFTER;
	return CHIM_STATUS_PENDING;
}

/* As ctl_neigh_remove(). */
enum chim_status
ctl_path_remove(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	struct ctl_node *n = ctl_node_of(b);
	struct ctl_path *path = chim_slab_at(c->paths, n->index);
	struct ctl_set_key key = address_key(&path->replica);

	if (path->nb_connections != 0) {
		if (op->req.op == CHIM_OP_TERMINATE)
			return ctl_refuse(c, b, CHIM_STATUS_FAILURE, CHIM_REASON_HAS_DEPENDENTS);
		n->flags &= (uint16_t)~CTL_NODE_FAILED;
		n->flags |= CTL_NODE_HAS_FAILED;
		return CHIM_STATUS_PENDING;
	}
	broadcast(c, op, b, CHIM_MSG_PATH_REMOVE);
	ctl_set_drop(&c->addresses, &key);
	neighbor_of(c, path)->nb_paths--;
	c->counters.paths--;
	c->host[path->use.host].nb_objects--;
	chim_slab_put(c->paths, n->index);
	n->flags &= (uint16_t)~CTL_NODE_OBJECT;
	return op->req.op == CHIM_OP_TERMINATE ? CHIM_STATUS_PENDING : b->status;
}
