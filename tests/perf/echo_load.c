/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A client of an echo service on plain sockets, closed loop: one request under
 * way on each connection, the next when its answer is complete and right. Says
 * how long they took, in the words that homes_perf.sh reads from wrk:
 *
 *   latency PERCENTILE MICROSECONDS
 *   requests NUMBER SECONDS
 *
 *   echo-load ADDRESS PORT CONNECTIONS SECONDS BYTES
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES 8000000u /* beyond it requests are counted, not timed */
#define MAX_BYTES   65536u
#define EVENTS	    64
#define QUIET_MS    5000

struct asker {
	int fd;
	uint32_t sent, got;
	uint64_t asked_ns;
	uint8_t first; /* of the request; the others follow by one */
};

static struct sockaddr_in to;
static uint32_t size;
static uint32_t *sample_ns;
static uint64_t nb_samples, nb_answers;
static uint8_t ramp[MAX_BYTES + 256]; /* byte i is i */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
send_rest(struct asker *a)
{
	ssize_t n = send(a->fd, ramp + a->first + a->sent, size - a->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		err(1, "send");
	a->sent += n > 0 ? (uint32_t)n : 0;
}

static void
ask(struct asker *a)
{
	a->first++;
	a->sent = a->got = 0;
	a->asked_ns = now_ns();
	send_rest(a);
}

static void
take(struct asker *a)
{
	uint8_t buf[16384];
	ssize_t n;

	while (a->got < size && (n = recv(a->fd, buf, sizeof(buf), 0)) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "recv");
		if ((uint32_t)n > size - a->got ||
			memcmp(buf, ramp + a->first + a->got, (size_t)n) != 0)
			errx(1, "not what was sent");
		a->got += (uint32_t)n;
	}
	if (a->got < size)
		errx(1, "the service has closed");
	nb_answers++;
	if (nb_samples < MAX_SAMPLES)
		sample_ns[nb_samples++] = (uint32_t)(now_ns() - a->asked_ns);
	ask(a);
}

static void
open_all(struct asker *asker, uint32_t nb, int epoll)
{
	for (uint32_t i = 0; i < nb; i++) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
			.data.ptr = &asker[i] };
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			err(1, "connect");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		fcntl(fd, F_SETFL, O_NONBLOCK);
		asker[i].fd = fd;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
			err(1, "epoll");
	}
}

static void
run_until(int epoll, uint64_t end)
{
	struct epoll_event ev[EVENTS];

	while (now_ns() < end) {
		int nb = epoll_wait(epoll, ev, EVENTS, QUIET_MS);

		if (nb <= 0)
			errx(1, "nothing came for five seconds");
		for (int i = 0; i < nb; i++) {
			struct asker *a = ev[i].data.ptr;

			if (a->sent < size)
				send_rest(a);
			if ((ev[i].events & EPOLLIN) != 0)
				take(a);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
print_latencies(void)
{
	static const double percentile[] = { 50, 99, 99.9 };

	qsort(sample_ns, nb_samples, sizeof(*sample_ns), by_value);
	for (uint32_t i = 0; i < 3 && nb_samples > 0; i++)
		printf("latency %g %.1f\n", percentile[i],
			sample_ns[(uint64_t)((double)(nb_samples - 1) * percentile[i] / 100)] /
				1e3);
}

int
main(int argc, char **argv)
{
	int epoll = epoll_create1(0);
	uint64_t start, nb;
	struct asker *asker;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: echo-load ADDRESS PORT CONNECTIONS SECONDS BYTES");
	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	nb = strtoul(argv[3], NULL, 10);
	size = (uint32_t)strtoul(argv[5], NULL, 10);
	if (nb == 0 || size == 0 || size > MAX_BYTES)
		errx(2, "at least one connection, and 1 to %u bytes", MAX_BYTES);
	for (uint32_t i = 0; i < sizeof(ramp); i++)
		ramp[i] = (uint8_t)i;
	asker = calloc(nb, sizeof(*asker));
	sample_ns = malloc(MAX_SAMPLES * sizeof(*sample_ns));
	if (asker == NULL || sample_ns == NULL || epoll < 0)
		err(1, "memory");
	open_all(asker, (uint32_t)nb, epoll);
	start = now_ns();
	for (uint32_t i = 0; i < nb; i++)
		ask(&asker[i]);
	run_until(epoll, start + strtoul(argv[4], NULL, 10) * 1000000000u);
	print_latencies();
	printf("requests %lu %.6f\n", (unsigned long)nb_answers, (double)(now_ns() - start) / 1e9);
	return 0;
}
