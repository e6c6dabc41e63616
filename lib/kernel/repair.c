/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * TCP_REPAIR, one system call a function: mode, queue selection, sequence
 * numbers, bytes. freeze.c, placeholder.c and rebuild.c put them in order.
 *
 * Repair mode is no freeze: the kernel goes on receiving, acknowledging,
 * retransmitting and sending what is paced. Who calls this holds the flow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_sock.h"

/* What one send() may put into a queue: a linear part and a few pages. */
#define PUSH_BYTES 65536u

/* No segment of the kernel's queues is longer. */
#define SKB_BYTES 524288u

static int
set_int(int fd, int name, int value)
{
	return setsockopt(fd, IPPROTO_TCP, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

int
kernel_repair_on(int fd)
{
	return set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);
}

int
kernel_repair_off(int fd, bool probe)
{
	return set_int(fd, TCP_REPAIR, probe ? TCP_REPAIR_OFF : TCP_REPAIR_OFF_NO_WP);
}

int
kernel_repair_select(int fd, int queue)
{
	return set_int(fd, TCP_REPAIR_QUEUE, queue);
}

int
kernel_repair_get_seq(int fd, int queue, uint32_t *seq)
{
	socklen_t len = sizeof(*seq);
	int rc = kernel_repair_select(fd, queue);

	if (rc != 0)
		return rc;
	return getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq, &len) == 0 ? 0 : -errno;
}

int
kernel_repair_set_seq(int fd, int queue, uint32_t seq)
{
	int rc = kernel_repair_select(fd, queue);

	return rc != 0 ? rc : set_int(fd, TCP_QUEUE_SEQ, (int)seq);
}

/*
 * A segment of which the peer has acknowledged a part stays in the send queue whole, and is read
 * from its first byte: what there is too much is in front.
 */
static int
keep_last(struct kernel_bytes *out, ssize_t n, uint32_t len)
{
	if (n < (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	if (n > (ssize_t)len)
		memmove(out->at, out->at + ((size_t)n - len), len);
	out->len = len;
	return 0;
}

int
kernel_repair_peek(int fd, int queue, struct kernel_bytes *out, uint32_t len)
{
	size_t slack = queue == TCP_SEND_QUEUE ? SKB_BYTES : 0;
	int rc;

	out->at = NULL;
	out->len = 0;
	if (len == 0)
		return 0;
	rc = kernel_repair_select(fd, queue);
	if (rc != 0)
		return rc;
	out->at = malloc(len + slack);
	if (out->at == NULL)
		return -ENOMEM;
	/* A peek always starts at the first byte, so it must bring all of them at once. */
	rc = keep_last(out, recv(fd, out->at, len + slack, MSG_PEEK | MSG_DONTWAIT), len);
	if (rc != 0) {
		free(out->at);
		out->at = NULL;
	}
	return rc;
}

int
kernel_repair_push(int fd, int queue, const uint8_t *at, uint32_t len)
{
	uint32_t piece = PUSH_BYTES;
	uint32_t done = 0;
	int rc = kernel_repair_select(fd, queue);

	if (rc != 0)
		return rc;
	while (done < len) {
		uint32_t want = len - done < piece ? len - done : piece;
		ssize_t n = send(fd, at + done, want, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			done += (uint32_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (piece <= 512 || (n < 0 && errno != EAGAIN && errno != ENOMEM))
			return n < 0 ? -errno : -EIO;
		piece /= 2; /* memory is short: less at a time */
	}
	return 0;
}

int
kernel_repair_disconnect(int fd)
{
	struct sockaddr_storage none = { .ss_family = AF_UNSPEC };

	return connect(fd, (struct sockaddr *)&none, sizeof(none)) == 0 ? 0 : -errno;
}

void
kernel_repair_clear_error(int fd)
{
	socklen_t len = sizeof(int);
	int error;

	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}
