/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What tests expect of the engine: segments and ring entries in order, silence,
 * and at the end nothing left over.
 */
#include <stdlib.h>

#include <rte_malloc.h>

#include "eng.h"
#include "eng_int.h"

void
eng_ignore_out(struct eng *e)
{
	for (uint32_t i = 0; i < e->nb_out; i++)
		rte_pktmbuf_free(e->frame[i]);
	e->nb_out = 0;
	e->next_out = 0;
}

void
eng_expect_out(struct eng *e, const struct pkt *want, uint32_t nb, const char *file, int line)
{
	for (uint32_t i = 0; i < nb && i < e->nb_out; i++)
		pkt_compare(&e->pkt[i], &want[i], i, file, line);
	for (uint32_t i = nb; i < e->nb_out; i++)
		pkt_print("sent and not expected", &e->pkt[i]);
	for (uint32_t i = e->nb_out; i < nb; i++)
		pkt_print("expected and not sent", &want[i]);
	if (nb != e->nb_out)
		_fail(file, line);
	eng_ignore_out(e);
}

void
eng_expect_quiet(struct eng *e, uint32_t ms, const char *file, int line)
{
	eng_expect_out(e, NULL, 0, file, line);
	eng_run(e, ms);
	eng_expect_out(e, NULL, 0, file, line);
}

void
eng_drop_io(struct chim_io *io)
{
	struct rte_mbuf *m = io->m;

	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		chim_nbl(m)->next = NULL;
		rte_pktmbuf_free(m);
		m = next;
	}
	io->m = NULL;
}

void
eng_ignore_io(struct eng *e)
{
	for (uint32_t i = 0; i < e->nb_io; i++)
		eng_drop_io(&e->io[i]);
	e->nb_io = 0;
	e->next_io = 0;
}

struct chim_io *
eng_expect_io(struct eng *e, uint16_t op, const char *file, int line)
{
	struct chim_io *io = &e->io[e->next_io];

	if (e->next_io == e->nb_io) {
		print_error("told: nothing; expected: operation %u\n", op);
		_fail(file, line);
	}
	if (io->op != op) {
		print_error("told: operation %u event %u info %u; expected: operation %u\n", io->op,
			io->event, io->info, op);
		_fail(file, line);
	}
	e->next_io++;
	assert_int_equal(io->handle, chim_tcp_head(e->c)->handle);
	return io;
}

void
eng_expect_event(struct eng *e, uint32_t event, uint32_t info, const char *file, int line)
{
	struct chim_io *io = eng_expect_io(e, CHIM_IO_EVENT, file, line);

	_assert_int_equal(io->event, event, file, line);
	_assert_int_equal(io->info, info, file, line);
}

void
eng_expect_no_io(struct eng *e, const char *file, int line)
{
	if (e->next_io == e->nb_io)
		return;
	print_error("told and not expected: operation %u event %u info %u\n", e->io[e->next_io].op,
		e->io[e->next_io].event, e->io[e->next_io].info);
	_fail(file, line);
}

void
eng_check_bytes(struct rte_mbuf *m, uint32_t at)
{
	for (; m != NULL; m = m->next)
		for (uint32_t i = 0; i < m->data_len; i++, at++)
			if (*rte_pktmbuf_mtod_offset(m, uint8_t *, i) != pkt_byte(at))
				fail_msg("octet %u of what was received is wrong", at);
}

void
eng_expect_data(struct eng *e, uint32_t at, uint32_t len, const char *file, int line)
{
	struct chim_io *io = eng_expect_io(e, CHIM_IO_INDICATE, file, line);
	struct rte_mbuf *m = io->m;

	_assert_int_equal(io->bytes, len, file, line);
	_assert_int_equal(m->pkt_len, len, file, line);
	_assert_int_equal(chim_nbl(m)->room, len, file, line);
	assert_int_equal(chim_nbl(m)->cookie, chim_tcp_head(e->c)->handle);
	eng_check_bytes(m, at);
	io->m = NULL;
	eng_host_returns(e, m);
}

void
eng_free(struct eng *e)
{
	uint32_t in_use = e->in_use;
	chim_ms_t when;

	eng_ignore_out(e);
	eng_ignore_io(e);
	chim_tcp_release(e->c, &e->env);
	chim_row_flush(&e->row);
	assert_false(chim_tcp_deadline(e->c, &when));
	assert_int_equal(e->stats4.tcp_currently_established, 0);
	assert_int_equal(e->stats6.tcp_currently_established, 0);
	assert_int_equal(eng_in_use(), in_use);
	rte_free(e->c);
	free(e);
}

void
eng_finish(struct eng *e)
{
	expect_nothing(e);
	expect_no_io(e);
	eng_check(e);
	eng_free(e);
}
