/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The measuring: each case is called often enough for a sample of a few
 * hundred microseconds, samples are taken in turn over all cases, so that a
 * disturbance of the machine does not fall on one of them, and the spread is
 * shown beside the median.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "perf.h"
#include "test.h"

#define NB_SAMPLES    41u
#define SAMPLES_PER_S 2000u /* of one case, roughly */
#define MAX_CASES     48u

struct result {
	uint32_t calls;		   /* in a sample */
	double sample[NB_SAMPLES]; /* cycles an item */
};

static struct result results[MAX_CASES];

/* One sample. Clears is_right when the work is wrong. @return cycles. */
static uint64_t
measure(const struct perf_case *c, uint32_t calls, bool *is_right)
{
	uint64_t good = 0;
	uint64_t start;
	uint64_t end;

	if (c->prepare != NULL)
		c->prepare(c->arg);
	start = c->cycles != NULL ? *c->cycles : rte_rdtsc_precise();
	for (uint32_t i = 0; i < calls; i++)
		good += c->run(c->arg);
	end = c->cycles != NULL ? *c->cycles : rte_rdtsc_precise();
	*is_right = *is_right && good == (uint64_t)calls * c->items;
	return end - start;
}

/* The best of a few: a disturbance must not make the samples short for good. */
static uint64_t
measure_best(const struct perf_case *c, uint32_t calls, bool *is_right)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; i < 3; i++)
		best = RTE_MIN(best, measure(c, calls, is_right));
	return best;
}

/* @return calls that make a sample long enough; 0 when the work is wrong. */
static uint32_t
calibrate(const struct perf_case *c)
{
	uint64_t wanted = rte_get_tsc_hz() / SAMPLES_PER_S;
	uint32_t calls = 1;
	bool is_right = true;

	while (measure_best(c, calls, &is_right) < wanted && is_right)
		calls *= 2;
	return is_right ? calls : 0;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
print_table(const struct perf_case *cases, uint32_t nb)
{
	printf("%-36s %6s %9s %9s %9s %7s\n", "cycles an item", "items", "min", "median", "max",
		"spread");
	for (uint32_t i = 0; i < nb; i++) {
		const double *s = results[i].sample;
		double median = s[NB_SAMPLES / 2];

		printf("%-36s %6u %9.1f %9.1f %9.1f %6.1f%%\n", cases[i].name, cases[i].items, s[0],
			median, s[NB_SAMPLES - 1],
			100 * (s[NB_SAMPLES * 3 / 4] - s[NB_SAMPLES / 4]) / median);
	}
}

/* One line; spread is the range of the middle half. */
static void
print_json(FILE *out, const char *suite, const struct perf_case *cases, uint32_t nb)
{
	fprintf(out, "{\"suite\":\"%s\",\"tsc_hz\":%lu,\"samples\":%u,\"results\":[", suite,
		(unsigned long)rte_get_tsc_hz(), NB_SAMPLES);
	for (uint32_t i = 0; i < nb; i++) {
		const double *s = results[i].sample;

		fprintf(out,
			"%s{\"name\":\"%s\",\"items\":%u,\"calls\":%u,\"min\":%.2f,"
			"\"median\":%.2f,\"max\":%.2f,\"spread\":%.2f}",
			i > 0 ? "," : "", cases[i].name, cases[i].items, results[i].calls, s[0],
			s[NB_SAMPLES / 2], s[NB_SAMPLES - 1],
			s[NB_SAMPLES * 3 / 4] - s[NB_SAMPLES / 4]);
	}
	fprintf(out, "]}\n");
}

static void
report(const char *suite, const struct perf_case *cases, uint32_t nb)
{
	const char *path = getenv("CHIM_PERF_JSON");
	FILE *file = path != NULL ? fopen(path, "a") : NULL;

	for (uint32_t i = 0; i < nb; i++)
		qsort(results[i].sample, NB_SAMPLES, sizeof(double), by_value);
	print_table(cases, nb);
	print_json(stdout, suite, cases, nb);
	if (file != NULL) {
		print_json(file, suite, cases, nb);
		fclose(file);
	}
}

static int
run_all(const char *suite, const struct perf_case *cases, uint32_t nb)
{
	bool is_right = true;

	for (uint32_t i = 0; i < nb; i++) {
		results[i].calls = calibrate(&cases[i]);
		if (results[i].calls == 0) {
			printf("%s: the work is done wrongly\n", cases[i].name);
			return TEST_FAILED;
		}
	}
	for (uint32_t s = 0; s < NB_SAMPLES; s++) {
		for (uint32_t i = 0; i < nb; i++) {
			uint64_t took = measure(&cases[i], results[i].calls, &is_right);

			results[i].sample[s] = (double)took / results[i].calls / cases[i].items;
		}
	}
	report(suite, cases, nb);
	return is_right ? TEST_SUCCESS : TEST_FAILED;
}

int
perf_run(const char *suite, const struct perf_case *cases, uint32_t nb)
{
	const char *only = getenv("CHIM_PERF_CASE");
	struct perf_case chosen[MAX_CASES];
	uint32_t nb_chosen = 0;

	chim_assert(nb <= MAX_CASES);
	for (uint32_t i = 0; i < nb; i++) {
		if (only == NULL || strcmp(only, cases[i].name) == 0)
			chosen[nb_chosen++] = cases[i];
	}
	return nb_chosen > 0 ? run_all(suite, chosen, nb_chosen) : TEST_SUCCESS;
}
