/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the byte at a position must be, so that a lost, doubled or moved piece
 * shows at once, and the hash over bytes in order that both ends can compare.
 */
#include <string.h>

#include "peer.h"

/* The finaliser of splitmix64: neighbouring positions share no byte. */
static uint64_t
word_at(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void
peer_pattern_fill(uint8_t *out, uint64_t seed, uint64_t pos, size_t n)
{
	while (n > 0) {
		uint64_t word = word_at(seed, pos / 8);
		size_t skip = pos % 8;
		size_t take = n < 8 - skip ? n : 8 - skip;

		memcpy(out, (const uint8_t *)&word + skip, take);
		out += take;
		pos += take;
		n -= take;
	}
}

/* As lib/serve/source.c documents it. */
void
peer_pattern_source(uint8_t *out, uint64_t pos, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t p = (uint32_t)(pos + i);

		out[i] = (uint8_t)(p ^ p >> 8 ^ p >> 16 ^ p >> 24);
	}
}

/* CRC-32C (RFC 3720, appendix B.4), a table of its polynomial, reflected. */
static const uint32_t *
crc_table(void)
{
	static uint32_t table[256];

	for (uint32_t i = 1; table[255] == 0 && i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
		table[i] = crc;
	}
	return table;
}

uint32_t
peer_hash(uint32_t hash, const uint8_t *data, size_t n)
{
	const uint32_t *table = crc_table();
	uint32_t crc = ~hash;

	for (size_t i = 0; i < n; i++)
		crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xFF];
	return ~crc;
}
