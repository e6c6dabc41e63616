/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Messages to workers. A message is taken when there is one for every worker
 * (a step of an operation sends at most that many), queued for its worker, and
 * put into the mailbox at the end of the turn or when the mailbox has room
 * again: a full mailbox delays, it loses nothing. Order to one worker is the
 * order of ctl_mail_send(), which the removal of an object and the reuse of its
 * index rely on.
 */
#include <string.h>

#include <rte_mempool.h>

#include "chim_poison.h"
#include "ctl_internal.h"

#define PUT_BURST 32u

bool
ctl_mail_has_room(const struct chim_ctl *c)
{
	return c->nb_free_messages >= c->cfg.nb_workers;
}

/* Never NULL: the step that needs it has asked ctl_mail_has_room(). */
struct chim_msg *
ctl_mail_new(struct chim_ctl *c, struct ctl_op *op, struct chim_block *b, enum chim_msg_op kind)
{
	struct chim_msg *m = NULL;
	void *obj = NULL;
	int rc = rte_mempool_get(c->messages, &obj);

	chim_assert(rc == 0);
	m = obj;
	chim_unpoison(m, sizeof(*m));
	c->nb_free_messages--;
	memset(m, 0, offsetof(struct chim_msg, tcp));
	m->op = op;
	m->block = b;
	m->cookie = op->req.cookie;
	m->kind = (uint16_t)kind;
	m->host = op->host;
	m->status = CHIM_STATUS_SUCCESS;
	return m;
}

void
ctl_mail_send(struct chim_ctl *c, uint32_t worker, struct chim_msg *m)
{
	struct ctl_outbox *box = &c->outbox[worker];

	m->worker = (uint8_t)worker;
	m->next = NULL;
	*box->end = m;
	box->end = &m->next;
	c->counters.messages++;
}

void
ctl_mail_free(struct chim_ctl *c, struct chim_msg *m)
{
	chim_poison(m, sizeof(*m));
	rte_mempool_put(c->messages, m);
	c->nb_free_messages++;
}

static uint32_t
flush(struct chim_ctl *c, uint32_t worker)
{
	struct ctl_outbox *box = &c->outbox[worker];
	void *burst[PUT_BURST];
	uint32_t total = 0;

	while (box->head != NULL) {
		struct chim_msg *m = box->head;
		uint32_t nb = 0;
		uint32_t put;

		for (; m != NULL && nb < PUT_BURST; m = m->next)
			burst[nb++] = m;
		put = chim_box_put(c->cfg.to_worker[worker], burst, nb);
		total += put;
		if (put < nb) {
			box->head = burst[put];
			c->counters.mailbox_full++;
			return total;
		}
		box->head = m;
	}
	box->end = &box->head;
	return total;
}

uint32_t
ctl_mail_flush(struct chim_ctl *c)
{
	uint32_t total = 0;

	for (uint32_t w = 0; w < c->cfg.nb_workers; w++)
		total += flush(c, w);
	return total;
}
