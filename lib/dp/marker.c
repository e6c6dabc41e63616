/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Markers: the barrier of a seal (chim_request.h). The kernel may spread what
 * it sends over all queues of the exception port, so one marker in one queue
 * proves nothing of the others. Whoever reads a marker passes it on; every
 * worker with a queue then empties its own and passes it on in turn. What it
 * read before has gone to the flow's owner by the same mailbox, ahead of the
 * marker; the owner seals when it has heard of all queues.
 *
 * Markers are remembered for a moment: the frame may be faster than the SEAL
 * that names it. Not for longer, because a host that starts again may count
 * its markers anew. Called by kernel.c and, for SEAL, by flowcmd.c.
 */
#include "worker.h"

bool
dp_marker_read(const struct rte_mbuf *m, uint64_t *marker)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(eth + 1);
	uint32_t at = sizeof(*eth);
	rte_be16_t type;
	rte_be64_t value;

	if (rte_pktmbuf_data_len(m) < at + sizeof(*tag) + sizeof(value))
		return false;
	type = eth->ether_type;
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		type = tag->eth_proto;
		at += sizeof(*tag);
	}
	if (type != RTE_BE16(CHIM_MARKER_ETHERTYPE))
		return false;
	memcpy(&value, rte_pktmbuf_mtod_offset(m, const void *, at), sizeof(value));
	*marker = rte_be_to_cpu_64(value);
	return true;
}

static uint64_t
bit_of(uint32_t worker)
{
	return (uint64_t)1 << worker;
}

static struct dp_marker *
slot_of(struct chim_worker *w, uint64_t marker)
{
	for (uint32_t i = 0; i < DP_MARKERS; i++) {
		if (w->markers[i].marker == marker && w->markers[i].read_by != 0)
			return &w->markers[i];
	}
	return NULL;
}

/* What is known of a marker; the oldest one makes room for a new one. */
static struct dp_marker *
recall(struct chim_worker *w, uint64_t marker)
{
	struct dp_marker *known = slot_of(w, marker);

	if (known != NULL && w->env.now_us - known->first_us <= DP_MARKER_US)
		return known;
	if (known == NULL)
		known = &w->markers[w->next_marker++ % DP_MARKERS];
	known->marker = marker;
	known->read_by = 0;
	known->first_us = w->env.now_us;
	return known;
}

/* One marker may stand behind several flows. */
static bool
seal_if_read(struct chim_worker *w, const struct dp_marker *known)
{
	struct dp_hold *next;
	bool is_awaited = false;

	for (struct dp_hold *hold = TAILQ_FIRST(&w->sealing); hold != NULL; hold = next) {
		next = TAILQ_NEXT(hold, sealing);
		if (hold->marker != known->marker)
			continue;
		is_awaited = true;
		hold->seal_left &= ~known->read_by;
		if (hold->seal_left != 0)
			continue;
		hold->is_sealed = 1;
		dp_seal_answer(w, hold, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
	}
	return is_awaited;
}

uint64_t
dp_marker_queues(const struct chim_worker *w, uint16_t port)
{
	const struct dp_port *p = &w->ports[port];
	uint64_t mask = 0;

	for (uint32_t i = 0; i < w->nb_workers; i++) {
		if (p->has_exception && i < p->port->nb_exception_queues)
			mask |= bit_of(i);
	}
	return mask;
}

uint64_t
dp_marker_read_by(struct chim_worker *w, uint64_t marker)
{
	return recall(w, marker)->read_by;
}

/* This worker's own queue is read up to the marker: the others may know. */
static void
pass_on(struct chim_worker *w, uint16_t port, struct rte_mbuf *m)
{
	for (uint32_t i = 0; i < w->nb_workers; i++) {
		if (i == w->id)
			continue;
		rte_mbuf_refcnt_update(m, 1);
		dp_handoff_put(w, i, DP_PARCEL_KERNEL_RX, port, m);
	}
	chim_row_put(&w->row, m);
}

/* Wait until this worker's own queue is empty; several rounds of one marker are one. */
static void
wait_for_queue(struct chim_worker *w, uint64_t marker, uint16_t port, struct rte_mbuf *m)
{
	bool is_known = w->nb_fences == DP_MARKERS;

	for (uint32_t i = 0; i < w->nb_fences; i++)
		is_known |= w->fences[i].marker == marker;
	if (is_known) {
		chim_row_put(&w->row, m);
		return;
	}
	w->fences[w->nb_fences++] =
		(struct dp_fence){ .marker = marker, .port_number = port, .m = m };
}

void
dp_marker_take(struct chim_worker *w, uint16_t port, struct rte_mbuf *m, uint32_t from)
{
	struct dp_marker *known;
	uint64_t marker = 0;
	bool is_awaited;

	dp_marker_read(m, &marker);
	known = recall(w, marker);
	known->read_by |= bit_of(from);
	is_awaited = seal_if_read(w, known);
	if (from == w->id) {
		w->counters.kernel_why[is_awaited || w->nb_workers > 1 ? CHIM_WHY_MARKER
								       : CHIM_WHY_MARKER_UNKNOWN]++;
		pass_on(w, port, m);
	} else if (w->ports[port].has_kernel_queue && (known->read_by & bit_of(w->id)) == 0) {
		wait_for_queue(w, marker, port, m);
	} else {
		chim_row_put(&w->row, m);
	}
}

void
dp_marker_queue_empty(struct chim_worker *w, uint16_t port)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < w->nb_fences; i++) {
		struct dp_fence fence = w->fences[i];
		struct dp_marker *known;

		if (fence.port_number != port) {
			w->fences[left++] = fence;
			continue;
		}
		known = recall(w, fence.marker);
		known->read_by |= bit_of(w->id);
		seal_if_read(w, known);
		pass_on(w, port, fence.m);
	}
	w->nb_fences = left;
}
