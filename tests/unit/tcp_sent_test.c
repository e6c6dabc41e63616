/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The queue of sent records, alone and against a map of bytes: counts, lists,
 * Karn's samples, splits, and what a hostile peer can make it walk.
 *
 * Sequence numbers and times begin just below their wraps; offsets are relative.
 */
#include "pools.h"
#include "tcp_sent.h"

#define ISS	 0xFFFFFC00u
#define T0	 0xFFFFF000u
#define MSS	 100u
#define MAP_SIZE 4096u

static struct rte_mempool *pool;
static struct tcp_sent q;

static int
group_setup(void **state)
{
	(void)state;
	pool = pools_objects("sent", 4096, sizeof(struct tcp_sent_rec));
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	tcp_sent_init(&q);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tcp_sent_free(&q, pool);
	pools_check_full(pool);
	return 0;
}

static bool
send(uint32_t off, uint32_t len, uint32_t at)
{
	const struct tcp_sent_new tx = {
		.seq = ISS + off,
		.len = len,
		.now_us = T0 + at,
		.segs = (uint16_t)((len + MSS - 1) / MSS),
	};

	return tcp_sent_append(&q, pool, &tx);
}

static struct tcp_delivery
ack(uint32_t off, uint32_t at)
{
	struct tcp_delivery d = { .now_us = T0 + at, .has_sack = true };

	tcp_sent_ack(&q, pool, ISS + off, &d);
	assert_null(tcp_sent_check(&q));
	return d;
}

static struct tcp_delivery
sack(uint32_t from, uint32_t to, uint32_t at)
{
	const struct chim_sack b = { .start = ISS + from, .end = ISS + to };
	struct tcp_delivery d = { .now_us = T0 + at, .has_sack = true };

	tcp_sent_sack(&q, pool, &b, MSS, &d);
	assert_null(tcp_sent_check(&q));
	return d;
}

/* Ten segments, a millisecond apart. */
static void
send_ten(void)
{
	for (uint32_t i = 0; i < 10; i++)
		assert_true(send(i * MSS, MSS, i * 1000));
}

static struct tcp_sent_rec *
at_offset(uint32_t off)
{
	struct tcp_sent_rec *r;

	TAILQ_FOREACH (r, &q.by_seq, by_seq)
		if (chim_seq_in(ISS + off, r->seq, r->len))
			return r;
	return NULL;
}

static void
a_cumulative_ack_frees_records_and_trims_one(void **state)
{
	(void)state;
	send_ten();
	assert_int_equal(tcp_sent_pipe(&q), 1000);
	struct tcp_delivery d = ack(250, 20000);
	assert_int_equal(d.acked, 250);
	assert_int_equal(d.delivered, 250);
	assert_int_equal(tcp_sent_first(&q)->seq, (uint32_t)(ISS + 250));
	assert_int_equal(tcp_sent_first(&q)->len, 50);
	assert_int_equal(tcp_sent_pipe(&q), 750);
	d = ack(1000, 21000);
	assert_int_equal(d.acked, 750);
	assert_null(tcp_sent_first(&q));
}

/* RFC 6298, 3 (Karn): the sample of a segment sent once; the oldest has the delayed ACK in it. */
static void
samples_are_of_segments_sent_once(void **state)
{
	(void)state;
	send_ten();
	struct tcp_delivery d = ack(200, 11000);
	assert_int_equal(d.rtt_us, 10000);
	assert_int_equal(d.rtt_first_us, 11000);
	tcp_sent_lose(&q, tcp_sent_first(&q));
	tcp_sent_resent(&q, tcp_sent_first(&q), T0 + 12000);
	d = ack(500, 22000);
	assert_int_equal(d.rtt_us, 0);
	assert_int_equal(d.rtt_first_us, 0);
	assert_true(d.is_retrans_acked);
	d = ack(1000, 29000);
	assert_int_equal(d.rtt_us, 20000);
}

static void
an_imported_flight_gives_no_sample(void **state)
{
	const struct tcp_sent_new tx = {
		.seq = ISS, .len = 5000, .now_us = T0, .flags = TCP_SENT_GUESSED
	};

	(void)state;
	assert_true(tcp_sent_append(&q, pool, &tx));
	struct tcp_delivery d = ack(1000, 500);
	assert_int_equal(d.acked, 1000);
	assert_int_equal(d.rtt_us, 0);
	assert_true(d.has_latest);
	assert_true(d.latest_is_guessed);
	/* and is cut for what is sent again */
	assert_true(tcp_sent_split(&q, pool, tcp_sent_first(&q), MSS));
	assert_int_equal(tcp_sent_first(&q)->len, MSS);
	assert_int_equal(q.nb, 2);
	assert_null(tcp_sent_check(&q));
}

/* RFC 6675, 4: pipe counts what is neither SACKED nor lost, and what was resent. */
static void
pipe_follows_sack_loss_and_resend(void **state)
{
	(void)state;
	send_ten();
	assert_int_equal(sack(300, 500, 30000).sacked, 200);
	assert_int_equal(tcp_sent_pipe(&q), 800);
	tcp_sent_lose(&q, at_offset(0));
	tcp_sent_lose(&q, at_offset(100));
	assert_int_equal(tcp_sent_pipe(&q), 600);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, ISS);
	tcp_sent_resent(&q, at_offset(0), T0 + 31000);
	assert_int_equal(tcp_sent_pipe(&q), 700);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, (uint32_t)(ISS + 100));
	/* the resent copy is lost too: it goes first again */
	tcp_sent_lose(&q, at_offset(0));
	assert_int_equal(tcp_sent_pipe(&q), 600);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, ISS);
	/* SACKED after all: neither lost nor to be resent */
	sack(0, 200, 32000);
	assert_int_equal(tcp_sent_pipe(&q), 600);
	assert_null(tcp_sent_next_lost(&q));
	assert_null(tcp_sent_check(&q));
}

static void
sacked_neighbours_become_one_record(void **state)
{
	(void)state;
	send_ten();
	sack(200, 300, 20000);
	sack(400, 500, 20000);
	assert_int_equal(q.nb, 10);
	sack(300, 400, 20000);
	assert_int_equal(q.nb, 8);
	assert_int_equal(at_offset(200)->len, 300);
	assert_int_equal(q.sacked_segs, 3);
	assert_int_equal(q.sacked, 300);
}

static void
a_block_inside_a_large_record_cuts_it(void **state)
{
	(void)state;
	assert_true(send(0, 1000, 0));
	assert_int_equal(tcp_sent_first(&q)->segs, 10);
	struct tcp_delivery d = sack(350, 620, 9000);
	assert_int_equal(d.sacked, 270);
	assert_int_equal(q.nb, 3);
	assert_int_equal(tcp_sent_pipe(&q), 730);
	assert_int_equal(d.rtt_us, 9000);
	/* all of it again is no news */
	d = sack(350, 620, 9500);
	assert_int_equal(d.delivered, 0);
	assert_false(d.has_news);
	/* the rest */
	d = sack(0, 1000, 9900);
	assert_int_equal(d.sacked, 730);
	assert_int_equal(q.nb, 1);
	assert_int_equal(tcp_sent_pipe(&q), 0);
}

static void
a_fin_stays_on_the_last_part(void **state)
{
	const struct tcp_sent_new tx = {
		.seq = ISS, .len = 301, .now_us = T0, .segs = 4, .flags = TCP_SENT_FIN
	};

	(void)state;
	assert_true(tcp_sent_append(&q, pool, &tx));
	assert_true(tcp_sent_split(&q, pool, tcp_sent_first(&q), 300));
	assert_int_equal(tcp_sent_first(&q)->flags & TCP_SENT_FIN, 0);
	assert_int_equal(tcp_sent_last(&q)->flags & TCP_SENT_FIN, TCP_SENT_FIN);
	assert_int_equal(tcp_sent_last(&q)->len, 1);
	sack(0, 301, 1000);
	assert_int_equal(tcp_sent_first(&q)->flags & TCP_SENT_FIN, TCP_SENT_FIN);
}

static void
a_timeout_loses_all_and_an_undo_takes_it_back(void **state)
{
	(void)state;
	send_ten();
	sack(800, 900, 20000);
	tcp_sent_lose(&q, at_offset(500));
	tcp_sent_lose_all(&q);
	assert_int_equal(tcp_sent_pipe(&q), 0);
	assert_int_equal(q.lost_bytes, 900);
	uint32_t seq = ISS;
	struct tcp_sent_rec *r;
	TAILQ_FOREACH (r, &q.lost, by_fate) {
		assert_true(chim_seq_ge(r->seq, seq));
		seq = r->seq;
	}
	tcp_sent_resent(&q, at_offset(0), T0 + 30000);
	assert_int_equal(tcp_sent_pipe(&q), 100);
	tcp_sent_unlose(&q);
	assert_null(tcp_sent_check(&q));
	assert_null(tcp_sent_next_lost(&q));
	/* both copies of the first are in the network */
	assert_int_equal(tcp_sent_pipe(&q), 1000);
	/* in order of transmission: the resent one is the last */
	assert_int_equal(TAILQ_FIRST(&q.flight)->seq, (uint32_t)(ISS + 100));
	assert_int_equal(TAILQ_LAST(&q.flight, tcp_sent_list)->seq, ISS);
}

/* RFC 2018, 8 */
static void
reneging_is_seen_and_what_was_sacked_is_lost(void **state)
{
	(void)state;
	send_ten();
	sack(200, 600, 20000);
	struct tcp_delivery d = ack(200, 21000);
	assert_true(d.is_reneged);
	tcp_sent_renege(&q);
	assert_null(tcp_sent_check(&q));
	assert_int_equal(q.sacked, 0);
	assert_int_equal(q.sacked_segs, 0);
	assert_int_equal(tcp_sent_next_lost(&q)->seq, (uint32_t)(ISS + 200));
	assert_int_equal(tcp_sent_next_lost(&q)->len, 400);
}

static void
an_honest_ack_is_not_reneging(void **state)
{
	(void)state;
	send_ten();
	sack(200, 600, 20000);
	assert_false(ack(100, 21000).is_reneged);
	assert_false(ack(600, 22000).is_reneged);
	assert_int_equal(tcp_sent_pipe(&q), 400);
}

/* RFC 6582, 3.2: duplicates without SACK say how many have left, never more than there are. */
static void
duplicate_acks_deflate_the_pipe(void **state)
{
	(void)state;
	send_ten();
	for (int i = 0; i < 3; i++)
		tcp_sent_dupack(&q, MSS);
	assert_int_equal(tcp_sent_pipe(&q), 700);
	for (int i = 0; i < 100; i++)
		tcp_sent_dupack(&q, MSS);
	assert_int_equal(tcp_sent_pipe(&q), 0);
}

/* RFC 8985, 6.2 step 1: an ACK sooner than any round trip is of the first copy. */
static void
an_ambiguous_ack_does_not_move_rack(void **state)
{
	struct tcp_delivery d = { .now_us = T0 + 20500, .has_sack = true, .min_rtt_us = 10000 };

	(void)state;
	send_ten();
	tcp_sent_lose(&q, at_offset(0));
	tcp_sent_resent(&q, at_offset(0), T0 + 20000);
	tcp_sent_ack(&q, pool, ISS + 100, &d);
	assert_false(d.has_latest);
	/* the same by timestamp: the echo is older than the resend */
	tcp_sent_lose(&q, at_offset(100));
	tcp_sent_resent(&q, at_offset(100), T0 + 21000);
	d = (struct tcp_delivery){
		.now_us = T0 + 61000, .has_sack = true, .has_echo = true, .echo_us = T0 + 20999
	};
	tcp_sent_ack(&q, pool, ISS + 200, &d);
	assert_false(d.has_latest);
	/* and one that can be the copy's */
	tcp_sent_lose(&q, at_offset(200));
	tcp_sent_resent(&q, at_offset(200), T0 + 62000);
	d = (struct tcp_delivery){
		.now_us = T0 + 72000, .has_sack = true, .has_echo = true, .echo_us = T0 + 62000
	};
	tcp_sent_ack(&q, pool, ISS + 300, &d);
	assert_true(d.has_latest);
	assert_true(d.latest_is_retrans);
	assert_int_equal(d.tx_us, (uint32_t)(T0 + 62000));
}

static void
without_records_nothing_breaks(void **state)
{
	struct rte_mempool *tiny = pools_objects("tiny", 1, sizeof(struct tcp_sent_rec));
	const struct tcp_sent_new tx = { .seq = ISS, .len = 1000, .now_us = T0, .segs = 10 };
	const struct tcp_sent_new more = { .seq = ISS + 1000, .len = 1000, .now_us = T0 };
	const struct tcp_sent_new third = { .seq = ISS + 2000, .len = 10, .now_us = T0 };
	const struct chim_sack b = { .start = ISS + 200, .end = ISS + 2000 };
	struct tcp_delivery d = { .now_us = T0 + 1000, .has_sack = true };

	(void)state;
	assert_true(tcp_sent_append(&q, tiny, &tx));
	assert_true(tcp_sent_append(&q, tiny, &more));
	assert_false(tcp_sent_append(&q, tiny, &third));
	assert_false(tcp_sent_split(&q, tiny, tcp_sent_first(&q), 100));
	/* the edge inside the first record is passed over, the second record is marked */
	tcp_sent_sack(&q, tiny, &b, MSS, &d);
	assert_int_equal(d.sacked, 1000);
	assert_null(tcp_sent_check(&q));
	tcp_sent_ack(&q, tiny, ISS + 2000, &d);
	assert_null(tcp_sent_first(&q));
	pools_check_full(tiny);
	/* the queue's own is free again: the next needs none of the pool */
	assert_true(tcp_sent_append(&q, tiny, &third));
	pools_check_full(tiny);
	assert_true(tcp_sent_has_free(&q, tiny));
	assert_true(tcp_sent_split(&q, tiny, tcp_sent_first(&q), 5));
	assert_false(tcp_sent_has_free(&q, tiny));
	tcp_sent_free(&q, tiny);
	pools_check_full(tiny);
	tcp_sent_init(&q);
	rte_mempool_free(tiny);
}

/* SACK panic: edges inside records, one octet each. Records stay in proportion to the flight. */
static void
attack_one_octet_blocks_do_not_grow_the_queue(void **state)
{
	uint32_t worst = 0;

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		assert_true(send(i * 1000, 1000, i));
	for (uint32_t off = 1; off < 64000; off += 2)
		worst = RTE_MAX(worst, sack(off, off + 1, 100000).visited);
	assert_true(q.nb <= 2 * 64000 / MSS + TCP_SENT_SPARE);
	assert_true(worst <= TCP_SENT_BUDGET + 2);
}

/* Blocks far apart by turns: no ACK walks the queue. */
static void
attack_jumping_blocks_walk_no_further_than_the_budget(void **state)
{
	uint64_t rnd = 7;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		assert_true(send(i * MSS, MSS, i));
	for (int i = 0; i < 3000; i++) {
		struct tcp_delivery d = { .now_us = T0 + 100000, .has_sack = true };

		for (int k = 0; k < 4; k++) {
			uint32_t off = pools_below(&rnd, 3000) * MSS;
			const struct chim_sack b = { ISS + off, ISS + off + MSS };

			tcp_sent_sack(&q, pool, &b, MSS, &d);
		}
		assert_true(d.visited <= TCP_SENT_BUDGET + 4 * 2);
	}
	assert_null(tcp_sent_check(&q));
}

/* One hole at the front of a long flight: each ACK costs a few steps, not the flight. */
static void
a_long_flight_with_one_hole_costs_little(void **state)
{
	uint32_t visited = 0;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		assert_true(send(i * MSS, MSS, i));
	for (uint32_t i = 2; i <= 3000; i++)
		visited += sack(MSS, i * MSS, 100000 + i).visited;
	assert_true(visited <= 2 * 3000);
	assert_int_equal(q.nb, 2);
}

/* ---- against a map of bytes ---- */

struct map {
	uint8_t fate[MAP_SIZE]; /* TCP_SENT_SACKED, LOST, RETRANS of each octet */
	uint32_t una;		/* offsets */
	uint32_t max;
	uint32_t base; /* sequence number of offset 0 */
};

static void
map_set(struct map *m, const struct tcp_sent_rec *r, uint8_t clear, uint8_t set)
{
	for (uint32_t i = 0; i < r->len; i++) {
		uint8_t *f = &m->fate[r->seq - m->base + i];

		if ((*f & TCP_SENT_SACKED) == 0)
			*f = (uint8_t)((*f & ~clear) | set);
	}
}

static void
map_compare(const struct map *m)
{
	const uint8_t mask = TCP_SENT_SACKED | TCP_SENT_LOST | TCP_SENT_RETRANS;
	const struct tcp_sent_rec *r;
	uint32_t off = m->una, pipe = 0;

	TAILQ_FOREACH (r, &q.by_seq, by_seq) {
		assert_int_equal(r->seq, (uint32_t)(m->base + off));
		for (uint32_t i = 0; i < r->len; i++)
			assert_int_equal(r->flags & mask, m->fate[off + i]);
		off += r->len;
	}
	assert_int_equal(off, m->max);
	for (off = m->una; off < m->max; off++) {
		if (m->fate[off] & TCP_SENT_SACKED)
			continue;
		pipe += (m->fate[off] & TCP_SENT_LOST) == 0;
		pipe += (m->fate[off] & TCP_SENT_RETRANS) != 0;
	}
	assert_int_equal(tcp_sent_pipe(&q), pipe);
	assert_null(tcp_sent_check(&q));
}

static struct tcp_sent_rec *
any_record(uint64_t *rnd)
{
	struct tcp_sent_rec *r = tcp_sent_first(&q);

	for (uint32_t n = q.nb > 0 ? pools_below(rnd, q.nb) : 0; n > 0; n--)
		r = TAILQ_NEXT(r, by_seq);
	return r;
}

static void
map_ack(struct map *m, uint64_t *rnd, uint32_t at)
{
	struct tcp_delivery d = { .now_us = at, .has_sack = true };
	uint32_t to = m->una + pools_below(rnd, RTE_MIN(m->max - m->una, 300u) + 1);
	uint32_t news = 0;

	for (uint32_t i = m->una; i < to; i++)
		news += (m->fate[i] & TCP_SENT_SACKED) == 0;
	tcp_sent_ack(&q, pool, m->base + to, &d);
	assert_int_equal(d.acked, to - m->una);
	assert_int_equal(d.delivered, news);
	m->una = to;
	if (d.is_reneged) {
		tcp_sent_renege(&q);
		for (uint32_t i = m->una; i < m->max; i++)
			if (m->fate[i] & TCP_SENT_SACKED)
				m->fate[i] = TCP_SENT_LOST;
	}
}

static void
map_sack(struct map *m, uint64_t *rnd, uint32_t at)
{
	struct tcp_delivery d = { .now_us = at, .has_sack = true };
	uint32_t from = m->una + pools_below(rnd, m->max - m->una);
	uint32_t to = RTE_MIN(from + 1 + pools_below(rnd, 200), m->max);
	const struct chim_sack b = { m->base + from, m->base + to };
	uint32_t news = 0;

	for (uint32_t i = from; i < to; i++) {
		news += (m->fate[i] & TCP_SENT_SACKED) == 0;
		m->fate[i] = TCP_SENT_SACKED;
	}
	tcp_sent_sack(&q, pool, &b, 4, &d);
	assert_int_equal(d.sacked, news);
	assert_int_equal(d.delivered, news);
}

static void
map_unlose(struct map *m)
{
	tcp_sent_unlose(&q);
	for (uint32_t i = m->una; i < m->max; i++)
		m->fate[i] &= (uint8_t)~TCP_SENT_LOST;
}

static void
map_step(struct map *m, uint64_t *rnd, uint32_t at)
{
	struct tcp_sent_rec *r = any_record(rnd);
	uint32_t n = 1 + pools_below(rnd, 120);

	switch (pools_below(rnd, 12)) {
	case 0:
	case 1:
	case 2:
		if (m->max + n > MAP_SIZE || m->max - m->una > 1200)
			break;
		const struct tcp_sent_new tx = { .seq = m->base + m->max, .len = n, .now_us = at };
		assert_true(tcp_sent_append(&q, pool, &tx));
		m->max += n;
		break;
	case 3:
		map_ack(m, rnd, at);
		break;
	case 4:
	case 5:
		if (m->max > m->una)
			map_sack(m, rnd, at);
		break;
	case 6:
	case 7:
		if (r == NULL)
			break;
		map_set(m, r, TCP_SENT_RETRANS, TCP_SENT_LOST);
		tcp_sent_lose(&q, r);
		break;
	case 8:
	case 9:
		r = tcp_sent_next_lost(&q);
		if (r == NULL)
			break;
		map_set(m, r, 0, TCP_SENT_RETRANS);
		tcp_sent_resent(&q, r, at);
		break;
	case 10:
		if (r != NULL && r->len > 1)
			assert_true(tcp_sent_split(&q, pool, r, 1 + pools_below(rnd, r->len - 1)));
		break;
	default:
		if (pools_below(rnd, 8) == 0)
			map_unlose(m);
		else if (pools_below(rnd, 8) == 0 && r != NULL) {
			TAILQ_FOREACH (r, &q.by_seq, by_seq)
				map_set(m, r, TCP_SENT_RETRANS, TCP_SENT_LOST);
			tcp_sent_lose_all(&q);
		}
		break;
	}
}

static void
random_operations_agree_with_a_map_of_bytes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct map m = { .base = 0u - 2000u };
		uint64_t rnd = seed * 0x9E3779B97F4A7C15ull;

		for (uint32_t step = 0; step < 600 && m.una < MAP_SIZE; step++) {
			map_step(&m, &rnd, T0 + step * 10);
			map_compare(&m);
		}
		tcp_sent_free(&q, pool);
		tcp_sent_init(&q);
		pools_check_full(pool);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(a_cumulative_ack_frees_records_and_trims_one),
	T(samples_are_of_segments_sent_once),
	T(an_imported_flight_gives_no_sample),
	T(pipe_follows_sack_loss_and_resend),
	T(sacked_neighbours_become_one_record),
	T(a_block_inside_a_large_record_cuts_it),
	T(a_fin_stays_on_the_last_part),
	T(a_timeout_loses_all_and_an_undo_takes_it_back),
	T(reneging_is_seen_and_what_was_sacked_is_lost),
	T(an_honest_ack_is_not_reneging),
	T(duplicate_acks_deflate_the_pipe),
	T(an_ambiguous_ack_does_not_move_rack),
	T(without_records_nothing_breaks),
	T(attack_one_octet_blocks_do_not_grow_the_queue),
	T(attack_jumping_blocks_walk_no_further_than_the_budget),
	T(a_long_flight_with_one_hole_costs_little),
	T(random_operations_agree_with_a_map_of_bytes),
};
CHIM_CMOCKA_SUITE(tcp_sent_autotest, tests, group_setup, group_teardown)
