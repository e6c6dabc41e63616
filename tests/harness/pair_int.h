/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the files of the pair harness share.
 */
#ifndef PAIR_INT_H
#define PAIR_INT_H

#include "pair.h"

/** The host of one end sends, posts, returns, closes. */
void pair_host_act(struct pair *p, uint8_t i);

/** ... and takes what the engine tells. */
void pair_host_hear(struct pair *p, uint8_t i);

/** ... and does nothing about it. */
void pair_host_hear_last(struct pair *p, uint8_t i);

/** When it has something to do by itself. @return UINT64_MAX: never. */
chim_us_t pair_host_next(const struct pair *p, uint8_t i);

/** Both streams are complete, and closed if they are to be. */
bool pair_host_is_done(const struct pair *p);

/** Give back what the host has. */
void pair_host_free(struct pair_end *end);

/** Release both engines. */
void pair_host_release(struct pair *p);

#endif /* PAIR_INT_H */
