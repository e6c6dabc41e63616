/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Content as the streams see it: bytes of a piece that is loaded, in place, by
 * an mbuf, and as the CRC that they make. And that CRC's arithmetic.
 */
#ifndef SERVE_CONTENT_H
#define SERVE_CONTENT_H

#include "chim_content.h"

struct rte_mbuf;

/* What some bytes do to the CRC-32C of whatever is before them. */
struct serve_crc_part {
	uint32_t crc;	/* of them alone */
	uint32_t shift; /* by which that of what is before is multiplied */
};

/* ---- content.c; [at, at + n) lies in one piece, which is loaded ---- */

const uint8_t *serve_content_at(const struct chim_content *c, uint64_t at);

/* Let an empty mbuf of the caller refer to the bytes. @return false when too many do already. */
bool serve_content_refer(const struct chim_content *c, uint64_t at, uint16_t n, struct rte_mbuf *m);

/* CRC-32C of what was before, crc, and the bytes; a whole piece is not read for it. */
uint32_t serve_content_crc(const struct chim_content *c, uint64_t at, uint16_t n, uint32_t crc);

/* ---- crc.c ---- */

/* CRC-32C of what was before, crc (0 at first), and n bytes more. */
uint32_t serve_crc(uint32_t crc, const void *data, size_t n);

/* What n bytes do, for those that will come by many times. */
struct serve_crc_part serve_crc_part(const void *data, size_t n);

/* serve_crc() of these bytes without reading them. */
uint32_t serve_crc_join(uint32_t crc, const struct serve_crc_part *part);

#endif /* SERVE_CONTENT_H */
