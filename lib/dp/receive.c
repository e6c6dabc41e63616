/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 2: what the wire brings. rx -> classify -> look up -> input, one
 * function and one loop for each stage; what is not an offloaded connection's
 * plain segment leaves here: kept by a hold, handed to the worker that
 * steering names, or punted with its reason.
 */
#include <rte_ethdev.h>

#include "worker.h"

/* Spec 11.3: a neighbor with a VLAN takes only frames with that tag. */
static bool
is_vlan_ok(
	const struct chim_worker *w, const struct chim_conn_head *head, const struct chim_seg *seg)
{
	uint16_t vlan;

	if (w->nb_vlans == 0)
		return true;
	vlan = dp_neighbor_of(w, head)->vlan_id;
	if (vlan == 0)
		return true;
	return (seg->info & CHIM_SEG_VLAN) != 0 && (seg->vlan & 0xFFFu) == vlan;
}

/* RFC 5927: the engine believes an ICMP error only if what it quotes is in flight. */
static void
take_icmp(struct chim_worker *w, struct chim_conn *c, const struct rte_mbuf *m,
	const struct chim_seg *seg)
{
	struct chim_icmp_quote quote;

	if (!chim_wire_parse_icmp_quote(m, seg, &quote))
		return;
	chim_tcp_icmp(c, &quote, &w->env);
	dp_touch(w, c);
}

/* A frame that names an offloaded connection, but is not a plain segment of it. */
static void
punt_exception(
	struct chim_worker *w, struct chim_conn *c, struct rte_mbuf *m, const struct chim_seg *seg)
{
	enum chim_why why = seg->why;

	if (why == CHIM_WHY_NOT_TCP) {
		take_icmp(w, c, m, seg);
		why = CHIM_WHY_ICMP_FLOW;
	}
	dp_punt(w, dp_neighbor_of(w, chim_tcp_head(c))->port_number, m, why);
}

void
dp_receive_input(
	struct chim_worker *w, struct chim_conn *c, struct rte_mbuf *m, struct chim_seg *seg)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	enum chim_verdict verdict;

	if (seg->why != CHIM_WHY_NONE) {
		punt_exception(w, c, m, seg);
		return;
	}
	if (!is_vlan_ok(w, head, seg)) {
		dp_drop(w, m, CHIM_WHY_VLAN);
		return;
	}
	w->counters.segments++;
	verdict = chim_tcp_input(c, m, seg, &w->env);
	dp_touch(w, c);
	if (verdict == CHIM_VERDICT_PUNT) {
		dp_punt(w, dp_neighbor_of(w, head)->port_number, m, seg->why);
		return;
	}
	w->counters.why[seg->why]++;
	if (verdict == CHIM_VERDICT_FREE)
		chim_row_put(&w->row, m);
}

/* Frames without a flow: another worker's, or the kernel's. The rest moves up. */
static void
take_misses(struct chim_worker *w, struct chim_burst *b, uint16_t *hit, uint16_t *nb_hit)
{
	*nb_hit = 0;
	for (uint16_t i = 0; i < b->nb; i++) {
		enum chim_why why = b->seg[i].why;

		if (b->flow[i] != NULL) {
			hit[(*nb_hit)++] = i;
			continue;
		}
		if (dp_handoff(w, b, i, DP_PARCEL_RX))
			continue;
		dp_punt(w, b->port_number, b->m[i], why == CHIM_WHY_NONE ? CHIM_WHY_MISS : why);
	}
}

/* What the flow of a frame points to, when it is a connection. */
static void
warm(const struct chim_worker *w, struct chim_conn *c, uint32_t step)
{
	if (dp_flow_hold(c) != NULL)
		return;
	if (step == 1)
		rte_prefetch0(dp_side(w, c));
	chim_tcp_warm(c, step);
}

static void
input_hits(struct chim_worker *w, struct chim_burst *b, const uint16_t *hit, uint16_t nb_hit)
{
	int ahead = w->conns->nb_used > DP_CROWD ? CHIM_AHEAD : 0;

	/* The look-up has asked for the connections' own lines. */
	for (int k = -2 * ahead; k < nb_hit; k++) {
		if (ahead != 0 && k + 2 * ahead < nb_hit)
			warm(w, b->flow[hit[k + 2 * ahead]], 1);
		if (ahead != 0 && k + ahead >= 0 && k + ahead < nb_hit)
			warm(w, b->flow[hit[k + ahead]], 2);
		if (k < 0)
			continue;
		uint16_t i = hit[k];
		struct dp_hold *hold = dp_flow_hold(b->flow[i]);

		if (hold == NULL)
			dp_receive_input(w, b->flow[i], b->m[i], &b->seg[i]);
		else
			dp_hold_keep(w, hold, b->m[i], &b->seg[i]);
	}
}

/* Counting them costs as much as a segment: not for each frame, until they have become few. */
static void
look_at_buffers(struct chim_worker *w, const struct chim_burst *b)
{
	const struct rte_mempool *pool;
	uint32_t free;

	w->rx_unseen += b->nb;
	if (b->nb == 0 || (w->env.buffers == CHIM_TCP_BUFFERS_ENOUGH && w->rx_unseen < DP_BUFFERS))
		return;
	w->rx_unseen = 0;
	pool = b->m[0]->pool;
	free = rte_mempool_avail_count(pool);
	if (free > pool->size / 4)
		w->env.buffers = CHIM_TCP_BUFFERS_ENOUGH;
	else if (free > pool->size / 8)
		w->env.buffers = CHIM_TCP_BUFFERS_FEW;
	else
		w->env.buffers = CHIM_TCP_BUFFERS_LAST;
}

void
dp_receive_parsed(struct chim_worker *w, struct chim_burst *b)
{
	uint16_t hit[CHIM_BURST];
	uint16_t nb_hit;

	look_at_buffers(w, b);
	chim_flow_lookup_burst(w->flow, b);
	take_misses(w, b, hit, &nb_hit);
	input_hits(w, b, hit, nb_hit);
}

static uint32_t
receive_port(struct chim_worker *w, struct dp_port *p)
{
	struct chim_burst *b = &w->burst;
	uint64_t bytes = 0;
	uint32_t nb;

	b->port_number = p->port->port_number;
	b->nb = rte_eth_rx_burst(p->port->wire_id, (uint16_t)w->id, b->m, CHIM_BURST);
	if (b->nb == 0)
		return 0;
	nb = b->nb;
	for (uint16_t i = 0; i < b->nb; i++)
		bytes += rte_pktmbuf_pkt_len(b->m[i]);
	w->counters.rx_frames += nb;
	w->counters.rx_bytes += bytes;
	chim_wire_parse_burst(b, CHIM_SIDE_WIRE);
	if (w->deliver_to_wrong_worker && w->nb_workers > 1)
		dp_handoff_astray(w, b);
	dp_receive_parsed(w, b);
	return nb;
}

uint32_t
dp_receive(struct chim_worker *w)
{
	uint32_t done = dp_parcels(w);

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		if (w->ports[i].has_wire_queue)
			done += receive_port(w, &w->ports[i]);
	}
	return done;
}
