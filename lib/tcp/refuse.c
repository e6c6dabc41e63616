/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Refused indications come back (spec 5.3, on rings): the one that was not
 * taken, and all later ones the host got. Indications that were still in the
 * ring then come back with a later refusal; until the last of them has, only
 * what came before them may be delivered. chim_nbl.bytes of lent data is the
 * sequence number of its first octet, which says where a refusal belongs.
 */
#include "tcp_internal.h"

/* The list continues what came back before, chain by chain, and is lent. */
static bool
is_continuous(struct chim_conn *c, struct rte_mbuf *list)
{
	uint32_t seq = chim_nbl(list)->bytes;
	uint32_t end = tcp_indicate_nxt(c);
	struct rte_mbuf *m;

	if (end - seq > c->q->lent_bytes || (c->q->gap_bytes != 0 && seq != end - c->q->gap_bytes))
		return false;
	CHIM_NBL_FOREACH (m, list) {
		if (chim_nbl(m)->bytes != seq || !tcp_chain_is_sane(m) || m->pkt_len == 0 ||
			m->pkt_len > end - seq)
			return false;
		seq += m->pkt_len;
	}
	return true;
}

/* Nothing lies between the refused data and what was never indicated: one queue again. */
static void
close_gap(struct chim_conn *c)
{
	if (tcp_indicate_has_gap(c))
		return;
	c->q->refused_bytes = 0;
	tcp_list_join(&c->q->refused, &c->q->rcvq);
	c->q->rcvq = c->q->refused;
	c->q->refused = (struct tcp_list){ 0 };
}

void
tcp_indicate_refuse(
	struct chim_conn *c, struct rte_mbuf *list, uint32_t consumed, struct chim_tcp_env *env)
{
	struct tcp_list back = tcp_list_of(list);
	struct rte_mbuf *m;
	uint32_t bytes = 0;

	if (list == NULL)
		return;
	/* Nothing is lent where there are no queues. */
	bool can_keep = c->q != NULL && (c->flags & TCP_EXPORTED) == 0 &&
		c->state != CHIM_TCP_CLOSED && is_continuous(c, list);
	uint32_t start = chim_nbl(list)->bytes;

	CHIM_NBL_FOREACH (m, list)
		bytes += m->pkt_len;
	tcp_receive_credit(c, bytes);
	if (!can_keep) {
		tcp_conn_free_list(&back, env);
		return;
	}
	consumed = RTE_MIN(consumed, list->pkt_len);
	tcp_chain_cut_front(list, consumed);
	/* All of it was taken after all: an empty packet would be news of nothing. */
	if (list->pkt_len == 0)
		chim_row_put(env->row, tcp_list_pop(&back));
	tcp_list_join(&c->q->refused, &back);
	c->q->gap_bytes = tcp_indicate_nxt(c) - (start + bytes);
	c->q->refused_bytes += bytes - consumed;
	c->q->rcvq_bytes += bytes - consumed;
	c->flags |= TCP_REFUSED;
	c->flags &= ~TCP_FIN_TOLD;
	c->head.todo |= CHIM_TODO_DELIVER;
	close_gap(c);
}
