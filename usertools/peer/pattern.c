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

/* FNV-1a, 64 bits. */
uint64_t
peer_hash(uint64_t hash, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ data[i]) * 0x100000001b3u;
	return hash;
}
