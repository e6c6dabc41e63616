/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 4: frames that the host's kernel wants to send. They are classified
 * and looked up too: those of an offloaded connection are dropped (the engine
 * speaks for it), those of a held flow are recorded and go out, those of a
 * sealed one are dropped, markers end a seal; everything else goes to the wire
 * untouched. With no flow at all the look-up is skipped.
 *
 * The budget, and the room left alone in the wire's vector, are what keeps a
 * flood here from starving the wire; frames not taken wait in the device.
 */
#include <rte_ethdev.h>

#include "worker.h"

#define MARKER_OFF RTE_ETHER_HDR_LEN

static bool
read_marker(const struct rte_mbuf *m, uint64_t *marker)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	rte_be64_t value;

	if (rte_pktmbuf_data_len(m) < MARKER_OFF + sizeof(value))
		return false;
	if (eth->ether_type != rte_cpu_to_be_16(CHIM_MARKER_ETHERTYPE))
		return false;
	memcpy(&value, rte_pktmbuf_mtod_offset(m, const void *, MARKER_OFF), sizeof(value));
	*marker = rte_be_to_cpu_64(value);
	return true;
}

static void
drop(struct chim_worker *w, struct rte_mbuf *m, enum chim_why why)
{
	w->counters.kernel_why[why]++;
	chim_row_put(&w->row, m);
}

static void
take_marker(struct chim_worker *w, uint16_t port, struct rte_mbuf *m, bool is_first)
{
	uint64_t marker = 0;

	read_marker(m, &marker);
	if (dp_seal_marker(w, marker)) {
		drop(w, m, CHIM_WHY_MARKER);
	} else if (is_first && w->nb_workers > 1) {
		w->counters.kernel_why[CHIM_WHY_MARKER]++;
		dp_handoff_marker(w, port, m);
	} else {
		drop(w, m, CHIM_WHY_MARKER_UNKNOWN);
	}
}

/* Markers leave the burst in their place in the order: frames before one have passed already. */
static uint16_t
frames_before_marker(const struct chim_burst *b, uint16_t from)
{
	uint64_t marker;
	uint16_t i = from;

	while (i < b->nb && !read_marker(b->m[i], &marker))
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
dp_kernel_burst(struct chim_worker *w, struct chim_burst *b, bool is_first)
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
			take_marker(w, b->port_number, b->m[to], is_first);
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

		n = RTE_MIN(n, room > DP_KERNEL_RESERVE ? room - DP_KERNEL_RESERVE : 0u);
		if (n == 0)
			break;
		b->port_number = p->port->port_number;
		b->nb = rte_eth_rx_burst(p->port->exception_id, (uint16_t)w->id, b->m, n);
		if (b->nb == 0)
			break;
		w->counters.kernel_rx_frames += b->nb;
		done += b->nb;
		left -= b->nb;
		dp_kernel_burst(w, b, true);
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
