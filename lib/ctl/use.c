/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a host may start on an object while something is in progress on it
 * (spec 4.7). An object remembers the stamp of the operation, so nothing has to
 * be cleared when the operation ends: a stamp that is not live says nothing.
 */
#include "ctl_internal.h"

static bool
is_updating(const struct chim_ctl *c, const struct ctl_use *use)
{
	return ctl_op_is_live(c, use->update_stamp);
}

enum chim_reason
ctl_use_check(const struct chim_ctl *c, const struct ctl_use *use, enum ctl_action action)
{
	bool is_live = ctl_op_is_live(c, use->stamp);

	if (is_live && (use->op == CHIM_OP_INITIATE || use->op == CHIM_OP_TERMINATE))
		return CHIM_REASON_OVERLAP;
	switch (action) {
	case CTL_ACTION_LINK:
		return use->is_invalid ? CHIM_REASON_INVALIDATED : CHIM_REASON_NONE;
	case CTL_ACTION_UPDATE:
		/* A bare neighbor, which only says where its paths go, is checked like one that
		 * changes: a path may not move to where nothing may be sent. */
		if (use->is_invalid)
			return CHIM_REASON_INVALIDATED;
		return is_updating(c, use) ? CHIM_REASON_OVERLAP : CHIM_REASON_NONE;
	case CTL_ACTION_TERMINATE:
		/* The host has promised that all of these are over (spec 4.5). */
		if (is_live || is_updating(c, use) || use->nb_queries != 0)
			return CHIM_REASON_OVERLAP;
		return CHIM_REASON_NONE;
	default:
		return CHIM_REASON_NONE;
	}
}

void
ctl_use_mark(struct ctl_use *use, const struct ctl_op *op, enum ctl_action action)
{
	if (action == CTL_ACTION_UPDATE) {
		use->update_stamp = op->stamp;
		return;
	}
	use->stamp = op->stamp;
	use->op = (uint8_t)op->req.op;
}
