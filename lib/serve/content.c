/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Content in pieces of one pool (chim_content.h): found by key, loaded piece by
 * piece by the services, referred to by backend_ring.c, forgotten when its
 * memory is wanted. In the order of a piece's life.
 *
 * A content has one reference to each of its pieces, each mbuf another. They
 * are counted in the piece by DPDK, so that the clones of an engine and the
 * driver that frees them need to know nothing of it.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "chim_base.h"
#include "serve_content.h"

/* References that streams may have to a piece; the count has 16 bits, and the engine's clones of
 * frames that are under way need the rest. */
#define REFERENCES_MAX (UINT16_MAX / 4)

struct content_piece {
	struct rte_mbuf_ext_shared_info shared;
	struct serve_crc_part crc;
	uint32_t len;
	uint8_t data[CHIM_CONTENT_PIECE] __rte_cache_aligned;
};

struct chim_content {
	struct chim_content_key key; /* first: it is what the tree compares */
	TAILQ_ENTRY(chim_content) next;
	uint32_t nb_holders;
	uint32_t nb; /* pieces */
	struct content_piece *piece[];
};

static struct {
	struct rte_mempool *pool;
	void *tree;				     /* of search.h */
	TAILQ_HEAD(content_list, chim_content) list; /* not asked for longest: first */
} kept = { .list = TAILQ_HEAD_INITIALIZER(kept.list) };

struct rte_mempool *
chim_content_pool_create(const char *name, uint64_t bytes, int socket)
{
	uint32_t nb = (uint32_t)RTE_MIN(bytes / CHIM_CONTENT_PIECE, (uint64_t)UINT32_MAX);

	/* No caches: pieces are freed by any lcore, and seldom. */
	return rte_mempool_create(
		name, nb, sizeof(struct content_piece), 0, 0, NULL, NULL, NULL, NULL, socket, 0);
}

/* ---- finding and forgetting ---- */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct chim_content_key));
}

static struct chim_content *
find(const struct chim_content_key *key)
{
	void *node = tfind(key, &kept.tree, compare);

	return node == NULL ? NULL : *(struct chim_content **)node;
}

static struct chim_content *
begin(const struct chim_content_key *key)
{
	uint64_t nb = (key->size + CHIM_CONTENT_PIECE - 1) / CHIM_CONTENT_PIECE;
	struct chim_content *c;

	if (kept.pool == NULL || nb > kept.pool->size)
		return NULL;
	c = calloc(1, sizeof(*c) + nb * sizeof(c->piece[0]));
	if (c == NULL)
		return NULL;
	c->key = *key;
	c->nb = (uint32_t)nb;
	if (tsearch(c, &kept.tree, compare) == NULL) {
		free(c);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&kept.list, c, next);
	return c;
}

/* Called by the last mbuf that refers to a piece, on any lcore. */
static void
free_piece(void *data, void *piece)
{
	(void)data;
	rte_mempool_put(rte_mempool_from_obj(piece), piece);
}

static void
let_go(struct content_piece *p)
{
	if (p != NULL && rte_mbuf_ext_refcnt_update(&p->shared, -1) == 0)
		free_piece(p->data, p);
}

static void
forget(struct chim_content *c)
{
	for (uint32_t i = 0; i < c->nb; i++)
		let_go(c->piece[i]);
	tdelete(c, &kept.tree, compare);
	TAILQ_REMOVE(&kept.list, c, next);
	free(c);
}

void
chim_content_use(struct rte_mempool *pool)
{
	while (!TAILQ_EMPTY(&kept.list))
		forget(TAILQ_FIRST(&kept.list));
	kept.pool = pool;
}

struct chim_content *
chim_content_hold(const struct chim_content_key *key)
{
	struct chim_content *c = find(key);

	if (c == NULL)
		c = begin(key);
	if (c == NULL)
		return NULL;
	TAILQ_REMOVE(&kept.list, c, next);
	TAILQ_INSERT_TAIL(&kept.list, c, next);
	c->nb_holders++;
	return c;
}

static bool
has_pieces(const struct chim_content *c)
{
	for (uint32_t i = 0; i < c->nb; i++) {
		if (c->piece[i] != NULL)
			return true;
	}
	return false;
}

void
chim_content_release(struct chim_content *c)
{
	if (c == NULL)
		return;
	chim_assert(c->nb_holders > 0);
	c->nb_holders--;
	/* What has no piece is bounded by nothing else. */
	if (c->nb_holders == 0 && !has_pieces(c))
		forget(c);
}

/* ---- loading ---- */

/* Some of its pieces may be free only when what was sent of them is acknowledged. */
static bool
forget_the_oldest(void)
{
	struct chim_content *c;

	TAILQ_FOREACH (c, &kept.list, next) {
		if (c->nb_holders == 0) {
			forget(c);
			return true;
		}
	}
	return false;
}

static struct content_piece *
take_piece(void)
{
	void *p;

	while (rte_mempool_get(kept.pool, &p) != 0) {
		if (!forget_the_oldest())
			return NULL;
	}
	return p;
}

static struct content_piece *
make_piece(const struct chim_content *c, uint64_t at, chim_content_maker maker, void *state)
{
	struct content_piece *p = take_piece();

	if (p == NULL)
		return NULL;
	p->len = (uint32_t)RTE_MIN(c->key.size - at, (uint64_t)CHIM_CONTENT_PIECE);
	if (!maker(state, at, p->data, p->len)) {
		rte_mempool_put(kept.pool, p);
		return NULL;
	}
	p->crc = serve_crc_part(p->data, p->len);
	p->shared.free_cb = free_piece;
	p->shared.fcb_opaque = p;
	rte_mbuf_ext_refcnt_set(&p->shared, 1);
	return p;
}

size_t
chim_content_load(struct chim_content *c, uint64_t at, chim_content_maker maker, void *state)
{
	struct content_piece **p = &c->piece[at / CHIM_CONTENT_PIECE];
	uint32_t off = at % CHIM_CONTENT_PIECE;

	if (*p == NULL)
		*p = make_piece(c, at - off, maker, state);
	return *p == NULL ? 0 : (*p)->len - off;
}

/* ---- sending ---- */

const uint8_t *
serve_content_at(const struct chim_content *c, uint64_t at)
{
	return c->piece[at / CHIM_CONTENT_PIECE]->data + at % CHIM_CONTENT_PIECE;
}

bool
serve_content_refer(const struct chim_content *c, uint64_t at, uint16_t n, struct rte_mbuf *m)
{
	struct content_piece *p = c->piece[at / CHIM_CONTENT_PIECE];

	if (rte_mbuf_ext_refcnt_read(&p->shared) > REFERENCES_MAX)
		return false;
	rte_mbuf_ext_refcnt_update(&p->shared, 1);
	rte_pktmbuf_attach_extbuf(m, p->data,
		rte_mempool_virt2iova(p) + offsetof(struct content_piece, data), CHIM_CONTENT_PIECE,
		&p->shared);
	m->data_off = at % CHIM_CONTENT_PIECE;
	m->data_len = n;
	m->pkt_len = n;
	return true;
}

uint32_t
serve_content_crc(const struct chim_content *c, uint64_t at, uint16_t n, uint32_t crc)
{
	const struct content_piece *p = c->piece[at / CHIM_CONTENT_PIECE];

	if (n == p->len)
		return serve_crc_join(crc, &p->crc);
	return serve_crc(crc, p->data + at % CHIM_CONTENT_PIECE, n);
}
