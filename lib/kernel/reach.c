/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Reachability of neighbors, both ways (spec 8.1).
 *
 * The engine asks when it has seen no forward progress for long: it is told
 * what the kernel knows, and an entry the kernel is in doubt about is probed.
 *
 * The kernel sees no segment of an offloaded connection, so its entry grows
 * stale although the neighbor answers all the time. Once a second, for each
 * entry it is in doubt about, the engine is asked for its last forward
 * progress, and a recent one confirms the entry: never an address, never an
 * entry that the administrator has made permanent, and its flags stay.
 */
#include <string.h>

#include <linux/neighbour.h>

#include "kernel_internal.h"

#define NUD_DOUBTFUL (NUD_STALE | NUD_DELAY | NUD_PROBE)
#define NUD_SURE     (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)
#define FRESH_MS     5000u /* DELAY_FIRST_PROBE_TIME, RFC 4861 7.3.3 and 10 */

static int
ask_kernel(struct chim_kernel *k, const struct kernel_neighbor *n, struct kernel_neigh *now)
{
	return kernel_resolve_neighbor(&k->nl, n->ifindex, n->family, n->addr, now);
}

/* ---- the engine asks ---- */

void
kernel_reach_answer(struct chim_kernel *k, const struct chim_completion *c)
{
	struct chim_io io = { .op = CHIM_IO_REACHABILITY, .handle = c->neighbor.handle };
	struct kernel_neighbor *n;
	struct kernel_neigh now;

	TAILQ_FOREACH (n, &k->neighbors, next) {
		if (n->id == c->neighbor.offload_handle)
			break;
	}
	if (n == NULL || ask_kernel(k, n, &now) != 0) {
		(void)chim_host_post(k->host, &io);
		return;
	}
	if ((now.state & NUD_SURE) != 0)
		io.bytes = now.state == NUD_REACHABLE ? RTE_MAX(now.confirmed_ms, 1u) : 1;
	else if ((now.state & NUD_DOUBTFUL) != 0)
		(void)kernel_neighbor_probe(&k->nl, n->ifindex, n->family, n->addr);
	(void)chim_host_post(k->host, &io);
}

/* ---- the kernel is told ---- */

static bool
may_confirm(const struct kernel_neigh *now, const struct kernel_neighbor *n)
{
	return (now->state & NUD_DOUBTFUL) != 0 && (now->state & NUD_SURE) == 0 &&
		!now->is_managed && now->has_mac && memcmp(now->mac, n->mac, sizeof(n->mac)) == 0;
}

static void
query(struct chim_kernel *k, struct kernel_neighbor *n)
{
	struct chim_neighbor_delegated d = { .header.length = sizeof(d) };

	chim_bare_block_init(&n->block.block, &n->handle);
	n->block.block.header.type = CHIM_STATE_NEIGHBOR_DELEGATED;
	memcpy(&n->block.neighbor_const, &d, sizeof(d)); /* it follows the block */
	n->is_busy = kernel_object_submit(
		k, CHIM_OP_QUERY, kernel_cookie(KERNEL_COOKIE_NEIGHBOR, 0, n->id), &n->block.block);
}

void
kernel_reach_look(struct chim_kernel *k)
{
	struct kernel_neighbor *n;
	struct kernel_neigh now;

	TAILQ_FOREACH (n, &k->neighbors, next) {
		if (n->life != KERNEL_LIFE_PRESENT || n->is_busy || n->nb_paths == 0)
			continue;
		if (ask_kernel(k, n, &now) == 0 && may_confirm(&now, n))
			query(k, n);
	}
}

void
kernel_reach_confirm(struct chim_kernel *k, struct kernel_neighbor *n)
{
	struct chim_neighbor_delegated d;
	struct kernel_neigh now;

	memcpy(&d, &n->block.neighbor_const, sizeof(d));
	if (d.nic_reachability_delta > FRESH_MS || n->life != KERNEL_LIFE_PRESENT)
		return;
	/* What it is now: it may have become permanent, or another's, since it was asked. */
	if (ask_kernel(k, n, &now) != 0 || !may_confirm(&now, n))
		return;
	if (kernel_neighbor_confirm(&k->nl, n->ifindex, n->family, n->addr, now.flags) == 0)
		k->counters.confirmations++;
}
