/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See allocfail.h. One wrapper for each call that set-up uses.
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_ring_elem.h>

#include "allocfail.h"

static int64_t left = -1;
static bool has_failed;

void
allocfail_at(uint32_t n)
{
	left = n;
	has_failed = false;
}

bool
allocfail_end(void)
{
	left = -1;
	return has_failed;
}

static bool
fails(void)
{
	if (left < 0 || left-- != 0)
		return false;
	has_failed = true;
	rte_errno = ENOMEM;
	return true;
}

size_t
allocfail_in_use(void)
{
	struct rte_malloc_socket_stats s;
	size_t bytes = 0;

	for (int i = 0; i < RTE_MAX_NUMA_NODES; i++) {
		if (rte_malloc_get_socket_stats(i, &s) == 0)
			bytes += s.heap_allocsz_bytes;
	}
	return bytes;
}

void *__real_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket);
void *__wrap_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket);

void *
__wrap_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket)
{
	return fails() ? NULL : __real_rte_zmalloc_socket(type, size, align, socket);
}

const struct rte_memzone *
__real_rte_memzone_reserve(const char *name, size_t len, int socket, unsigned int flags);
const struct rte_memzone *
__wrap_rte_memzone_reserve(const char *name, size_t len, int socket, unsigned int flags);

const struct rte_memzone *
__wrap_rte_memzone_reserve(const char *name, size_t len, int socket, unsigned int flags)
{
	return fails() ? NULL : __real_rte_memzone_reserve(name, len, socket, flags);
}

const struct rte_memzone *__real_rte_memzone_reserve_aligned(
	const char *name, size_t len, int socket, unsigned int flags, unsigned int align);
const struct rte_memzone *__wrap_rte_memzone_reserve_aligned(
	const char *name, size_t len, int socket, unsigned int flags, unsigned int align);

const struct rte_memzone *
__wrap_rte_memzone_reserve_aligned(
	const char *name, size_t len, int socket, unsigned int flags, unsigned int align)
{
	return fails() ? NULL : __real_rte_memzone_reserve_aligned(name, len, socket, flags, align);
}

struct rte_mempool *__real_rte_mempool_create(const char *name, unsigned int n, unsigned int size,
	unsigned int cache, unsigned int priv, rte_mempool_ctor_t *ctor, void *ctor_arg,
	rte_mempool_obj_cb_t *init, void *init_arg, int socket, unsigned int flags);
struct rte_mempool *__wrap_rte_mempool_create(const char *name, unsigned int n, unsigned int size,
	unsigned int cache, unsigned int priv, rte_mempool_ctor_t *ctor, void *ctor_arg,
	rte_mempool_obj_cb_t *init, void *init_arg, int socket, unsigned int flags);

/* long: the parameters are DPDK's */
struct rte_mempool *
__wrap_rte_mempool_create(const char *name, unsigned int n, unsigned int size, unsigned int cache,
	unsigned int priv, rte_mempool_ctor_t *ctor, void *ctor_arg, rte_mempool_obj_cb_t *init,
	void *init_arg, int socket, unsigned int flags)
{
	return fails() ? NULL
		       : __real_rte_mempool_create(name, n, size, cache, priv, ctor, ctor_arg, init,
				 init_arg, socket, flags);
}

struct rte_hash *__real_rte_hash_create(const struct rte_hash_parameters *params);
struct rte_hash *__wrap_rte_hash_create(const struct rte_hash_parameters *params);

struct rte_hash *
__wrap_rte_hash_create(const struct rte_hash_parameters *params)
{
	return fails() ? NULL : __real_rte_hash_create(params);
}

struct rte_ring *__real_rte_ring_create_elem(
	const char *name, unsigned int size, unsigned int n, int socket, unsigned int flags);
struct rte_ring *__wrap_rte_ring_create_elem(
	const char *name, unsigned int size, unsigned int n, int socket, unsigned int flags);

struct rte_ring *
__wrap_rte_ring_create_elem(
	const char *name, unsigned int size, unsigned int n, int socket, unsigned int flags)
{
	return fails() ? NULL : __real_rte_ring_create_elem(name, size, n, socket, flags);
}
