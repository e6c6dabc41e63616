/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Neighbors: the record here, a replica on every worker. Every change is one
 * message to each worker with the whole replica; the block waits for all of
 * them, so that what completes is in force (spec 4.3).
 */
#include <string.h>

#include <rte_ether.h>

#include "ctl_internal.h"

#define VLAN_MAX 4094u

static void
broadcast(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b, enum chim_msg_op kind)
{
	const struct ctl_neighbor *nb = chim_slab_at(c->neighbors, ctl_node_of(b)->index);

	for (uint32_t w = 0; w < c->cfg.nb_workers; w++) {
		struct chim_msg *m = ctl_mail_new(c, op, b, kind);

		m->neighbor = nb->replica;
		if (kind != CHIM_MSG_NEIGHBOR_SET) /* out: until a worker knows better */
			m->neighbor.nic_reachability_delta = CHIM_TICKS_NONE;
		ctl_mail_send(c, w, m);
	}
	ctl_node_of(b)->nb_open += c->cfg.nb_workers;
}

/* ---- what a neighbor may be ---- */

static bool
is_usable_mac(const uint8_t *mac)
{
	return rte_is_valid_assigned_ether_addr((const struct rte_ether_addr *)mac) != 0;
}

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	static const uint8_t zero[CHIM_DL_ADDR_LEN];

	return memcmp(bytes, zero, len) == 0;
}

struct neighbor_state {
	struct chim_neighbor_const konst;
	struct chim_neighbor_cached cached;
	struct chim_neighbor_delegated delegated;
	uint32_t port;
};

/* Spec 11.3: is this VLAN one the interface may carry? */
static bool
is_interface_vlan(const struct chim_ctl *c, uint32_t port, uint16_t vlan)
{
	const uint16_t *list = c->cfg.vlan[port];
	bool has_any = false;

	for (uint32_t i = 0; i < CHIM_DIM(c->cfg.vlan[0]); i++) {
		if (list[i] == vlan)
			return true;
		has_any |= list[i] != 0;
	}
	return !has_any;
}

static enum chim_status
check_vlan(struct ctl_visit *v, const struct neighbor_state *s)
{
	uint16_t vlan = s->konst.vlan_id;

	if (vlan == 0)
		return CHIM_STATUS_SUCCESS;
	if (vlan > VLAN_MAX)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
	if ((v->c->caps.support & CHIM_CAP_VLAN) == 0)
		return ctl_refuse(
			v->c, v->b, CHIM_STATUS_OFFLOAD_VLAN_MISMATCH, CHIM_REASON_UNSUPPORTED);
	if (!is_interface_vlan(v->c, s->port, vlan))
		return ctl_refuse(
			v->c, v->b, CHIM_STATUS_OFFLOAD_VLAN_MISMATCH, CHIM_REASON_BAD_VALUE);
	return CHIM_STATUS_SUCCESS;
}

static enum chim_status
check_macs(struct ctl_visit *v, const struct neighbor_state *s)
{
	const uint8_t *source = s->konst.dl_source;

	if (!is_usable_mac(s->cached.dl_destination))
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_ADDRESS);
	if (is_zero(source, RTE_ETHER_ADDR_LEN))
		return CHIM_STATUS_SUCCESS;
	if (!is_usable_mac(source))
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_ADDRESS);
	return CHIM_STATUS_SUCCESS;
}

static enum chim_status
take_state(struct ctl_visit *v, struct neighbor_state *s)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);
	enum chim_status status;

	if (why == CHIM_REASON_NONE && at.parts != CTL_PART_ALL)
		why = CHIM_REASON_BAD_TYPE;
	s->port = v->b->port_number;
	if (why == CHIM_REASON_NONE &&
		(s->port >= CHIM_MAX_PORTS || v->c->cfg.port[s->port] == NULL))
		why = CHIM_REASON_BAD_VALUE;
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	memcpy(&s->konst, at.part[0], sizeof(s->konst));
	memcpy(&s->cached, at.part[1], sizeof(s->cached));
	memcpy(&s->delegated, at.part[2], sizeof(s->delegated));
	status = check_macs(v, s);
	return status == CHIM_STATUS_SUCCESS ? check_vlan(v, s) : status;
}

/* ---- what a neighbor takes up ---- */

static struct ctl_set_key
mac_key(const struct ctl_neighbor *nb)
{
	struct ctl_set_key key = { .scope = nb->replica.port_number };

	memcpy(key.bytes, nb->replica.dl_source, RTE_ETHER_ADDR_LEN);
	return key;
}

static struct ctl_set_key
vlan_key(const struct ctl_neighbor *nb)
{
	struct ctl_set_key key = { .scope = nb->replica.port_number };

	memcpy(key.bytes, &nb->replica.vlan_id, sizeof(nb->replica.vlan_id));
	return key;
}

static enum chim_status
take_mac(struct ctl_visit *v, struct ctl_neighbor *nb)
{
	const struct chim_port *port = v->c->cfg.port[nb->replica.port_number];
	struct ctl_set_key key;

	nb->has_mac = false;
	if (is_zero(nb->given.dl_source, RTE_ETHER_ADDR_LEN) ||
		memcmp(nb->given.dl_source, &port->mac, RTE_ETHER_ADDR_LEN) == 0) {
		memcpy(nb->replica.dl_source, &port->mac, RTE_ETHER_ADDR_LEN);
		return CHIM_STATUS_SUCCESS;
	}
	if ((v->c->caps.support & CHIM_CAP_MAC) == 0)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
			CHIM_REASON_UNSUPPORTED);
	memcpy(nb->replica.dl_source, nb->given.dl_source, RTE_ETHER_ADDR_LEN);
	key = mac_key(nb);
	if (!ctl_set_add(&v->c->macs, &key))
		return ctl_refuse(
			v->c, v->b, CHIM_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, CHIM_REASON_TABLE_FULL);
	nb->has_mac = true;
	return CHIM_STATUS_SUCCESS;
}

static void
drop_mac(struct chim_ctl *c, const struct ctl_neighbor *nb)
{
	struct ctl_set_key key = mac_key(nb);

	if (nb->has_mac)
		ctl_set_drop(&c->macs, &key);
}

static enum chim_status
take_vlan(struct ctl_visit *v, struct ctl_neighbor *nb)
{
	struct ctl_set_key key = vlan_key(nb);

	if (nb->replica.vlan_id == 0 || ctl_set_add(&v->c->vlans, &key))
		return CHIM_STATUS_SUCCESS;
	return ctl_refuse(v->c, v->b, CHIM_STATUS_OFFLOAD_VLAN_ENTRIES, CHIM_REASON_TABLE_FULL);
}

static void
fill(struct ctl_visit *v, struct ctl_neighbor *nb, const struct neighbor_state *s, uint32_t index)
{
	memset(nb, 0, sizeof(*nb));
	nb->use.host = v->op->host;
	ctl_use_mark(&nb->use, v->op, CTL_ACTION_OFFLOAD);
	nb->given = s->konst;
	nb->cached = s->cached;
	nb->since = v->c->now;
	nb->replica.index = index;
	nb->replica.handle = chim_handle_make(
		CHIM_OWNER_NEIGHBOR, chim_slab_generation(v->c->neighbors, index), index);
	memcpy(nb->replica.dl_destination, s->cached.dl_destination, RTE_ETHER_ADDR_LEN);
	nb->replica.vlan_id = s->konst.vlan_id;
	nb->replica.port_number = (uint16_t)s->port;
	nb->replica.is_fresh = 1;
	nb->replica.host_reachability_delta = s->cached.host_reachability_delta;
	nb->replica.nic_reachability_delta = s->delegated.nic_reachability_delta;
	nb->replica.offload_handle = v->b->offload_handle;
	nb->replica.host = v->op->host;
}

static enum chim_status
take_resources(struct ctl_visit *v, struct ctl_neighbor *nb)
{
	enum chim_status status = take_mac(v, nb);

	if (status != CHIM_STATUS_SUCCESS)
		return status;
	status = take_vlan(v, nb);
	if (status != CHIM_STATUS_SUCCESS)
		drop_mac(v->c, nb);
	return status;
}

static void
become(struct ctl_visit *v, uint32_t index)
{
	ctl_node_of(v->b)->index = index;
	ctl_node_of(v->b)->flags |= CTL_NODE_OBJECT;
}

enum chim_status
ctl_neigh_offload(struct ctl_visit *v)
{
	struct chim_ctl *c = v->c;
	struct neighbor_state s;
	enum chim_status status = take_state(v, &s);
	uint32_t index;

	if (status != CHIM_STATUS_SUCCESS)
		return status;
	index = c->counters.neighbors < c->caps.max_neighbors ? chim_slab_take(c->neighbors)
							      : CHIM_SLAB_NONE;
	if (index == CHIM_SLAB_NONE)
		return ctl_refuse(
			c, v->b, CHIM_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, CHIM_REASON_TABLE_FULL);
	v->neighbor = chim_slab_at(c->neighbors, index);
	fill(v, v->neighbor, &s, index);
	status = take_resources(v, v->neighbor);
	if (status != CHIM_STATUS_SUCCESS) {
		chim_slab_put(c->neighbors, index);
		return status;
	}
	c->counters.neighbors++;
	c->host[v->op->host].nb_objects++;
	become(v, index);
	broadcast(c, v->op, v->b, CHIM_MSG_NEIGHBOR_SET);
	v->neighbor->replica.is_fresh = 0;
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_neigh_link(struct ctl_visit *v)
{
	become(v, v->neighbor->replica.index);
	return CHIM_STATUS_SUCCESS;
}

/* NIC's now minus the last forward progress, if no worker knows better (spec 8.1; modulo 2^32). */
static chim_ticks_t
aged_delta(const struct chim_ctl *c, const struct ctl_neighbor *nb)
{
	uint64_t ticks = (c->now - nb->since) * c->caps.params.ticks_per_second / CHIM_US_PER_S;

	return nb->replica.nic_reachability_delta + (chim_ticks_t)ticks;
}

static void
write_delegated(const struct chim_ctl *c, const struct ctl_neighbor *nb, const struct ctl_state *at)
{
	struct chim_neighbor_delegated d = { .nic_reachability_delta = aged_delta(c, nb) };

	ctl_state_write(at->part[2], &d, sizeof(d));
}

enum chim_status
ctl_neigh_query(struct ctl_visit *v)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	become(v, v->neighbor->replica.index);
	if ((at.parts & CTL_PART_CONST) != 0)
		ctl_state_write(at.part[0], &v->neighbor->given, sizeof(v->neighbor->given));
	if ((at.parts & CTL_PART_CACHED) != 0)
		ctl_state_write(at.part[1], &v->neighbor->cached, sizeof(v->neighbor->cached));
	if ((at.parts & CTL_PART_DELEGATED) == 0)
		return CHIM_STATUS_SUCCESS;
	write_delegated(v->c, v->neighbor, &at);
	broadcast(v->c, v->op, v->b, CHIM_MSG_NEIGHBOR_QUERY);
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_neigh_update(struct ctl_visit *v)
{
	struct chim_neighbor_cached cached;
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	become(v, v->neighbor->replica.index);
	if ((at.parts & CTL_PART_CACHED) == 0)
		return CHIM_STATUS_SUCCESS; /* it only says where its paths go */
	memcpy(&cached, at.part[1], sizeof(cached));
	if (!is_usable_mac(cached.dl_destination))
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_ADDRESS);
	v->neighbor->cached = cached;
	memcpy(v->neighbor->replica.dl_destination, cached.dl_destination, RTE_ETHER_ADDR_LEN);
	v->neighbor->replica.host_reachability_delta = cached.host_reachability_delta;
	v->neighbor->replica.is_fresh = 1;
	ctl_use_mark(&v->neighbor->use, v->op, CTL_ACTION_UPDATE);
	broadcast(v->c, v->op, v->b, CHIM_MSG_NEIGHBOR_SET);
	v->neighbor->replica.is_fresh = 0;
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_neigh_invalidate(struct ctl_visit *v)
{
	become(v, v->neighbor->replica.index);
	v->neighbor->use.is_invalid = true;
	v->neighbor->replica.is_invalid = 1;
	ctl_use_mark(&v->neighbor->use, v->op, CTL_ACTION_INVALIDATE);
	broadcast(v->c, v->op, v->b, CHIM_MSG_NEIGHBOR_SET);
	return CHIM_STATUS_PENDING;
}

enum chim_status
ctl_neigh_terminate(struct ctl_visit *v)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	become(v, v->neighbor->replica.index);
	ctl_use_mark(&v->neighbor->use, v->op, CTL_ACTION_TERMINATE);
	ctl_node_of(v->b)->flags |= CTL_NODE_AFTER;
	return CHIM_STATUS_PENDING;
}

/*
 * The dependents are done: the neighbor goes, unless something outside the tree still needs it
 * (terminate), or something inside got in before a worker refused it (undoing an initiate).
 */
enum chim_status
ctl_neigh_remove(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b)
{
	struct ctl_node *n = ctl_node_of(b);
	struct ctl_neighbor *nb = chim_slab_at(c->neighbors, n->index);
	struct ctl_set_key vlan = vlan_key(nb);
	struct ctl_state at;

	if (nb->nb_paths != 0) {
		if (op->req.op == CHIM_OP_TERMINATE)
			return ctl_refuse(c, b, CHIM_STATUS_FAILURE, CHIM_REASON_HAS_DEPENDENTS);
		n->flags &= (uint16_t)~CTL_NODE_FAILED;
		n->flags |= CTL_NODE_HAS_FAILED;
		return CHIM_STATUS_PENDING;
	}
	if (op->req.op == CHIM_OP_TERMINATE && ctl_state_find_again(b, CTL_KIND_NEIGHBOR, &at) &&
		(at.parts & CTL_PART_DELEGATED) != 0)
		write_delegated(c, nb, &at);
	broadcast(c, op, b, CHIM_MSG_NEIGHBOR_REMOVE);
	drop_mac(c, nb);
	if (nb->replica.vlan_id != 0)
		ctl_set_drop(&c->vlans, &vlan);
	c->counters.neighbors--;
	c->host[nb->use.host].nb_objects--;
	chim_slab_put(c->neighbors, n->index);
	n->flags &= (uint16_t)~CTL_NODE_OBJECT;
	return op->req.op == CHIM_OP_TERMINATE ? CHIM_STATUS_PENDING : b->status;
}

/* A worker says when it last saw progress: the latest of all counts. */
void
ctl_neigh_reply(const struct chim_msg *m)
{
	struct chim_neighbor_delegated *d;
	struct ctl_state at;

	if (m->neighbor.nic_reachability_delta == CHIM_TICKS_NONE)
		return;
	if (!ctl_state_find_again(m->block, CTL_KIND_NEIGHBOR, &at) ||
		(at.parts & CTL_PART_DELEGATED) == 0)
		return;
	d = (struct chim_neighbor_delegated *)at.part[2];
	if (m->neighbor.nic_reachability_delta < d->nic_reachability_delta)
		d->nic_reachability_delta = m->neighbor.nic_reachability_delta;
}
