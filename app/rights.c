/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Capabilities, checked before anything is started: TCP_REPAIR, netlink and
 * tap devices need CAP_NET_ADMIN; packet sockets need CAP_NET_RAW.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>

#include "app.h"

static uint64_t
effective(void)
{
	uint64_t caps = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return caps;
}

int
app_rights_check(char *why)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} needed[] = {
		{ CAP_NET_ADMIN, "cap_net_admin" },
		{ CAP_NET_RAW, "cap_net_raw" },
	};
	uint64_t caps = effective();

	for (size_t i = 0; i < CHIM_DIM(needed); i++) {
		if (caps >> needed[i].bit & 1)
			continue;
		snprintf(why, APP_WHY,
			"capability %s is missing: run as root, or once "
			"'setcap cap_net_admin,cap_net_raw,cap_ipc_lock,cap_dac_override+ep chimney'",
			needed[i].name);
		return -EPERM;
	}
	return 0;
}
