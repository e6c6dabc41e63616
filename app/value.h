/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Values of options, as text: numbers within bounds, names, words from a list.
 * Used by options.c and flow_options.c. Each answers 0, or -EINVAL with a
 * sentence in why (APP_WHY bytes).
 */
#ifndef VALUE_H
#define VALUE_H

#include <stddef.h>
#include <stdint.h>

/** Say why, with the value in the place of %s. @return -EINVAL, always. */
int app_value_refuse(char *why, const char *fmt, const char *value);

/** Read a whole number from least to most. */
int app_value_number(uint32_t *out, const char *value, uint64_t least, uint64_t most, char *why);

/** Copy a text of at least one letter that fits. */
int app_value_text(char *out, size_t size, const char *value, char *why);

/** Find a word's index in a list that ends with NULL. */
int app_value_one_of(uint32_t *out, const char *value, const char *const *names, char *why);

/** Understand "SERVICE[=ARG]" of a built-in service. @param service 16 bytes. @param arg 200 bytes,
 *  empty when there is none. */
int app_value_service(char *service, char *arg, const char *value, char *why);

#endif /* VALUE_H */
