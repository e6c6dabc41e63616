/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The whole way: a host, the real control lcore, and real workers on net_ring
 * ports (tests/harness/rings.h), all polled round-robin in one thread; the test
 * is host, wire and kernel.
 */
#ifndef WAY_H
#define WAY_H

#include "chim_ctl.h"
#include "chim_host.h"
#include "rings.h"

struct way {
	struct rings r;
	struct chim_ctl *ctl;
	struct chim_host *host;
	struct chim_completion last;
	uint64_t cookie;

	/* blocks for the test to fill */
	struct chim_neighbor_block n;
	struct chim_path_block p;
	struct chim_tcp_block t[2];
	chim_handle_t nh;
	chim_handle_t ph;
	chim_handle_t th[2];
	uint8_t source[16];
	uint8_t destination[16];
};

void way_up(struct way *w, const struct rings_opts *opts);

/** Nothing may be left: the host closes, every mbuf is back. */
void way_down(struct way *w);

/** Turns until nobody has anything to do. */
void way_run(struct way *w);

/** Submit a tree with the next cookie. */
void way_submit(struct way *w, uint32_t op, struct chim_block *root);

/** Submit, run, and take the one completion, which must be of this request. @return its status. */
enum chim_status way_call(struct way *w, uint32_t op, struct chim_block *root);

#endif /* WAY_H */
