/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The n-th allocation fails, for n = 1, 2, 3 ... until none is left to fail:
 * through start-up, where each time everything taken before is given back, and
 * through a tree, where a worker is short of something at each message.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "allocfail.h"
#include "chim_poison.h"
#include "death.h"
#include "rig.h"

#define NB_WORKERS 2

static struct chim_target_config target_config = {
	.nb_hosts = 3, .nb_workers = NB_WORKERS, .ring_entries = 64, .socket_id = SOCKET_ID_ANY
};

static void
every_allocation_of_the_target_may_fail(void **state)
{
	size_t before = allocfail_in_use();
	struct chim_target *t;
	uint32_t n = 0;

	(void)state;
	for (;; n++) {
		allocfail_at(n);
		t = chim_target_create(&target_config);
		if (!allocfail_end())
			break;
		assert_null(t);
		assert_int_equal(rte_errno, ENOMEM);
		assert_int_equal(allocfail_in_use(), before);
		assert_null(chim_host_open("nobody"));
		assert_int_equal(rte_errno, ENOENT);
	}
	/* The registry, and a pair of rings for each host and for each of its workers. */
	assert_int_equal(n, 1 + 3 * (2 + 2 * NB_WORKERS));
	assert_non_null(t);
	chim_target_destroy(t);
	assert_int_equal(allocfail_in_use(), before);
}

static void
make_boxes(struct chim_ctl_config *c)
{
	static const char *const names[] = { "a0", "a1", "b0", "b1" };

	for (int w = 0; w < NB_WORKERS; w++) {
		c->to_worker[w] = chim_box_create(names[w], 64, SOCKET_ID_ANY);
		c->from_worker[w] = chim_box_create(names[2 + w], 64, SOCKET_ID_ANY);
		assert_non_null(c->to_worker[w]);
		assert_non_null(c->from_worker[w]);
	}
}

static void
every_allocation_of_control_may_fail(void **state)
{
	struct chim_ctl_config c = { .nb_workers = NB_WORKERS,
		.max_connections_per_worker = 16,
		.max_requests = 8,
		.max_messages = 8,
		.socket_id = SOCKET_ID_ANY };
	struct chim_ctl *ctl;
	size_t before;
	uint32_t n = 0;

	(void)state;
	c.target = chim_target_create(&target_config);
	assert_non_null(c.target);
	make_boxes(&c);
	before = allocfail_in_use();
	for (;; n++) {
		allocfail_at(n);
		ctl = chim_ctl_create(&c);
		if (!allocfail_end())
			break;
		assert_null(ctl);
		assert_int_equal(rte_errno, ENOMEM);
		assert_int_equal(allocfail_in_use(), before);
	}
	assert_true(n >= 4 + NB_WORKERS);
	assert_non_null(ctl);
	chim_ctl_destroy(ctl);
	assert_int_equal(allocfail_in_use(), before);
	chim_target_destroy(c.target);
	for (int w = 0; w < NB_WORKERS; w++) {
		chim_box_destroy(c.to_worker[w]);
		chim_box_destroy(c.from_worker[w]);
	}
}

static void
a_configuration_that_cannot_be_is_refused(void **state)
{
	struct chim_ctl_config c = { .nb_workers = 1, .max_connections_per_worker = 16 };
	struct chim_target_config none = { 0 };

	(void)state;
	assert_null(chim_ctl_create(&c)); /* no target */
	assert_int_equal(rte_errno, EINVAL);
	assert_null(chim_target_create(&none));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(chim_target_create(NULL));
	c.target = chim_target_create(&target_config);
	assert_null(chim_ctl_create(&c)); /* not as many workers as the target has */
	c.nb_workers = NB_WORKERS;
	assert_null(chim_ctl_create(&c)); /* no mailboxes */
	make_boxes(&c);
	c.max_messages = 1; /* not one for each worker */
	assert_null(chim_ctl_create(&c));
	c.max_messages = 0;
	c.max_requests = CTL_MAX_OPS + 1;
	assert_null(chim_ctl_create(&c));
	assert_int_equal(rte_errno, EINVAL);
	c.max_requests = 0;
	c.max_connections_per_worker = 0;
	assert_null(chim_ctl_create(&c));
	/* A second target in one EAL would be found by nobody. */
	assert_null(chim_target_create(&target_config));
	assert_int_equal(rte_errno, EEXIST);
	chim_target_destroy(c.target);
	chim_target_destroy(NULL);
	chim_ctl_destroy(NULL);
	for (int w = 0; w < NB_WORKERS; w++) {
		chim_box_destroy(c.to_worker[w]);
		chim_box_destroy(c.from_worker[w]);
	}
}

/* ---- a tree, with every message of it refused once ---- */

#define NB_PATHS 3
#define NB_TCP	 4

struct tree {
	struct rig_neighbor *n;
	struct rig_path *p[NB_PATHS];
	struct rig_tcp *t[NB_PATHS * NB_TCP];
};

static struct tree
make_tree(struct rig *r)
{
	struct tree t = { .n = rig_neighbor(r) };

	for (int i = 0; i < NB_PATHS; i++) {
		t.p[i] = rig_path(r, CHIM_AF_INET);
		rig_add(&t.n->b.block, &t.p[i]->b.block);
	}
	for (int i = 0; i < NB_PATHS * NB_TCP; i++) {
		t.t[i] = rig_tcp(r);
		rig_add(&t.p[i / NB_TCP]->b.block, &t.t[i]->b.block);
	}
	return t;
}

/* Every status must follow from those of the blocks below; handles where, and only where, they
 * were promised. */
static void
check_path(const struct tree *t, int path)
{
	const struct rig_path *p = t->p[path];
	int failed = 0;

	for (int i = path * NB_TCP; i < (path + 1) * NB_TCP; i++) {
		bool is_in = t->t[i]->b.block.status == CHIM_STATUS_SUCCESS;

		failed += !is_in;
		assert_int_equal(is_in, t->t[i]->h != CHIM_HANDLE_NONE);
	}
	if (p->b.block.status == CHIM_STATUS_SUCCESS)
		assert_int_equal(failed, 0);
	else if (p->b.block.status != CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS)
		assert_int_equal(failed, NB_TCP);
	assert_int_equal(p->h != CHIM_HANDLE_NONE,
		p->b.block.status == CHIM_STATUS_SUCCESS ||
			p->b.block.status == CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
}

static void
remove_all(struct rig *r, const struct tree *t)
{
	for (int i = 0; i < NB_PATHS * NB_TCP; i++) {
		if (t->t[i]->h != CHIM_HANDLE_NONE)
			rig_remove(r, t->t[i]->h);
	}
	for (int i = 0; i < NB_PATHS; i++) {
		if (t->p[i]->h != CHIM_HANDLE_NONE)
			rig_remove(r, t->p[i]->h);
	}
	if (t->n->h != CHIM_HANDLE_NONE)
		rig_remove(r, t->n->h);
}

static void
every_connection_of_a_tree_may_find_no_memory(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < NB_PATHS * NB_TCP; n++) {
		struct rig *r = rig_open(&(struct rig_config){ 0 });
		struct tree t = make_tree(r);

		fake_refuse(r->worker[0],
			(struct fake_rule){ CHIM_MSG_INSTALL, n, 1, CHIM_STATUS_RESOURCES,
				CHIM_REASON_NO_MEMORY });
		rig_do(r, CHIM_OP_INITIATE, &t.n->b.block);
		for (uint32_t i = 0; i < NB_PATHS * NB_TCP; i++)
			assert_int_equal(t.t[i]->b.block.status,
				i == n ? CHIM_STATUS_RESOURCES : CHIM_STATUS_SUCCESS);
		for (int i = 0; i < NB_PATHS; i++)
			check_path(&t, i);
		assert_int_equal(
			t.p[n / NB_TCP]->b.block.status, CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
		remove_all(r, &t);
		rig_close(r);
	}
}

static void
every_table_may_be_one_short(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= NB_PATHS * NB_TCP; n++) {
		struct rig *r = rig_open(&(struct rig_config){
			.caps = { .max_connections = n, .max_paths = RTE_MIN(n, 4u) } });
		struct tree t = make_tree(r);
		uint32_t nb_paths = RTE_MIN(n, (uint32_t)NB_PATHS);

		rig_do(r, CHIM_OP_INITIATE, &t.n->b.block);
		assert_int_equal(r->ctl->counters.connections, RTE_MIN(n, nb_paths * NB_TCP));
		for (int i = 0; i < NB_PATHS; i++)
			check_path(&t, i);
		remove_all(r, &t);
		rig_close(r);
	}
}

#ifdef CHIM_HAS_POISON
/* ---- what is free is nobody's: mistakes of control's own, made in a child ---- */

static void
write_to(void *object)
{
	memset(object, 0, 1);
}

static void
a_use_of_what_control_has_freed_is_caught(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	struct rig_trio t = rig_offload(r);
	struct ctl_path *path = chim_slab_at(r->ctl->paths, chim_handle_index(t.p->h));
	struct ctl_neighbor *nb = chim_slab_at(r->ctl->neighbors, chim_handle_index(t.n->h));
	void *message = NULL;

	assert_false(death_of(write_to, path));
	assert_false(death_of(write_to, nb));
	rig_terminate(r, &t);
	assert_true(death_of(write_to, path));
	assert_true(death_of(write_to, nb));
	/* A message that is with nobody, and the same one with somebody. */
	assert_int_equal(rte_mempool_get(r->ctl->messages, &message), 0);
	assert_true(death_of(write_to, message));
	chim_unpoison(message, sizeof(struct chim_msg));
	assert_false(death_of(write_to, message));
	chim_poison(message, sizeof(struct chim_msg));
	rte_mempool_put(r->ctl->messages, message);
	rig_close(r);
}
#endif

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_allocation_of_the_target_may_fail),
	cmocka_unit_test(every_allocation_of_control_may_fail),
	cmocka_unit_test(a_configuration_that_cannot_be_is_refused),
	cmocka_unit_test(every_connection_of_a_tree_may_find_no_memory),
	cmocka_unit_test(every_table_may_be_one_short),
#ifdef CHIM_HAS_POISON
	cmocka_unit_test(a_use_of_what_control_has_freed_is_caught),
#endif
};
CHIM_CMOCKA_SUITE(ctl_alloc_autotest, tests, NULL, NULL)
