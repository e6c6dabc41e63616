/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The agent's table of connections. A connection has a descriptor and a
 * stream; while it is at home in the kernel the descriptor is in the epoll
 * set, waiting for just what the stream wants. Every call into a stream ends
 * in agent_conn_settle().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent.h"
#include "chim_log.h"

uint64_t
agent_conn_cookie(const struct agent *a, const struct agent_conn *c)
{
	return (uint64_t)c->generation << 32 | (uint64_t)(c - a->conn);
}

struct agent_conn *
agent_conn_find(struct agent *a, uint64_t cookie)
{
	uint32_t index = (uint32_t)cookie;

	if (index >= a->top || a->conn[index].generation == 0 ||
		a->conn[index].generation != cookie >> 32)
		return NULL;
	return &a->conn[index];
}

enum chim_home
agent_conn_home(const struct agent_conn *c)
{
	return c->kc == NULL ? CHIM_HOME_KERNEL : chim_kernel_home(c->kc);
}

static struct agent_conn *
take_slot(struct agent *a)
{
	static uint32_t generation;
	struct agent_conn *c;

	if (a->free_head != UINT32_MAX) {
		c = &a->conn[a->free_head];
		a->free_head = c->next_free;
	} else if (a->top < a->max_conns) {
		c = &a->conn[a->top++];
	} else {
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	generation = (generation + 1) & 0xFFFFFF;
	c->generation = generation != 0 ? generation : ++generation;
	a->nb_conns++;
	return c;
}

static void
give_slot(struct agent *a, struct agent_conn *c)
{
	c->generation = 0;
	c->next_free = a->free_head;
	a->free_head = (uint32_t)(c - a->conn);
	a->nb_conns--;
}

void
agent_conn_note(
	struct agent *a, struct agent_conn *c, const char *what, const char *why, uint32_t pause_us)
{
	c->history[c->nb_history++ % AGENT_HISTORY] = (struct agent_history){
		.when = a->now,
		.what = what,
		.why = why,
		.pause_us = pause_us,
	};
}

struct agent_conn *
agent_conn_create(struct agent *a, int fd, const struct chim_service *svc, const char *arg,
	struct app_policy policy)
{
	struct agent_conn *c = take_slot(a);

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->svc = svc;
	c->policy = policy;
	c->born = a->now;
	c->active = a->now;
	c->stream = chim_stream_create(a->host, fd, svc, arg);
	if (c->stream == NULL) {
		give_slot(a, c);
		return NULL;
	}
	c->kc = chim_kernel_adopt(a->kernel, fd, agent_conn_cookie(a, c));
	agent_conn_note(a, c, "accepted", c->kc == NULL ? strerror(errno) : NULL, 0);
	if (policy.kind == APP_POLICY_ACCEPT && c->kc != NULL)
		agent_move_want(a, c, AGENT_WANT_OFFLOAD, AGENT_CAUSE_ACCEPT);
	else
		chim_stream_on_fd(c->stream);
	agent_conn_settle(a, c);
	return c;
}

void
agent_conn_leave(struct agent *a, struct agent_conn *c)
{
	if (c->epoll_events != 0)
		agent_watch(a, EPOLL_CTL_DEL, c->fd, 0, 0);
	c->epoll_events = 0;
	c->is_away = true;
	chim_stream_leave(c->stream);
}

void
agent_conn_return(struct agent *a, struct agent_conn *c)
{
	c->is_away = false;
	chim_stream_arrive_kernel(c->stream);
	agent_conn_settle(a, c);
}

static void
set_blocked(struct agent *a, struct agent_conn *c, bool blocked)
{
	if (blocked == c->is_blocked)
		return;
	if (blocked)
		TAILQ_INSERT_TAIL(&a->blocked, c, blocked);
	else
		TAILQ_REMOVE(&a->blocked, c, blocked);
	c->is_blocked = blocked;
}

void
agent_conn_close(struct agent *a, struct agent_conn *c)
{
	set_blocked(a, c, false);
	agent_move_forget(a, c);
	chim_stream_destroy(c->stream);
	if (c->kc != NULL)
		chim_kernel_forget(a->kernel, c->kc);
	/* A descriptor that was emptied for the engine closes without a packet. */
	close(c->fd);
	a->closed++;
	give_slot(a, c);
}

/* Have the epoll set wait for what the stream wants; 0 still tells errors and hang-ups, which a
 * stream that reads nothing must not be woken by for ever, hence edge-triggered then. */
static void
set_events(struct agent *a, struct agent_conn *c)
{
	uint32_t events = EPOLLET;
	int op = c->epoll_events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (chim_stream_wants_read(c->stream))
		events = EPOLLIN;
	if (chim_stream_wants_write(c->stream))
		events = (events & EPOLLIN) | EPOLLOUT;
	if (events == c->epoll_events)
		return;
	if (agent_watch(a, op, c->fd, events, agent_tag(AGENT_TAG_CONN, agent_conn_cookie(a, c))) ==
		0)
		c->epoll_events = events;
}

/*
 * The service is done. Where the peer has closed too and everything was read, what remains is our
 * FIN: the engine sends it, and says when it is acknowledged. Otherwise it is close() that is meant
 * (what still comes is answered by a reset, nobody waits for ever), and that is the kernel's.
 */
static void
end_in_engine(struct agent *a, struct agent_conn *c)
{
	if (chim_stream_is_eof(c->stream))
		chim_stream_shutdown(c->stream);
	else
		agent_move_want(a, c, AGENT_WANT_UPLOAD, AGENT_CAUSE_CLOSING);
}

void
agent_conn_settle(struct agent *a, struct agent_conn *c)
{
	enum chim_home home = agent_conn_home(c);
	bool is_over = chim_stream_is_finished(c->stream);

	set_blocked(a, c, chim_stream_is_blocked(c->stream));
	if (home == CHIM_HOME_KERNEL && !c->is_away) {
		if (chim_stream_error(c->stream) != 0) {
			a->broken++;
			agent_conn_close(a, c);
			return;
		}
		if (is_over || (a->is_stopping && c->is_lent && agent_lent_is_home(c))) {
			agent_conn_close(a, c);
			return;
		}
		set_events(a, c);
		return;
	}
	if (home == CHIM_HOME_ENGINE && is_over && c->want == AGENT_WANT_NOTHING)
		end_in_engine(a, c);
}

bool
agent_conn_check_linger(struct agent *a, struct agent_conn *c)
{
	enum chim_home home = agent_conn_home(c);

	if (c->svc->linger_s == 0 || !chim_stream_is_shut(c->stream))
		return false;
	if (home != CHIM_HOME_KERNEL && home != CHIM_HOME_ENGINE)
		return false; /* on its way: the next sweep sees where it is */
	if (c->shut_at == 0)
		c->shut_at = a->now;
	if (a->now - c->shut_at < (chim_us_t)c->svc->linger_s * CHIM_US_PER_S)
		return false;
	chim_stream_finish(c->stream);
	agent_conn_settle(a, c);
	return true;
}

void
agent_conn_on_event(struct agent *a, uint64_t cookie, uint32_t events)
{
	struct agent_conn *c = agent_conn_find(a, cookie);

	if (c == NULL || c->is_away)
		return;
	c->active = a->now;
	chim_stream_on_fd(c->stream);
	/* A service that reads nothing does not see that the connection is gone. */
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && c->svc->is_passive) {
		a->broken++;
		agent_conn_close(a, c);
		return;
	}
	agent_policy_check(a, c);
	agent_conn_settle(a, c);
}

uint32_t
agent_conns_retry(struct agent *a)
{
	struct agent_conn *c = TAILQ_FIRST(&a->blocked);
	struct agent_conn *last = TAILQ_LAST(&a->blocked, agent_blocked);
	uint32_t nb = 0;

	while (c != NULL) {
		struct agent_conn *next = c == last ? NULL : TAILQ_NEXT(c, blocked);

		chim_stream_retry(c->stream);
		agent_conn_settle(a, c);
		c = next;
		nb++;
	}
	return nb;
}
