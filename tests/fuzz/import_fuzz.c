/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Fuzz target: state that a host hands over. A plausible state is spoiled in
 * places of the input's choice; the engine refuses it and takes nothing, or it
 * has a connection whose invariants hold, that lives with a peer and a host
 * that do anything (tests/harness/monkey.h), and can be given back and taken
 * again.
 */
#include "eng_int.h"
#include "fuzz.h"
#include "monkey.h"

#define SPOILED_MAX 16u
#define STEPS_MAX   200u

/* Values at which things turn, and any other. */
static uint32_t
any_value(struct pick *p)
{
	static const uint32_t edges[] = { 0, 1, 2, UINT8_MAX, UINT16_MAX, UINT16_MAX + 1, INT32_MAX,
		(uint32_t)INT32_MAX + 1, UINT32_MAX - 1, UINT32_MAX };

	switch (pick_below(p, 4)) {
	case 0:
		return edges[pick_below(p, CHIM_DIM(edges))];
	case 1:
		return pick_below(p, 1u << 16);
	default:
		return pick_word(p);
	}
}

/* Write over 1, 2 or 4 bytes of one of the structures, but for its pointers. */
static void
spoil_state(struct eng_state *s, struct pick *p)
{
	struct {
		uint8_t *at;
		size_t len;
	} part[] = {
		{ (uint8_t *)&s->k, sizeof(s->k) },
		{ (uint8_t *)&s->cached, sizeof(s->cached) },
		{ (uint8_t *)&s->d, offsetof(struct chim_tcp_delegated, send_data_head) },
	};
	uint32_t which = pick_below(p, CHIM_DIM(part));
	size_t width = (size_t)1 << pick_below(p, 3);
	uint32_t value = any_value(p);
	size_t at = pick_below(p, (uint32_t)(part[which].len / width)) * width;

	memcpy(part[which].at + at, &value, width);
}

/* Make a buffer list say what is not so. */
static void
spoil_chain(struct rte_mbuf *m, struct pick *p)
{
	if (m == NULL)
		return;
	switch (pick_below(p, 4)) {
	case 0:
		m->pkt_len = any_value(p);
		break;
	case 1:
		m->nb_segs = (uint16_t)any_value(p);
		break;
	case 2:
		m->data_len = (uint16_t)any_value(p);
		break;
	default:
		chim_nbl(m)->next = m;
	}
}

struct shape {
	uint32_t pkt_len;
	uint16_t nb_segs, data_len;
};

static struct shape
shape_of(const struct rte_mbuf *m)
{
	return m == NULL ? (struct shape){ 0 }
			 : (struct shape){ m->pkt_len, m->nb_segs, m->data_len };
}

static void
free_shaped(struct rte_mbuf *m, const struct shape *shape)
{
	if (m == NULL)
		return;
	m->pkt_len = shape->pkt_len;
	m->nb_segs = shape->nb_segs;
	m->data_len = shape->data_len;
	rte_pktmbuf_free(m);
}

static struct eng *
any_engine(struct pick *p)
{
	static const uint32_t rates[] = { 1000, 100, 10 };
	struct eng *e = eng_blank(&(struct eng_opts){
		.state = CHIM_TCP_ESTABLISHED + pick_below(p, 6),
		.mss = 100 + pick_below(p, 8000),
		.has_ts = pick_below(p, 2),
		.no_sack = pick_below(p, 2),
		.has_ecn = pick_below(p, 2),
		.is_attached = pick_below(p, 2),
		.is_ip6 = pick_below(p, 2),
		.algorithm = 1 + pick_below(p, 3),
		.snd_wscale = (uint8_t)pick_below(p, 15),
		.rcv_wscale = (uint8_t)pick_below(p, 15),
		.is_window_closed = pick_below(p, 8) == 0,
		.unacked = pick_below(p, 9000),
		.to_resend = pick_below(p, 2) * pick_below(p, 9000),
		.unsent = pick_below(p, 2) * pick_below(p, 9000),
		.buffered = pick_below(p, 2) * pick_below(p, 9000),
	});

	e->cfg.ticks_per_second = rates[pick_below(p, CHIM_DIM(rates))];
	e->tmpl.mtu = (uint16_t)((e->opts.is_ip6 ? 1280 : 68) + pick_below(p, 7700));
	return e;
}

/* What the harness knows of a connection, said again by its state. */
static void
learn(struct eng *e, const struct eng_state *s)
{
	bool is_scaled = (s->k.flags & CHIM_TCP_WINDOW_SCALING_ENABLED) != 0;
	bool has_fin = s->d.state == CHIM_TCP_CLOSE_WAIT || s->d.state == CHIM_TCP_CLOSING ||
		s->d.state == CHIM_TCP_LAST_ACK;

	e->iss = s->d.snd_una;
	e->irs = s->d.rcv_nxt - has_fin;
	e->opts.has_ts = (s->k.flags & CHIM_TCP_TIMESTAMP_ENABLED) != 0;
	e->opts.snd_wscale = is_scaled ? s->k.snd_wind_scale : 0;
	e->opts.rcv_wscale = is_scaled ? s->k.rcv_wind_scale : 0;
}

void
fuzz_import(const uint8_t *data, size_t size)
{
	struct pick pick = pick_by_bytes(data, size);
	struct eng *e = any_engine(&pick);
	uint32_t nb = pick_below(&pick, SPOILED_MAX);
	struct eng_state s;
	enum chim_reason why;

	eng_state_of(e, &s);
	const struct shape chain = shape_of(s.chain), buffered = shape_of(s.buffered);

	while (nb-- != 0)
		spoil_state(&s, &pick);
	if (pick_below(&pick, 8) == 1)
		spoil_chain(pick_below(&pick, 2) ? s.chain : s.buffered, &pick);
	const struct chim_tcp_import in = { &s.k, &s.cached, &s.d, s.chain, e->tmpl.mtu };
	enum chim_status status = chim_tcp_import(e->c, &in, &e->env, &why);

	fuzz_expect((status == CHIM_STATUS_SUCCESS) == (why == CHIM_REASON_NONE));
	free_shaped(s.buffered, &buffered);
	if (status != CHIM_STATUS_SUCCESS) {
		free_shaped(s.chain, &chain);
		eng_finish(e);
		return;
	}
	learn(e, &s);
	eng_turn(e);
	monkey_live_with(e, &pick, STEPS_MAX);
}
