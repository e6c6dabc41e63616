/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which worker owns a connection: what the port's RSS does, done in software,
 * or a hash of our own where the port does none. Tuples are told from the
 * local side whichever way a frame went, so both directions agree.
 */
#include <rte_jhash.h>

#include "chim_port.h"
#include "chim_wire.h"

uint32_t
chim_port_steer(const struct chim_port *p, uint32_t nb_workers, const struct chim_tuple *tuple)
{
	bool is_ip6 = tuple->family == CHIM_AF_INET6;
	union chim_key key;
	uint32_t worker;
	uint32_t hash;

	if (nb_workers <= 1)
		return 0;
	chim_wire_key(tuple, &key);
	if (p->has_rss && p->reta_size != 0 && p->nb_queues == nb_workers) {
		hash = chim_wire_rss_hash(&key, is_ip6, p->rss_key);
		worker = p->reta[hash & (p->reta_size - 1u)];
		if (worker < nb_workers)
			return worker;
	}
	hash = rte_jhash(&key, is_ip6 ? sizeof(key.v6) : sizeof(key.v4), 0);
	return (uint32_t)((uint64_t)hash * nb_workers >> 32);
}
