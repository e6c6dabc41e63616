/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A peer, a host and a clock that do anything in any order to one connection
 * of the engine. After every step its invariants hold and what it sent and
 * delivered is right; in the end every request was answered and every buffer
 * is back.
 */
#ifndef MONKEY_H
#define MONKEY_H

#include "eng.h"
#include "pick.h"

struct monkey {
	struct eng *e;
	struct pick *pick;
	uint32_t nb_chains, nb_requests, nb_disconnects; /* the engine has */
	struct rte_mbuf *lent[512];
	uint32_t nb_lent;
	uint32_t nb_overtaken; /* of those, before data that has come in a request */
	bool is_faithless;     /* has refused what came before data it had taken */
	bool is_leaving;       /* what completes now is the connection's export */
	struct rte_mbuf *rest; /* data of a disconnect that the export completed */
	uint32_t nb_moves;
};

/** One life: a connection of any kind, at most so many steps, and its end. @return moves made. */
uint32_t monkey_live(struct pick *pick, uint32_t steps);

/** The same with a connection that is there already; takes it. */
uint32_t monkey_live_with(struct eng *e, struct pick *pick, uint32_t steps);

#endif /* MONKEY_H */
