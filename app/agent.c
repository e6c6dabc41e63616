/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The agent's life: made by agent_create(), it turns round in agent_run() -
 * the kernel's side of moves, streams, wanted moves, descriptors - until it
 * has been stopped. It never sleeps while something is under way, and sleeps
 * longer the longer nothing was. As long as it does not sleep it looks at
 * descriptors only now and then, and after a turn that found nothing lets others
 * have the CPU.
 *
 * Stopping: the first signal ends offloading and accepting and brings every
 * connection back; serving goes on until they have ended or the drain time is
 * over. A second one ends at once.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_random.h>

#include "agent.h"
#include "chim_log.h"

#define SWEEP_US      CHIM_US_PER_S
#define CLEAR_US      CHIM_US_PER_S
#define NB_EVENTS     128
#define EAGER_US      100u  /* without work before it sleeps at all */
#define BLIND_US      20u   /* without a look at descriptors while it does not sleep */
#define URGENT_US     2000u /* the same while a peer waits for a move */
#define SLEEP_MIN_US  20u
#define SLEEP_MAX_US  1000u /* while connections are in the engine: nothing wakes us for them */
#define SLEEP_IDLE_US 5000u /* while none is; descriptors wake us */

/* The kernel holds connections that are not offloaded, or not yet: so many times what the engine
 * has room for, and some where that is little. */
#define KERNEL_SHARE 4u
#define KERNEL_LEAST 1024u

static chim_us_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (chim_us_t)ts.tv_sec * CHIM_US_PER_S + (chim_us_t)ts.tv_nsec / 1000;
}

int
agent_watch(struct agent *a, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event ev = { .events = events, .data.u64 = tag };

	return epoll_ctl(a->epoll_fd, op, fd, &ev) == 0 ? 0 : -errno;
}

static int
open_signals(struct agent *a, char *why)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	a->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (a->signal_fd < 0 ||
		agent_watch(a, EPOLL_CTL_ADD, a->signal_fd, EPOLLIN,
			agent_tag(AGENT_TAG_SIGNAL, 0)) != 0) {
		snprintf(why, APP_WHY, "signalfd: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

static int
open_kernel(struct agent *a, char *why)
{
	struct chim_kernel_config cfg = {
		.nb_ports = a->e->nb_ports,
		.max_connections = a->max_conns,
		.hold_deadline_ms = a->opt->hold_ms,
		.random = rte_rand(),
		.disable_hold = a->opt->no_hold,
	};
	static char names[APP_MAX_PORTS][16]; /* borrowed by the agent's kernel side */
	int fd;

	a->host = chim_host_open("agent");
	if (a->host == NULL) {
		snprintf(why, APP_WHY, "attach to the engine: %s", rte_strerror(rte_errno));
		return -rte_errno;
	}
	cfg.host = a->host;
	for (uint32_t i = 0; i < cfg.nb_ports; i++) {
		if (!app_exception_ifname(a->e, i, names[i])) {
			snprintf(why, APP_WHY,
				"the driver of %s does not tell its kernel interface: name it as the "
				"third part of --port",
				a->opt->port[i].exception);
			return -ENODEV;
		}
		cfg.port[i].port_number = a->e->port[i].port_number;
		cfg.port[i].exception_ifname = names[i];
		cfg.port[i].is_late = a->e->port[i].is_exception_late;
		memcpy(cfg.port[i].mac, a->e->port[i].mac.addr_bytes, 6);
	}
	a->kernel = chim_kernel_create(&cfg, why, APP_WHY);
	if (a->kernel == NULL)
		return -errno;
	fd = chim_kernel_fd(a->kernel);
	if (fd >= 0)
		agent_watch(a, EPOLL_CTL_ADD, fd, EPOLLIN, agent_tag(AGENT_TAG_KERNEL, 0));
	return 0;
}

/* A connection needs a descriptor: as many as the machine allows. */
static void
raise_descriptor_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur == lim.rlim_max)
		return;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
		CHIM_LOG(APP, WARNING, "descriptor limit stays at the soft one: %s",
			strerror(errno));
}

struct agent *
agent_create(struct app_engine *e, bool polls_ctl, char *why)
{
	struct agent *a = calloc(1, sizeof(*a));

	snprintf(why, APP_WHY, "agent: out of memory");
	if (a == NULL)
		return NULL;
	a->e = e;
	a->opt = e->opt;
	a->polls_ctl = polls_ctl;
	a->signal_fd = -1;
	a->control_fd = -1;
	a->capacity = e->opt->max_connections * e->nb_workers;
	a->max_conns = a->capacity * KERNEL_SHARE + KERNEL_LEAST;
	a->free_head = UINT32_MAX;
	TAILQ_INIT(&a->wants);
	TAILQ_INIT(&a->blocked);
	for (uint32_t i = 0; i < AGENT_MAX_CLIENTS; i++)
		a->client[i].fd = -1;
	raise_descriptor_limit();
	a->conn = calloc(a->max_conns, sizeof(*a->conn));
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->conn == NULL || a->epoll_fd < 0)
		goto destroy;
	if (open_signals(a, why) != 0 || open_kernel(a, why) != 0 ||
		agent_listeners_open(a, why) != 0 || agent_control_open(a, why) != 0)
		goto destroy;
	if (a->opt->nb_flow_sets > 0) {
		a->flow_sets = app_flow_sets_create(a->opt->flow_set, a->opt->nb_flow_sets, why);
		if (a->flow_sets == NULL)
			goto destroy;
	}
	return a;

destroy:
	agent_destroy(a);
	return NULL;
}

void
agent_destroy(struct agent *a)
{
	for (uint32_t i = 0; i < a->top; i++) {
		if (a->conn[i].generation != 0)
			agent_conn_close(a, &a->conn[i]);
	}
	agent_control_close(a);
	agent_listeners_close(a);
	app_flow_sets_destroy(a->flow_sets);
	if (a->kernel != NULL)
		chim_kernel_destroy(a->kernel);
	if (a->host != NULL && chim_host_close(a->host) != 0)
		CHIM_LOG(APP, WARNING, "requests to the engine were still under way");
	if (a->signal_fd >= 0)
		close(a->signal_fd);
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	free(a->conn);
	free(a);
}

static void
begin_stop(struct agent *a)
{
	a->is_stopping = true;
	a->stop_at = a->now + (chim_us_t)a->opt->drain_s * CHIM_US_PER_S;
	agent_listeners_close(a);
	if (a->flow_sets != NULL)
		app_flow_sets_stop(a->flow_sets);
	CHIM_LOG(APP, NOTICE, "stopping: %u connections, %u in the engine go back to the kernel",
		a->nb_conns, chim_kernel_nb_in_engine(a->kernel));
	for (uint32_t i = 0; i < a->top; i++) {
		if (a->conn[i].generation != 0)
			agent_move_want(a, &a->conn[i], AGENT_WANT_UPLOAD, AGENT_CAUSE_STOP);
	}
}

static void
on_signal(struct agent *a)
{
	struct signalfd_siginfo info;

	while (read(a->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (a->is_stopping)
			a->is_done = true;
		else
			begin_stop(a);
	}
}

/* Has stopping come to its end? */
static void
check_stop(struct agent *a)
{
	if (!a->is_stopping || a->is_done)
		return;
	if (a->nb_conns == 0 && (a->flow_sets == NULL || app_flow_sets_are_over(a->flow_sets)))
		a->is_done = true;
	/* Whatever the drain time, a connection in the engine is brought home first. */
	else if (a->now >= a->stop_at && chim_kernel_nb_in_engine(a->kernel) == 0)
		a->is_done = true;
	else if (a->now >= a->stop_at + 10 * CHIM_US_PER_S)
		a->is_done = true;
}

static void
dispatch(struct agent *a, const struct epoll_event *ev)
{
	uint64_t rest = ev->data.u64 & (UINT64_MAX >> 8);

	switch ((enum agent_tag)(ev->data.u64 >> 56)) {
	case AGENT_TAG_SIGNAL:
		on_signal(a);
		break;
	case AGENT_TAG_KERNEL:
		break; /* chim_kernel_poll() reads it, next */
	case AGENT_TAG_LISTENER:
		agent_listener_on_event(a, (uint32_t)rest);
		break;
	case AGENT_TAG_CONTROL:
		agent_control_on_event(a);
		break;
	case AGENT_TAG_CLIENT:
		agent_client_on_event(a, (uint32_t)rest, ev->events);
		break;
	case AGENT_TAG_CONN:
		agent_conn_on_event(a, rest, ev->events);
		break;
	}
}

/* How long the next wait may be, in microseconds: the longer, the longer there was nothing. */
static uint32_t
patience(const struct agent *a)
{
	bool is_served = chim_kernel_nb_in_engine(a->kernel) > 0 || a->flow_sets != NULL;
	chim_us_t most = is_served ? SLEEP_MAX_US : SLEEP_IDLE_US;
	chim_us_t idle = a->now - a->worked_at;
	chim_us_t share = RTE_MAX(idle / 8, SLEEP_MIN_US);

	if (idle < EAGER_US || chim_kernel_is_busy(a->kernel) || !TAILQ_EMPTY(&a->wants))
		return 0;
	return (uint32_t)RTE_MIN(most, share);
}

static uint32_t
wait_for_descriptors(struct agent *a)
{
	struct epoll_event ev[NB_EVENTS];
	struct timespec ts = { .tv_nsec = (long)patience(a) * 1000 };
	int n = epoll_pwait2(a->epoll_fd, ev, NB_EVENTS, &ts, NULL);

	a->now = clock_us();
	a->looked_at = a->now;
	a->has_seen = n > 0;
	for (int i = 0; i < n; i++)
		dispatch(a, &ev[i]);
	return n > 0 ? (uint32_t)n : 0;
}

static uint32_t
poll_kernel(struct agent *a)
{
	struct chim_kernel_event ev[NB_EVENTS];
	unsigned int n = chim_kernel_poll(a->kernel, a->now, ev, NB_EVENTS);

	for (unsigned int i = 0; i < n; i++)
		agent_move_on_event(a, &ev[i]);
	return n;
}

/* Neighbors and paths go back to the engine, which nobody will use them in any more. */
static void
clear_engine(struct agent *a)
{
	chim_us_t until = clock_us() + CLEAR_US;

	while (chim_kernel_nb_in_engine(a->kernel) == 0 && !chim_kernel_clear(a->kernel) &&
		a->now < until) {
		a->now = clock_us();
		if (a->polls_ctl)
			chim_ctl_poll(a->e->ctl, a->now);
		poll_kernel(a);
	}
}

/*
 * Is it time to look at descriptors? Between two turns that follow each other at once there is
 * little to be seen there; and what a client asks may take longer than the pause of a move should.
 */
static bool
is_look_due(const struct agent *a)
{
	chim_us_t since = a->now - a->looked_at;

	if (chim_kernel_is_urgent(a->kernel))
		return since >= URGENT_US;
	return since >= BLIND_US || a->has_seen || patience(a) != 0;
}

static uint32_t
begin_turn(struct agent *a)
{
	a->now = clock_us();
	return is_look_due(a) ? wait_for_descriptors(a) : 0;
}

/*
 * Nothing happened. It looks again at once, since rings wake nobody; but whoever else wants this
 * CPU, a client on the same machine say, has it first. Not while a peer waits for a move.
 */
static void
end_idle_turn(struct agent *a)
{
	if (patience(a) == 0 && !chim_kernel_is_busy(a->kernel))
		sched_yield();
}

enum app_exit
agent_run(struct agent *a)
{
	/* Sleeps of some ten microseconds: the usual slack of 50 would double them. */
	prctl(PR_SET_TIMERSLACK, 1000uL, 0, 0, 0);
	a->worked_at = clock_us();
	while (!a->is_done) {
		uint32_t work = begin_turn(a);

		if (a->polls_ctl)
			work += chim_ctl_poll(a->e->ctl, a->now);
		work += poll_kernel(a);
		if (a->flow_sets != NULL)
			work += app_flow_sets_poll(a->flow_sets);
		work += agent_conns_retry(a);
		work += agent_moves_start(a);
		if (a->now >= a->next_sweep) {
			agent_policy_sweep(a);
			a->next_sweep = a->now + SWEEP_US;
		}
		check_stop(a);
		if (work > 0)
			a->worked_at = a->now;
		else
			end_idle_turn(a);
	}
	clear_engine(a);
	if (a->nb_conns == 0)
		return APP_EXIT_OK;
	CHIM_LOG(APP, WARNING, "%u connections had not ended, %u of them in the engine",
		a->nb_conns, chim_kernel_nb_in_engine(a->kernel));
	return APP_EXIT_UNFINISHED;
}
