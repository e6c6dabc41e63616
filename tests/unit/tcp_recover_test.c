/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Loss recovery and congestion control together, over a simulated link: windows
 * where the RFCs' formulas put them, tails repaired without a timeout,
 * reordering learnt, spurious timeouts undone, and everything delivered whatever
 * the link does. The cube of CUBIC's formula is computed in floating point here.
 */
#include <stdio.h>

#include "pools.h"
#include "sim.h"

#define S   ((chim_us_t)CHIM_US_PER_S)
#define MB  1000000ull
#define INF 0x7FFFFFFFu

static struct sim s;

/* Share of the link's capacity that was acknowledged, in per cent. */
static uint32_t
utilisation(uint64_t bytes, chim_us_t us)
{
	return (uint32_t)(bytes * 100000 / (us * s.link.bytes_per_ms));
}

struct range {
	uint32_t low, high;
};

/* cwnd outside of recovery, looked at every 10 ms. */
static struct range
window_range(chim_us_t us)
{
	struct range w = { UINT32_MAX, 0 };

	for (chim_us_t t = 0; t < us; t += 10000) {
		sim_run(&s, 10000);
		if (tcp_recover_state(&s.r) != TCP_RECOVER_OPEN)
			continue;
		w.low = RTE_MIN(w.low, s.r.cc.cwnd);
		w.high = RTE_MAX(w.high, s.r.cc.cwnd);
	}
	return w;
}

/* RFC 5681, RFC 9937: a saw between half of pipe and queue and all of it; the link stays full. */
static void
newreno_saws_between_half_and_all(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_NEWRENO, 1000 * MB, 1);
	sim_run(&s, 20 * S);
	uint64_t before = s.acked;
	uint32_t recoveries = (uint32_t)s.counters.fast_recovery;
	struct range w = window_range(60 * S);
	/* 62.5 segments of path and 62.5 of queue */
	assert_in_range(w.high, 120 * SIM_MSS, 135 * SIM_MSS);
	assert_in_range(w.low, 58 * SIM_MSS, 68 * SIM_MSS);
	assert_true(utilisation(s.acked - before, 60 * S) >= 98);
	/* from half to all takes about 63 round trips of 50 to 100 ms */
	assert_in_range(s.counters.fast_recovery - recoveries, 8, 20);
	assert_int_equal(s.counters.rto, 0);
	sim_end(&s);
}

/* RFC 9438: seven tenths, and the link stays full. */
static void
cubic_saws_between_seven_tenths_and_all(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 1000 * MB, 1);
	sim_run(&s, 20 * S);
	uint64_t before = s.acked;
	struct range w = window_range(60 * S);
	assert_in_range(w.high, 120 * SIM_MSS, 140 * SIM_MSS);
	assert_in_range(w.low, 80 * SIM_MSS, 96 * SIM_MSS);
	assert_true(utilisation(s.acked - before, 60 * S) >= 99);
	assert_int_equal(s.counters.rto, 0);
	sim_end(&s);
}

static uint32_t lose_at; /* offset; the first transmission of it */

static bool
lose_once(struct sim *sim, struct sim_packet *p)
{
	bool is_it = !p->is_ack && lose_at != 0 && sim_offset(p->seq) >= lose_at;

	(void)sim;
	if (is_it)
		lose_at = 0;
	return is_it;
}

/* RFC 9438, 4.2: W_cubic(t) = 0.4 (t - K)^3 + W_max after one loss at a window of 1000 segments. */
static void
cubic_follows_its_formula_after_a_loss(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 10000 * MB, 1);
	s.link.bytes_per_ms = 100000;
	s.link.delay_us = 50000;
	s.link.queue_bytes = 100 * MB;
	s.link.rule = lose_once;
	tcp_cc_init(&s.r.cc, CHIM_CC_CUBIC, 1000 * SIM_MSS, 1000 * SIM_MSS);
	lose_at = 1500 * SIM_MSS;
	while (s.counters.fast_recovery == 0 || tcp_recover_state(&s.r) != TCP_RECOVER_OPEN)
		sim_run(&s, 1000);
	double w_max = s.r.cc.w_max / (double)SIM_MSS;
	double w0 = s.r.cc.cwnd / (double)SIM_MSS;
	assert_true(w0 > 0.69 * w_max && w0 < 0.71 * w_max);
	double k = 0;
	while (0.4 * k * k * k < w_max - w0)
		k += 0.001;
	for (uint32_t t = 1; t <= 14; t++) {
		sim_run(&s, S);
		double want = 0.4 * (t - k) * (t - k) * (t - k) + w_max;
		double have = s.r.cc.cwnd / (double)SIM_MSS;
		assert_true(have > 0.97 * want && have < 1.03 * want);
	}
	assert_int_equal(s.counters.fast_recovery, 1);
	assert_int_equal(s.resent, 1);
	sim_end(&s);
}

/* RFC 9406: slow start ends by the round trips, before the queue overflows. */
static void
hystart_leaves_slow_start_before_the_queue_overflows(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 100 * MB, 1);
	s.link.bytes_per_ms = 6250;
	s.link.delay_us = 50000;
	s.link.queue_bytes = 5 * MB;
	while (tcp_cc_is_slow_start(&s.r.cc))
		sim_run(&s, 10000);
	assert_int_equal(s.drops, 0);
	assert_true(s.r.cc.ssthresh < INF);
	/* not below the path's 625 segments either */
	assert_true(s.r.cc.cwnd > 625 * SIM_MSS);
	sim_end(&s);
	/* the same without */
	sim_begin(&s, CHIM_CC_NEWRENO, 100 * MB, 1);
	s.link.bytes_per_ms = 6250;
	s.link.delay_us = 50000;
	s.link.queue_bytes = 5 * MB;
	while (tcp_cc_is_slow_start(&s.r.cc))
		sim_run(&s, 10000);
	assert_true(s.drops > 100);
	sim_end(&s);
}

/* ---- repair ---- */

static uint32_t tail_from; /* first transmissions from this offset on are lost */

static bool
lose_tail_once(struct sim *sim, struct sim_packet *p)
{
	(void)sim;
	if (p->is_ack || sim_offset(p->seq) < tail_from)
		return false;
	tail_from = sim_offset(p->seq) + 1;
	return true;
}

/* RFC 8985, 7: the last three segments are lost; a probe tells, fast recovery repairs. */
static void
a_lost_tail_is_repaired_without_a_timeout(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 40 * SIM_MSS, 1);
	s.link.rule = lose_tail_once;
	tail_from = 37 * SIM_MSS;
	assert_true(sim_run(&s, 10 * S));
	assert_int_equal(s.counters.rto, 0);
	assert_int_equal(s.counters.tlp, 1);
	assert_int_equal(s.counters.fast_recovery, 1);
	assert_int_equal(s.resent, 3);
	assert_int_equal(s.duplicates, 0);
	sim_end(&s);
}

/* RFC 8985, 7.4.2: the probe itself repairs the last segment; the loss is answered all the same. */
static void
a_probe_that_repairs_is_a_loss_for_congestion_control(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 40 * SIM_MSS, 1);
	s.link.rule = lose_tail_once;
	tail_from = 39 * SIM_MSS;
	assert_true(sim_run(&s, 10 * S));
	assert_int_equal(s.counters.rto, 0);
	assert_int_equal(s.counters.tlp, 1);
	assert_int_equal(s.resent, 1);
	sim_end(&s);
	/* nothing lost, the ACK only late: the probe was for nothing, nothing is reduced */
	sim_begin(&s, CHIM_CC_CUBIC, 41 * SIM_MSS, 1);
	s.peer.delayed_ack_us = 180000;
	assert_true(sim_run(&s, 10 * S));
	assert_int_equal(s.r.cc.ssthresh, INF);
	assert_int_equal(s.counters.rto, 0);
	sim_end(&s);
}

static bool
lose_first_of_many(struct sim *sim, struct sim_packet *p)
{
	uint32_t off = sim_offset(p->seq);

	(void)sim;
	if (p->is_ack || off != lose_at || lose_at >= 130 * SIM_MSS)
		return false;
	lose_at += 3 * SIM_MSS;
	return true;
}

/* RFC 6675, RFC 9937: ten holes in a window are repaired in one recovery, in a few round trips. */
static void
many_holes_are_repaired_in_one_recovery(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 400 * SIM_MSS, 1);
	s.link.rule = lose_first_of_many;
	s.link.queue_bytes = 1 * MB;
	lose_at = 100 * SIM_MSS;
	assert_true(sim_run(&s, 20 * S));
	assert_int_equal(s.counters.fast_recovery, 1);
	assert_int_equal(s.counters.rto, 0);
	assert_int_equal(s.resent, 10);
	assert_int_equal(s.duplicates, 0);
	sim_end(&s);
}

static uint32_t lose_times;

static bool
lose_again_and_again(struct sim *sim, struct sim_packet *p)
{
	(void)sim;
	if (p->is_ack || sim_offset(p->seq) != lose_at || lose_times == 0)
		return false;
	lose_times--;
	return true;
}

/* RFC 8985, 3: the resent segment is lost as well, four times; time finds that, no timeout. */
static void
lost_resends_are_found(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 2000 * SIM_MSS, 1);
	s.link.rule = lose_again_and_again;
	s.link.queue_bytes = 1 * MB;
	lose_at = 300 * SIM_MSS;
	lose_times = 5;
	assert_true(sim_run(&s, 60 * S));
	assert_int_equal(lose_times, 0);
	assert_int_equal(s.counters.rto, 0);
	assert_int_equal(s.counters.fast_recovery, 1);
	assert_int_equal(s.resent, 5);
	sim_end(&s);
}

/* RFC 6582: without SACK, a hole each round trip, no timeout. */
static void
newreno_repairs_without_sack(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_NEWRENO, 400 * SIM_MSS, 1);
	s.peer.has_sack = false;
	s.peer.has_dsack = false;
	s.link.rule = lose_first_of_many;
	s.link.queue_bytes = 1 * MB;
	lose_at = 118 * SIM_MSS;
	assert_true(sim_run(&s, 20 * S));
	assert_int_equal(s.counters.fast_recovery, 1);
	assert_int_equal(s.counters.rto, 0);
	assert_int_equal(s.resent, 4);
	sim_end(&s);
}

/* ---- reordering ---- */

/* RFC 8985, 6.2.4: late segments cost some spurious recoveries, then the window is wide enough. */
static void
reordering_is_learnt_from_dsacks(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 1000 * MB, 5);
	s.link.queue_bytes = 10 * MB;
	s.link.late_every = 50;
	s.link.late_us = 30000; /* more than a quarter of the round trip */
	tcp_cc_init(&s.r.cc, CHIM_CC_CUBIC, 50 * SIM_MSS, 40 * SIM_MSS);
	sim_run(&s, 10 * S);
	uint32_t early = s.resent;
	assert_true(early > 0);
	assert_true(s.r.kept.reo_mult > 1);
	sim_run(&s, 20 * S);
	/* about 500 late segments in these 20 seconds */
	assert_true(s.resent - early <= 5);
	assert_int_equal(s.counters.rto, 0);
	sim_end(&s);
}

/* RFC 8985, 6.2: a little reordering, less than a quarter of the round trip, costs nothing. */
static void
a_little_reordering_is_not_loss(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_CUBIC, 1000 * MB, 5);
	s.link.queue_bytes = 10 * MB;
	s.link.late_every = 50;
	s.link.late_us = 1600; /* two segments overtake it */
	tcp_cc_init(&s.r.cc, CHIM_CC_CUBIC, 50 * SIM_MSS, 40 * SIM_MSS);
	sim_run(&s, 20 * S);
	assert_int_equal(s.resent, 0);
	assert_int_equal(s.counters.fast_recovery, 0);
	sim_end(&s);
}

/* ---- timeouts for nothing ---- */

static chim_us_t stall_from, stall_for;

/* The path stands still for a while, then everything arrives. */
static bool
stall(struct sim *sim, struct sim_packet *p)
{
	chim_us_t from = sim->begin + stall_from;

	if (!p->is_ack && p->at > from && p->at < from + stall_for)
		p->at = from + stall_for + (p->at - from) / 1000;
	return false;
}

static void
stalled_transfer(chim_us_t us, bool has_ts)
{
	sim_begin(&s, CHIM_CC_NEWRENO, 30 * MB, 1);
	s.link.queue_bytes = 10 * MB;
	s.link.rule = stall;
	s.peer.has_ts = has_ts;
	s.peer.has_dsack = false;
	stall_from = 2 * S;
	stall_for = us;
	tcp_cc_init(&s.r.cc, CHIM_CC_NEWRENO, 60 * SIM_MSS, 50 * SIM_MSS);
	sim_run(&s, 2 * S);
	uint32_t cwnd = s.r.cc.cwnd;
	sim_run(&s, 3 * S);
	assert_true(s.counters.rto >= 1);
	assert_int_equal(s.counters.spurious_rto, 1);
	assert_true(s.r.cc.cwnd >= cwnd);
	assert_true(s.resent <= 8);
}

/* RFC 3522 and 4015: even after the timer has backed off */
static void
timestamps_undo_a_spurious_timeout(void **state)
{
	(void)state;
	stalled_transfer(800000, true);
	assert_true(s.counters.rto > 1);
	sim_end(&s);
}

/* RFC 5682, 3.1 */
static void
frto_undoes_a_spurious_timeout(void **state)
{
	(void)state;
	stalled_transfer(450000, false);
	assert_int_equal(s.counters.rto, 1);
	sim_end(&s);
}

/* RFC 5682, 3.1 step 3a: here the first flight after the stall is really lost. */
static bool
outage(struct sim *sim, struct sim_packet *p)
{
	chim_us_t from = sim->begin + stall_from;

	return !p->is_ack && p->at > from && p->at < from + stall_for;
}

static void
a_real_outage_is_not_undone(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_NEWRENO, 3 * MB, 1);
	s.link.queue_bytes = 10 * MB;
	s.link.rule = outage;
	stall_from = 1 * S;
	stall_for = 450000;
	tcp_cc_init(&s.r.cc, CHIM_CC_NEWRENO, 60 * SIM_MSS, 50 * SIM_MSS);
	assert_true(sim_run(&s, 60 * S));
	assert_in_range(s.counters.rto, 1, 2);
	assert_int_equal(s.counters.spurious_rto, 0);
	assert_true(s.r.cc.ssthresh < 50 * SIM_MSS);
	sim_end(&s);
}

/* ---- ECN ---- */

/* RFC 8257: marks at 20 segments keep the queue there; the link is full, nothing is dropped. */
static void
dctcp_keeps_the_queue_short(void **state)
{
	uint64_t backlog = 0;

	(void)state;
	sim_begin(&s, CHIM_CC_DCTCP, 1000 * MB, 1);
	s.link.bytes_per_ms = 125000;
	s.link.delay_us = 250;
	s.link.queue_bytes = 1 * MB;
	s.link.mark_bytes = 20 * SIM_MSS;
	s.peer.delayed_ack_us = 1000;
	sim_run(&s, 1 * S);
	uint64_t before = s.acked;
	for (int i = 0; i < 1000; i++) {
		sim_run(&s, 1000);
		uint64_t now = s.busy_until > s.env.now_us ? s.busy_until - s.env.now_us : 0;
		backlog = RTE_MAX(backlog, now * s.link.bytes_per_ms / 1000);
	}
	assert_true(utilisation(s.acked - before, 1 * S) >= 97);
	assert_true(backlog < 60 * SIM_MSS);
	assert_int_equal(s.drops, 0);
	assert_int_equal(s.resent, 0);
	assert_true(s.counters.ecn_reductions > 10);
	sim_end(&s);
}

/* RFC 3168, 6.1.2: marks stand for losses, once a round trip; nothing is dropped or resent. */
static void
newreno_with_ecn_loses_nothing(void **state)
{
	(void)state;
	sim_begin(&s, CHIM_CC_NEWRENO, 1000 * MB, 1);
	s.link.queue_bytes = 10 * MB;
	s.link.mark_bytes = 62500;
	sim_run(&s, 10 * S);
	uint64_t before = s.acked, cuts = s.counters.ecn_reductions;
	sim_run(&s, 30 * S);
	assert_true(utilisation(s.acked - before, 30 * S) >= 97);
	assert_in_range(s.counters.ecn_reductions - cuts, 4, 15);
	assert_int_equal(s.resent, 0);
	sim_end(&s);
}

/* ---- a connection from elsewhere ---- */

/* What is in flight when it comes here is repaired like the rest, with no sample from it. */
static void
an_imported_flight_is_finished(void **state)
{
	for (uint32_t nxt = 0; nxt <= 20; nxt += 10) {
		sim_begin(&s, CHIM_CC_CUBIC, 30 * SIM_MSS, 1);
		s.max = SIM_ISS + 20 * SIM_MSS;
		s.rcv_nxt = SIM_ISS + 5 * SIM_MSS;
		const struct chim_sack out = { s.una, s.max };
		assert_true(tcp_recover_import(&s.r, &s.env, &out, s.una + nxt * SIM_MSS, false));
		assert_null(tcp_recover_check(&s.r, s.una, s.max));
		assert_int_equal(tcp_recover_snd_nxt(&s.r, s.max), s.una + nxt * SIM_MSS);
		s.rto_at = s.env.now_us + 1000000;
		assert_true(sim_run(&s, 60 * S));
		assert_int_equal(s.acked, 50 * SIM_MSS);
		sim_end(&s);
	}
	(void)state;
}

/* ---- whatever the link does ---- */

static void
storm(uint8_t algorithm, bool has_sack, uint64_t seed)
{
	sim_begin(&s, algorithm, 2000 * SIM_MSS + seed % SIM_MSS, seed);
	s.link.loss_every = 20 + seed % 200;
	s.link.late_every = 10 + seed % 70;
	s.link.late_us = 1000 + (uint32_t)(seed * 7919 % 60000);
	s.link.dup_every = 30 + seed % 11;
	s.link.queue_bytes = 5000 + (uint32_t)(seed * 104729 % 100000);
	s.link.mark_bytes = seed % 3 == 0 ? s.link.queue_bytes / 2 : 0;
	s.peer.has_sack = has_sack;
	s.peer.has_dsack = has_sack && seed % 2 == 0;
	s.peer.has_ts = seed % 4 < 2;
	if (!sim_run(&s, 3000 * S))
		printf("storm: seed %u algorithm %u did not end\n", (unsigned int)seed, algorithm);
	assert_int_equal(s.una, s.max);
	assert_int_equal(s.rcv_nxt, s.max);
	sim_end(&s);
}

static void
everything_arrives_in_every_storm(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		storm(CHIM_CC_CUBIC, true, seed);
		storm(CHIM_CC_NEWRENO, true, seed);
		storm(CHIM_CC_DCTCP, true, seed);
		storm(CHIM_CC_NEWRENO, false, seed);
		storm(CHIM_CC_CUBIC, false, seed);
	}
}

static int
teardown(void **state)
{
	(void)state;
	sim_drop(&s);
	return 0;
}

#define T(f) cmocka_unit_test_teardown(f, teardown)
static const struct CMUnitTest tests[] = {
	T(newreno_saws_between_half_and_all),
	T(cubic_saws_between_seven_tenths_and_all),
	T(cubic_follows_its_formula_after_a_loss),
	T(hystart_leaves_slow_start_before_the_queue_overflows),
	T(a_lost_tail_is_repaired_without_a_timeout),
	T(a_probe_that_repairs_is_a_loss_for_congestion_control),
	T(many_holes_are_repaired_in_one_recovery),
	T(lost_resends_are_found),
	T(newreno_repairs_without_sack),
	T(reordering_is_learnt_from_dsacks),
	T(a_little_reordering_is_not_loss),
	T(timestamps_undo_a_spurious_timeout),
	T(frto_undoes_a_spurious_timeout),
	T(a_real_outage_is_not_undone),
	T(dctcp_keeps_the_queue_short),
	T(newreno_with_ecn_loses_nothing),
	T(an_imported_flight_is_finished),
	T(everything_arrives_in_every_storm),
};
CHIM_CMOCKA_SUITE(tcp_recover_autotest, tests, NULL, NULL)
