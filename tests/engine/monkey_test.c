/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A peer and a host that do anything in any order, by a seeded generator: the
 * engine's invariants hold after every step, every buffer comes back, and
 * every request is completed or returned.
 */
#include "eng.h"
#include "eng_int.h"
#include "pools.h"

struct monkey {
	struct eng *e;
	uint64_t random;
	uint32_t nb_sends, nb_requests, nb_disconnects; /* the engine has */
	struct rte_mbuf *lent[512];
	uint32_t nb_lent;
};

static uint32_t
any(struct monkey *k, uint32_t n)
{
	return pools_below(&k->random, n);
}

/* Mostly near where the connection is, sometimes anywhere. */
static uint32_t
near(struct monkey *k, uint32_t at)
{
	switch (any(k, 8)) {
	case 0:
		return pools_random(&k->random);
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
		.tsval = any(k, 10) ? 1000 : pools_random(&k->random),
		.tsecr = any(k, 1000),
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

/* What the engine told: lent data is kept, requests are counted off. */
static void
hear(struct monkey *k)
{
	struct eng *e = k->e;
	struct rte_mbuf *m;

	for (; e->next_io < e->nb_io; e->next_io++) {
		struct chim_io *io = &e->io[e->next_io];

		CHIM_NBL_FOREACH (m, io->m) {
			k->nb_sends -= io->op == CHIM_IO_SEND_DONE;
			k->nb_requests -= io->op == CHIM_IO_RECEIVE_DONE;
		}
		k->nb_disconnects -= io->op == CHIM_IO_DISCONNECT_DONE;
		if (io->op != CHIM_IO_INDICATE || k->nb_lent == CHIM_DIM(k->lent))
			continue;
		k->lent[k->nb_lent++] = io->m;
		io->m = NULL;
	}
	eng_ignore_io(e);
	eng_ignore_out(e);
}

/* Give the last indication back, refused, or any one, returned. */
static void
give_back(struct monkey *k)
{
	if (k->nb_lent == 0)
		return;
	struct rte_mbuf *m = k->lent[--k->nb_lent];

	if (any(k, 3) != 0) {
		eng_host_returns(k->e, m);
		return;
	}
	struct chim_io io = { .op = CHIM_IO_REFUSE, .m = m, .bytes = any(k, 2000) };

	eng_host_io(k->e, &io);
}

static void
any_host_act(struct monkey *k)
{
	static const uint16_t how[] = { CHIM_DISCONNECT_GRACEFUL, CHIM_DISCONNECT_ABORTIVE,
		CHIM_DISCONNECT_GRACEFUL | CHIM_DISCONNECT_FULL_CLOSE };
	uint32_t what = any(k, 200);

	if (what < 90) {
		k->nb_sends++;
		eng_host_sends(k->e, any(k, 5000));
	} else if (what < 130) {
		k->nb_requests++;
		eng_host_posts(k->e, any(k, 4000), any(k, 2));
	} else if (what < 197) {
		give_back(k);
	} else {
		k->nb_disconnects++;
		eng_host_disconnects(k->e, how[any(k, CHIM_DIM(how))], 0);
	}
}

static void
any_update(struct monkey *k)
{
	struct chim_tcp_cached cached;

	chim_tcp_query(k->e->c, NULL, &cached, NULL, &k->e->env);
	cached.flags = any(k, 32);
	cached.initial_rcv_wnd = any(k, 100000);
	cached.ka_timeout = any(k, 100000);
	cached.ka_probe_count = any(k, 5);
	chim_tcp_update(k->e->c, &cached, &k->e->env);
	if (any(k, 4) == 0)
		chim_tcp_path_changed(k->e->c, 300 + any(k, 1200), &k->e->env);
	eng_turn(k->e);
}

static void
step(struct monkey *k)
{
	uint32_t what = any(k, 100);

	k->e->burst_room = any(k, 10) ? CHIM_DIM(k->e->burst) : any(k, 3);
	if (what < 50)
		any_segment(k);
	else if (what < 85)
		any_host_act(k);
	else if (what < 98)
		eng_run(k->e, any(k, 2) ? any(k, 50) : any(k, 3000));
	else
		any_update(k);
	hear(k);
}

static void
run(uint64_t seed)
{
	struct monkey k = { .random = seed * 977 };
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;
	struct rte_mbuf *m;

	k.e = eng_new(&(struct eng_opts){
		.mss = 200 + any(&k, 1200),
		.has_ts = any(&k, 2),
		.no_sack = any(&k, 3) == 0,
		.has_ecn = any(&k, 2),
		.has_nagle = any(&k, 2),
		.is_attached = any(&k, 2),
		.algorithm = 1 + any(&k, 3),
		.rcv_wnd = 1000 + any(&k, 59000),
		.unacked = any(&k, 3000),
		.unsent = any(&k, 3000),
		.buffered = any(&k, 2) * any(&k, 900),
		.cached_flags = any(&k, 2) * CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 5000,
	});
	k.nb_sends = k.e->sent_by_host != 0;
	for (uint32_t i = 0; i < 400; i++)
		step(&k);
	bool wants_state = any(&k, 2) != 0;

	assert_int_equal(
		chim_tcp_terminate(k.e->c, NULL, wants_state ? &d : NULL, &chain, &k.e->env),
		CHIM_STATUS_SUCCESS);
	CHIM_NBL_FOREACH (m, chain)
		k.nb_sends--;
	struct chim_io back = { .m = chain };

	eng_drop_io(&back);
	if (wants_state) {
		back.m = d.buffered_data;
		eng_drop_io(&back);
	}
	eng_turn(k.e);
	hear(&k);
	if (k.nb_sends + k.nb_requests + k.nb_disconnects != 0)
		fail_msg("seed %lu: %u sends, %u requests, %u disconnects were never answered",
			seed, k.nb_sends, k.nb_requests, k.nb_disconnects);
	struct chim_io kept = { .m = chim_tcp_take_kept(k.e->c) };

	eng_drop_io(&kept);
	while (k.nb_lent != 0)
		rte_pktmbuf_free(k.lent[--k.nb_lent]);
	eng_finish(k.e);
}

static void
nothing_a_peer_or_a_host_does_breaks_it(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++)
		run(seed);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_a_peer_or_a_host_does_breaks_it),
};

CHIM_CMOCKA_SUITE(engine_monkey_autotest, tests, NULL, NULL)
