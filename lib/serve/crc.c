/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * CRC-32C (RFC 3720, appendix B.4) of all that passes between a service and its
 * stream. The instruction takes a word each cycle but answers after three, so
 * that one chain of them leaves two thirds of it idle: long data is taken in
 * three lanes side by side, whose remainders are put together by what so many
 * zero bytes make of one, a table. Called by stream.c, backend_ring.c and
 * content.c, which keeps what its bytes do to a CRC.
 */
#include <rte_common.h>
#include <rte_hash_crc.h>

#include "serve_content.h"

#define POLYNOMIAL 0x82F63B78u /* of CRC-32C, x^31 is the lowest bit */

#define LANES 3u
#define WORDS 20u /* of a lane: three of them are within the data of a usual segment */
#define BYTES (WORDS * 8u)

/* What BYTES zero bytes make of a remainder, for each value of each of its bytes. */
static uint32_t behind[4][256];

RTE_INIT(fill_behind)
{
	static const uint8_t zeros[BYTES];

	for (uint32_t at = 0; at < RTE_DIM(behind); at++) {
		for (uint32_t byte = 0; byte < RTE_DIM(behind[at]); byte++)
			behind[at][byte] = rte_hash_crc(zeros, BYTES, byte << 8 * at);
	}
}

static uint32_t
pass_lane(uint32_t r)
{
	return behind[0][r & 0xFF] ^ behind[1][r >> 8 & 0xFF] ^ behind[2][r >> 16 & 0xFF] ^
		behind[3][r >> 24];
}

/* LANES * BYTES bytes: the lanes begin at 0, so that they need not wait for what was before. */
static uint32_t
take_lanes(uint32_t r, const uint8_t *data)
{
	uint32_t lane[LANES] = { 0 };

	for (uint32_t i = 0; i < BYTES; i += 8) {
		for (uint32_t k = 0; k < LANES; k++)
			lane[k] = rte_hash_crc_8byte(
				*(const unaligned_uint64_t *)(data + k * BYTES + i), lane[k]);
	}
	for (uint32_t k = 0; k < LANES; k++)
		r = pass_lane(r) ^ lane[k];
	return r;
}

uint32_t
serve_crc(uint32_t crc, const void *data, size_t n)
{
	const uint8_t *at = data;
	uint32_t r = ~crc;

	for (; n >= LANES * BYTES; n -= LANES * BYTES) {
		r = take_lanes(r, at);
		at += LANES * BYTES;
	}
	return ~rte_hash_crc(at, (uint32_t)n, r);
}

/* a times b modulo the polynomial of the CRC; x^0 is the highest bit. */
static uint32_t
multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (uint32_t i = 0; i < 32; i++) {
		product ^= b & -(a >> 31);
		a <<= 1;
		b = b >> 1 ^ (POLYNOMIAL & -(b & 1));
	}
	return product;
}

/* The CRC is linear in what was before: its highest bit alone, which is x^0, shows the factor. */
struct serve_crc_part
serve_crc_part(const void *data, size_t n)
{
	struct serve_crc_part part = { .crc = serve_crc(0, data, n) };

	part.shift = part.crc ^ serve_crc(1u << 31, data, n);
	return part;
}

uint32_t
serve_crc_join(uint32_t crc, const struct serve_crc_part *part)
{
	return part->crc ^ multiply(crc, part->shift);
}
