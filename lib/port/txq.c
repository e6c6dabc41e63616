/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The transmit vector of one queue. Frames are put by the stages of a turn
 * and offered to the device at its end; what the device leaves stays in front.
 */
#include <string.h>

#include <rte_ethdev.h>

#include "chim_port.h"

#define PREPARED_OFFLOADS \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

void
chim_txq_init(struct chim_txq *q, uint16_t ethdev, uint16_t queue)
{
	struct rte_eth_conf conf;

	memset(q, 0, sizeof(*q));
	q->ethdev = ethdev;
	q->queue = queue;
	q->burst = CHIM_TXQ_BURST;
	if (rte_eth_dev_conf_get(ethdev, &conf) == 0)
		q->needs_prepare = (conf.txmode.offloads & PREPARED_OFFLOADS) != 0;
}

static void
forget(struct chim_txq *q, uint16_t at, uint16_t nb)
{
	q->nb = (uint16_t)(q->nb - nb);
	memmove(&q->m[at], &q->m[at + nb], (q->nb - at) * sizeof(q->m[0]));
}

/* A frame that the driver will never take must not block those behind it. */
static void
prepare(struct chim_txq *q)
{
	uint16_t done = 0;

	for (;;) {
		done = (uint16_t)(done +
			rte_eth_tx_prepare(
				q->ethdev, q->queue, &q->m[done], (uint16_t)(q->nb - done)));
		if (done == q->nb)
			return;
		rte_pktmbuf_free(q->m[done]);
		forget(q, done, 1);
		q->unsendable++;
	}
}

static uint64_t
bytes_waiting(const struct chim_txq *q)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < q->nb; i++)
		bytes += q->m[i]->pkt_len;
	return bytes;
}

uint16_t
chim_txq_flush(struct chim_txq *q)
{
	uint64_t bytes;
	uint16_t taken;

	if (q->nb == 0)
		return 0;
	if (q->needs_prepare)
		prepare(q);
	bytes = bytes_waiting(q); /* before: a frame taken is no longer ours to look at */
	taken = rte_eth_tx_burst(q->ethdev, q->queue, q->m, q->nb);
	if (taken < q->nb)
		q->refused++;
	forget(q, 0, taken);
	q->sent += taken;
	q->sent_bytes += bytes - bytes_waiting(q);
	return taken;
}
