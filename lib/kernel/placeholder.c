/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What stays in the kernel while a connection runs in the engine: a socket
 * with the same tuple and nothing in it. It keeps the port and the address
 * taken, owns no byte and no timer that could end it, and, being in repair
 * mode, goes without a packet when it is closed. An ESTABLISHED socket whose
 * queues are empty is all that already, but for the user's timers; any other is
 * taken apart and made again.
 *
 * Its numbers are those of the moment of the move. Should a hold run out while
 * a move is under way, the kernel's receive half is right, and what it takes
 * is fetched by kernel_sock_absorb() before the connection is rebuilt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "chim_base.h"
#include "chim_seq.h"
#include "kernel_sock.h"

static int
set_windows(int fd, const struct kernel_sock_state *st)
{
	struct tcp_repair_window w = st->window;

	w.max_window = RTE_MAX(w.max_window, w.snd_wnd);
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof(w)) == 0 ? 0 : -errno;
}

int
kernel_sock_empty(int fd, const struct kernel_sock_state *st)
{
	int rc = st->is_bare ? 0 : kernel_repair_disconnect(fd);

	if (rc == 0)
		rc = kernel_options_stop_timers(fd, &st->options);
	if (rc != 0 || st->is_bare)
		return rc;
	rc = kernel_sock_open(fd, st, st->rcv_nxt, st->snd_max);
	if (rc == 0)
		rc = set_windows(fd, st);
	return rc;
}

/* The peer's FIN, taken by a placeholder that is always ESTABLISHED, seen from the real state. */
static uint32_t
after_peer_fin(uint32_t state)
{
	switch (state) {
	case CHIM_TCP_ESTABLISHED:
		return CHIM_TCP_CLOSE_WAIT;
	case CHIM_TCP_FIN_WAIT_1:
		return CHIM_TCP_CLOSING;
	case CHIM_TCP_FIN_WAIT_2:
		return CHIM_TCP_TIME_WAIT;
	default:
		return state;
	}
}

static int
append(struct kernel_bytes *to, const struct kernel_bytes *more)
{
	uint8_t *at;

	if (more->len == 0)
		return 0;
	at = realloc(to->at, (size_t)to->len + more->len);
	if (at == NULL)
		return -ENOMEM;
	memcpy(at + to->len, more->at, more->len);
	to->at = at;
	to->len += more->len;
	return 0;
}

/*
 * The peer's half of the window is the placeholder's, which has heard the latest. But it was made
 * before it was known what the socket had promised last, and the kernel drops what a peer that was
 * promised more sends beyond its own edge.
 */
static int
absorb_window(int fd, struct tcp_repair_window *w)
{
	uint32_t promised = w->rcv_wup + w->rcv_wnd;
	socklen_t len = sizeof(*w);

	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, w, &len) != 0)
		return -errno;
	if (chim_seq_gt(promised, w->rcv_wup + w->rcv_wnd))
		w->rcv_wnd = promised - w->rcv_wup;
	return 0;
}

int
kernel_sock_absorb(int fd, struct kernel_sock_state *st)
{
	struct kernel_bytes more = { 0 };
	int state = kernel_sock_tcp_state(fd);
	int unread = 0;
	int rc;

	if (state == CHIM_TCP_CLOSED)
		return -ECONNRESET;
	if (state < 0)
		return state;
	if (ioctl(fd, SIOCINQ, &unread) != 0)
		return -errno;
	rc = kernel_repair_peek(fd, TCP_RECV_QUEUE, &more, (uint32_t)unread);
	if (rc == 0)
		rc = append(&st->recv, &more);
	free(more.at);
	if (rc == 0)
		rc = kernel_repair_get_seq(fd, TCP_RECV_QUEUE, &st->rcv_nxt);
	if (rc == 0)
		rc = absorb_window(fd, &st->window);
	if (rc == 0 && state == CHIM_TCP_CLOSE_WAIT)
		st->state = after_peer_fin(st->state);
	return rc;
}
