/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Connections that end while the engine has them: closed by either side first,
 * by both at once, reset, aborted, given up by a timer. Each time the owner of
 * the descriptor hears an end or the error, the placeholder goes without a
 * packet, and the kernel has the TIME_WAIT where one is due. And one that does
 * not end, although the kernel's own timers would have ended it.
 *
 * Started by 32_ends.sh inside the host's namespace: ends PEER-NETNS [STAY-MS]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <rte_mbuf.h>

#include "chim_serve.h"
#include "inproc.h"
#include "test.h"

#define CHUNK 4096

static char peer_netns[64];
static uint32_t stay_ms = 5000;

/* One connection of a test. */
struct end {
	struct chim_stream *stream;
	struct chim_kconn *kc;
	int fd, peer;
	bool is_over; /* ENDED came */
	int error;    /* and said this */
	const char *why;
	uint32_t asked;
	uint64_t to_write; /* by the host */
	bool to_shut;
	uint64_t read, peer_read;
	bool eof, peer_eof;
	int peer_error;
	uint16_t peer_port;
};

/* ---- the host's service: writes what the test wants, counts what comes ---- */

static struct end *opening;

static void *
tally_open(struct chim_stream *s, const char *arg)
{
	(void)s;
	(void)arg;
	return opening;
}

static void
tally_run(struct chim_stream *s, void *state)
{
	static const uint8_t zeros[CHUNK];
	struct end *e = state;
	const uint8_t *at;
	size_t n;

	while ((n = chim_stream_peek(s, &at)) != 0) {
		e->read += n;
		chim_stream_consume(s, n);
	}
	e->eof = chim_stream_is_eof(s);
	while (e->to_write != 0) {
		n = chim_stream_write(s, zeros, RTE_MIN(e->to_write, (uint64_t)CHUNK));
		e->to_write -= n;
		if (n == 0)
			return;
	}
	if (e->to_shut)
		chim_stream_shutdown(s);
}

static void
tally_close(void *state)
{
	(void)state;
}

static const struct chim_service tally = {
	.name = "tally",
	.help = "counts",
	.open = tally_open,
	.run = tally_run,
	.close = tally_close,
};

/* ---- turning ---- */

static void
on_event(struct chim_kernel_event *ev)
{
	struct end *e = (struct end *)(uintptr_t)ev->cookie;

	switch (ev->kind) {
	case CHIM_KERNEL_MOVED:
		if (ev->home != CHIM_HOME_ENGINE) {
			chim_stream_arrive_kernel(e->stream);
			break;
		}
		chim_stream_inherit(e->stream, ev->move.send_unacked + ev->move.send_unsent);
		chim_stream_arrive_engine(e->stream, chim_kernel_handle(e->kc));
		break;
	case CHIM_KERNEL_REFUSED:
		printf("refused: %s\n", ev->why);
		chim_stream_arrive_kernel(e->stream);
		break;
	case CHIM_KERNEL_ENDED:
		e->is_over = true;
		e->error = ev->error;
		e->why = ev->why;
		break;
	case CHIM_KERNEL_ASKED:
		e->asked++;
		chim_stream_leave(e->stream);
		break;
	case CHIM_KERNEL_IO:
		chim_stream_on_io(e->stream, &ev->io);
		break;
	}
}

static void
peer_reads(struct end *e)
{
	uint8_t at[CHUNK];
	ssize_t n = recv(e->peer, at, sizeof(at), MSG_DONTWAIT);

	if (n > 0)
		e->peer_read += (uint64_t)n;
	else if (n == 0)
		e->peer_eof = true;
	else if (errno != EAGAIN)
		e->peer_error = errno;
}

static void
turn(struct end *e)
{
	struct chim_kernel_event ev[16];
	unsigned int n;

	inproc_poll();
	n = chim_kernel_poll(inproc.agent, inproc_now(), ev, RTE_DIM(ev));
	for (unsigned int i = 0; i < n; i++)
		on_event(&ev[i]);
	if (!e->is_over && chim_kernel_home(e->kc) == CHIM_HOME_KERNEL)
		chim_stream_on_fd(e->stream);
	else if (chim_stream_is_blocked(e->stream))
		chim_stream_retry(e->stream);
	if (!e->peer_eof && e->peer_error == 0)
		peer_reads(e);
}

/* Until cond; the engine turns. */
#define TURN_UNTIL(e, cond)                                             \
	do {                                                            \
		chim_us_t turn_end = inproc_now() + 20 * CHIM_US_PER_S; \
		while (!(cond) && inproc_now() < turn_end)              \
			turn(e);                                        \
		assert_true(cond);                                      \
	} while (0)

static void
turn_for(struct end *e, uint32_t ms)
{
	chim_us_t end = inproc_now() + ms * CHIM_US_PER_MS;

	while (inproc_now() < end)
		turn(e);
}

/* The service has new wishes: in the engine it is run by an event, here by hand. */
static void
let_run(struct end *e)
{
	tally_run(e->stream, e);
}

/* ---- set-up of a test ---- */

static void
in_peer(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "ip netns exec %s %s", peer_netns, command);
	inproc_run(line);
}

/* Nothing comes through to the peer, or nothing leaves it either. */
static void
cut(bool both)
{
	in_peer("nft add table inet cut");
	in_peer("nft 'add chain inet cut in { type filter hook input priority 0 ; }'");
	in_peer("nft add rule inet cut in tcp sport 7000 drop");
	if (!both)
		return;
	in_peer("nft 'add chain inet cut out { type filter hook output priority 0 ; }'");
	in_peer("nft add rule inet cut out tcp dport 7000 drop");
}

static void
mend(void)
{
	in_peer("nft delete table inet cut");
}

static void
set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

/* @param options called with the host's descriptor before it is known to the agent; may be NULL */
static struct end *
open_end(void (*options)(int fd))
{
	struct end *e = calloc(1, sizeof(*e));
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	inproc_connect(&(struct inproc_pair){ .congestion = "cubic" }, &e->fd, &e->peer);
	assert_int_equal(getsockname(e->peer, (struct sockaddr *)&at, &len), 0);
	e->peer_port = ntohs(at.sin_port);
	if (options != NULL)
		options(e->fd);
	opening = e;
	e->stream = chim_stream_create(inproc.host, e->fd, &tally, NULL);
	assert_non_null(e->stream);
	e->kc = chim_kernel_adopt(inproc.agent, e->fd, (uint64_t)(uintptr_t)e);
	assert_non_null(e->kc);
	turn_for(e, 20);
	return e;
}

static void
go(struct end *e, enum chim_home home)
{
	int rc = home == CHIM_HOME_ENGINE ? chim_kernel_offload(inproc.agent, e->kc)
					  : chim_kernel_upload(inproc.agent, e->kc);

	assert_int_equal(rc, 0);
	chim_stream_leave(e->stream);
	TURN_UNTIL(e, e->is_over || chim_kernel_home(e->kc) == home);
}

static void
close_end(struct end *e)
{
	turn_for(e, 20); /* what the wire still carries */
	chim_stream_destroy(e->stream);
	chim_kernel_forget(inproc.agent, e->kc);
	close(e->fd);
	close(e->peer);
	free(e);
}

/* ---- what is seen afterwards ---- */

/* Entries of the host's kernel in a state, towards this peer's port. */
static uint32_t
entries(const struct end *e, unsigned int state)
{
	uint32_t found = 0;
	char line[512];
	FILE *f = fopen("/proc/net/tcp", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned int remote_port, st;

		if (sscanf(line, " %*d: %*x:%*x %*x:%x %x", &remote_port, &st) == 2 &&
			remote_port == e->peer_port && st == state)
			found++;
	}
	fclose(f);
	return found;
}

#define TCPF_ESTABLISHED 1u
#define TCPF_TIME_WAIT	 6u

/* A counter of the host's kernel. */
static long
host_resets(void)
{
	char line[1024];
	long value = -1;
	FILE *f = fopen("/proc/net/snmp", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		/* OutRsts is the fourteenth. */
		(void)sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld",
			&value);
	fclose(f);
	assert_true(value >= 0);
	return value;
}

/* Over, with this error, and nothing of it in the kernel but TIME_WAIT where due. */
static void
assert_ended(struct end *e, int error, bool has_time_wait)
{
	assert_true(e->is_over);
	if (e->error != error)
		printf("ended with %s: %s\n", strerror(e->error), e->why);
	assert_int_equal(e->error, error);
	assert_int_equal(entries(e, TCPF_ESTABLISHED), 0);
	assert_int_equal(entries(e, TCPF_TIME_WAIT), has_time_wait ? 1 : 0);
}

/* ---- closed by somebody ---- */

static void
host_closes(struct end *e, uint64_t bytes)
{
	e->to_write = bytes;
	e->to_shut = true;
	let_run(e);
}

static void
fin_wait_in_the_engine_leaves_a_time_wait_in_the_kernel(void **state)
{
	struct end *e = open_end(NULL);
	long resets = host_resets();

	go(e, CHIM_HOME_ENGINE);
	host_closes(e, 5000);
	TURN_UNTIL(e, e->peer_eof); /* FIN_WAIT_2 */
	assert_int_equal(e->peer_read, 5000);
	assert_int_equal(chim_kernel_home(e->kc), CHIM_HOME_ENGINE);
	assert_int_equal(send(e->peer, "still", 5, 0), 5);
	TURN_UNTIL(e, e->read == 5);
	shutdown(e->peer, SHUT_WR);
	TURN_UNTIL(e, e->is_over);
	assert_true(e->eof);
	assert_ended(e, 0, true);
	assert_int_equal(host_resets(), resets);
	close_end(e);
}

static void
last_ack_in_the_engine_leaves_nothing(void **state)
{
	struct end *e = open_end(NULL);
	long resets = host_resets();

	go(e, CHIM_HOME_ENGINE);
	shutdown(e->peer, SHUT_WR);
	TURN_UNTIL(e, e->eof); /* CLOSE_WAIT */
	assert_int_equal(chim_kernel_home(e->kc), CHIM_HOME_ENGINE);
	host_closes(e, 3000);
	TURN_UNTIL(e, e->peer_eof);
	assert_int_equal(e->peer_read, 3000);
	TURN_UNTIL(e, e->is_over);
	assert_ended(e, 0, false);
	assert_int_equal(host_resets(), resets);
	close_end(e);
}

static void
closing_in_the_engine_leaves_a_time_wait_in_the_kernel(void **state)
{
	struct end *e = open_end(NULL);
	long resets = host_resets();

	go(e, CHIM_HOME_ENGINE);
	cut(false);
	host_closes(e, 0); /* its FIN is lost */
	turn_for(e, 20);
	shutdown(e->peer, SHUT_WR); /* and this one does not acknowledge it */
	TURN_UNTIL(e, e->eof);
	mend();
	TURN_UNTIL(e, e->is_over);
	assert_true(e->peer_eof);
	assert_ended(e, 0, true);
	assert_int_equal(host_resets(), resets);
	close_end(e);
}

/* ---- broken ---- */

static void
a_reset_by_the_peer_is_an_error_at_the_owner(void **state)
{
	struct end *e = open_end(NULL);
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct linger hard = { 1, 0 };
	long resets = host_resets();

	go(e, CHIM_HOME_ENGINE);
	assert_int_equal(setsockopt(e->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	assert_int_equal(entries(e, TCPF_ESTABLISHED), 1); /* the placeholder */
	/* A reset; the descriptor stays. */
	assert_int_equal(connect(e->peer, &nobody, sizeof(nobody)), 0);
	e->peer_eof = true; /* nobody reads there any more */
	TURN_UNTIL(e, e->is_over);
	assert_ended(e, ECONNRESET, false);
	assert_int_equal(host_resets(), resets);
	close_end(e);
}

static void
an_abort_by_the_service_resets_the_peer_and_nothing_else(void **state)
{
	struct end *e = open_end(NULL);
	struct chim_io io = { .op = CHIM_IO_DISCONNECT, .flags = CHIM_DISCONNECT_ABORTIVE };
	long resets = host_resets();

	go(e, CHIM_HOME_ENGINE);
	io.handle = chim_kernel_handle(e->kc);
	assert_int_equal(chim_host_post(inproc.host, &io), 0);
	TURN_UNTIL(e, e->peer_error != 0);
	assert_int_equal(e->peer_error, ECONNRESET);
	turn_for(e, 50);
	if (!e->is_over)
		go(e, CHIM_HOME_KERNEL);
	assert_true(e->is_over);
	assert_int_equal(entries(e, TCPF_ESTABLISHED), 0);
	assert_int_equal(host_resets(), resets); /* the engine's, not the kernel's */
	close_end(e);
}

static void
one_second_user_timeout(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
}

static void
one_second_keepalive(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static int
error_at_owner(const struct end *e)
{
	return e->is_over ? e->error : chim_stream_error(e->stream);
}

static void
a_retransmission_timeout_is_an_error_at_the_owner(void **state)
{
	struct end *e = open_end(one_second_user_timeout);

	go(e, CHIM_HOME_ENGINE);
	cut(true);
	e->to_write = 1000;
	let_run(e);
	TURN_UNTIL(e, error_at_owner(e) != 0);
	mend();
	assert_int_equal(error_at_owner(e), ETIMEDOUT);
	assert_true(e->asked != 0);
	assert_int_equal(entries(e, TCPF_ESTABLISHED), 0);
	close_end(e);
}

static void
a_keepalive_timeout_is_an_error_at_the_owner(void **state)
{
	struct end *e = open_end(one_second_keepalive);

	go(e, CHIM_HOME_ENGINE);
	cut(true);
	TURN_UNTIL(e, error_at_owner(e) != 0);
	mend();
	assert_int_equal(error_at_owner(e), ETIMEDOUT);
	assert_true(e->asked != 0);
	assert_int_equal(entries(e, TCPF_ESTABLISHED), 0);
	close_end(e);
}

/* ---- not ended ---- */

static void
both_timers(int fd)
{
	one_second_keepalive(fd);
	one_second_user_timeout(fd);
}

/* The peer has not acknowledged when it leaves; the placeholder has timers of a second. */
static void
a_long_stay_under_short_timers_comes_back_intact(void **state)
{
	struct end *e = open_end(both_timers);

	cut(false);
	e->to_write = 2000;
	TURN_UNTIL(e, e->to_write == 0);
	go(e, CHIM_HOME_ENGINE);
	mend();
	TURN_UNTIL(e, e->peer_read == 2000);
	turn_for(e, stay_ms);
	assert_int_equal(e->asked, 0);
	go(e, CHIM_HOME_KERNEL);
	assert_false(e->is_over);
	e->to_write = 700;
	assert_int_equal(send(e->peer, "after", 5, 0), 5);
	TURN_UNTIL(e, e->peer_read == 2700 && e->read == 5);
	assert_int_equal(error_at_owner(e), 0);
	close_end(e);
}

/*
 * The engine has let go, and the agent gets no CPU for longer than any peer's timeout. What the
 * peer says meanwhile is for neither the placeholder, which would acknowledge it, nor a reset.
 */
static void
an_upload_that_gets_no_cpu_for_seconds_loses_nothing(void **state)
{
	struct end *e = open_end(NULL);
	static const uint8_t zeros[1000];
	long resets = host_resets();
	struct chim_kernel_event ev;
	chim_us_t begin;
	uint64_t sent = 0;

	go(e, CHIM_HOME_ENGINE);
	assert_int_equal(chim_kernel_upload(inproc.agent, e->kc), 0);
	chim_stream_leave(e->stream);
	assert_int_equal(chim_kernel_poll(inproc.agent, inproc_now(), &ev, 1), 0);
	begin = inproc_now();
	while (inproc_now() < begin + 3 * CHIM_US_PER_S) {
		inproc_poll();
		/* Once the engine has let go: then no byte is ahead of the placeholder. */
		if (inproc_now() < begin + 100 * CHIM_US_PER_MS)
			continue;
		if (sent < 60 * sizeof(zeros) &&
			send(e->peer, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
			sent += sizeof(zeros); /* less than any buffer */
		usleep(20000);
	}
	TURN_UNTIL(e, chim_kernel_home(e->kc) == CHIM_HOME_KERNEL && e->read == sent);
	assert_int_equal(e->peer_error, 0);
	assert_int_equal(host_resets(), resets);
	e->to_write = 700;
	TURN_UNTIL(e, e->peer_read == 700);
	close_end(e);
}

/* As before on the way over, after each of its steps: the hold has run out and all is undone. */
static void
an_offload_that_gets_no_cpu_for_a_second_is_undone(void **state)
{
	static const uint8_t zeros[1000];
	long resets = host_resets();
	chim_us_t begin;

	for (uint32_t nb_turns = 1; nb_turns <= 8; nb_turns++) {
		struct end *e = open_end(NULL);
		uint64_t sent = 0;

		assert_int_equal(chim_kernel_offload(inproc.agent, e->kc), 0);
		chim_stream_leave(e->stream);
		for (uint32_t i = 0; i < nb_turns; i++)
			turn(e);
		begin = inproc_now();
		while (inproc_now() < begin + 1300 * CHIM_US_PER_MS) {
			ssize_t n = send(e->peer, zeros, sizeof(zeros), MSG_DONTWAIT);

			inproc_poll();
			sent += n > 0 ? (uint64_t)n : 0;
			usleep(1000);
		}
		TURN_UNTIL(e, e->read == sent);
		e->to_write = 700;
		let_run(e);
		TURN_UNTIL(e, e->peer_read == 700);
		assert_int_equal(e->peer_error, 0);
		printf("after %u turns: %s, %llu bytes\n", nb_turns,
			chim_home_name(chim_kernel_home(e->kc)), (unsigned long long)sent);
		if (chim_kernel_home(e->kc) == CHIM_HOME_ENGINE)
			go(e, CHIM_HOME_KERNEL);
		close_end(e);
	}
	assert_int_equal(host_resets(), resets);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(fin_wait_in_the_engine_leaves_a_time_wait_in_the_kernel),
	cmocka_unit_test(last_ack_in_the_engine_leaves_nothing),
	cmocka_unit_test(closing_in_the_engine_leaves_a_time_wait_in_the_kernel),
	cmocka_unit_test(a_reset_by_the_peer_is_an_error_at_the_owner),
	cmocka_unit_test(an_abort_by_the_service_resets_the_peer_and_nothing_else),
	cmocka_unit_test(a_retransmission_timeout_is_an_error_at_the_owner),
	cmocka_unit_test(a_keepalive_timeout_is_an_error_at_the_owner),
	cmocka_unit_test(a_long_stay_under_short_timers_comes_back_intact),
	cmocka_unit_test(an_upload_that_gets_no_cpu_for_seconds_loses_nothing),
	cmocka_unit_test(an_offload_that_gets_no_cpu_for_a_second_is_undone),
};

int
main(int argc, char **argv)
{
	int failed;

	if (argc < 2)
		return EXIT_FAILURE;
	snprintf(peer_netns, sizeof(peer_netns), "%s", argv[1]);
	if (argc > 2)
		stay_ms = (uint32_t)atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	inproc_start(
		argv[0], &(struct inproc_config){ .netns = peer_netns, .max_connections = 64 });
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fflush(stdout);
	_exit(failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
