/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The data side of a host: operations to the worker that a handle names, and
 * what the workers say, round robin. Order within one connection is the order
 * of its worker's ring.
 */
#include <errno.h>

#include "chim_handle.h"
#include "host_internal.h"

/* Every worker has its own replica of a neighbor, so each must hear the host's answer; all or
 * none, which the room check makes sure of: this thread is the only producer. */
static int
post_to_all(struct chim_host *host, const struct chim_io *io)
{
	uint32_t nb = host->target->nb_workers;

	for (uint32_t w = 0; w < nb; w++) {
		if (chim_chan_room(host->slot->to_worker[w]) == 0)
			return -EAGAIN;
	}
	for (uint32_t w = 0; w < nb; w++)
		chim_chan_put(host->slot->to_worker[w], io, 1);
	return 0;
}

int
chim_host_post(struct chim_host *host, const struct chim_io *io)
{
	chim_handle_t handle = io->handle;
	uint32_t worker;

	if (io->op < CHIM_IO_SEND || io->op > CHIM_IO_REACHABILITY)
		return -EINVAL;
	if (io->op == CHIM_IO_REACHABILITY) {
		if (chim_handle_owner(handle) != CHIM_OWNER_NEIGHBOR || io->m != NULL)
			return -EINVAL;
		return post_to_all(host, io);
	}
	if (io->op == CHIM_IO_RETURN) {
		if (io->m == NULL)
			return -EINVAL;
		handle = chim_nbl(io->m)->cookie;
	}
	worker = chim_handle_worker(handle);
	if (worker >= host->target->nb_workers)
		return -EINVAL;
	return chim_chan_put(host->slot->to_worker[worker], io, 1) == 1 ? 0 : -EAGAIN;
}

/*
 * How much of a worker's ring the host may hear now. A worker tells nothing of a new connection
 * before the initiate's completion is in its ring; the host must then also have taken it from
 * there (spec 4.1). So what was here before that ring was seen empty is safe.
 */
static uint32_t
safe_count(const struct chim_host *host, uint32_t worker)
{
	uint32_t nb = chim_chan_count(host->slot->from_worker[worker]);

	if (host->nb_initiates == 0)
		return nb;
	/* Acquire: the completions are looked at after the entries. */
	atomic_thread_fence(memory_order_acquire);
	return chim_chan_count(host->slot->completions) == 0 ? nb : 0;
}

unsigned int
chim_host_collect(struct chim_host *host, struct chim_io *out, unsigned int n)
{
	uint32_t nb = host->target->nb_workers;
	uint32_t got = 0;

	for (uint32_t i = 0; i < nb && got < n; i++) {
		uint32_t w = host->next_worker;
		uint32_t want = RTE_MIN(safe_count(host, w), n - got);

		got += chim_chan_take(host->slot->from_worker[w], out + got, want);
		host->next_worker = w + 1 < nb ? w + 1 : 0;
	}
	return got;
}

struct split {
	struct rte_mbuf *head[CHIM_MAX_WORKERS];
	struct rte_mbuf *tail[CHIM_MAX_WORKERS];
};

static void
split_add(struct split *s, uint32_t worker, struct rte_mbuf *m)
{
	if (s->head[worker] == NULL)
		s->head[worker] = m;
	else
		chim_nbl(s->tail[worker])->next = m;
	s->tail[worker] = m;
	chim_nbl(m)->next = NULL;
}

/* Give chains back to one worker. @return those that its ring did not take. */
static struct rte_mbuf *
return_to(struct chim_host *host, uint32_t worker, struct rte_mbuf *list)
{
	const struct chim_io io = { .op = CHIM_IO_RETURN, .m = list };

	return chim_chan_put(host->slot->to_worker[worker], &io, 1) == 1 ? NULL : list;
}

/* What a service gives back is of one connection, hence of one worker. */
static bool
is_of_one(const struct chim_host *host, struct rte_mbuf *list, uint32_t worker)
{
	struct rte_mbuf *m;

	if (worker >= host->target->nb_workers)
		return false;
	CHIM_NBL_FOREACH (m, list) {
		if (chim_handle_worker(chim_nbl(m)->cookie) != worker)
			return false;
	}
	return true;
}

static struct rte_mbuf *
return_mixed(struct chim_host *host, struct rte_mbuf *list)
{
	struct split s = { 0 };
	struct rte_mbuf *rest = NULL;

	while (list != NULL) {
		struct rte_mbuf *next = chim_nbl(list)->next;
		uint32_t worker = chim_handle_worker(chim_nbl(list)->cookie);

		/* A chain that names no worker was not lent: nothing waits for it. */
		if (worker >= host->target->nb_workers)
			rte_pktmbuf_free(list);
		else
			split_add(&s, worker, list);
		list = next;
	}
	for (uint32_t w = 0; w < host->target->nb_workers; w++) {
		if (s.head[w] == NULL || return_to(host, w, s.head[w]) == NULL)
			continue;
		chim_nbl(s.tail[w])->next = rest;
		rest = s.head[w];
	}
	return rest;
}

struct rte_mbuf *
chim_host_return(struct chim_host *host, struct rte_mbuf *list)
{
	uint32_t worker;

	if (list == NULL)
		return NULL;
	worker = chim_handle_worker(chim_nbl(list)->cookie);
	if (is_of_one(host, list, worker))
		return return_to(host, worker, list);
	return return_mixed(host, list);
}

void
host_data_drain(struct chim_host *host)
{
	struct chim_io io;

	while (chim_host_collect(host, &io, 1) == 1) {
		if (io.m == NULL)
			continue;
		/* Lent data goes back, so that its window opens; our own buffers are freed. */
		if (io.op == CHIM_IO_INDICATE)
			io.m = chim_host_return(host, io.m);
		chim_nbl_free(io.m);
	}
}
