/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The free row: mbufs that a stage is done with, freed in bulk at the end of
 * the turn. No stage frees an mbuf itself.
 */
#ifndef CHIM_ROW_H
#define CHIM_ROW_H

#include <rte_mbuf.h>

#define CHIM_ROW_SIZE 128u

struct chim_row {
	uint32_t nb;
	struct rte_mbuf *m[CHIM_ROW_SIZE];
};

/** Free everything in the row. Cost: one bulk free. */
static inline void
chim_row_flush(struct chim_row *r)
{
	rte_pktmbuf_free_bulk(r->m, r->nb);
	r->nb = 0;
}

/** Leave a chain (all its segments) to be freed; takes it. */
static inline void
chim_row_put(struct chim_row *r, struct rte_mbuf *m)
{
	r->m[r->nb++] = m;
	if (r->nb == CHIM_ROW_SIZE)
		chim_row_flush(r);
}

#endif /* CHIM_ROW_H */
