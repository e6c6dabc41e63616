/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The kernel's interface that a port stands on or faces: what it says of it, and
 * setting its MTU. Called at start-up and by control, not by workers: it asks
 * the kernel.
 */
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port_internal.h"

_Static_assert(sizeof(((struct port_link *)0)->name) == IFNAMSIZ, "an interface's name fits");

static bool
ask(int fd, unsigned long what, struct ifreq *answer, const char *name)
{
	memset(answer, 0, sizeof(*answer));
	memcpy(answer->ifr_name, name, sizeof(answer->ifr_name));
	return ioctl(fd, what, answer) == 0;
}

static bool
read_all(int fd, uint32_t if_index, struct port_link *l)
{
	struct ifreq r = { .ifr_ifindex = (int)if_index };

	if (ioctl(fd, SIOCGIFNAME, &r) != 0)
		return false;
	memcpy(l->name, r.ifr_name, sizeof(l->name));
	if (!ask(fd, SIOCGIFFLAGS, &r, l->name))
		return false;
	l->is_up = (r.ifr_flags & IFF_UP) != 0;
	if (!ask(fd, SIOCGIFMTU, &r, l->name))
		return false;
	l->mtu = (uint32_t)r.ifr_mtu;
	if (!ask(fd, SIOCGIFHWADDR, &r, l->name))
		return false;
	memcpy(l->mac.addr_bytes, r.ifr_hwaddr.sa_data, RTE_ETHER_ADDR_LEN);
	return true;
}

bool
port_link_read(uint32_t if_index, struct port_link *l)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_known;

	if (fd < 0)
		return false;
	is_known = read_all(fd, if_index, l);
	close(fd);
	return is_known;
}

bool
port_link_find(const char *name, struct port_link *l)
{
	return port_link_read(if_nametoindex(name), l);
}

bool
port_link_set_mtu(const struct port_link *l, uint32_t mtu)
{
	struct ifreq r = { .ifr_mtu = (int)mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_set;

	if (fd < 0)
		return false;
	memcpy(r.ifr_name, l->name, sizeof(r.ifr_name));
	is_set = ioctl(fd, SIOCSIFMTU, &r) == 0;
	close(fd);
	return is_set;
}
