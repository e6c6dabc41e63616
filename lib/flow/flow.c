/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The flow table: an rte_hash for each family, and the signatures for both.
 *
 * Signatures are made here, never by rte_hash: either the Toeplitz hash that
 * the port has put in the frame, or a hash with a random seed, so that peers
 * cannot choose ports that collide. Tables have extra buckets: what was
 * promised fits, whatever the keys are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_random.h>

#include "chim_flow.h"

#define MAX_NAME     20
#define MIN_ENTRIES  8u /* rte_hash makes no smaller table */
#define RSS_KEY_LEN  40
#define TAG_BITS     3u
#define WARM_LINES   4u /* of what a frame is for */
#define PORT_WORD_V6 9u /* of a key, where the port number stands */

struct family {
	struct rte_hash *hash; /* NULL when no entry was asked for */
	uint32_t nb;
};

struct chim_flow {
	struct family ip4;
	struct family ip6;
	uint32_t seed;
	bool has_rss;
	uint8_t rss_key[RSS_KEY_LEN];
};

static struct family *
family_of(struct chim_flow *f, bool is_ip6)
{
	return is_ip6 ? &f->ip6 : &f->ip4;
}

static int
family_create(struct family *fam, const struct chim_flow_config *cfg, bool is_ip6)
{
	uint32_t max = is_ip6 ? cfg->max_ip6 : cfg->max_ip4;
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters params = { .name = name,
		.entries = RTE_MAX(max, MIN_ENTRIES),
		.key_len = is_ip6 ? sizeof(struct chim_key6) : sizeof(struct chim_key4),
		.hash_func = rte_jhash,
		.socket_id = cfg->socket_id,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE };

	if (max == 0)
		return 0;
	snprintf(name, sizeof(name), "flow%u_%s", is_ip6 ? 6 : 4, cfg->name);
	fam->hash = rte_hash_create(&params);
	return fam->hash == NULL ? -1 : 0;
}

struct chim_flow *
chim_flow_create(const struct chim_flow_config *cfg)
{
	struct chim_flow *f;

	if (cfg->name == NULL || strlen(cfg->name) > MAX_NAME) {
		rte_errno = EINVAL;
		return NULL;
	}
	f = rte_zmalloc_socket("chim_flow", sizeof(*f), RTE_CACHE_LINE_SIZE, cfg->socket_id);
	if (f == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	f->seed = (uint32_t)rte_rand();
	f->has_rss = cfg->rss_key != NULL;
	if (f->has_rss)
		memcpy(f->rss_key, cfg->rss_key, sizeof(f->rss_key));
	if (family_create(&f->ip4, cfg, false) != 0 || family_create(&f->ip6, cfg, true) != 0) {
		chim_flow_destroy(f);
		return NULL;
	}
	return f;
}

void
chim_flow_destroy(struct chim_flow *f)
{
	int saved_errno = rte_errno; /* create() leaves by here too */

	if (f == NULL)
		return;
	rte_hash_free(f->ip4.hash);
	rte_hash_free(f->ip6.hash);
	rte_free(f);
	rte_errno = saved_errno;
}

static hash_sig_t
signature(const struct chim_flow *f, const union chim_key *key, bool is_ip6)
{
	if (f->has_rss)
		return chim_wire_rss_hash(key, is_ip6, f->rss_key);
	/* Port number included, the zeroes behind it not. */
	if (is_ip6)
		return rte_jhash_32b((const uint32_t *)key, PORT_WORD_V6 + 1, f->seed);
	return rte_jhash_32b((const uint32_t *)key, sizeof(key->v4) / 4, f->seed);
}

static void *
find(const struct family *fam, const union chim_key *key, hash_sig_t sig)
{
	void *value;

	if (fam->nb == 0 || rte_hash_lookup_with_hash_data(fam->hash, key, sig, &value) < 0)
		return NULL;
	return value;
}

int
chim_flow_add(struct chim_flow *f, const union chim_key *key, bool is_ip6, void *value)
{
	struct family *fam = family_of(f, is_ip6);
	hash_sig_t sig = signature(f, key, is_ip6);

	chim_assert(value != NULL);
	if (find(fam, key, sig) != NULL)
		return -EEXIST;
	if (fam->hash == NULL || rte_hash_add_key_with_hash_data(fam->hash, key, sig, value) != 0)
		return -ENOSPC;
	fam->nb++;
	return 0;
}

int
chim_flow_set(struct chim_flow *f, const union chim_key *key, bool is_ip6, void *value)
{
	struct family *fam = family_of(f, is_ip6);
	hash_sig_t sig = signature(f, key, is_ip6);

	chim_assert(value != NULL);
	if (find(fam, key, sig) == NULL)
		return -ENOENT;
	return rte_hash_add_key_with_hash_data(fam->hash, key, sig, value);
}

int
chim_flow_remove(struct chim_flow *f, const union chim_key *key, bool is_ip6)
{
	struct family *fam = family_of(f, is_ip6);
	hash_sig_t sig = signature(f, key, is_ip6);

	if (fam->hash == NULL || rte_hash_del_key_with_hash(fam->hash, key, sig) < 0)
		return -ENOENT;
	fam->nb--;
	return 0;
}

void *
chim_flow_find(const struct chim_flow *f, const union chim_key *key, bool is_ip6)
{
	const struct family *fam = is_ip6 ? &f->ip6 : &f->ip4;

	return fam->nb == 0 ? NULL : find(fam, key, signature(f, key, is_ip6));
}

uint32_t
chim_flow_count(const struct chim_flow *f)
{
	return f->ip4.nb + f->ip6.nb;
}

/* The frames of one family: those that are looked up, and those that follow one of the same flow.
 */
struct batch {
	uint32_t nb;
	uint32_t nb_followers;
	const void *key[CHIM_BURST];
	hash_sig_t sig[CHIM_BURST];
	void *value[CHIM_BURST];
	uint8_t at[CHIM_BURST];
	uint8_t follower[CHIM_BURST];
	uint8_t leader[CHIM_BURST];
};

/* A frame that quotes the flow in an ICMP error has a hash, but its own. */
static bool
has_own_hash(const struct chim_flow *f, const struct chim_burst *b, uint32_t i)
{
	return f->has_rss && b->seg[i].why == CHIM_WHY_NONE &&
		(b->m[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0;
}

/* Segments come in trains. Compared by words: a call would cost more than it finds. */
static bool
is_same_key(const union chim_key *a, const union chim_key *b, bool is_ip6)
{
	if (is_ip6)
		return memcmp(&a->v6, &b->v6, sizeof(a->v6)) == 0;
	return memcmp(&a->v4, &b->v4, sizeof(a->v4)) == 0;
}

static void
gather(const struct chim_flow *f, const struct chim_burst *b, bool is_ip6, struct batch *batch)
{
	uint8_t want = CHIM_SEG_LOOKUP | (is_ip6 ? CHIM_SEG_IP6 : 0);

	batch->nb = 0;
	batch->nb_followers = 0;
	for (uint32_t i = 0; i < b->nb; i++) {
		uint32_t n = batch->nb;

		if ((b->seg[i].info & (CHIM_SEG_LOOKUP | CHIM_SEG_IP6)) != want)
			continue;
		if (n != 0 && is_same_key(batch->key[n - 1], &b->key[i], is_ip6)) {
			batch->follower[batch->nb_followers] = (uint8_t)i;
			batch->leader[batch->nb_followers++] = batch->at[n - 1];
			continue;
		}
		batch->key[n] = &b->key[i];
		batch->sig[n] = has_own_hash(f, b, i) ? b->m[i]->hash.rss
						      : signature(f, &b->key[i], is_ip6);
		batch->at[n] = (uint8_t)i;
		batch->nb++;
	}
}

/* Ports differ in what they hash, a tag or a tunnel for instance. Only a miss pays for the check.
 */
static void *
find_again(const struct chim_flow *f, const struct chim_burst *b, uint32_t i, bool is_ip6)
{
	const union chim_key *key = &b->key[i];
	hash_sig_t sig;

	if (!has_own_hash(f, b, i))
		return NULL;
	sig = signature(f, key, is_ip6);
	return sig == b->m[i]->hash.rss ? NULL : find(is_ip6 ? &f->ip6 : &f->ip4, key, sig);
}

static void
warm(const void *value)
{
	const uint8_t *object = (const uint8_t *)((uintptr_t)value & ~(uintptr_t)TAG_BITS);

	for (uint32_t i = 0; i < WARM_LINES; i++)
		rte_prefetch0(object + i * RTE_CACHE_LINE_SIZE);
}

/* A frame alone is the usual case at low load, and the bulk call costs it twice as much. */
static uint64_t
look_up(const struct family *fam, struct batch *batch)
{
	uint64_t hits = 0;

	if (batch->nb == 1) {
		batch->value[0] = find(fam, batch->key[0], batch->sig[0]);
		return batch->value[0] != NULL;
	}
	rte_hash_lookup_with_hash_bulk_data(
		fam->hash, batch->key, batch->sig, batch->nb, &hits, batch->value);
	return hits;
}

static void
lookup_family(const struct chim_flow *f, struct chim_burst *b, bool is_ip6)
{
	const struct family *fam = is_ip6 ? &f->ip6 : &f->ip4;
	struct batch batch;
	uint64_t hits;

	if (fam->nb == 0)
		return;
	gather(f, b, is_ip6, &batch);
	if (batch.nb == 0)
		return;
	hits = look_up(fam, &batch);
	for (uint32_t n = 0; n < batch.nb; n++) {
		uint32_t i = batch.at[n];

		if (hits & RTE_BIT64(n))
			b->flow[i] = batch.value[n];
		else
			b->flow[i] = find_again(f, b, i, is_ip6);
		if (b->flow[i] != NULL)
			warm(b->flow[i]);
	}
	for (uint32_t n = 0; n < batch.nb_followers; n++)
		b->flow[batch.follower[n]] = b->flow[batch.leader[n]];
}

void
chim_flow_lookup_burst(const struct chim_flow *f, struct chim_burst *b)
{
	memset(b->flow, 0, b->nb * sizeof(b->flow[0]));
	lookup_family(f, b, false);
	lookup_family(f, b, true);
}
