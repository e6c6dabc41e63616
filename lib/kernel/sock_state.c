/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Small questions about a socket's state: which FINs its sequence numbers
 * count, what has left, what the timestamp clock says. Used by both ways.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chim_base.h"
#include "chim_seq.h"
#include "kernel_sock.h"

void
kernel_sock_state_fini(struct kernel_sock_state *st)
{
	free(st->send.at);
	free(st->recv.at);
	st->send = (struct kernel_bytes){ 0 };
	st->recv = (struct kernel_bytes){ 0 };
}

bool
kernel_sock_has_closed(uint32_t state)
{
	return state == CHIM_TCP_FIN_WAIT_1 || state == CHIM_TCP_FIN_WAIT_2 ||
		state == CHIM_TCP_CLOSING || state == CHIM_TCP_LAST_ACK ||
		state == CHIM_TCP_TIME_WAIT;
}

bool
kernel_sock_has_peer_fin(uint32_t state)
{
	return state == CHIM_TCP_CLOSE_WAIT || state == CHIM_TCP_CLOSING ||
		state == CHIM_TCP_LAST_ACK || state == CHIM_TCP_TIME_WAIT;
}

bool
kernel_sock_is_fin_acked(uint32_t state)
{
	return state == CHIM_TCP_FIN_WAIT_2 || state == CHIM_TCP_TIME_WAIT;
}

uint32_t
kernel_sock_sent_bytes(const struct kernel_sock_state *st)
{
	uint32_t sent = st->snd_max - st->snd_una;

	return sent < st->send.len ? sent : st->send.len;
}

bool
kernel_sock_is_fin_sent(const struct kernel_sock_state *st)
{
	if (kernel_sock_is_fin_acked(st->state))
		return true;
	return kernel_sock_has_closed(st->state) &&
		chim_seq_gt(st->snd_max, st->snd_una + st->send.len);
}

/*
 * The kernel may have sent between freeze and placeholder: what is paced, a delayed ACK. It can not
 * have sent what was not queued, nor acknowledged what had not come.
 */
int
kernel_sock_learn(struct kernel_sock_state *st, const struct chim_flow_record *rec)
{
	uint32_t snd_end = st->snd_una + st->send.len + (kernel_sock_has_closed(st->state) ? 1 : 0);
	uint32_t promised = rec->rcv_nxt + ((uint32_t)rec->wnd << st->rcv_wscale);
	struct tcp_repair_window *w = &st->window;

	if ((rec->flags & CHIM_RECORD_DATA) != 0 && chim_seq_le(rec->snd_max, snd_end))
		st->snd_max = chim_seq_max(st->snd_max, rec->snd_max);
	if ((rec->flags & CHIM_RECORD_SENT) != 0 && chim_seq_le(rec->rcv_nxt, st->rcv_nxt) &&
		chim_seq_gt(promised, w->rcv_wup + w->rcv_wnd)) {
		w->rcv_wup = chim_seq_max(w->rcv_wup, rec->rcv_nxt);
		w->rcv_wnd = promised - w->rcv_wup;
	}
	if ((rec->flags & CHIM_RECORD_TS) != 0) {
		st->has_ts_recent = true;
		st->ts_recent = rec->tsecr;
	}
	return (rec->flags & CHIM_RECORD_SENT) != 0 && chim_seq_gt(rec->rcv_nxt, st->rcv_nxt) ? -EIO
											      : 0;
}

uint64_t
kernel_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint32_t
kernel_sock_ts_now(const struct kernel_sock_state *st)
{
	uint64_t elapsed_us = kernel_now_us() - st->ts_at_us;

	return st->ts_val + (uint32_t)(elapsed_us / (1000000u / st->ts_hz)) + 2;
}

uint32_t
kernel_state_from_linux(uint8_t tcpi_state)
{
	/* The order of the kernel's own list, which no exported header carries beside tcp_info. */
	static const uint8_t map[] = {
		[1] = CHIM_TCP_ESTABLISHED,
		[2] = CHIM_TCP_SYN_SENT,
		[3] = CHIM_TCP_SYN_RCVD,
		[4] = CHIM_TCP_FIN_WAIT_1,
		[5] = CHIM_TCP_FIN_WAIT_2,
		[6] = CHIM_TCP_TIME_WAIT,
		[7] = CHIM_TCP_CLOSED,
		[8] = CHIM_TCP_CLOSE_WAIT,
		[9] = CHIM_TCP_LAST_ACK,
		[10] = CHIM_TCP_LISTEN,
		[11] = CHIM_TCP_CLOSING,
		[12] = CHIM_TCP_SYN_RCVD,
	};

	return tcpi_state < CHIM_DIM(map) ? map[tcpi_state] : (uint32_t)CHIM_TCP_CLOSED;
}

int
kernel_sock_tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return -errno;
	return (int)kernel_state_from_linux(info.tcpi_state);
}

static void
fill_side(const struct sockaddr_storage *ss, uint8_t *family, uint16_t *port, uint8_t addr[16])
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	memset(addr, 0, 16);
	if (ss->ss_family == AF_INET) {
		*family = CHIM_AF_INET;
		*port = in4->sin_port;
		memcpy(addr, &in4->sin_addr, 4);
		return;
	}
	*port = in6->sin6_port;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		*family = CHIM_AF_INET;
		memcpy(addr, &in6->sin6_addr.s6_addr[12], 4);
		return;
	}
	*family = CHIM_AF_INET6;
	memcpy(addr, &in6->sin6_addr, 16);
}

void
kernel_sock_tuple(const struct sockaddr_storage *local, const struct sockaddr_storage *remote,
	struct chim_tuple *t)
{
	memset(t, 0, sizeof(*t));
	fill_side(local, &t->family, &t->local_port, t->local_addr);
	fill_side(remote, &t->family, &t->remote_port, t->remote_addr);
}
