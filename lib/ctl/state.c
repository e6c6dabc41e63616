/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The state structures behind a block (spec 3.2): which type names which, and
 * where each one is. Lengths come from the host, so each is read once and must
 * fit the structure; a longer one is a later version's and only skipped over.
 */
#include <string.h>

#include "ctl_internal.h"

/* What a later version may add to a structure; more than this is not a length. */
#define MAX_TAIL 256u

static const uint32_t sizes[CTL_KIND_BEYOND][3] = {
	[CTL_KIND_NEIGHBOR] = { sizeof(struct chim_neighbor_const),
		sizeof(struct chim_neighbor_cached), sizeof(struct chim_neighbor_delegated) },
	[CTL_KIND_PATH] = { sizeof(struct chim_path_const), sizeof(struct chim_path_cached),
		sizeof(struct chim_path_delegated) },
	[CTL_KIND_TCP] = { sizeof(struct chim_tcp_const), sizeof(struct chim_tcp_cached),
		sizeof(struct chim_tcp_delegated) },
};

static const struct {
	uint8_t kind;
	uint8_t parts;
} types[] = {
	[CHIM_STATE_NEIGHBOR_CONST] = { CTL_KIND_NEIGHBOR, CTL_PART_CONST },
	[CHIM_STATE_NEIGHBOR_CACHED] = { CTL_KIND_NEIGHBOR, CTL_PART_CACHED },
	[CHIM_STATE_NEIGHBOR_DELEGATED] = { CTL_KIND_NEIGHBOR, CTL_PART_DELEGATED },
	[CHIM_STATE_NEIGHBOR] = { CTL_KIND_NEIGHBOR, CTL_PART_ALL },
	[CHIM_STATE_IP4_CONST] = { CTL_KIND_PATH, CTL_PART_CONST },
	[CHIM_STATE_IP4_CACHED] = { CTL_KIND_PATH, CTL_PART_CACHED },
	[CHIM_STATE_IP4_DELEGATED] = { CTL_KIND_PATH, CTL_PART_DELEGATED },
	[CHIM_STATE_IP4] = { CTL_KIND_PATH, CTL_PART_ALL },
	[CHIM_STATE_IP6_CONST] = { CTL_KIND_PATH, CTL_PART_CONST },
	[CHIM_STATE_IP6_CACHED] = { CTL_KIND_PATH, CTL_PART_CACHED },
	[CHIM_STATE_IP6_DELEGATED] = { CTL_KIND_PATH, CTL_PART_DELEGATED },
	[CHIM_STATE_IP6] = { CTL_KIND_PATH, CTL_PART_ALL },
	[CHIM_STATE_TCP_CONST] = { CTL_KIND_TCP, CTL_PART_CONST },
	[CHIM_STATE_TCP_CACHED] = { CTL_KIND_TCP, CTL_PART_CACHED },
	[CHIM_STATE_TCP_DELEGATED] = { CTL_KIND_TCP, CTL_PART_DELEGATED },
	[CHIM_STATE_TCP] = { CTL_KIND_TCP, CTL_PART_ALL },
};

/* Which layer a type belongs to; CTL_KIND_ANY for none. */
uint32_t
ctl_state_kind(uint8_t type)
{
	return type < CHIM_DIM(types) ? types[type].kind : CTL_KIND_ANY;
}

bool
ctl_state_is_ip6(uint8_t type)
{
	return type >= CHIM_STATE_IP6_CONST && type <= CHIM_STATE_IP6;
}

/*
 * Find the structures that type says follow the block; none for CHIM_STATE_NONE.
 *
 * Returns NONE, BAD_TYPE, BAD_SIZE.
 */
enum chim_reason
ctl_state_find(struct chim_block *b, uint8_t type, struct ctl_state *s)
{
	uint8_t *at = (uint8_t *)(b + 1);

	memset(s, 0, sizeof(*s));
	if (type == CHIM_STATE_NONE)
		return CHIM_REASON_NONE;
	if (ctl_state_kind(type) == CTL_KIND_ANY)
		return CHIM_REASON_BAD_TYPE;
	for (uint32_t i = 0; i < CHIM_DIM(s->part); i++) {
		uint32_t want = sizes[types[type].kind][i];
		uint32_t length;

		if ((types[type].parts & 1u << i) == 0)
			continue;
		s->part[i] = (struct chim_state_header *)at;
		length = s->part[i]->length;
		if (length < want || length > want + MAX_TAIL || length % 8 != 0)
			return CHIM_REASON_BAD_SIZE;
		at += length;
	}
	s->parts = types[type].parts;
	return CHIM_REASON_NONE;
}

/*
 * The structures of a block that was entered before, for what is written when an answer is there.
 * Returns false when the host has made it a block of another kind since.
 */
bool
ctl_state_find_again(struct chim_block *b, enum ctl_kind kind, struct ctl_state *s)
{
	const uint8_t type = b->header.type;

	return ctl_state_kind(type) == kind && ctl_state_find(b, type, s) == CHIM_REASON_NONE;
}

/* Write a structure for the host; its header stays as the host wrote it. */
void
ctl_state_write(struct chim_state_header *to, const void *from, size_t size)
{
	memcpy(to + 1, (const struct chim_state_header *)from + 1, size - sizeof(*to));
}
