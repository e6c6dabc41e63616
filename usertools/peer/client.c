/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The client: keeps so many connections open at once until all have ended,
 * each driven by epoll. What was started with --until-usr1 stops sending at
 * SIGUSR1, says when everything has come back, and closes at the next one: in
 * between, both ends can be compared.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peer.h"

#define NB_EVENTS 64

static volatile sig_atomic_t nb_usr1;

static void
on_usr1(int sig)
{
	(void)sig;
	nb_usr1++;
}

static void
retire(struct peer_run *r, struct peer_conn *c)
{
	peer_conn_counters(c);
	close(c->fd);
	c->fd = -1;
	r->total.sent += c->n.sent;
	r->total.received += c->n.received;
	r->total.hash_sent ^= c->n.hash_sent;
	r->total.hash_received ^= c->n.hash_received;
	r->total.retrans += c->n.retrans;
	r->total.dsacks += c->n.dsacks;
	r->total.options = c->n.options;
	if (c->error[0] == '\0') {
		r->good++;
		return;
	}
	if (r->bad++ == 0)
		memcpy(r->error, c->error, sizeof(r->error));
}

/*
 * Fill free places. A connection that cannot even be opened counts as failed;
 * but one for which every local port is still in TIME_WAIT is tried again.
 */
static void
open_more(struct peer_run *r)
{
	for (uint32_t i = 0; i < r->opt->parallel && r->opened < r->opt->connections; i++) {
		struct peer_conn *c = &r->conn[i];

		if (c->fd >= 0)
			continue;
		if (peer_conn_open(r, c, r->opened++) == 0)
			continue;
		if (errno == EADDRNOTAVAIL) {
			close(c->fd);
			c->fd = -1;
			r->opened--;
			return;
		}
		snprintf(c->error, sizeof(c->error), "connection %u: cannot open: %s", c->number,
			strerror(errno));
		retire(r, c);
	}
}

/* SIGUSR1 came: no byte after those sent by now, or after --bytes. */
static void
finish_all(struct peer_run *r)
{
	bool is_all_back = !r->has_told;

	for (uint32_t i = 0; i < r->opt->parallel; i++) {
		struct peer_conn *c = &r->conn[i];

		if (c->fd < 0)
			continue;
		if (c->goal == UINT64_MAX)
			c->goal = c->n.sent > r->opt->bytes ? c->n.sent : r->opt->bytes;
		is_all_back = is_all_back && c->n.received == c->goal;
		if (nb_usr1 < 2 || !c->is_held || c->n.sent < c->goal)
			continue;
		c->is_held = false;
		peer_conn_run(r, c);
		if (c->is_over)
			retire(r, c);
	}
	if (is_all_back) {
		r->has_told = true;
		peer_print_progress(r);
	}
}

static void
fail_stalled(struct peer_run *r)
{
	for (uint32_t i = 0; i < r->opt->parallel; i++) {
		struct peer_conn *c = &r->conn[i];

		if (c->fd < 0)
			continue;
		snprintf(c->error, sizeof(c->error),
			"connection %u: nothing moved for %u s (sent %llu, received %llu)",
			c->number, r->opt->stall_s, (unsigned long long)c->n.sent,
			(unsigned long long)c->n.received);
		retire(r, c);
	}
}

static void
turn(struct peer_run *r)
{
	struct epoll_event ev[NB_EVENTS];
	int n = epoll_wait(r->epoll, ev, NB_EVENTS, 20);

	for (int i = 0; i < n; i++) {
		struct peer_conn *c = ev[i].data.ptr;

		peer_conn_run(r, c);
		if (c->is_over)
			retire(r, c);
	}
}

static void
run(struct peer_run *r)
{
	uint64_t told_us = r->start_us;

	while (r->good + r->bad < r->opt->connections) {
		open_more(r);
		turn(r);
		if (r->opt->until_usr1 && nb_usr1 > 0)
			finish_all(r);
		uint64_t now = peer_now_us();

		if (r->opt->progress_ms > 0 && now - told_us >= r->opt->progress_ms * 1000ull) {
			peer_print_progress(r);
			told_us = now;
		}
		if (!r->has_told && now - r->moved_us > r->opt->stall_s * 1000000ull) {
			fail_stalled(r);
			break;
		}
	}
}

static int
prepare(struct peer_run *r)
{
	const struct peer_options *opt = r->opt;
	struct sigaction act = { .sa_handler = on_usr1 };

	sigaction(SIGUSR1, &act, NULL);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->conn = calloc(opt->parallel, sizeof(*r->conn));
	r->piece = malloc(PEER_PIECE);
	r->expected = malloc(PEER_PIECE);
	if (r->epoll < 0 || r->conn == NULL || r->piece == NULL || r->expected == NULL)
		return -1;
	for (uint32_t i = 0; i < opt->parallel; i++)
		r->conn[i].fd = -1;
	if (opt->gaps != NULL && (r->gaps = fopen(opt->gaps, "w")) == NULL)
		return -1;
	r->start_us = r->moved_us = peer_now_us();
	return 0;
}

int
peer_client(const struct peer_options *opt)
{
	struct peer_run r = { .opt = opt, .epoll = -1 };
	int rc = EXIT_FAILURE;

	if (prepare(&r) == 0) {
		run(&r);
		peer_print_final(&r);
		rc = r.bad == 0 && r.good == opt->connections ? EXIT_SUCCESS : EXIT_FAILURE;
	} else {
		perror("chimney-peer");
	}
	if (r.gaps != NULL)
		fclose(r.gaps);
	if (r.epoll >= 0)
		close(r.epoll);
	free(r.conn);
	free(r.piece);
	free(r.expected);
	return rc;
}
