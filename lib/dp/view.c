/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What other threads may read of a worker: counters and connections as plain
 * numbers. Nothing here writes; each value is whole, not all of one moment.
 */
#include <errno.h>

#include "worker.h"

const struct chim_dp_counters *
chim_dp_counters(const struct chim_worker *w)
{
	return &w->counters;
}

uint32_t
chim_dp_nb_connections(const struct chim_worker *w)
{
	return w->conns->nb_used;
}

uint32_t
chim_dp_nb_lent(const struct chim_worker *w)
{
	return w->nb_lent;
}

int
chim_dp_describe(const struct chim_worker *w, uint32_t index, struct chim_dp_conn_view *v)
{
	const struct chim_conn_head *head;
	union chim_key key;
	struct chim_conn *c;

	if (index >= w->conns->nb)
		return -ERANGE;
	if (chim_slab_generation(w->conns, index) == 0)
		return -ENOENT;
	c = dp_conn_at(w, index);
	head = chim_tcp_head(c);
	memset(v, 0, sizeof(*v));
	v->handle = head->handle;
	v->offload_handle = w->side[index].offload_handle;
	v->host = head->host;
	v->path = head->path;
	v->is_invalid = head->is_invalid;
	dp_path_key(w, head, &key);
	chim_wire_tuple(&key, head->is_ip6, &v->tuple);
	chim_tcp_view(c, &v->tcp);
	/* The connection does not know the bounds that its timer is set with. */
	v->tcp.rto_us = RTE_MAX(v->tcp.rto_us, w->tcp.rto_min_us);
	return 0;
}
