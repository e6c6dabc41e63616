/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * This worker's copies of neighbors and paths. ctl sends the whole replica
 * each time; setting one costs the same however many connections depend on it:
 * epochs count the changes, headers are built again at the next frame, and the
 * engine is told of a change when a connection next sends, or by a slow scan
 * over all of them, whichever comes first.
 */
#include "worker.h"

static struct dp_neighbor *
neighbor_at(struct chim_worker *w, uint32_t index)
{
	return index < w->max_neighbors ? &w->neighbors[index] : NULL;
}

static struct dp_path *
path_at(struct chim_worker *w, uint32_t index)
{
	return index < w->max_paths ? &w->paths[index] : NULL;
}

static void
start_scan(struct chim_worker *w)
{
	w->scan_left = w->conns->nb_used == 0 ? 0 : w->conns->fresh;
	w->scan_at = 0;
}

static void
set_reachability(struct chim_worker *w, struct dp_neighbor *n, const struct chim_msg_neighbor *in)
{
	chim_ticks_t now = dp_ticks(w);

	n->hrt = now - in->host_reachability_delta;
	/* At offload the two are one moment, the host's (spec 8.1). */
	if (!n->is_present) {
		n->nrt = now - in->nic_reachability_delta;
		n->has_progress = 0;
	}
}

void
dp_neighbor_set(struct chim_worker *w, struct chim_msg *msg)
{
	const struct chim_msg_neighbor *in = &msg->neighbor;
	struct dp_neighbor *n = neighbor_at(w, in->index);

	if (n == NULL || in->port_number >= CHIM_MAX_PORTS ||
		w->ports[in->port_number].port == NULL) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
		return;
	}
	w->nb_vlans -= n->is_present && n->vlan_id != 0;
	w->nb_vlans += in->vlan_id != 0;
	if (in->is_fresh || !n->is_present)
		set_reachability(w, n, in);
	n->epoch++;
	n->is_present = 1;
	n->is_invalid = in->is_invalid != 0;
	n->host = (uint8_t)in->host;
	n->port_number = in->port_number;
	n->vlan_id = in->vlan_id;
	memcpy(&n->source, in->dl_source, sizeof(n->source));
	memcpy(&n->destination, in->dl_destination, sizeof(n->destination));
	n->handle = in->handle;
	n->offload_handle = in->offload_handle;
	start_scan(w);
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

void
dp_neighbor_query(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_neighbor *n = neighbor_at(w, msg->neighbor.index);

	if (n == NULL || !n->is_present) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_STALE);
		return;
	}
	msg->neighbor.nic_reachability_delta =
		n->has_progress ? dp_ticks(w) - n->nrt : CHIM_TICKS_NONE;
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

void
dp_neighbor_remove(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_neighbor *n = neighbor_at(w, msg->neighbor.index);

	if (n != NULL && n->is_present) {
		w->nb_vlans -= n->vlan_id != 0;
		msg->neighbor.nic_reachability_delta =
			n->has_progress ? dp_ticks(w) - n->nrt : CHIM_TICKS_NONE;
		n->is_present = 0;
		n->epoch++;
		dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
		return;
	}
	dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_STALE);
}

void
dp_path_set(struct chim_worker *w, struct chim_msg *msg)
{
	const struct chim_msg_path *in = &msg->path;
	struct dp_path *p = path_at(w, in->index);
	uint32_t before;

	if (p == NULL || neighbor_at(w, in->neighbor) == NULL ||
		!w->neighbors[in->neighbor].is_present) {
		dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_NO_PARENT);
		return;
	}
	before = dp_path_epoch(w, in->index);
	p->neighbor = in->neighbor;
	/* The sum with the new neighbor's must differ from every sum seen so far. */
	p->epoch = before + 1 - w->neighbors[in->neighbor].epoch;
	p->mtu = in->mtu;
	p->is_present = 1;
	p->is_invalid = in->is_invalid != 0;
	p->is_ip6 = in->is_ip6 != 0;
	memcpy(p->source, in->source, sizeof(p->source));
	memcpy(p->destination, in->destination, sizeof(p->destination));
	start_scan(w);
	dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

void
dp_path_remove(struct chim_worker *w, struct chim_msg *msg)
{
	struct dp_path *p = path_at(w, msg->path.index);

	if (p != NULL && p->is_present) {
		p->is_present = 0;
		p->epoch++;
		dp_reply(w, msg, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
		return;
	}
	dp_reply(w, msg, CHIM_STATUS_FAILURE, CHIM_REASON_STALE);
}

bool
dp_path_is_usable(const struct chim_worker *w, uint32_t path)
{
	const struct dp_path *p = &w->paths[path];
	const struct dp_neighbor *n = &w->neighbors[p->neighbor];

	return p->is_present && !p->is_invalid && n->is_present && !n->is_invalid;
}

uint32_t
dp_path_mtu(const struct chim_worker *w, uint32_t path)
{
	const struct dp_path *p = &w->paths[path];

	return RTE_MIN(p->mtu, w->ports[w->neighbors[p->neighbor].port_number].port->mtu);
}

static void
build(struct chim_worker *w, uint32_t path)
{
	struct dp_path *p = &w->paths[path];
	const struct dp_neighbor *n = &w->neighbors[p->neighbor];
	struct chim_tmpl_in in = {
		.src = n->source,
		.dst = n->destination,
		.vlan_id = n->vlan_id,
		.is_ip6 = p->is_ip6,
		.mtu = (uint16_t)dp_path_mtu(w, path),
	};

	memcpy(in.source, p->source, sizeof(in.source));
	memcpy(in.destination, p->destination, sizeof(in.destination));
	chim_wire_tmpl_init(&p->tmpl, &in);
	p->built = dp_path_epoch(w, path);
	p->is_built = 1;
}

const struct chim_tmpl *
dp_path_tmpl(struct chim_worker *w, const struct chim_conn_head *head)
{
	struct dp_path *p = &w->paths[head->path];

	if (head->is_invalid)
		return NULL;
	/* Built since the last change: then it could be used, and can still be. */
	if (p->is_built && p->built == dp_path_epoch(w, head->path))
		return &p->tmpl;
	if (!dp_path_is_usable(w, head->path))
		return NULL;
	build(w, head->path);
	return &p->tmpl;
}

void
dp_path_key(const struct chim_worker *w, const struct chim_conn_head *head, union chim_key *key)
{
	const struct dp_path *p = &w->paths[head->path];
	struct chim_tuple tuple = {
		.family = p->is_ip6 ? CHIM_AF_INET6 : CHIM_AF_INET,
		.port_number = w->neighbors[p->neighbor].port_number,
		.local_port = head->local_port,
		.remote_port = head->remote_port,
	};

	memcpy(tuple.local_addr, p->source, sizeof(tuple.local_addr));
	memcpy(tuple.remote_addr, p->destination, sizeof(tuple.remote_addr));
	chim_wire_key(&tuple, key);
}

void
dp_replica_tell(struct chim_worker *w, struct chim_conn *c)
{
	struct chim_conn_head *head = chim_tcp_head(c);
	struct dp_side *side = dp_side(w, c);

	if (side->is_ending)
		return;
	side->seen = dp_path_epoch(w, head->path);
	if (dp_path_is_usable(w, head->path))
		chim_tcp_path_changed(c, dp_path_mtu(w, head->path), &w->env);
	else
		chim_tcp_retrieve(c, CHIM_UPLOAD_INVALID_STATE, &w->env);
	dp_touch(w, c);
}

uint32_t
dp_replica_scan(struct chim_worker *w)
{
	uint32_t nb = RTE_MIN(w->scan_left, DP_SCAN);

	for (uint32_t i = 0; i < nb; i++, w->scan_at++) {
		if (chim_slab_generation(w->conns, w->scan_at) != 0)
			dp_replica_sync(w, dp_conn_at(w, w->scan_at));
	}
	w->scan_left -= nb;
	return nb;
}
