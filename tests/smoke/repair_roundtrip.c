/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Kernel sockets out of their descriptor and back, with a real kernel as peer:
 * moves by the hundred under load, every state that may be handed over, and
 * each trap that the Linux side of a handover has, as an assertion.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "rig.h"
#include "test.h"

static struct tcp_info
info_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info;
}

static void
assert_clean(struct rig *r, bool is_clean)
{
	struct tapwire_record rec;

	tapwire_read(r->w, &rec);
	assert_int_equal(atomic_load(&r->error), 0);
	/* On a bad wire a late frame may find the peer's end gone for good. */
	assert_true(rec.resets == 0 || !is_clean);
	assert_int_equal(rec.tsecr_zero, 0);
	/* A paced sender stamps segments with the time they are due, so its ACKs may step back. */
	assert_true(rec.tsval_backwards == 0 || r->cfg.congestion != NULL);
	assert_true(rec.window_shrunk == 0 || !is_clean);
	assert_int_equal(rec.holes, 0);
}

static const char *const repairs[] = { "TCPFastRetrans", "TCPSlowStartRetrans", "TCPTimeouts" };

static uint64_t
column_of(const char *names, const char *values, const char *name)
{
	char *names_at;
	char *values_at;
	char *n = strdup(names);
	char *v = strdup(values);
	char *word = strtok_r(n, " \n", &names_at);
	char *value = strtok_r(v, " \n", &values_at);
	uint64_t found = UINT64_MAX;

	while (word != NULL && value != NULL && found == UINT64_MAX) {
		if (strcmp(word, name) == 0)
			found = strtoull(value, NULL, 10);
		word = strtok_r(NULL, " \n", &names_at);
		value = strtok_r(NULL, " \n", &values_at);
	}
	free(n);
	free(v);
	assert_true(found != UINT64_MAX);
	return found;
}

static void
sum_repairs(void *arg)
{
	char names[8192];
	char values[8192];
	FILE *f = fopen("/proc/thread-self/net/netstat", "r");

	assert_non_null(f);
	/* The first pair of lines is TcpExt: names, then values. */
	assert_non_null(fgets(names, sizeof(names), f));
	assert_non_null(fgets(values, sizeof(values), f));
	fclose(f);
	for (size_t i = 0; i < CHIM_DIM(repairs); i++)
		*(uint64_t *)arg += column_of(names, values, repairs[i]);
}

static uint64_t
peer_repairs(struct rig *r)
{
	uint64_t sum = 0;

	tapwire_within(r->w, TAPWIRE_PEER, sum_repairs, &sum);
	return sum;
}

/* ---- under load ---- */

struct load {
	uint32_t moves;
	uint64_t bytes; /* each way */
	bool is_clean;	/* no loss on the wire */
};

static void
drain(struct rig *r)
{
	for (int idle = 0; idle < 4000 && !(r->host_eof && r->peer_eof); idle++) {
		struct pollfd p = { r->host, POLLIN, 0 };

		if (rig_host_read(r, 1 << 20) != 0)
			idle = 0;
		if (atomic_load(&r->error) != 0)
			return;
		if (!r->host_eof)
			poll(&p, 1, 1);
		else
			usleep(500);
	}
}

static void
under_load(struct rig *r, const struct load *l)
{
	uint32_t moves = 0;
	uint32_t full = 0; /* moves with something in each of the three queues */
	uint32_t busy = 0; /* moves in the middle of something */

	r->peer_goal = l->bytes;
	rig_peer_start(r);
	srandom(7);
	while (moves < l->moves && atomic_load(&r->error) == 0) {
		struct rig_move m = { 0 };

		/* At a random instant: sometimes everything is read, sometimes nothing. */
		if (random() % 4 != 0)
			rig_host_read(r, (uint32_t)(random() % (1 << 19)));
		if (r->host_wrote < l->bytes)
			rig_host_write(r, (uint32_t)(random() % (1 << 19)));
		usleep((useconds_t)(random() % 1500));
		int rc = rig_move(r, &m);

		if (rc != 0) {
			struct tapwire_record rec;

			tapwire_read(r->w, &rec);
			printf("move %u: %s; resets seen %u, the peer's error %d\n", moves,
				strerror(-rc), rec.resets, atomic_load(&r->error));
		}
		assert_int_equal(rc, 0);
		full += m.unread != 0 && m.unacked != 0 && m.unsent != 0;
		busy += m.unread != 0 || m.unacked != 0 || m.unsent != 0;
		moves++;
	}
	while (r->host_wrote < l->bytes && atomic_load(&r->error) == 0) {
		rig_host_write(r, 1 << 20);
		rig_host_read(r, 1 << 20);
	}
	shutdown(r->host, SHUT_WR);
	drain(r);
	rig_peer_join(r);
	assert_int_equal(moves, l->moves);
	assert_true(r->host_eof && r->peer_eof);
	assert_int_equal(r->host_read, r->peer_wrote);
	assert_int_equal(r->peer_read, r->host_wrote);
	assert_clean(r, l->is_clean);
	/* Moves of an idle connection prove nothing. A bad wire leaves little in the queues at
	 * once. */
	assert_true(busy > moves / 4);
	assert_true(full != 0 || !l->is_clean);
	printf("%u moves (%u with all queues full), %llu and %llu bytes, resent by host %u, by peer %u\n",
		moves, full, (unsigned long long)r->host_read, (unsigned long long)r->peer_read,
		info_of(r->host).tcpi_total_retrans, info_of(r->peer).tcpi_total_retrans);
}

/*
 * On a clean wire no move makes the peer take anything for lost. Its tail loss
 * probes, which an answer that is late draws without any move, are not repairs.
 * Only that we waited for a CPU for long (the peer's shortest timeout is 200 ms)
 * excuses one, and only for another try.
 */
#define STALL_US 100000u

static void
on_a_clean_wire(const struct rig_config *cfg, uint32_t moves)
{
	const struct load load = { .moves = moves, .bytes = moves * 200000ull, .is_clean = true };
	uint64_t repaired = UINT64_MAX;
	struct tapwire_record rec;

	for (uint32_t tries = 3; tries > 0 && repaired != 0; tries--) {
		struct rig *r = rig_create(cfg);

		assert_non_null(r);
		under_load(r, &load);
		repaired = peer_repairs(r);
		tapwire_read(r->w, &rec);
		rig_destroy(r);
		assert_true(repaired == 0 || rec.longest_gap_us >= STALL_US);
	}
	assert_int_equal(repaired, 0);
}

static void
hundreds_of_moves_lose_nothing_ip4(void **state)
{
	on_a_clean_wire(&(struct rig_config){ .family = AF_INET }, 300);
}

static void
hundreds_of_moves_lose_nothing_ip6(void **state)
{
	on_a_clean_wire(&(struct rig_config){ .family = AF_INET6 }, 200);
}

static void
hundreds_of_moves_lose_nothing_without_timestamps(void **state)
{
	on_a_clean_wire(&(struct rig_config){ .family = AF_INET, .no_timestamps = true }, 200);
}

static void
hundreds_of_moves_lose_nothing_of_a_client(void **state)
{
	on_a_clean_wire(&(struct rig_config){ .family = AF_INET, .host_connects = true }, 200);
}

static void
hundreds_of_moves_lose_nothing_under_pacing(void **state)
{
	on_a_clean_wire(&(struct rig_config){ .family = AF_INET, .congestion = "bbr" }, 200);
}

static void
hundreds_of_moves_lose_nothing_on_a_bad_wire(void **state)
{
	struct rig *r = rig_create(&(struct rig_config){ .family = AF_INET });

	assert_non_null(r);
	tapwire_impair(r->w, &(struct tapwire_faults){ .lose = 100, .delay = 50, .repeat = 50 });
	under_load(r, &(struct load){ .moves = 100, .bytes = 24 << 20 });
	rig_destroy(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hundreds_of_moves_lose_nothing_ip4),
	cmocka_unit_test(hundreds_of_moves_lose_nothing_ip6),
	cmocka_unit_test(hundreds_of_moves_lose_nothing_without_timestamps),
	cmocka_unit_test(hundreds_of_moves_lose_nothing_of_a_client),
	cmocka_unit_test(hundreds_of_moves_lose_nothing_under_pacing),
	cmocka_unit_test(hundreds_of_moves_lose_nothing_on_a_bad_wire),
};

int
main(int argc, char **argv)
{
	if (geteuid() != 0) {
		printf("skipped: needs root for namespaces and TCP_REPAIR\n");
		return TEST_SKIPPED;
	}
	struct rig *r = rig_create(&(struct rig_config){ .family = AF_INET });

	if (r == NULL)
		return TEST_SKIPPED;
	rig_destroy(r);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
