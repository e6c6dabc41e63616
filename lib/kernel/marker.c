/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The marker of seal: a frame that follows everything the kernel has sent of a
 * flow, on the same way. It goes through the interface's queueing discipline
 * in the lowest band, so nothing that was queued before is overtaken. One
 * marker serves all flows that are sealed in the same turn.
 *
 * And the other way, of hold: where an exception port's frames reach the kernel
 * some time after they were sent, a marker follows what is still on the way.
 */
#include <errno.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <linux/pkt_sched.h>

#include <rte_byteorder.h>

#include "chim_base.h"
#include "chim_log.h"
#include "chim_request.h"
#include "kernel_internal.h"

#define MARKERS_HEARD 64u /* at once: strangers' are not to keep the agent */

uint16_t
kernel_marker_write(uint8_t *at, const struct kernel_link *l, uint64_t marker)
{
	uint64_t wire = rte_cpu_to_be_64(marker);
	uint16_t type = rte_cpu_to_be_16(CHIM_MARKER_ETHERTYPE);

	memset(at, 0, CHIM_MARKER_LEN);
	memcpy(at, l->dst, 6);
	memcpy(at + 6, l->src, 6);
	memcpy(at + 12, &type, sizeof(type));
	memcpy(at + ETH_HLEN, &wire, sizeof(wire));
	return CHIM_MARKER_LEN;
}

int
kernel_marker_open(void)
{
	int priority = TC_PRIO_BULK;
	/* Protocol 0: it sends, and is given nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
	return fd;
}

int
kernel_marker_send(int fd, int ifindex, const struct kernel_link *l, uint64_t marker)
{
	uint8_t frame[CHIM_MARKER_LEN];
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = ifindex,
		.sll_halen = ETH_ALEN,
		.sll_protocol = rte_cpu_to_be_16(CHIM_MARKER_ETHERTYPE),
	};
	uint16_t len = kernel_marker_write(frame, l, marker);

	memcpy(to.sll_addr, l->dst, ETH_ALEN);
	if (sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)len)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

/* By the interface that the connection's frames leave by: a VLAN's may have a queue. */
void
kernel_marker_again(const struct chim_kernel *k, const struct kernel_neighbor *n, uint64_t marker)
{
	struct kernel_link link = { 0 };
	int rc;

	memcpy(link.dst, n->port->mac, sizeof(link.dst));
	memcpy(link.src, n->port->mac, sizeof(link.src));
	rc = kernel_marker_send(k->marker_fd, n->ifindex, &link, marker);
	if (rc != 0)
		CHIM_LOG(KERNEL, DEBUG, "marker by %s: %s", n->port->name, strerror(-rc));
}

int
kernel_marker_listen(int ifindex)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_ifindex = ifindex,
		.sll_protocol = rte_cpu_to_be_16(CHIM_MARKER_ETHERTYPE),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return -errno;
	rc = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? 0 : -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* A stranger's frame of this type says nothing: the numbers are not to be guessed. */
static void
note_heard(struct chim_kernel *k, const uint8_t *frame)
{
	struct kernel_move *m;
	uint64_t wire;

	memcpy(&wire, frame + ETH_HLEN, sizeof(wire));
	TAILQ_FOREACH (m, &k->moves, next) {
		if (m->marker == rte_be_to_cpu_64(wire))
			m->is_heard = true;
	}
}

void
kernel_markers_hear(struct chim_kernel *k, const struct kernel_port *p)
{
	uint8_t frame[CHIM_MARKER_LEN];

	for (uint32_t i = 0; i < MARKERS_HEARD; i++) {
		ssize_t n = recv(p->heard_fd, frame, sizeof(frame), 0);

		if (n < 0)
			return;
		if (n == (ssize_t)sizeof(frame))
			note_heard(k, frame);
	}
}

uint64_t
kernel_marker_of_turn(struct chim_kernel *k, const struct kernel_neighbor *n)
{
	for (uint32_t i = 0; i < k->nb_due; i++) {
		if (k->due[i].neighbor->ifindex == n->ifindex)
			return k->due[i].marker;
	}
	chim_assert(k->nb_due < KERNEL_HELD);
	k->due[k->nb_due++] = (struct kernel_due){ n, ++k->marker };
	return k->marker;
}

void
kernel_markers_send(struct chim_kernel *k)
{
	for (uint32_t i = 0; i < k->nb_due; i++)
		kernel_marker_again(k, k->due[i].neighbor, k->due[i].marker);
	k->nb_due = 0;
}
