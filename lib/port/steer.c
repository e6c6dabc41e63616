/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which worker owns a connection: what the port's RSS does, done in software,
 * or a hash of our own where the port does none. Tuples are told from the
 * local side whichever way a frame went, so both directions agree.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_jhash.h>
#include <rte_thash.h>

#include "chim_port.h"

/* Host-order words in the order of a received packet: the peer is the source. */
static uint32_t
toeplitz_input(const struct chim_tuple *tuple, uint32_t *words)
{
	uint32_t nb_addr = tuple->family == CHIM_AF_INET6 ? 4 : 1;
	rte_be32_t be[8];

	memcpy(be, tuple->remote_addr, nb_addr * 4);
	memcpy(be + nb_addr, tuple->local_addr, nb_addr * 4);
	for (uint32_t i = 0; i < 2 * nb_addr; i++)
		words[i] = rte_be_to_cpu_32(be[i]);
	words[2 * nb_addr] = (uint32_t)rte_be_to_cpu_16(tuple->remote_port) << 16 |
		rte_be_to_cpu_16(tuple->local_port);
	return 2 * nb_addr + 1;
}

static uint32_t
worker_by_rss(const struct chim_port *p, const struct chim_tuple *tuple)
{
	uint32_t words[9];
	uint32_t nb = toeplitz_input(tuple, words);
	uint32_t hash = rte_softrss(words, nb, p->rss_key);

	return p->reta[hash & (p->reta_size - 1u)];
}

static uint32_t
worker_by_software(uint32_t nb_workers, const struct chim_tuple *tuple)
{
	uint32_t words[9];
	uint32_t nb = toeplitz_input(tuple, words);
	uint32_t hash = rte_jhash_32b(words, nb, 0);

	return (uint32_t)((uint64_t)hash * nb_workers >> 32);
}

uint32_t
chim_port_steer(const struct chim_port *p, uint32_t nb_workers, const struct chim_tuple *tuple)
{
	uint32_t worker;

	if (nb_workers <= 1)
		return 0;
	if (p->has_rss && p->reta_size != 0 && p->nb_queues == nb_workers) {
		worker = worker_by_rss(p, tuple);
		if (worker < nb_workers)
			return worker;
	}
	return worker_by_software(nb_workers, tuple);
}
