/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One turn of the control lcore: wishes, answers, new requests, a slice of
 * walking, mailboxes, completions, slots. Each part has a bound, so a turn
 * does; what did not fit is on a list and waits for the next.
 */
#include "chim_log.h"
#include "ctl_internal.h"

#define TAKE_REQUESTS 32u  /* from one host in one turn */
#define PUT_DONE      512u /* completions to one host in one turn */

static uint32_t
slot_state(const struct chim_ctl *c, uint32_t host)
{
	return atomic_load_explicit(&c->cfg.target->slot[host].state, memory_order_acquire);
}

/*
 * Paused: an initiate waits for the resume (spec 9). Waiting ones may not use up the records that
 * terminates need, or the hosts could not do what an upload-all asks for: beyond three quarters
 * they are refused.
 */
static void
accept_initiate(struct chim_ctl *c, struct ctl_op *op)
{
	if (!c->is_paused) {
		ctl_op_queue(c, op);
	} else if (c->nb_paused < c->cfg.max_requests / 4 * 3) {
		STAILQ_INSERT_TAIL(&c->paused, op, next);
		c->nb_paused++;
	} else {
		op->fail_reason = CHIM_REASON_PAUSED;
		ctl_op_queue(c, op);
	}
}

static uint32_t
take_requests(struct chim_ctl *c, uint32_t host)
{
	struct chim_chan *ring = c->cfg.target->slot[host].requests;
	uint32_t taken;

	for (taken = 0; taken < TAKE_REQUESTS; taken++) {
		struct chim_request req;
		struct ctl_op *op;

		if (STAILQ_EMPTY(&c->free_ops)) {
			c->counters.no_record += chim_chan_count(ring) != 0;
			break;
		}
		if (chim_chan_take(ring, &req, 1) == 0)
			break;
		op = ctl_op_begin(c, host, &req);
		if (req.op == CHIM_OP_INITIATE)
			accept_initiate(c, op);
		else
			ctl_op_queue(c, op);
	}
	return taken;
}

/* A slice of walking, shared by the operations in turn: the one that used it up goes last. */
static uint32_t
run(struct chim_ctl *c)
{
	uint32_t budget = c->cfg.slice;

	while (budget > 0 && !STAILQ_EMPTY(&c->run)) {
		struct ctl_op *op = STAILQ_FIRST(&c->run);

		STAILQ_REMOVE_HEAD(&c->run, next);
		if (ctl_op_run(c, op, &budget))
			ctl_op_queue(c, op);
	}
	return c->cfg.slice - budget;
}

static uint32_t
complete(struct chim_ctl *c, uint32_t host)
{
	struct ctl_host *h = &c->host[host];
	uint32_t nb = 0;

	while (nb < PUT_DONE && !STAILQ_EMPTY(&h->done)) {
		if (!ctl_op_complete(c, STAILQ_FIRST(&h->done)))
			break;
		nb++;
	}
	return nb;
}

/* Its host has left: the slot is free when nothing of it is left here. */
static void
try_free_slot(struct chim_ctl *c, uint32_t host)
{
	struct chim_slot *s = &c->cfg.target->slot[host];
	uint32_t closing = CHIM_SLOT_CLOSING;

	if (c->host[host].nb_ops != 0 || c->host[host].nb_objects != 0 ||
		chim_chan_count(s->requests) != 0)
		return;
	/* Release: whoever claims it next finds the rings at rest. Fails when a host of the same
	 * name was quicker. */
	if (atomic_compare_exchange_strong_explicit(&s->state, &closing, CHIM_SLOT_FREE,
		    memory_order_release, memory_order_relaxed))
		CHIM_LOG(CTL, INFO, "slot %u is free", host);
}

static uint32_t
serve(struct chim_ctl *c, uint32_t host)
{
	uint32_t state = slot_state(c, host);
	uint32_t done;

	ctl_reply_events(c, host);
	if (state != CHIM_SLOT_OPEN && state != CHIM_SLOT_CLOSING)
		return 0;
	if (state == CHIM_SLOT_CLOSING)
		c->host[host].nb_adapter = 0;
	ctl_adapter_tell(c, host);
	done = complete(c, host);
	if (state == CHIM_SLOT_CLOSING)
		try_free_slot(c, host);
	return done;
}

uint32_t
chim_ctl_poll(struct chim_ctl *c, chim_us_t now)
{
	uint32_t nb_hosts = c->cfg.target->nb_hosts;
	uint32_t work;

	c->now = now;
	work = ctl_adapter_wishes(c);
	work += ctl_reply_poll(c);
	for (uint32_t i = 0; i < nb_hosts; i++) {
		uint32_t state = slot_state(c, i);

		if (state == CHIM_SLOT_OPEN || state == CHIM_SLOT_CLOSING)
			work += take_requests(c, i);
	}
	work += run(c);
	work += ctl_mail_flush(c);
	for (uint32_t i = 0; i < nb_hosts; i++)
		work += serve(c, i);
	c->counters.turns++;
	c->counters.busy_turns += work != 0;
	return work;
}
