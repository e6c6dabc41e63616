/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Figures, see figures.h. Spread is the range of the middle half, as in perf.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "chim_base.h"
#include "figures.h"

bool
figures_are_quick(void)
{
	const char *quick = getenv("CHIM_PERF_QUICK");

	return quick != NULL && quick[0] == '1';
}

bool
figures_are_wanted(const char *name)
{
	const char *only = getenv("CHIM_PERF_CASE");

	return only == NULL || strcmp(only, name) == 0;
}

static struct figure *
find(struct figures *f, const char *name, const char *unit)
{
	struct figure *g;

	for (uint32_t i = 0; i < f->nb; i++) {
		if (strcmp(f->figure[i].name, name) == 0)
			return &f->figure[i];
	}
	chim_assert(f->nb < FIGURES_MAX);
	g = &f->figure[f->nb++];
	snprintf(g->name, sizeof(g->name), "%s", name);
	g->unit = unit;
	return g;
}

void
figures_add(struct figures *f, const char *name, const char *unit, double value)
{
	struct figure *g = find(f, name, unit);

	if (g->nb < FIGURES_SAMPLES)
		g->sample[g->nb++] = value;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
spread(const struct figure *g)
{
	return g->sample[g->nb * 3 / 4] - g->sample[g->nb / 4];
}

static void
print_table(const struct figures *f)
{
	printf("%-56s %-12s %4s %10s %10s %10s %8s\n", f->suite, "unit", "n", "min", "median",
		"max", "spread");
	for (uint32_t i = 0; i < f->nb; i++) {
		const struct figure *g = &f->figure[i];
		double median = g->sample[g->nb / 2];

		printf("%-56s %-12s %4u %10.1f %10.1f %10.1f %7.1f%%\n", g->name, g->unit, g->nb,
			g->sample[0], median, g->sample[g->nb - 1],
			median != 0 ? 100 * spread(g) / median : 0);
	}
}

static void
print_json(FILE *out, const struct figures *f)
{
	fprintf(out, "{\"suite\":\"%s\",\"tsc_hz\":%lu,\"results\":[", f->suite,
		(unsigned long)rte_get_tsc_hz());
	for (uint32_t i = 0; i < f->nb; i++) {
		const struct figure *g = &f->figure[i];

		fprintf(out,
			"%s{\"name\":\"%s\",\"unit\":\"%s\",\"samples\":%u,\"min\":%.3f,"
			"\"median\":%.3f,\"max\":%.3f,\"spread\":%.3f}",
			i > 0 ? "," : "", g->name, g->unit, g->nb, g->sample[0],
			g->sample[g->nb / 2], g->sample[g->nb - 1], spread(g));
	}
	fprintf(out, "]}\n");
}

void
figures_report(struct figures *f)
{
	const char *path = getenv("CHIM_PERF_JSON");
	FILE *file = path != NULL ? fopen(path, "a") : NULL;

	for (uint32_t i = 0; i < f->nb; i++)
		qsort(f->figure[i].sample, f->figure[i].nb, sizeof(double), by_value);
	print_table(f);
	print_json(stdout, f);
	if (file != NULL) {
		print_json(file, f);
		fclose(file);
	}
}
