/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Fuzz target: segments of a peer against a live connection, with what a host
 * does, time that passes, pools that run dry and moves in between
 * (tests/harness/monkey.h). The bytes make every choice.
 */
#include "fuzz.h"
#include "monkey.h"

#define STEPS_MAX 2000u

void
fuzz_segments(const uint8_t *data, size_t size)
{
	struct pick pick = pick_by_bytes(data, size);

	monkey_live(&pick, STEPS_MAX);
}
