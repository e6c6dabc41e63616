/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Engine to kernel (doc/handover.md), one function a step, in the order of the
 * lists at the end. The worker holds the flow from terminate on, and drops
 * what the kernel says of it, until the release.
 *
 * Before terminate anything that stands against it makes the move wait: the
 * connection stays in the engine. After it the state is in our hands, and each
 * step is tried again for a while; only when that does not help is the
 * connection given up, and logged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "chim_log.h"
#include "kernel_internal.h"

#define WAIT_ROUTE_US  (100 * CHIM_US_PER_MS)
#define WAIT_MEMORY_US (2 * CHIM_US_PER_MS)
#define TRIES	       100u
#define HOLD_AGAIN_MS  10000u
#define HEARD_US       20u
#define HEARD_TRIES    500u

static enum kernel_next
again_in(struct chim_kernel *k, struct kernel_move *m, chim_us_t us)
{
	m->retry_at = k->now + us;
	return KERNEL_AGAIN;
}

/* Is there nothing left that a kernel socket could go on with? */
static bool
is_over(const struct chim_kconn *kc)
{
	return kc->is_aborted || kc->st->state == CHIM_TCP_CLOSED;
}

/* ---- 1: terminate ---- */

/* Without a route the kernel cannot have it: connect() would fail. */
static enum kernel_next
step_route(struct chim_kernel *k, struct kernel_move *m)
{
	if (m->kc->is_aborted || kernel_path_has_route(k, m->kc->path, &m->kc->tuple))
		return KERNEL_NEXT;
	if (m->tries++ == 0)
		CHIM_LOG(KERNEL, WARNING, "no route for a connection on its way back: it waits");
	return again_in(k, m, WAIT_ROUTE_US);
}

static enum kernel_next
step_terminate(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_TERMINATE };
	struct kernel_tree *tree = m->tree;

	tree->handle = m->kc->handle;
	chim_bare_block_init(&tree->back.block, &tree->handle);
	tree->back.block.header.type = CHIM_STATE_TCP_DELEGATED;
	memset(&tree->back.delegated, 0, sizeof(tree->back.delegated));
	tree->back.delegated.header.length = sizeof(tree->back.delegated);
	req.root = &tree->back.block;
	m->held = kernel_now_us();
	return kernel_move_submit(k, m, &req);
}

static enum kernel_next
terminate_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	enum chim_reason reason = m->tree->back.block.reason;

	(void)c;
	if (m->tree->back.block.status == CHIM_STATUS_SUCCESS)
		return KERNEL_NEXT;
	kernel_move_resume(k, m);
	if (reason == CHIM_REASON_OVERLAP || reason == CHIM_REASON_NO_MEMORY)
		return again_in(k, m, WAIT_MEMORY_US);
	return kernel_move_fail(m, reason, "the engine has lost the connection's state");
}

static enum kernel_next
step_take(struct chim_kernel *k, struct kernel_move *m)
{
	if (kernel_build_state(k, m->kc, m->tree, &m->report) != 0)
		return again_in(k, m, WAIT_MEMORY_US);
	m->kc->handle = CHIM_HANDLE_NONE;
	if (m->kc->st->has_ts_recent)
		m->kc->ts_recent = m->kc->st->ts_recent;
	return KERNEL_NEXT;
}

/* ---- 2: rebuild ---- */

/*
 * Undoing only: a hold that ended early lets the peer talk to the kernel, which would answer with a
 * reset in the moment between the placeholder and the socket that is rebuilt.
 */
static enum kernel_next
step_hold_again(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_HOLD };

	if (m->reason != CHIM_REASON_HOLD_EXPIRED && m->reason != CHIM_REASON_HOLD_OVERFLOW)
		return KERNEL_NEXT;
	req.flow.tuple = m->kc->tuple;
	req.flow.limits.deadline_ms = HOLD_AGAIN_MS;
	req.flow.limits.max_bytes = UINT32_MAX;
	return kernel_move_submit(k, m, &req);
}

static enum kernel_next
hold_again_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)k;
	(void)m;
	(void)c; /* without one it is worth trying all the same */
	return KERNEL_NEXT;
}

/* Undoing only: what the placeholder has heard meanwhile. */
static enum kernel_next
step_absorb(struct chim_kernel *k, struct kernel_move *m)
{
	int rc = kernel_sock_absorb(m->kc->fd, m->kc->st);

	/* A placeholder that was never finished has heard nothing: it is closed. */
	if (rc == -ECONNRESET && m->reason != CHIM_REASON_HOLD_EXPIRED &&
		m->reason != CHIM_REASON_HOLD_OVERFLOW)
		return KERNEL_NEXT;
	if (rc == -ECONNRESET)
		m->kc->is_aborted = true;
	else if (rc != 0 && m->tries++ < TRIES)
		return again_in(k, m, WAIT_MEMORY_US);
	return rc == 0 || rc == -ECONNRESET ? KERNEL_NEXT
					    : kernel_move_errno(m, rc, "the placeholder is lost");
}

static enum kernel_next
step_rebuild(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	int rc;

	if (is_over(kc)) {
		/* Nothing may answer for it any more; closing stays silent. */
		(void)kernel_repair_disconnect(kc->fd);
		kernel_repair_clear_error(kc->fd);
		return KERNEL_NEXT;
	}
	m->report.send_unacked = kernel_sock_sent_bytes(kc->st);
	m->report.send_unsent = kc->st->send.len - m->report.send_unacked;
	m->report.recv_unread = kc->st->recv.len;
	m->report.state = kc->st->state;
	m->tail_done = m->report.send_unacked;
	rc = kernel_sock_rebuild(kc->fd, kc->st);
	if (rc == 0)
		return KERNEL_NEXT;
	if (m->tries++ < TRIES)
		return again_in(k, m, WAIT_MEMORY_US);
	return kernel_move_errno(m, rc, "the kernel did not take the connection back");
}

/* ---- 3: inject ---- */

static uint32_t
segments_in(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return 0;
	return info.tcpi_segs_in;
}

static enum kernel_next
step_inject(struct chim_kernel *k, struct kernel_move *m)
{
	struct kernel_frame frames[KERNEL_FRAMES_MAX];

	m->nb_frames = is_over(m->kc) ? 0 : kernel_frames_plan(m->kc->st, frames);
	if (m->nb_frames == 0)
		return KERNEL_NEXT;
	m->segs_in = segments_in(m->kc->fd);
	return kernel_move_inject(k, m, frames, m->nb_frames);
}

static enum kernel_next
inject_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	if (c->status == CHIM_STATUS_SUCCESS)
		return KERNEL_NEXT;
	return again_in(k, m, WAIT_MEMORY_US);
}

/* On some exception ports a frame is on its way for a while after it was given to the driver. */
static enum kernel_next
step_heard(struct chim_kernel *k, struct kernel_move *m)
{
	if (m->nb_frames == 0 || segments_in(m->kc->fd) - m->segs_in >= m->nb_frames)
		return KERNEL_NEXT;
	if (m->tries++ < HEARD_TRIES)
		return again_in(k, m, HEARD_US);
	CHIM_LOG(KERNEL, WARNING, "the kernel has not heard an injected segment of a %s connection",
		chim_tcp_state_name(m->kc->st->state));
	return KERNEL_NEXT;
}

/* ---- 4: the kernel speaks again ---- */

static enum kernel_next
step_thaw(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	int rc = 0;

	if (is_over(kc))
		return KERNEL_NEXT;
	if (m->tries == 0)
		rc = kernel_sock_close_half(kc->fd, kc->st);
	if (rc == 0)
		rc = kernel_sock_thaw(kc->fd, kc->st, false);
	if (rc == 0)
		return KERNEL_NEXT;
	if (m->tries++ < TRIES)
		return again_in(k, m, WAIT_MEMORY_US);
	return kernel_move_errno(m, rc, "the socket stays in repair mode");
}

/* ---- 5: release, and the rest of what is to be sent ---- */

static enum kernel_next
step_release(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_RELEASE };

	if (k->disable_hold && m->is_restore)
		return KERNEL_NEXT;
	req.flow.tuple = m->kc->tuple;
	return kernel_move_submit(k, m, &req);
}

static enum kernel_next
release_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)c; /* a hold that ran out has given its frames to the kernel already */
	m->released = kernel_now_us();
	m->report.pause_us = m->released - m->held;
	kernel_move_resume(k, m);
	return KERNEL_NEXT;
}

static enum kernel_next
step_tail(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	int rc;

	if (is_over(kc))
		return KERNEL_NEXT;
	rc = kernel_sock_write_tail(kc->fd, kc->st, &m->tail_done);
	if (rc == -EAGAIN)
		return again_in(k, m, WAIT_MEMORY_US);
	/* Whatever else: the kernel knows it too, and tells who reads or writes next. */
	kernel_options_apply(kc->fd, &kc->st->options);
	return KERNEL_NEXT;
}

/* Undoing only: what the frozen socket still had to acknowledge. */
static enum kernel_next
step_speak(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;

	(void)k;
	if (is_over(kc))
		return KERNEL_NEXT;
	(void)kernel_sock_provoke(kc->fd, kc->st);
	(void)kernel_options_apply_reuse(kc->fd, &kc->st->options);
	return KERNEL_NEXT;
}

/* ---- the end ---- */

static void
leave_engine(struct chim_kernel *k, struct chim_kconn *kc, enum chim_home home)
{
	if (kc->st != NULL)
		kernel_sock_state_fini(kc->st);
	free(kc->st);
	kc->st = NULL;
	kc->handle = CHIM_HANDLE_NONE;
	kernel_conn_leave_path(k, kc);
	kernel_conn_set_home(kc, home);
}

static void
tell_end(struct chim_kernel *k, struct kernel_move *m, int error, const char *why)
{
	struct chim_kconn *kc = m->kc;
	struct chim_kernel_event *ev;

	leave_engine(k, kc, CHIM_HOME_ENDED);
	ev = kernel_event_put(k, kc, CHIM_KERNEL_ENDED);
	ev->error = error;
	ev->why = why;
	ev->move = m->report;
	kernel_move_end(k, m);
}

static void
tell_home(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	struct chim_kernel_event *ev;

	leave_engine(k, kc, CHIM_HOME_KERNEL);
	k->counters.uploads++;
	ev = kernel_event_put(k, kc, CHIM_KERNEL_MOVED);
	ev->move = m->report;
	kernel_move_end(k, m);
}

static enum kernel_next
step_home(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	int error = 0;

	if (!kernel_events_reserve(k, 1))
		return KERNEL_AGAIN;
	if (kc->is_aborted)
		error = ECONNRESET;
	else if (kc->retrieve == CHIM_UPLOAD_TIMEOUT_EXPIRATION)
		error = ETIMEDOUT;
	if (is_over(kc)) {
		k->counters.ended++;
		tell_end(k, m, error, error == 0 ? "closed by both sides" : "broken");
	} else if (m->is_restore) {
		k->counters.restored++;
		kernel_handoff_refused(k, m);
	} else if (kc->st->state == CHIM_TCP_TIME_WAIT && kc->st->recv.len == 0) {
		k->counters.ended++;
		tell_end(k, m, 0, "closed by both sides");
	} else {
		tell_home(k, m);
	}
	return KERNEL_OVER;
}

/* The last resort. */
static enum kernel_next
step_lost(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;

	if (!kernel_events_reserve(k, 1))
		return KERNEL_AGAIN;
	CHIM_LOG(KERNEL, CRIT,
		"connection lost on its way back to the kernel: %s (%s); port %u, %u bytes not "
		"acknowledged or sent, %u not read",
		m->why, chim_reason_text(m->reason), rte_be_to_cpu_16(kc->tuple.local_port),
		kc->st != NULL ? kc->st->send.len : 0, kc->st != NULL ? kc->st->recv.len : 0);
	k->counters.lost++;
	tell_end(k, m, ECONNABORTED, m->why);
	return KERNEL_OVER;
}

const struct kernel_step kernel_steps_to_kernel[] = {
	{ "route", step_route, NULL, NULL },
	{ "terminate", step_terminate, terminate_done, NULL, .is_pause = true },
	{ "take", step_take, NULL, NULL },
	{ "rebuild", step_rebuild, NULL, NULL },
	{ "inject", step_inject, inject_done, NULL },
	{ "heard", step_heard, NULL, NULL },
	{ "thaw", step_thaw, NULL, NULL },
	{ "release", step_release, release_done, NULL },
	{ "tail", step_tail, NULL, NULL },
	{ "home", step_home, NULL, NULL },
};

const struct kernel_step kernel_steps_restore[] = {
	{ "hold again", step_hold_again, hold_again_done, NULL },
	{ "absorb", step_absorb, NULL, NULL },
	{ "rebuild", step_rebuild, NULL, NULL },
	{ "inject", step_inject, inject_done, NULL },
	{ "heard", step_heard, NULL, NULL },
	{ "thaw", step_thaw, NULL, NULL },
	{ "release", step_release, release_done, NULL },
	{ "tail", step_tail, NULL, NULL },
	{ "speak", step_speak, NULL, NULL },
	{ "home", step_home, NULL, NULL },
};

static const struct kernel_step steps_lost[] = {
	{ "release", step_release, release_done, NULL },
	{ "lost", step_lost, NULL, NULL },
};

const struct kernel_step *
kernel_handback_undo(struct chim_kernel *k, struct kernel_move *m)
{
	(void)k;
	return steps_lost;
}
