/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What concerns the whole adapter (spec 9, 10): parameters, capabilities,
 * statistics, and pause, resume, upload-all. The last three come from any
 * thread as a wish and become events to every host here, once a turn.
 */
#include <string.h>

#include "ctl_internal.h"

/* ---- requests ---- */

/* Every worker gets the same message in the same order as any other host's. */
static void
broadcast(struct chim_ctl *c, struct ctl_op *op, enum chim_msg_op kind)
{
	for (uint32_t w = 0; w < c->cfg.nb_workers; w++) {
		struct chim_msg *m = ctl_mail_new(c, op, NULL, kind);

		if (kind == CHIM_MSG_PARAMS) {
			m->params = c->caps.params;
		} else {
			memset(&m->stats, 0, sizeof(m->stats));
			m->stats.family = op->req.stats.family;
		}
		op->nb_open++;
		ctl_mail_send(c, w, m);
	}
}

static bool
is_tick_rate(uint32_t rate)
{
	return rate == 10 || rate == 100 || rate == 1000;
}

static enum chim_reason
check_params(const struct chim_ctl *c, const struct chim_params *p)
{
	for (uint32_t i = 0; i < CHIM_DIM(p->reserved); i++) {
		if (p->reserved[i] != 0)
			return CHIM_REASON_BAD_VALUE;
	}
	if (p->congestion_algorithm > CHIM_CC_DCTCP)
		return CHIM_REASON_BAD_VALUE;
	if (p->ticks_per_second == 0 || p->ticks_per_second == c->caps.params.ticks_per_second)
		return CHIM_REASON_NONE;
	if (!is_tick_rate(p->ticks_per_second))
		return CHIM_REASON_BAD_VALUE;
	/* Every tick already handed over would change its meaning. */
	if (c->counters.neighbors != 0 || c->counters.paths != 0 || c->nb_reserved_conns != 0)
		return CHIM_REASON_BAD_STATE;
	return CHIM_REASON_NONE;
}

/* Values other than zero replace the present ones. */
void
ctl_adapter_apply_params(struct chim_params *to, const struct chim_params *from)
{
	uint32_t values[sizeof(*from) / sizeof(uint32_t)];
	uint32_t now[CHIM_DIM(values)];

	_Static_assert(sizeof(values) == sizeof(*from), "parameters are 32-bit values");
	memcpy(values, from, sizeof(values));
	memcpy(now, to, sizeof(now));
	for (uint32_t i = 0; i < CHIM_DIM(values); i++) {
		if (values[i] != 0)
			now[i] = values[i];
	}
	memcpy(to, now, sizeof(*to));
}

static void
set_params(struct chim_ctl *c, struct ctl_op *op)
{
	struct chim_params p;
	enum chim_reason why = CHIM_REASON_NULL_POINTER;

	if (op->req.params != NULL) {
		p = *op->req.params;
		why = check_params(c, &p);
	}
	if (why != CHIM_REASON_NONE) {
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, why);
		return;
	}
	ctl_adapter_apply_params(&c->caps.params, &p);
	ctl_adapter_publish(c);
	broadcast(c, op, CHIM_MSG_PARAMS);
}

static void
start_stats(struct chim_ctl *c, struct ctl_op *op)
{
	bool is_get = op->req.op == CHIM_OP_GET_STATS;

	memset(&op->stats, 0, sizeof(op->stats));
	if (is_get && op->req.stats.stats == NULL)
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, CHIM_REASON_NULL_POINTER);
	else if (op->req.stats.family != CHIM_AF_INET && op->req.stats.family != CHIM_AF_INET6)
		ctl_op_fail(c, op, CHIM_STATUS_FAILURE, CHIM_REASON_BAD_VALUE);
	else
		broadcast(c, op, is_get ? CHIM_MSG_STATS : CHIM_MSG_STATS_RESET);
}

void
ctl_adapter_start(struct chim_ctl *c, struct ctl_op *op)
{
	switch (op->req.op) {
	case CHIM_OP_SET_PARAMS:
		set_params(c, op);
		break;
	case CHIM_OP_GET_CAPS:
		if (op->req.caps == NULL)
			ctl_op_fail(c, op, CHIM_STATUS_FAILURE, CHIM_REASON_NULL_POINTER);
		break;
	default:
		start_stats(c, op);
		break;
	}
}

static void
add_stats(struct chim_family_stats *sum, const struct chim_family_stats *part)
{
#define ADD_FIELD(name) sum->name += part->name;
	CHIM_FAMILY_STATS_LIST(ADD_FIELD)
#undef ADD_FIELD
}

/* An answer to an operation without a tree: of a flow, or one of every worker's. */
void
ctl_adapter_reply(struct chim_ctl *c, struct ctl_op *op, const struct chim_msg *m)
{
	if (m->status != CHIM_STATUS_SUCCESS)
		ctl_op_fail(c, op, m->status,
			m->reason < CHIM_REASON_MAX ? m->reason : CHIM_REASON_NONE);
	if (m->kind == CHIM_MSG_STATS)
		add_stats(&op->stats, &m->stats.stats);
	else if (m->kind == CHIM_MSG_HOLD || m->kind == CHIM_MSG_SEAL)
		op->record = m->flow.record;
	ctl_op_release(c, op);
}

/* Results that go to the host's memory, before the completion tells of them. */
void
ctl_adapter_finish(struct chim_ctl *c, struct ctl_op *op)
{
	if (op->status != CHIM_STATUS_SUCCESS)
		return;
	if (op->req.op == CHIM_OP_GET_CAPS)
		*op->req.caps = c->caps;
	else if (op->req.op == CHIM_OP_GET_STATS)
		*op->req.stats.stats = op->stats;
}

/* Let hosts read the capabilities without asking; they retry while the version is odd. */
void
ctl_adapter_publish(struct chim_ctl *c)
{
	struct chim_target *t = c->cfg.target;
	uint32_t version = atomic_load_explicit(&t->caps_version, memory_order_relaxed);

	atomic_store_explicit(&t->caps_version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* with the acquire in chim_host_caps() */
	t->caps = c->caps;
	atomic_store_explicit(&t->caps_version, version + 2, memory_order_release);
}

/* ---- pause, resume, upload-all ---- */

void
chim_ctl_pause(struct chim_ctl *c)
{
	rte_spinlock_lock(&c->wish.lock);
	c->wish.has_pause = true;
	c->wish.is_paused = true;
	atomic_store_explicit(&c->wish.is_set, true, memory_order_relaxed);
	rte_spinlock_unlock(&c->wish.lock);
}

void
chim_ctl_resume(struct chim_ctl *c, const struct chim_caps *caps)
{
	rte_spinlock_lock(&c->wish.lock);
	c->wish.has_resume = true;
	c->wish.is_paused = false;
	if (caps != NULL) {
		c->wish.caps = *caps;
		c->wish.has_caps = true;
	}
	atomic_store_explicit(&c->wish.is_set, true, memory_order_relaxed);
	rte_spinlock_unlock(&c->wish.lock);
}

void
chim_ctl_upload_all(struct chim_ctl *c)
{
	rte_spinlock_lock(&c->wish.lock);
	c->wish.has_upload = true;
	atomic_store_explicit(&c->wish.is_set, true, memory_order_relaxed);
	rte_spinlock_unlock(&c->wish.lock);
}

/* A host that does not read hears less often, but of the last state and of any upload-all. */
static void
tell(struct ctl_host *h, enum chim_completion_kind kind)
{
	bool has_upload = kind == CHIM_COMPLETION_UPLOAD_ALL;

	if (h->nb_adapter == CTL_EVENT_QUEUE) {
		for (uint32_t i = 0; i < h->nb_adapter; i++)
			has_upload |= h->adapter[i] == CHIM_COMPLETION_UPLOAD_ALL;
		h->nb_adapter = 0;
		if (has_upload && kind != CHIM_COMPLETION_UPLOAD_ALL)
			h->adapter[h->nb_adapter++] = CHIM_COMPLETION_UPLOAD_ALL;
	}
	h->adapter[h->nb_adapter++] = (uint8_t)kind;
}

static void
tell_all(struct chim_ctl *c, enum chim_completion_kind kind)
{
	for (uint32_t i = 0; i < c->cfg.target->nb_hosts; i++) {
		if (atomic_load_explicit(&c->cfg.target->slot[i].state, memory_order_acquire) ==
			CHIM_SLOT_OPEN)
			tell(&c->host[i], kind);
	}
}

static void
pause_now(struct chim_ctl *c)
{
	c->is_paused = true;
	tell_all(c, CHIM_COMPLETION_OFFLOAD_PAUSE);
}

static void
resume_now(struct chim_ctl *c)
{
	struct ctl_op *op;

	c->is_paused = false;
	tell_all(c, CHIM_COMPLETION_OFFLOAD_RESUME);
	while ((op = STAILQ_FIRST(&c->paused)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->paused, next);
		c->nb_paused--;
		ctl_op_queue(c, op);
	}
}

/* Capabilities change between a pause and a resume, whatever was asked for (spec 9). */
static void
change_caps(struct chim_ctl *c, const struct chim_caps *caps)
{
	struct chim_params params = c->caps.params;

	if (!c->is_paused)
		pause_now(c);
	c->caps = *caps;
	c->caps.params = params; /* by SET_PARAMS only */
	ctl_setup_clamp(c);
	ctl_adapter_publish(c);
}

/* Turn what was wished since the last turn into events; returns how much there was. */
uint32_t
ctl_adapter_wishes(struct chim_ctl *c)
{
	struct ctl_wish w;

	if (!atomic_load_explicit(&c->wish.is_set, memory_order_relaxed))
		return 0;
	rte_spinlock_lock(&c->wish.lock);
	w = c->wish;
	atomic_store_explicit(&c->wish.is_set, false, memory_order_relaxed);
	c->wish.has_pause = false;
	c->wish.has_resume = false;
	c->wish.has_upload = false;
	c->wish.has_caps = false;
	rte_spinlock_unlock(&c->wish.lock);
	if (w.has_pause && !c->is_paused)
		pause_now(c);
	if (w.has_caps)
		change_caps(c, &w.caps);
	if (w.has_upload)
		tell_all(c, CHIM_COMPLETION_UPLOAD_ALL);
	if (w.has_resume && c->is_paused)
		resume_now(c);
	if (w.is_paused && !c->is_paused && w.has_pause)
		pause_now(c);
	return 1;
}

static enum chim_status
status_of(enum chim_completion_kind kind)
{
	if (kind == CHIM_COMPLETION_OFFLOAD_PAUSE)
		return CHIM_STATUS_OFFLOAD_PAUSE;
	return kind == CHIM_COMPLETION_UPLOAD_ALL ? CHIM_STATUS_UPLOAD_ALL
						  : CHIM_STATUS_OFFLOAD_RESUME;
}

/* Put what a host is still to be told. Returns false when its completion ring is full. */
bool
ctl_adapter_tell(struct chim_ctl *c, uint32_t host)
{
	struct ctl_host *h = &c->host[host];
	uint32_t told = 0;

	while (told < h->nb_adapter) {
		struct chim_completion e = { .kind = h->adapter[told],
			.status = status_of(h->adapter[told]) };

		if (chim_chan_put(c->cfg.target->slot[host].completions, &e, 1) == 0)
			break;
		told++;
	}
	h->nb_adapter -= told;
	memmove(h->adapter, h->adapter + told, h->nb_adapter);
	if (h->nb_adapter != 0)
		c->counters.completion_full++;
	return h->nb_adapter == 0;
}
