/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Printing and comparing the segments of pkt.h.
 */
#include <stdio.h>

#include "pkt.h"
#include "test.h"

/* Flags that an expected segment always speaks of. */
#define COMPARED (CHIM_FIN | CHIM_SYN | CHIM_RST | CHIM_URG | CHIM_ECE | CHIM_CWR)

void
pkt_print(const char *what, const struct pkt *p)
{
	print_error("%s: seq %u len %u mss %u ack %u flags %02x%s wnd %u", what, p->seq, p->len,
		p->mss, p->ack, p->flags, p->psh ? " PSH" : "", p->wnd);
	if (p->has_ts)
		print_error(" ts %u/%u", p->tsval, p->tsecr);
	for (uint8_t i = 0; i < p->nb_sack; i++)
		print_error(" sack %u-%u", p->sack[i].start, p->sack[i].end);
	print_error(" tos %02x\n", p->tos);
}

static bool
is_same_sack(const struct pkt *got, const struct pkt *want)
{
	if (got->nb_sack != want->nb_sack)
		return false;
	for (uint8_t i = 0; i < got->nb_sack; i++)
		if (got->sack[i].start != want->sack[i].start ||
			got->sack[i].end != want->sack[i].end)
			return false;
	return true;
}

static bool
is_same(const struct pkt *got, const struct pkt *want)
{
	bool is = got->seq == want->seq && got->len == want->len && got->mss == want->mss &&
		(got->flags & COMPARED) == (want->flags & COMPARED);

	if (!want->no_ack)
		is = is && got->ack == want->ack;
	if (want->has_psh)
		is = is && got->psh == want->psh;
	if (want->has_wnd)
		is = is && got->wnd == want->wnd;
	if (want->has_ts)
		is = is && got->has_ts && got->tsval == want->tsval && got->tsecr == want->tsecr;
	if (want->has_tos)
		is = is && got->tos == want->tos;
	return is && (!want->has_sack || is_same_sack(got, want));
}

void
pkt_compare(const struct pkt *got, const struct pkt *want, uint32_t i, const char *file, int line)
{
	if (is_same(got, want))
		return;
	print_error("segment %u is not the one expected\n", i);
	pkt_print("  got     ", got);
	pkt_print("  expected", want);
	_fail(file, line);
}
