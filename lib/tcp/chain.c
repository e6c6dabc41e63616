/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cutting, checking and reading mbuf chains: see tcp_list.h. Called by the
 * send queue, the receive path and transfer.
 */
#include <string.h>

#include <rte_memcpy.h>

#include "chim_base.h"
#include "tcp_list.h"

/* Longest chain that is walked; nb_segs has 16 bits. */
#define MAX_SEGS UINT16_MAX

void
tcp_chain_cut_front(struct rte_mbuf *m, uint32_t n)
{
	struct rte_mbuf *seg = m;

	n = RTE_MIN(n, m->pkt_len);
	m->pkt_len -= n;
	while (n > 0 && seg != NULL) {
		uint16_t cut = RTE_MIN(n, seg->data_len);

		seg->data_off += cut;
		seg->data_len -= cut;
		n -= cut;
		seg = seg->next;
	}
}

void
tcp_chain_keep(struct rte_mbuf *m, uint32_t n)
{
	if (n >= m->pkt_len)
		return;
	m->pkt_len = n;
	for (struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		seg->data_len = RTE_MIN(n, seg->data_len);
		n -= seg->data_len;
	}
}

bool
tcp_chain_is_sane(const struct rte_mbuf *m)
{
	uint64_t bytes = 0;
	uint32_t nb = 0;

	if (m->priv_size < CHIM_NBL_PRIV_SIZE || m->nb_segs == 0)
		return false;
	for (const struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		if (++nb > MAX_SEGS || (uint32_t)seg->data_off + seg->data_len > seg->buf_len)
			return false;
		bytes += seg->data_len;
	}
	return nb == m->nb_segs && bytes == m->pkt_len;
}

void
tcp_chain_read(const struct rte_mbuf *seg, uint32_t off, uint8_t *to, uint32_t n)
{
	while (n > 0 && seg != NULL) {
		uint32_t part = RTE_MIN(n, seg->data_len - off);

		rte_memcpy(to, rte_pktmbuf_mtod_offset(seg, const uint8_t *, off), part);
		to += part;
		n -= part;
		off = 0;
		seg = seg->next;
	}
}
