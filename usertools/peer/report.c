/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What chimney-peer says: a line now and then while it runs, and what it did
 * at the end; as words, or one JSON object a line.
 */
#include <inttypes.h>
#include <time.h>

#include "peer.h"

uint64_t
peer_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct peer_count
count_all(const struct peer_run *r)
{
	struct peer_count sum = r->total;

	for (uint32_t i = 0; i < r->opt->parallel; i++) {
		struct peer_conn *c = &r->conn[i];

		if (c->fd < 0)
			continue;
		peer_conn_counters(c);
		sum.sent += c->n.sent;
		sum.received += c->n.received;
		sum.hash_sent ^= c->n.hash_sent;
		sum.hash_received ^= c->n.hash_received;
		sum.retrans += c->n.retrans;
		sum.dsacks += c->n.dsacks;
	}
	return sum;
}

void
peer_print_progress(const struct peer_run *r)
{
	struct peer_count n = count_all(r);
	double t = (peer_now_us() - r->start_us) / 1e6;

	if (r->opt->json)
		printf("{\"t\":%.3f,\"now_us\":%" PRIu64 ",\"sent\":%" PRIu64
		       ",\"received\":%" PRIu64 ",\"hash_sent\":\"%08" PRIx32
		       "\",\"hash_received\":\"%08" PRIx32 "\",\"retrans\":%" PRIu64
		       ",\"opened\":%u,\"good\":%u,\"bad\":%u,\"all_back\":%s}\n",
			t, peer_now_us(), n.sent, n.received, n.hash_sent, n.hash_received,
			n.retrans, r->opened, r->good, r->bad, r->has_told ? "true" : "false");
	else
		printf("%7.1f s  sent %.1f MB  received %.1f MB  retransmitted %" PRIu64
		       "  connections %u, %u ended\n",
			t, n.sent / 1e6, n.received / 1e6, n.retrans, r->opened, r->good + r->bad);
	fflush(stdout);
}

void
peer_print_final(const struct peer_run *r)
{
	const struct peer_count *n = &r->total;
	double t = (peer_now_us() - r->start_us) / 1e6;
	bool ok = r->bad == 0 && r->good == r->opt->connections;

	if (r->opt->json) {
		printf("{\"final\":true,\"ok\":%s,\"seconds\":%.3f,\"connections\":%u,\"bad\":%u,"
		       "\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"hash_sent\":\"%08" PRIx32
		       "\",\"hash_received\":\"%08" PRIx32 "\",\"retrans\":%" PRIu64
		       ",\"dsacks\":%" PRIu64 ",\"options\":%u,\"error\":\"%s\"}\n",
			ok ? "true" : "false", t, r->good + r->bad, r->bad, n->sent, n->received,
			n->hash_sent, n->hash_received, n->retrans, n->dsacks, n->options,
			r->error);
	} else {
		printf("%s: %u of %u connections, sent %" PRIu64 " bytes (hash %08" PRIx32
		       "), received %" PRIu64 " bytes (hash %08" PRIx32 "), retransmitted %" PRIu64
		       ", %.1f s\n",
			ok ? "ok" : "FAILED", r->good, r->opt->connections, n->sent, n->hash_sent,
			n->received, n->hash_received, n->retrans, t);
		if (r->error[0] != '\0')
			printf("%s\n", r->error);
	}
	fflush(stdout);
}
