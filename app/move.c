/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Moves: somebody wants one (policy, a person, closing, stopping), it is
 * started when there is room for it, and it ends with an event. Each is
 * counted with its cause, each refusal with its sentence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "agent.h"
#include "chim_log.h"

#define START_AT_ONCE 64u
#define RETRY_US      CHIM_US_PER_S /* after a refusal; doubled each time */

const char *
agent_cause_text(enum agent_cause cause)
{
	static const char *const texts[] = {
#define CAUSE_TEXT(name, text) text,
		AGENT_CAUSE_LIST(CAUSE_TEXT)
	};

	return texts[cause];
}

void
agent_move_want(struct agent *a, struct agent_conn *c, enum agent_want want, enum agent_cause cause)
{
	if (c->kc == NULL || (a->is_stopping && want == AGENT_WANT_OFFLOAD))
		return;
	if (c->want == AGENT_WANT_NOTHING)
		TAILQ_INSERT_TAIL(&a->wants, c, wants);
	c->want = want;
	c->cause = cause;
}

void
agent_move_forget(struct agent *a, struct agent_conn *c)
{
	if (c->want == AGENT_WANT_NOTHING)
		return;
	TAILQ_REMOVE(&a->wants, c, wants);
	c->want = AGENT_WANT_NOTHING;
}

/* @return 1 started or no longer to be done, 0 later, -EAGAIN no room for any. */
static int
start_offload(struct agent *a, struct agent_conn *c)
{
	enum chim_home home = agent_conn_home(c);
	int rc;

	if (home == CHIM_HOME_TO_KERNEL)
		return 0;
	if (home != CHIM_HOME_KERNEL || chim_stream_is_finished(c->stream))
		return 1;
	rc = chim_kernel_offload(a->kernel, c->kc);
	if (rc == 0)
		agent_conn_leave(a, c);
	return rc == -EAGAIN ? rc : 1;
}

static int
start_upload(struct agent *a, struct agent_conn *c)
{
	enum chim_home home = agent_conn_home(c);
	int rc;

	if (home == CHIM_HOME_TO_ENGINE)
		return 0;
	if (home != CHIM_HOME_ENGINE)
		return 1;
	rc = chim_kernel_upload(a->kernel, c->kc);
	if (rc == 0)
		agent_conn_leave(a, c);
	return rc == -EAGAIN ? rc : 1;
}

uint32_t
agent_moves_start(struct agent *a)
{
	struct agent_conn *c = TAILQ_FIRST(&a->wants);
	uint32_t nb = 0;

	for (uint32_t i = 0; i < START_AT_ONCE && c != NULL; i++) {
		struct agent_conn *next = TAILQ_NEXT(c, wants);
		int rc = c->want == AGENT_WANT_OFFLOAD ? start_offload(a, c) : start_upload(a, c);

		if (rc == -EAGAIN)
			break;
		if (rc == 1) {
			agent_move_forget(a, c);
			nb++;
		}
		c = next;
	}
	return nb;
}

static void
count_refusal(struct agent *a, const char *text)
{
	for (uint32_t i = 0; i < AGENT_REASONS; i++) {
		struct agent_count *r = &a->refusal[i];

		if (r->text == NULL)
			r->text = text;
		/* The last place is for all that found none. */
		if (r->text == text || strcmp(r->text, text) == 0 || i == AGENT_REASONS - 1) {
			r->nb++;
			return;
		}
	}
}

static void
on_moved(struct agent *a, struct agent_conn *c, const struct chim_kernel_event *ev)
{
	c->moves++;
	c->moved = a->now;
	c->last = ev->move;
	c->last_cause = c->cause;
	a->pause_us[a->nb_pauses++ % AGENT_PAUSES] = (uint32_t)ev->move.pause_us;
	agent_conn_note(a, c, ev->home == CHIM_HOME_ENGINE ? "to engine" : "to kernel",
		agent_cause_text(c->cause), (uint32_t)ev->move.pause_us);
	if (ev->home == CHIM_HOME_KERNEL) {
		a->uploads[c->cause]++;
		if (c->cause == AGENT_CAUSE_CAPACITY)
			agent_policy_give_room(a, c);
		agent_conn_return(a, c);
		return;
	}
	a->offloads[c->cause]++;
	c->refusals = 0;
	if (a->is_stopping)
		agent_move_want(a, c, AGENT_WANT_UPLOAD, AGENT_CAUSE_STOP);
	chim_stream_inherit(c->stream, ev->move.send_unacked + ev->move.send_unsent);
	chim_stream_arrive_engine(c->stream, chim_kernel_handle(c->kc));
	agent_conn_settle(a, c);
}

static void
on_refused(struct agent *a, struct agent_conn *c, const struct chim_kernel_event *ev)
{
	const char *why = ev->why != NULL ? ev->why : chim_reason_text(ev->reason);

	count_refusal(a, why);
	agent_conn_note(a, c, "refused", why, 0);
	c->refusal = why;
	c->moved = a->now;
	c->retry_at = a->now + (RETRY_US << RTE_MIN(c->refusals, 6u));
	c->refusals++;
	if (ev->reason == CHIM_REASON_TABLE_FULL)
		agent_policy_make_room(a, c);
	agent_conn_return(a, c);
}

static void
on_ended(struct agent *a, struct agent_conn *c, const struct chim_kernel_event *ev)
{
	if (ev->error != 0) {
		a->broken++;
		CHIM_LOG(APP, DEBUG, "connection ended in the engine: %s%s%s", strerror(ev->error),
			ev->why != NULL ? ": " : "", ev->why != NULL ? ev->why : "");
	}
	agent_conn_close(a, c);
}

void
agent_move_on_event(struct agent *a, struct chim_kernel_event *ev)
{
	struct agent_conn *c = agent_conn_find(a, ev->cookie);

	if (c == NULL) {
		if (ev->kind == CHIM_KERNEL_IO)
			chim_nbl_free(ev->io.m);
		return;
	}
	switch (ev->kind) {
	case CHIM_KERNEL_MOVED:
		on_moved(a, c, ev);
		break;
	case CHIM_KERNEL_REFUSED:
		on_refused(a, c, ev);
		break;
	case CHIM_KERNEL_ENDED:
		on_ended(a, c, ev);
		break;
	case CHIM_KERNEL_IO:
		if (ev->io.op != CHIM_IO_EVENT)
			c->active = a->now;
		chim_stream_on_io(c->stream, &ev->io);
		agent_conn_settle(a, c);
		break;
	case CHIM_KERNEL_ASKED:
		c->cause = AGENT_CAUSE_ENGINE;
		c->retry_at = a->now + 10 * RETRY_US;
		agent_move_forget(a, c);
		agent_conn_note(a, c, "asked back", ev->why, 0);
		agent_conn_leave(a, c);
		break;
	}
}
