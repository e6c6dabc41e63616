/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See way.h.
 */
#include <string.h>

#include "way.h"

static void
make_ctl(struct way *w)
{
	struct chim_ctl_config c = { .target = w->r.target,
		.nb_workers = w->r.opts.nb_workers,
		.port[0] = &w->r.port,
		.socket_id = SOCKET_ID_ANY,
		.max_connections_per_worker = 16 };

	for (uint32_t i = 0; i < c.nb_workers; i++) {
		c.to_worker[i] = w->r.to[i];
		c.from_worker[i] = w->r.from[i];
	}
	/* The tables of the workers are as big as this. */
	c.caps.max_paths = 4;
	c.caps.max_neighbors = 4;
	w->ctl = chim_ctl_create(&c);
	assert_non_null(w->ctl);
}

void
way_up(struct way *w, const struct rings_opts *opts)
{
	memset(w, 0, sizeof(*w));
	rings_up(&w->r, opts);
	for (uint32_t i = 0; i < CHIM_MAX_HOSTS; i++)
		atomic_store(&w->r.target->slot[i].state, CHIM_SLOT_FREE);
	make_ctl(w);
	w->host = chim_host_open("way");
	assert_non_null(w->host);
}

void
way_run(struct way *w)
{
	uint32_t work;

	do {
		work = chim_ctl_poll(w->ctl, w->r.now);
		work += rings_poll(&w->r);
	} while (work != 0);
}

void
way_down(struct way *w)
{
	assert_int_equal(chim_host_close(w->host), 0);
	way_run(w);
	assert_int_equal(atomic_load(&w->r.target->slot[0].state), CHIM_SLOT_FREE);
	chim_ctl_destroy(w->ctl);
	rings_wire_drain(&w->r);
	rings_kernel_drain(&w->r);
	rings_down(&w->r);
}

void
way_submit(struct way *w, uint32_t op, struct chim_block *root)
{
	struct chim_request req = { .op = op, .cookie = ++w->cookie, .root = root };

	assert_int_equal(chim_host_submit(w->host, &req), 0);
}

enum chim_status
way_call(struct way *w, uint32_t op, struct chim_block *root)
{
	way_submit(w, op, root);
	way_run(w);
	assert_int_equal(chim_host_reap(w->host, &w->last, 1), 1);
	assert_int_equal(w->last.cookie, w->cookie);
	assert_ptr_equal(w->last.root, root);
	return w->last.status;
}
