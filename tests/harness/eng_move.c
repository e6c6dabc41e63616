/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A connection out of the engine as plain state, and in again: see eng.h.
 */
#include "eng.h"
#include "eng_int.h"

void
eng_export(struct eng *e, struct eng_state *s)
{
	*s = (struct eng_state){ 0 };
	chim_tcp_query(e->c, &s->k, &s->cached, NULL, &e->env);
	e->out.nb = 0;
	e->out.room = CHIM_DIM(e->burst);
	assert_int_equal(
		chim_tcp_terminate(e->c, NULL, &s->d, &s->chain, &e->env), CHIM_STATUS_SUCCESS);
	s->buffered = s->d.buffered_data;
	eng_turn(e);
}

void
eng_empty(struct eng *e)
{
	struct chim_conn_head *head = chim_tcp_head(e->c);

	chim_tcp_release(e->c, &e->env);
	*head = (struct chim_conn_head){
		.handle = head->handle,
		.is_ip6 = head->is_ip6,
		.wheel.slot = CHIM_WHEEL_NONE,
	};
}

enum chim_reason
eng_import_state(struct eng *e, struct eng_state *s)
{
	const struct chim_tcp_import in = {
		.tcp_const = &s->k,
		.cached = &s->cached,
		.delegated = &s->d,
		.send_chain = s->chain,
		.path_mtu = e->tmpl.mtu,
	};
	struct chim_io taken = { .m = s->buffered };
	enum chim_reason why;

	if (chim_tcp_import(e->c, &in, &e->env, &why) == CHIM_STATUS_SUCCESS)
		assert_int_equal(why, CHIM_REASON_NONE);
	else
		assert_int_not_equal(why, CHIM_REASON_NONE);
	eng_drop_io(&taken);
	s->buffered = NULL;
	return why;
}
