/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 5: frames in transit (doc/handover.md). A hold keeps what the wire
 * brings for a flow, in order, until it is released, turned into a connection,
 * or runs out: by its deadline, or by its bound of bytes.
 *
 * Ending takes the time that the exception port needs: the kept frames drain
 * in order, and newer ones of the flow queue behind them. A hold that ran out
 * is remembered for a while, so that an initiate or a release that comes too
 * late is told so, and ctl gets an event.
 */
#include "chim_seq.h"
#include "worker.h"

struct dp_hold *
dp_hold_add(struct chim_worker *w, const union chim_key *key, bool is_ip6, uint16_t port_number)
{
	uint32_t index = chim_slab_take(w->holds);
	struct dp_hold *hold;
	int rc;

	if (index == CHIM_SLAB_NONE)
		return NULL;
	hold = chim_slab_at(w->holds, index);
	memset(hold, 0, sizeof(*hold));
	hold->key = *key;
	hold->is_ip6 = is_ip6;
	hold->port_number = port_number;
	hold->index = index;
	chim_wheel_link_init(&hold->wheel);
	if (chim_flow_find(w->flow, key, is_ip6) != NULL)
		rc = chim_flow_set(w->flow, key, is_ip6, dp_hold_flow(hold));
	else
		rc = chim_flow_add(w->flow, key, is_ip6, dp_hold_flow(hold));
	if (rc != 0) {
		chim_slab_put(w->holds, index);
		return NULL;
	}
	w->counters.holds++;
	return hold;
}

static void
arm(struct chim_worker *w, struct dp_hold *hold, uint32_t ms)
{
	hold->deadline = (chim_ms_t)w->env.now_ms + ms;
	chim_wheel_arm(&w->hold_wheel, hold->index, hold->deadline);
}

static void
leave_lists(struct chim_worker *w, struct dp_hold *hold)
{
	if (hold->state == DP_HOLD_DRAINING)
		TAILQ_REMOVE(&w->draining, hold, draining);
	if (hold->is_untold)
		TAILQ_REMOVE(&w->untold, hold, untold);
	hold->state = DP_HOLD_ACTIVE;
	hold->is_untold = 0;
}

void
dp_hold_start(struct chim_worker *w, struct dp_hold *hold, const struct chim_hold_limits *limits)
{
	uint32_t kept = hold->record.kept;

	leave_lists(w, hold);
	hold->reason = CHIM_REASON_NONE;
	hold->is_sealed = 0;
	hold->max_bytes = limits->max_bytes != 0 ? limits->max_bytes : CHIM_HOLD_BYTES;
	memset(&hold->record, 0, sizeof(hold->record));
	hold->record.kept = kept;
	chim_trace_hold(w->id, hold->index, limits->deadline_ms);
	arm(w, hold, limits->deadline_ms != 0 ? limits->deadline_ms : CHIM_HOLD_DEADLINE_MS);
}

void
dp_hold_free(struct chim_worker *w, struct dp_hold *hold)
{
	struct rte_mbuf *m;

	dp_seal_answer(w, hold, CHIM_STATUS_FAILURE, CHIM_REASON_NO_HOLD);
	leave_lists(w, hold);
	while ((m = dp_hold_pop(w, hold)) != NULL)
		chim_row_put(&w->row, m);
	chim_wheel_cancel(&w->hold_wheel, hold->index);
	chim_slab_put(w->holds, hold->index);
}

/* An empty hold that has ended goes, unless somebody still has to learn why it ended. */
static void
settle(struct chim_worker *w, struct dp_hold *hold)
{
	bool is_remembered = hold->is_asked && hold->reason != CHIM_REASON_NONE;

	if (hold->head != NULL || hold->state == DP_HOLD_ACTIVE)
		return;
	if (!is_remembered && !hold->is_untold) {
		chim_flow_remove(w->flow, &hold->key, hold->is_ip6);
		dp_hold_free(w, hold);
		return;
	}
	if (hold->state == DP_HOLD_DRAINING) {
		TAILQ_REMOVE(&w->draining, hold, draining);
		hold->state = DP_HOLD_OVER;
		arm(w, hold, DP_HOLD_LINGER_MS);
	}
}

void
dp_hold_forget(struct chim_worker *w, struct dp_hold *hold)
{
	if (hold->is_untold)
		TAILQ_REMOVE(&w->untold, hold, untold);
	hold->is_untold = 0;
	hold->reason = CHIM_REASON_NONE;
	settle(w, hold);
}

void
dp_hold_end(struct chim_worker *w, struct dp_hold *hold, enum chim_reason reason)
{
	bool is_news = reason != CHIM_REASON_NONE && (hold->is_asked || hold->head != NULL);

	chim_assert(hold->state == DP_HOLD_ACTIVE);
	dp_seal_answer(w, hold, CHIM_STATUS_FAILURE,
		reason != CHIM_REASON_NONE ? reason : CHIM_REASON_NO_HOLD);
	chim_wheel_cancel(&w->hold_wheel, hold->index);
	chim_trace_hold_end(w->id, hold->index, reason);
	hold->reason = reason;
	hold->state = DP_HOLD_DRAINING;
	TAILQ_INSERT_TAIL(&w->draining, hold, draining);
	if (reason != CHIM_REASON_NONE)
		w->counters.holds_ended++;
	/* A hold that only a terminate made, and that kept nothing, is nobody's news. */
	if (is_news) {
		hold->is_untold = 1;
		TAILQ_INSERT_TAIL(&w->untold, hold, untold);
	}
}

static uint32_t
cost_of(const struct rte_mbuf *m)
{
	return RTE_MAX(rte_pktmbuf_pkt_len(m), DP_HOLD_FRAME_BYTES);
}

void
dp_hold_append(struct chim_worker *w, struct dp_hold *hold, struct rte_mbuf *m)
{
	chim_nbl(m)->next = NULL;
	if (hold->head == NULL)
		hold->head = m;
	else
		chim_nbl(hold->tail)->next = m;
	hold->tail = m;
	hold->bytes += cost_of(m);
	w->hold_bytes += cost_of(m);
	hold->record.kept++;
}

struct rte_mbuf *
dp_hold_pop(struct chim_worker *w, struct dp_hold *hold)
{
	struct rte_mbuf *m = hold->head;

	if (m == NULL)
		return NULL;
	hold->head = chim_nbl(m)->next;
	chim_nbl(m)->next = NULL;
	hold->bytes -= cost_of(m);
	w->hold_bytes -= cost_of(m);
	hold->record.kept--;
	return m;
}

/*
 * Where all holds together have no room, the newest frames are lost, as they could be on the wire:
 * a hold that ended instead would hand a socket that is being taken apart what nobody reads.
 */
static bool
has_room(const struct chim_worker *w, const struct rte_mbuf *m)
{
	return w->hold_bytes + cost_of(m) <= w->max_hold_bytes &&
		w->env.buffers != CHIM_TCP_BUFFERS_LAST;
}

void
dp_hold_keep(
	struct chim_worker *w, struct dp_hold *hold, struct rte_mbuf *m, const struct chim_seg *seg)
{
	bool is_full = hold->bytes + cost_of(m) > hold->max_bytes;

	/* ICMP about the flow is not of the flow; and what has ended keeps nothing. */
	if (seg->why == CHIM_WHY_NOT_TCP || hold->state == DP_HOLD_OVER) {
		dp_punt(w, hold->port_number, m,
			seg->why == CHIM_WHY_NONE ? CHIM_WHY_MISS : seg->why);
		return;
	}
	/* The kernel has no connection yet that a terminate's frames could go to: better lost. */
	if (!has_room(w, m) || (is_full && (hold->state == DP_HOLD_DRAINING || !hold->is_asked))) {
		dp_drop(w, m, CHIM_WHY_HOLD_NO_ROOM);
		return;
	}
	if (is_full)
		dp_hold_end(w, hold, CHIM_REASON_HOLD_OVERFLOW);
	w->counters.why[CHIM_WHY_HELD]++;
	dp_hold_append(w, hold, m);
	hold->record.flags |= CHIM_RECORD_PEER;
	if ((seg->info & CHIM_SEG_TS) != 0) {
		hold->record.flags |= CHIM_RECORD_PEER_TS;
		hold->record.peer_tsval = seg->tsval;
	}
}

void
dp_hold_record(struct dp_hold *hold, const struct chim_seg *seg)
{
	struct chim_flow_record *r = &hold->record;
	uint32_t end = seg->seq + seg->len;

	/* What acknowledges nothing is not of an established connection. */
	if (seg->why != CHIM_WHY_NONE || (seg->flags & CHIM_ACK) == 0)
		return;
	end += (seg->flags & CHIM_SYN) != 0;
	end += (seg->flags & CHIM_FIN) != 0;
	/* Only what occupies sequence space tells how far it has sent: a pure ACK of a kernel
	 * socket that is being read out counts bytes that were marked as sent and never were. */
	if (end != seg->seq &&
		((r->flags & CHIM_RECORD_DATA) == 0 || chim_seq_gt(end, r->snd_max))) {
		r->flags |= CHIM_RECORD_DATA;
		r->snd_max = end;
	}
	r->flags |= CHIM_RECORD_SENT;
	r->rcv_nxt = seg->ack;
	r->wnd = seg->wnd;
	if ((seg->info & CHIM_SEG_TS) != 0) {
		r->flags |= CHIM_RECORD_TS;
		r->tsval = seg->tsval;
		r->tsecr = seg->tsecr;
	}
}

static uint32_t
expire(struct chim_worker *w)
{
	chim_ms_t now = (chim_ms_t)w->env.now_ms;
	uint32_t expired[DP_HOLDS];
	uint32_t nb = chim_wheel_advance(&w->hold_wheel, now, expired, DP_HOLDS);

	for (uint32_t i = 0; i < nb; i++) {
		struct dp_hold *hold = chim_slab_at(w->holds, expired[i]);

		if (!chim_ms_is_due(hold->deadline, now))
			chim_wheel_arm(&w->hold_wheel, hold->index, hold->deadline);
		else if (hold->state == DP_HOLD_ACTIVE)
			dp_hold_end(w, hold, CHIM_REASON_HOLD_EXPIRED);
		else
			dp_hold_forget(w, hold);
	}
	return nb;
}

static uint32_t
drain(struct chim_worker *w)
{
	struct dp_hold *next;
	uint32_t done = 0;

	for (struct dp_hold *hold = TAILQ_FIRST(&w->draining); hold != NULL; hold = next) {
		struct dp_port *p = &w->ports[hold->port_number];

		next = TAILQ_NEXT(hold, draining);
		while (hold->head != NULL && (!p->has_exception || dp_kernel_room(w, p, 1) != 0)) {
			dp_punt(w, hold->port_number, dp_hold_pop(w, hold), CHIM_WHY_RELEASED);
			done++;
		}
		settle(w, hold);
	}
	return done;
}

/* One event is on its way at a time; the holds wait their turn. */
static uint32_t
tell(struct chim_worker *w)
{
	struct dp_hold *hold = TAILQ_FIRST(&w->untold);
	struct chim_msg *msg = w->event_hold;

	if (hold == NULL || w->is_hold_out || chim_box_room(w->to_ctl) <= w->owed)
		return 0;
	msg->kind = CHIM_MSG_EVENT_HOLD_ENDED;
	msg->worker = (uint8_t)w->id;
	msg->host = hold->host;
	msg->status = CHIM_STATUS_FAILURE;
	msg->reason = hold->reason;
	chim_wire_tuple(&hold->key, hold->is_ip6, &msg->flow.tuple);
	msg->flow.record = hold->record;
	TAILQ_REMOVE(&w->untold, hold, untold);
	hold->is_untold = 0;
	w->is_hold_out = true;
	chim_box_put(w->to_ctl, (void **)&msg, 1);
	settle(w, hold);
	return 1;
}

void
dp_hold_event_back(struct chim_worker *w)
{
	w->is_hold_out = false;
}

uint32_t
dp_holds(struct chim_worker *w)
{
	uint32_t done = expire(w);

	done += drain(w);
	done += tell(w);
	return done;
}
