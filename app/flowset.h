/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Flow sets at work: a host of its own that offloads the connections of each
 * set through the request ring, serves them with a built-in service, and
 * terminates what ends. Nothing of it needs a kernel.
 *
 *   s = app_flow_sets_create(set, nb, why);
 *   every turn:  app_flow_sets_poll(s);
 *   at the end:  app_flow_sets_stop(s); poll until app_flow_sets_are_over(s);
 *                app_flow_sets_destroy(s);
 *
 * Thread: one, which may be the worker's (as a guest of chim_dp_run()).
 */
#ifndef FLOWSET_H
#define FLOWSET_H

#include "flow_options.h"

struct app_flow_sets;

struct app_flow_stats {
	uint64_t connections; /* wanted */
	uint64_t offloaded;
	uint64_t refused;	      /* by initiate */
	const char *refusal;	      /* the first, constant; NULL */
	uint64_t ended;		      /* closed, reset or given up, and terminated */
	uint64_t bytes_in, bytes_out; /* of connections that have ended or are served */
};

/** Attach to the engine. @param set borrowed to destroy. @return NULL with why (APP_WHY bytes). */
struct app_flow_sets *app_flow_sets_create(const struct app_flow_set *set, uint32_t nb, char *why);

/** One turn. @return how much was done; 0 = idle. */
uint32_t app_flow_sets_poll(struct app_flow_sets *s);

/** Has every initiate been answered? */
bool app_flow_sets_are_ready(const struct app_flow_sets *s);

/** Begin to terminate everything. */
void app_flow_sets_stop(struct app_flow_sets *s);

/** Is everything terminated, and every buffer given back? */
bool app_flow_sets_are_over(const struct app_flow_sets *s);

/** Give up what is left. NULL is allowed. */
void app_flow_sets_destroy(struct app_flow_sets *s);

/** Cost: walks all connections. */
void app_flow_sets_stats(const struct app_flow_sets *s, struct app_flow_stats *st);

#endif /* FLOWSET_H */
