/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A host that writes to its trees while they are the engine's: links to other
 * blocks or to none, types, sizes, lengths, contexts, statuses, state. What
 * comes of such a tree is the host's loss; control neither crashes nor turns
 * for ever, completes the request once, and has everything back at the end.
 *
 *   CHIM_SEED=n   replay one sequence (printed when one fails)
 *   CHIM_SOAK=n   so many sequences instead of the usual few
 */
#include <stdlib.h>
#include <string.h>

#include "chim_handle.h"
#include "pools.h"
#include "rig.h"
#include "seeds.h"

#define ROUNDS	  40u
#define SEQUENCES 40u
#define BLOCKS	  12u
#define PATIENCE  5000u /* turns a request may take */

struct scribbler {
	struct rig *r;
	uint64_t random;
	struct chim_block *b[BLOCKS];
	uint32_t nb;
	chim_handle_t other; /* what a context may point to as well */
};

static uint32_t
below(struct scribbler *s, uint32_t n)
{
	return pools_below(&s->random, n);
}

static struct chim_block *
any_block(struct scribbler *s)
{
	return below(s, 4) == 0 ? NULL : s->b[below(s, s->nb)];
}

static bool
is_path(const struct scribbler *s, const struct chim_block *b)
{
	return b == s->b[1] || b == s->b[4] || b == s->b[7];
}

/* Any but a path's, for what has no pointers where a path has its addresses. */
static uint8_t
any_type(struct scribbler *s, const struct chim_block *b)
{
	uint8_t type = (uint8_t)below(s, 20);

	if (!is_path(s, b) && (type == CHIM_STATE_IP4 || type == CHIM_STATE_IP6))
		return CHIM_STATE_NONE;
	return type;
}

static void
scribble(struct scribbler *s)
{
	struct chim_block *b = s->b[below(s, s->nb)];
	uint32_t *state = (uint32_t *)(b + 1);

	switch (below(s, 9)) {
	case 0:
		b->next_block = any_block(s);
		break;
	case 1:
		b->dependent_list = any_block(s);
		break;
	case 2:
		b->header.type = any_type(s, b);
		break;
	case 3:
		b->header.size = (uint16_t)below(s, 300);
		break;
	case 4:
		b->context = below(s, 2) == 0 ? NULL : &s->other;
		break;
	case 5:
		s->other = below(s, 2) == 0 ? CHIM_HANDLE_NONE
					    : chim_handle_make(below(s, 3), 1, below(s, 4));
		break;
	case 6:
		state[0] = below(s, 300); /* the length of the first structure */
		break;
	case 7:
		b->status = (enum chim_status)below(s, 4);
		b->reason = below(s, 100);
		b->port_number = below(s, 3);
		break;
	default:
		if (!is_path(s, b)) /* a path's state begins with pointers */
			state[2 + below(s, 4)] = below(s, 100000);
		break;
	}
}

/* Everything that is live, found in control's own tables: the host may have lost its handles. */
static void
terminate_all(struct rig *r)
{
	const struct chim_ctl *c = r->ctl;

	for (uint32_t w = 0; w < r->cfg.nb_workers; w++) {
		for (uint32_t i = 0; i < c->cfg.max_connections_per_worker; i++) {
			if (c->conns[w][i].generation != 0)
				rig_remove(r, chim_handle_make(w, c->conns[w][i].generation, i));
		}
	}
	for (uint32_t i = 0; i < c->paths->fresh; i++) {
		if (chim_slab_generation(c->paths, i) != 0)
			rig_remove(r,
				chim_handle_make(
					CHIM_OWNER_PATH, chim_slab_generation(c->paths, i), i));
	}
	for (uint32_t i = 0; i < c->neighbors->fresh; i++) {
		if (chim_slab_generation(c->neighbors, i) != 0)
			rig_remove(r,
				chim_handle_make(CHIM_OWNER_NEIGHBOR,
					chim_slab_generation(c->neighbors, i), i));
	}
}

/* Memory behind each block is as large as the largest lengths allow. */
static struct chim_block *
new_block(struct scribbler *s, const void *from, size_t size)
{
	uint8_t *b = rig_alloc(s->r, sizeof(struct chim_block) + 2048);

	memcpy(b, from, size);
	return (struct chim_block *)b;
}

/* A neighbor with three paths of three connections, as far as there are blocks. */
static void
build(struct scribbler *s)
{
	struct rig_neighbor *n = rig_neighbor(s->r);

	s->nb = 0;
	s->b[s->nb++] = new_block(s, &n->b, sizeof(n->b));
	for (uint32_t i = 0; i < 3; i++) {
		struct rig_path *p = rig_path(s->r, CHIM_AF_INET);
		struct chim_block *path = new_block(s, &p->b, sizeof(p->b));

		s->b[s->nb++] = path;
		rig_add(s->b[0], path);
		for (uint32_t k = 0; k < 2; k++) {
			struct rig_tcp *t = rig_tcp(s->r);

			s->b[s->nb] = new_block(s, &t->b, sizeof(t->b));
			rig_add(path, s->b[s->nb++]);
		}
	}
}

/* One request from submit to completion, with a hand in it all the while. */
static void
run(struct scribbler *s, uint32_t op, uint32_t calm)
{
	struct chim_completion e;
	uint32_t turns = 0;

	rig_submit(s->r, op, s->b[0]);
	while (chim_host_reap(s->r->host[0], &e, 1) == 0) {
		assert_true(++turns < PATIENCE);
		rig_turn(s->r);
		if (calm == 0 || below(s, calm) == 0)
			scribble(s);
	}
	assert_ptr_equal(e.root, s->b[0]);
	assert_int_equal(e.cookie, s->r->cookie);
	rig_run(s->r);
	assert_int_equal(chim_host_reap(s->r->host[0], &e, 1), 0);
}

static void
play(uint64_t seed)
{
	struct scribbler s = { .random = seed * 77777 };

	s.r = rig_open(&(struct rig_config){
		.nb_workers = 1 + seed % 2, .slice = 1 + seed % 3, .max_connections = 64 });
	for (uint32_t i = 0; i < ROUNDS; i++) {
		build(&s);
		run(&s, CHIM_OP_INITIATE, 1 + below(&s, 6));
		for (uint32_t op = below(&s, 3); op != 0; op--)
			run(&s, CHIM_OP_QUERY + below(&s, 4), 1 + below(&s, 3));
		/* Its blocks are its own now, and written to all the same. */
		for (uint32_t k = 0; k < 20; k++)
			scribble(&s);
		terminate_all(s.r);
	}
	rig_close(s.r);
}

static void
writing_to_trees_in_flight_harms_nobody_else(void **state)
{
	const char *one = getenv("CHIM_SEED");
	const char *soak = getenv("CHIM_SOAK");
	uint64_t nb = soak != NULL ? strtoull(soak, NULL, 0) : SEQUENCES;

	(void)state;
	for (seeds_now = 1; one == NULL && seeds_now <= nb; seeds_now++)
		play(seeds_now);
	if (one != NULL) {
		seeds_now = strtoull(one, NULL, 0);
		play(seeds_now);
	}
	seeds_now = 0;
}

/* The one thing of the above that a walk might follow for ever: back to where it has been. */
static void
a_link_turned_back_in_flight_is_not_followed(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .slice = 1 });
	struct rig_bare *p = rig_bare(r, CHIM_HANDLE_NONE);
	struct rig_bare *child = rig_bare(r, CHIM_HANDLE_NONE);
	struct rig_bare *b[3];

	for (uint32_t i = 0; i < CHIM_DIM(b); i++) {
		b[i] = rig_bare(r, CHIM_HANDLE_NONE);
		rig_add(&p->b, &b[i]->b);
	}
	rig_add(&b[1]->b, &child->b);
	child->b.status = CHIM_STATUS_PENDING;
	rig_submit(r, CHIM_OP_QUERY, &p->b);
	while (child->b.status == CHIM_STATUS_PENDING)
		rig_turn(r);
	b[1]->b.next_block = &b[0]->b;
	for (uint32_t turns = 0; turns < 100; turns++)
		rig_turn(r);
	/* the last of the row cannot be reached any more */
	assert_int_equal(rig_reap(r).nb_blocks, 4);
	rig_close(r);
	(void)state;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(writing_to_trees_in_flight_harms_nobody_else, seeds_tell),
	cmocka_unit_test(a_link_turned_back_in_flight_is_not_followed),
};
CHIM_CMOCKA_SUITE(ctl_scribble_autotest, tests, NULL, NULL)
