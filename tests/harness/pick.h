/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Where the choices of a random test come from: a seeded generator, or the
 * bytes of a fuzzer, so that the same test serves both. Bytes that have run
 * out are zeros, and pick_is_over() says so.
 */
#ifndef PICK_H
#define PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct pick {
	uint64_t random;	 /* not 0: the generator's state */
	const uint8_t *at, *end; /* else: what is left of the bytes */
};

static inline struct pick
pick_by_seed(uint64_t seed)
{
	return (struct pick){ .random = seed * 0x9E3779B97F4A7C15ull | 1 };
}

static inline struct pick
pick_by_bytes(const uint8_t *bytes, size_t size)
{
	return (struct pick){ .at = bytes, .end = bytes + size };
}

/** Is there nothing left to choose from? A generator never ends. */
static inline bool
pick_is_over(const struct pick *p)
{
	return p->random == 0 && p->at == p->end;
}

/** So many bytes as a number, 1 to 4. */
static inline uint32_t
pick_bytes(struct pick *p, uint32_t nb)
{
	uint32_t n = 0;

	if (p->random != 0) { /* xorshift64*: the same numbers everywhere */
		p->random ^= p->random >> 12;
		p->random ^= p->random << 25;
		p->random ^= p->random >> 27;
		return (uint32_t)((p->random * 0x2545F4914F6CDD1Dull) >> 32);
	}
	while (nb-- != 0 && p->at != p->end)
		n = n << 8 | *p->at++;
	return n;
}

/** Any 32 bits. */
static inline uint32_t
pick_word(struct pick *p)
{
	return pick_bytes(p, 4);
}

/** 0 .. n-1; takes no more bytes than n needs. */
static inline uint32_t
pick_below(struct pick *p, uint32_t n)
{
	return pick_bytes(p, n <= 1u << 8 ? 1 : n <= 1u << 16 ? 2 : 4) % n;
}

/** A number from the environment: CHIM_SEED replays one seed, CHIM_SOAK runs so many. */
static inline uint64_t
pick_setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

#endif /* PICK_H */
