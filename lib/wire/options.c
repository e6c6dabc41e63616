/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * TCP options of an established connection, in and out: timestamps (RFC 7323)
 * and SACK blocks (RFC 2018). Those of a handshake are the kernel's and are
 * stepped over.
 */
#include <string.h>

#include "wire_internal.h"

#define OPT_END	 0u
#define OPT_NOP	 1u
#define OPT_SACK 5u
#define OPT_TS	 8u

#define TS_LEN	    10u
#define SACK_LEN(n) (2u + 8u * (n))

static uint32_t
load32(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static uint8_t *
store32(uint8_t *p, uint32_t v)
{
	rte_be32_t be = rte_cpu_to_be_32(v);

	memcpy(p, &be, sizeof(be));
	return p + sizeof(be);
}

static uint32_t
aligned_head(uint8_t kind, uint8_t len)
{
	return (uint32_t)OPT_NOP << 24 | (uint32_t)OPT_NOP << 16 | (uint32_t)kind << 8 | len;
}

static void
take_ts(const uint8_t *opt, struct chim_seg *seg)
{
	seg->tsval = load32(opt + 2);
	seg->tsecr = load32(opt + 6);
	seg->info |= CHIM_SEG_TS;
}

static void
take_sack(const uint8_t *opt, uint8_t len, struct chim_seg *seg)
{
	uint8_t nb = (uint8_t)((len - 2u) / 8u);

	for (uint8_t i = 0; i < nb; i++) {
		seg->sack[i].start = load32(opt + 2 + 8 * i);
		seg->sack[i].end = load32(opt + 6 + 8 * i);
	}
	seg->nb_sack = nb;
}

/* An option of a known kind but another length is stepped over, as one of an unknown kind. */
static void
take_option(const uint8_t *opt, uint8_t len, struct chim_seg *seg)
{
	if (opt[0] == OPT_TS && len == TS_LEN)
		take_ts(opt, seg);
	else if (opt[0] == OPT_SACK && len >= SACK_LEN(1) && len <= SACK_LEN(CHIM_SACK_IN) &&
		len % 8 == 2)
		take_sack(opt, len, seg);
}

void
wire_options_parse(const uint8_t *opt, uint32_t len, struct chim_seg *seg)
{
	uint32_t i = 0;

	if (len >= CHIM_TS_LEN && load32(opt) == aligned_head(OPT_TS, TS_LEN)) {
		take_ts(opt + 2, seg);
		i = CHIM_TS_LEN;
	}
	while (i < len && opt[i] != OPT_END) {
		if (opt[i] == OPT_NOP) {
			i++;
			continue;
		}
		/* RFC 9293, 3.1: be prepared for an illegal length. */
		if (len - i < 2 || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return;
		take_option(opt + i, opt[i + 1], seg);
		i += opt[i + 1];
	}
}

uint8_t *
wire_options_write(uint8_t *p, const struct chim_hdr *h)
{
	uint8_t nb = RTE_MIN(h->nb_sack, chim_wire_max_sack(h->has_ts));

	if (h->has_ts) {
		p = store32(p, aligned_head(OPT_TS, TS_LEN));
		p = store32(p, h->tsval);
		p = store32(p, h->tsecr);
	}
	if (nb == 0)
		return p;
	p = store32(p, aligned_head(OPT_SACK, (uint8_t)SACK_LEN(nb)));
	for (uint8_t i = 0; i < nb; i++) {
		p = store32(p, h->sack[i].start);
		p = store32(p, h->sack[i].end);
	}
	return p;
}
