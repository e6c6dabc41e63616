/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The floor of a move: what the kernel's own part of it costs with no engine
 * at all. Connections over the loopback are taken out of their descriptors and
 * put back, queues empty, by the fewest TCP_REPAIR calls that can do it; and
 * then by the agent's own functions, which also read what those calls leave
 * out (options, timestamps, sizes) and make a placeholder between.
 *
 * usage: repair_floor NUMBER ROUNDS, in a network namespace with a loopback.
 * Prints lines for figures.py: a row for each round.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "kernel_sock.h"

#define PORTS_OF_ADDRESS 20000u

struct conn {
	int fd, peer;
	struct kernel_sock_state st;
};

static struct conn *conns;

static void
die(const char *what)
{
	fprintf(stderr, "repair_floor: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	errno = -rc;
	die(what);
}

static double
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- connections ---- */

/* So many ports go to each address of the loopback. */
static struct sockaddr_in
address(uint32_t index)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index / PORTS_OF_ADDRESS),
		.sin_port = htons(7000),
	};
}

static void
open_conn(struct conn *c, int listener, uint32_t index)
{
	struct sockaddr_in to = address(index);

	c->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->peer < 0 || connect(c->peer, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (c->fd < 0)
		die("accept");
}

static void
open_conns(uint32_t nb)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7000) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	conns = calloc(nb, sizeof(*conns));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (conns == NULL || bind(listener, (struct sockaddr *)&any, sizeof(any)) != 0 ||
		listen(listener, 16) != 0)
		die("listen");
	for (uint32_t i = 0; i < nb; i++)
		open_conn(&conns[i], listener, i);
	close(listener);
}

/* ---- the fewest calls ---- */

/* What decides how the connection goes on, and nothing else. */
static void
dump(struct conn *c)
{
	struct kernel_sock_state *st = &c->st;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	must(kernel_repair_on(c->fd), "repair mode");
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		die("TCP_INFO");
	st->snd_wscale = info.tcpi_snd_wscale;
	st->rcv_wscale = info.tcpi_rcv_wscale;
	len = sizeof(st->window);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &st->window, &len) != 0)
		die("window");
	len = sizeof(st->ts_val);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_TIMESTAMP, &st->ts_val, &len) != 0)
		die("clock");
	must(kernel_repair_get_seq(c->fd, TCP_RECV_QUEUE, &st->rcv_nxt), "sequence");
	must(kernel_repair_get_seq(c->fd, TCP_SEND_QUEUE, &st->snd_una), "sequence");
	must(kernel_repair_disconnect(c->fd), "disconnect");
}

static void
restore(struct conn *c)
{
	struct kernel_sock_state *st = &c->st;
	const struct sockaddr *local = (const struct sockaddr *)&st->local;
	const struct sockaddr *remote = (const struct sockaddr *)&st->remote;
	struct tcp_repair_opt opt[] = { { 2, 65495 }, { 4, 0 }, { 8, 0 },
		{ 3, st->snd_wscale | (uint32_t)st->rcv_wscale << 16 } };
	uint32_t clock = st->ts_val + 2;

	must(kernel_repair_set_seq(c->fd, TCP_SEND_QUEUE, st->snd_una), "sequence");
	must(kernel_repair_set_seq(c->fd, TCP_RECV_QUEUE, st->rcv_nxt), "sequence");
	if (bind(c->fd, local, st->addr_len) != 0 && errno != EINVAL)
		die("bind");
	if (connect(c->fd, remote, st->addr_len) != 0)
		die("connect");
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, opt, sizeof(opt)) != 0 ||
		setsockopt(c->fd, IPPROTO_TCP, TCP_TIMESTAMP, &clock, sizeof(clock)) != 0 ||
		setsockopt(c->fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &st->window,
			sizeof(st->window)) != 0)
		die("options");
	must(kernel_repair_off(c->fd, false), "end of repair mode");
}

/* ---- the agent's ---- */

static void
take_out(struct conn *c)
{
	must(kernel_sock_read(c->fd, &c->st), "read");
	must(kernel_sock_provoke(c->fd, &c->st), "provoke");
	must(kernel_sock_freeze(c->fd, &c->st), "freeze");
	must(kernel_sock_empty(c->fd, &c->st), "placeholder");
}

static void
put_back(struct conn *c)
{
	must(kernel_sock_rebuild(c->fd, &c->st), "rebuild");
	must(kernel_sock_thaw(c->fd, &c->st, false), "thaw");
	kernel_options_apply(c->fd, &c->st.options);
}

static void
time_them(const char *name, uint32_t nb, void (*fn)(struct conn *c))
{
	double start = now_us();

	for (uint32_t i = 0; i < nb; i++)
		fn(&conns[i]);
	printf("%u connections: %s|us/move|%f\n", nb, name, (now_us() - start) / nb);
}

/* Bytes both ways: the connections are what they were. */
static void
check(const struct conn *c)
{
	char at = 0;

	if (send(c->fd, "h", 1, 0) != 1 || recv(c->peer, &at, 1, 0) != 1 || at != 'h' ||
		send(c->peer, "p", 1, 0) != 1 || recv(c->fd, &at, 1, 0) != 1 || at != 'p')
		die("a byte");
}

/* Both ends are here: as many as there are descriptors for. */
static uint32_t
fit_descriptors(uint32_t nb)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		die("descriptor limit");
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
		die("descriptor limit");
	return (uint32_t)RTE_MIN(nb, (lim.rlim_max - 64) / 2);
}

int
main(int argc, char **argv)
{
	uint32_t nb = argc > 2 ? (uint32_t)atoi(argv[1]) : 0;

	if (nb == 0)
		return EXIT_FAILURE;
	nb = fit_descriptors(nb);
	open_conns(nb);
	for (int i = 0; i < atoi(argv[2]); i++) {
		time_them("the agent's calls alone, out", nb, take_out);
		time_them("the agent's calls alone, back", nb, put_back);
		time_them("fewest calls, out", nb, dump);
		time_them("fewest calls, back", nb, restore);
	}
	for (uint32_t i = 0; i < nb; i++)
		check(&conns[i]);
	return EXIT_SUCCESS;
}
