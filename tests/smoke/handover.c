/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A live connection handed to the engine and back, again and again, at random
 * instants, while both ends send: every byte compared by its position. The
 * whole engine, the agent and a stream with two homes are in this process and
 * polled by one thread; the peer is an unmodified kernel in another namespace,
 * driven by a second thread.
 *
 * Started by 20_handover.sh inside the host's namespace of netns.sh:
 *   handover PEER-NETNS [moves=N] [bytes=MIB] [ip6] [no-hold] [cc=NAME] [client] [seed=N]
 *            [conns=N] [half] [verbose]
 * Exit status 0: everything arrived, once and in order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include <rte_eal.h>
#include <rte_random.h>

#include "app.h"
#include "handover.h"

#define MAX_CONNS 64u
#define PORT	  7000

struct options opt = { .moves = 200, .bytes = 64 << 20, .seed = 1, .conns = 1 };
static struct conn conns[MAX_CONNS];
static struct app_options options;
static struct app_engine engine;
static struct chim_kernel *agent;
static struct chim_host *host;
static uint64_t pauses_us[65536];
static uint32_t nb_pauses;

static void
die(const char *what)
{
	printf("handover: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static chim_us_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (chim_us_t)ts.tv_sec * CHIM_US_PER_S + (chim_us_t)ts.tv_nsec / 1000;
}

/* ---- the host's service ---- */

static struct conn *opening;

static void *
duplex_open(struct chim_stream *s, const char *arg)
{
	(void)s;
	(void)arg;
	return opening;
}

static void
duplex_read(struct conn *c, struct chim_stream *s)
{
	const uint8_t *at;
	size_t n;

	while ((n = chim_stream_peek(s, &at)) != 0) {
		if (handover_compare(at, n, c->read, FROM_PEER) != 0) {
			atomic_store(&c->error, EBADMSG);
			return;
		}
		c->read += n;
		chim_stream_consume(s, n);
	}
}

static void
duplex_write(struct conn *c, struct chim_stream *s)
{
	uint8_t at[CHUNK];

	while (c->wrote < handover_host_goal()) {
		size_t want = RTE_MIN(handover_host_goal() - c->wrote, (uint64_t)CHUNK);
		size_t n;

		handover_fill(at, want, c->wrote, FROM_HOST);
		n = chim_stream_write(s, at, want);
		c->wrote += n;
		if (n < want)
			return;
	}
}

static void
duplex_run(struct chim_stream *s, void *state)
{
	struct conn *c = state;

	/* Not reading now and then is how unread data comes to be there at a move. */
	if (rand() % 8 != 0 || chim_stream_is_eof(s))
		duplex_read(c, s);
	duplex_write(c, s);
	/* It closes when it has moved often enough, so that no move finds an idle connection. */
	if (opt.is_half && c->wrote == handover_host_goal() && !c->is_half_shut) {
		c->is_half_shut = true;
		chim_stream_shutdown(s);
	}
	if (c->wrote == handover_host_goal() && chim_stream_is_eof(s) && !c->is_shut) {
		c->is_shut = true;
		chim_stream_finish(s);
	}
}

static void
duplex_close(void *state)
{
	(void)state;
}

static const struct chim_service duplex = {
	.name = "duplex",
	.help = "writes and reads a pattern",
	.open = duplex_open,
	.run = duplex_run,
	.close = duplex_close,
};

/* ---- set-up ---- */

static int
socket_in(const char *netns)
{
	char path[128];
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int there;
	int fd;

	if (netns == NULL) {
		close(home);
		return socket(opt.is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET) != 0)
		die(path);
	fd = socket(opt.is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET) != 0)
		die("setns");
	close(home);
	close(there);
	return fd;
}

static socklen_t
address(const char *ip4, const char *ip6, uint16_t port, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (!opt.is_ip6) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		inet_pton(AF_INET, ip4, &in->sin_addr);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, ip6, &in6->sin6_addr);
	return sizeof(*in6);
}

static void
poll_engine(void)
{
	chim_us_t now = clock_us();

	for (uint32_t i = 0; i < engine.nb_workers; i++)
		chim_dp_poll(engine.worker[i], now);
	chim_ctl_poll(engine.ctl, now);
}

/* The engine carries the wire, so it has to turn while the two kernels shake hands. */
static void
connect_pair(struct conn *c)
{
	const char *active_ns = opt.is_client ? NULL : opt.netns;
	const char *passive_ns = opt.is_client ? opt.netns : NULL;
	int a = socket_in(active_ns);
	int l = socket_in(passive_ns);
	struct sockaddr_storage to;
	socklen_t len = opt.is_client ? address("10.78.0.2", "fd78::2", PORT, &to)
				      : address("10.78.0.1", "fd78::1", PORT, &to);
	int one = 1;
	int p = -1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (opt.congestion != NULL) {
		setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, opt.congestion, strlen(opt.congestion));
		setsockopt(a, IPPROTO_TCP, TCP_CONGESTION, opt.congestion, strlen(opt.congestion));
	}
	if (bind(l, (struct sockaddr *)&to, len) != 0 || listen(l, 1) != 0)
		die("listen");
	fcntl(a, F_SETFL, O_NONBLOCK);
	fcntl(l, F_SETFL, O_NONBLOCK);
	if (connect(a, (struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS)
		die("connect");
	for (chim_us_t end = clock_us() + 10 * CHIM_US_PER_S; p < 0 && clock_us() < end;) {
		poll_engine();
		p = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	if (p < 0)
		die("accept");
	close(l);
	c->fd = opt.is_client ? a : p;
	c->peer = opt.is_client ? p : a;
}

static void
run(const char *command)
{
	if (system(command) != 0)
		die(command);
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
		die("EAL");
	app_options_init(&options);
	options.nb_ports = 1;
	snprintf(options.port[0].wire, sizeof(options.port[0].wire), "net_af_packet0");
	snprintf(options.port[0].exception, sizeof(options.port[0].exception), "net_tap0");
	options.max_connections = 1024;
	if (app_engine_create(&engine, &options, why) != 0) {
		printf("handover: %s\n", why);
		exit(EXIT_FAILURE);
	}
	run("ip addr add 10.78.0.1/24 dev chim0");
	run("ip addr add fd78::1/64 dev chim0 nodad");
	run("ip link set chim0 up");
}

static void
start_agent(void)
{
	struct chim_kernel_config cfg = {
		.nb_ports = 1,
		.max_connections = MAX_CONNS,
		.disable_hold = opt.no_hold,
		.random = rte_rand(),
		.port = { { .exception_ifname = "chim0", .mac = { 2, 0, 0, 0, 0, 1 } } },
	};
	char why[APP_WHY];

	host = chim_host_open("handover");
	cfg.host = host;
	agent = host != NULL ? chim_kernel_create(&cfg, why, sizeof(why)) : NULL;
	if (agent == NULL) {
		printf("handover: agent: %s\n", host != NULL ? why : "no host");
		exit(EXIT_FAILURE);
	}
}

/* ---- running ---- */

static void
on_moved(struct conn *c, const struct chim_kernel_event *ev)
{
	const struct chim_move_report *m = &ev->move;

	if (opt.is_verbose)
		printf("to %s in %llu us: %u unacknowledged, %u unsent, %u chains, %u unread, "
		       "%u kept, state %s\n",
			chim_home_name(ev->home), (unsigned long long)m->pause_us, m->send_unacked,
			m->send_unsent, m->send_chains, m->recv_unread, m->kept_frames,
			chim_tcp_state_name(m->state));
	c->moves[ev->home == CHIM_HOME_KERNEL]++;
	atomic_fetch_add(&c->nb_moves, 1);
	c->is_away = false;
	if (nb_pauses < RTE_DIM(pauses_us))
		pauses_us[nb_pauses++] = ev->move.pause_us;
	if (ev->home == CHIM_HOME_ENGINE) {
		chim_stream_inherit(c->stream, ev->move.send_unacked + ev->move.send_unsent);
		chim_stream_arrive_engine(c->stream, chim_kernel_handle(c->kc));
	} else
		chim_stream_arrive_kernel(c->stream);
}

static void
on_event(struct chim_kernel_event *ev)
{
	struct conn *c = &conns[ev->cookie];

	switch (ev->kind) {
	case CHIM_KERNEL_MOVED:
		on_moved(c, ev);
		break;
	case CHIM_KERNEL_REFUSED:
		if (c->refused++ == 0 || opt.is_verbose)
			printf("handover: refused: %s (%s)\n", ev->why,
				chim_reason_text(ev->reason));
		c->is_away = false;
		chim_stream_arrive_kernel(c->stream);
		break;
	case CHIM_KERNEL_ENDED:
		if (ev->error != 0)
			printf("handover: ended: %s, %s\n", strerror(ev->error), ev->why);
		c->is_over = true;
		if (ev->error != 0)
			atomic_store(&c->error, ev->error);
		break;
	case CHIM_KERNEL_ASKED:
		if (opt.is_verbose)
			printf("asked back: %s\n", ev->why);
		chim_stream_leave(c->stream);
		c->is_away = true;
		break;
	case CHIM_KERNEL_IO:
		chim_stream_on_io(c->stream, &ev->io);
		break;
	}
}

static void
start_move(struct conn *c, chim_us_t now)
{
	enum chim_home home = chim_kernel_home(c->kc);
	int rc;

	if (c->is_away || c->is_over || now < c->next_move)
		return;
	c->next_move = now + 500 + (chim_us_t)(rand() % 8000);
	if (chim_stream_is_finished(c->stream) && home == CHIM_HOME_KERNEL)
		return;
	if (c->moves[0] + c->moves[1] >= opt.moves && home == CHIM_HOME_KERNEL)
		return;
	rc = home == CHIM_HOME_KERNEL ? chim_kernel_offload(agent, c->kc)
				      : chim_kernel_upload(agent, c->kc);
	if (rc == 0) {
		c->is_away = true;
		chim_stream_leave(c->stream);
	}
}

static void
turn(struct conn *c, chim_us_t now)
{
	start_move(c, now);
	if (c->is_away || c->is_over)
		return;
	if (chim_kernel_home(c->kc) == CHIM_HOME_KERNEL)
		chim_stream_on_fd(c->stream);
	else if (chim_stream_is_blocked(c->stream))
		chim_stream_retry(c->stream);
	if (chim_stream_is_finished(c->stream) && chim_kernel_home(c->kc) == CHIM_HOME_KERNEL) {
		c->is_over = true;
		shutdown(c->fd, SHUT_RDWR);
	}
	if (chim_stream_error(c->stream) != 0 && atomic_load(&c->error) == 0)
		atomic_store(&c->error, chim_stream_error(c->stream));
}

static bool
is_all_over(void)
{
	bool all = true;

	for (uint32_t i = 0; i < opt.conns; i++) {
		if (atomic_load(&conns[i].error) != 0)
			return true;
		all = all && conns[i].is_over && atomic_load(&conns[i].is_done);
	}
	return all;
}

static void
run_all(void)
{
	chim_us_t end = clock_us() + 120 * CHIM_US_PER_S;
	struct chim_kernel_event ev[64];

	while (!is_all_over() && clock_us() < end) {
		chim_us_t now = clock_us();

		poll_engine();
		unsigned int n = chim_kernel_poll(agent, now, ev, RTE_DIM(ev));

		for (unsigned int i = 0; i < n; i++)
			on_event(&ev[i]);
		for (uint32_t i = 0; i < opt.conns; i++)
			turn(&conns[i], now);
	}
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_counters(void)
{
	const struct chim_dp_counters *d = chim_dp_counters(engine.worker[0]);

	for (uint32_t i = 0; i < CHIM_WHY_MAX; i++) {
		if (d->why[i] != 0 || d->kernel_why[i] != 0)
			printf("  %s: wire %llu, kernel %llu\n", chim_why_name(i),
				(unsigned long long)d->why[i],
				(unsigned long long)d->kernel_why[i]);
	}
#define PRINT(name)           \
	if (d->tcp.name != 0) \
		printf("  %s: %llu\n", #name, (unsigned long long)d->tcp.name);
	CHIM_TCP_COUNTER_LIST(PRINT)
#undef PRINT
}

static int
report(void)
{
	const struct chim_kernel_counters *k = chim_kernel_counters(agent);
	int status = EXIT_SUCCESS;

	for (uint32_t i = 0; i < opt.conns; i++) {
		struct conn *c = &conns[i];
		bool is_ok = atomic_load(&c->error) == 0 && c->read == opt.bytes &&
			c->peer_read == handover_host_goal() && c->is_over &&
			c->moves[0] + c->moves[1] >= opt.moves;

		if (!is_ok || opt.conns == 1)
			printf("connection %u: %s; moves %u + %u, refused %u; host wrote %llu read %llu, peer "
			       "wrote %llu read %llu; peer resent %u; home %s\n",
				i, is_ok ? "ok" : strerror(atomic_load(&c->error)), c->moves[0],
				c->moves[1], c->refused, (unsigned long long)c->wrote,
				(unsigned long long)c->read, (unsigned long long)c->peer_wrote,
				(unsigned long long)c->peer_read, c->peer_retrans,
				chim_home_name(chim_kernel_home(c->kc)));
		if (!is_ok)
			status = EXIT_FAILURE;
	}
	qsort(pauses_us, nb_pauses, sizeof(pauses_us[0]), compare_u64);
	printf("%u moves; pause median %llu us, 99th percentile %llu us; restored %llu, lost %llu\n",
		nb_pauses, (unsigned long long)(nb_pauses ? pauses_us[nb_pauses / 2] : 0),
		(unsigned long long)(nb_pauses ? pauses_us[nb_pauses * 99 / 100] : 0),
		(unsigned long long)k->restored, (unsigned long long)k->lost);
	if (status != EXIT_SUCCESS || opt.is_verbose)
		print_counters();
	return status;
}

static void
parse(int argc, char **argv)
{
	opt.netns = argv[1];
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (strncmp(argv[i], "moves=", 6) == 0)
			opt.moves = (uint32_t)atoi(value + 1);
		else if (strncmp(argv[i], "bytes=", 6) == 0)
			opt.bytes = (uint64_t)atoll(value + 1) << 20;
		else if (strncmp(argv[i], "seed=", 5) == 0)
			opt.seed = (unsigned int)atoi(value + 1);
		else if (strncmp(argv[i], "conns=", 6) == 0)
			opt.conns = RTE_MIN((uint32_t)atoi(value + 1), MAX_CONNS);
		else if (strncmp(argv[i], "cc=", 3) == 0)
			opt.congestion = value + 1;
		else if (strcmp(argv[i], "ip6") == 0)
			opt.is_ip6 = true;
		else if (strcmp(argv[i], "no-hold") == 0)
			opt.no_hold = true;
		else if (strcmp(argv[i], "client") == 0)
			opt.is_client = true;
		else if (strcmp(argv[i], "half") == 0)
			opt.is_half = true;
		else if (strcmp(argv[i], "verbose") == 0)
			opt.is_verbose = true;
	}
	srand(opt.seed);
}

int
main(int argc, char **argv)
{
	int status;

	if (argc < 2)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	start_engine(argv[0]);
	start_agent();
	for (uint32_t i = 0; i < opt.conns; i++) {
		struct conn *c = &conns[i];

		c->opt = &opt;
		connect_pair(c);
		opening = c;
		c->stream = chim_stream_create(host, c->fd, &duplex, NULL);
		c->kc = chim_kernel_adopt(agent, c->fd, i);
		if (c->stream == NULL || c->kc == NULL)
			die("adopt");
	}
	for (uint32_t i = 0; i < opt.conns; i++)
		pthread_create(&conns[i].thread, NULL, handover_peer, &conns[i]);
	run_all();
	status = report();
	fflush(stdout);
	_exit(status);
}
