/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a port does with the frames that are left to it: cuts those of several
 * segments (TSO) and fills in checksums.
 */
#ifndef CUT_H
#define CUT_H

#include <rte_mbuf.h>

#define CUT_MAX 512u

/**
 * The frames that leave the port for m, which stays the caller's. Fails the test when m is not
 * what a port takes.
 *
 * @param out owned by the caller, room for CUT_MAX.
 * @return how many.
 */
uint32_t cut_frame(struct rte_mbuf *m, struct rte_mbuf **out);

#endif /* CUT_H */
