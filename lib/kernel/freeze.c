/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A live kernel socket becomes struct kernel_sock_state. What cannot change
 * between is read first; then the caller holds the flow, so that nothing
 * arrives, and the rest is as few system calls as there can be, because the
 * peer waits. What the kernel still sends (pacing, a retransmission) is seen
 * by who carries the wire.
 *
 * The order matters and was found by trying: options before repair mode, which
 * changes one of them; TCP_INFO and "how much is unsent" before the send queue
 * is selected, because from then on unsent data is marked as sent.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sock_diag.h>
#include <linux/sockios.h>

#include "chim_seq.h"
#include "kernel_sock.h"

/* Counts that only mean something together. */
struct queue_counts {
	int send;   /* not acknowledged, our FIN counted */
	int unsent; /* of these, not sent, our FIN counted */
	int recv;   /* not read, the peer's FIN not counted */
};

static int
read_addresses(int fd, struct kernel_sock_state *st)
{
	socklen_t len = sizeof(st->local);

	st->addr_len = sizeof(st->remote);
	if (getsockname(fd, (struct sockaddr *)&st->local, &len) != 0)
		return -errno;
	if (getpeername(fd, (struct sockaddr *)&st->remote, &st->addr_len) != 0)
		return -errno;
	return 0;
}

static int
read_info(int fd, struct kernel_sock_state *st)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return -errno;
	st->state = kernel_state_from_linux(info.tcpi_state);
	st->has_ts = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
	st->has_sack = (info.tcpi_options & TCPI_OPT_SACK) != 0;
	st->has_wscale = (info.tcpi_options & TCPI_OPT_WSCALE) != 0;
	st->has_ecn = (info.tcpi_options & TCPI_OPT_ECN) != 0;
	st->snd_wscale = st->has_wscale ? info.tcpi_snd_wscale : 0;
	st->rcv_wscale = st->has_wscale ? info.tcpi_rcv_wscale : 0;
	st->numbers = (struct kernel_numbers){
		.snd_cwnd = info.tcpi_snd_cwnd,
		.snd_ssthresh = info.tcpi_snd_ssthresh,
		.snd_mss = info.tcpi_snd_mss,
		.rtt_us = info.tcpi_rtt,
		.rttvar_us = info.tcpi_rttvar,
		.rto_us = info.tcpi_rto,
		.pmtu = info.tcpi_pmtu,
		.retransmits = info.tcpi_retransmits,
		.probes = info.tcpi_probes,
		.idle_ms = info.tcpi_last_data_recv < info.tcpi_last_ack_recv
			? info.tcpi_last_data_recv
			: info.tcpi_last_ack_recv,
	};
	return 0;
}

/* Data that came out of order is in no count, and takes memory like any other. */
static int
read_memory(int fd, bool *is_bare)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len) != 0)
		return -errno;
	*is_bare = mem[SK_MEMINFO_RMEM_ALLOC] == 0 && mem[SK_MEMINFO_WMEM_QUEUED] == 0;
	return 0;
}

static int
read_counts(int fd, struct queue_counts *q)
{
	if (ioctl(fd, SIOCOUTQ, &q->send) != 0 || ioctl(fd, SIOCINQ, &q->recv) != 0)
		return -errno;
	if (q->send != 0 && ioctl(fd, SIOCOUTQNSD, &q->unsent) != 0)
		return -errno;
	return 0;
}

/* The clock that TSval is made of; bit 0 tells its unit. */
static int
read_clock(int fd, struct kernel_sock_state *st)
{
	uint32_t value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &value, &len) != 0)
		return -errno;
	st->ts_at_us = kernel_now_us();
	st->ts_hz = (value & 1) != 0 ? 1000000 : 1000;
	st->ts_val = value & ~UINT32_C(1);
	return 0;
}

static int
read_window_and_mss(int fd, struct kernel_sock_state *st)
{
	socklen_t len = sizeof(st->window);
	int mss = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &st->window, &len) != 0)
		return -errno;
	/* The kernel remembers what it would offer; the field on the wire ends earlier. */
	if (st->window.rcv_wnd > (uint32_t)UINT16_MAX << st->rcv_wscale)
		st->window.rcv_wnd = (uint32_t)UINT16_MAX << st->rcv_wscale;
	len = sizeof(mss);
	/* In repair mode this is what the peer offered, not what the path leaves of it. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &len) != 0)
		return -errno;
	st->mss = (uint32_t)mss;
	return 0;
}

static int
read_queues(int fd, struct kernel_sock_state *st, const struct queue_counts *q)
{
	uint32_t send_bytes = (uint32_t)q->send;
	uint32_t write_seq;
	int rc = kernel_repair_get_seq(fd, TCP_RECV_QUEUE, &st->rcv_nxt);

	if (rc == 0)
		rc = kernel_repair_peek(fd, TCP_RECV_QUEUE, &st->recv, (uint32_t)q->recv);
	if (rc == 0)
		rc = kernel_repair_get_seq(fd, TCP_SEND_QUEUE, &write_seq);
	if (rc != 0)
		return rc;
	st->snd_una = write_seq - (uint32_t)q->send;
	st->snd_max = write_seq - (uint32_t)q->unsent;
	if (kernel_sock_has_closed(st->state) && !kernel_sock_is_fin_acked(st->state))
		send_bytes--; /* the FIN is counted, and is no byte of the queue */
	return kernel_repair_peek(fd, TCP_SEND_QUEUE, &st->send, send_bytes);
}

static bool
is_connected(const struct kernel_sock_state *st)
{
	return st->state >= CHIM_TCP_ESTABLISHED && st->state != CHIM_TCP_TIME_WAIT;
}

static int
read_all(int fd, struct kernel_sock_state *st)
{
	struct queue_counts q = { 0 };
	/* It was read when it was provoked; but it may have been asked since, and have heard. */
	int rc = st->state != CHIM_TCP_ESTABLISHED ? read_info(fd, st) : 0;

	if (rc == 0 && !is_connected(st))
		rc = -ENOTCONN;
	st->is_bare = false;
	if (rc == 0 && st->state == CHIM_TCP_ESTABLISHED)
		rc = read_memory(fd, &st->is_bare);
	if (rc == 0 && !st->is_bare)
		rc = read_counts(fd, &q);
	if (rc == 0)
		rc = read_window_and_mss(fd, st);
	if (rc == 0)
		rc = read_queues(fd, st, &q);
	return rc;
}

static bool
is_ip4(const struct kernel_sock_state *st)
{
	struct chim_tuple t;

	kernel_sock_tuple(&st->local, &st->remote, &t);
	return t.family == CHIM_AF_INET;
}

int
kernel_sock_read(int fd, struct kernel_sock_state *st)
{
	int rc;

	memset(st, 0, sizeof(*st));
	rc = read_info(fd, st);
	if (rc == 0)
		rc = read_addresses(fd, st);
	if (rc == 0)
		rc = kernel_options_read(fd, is_ip4(st), &st->options);
	if (rc == 0)
		rc = read_clock(fd, st);
	return rc;
}

/* Into repair mode and out again: the kernel sends an ACK, as a probe for the peer's window. With
 * it goes whatever ACK was delayed. */
static int
probe(int fd, struct kernel_sock_state *st)
{
	int rc = kernel_repair_on(fd);
	int left;

	if (rc != 0)
		return rc;
	if (st->state != CHIM_TCP_ESTABLISHED) {
		rc = kernel_repair_get_seq(fd, TCP_RECV_QUEUE, &st->rcv_nxt);
		if (rc == 0)
			rc = read_window_and_mss(fd, st);
	}
	left = kernel_repair_off(fd, true);
	return rc != 0 ? rc : left;
}

int
kernel_sock_provoke(int fd, struct kernel_sock_state *st)
{
	int one = 1;
	int rc = read_info(fd, st);

	if (rc != 0)
		return rc;
	/* A delayed ACK would leave in the middle of the freeze, and with a sequence number that
	 * counts bytes which only the frozen send queue has marked as sent. */
	if ((!st->has_ts || st->state != CHIM_TCP_ESTABLISHED) &&
		setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one)) != 0)
		return -errno;
	return st->has_ts ? probe(fd, st) : 0;
}

int
kernel_sock_freeze(int fd, struct kernel_sock_state *st)
{
	int rc = kernel_repair_on(fd);

	if (rc == 0)
		rc = read_all(fd, st);
	if (rc != 0) {
		(void)kernel_sock_thaw(fd, st, false);
		kernel_sock_state_fini(st);
	}
	return rc;
}

int
kernel_sock_thaw(int fd, const struct kernel_sock_state *st, bool probe)
{
	int rc = kernel_repair_off(fd, probe);

	return rc == 0 ? kernel_options_apply_reuse(fd, &st->options) : rc;
}
