/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Frames between workers. A frame is a miss only after the worker that
 * steering names has looked it up; whoever read it otherwise passes it on, in
 * order, through the mailbox the two share. Frames to send go the same way to
 * the worker that has the queue. Called by the sources and by ports.c.
 *
 * An mbuf's alignment leaves the low bits of its address to say what it is.
 */
#include "worker.h"

#define KIND_MASK  0x3u
#define PORT_SHIFT 2u
#define TAG_MASK   0x3Fu

_Static_assert(CHIM_MAX_PORTS <= 8, "a port number must fit beside the kind");
_Static_assert(RTE_CACHE_LINE_MIN_SIZE > TAG_MASK, "mbufs are aligned to more than the tag");

bool
dp_parcel_put(
	struct chim_worker *w, uint32_t to, enum dp_parcel kind, uint16_t port, struct rte_mbuf *m)
{
	void *parcel = (void *)((uintptr_t)m | (uintptr_t)port << PORT_SHIFT | kind);

	return chim_box_put(w->to_worker[to], &parcel, 1) == 1;
}

static uint32_t
owner_of(const struct chim_worker *w, const struct chim_burst *b, uint16_t i)
{
	struct chim_tuple tuple;

	chim_wire_tuple(&b->key[i], (b->seg[i].info & CHIM_SEG_IP6) != 0, &tuple);
	return chim_port_steer(w->ports[b->port_number].port, w->nb_workers, &tuple);
}

void
dp_handoff_put(
	struct chim_worker *w, uint32_t to, enum dp_parcel kind, uint16_t port, struct rte_mbuf *m)
{
	if (dp_parcel_put(w, to, kind, port, m)) {
		w->counters.handed_over++;
		return;
	}
	if (kind == DP_PARCEL_KERNEL_RX)
		w->counters.kernel_why[CHIM_WHY_HANDOFF_NO_ROOM]++;
	else
		w->counters.why[CHIM_WHY_HANDOFF_NO_ROOM]++;
	chim_row_put(&w->row, m);
}

bool
dp_handoff_owned(struct chim_worker *w, struct chim_burst *b, uint16_t i, enum dp_parcel kind)
{
	uint32_t owner;

	if ((b->seg[i].info & CHIM_SEG_LOOKUP) == 0)
		return false;
	owner = owner_of(w, b, i);
	if (owner == w->id)
		return false;
	dp_handoff_put(w, owner, kind, b->port_number, b->m[i]);
	return true;
}

void
dp_handoff_astray(struct chim_worker *w, struct chim_burst *b)
{
	uint16_t left = 0;

	for (uint16_t i = 0; i < b->nb; i++) {
		uint32_t wrong = w->id;

		if ((b->seg[i].info & CHIM_SEG_LOOKUP) != 0)
			wrong = (owner_of(w, b, i) + 1) % w->nb_workers;
		if (wrong != w->id) {
			dp_handoff_put(w, wrong, DP_PARCEL_RX, b->port_number, b->m[i]);
			continue;
		}
		b->m[left] = b->m[i];
		b->seg[left] = b->seg[i];
		b->key[left] = b->key[i];
		left++;
	}
	b->nb = left;
}

/* Frames to send come back to the one that has the queue; never more than its vector holds. */
static void
take_to_send(struct chim_worker *w, struct dp_port *p, enum dp_parcel kind, struct rte_mbuf *m)
{
	if (kind == DP_PARCEL_TX && dp_wire_room(w, p, 1) != 0)
		chim_txq_put(&p->wire, m);
	else if (kind == DP_PARCEL_KERNEL_TX && dp_kernel_room(w, p, 1) != 0)
		chim_txq_put(&p->kernel, m);
	else
		dp_drop(w, m,
			kind == DP_PARCEL_TX ? CHIM_WHY_HANDOFF_NO_ROOM : CHIM_WHY_PUNT_NO_ROOM);
}

static void
run_burst(struct chim_worker *w, enum dp_parcel kind, uint32_t from)
{
	struct chim_burst *b = &w->burst;

	if (b->nb == 0)
		return;
	if (kind == DP_PARCEL_RX) {
		chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
		dp_receive_parsed(w, b);
	} else {
		dp_kernel_burst(w, b, from);
	}
	b->nb = 0;
}

/* Consecutive frames of one kind and port make a burst. */
static void
open_parcels(struct chim_worker *w, uint32_t from, void *const *parcel, uint32_t nb)
{
	struct chim_burst *b = &w->burst;
	enum dp_parcel open = DP_PARCEL_RX;

	b->nb = 0;
	for (uint32_t i = 0; i < nb; i++) {
		enum dp_parcel kind = (uintptr_t)parcel[i] & KIND_MASK;
		uint16_t port = (uint16_t)(((uintptr_t)parcel[i] & TAG_MASK) >> PORT_SHIFT);
		struct rte_mbuf *m = (void *)((uintptr_t)parcel[i] & ~(uintptr_t)TAG_MASK);

		if (kind == DP_PARCEL_TX || kind == DP_PARCEL_KERNEL_TX) {
			take_to_send(w, &w->ports[port], kind, m);
			continue;
		}
		if (b->nb == CHIM_BURST || kind != open || port != b->port_number)
			run_burst(w, open, from);
		open = kind;
		b->port_number = port;
		b->m[b->nb++] = m;
	}
	run_burst(w, open, from);
}

/* Frames to send need room here, or they would be lost behind a full device. */
static uint32_t
parcel_budget(struct chim_worker *w)
{
	uint32_t budget = DP_PARCELS;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		if (w->ports[i].has_wire_queue)
			budget = RTE_MIN(budget, dp_wire_room(w, &w->ports[i], DP_PARCELS));
	}
	return budget;
}

uint32_t
dp_parcels(struct chim_worker *w)
{
	void *parcel[DP_PARCELS];
	uint32_t done = 0;

	for (uint32_t i = 0; i < w->nb_workers; i++) {
		uint32_t nb;

		if (w->from_worker[i] == NULL)
			continue;
		nb = chim_box_take(w->from_worker[i], parcel, parcel_budget(w));
		open_parcels(w, i, parcel, nb);
		done += nb;
	}
	return done;
}
