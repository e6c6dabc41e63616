/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Preparing blocks: headers, lengths and the links of a tree, so that a host
 * fills in only what it wants to say.
 */
#include <string.h>

#include "chim_host.h"

#define STATE_INIT(member) ((member).header.length = sizeof(member))

void
chim_bare_block_init(struct chim_block *b, chim_handle_t *context)
{
	memset(b, 0, sizeof(*b));
	b->header.type = CHIM_STATE_NONE;
	b->header.revision = CHIM_BLOCK_REVISION;
	b->header.size = sizeof(*b);
	b->context = context;
}

void
chim_neighbor_block_init(struct chim_neighbor_block *b, chim_handle_t *context)
{
	memset(b, 0, sizeof(*b));
	chim_bare_block_init(&b->block, context);
	b->block.header.type = CHIM_STATE_NEIGHBOR;
	STATE_INIT(b->neighbor_const);
	STATE_INIT(b->cached);
	STATE_INIT(b->delegated);
}

void
chim_path_block_init(struct chim_path_block *b, uint32_t family, chim_handle_t *context)
{
	memset(b, 0, sizeof(*b));
	chim_bare_block_init(&b->block, context);
	b->block.header.type = family == CHIM_AF_INET6 ? CHIM_STATE_IP6 : CHIM_STATE_IP4;
	STATE_INIT(b->path_const);
	STATE_INIT(b->cached);
	STATE_INIT(b->delegated);
}

void
chim_tcp_block_init(struct chim_tcp_block *b, chim_handle_t *context)
{
	memset(b, 0, sizeof(*b));
	chim_bare_block_init(&b->block, context);
	b->block.header.type = CHIM_STATE_TCP;
	STATE_INIT(b->tcp_const);
	STATE_INIT(b->cached);
	STATE_INIT(b->delegated);
	b->delegated.keep_alive_timeout_delta = CHIM_TICKS_NONE;
	b->delegated.retransmit_timeout_delta = CHIM_TICKS_NONE;
}

void
chim_block_add_dependent(struct chim_block *parent, struct chim_block *child)
{
	child->next_block = parent->dependent_list;
	parent->dependent_list = child;
}
