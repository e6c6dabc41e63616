/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Flow sets at work. One request is in flight at a time, a tree of up to BATCH
 * connections of one path: neighbor, path (new, or linked when it is there),
 * TCP. When all are in, each turn sorts what the workers say into the streams
 * and terminates who has ended. The trees are built in flowtree.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>

#include "chim_base.h"
#include "chim_log.h"
#include "flowtree.h"
#include "options.h"

#define IO_AT_ONCE 64u

static uint32_t
count_all(const struct app_flow_set *set, uint32_t nb)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nb; i++)
		sum += set[i].connections;
	return (uint32_t)RTE_MIN(sum, (uint64_t)UINT32_MAX);
}

static int
allocate(struct app_flow_sets *s)
{
	s->conn = calloc(s->nb_conns, sizeof(*s->conn));
	s->doomed = calloc(s->nb_conns, sizeof(*s->doomed));
	s->blocked = calloc(s->nb_conns, sizeof(*s->blocked));
	s->tree = calloc(1, sizeof(*s->tree));
	if (s->conn == NULL || s->doomed == NULL || s->blocked == NULL || s->tree == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->nb_sets; i++) {
		s->path[i] = calloc(flow_tree_count_paths(&s->set[i]), sizeof(chim_handle_t));
		if (s->path[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

struct app_flow_sets *
app_flow_sets_create(const struct app_flow_set *set, uint32_t nb, char *why)
{
	struct app_flow_sets *s = calloc(1, sizeof(*s));

	snprintf(why, APP_WHY, "flow sets: out of memory");
	if (s == NULL)
		return NULL;
	s->set = set;
	s->nb_sets = nb;
	s->nb_conns = count_all(set, nb);
	if (allocate(s) != 0) {
		app_flow_sets_destroy(s);
		return NULL;
	}
	s->host = chim_host_open("flow-set");
	if (s->host == NULL) {
		snprintf(why, APP_WHY, "flow sets: attach to the engine: %s",
			rte_strerror(rte_errno));
		app_flow_sets_destroy(s);
		return NULL;
	}
	return s;
}

void
app_flow_sets_destroy(struct app_flow_sets *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; s->conn != NULL && i < s->nb_conns; i++)
		chim_stream_destroy(s->conn[i].stream);
	if (s->host != NULL && chim_host_close(s->host) != 0)
		CHIM_LOG(APP, WARNING, "flow sets: a request was still under way");
	for (uint32_t i = 0; i < s->nb_sets; i++)
		free(s->path[i]);
	free(s->tree);
	free(s->blocked);
	free(s->doomed);
	free(s->conn);
	free(s);
}

/* ---- a connection ---- */

static void
doom(struct app_flow_sets *s, struct flow_conn *c)
{
	if (c->is_doomed || c->handle == CHIM_HANDLE_NONE)
		return;
	c->is_doomed = true;
	s->doomed[s->nb_doomed++] = (uint32_t)(c - s->conn);
}

/* The service is done: FIN, and nothing more is taken. @return false when the ring is full. */
static bool
say_close(struct app_flow_sets *s, struct flow_conn *c)
{
	const struct chim_io io = {
		.op = CHIM_IO_DISCONNECT,
		.flags = CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE,
		.handle = c->handle,
	};

	c->is_closing = chim_host_post(s->host, &io) == 0;
	return c->is_closing;
}

/* After every call into the stream. */
static void
settle(struct app_flow_sets *s, struct flow_conn *c)
{
	bool is_blocked = chim_stream_is_blocked(c->stream);

	if (chim_stream_error(c->stream) != 0)
		doom(s, c);
	else if (chim_stream_is_finished(c->stream) && !c->is_closing && !c->is_doomed)
		is_blocked |= !say_close(s, c);
	if (!is_blocked || c->is_blocked)
		return;
	c->is_blocked = true;
	s->blocked[s->nb_blocked++] = (uint32_t)(c - s->conn);
}

static uint32_t
retry_blocked(struct app_flow_sets *s)
{
	uint32_t nb = s->nb_blocked;
	uint32_t *list = s->blocked;

	/* Whoever is blocked again goes to a place that has been read. */
	s->nb_blocked = 0;
	for (uint32_t i = 0; i < nb; i++) {
		struct flow_conn *c = &s->conn[list[i]];

		c->is_blocked = false;
		if (c->stream == NULL)
			continue;
		chim_stream_retry(c->stream);
		settle(s, c);
	}
	return nb;
}

static void
give_back(struct app_flow_sets *s, struct rte_mbuf *lent)
{
	while (lent != NULL) {
		struct rte_mbuf *next = chim_nbl(lent)->next;

		chim_nbl(lent)->next = s->lent;
		s->lent = lent;
		lent = next;
	}
}

static void
take_io(struct app_flow_sets *s, const struct chim_io *io)
{
	struct flow_conn *c =
		io->offload_handle < s->nb_conns ? &s->conn[io->offload_handle] : NULL;

	/* It has been terminated; this was said before. */
	if (c == NULL || c->stream == NULL || c->handle != io->handle) {
		if (io->op == CHIM_IO_INDICATE)
			give_back(s, io->m);
		else
			chim_nbl_free(io->m);
		return;
	}
	chim_stream_on_io(c->stream, io);
	if (io->op == CHIM_IO_EVENT &&
		(io->event == CHIM_EVENT_RETRIEVE || io->event == CHIM_EVENT_TIME_WAIT))
		doom(s, c);
	settle(s, c);
}

static uint32_t
collect(struct app_flow_sets *s)
{
	struct chim_io io[IO_AT_ONCE];
	unsigned int nb = chim_host_collect(s->host, io, IO_AT_ONCE);

	for (unsigned int i = 0; i < nb; i++)
		take_io(s, &io[i]);
	if (s->lent != NULL)
		s->lent = chim_host_return(s->host, s->lent);
	return nb;
}

/* ---- requests ---- */

static void
note_refusal(struct app_flow_sets *s, const struct chim_block *b)
{
	s->nb_refused++;
	if (s->refusal != NULL)
		return;
	s->refusal = b->reason != CHIM_REASON_NONE ? chim_reason_text(b->reason)
						   : chim_status_name(b->status);
}

static void
adopt(struct app_flow_sets *s, struct flow_conn *c)
{
	const struct app_flow_set *f = &s->set[s->at_set];

	c->stream = chim_stream_create(
		s->host, -1, chim_service_find(f->service), f->arg[0] != '\0' ? f->arg : NULL);
	if (c->stream == NULL) {
		/* It cannot be served; it waits in the engine for the end. */
		CHIM_LOG(APP, WARNING, "[%s]: a connection has no service: out of memory", f->name);
		return;
	}
	chim_stream_leave(c->stream);
	chim_stream_arrive_engine(c->stream, c->handle);
	settle(s, c);
}

static void
on_initiated(struct app_flow_sets *s)
{
	struct flow_tree *t = s->tree;

	for (uint32_t i = 0; i < t->nb; i++) {
		struct flow_conn *c = &s->conn[t->index[i]];

		if (t->tcp[i].block.status == CHIM_STATUS_SUCCESS) {
			s->nb_offloaded++;
			adopt(s, c);
			if (s->is_stopping)
				doom(s, c);
		} else {
			note_refusal(s, &t->tcp[i].block);
			c->handle = CHIM_HANDLE_NONE;
		}
	}
	s->next_conn += t->nb;
	s->next_in_set += t->nb;
	if (s->next_in_set < s->set[s->at_set].connections)
		return;
	CHIM_LOG(APP, NOTICE,
		"[%s]: %u connections asked for; in all %lu offloaded, %lu refused%s%s",
		s->set[s->at_set].name, s->set[s->at_set].connections,
		(unsigned long)s->nb_offloaded, (unsigned long)s->nb_refused,
		s->refusal != NULL ? ": " : "", s->refusal != NULL ? s->refusal : "");
	s->at_set++;
	s->next_in_set = 0;
}

static void
end_conn(struct app_flow_sets *s, struct flow_conn *c, struct chim_tcp_block *b)
{
	struct chim_stream_stats st;

	chim_nbl_free(b->block.send_chain);
	give_back(s, b->delegated.buffered_data);
	if (c->stream != NULL) {
		chim_stream_stats(c->stream, &st);
		s->ended_in += st.bytes_in;
		s->ended_out += st.bytes_out;
	}
	chim_stream_destroy(c->stream);
	c->stream = NULL;
	c->handle = CHIM_HANDLE_NONE;
	s->nb_ended++;
}

static void
on_terminated(struct app_flow_sets *s)
{
	struct flow_tree *t = s->tree;

	for (uint32_t i = 0; i < t->nb; i++)
		end_conn(s, &s->conn[t->index[i]], &t->tcp[i]);
	for (uint32_t i = 0; i < t->nb_parents; i++)
		*t->bare[i].context = CHIM_HANDLE_NONE;
}

static void
on_completion(struct app_flow_sets *s, const struct chim_completion *e)
{
	if (e->kind == CHIM_COMPLETION_REACHABILITY_QUERY) {
		/* Whoever made up the connections vouches for the neighbor. */
		const struct chim_io io = { .op = CHIM_IO_REACHABILITY,
			.handle = e->neighbor.handle };

		chim_host_post(s->host, &io);
		return;
	}
	if (e->kind != CHIM_COMPLETION_REQUEST)
		return;
	s->is_waiting = false;
	s->req.root = NULL;
	if (e->op == CHIM_OP_INITIATE)
		on_initiated(s);
	else
		on_terminated(s);
}

/* What to ask for next. @return NULL when there is nothing. */
static struct chim_block *
plan(struct app_flow_sets *s)
{
	s->req.op = CHIM_OP_TERMINATE;
	if (s->nb_doomed > 0)
		return flow_tree_terminate(s);
	if (s->is_stopping)
		return flow_tree_terminate_parents(s);
	if (s->at_set == s->nb_sets)
		return NULL;
	s->req.op = CHIM_OP_INITIATE;
	return flow_tree_initiate(s);
}

/* One request is in flight at a time; what a full ring refused stays in req.root. */
static uint32_t
ask(struct app_flow_sets *s)
{
	if (s->is_waiting)
		return 0;
	if (s->req.root == NULL)
		s->req.root = plan(s);
	if (s->req.root == NULL || chim_host_submit(s->host, &s->req) != 0)
		return 0;
	s->is_waiting = true;
	return 1;
}

uint32_t
app_flow_sets_poll(struct app_flow_sets *s)
{
	struct chim_completion e;
	uint32_t done = collect(s);

	while (chim_host_reap(s->host, &e, 1) == 1) {
		on_completion(s, &e);
		done++;
	}
	if (s->nb_blocked > 0)
		done += retry_blocked(s);
	return done + ask(s);
}

bool
app_flow_sets_are_ready(const struct app_flow_sets *s)
{
	return s->at_set == s->nb_sets;
}

void
app_flow_sets_stop(struct app_flow_sets *s)
{
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	for (uint32_t i = 0; i < s->next_conn; i++)
		doom(s, &s->conn[i]);
}

bool
app_flow_sets_are_over(const struct app_flow_sets *s)
{
	return s->is_stopping && s->req.root == NULL && s->nb_doomed == 0 && s->lent == NULL &&
		!flow_tree_has_parents(s);
}

void
app_flow_sets_stats(const struct app_flow_sets *s, struct app_flow_stats *st)
{
	*st = (struct app_flow_stats){
		.connections = s->nb_conns,
		.offloaded = s->nb_offloaded,
		.refused = s->nb_refused,
		.refusal = s->refusal,
		.ended = s->nb_ended,
		.bytes_in = s->ended_in,
		.bytes_out = s->ended_out,
	};
	for (uint32_t i = 0; i < s->next_conn; i++) {
		struct chim_stream_stats one;

		if (s->conn[i].stream == NULL)
			continue;
		chim_stream_stats(s->conn[i].stream, &one);
		st->bytes_in += one.bytes_in;
		st->bytes_out += one.bytes_out;
	}
}
