/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See monkey.h. What may happen in a step is the list in step(); the monkey
 * keeps count of what the engine has of the host's.
 */
#include <string.h>

#include "eng_int.h"
#include "monkey.h"
#include "pools.h"

static uint32_t
any(struct monkey *k, uint32_t n)
{
	return pick_below(k->pick, n);
}

/* ---- the peer ---- */

/* Mostly near where the connection is, sometimes anywhere. */
static uint32_t
near(struct monkey *k, uint32_t at)
{
	switch (any(k, 8)) {
	case 0:
		return pick_word(k->pick);
	case 1:
		return at - any(k, 3000);
	case 2:
		return at + any(k, 100000);
	case 3:
		return at + any(k, 3000);
	default:
		return at;
	}
}

static void
any_segment(struct monkey *k)
{
	static const uint8_t rare[] = { CHIM_FIN, CHIM_RST, CHIM_SYN, CHIM_URG, CHIM_ECE,
		CHIM_CWR };
	struct chim_tcp_view v = eng_view(k->e);
	struct pkt p = {
		.seq = near(k, v.rcv_nxt - k->e->irs),
		.ack = near(k, any(k, 2) ? v.snd_max - k->e->iss : v.snd_una - k->e->iss),
		.len = any(k, 3) ? any(k, 1400) : 0,
		.psh = any(k, 2),
		.has_wnd = true,
		.wnd = any(k, 4) ? 60000 : any(k, 2) * any(k, 3000),
		.has_ts = k->e->opts.has_ts && any(k, 20) != 0,
		.tsval = any(k, 10) ? 1000 : pick_word(k->pick),
		.tsecr = any(k, 8) ? any(k, 1000) : pick_word(k->pick),
		.is_ce = any(k, 10) == 0,
		.no_ack = any(k, 100) == 0,
		.nb_sack = any(k, 4),
	};

	if (any(k, 60) == 0)
		p.flags = rare[any(k, CHIM_DIM(rare))];
	for (uint8_t i = 0; i < p.nb_sack; i++) {
		p.sack[i].start = near(k, p.ack);
		p.sack[i].end = p.sack[i].start + any(k, 4000);
	}
	inject(k->e, p);
}

/* ---- the host ---- */

/* What the engine told: lent data is right and kept, requests are counted off. */
static void
hear(struct monkey *k)
{
	struct eng *e = k->e;
	struct rte_mbuf *m;

	for (; e->next_io < e->nb_io; e->next_io++) {
		struct chim_io *io = &e->io[e->next_io];

		CHIM_NBL_FOREACH (m, io->m) {
			k->nb_chains -=
				io->op == CHIM_IO_SEND_DONE || io->op == CHIM_IO_DISCONNECT_DONE;
			k->nb_requests -= io->op == CHIM_IO_RECEIVE_DONE;
			if (io->op == CHIM_IO_RECEIVE_DONE && m->pkt_len != 0)
				k->nb_overtaken = k->nb_lent;
		}
		k->nb_disconnects -= io->op == CHIM_IO_DISCONNECT_DONE;
		if (io->op == CHIM_IO_DISCONNECT_DONE && k->is_leaving) {
			k->rest = io->m;
			io->m = NULL;
		}
		if (io->op != CHIM_IO_INDICATE)
			continue;
		/* lent data says which octet it begins with */
		if (!k->is_faithless)
			eng_check_bytes(io->m, chim_nbl(io->m)->bytes - e->irs);
		if (k->nb_lent == CHIM_DIM(k->lent))
			continue;
		k->lent[k->nb_lent++] = io->m;
		io->m = NULL;
	}
	eng_ignore_io(e);
	eng_ignore_out(e);
}

static void
refuse(struct monkey *k)
{
	struct chim_io io = {
		.op = CHIM_IO_REFUSE,
		.m = k->lent[--k->nb_lent],
		.bytes = any(k, 2) * any(k, 2000),
	};

	k->is_faithless |= io.bytes != 0 && k->nb_lent != 0;
	k->is_faithless |= k->nb_requests != 0 || k->nb_overtaken > k->nb_lent;
	eng_host_io(k->e, &io);
}

/*
 * Take the first indication, or refuse the last: what is refused must come before what is taken.
 * A host that does not care breaks nothing but its own stream.
 */
static void
give_back(struct monkey *k)
{
	if (k->nb_lent == 0)
		return;
	if (any(k, 3) == 0 && (k->nb_requests == 0 || any(k, 16) == 0)) {
		refuse(k);
		return;
	}
	bool is_first = any(k, 32) != 0;
	struct rte_mbuf *m = k->lent[is_first ? 0 : k->nb_lent - 1];

	k->nb_lent--;
	k->is_faithless |= !is_first && k->nb_lent != 0;
	k->nb_overtaken -= is_first && k->nb_overtaken != 0;
	if (is_first)
		memmove(k->lent, k->lent + 1, k->nb_lent * sizeof(k->lent[0]));
	eng_host_returns(k->e, m);
}

static void
disconnect(struct monkey *k)
{
	static const uint16_t how[] = { CHIM_DISCONNECT_GRACEFUL, CHIM_DISCONNECT_ABORTIVE,
		CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE };
	uint32_t bytes = any(k, 2) * any(k, 3000);

	k->nb_disconnects++;
	k->nb_chains += bytes != 0;
	eng_host_disconnects(k->e, how[any(k, CHIM_DIM(how))], bytes);
}

static void
any_host_act(struct monkey *k)
{
	uint32_t what = any(k, 200);

	if (what < 90) {
		k->nb_chains++;
		eng_host_sends(k->e, any(k, 5000));
	} else if (what < 130) {
		k->nb_requests++;
		eng_host_posts(k->e, any(k, 4000), any(k, 2));
	} else if (what < 197) {
		give_back(k);
	} else {
		disconnect(k);
	}
}

static void
any_update(struct monkey *k)
{
	struct chim_tcp_cached cached = eng_cached(k->e);

	cached.flags = any(k, 32);
	cached.initial_rcv_wnd = any(k, 100000);
	cached.ka_timeout = any(k, 100000);
	cached.ka_interval = any(k, 2) * any(k, 10000);
	cached.ka_probe_count = any(k, 5);
	cached.max_rt = any(k, 4) ? any(k, 2) * any(k, 100000) : CHIM_TICKS_NONE;
	cached.rcv_indication_size = any(k, 2) * any(k, 5000);
	eng_update(k->e, &cached, 0);
	eng_turn(k->e);
}

/* ---- the world ---- */

/* The path's MTU changes, or a router says that it is too large. */
static void
any_path_news(struct monkey *k)
{
	struct eng *e = k->e;
	struct chim_tcp_view v = eng_view(e);
	const struct chim_icmp_quote quote = {
		.seq = near(k, v.snd_una - e->iss) + e->iss,
		.mtu = any(k, 3) * any(k, 1600),
		.quoted_len = (uint16_t)pick_below(k->pick, 1600),
		.type = 3,
		.code = (uint8_t)any(k, 16),
	};

	if (any(k, 2))
		chim_tcp_path_changed(e->c, 68 + any(k, 1432), &e->env);
	else
		chim_tcp_icmp(e->c, &quote, &e->env);
	eng_turn(e);
}

/* What others have taken out of a pool. */
struct taken {
	struct rte_mempool *pool;
	uint32_t nb;
	void *obj[16384];
};

static void
take_all(struct taken *t, struct rte_mempool *pool, bool is_wanted)
{
	t->pool = pool;
	t->nb = is_wanted && pool != NULL ? rte_mempool_avail_count(pool) : 0;
	if (t->nb != 0)
		assert_int_equal(rte_mempool_get_bulk(pool, t->obj, t->nb), 0);
}

/* Some pools have nothing left while one thing happens. */
static void
in_a_drought(struct monkey *k, void (*act)(struct monkey *))
{
	static struct rte_mempool *dry;
	static struct taken taken[4];
	struct chim_tcp_env *env = &k->e->env;
	struct rte_mempool *pool = env->pool;
	uint32_t which = any(k, 32);

	if (dry == NULL) {
		dry = pools_mbufs("monkey_dry", 1);
		assert_non_null(rte_pktmbuf_alloc(dry));
	}
	/* the peer and the host have buffers */
	env->pool = which & 1 ? dry : pool;
	take_all(&taken[0], env->sent_pool, which & 2);
	take_all(&taken[1], env->flight_pool, which & 4);
	take_all(&taken[2], env->clone_pool, which & 8);
	take_all(&taken[3], env->queues_pool, which & 16);
	act(k);
	env->pool = pool;
	for (uint32_t i = 0; i < CHIM_DIM(taken); i++)
		if (taken[i].nb != 0)
			rte_mempool_put_bulk(taken[i].pool, taken[i].obj, taken[i].nb);
	/* whoever looks after the pools asks again */
	chim_tcp_head(k->e->c)->todo |= CHIM_TODO_OUTPUT;
	eng_turn(k->e);
}

static void
some_time(struct monkey *k)
{
	switch (any(k, 8)) {
	case 0:
		eng_run(k->e, any(k, 3000));
		break;
	case 1:
		eng_run(k->e, any(k, 200000));
		break;
	default:
		eng_run(k->e, any(k, 50));
	}
}

/* The host takes the connection back. What it was lent it need not return any more. */
static void export(struct monkey *k, struct eng_state *s)
{
	struct rte_mbuf *m;
	uint32_t nb = 0;

	k->is_leaving = true;
	eng_export(k->e, s);
	hear(k);
	k->is_leaving = false;
	while (k->nb_lent != 0)
		rte_pktmbuf_free(k->lent[--k->nb_lent]);
	k->nb_overtaken = 0;
	CHIM_NBL_FOREACH (m, s->chain)
		nb++;
	if (k->nb_chains != nb || k->nb_requests + k->nb_disconnects != 0)
		fail_msg("%d chains, %u requests, %u disconnects were never answered",
			(int)(k->nb_chains - nb), k->nb_requests, k->nb_disconnects);
}

/* Behind what was sent comes what a disconnect that did not complete had to send. */
static void
add_rest(struct monkey *k, struct eng_state *s)
{
	struct rte_mbuf **end = &s->chain;

	while (*end != NULL)
		end = &chim_nbl(*end)->next;
	*end = k->rest;
	k->nb_chains += k->rest != NULL;
	k->rest = NULL;
}

/* What was given back can be given again, whatever happened before. */
static void
move(struct monkey *k)
{
	struct eng *e = k->e;
	struct eng_state s;
	struct rte_mbuf *m;

	if (eng_view(e).state == CHIM_TCP_CLOSED || eng_view(e).state == CHIM_TCP_TIME_WAIT)
		return;
	export(k, &s);
	struct chim_io kept = { .m = chim_tcp_take_kept(e->c) };

	eng_drop_io(&kept);
	add_rest(k, &s);
	e->sent_by_host = s.d.snd_una - e->iss;
	CHIM_NBL_FOREACH (m, s.chain)
		e->sent_by_host += m->pkt_len;
	eng_empty(e);
	enum chim_reason why = eng_import_state(e, &s);

	if (why != CHIM_REASON_NONE)
		fail_msg("reason %u to refuse state %u una %u nxt +%u max +%u, %u to send", why,
			s.d.state, s.d.snd_una - e->iss, s.d.snd_nxt - s.d.snd_una,
			s.d.snd_max - s.d.snd_una, e->sent_by_host - (s.d.snd_una - e->iss));
	k->nb_moves++;
	eng_turn(e);
}

static void
step(struct monkey *k)
{
	static void (*const acts[])(struct monkey *) = { any_segment, any_host_act, some_time };
	uint32_t what = any(k, 100);

	k->e->burst_room = any(k, 10) ? CHIM_DIM(k->e->burst) : any(k, 3);
	if (what < 48)
		any_segment(k);
	else if (what < 83)
		any_host_act(k);
	else if (what < 92)
		some_time(k);
	else if (what < 95)
		in_a_drought(k, acts[any(k, CHIM_DIM(acts))]);
	else if (what < 97)
		any_path_news(k);
	else if (what < 99)
		any_update(k);
	else
		move(k);
	hear(k);
}

static void
finish(struct monkey *k)
{
	struct eng_state s;

	export(k, &s);
	add_rest(k, &s);
	struct chim_io back = { .m = s.chain };

	eng_drop_io(&back);
	back.m = s.buffered;
	eng_drop_io(&back);
	back.m = chim_tcp_take_kept(k->e->c);
	eng_drop_io(&back);
	eng_finish(k->e);
}

uint32_t
monkey_live_with(struct eng *e, struct pick *pick, uint32_t steps)
{
	struct monkey k = { .e = e, .pick = pick, .nb_chains = e->sent_by_host != 0 };

	while (steps-- != 0 && !pick_is_over(pick))
		step(&k);
	finish(&k);
	return k.nb_moves;
}

uint32_t
monkey_live(struct pick *pick, uint32_t steps)
{
	struct eng *e = eng_new(&(struct eng_opts){
		.mss = 200 + pick_below(pick, 1200),
		.has_ts = pick_below(pick, 2),
		.no_sack = pick_below(pick, 3) == 0,
		.has_ecn = pick_below(pick, 2),
		.has_nagle = pick_below(pick, 2),
		.is_attached = pick_below(pick, 2),
		.is_ip6 = pick_below(pick, 4) == 0,
		.algorithm = 1 + pick_below(pick, 3),
		.rcv_wnd = 1000 + pick_below(pick, 59000),
		.unacked = pick_below(pick, 3000),
		.unsent = pick_below(pick, 3000),
		.buffered = pick_below(pick, 2) * pick_below(pick, 900),
		.cached_flags = pick_below(pick, 2) * CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 5000,
	});

	return monkey_live_with(e, pick, steps);
}
