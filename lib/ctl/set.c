/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A bounded set of distinct keys, each with a count of users: source MACs,
 * source addresses and VLANs, whose advertised capacities are of distinct
 * values. neigh.c and path.c add on offload and drop on removal.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_malloc.h>

#include "ctl_internal.h"

/* rte_hash wants at least eight, and keeps some slots to itself. */
#define SPARE_ENTRIES 64u

int
ctl_set_create(struct ctl_set *s, const char *name, uint32_t max, int socket_id)
{
	struct rte_hash_parameters params = {
		.name = name,
		.entries = max + SPARE_ENTRIES,
		.key_len = sizeof(struct ctl_set_key),
		.hash_func = rte_jhash,
		.socket_id = socket_id,
		/* So that every key up to max finds a place, whatever its hash. */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	s->max = max;
	s->nb = 0;
	s->users = rte_zmalloc_socket(
		name, (max + SPARE_ENTRIES + 1) * sizeof(*s->users), 0, socket_id);
	if (s->users == NULL) {
		rte_errno = ENOMEM;
		return -ENOMEM;
	}
	s->hash = rte_hash_create(&params);
	if (s->hash == NULL) {
		rte_free(s->users);
		s->users = NULL;
		return -rte_errno;
	}
	return 0;
}

void
ctl_set_destroy(struct ctl_set *s)
{
	rte_hash_free(s->hash);
	rte_free(s->users);
	s->hash = NULL;
	s->users = NULL;
}

/* One more user of a key. Returns false when it would be a new key and there is no room. */
bool
ctl_set_add(struct ctl_set *s, const struct ctl_set_key *key)
{
	int32_t at = rte_hash_lookup(s->hash, key);

	if (at < 0) {
		if (s->nb >= s->max)
			return false;
		at = rte_hash_add_key(s->hash, key);
		if (at < 0)
			return false;
		s->users[at] = 0;
		s->nb++;
	}
	s->users[at]++;
	return true;
}

void
ctl_set_drop(struct ctl_set *s, const struct ctl_set_key *key)
{
	int32_t at = rte_hash_lookup(s->hash, key);

	chim_assert(at >= 0 && s->users[at] > 0);
	if (--s->users[at] == 0) {
		rte_hash_del_key(s->hash, key);
		s->nb--;
	}
}
