/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Listeners: ordinary kernel sockets. What they accept becomes a connection of
 * the agent, with the listener's service and policy.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "chim_log.h"

#define BACKLOG	       4096
#define ACCEPT_AT_ONCE 64
#define NOTSENT_BYTES  (512 << 10)

static int
refuse(const struct app_listener_options *o, const char *what, char *why)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&o->addr;

	/* The port is at the same place in both families. */
	snprintf(why, APP_WHY, "listener %u (%s): %s: %s", ntohs(in->sin_port), o->service, what,
		strerror(errno));
	return -EIO;
}

static int
open_one(struct agent *a, const struct app_listener_options *o, char *why)
{
	struct agent_listener *l = &a->listener[a->nb_listeners];
	socklen_t len = o->addr.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						     : sizeof(struct sockaddr_in6);
	int one = 1;

	l->fd = socket(o->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return refuse(o, "socket", why);
	a->nb_listeners++;
	l->opt = o;
	l->svc = chim_service_find(o->service);
	l->policy = o->has_policy ? o->policy : a->opt->policy;
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (o->addr.ss_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(l->fd, (const struct sockaddr *)&o->addr, len) != 0)
		return refuse(o, "bind", why);
	if (listen(l->fd, BACKLOG) != 0)
		return refuse(o, "listen", why);
	if (agent_watch(a, EPOLL_CTL_ADD, l->fd, EPOLLIN,
		    agent_tag(AGENT_TAG_LISTENER, a->nb_listeners - 1)) != 0)
		return refuse(o, "epoll", why);
	return 0;
}

int
agent_listeners_open(struct agent *a, char *why)
{
	for (uint32_t i = 0; i < a->opt->nb_listeners; i++) {
		int rc = open_one(a, &a->opt->listener[i], why);

		if (rc != 0)
			return rc;
	}
	return 0;
}

void
agent_listeners_close(struct agent *a)
{
	for (uint32_t i = 0; i < a->nb_listeners; i++) {
		if (a->listener[i].fd >= 0)
			close(a->listener[i].fd);
		a->listener[i].fd = -1;
	}
}

void
agent_listener_on_event(struct agent *a, uint32_t index)
{
	struct agent_listener *l = &a->listener[index];
	int lowat = NOTSENT_BYTES;
	int one = 1;

	for (int i = 0; i < ACCEPT_AT_ONCE && l->fd >= 0; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			l->refused += errno != EAGAIN && errno != ECONNABORTED && errno != EINTR;
			return;
		}
		/* Services write whole answers; waiting for more of them gains nothing. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		/* What the kernel has not sent moves along: no more of it than keeps it busy. */
		setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
		if (agent_conn_create(a, fd, l->svc, l->opt->arg[0] != '\0' ? l->opt->arg : NULL,
			    l->policy) == NULL) {
			l->refused++;
			close(fd);
			continue;
		}
		l->accepted++;
		a->accepted++;
	}
}
