/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What runs the lists of steps. A step does its short system calls and says
 * what comes next: the next step, waiting for the completion of what it
 * submitted, being called again, or failing, in which case the list that
 * undoes takes over. Many moves are under way at once; none of them blocks.
 *
 * A peer waits from a step with is_pause on, for as long as all moves take that
 * do their steps meanwhile. So few are held at once - enough to have something
 * to do while a worker answers, and to share a marker - and they go first; the
 * next ones are prepared in what time is left.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "chim_log.h"
#include "kernel_internal.h"

#define AGAIN_US 200u
#define AHEAD	 4u /* prepared for it */

int
kernel_move_begin(struct chim_kernel *k, struct chim_kconn *kc, const struct kernel_step *list)
{
	struct kernel_move *m = TAILQ_FIRST(&k->free_moves);
	uint32_t generation;
	uint32_t index;

	if (m == NULL)
		return -EAGAIN;
	TAILQ_REMOVE(&k->free_moves, m, next);
	index = m->index;
	generation = m->generation + 1;
	memset(m, 0, sizeof(*m));
	m->index = index;
	m->generation = generation;
	m->kc = kc;
	m->step = list;
	m->began = k->now;
	m->is_offload = list == kernel_steps_to_engine;
	m->tree = &k->trees[index];
	kc->move = m;
	TAILQ_INSERT_TAIL(&k->starting, m, next);
	k->nb_moves++;
	return 0;
}

void
kernel_move_end(struct chim_kernel *k, struct kernel_move *m)
{
	kernel_move_resume(k, m);
	m->kc->move = NULL;
	m->kc = NULL;
	TAILQ_REMOVE(&k->moves, m, next);
	TAILQ_INSERT_HEAD(&k->free_moves, m, next);
	k->nb_moves--;
}

enum kernel_next
kernel_move_submit(struct chim_kernel *k, struct kernel_move *m, struct chim_request *req)
{
	req->cookie = kernel_cookie(KERNEL_COOKIE_MOVE, m->generation, m->index);
	return chim_host_submit(k->host, req) == 0 ? KERNEL_WAIT : KERNEL_AGAIN;
}

enum kernel_next
kernel_move_fail(struct kernel_move *m, enum chim_reason reason, const char *why)
{
	m->reason = reason;
	m->why = why;
	return KERNEL_FAIL;
}

enum kernel_next
kernel_move_errno(struct kernel_move *m, int rc, const char *why)
{
	CHIM_LOG(KERNEL, WARNING, "%s: %s", why, strerror(-rc));
	return kernel_move_fail(
		m, rc == -ENOMEM ? CHIM_REASON_NO_MEMORY : CHIM_REASON_BAD_STATE, why);
}

/* As the kernel sees frames of the connection's next hop. */
static struct kernel_link
link_to_kernel(const struct kernel_move *m)
{
	const struct kernel_neighbor *n = m->kc->path->neighbor;
	struct kernel_link link = { .vlan_id = m->kc->path->vlan_id };

	memcpy(link.dst, n->port->mac, sizeof(link.dst));
	memcpy(link.src, n->mac, sizeof(link.src));
	return link;
}

static struct rte_mbuf *
make_frame(struct chim_kernel *k, const struct kernel_move *m, const struct kernel_frame *f)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(chim_host_pool(k->host));
	struct kernel_link link = link_to_kernel(m);
	uint8_t *at;

	if (mbuf == NULL)
		return NULL;
	at = (uint8_t *)rte_pktmbuf_append(mbuf, KERNEL_FRAME_BYTES);
	rte_pktmbuf_trim(mbuf,
		(uint16_t)(KERNEL_FRAME_BYTES - kernel_frame_write(at, &link, &m->kc->tuple, f)));
	memset(chim_nbl(mbuf), 0, sizeof(struct chim_nbl));
	return mbuf;
}

static enum kernel_next
inject(struct chim_kernel *k, struct kernel_move *m, struct rte_mbuf *list)
{
	struct chim_request req = { .op = CHIM_OP_INJECT };
	enum kernel_next next;

	req.inject.frames = list;
	req.inject.tuple = m->kc->tuple;
	next = kernel_move_submit(k, m, &req);
	if (next != KERNEL_WAIT)
		chim_nbl_free(list);
	return next;
}

enum kernel_next
kernel_move_inject(struct chim_kernel *k, struct kernel_move *m, const struct kernel_frame *frames,
	uint32_t nb)
{
	struct rte_mbuf *list = NULL;
	struct rte_mbuf **tail = &list;

	for (uint32_t i = 0; i < nb; i++) {
		*tail = make_frame(k, m, &frames[i]);
		if (*tail == NULL) {
			chim_nbl_free(list);
			return KERNEL_AGAIN;
		}
		tail = &chim_nbl(*tail)->next;
	}
	return inject(k, m, list);
}

enum kernel_next
kernel_move_inject_marker(struct chim_kernel *k, struct kernel_move *m)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(chim_host_pool(k->host));
	struct kernel_link link = link_to_kernel(m);

	if (mbuf == NULL)
		return KERNEL_AGAIN;
	(void)kernel_marker_write(
		(uint8_t *)rte_pktmbuf_append(mbuf, CHIM_MARKER_LEN), &link, m->marker);
	memset(chim_nbl(mbuf), 0, sizeof(struct chim_nbl));
	return inject(k, m, mbuf);
}

/* ---- the turn ---- */

void
kernel_move_resume(struct chim_kernel *k, struct kernel_move *m)
{
	if (m->is_held)
		k->nb_held[m->is_offload]--;
	m->is_held = false;
}

bool
kernel_moves_are_held(const struct chim_kernel *k)
{
	return k->nb_held[false] + k->nb_held[true] != 0;
}

/* The list of a step that went on, or of the one that undoes it. */
static const struct kernel_step *
step_after(struct chim_kernel *k, struct kernel_move *m, enum kernel_next next)
{
	if (next == KERNEL_NEXT)
		return m->step + 1;
	return m->is_offload ? kernel_handoff_undo(k, m) : kernel_handback_undo(k, m);
}

/* As far as it goes without waiting. */
static void
advance(struct chim_kernel *k, struct kernel_move *m, enum kernel_next next)
{
	while (next == KERNEL_NEXT || next == KERNEL_FAIL) {
		m->step = step_after(k, m, next);
		if (m->step == NULL)
			return;
		m->tries = 0;
		m->retry_at = 0;
		if (m->step->is_pause && !m->is_held) {
			TAILQ_REMOVE(&k->moves, m, next);
			TAILQ_INSERT_TAIL(&k->ready, m, next);
			k->nb_ready++;
			return;
		}
		next = m->step->run(k, m);
	}
	if (next == KERNEL_WAIT)
		m->is_waiting = true;
	else if (next == KERNEL_AGAIN && m->retry_at <= k->now)
		m->retry_at = k->now + AGAIN_US;
}

static uint32_t
run_moves(struct chim_kernel *k)
{
	struct kernel_move *next;
	uint32_t done = 0;

	for (struct kernel_move *m = TAILQ_FIRST(&k->moves); m != NULL; m = next) {
		next = TAILQ_NEXT(m, next);
		if (m->is_waiting) {
			if (m->step->tick != NULL)
				m->step->tick(k, m);
			continue;
		}
		if (k->now < m->retry_at)
			continue;
		done++;
		advance(k, m, m->step->run(k, m));
	}
	return done;
}

static uint32_t
prepare(struct chim_kernel *k)
{
	uint32_t most = kernel_moves_are_held(k) ? 1 : AHEAD;
	uint32_t done;

	for (done = 0; done < most && k->nb_ready < AHEAD; done++) {
		struct kernel_move *m = TAILQ_FIRST(&k->starting);

		if (m == NULL)
			break;
		TAILQ_REMOVE(&k->starting, m, next);
		TAILQ_INSERT_TAIL(&k->moves, m, next);
		advance(k, m, m->step->run(k, m));
	}
	return done;
}

static uint32_t
begin_pauses(struct chim_kernel *k)
{
	struct kernel_move *next;
	uint32_t done = 0;

	for (struct kernel_move *m = TAILQ_FIRST(&k->ready); m != NULL; m = next) {
		next = TAILQ_NEXT(m, next);
		if (k->nb_held[m->is_offload] == KERNEL_HELD)
			continue;
		TAILQ_REMOVE(&k->ready, m, next);
		TAILQ_INSERT_TAIL(&k->moves, m, next);
		k->nb_ready--;
		k->nb_held[m->is_offload]++;
		m->is_held = true;
		advance(k, m, m->step->run(k, m));
		done++;
	}
	return done;
}

uint32_t
kernel_moves_run(struct chim_kernel *k)
{
	uint32_t done = run_moves(k);

	done += prepare(k);
	done += begin_pauses(k);
	kernel_markers_send(k);
	return done;
}

void
kernel_move_on_completion(struct chim_kernel *k, const struct chim_completion *c)
{
	uint32_t generation = (uint32_t)(c->cookie >> 32) & 0xFFFFFF;
	uint32_t index = (uint32_t)c->cookie;
	struct kernel_move *m;

	if (index >= k->nb_move_slots)
		return;
	m = &k->move[index];
	if (m->kc == NULL || (m->generation & 0xFFFFFF) != generation || !m->is_waiting)
		return;
	m->is_waiting = false;
	advance(k, m, m->step->done(k, m, c));
}
