/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The simulation of sim.h: events are arrivals and timers, the earliest is next.
 * After each event the invariants of loss recovery are looked at.
 */
#include "sim.h"

#include <stdlib.h>

#include "pools.h"

#define RTO_MIN_US 200000u
#define RTO_MAX_US 60000000u
#define RECORDS	   32767u
#define MBUFS	   16383u

static struct rte_mempool *records, *flights, *mbufs;

/* ---- the heap of packets under way ---- */

static bool
is_before(const struct sim_packet *a, const struct sim_packet *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void
push(struct sim *s, struct sim_packet p)
{
	uint32_t i = s->nb++;

	assert_true(s->nb <= SIM_PACKETS);
	p.order = s->order++;
	while (i > 0 && is_before(&p, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = p;
}

static struct sim_packet
pop(struct sim *s)
{
	struct sim_packet top = s->heap[0];
	struct sim_packet last = s->heap[--s->nb];
	uint32_t i = 0;

	for (uint32_t child = 1; child < s->nb; child = 2 * i + 1) {
		if (child + 1 < s->nb && is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return top;
}

/* ---- the link ---- */

static bool
is_chosen(struct sim *s, uint32_t every)
{
	return every != 0 && pools_below(&s->rnd, every) == 0;
}

static void
carry(struct sim *s, struct sim_packet *p)
{
	p->sent_at = s->env.now_us;
	p->at = RTE_MAX(p->at, s->env.now_us) + s->link.delay_us;
	if (s->link.rule != NULL && s->link.rule(s, p)) {
		s->lost++;
		return;
	}
	if (is_chosen(s, s->link.loss_every)) {
		s->lost++;
		return;
	}
	if (!p->is_ack && is_chosen(s, s->link.late_every))
		p->at += s->link.late_us;
	push(s, *p);
	if (!p->is_ack && is_chosen(s, s->link.dup_every))
		push(s, *p);
}

/* Through the bottleneck: p->at becomes the moment of departure. */
static void
transmit(struct sim *s, uint32_t seq, uint32_t len)
{
	chim_us_t start = RTE_MAX(s->busy_until, s->env.now_us);
	uint64_t backlog = (start - s->env.now_us) * s->link.bytes_per_ms / 1000;
	struct sim_packet p = { .seq = seq, .len = len, .echo = s->env.now_us };

	if (backlog + len > s->link.queue_bytes) {
		s->drops++;
		return;
	}
	p.has_ce = s->link.mark_bytes != 0 && backlog > s->link.mark_bytes;
	s->busy_until = start + (uint64_t)len * 1000 / s->link.bytes_per_ms;
	p.at = s->busy_until;
	carry(s, &p);
}

/* ---- the sender ---- */

static struct tcp_recover_in
input(const struct sim *s)
{
	return (struct tcp_recover_in){
		.una = s->una,
		.ack = s->una,
		.max = s->max,
		.mss = SIM_MSS,
		.srtt_us = s->srtt_us,
		.has_sack = s->peer.has_sack,
	};
}

static uint32_t
rto_us(const struct sim *s)
{
	uint64_t rto = s->srtt_us == 0 ? 1000000 : s->srtt_us + 4 * (uint64_t)s->rttvar_us;

	rto = RTE_MAX(rto, RTO_MIN_US) << RTE_MIN(s->backoff, 10u);
	return (uint32_t)RTE_MIN(rto, RTO_MAX_US);
}

static void
arm_probe(struct sim *s)
{
	struct tcp_recover_in in = input(s);
	uint32_t left;

	s->pto_at = 0;
	if (s->rto_at > s->env.now_us && s->backoff == 0 &&
		tcp_recover_pto_us(&s->r, &in, (uint32_t)(s->rto_at - s->env.now_us), &left))
		s->pto_at = s->env.now_us + left;
}

static void
arm_rto(struct sim *s)
{
	s->rto_at = s->una == s->max ? 0 : s->env.now_us + rto_us(s);
	arm_probe(s);
}

static void
arm_reo(struct sim *s)
{
	uint32_t left;

	s->reo_at = tcp_recover_reo_us(&s->r, &s->env, &left) ? s->env.now_us + left : 0;
}

static void
resend(struct sim *s, struct tcp_sent_rec *rec)
{
	uint32_t len = RTE_MIN(rec->len, SIM_MSS);
	uint32_t seq = rec->seq;

	assert_true(tcp_recover_on_resent(&s->r, rec, len, &s->env));
	s->resent++;
	transmit(s, seq, len);
	/* never sooner than an RTO after its last transmission (RFC 6298, 5) */
	if (s->rto_at == 0 || seq == s->una)
		arm_rto(s);
}

static void
send_new(struct sim *s)
{
	const struct tcp_sent_new tx = {
		.seq = s->max,
		.len = (uint32_t)RTE_MIN(s->app_left, (uint64_t)SIM_MSS),
		.now_us = (uint32_t)s->env.now_us,
		.segs = 1,
	};

	assert_true(tcp_recover_enter(&s->r, &tx, &s->env));
	tcp_recover_on_sent(&s->r, tx.len, &s->env);
	s->max += tx.len;
	s->app_left -= tx.len;
	transmit(s, tx.seq, tx.len);
	if (s->rto_at == 0)
		arm_rto(s);
	arm_probe(s);
}

static void
output(struct sim *s)
{
	struct tcp_sent_rec *rec;

	while ((rec = tcp_recover_next(&s->r, s->app_left > 0)) != NULL) {
		if (tcp_recover_allowance(&s->r) < RTE_MIN(rec->len, SIM_MSS))
			return;
		resend(s, rec);
	}
	if (s->una == s->max)
		tcp_recover_on_idle(&s->r, SIM_MSS, rto_us(s), &s->env);
	while (s->app_left > 0 && tcp_recover_allowance(&s->r) >= SIM_MSS)
		send_new(s);
}

/* RFC 6298, 2 */
static void
sample(struct sim *s, uint32_t rtt)
{
	if (rtt == 0)
		return;
	if (s->srtt_us == 0) {
		s->srtt_us = rtt;
		s->rttvar_us = rtt / 2;
		return;
	}
	s->rttvar_us = (3 * s->rttvar_us + (uint32_t)abs((int32_t)(s->srtt_us - rtt))) / 4;
	s->srtt_us = (uint32_t)((7 * (uint64_t)s->srtt_us + rtt) / 8);
}

static void
take_ack(struct sim *s, const struct sim_packet *p)
{
	struct tcp_recover_in in = input(s);
	struct tcp_recover_out out;

	if (chim_seq_lt(p->ack, s->una))
		return;
	in.ack = p->ack;
	in.sack = p->sack;
	in.nb_sack = p->nb_sack;
	in.has_ece = p->has_ce;
	in.is_dup = p->ack == s->una && s->una != s->max;
	in.has_echo = s->peer.has_ts;
	in.echo_us = (uint32_t)p->echo;
	tcp_recover_on_ack(&s->r, &in, &s->env, &out);
	assert_true(out.d.visited <= TCP_SENT_BUDGET + 8);
	s->acked += p->ack - s->una;
	s->una = p->ack;
	sample(s, out.d.rtt_first_us);
	if (out.events & (TCP_RECOVER_PROGRESS | TCP_RECOVER_UNDONE)) {
		s->backoff = 0;
		arm_rto(s);
	}
	arm_reo(s);
	output(s);
}

static void
expire_rto(struct sim *s)
{
	struct tcp_recover_in in = input(s);

	tcp_recover_on_rto(&s->r, &in, s->backoff == 0, &s->env);
	s->backoff++;
	s->reo_at = 0;
	arm_rto(s);
	output(s);
}

static void
expire_pto(struct sim *s)
{
	bool is_retrans = s->app_left == 0;

	s->pto_at = 0;
	if (is_retrans)
		resend(s, tcp_recover_probe(&s->r, SIM_MSS, &s->env));
	else
		send_new(s);
	tcp_recover_on_probe(&s->r, s->max, is_retrans, &s->env);
	arm_rto(s);
}

static void
expire_reo(struct sim *s)
{
	struct tcp_recover_in in = input(s);

	if (tcp_recover_on_reo(&s->r, &in, &s->env))
		arm_rto(s);
	arm_reo(s);
	output(s);
}

/* ---- the receiver ---- */

static void
answer(struct sim *s)
{
	struct sim_packet p = {
		.is_ack = true, .ack = s->rcv_nxt, .has_ce = s->has_ce, .echo = s->echo
	};

	if (s->peer.has_sack)
		p.nb_sack = tcp_sack_blocks(&s->reass, &s->dsack, p.sack, 3);
	s->unacked = 0;
	s->ack_at = 0;
	carry(s, &p);
}

static void
report_duplicate(struct sim *s, uint32_t start, uint32_t end)
{
	if (s->peer.has_dsack && start != end)
		s->dsack = (struct tcp_dsack){ start, end };
}

static void
queue_early(struct sim *s, const struct sim_packet *p)
{
	struct tcp_reass_in in = {
		.seq = p->seq, .rcv_nxt = s->rcv_nxt, .max_bytes = 1u << 28, .max_runs = 4096
	};
	struct tcp_reass_out out;

	in.m = rte_pktmbuf_alloc(mbufs);
	assert_non_null(in.m);
	assert_non_null(rte_pktmbuf_append(in.m, (uint16_t)p->len));
	if (tcp_reass_add(&s->reass, &in, &s->row, &out) == TCP_REASS_DUPLICATE)
		s->duplicates++;
	report_duplicate(s, out.dup_start, out.dup_end);
}

static void
take_early(struct sim *s)
{
	uint32_t bytes;
	bool fin;
	struct rte_mbuf *m = tcp_reass_take(&s->reass, s->rcv_nxt, &s->row, &bytes, &fin);

	s->rcv_nxt += bytes;
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		chim_row_put(&s->row, m);
		m = next;
	}
}

static void
take_data(struct sim *s, const struct sim_packet *p)
{
	uint32_t end = p->seq + p->len;
	bool is_at_once = true;

	/* DCTCP's receiver: a change of CE is answered before (RFC 8257, 3.2) */
	if (p->has_ce != s->has_ce && s->unacked > 0)
		answer(s);
	s->has_ce = p->has_ce;
	/* RFC 7323, 4.3: the timestamp of the segment that advanced, or of the earliest unanswered
	 */
	if (chim_seq_le(p->seq, s->rcv_nxt) && s->unacked == 0)
		s->echo = p->echo;
	if (chim_seq_le(end, s->rcv_nxt)) {
		s->duplicates++;
		report_duplicate(s, p->seq, end);
	} else if (chim_seq_gt(p->seq, s->rcv_nxt)) {
		queue_early(s, p);
	} else {
		is_at_once = !tcp_reass_is_empty(&s->reass);
		report_duplicate(s, p->seq, s->rcv_nxt);
		s->rcv_nxt = end;
		take_early(s);
	}
	if (is_at_once || ++s->unacked >= 2)
		answer(s);
	else if (s->ack_at == 0)
		s->ack_at = s->env.now_us + s->peer.delayed_ack_us;
}

/* ---- */

void
sim_begin(struct sim *s, uint8_t algorithm, uint64_t bytes, uint64_t seed)
{
	struct sim_packet *heap = malloc(SIM_PACKETS * sizeof(*heap));

	assert_non_null(heap);
	if (records == NULL) {
		records = pools_objects("sim_records", RECORDS, chim_tcp_sent_size());
		flights = pools_objects("sim_flights", 63, chim_tcp_flight_size());
		mbufs = pools_mbufs("sim_mbufs", MBUFS);
	}
	*s = (struct sim){
		.link = { .bytes_per_ms = 1250, .delay_us = 25000, .queue_bytes = 62500 },
		.peer = { .has_sack = true, .has_dsack = true, .delayed_ack_us = 40000 },
		/* the engine's clock wraps its 32 bits of microseconds after a second */
		.begin = (1ull << 32) - 1000000,
		.rnd = seed * 0x9E3779B97F4A7C15ull | 1,
		.una = SIM_ISS,
		.max = SIM_ISS,
		.rcv_nxt = SIM_ISS,
		.app_left = bytes,
		.heap = heap,
	};
	s->cfg = (struct chim_tcp_config){
		.dupack_threshold = 3, .abc_limit = 4, .congestion_algorithm = algorithm
	};
	s->env = (struct chim_tcp_env){
		.cfg = &s->cfg,
		.sent_pool = records,
		.flight_pool = flights,
		.row = &s->row,
		.counters = &s->counters,
	};
	chim_tcp_set_now(&s->env, s->begin);
	tcp_recover_init(&s->r, algorithm, tcp_cc_initial_window(SIM_MSS), 0x7FFFFFFFu);
}

static chim_us_t
earliest(chim_us_t a, chim_us_t b)
{
	return b != 0 && b < a ? b : a;
}

static void
step(struct sim *s)
{
	struct sim_packet p;

	if (s->nb > 0 && s->heap[0].at <= s->env.now_us) {
		p = pop(s);
		if (p.is_ack)
			take_ack(s, &p);
		else
			take_data(s, &p);
	} else if (s->ack_at != 0 && s->ack_at <= s->env.now_us) {
		answer(s);
	} else if (s->reo_at != 0 && s->reo_at <= s->env.now_us) {
		expire_reo(s);
	} else if (s->pto_at != 0 && s->pto_at <= s->env.now_us) {
		/* at the moment of the RTO the probe goes first (RFC 8985, 7.2) */
		expire_pto(s);
	} else if (s->rto_at != 0 && s->rto_at <= s->env.now_us) {
		expire_rto(s);
	}
}

bool
sim_run(struct sim *s, chim_us_t us)
{
	chim_us_t end = s->env.now_us + us;

	output(s);
	while (s->app_left > 0 || s->una != s->max) {
		chim_us_t next = s->nb > 0 ? s->heap[0].at : UINT64_MAX;

		next = earliest(next, s->ack_at);
		next = earliest(next, s->rto_at);
		next = earliest(next, s->reo_at);
		next = earliest(next, s->pto_at);
		assert_true(next != UINT64_MAX);
		if (next > end) {
			chim_tcp_set_now(&s->env, end);
			return false;
		}
		chim_tcp_set_now(&s->env, RTE_MAX(next, s->env.now_us));
		step(s);
		if (s->order % 16 == 0)
			assert_null(tcp_recover_check(&s->r, s->una, s->max));
	}
	return true;
}

void
sim_drop(struct sim *s)
{
	if (s->heap == NULL)
		return;
	tcp_recover_release(&s->r, &s->env);
	tcp_reass_flush(&s->reass, &s->row);
	chim_row_flush(&s->row);
	free(s->heap);
	s->heap = NULL;
}

void
sim_end(struct sim *s)
{
	assert_null(tcp_recover_check(&s->r, s->una, s->max));
	if (s->una == s->max)
		assert_null(tcp_recover_first(&s->r));
	sim_drop(s);
	pools_check_full(records);
	pools_check_full(flights);
	pools_check_full(mbufs);
}
