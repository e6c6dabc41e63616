/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Fuzz target: TCP options. What was read can be written, as far as a header
 * has room, and then reads the same.
 */
#include "fuzz.h"
#include "wire_internal.h"

static void
read_block(const uint8_t *bytes, uint32_t len, struct chim_seg *seg)
{
	struct rte_mbuf m;

	fuzz_segment_init(&m, bytes, (uint16_t)len);
	memset(seg, 0, sizeof(*seg));
	wire_options_parse(m.buf_addr, len, seg);
	fuzz_segment_free(&m);
	fuzz_expect(seg->nb_sack <= CHIM_SACK_IN);
	fuzz_expect((seg->info & ~CHIM_SEG_TS) == 0);
}

void
fuzz_options(const uint8_t *data, size_t size)
{
	struct chim_seg seg;
	struct chim_seg again;
	struct chim_hdr h = { 0 };
	uint8_t out[64];
	uint32_t len;

	read_block(data, (uint32_t)RTE_MIN(size, (size_t)255), &seg);
	h.has_ts = !!(seg.info & CHIM_SEG_TS);
	h.tsval = seg.tsval;
	h.tsecr = seg.tsecr;
	h.nb_sack = RTE_MIN(seg.nb_sack, chim_wire_max_sack(h.has_ts));
	memcpy(h.sack, seg.sack, sizeof(h.sack));
	len = (uint32_t)(wire_options_write(out, &h) - out);
	fuzz_expect(len <= 40);
	fuzz_expect(len + 20 == chim_wire_tcp_len(h.has_ts, h.nb_sack));
	read_block(out, len, &again);
	fuzz_expect(again.info == seg.info && again.nb_sack == h.nb_sack);
	fuzz_expect(again.tsval == seg.tsval && again.tsecr == seg.tsecr);
	fuzz_expect(memcmp(again.sack, seg.sack, h.nb_sack * sizeof(seg.sack[0])) == 0);
}
