/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The engine harness: see eng.h. Made, run and taken down here; what tests
 * expect is in eng_expect.c.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "eng.h"
#include "eng_int.h"
#include "pools.h"

#define PATH_MTU 1500u
#define BIG_MTU	 9000u
#define HEADER	 54u
/* Just below the wraps. */
#define START_MS (UINT32_MAX - 700u)
#define ISS	 (UINT32_MAX - 499u)
#define IRS	 (UINT32_MAX - 299u)
#define TS0	 (UINT32_MAX - 99u)
#define PEER_TS0 (UINT32_MAX - 49u)

static struct rte_mempool *pool, *host_pool, *clone_pool, *sent_pool, *flight_pool, *queues_pool;

static void
make_pools(void)
{
	if (pool != NULL)
		return;
	pool = pools_mbufs("eng_pool", 16383);
	host_pool = pools_mbufs("eng_host_pool", 16383);
	clone_pool = rte_pktmbuf_pool_create(
		"eng_clone_pool", 8191, 0, CHIM_NBL_PRIV_SIZE, 0, SOCKET_ID_ANY);
	assert_non_null(clone_pool);
	sent_pool = pools_objects("eng_sent_pool", 8191, chim_tcp_sent_size());
	flight_pool = pools_objects("eng_flight_pool", 15, chim_tcp_flight_size());
	queues_pool = pools_objects("eng_queues_pool", 15, chim_tcp_queues_size());
}

struct rte_mempool *
eng_host_pool(void)
{
	make_pools();
	return host_pool;
}

static uint32_t nb_external; /* buffers of eng_reference() */

uint32_t
eng_in_use(void)
{
	return rte_mempool_in_use_count(pool) + rte_mempool_in_use_count(host_pool) +
		rte_mempool_in_use_count(clone_pool) + rte_mempool_in_use_count(sent_pool) +
		rte_mempool_in_use_count(flight_pool) + rte_mempool_in_use_count(queues_pool) +
		nb_external;
}

/* ---- making one ---- */

static void
default_opts(struct eng_opts *o)
{
	if (o->state == 0)
		o->state = CHIM_TCP_ESTABLISHED;
	if (o->mss == 0)
		o->mss = 1000;
	if (o->cwnd_segs == 0)
		o->cwnd_segs = 10;
	if (o->snd_wnd == 0 && !o->is_window_closed)
		o->snd_wnd = 60000;
	if (o->rcv_wnd == 0)
		o->rcv_wnd = 60000;
	if (o->algorithm == 0)
		o->algorithm = CHIM_CC_NEWRENO;
}

static void
make_env(struct eng *e)
{
	chim_tcp_config_init(&e->cfg);
	e->cfg.congestion_algorithm = e->opts.algorithm;
	e->out = (struct chim_tcp_out){ .m = e->burst };
	e->burst_room = CHIM_DIM(e->burst);
	e->env = (struct chim_tcp_env){
		.cfg = &e->cfg,
		.pool = pool,
		.sent_pool = sent_pool,
		.flight_pool = flight_pool,
		.queues_pool = queues_pool,
		.row = &e->row,
		.out = &e->out,
		.stats = { &e->stats4, &e->stats6 },
		.counters = &e->counters,
		.random = 42,
		.challenge_reset = START_MS,
		.ip_id = 0x8000,
	};
	chim_tcp_set_now(&e->env, (chim_us_t)START_MS * CHIM_US_PER_MS);
	if (e->opts.is_attached || e->opts.has_tso) {
		e->env.clone_pool = clone_pool;
		e->cfg.tx_offloads = CHIM_TX_MULTI_SEGS;
		e->cfg.copy_below = 64;
	}
	if (e->opts.has_tso)
		e->cfg.tx_offloads |= CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM | CHIM_TX_TSO;
}

static void
make_tmpl(struct eng *e)
{
	struct chim_tmpl_in in = {
		.src.addr_bytes = { 2, 0, 0, 0, 0, 1 },
		.dst.addr_bytes = { 2, 0, 0, 0, 0, 2 },
		.is_ip6 = e->opts.is_ip6,
		.mtu = e->opts.mss + 60 > PATH_MTU ? BIG_MTU : PATH_MTU,
		.source = { 10, 0, 0, 1 },
		.destination = { 10, 0, 0, 2 },
	};

	chim_wire_tmpl_init(&e->tmpl, &in);
}

struct eng *
eng_blank(const struct eng_opts *opts)
{
	struct eng *e = calloc(1, sizeof(*e));

	make_pools();
	assert_non_null(e);
	e->in_use = eng_in_use();
	e->opts = *opts;
	default_opts(&e->opts);
	e->iss = ISS;
	e->irs = IRS;
	e->ts0 = TS0;
	e->peer_ts0 = PEER_TS0;
	make_env(e);
	make_tmpl(e);
	e->c = rte_zmalloc("eng", chim_tcp_conn_size(), RTE_CACHE_LINE_SIZE);
	assert_non_null(e->c);
	struct chim_conn_head *head = chim_tcp_head(e->c);

	head->handle = 0x0100000100000007u;
	head->is_ip6 = opts->is_ip6;
	head->wheel.slot = CHIM_WHEEL_NONE;
	return e;
}

struct rte_mbuf *
eng_chain(uint32_t at, uint32_t len, uint32_t seg_len)
{
	struct rte_mbuf *head = NULL;
	struct rte_mbuf *last = NULL;

	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(eng_host_pool());
		uint32_t n = RTE_MIN(len, seg_len);

		assert_non_null(m);
		memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
		uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, n);

		for (uint32_t i = 0; i < n; i++)
			p[i] = pkt_byte(at + i);
		at += n;
		len -= n;
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		}
		last = m;
	} while (len > 0);
	return head;
}

static void
free_external(void *data, void *opaque)
{
	(void)opaque;
	nb_external--;
	rte_free(data);
}

struct rte_mbuf *
eng_reference(uint32_t at, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(eng_host_pool());
	uint16_t size = (uint16_t)(len + sizeof(struct rte_mbuf_ext_shared_info) + 8);
	uint8_t *data = rte_malloc("external", size, 0);
	struct rte_mbuf_ext_shared_info *shared;

	assert_non_null(m);
	assert_non_null(data);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	shared = rte_pktmbuf_ext_shinfo_init_helper(data, &size, free_external, NULL);
	assert_non_null(shared);
	nb_external++;
	rte_pktmbuf_attach_extbuf(m, data, rte_malloc_virt2iova(data), size, shared);
	for (uint32_t i = 0; i < len; i++)
		data[i] = pkt_byte(at + i);
	m->data_len = len;
	m->pkt_len = len;
	return m;
}

static bool
is_one_of(uint32_t state, uint32_t a, uint32_t b, uint32_t d)
{
	return state == a || state == b || state == d;
}

void
eng_state_of(struct eng *e, struct eng_state *s)
{
	const struct eng_opts *o = &e->opts;
	uint32_t data = o->unacked + o->to_resend + o->unsent;
	bool has_fin =
		is_one_of(o->state, CHIM_TCP_FIN_WAIT_1, CHIM_TCP_CLOSING, CHIM_TCP_LAST_ACK);
	uint32_t fin = has_fin && !o->is_fin_unsent && o->unsent == 0;
	uint32_t fin_in =
		is_one_of(o->state, CHIM_TCP_CLOSE_WAIT, CHIM_TCP_CLOSING, CHIM_TCP_LAST_ACK);
	bool is_out = o->unacked + o->to_resend + fin != 0;

	*s = (struct eng_state){ 0 };
	s->k = (struct chim_tcp_const){
		.header.length = sizeof(s->k),
		.flags = (o->has_ts ? CHIM_TCP_TIMESTAMP_ENABLED : 0) |
			(o->no_sack ? 0 : CHIM_TCP_SACK_ENABLED) |
			(o->has_ecn ? CHIM_TCP_ECN_ENABLED : 0) |
			(o->snd_wscale || o->rcv_wscale ? CHIM_TCP_WINDOW_SCALING_ENABLED : 0),
		.remote_port = RTE_BE16(2000),
		.local_port = RTE_BE16(1000),
		.remote_mss = o->mss + (o->has_ts ? 12 : 0),
		.snd_wind_scale = o->snd_wscale,
		.rcv_wind_scale = o->rcv_wscale,
	};
	s->cached = (struct chim_tcp_cached){
		.header.length = sizeof(s->cached),
		.flags = o->cached_flags | (o->has_nagle ? CHIM_TCP_NAGLING_ENABLED : 0),
		.ttl = 64,
		.initial_rcv_wnd = o->rcv_wnd,
		.rcv_indication_size = o->rcv_indication_size,
		.ka_timeout = o->ka_timeout,
		.ka_interval = o->ka_interval,
		.ka_probe_count = o->ka_probe_count,
		.max_rt = o->max_rt,
	};
	s->d = (struct chim_tcp_delegated){
		.header.length = sizeof(s->d),
		.state = o->state,
		.rcv_nxt = e->irs + fin_in,
		.rcv_wnd = o->rcv_wnd > o->buffered ? o->rcv_wnd - o->buffered : 0,
		.snd_una = e->iss,
		.snd_nxt = e->iss + o->unacked + (o->to_resend == 0 ? fin : 0),
		.snd_max = e->iss + o->unacked + o->to_resend + fin,
		.snd_wnd = o->snd_wnd,
		.max_snd_wnd = o->is_window_closed ? 60000 : o->snd_wnd,
		.snd_wl1 = e->irs,
		.cwnd = o->cwnd_segs * o->mss,
		.ssthresh = o->ssthresh != 0 ? o->ssthresh : 1u << 30,
		.srtt = 8 * 100,
		.rttvar = 4 * 25,
		.ts_recent = o->has_ts ? e->peer_ts0 : 0,
		.ts_recent_age = o->is_ts_unknown || !o->has_ts ? CHIM_TICKS_NONE : 10,
		.ts_time = e->ts0,
		.keep_alive_timeout_delta = (o->cached_flags & CHIM_TCP_KEEP_ALIVE_ENABLED) != 0
			? o->ka_timeout
			: CHIM_TICKS_NONE,
		.retransmit_timeout_delta = is_out ? 200 : CHIM_TICKS_NONE,
	};
	if (data != 0)
		s->chain = eng_chain(0, data, 700);
	/* What was received in the past ends where the test begins. */
	if (o->buffered != 0)
		s->buffered = eng_chain(0u - o->buffered, o->buffered, 500);
	s->d.buffered_data = s->buffered;
	e->sent_by_host = data;
	if (o->tweak != NULL)
		o->tweak(&e->opts, &s->k, &s->cached, &s->d);
}

void
eng_import(struct eng *e)
{
	struct eng_state s;

	eng_state_of(e, &s);
	assert_int_equal(eng_import_state(e, &s), CHIM_REASON_NONE);
}

struct eng *
eng_new(const struct eng_opts *opts)
{
	struct eng *e = eng_blank(opts);

	eng_import(e);
	if (opts->keep_first_ack)
		return e;
	eng_turn(e);
	/* After import one ACK is owed, and rides on data when there is some. */
	assert_true(e->nb_out != 0);
	if (e->pkt[0].len == 0 && e->nb_out == 1)
		eng_ignore_out(e);
	return e;
}

/* ---- running ---- */

static void
read_options(const struct eng *e, const uint8_t *p, const uint8_t *end, struct pkt *out)
{
	while (p < end && *p != 0) {
		if (*p == 1) {
			p++;
			continue;
		}
		if (*p == 8) {
			out->has_ts = true;
			out->tsval =
				rte_be_to_cpu_32(*(const unaligned_uint32_t *)(p + 2)) - e->ts0;
			out->tsecr = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(p + 6)) -
				e->peer_ts0;
		}
		for (uint8_t at = 2; *p == 5 && at < p[1]; at += 8) {
			const unaligned_uint32_t *edge = (const unaligned_uint32_t *)(p + at);
			struct chim_sack *s = &out->sack[out->nb_sack++];

			s->start = rte_be_to_cpu_32(edge[0]) - e->irs;
			s->end = rte_be_to_cpu_32(edge[1]) - e->irs;
		}
		p += p[1];
	}
}

/* A frame of ours as a segment: headers by hand, so that nothing of lib/wire checks itself. */
void
eng_read_frame(const struct eng *e, struct rte_mbuf *m, struct pkt *p)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *ip = frame + (frame[12] == 0x81 ? 18 : 14);
	const uint8_t *tcp = ip + (e->opts.is_ip6 ? 40 : 20);
	uint32_t tcp_len = (tcp[12] >> 4) * 4;
	uint32_t off = (uint32_t)(tcp - frame) + tcp_len;

	*p = (struct pkt){
		.seq = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(tcp + 4)) - e->iss,
		.ack = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(tcp + 8)) - e->irs,
		.len = m->pkt_len - off,
		.mss = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ? m->tso_segsz : 0,
		.flags = tcp[13] & ~(CHIM_ACK | CHIM_PSH),
		.no_ack = (tcp[13] & CHIM_ACK) == 0,
		.psh = (tcp[13] & CHIM_PSH) != 0,
		.wnd = (uint32_t)rte_be_to_cpu_16(*(const unaligned_uint16_t *)(tcp + 14))
			<< e->opts.rcv_wscale,
		.tos = e->opts.is_ip6 ? (ip[0] << 4 | ip[1] >> 4) & 0xFF : ip[1],
	};
	read_options(e, tcp + 20, tcp + tcp_len, p);
	uint8_t buf[UINT16_MAX];
	const uint8_t *data = rte_pktmbuf_read(m, off, p->len, buf);

	for (uint32_t i = 0; i < p->len; i++)
		if (data[i] != pkt_byte(p->seq + i))
			fail_msg("octet %u of what was sent is wrong", p->seq + i);
}

static void
keep_output(struct eng *e)
{
	for (uint16_t i = 0; i < e->out.nb; i++) {
		assert_true(e->nb_out < ENG_OUT);
		e->frame[e->nb_out] = e->burst[i];
		eng_read_frame(e, e->burst[i], &e->pkt[e->nb_out++]);
	}
}

static void
send_some(struct eng *e, bool *is_more)
{
	e->out.nb = 0;
	e->out.room = e->burst_room;
	chim_tcp_head(e->c)->todo &= ~CHIM_TODO_OUTPUT;
	*is_more = chim_tcp_output(e->c, &e->tmpl, &e->env);
	keep_output(e);
	*is_more = *is_more && e->out.nb != 0;
}

void
eng_check(struct eng *e)
{
	const char *why = e->is_gone ? NULL : chim_tcp_check(e->c);

	if (why != NULL)
		fail_msg("an invariant does not hold: %s", why);
}

static void
tell(struct eng *e)
{
	chim_tcp_head(e->c)->todo &= ~CHIM_TODO_DELIVER;
	e->nb_io += chim_tcp_next_io(e->c, &e->io[e->nb_io], ENG_IO - e->nb_io, &e->env);
	assert_true(e->nb_io < ENG_IO);
}

void
eng_turn(struct eng *e)
{
	bool is_more = true;

	eng_check(e);
	if (chim_tcp_head(e->c)->todo & CHIM_TODO_DELIVER)
		tell(e);
	while (is_more && (chim_tcp_head(e->c)->todo & CHIM_TODO_OUTPUT))
		send_some(e, &is_more);
	if (chim_tcp_head(e->c)->todo & CHIM_TODO_DELIVER)
		tell(e);
	chim_row_flush(&e->row);
	eng_check(e);
}

static void
step(struct eng *e)
{
	if (!e->is_manual)
		eng_turn(e);
}

void
eng_run(struct eng *e, uint32_t ms)
{
	chim_us_t end = e->env.now_us + (chim_us_t)ms * CHIM_US_PER_MS;
	uint64_t turns = 0;
	chim_ms_t when;

	while (!e->is_gone && chim_tcp_deadline(e->c, &when)) {
		chim_us_t left = (chim_us_t)chim_ms_left(when, chim_us_to_ms(e->env.now_us)) *
			CHIM_US_PER_MS;
		chim_us_t next = e->env.now_us - e->env.now_us % CHIM_US_PER_MS + left;

		if (next > end)
			break;
		if (++turns > 16 * ((uint64_t)ms + 1))
			fail_msg("a timer runs out again and again in the same millisecond");
		chim_tcp_set_now(&e->env, RTE_MAX(next, e->env.now_us));
		chim_tcp_expire(e->c, &e->env);
		eng_turn(e);
	}
	chim_tcp_set_now(&e->env, end);
}

/* ---- the peer ---- */

struct rte_mbuf *
eng_segment(struct eng *e, const struct pkt *p, struct chim_seg *seg)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	assert_non_null(rte_pktmbuf_append(m, HEADER));
	uint8_t *data = (uint8_t *)rte_pktmbuf_append(m, p->len);

	assert_non_null(data);
	for (uint32_t i = 0; i < p->len; i++)
		data[i] = pkt_byte(p->seq + i);
	*seg = (struct chim_seg){
		.seq = p->seq + e->irs,
		.ack = p->ack + e->iss,
		.wnd = (p->has_wnd ? p->wnd : e->opts.snd_wnd) >> e->opts.snd_wscale,
		.len = p->len,
		.urgent = p->urgent,
		.payload_off = HEADER,
		.tcp_off = HEADER - 20,
		.flags = p->flags | (p->no_ack ? 0 : CHIM_ACK) | (p->psh ? CHIM_PSH : 0),
		.info = (e->opts.is_ip6 ? CHIM_SEG_IP6 : 0) |
			(p->is_ce ? CHIM_SEG_CE | CHIM_SEG_ECT : 0),
		.nb_sack = p->nb_sack,
	};
	if (p->has_ts) {
		seg->info |= CHIM_SEG_TS;
		seg->tsval = p->tsval + e->peer_ts0;
		seg->tsecr = p->tsecr + e->ts0;
	}
	for (uint8_t i = 0; i < p->nb_sack; i++) {
		seg->sack[i].start = p->sack[i].start + e->iss;
		seg->sack[i].end = p->sack[i].end + e->iss;
	}
	return m;
}

void
inject(struct eng *e, struct pkt p)
{
	struct chim_seg seg;
	struct rte_mbuf *m = eng_segment(e, &p, &seg);

	e->verdict = chim_tcp_input(e->c, m, &seg, &e->env);
	e->why = seg.why;
	if (e->verdict != CHIM_VERDICT_HELD)
		rte_pktmbuf_free(m);
	step(e);
}

/* ---- the host ---- */

/* What is not taken comes back at once, as the datapath does it. */
static void
give_back(struct eng *e, const struct chim_io *io, enum chim_status status)
{
	static const uint16_t done[] = {
		[CHIM_IO_SEND] = CHIM_IO_SEND_DONE,
		[CHIM_IO_RECEIVE] = CHIM_IO_RECEIVE_DONE,
		[CHIM_IO_DISCONNECT] = CHIM_IO_DISCONNECT_DONE,
	};
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, io->m) {
		chim_nbl(m)->status = status;
		chim_nbl(m)->bytes = 0;
	}
	assert_true(e->nb_io < ENG_IO);
	e->io[e->nb_io++] = (struct chim_io){ .op = done[io->op],
		.status = status,
		.handle = chim_tcp_head(e->c)->handle,
		.m = io->m };
}

void
eng_host_io(struct eng *e, const struct chim_io *io)
{
	enum chim_status status = chim_tcp_host_io(e->c, io, &e->env);

	if (status != CHIM_STATUS_SUCCESS)
		give_back(e, io, status);
	step(e);
}

void
eng_host_sends(struct eng *e, uint32_t bytes)
{
	struct chim_io io = { .op = CHIM_IO_SEND, .m = eng_chain(e->sent_by_host, bytes, 700) };

	e->sent_by_host += bytes;
	eng_host_io(e, &io);
}

void
eng_host_disconnects(struct eng *e, uint16_t flags, uint32_t bytes)
{
	struct chim_io io = { .op = CHIM_IO_DISCONNECT, .flags = flags };

	if (bytes != 0)
		io.m = eng_chain(e->sent_by_host, bytes, 700);
	e->sent_by_host += bytes;
	eng_host_io(e, &io);
}

struct rte_mbuf *
eng_host_posts(struct eng *e, uint32_t room, uint32_t nbl_flags)
{
	struct rte_mbuf *m = eng_chain(0, 0, 1);
	struct chim_io io = { .op = CHIM_IO_RECEIVE, .m = m };

	for (uint32_t have = m->buf_len - m->data_off; have < room;
		have += m->buf_len - m->data_off) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(host_pool);

		assert_non_null(more);
		rte_pktmbuf_lastseg(m)->next = more;
		m->nb_segs++;
	}
	chim_nbl(m)->room = room;
	chim_nbl(m)->flags = nbl_flags;
	eng_host_io(e, &io);
	return m;
}

void
eng_host_returns(struct eng *e, struct rte_mbuf *m)
{
	chim_tcp_credit(e->c, chim_nbl(m)->room, &e->env);
	rte_pktmbuf_free(m);
	step(e);
}

struct chim_tcp_delegated
eng_delegated(const struct eng *e)
{
	struct chim_tcp_delegated d;

	chim_tcp_query(e->c, NULL, NULL, &d, &e->env);
	return d;
}

struct chim_tcp_cached
eng_cached(const struct eng *e)
{
	struct chim_tcp_cached cached;

	chim_tcp_query(e->c, NULL, &cached, NULL, &e->env);
	return cached;
}

void
eng_update(struct eng *e, const struct chim_tcp_cached *cached, uint16_t edges)
{
	struct chim_tcp_cached now = *cached;

	now.flags |= edges;
	chim_tcp_update(e->c, &now, &e->env);
}

struct chim_tcp_view
eng_view(const struct eng *e)
{
	struct chim_tcp_view v;

	chim_tcp_view(e->c, &v);
	return v;
}
