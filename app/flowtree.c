/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The trees of flow sets: which connection is which combination of the ranges,
 * and the blocks that say so. Called by flowset.c, one tree at a time.
 */
#include <arpa/inet.h>
#include <string.h>

#include "flowtree.h"

uint32_t
flow_tree_count_paths(const struct app_flow_set *f)
{
	uint32_t of_path = f->nb_remote_ports * f->nb_local_ports;

	return (f->connections + of_path - 1) / of_path;
}

/* The n-th address of a range. */
static void
nth_address(uint8_t *out, const uint8_t *first, uint32_t family, uint32_t n)
{
	uint32_t at = family == CHIM_AF_INET ? 0 : 12;
	uint32_t low;

	memcpy(out, first, 16);
	memcpy(&low, out + at, sizeof(low));
	low = htonl(ntohl(low) + n);
	memcpy(out + at, &low, sizeof(low));
}

/* A block for an object: new as long as it has no handle, a linker from then on. */
static void
link_if_there(struct chim_block *b)
{
	if (*b->context != CHIM_HANDLE_NONE)
		b->header.type = CHIM_STATE_NONE;
}

static void
fill_neighbor(struct app_flow_sets *s, const struct app_flow_set *f)
{
	struct chim_neighbor_block *b = &s->tree->neighbor;

	chim_neighbor_block_init(b, &s->neighbor[s->at_set]);
	b->block.port_number = f->port;
	memcpy(b->neighbor_const.dl_source, f->local_mac, sizeof(f->local_mac));
	memcpy(b->cached.dl_destination, f->remote_mac, sizeof(f->remote_mac));
	b->neighbor_const.vlan_id = (uint16_t)f->vlan;
	link_if_there(&b->block);
}

static void
fill_path(struct app_flow_sets *s, const struct app_flow_set *f, uint32_t path)
{
	struct flow_tree *t = s->tree;

	chim_path_block_init(&t->path, f->family, &s->path[s->at_set][path]);
	nth_address(t->destination, f->remote, f->family, path % f->nb_remote);
	nth_address(t->source, f->local, f->family, path / f->nb_remote);
	t->path.path_const.source_address = t->source;
	t->path.path_const.destination_address = t->destination;
	t->path.cached.path_mtu = f->mtu;
	link_if_there(&t->path.block);
	chim_block_add_dependent(&t->neighbor.block, &t->path.block);
}

/* The shift with which our window fits its field. */
static uint8_t
scale_of(uint32_t window)
{
	uint8_t scale = 0;

	while (window >> scale > UINT16_MAX)
		scale++;
	return scale;
}

static void
fill_const(const struct app_flow_set *f, uint32_t in_path, struct chim_tcp_const *k)
{
	k->remote_port = htons((uint16_t)(f->remote_port + in_path % f->nb_remote_ports));
	k->local_port = htons((uint16_t)(f->local_port + in_path / f->nb_remote_ports));
	k->remote_mss = (uint16_t)f->mss;
	k->snd_wind_scale = (uint8_t)f->window_scale;
	k->rcv_wind_scale = scale_of(f->receive_buffer);
	if (f->window_scale != 0 || k->rcv_wind_scale != 0)
		k->flags |= CHIM_TCP_WINDOW_SCALING_ENABLED;
	if (f->has_timestamps)
		k->flags |= CHIM_TCP_TIMESTAMP_ENABLED;
	if (f->has_sack)
		k->flags |= CHIM_TCP_SACK_ENABLED;
}

static void
fill_delegated(const struct app_flow_set *f, struct chim_tcp_delegated *d)
{
	d->state = CHIM_TCP_ESTABLISHED;
	d->rcv_nxt = f->peer_seq;
	d->rcv_wnd = f->receive_buffer;
	d->snd_una = f->seq;
	d->snd_nxt = f->seq;
	d->snd_max = f->seq;
	d->snd_wnd = f->window;
	d->max_snd_wnd = f->window;
	d->snd_wl1 = f->peer_seq;
	d->cwnd = f->congestion_window != 0 ? f->congestion_window : 10 * f->mss;
	d->ssthresh = UINT32_MAX;
	d->ts_recent_age = CHIM_TICKS_NONE;
}

static void
add_connection(struct app_flow_sets *s, const struct app_flow_set *f, uint32_t in_path)
{
	struct flow_tree *t = s->tree;
	struct chim_tcp_block *b = &t->tcp[t->nb];
	uint32_t index = s->next_conn + t->nb;

	chim_tcp_block_init(b, &s->conn[index].handle);
	b->block.port_number = f->port;
	b->block.offload_handle = index;
	fill_const(f, in_path, &b->tcp_const);
	b->cached.ttl = 64;
	b->cached.initial_rcv_wnd = f->receive_buffer;
	fill_delegated(f, &b->delegated);
	if (t->nb > 0)
		t->tcp[t->nb - 1].block.next_block = &b->block;
	t->index[t->nb++] = index;
}

struct chim_block *
flow_tree_initiate(struct app_flow_sets *s)
{
	const struct app_flow_set *f = &s->set[s->at_set];
	uint32_t of_path = f->nb_remote_ports * f->nb_local_ports;
	uint32_t in_path = s->next_in_set % of_path;
	uint32_t left = f->connections - s->next_in_set;
	struct flow_tree *t = s->tree;

	t->nb = 0;
	t->nb_parents = 0;
	fill_neighbor(s, f);
	fill_path(s, f, s->next_in_set / of_path);
	while (t->nb < FLOW_BATCH && t->nb < left && in_path < of_path)
		add_connection(s, f, in_path++);
	t->path.block.dependent_list = &t->tcp[0].block;
	return &t->neighbor.block;
}

struct chim_block *
flow_tree_terminate(struct app_flow_sets *s)
{
	struct flow_tree *t = s->tree;

	t->nb_parents = 0;
	chim_bare_block_init(&t->root, NULL);
	for (t->nb = 0; t->nb < FLOW_BATCH && s->nb_doomed > 0; t->nb++) {
		struct chim_tcp_block *b = &t->tcp[t->nb];
		uint32_t index = s->doomed[--s->nb_doomed];

		t->index[t->nb] = index;
		chim_tcp_block_init(b, &s->conn[index].handle);
		chim_block_add_dependent(&t->root, &b->block);
	}
	return &t->root;
}

/* One more parent to go. @return false when the tree is full. */
static bool
add_parent(struct flow_tree *t, chim_handle_t *handle)
{
	if (*handle == CHIM_HANDLE_NONE)
		return true;
	if (t->nb_parents == FLOW_BATCH)
		return false;
	chim_bare_block_init(&t->bare[t->nb_parents], handle);
	chim_block_add_dependent(&t->root, &t->bare[t->nb_parents++]);
	return true;
}

struct chim_block *
flow_tree_terminate_parents(struct app_flow_sets *s)
{
	struct flow_tree *t = s->tree;

	t->nb = 0;
	t->nb_parents = 0;
	chim_bare_block_init(&t->root, NULL);
	for (uint32_t i = 0; i < s->nb_sets; i++) {
		uint32_t nb = flow_tree_count_paths(&s->set[i]);

		for (uint32_t p = 0; p < nb && add_parent(t, &s->path[i][p]); p++)
			;
	}
	if (t->nb_parents > 0)
		return &t->root;
	for (uint32_t i = 0; i < s->nb_sets; i++)
		add_parent(t, &s->neighbor[i]);
	return t->nb_parents > 0 ? t->root.dependent_list : NULL;
}

bool
flow_tree_has_parents(const struct app_flow_sets *s)
{
	for (uint32_t i = 0; i < s->nb_sets; i++) {
		if (s->neighbor[i] != CHIM_HANDLE_NONE)
			return true;
	}
	return false;
}
