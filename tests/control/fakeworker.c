/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See fakeworker.h. One function for each kind of message, as in a real
 * worker's command.c, but with a model in place of an engine.
 */
#include <stdlib.h>
#include <string.h>

#include "chim_handle.h"
#include "fakeworker.h"
#include "test.h"

void
fake_start(
	struct fake_worker *w, uint32_t id, struct chim_box *in, struct chim_box *out, uint32_t max)
{
	memset(w, 0, sizeof(*w));
	w->id = id;
	w->in = in;
	w->out = out;
	w->max = max;
	w->conns = calloc(max, sizeof(*w->conns));
	assert_non_null(w->conns);
	w->kept_end = &w->kept;
	w->owed_end = &w->owed;
	w->nic_delta = CHIM_TICKS_NONE;
}

void
fake_stop(struct fake_worker *w)
{
	free(w->conns);
	w->conns = NULL;
}

void
fake_refuse(struct fake_worker *w, struct fake_rule rule)
{
	for (int i = 0; i < FAKE_RULES; i++) {
		if (w->rules[i].kind != 0 && w->rules[i].count != 0)
			continue;
		w->rules[i] = rule;
		return;
	}
	fail_msg("too many rules");
}

static void
answer(struct fake_worker *w, struct chim_msg *m, enum chim_status status, enum chim_reason reason)
{
	m->status = status;
	m->reason = reason;
	m->next = NULL;
	*w->owed_end = m;
	w->owed_end = &m->next;
}

static void
accept(struct fake_worker *w, struct chim_msg *m)
{
	answer(w, m, CHIM_STATUS_SUCCESS, CHIM_REASON_NONE);
}

static bool
is_taken(const struct fake_worker *w, const struct chim_tuple *t)
{
	if (w->is_careless)
		return false;
	for (uint32_t i = 0; i < w->max; i++) {
		if (w->conns[i].is_live && memcmp(&w->conns[i].tcp.tuple, t, sizeof(*t)) == 0)
			return true;
	}
	return false;
}

static struct fake_conn *
free_slot(struct fake_worker *w)
{
	for (uint32_t i = 0; i < w->max; i++) {
		uint32_t at = (w->next + i) % w->max;

		if (!w->conns[at].is_live) {
			w->next = at + 1;
			return &w->conns[at];
		}
	}
	return NULL;
}

static void
install(struct fake_worker *w, struct chim_msg *m)
{
	struct fake_conn *c;

	assert_true(m->tcp.path >= FAKE_INDEX || w->has_path[m->tcp.path]);
	if (is_taken(w, &m->tcp.tuple)) {
		answer(w, m, CHIM_STATUS_FAILURE, CHIM_REASON_DUPLICATE);
		return;
	}
	c = free_slot(w);
	if (c == NULL) {
		answer(w, m, CHIM_STATUS_OFFLOAD_TCP_ENTRIES, CHIM_REASON_TABLE_FULL);
		return;
	}
	c->is_live = true;
	c->is_invalid = false;
	c->generation = (c->generation % CHIM_GENERATION_MASK) + 1;
	c->tcp = m->tcp;
	w->nb_live++;
	m->handle = chim_handle_make(w->id, c->generation, (uint32_t)(c - w->conns));
	accept(w, m);
}

static struct fake_conn *
find(struct fake_worker *w, chim_handle_t h)
{
	uint32_t index = chim_handle_index(h);

	if (chim_handle_owner(h) != w->id || index >= w->max || !w->conns[index].is_live ||
		w->conns[index].generation != chim_handle_generation(h))
		return NULL;
	return &w->conns[index];
}

static void
query(struct chim_msg *m, const struct fake_conn *c)
{
	if ((m->tcp.want & CHIM_WANT_CONST) != 0)
		m->tcp.tcp_const = c->tcp.tcp_const;
	if ((m->tcp.want & CHIM_WANT_CACHED) != 0)
		m->tcp.cached = c->tcp.cached;
	if ((m->tcp.want & CHIM_WANT_DELEGATED) != 0) {
		m->tcp.delegated = c->tcp.delegated;
		m->tcp.delegated.send_data_head = NULL;
		m->tcp.delegated.send_data_tail = NULL;
		m->tcp.delegated.buffered_data = NULL;
	}
}

static void
terminate(struct fake_worker *w, struct chim_msg *m, struct fake_conn *c)
{
	if ((m->tcp.want & CHIM_WANT_DELEGATED) != 0) {
		m->tcp.delegated = c->tcp.delegated;
		m->tcp.send_chain = c->tcp.send_chain;
	}
	c->is_live = false;
	w->nb_live--;
}

static void
tcp_object(struct fake_worker *w, struct chim_msg *m)
{
	struct fake_conn *c = find(w, m->handle);

	if (c == NULL) {
		answer(w, m, CHIM_STATUS_FAILURE, CHIM_REASON_STALE);
		return;
	}
	if (m->kind == CHIM_MSG_QUERY)
		query(m, c);
	else if (m->kind == CHIM_MSG_UPDATE)
		c->tcp.cached = m->tcp.cached;
	else if (m->kind == CHIM_MSG_INVALIDATE)
		c->is_invalid = true;
	else
		terminate(w, m, c);
	accept(w, m);
}

static void
neighbor(struct fake_worker *w, struct chim_msg *m)
{
	uint32_t i = m->neighbor.index;

	if (i >= FAKE_INDEX) {
		accept(w, m);
		return;
	}
	if (m->kind == CHIM_MSG_NEIGHBOR_SET) {
		w->neighbor[i] = m->neighbor;
		w->has_neighbor[i] = true;
	} else {
		assert_true(w->has_neighbor[i]);
		m->neighbor.nic_reachability_delta = w->nic_delta;
		w->has_neighbor[i] = m->kind != CHIM_MSG_NEIGHBOR_REMOVE;
	}
	accept(w, m);
}

static void
path(struct fake_worker *w, struct chim_msg *m)
{
	uint32_t i = m->path.index;

	if (i < FAKE_INDEX) {
		assert_true(m->kind == CHIM_MSG_PATH_SET || w->has_path[i]);
		w->path[i] = m->path;
		w->has_path[i] = m->kind == CHIM_MSG_PATH_SET;
	}
	accept(w, m);
}

static void
flow(struct fake_worker *w, struct chim_msg *m)
{
	struct rte_mbuf *frame = m->flow.frames;

	w->flow = m->flow;
	while (frame != NULL) {
		struct rte_mbuf *next = chim_nbl(frame)->next;

		rte_pktmbuf_free(frame);
		w->nb_injected++;
		frame = next;
	}
	m->flow.record = (struct chim_flow_record){ .flags = CHIM_RECORD_DATA, .snd_max = 77 };
	accept(w, m);
}

static void
stats(struct fake_worker *w, struct chim_msg *m)
{
	struct chim_family_stats *s = &w->stats[m->stats.family == CHIM_AF_INET6];

	if (m->kind == CHIM_MSG_STATS)
		m->stats.stats = *s;
	else
		memset(s, 0, sizeof(*s));
	accept(w, m);
}

static bool
refuse_by_rule(struct fake_worker *w, struct chim_msg *m)
{
	for (int i = 0; i < FAKE_RULES; i++) {
		struct fake_rule *r = &w->rules[i];

		if (r->kind != m->kind || r->count == 0)
			continue;
		if (r->skip > 0) {
			r->skip--;
			continue;
		}
		r->count--;
		/* A connection that could not be exported is gone all the same. */
		if (m->kind == CHIM_MSG_TERMINATE && find(w, m->handle) != NULL)
			terminate(w, m, find(w, m->handle));
		answer(w, m, r->status, r->reason);
		return true;
	}
	return false;
}

static void
handle(struct fake_worker *w, struct chim_msg *m)
{
	if (refuse_by_rule(w, m))
		return;
	if (m->kind == CHIM_MSG_INSTALL)
		install(w, m);
	else if (m->kind <= CHIM_MSG_TERMINATE)
		tcp_object(w, m);
	else if (m->kind <= CHIM_MSG_NEIGHBOR_QUERY)
		neighbor(w, m);
	else if (m->kind <= CHIM_MSG_PATH_REMOVE)
		path(w, m);
	else if (m->kind <= CHIM_MSG_INJECT)
		flow(w, m);
	else if (m->kind != CHIM_MSG_PARAMS)
		stats(w, m);
	else {
		w->params = m->params;
		accept(w, m);
	}
}

static void
note(struct fake_worker *w, const struct chim_msg *m)
{
	struct fake_entry *e = &w->log[w->nb_log++ % FAKE_LOG];

	*e = (struct fake_entry){ .kind = m->kind, .handle = m->handle };
	if (m->kind == CHIM_MSG_INSTALL) {
		e->offload_handle = m->tcp.offload_handle;
		e->index = m->tcp.path;
	} else if (m->kind >= CHIM_MSG_NEIGHBOR_SET && m->kind <= CHIM_MSG_NEIGHBOR_QUERY) {
		e->offload_handle = m->neighbor.offload_handle;
		e->index = m->neighbor.index;
	} else if (m->kind == CHIM_MSG_PATH_SET || m->kind == CHIM_MSG_PATH_REMOVE) {
		e->index = m->path.index;
	}
}

static void
take(struct fake_worker *w, struct chim_msg *m)
{
	if (m->kind >= CHIM_MSG_EVENT_REACHABILITY) {
		w->nb_events_back++;
		return;
	}
	assert_int_equal(m->worker, w->id);
	note(w, m);
	if ((w->keep & 1ull << m->kind) != 0) {
		m->next = NULL;
		*w->kept_end = m;
		w->kept_end = &m->next;
		return;
	}
	handle(w, m);
}

static uint32_t
flush(struct fake_worker *w)
{
	uint32_t nb = 0;

	while (w->owed != NULL) {
		struct chim_msg *m = w->owed;
		struct chim_msg *next = m->next;

		if (chim_box_put(w->out, (void **)&m, 1) == 0)
			return nb;
		w->owed = next;
		if (next == NULL)
			w->owed_end = &w->owed;
		nb++;
	}
	return nb;
}

uint32_t
fake_poll(struct fake_worker *w)
{
	void *burst[64];
	uint32_t nb = 0;

	if (!w->is_stalled) {
		nb = chim_box_take(w->in, burst, CHIM_DIM(burst));
		for (uint32_t i = 0; i < nb; i++)
			take(w, burst[i]);
	}
	return nb + flush(w);
}

void
fake_answer_kept(struct fake_worker *w)
{
	struct chim_msg *m = w->kept;

	w->keep = 0;
	w->kept = NULL;
	w->kept_end = &w->kept;
	while (m != NULL) {
		struct chim_msg *next = m->next;

		handle(w, m);
		m = next;
	}
	flush(w);
}

void
fake_raise(struct fake_worker *w, struct chim_msg *m)
{
	m->worker = (uint8_t)w->id;
	assert_int_equal(chim_box_put(w->out, (void **)&m, 1), 1);
}

uint32_t
fake_count(const struct fake_worker *w, uint32_t kind)
{
	uint32_t nb = 0;

	assert_true(w->nb_log <= FAKE_LOG);
	for (uint32_t i = 0; i < w->nb_log; i++)
		nb += w->log[i].kind == kind;
	return nb;
}
