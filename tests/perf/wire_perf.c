/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Cycles a frame in lib/wire: parsing in bursts, with the port's checksum
 * verdict and without, from cache and from memory; sums; pushing headers.
 */
#include "frame.h"
#include "perf.h"
#include "test.h"
#include "wire_internal.h"

#define NB_FRAMES 16384u /* more than caches hold; a power of two, as the next */
#define NB_WARM	  64u
#define MSS	  1448u

struct frames {
	struct rte_mbuf **m;
	uint32_t nb;
	uint32_t next;
	uint16_t burst;
};

static struct rte_mempool *pool;
static struct chim_burst burst;
static struct rte_mbuf *cold_frames[NB_FRAMES];

static const uint8_t ts[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };

static void
fill(struct rte_mbuf **m, uint32_t nb, const struct frame *spec, bool has_verdict)
{
	for (uint32_t i = 0; i < nb; i++) {
		m[i] = frame_build(pool, spec);
		if (has_verdict)
			m[i]->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
}

static uint32_t
parse(void *arg)
{
	struct frames *f = arg;
	uint32_t good = 0;

	burst.nb = f->burst;
	for (uint16_t i = 0; i < f->burst; i++)
		burst.m[i] = f->m[(f->next + i) & (f->nb - 1)];
	f->next += f->burst;
	chim_wire_parse_burst(&burst, CHIM_SIDE_WIRE);
	for (uint16_t i = 0; i < f->burst; i++)
		good += burst.seg[i].why == CHIM_WHY_NONE;
	return good;
}

struct summed {
	struct rte_mbuf *m;
	uint32_t len;
	uint16_t want;
};

static uint32_t
sum(void *arg)
{
	struct summed *s = arg;

	return wire_sum_chain(s->m, 0, s->len) == s->want;
}

struct pushed {
	struct rte_mbuf *m;
	struct chim_tmpl tmpl;
	struct chim_hdr hdr;
	uint32_t offloads;
	uint16_t len;
};

static uint32_t
push(void *arg)
{
	struct pushed *p = arg;

	chim_wire_push(p->m, &p->tmpl, &p->hdr, p->offloads, 0);
	p->hdr.seq += p->len;
	return rte_pktmbuf_adj(p->m, (uint16_t)(p->m->l2_len + p->m->l3_len + p->m->l4_len)) !=
		NULL;
}

static struct pushed
pushed(bool is_ip6, uint16_t len, uint32_t offloads)
{
	struct chim_tmpl_in in = { .is_ip6 = is_ip6,
		.mtu = 1500,
		.source = { 10, 0, 0, 1 },
		.destination = { 10, 0, 0, 2 } };
	struct pushed p = { .m = rte_pktmbuf_alloc(pool),
		.offloads = offloads,
		.len = len,
		.hdr = { .flags = CHIM_ACK, .ttl = 64, .has_ts = 1, .wnd = 1000 } };

	assert_non_null(p.m);
	memset(rte_pktmbuf_append(p.m, len), 0x5A, len);
	chim_wire_tmpl_init(&p.tmpl, &in);
	return p;
}

static struct summed
summed(uint32_t len)
{
	struct summed s = { .m = rte_pktmbuf_alloc(pool), .len = len };

	assert_non_null(s.m);
	memset(rte_pktmbuf_append(s.m, (uint16_t)len), 0xA5, len);
	s.want = wire_sum_chain(s.m, 0, len);
	return s;
}

static int
run_all(void)
{
	static struct rte_mbuf *verdict[NB_WARM], *none[NB_WARM], *full[NB_WARM], *six[NB_WARM];
	struct frames f[] = { { verdict, NB_WARM, 0, 1 }, { verdict, NB_WARM, 0, 8 },
		{ verdict, NB_WARM, 0, 32 }, { none, NB_WARM, 0, 1 }, { none, NB_WARM, 0, 8 },
		{ none, NB_WARM, 0, 32 }, { full, NB_WARM, 0, 32 }, { six, NB_WARM, 0, 32 },
		{ cold_frames, NB_FRAMES, 0, 1 }, { cold_frames, NB_FRAMES, 0, 32 } };
	struct summed s[] = { summed(64), summed(MSS), summed(4096) };
	struct pushed p[] = { pushed(false, 0, 0), pushed(false, MSS, 0),
		pushed(false, MSS, CHIM_TX_IP_CSUM | CHIM_TX_TCP_CSUM), pushed(true, MSS, 0) };
	const struct perf_case cases[] = {
		{ "parse, port's verdict", 1, parse, &f[0], NULL },
		{ "parse, port's verdict", 8, parse, &f[1], NULL },
		{ "parse, port's verdict", 32, parse, &f[2], NULL },
		{ "parse, no payload, software sums", 1, parse, &f[3], NULL },
		{ "parse, no payload, software sums", 8, parse, &f[4], NULL },
		{ "parse, no payload, software sums", 32, parse, &f[5], NULL },
		{ "parse, 1448 bytes, software sums", 32, parse, &f[6], NULL },
		{ "parse, IPv6, port's verdict", 32, parse, &f[7], NULL },
		{ "parse, port's verdict, from memory", 1, parse, &f[8], NULL },
		{ "parse, port's verdict, from memory", 32, parse, &f[9], NULL },
		{ "sum 64 bytes", 1, sum, &s[0], NULL },
		{ "sum 1448 bytes", 1, sum, &s[1], NULL },
		{ "sum 4096 bytes", 1, sum, &s[2], NULL },
		{ "push, no payload", 1, push, &p[0], NULL },
		{ "push, 1448 bytes", 1, push, &p[1], NULL },
		{ "push, 1448 bytes, port sums", 1, push, &p[2], NULL },
		{ "push, IPv6, 1448 bytes", 1, push, &p[3], NULL },
	};
	struct frame spec = { .flags = CHIM_ACK, .options = ts, .nb_options = sizeof(ts) };
	int rc;

	fill(verdict, NB_WARM, &spec, true);
	fill(none, NB_WARM, &spec, false);
	fill(cold_frames, NB_FRAMES, &spec, true);
	spec.len = MSS;
	fill(full, NB_WARM, &spec, false);
	spec.is_ip6 = true;
	fill(six, NB_WARM, &spec, true);
	rc = perf_run("wire_perf", cases, CHIM_DIM(cases));
	rte_pktmbuf_free_bulk(verdict, NB_WARM);
	rte_pktmbuf_free_bulk(none, NB_WARM);
	rte_pktmbuf_free_bulk(full, NB_WARM);
	rte_pktmbuf_free_bulk(six, NB_WARM);
	rte_pktmbuf_free_bulk(cold_frames, NB_FRAMES);
	for (uint32_t i = 0; i < CHIM_DIM(s); i++)
		rte_pktmbuf_free(s[i].m);
	for (uint32_t i = 0; i < CHIM_DIM(p); i++)
		rte_pktmbuf_free(p[i].m);
	return rc;
}

static int
wire_perf(void)
{
	int rc;

	pool = rte_pktmbuf_pool_create(
		"wire_perf", NB_FRAMES + 1023, 0, 0, 4096 + 256, SOCKET_ID_ANY);
	if (pool == NULL)
		return TEST_FAILED;
	rc = run_all();
	if (rte_mempool_in_use_count(pool) != 0)
		rc = TEST_FAILED;
	rte_mempool_free(pool);
	return rc;
}
REGISTER_TEST_COMMAND(wire_perf, wire_perf)
