/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Lists of mbuf chains linked by struct chim_nbl, and cutting of single
 * chains. Segments of length 0 are allowed everywhere: a chain keeps all its
 * segments, and its first one, which holds its list node, whatever was cut.
 */
#ifndef TCP_LIST_H
#define TCP_LIST_H

#include "chim_io.h"

struct tcp_list {
	struct rte_mbuf *head;
	struct rte_mbuf *tail;
};

/** Append one chain. */
static inline void
tcp_list_append(struct tcp_list *l, struct rte_mbuf *m)
{
	chim_nbl(m)->next = NULL;
	if (l->head == NULL)
		l->head = m;
	else
		chim_nbl(l->tail)->next = m;
	l->tail = m;
}

/** Take the first chain. @return NULL when the list is empty. */
static inline struct rte_mbuf *
tcp_list_pop(struct tcp_list *l)
{
	struct rte_mbuf *m = l->head;

	if (m == NULL)
		return NULL;
	l->head = chim_nbl(m)->next;
	if (l->head == NULL)
		l->tail = NULL;
	chim_nbl(m)->next = NULL;
	return m;
}

/** Move all of from behind l. */
static inline void
tcp_list_join(struct tcp_list *l, struct tcp_list *from)
{
	if (from->head == NULL)
		return;
	if (l->head == NULL)
		l->head = from->head;
	else
		chim_nbl(l->tail)->next = from->head;
	l->tail = from->tail;
	from->head = NULL;
	from->tail = NULL;
}

/** Take everything. @return the list's head, NULL when empty. */
static inline struct rte_mbuf *
tcp_list_take(struct tcp_list *l)
{
	struct rte_mbuf *m = l->head;

	l->head = NULL;
	l->tail = NULL;
	return m;
}

/** Wrap a list that came from outside. Cost: its length. */
static inline struct tcp_list
tcp_list_of(struct rte_mbuf *head)
{
	struct tcp_list l = { head, head };

	while (l.tail != NULL && chim_nbl(l.tail)->next != NULL)
		l.tail = chim_nbl(l.tail)->next;
	return l;
}

/** Cut n bytes (at most all) from the front of a chain; no segment leaves it. */
void tcp_chain_cut_front(struct rte_mbuf *m, uint32_t n);

/** Keep the first n bytes of a chain; no segment leaves it. */
void tcp_chain_keep(struct rte_mbuf *m, uint32_t n);

/** Keep the n bytes at off of a chain that is as long; no segment leaves it. */
static inline void
tcp_chain_cut(struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	if (m->nb_segs == 1) {
		m->data_off += off;
		m->data_len = n;
		m->pkt_len = n;
		return;
	}
	tcp_chain_cut_front(m, off);
	tcp_chain_keep(m, n);
}

/** Is this chain of mbufs one that the engine can work with? Cost: its segments. */
bool tcp_chain_is_sane(const struct rte_mbuf *m);

/**
 * Copy n bytes that begin at off in segment seg (and go on in those behind it, not beyond its
 * chain) to a flat buffer.
 */
void tcp_chain_read(const struct rte_mbuf *seg, uint32_t off, uint8_t *to, uint32_t n);

#endif /* TCP_LIST_H */
