/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * struct kernel_sock_state becomes a live kernel socket again, in a descriptor
 * that exists already. The steps are in the order in which they run; each
 * depends on those before it:
 *
 *   disconnect - receive buffer - segment size - sequence numbers - bind -
 *   connect - options - clock - receive queue - send buffer - sent part of the
 *   send queue - our FIN - windows. Then, outside: injected frames, end of repair mode, unsent
 * tail.
 *
 * The kernel can only be told of an ESTABLISHED connection. What differs from
 * that is made by letting it happen again: our FIN by shutdown(), the peer's
 * by injecting it, so both are left out of the sequence numbers given here.
 */
#include <errno.h>
#include <string.h>

#include "chim_base.h"
#include "chim_seq.h"
#include "kernel_sock.h"

/* Kind numbers of TCP options, as TCP_REPAIR_OPTIONS takes them (RFC 9293 3.1, RFC 7323). */
#define OPT_MSS	      2u
#define OPT_WSCALE    3u
#define OPT_SACK_PERM 4u
#define OPT_TS	      8u

/* What the kernel accepts for TCP_MAXSEG. */
#define MAXSEG_MIN 88u
#define MAXSEG_MAX 32767u

#define BUFFER_SLACK 65536u

/* Without this before connect() the segment size stays at the default of 536 for good. */
static int
set_segment_size(int fd, const struct kernel_sock_state *st)
{
	int mss = (int)st->mss;

	if (st->mss < MAXSEG_MIN || st->mss > MAXSEG_MAX)
		return 0;
	return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) == 0 ? 0 : -errno;
}

/*
 * Default buffers do not hold what an autotuned socket held. The kernel doubles what it is told:
 * bytes from the wire cost twice their length, those put back by hand hardly more than it.
 */
static uint32_t
receive_need(const struct kernel_sock_state *st)
{
	uint32_t need = st->recv.len / 2 + st->window.rcv_wnd + BUFFER_SLACK;

	return RTE_MAX(need, (uint32_t)st->options.rcvbuf / 2);
}

static int
make_room(int fd, const struct kernel_sock_state *st)
{
	uint32_t send_need = st->send.len + BUFFER_SLACK;
	uint32_t send_had = (uint32_t)st->options.sndbuf / 2;
	int rc = kernel_options_size(fd, SO_RCVBUFFORCE, receive_need(st));

	if (rc == 0 && st->send.len != 0)
		rc = kernel_options_size(fd, SO_SNDBUFFORCE, RTE_MAX(send_need, send_had));
	return rc;
}

/* Of local and remote, as the kernel has them now, only the local side may differ. */
static bool
is_bound(int fd, const struct kernel_sock_state *st)
{
	struct sockaddr_storage now = { 0 };
	socklen_t len = sizeof(now);
	struct chim_tuple want;
	struct chim_tuple got;

	if (getsockname(fd, (struct sockaddr *)&now, &len) != 0)
		return false;
	kernel_sock_tuple(&st->local, &st->remote, &want);
	kernel_sock_tuple(&now, &st->remote, &got);
	return memcmp(&want, &got, sizeof(want)) == 0;
}

/* @return 0; 1 bound already, by the user or at an earlier move: maybe to any address. */
static int
bind_local(int fd, const struct kernel_sock_state *st)
{
	const struct sockaddr *local = (const struct sockaddr *)&st->local;
	int one = 1;
	int zero = 0;
	int rc;

	if (bind(fd, local, st->addr_len) == 0)
		return 0;
	if (errno == EINVAL)
		return 1; /* a disconnect leaves that alone */
	if (errno != EADDRNOTAVAIL)
		return -errno;
	/* The address is gone from the host; the connection still gets its socket back. */
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	rc = bind(fd, local, st->addr_len) == 0 ? 0 : -errno;
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &zero, sizeof(zero));
	return rc;
}

static int
bind_and_connect(int fd, const struct kernel_sock_state *st)
{
	int bound = bind_local(fd, st);

	if (bound < 0)
		return bound;
	if (connect(fd, (const struct sockaddr *)&st->remote, st->addr_len) != 0)
		return -errno;
	return bound == 0 || is_bound(fd, st) ? 0 : -EADDRNOTAVAIL;
}

static int
set_tcp_options(int fd, const struct kernel_sock_state *st)
{
	struct tcp_repair_opt opt[4];
	uint32_t clock = kernel_sock_ts_now(st);
	socklen_t n = 0;

	opt[n++] = (struct tcp_repair_opt){ OPT_MSS, st->mss };
	if (st->has_sack)
		opt[n++] = (struct tcp_repair_opt){ OPT_SACK_PERM, 0 };
	if (st->has_wscale)
		opt[n++] = (struct tcp_repair_opt){ OPT_WSCALE,
			st->snd_wscale | (uint32_t)st->rcv_wscale << 16 };
	if (st->has_ts)
		opt[n++] = (struct tcp_repair_opt){ OPT_TS, 0 };
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, opt, n * sizeof(opt[0])) != 0)
		return -errno;
	if (!st->has_ts)
		return 0;
	/* Bit 0 is the unit, not time. */
	clock = st->ts_hz == 1000000 ? clock | 1 : (clock + 1) & ~UINT32_C(1);
	return setsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &clock, sizeof(clock)) == 0 ? 0 : -errno;
}

int
kernel_sock_open(int fd, const struct kernel_sock_state *st, uint32_t recv_seq, uint32_t send_seq)
{
	int rc = kernel_repair_set_seq(fd, TCP_SEND_QUEUE, send_seq);

	if (rc == 0)
		rc = kernel_repair_set_seq(fd, TCP_RECV_QUEUE, recv_seq);
	if (rc == 0)
		rc = bind_and_connect(fd, st);
	if (rc == 0)
		rc = set_tcp_options(fd, st);
	return rc;
}

/* With the send queue selected, whatever an arriving ACK lets go would be marked as sent. */
static int
restore_queues(int fd, const struct kernel_sock_state *st)
{
	uint32_t sent = kernel_sock_sent_bytes(st);
	int rc = 0;

	if (st->recv.len != 0)
		rc = kernel_repair_push(fd, TCP_RECV_QUEUE, st->recv.at, st->recv.len);
	if (rc == 0 && sent != 0)
		rc = kernel_repair_push(fd, TCP_SEND_QUEUE, st->send.at, sent);
	return rc;
}

/* Marked as sent, and not sent: the send queue is selected. */
static int
send_own_fin(int fd)
{
	int rc = kernel_repair_select(fd, TCP_SEND_QUEUE);

	if (rc == 0 && shutdown(fd, SHUT_WR) != 0)
		rc = -errno;
	return rc;
}

static int
restore_windows(int fd, const struct kernel_sock_state *st)
{
	struct tcp_repair_window w = st->window;
	uint32_t rcv_end = st->rcv_nxt - (kernel_sock_has_peer_fin(st->state) ? 1 : 0);

	if (chim_seq_gt(w.rcv_wup, rcv_end)) {
		w.rcv_wnd += w.rcv_wup - rcv_end; /* the FIN was covered by the last ACK */
		w.rcv_wup = rcv_end;
	}
	/* So that the injected ACK counts as news of the window, not as a duplicate. */
	w.snd_wl1 = w.rcv_wup - 1;
	w.max_window = RTE_MAX(w.max_window, w.snd_wnd);
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof(w)) == 0 ? 0 : -errno;
}

/*
 * Below what the peer was promised a receive buffer would drop data; but what the kernel offers
 * grows with the buffer, and each move would make it larger than the last. So it goes back to where
 * the kernel itself would have stopped, and before the kernel says a word.
 */
static void
bound_window(int fd, const struct kernel_sock_state *st)
{
	uint32_t most = st->rmem_max != 0 ? st->rmem_max / 2 : INT32_MAX / 2;
	uint32_t had = (uint32_t)st->options.rcvbuf / 2;
	uint32_t has = receive_need(st);
	uint32_t want = RTE_MIN(has, most);

	if (want < had || (st->options.buf_lock & SOCK_RCVBUF_LOCK) != 0)
		want = had;
	if (want != has)
		(void)kernel_options_size(fd, SO_RCVBUFFORCE, want);
	kernel_options_apply_window_clamp(fd, &st->options);
}

int
kernel_sock_rebuild(int fd, const struct kernel_sock_state *st)
{
	uint32_t recv_seq = st->rcv_nxt - st->recv.len;
	uint32_t send_seq = st->snd_una;
	int rc = kernel_repair_on(fd);

	if (kernel_sock_has_peer_fin(st->state))
		recv_seq--;
	if (kernel_sock_is_fin_acked(st->state))
		send_seq--;
	if (rc == 0)
		rc = kernel_repair_disconnect(fd);
	kernel_repair_clear_error(fd);
	if (rc == 0)
		rc = make_room(fd, st);
	if (rc == 0)
		rc = set_segment_size(fd, st);
	if (rc == 0)
		rc = kernel_sock_open(fd, st, recv_seq, send_seq);
	if (rc == 0)
		rc = restore_queues(fd, st);
	if (rc == 0 && kernel_sock_is_fin_sent(st) && st->state != CHIM_TCP_LAST_ACK)
		rc = send_own_fin(fd);
	if (rc == 0)
		rc = restore_windows(fd, st);
	if (rc == 0 && (st->send.len != 0 || kernel_sock_has_closed(st->state)))
		rc = kernel_repair_select(fd, TCP_NO_QUEUE);
	if (rc == 0)
		bound_window(fd, st);
	return rc;
}

int
kernel_sock_close_half(int fd, const struct kernel_sock_state *st)
{
	int rc;

	if (st->state != CHIM_TCP_LAST_ACK || !kernel_sock_is_fin_sent(st))
		return 0;
	rc = send_own_fin(fd);
	return rc != 0 ? rc : kernel_repair_select(fd, TCP_NO_QUEUE);
}

int
kernel_sock_write_tail(int fd, const struct kernel_sock_state *st, uint32_t *done)
{
	bool has_grown = false;

	while (*done < st->send.len) {
		ssize_t n = send(
			fd, st->send.at + *done, st->send.len - *done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			*done += (uint32_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (has_grown ||
			kernel_options_size(fd, SO_SNDBUFFORCE, 2 * st->send.len + BUFFER_SLACK) !=
				0)
			return -EAGAIN;
		has_grown = true;
	}
	if (kernel_sock_has_closed(st->state) && !kernel_sock_is_fin_sent(st) &&
		shutdown(fd, SHUT_WR) != 0)
		return -errno;
	return 0;
}
