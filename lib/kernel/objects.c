/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Neighbors and paths that the engine has, or will have with the next
 * connection. A path is the pair of addresses (and what else decides its
 * route); it counts its connections, a neighbor counts its paths. Nothing is
 * offloaded twice, and for each object at most one request is under way.
 *
 * An object is ABSENT until an initiate that a move submits brings it along;
 * idle ones are terminated by the sweep, path before neighbor.
 */
#include <errno.h>
#include <string.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <rte_malloc.h>

#include "chim_log.h"
#include "kernel_internal.h"

#define IDLE_US	 (10 * CHIM_US_PER_S)
#define ROUTE_US (1 * CHIM_US_PER_MS)

/* A neighbor may be used although the kernel is about to ask whether it is still there. */
#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

bool
kernel_object_submit(struct chim_kernel *k, uint32_t op, uint64_t cookie, struct chim_block *root)
{
	struct chim_request req = { .op = op, .cookie = cookie, .root = root };

	if (chim_host_submit(k->host, &req) != 0)
		return false;
	k->nb_object_requests++;
	return true;
}

/* ---- neighbors ---- */

struct kernel_neighbor *
kernel_neighbor_find(struct chim_kernel *k, int ifindex, uint8_t family, const uint8_t *addr)
{
	struct kernel_neighbor *n;

	TAILQ_FOREACH (n, &k->neighbors, next) {
		if (n->ifindex == ifindex && n->family == family &&
			n->life != KERNEL_LIFE_LEAVING &&
			memcmp(n->addr, addr, sizeof(n->addr)) == 0)
			return n;
	}
	return NULL;
}

static struct kernel_neighbor *
neighbor_create(struct chim_kernel *k, const struct kernel_egress *way,
	const struct kernel_route *r, const struct kernel_neigh *known)
{
	struct kernel_neighbor *n = rte_zmalloc("chim_neighbor", sizeof(*n), 0);

	if (n == NULL)
		return NULL;
	n->id = ++k->next_id;
	n->port = way->port;
	n->ifindex = way->ifindex;
	n->vlan_id = way->vlan_id;
	n->family = r->hop_family;
	memcpy(n->addr, r->hop, sizeof(n->addr));
	memcpy(n->mac, known->mac, sizeof(n->mac));
	n->idle_since = k->now;
	n->confirmed = k->now - RTE_MIN(k->now, known->confirmed_ms * CHIM_US_PER_MS);
	TAILQ_INSERT_TAIL(&k->neighbors, n, next);
	return n;
}

struct kernel_neighbor *
kernel_neighbor_get(struct chim_kernel *k, const struct kernel_route *r, const char **why)
{
	struct kernel_neighbor *n;
	struct kernel_egress way;
	struct kernel_neigh known;
	int rc;

	*why = kernel_egress_find(k, r, &way);
	if (*why != NULL)
		return NULL;
	n = kernel_neighbor_find(k, r->oif, r->hop_family, r->hop);
	if (n != NULL && n->life != KERNEL_LIFE_INVALID)
		return n;
	*why = "its next hop was invalidated and is not usable yet";
	if (n != NULL)
		return NULL;
	rc = kernel_resolve_neighbor(&k->nl, r->oif, r->hop_family, r->hop, &known);
	if (rc != 0 || !known.has_mac || (known.state & NUD_USABLE) == 0) {
		(void)kernel_neighbor_probe(&k->nl, r->oif, r->hop_family, r->hop);
		*why = "the kernel does not know the next hop's link-layer address yet";
		return NULL;
	}
	*why = "out of EAL memory";
	return neighbor_create(k, &way, r, &known);
}

/* ---- paths ---- */

static struct kernel_path *
path_find(struct chim_kernel *k, const struct chim_tuple *t, uint32_t mark, int bound)
{
	struct kernel_path *p;

	TAILQ_FOREACH (p, &k->paths, next) {
		if (p->family == t->family && p->mark == mark && p->bound == bound &&
			p->life != KERNEL_LIFE_LEAVING && p->life != KERNEL_LIFE_INVALID &&
			memcmp(p->remote, t->remote_addr, sizeof(p->remote)) == 0 &&
			memcmp(p->local, t->local_addr, sizeof(p->local)) == 0)
			return p;
	}
	return NULL;
}

static const char *
judge_route(const struct kernel_route *r)
{
	if (r->type == RTN_LOCAL)
		return "both ends are on this host";
	if (r->type != RTN_UNICAST)
		return "the kernel has no unicast route for it";
	if (r->is_tunnel)
		return "its route encapsulates";
	return NULL;
}

static struct kernel_path *
path_create(struct chim_kernel *k, const struct chim_tuple *t, const struct kernel_route *r,
	struct kernel_neighbor *n)
{
	struct kernel_path *p = rte_zmalloc("chim_path", sizeof(*p), 0);

	if (p == NULL)
		return NULL;
	p->id = ++k->next_id;
	p->family = t->family;
	memcpy(p->local, t->local_addr, sizeof(p->local));
	memcpy(p->remote, t->remote_addr, sizeof(p->remote));
	p->route_mtu = r->mtu;
	p->mtu = r->mtu;
	p->qos = r->iface.qos;
	p->neighbor = n;
	p->vlan_id = n->vlan_id;
	n->nb_paths++;
	p->idle_since = k->now;
	TAILQ_INSERT_HEAD(&k->paths, p, next);
	return p;
}

struct kernel_path *
kernel_path_get(struct chim_kernel *k, const struct chim_tuple *t, uint32_t mark, int bound,
	const char **why)
{
	struct kernel_path *p = path_find(k, t, mark, bound);
	struct kernel_neighbor *n;
	struct kernel_route r;

	if (p != NULL)
		return p;
	*why = "the kernel has no route for it";
	if (kernel_resolve_route(&k->nl, t, mark, bound, &r) != 0)
		return NULL;
	*why = judge_route(&r);
	if (*why != NULL)
		return NULL;
	n = kernel_neighbor_get(k, &r, why);
	if (n == NULL)
		return NULL;
	p = path_create(k, t, &r, n);
	*why = "out of EAL memory";
	if (p == NULL)
		return NULL;
	p->mark = mark;
	p->bound = bound;
	return p;
}

/* What the kernel says is good for a moment: many connections of a path come back together. A route
 * that has gone in that moment is known here all the same, by its notification. */
bool
kernel_path_has_route(struct chim_kernel *k, struct kernel_path *p, const struct chim_tuple *t)
{
	struct kernel_egress way;
	struct kernel_route r;

	if (k->now - p->routed_at < ROUTE_US && !p->is_stale && !k->routes_changed)
		return true;
	if (kernel_resolve_route(&k->nl, t, p->mark, p->bound, &r) != 0 || r.type != RTN_UNICAST)
		return false;
	p->routed_at = k->now;
	/* The VLAN that it left by may be gone. */
	if (kernel_egress_find(k, &r, &way) == NULL)
		p->vlan_id = way.vlan_id;
	return true;
}

static bool
is_in_transit(enum kernel_life life)
{
	return life == KERNEL_LIFE_COMING || life == KERNEL_LIFE_LEAVING;
}

enum kernel_next
kernel_path_ready(struct chim_kernel *k, struct kernel_path *p)
{
	(void)k;
	if (p->life == KERNEL_LIFE_INVALID || p->neighbor->life == KERNEL_LIFE_INVALID)
		return KERNEL_FAIL;
	if (p->is_busy || is_in_transit(p->life) || is_in_transit(p->neighbor->life))
		return KERNEL_AGAIN;
	/* A new path may not come while its neighbor is being changed. */
	if (p->life == KERNEL_LIFE_ABSENT && p->neighbor->is_busy)
		return KERNEL_AGAIN;
	return KERNEL_NEXT;
}

/* ---- trees ---- */

static void
fill_neighbor(const struct chim_kernel *k, struct kernel_neighbor *n)
{
	chim_ticks_t age = (chim_ticks_t)((k->now - n->confirmed) / CHIM_US_PER_MS);

	chim_neighbor_block_init(&n->block, &n->handle);
	n->handle = CHIM_HANDLE_NONE;
	n->block.block.port_number = n->port->number;
	n->block.block.offload_handle = n->id;
	memcpy(n->block.neighbor_const.dl_source, n->port->mac, sizeof(n->port->mac));
	n->block.neighbor_const.vlan_id = n->vlan_id;
	memcpy(n->block.cached.dl_destination, n->mac, sizeof(n->mac));
	n->block.cached.host_reachability_delta = age;
	n->block.delegated.nic_reachability_delta = age; /* spec 2.1: equal at first */
}

static void
fill_path(struct kernel_path *p)
{
	chim_path_block_init(&p->block, p->family, &p->handle);
	p->handle = CHIM_HANDLE_NONE;
	p->block.block.port_number = p->neighbor->port->number;
	p->block.block.offload_handle = p->id;
	p->block.path_const.source_address = p->local;
	p->block.path_const.destination_address = p->remote;
	p->block.cached.path_mtu = p->mtu;
}

struct chim_block *
kernel_path_tree(struct chim_kernel *k, struct kernel_path *p, struct kernel_tree *tree)
{
	struct kernel_neighbor *n = p->neighbor;

	if (p->life == KERNEL_LIFE_PRESENT) {
		chim_bare_block_init(&tree->linker, &p->handle);
		chim_block_add_dependent(&tree->linker, &tree->tcp.block);
		return &tree->linker;
	}
	fill_path(p);
	p->life = KERNEL_LIFE_COMING;
	chim_block_add_dependent(&p->block.block, &tree->tcp.block);
	if (n->life == KERNEL_LIFE_PRESENT) {
		chim_bare_block_init(&tree->linker, &n->handle);
		chim_block_add_dependent(&tree->linker, &p->block.block);
		return &tree->linker;
	}
	fill_neighbor(k, n);
	n->life = KERNEL_LIFE_COMING;
	chim_block_add_dependent(&n->block.block, &p->block.block);
	return &n->block.block;
}

void
kernel_path_tree_done(struct chim_kernel *k, struct kernel_path *p)
{
	struct kernel_neighbor *n = p->neighbor;

	(void)k;
	if (n->life == KERNEL_LIFE_COMING)
		n->life = n->handle != CHIM_HANDLE_NONE ? KERNEL_LIFE_PRESENT : KERNEL_LIFE_ABSENT;
	if (p->life == KERNEL_LIFE_COMING)
		p->life = p->handle != CHIM_HANDLE_NONE ? KERNEL_LIFE_PRESENT : KERNEL_LIFE_ABSENT;
}

/* ---- changes ---- */

static uint64_t
path_cookie(const struct kernel_path *p)
{
	return kernel_cookie(KERNEL_COOKIE_PATH, 0, p->id);
}

static uint64_t
neighbor_cookie(const struct kernel_neighbor *n)
{
	return kernel_cookie(KERNEL_COOKIE_NEIGHBOR, 0, n->id);
}

bool
kernel_path_update(struct chim_kernel *k, struct kernel_path *p, uint32_t mtu)
{
	chim_path_block_init(&p->block, p->family, &p->handle);
	p->block.block.header.type =
		p->family == CHIM_AF_INET ? CHIM_STATE_IP4_CACHED : CHIM_STATE_IP6_CACHED;
	/* Only the cached structure follows the block. */
	memcpy(&p->block.path_const,
		&(struct chim_path_cached){
			.header.length = sizeof(struct chim_path_cached),
			.path_mtu = mtu,
		},
		sizeof(struct chim_path_cached));
	if (!kernel_object_submit(k, CHIM_OP_UPDATE, path_cookie(p), &p->block.block))
		return false;
	p->is_busy = true;
	p->mtu = mtu;
	k->counters.path_updates++;
	return true;
}

bool
kernel_neighbor_update(struct chim_kernel *k, struct kernel_neighbor *n, const uint8_t *mac)
{
	struct chim_neighbor_cached cached = { .header.length = sizeof(cached) };

	chim_bare_block_init(&n->block.block, &n->handle);
	n->block.block.header.type = CHIM_STATE_NEIGHBOR_CACHED;
	memcpy(cached.dl_destination, mac, sizeof(n->mac));
	memcpy(&n->block.neighbor_const, &cached, sizeof(cached));
	if (!kernel_object_submit(k, CHIM_OP_UPDATE, neighbor_cookie(n), &n->block.block))
		return false;
	n->is_busy = true;
	memcpy(n->mac, mac, sizeof(n->mac));
	k->counters.neighbor_updates++;
	return true;
}

/* Root: the neighbor that is there; below: the path that goes to it (spec 4.3). When it is not
 * there yet, it is brought first. */
bool
kernel_path_relink(struct chim_kernel *k, struct kernel_path *p, struct kernel_neighbor *to)
{
	if (to->life == KERNEL_LIFE_ABSENT) {
		fill_neighbor(k, to);
		if (!kernel_object_submit(
			    k, CHIM_OP_INITIATE, neighbor_cookie(to), &to->block.block))
			return false;
		to->life = KERNEL_LIFE_COMING;
		return false; /* the path stays stale, and is looked at again */
	}
	if (to->life != KERNEL_LIFE_PRESENT || to->is_busy)
		return false;
	chim_bare_block_init(&p->linker, &to->handle);
	chim_bare_block_init(&p->block.block, &p->handle);
	chim_block_add_dependent(&p->linker, &p->block.block);
	if (!kernel_object_submit(k, CHIM_OP_UPDATE, path_cookie(p), &p->linker))
		return false;
	p->is_busy = true;
	p->target = to;
	to->nb_paths++;
	k->counters.relinks++;
	return true;
}

bool
kernel_path_invalidate(struct chim_kernel *k, struct kernel_path *p)
{
	chim_bare_block_init(&p->block.block, &p->handle);
	if (!kernel_object_submit(k, CHIM_OP_INVALIDATE, path_cookie(p), &p->block.block))
		return false;
	p->is_busy = true;
	p->life = KERNEL_LIFE_INVALID;
	k->counters.invalidates++;
	return true;
}

bool
kernel_neighbor_invalidate(struct chim_kernel *k, struct kernel_neighbor *n)
{
	struct kernel_path *p;

	chim_bare_block_init(&n->block.block, &n->handle);
	if (!kernel_object_submit(k, CHIM_OP_INVALIDATE, neighbor_cookie(n), &n->block.block))
		return false;
	n->is_busy = true;
	n->life = KERNEL_LIFE_INVALID;
	TAILQ_FOREACH (p, &k->paths, next) {
		if (p->neighbor == n && p->life == KERNEL_LIFE_PRESENT)
			p->life = KERNEL_LIFE_INVALID;
	}
	k->counters.invalidates++;
	return true;
}

/* ---- the end of them ---- */

static void
path_free(struct chim_kernel *k, struct kernel_path *p)
{
	p->neighbor->nb_paths--;
	p->neighbor->idle_since = k->now;
	TAILQ_REMOVE(&k->paths, p, next);
	rte_free(p);
}

static void
neighbor_free(struct chim_kernel *k, struct kernel_neighbor *n)
{
	TAILQ_REMOVE(&k->neighbors, n, next);
	rte_free(n);
}

static bool
is_due(const struct chim_kernel *k, chim_us_t since, bool all)
{
	return all || k->now - since >= IDLE_US;
}

static void
sweep_path(struct chim_kernel *k, struct kernel_path *p, bool all)
{
	bool is_there = p->life == KERNEL_LIFE_PRESENT || p->life == KERNEL_LIFE_INVALID;

	if (p->nb_conns != 0 || p->is_busy || is_in_transit(p->life))
		return;
	if (p->life != KERNEL_LIFE_INVALID && !is_due(k, p->idle_since, all))
		return;
	if (!is_there) {
		path_free(k, p);
		return;
	}
	chim_bare_block_init(&p->block.block, &p->handle);
	if (kernel_object_submit(k, CHIM_OP_TERMINATE, path_cookie(p), &p->block.block)) {
		p->is_busy = true;
		p->life = KERNEL_LIFE_LEAVING;
	}
}

static void
sweep_neighbor(struct chim_kernel *k, struct kernel_neighbor *n, bool all)
{
	bool is_there = n->life == KERNEL_LIFE_PRESENT || n->life == KERNEL_LIFE_INVALID;

	if (n->nb_paths != 0 || n->is_busy || is_in_transit(n->life))
		return;
	if (n->life != KERNEL_LIFE_INVALID && !is_due(k, n->idle_since, all))
		return;
	if (!is_there) {
		neighbor_free(k, n);
		return;
	}
	chim_bare_block_init(&n->block.block, &n->handle);
	if (kernel_object_submit(k, CHIM_OP_TERMINATE, neighbor_cookie(n), &n->block.block)) {
		n->is_busy = true;
		n->life = KERNEL_LIFE_LEAVING;
	}
}

uint32_t
kernel_objects_sweep(struct chim_kernel *k, bool all)
{
	struct kernel_neighbor *n;
	struct kernel_neighbor *after_n;
	struct kernel_path *p;
	struct kernel_path *after_p;

	for (p = TAILQ_FIRST(&k->paths); p != NULL; p = after_p) {
		after_p = TAILQ_NEXT(p, next);
		sweep_path(k, p, all);
	}
	for (n = TAILQ_FIRST(&k->neighbors); n != NULL; n = after_n) {
		after_n = TAILQ_NEXT(n, next);
		sweep_neighbor(k, n, all);
	}
	return k->nb_object_requests;
}

void
kernel_objects_free(struct chim_kernel *k)
{
	while (!TAILQ_EMPTY(&k->paths))
		path_free(k, TAILQ_FIRST(&k->paths));
	while (!TAILQ_EMPTY(&k->neighbors))
		neighbor_free(k, TAILQ_FIRST(&k->neighbors));
}

static void
on_path(struct chim_kernel *k, struct kernel_path *p, const struct chim_completion *c)
{
	bool is_ok = c->status == CHIM_STATUS_SUCCESS;

	p->is_busy = false;
	if (c->op == CHIM_OP_UPDATE && !is_ok)
		p->is_stale = p->is_wrong = true;
	if (p->target != NULL) {
		struct kernel_neighbor *loser = is_ok ? p->neighbor : p->target;

		if (is_ok) {
			p->neighbor = p->target;
			p->vlan_id = p->target->vlan_id;
		}
		loser->nb_paths--;
		loser->idle_since = k->now;
		p->target = NULL;
	}
	if (p->life == KERNEL_LIFE_LEAVING && is_ok)
		path_free(k, p);
	else if (p->life == KERNEL_LIFE_LEAVING)
		p->life = KERNEL_LIFE_INVALID;
}

static void
on_neighbor(struct chim_kernel *k, struct kernel_neighbor *n, const struct chim_completion *c)
{
	n->is_busy = false;
	if (c->op == CHIM_OP_UPDATE && c->status != CHIM_STATUS_SUCCESS)
		n->is_stale = n->is_wrong = true;
	if (c->op == CHIM_OP_QUERY && c->status == CHIM_STATUS_SUCCESS)
		kernel_reach_confirm(k, n);
	if (c->op == CHIM_OP_INITIATE)
		n->life = n->handle != CHIM_HANDLE_NONE ? KERNEL_LIFE_PRESENT : KERNEL_LIFE_ABSENT;
	if (n->life == KERNEL_LIFE_LEAVING && c->status == CHIM_STATUS_SUCCESS)
		neighbor_free(k, n);
	else if (n->life == KERNEL_LIFE_LEAVING)
		n->life = KERNEL_LIFE_INVALID;
}

void
kernel_objects_on_completion(struct chim_kernel *k, const struct chim_completion *c)
{
	uint32_t kind = (uint32_t)(c->cookie >> 56);
	uint32_t id = (uint32_t)c->cookie;
	struct kernel_neighbor *n;
	struct kernel_path *p;

	k->nb_object_requests--;
	if (c->status != CHIM_STATUS_SUCCESS)
		CHIM_LOG(KERNEL, WARNING, "%s of a %s: %s, %s", chim_op_name(c->op),
			kind == KERNEL_COOKIE_PATH ? "path" : "neighbor",
			chim_status_name(c->status), chim_reason_text(c->reason));
	if (kind == KERNEL_COOKIE_PATH) {
		TAILQ_FOREACH (p, &k->paths, next) {
			if (p->id == id) {
				on_path(k, p, c);
				return;
			}
		}
		return;
	}
	TAILQ_FOREACH (n, &k->neighbors, next) {
		if (n->id == id) {
			on_neighbor(k, n, c);
			return;
		}
	}
}
