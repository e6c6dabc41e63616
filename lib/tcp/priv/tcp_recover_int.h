/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Between recover.c and recover_ack.c; nobody else includes this.
 */
#ifndef TCP_RECOVER_INT_H
#define TCP_RECOVER_INT_H

#include "tcp_recover.h"

/** All is acknowledged: give back the records; the flight is as new. */
void tcp_recover_end_flight(struct tcp_recover *r, struct chim_tcp_env *env);

/** An episode begins or ends. Told in cc.flags too, which outlive the flight. */
static inline void
tcp_recover_set_state(struct tcp_recover *r, enum tcp_recover_state state)
{
	r->flight->state = state;
	r->cc.flags &= ~(TCP_CC_IN_FAST | TCP_CC_IN_RTO);
	if (state == TCP_RECOVER_FAST)
		r->cc.flags |= TCP_CC_IN_FAST;
	else if (state == TCP_RECOVER_RTO)
		r->cc.flags |= TCP_CC_IN_RTO;
}

/** Mark what a timeout says is lost (RFC 8985, 6.3; without SACK everything). */
void tcp_recover_lose_for_rto(
	struct tcp_recover *r, const struct tcp_recover_in *in, struct chim_tcp_env *env);

#endif /* TCP_RECOVER_INT_H */
