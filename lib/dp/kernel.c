/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 4: frames that the host's kernel wants to send. They are classified
 * and looked up too: those of an offloaded connection are dropped (the engine
 * speaks for it), those of a held flow are recorded and go out, those of a
 * sealed one are dropped, markers end a seal; everything else goes to the wire
 * untouched. A reset of a held flow is dropped as well: in the instant between
 * a socket and its placeholder the kernel takes what reaches it for a stranger's,
 * and the peer must not hear of that. With no flow at all the look-up is skipped.
 *
 * The budget, and the room left alone in the wire's vector, are what keeps a
 * flood here from starving the wire; frames not taken wait in the device.
 */
#include <rte_ethdev.h>

#include "worker.h"

static void
drop(struct chim_worker *w, struct rte_mbuf *m, enum chim_why why)
{
	w->counters.kernel_why[why]++;
	chim_row_put(&w->row, m);
}

/* Markers leave the burst in their place in the order: frames before one have passed already. */
static uint16_t
frames_before_marker(const struct chim_burst *b, uint16_t from)
{
	uint64_t marker;
	uint16_t i = from;

	while (i < b->nb && !dp_marker_read(b->m[i], &marker))
		i++;
	return i;
}

static void
pass_one(struct chim_worker *w, struct chim_burst *b, uint16_t i)
{
	struct chim_seg *seg = &b->seg[i];
	struct dp_hold *hold = dp_flow_hold(b->flow[i]);
	struct rte_mbuf *m = b->m[i];

	/* ICMP that quotes a flow is the kernel's own word, not the connection's. */
	if (b->flow[i] != NULL && seg->why == CHIM_WHY_NOT_TCP) {
		hold = NULL;
	} else if (b->flow[i] != NULL && hold == NULL) {
		drop(w, m, CHIM_WHY_KERNEL_OF_OFFLOADED);
		return;
	}
	if (hold != NULL && hold->is_sealed && hold->state == DP_HOLD_ACTIVE) {
		drop(w, m, CHIM_WHY_KERNEL_SEALED);
		return;
	}
	if (hold != NULL && (seg->flags & CHIM_RST) != 0 && hold->state == DP_HOLD_ACTIVE) {
		drop(w, m, CHIM_WHY_KERNEL_RESET);
		return;
	}
	if (hold != NULL)
		dp_hold_record(hold, seg);
	w->counters.kernel_why[seg->why]++;
	dp_pass(w, b->port_number, m);
}

static void
run_frames(struct chim_worker *w, struct chim_burst *b)
{
	if (chim_flow_count(w->flow) == 0 && w->nb_workers == 1) {
		for (uint16_t i = 0; i < b->nb; i++)
			dp_pass(w, b->port_number, b->m[i]);
		return;
	}
	chim_wire_parse_burst(b, CHIM_SIDE_KERNEL);
	chim_flow_lookup_burst(w->flow, b);
	for (uint16_t i = 0; i < b->nb; i++) {
		if (b->flow[i] == NULL && dp_handoff(w, b, i, DP_PARCEL_KERNEL_RX))
			continue;
		pass_one(w, b, i);
	}
}

void
dp_kernel_burst(struct chim_worker *w, struct chim_burst *b, uint32_t from_worker)
{
	struct chim_burst *part = &w->replay;
	uint16_t from = 0;

	part->port_number = b->port_number;
	while (from < b->nb) {
		uint16_t to = frames_before_marker(b, from);

		part->nb = (uint16_t)(to - from);
		for (uint16_t i = 0; i < part->nb; i++)
			part->m[i] = b->m[from + i];
		if (part->nb != 0)
			run_frames(w, part);
		if (to < b->nb)
			dp_marker_take(w, b->port_number, b->m[to], from_worker);
		from = (uint16_t)(to + 1);
	}
}

static uint32_t
kernel_port(struct chim_worker *w, struct dp_port *p)
{
	struct chim_burst *b = &w->burst;
	uint32_t left = w->kernel_budget;
	uint32_t done = 0;

	while (left != 0) {
		uint16_t room = dp_wire_room(w, p, DP_KERNEL_RESERVE + CHIM_BURST);
		uint16_t n = (uint16_t)RTE_MIN(left, CHIM_BURST);
		uint16_t nb;

		n = RTE_MIN(n, room > DP_KERNEL_RESERVE ? room - DP_KERNEL_RESERVE : 0u);
		if (n == 0)
			break;
		b->port_number = p->port->port_number;
		nb = rte_eth_rx_burst(p->port->exception_id, (uint16_t)w->id, b->m, n);
		b->nb = nb;
		w->counters.kernel_rx_frames += nb;
		done += nb;
		left -= nb;
		dp_kernel_burst(w, b, w->id);
		if (nb < n) {
			dp_marker_queue_empty(w, b->port_number);
			break;
		}
	}
	return done;
}

uint32_t
dp_kernel(struct chim_worker *w)
{
	uint32_t done = 0;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		if (w->ports[i].has_kernel_queue)
			done += kernel_port(w, &w->ports[i]);
	}
	return done;
}
