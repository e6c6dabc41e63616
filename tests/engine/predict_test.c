/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Header prediction leaves steps out, and nothing else: two connections live the
 * same life, of plain segments mostly, and in one of them nothing is ever
 * plain. After every turn all that the engine knows of them, sends and tells is
 * the same.
 *
 *   CHIM_SEED=n   live one life again (printed when one fails)
 *   CHIM_SOAK=n   so many lives instead of the usual few
 */
#include <string.h>

#include "eng.h"
#include "eng_int.h"
#include "pick.h"
#include "seeds.h"
#include "tcp_internal.h"

#define LIVES 60u
#define STEPS 500u
#define LENT  512u

static struct pick pick;
static struct eng *both[2];
static uint64_t nb_plain[2], nb_segments;
static struct rte_mbuf *lent[2][LENT];
static uint32_t nb_lent;
static uint32_t tsval;

static uint32_t
any(uint32_t n)
{
	return pick_below(&pick, n);
}

/* ---- the same ---- */

static void
same_connection(void)
{
	struct chim_conn c[2];

	for (uint32_t i = 0; i < 2; i++) {
		memcpy(&c[i], both[i]->c, sizeof(c[i]));
		c[i].flags &= ~TCP_CHALLENGED;
		c[i].q = NULL;
		c[i].recover.flight = NULL;
	}
	assert_memory_equal(&c[0], &c[1], sizeof(c[0]));
}

static void
same_records(const struct tcp_sent *a, const struct tcp_sent *b)
{
	const struct tcp_sent_rec *r = tcp_sent_first(a), *s = tcp_sent_first(b);
	size_t from = offsetof(struct tcp_sent_rec, seq);

	for (; r != NULL && s != NULL; r = TAILQ_NEXT(r, by_seq), s = TAILQ_NEXT(s, by_seq))
		assert_memory_equal(&r->seq, &s->seq, sizeof(*r) - from);
	assert_true(r == NULL && s == NULL);
	assert_memory_equal(&a->bytes, &b->bytes,
		offsetof(struct tcp_sent, sacked_segs) - offsetof(struct tcp_sent, bytes));
}

static void
same_flight(void)
{
	const struct tcp_flight *a = both[0]->c->recover.flight, *b = both[1]->c->recover.flight;
	size_t from = offsetof(struct tcp_flight, point);

	assert_int_equal(a == NULL, b == NULL);
	if (a == NULL)
		return;
	same_records(&a->sent, &b->sent);
	assert_memory_equal(&a->point, &b->point, sizeof(*a) - from);
}

static void
same_place(const struct tcp_place *a, const struct tcp_place *b)
{
	assert_int_equal(a->chain == NULL, b->chain == NULL);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->off, b->off);
}

static void
same_queues(void)
{
	const struct tcp_queues *a = both[0]->c->q, *b = both[1]->c->q;

	assert_int_equal(a == NULL, b == NULL);
	if (a == NULL)
		return;
	assert_int_equal(a->rcvq_bytes, b->rcvq_bytes);
	assert_int_equal(a->lent_bytes, b->lent_bytes);
	assert_int_equal(a->reass.bytes, b->reass.bytes);
	assert_memory_equal(&a->dsack, &b->dsack, sizeof(a->dsack));
	same_place(&a->una, &b->una);
	same_place(&a->fresh, &b->fresh);
	same_place(&a->again, &b->again);
	assert_memory_equal(a->deadline, b->deadline, sizeof(a->deadline));
	assert_int_equal(a->snd_sml, b->snd_sml);
	assert_int_equal(a->backlog_at, b->backlog_at);
	assert_int_equal(a->nb_ce_acks, b->nb_ce_acks);
}

static void
same_counts(void)
{
	const struct eng *a = both[0], *b = both[1];

	assert_memory_equal(&a->counters, &b->counters, sizeof(a->counters));
	assert_memory_equal(&a->stats4, &b->stats4, sizeof(a->stats4));
	assert_memory_equal(&a->stats6, &b->stats6, sizeof(a->stats6));
	assert_int_equal(a->env.random, b->env.random);
	assert_int_equal(a->env.ip_id, b->env.ip_id);
}

static void
same_bytes(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	static uint8_t from_a[UINT16_MAX], from_b[UINT16_MAX];

	assert_int_equal(a->pkt_len, b->pkt_len);
	assert_in_range(a->pkt_len, 0, UINT16_MAX);
	const void *at_a = rte_pktmbuf_read(a, 0, a->pkt_len, from_a);
	const void *at_b = rte_pktmbuf_read(b, 0, b->pkt_len, from_b);

	assert_memory_equal(at_a, at_b, a->pkt_len);
}

static void
same_output(void)
{
	assert_int_equal(both[0]->nb_out, both[1]->nb_out);
	for (uint32_t i = 0; i < both[0]->nb_out; i++)
		same_bytes(both[0]->frame[i], both[1]->frame[i]);
	eng_ignore_out(both[0]);
	eng_ignore_out(both[1]);
}

static void
same_list(struct rte_mbuf *a, struct rte_mbuf *b)
{
	size_t from = offsetof(struct chim_nbl, cookie);

	for (; a != NULL && b != NULL; a = chim_nbl(a)->next, b = chim_nbl(b)->next) {
		same_bytes(a, b);
		assert_memory_equal(
			&chim_nbl(a)->cookie, &chim_nbl(b)->cookie, sizeof(struct chim_nbl) - from);
	}
	assert_true(a == NULL && b == NULL);
}

/* What was lent is kept, to be given back. */
static void
keep_lent(uint32_t i)
{
	if (both[0]->io[i].op != CHIM_IO_INDICATE || nb_lent == LENT)
		return;
	for (uint32_t k = 0; k < 2; k++) {
		lent[k][nb_lent] = both[k]->io[i].m;
		both[k]->io[i].m = NULL;
	}
	nb_lent++;
}

static void
same_news(void)
{
	assert_int_equal(both[0]->nb_io, both[1]->nb_io);
	for (uint32_t i = 0; i < both[0]->nb_io; i++) {
		struct chim_io a = both[0]->io[i], b = both[1]->io[i];

		same_list(a.m, b.m);
		a.m = b.m = NULL;
		assert_memory_equal(&a, &b, sizeof(a));
		keep_lent(i);
	}
	eng_ignore_io(both[0]);
	eng_ignore_io(both[1]);
}

static void
turn(void)
{
	eng_turn(both[0]);
	eng_turn(both[1]);
	same_output();
	same_news();
	same_counts();
	same_connection();
	same_flight();
	same_queues();
}

/* ---- what happens ---- */

/*
 * A suspect RST was answered, long ago: the next segment that is acceptable puts an end to that
 * (keepalive.c), and is not plain. Nothing else is different as long as no RST comes.
 */
static void
deter(struct eng *e)
{
	e->c->flags |= TCP_CHALLENGED;
}

static void
arrive(const struct pkt *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct eng *e = both[i];
		struct chim_seg seg;
		struct rte_mbuf *m = eng_segment(e, p, &seg);

		if (i == 1)
			deter(e);
		nb_plain[i] += tcp_predict_is_plain(e->c, &seg, &e->env);
		e->verdict = chim_tcp_input(e->c, m, &seg, &e->env);
		e->why = seg.why;
		if (e->verdict != CHIM_VERDICT_HELD)
			rte_pktmbuf_free(m);
	}
	nb_segments++;
	assert_int_equal(both[0]->verdict, both[1]->verdict);
	assert_int_equal(both[0]->why, both[1]->why);
}

/* The next data, the ACK of all that is out, or both; one in a few is a little different. */
static struct pkt
usual(void)
{
	const struct eng *e = both[0];

	tsval += any(3);
	return (struct pkt){
		.seq = e->c->rcv_nxt - e->irs,
		.ack = e->c->snd_max - e->iss,
		.len = any(3) != 0 ? any(1400) : 0,
		.psh = any(2),
		.has_wnd = true,
		.wnd = any(8) != 0 ? 60000 : any(65536),
		.has_ts = e->opts.has_ts,
		.tsval = tsval,
		.tsecr = any(50),
	};
}

static void
segment(void)
{
	const struct eng *e = both[0];
	struct pkt p = usual();

	switch (any(48)) {
	case 0:
		p.seq += any(2) != 0 ? any(3000) : 0 - any(3000);
		break;
	case 1:
		p.ack = e->c->snd_una + any(e->c->snd_max - e->c->snd_una + 1) - e->iss;
		break;
	case 2:
		p.ack += any(2) != 0 ? 1 : 0 - any(70000);
		break;
	case 3:
		p.wnd = 0;
		break;
	case 4:
		p.is_ce = true;
		break;
	case 5:
		p.flags = any(2) != 0 ? CHIM_CWR : CHIM_ECE;
		break;
	case 6:
		p.has_ts = !p.has_ts;
		break;
	case 7:
		p.tsval -= any(5);
		break;
	case 8:
		p.nb_sack = 1;
		p.sack[0].start = e->c->snd_una - e->iss + any(2000);
		p.sack[0].end = p.sack[0].start + any(2000);
		break;
	case 9:
		p.flags = any(20) == 0 ? CHIM_FIN : 0;
		break;
	case 10:
		p.no_ack = true;
		break;
	default:
		break;
	}
	arrive(&p);
}

static void
give_back(void)
{
	for (uint32_t n = 0; n < nb_lent; n++) {
		eng_host_returns(both[0], lent[0][n]);
		eng_host_returns(both[1], lent[1][n]);
	}
	nb_lent = 0;
}

static void
host_acts(void)
{
	uint32_t n = 1 + any(3000);

	switch (any(32)) {
	case 0:
		eng_host_posts(both[0], n, 0);
		eng_host_posts(both[1], n, 0);
		break;
	case 1:
		both[0]->env.buffers = any(4) != 0 ? CHIM_TCP_BUFFERS_ENOUGH : any(3);
		both[1]->env.buffers = both[0]->env.buffers;
		break;
	default:
		if (any(2) != 0) {
			give_back();
			break;
		}
		eng_host_sends(both[0], n);
		eng_host_sends(both[1], n);
	}
}

static void
time_passes(void)
{
	uint32_t ms = any(16) != 0 ? any(30) : any(3000);

	tsval += ms;
	eng_run(both[0], ms);
	eng_run(both[1], ms);
}

/* ---- lives ---- */

static void
begin(void)
{
	const struct eng_opts opts = {
		.mss = 200 + any(1200),
		.has_ts = any(2),
		.no_sack = any(3) == 0,
		.has_ecn = any(2),
		.has_nagle = any(2),
		.is_attached = any(2),
		.is_ip6 = any(4) == 0,
		.algorithm = 1 + any(3),
		.rcv_wnd = 3000 + any(57000),
		.unsent = any(2) * any(3000),
		.cached_flags = any(2) * CHIM_TCP_KEEP_ALIVE_ENABLED,
		.ka_timeout = 5000,
	};

	nb_lent = 0;
	tsval = 1;
	for (uint32_t i = 0; i < 2; i++)
		both[i] = eng_blank(&opts);
	for (uint32_t i = 0; i < 2; i++) {
		both[i]->is_manual = true;
		eng_import(both[i]);
	}
	turn();
}

/* What one still has is not a leak of the other. */
static void
end(void)
{
	turn();
	give_back();
	turn();
	for (uint32_t i = 0; i < 2; i++) {
		eng_check(both[i]);
		chim_tcp_release(both[i]->c, &both[i]->env);
		chim_row_flush(&both[i]->row);
	}
	for (uint32_t i = 0; i < 2; i++)
		eng_free(both[i]);
}

static void
live(uint64_t seed)
{
	pick = pick_by_seed(seed);
	seeds_now = seed;
	begin();
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t what = any(100);

		if (what < 50)
			segment();
		else if (what < 85)
			host_acts();
		else
			time_passes();
		if (any(3) != 0)
			turn();
	}
	end();
	seeds_now = 0;
}

static void
a_predicted_segment_does_what_the_general_way_does(void **state)
{
	uint64_t one = pick_setting("CHIM_SEED", 0);
	uint64_t nb = pick_setting("CHIM_SOAK", LIVES);

	if (one != 0) {
		live(one);
		return;
	}
	for (uint64_t seed = 1; seed <= nb; seed++)
		live(seed);
	/* it was tried, and on one side alone */
	assert_true(nb_plain[0] > nb_segments / 4);
	assert_int_equal(nb_plain[1], 0);
}

/* A request, and the answer with the ACK of it in the next one: all of it is plain. */
static void
requests_that_acknowledge_the_last_answer_are_plain(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .has_ts = true);

	for (uint32_t i = 0; i < 100; i++) {
		const struct pkt p = { .seq = 64 * i,
			.ack = 64 * i,
			.len = 64,
			.psh = true,
			.has_ts = true,
			.tsval = i };
		struct chim_seg seg;
		struct rte_mbuf *m = eng_segment(e, &p, &seg);

		assert_true(tcp_predict_is_plain(e->c, &seg, &e->env));
		assert_int_equal(chim_tcp_input(e->c, m, &seg, &e->env), CHIM_VERDICT_HELD);
		eng_turn(e);
		if (i != 0)
			expect_io(e, CHIM_IO_SEND_DONE);
		expect_data(e, 64 * i, 64);
		eng_host_sends(e, 64);
		expect_out(e,
			SEG(.seq = 64 * i, .ack = 64 * (i + 1), .len = 64, .has_ts = true,
				.tsval = 0, .tsecr = i));
		expect_no_io(e);
		eng_ignore_io(e);
	}
	inject(e, SEG(.seq = 6400, .ack = 6400, .has_ts = true, .tsval = 100));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(a_predicted_segment_does_what_the_general_way_does, seeds_tell),
	cmocka_unit_test(requests_that_acknowledge_the_last_answer_are_plain),
};

CHIM_CMOCKA_SUITE(engine_predict_autotest, tests, NULL, NULL)
