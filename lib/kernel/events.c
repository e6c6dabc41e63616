/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the engine says on the data rings, sorted: what the agent acts on
 * itself (wishes to be taken back, ends, path MTU), and what is passed to the
 * user of the bytes. And the queue of events towards that user, which grows:
 * an event is never dropped, and nothing is collected without room for it.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "kernel_internal.h"

#define COLLECT	    64u
#define COLLECT_MAX 65536u /* a turn, so that it ends */

bool
kernel_events_reserve(struct chim_kernel *k, uint32_t n)
{
	uint32_t size = k->event_size;
	struct chim_kernel_event *bigger;

	if (size - k->nb_events >= n)
		return true;
	while (size - k->nb_events < n)
		size *= 2;
	bigger = calloc(size, sizeof(*bigger));
	if (bigger == NULL)
		return false;
	for (uint32_t i = 0; i < k->nb_events; i++)
		bigger[i] = k->event[(k->event_head + i) % k->event_size];
	free(k->event);
	k->event = bigger;
	k->event_size = size;
	k->event_head = 0;
	return true;
}

struct chim_kernel_event *
kernel_event_put(struct chim_kernel *k, struct chim_kconn *kc, enum chim_kernel_event_kind kind)
{
	uint32_t at = (k->event_head + k->nb_events) % k->event_size;
	struct chim_kernel_event *ev = &k->event[at];

	k->nb_events++;
	*ev = (struct chim_kernel_event){
		.kind = kind,
		.cookie = kc->cookie,
		.kc = kc,
		.home = kc->home,
	};
	return ev;
}

unsigned int
kernel_events_take(struct chim_kernel *k, struct chim_kernel_event *ev, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && k->nb_events != 0; i++) {
		ev[i] = k->event[k->event_head];
		k->event_head = (k->event_head + 1) % k->event_size;
		k->nb_events--;
	}
	return i;
}

void
kernel_ask_back(struct chim_kernel *k, struct chim_kconn *kc, const char *why)
{
	struct chim_kernel_event *ev;

	if (kc->home != CHIM_HOME_ENGINE)
		return; /* on its way already */
	kernel_conn_set_home(kc, CHIM_HOME_TO_KERNEL);
	kc->is_waiting = true;
	TAILQ_INSERT_TAIL(&k->waiting, kc, waiting);
	ev = kernel_event_put(k, kc, CHIM_KERNEL_ASKED);
	ev->why = why;
}

static void
on_event(struct chim_kernel *k, struct chim_kconn *kc, const struct chim_io *io)
{
	switch (io->event) {
	case CHIM_EVENT_RETRIEVE:
		kc->retrieve = io->info;
		kernel_ask_back(k, kc, chim_upload_name(io->info));
		break;
	case CHIM_EVENT_ABORT:
		kc->is_aborted = true;
		kernel_ask_back(k, kc, "reset by the peer");
		break;
	case CHIM_EVENT_TIME_WAIT:
		kernel_ask_back(k, kc, "closed by both sides");
		break;
	case CHIM_EVENT_PATH_MTU:
		if (kc->path != NULL)
			kernel_follow_mtu(k, kc->path, io->info);
		break;
	case CHIM_EVENT_UNREACHABLE:
		break; /* a soft error (RFC 5461): retransmission goes on */
	default:
		kernel_event_put(k, kc, CHIM_KERNEL_IO)->io = *io;
		break;
	}
}

static void
give_back(struct chim_kernel *k, const struct chim_io *io)
{
	struct rte_mbuf *m = io->m;

	if (m == NULL)
		return;
	if (io->op != CHIM_IO_INDICATE) {
		chim_nbl_free(m);
		return;
	}
	chim_nbl(m)->next = k->give_back;
	k->give_back = m;
}

static void
stash(struct chim_kernel *k, struct chim_kconn *kc, const struct chim_io *io)
{
	struct chim_io *more = realloc(kc->early, (kc->nb_early + 1) * sizeof(*more));

	/* Out of memory, the user hears it before it hears of its new home. */
	if (more == NULL) {
		kernel_event_put(k, kc, CHIM_KERNEL_IO)->io = *io;
		return;
	}
	kc->early = more;
	more[kc->nb_early++] = *io;
}

static void
dispatch(struct chim_kernel *k, struct chim_kconn *kc, struct chim_io *io)
{
	if (io->op == CHIM_IO_EVENT) {
		on_event(k, kc, io);
		return;
	}
	if (io->op == CHIM_IO_SEND_DONE) {
		io->m = kernel_chains_drop_own(io->m, &io->bytes);
		if (io->m == NULL && io->bytes == 0)
			return;
	}
	kernel_event_put(k, kc, CHIM_KERNEL_IO)->io = *io;
}

void
kernel_on_io(struct chim_kernel *k, const struct chim_io *io)
{
	struct chim_kconn *kc = kernel_conn_find(k, io->offload_handle);
	struct chim_io copy = *io;

	if (kc == NULL)
		give_back(k, io);
	else if (kc->home == CHIM_HOME_TO_ENGINE)
		stash(k, kc, io);
	else
		dispatch(k, kc, &copy);
}

void
kernel_replay_early(struct chim_kernel *k, struct chim_kconn *kc)
{
	struct chim_io *early = kc->early;
	uint32_t nb = kc->nb_early;

	kc->early = NULL;
	kc->nb_early = 0;
	for (uint32_t i = 0; i < nb; i++)
		dispatch(k, kc, &early[i]);
	free(early);
}

uint32_t
kernel_collect(struct chim_kernel *k)
{
	struct chim_io io[COLLECT];
	uint32_t total = 0;
	unsigned int n = COLLECT;

	while (n == COLLECT && total < COLLECT_MAX && kernel_events_reserve(k, COLLECT)) {
		n = chim_host_collect(k->host, io, COLLECT);
		for (unsigned int i = 0; i < n; i++)
			kernel_on_io(k, &io[i]);
		total += n;
	}
	return total;
}
