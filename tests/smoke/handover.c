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
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "handover.h"
#include "inproc.h"

#define MAX_CONNS 64u

struct options opt = { .moves = 200, .bytes = 64 << 20, .seed = 1, .conns = 1 };
static struct conn conns[MAX_CONNS];
static uint64_t pauses_us[65536];
static uint32_t nb_pauses;

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
	rc = home == CHIM_HOME_KERNEL ? chim_kernel_offload(inproc.agent, c->kc)
				      : chim_kernel_upload(inproc.agent, c->kc);
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
	/* Ten thousand moves as a soak take their time. */
	chim_us_t end = inproc_now() + RTE_MAX(120u, opt.moves / 10) * CHIM_US_PER_S;
	struct chim_kernel_event ev[64];

	while (!is_all_over() && inproc_now() < end) {
		chim_us_t now = inproc_now();

		inproc_poll();
		unsigned int n = chim_kernel_poll(inproc.agent, now, ev, RTE_DIM(ev));

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
	const struct chim_dp_counters *d = chim_dp_counters(inproc.engine.worker[0]);

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
	const struct chim_kernel_counters *k = chim_kernel_counters(inproc.agent);
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
	/* What a peer may have taken for a loss: nobody turned the engine, or a move took so long.
	 */
	printf("longest stall %llu us\n",
		(unsigned long long)RTE_MAX(nb_pauses != 0 ? pauses_us[nb_pauses - 1] : 0,
			chim_dp_counters(inproc.engine.worker[0])->longest_gap_us));
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
	inproc_start(argv[0],
		&(struct inproc_config){
			.netns = opt.netns, .max_connections = MAX_CONNS, .no_hold = opt.no_hold });
	for (uint32_t i = 0; i < opt.conns; i++) {
		struct conn *c = &conns[i];

		c->opt = &opt;
		inproc_connect(&(struct inproc_pair){ .is_ip6 = opt.is_ip6,
				       .is_client = opt.is_client,
				       .congestion = opt.congestion },
			&c->fd, &c->peer);
		opening = c;
		c->stream = chim_stream_create(inproc.host, c->fd, &duplex, NULL);
		c->kc = chim_kernel_adopt(inproc.agent, c->fd, i);
		if (c->stream == NULL || c->kc == NULL)
			inproc_die("adopt");
	}
	for (uint32_t i = 0; i < opt.conns; i++)
		pthread_create(&conns[i].thread, NULL, handover_peer, &conns[i]);
	run_all();
	status = report();
	fflush(stdout);
	_exit(status);
}
