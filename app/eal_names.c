/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The names of EAL's options, for section [eal] of a configuration file: EAL
 * tells a wrong one only when it starts, without the line, above two screens
 * of its own help. An option of a later EAL that is not here goes on the
 * command line.
 */
#include <string.h>

#include "chim_base.h"
#include "options.h"

static const char *const names[] = { "lcores", "main-lcore", "mbuf-pool-ops-name", "block", "allow",
	"vdev", "iova-mode", "vmware-tsc-map", "proc-type", "syslog", "log-level", "trace",
	"trace-dir", "trace-bufsz", "trace-mode", "in-memory", "base-virtaddr", "telemetry",
	"no-telemetry", "force-max-simd-bitwidth", "huge-unlink", "no-huge", "no-pci", "no-hpet",
	"no-shconf", "socket-mem", "socket-limit", "huge-dir", "file-prefix", "create-uio-dev",
	"vfio-intr", "vfio-vf-token", "legacy-mem", "single-file-segments", "match-allocations",
	"huge-worker-stack" };

uint32_t
app_word_distance(const char *a, const char *b)
{
	uint32_t row[65]; /* of the usual table, one at a time: insert, delete, change */
	size_t n = strnlen(b, 64);

	for (size_t j = 0; j <= n; j++)
		row[j] = (uint32_t)j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		uint32_t diagonal = row[0];

		row[0] = (uint32_t)i + 1;
		for (size_t j = 0; j < n; j++) {
			uint32_t change = diagonal + (a[i] != b[j]);
			uint32_t step = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);

			diagonal = row[j + 1];
			row[j + 1] = change < step ? change : step;
		}
	}
	return row[n];
}

bool
app_eal_name_check(const char *name, const char **meant)
{
	*meant = names[0];
	if (name[0] != '\0' && name[1] == '\0')
		return strchr("cdabhlmnrsSv", name[0]) != NULL;
	for (size_t i = 0; i < CHIM_DIM(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
		if (app_word_distance(names[i], name) < app_word_distance(*meant, name))
			*meant = names[i];
	}
	return false;
}
