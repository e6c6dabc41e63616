/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Bytes in the kernel's queues and bytes in lists of mbuf chains, and the way
 * between them. The chains made here carry CHIM_KERNEL_COOKIE, so that their
 * completions are not taken for the user's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "kernel_internal.h"

/* Buffers of one chain: long enough for few chains, short enough that a worker walks it quickly. */
#define CHAIN_SEGS 16u

static struct rte_mbuf *
make_chain(struct rte_mempool *pool, const uint8_t *at, uint32_t len)
{
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	uint32_t nb = (len + room - 1) / room;
	struct rte_mbuf *seg[CHAIN_SEGS];

	if (rte_pktmbuf_alloc_bulk(pool, seg, nb) != 0)
		return NULL;
	for (uint32_t i = 0; i < nb; i++) {
		uint16_t piece = (uint16_t)RTE_MIN(len, room);

		memcpy(rte_pktmbuf_append(seg[i], piece), at, piece);
		at += piece;
		len -= piece;
		if (i == 0)
			continue;
		seg[i - 1]->next = seg[i];
		seg[0]->pkt_len += piece;
	}
	seg[0]->nb_segs = (uint16_t)nb;
	memset(chim_nbl(seg[0]), 0, sizeof(struct chim_nbl));
	chim_nbl(seg[0])->cookie = CHIM_KERNEL_COOKIE;
	return seg[0];
}

int
kernel_chains_make(
	struct rte_mempool *pool, const struct kernel_bytes *from, struct rte_mbuf **list)
{
	uint32_t most = CHAIN_SEGS * (rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM);
	struct rte_mbuf **tail = list;

	*list = NULL;
	for (uint32_t done = 0; done < from->len;) {
		uint32_t piece = RTE_MIN(from->len - done, most);
		struct rte_mbuf *m = make_chain(pool, from->at + done, piece);

		if (m == NULL) {
			chim_nbl_free(*list);
			*list = NULL;
			return -ENOMEM;
		}
		*tail = m;
		tail = &chim_nbl(m)->next;
		done += piece;
	}
	return 0;
}

int
kernel_chains_copy(struct rte_mbuf *list, struct kernel_bytes *out, uint32_t *nb_chains)
{
	struct rte_mbuf *m;
	uint32_t total = 0;
	uint8_t *at;

	*nb_chains = 0;
	CHIM_NBL_FOREACH (m, list) {
		total += m->pkt_len;
		(*nb_chains)++;
	}
	out->at = NULL;
	out->len = 0;
	if (total == 0)
		return 0;
	at = malloc(total);
	if (at == NULL)
		return -ENOMEM;
	out->at = at;
	out->len = total;
	CHIM_NBL_FOREACH (m, list) {
		for (struct rte_mbuf *s = m; s != NULL; s = s->next) {
			memcpy(at, rte_pktmbuf_mtod(s, const void *), s->data_len);
			at += s->data_len;
		}
	}
	return 0;
}

struct rte_mbuf *
kernel_chains_drop_own(struct rte_mbuf *list, uint32_t *bytes)
{
	struct rte_mbuf **at = &list;

	*bytes = 0;
	while (*at != NULL) {
		struct rte_mbuf *m = *at;

		if (chim_nbl(m)->cookie != CHIM_KERNEL_COOKIE) {
			at = &chim_nbl(m)->next;
			continue;
		}
		*at = chim_nbl(m)->next;
		*bytes += chim_nbl(m)->bytes;
		rte_pktmbuf_free(m);
	}
	return list;
}
