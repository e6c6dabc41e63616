/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a host's handle holds: the slot it owns, and what it must remember to
 * keep its promises (requests not yet completed, whose turn it is to be read).
 */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "chim_chan.h"
#include "chim_host.h"

struct chim_host {
	struct chim_target *target;
	struct chim_slot *slot;
	uint32_t in_flight;    /* requests submitted and not reaped */
	uint32_t nb_initiates; /* of these, initiates */
	uint32_t next_worker;  /* where chim_host_collect() goes on */
};

/* Take what the workers still have to say, and give every buffer in it back. data.c */
void host_data_drain(struct chim_host *host);

#endif /* HOST_INTERNAL_H */
