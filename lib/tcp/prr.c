/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Proportional rate reduction: RFC 9937, 6. Recomputed also when an event
 * without delivery changed what is in flight (a timer found losses): the sum of
 * what was allowed stays the same, less what has been sent.
 */
#include "tcp_prr.h"

void
tcp_prr_begin(struct tcp_prr *p, uint32_t recover_fs)
{
	*p = (struct tcp_prr){ .recover_fs = RTE_MAX(recover_fs, 1u) };
}

/* Above ssthresh: for what is delivered, send the share that ssthresh is of RecoverFS. */
static uint64_t
proportional(const struct tcp_prr *p, const struct tcp_prr_ack *a)
{
	uint64_t due = ((uint64_t)p->delivered * a->ssthresh + p->recover_fs - 1) / p->recover_fs;

	return due > p->out ? due - p->out : 0;
}

/* At or below ssthresh: conserve packets, or grow by a segment an ACK when that is safe. */
static uint64_t
bounded(const struct tcp_prr *p, const struct tcp_prr_ack *a)
{
	uint64_t owed = p->delivered > p->out ? p->delivered - p->out : 0;
	uint64_t count = RTE_MAX(owed, (uint64_t)a->delivered);

	if (a->is_safe)
		count += a->mss;
	return RTE_MIN(count, (uint64_t)a->ssthresh - a->pipe);
}

uint32_t
tcp_prr_on_ack(struct tcp_prr *p, const struct tcp_prr_ack *a)
{
	uint64_t count;

	p->delivered += a->delivered;
	count = a->pipe > a->ssthresh ? proportional(p, a) : bounded(p, a);
	/* The resend that recovery begins with is not held back. */
	if (p->out == 0)
		count = RTE_MAX(count, (uint64_t)a->mss);
	return (uint32_t)RTE_MIN(a->pipe + count, (uint64_t)INT32_MAX);
}
