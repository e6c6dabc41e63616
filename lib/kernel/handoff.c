/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Kernel to engine (doc/handover.md), one function a step, in the order of the
 * list at the end. At every instant one side speaks for the connection; what
 * arrives in between waits in the hold.
 *
 * What can be asked while the peer may still talk is asked before the hold;
 * many moves follow one another through it (move.c), and those that are sealed
 * in one turn share a marker.
 *
 * A failure before the placeholder is there is undone by leaving repair mode
 * and releasing the hold; after it, by the same steps that bring a connection
 * back (handback.c). Either way the kernel holds it, and the user hears
 * REFUSED with the reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chim_log.h"
#include "kernel_internal.h"

#define MARKER_AGAIN_US 500u /* until a marker is sent once more; doubled each time, up to */
#define MARKER_RARE_US	16000u
#define HEAR_US		20u /* until one that goes to the kernel is looked for again */

/* ---- 1, 2, 3: what is it, may it go, and where to ---- */

static enum kernel_next
step_read(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	int rc;

	if (kc->st == NULL)
		kc->st = calloc(1, sizeof(*kc->st));
	if (kc->st == NULL)
		return kernel_move_errno(m, -ENOMEM, "no memory for the connection's state");
	rc = kernel_sock_read(kc->fd, kc->st);
	kc->st->rmem_max = k->rmem_max;
	if (rc == -ENOTCONN)
		return kernel_move_fail(m, CHIM_REASON_BAD_STATE, "it is not established");
	return rc == 0 ? KERNEL_NEXT : kernel_move_errno(m, rc, "the socket could not be read");
}

static enum kernel_next
step_refuse(struct chim_kernel *k, struct kernel_move *m)
{
	enum chim_reason reason = CHIM_REASON_UNSUPPORTED;
	const char *why = kernel_refuse_offload(k, m->kc, &reason);

	return why == NULL ? KERNEL_NEXT : kernel_move_fail(m, reason, why);
}

static int
socket_int(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : 0;
}

static enum kernel_next
step_resolve(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	const char *why = NULL;
	struct kernel_path *p = kernel_path_get(k, &kc->tuple,
		(uint32_t)socket_int(kc->fd, SO_MARK), socket_int(kc->fd, SO_BINDTOIFINDEX), &why);

	if (p == NULL)
		return kernel_move_fail(m, CHIM_REASON_BAD_ADDRESS, why);
	kc->path = p;
	kc->tuple.port_number = p->neighbor->port->number;
	p->nb_conns++;
	m->did |= KERNEL_DID_PATH;
	return KERNEL_NEXT;
}

void
kernel_conn_leave_path(struct chim_kernel *k, struct chim_kconn *kc)
{
	if (kc->path == NULL)
		return;
	kc->path->nb_conns--;
	kc->path->idle_since = k->now;
	kc->path = NULL;
}

/* What the engine gives as its reason says more than at which step it was. */
static enum kernel_next
engine_refuses(struct kernel_move *m, enum chim_reason reason, const char *step)
{
	return kernel_move_fail(
		m, reason, reason != CHIM_REASON_NONE ? chim_reason_text(reason) : step);
}

/* ---- 4: hold, and all that was on the way before it ---- */

static enum kernel_next
step_hold(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_HOLD };

	if (k->disable_hold)
		return KERNEL_NEXT;
	req.flow.tuple = m->kc->tuple;
	req.flow.limits.deadline_ms = k->hold_deadline_ms;
	/* No bound of its own: a hold that ended on the way would give the kernel data which the
	 * emptying of the socket then throws away, acknowledged. */
	req.flow.limits.max_bytes = UINT32_MAX;
	m->held = kernel_now_us();
	return kernel_move_submit(k, m, &req);
}

static enum kernel_next
hold_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)k;
	if (c->status != CHIM_STATUS_SUCCESS)
		return engine_refuses(m, c->reason, "the flow could not be held");
	m->did |= KERNEL_DID_HOLD;
	return KERNEL_NEXT;
}

/* Emptying a socket loses what arrives meanwhile: only while the hold is sure to last. */
static bool
is_late(const struct chim_kernel *k, const struct kernel_move *m)
{
	uint32_t deadline_ms =
		k->hold_deadline_ms != 0 ? k->hold_deadline_ms : CHIM_HOLD_DEADLINE_MS;

	return !k->disable_hold && kernel_now_us() - m->held > deadline_ms * CHIM_US_PER_MS / 2;
}

static enum kernel_next
drain_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)c; /* one that found no room is sent again */
	m->retry_at = k->now + HEAR_US;
	return KERNEL_AGAIN;
}

/*
 * Nothing of the flow may reach the socket from here on. What the worker had not sent yet is back
 * in the hold; a port that is late may have more of it on the way, and a marker follows that.
 */
static enum kernel_next
step_drain(struct chim_kernel *k, struct kernel_move *m)
{
	const struct kernel_port *port = m->kc->path->neighbor->port;

	if (k->disable_hold || port->heard_fd < 0)
		return KERNEL_NEXT;
	kernel_markers_hear(k, port);
	if (m->is_heard)
		return KERNEL_NEXT;
	if (is_late(k, m))
		return kernel_move_fail(m, CHIM_REASON_HOLD_EXPIRED,
			"the exception port did not deliver what it had been given");
	if (m->marker == 0) {
		m->marker = ++k->marker;
		m->marker_again_us = MARKER_AGAIN_US;
	} else if (k->now - m->marker_at < m->marker_again_us) {
		return drain_done(k, m, NULL);
	} else {
		m->marker_again_us = RTE_MIN(2 * m->marker_again_us, MARKER_RARE_US);
	}
	m->marker_at = k->now;
	return kernel_move_inject_marker(k, m);
}

/* ---- 5: freeze ---- */

/* What the kernel owes goes out now, and tells the worker what the kernel's ts_recent is. */
static enum kernel_next
step_ask(struct chim_kernel *k, struct kernel_move *m)
{
	struct kernel_sock_state *st = m->kc->st;
	struct kernel_frame question;
	int rc = kernel_sock_provoke(m->kc->fd, st);

	m->did |= KERNEL_DID_REPAIR;
	if (rc != 0)
		return kernel_move_errno(m, rc, "the socket may not be put into repair mode");
	if (k->disable_hold || !st->has_ts || st->state == CHIM_TCP_ESTABLISHED)
		return KERNEL_NEXT;
	/* It must not find the placeholder, or nobody, either. */
	m->marker = 0;
	m->is_heard = false;
	question = kernel_frame_question(st);
	return kernel_move_inject(k, m, &question, 1);
}

static enum kernel_next
ask_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)k;
	(void)m;
	(void)c; /* unanswered, ts_recent stays what it was at the last move, or unknown */
	return KERNEL_NEXT;
}

static enum kernel_next
step_freeze(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	struct chim_caps caps;
	int rc = kernel_sock_freeze(kc->fd, kc->st);

	if (rc != 0)
		return kernel_move_errno(m, rc, "the socket could not be read");
	if (is_late(k, m))
		return kernel_move_fail(m, CHIM_REASON_HOLD_EXPIRED,
			"the hold could have ended before everything was read");
	chim_host_caps(k->host, &caps);
	if (kc->st->send.len > caps.max_send_bytes || kc->st->recv.len > caps.max_recv_bytes)
		return kernel_move_fail(
			m, CHIM_REASON_LIMIT, "its queues are longer than the engine takes");
	return KERNEL_NEXT;
}

/* ---- 6: placeholder, seal ---- */

static enum kernel_next
step_empty(struct chim_kernel *k, struct kernel_move *m)
{
	int rc;

	(void)k;
	m->did |= KERNEL_DID_EMPTY;
	rc = kernel_sock_empty(m->kc->fd, m->kc->st);
	return rc == 0 ? KERNEL_NEXT
		       : kernel_move_errno(m, rc, "the placeholder could not be made");
}

static enum kernel_next
step_seal(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_SEAL };

	if (k->disable_hold)
		return KERNEL_NEXT;
	m->marker = kernel_marker_of_turn(k, m->kc->path->neighbor);
	m->marker_at = 0;
	m->marker_again_us = MARKER_AGAIN_US;
	req.flow.tuple = m->kc->tuple;
	req.flow.marker = m->marker;
	return kernel_move_submit(k, m, &req);
}

static int
build_queues(struct chim_kernel *k, struct kernel_move *m)
{
	int rc = 0;

	if ((m->did & KERNEL_DID_TREE) == 0)
		rc = kernel_build_queues(k, m->kc->st, m->tree);
	if (rc == 0)
		m->did |= KERNEL_DID_TREE;
	return rc;
}

/*
 * While the marker is on its way, what initiate will take along is copied. (Without memory for it,
 * initiate says so.) Only from then on does waiting for the marker count.
 *
 * The marker may have come long before the worker knew that it is waited for. It
 * comes back less and less often: a worker that lags behind would lag behind for
 * ever, reading the markers of all who wait for it.
 */
static void
seal_tick(struct chim_kernel *k, struct kernel_move *m)
{
	if (m->marker_at == 0) {
		(void)build_queues(k, m);
		m->marker_at = k->now;
	}
	if (k->now - m->marker_at < m->marker_again_us)
		return;
	kernel_marker_again(k, m->kc->path->neighbor, m->marker);
	m->marker_at = k->now;
	m->marker_again_us = RTE_MIN(2 * m->marker_again_us, MARKER_RARE_US);
}

static enum kernel_next
seal_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	struct chim_kconn *kc = m->kc;

	(void)k;
	if (c->status != CHIM_STATUS_SUCCESS)
		return engine_refuses(m, c->reason, "the hold ended before everything was read");
	if (kernel_sock_learn(kc->st, &c->record) != 0)
		return kernel_move_errno(m, -EIO,
			"the kernel acknowledged what came after the socket had been read");
	if (kc->st->has_ts_recent) {
		kc->ts_recent = kc->st->ts_recent;
	} else if (kc->st->has_ts && kc->ts_recent != 0) {
		kc->st->has_ts_recent = true; /* old, and therefore safe (RFC 7323, 5.3) */
		kc->st->ts_recent = kc->ts_recent;
	}
	m->report.kept_frames = c->record.kept;
	return KERNEL_NEXT;
}

/* ---- 7: initiate ---- */

static enum kernel_next
step_initiate(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_INITIATE };
	struct chim_kconn *kc = m->kc;
	enum kernel_next next = kernel_path_ready(k, kc->path);

	if (next == KERNEL_FAIL)
		return kernel_move_fail(
			m, CHIM_REASON_INVALIDATED, "its path was invalidated meanwhile");
	if (next != KERNEL_NEXT)
		return next;
	if (build_queues(k, m) != 0)
		return kernel_move_fail(m, CHIM_REASON_NO_MEMORY, "no buffers for its queues");
	kernel_build_tcp(k, kc, m->tree);
	req.root = kernel_path_tree(k, kc->path, m->tree);
	next = kernel_move_submit(k, m, &req);
	if (next != KERNEL_WAIT)
		kernel_path_tree_done(k, kc->path);
	return next;
}

static void
write_report(struct kernel_move *m, const struct kernel_sock_state *st)
{
	m->report.pause_us = m->held != 0 ? m->released - m->held : 0;
	m->report.send_unacked = kernel_sock_sent_bytes(st);
	m->report.send_unsent = st->send.len - m->report.send_unacked;
	m->report.recv_unread = st->recv.len;
	m->report.state = st->state;
}

static void
log_refusal(const struct chim_tcp_block *b)
{
	const struct chim_tcp_delegated *d = &b->delegated;

	CHIM_LOG(KERNEL, WARNING,
		"initiate: %s, %s; %s, snd %u+%u+%u wnd %u of %u, rcv %u wnd %u, buffer %u, mss %u",
		chim_status_name(b->block.status), chim_reason_text(b->block.reason),
		chim_tcp_state_name(d->state), d->snd_una, d->snd_nxt - d->snd_una,
		d->snd_max - d->snd_nxt, d->snd_wnd, d->max_snd_wnd, d->rcv_nxt, d->rcv_wnd,
		b->cached.initial_rcv_wnd, b->tcp_const.remote_mss);
}

static enum kernel_next
initiate_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	struct kernel_tree *tree = m->tree;
	struct chim_kconn *kc = m->kc;

	(void)c;
	m->released = kernel_now_us();
	kernel_move_resume(k, m);
	kernel_path_tree_done(k, kc->path);
	if (tree->tcp.block.status != CHIM_STATUS_SUCCESS) {
		log_refusal(&tree->tcp);
		return engine_refuses(m, tree->tcp.block.reason, "the engine did not take it");
	}
	chim_nbl_free(tree->tcp.delegated.buffered_data); /* copied */
	kc->handle = tree->handle;
	return KERNEL_NEXT;
}

static enum kernel_next
step_arrived(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	struct chim_kernel_event *ev;

	if (!kernel_events_reserve(k, 1 + kc->nb_early))
		return KERNEL_AGAIN;
	write_report(m, kc->st);
	kernel_sock_state_fini(kc->st);
	kernel_conn_set_home(kc, CHIM_HOME_ENGINE);
	k->counters.offloads++;
	ev = kernel_event_put(k, kc, CHIM_KERNEL_MOVED);
	ev->move = m->report;
	kernel_move_end(k, m);
	kernel_replay_early(k, kc);
	return KERNEL_OVER;
}

const struct kernel_step kernel_steps_to_engine[] = {
	{ "read", step_read, NULL, NULL },
	{ "refuse", step_refuse, NULL, NULL },
	{ "resolve", step_resolve, NULL, NULL },
	{ "hold", step_hold, hold_done, NULL, .is_pause = true },
	{ "drain", step_drain, drain_done, NULL },
	{ "ask", step_ask, ask_done, NULL },
	{ "answer", step_drain, drain_done, NULL },
	{ "freeze", step_freeze, NULL, NULL },
	{ "placeholder", step_empty, NULL, NULL },
	{ "seal", step_seal, seal_done, seal_tick },
	{ "initiate", step_initiate, initiate_done, NULL },
	{ "arrived", step_arrived, NULL, NULL },
};

/* ---- undoing ---- */

static enum kernel_next
step_unfreeze(struct chim_kernel *k, struct kernel_move *m)
{
	int rc = 0;

	(void)k;
	if ((m->did & KERNEL_DID_REPAIR) != 0)
		rc = kernel_sock_thaw(m->kc->fd, m->kc->st, false);
	if (rc != 0)
		CHIM_LOG(KERNEL, ERR, "a socket stays in repair mode: %s", strerror(-rc));
	return KERNEL_NEXT;
}

static enum kernel_next
step_unhold(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_request req = { .op = CHIM_OP_RELEASE };

	if ((m->did & KERNEL_DID_HOLD) == 0)
		return KERNEL_NEXT;
	req.flow.tuple = m->kc->tuple;
	return kernel_move_submit(k, m, &req);
}

static enum kernel_next
unhold_done(struct chim_kernel *k, struct kernel_move *m, const struct chim_completion *c)
{
	(void)k;
	(void)m;
	(void)c; /* a hold that is over already has given its frames to the kernel */
	return KERNEL_NEXT;
}

static enum kernel_next
step_refused(struct chim_kernel *k, struct kernel_move *m)
{
	if (!kernel_events_reserve(k, 1))
		return KERNEL_AGAIN;
	kernel_handoff_refused(k, m);
	return KERNEL_OVER;
}

const struct kernel_step kernel_steps_back_out[] = {
	{ "unfreeze", step_unfreeze, NULL, NULL },
	{ "unhold", step_unhold, unhold_done, NULL },
	{ "refused", step_refused, NULL, NULL },
};

void
kernel_handoff_refused(struct chim_kernel *k, struct kernel_move *m)
{
	struct chim_kconn *kc = m->kc;
	struct chim_kernel_event *ev;

	if (kc->st != NULL)
		kernel_sock_state_fini(kc->st);
	free(kc->st);
	kc->st = NULL;
	kernel_conn_leave_path(k, kc);
	kernel_conn_set_home(kc, CHIM_HOME_KERNEL);
	k->counters.refused++;
	ev = kernel_event_put(k, kc, CHIM_KERNEL_REFUSED);
	ev->reason = m->reason;
	ev->why = m->why;
	ev->error = m->error;
	kernel_move_end(k, m);
}

const struct kernel_step *
kernel_handoff_undo(struct chim_kernel *k, struct kernel_move *m)
{
	if ((m->did & KERNEL_DID_TREE) != 0)
		kernel_build_drop_queues(m->tree);
	m->did &= ~KERNEL_DID_TREE;
	if ((m->did & KERNEL_DID_EMPTY) == 0)
		return kernel_steps_back_out;
	/* From here on it is a way back like any other. */
	kernel_move_resume(k, m);
	m->is_offload = false;
	m->is_restore = true;
	return kernel_steps_restore;
}
