/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Neighbor reachability (spec 8.1), with the times of this worker: NRT is set
 * by forward progress, HRT by the host; when both are older than the stale
 * time, a frame to be sent raises one question to the host through ctl.
 * Ages are differences modulo 2^32.
 */
#include "worker.h"

void
dp_reach_ask(struct chim_worker *w, uint32_t neighbor)
{
	struct dp_neighbor *n = &w->neighbors[neighbor];
	struct chim_msg *msg = w->event_reachability;
	chim_ticks_t now = dp_ticks(w);

	if (w->is_reachability_out || chim_box_room(w->to_ctl) <= w->owed)
		return;
	msg->kind = CHIM_MSG_EVENT_REACHABILITY;
	msg->worker = (uint8_t)w->id;
	msg->host = n->host;
	msg->status = CHIM_STATUS_SUCCESS;
	msg->reason = CHIM_REASON_NONE;
	memset(&msg->neighbor, 0, sizeof(msg->neighbor));
	msg->neighbor.index = neighbor;
	msg->neighbor.handle = n->handle;
	msg->neighbor.offload_handle = n->offload_handle;
	msg->neighbor.host = n->host;
	msg->neighbor.nic_reachability_delta = now - n->nrt;
	/* No second question before the answer, or before this one has grown stale itself. */
	n->hrt = now;
	w->is_reachability_out = true;
	chim_box_put(w->to_ctl, (void **)&msg, 1);
}

void
dp_reach_answer(struct chim_worker *w, chim_handle_t handle, chim_ticks_t delta)
{
	uint32_t index = chim_handle_index(handle);

	if (chim_handle_owner(handle) != CHIM_OWNER_NEIGHBOR || index >= w->max_neighbors)
		return;
	if (w->neighbors[index].is_present && w->neighbors[index].handle == handle)
		w->neighbors[index].hrt = dp_ticks(w) - delta;
}
