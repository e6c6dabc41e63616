/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The hosts at the two ends of a pair, and moving a connection between slots.
 */
#include <stdlib.h>

#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "eng_int.h"
#include "pair.h"
#include "pair_int.h"

#define CHUNK	    3000u
#define OUTSTANDING (256u * 1024u)
#define REFERENCE   60000u /* of what it sends by reference */
#define BUFFER	    700u   /* octets of what a host sends in one mbuf */

/* The streams' hashes; the parts of a chain are hashed one by one. */
static uint32_t
crc_more(uint32_t crc, const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next)
		crc = rte_hash_crc(rte_pktmbuf_mtod(m, const void *), m->data_len, crc);
	return crc;
}

/* ---- acting ---- */

static void
send_some(struct pair *p, struct pair_end *end, uint64_t bytes)
{
	uint32_t chunk = p->opts.chunk != 0 ? p->opts.chunk : CHUNK;
	uint32_t most = p->opts.outstanding != 0 ? p->opts.outstanding : OUTSTANDING;

	while (end->sent < bytes && end->sent - end->acked < most) {
		uint32_t n = (uint32_t)RTE_MIN(chunk, bytes - end->sent);
		struct chim_io io = { .op = CHIM_IO_SEND };

		if (p->opts.refer != 0 && end->nb_sends++ % p->opts.refer == 0) {
			n = RTE_MIN(n, REFERENCE);
			io.m = eng_reference((uint32_t)end->sent, (uint16_t)n);
		} else {
			io.m = eng_chain((uint32_t)end->sent, n, BUFFER);
		}
		end->crc_sent = crc_more(end->crc_sent, io.m);
		eng_host_io(end->e, &io);
		end->sent += n;
	}
}

static void
return_some(struct pair *p, struct pair_end *end)
{
	while (end->next_held != end->nb_held) {
		struct pair_held *h = &end->held[end->next_held % CHIM_DIM(end->held)];

		if (h->at > p->now)
			return;
		eng_host_returns(end->e, h->m);
		end->next_held++;
	}
}

void
pair_host_act(struct pair *p, uint8_t i)
{
	struct pair_end *end = &p->end[i];

	send_some(p, end, p->opts.bytes[i]);
	return_some(p, end);
	if (end->sent == p->opts.bytes[i] && !end->has_closed && !p->opts.stays_open) {
		end->has_closed = true;
		eng_host_disconnects(end->e, CHIM_DISCONNECT_GRACEFUL, 0);
	}
}

chim_us_t
pair_host_next(const struct pair *p, uint8_t i)
{
	const struct pair_end *end = &p->end[i];

	if (end->next_held == end->nb_held)
		return UINT64_MAX;
	return end->held[end->next_held % CHIM_DIM(end->held)].at;
}

/* ---- hearing ---- */

static void
hear_data(struct pair *p, struct pair_end *end, struct chim_io *io)
{
	eng_check_bytes(io->m, (uint32_t)end->got);
	end->crc_got = crc_more(end->crc_got, io->m);
	end->got += io->m->pkt_len;
	assert_true(end->nb_held - end->next_held < CHIM_DIM(end->held));
	end->held[end->nb_held++ % CHIM_DIM(end->held)] =
		(struct pair_held){ p->now + (chim_us_t)p->opts.hold_data_ms * CHIM_US_PER_MS,
			io->m };
	io->m = NULL;
}

static void
hear_requests(struct pair_end *end, struct chim_io *io)
{
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, io->m) {
		eng_check_bytes(m, (uint32_t)end->got);
		end->crc_got = crc_more(end->crc_got, m);
		end->got += m->pkt_len;
		end->nb_posted--;
	}
}

static void
hear_event(struct pair_end *end, const struct chim_io *io)
{
	if (io->event == CHIM_EVENT_DISCONNECT)
		end->has_eof = true;
	else if (io->event == CHIM_EVENT_TIME_WAIT)
		end->is_over = true;
	else if (io->event == CHIM_EVENT_ABORT || io->event == CHIM_EVENT_RETRIEVE)
		end->is_aborted = true;
}

static void
hear(struct pair *p, struct pair_end *end, struct chim_io *io)
{
	struct rte_mbuf *m;

	switch (io->op) {
	case CHIM_IO_SEND_DONE:
		CHIM_NBL_FOREACH (m, io->m)
			end->acked += chim_nbl(m)->bytes;
		break;
	case CHIM_IO_DISCONNECT_DONE:
		end->is_close_done = io->status == CHIM_STATUS_SUCCESS;
		break;
	case CHIM_IO_INDICATE:
		hear_data(p, end, io);
		break;
	case CHIM_IO_RECEIVE_DONE:
		hear_requests(end, io);
		break;
	default:
		hear_event(end, io);
		break;
	}
}

void
pair_host_hear_last(struct pair *p, uint8_t i)
{
	struct pair_end *end = &p->end[i];

	for (uint32_t k = 0; k < end->e->nb_io; k++)
		hear(p, end, &end->e->io[k]);
	eng_ignore_io(end->e);
}

void
pair_host_hear(struct pair *p, uint8_t i)
{
	struct pair_end *end = &p->end[i];

	pair_host_hear_last(p, i);
	return_some(p, end);
	while (p->opts.post != 0 && !end->has_eof && end->nb_posted < 2) {
		eng_host_posts(end->e, p->opts.post, 0);
		end->nb_posted++;
	}
}

bool
pair_host_is_done(const struct pair *p)
{
	bool is_done = true;

	for (uint8_t i = 0; i < 2; i++) {
		const struct pair_end *end = &p->end[i];

		is_done =
			is_done && end->got == p->opts.bytes[!i] && end->acked == p->opts.bytes[i];
		if (!p->opts.stays_open)
			is_done = is_done && end->is_close_done && end->has_eof && end->is_over;
	}
	return is_done;
}

/* ---- the end, and moving ---- */

void
pair_host_free(struct pair_end *end)
{
	for (; end->next_held != end->nb_held; end->next_held++)
		rte_pktmbuf_free(end->held[end->next_held % CHIM_DIM(end->held)].m);
}

void
pair_host_release(struct pair *p)
{
	for (uint8_t i = 0; i < 2; i++) {
		struct eng *e = p->end[i].e;

		eng_ignore_out(e);
		eng_ignore_io(e);
		chim_tcp_release(e->c, &e->env);
		chim_row_flush(&e->row);
		assert_int_equal(e->stats4.tcp_currently_established, 0);
		assert_int_equal(e->stats6.tcp_currently_established, 0);
		rte_free(e->c);
		free(e);
	}
}

static bool
can_move(const struct chim_tcp_view *v)
{
	return v->state != CHIM_TCP_CLOSED && v->state != CHIM_TCP_TIME_WAIT;
}

/* What the export did not complete is the host's to ask for again. */
static void
note_move(struct pair_end *end, const struct eng_state *s)
{
	bool has_fin = s->d.state != CHIM_TCP_ESTABLISHED && s->d.state != CHIM_TCP_CLOSE_WAIT;

	if (s->chain != NULL)
		end->acked += chim_nbl(s->chain)->bytes;
	end->has_closed = has_fin;
	end->is_close_done = has_fin;
}

bool
pair_move(struct pair *p, uint8_t i)
{
	struct eng *e = p->end[i].e;
	struct chim_tcp_view v = eng_view(e);
	struct eng_state s;

	if (!can_move(&v))
		return false;
	eng_export(e, &s);
	pair_host_hear_last(p, i);
	note_move(&p->end[i], &s);
	eng_empty(e);
	assert_int_equal(eng_import_state(e, &s), CHIM_REASON_NONE);
	p->end[i].nb_moves++;
	return true;
}
