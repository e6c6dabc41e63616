/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the fuzz targets share: mbufs over heap blocks of just the right size,
 * so that AddressSanitizer sees a byte too many; no EAL, no pool.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

/* Says what does not hold; the fuzzer keeps the input that broke it. */
#define fuzz_expect(cond)                                                          \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                   \
		}                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
