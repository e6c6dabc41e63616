/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Micro-benchmarks: cycles an item, repeated, as a table and as JSON. They
 * fail when the work is done wrongly, never by its speed.
 *
 *   static uint32_t parse_32(void *arg) { ...; return nb_good; }
 *
 *   static const struct perf_case cases[] = { { "parse", 32, parse_32, &frames } };
 *   return perf_run("wire_perf", cases, CHIM_DIM(cases));
 *
 * With CHIM_PERF_JSON=file the JSON goes to the end of that file as well. With
 * CHIM_PERF_CASE=name only the case of that name runs.
 */
#ifndef PERF_H
#define PERF_H

#include <stdint.h>

struct perf_case {
	const char *name;
	uint32_t items;		    /* handled by one call */
	uint32_t (*run)(void *arg); /* @return items handled rightly: all of them */
	void *arg;
	void (*prepare)(void *arg); /* before each sample, not measured; NULL for none */
	const uint64_t *cycles;	    /* run() adds up here what counts; NULL: all of it counts */
};

/** Measure and print each case. @return TEST_SUCCESS; TEST_FAILED when a case did wrong work. */
int perf_run(const char *suite, const struct perf_case *cases, uint32_t nb);

#endif /* PERF_H */
