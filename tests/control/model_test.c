/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Random sequences of operations against a reference model of ownership and
 * status rules. The model knows objects and who depends on whom, and predicts
 * the status of every block of every tree; the rig must agree, block for block,
 * and nothing may be left at the end.
 *
 *   CHIM_SEED=n   replay one sequence (printed when one fails)
 *   CHIM_SOAK=n   so many sequences instead of the usual few
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pick.h"
#include "rig.h"
#include "seeds.h"

#define MAX_OBJECTS 40
#define STEPS	    400
#define SEQUENCES   30

enum kind {
	NEIGHBOR,
	PATH,
	TCP,
};

struct object {
	bool is_live;
	bool is_invalid;
	enum kind kind;
	int parent; /* index of the neighbor or path it depends on; -1 */
	int nb_children;
	chim_handle_t h;
};

/* What the model expects of one block. */
struct expected {
	struct chim_block *b;
	chim_handle_t *context;
	enum chim_status status;
	int object; /* that becomes live, or goes, on success; -1 */
};

struct model {
	struct rig *r;
	uint64_t random;
	struct object objects[MAX_OBJECTS];
	struct expected expected[16];
	int nb_expected;
	chim_handle_t stale; /* the last handle that went */
};

/* xorshift64*: the sequence is the seed's, on every machine. */
static uint32_t
next_random(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545F4914F6CDD1Dull) >> 33) % below;
}

static int
pick(struct model *m, enum kind kind)
{
	int start = (int)next_random(m, MAX_OBJECTS);

	for (int i = 0; i < MAX_OBJECTS; i++) {
		const struct object *o = &m->objects[(start + i) % MAX_OBJECTS];

		if (o->is_live && o->kind == kind)
			return (start + i) % MAX_OBJECTS;
	}
	return -1;
}

static int
free_object(struct model *m, enum kind kind, int parent)
{
	for (int i = 0; i < MAX_OBJECTS; i++) {
		if (m->objects[i].is_live || m->objects[i].parent == -2)
			continue;
		m->objects[i] = (struct object){ .kind = kind, .parent = parent };
		m->objects[i].parent = -2; /* taken until the outcome is known */
		return i;
	}
	return -1;
}

static void
expect(struct model *m, struct chim_block *b, enum chim_status status, int object)
{
	m->expected[m->nb_expected++] = (struct expected){
		.b = b, .context = b->context, .status = status, .object = object
	};
}

static bool
is_in(enum chim_status s)
{
	return s == CHIM_STATUS_SUCCESS || s == CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* ---- initiate ---- */

struct leaf {
	struct chim_block *b;
	bool is_good;
};

static struct leaf
random_tcp(struct model *m)
{
	struct rig_tcp *t = rig_tcp(m->r);
	struct leaf l = { &t->b.block, true };

	switch (next_random(m, 6)) {
	case 0:
		t->b.tcp_const.local_port = 0;
		l.is_good = false;
		break;
	case 1:
		t->b.cached.header.length = 1;
		l.is_good = false;
		break;
	default:
		break;
	}
	return l;
}

/* Up to three connections under a path; returns how many failed, of how many. */
static int
add_connections(struct model *m, struct chim_block *path, bool is_path_in, int owner, int *nb)
{
	int failed = 0;

	*nb = (int)next_random(m, 4);
	for (int i = 0; i < *nb; i++) {
		struct leaf l = random_tcp(m);
		int object = is_path_in && l.is_good ? free_object(m, TCP, owner) : -1;

		rig_add(path, l.b);
		if (object >= 0) {
			m->objects[object].nb_children = owner; /* becomes its parent */
		} else if (l.is_good && is_path_in) {
			/* The model has no room to remember it: make it fail. */
			((struct chim_tcp_block *)l.b)->tcp_const.remote_port = 0;
		}
		failed += object < 0;
		expect(m, l.b, object >= 0 ? CHIM_STATUS_SUCCESS : CHIM_STATUS_FAILURE, object);
	}
	return failed;
}

static enum chim_status
linker_status(int failed, int nb)
{
	if (failed == 0)
		return CHIM_STATUS_SUCCESS;
	return failed < nb ? CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS : CHIM_STATUS_FAILURE;
}

/* A new path under a neighbor; returns its status. */
static enum chim_status
add_new_path(struct model *m, struct chim_block *above, bool is_above_in, int owner)
{
	struct rig_path *p = rig_path(m->r, CHIM_AF_INET);
	bool is_good = next_random(m, 5) != 0;
	int object = is_above_in && is_good ? free_object(m, PATH, owner) : -1;
	enum chim_status status = CHIM_STATUS_FAILURE;
	int at = m->nb_expected;
	int failed;
	int nb;

	if (object < 0)
		p->b.path_const.destination_address = NULL;
	else
		m->objects[object].nb_children = owner;
	rig_add(above, &p->b.block);
	expect(m, &p->b.block, status, object);
	failed = add_connections(m, &p->b.block, object >= 0, object, &nb);
	if (object >= 0)
		status = failed == 0 ? CHIM_STATUS_SUCCESS : CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS;
	m->expected[at].status = status;
	return status;
}

static struct chim_block *
initiate_new_neighbor(struct model *m)
{
	struct rig_neighbor *n = rig_neighbor(m->r);
	bool is_good = next_random(m, 5) != 0;
	int object = is_good ? free_object(m, NEIGHBOR, -1) : -1;
	int nb = (int)next_random(m, 3);
	int failed = 0;

	if (object < 0)
		n->b.cached.dl_destination[0] |= 1;
	else
		m->objects[object].nb_children = -1;
	expect(m, &n->b.block, CHIM_STATUS_FAILURE, object);
	for (int i = 0; i < nb; i++)
		failed += !is_in(add_new_path(m, &n->b.block, object >= 0, object));
	if (object >= 0)
		m->expected[0].status =
			failed == 0 ? CHIM_STATUS_SUCCESS : CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS;
	return &n->b.block;
}

static struct chim_block *
initiate_under_neighbor(struct model *m, int owner)
{
	struct rig_bare *n = rig_bare(m->r, m->objects[owner].h);
	bool is_usable = !m->objects[owner].is_invalid;
	int nb = (int)next_random(m, 3);
	int failed = 0;

	expect(m, &n->b, CHIM_STATUS_FAILURE, -1);
	for (int i = 0; i < nb; i++)
		failed += !is_in(add_new_path(m, &n->b, is_usable, owner));
	if (is_usable)
		m->expected[0].status = linker_status(failed, nb);
	return &n->b;
}

static struct chim_block *
initiate_under_path(struct model *m, int owner)
{
	struct rig_bare *p = rig_bare(m->r, m->objects[owner].h);
	const struct object *o = &m->objects[owner];
	bool is_usable = !o->is_invalid && !m->objects[o->parent].is_invalid;
	int failed;
	int nb;

	expect(m, &p->b, CHIM_STATUS_FAILURE, -1);
	failed = add_connections(m, &p->b, is_usable, owner, &nb);
	if (is_usable)
		m->expected[0].status = linker_status(failed, nb);
	return &p->b;
}

static struct chim_block *
random_initiate(struct model *m)
{
	int neighbor = pick(m, NEIGHBOR);
	int path = pick(m, PATH);
	uint32_t which = next_random(m, 3);

	if (which == 0 && neighbor >= 0)
		return initiate_under_neighbor(m, neighbor);
	if (which == 1 && path >= 0)
		return initiate_under_path(m, path);
	return initiate_new_neighbor(m);
}

static void
learn_initiate(struct model *m)
{
	for (int i = 0; i < m->nb_expected; i++) {
		const struct expected *e = &m->expected[i];
		struct object *o;

		if (e->object < 0) {
			continue;
		}
		o = &m->objects[e->object];
		o->parent = o->nb_children;
		o->nb_children = 0;
		o->is_live = true;
		o->h = *e->context;
		assert_int_not_equal(o->h, CHIM_HANDLE_NONE);
		if (o->parent >= 0)
			m->objects[o->parent].nb_children++;
	}
}

/* ---- the other four, on one object, or on an object and what depends on it ---- */

static bool
may_update(const struct object *o)
{
	return !o->is_invalid;
}

static struct chim_block *
single(struct model *m, uint32_t op, int object)
{
	const struct object *o = &m->objects[object];
	struct rig_bare *b = rig_bare(m->r, o->h);
	enum chim_status status = CHIM_STATUS_SUCCESS;

	if (op == CHIM_OP_UPDATE && !may_update(o))
		status = CHIM_STATUS_FAILURE;
	if (op == CHIM_OP_TERMINATE && o->nb_children != 0)
		status = CHIM_STATUS_FAILURE;
	expect(m, &b->b, status, object);
	return &b->b;
}

/* The object with all its dependents, or all but one. */
static int
add_dependents(struct model *m, uint32_t op, int object, struct chim_block *above)
{
	int skipped = 0;

	for (int i = 0; i < MAX_OBJECTS && m->nb_expected < 14; i++) {
		struct chim_block *b;
		int at;

		if (!m->objects[i].is_live || m->objects[i].parent != object)
			continue;
		if (next_random(m, 8) == 0) {
			skipped++;
			continue;
		}
		at = m->nb_expected;
		b = single(m, op, i);
		rig_add(above, b);
		if (m->objects[i].kind == PATH && op == CHIM_OP_TERMINATE)
			m->expected[at].status = add_dependents(m, op, i, b) == 0
				? CHIM_STATUS_SUCCESS
				: CHIM_STATUS_FAILURE;
		skipped += m->expected[at].status != CHIM_STATUS_SUCCESS;
	}
	/* Some may have found no place in the tree. */
	if (m->nb_expected >= 14)
		skipped = 1;
	return skipped;
}

static int
children_in_tree(const struct model *m, int object)
{
	int nb = 0;

	for (int i = 0; i < m->nb_expected; i++) {
		int o = m->expected[i].object;

		nb += o >= 0 && m->objects[o].parent == object &&
			m->expected[i].status == CHIM_STATUS_SUCCESS;
	}
	return nb;
}

static struct chim_block *
random_terminate_tree(struct model *m, int object)
{
	struct chim_block *b = single(m, CHIM_OP_TERMINATE, object);

	add_dependents(m, CHIM_OP_TERMINATE, object, b);
	/* From the leaves up: who has lost all its dependents may go. */
	for (int i = m->nb_expected - 1; i >= 0; i--) {
		int o = m->expected[i].object;

		m->expected[i].status = children_in_tree(m, o) == m->objects[o].nb_children
			? CHIM_STATUS_SUCCESS
			: CHIM_STATUS_FAILURE;
	}
	return b;
}

static void
learn_terminate(struct model *m)
{
	for (int i = 0; i < m->nb_expected; i++) {
		struct object *o;

		if (m->expected[i].status != CHIM_STATUS_SUCCESS || m->expected[i].object < 0)
			continue;
		o = &m->objects[m->expected[i].object];
		if (o->parent >= 0)
			m->objects[o->parent].nb_children--;
		o->is_live = false;
		o->parent = -1;
		m->stale = o->h;
	}
}

static void
learn_invalidate(struct model *m)
{
	for (int i = 0; i < m->nb_expected; i++)
		m->objects[m->expected[i].object].is_invalid = true;
}

static struct chim_block *
relink(struct model *m, int path, int to)
{
	struct object *o = &m->objects[path];
	struct rig_bare *n = rig_bare(m->r, m->objects[to].h);
	struct rig_bare *p = rig_bare(m->r, o->h);
	bool can_reach = !m->objects[to].is_invalid;
	bool can_move = can_reach && !o->is_invalid;

	rig_add(&n->b, &p->b);
	expect(m, &n->b, can_reach ? CHIM_STATUS_SUCCESS : CHIM_STATUS_FAILURE, -1);
	expect(m, &p->b, can_move ? CHIM_STATUS_SUCCESS : CHIM_STATUS_FAILURE, -1);
	if (can_move) {
		m->objects[o->parent].nb_children--;
		o->parent = to;
		m->objects[to].nb_children++;
	}
	return &n->b;
}

/* ---- one step ---- */

static void
check(struct model *m, uint32_t op, struct chim_block *root)
{
	assert_int_equal(rig_do(m->r, op, root), m->expected[0].status);
	assert_int_equal(m->r->last.nb_blocks, m->nb_expected);
	for (int i = 0; i < m->nb_expected; i++) {
		const struct expected *e = &m->expected[i];

		assert_string_equal(chim_status_name(e->b->status), chim_status_name(e->status));
		if (op == CHIM_OP_INITIATE && e->object < 0 && !is_in(e->status) &&
			e->b->header.type != CHIM_STATE_NONE)
			assert_int_equal(*e->context, CHIM_HANDLE_NONE);
	}
}

static void
use_stale(struct model *m)
{
	uint32_t op = next_random(m, CHIM_OP_TERMINATE + 1);
	struct rig_bare *b;

	if (m->stale == CHIM_HANDLE_NONE)
		return;
	for (int i = 0; i < MAX_OBJECTS; i++)
		assert_false(m->objects[i].is_live && m->objects[i].h == m->stale);
	b = rig_bare(m->r, m->stale);
	expect(m, &b->b, CHIM_STATUS_FAILURE, -1);
	check(m, op, &b->b);
	assert_int_equal(b->b.reason, CHIM_REASON_STALE);
}

static void
step(struct model *m)
{
	int object = pick(m, (enum kind)next_random(m, 3));
	int neighbor = pick(m, NEIGHBOR);
	int path = pick(m, PATH);
	struct chim_block *b;

	m->nb_expected = 0;
	switch (next_random(m, 8)) {
	case 0:
	case 1:
	case 2:
		b = random_initiate(m);
		check(m, CHIM_OP_INITIATE, b);
		learn_initiate(m);
		break;
	case 3:
		if (object >= 0)
			check(m, CHIM_OP_QUERY, single(m, CHIM_OP_QUERY, object));
		break;
	case 4:
		if (path >= 0 && neighbor >= 0)
			check(m, CHIM_OP_UPDATE, relink(m, path, neighbor));
		else if (object >= 0)
			check(m, CHIM_OP_UPDATE, single(m, CHIM_OP_UPDATE, object));
		break;
	case 5:
		if (object >= 0 && next_random(m, 4) == 0) {
			check(m, CHIM_OP_INVALIDATE, single(m, CHIM_OP_INVALIDATE, object));
			learn_invalidate(m);
		}
		break;
	case 6:
		if (object >= 0) {
			check(m, CHIM_OP_TERMINATE, random_terminate_tree(m, object));
			learn_terminate(m);
		}
		break;
	default:
		use_stale(m);
		break;
	}
	for (int i = 0; i < MAX_OBJECTS; i++) {
		if (!m->objects[i].is_live)
			m->objects[i].parent = -1;
	}
}

static uint32_t
nb_live(const struct model *m)
{
	uint32_t nb = 0;

	for (int i = 0; i < MAX_OBJECTS; i++)
		nb += m->objects[i].is_live;
	return nb;
}

static void
play(uint64_t seed)
{
	struct model m = { .random = seed * 0x9E3779B97F4A7C15ull | 1 };
	const struct chim_ctl_counters *n;

	m.r = rig_open(&(struct rig_config){ .nb_workers = 1 + (uint32_t)(seed % 3),
		.slice = 1 + (uint32_t)(seed % 7),
		.max_messages = 3 + (uint32_t)(seed % 5) });
	n = chim_ctl_counters(m.r->ctl);
	for (int i = 0; i < STEPS; i++) {
		step(&m);
		assert_int_equal(n->neighbors + n->paths + n->connections, nb_live(&m));
	}
	for (enum kind k = TCP;; k--) {
		int object;

		while ((object = pick(&m, k)) >= 0) {
			m.nb_expected = 0;
			check(&m, CHIM_OP_TERMINATE, single(&m, CHIM_OP_TERMINATE, object));
			learn_terminate(&m);
		}
		if (k == NEIGHBOR)
			break;
	}
	rig_close(m.r);
}

static void
random_sequences_agree_with_the_model(void **state)
{
	uint64_t one = pick_setting("CHIM_SEED", 0);
	uint64_t nb = pick_setting("CHIM_SOAK", SEQUENCES);

	(void)state;
	if (one != 0) {
		play(one);
		return;
	}
	for (seeds_now = 1; seeds_now <= nb; seeds_now++)
		play(seeds_now);
	seeds_now = 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(random_sequences_agree_with_the_model, seeds_tell),
};
CHIM_CMOCKA_SUITE(ctl_model_autotest, tests, NULL, NULL)
