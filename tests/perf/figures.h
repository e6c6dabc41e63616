/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Figures of any unit, for benchmarks that perf.h's calls cannot measure: what
 * was sampled, as a table and as a line of JSON of the same form as perf.h's.
 *
 *   struct figures f = { .suite = "rpc_perf" };
 *   figures_add(&f, "64 B, 32 connections: gross", "cycles/RPC", 712.5);   each sample
 *   figures_report(&f);
 *
 * With CHIM_PERF_QUICK=1 a benchmark takes few short samples. With
 * CHIM_PERF_JSON=file the JSON goes to the end of that file as well.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#define FIGURES_MAX	320u
#define FIGURES_SAMPLES 41u

struct figure {
	char name[96];
	const char *unit;
	uint32_t nb;
	double sample[FIGURES_SAMPLES];
};

struct figures {
	const char *suite;
	uint32_t nb;
	struct figure figure[FIGURES_MAX];
};

/** One more sample of a figure; what comes beyond FIGURES_SAMPLES is left out. */
void figures_add(struct figures *f, const char *name, const char *unit, double value);

/** Table and JSON. Sorts the samples. */
void figures_report(struct figures *f);

/** Is little time to be spent? */
bool figures_are_quick(void);

/** Is a case wanted: is CHIM_PERF_CASE not set, or that case? */
bool figures_are_wanted(const char *name);

#endif /* FIGURES_H */
