/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The other end of a benchmark's connections. A turn: what could not be sent
 * goes first; then a burst is received, each frame sorted to its connection
 * and compared; then whoever is ready sends. Frames are built in clientframe.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "clientframe.h"

#define RX_BURST  32u
#define QUIET_MS  10000u     /* without a byte: something is wrong */
#define IN_FLIGHT (1u << 18) /* bytes, of all connections that send */

/* ---- setting up ---- */

static void
make_ready(struct client *c, uint32_t index)
{
	c->ready[c->ready_end % c->nb_peers] = index;
	c->ready_end++;
}

struct client *
client_create(const struct bed *b, enum client_kind kind, uint32_t size)
{
	const struct app_flow_set *f = &b->opt.flow_set[0];
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->set = f;
	c->port = b->client_port;
	c->pool = b->client_pool;
	c->has_sums = b->client_sums;
	c->size = size;
	c->nb_peers = f->connections;
	c->peer = calloc(c->nb_peers, sizeof(*c->peer));
	c->ready = calloc(c->nb_peers, sizeof(*c->ready));
	if (c->peer == NULL || c->ready == NULL || clientframe_init(c) != 0) {
		client_destroy(c);
		return NULL;
	}
	for (uint32_t i = 0; i < c->nb_peers; i++) {
		c->peer[i] = (struct peer){ .seq = f->peer_seq, .una = f->peer_seq, .rcv = f->seq };
		if (kind != CLIENT_RECEIVE)
			make_ready(c, i);
	}
	return c;
}

void
client_destroy(struct client *c)
{
	if (c == NULL)
		return;
	rte_pktmbuf_free_bulk(c->out, c->nb_out);
	free(c->pattern);
	free(c->ready);
	free(c->peer);
	free(c);
}

/* ---- receiving ---- */

static void
wrong(struct client *c, const char *what)
{
	if (c->nb_wrong++ == 0)
		printf("client: %s\n", what);
}

/* Each power of two has 32 buckets. */
static uint32_t
bucket_of(uint64_t cycles)
{
	uint32_t shift = cycles < 64 ? 0 : 58 - (uint32_t)__builtin_clzll(cycles);

	return shift * 32 + (uint32_t)(cycles >> shift);
}

/* The largest number of cycles in it. */
static uint64_t
bucket_end(uint32_t bucket)
{
	uint32_t shift = bucket < 64 ? 0 : bucket / 32 - 1;

	return ((uint64_t)(bucket - shift * 32 + 1) << shift) - 1;
}

/* An answer is complete. */
static void
answered(struct client *c, struct peer *p)
{
	c->n.rpcs++;
	c->nb_open--;
	c->n.latency_cycles += c->tsc - p->asked;
	c->latency[bucket_of(c->tsc - p->asked)]++;
	p->got = 0;
	p->unacked = 0;
	if (c->kind == CLIENT_RPC && c->nb_peers > BED_MOST_OPEN)
		clientframe_ack(c, p);
	make_ready(c, (uint32_t)(p - c->peer));
}

/* A machine that was elsewhere for longer than a retransmission timeout: what is here already is
 * left out. @return false when nothing new is left. */
static bool
leave_out_old(struct client *c, struct peer *p, struct rx *rx)
{
	uint32_t old = p->rcv - rx->seq;

	if (c->kind == CLIENT_FORWARD || old == 0)
		return true;
	c->n.repeated++;
	if ((int32_t)old < 0)
		wrong(c, "a gap in the data");
	if (old >= rx->len) {
		clientframe_ack(c, p);
		return false;
	}
	rx->off += old;
	rx->len -= old;
	return true;
}

static void
take_data(struct client *c, struct peer *p, struct rx *rx)
{
	if (rx->len == 0 || !leave_out_old(c, p, rx))
		return;
	if (!clientframe_compare(c, p, rx))
		wrong(c, "not the bytes that were expected");
	p->rcv += rx->len;
	p->got += rx->len;
	p->unacked++;
	if (c->kind == CLIENT_RECEIVE)
		c->n.bytes += rx->len;
	else if (p->got == c->size)
		answered(c, p);
	if (p->unacked >= 2 && c->kind != CLIENT_FORWARD) {
		clientframe_ack(c, p);
		p->unacked = 0;
	}
}

static void
take_ack(struct client *c, struct peer *p, const struct rx *rx)
{
	uint32_t acked = rx->ack - p->una;

	if (c->kind != CLIENT_SEND || acked == 0)
		return;
	if (acked > p->seq - p->una) {
		if ((int32_t)acked > 0)
			wrong(c, "an acknowledgment of what was not sent");
		return;
	}
	p->una = rx->ack;
	c->n.bytes += acked;
	c->nb_open -= acked;
	if (!p->is_ready) {
		p->is_ready = true;
		make_ready(c, (uint32_t)(p - c->peer));
	}
}

static uint32_t
receive(struct client *c)
{
	struct rte_mbuf *m[RX_BURST];
	uint16_t nb = rte_eth_rx_burst(c->port, 0, m, RX_BURST);

	for (uint16_t i = 0; i < nb; i++) {
		struct rx rx = { .m = m[i] };
		struct peer *p = clientframe_parse(c, &rx);

		if (p == NULL)
			continue; /* the kernel's chatter, of drivers that have one */
		p->tsecr = rx.tsval;
		take_ack(c, p, &rx);
		take_data(c, p, &rx);
	}
	rte_pktmbuf_free_bulk(m, nb);
	c->n.frames += nb;
	return nb;
}

/* ---- sending ---- */

static void
ask(struct client *c, struct peer *p)
{
	for (uint32_t at = 0; at < c->size; at += c->mss)
		clientframe_data(c, p, at, RTE_MIN(c->mss, c->size - at));
	p->asked = c->tsc;
	c->nb_open++;
}

/* @return true when it has room for more. */
static bool
stream(struct client *c, struct peer *p)
{
	uint32_t most = RTE_MAX(IN_FLIGHT / c->nb_peers, 4 * c->mss);

	for (uint32_t i = 0; i < 16 && p->seq - p->una + c->mss <= most; i++) {
		clientframe_data(c, p, 0, c->mss);
		c->nb_open += c->mss;
	}
	return p->seq - p->una + c->mss <= most;
}

static void
send_ready(struct client *c)
{
	uint32_t frames = c->kind == CLIENT_SEND ? 16 : (c->size + c->mss - 1) / c->mss;

	while (!c->is_draining && c->ready_begin != c->ready_end &&
		c->nb_out + frames <= CLIENT_OUT - RX_BURST) { /* or it would not receive */
		struct peer *p = &c->peer[c->ready[c->ready_begin % c->nb_peers]];

		if (c->kind != CLIENT_SEND && c->nb_open >= BED_MOST_OPEN)
			return;
		c->ready_begin++;
		if (c->kind != CLIENT_SEND) {
			ask(c, p);
			continue;
		}
		p->is_ready = stream(c, p);
		if (p->is_ready)
			make_ready(c, (uint32_t)(p - c->peer));
	}
}

static void
flush(struct client *c)
{
	uint16_t sent;

	if (c->nb_out == 0)
		return;
	sent = rte_eth_tx_burst(c->port, 0, c->out, (uint16_t)c->nb_out);
	c->n.frames += sent;
	c->nb_out -= sent;
	memmove(c->out, c->out + sent, c->nb_out * sizeof(c->out[0]));
}

static uint32_t
turn(struct client *c)
{
	uint32_t nb = 0;

	c->tsc = rte_rdtsc();
	c->ms = (uint32_t)(c->tsc / c->tsc_per_ms);
	flush(c);
	/* What is received may ask for an acknowledgment each. */
	if (c->nb_out + RX_BURST <= CLIENT_OUT)
		nb = receive(c);
	send_ready(c);
	flush(c);
	return nb;
}

static bool
run_until(struct client *c, uint64_t end, bool is_draining)
{
	uint64_t quiet = c->tsc_per_ms * QUIET_MS;
	uint64_t heard = rte_rdtsc();

	c->is_draining = is_draining;
	do {
		if (turn(c) > 0)
			heard = c->tsc;
		if (c->tsc - heard > quiet) {
			wrong(c, "nothing came for ten seconds");
			return false;
		}
	} while (c->tsc < end && !(is_draining && c->nb_open == 0 && c->nb_out == 0));
	return c->nb_wrong == 0;
}

bool
client_run(struct client *c, uint64_t us)
{
	return run_until(c, rte_rdtsc() + us * c->tsc_per_ms / 1000, false);
}

bool
client_drain(struct client *c)
{
	/* Who only receives has nothing open: it takes what has been sent. */
	if (c->kind == CLIENT_RECEIVE)
		return client_run(c, 10000);
	return run_until(c, rte_rdtsc() + 10000 * c->tsc_per_ms, true) && c->nb_open == 0;
}

double
client_ask_once(struct client *c, uint64_t pause_us)
{
	uint64_t before = c->n.latency_cycles;

	rte_delay_us_block((unsigned int)pause_us);
	c->is_draining = false;
	c->tsc = rte_rdtsc();
	send_ready(c);
	if (!client_drain(c))
		return -1;
	return (double)(c->n.latency_cycles - before) / (double)c->tsc_per_ms * 1000;
}

void
client_counts(const struct client *c, struct client_counts *n)
{
	*n = c->n;
}

double
client_latency_us(const struct client *c, double share)
{
	uint64_t nb = 0, below = 0;
	uint32_t i;

	for (i = 0; i < CLIENT_BUCKETS; i++)
		nb += c->latency[i];
	for (i = 0; i < CLIENT_BUCKETS - 1; i++) {
		below += c->latency[i];
		if ((double)below >= share * (double)nb)
			break;
	}
	return (double)bucket_end(i) / (double)c->tsc_per_ms * 1000;
}

void
client_forget_latencies(struct client *c)
{
	memset(c->latency, 0, sizeof(c->latency));
}
