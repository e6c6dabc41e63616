/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The fuzz targets: functions of some bytes that fail, as a cmocka test does,
 * when something does not hold. entry.c makes a program of one for libFuzzer
 * and AFL++; replay_test.c runs all of them from the corpus, with any compiler.
 *
 * And mbufs over heap blocks of just the right size, so that AddressSanitizer
 * sees a byte too many: no EAL, no pool.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "test.h"

/* X(name, longest useful input, inputs made in a replay): fuzz_<name>() in <name>_fuzz.c. */
#define FUZZ_TARGET_LIST(X)    \
	X(parse, 2048, 20000)  \
	X(options, 255, 20000) \
	X(segments, 4096, 300) \
	X(import, 2048, 1500)  \
	X(control, 4096, 300)

#define FUZZ_TARGET_PROTOTYPE(name, len, nb) void fuzz_##name(const uint8_t *data, size_t size);
FUZZ_TARGET_LIST(FUZZ_TARGET_PROTOTYPE)
#undef FUZZ_TARGET_PROTOTYPE

/* Says what does not hold; the fuzzer keeps the input that broke it. */
#define fuzz_expect(cond)                                \
	do {                                             \
		if (!(cond))                             \
			fail_msg("%s", RTE_STR((cond))); \
	} while (0)

/** Fill m over a copy of the bytes; fuzz_segment_free() frees the copy. */
static inline void
fuzz_segment_init(struct rte_mbuf *m, const uint8_t *bytes, uint16_t len)
{
	memset(m, 0, sizeof(*m));
	m->buf_addr = malloc(len);
	fuzz_expect(m->buf_addr != NULL);
	if (len > 0)
		memcpy(m->buf_addr, bytes, len);
	m->buf_len = len;
	m->data_len = len;
	m->pkt_len = len;
	m->nb_segs = 1;
}

static inline void
fuzz_segment_free(struct rte_mbuf *m)
{
	free(m->buf_addr);
}

#endif /* FUZZ_H */
