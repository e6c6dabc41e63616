/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Lists of mbuf chains, linked by struct chim_nbl: what a stream was lent, and
 * what it has to send. Called by the back ends and by stream.c.
 */
#include <rte_mbuf.h>

#include "serve_stream.h"

void
serve_list_put(struct serve_list *l, struct rte_mbuf *m)
{
	chim_nbl(m)->next = NULL;
	if (l->head == NULL)
		l->head = m;
	else
		chim_nbl(l->tail)->next = m;
	l->tail = m;
	l->bytes += m->pkt_len;
}

struct rte_mbuf *
serve_list_take(struct serve_list *l)
{
	struct rte_mbuf *m = l->head;

	if (m == NULL)
		return NULL;
	l->head = chim_nbl(m)->next;
	if (l->head == NULL)
		l->tail = NULL;
	l->bytes -= m->pkt_len;
	chim_nbl(m)->next = NULL;
	return m;
}

void
serve_list_free(struct serve_list *l)
{
	struct rte_mbuf *m;

	while ((m = serve_list_take(l)) != NULL)
		rte_pktmbuf_free(m);
}
