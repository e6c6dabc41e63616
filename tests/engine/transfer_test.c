/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Into the engine and out of it (spec 2.3, 4.5, 6): what comes out is what
 * went in, timers aged; and what may not come in is refused with the reason.
 */
#include <stdlib.h>
#include <string.h>

#include "eng.h"
#include "eng_int.h"
#include "pools.h"

#define ANY(seed) pools_random(seed)

/* ---- export(import(x)) == x ---- */

static const uint32_t states[] = { CHIM_TCP_ESTABLISHED, CHIM_TCP_FIN_WAIT_1, CHIM_TCP_FIN_WAIT_2,
	CHIM_TCP_CLOSE_WAIT, CHIM_TCP_CLOSING, CHIM_TCP_LAST_ACK };

static uint32_t
below(uint64_t *seed, uint32_t n)
{
	return pools_below(seed, n);
}

static chim_ticks_t
any_delta(uint64_t *seed, uint32_t tps, bool must_run)
{
	if (!must_run && below(seed, 3) == 0)
		return CHIM_TICKS_NONE;
	return below(seed, 3) == 0 ? 0 : below(seed, 2000000 / 1000 * tps);
}

/* A connection at any point of its life; what the fields say of each other holds. */
static void
any_state(struct eng *e, struct eng_state *s, uint64_t *seed, uint32_t tps)
{
	struct eng_opts *o = &e->opts;

	*o = (struct eng_opts){
		.state = states[below(seed, CHIM_DIM(states))],
		.mss = 100 + below(seed, 8000),
		.cwnd_segs = 1 + below(seed, 500),
		.snd_wnd = below(seed, 4) == 0 ? 0 : below(seed, 1u << 16),
		.rcv_wnd = 1 + below(seed, 1u << 20),
		.snd_wscale = below(seed, 15),
		.rcv_wscale = 5 + below(seed, 10),
		.has_ts = below(seed, 2),
		.no_sack = below(seed, 2),
		.buffered = below(seed, 2) * below(seed, 9000),
	};
	o->is_window_closed = o->snd_wnd == 0;
	if (o->state != CHIM_TCP_FIN_WAIT_2) {
		o->unacked = below(seed, 2) * below(seed, 20000);
		o->to_resend = below(seed, 2) * below(seed, 20000);
		o->unsent = below(seed, 2) * below(seed, 20000);
		o->is_fin_unsent = below(seed, 2);
	}
	e->iss = ANY(seed);
	e->irs = ANY(seed);
	eng_state_of(e, s);
	bool must_run = s->d.snd_max != s->d.snd_una || o->state == CHIM_TCP_FIN_WAIT_2 ||
		(o->unsent != 0 && o->snd_wnd == 0);
	s->k.ts_hz = (uint32_t[]){ 0, 1000, 100, 250, 1000000 }[below(seed, 5)];
	s->k.hash_value = ANY(seed);
	s->cached.flags = below(seed, 4);
	s->cached.ttl = below(seed, 256);
	s->cached.tos = below(seed, 256);
	s->cached.user_priority = below(seed, 8);
	s->cached.ka_timeout = below(seed, 100000);
	s->cached.ka_interval = below(seed, 100000);
	s->cached.ka_probe_count = below(seed, 256);
	s->cached.max_rt = ANY(seed);
	s->cached.flow_label = below(seed, 1u << 20);
	s->cached.rcv_indication_size = ANY(seed);
	s->d.max_snd_wnd = RTE_MAX(s->d.snd_wnd, 1u << 15);
	s->d.snd_wl1 = ANY(seed);
	s->d.ssthresh = 1 + below(seed, 1u << 30);
	s->d.srtt = below(seed, tps == 10 ? 40000 : 65536);
	s->d.rttvar = below(seed, tps == 10 ? 40000 : 65536);
	s->d.ts_recent = ANY(seed);
	s->d.ts_recent_age = below(seed, 4) == 0 ? CHIM_TICKS_NONE : below(seed, 1u << 30);
	s->d.ts_time = ANY(seed);
	s->d.total_rt = below(seed, 1u << 24);
	s->d.dup_ack_count = ANY(seed);
	s->d.snd_wnd_probe_count = ANY(seed);
	s->d.keep_alive_probe_count = ANY(seed);
	s->d.retransmit_count = ANY(seed);
	s->d.dwnd = ANY(seed);
	s->d.keep_alive_timeout_delta = any_delta(seed, tps, false);
	s->d.retransmit_timeout_delta = any_delta(seed, tps, must_run);
}

static chim_ticks_t
aged(chim_ticks_t delta, uint32_t ticks)
{
	if (delta == CHIM_TICKS_NONE)
		return CHIM_TICKS_NONE;
	return delta > ticks ? delta - ticks : 0;
}

/* What the state must read after so many ticks in which nothing happened. */
static void
grow_old(struct eng_state *s, uint32_t ticks, uint32_t tps)
{
	uint32_t hz = s->k.ts_hz != 0 ? s->k.ts_hz : 1000;

	s->d.keep_alive_timeout_delta = aged(s->d.keep_alive_timeout_delta, ticks);
	s->d.retransmit_timeout_delta = aged(s->d.retransmit_timeout_delta, ticks);
	if (s->d.ts_recent_age != CHIM_TICKS_NONE)
		s->d.ts_recent_age += ticks;
	s->d.ts_time += (uint32_t)((uint64_t)ticks * hz / tps);
}

static uint32_t
list_bytes(struct rte_mbuf *list, uint32_t at)
{
	struct rte_mbuf *m;
	uint32_t n = 0;

	CHIM_NBL_FOREACH (m, list) {
		eng_check_bytes(m, at + n);
		n += m->pkt_len;
	}
	return n;
}

static void
compare(const struct eng_state *want, const struct eng_state *got, uint64_t seed)
{
	struct chim_tcp_delegated w = want->d;
	struct chim_tcp_delegated g = got->d;

	/* A tick of the timestamp clock may have been half over when it was imported. */
	if (g.ts_time - w.ts_time == 1)
		g.ts_time--;
	w.send_data_head = g.send_data_head = NULL;
	w.send_data_tail = g.send_data_tail = NULL;
	w.buffered_data = g.buffered_data = NULL;
	for (size_t i = 0; i < sizeof(w) / 4; i++)
		if (((uint32_t *)&w)[i] != ((uint32_t *)&g)[i])
			fail_msg("seed %lu: delegated word at %zu: %u went in, %u came out", seed,
				i * 4, ((uint32_t *)&w)[i], ((uint32_t *)&g)[i]);
	assert_memory_equal(&want->k, &got->k, sizeof(want->k));
	assert_memory_equal(&want->cached, &got->cached, sizeof(want->cached));
}

static void
round_trip(uint64_t seed)
{
	static const uint32_t rates[] = { 1000, 100, 10 };
	uint64_t random = seed * 7919;
	struct eng *e = eng_blank(&(struct eng_opts){ 0 });
	uint32_t tps = rates[seed % 3];
	struct eng_state s, out = { 0 };
	enum chim_reason why;
	uint32_t ticks = below(&random, 100 * tps);

	any_state(e, &s, &random, tps);
	e->cfg.ticks_per_second = tps;
	const struct chim_tcp_import in = { &s.k, &s.cached, &s.d, s.chain, 9000 };

	if (chim_tcp_import(e->c, &in, &e->env, &why) != CHIM_STATUS_SUCCESS)
		fail_msg("seed %lu: refused for reason %u", seed, why);
	rte_pktmbuf_free(s.buffered);
	assert_null(chim_tcp_check(e->c));
	chim_tcp_set_now(&e->env, e->env.now_us + (chim_us_t)ticks * (CHIM_US_PER_S / tps));
	grow_old(&s, ticks, tps);
	chim_tcp_query(e->c, &out.k, &out.cached, &out.d, &e->env);
	assert_int_equal(out.d.receive_backlog_size, e->opts.buffered);
	out.d.send_backlog_size = 0;
	out.d.receive_backlog_size = 0;
	compare(&s, &out, seed);
	assert_int_equal(
		chim_tcp_terminate(e->c, NULL, &out.d, &out.chain, &e->env), CHIM_STATUS_SUCCESS);
	compare(&s, &out, seed);
	assert_int_equal(list_bytes(out.chain, 0), e->sent_by_host);
	assert_int_equal(list_bytes(out.d.buffered_data, 0u - e->opts.buffered), e->opts.buffered);
	assert_ptr_equal(out.d.send_data_head, out.chain);
	/* checklist 117: the host's own buffers */
	assert_ptr_equal(out.chain, s.chain);
	struct chim_io back = { .m = out.chain };
	eng_drop_io(&back);
	back.m = out.d.buffered_data;
	eng_drop_io(&back);
	eng_finish(e);
}

static void
checklist_129_what_comes_out_is_what_went_in(void **state)
{
	for (uint64_t seed = 1; seed <= 3000; seed++)
		round_trip(seed);
}

/* ---- what is refused ---- */

struct refusal {
	void (*spoil)(struct eng_state *s);
	enum chim_reason reason;
};

#define SPOIL(name, code)                     \
	static void name(struct eng_state *s) \
	{                                     \
		code;                         \
	}

SPOIL(state_listen, s->d.state = CHIM_TCP_LISTEN)
SPOIL(state_syn_rcvd, s->d.state = CHIM_TCP_SYN_RCVD)
SPOIL(state_time_wait, s->d.state = CHIM_TCP_TIME_WAIT)
SPOIL(state_closed, s->d.state = CHIM_TCP_CLOSED)
SPOIL(state_unknown, s->d.state = 77)
SPOIL(nxt_below_una, s->d.snd_nxt = s->d.snd_una - 1)
SPOIL(nxt_beyond_max, s->d.snd_nxt = s->d.snd_max + 1)
SPOIL(sent_more_than_given, s->d.snd_max += 5001; s->d.snd_nxt = s->d.snd_max)
SPOIL(window_too_large, s->d.snd_wnd = s->d.max_snd_wnd = 65536)
SPOIL(largest_window_smaller, s->d.max_snd_wnd = s->d.snd_wnd - 1)
SPOIL(scale_15, s->k.snd_wind_scale = 15)
SPOIL(mss_0, s->k.remote_mss = 0)
SPOIL(no_receive_buffer, s->cached.initial_rcv_wnd = 0)
SPOIL(ts_clock_too_fast, s->k.ts_hz = 1000001)
SPOIL(short_const, s->k.header.length -= 4)
SPOIL(short_delegated, s->d.header.length -= 8)
SPOIL(chain_lies, s->chain->pkt_len += 1)
SPOIL(chain_is_a_cycle, chim_nbl(s->chain)->next = s->chain)
SPOIL(buffer_lies, s->d.buffered_data->nb_segs++)

static void
what_cannot_be_run_is_refused_with_its_reason(void **state)
{
	static const struct refusal all[] = {
		{ state_listen, CHIM_REASON_BAD_STATE },
		{ state_syn_rcvd, CHIM_REASON_BAD_STATE },
		{ state_time_wait, CHIM_REASON_BAD_STATE },
		{ state_closed, CHIM_REASON_BAD_STATE },
		{ state_unknown, CHIM_REASON_BAD_STATE },
		{ nxt_below_una, CHIM_REASON_BAD_SEQUENCE },
		{ nxt_beyond_max, CHIM_REASON_BAD_SEQUENCE },
		{ sent_more_than_given, CHIM_REASON_BAD_SEQUENCE },
		{ window_too_large, CHIM_REASON_BAD_VALUE },
		{ largest_window_smaller, CHIM_REASON_BAD_VALUE },
		{ scale_15, CHIM_REASON_BAD_VALUE },
		{ mss_0, CHIM_REASON_BAD_VALUE },
		{ no_receive_buffer, CHIM_REASON_BAD_VALUE },
		{ ts_clock_too_fast, CHIM_REASON_BAD_VALUE },
		{ short_const, CHIM_REASON_BAD_SIZE },
		{ short_delegated, CHIM_REASON_BAD_SIZE },
		{ chain_lies, CHIM_REASON_BAD_BUFFER },
		{ chain_is_a_cycle, CHIM_REASON_BAD_BUFFER },
		{ buffer_lies, CHIM_REASON_BAD_BUFFER },
	};

	for (size_t i = 0; i < CHIM_DIM(all); i++) {
		struct eng *e = eng_blank(
			&(struct eng_opts){ .unacked = 3000, .unsent = 2000, .buffered = 100 });
		struct eng_state s;
		enum chim_reason why;

		eng_state_of(e, &s);
		struct rte_mbuf *chain = s.chain;
		uint32_t bytes = chain->pkt_len;
		uint16_t segs = s.buffered->nb_segs;

		all[i].spoil(&s);
		const struct chim_tcp_import in = { &s.k, &s.cached, &s.d, s.chain, 1500 };

		assert_int_equal(chim_tcp_import_check(&in), all[i].reason);
		assert_int_equal(chim_tcp_import(e->c, &in, &e->env, &why), CHIM_STATUS_FAILURE);
		assert_int_equal(why, all[i].reason);
		chain->pkt_len = bytes;
		s.buffered->nb_segs = segs;
		rte_pktmbuf_free(chain);
		rte_pktmbuf_free(s.buffered);
		eng_finish(e);
	}
}

/* The last value that is good of each that has a bound. */
static void
what_is_just_within_its_bounds_is_taken(void **state)
{
	struct eng *e = eng_blank(&(struct eng_opts){ .buffered = 100 });
	struct chim_tcp_cached cached;
	struct eng_state s;
	enum chim_reason why;

	eng_state_of(e, &s);
	s.k.snd_wind_scale = 14;
	s.k.rcv_wind_scale = 14;
	s.k.remote_mss = 48;
	s.k.ts_hz = 1000000;
	s.k.flags &= (uint16_t)~CHIM_TCP_WINDOW_SCALING_ENABLED;
	s.cached.initial_rcv_wnd = 65535u << 14;
	s.d.cwnd = 0; /* unknown, both: as at the start of a connection */
	s.d.ssthresh = 0;
	s.d.snd_wnd = s.d.max_snd_wnd = s.d.rcv_wnd = UINT16_MAX;
	const struct chim_tcp_import in = { &s.k, &s.cached, &s.d, s.chain, 1500 };

	assert_int_equal(chim_tcp_import(e->c, &in, &e->env, &why), CHIM_STATUS_SUCCESS);
	assert_int_equal(why, CHIM_REASON_NONE);
	assert_int_equal(eng_view(e).ssthresh, 1u << 30);
	assert_int_equal(eng_view(e).cwnd, 10 * eng_view(e).mss);
	cached = eng_cached(e);
	assert_int_equal(cached.initial_rcv_wnd, 65535u << 14);
	/* an update beyond the bound changes nothing, one up to it does */
	cached.initial_rcv_wnd = 5000;
	eng_update(e, &cached, 0);
	cached.initial_rcv_wnd = (65535u << 14) + 1;
	eng_update(e, &cached, 0);
	cached = eng_cached(e);
	assert_int_equal(cached.initial_rcv_wnd, 5000);
	cached.initial_rcv_wnd = 65535u << 14;
	eng_update(e, &cached, 0);
	cached = eng_cached(e);
	assert_int_equal(cached.initial_rcv_wnd, 65535u << 14);
	rte_pktmbuf_free(s.buffered);
	eng_turn(e);
	eng_ignore_out(e);
	eng_finish(e);
}

static void
checklist_60_no_buffer_for_the_copy_fails_and_takes_nothing(void **state)
{
	struct eng *e = eng_blank(&(struct eng_opts){ .buffered = 9000, .unsent = 1000 });
	struct rte_mempool *small = pools_mbufs("transfer_small", 3);
	struct rte_mempool *pool = e->env.pool;
	struct eng_state s;
	enum chim_reason why;

	eng_state_of(e, &s);
	e->env.pool = small;
	const struct chim_tcp_import in = { &s.k, &s.cached, &s.d, s.chain, 1500 };

	assert_int_equal(chim_tcp_import(e->c, &in, &e->env, &why), CHIM_STATUS_FAILURE);
	assert_int_equal(why, CHIM_REASON_NO_MEMORY);
	chim_row_flush(&e->row);
	pools_check_full(small);
	rte_mempool_free(small);
	e->env.pool = pool;
	assert_int_equal(list_bytes(s.chain, 0), 1000);
	rte_pktmbuf_free(s.chain);
	rte_pktmbuf_free(s.buffered);
	eng_finish(e);
}

/* ---- send data that comes along ---- */

static void
checklist_66_to_68_old_data_first_then_unsent_then_new(void **state)
{
	struct eng *e =
		eng_established(.mss = 1000, .unacked = 2000, .to_resend = 1500, .unsent = 700);

	/* [SndNxt, SndMax) again, then what was never sent; [SndUna, SndNxt) waits */
	expect_out(e, SEG(.seq = 2000, .len = 1000), SEG(.seq = 3000, .len = 500),
		SEG(.seq = 3500, .len = 700));
	eng_host_sends(e, 300);
	expect_out(e, SEG(.seq = 4200, .len = 300));
	/* checklist 70: the ACK of what the host had sent counts */
	inject(e, SEG(.ack = 2000));
	inject(e, SEG(.ack = 4500));
	/* checklist 72: inherited buffers complete like sends */
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(chim_nbl(io->m)->bytes, 4200);
	assert_int_equal(chim_nbl(chim_nbl(io->m)->next)->bytes, 300);
	expect_quiet_for(e, 10000);
	eng_finish(e);
}

static void
checklist_69_nothing_is_resent_before_a_reason(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .unacked = 3000);

	expect_quiet_for(e, 199);
	/* checklist 238: the inherited timer had 200 ticks left */
	eng_run(e, 1);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	inject(e, SEG(.ack = 3000));
	expect_io(e, CHIM_IO_SEND_DONE);
	eng_finish(e);
}

static void
checklist_70_an_ack_of_what_the_host_sent_counts(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .unacked = 3000);

	inject(e, SEG(.ack = 1200));
	assert_int_equal(eng_delegated(e).snd_una, e->iss + 1200);
	assert_int_equal(eng_delegated(e).retransmit_count, 0);
	expect_no_io(e);
	inject(e, SEG(.ack = 3000));
	assert_int_equal(chim_nbl(expect_io(e, CHIM_IO_SEND_DONE)->m)->bytes, 3000);
	expect_quiet_for(e, 100000);
	eng_finish(e);
}

/* ---- buffered data ---- */

static void
checklist_61_to_64_buffered_data_waits_and_goes_first(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 1500);

	expect_no_io(e);
	inject(e, SEG(.seq = 0, .len = 400));
	expect_no_io(e);
	eng_host_posts(e, 1000, 0);
	struct chim_io *io = expect_io(e, CHIM_IO_RECEIVE_DONE);

	assert_int_equal(io->m->pkt_len, 1000);
	eng_check_bytes(io->m, 0u - 1500);
	/* the excess is indicated, old before new */
	expect_data(e, 0u - 500, 900);
	eng_run(e, 100);
	expect_out(e, SEG(.ack = 400));
	eng_finish(e);
}

static void
checklist_65_the_push_timer_starts_after_the_offload(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .buffered = 700);
	chim_ms_t now = (chim_ms_t)(e->env.now_us / CHIM_US_PER_MS);
	chim_ms_t when;

	assert_true(chim_tcp_deadline(e->c, &when));
	assert_int_equal(when, (chim_ms_t)(now + e->cfg.push_ms));
	/* nothing is partly filled: it finds nothing to do, and the data still waits */
	eng_run(e, 2 * e->cfg.push_ms);
	expect_no_io(e);
	assert_false(chim_tcp_deadline(e->c, &when));
	eng_host_posts(e, 0, 0);
	expect_io(e, CHIM_IO_RECEIVE_DONE);
	expect_data(e, 0u - 700, 700);
	eng_finish(e);

	e = eng_established(.mss = 1000);
	assert_false(chim_tcp_deadline(e->c, &when));
	eng_finish(e);
}

/* ---- terminate ---- */

static void
checklist_112_delayed_ack_goes_out_before_terminate_completes(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	inject(e, SEG(.seq = 0, .len = 100));
	expect_data(e, 0, 100);
	expect_nothing(e);
	e->out.nb = 0;
	e->out.room = 1;
	assert_int_equal(
		chim_tcp_terminate(e->c, &e->tmpl, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	assert_int_equal(e->out.nb, 1);
	rte_pktmbuf_free(e->burst[0]);
	assert_int_equal(d.rcv_nxt, e->irs + 100);
	/* checklist 116 */
	assert_null(chain);
	assert_null(d.send_data_head);
	eng_finish(e);
}

static void
checklist_114_115_118_open_requests_come_back_at_terminate(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	eng_host_posts(e, 2000, 0);
	inject(e, SEG(.seq = 0, .len = 300));
	eng_host_sends(e, 1500);
	inject(e, SEG(.seq = 300, .ack = 700));
	eng_ignore_out(e);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	eng_ignore_out(e);
	expect_no_io(e);
	chim_ms_t when;

	assert_true(chim_tcp_deadline(e->c, &when));
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	/* nothing runs any more, and nothing is kept */
	assert_false(chim_tcp_deadline(e->c, &when));
	assert_int_equal(eng_view(e).recv_queue_bytes, 0);
	eng_turn(e);
	struct chim_io *io = expect_io(e, CHIM_IO_DISCONNECT_DONE);

	assert_int_equal(io->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	io = expect_io(e, CHIM_IO_RECEIVE_DONE);
	assert_int_equal(chim_nbl(io->m)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	assert_int_equal(chim_nbl(io->m)->bytes, 300);
	assert_int_equal(list_bytes(chain, 700), 800);
	assert_ptr_equal(d.send_data_head, chain);
	assert_ptr_equal(d.send_data_tail, chain);
	/* the FIN has gone out: SndMax counts it, the data does not */
	assert_int_equal(d.state, CHIM_TCP_FIN_WAIT_1);
	assert_int_equal(d.snd_una, e->iss + 700);
	assert_int_equal(d.snd_max, e->iss + 1501);
	rte_pktmbuf_free(chain);
	/* checklist 122, 123: what arrives now is the host's */
	inject(e, SEG(.seq = 300, .len = 10));
	assert_int_equal(e->verdict, CHIM_VERDICT_PUNT);
	assert_int_equal(e->why, CHIM_WHY_CLOSED);
	eng_finish(e);
}

static void
what_has_come_fills_requests_before_they_go_back(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	e->is_manual = true;
	eng_host_posts(e, 1000, 0);
	eng_host_posts(e, 1000, 0);
	inject(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	eng_turn(e);
	struct rte_mbuf *first = expect_io(e, CHIM_IO_RECEIVE_DONE)->m;

	assert_int_equal(chim_nbl(first)->status, CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_nbl(first)->bytes, 1000);
	assert_int_equal(chim_nbl(chim_nbl(first)->next)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	assert_null(d.buffered_data);
	eng_finish(e);
}

static void
checklist_124_data_only_sacked_is_dropped_at_terminate(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	inject(e, SEG(.seq = 1000, .len = 1000));
	eng_ignore_out(e);
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	eng_turn(e);
	assert_int_equal(d.rcv_nxt, e->irs);
	assert_null(d.buffered_data);
	eng_finish(e);
}

static void
terminate_without_a_structure_completes_the_sends(void **state)
{
	struct eng *e = eng_established(.mss = 1000);
	struct rte_mbuf *chain;

	eng_host_sends(e, 1500);
	eng_ignore_out(e);
	inject(e, SEG(.ack = 600));
	assert_int_equal(
		chim_tcp_terminate(e->c, NULL, NULL, &chain, &e->env), CHIM_STATUS_SUCCESS);
	eng_turn(e);
	struct chim_io *io = expect_io(e, CHIM_IO_SEND_DONE);

	assert_int_equal(chim_nbl(io->m)->status, CHIM_STATUS_UPLOAD_IN_PROGRESS);
	assert_int_equal(chim_nbl(io->m)->bytes, 600);
	assert_int_equal(io->m->pkt_len, 900);
	eng_check_bytes(io->m, 600);
	assert_null(chain);
	eng_finish(e);
}

static void
an_unsent_fin_is_the_hosts_again(void **state)
{
	struct eng *e = eng_established(.mss = 1000, .snd_wnd = 1000);
	struct chim_tcp_delegated d;
	struct rte_mbuf *chain;

	eng_host_sends(e, 2000);
	eng_host_disconnects(e, CHIM_DISCONNECT_GRACEFUL, 0);
	expect_out(e, SEG(.seq = 0, .len = 1000));
	assert_int_equal(eng_view(e).state, CHIM_TCP_FIN_WAIT_1);
	assert_int_equal(chim_tcp_terminate(e->c, NULL, &d, &chain, &e->env), CHIM_STATUS_SUCCESS);
	eng_turn(e);
	expect_io(e, CHIM_IO_DISCONNECT_DONE);
	assert_int_equal(d.state, CHIM_TCP_ESTABLISHED);
	assert_int_equal(d.snd_max, e->iss + 1000);
	assert_int_equal(list_bytes(chain, 0), 2000);
	rte_pktmbuf_free(chain);
	eng_finish(e);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_129_what_comes_out_is_what_went_in),
	cmocka_unit_test(what_cannot_be_run_is_refused_with_its_reason),
	cmocka_unit_test(what_is_just_within_its_bounds_is_taken),
	cmocka_unit_test(checklist_60_no_buffer_for_the_copy_fails_and_takes_nothing),
	cmocka_unit_test(checklist_66_to_68_old_data_first_then_unsent_then_new),
	cmocka_unit_test(checklist_69_nothing_is_resent_before_a_reason),
	cmocka_unit_test(checklist_70_an_ack_of_what_the_host_sent_counts),
	cmocka_unit_test(checklist_65_the_push_timer_starts_after_the_offload),
	cmocka_unit_test(checklist_61_to_64_buffered_data_waits_and_goes_first),
	cmocka_unit_test(checklist_112_delayed_ack_goes_out_before_terminate_completes),
	cmocka_unit_test(checklist_114_115_118_open_requests_come_back_at_terminate),
	cmocka_unit_test(what_has_come_fills_requests_before_they_go_back),
	cmocka_unit_test(checklist_124_data_only_sacked_is_dropped_at_terminate),
	cmocka_unit_test(terminate_without_a_structure_completes_the_sends),
	cmocka_unit_test(an_unsent_fin_is_the_hosts_again),
};

CHIM_CMOCKA_SUITE(engine_transfer_autotest, tests, NULL, NULL)
