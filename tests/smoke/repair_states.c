/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Every state of a kernel socket that may be handed over, out of its
 * descriptor and back: what the peer and the owner of the descriptor see
 * afterwards is what they would have seen anyway. And what must come out as it
 * went in: options, segment size, buffer locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#include "rig.h"
#include "test.h"

#define RIG(r, ...)                                                      \
	struct rig *r = rig_create(&(struct rig_config){ __VA_ARGS__ }); \
	assert_non_null(r)

static struct tcp_info
info_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info;
}

static int
int_of(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

static void
move(struct rig *r, uint32_t state)
{
	struct rig_move m = { 0 };

	assert_true(RIG_WAIT(kernel_sock_tcp_state(r->host) == (int)state));
	assert_int_equal(rig_move(r, &m), 0);
	assert_int_equal(m.st.state, state);
	assert_int_equal(kernel_sock_tcp_state(r->host), state);
}

static void
peer_gets(struct rig *r, uint64_t bytes, bool eof)
{
	assert_true(RIG_WAIT((rig_peer_read(r, 1 << 20), r->peer_read == bytes)));
	assert_true(RIG_WAIT((rig_peer_read(r, 1), r->peer_eof == eof)));
}

static void
host_gets(struct rig *r, uint64_t bytes, bool eof)
{
	assert_true(RIG_WAIT((rig_host_read(r, 1 << 20), r->host_read == bytes)));
	assert_true(RIG_WAIT((rig_host_read(r, 1), r->host_eof == eof)));
}

static void
finish(struct rig *r)
{
	struct tapwire_record rec;

	tapwire_read(r->w, &rec);
	assert_int_equal(atomic_load(&r->error), 0);
	assert_int_equal(rec.resets, 0);
	assert_int_equal(rec.tsecr_zero, 0);
	assert_int_equal(rec.tsval_backwards, 0);
	assert_int_equal(rec.window_shrunk, 0);
	assert_int_equal(rec.holes, 0);
	rig_destroy(r);
}

static void
close_wait_keeps_unread_data_and_the_end_of_stream(void **state)
{
	RIG(r, .family = AF_INET);
	assert_int_equal(rig_peer_write(r, 1000), 1000);
	shutdown(r->peer, SHUT_WR);
	move(r, CHIM_TCP_CLOSE_WAIT);
	host_gets(r, 1000, true);
	move(r, CHIM_TCP_CLOSE_WAIT);
	assert_int_equal(rig_host_write(r, 5000), 5000);
	shutdown(r->host, SHUT_WR);
	peer_gets(r, 5000, true);
	finish(r);
}

static void
fin_wait_1_sends_what_was_lost_again(void **state)
{
	RIG(r, .family = AF_INET6);
	tapwire_cut(r->w, true);
	assert_int_equal(rig_host_write(r, 4000), 4000);
	shutdown(r->host, SHUT_WR);
	move(r, CHIM_TCP_FIN_WAIT_1);
	tapwire_cut(r->w, false);
	peer_gets(r, 4000, true);
	assert_true(RIG_WAIT(kernel_sock_tcp_state(r->host) == CHIM_TCP_FIN_WAIT_2));
	finish(r);
}

static void
fin_wait_1_with_a_fin_behind_unsent_data_sends_both(void **state)
{
	RIG(r, .family = AF_INET, .peer_rcvbuf = 8192);
	uint32_t n = rig_host_write(r, 200000);

	shutdown(r->host, SHUT_WR);
	usleep(20000);
	move(r, CHIM_TCP_FIN_WAIT_1);
	peer_gets(r, n, true);
	finish(r);
}

static void
fin_wait_2_still_receives(void **state)
{
	RIG(r, .family = AF_INET);
	assert_int_equal(rig_host_write(r, 100), 100);
	shutdown(r->host, SHUT_WR);
	peer_gets(r, 100, true);
	assert_int_equal(rig_peer_write(r, 700), 700);
	move(r, CHIM_TCP_FIN_WAIT_2);
	assert_int_equal(rig_peer_write(r, 300), 300);
	shutdown(r->peer, SHUT_WR);
	host_gets(r, 1000, true);
	finish(r);
}

static void
closing_ends_in_time_wait(void **state)
{
	RIG(r, .family = AF_INET);
	tapwire_cut(r->w, true);
	shutdown(r->host, SHUT_WR);
	assert_int_equal(rig_peer_write(r, 50), 50);
	shutdown(r->peer, SHUT_WR);
	move(r, CHIM_TCP_CLOSING);
	tapwire_cut(r->w, false);
	peer_gets(r, 0, true);
	host_gets(r, 50, true);
	finish(r);
}

static void
last_ack_is_acknowledged(void **state)
{
	RIG(r, .family = AF_INET);
	shutdown(r->peer, SHUT_WR);
	assert_true(RIG_WAIT(kernel_sock_tcp_state(r->host) == CHIM_TCP_CLOSE_WAIT));
	tapwire_cut(r->w, true);
	assert_int_equal(rig_host_write(r, 60), 60);
	shutdown(r->host, SHUT_WR);
	move(r, CHIM_TCP_LAST_ACK);
	tapwire_cut(r->w, false);
	peer_gets(r, 60, true);
	assert_true(RIG_WAIT(kernel_sock_tcp_state(r->host) == CHIM_TCP_CLOSED));
	finish(r);
}

/* The engine has seen the peer's FIN in FIN_WAIT_2: the kernel is to have the TIME_WAIT. */
static void
pretend_time_wait(struct rig *r, void *arg)
{
	struct rig_move *m = arg;

	(void)r;
	m->st.state = CHIM_TCP_TIME_WAIT;
	m->st.rcv_nxt++;
}

static void
count_time_wait(void *arg)
{
	char line[512];
	FILE *f = fopen("/proc/thread-self/net/tcp", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		*(int *)arg += strstr(line, " 06 ") != NULL;
	fclose(f);
}

static void
time_wait_is_made_in_the_kernel(void **state)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .meanwhile = pretend_time_wait };
	int found = 0;

	m.arg = &m;
	shutdown(r->host, SHUT_WR);
	assert_true(RIG_WAIT(kernel_sock_tcp_state(r->host) == CHIM_TCP_FIN_WAIT_2));
	assert_int_equal(rig_move(r, &m), 0);
	tapwire_within(r->w, TAPWIRE_HOST, count_time_wait, &found);
	assert_int_equal(found, 1);
	finish(r);
}

static void
a_zero_window_each_way_opens_again(void **state)
{
	RIG(r, .family = AF_INET, .host_rcvbuf = 8192, .peer_rcvbuf = 8192);
	uint32_t h = rig_host_write(r, 200000);
	uint32_t p = rig_peer_write(r, 200000);

	usleep(100000);
	move(r, CHIM_TCP_ESTABLISHED);
	for (int i = 0; i < 4000 && (r->host_read < p || r->peer_read < h); i++) {
		rig_host_read(r, 1 << 20);
		rig_peer_read(r, 1 << 20);
		usleep(500);
	}
	assert_int_equal(r->host_read, p);
	assert_int_equal(r->peer_read, h);
	finish(r);
}

/*
 * Nobody says a word after the move: neither program writes, and the peer has nothing to answer.
 * What the kernel owes must come by its own timers.
 */
static void
what_was_lost_before_a_move_is_sent_again_by_itself(void **state)
{
	RIG(r, .family = AF_INET);
	tapwire_cut(r->w, true);
	assert_int_equal(rig_host_write(r, 20000), 20000);
	usleep(5000);
	move(r, CHIM_TCP_ESTABLISHED);
	tapwire_cut(r->w, false);
	assert_true(RIG_WAIT((rig_peer_read(r, 1 << 20), r->peer_read == 20000)));
	finish(r);
}

static void
lose_window_updates(struct rig *r, void *arg)
{
	(void)arg;
	tapwire_cut_from_peer(r->w, true);
	while (rig_peer_read(r, 1 << 20) != 0)
		usleep(1000);
	tapwire_cut_from_peer(r->w, false);
}

/* The peer has opened its window while the connection was away, and that was lost. */
static void
a_window_whose_opening_was_lost_is_probed(void **state)
{
	RIG(r, .family = AF_INET, .peer_rcvbuf = 8192);
	struct rig_move m = { .meanwhile = lose_window_updates };
	uint32_t n = rig_host_write(r, 200000);

	usleep(100000);
	assert_int_equal(rig_move(r, &m), 0);
	assert_true(m.unsent != 0);
	assert_true(RIG_WAIT_MS(5000, (rig_peer_read(r, 1 << 20), r->peer_read == n)));
	finish(r);
}

/* As before, and everything had been written long ago: only FIN and probe timers are left. */
static void
a_fin_behind_a_closed_window_arrives_by_itself(void **state)
{
	RIG(r, .family = AF_INET, .peer_rcvbuf = 8192);
	struct rig_move m = { .meanwhile = lose_window_updates };
	uint32_t n = rig_host_write(r, 200000);

	shutdown(r->host, SHUT_WR);
	usleep(100000);
	assert_int_equal(rig_move(r, &m), 0);
	assert_true(RIG_WAIT_MS(5000,
		(rig_peer_read(r, 1 << 20),
			r->peer_read == n && (rig_peer_read(r, 1), r->peer_eof))));
	finish(r);
}

struct promise {
	struct rig_move move;
	uint32_t edge;
};

static uint32_t
right_edge(const struct rig_move *m)
{
	return m->st.window.rcv_wup + m->st.window.rcv_wnd;
}

/* What the record of the hold tells of an ACK that left after the socket was read. */
static void
promise_late(struct rig *r, void *arg)
{
	struct promise *p = arg;

	(void)r;
	p->move.st.window.rcv_wnd += 65536;
	p->edge = right_edge(&p->move);
}

/* The kernel drops what the peer sends beyond its own right edge, so that must be no less. */
static void
a_window_promised_after_the_freeze_is_kept(void **state)
{
	RIG(r, .family = AF_INET);
	struct promise p = { .move = { .meanwhile = promise_late, .arg = &p } };
	struct rig_move next = { 0 };

	assert_int_equal(rig_move(r, &p.move), 0);
	assert_int_equal(rig_move(r, &next), 0);
	assert_int_equal(right_edge(&next), p.edge);
	finish(r);
}

static const struct {
	int level, name, value;
} kept[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 77 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 7 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ SOL_SOCKET, SO_MARK, 9 },
	{ SOL_SOCKET, SO_RCVLOWAT, 2 },
	{ IPPROTO_IP, IP_TOS, 0x48 }, /* sets the priority too, so that one comes after it */
	{ SOL_SOCKET, SO_PRIORITY, 5 },
	{ IPPROTO_IP, IP_TTL, 33 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
	{ IPPROTO_TCP, TCP_CORK, 1 },
	{ IPPROTO_TCP, TCP_LINGER2, 17 },
	{ IPPROTO_TCP, TCP_SYNCNT, 4 },
	{ IPPROTO_TCP, TCP_INQ, 1 },
	{ SOL_SOCKET, SO_OOBINLINE, 1 },
	{ SOL_SOCKET, SO_DONTROUTE, 1 },
};

static const struct linger short_linger = { 1, 7 };

/* Those that are no numbers; and the interface, which must be one that there is. */
static void
set_texts(struct rig *r)
{
	assert_int_equal(setsockopt(r->host, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
	assert_int_equal(
		setsockopt(r->host, SOL_SOCKET, SO_LINGER, &short_linger, sizeof(short_linger)), 0);
	set_int(r->host, SOL_SOCKET, SO_BINDTOIFINDEX, tapwire_ifindex(r->w, TAPWIRE_HOST));
}

static void
check_texts(struct rig *r)
{
	struct linger linger = { 0 };
	socklen_t len = sizeof(linger);
	char name[16] = "";

	assert_int_equal(getsockopt(r->host, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
	assert_memory_equal(&linger, &short_linger, sizeof(linger));
	len = sizeof(name);
	assert_int_equal(getsockopt(r->host, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "cubic");
	assert_int_equal(
		int_of(r->host, SOL_SOCKET, SO_BINDTOIFINDEX), tapwire_ifindex(r->w, TAPWIRE_HOST));
}

static void
options_segment_size_and_locks_come_out_as_they_went_in(void **state)
{
	RIG(r, .family = AF_INET);
	uint32_t mss;
	int lock;

	for (size_t i = 0; i < CHIM_DIM(kept); i++)
		set_int(r->host, kept[i].level, kept[i].name, kept[i].value);
	mss = info_of(r->host).tcpi_snd_mss;
	lock = int_of(r->host, SOL_SOCKET, SO_BUF_LOCK);
	assert_true(mss > 536);
	set_texts(r);
	for (int i = 0; i < 20; i++)
		move(r, CHIM_TCP_ESTABLISHED);
	check_texts(r);
	for (size_t i = 0; i < CHIM_DIM(kept); i++)
		assert_int_equal(int_of(r->host, kept[i].level, kept[i].name), kept[i].value);
	assert_int_equal(info_of(r->host).tcpi_snd_mss, mss);
	assert_int_equal(int_of(r->host, SOL_SOCKET, SO_BUF_LOCK), lock);
	finish(r);
}

/* User timeout and keepalive of a second. */
static void
set_short_timers(struct rig *r)
{
	set_int(r->host, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
	set_int(r->host, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set_int(r->host, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set_int(r->host, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Unacknowledged data: the real socket would die. */
static void
the_placeholder_outlives_the_timers(void **state)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .stay_ms = 4000 };

	set_short_timers(r);
	tapwire_cut(r->w, true);
	assert_int_equal(rig_host_write(r, 3000), 3000);
	usleep(5000);
	assert_int_equal(rig_move(r, &m), 0);
	tapwire_cut(r->w, false);
	peer_gets(r, 3000, false);
	assert_int_equal(int_of(r->host, IPPROTO_TCP, TCP_USER_TIMEOUT), 1000);
	finish(r);
}

/* Nothing in any queue: the socket stays where it is, and its timers must not. */
static void
a_bare_placeholder_outlives_the_timers(void **state)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .stay_ms = 4000 };

	set_short_timers(r);
	assert_int_equal(rig_move(r, &m), 0);
	assert_true(m.st.is_bare);
	assert_int_equal(rig_peer_write(r, 100), 100);
	host_gets(r, 100, false);
	assert_int_equal(int_of(r->host, IPPROTO_TCP, TCP_USER_TIMEOUT), 1000);
	assert_int_equal(int_of(r->host, SOL_SOCKET, SO_KEEPALIVE), 1);
	finish(r);
}

static void
note_memory(struct rig *r, void *arg)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);

	assert_int_equal(getsockopt(r->host, SOL_SOCKET, SO_MEMINFO, mem, &len), 0);
	*(uint32_t *)arg = mem[SK_MEMINFO_RMEM_ALLOC];
}

/* It is in no count that the kernel tells, and would stay in memory as long as the placeholder. */
static void
out_of_order_data_does_not_stay_in_the_placeholder(void **state)
{
	RIG(r, .family = AF_INET);
	uint32_t memory = 0;
	uint32_t left = UINT32_MAX;
	struct rig_move m = { .meanwhile = note_memory, .arg = &left };

	tapwire_cut_from_peer(r->w, true);
	assert_int_equal(rig_peer_write(r, 500), 500);
	usleep(5000);
	tapwire_cut_from_peer(r->w, false);
	tapwire_cut(r->w, true); /* or the peer would learn what is missing, and send it */
	assert_int_equal(rig_peer_write(r, 500), 500);
	assert_true(RIG_WAIT((note_memory(r, &memory), memory != 0)));
	assert_int_equal(rig_move(r, &m), 0);
	assert_int_equal(m.unread, 0);
	assert_int_equal(left, 0);
	tapwire_cut(r->w, false);
	host_gets(r, 1000, false);
	finish(r);
}

static void
peer_speaks(struct rig *r, void *arg)
{
	struct tapwire_record rec;

	(void)arg;
	assert_int_equal(rig_peer_write(r, 9000), 9000);
	shutdown(r->peer, SHUT_WR);
	/* What came later than the end of the hold would find no socket. */
	assert_true(RIG_WAIT((tapwire_read(r->w, &rec), rec.peer_fins != 0)));
}

static void
what_comes_after_a_hold_ran_out_is_not_lost(void **state)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .meanwhile = peer_speaks, .expire_hold = true };

	assert_int_equal(rig_peer_write(r, 500), 500);
	assert_int_equal(rig_move(r, &m), 0);
	assert_int_equal(m.st.state, CHIM_TCP_CLOSE_WAIT);
	host_gets(r, 9500, true);
	rig_destroy(r);
}

static void
what_comes_to_a_bare_placeholder_is_not_lost(void **state)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .meanwhile = peer_speaks, .expire_hold = true };

	assert_int_equal(rig_move(r, &m), 0);
	assert_true(m.st.is_bare);
	assert_int_equal(m.st.state, CHIM_TCP_CLOSE_WAIT);
	host_gets(r, 9000, true);
	rig_destroy(r);
}

static void
close_it(struct rig *r, void *arg)
{
	struct tapwire_record before;
	struct tapwire_record after;

	(void)arg;
	tapwire_read(r->w, &before);
	close(r->host);
	usleep(20000);
	tapwire_read(r->w, &after);
	assert_int_equal(
		after.host_frames + after.sealed_frames, before.host_frames + before.sealed_frames);
	r->host = tapwire_socket(r->w, TAPWIRE_HOST, AF_INET, SOCK_STREAM);
}

static void
close_placeholder(uint32_t unread)
{
	RIG(r, .family = AF_INET);
	struct rig_move m = { .meanwhile = close_it };
	uint32_t memory = 0;

	if (unread != 0)
		assert_int_equal(rig_peer_write(r, unread), unread);
	assert_true(RIG_WAIT((note_memory(r, &memory), (memory != 0) == (unread != 0))));
	assert_true(rig_move(r, &m) != 0); /* there is nothing to come back to */
	assert_int_equal(m.st.is_bare, unread == 0);
	rig_destroy(r);
}

static void
a_placeholder_is_closed_without_a_packet(void **state)
{
	close_placeholder(0);
	close_placeholder(500);
}

static uint32_t
events_of(int epoll_fd)
{
	struct epoll_event ev;

	return epoll_wait(epoll_fd, &ev, 1, 0) == 1 ? ev.events : 0;
}

static void
poll_it(struct rig *r, void *arg)
{
	(void)r;
	*(uint32_t *)arg = events_of(*(int *)arg);
}

/* Emptying a socket wakes whoever polls it, for a hang-up that is none; the placeholder and the
 * socket that is back say nothing but the truth. */
static void
a_descriptor_polls_as_before_once_it_is_back(void **state)
{
	RIG(r, .family = AF_INET);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event want = { .events = EPOLLIN };
	int seen = epoll_fd; /* in: where to look; out: what was there */
	struct rig_move m = { .meanwhile = poll_it, .arg = &seen };

	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, r->host, &want), 0);
	assert_int_equal(events_of(epoll_fd), 0);
	assert_int_equal(rig_move(r, &m), 0);
	assert_int_equal(seen, 0);
	assert_int_equal(events_of(epoll_fd), 0);
	assert_int_equal(int_of(r->host, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(rig_peer_write(r, 100), 100);
	assert_true(RIG_WAIT(events_of(epoll_fd) == EPOLLIN));
	host_gets(r, 100, false);
	close(epoll_fd);
	finish(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(close_wait_keeps_unread_data_and_the_end_of_stream),
	cmocka_unit_test(fin_wait_1_sends_what_was_lost_again),
	cmocka_unit_test(fin_wait_1_with_a_fin_behind_unsent_data_sends_both),
	cmocka_unit_test(fin_wait_2_still_receives),
	cmocka_unit_test(closing_ends_in_time_wait),
	cmocka_unit_test(last_ack_is_acknowledged),
	cmocka_unit_test(time_wait_is_made_in_the_kernel),
	cmocka_unit_test(a_zero_window_each_way_opens_again),
	cmocka_unit_test(what_was_lost_before_a_move_is_sent_again_by_itself),
	cmocka_unit_test(a_window_whose_opening_was_lost_is_probed),
	cmocka_unit_test(a_fin_behind_a_closed_window_arrives_by_itself),
	cmocka_unit_test(options_segment_size_and_locks_come_out_as_they_went_in),
	cmocka_unit_test(the_placeholder_outlives_the_timers),
	cmocka_unit_test(a_bare_placeholder_outlives_the_timers),
	cmocka_unit_test(out_of_order_data_does_not_stay_in_the_placeholder),
	cmocka_unit_test(a_window_promised_after_the_freeze_is_kept),
	cmocka_unit_test(what_comes_after_a_hold_ran_out_is_not_lost),
	cmocka_unit_test(what_comes_to_a_bare_placeholder_is_not_lost),
	cmocka_unit_test(a_placeholder_is_closed_without_a_packet),
	cmocka_unit_test(a_descriptor_polls_as_before_once_it_is_back),
};

int
main(int argc, char **argv)
{
	struct rig *r;

	if (geteuid() != 0) {
		printf("skipped: needs root for namespaces and TCP_REPAIR\n");
		return TEST_SKIPPED;
	}
	r = rig_create(&(struct rig_config){ .family = AF_INET });
	if (r == NULL)
		return TEST_SKIPPED;
	rig_destroy(r);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
