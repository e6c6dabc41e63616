/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The agent's life, the connections it knows, and its turn: completions and
 * data rings first, then the moves, then what the kernel has to say.
 *
 * The order inside a turn is a promise: completions are reaped before the data
 * rings are emptied and acted on after, so that whatever a connection had to
 * say before its terminate is in the queue of events before its MOVED.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "chim_base.h"
#include "chim_log.h"
#include "kernel_internal.h"

#define NONE	      UINT32_MAX
#define DEFAULT_MOVES 256u
#define FIRST_EVENTS  256u
#define REAP	      64u
#define LOOK_US	      CHIM_US_PER_S
#define FOLLOW_US     1000u /* between two looks at the kernel's news: a system call each */

const char *
chim_home_name(enum chim_home home)
{
	static const char *const names[] = {
#define HOME_NAME(name, text) text,
		CHIM_HOME_LIST(HOME_NAME)
	};

	return (unsigned int)home < CHIM_DIM(names) ? names[home] : "unknown";
}

/* ---- create ---- */

static int
no_packet_socket(int rc, char *why, size_t len)
{
	snprintf(why, len, "packet socket: %s (CAP_NET_RAW is needed)", strerror(-rc));
	return rc;
}

static int
open_inside(struct chim_kernel *k, const struct chim_kernel_config *cfg, char *why, size_t len)
{
	socklen_t cookie_len = sizeof(k->netns_cookie);
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = probe < 0 ? -errno : kernel_repair_on(probe);

	if (rc != 0)
		snprintf(why, len, "TCP_REPAIR: %s (CAP_NET_ADMIN is needed)", strerror(-rc));
	else if (getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, &k->netns_cookie, &cookie_len) != 0)
		snprintf(why, len, "network namespace: %s", strerror(rc = errno));
	if (probe >= 0)
		close(probe);
	if (rc != 0)
		return -abs(rc);
	for (uint32_t i = 0; i < cfg->nb_ports; i++) {
		struct kernel_port *p = &k->port[i];

		p->number = cfg->port[i].port_number;
		snprintf(p->name, sizeof(p->name), "%s", cfg->port[i].exception_ifname);
		memcpy(p->mac, cfg->port[i].mac, sizeof(p->mac));
		p->ifindex = (int)if_nametoindex(p->name);
		if (p->ifindex == 0) {
			snprintf(why, len, "there is no interface %s here", p->name);
			return -ENODEV;
		}
		if (cfg->port[i].is_late)
			p->heard_fd = kernel_marker_listen(p->ifindex);
		if (cfg->port[i].is_late && p->heard_fd < 0)
			return no_packet_socket(p->heard_fd, why, len);
	}
	rc = kernel_netlink_open(&k->nl);
	if (rc != 0) {
		snprintf(why, len, "netlink: %s", strerror(-rc));
		return rc;
	}
	k->marker_fd = kernel_marker_open();
	if (k->marker_fd < 0)
		return no_packet_socket(k->marker_fd, why, len);
	kernel_refuse_look(k);
	return 0;
}

/* Sockets live in the namespace in which they are opened; the thread goes there and back. */
static int
open_sockets(struct chim_kernel *k, const struct chim_kernel_config *cfg, char *why, size_t len)
{
	char path[128];
	int there;
	int home;
	int rc;

	if (cfg->netns == NULL)
		return open_inside(k, cfg, why, len);
	snprintf(path, sizeof(path), "%s%s", cfg->netns[0] == '/' ? "" : "/run/netns/", cfg->netns);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	rc = home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0 ? -errno : 0;
	if (rc != 0) {
		snprintf(why, len, "network namespace %s: %s", cfg->netns, strerror(-rc));
	} else {
		rc = open_inside(k, cfg, why, len);
		if (setns(home, CLONE_NEWNET) != 0)
			CHIM_LOG(KERNEL, ERR, "this thread stays in %s", cfg->netns);
	}
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return rc;
}

static bool
make_tables(struct chim_kernel *k, const struct chim_kernel_config *cfg)
{
	k->nb_slots = cfg->max_connections;
	k->nb_move_slots = cfg->max_moves != 0 ? cfg->max_moves : DEFAULT_MOVES;
	k->conn = calloc(k->nb_slots, sizeof(*k->conn));
	k->move = calloc(k->nb_move_slots, sizeof(*k->move));
	k->trees = rte_zmalloc("chim_trees", k->nb_move_slots * sizeof(*k->trees), 0);
	k->event_size = FIRST_EVENTS;
	k->event = calloc(k->event_size, sizeof(*k->event));
	if (k->conn == NULL || k->move == NULL || k->trees == NULL || k->event == NULL)
		return false;
	for (uint32_t i = 0; i < k->nb_move_slots; i++) {
		k->move[i].index = i;
		TAILQ_INSERT_TAIL(&k->free_moves, &k->move[i], next);
	}
	return true;
}

struct chim_kernel *
chim_kernel_create(const struct chim_kernel_config *cfg, char *why, size_t why_len)
{
	struct chim_kernel *k = calloc(1, sizeof(*k));
	int rc = -ENOMEM;

	snprintf(why, why_len, "out of memory");
	if (k == NULL)
		return NULL;
	k->host = cfg->host;
	k->hold_deadline_ms = cfg->hold_deadline_ms;
	k->disable_hold = cfg->disable_hold;
	k->free_head = NONE;
	k->marker_fd = -1;
	k->nb_ports = cfg->nb_ports;
	for (uint32_t i = 0; i < KERNEL_MAX_PORTS; i++)
		k->port[i].heard_fd = -1;
	k->marker = cfg->random;
	TAILQ_INIT(&k->waiting);
	TAILQ_INIT(&k->starting);
	TAILQ_INIT(&k->ready);
	TAILQ_INIT(&k->moves);
	TAILQ_INIT(&k->free_moves);
	TAILQ_INIT(&k->neighbors);
	TAILQ_INIT(&k->paths);
	if (cfg->nb_ports == 0 || cfg->nb_ports > KERNEL_MAX_PORTS || cfg->max_connections == 0) {
		snprintf(why, why_len, "the agent needs 1 to %u ports and room for connections",
			KERNEL_MAX_PORTS);
		rc = -EINVAL;
	} else if (make_tables(k, cfg)) {
		rc = open_sockets(k, cfg, why, why_len);
	}
	if (rc == 0)
		return k;
	chim_kernel_destroy(k);
	errno = -rc;
	return NULL;
}

void
chim_kernel_destroy(struct chim_kernel *k)
{
	if (k->nb_away != 0)
		CHIM_LOG(KERNEL, ERR, "%u connections are left in the engine", k->nb_away);
	kernel_objects_free(k);
	kernel_netlink_close(&k->nl);
	if (k->marker_fd >= 0)
		close(k->marker_fd);
	for (uint32_t i = 0; i < KERNEL_MAX_PORTS; i++) {
		if (k->port[i].heard_fd >= 0)
			close(k->port[i].heard_fd);
	}
	free(k->event);
	rte_free(k->trees);
	free(k->move);
	free(k->conn);
	free(k);
}

/* ---- connections ---- */

uint64_t
kernel_conn_offload_handle(const struct chim_kconn *kc)
{
	return (uint64_t)kc->generation << 32 | kc->index;
}

struct chim_kconn *
kernel_conn_find(struct chim_kernel *k, uint64_t offload_handle)
{
	uint32_t index = (uint32_t)offload_handle;

	if (index >= k->top || k->conn[index].generation != offload_handle >> 32)
		return NULL;
	return &k->conn[index];
}

void
kernel_conn_set_home(struct chim_kconn *kc, enum chim_home home)
{
	bool was_away = kc->home != CHIM_HOME_KERNEL && kc->home != CHIM_HOME_ENDED;
	bool is_away = home != CHIM_HOME_KERNEL && home != CHIM_HOME_ENDED;

	kc->k->nb_away += (uint32_t)is_away - (uint32_t)was_away;
	kc->home = home;
}

struct chim_kconn *
chim_kernel_adopt(struct chim_kernel *k, int fd, uint64_t cookie)
{
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	socklen_t len = sizeof(local);
	static uint32_t generation;
	struct chim_kconn *kc;

	if (kernel_refuse_adopt(fd) != 0)
		return NULL;
	if (getsockname(fd, (struct sockaddr *)&local, &len) != 0)
		return NULL;
	len = sizeof(remote);
	if (getpeername(fd, (struct sockaddr *)&remote, &len) != 0)
		return NULL;
	if (k->free_head == NONE && k->top == k->nb_slots) {
		errno = ENOSPC;
		return NULL;
	}
	kc = &k->conn[k->free_head != NONE ? k->free_head : k->top];
	if (k->free_head != NONE)
		k->free_head = kc->next_free;
	else
		kc->index = k->top++;
	*kc = (struct chim_kconn){ .k = k, .index = kc->index, .fd = fd, .cookie = cookie };
	generation = generation == UINT32_MAX ? 1 : generation + 1;
	kc->generation = generation;
	kc->home = CHIM_HOME_KERNEL;
	kernel_sock_tuple(&local, &remote, &kc->tuple);
	kernel_refuse_look_at(k, kc);
	return kc;
}

/* Events of it that nobody has taken yet would name what is gone. */
static void
drop_events(struct chim_kernel *k, const struct chim_kconn *kc)
{
	uint32_t nb = k->nb_events;

	for (uint32_t i = 0; i < nb; i++) {
		struct chim_kernel_event ev = k->event[k->event_head];

		k->event_head = (k->event_head + 1) % k->event_size;
		k->nb_events--;
		if (ev.kc != kc) {
			k->event[(k->event_head + k->nb_events) % k->event_size] = ev;
			k->nb_events++;
		} else if (ev.kind == CHIM_KERNEL_IO) {
			chim_nbl_free(ev.io.op == CHIM_IO_INDICATE
					? chim_host_return(k->host, ev.io.m)
					: ev.io.m);
		}
	}
}

void
chim_kernel_forget(struct chim_kernel *k, struct chim_kconn *kc)
{
	if (kc->home != CHIM_HOME_KERNEL && kc->home != CHIM_HOME_ENDED) {
		CHIM_LOG(KERNEL, ERR, "a connection is forgotten while %s: the engine keeps it",
			chim_home_name(kc->home));
		return;
	}
	drop_events(k, kc);
	free(kc->early);
	kc->early = NULL;
	kc->generation = 0;
	kc->next_free = k->free_head;
	k->free_head = kc->index;
}

int
chim_kernel_offload(struct chim_kernel *k, struct chim_kconn *kc)
{
	int rc;

	if (kc->home != CHIM_HOME_KERNEL)
		return -EALREADY;
	rc = kernel_move_begin(k, kc, kernel_steps_to_engine);
	if (rc == 0) {
		kc->is_aborted = false;
		kc->retrieve = 0;
		kernel_conn_set_home(kc, CHIM_HOME_TO_ENGINE);
	}
	return rc;
}

int
chim_kernel_upload(struct chim_kernel *k, struct chim_kconn *kc)
{
	int rc;

	if (kc->home != CHIM_HOME_ENGINE)
		return -EALREADY;
	rc = kernel_move_begin(k, kc, kernel_steps_to_kernel);
	if (rc == 0)
		kernel_conn_set_home(kc, CHIM_HOME_TO_KERNEL);
	return rc;
}

/* ---- a turn ---- */

static void
on_completion(struct chim_kernel *k, const struct chim_completion *c)
{
	switch (c->kind) {
	case CHIM_COMPLETION_OFFLOAD_PAUSE:
		k->is_paused = true;
		return;
	case CHIM_COMPLETION_OFFLOAD_RESUME:
		k->is_paused = false;
		return;
	case CHIM_COMPLETION_UPLOAD_ALL:
		for (uint32_t i = 0; i < k->top; i++) {
			if (k->conn[i].generation != 0 && kernel_events_reserve(k, 1))
				kernel_ask_back(k, &k->conn[i], "the engine gives everything back");
		}
		return;
	case CHIM_COMPLETION_REACHABILITY_QUERY:
		kernel_reach_answer(k, c);
		return;
	case CHIM_COMPLETION_HOLD_ENDED:
		return; /* the next step of the move learns it by its answer */
	default:
		break;
	}
	if (c->cookie >> 56 == KERNEL_COOKIE_MOVE)
		kernel_move_on_completion(k, c);
	else
		kernel_objects_on_completion(k, c);
}

static uint32_t
take_news(struct chim_kernel *k)
{
	struct chim_completion c[REAP];
	unsigned int n = 0;
	unsigned int more;
	uint32_t done = 0;

	/* What a connection had to say before its terminate comes first; while initiates are in
	 * flight that takes a moment at which there is nothing to reap, before and after. */
	do {
		more = chim_host_reap(k->host, c + n, REAP - n);
		n += more;
		done += kernel_collect(k);
	} while (more != 0);
	for (unsigned int i = 0; i < n; i++)
		on_completion(k, &c[i]);
	if (k->give_back != NULL)
		k->give_back = chim_host_return(k->host, k->give_back);
	return done + n;
}

static void
start_waiting(struct chim_kernel *k)
{
	struct chim_kconn *kc;

	while ((kc = TAILQ_FIRST(&k->waiting)) != NULL) {
		if (kernel_move_begin(k, kc, kernel_steps_to_kernel) != 0)
			return;
		TAILQ_REMOVE(&k->waiting, kc, waiting);
		kc->is_waiting = false;
	}
}

unsigned int
chim_kernel_poll(struct chim_kernel *k, chim_us_t now, struct chim_kernel_event *ev, unsigned int n)
{
	k->now = now;
	take_news(k);
	start_waiting(k);
	kernel_moves_run(k);
	if (now >= k->follow_at) {
		k->follow_at = now + FOLLOW_US;
		kernel_follow(k);
	}
	if (now >= k->look_at) {
		k->look_at = now + LOOK_US;
		kernel_refuse_look(k);
		kernel_objects_sweep(k, false);
		kernel_reach_look(k);
		kernel_conntrack_look(k);
	}
	return kernel_events_take(k, ev, n);
}

/* ---- questions ---- */

int
chim_kernel_fd(const struct chim_kernel *k)
{
	return kernel_netlink_fd(&k->nl);
}

bool
chim_kernel_is_busy(const struct chim_kernel *k)
{
	return k->nb_moves != 0 || k->nb_events != 0 || k->nb_object_requests != 0 ||
		k->give_back != NULL || !TAILQ_EMPTY(&k->waiting);
}

bool
chim_kernel_is_urgent(const struct chim_kernel *k)
{
	return kernel_moves_are_held(k);
}

bool
chim_kernel_clear(struct chim_kernel *k)
{
	kernel_objects_sweep(k, true);
	return TAILQ_EMPTY(&k->paths) && TAILQ_EMPTY(&k->neighbors) && !chim_kernel_is_busy(k);
}

uint32_t
chim_kernel_nb_in_engine(const struct chim_kernel *k)
{
	return k->nb_away;
}

enum chim_home
chim_kernel_home(const struct chim_kconn *kc)
{
	return kc->home;
}

chim_handle_t
chim_kernel_handle(const struct chim_kconn *kc)
{
	return kc->handle;
}

void
chim_kernel_tuple(const struct chim_kconn *kc, struct chim_tuple *t)
{
	*t = kc->tuple;
}

const struct chim_kernel_counters *
chim_kernel_counters(const struct chim_kernel *k)
{
	return &k->counters;
}
