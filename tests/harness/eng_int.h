/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the files of the engine harness share.
 */
#ifndef ENG_INT_H
#define ENG_INT_H

#include "eng.h"

/** A frame of ours as a segment, numbers relative; checks its payload. */
void eng_read_frame(const struct eng *e, struct rte_mbuf *m, struct pkt *p);

/** Elements of all pools that somebody has. */
uint32_t eng_in_use(void);

/** The connection's invariants hold. */
void eng_check(struct eng *e);

/** Give back the buffers of an entry that nobody took. */
void eng_drop_io(struct chim_io *io);

#endif /* ENG_INT_H */
