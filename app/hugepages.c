/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Hugepages that the machine has free. Asked when EAL did not start, which says
 * only that it got no memory, or no information; and by pools.c, which sizes
 * packet memory by them.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

#define POOLS "/sys/kernel/mm/hugepages"

static uint64_t
pages_of(const char *pool)
{
	char path[300];
	uint64_t pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), POOLS "/%s/free_hugepages", pool);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages;
}

uint64_t
app_hugepages_free(void)
{
	uint64_t total = 0, kib;
	struct dirent *d;
	DIR *dir = opendir(POOLS);

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (sscanf(d->d_name, "hugepages-%" SCNu64 "kB", &kib) == 1)
			total += pages_of(d->d_name) * kib * 1024;
	}
	if (dir != NULL)
		closedir(dir);
	return total;
}

int
app_hugepages_check(int argc, char **argv, char *why)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--no-huge") == 0)
			return 0;
	}
	snprintf(why, APP_WHY,
		"EAL did not start; free hugepages: %" PRIu64 " MB. Reserve more: "
		"'dpdk-hugepages.py --setup 1G'; or do without, slower: '--no-huge -m 1024' before "
		"\"--\" (in [eal]: no-huge = yes, m = 1024)",
		app_hugepages_free() >> 20);
	return -ENOMEM;
}
