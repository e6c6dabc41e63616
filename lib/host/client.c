/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Attaching to the engine, and the request side: submit and reap. A slot is
 * claimed by compare-and-exchange, because any number of processes may try at
 * once; after that it has one user. The data side is in data.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_string_fns.h>

#include "chim_log.h"
#include "host_internal.h"

/* What a former owner was not there to read any more is not for the next one. */
static void
drop_completions(struct chim_slot *s)
{
	struct chim_completion old[16];

	while (chim_chan_take(s->completions, old, CHIM_DIM(old)) != 0)
		;
}

static bool
claim(struct chim_slot *s, uint32_t from)
{
	/* Acquire: with the release that made it FREE or CLOSING, so its rings are at rest. */
	return atomic_compare_exchange_strong_explicit(
		&s->state, &from, CHIM_SLOT_CLAIMED, memory_order_acq_rel, memory_order_relaxed);
}

/*
 * A host that comes back under its name gets the slot it left objects in, and with it those
 * objects: nobody else could terminate them.
 */
static struct chim_slot *
find_slot(struct chim_target *t, const char *name)
{
	for (uint32_t i = 0; i < t->nb_hosts; i++) {
		struct chim_slot *s = &t->slot[i];

		if (strncmp(s->name, name, sizeof(s->name)) == 0 && claim(s, CHIM_SLOT_CLOSING))
			return s;
	}
	for (uint32_t i = 0; i < t->nb_hosts; i++) {
		if (claim(&t->slot[i], CHIM_SLOT_FREE)) {
			drop_completions(&t->slot[i]);
			return &t->slot[i];
		}
	}
	return NULL;
}

struct chim_host *
chim_host_open(const char *name)
{
	struct chim_target *t;
	struct chim_host *host;

	if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof(t->slot[0].name)) {
		rte_errno = EINVAL;
		return NULL;
	}
	t = chim_target_find();
	if (t == NULL)
		return NULL;
	host = calloc(1, sizeof(*host));
	if (host == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	host->target = t;
	host->slot = find_slot(t, name);
	if (host->slot == NULL) {
		free(host);
		rte_errno = EUSERS;
		return NULL;
	}
	rte_strscpy(host->slot->name, name, sizeof(host->slot->name));
	atomic_fetch_add_explicit(&host->slot->epoch, 1, memory_order_relaxed);
	/* Release: with ctl's acquire of the state, so that it sees the name. */
	atomic_store_explicit(&host->slot->state, CHIM_SLOT_OPEN, memory_order_release);
	CHIM_LOG(HOST, INFO, "host %s attached", name);
	return host;
}

int
chim_host_close(struct chim_host *host)
{
	if (host->in_flight != 0)
		return -EBUSY;
	host_data_drain(host);
	CHIM_LOG(HOST, INFO, "host %s detached", host->slot->name);
	/* Release: with ctl's acquire, so that our last read of the rings is over. */
	atomic_store_explicit(&host->slot->state, CHIM_SLOT_CLOSING, memory_order_release);
	free(host);
	return 0;
}

int
chim_host_submit(struct chim_host *host, const struct chim_request *req)
{
	/* So that a completion always finds room and ctl need not keep it. */
	if (host->in_flight >= chim_chan_size(host->slot->completions))
		return -EAGAIN;
	if (chim_chan_put(host->slot->requests, req, 1) == 0)
		return -EAGAIN;
	host->in_flight++;
	host->nb_initiates += req->op == CHIM_OP_INITIATE;
	return 0;
}

unsigned int
chim_host_reap(struct chim_host *host, struct chim_completion *out, unsigned int n)
{
	uint32_t got = chim_chan_take(host->slot->completions, out, n);

	for (uint32_t i = 0; i < got; i++) {
		if (out[i].kind != CHIM_COMPLETION_REQUEST || host->in_flight == 0)
			continue;
		host->in_flight--;
		host->nb_initiates -= out[i].op == CHIM_OP_INITIATE;
	}
	return got;
}

struct rte_mempool *
chim_host_pool(const struct chim_host *host)
{
	return host->target->host_pool;
}

void
chim_host_caps(const struct chim_host *host, struct chim_caps *caps)
{
	struct chim_target *t = host->target;
	uint32_t before;

	do {
		/* Pairs with ctl's release of the version: odd while caps are being written. */
		before = atomic_load_explicit(&t->caps_version, memory_order_acquire);
		*caps = t->caps;
		atomic_thread_fence(memory_order_acquire);
	} while ((before & 1) != 0 ||
		before != atomic_load_explicit(&t->caps_version, memory_order_relaxed));
}
