/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See inproc.h: EAL with the devices of netns.sh, the application's own
 * set-up, an agent, and a pair of connected descriptors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include <rte_eal.h>
#include <rte_random.h>

#include "inproc.h"

#define PORT 7000

struct inproc inproc;
static const char *peer_netns;

void
inproc_die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

chim_us_t
inproc_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (chim_us_t)ts.tv_sec * CHIM_US_PER_S + (chim_us_t)ts.tv_nsec / 1000;
}

static int
socket_in(const struct inproc_pair *pair, const char *netns)
{
	char path[128];
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int there;
	int fd;

	if (netns == NULL) {
		close(home);
		return socket(pair->is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET) != 0)
		inproc_die(path);
	fd = socket(pair->is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET) != 0)
		inproc_die("setns");
	close(home);
	close(there);
	return fd;
}

static socklen_t
address(const struct inproc_pair *pair, const char *ip4, const char *ip6,
	struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (!pair->is_ip6) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(PORT);
		inet_pton(AF_INET, ip4, &in->sin_addr);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(PORT);
	inet_pton(AF_INET6, ip6, &in6->sin6_addr);
	return sizeof(*in6);
}

void
inproc_poll(void)
{
	chim_us_t now = inproc_now();

	for (uint32_t i = 0; i < inproc.engine.nb_workers; i++)
		chim_dp_poll(inproc.engine.worker[i], now);
	chim_ctl_poll(inproc.engine.ctl, now);
}

/* The engine carries the wire, so it has to turn while the two kernels shake hands. */
void
inproc_connect(const struct inproc_pair *pair, int *host, int *peer)
{
	const char *active_ns = pair->is_client ? NULL : peer_netns;
	const char *passive_ns = pair->is_client ? peer_netns : NULL;
	int a = socket_in(pair, active_ns);
	int l = socket_in(pair, passive_ns);
	struct sockaddr_storage to;
	socklen_t len = pair->is_client ? address(pair, "10.78.0.2", "fd78::2", &to)
					: address(pair, "10.78.0.1", "fd78::1", &to);
	int one = 1;
	int p = -1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (pair->congestion != NULL) {
		setsockopt(
			l, IPPROTO_TCP, TCP_CONGESTION, pair->congestion, strlen(pair->congestion));
		setsockopt(
			a, IPPROTO_TCP, TCP_CONGESTION, pair->congestion, strlen(pair->congestion));
	}
	if (bind(l, (struct sockaddr *)&to, len) != 0 || listen(l, 1) != 0)
		inproc_die("listen");
	fcntl(a, F_SETFL, O_NONBLOCK);
	fcntl(l, F_SETFL, O_NONBLOCK);
	if (connect(a, (struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS)
		inproc_die("connect");
	for (chim_us_t end = inproc_now() + 10 * CHIM_US_PER_S; p < 0 && inproc_now() < end;) {
		inproc_poll();
		p = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	if (p < 0)
		inproc_die("accept");
	close(l);
	*host = pair->is_client ? a : p;
	*peer = pair->is_client ? p : a;
}

void
inproc_run(const char *command)
{
	if (system(command) != 0)
		inproc_die(command);
}

static void
start_engine(const char *program)
{
	const char *const args[] = { program, "--no-huge", "--no-pci", "--no-telemetry",
		"--no-shconf", "-m", "1024", "-l", "0", "--log-level=notice",
		"--vdev=net_af_packet0,iface=wd,blocksz=65536,framesz=2048,framecnt=4096",
		"--vdev=net_tap0,iface=chim0,mac=02:00:00:00:00:01" };
	char *argv[RTE_DIM(args)];
	char why[APP_WHY];

	for (size_t i = 0; i < RTE_DIM(args); i++)
		argv[i] = strdup(args[i]);
	if (rte_eal_init(RTE_DIM(args), argv) < 0)
		inproc_die("EAL");
	app_options_init(&inproc.options);
	inproc.options.nb_ports = 1;
	snprintf(
		inproc.options.port[0].wire, sizeof(inproc.options.port[0].wire), "net_af_packet0");
	snprintf(inproc.options.port[0].exception, sizeof(inproc.options.port[0].exception),
		"net_tap0");
	inproc.options.max_connections = 1024;
	if (app_engine_create(&inproc.engine, &inproc.options, why) != 0) {
		printf("%s\n", why);
		exit(EXIT_FAILURE);
	}
	inproc_run("ip addr add 10.78.0.1/24 dev chim0");
	inproc_run("ip addr add fd78::1/64 dev chim0 nodad");
	inproc_run("ip link set chim0 up");
}

static void
start_agent(const struct inproc_config *config)
{
	struct chim_kernel_config cfg = {
		.nb_ports = 1,
		.max_connections = config->max_connections,
		.disable_hold = config->no_hold,
		.random = rte_rand(),
		.port = { { .exception_ifname = "chim0", .mac = { 2, 0, 0, 0, 0, 1 } } },
	};
	char why[APP_WHY];

	inproc.host = chim_host_open("inproc");
	cfg.host = inproc.host;
	if (inproc.host != NULL)
		inproc.agent = chim_kernel_create(&cfg, why, sizeof(why));
	if (inproc.agent == NULL) {
		printf("agent: %s\n", inproc.host != NULL ? why : "no host");
		exit(EXIT_FAILURE);
	}
}

void
inproc_start(const char *program, const struct inproc_config *cfg)
{
	peer_netns = cfg->netns;
	start_engine(program);
	start_agent(cfg);
}
