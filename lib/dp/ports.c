/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A worker's transmit vectors: one towards the wire and one towards the
 * kernel for each port, and the ends a frame can come to (punt, pass, drop),
 * each with its reason counted.
 *
 * A worker without a queue of its own (a device with one queue pair) fills its
 * vectors all the same; flushing then passes the frames to the worker that
 * has the queue.
 */
#include <string.h>

#include <rte_ethdev.h>

#include "worker.h"

#define L2_MAX (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)

/* The worker that owns the only queue pair of a device that has just one. */
#define QUEUE_KEEPER 0u

static int
init_port(struct chim_worker *w, struct dp_port *p, const struct chim_port *port)
{
	p->port = port;
	p->has_exception = port->exception_id != RTE_MAX_ETHPORTS;
	p->has_wire_queue = w->id < port->nb_queues;
	p->has_kernel_queue = p->has_exception && w->id < port->nb_exception_queues;
	p->max_wire_len = port->mtu + L2_MAX;
	p->max_kernel_len = port->exception_mtu + L2_MAX;
	p->waiting = (struct dp_queue){ CHIM_SLAB_NONE, CHIM_SLAB_NONE };
	if (port->port_number >= CHIM_MAX_PORTS || port->nb_queues == 0)
		return -EINVAL;
	if (p->has_exception && port->nb_exception_queues == 0)
		return -EINVAL;
	if (!p->has_wire_queue && w->to_worker[QUEUE_KEEPER] == NULL)
		return -EINVAL;
	chim_txq_init(&p->wire, port->wire_id, (uint16_t)w->id);
	if (p->has_exception)
		chim_txq_init(&p->kernel, port->exception_id, (uint16_t)w->id);
	return 0;
}

/* 0 is no limit. */
static void
keep_smaller(uint16_t *limit, uint16_t of_port)
{
	if (of_port != 0)
		*limit = RTE_MIN(*limit, of_port);
}

int
dp_ports_init(struct chim_worker *w, const struct chim_dp_config *cfg)
{
	struct chim_tcp_config *t = &w->tcp;
	uint32_t offloads = UINT32_MAX;
	int rc;

	t->tx_frame_mbufs = UINT16_MAX;
	t->tx_seg_mbufs = UINT16_MAX;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		if (cfg->port[i] == NULL)
			continue;
		rc = init_port(w, &w->ports[i], cfg->port[i]);
		if (rc != 0)
			return rc;
		offloads &= cfg->port[i]->tx_offloads;
		keep_smaller(&t->tx_frame_mbufs, cfg->port[i]->tx_frame_mbufs);
		keep_smaller(&t->tx_seg_mbufs, cfg->port[i]->tx_seg_mbufs);
	}
	/* One engine configuration for all ports: what every one of them can do. */
	t->tx_offloads = offloads == UINT32_MAX ? 0 : offloads;
	return 0;
}

/* The worker that has the queue takes them over; what its mailbox has no room for stays. */
static void
relay(struct chim_worker *w, struct dp_port *p, struct chim_txq *q, enum dp_parcel kind)
{
	uint16_t i = 0;

	while (i < q->nb && dp_parcel_put(w, QUEUE_KEEPER, kind, p->port->port_number, q->m[i]))
		i++;
	p->relayed += i;
	q->nb = (uint16_t)(q->nb - i);
	memmove(q->m, q->m + i, q->nb * sizeof(q->m[0]));
}

static void
flush_wire(struct chim_worker *w, struct dp_port *p)
{
	if (p->wire.nb == 0)
		return;
	if (p->has_wire_queue)
		chim_txq_flush(&p->wire);
	else
		relay(w, p, &p->wire, DP_PARCEL_TX);
}

static void
flush_kernel(struct chim_worker *w, struct dp_port *p)
{
	if (p->kernel.nb == 0)
		return;
	if (p->has_kernel_queue)
		chim_txq_flush(&p->kernel);
	else
		relay(w, p, &p->kernel, DP_PARCEL_KERNEL_TX);
}

uint16_t
dp_wire_make_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted)
{
	if (chim_txq_room(&p->wire) < wanted && !p->is_wire_stuck) {
		flush_wire(w, p);
		p->is_wire_stuck = p->wire.nb != 0;
	}
	return chim_txq_room(&p->wire);
}

uint16_t
dp_kernel_make_room(struct chim_worker *w, struct dp_port *p, uint16_t wanted)
{
	if (!p->has_exception)
		return 0;
	if (chim_txq_room(&p->kernel) < wanted)
		flush_kernel(w, p);
	return chim_txq_room(&p->kernel);
}

void
dp_drop(struct chim_worker *w, struct rte_mbuf *m, enum chim_why why)
{
	w->counters.why[why]++;
	chim_row_put(&w->row, m);
}

static bool
has_tag_beside(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
}

static bool
has_open_checksum(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
}

/* What the port it came by has said of it, the one it leaves by need not know. */
static void
strip(struct rte_mbuf *m)
{
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
}

/*
 * A device with checksum offload leaves them open, and one that takes tags out leaves them beside
 * the frame; the device it leaves by may do neither. @return false when there is no room for a tag.
 */
static bool
complete(struct rte_mbuf *m)
{
	if (has_tag_beside(m) && rte_vlan_insert(&m) != 0)
		return false;
	if (has_open_checksum(m))
		chim_wire_fix_checksums(m);
	strip(m);
	return true;
}

static __rte_noinline void
punt_with_care(struct chim_worker *w, struct dp_port *p, struct rte_mbuf *m)
{
	/* A frame the device can never take would stand before all others for ever. */
	if (rte_pktmbuf_pkt_len(m) > p->max_kernel_len || dp_kernel_room(w, p, 1) == 0 ||
		!complete(m)) {
		dp_drop(w, m, CHIM_WHY_PUNT_NO_ROOM);
		return;
	}
	chim_txq_put(&p->kernel, m);
}

void
dp_punt(struct chim_worker *w, uint16_t port, struct rte_mbuf *m, enum chim_why why)
{
	struct dp_port *p = &w->ports[port];
	bool is_complete = !has_tag_beside(m) && !has_open_checksum(m);

	w->counters.why[why]++;
	if (!is_complete || rte_pktmbuf_pkt_len(m) > p->max_kernel_len || !p->has_exception ||
		chim_txq_room(&p->kernel) == 0) {
		punt_with_care(w, p, m);
		return;
	}
	/* Nearly all: nothing is called, so that little is kept for it. */
	strip(m);
	chim_txq_put(&p->kernel, m);
}

void
dp_pass(struct chim_worker *w, uint16_t port, struct rte_mbuf *m)
{
	struct dp_port *p = &w->ports[port];

	if (rte_pktmbuf_pkt_len(m) > p->max_wire_len || dp_wire_room(w, p, 1) == 0 ||
		!complete(m)) {
		w->counters.kernel_why[CHIM_WHY_KERNEL_NO_ROOM]++;
		chim_row_put(&w->row, m);
		return;
	}
	chim_txq_put(&p->wire, m);
}

void
dp_finish(struct chim_worker *w)
{
	uint64_t wire = 0, kernel = 0;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		struct dp_port *p = &w->ports[i];

		if (p->port == NULL)
			continue;
		flush_wire(w, p);
		flush_kernel(w, p);
		p->is_wire_stuck = false;
		wire += p->wire.sent;
		kernel += p->kernel.sent;
	}
	w->counters.tx_frames = wire;
	w->counters.kernel_tx_frames = kernel;
	chim_row_flush(&w->row);
}
