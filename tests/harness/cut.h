/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a port does: with the frames that are left to it, cut those of several
 * segments (TSO) and fill in checksums; with those that come in, look at both
 * checksums.
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

/** Set the flags of m that say what a port thinks of its checksums; none where it cannot tell. */
void cut_check_sums(struct rte_mbuf *m);

#endif /* CUT_H */
