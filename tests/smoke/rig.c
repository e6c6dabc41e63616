/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See rig.h. The host's end is driven by the test's thread, the peer's either
 * by the same or by a thread of its own.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chim_seq.h"
#include "test.h"

#define CHUNK	  65536u
#define PEER_PORT 9000

/* Which way the bytes go: the two patterns differ. */
enum {
	FROM_HOST = 1,
	FROM_PEER = 2
};

static uint8_t
pattern(uint64_t position, int way)
{
	uint64_t word = (position / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)way;

	word ^= word >> 29;
	return (uint8_t)(word >> position % 8 * 8);
}

static void
fill(uint8_t *at, uint32_t n, uint64_t position, int way)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = pattern(position + i, way);
}

static int
compare(const uint8_t *at, uint32_t n, uint64_t position, int way)
{
	for (uint32_t i = 0; i < n; i++) {
		if (at[i] != pattern(position + i, way)) {
			printf("byte %llu from the %s is wrong\n",
				(unsigned long long)(position + i),
				way == FROM_HOST ? "host" : "peer");
			return EBADMSG;
		}
	}
	return 0;
}

/* ---- set-up ---- */

static void
sysctl_timestamps(void *arg)
{
	int fd = open("/proc/sys/net/ipv4/tcp_timestamps", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, arg, 1), 1);
	close(fd);
}

static void
open_marker(void *arg)
{
	*(int *)arg = kernel_marker_open();
}

static void
set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

static void
prepare(struct rig *r, int fd, enum tapwire_side side)
{
	const char *cc =
		side == TAPWIRE_HOST && r->cfg.congestion != NULL ? r->cfg.congestion : "reno";
	int rcvbuf = side == TAPWIRE_HOST ? r->cfg.host_rcvbuf : r->cfg.peer_rcvbuf;

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, strlen(cc)), 0);
	if (rcvbuf != 0)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf);
}

/* A new IPv6 address is tentative until a worker of the kernel has come to it. */
static void
with_address(int (*call)(int, const struct sockaddr *, socklen_t), int fd,
	const struct sockaddr_storage *ss, socklen_t len)
{
	int rc = call(fd, (const struct sockaddr *)ss, len);

	for (int i = 0; rc != 0 && errno == EADDRNOTAVAIL && i < 2000; i++) {
		usleep(500);
		rc = call(fd, (const struct sockaddr *)ss, len);
	}
	assert_int_equal(rc, 0);
}

static void
connect_ends(struct rig *r)
{
	enum tapwire_side active = r->cfg.host_connects ? TAPWIRE_HOST : TAPWIRE_PEER;
	enum tapwire_side passive = r->cfg.host_connects ? TAPWIRE_PEER : TAPWIRE_HOST;
	uint16_t port = r->cfg.host_connects ? PEER_PORT : RIG_PORT;
	int a = tapwire_socket(r->w, active, r->cfg.family, SOCK_STREAM);
	int l = tapwire_socket(r->w, passive, r->cfg.family, SOCK_STREAM);
	struct sockaddr_storage ss;
	socklen_t len = tapwire_address(passive, r->cfg.family, port, &ss);
	int p;

	prepare(r, a, active);
	prepare(r, l, passive);
	with_address(bind, l, &ss, len);
	assert_int_equal(listen(l, 1), 0);
	if (r->cfg.host_connects) {
		struct sockaddr_storage own;

		tapwire_address(active, r->cfg.family, RIG_PORT, &own);
		with_address(bind, a, &own, len);
	}
	with_address(connect, a, &ss, len);
	p = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p >= 0);
	close(l);
	r->host = r->cfg.host_connects ? a : p;
	r->peer = r->cfg.host_connects ? p : a;
	fcntl(r->host, F_SETFL, O_NONBLOCK);
	fcntl(r->peer, F_SETFL, O_NONBLOCK);
}

struct rig *
rig_create(const struct rig_config *cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	char zero[] = "0";

	r->cfg = *cfg;
	r->w = tapwire_create(RIG_PORT);
	if (r->w == NULL) {
		free(r);
		return NULL;
	}
	if (cfg->no_timestamps)
		tapwire_within(r->w, TAPWIRE_HOST, sysctl_timestamps, zero);
	tapwire_within(r->w, TAPWIRE_HOST, open_marker, &r->marker_fd);
	assert_true(r->marker_fd >= 0);
	connect_ends(r);
	return r;
}

void
rig_destroy(struct rig *r)
{
	if (atomic_load(&r->is_running)) {
		atomic_store(&r->stop, true);
		pthread_join(r->thread, NULL);
	}
	close(r->marker_fd);
	close(r->host);
	close(r->peer);
	tapwire_destroy(r->w);
	free(r);
}

/* ---- bytes ---- */

static uint32_t
write_some(int fd, uint64_t *position, int way, uint32_t n)
{
	uint8_t at[CHUNK];
	uint32_t done = 0;

	while (done < n) {
		uint32_t want = n - done < CHUNK ? n - done : CHUNK;

		fill(at, want, *position, way);
		ssize_t got = send(fd, at, want, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (got <= 0)
			break;
		done += (uint32_t)got;
		*position += (uint64_t)got;
	}
	return done;
}

static int
read_some(int fd, uint64_t *position, int way, uint32_t n, bool *eof)
{
	uint8_t at[CHUNK];
	uint32_t done = 0;

	while (done < n) {
		uint32_t want = n - done < CHUNK ? n - done : CHUNK;
		ssize_t got = recv(fd, at, want, MSG_DONTWAIT);

		if (got < 0 && errno != EAGAIN)
			return -errno;
		if (got == 0)
			*eof = true;
		if (got <= 0)
			break;
		if (compare(at, (uint32_t)got, *position, way) != 0)
			return -EBADMSG;
		*position += (uint64_t)got;
		done += (uint32_t)got;
	}
	return (int)done;
}

uint32_t
rig_host_write(struct rig *r, uint32_t n)
{
	return write_some(r->host, &r->host_wrote, FROM_HOST, n);
}

uint32_t
rig_peer_write(struct rig *r, uint32_t n)
{
	return write_some(r->peer, &r->peer_wrote, FROM_PEER, n);
}

uint32_t
rig_host_read(struct rig *r, uint32_t n)
{
	int rc = read_some(r->host, &r->host_read, FROM_PEER, n, &r->host_eof);

	if (rc < 0) {
		atomic_store(&r->error, -rc);
		return 0;
	}
	return (uint32_t)rc;
}

uint32_t
rig_peer_read(struct rig *r, uint32_t n)
{
	int rc = read_some(r->peer, &r->peer_read, FROM_HOST, n, &r->peer_eof);

	if (rc < 0) {
		atomic_store(&r->error, -rc);
		return 0;
	}
	return (uint32_t)rc;
}

static void *
peer_main(void *arg)
{
	struct rig *r = arg;
	bool closed = false;

	while (!atomic_load(&r->stop) && atomic_load(&r->error) == 0 && !(r->peer_eof && closed)) {
		struct pollfd p = { r->peer, POLLIN, 0 };

		if (r->peer_wrote < r->peer_goal) {
			p.events |= POLLOUT;
		} else if (!closed) {
			shutdown(r->peer, SHUT_WR);
			closed = true;
		}
		if (poll(&p, 1, 50) <= 0)
			continue;
		if (p.revents & POLLOUT)
			rig_peer_write(r, CHUNK);
		if (p.revents & (POLLIN | POLLERR | POLLHUP))
			rig_peer_read(r, CHUNK);
	}
	return NULL;
}

void
rig_peer_start(struct rig *r)
{
	atomic_store(&r->is_running, true);
	assert_int_equal(pthread_create(&r->thread, NULL, peer_main, r), 0);
}

void
rig_peer_join(struct rig *r)
{
	pthread_join(r->thread, NULL);
	atomic_store(&r->is_running, false);
}

/* ---- a move ---- */

static uint32_t
segments_in(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_segs_in;
}

/*
 * Where the kernel has no reason to say anything, it is asked: a segment just left of the window is
 * answered with an ACK, which echoes ts_recent.
 */
static void
ask_timestamp(struct rig *r, const struct kernel_sock_state *st)
{
	struct kernel_frame ask = kernel_frame_question(st);
	struct kernel_link link;
	struct sockaddr_storage local = { 0 };
	struct sockaddr_storage remote = { 0 };
	socklen_t len = sizeof(local);
	struct chim_tuple t;
	uint8_t at[KERNEL_FRAME_BYTES];

	assert_int_equal(getsockname(r->host, (struct sockaddr *)&local, &len), 0);
	assert_int_equal(getpeername(r->host, (struct sockaddr *)&remote, &len), 0);
	tapwire_link(&link);
	kernel_sock_tuple(&local, &remote, &t);
	tapwire_inject(r->w, at, kernel_frame_write(at, &link, &t, &ask));
}

static void
take_record(struct rig *r, struct kernel_sock_state *st)
{
	struct tapwire_record rec;

	tapwire_read(r->w, &rec);
	assert_int_equal(kernel_sock_learn(st, &rec.flow), 0);
	if (st->has_ts_recent)
		r->ts_recent = st->ts_recent;
	st->has_ts_recent = r->ts_recent != 0;
	st->ts_recent = r->ts_recent;
}

static int
inject_frames(struct rig *r, const struct kernel_sock_state *st, uint32_t *nb)
{
	struct kernel_frame plan[KERNEL_FRAMES_MAX];
	struct kernel_link link;
	struct chim_tuple t;
	uint32_t before = segments_in(r->host);

	*nb = kernel_frames_plan(st, plan);
	tapwire_link(&link);
	kernel_sock_tuple(&st->local, &st->remote, &t);
	for (uint32_t i = 0; i < *nb; i++) {
		uint8_t at[KERNEL_FRAME_BYTES];

		tapwire_inject(r->w, at, kernel_frame_write(at, &link, &t, &plan[i]));
	}
	return segments_in(r->host) == before + *nb ? 0 : -EPROTO;
}

static int
come_back(struct rig *r, struct rig_move *m)
{
	struct kernel_sock_state *st = &m->st;
	uint32_t done = kernel_sock_sent_bytes(st);
	int rc = kernel_sock_rebuild(r->host, st);

	if (rc == 0)
		rc = inject_frames(r, st, &m->nb_frames);
	if (rc == 0)
		rc = kernel_sock_close_half(r->host, st);
	if (rc == 0)
		rc = kernel_sock_thaw(r->host, st, m->expire_hold);
	tapwire_release(r->w);
	if (rc == 0)
		rc = kernel_sock_write_tail(r->host, st, &done);
	if (rc == 0)
		kernel_options_apply(r->host, &st->options);
	return rc;
}

int
rig_move(struct rig *r, struct rig_move *m)
{
	struct kernel_sock_state *st = &m->st;
	int rc = kernel_sock_read(r->host, st);

	if (!m->disable_hold)
		tapwire_hold(r->w);
	if (rc == 0)
		rc = kernel_sock_provoke(r->host, st);
	if (rc == 0 && st->has_ts && st->state != CHIM_TCP_ESTABLISHED)
		ask_timestamp(r, st);
	if (rc == 0)
		rc = kernel_sock_freeze(r->host, st);
	if (rc != 0) {
		tapwire_release(r->w);
		return rc;
	}
	st->rmem_max = 6 << 20;
	rc = kernel_sock_empty(r->host, st);
	if (rc == 0 && !m->disable_hold)
		tapwire_seal(r->w, r->marker_fd);
	take_record(r, st);
	m->unread = st->recv.len;
	m->unacked = kernel_sock_sent_bytes(st);
	m->unsent = st->send.len - m->unacked;
	if (m->meanwhile != NULL)
		m->meanwhile(r, m->arg);
	if (m->stay_ms != 0)
		usleep(m->stay_ms * 1000);
	if (m->expire_hold)
		tapwire_expire(r->w);
	if (rc == 0)
		rc = kernel_sock_absorb(r->host, st);
	if (rc == 0)
		rc = come_back(r, m);
	kernel_sock_state_fini(st);
	return rc;
}
