/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Initiate: roles, order, statuses, capacities (checklist 17 to 60).
 */
#include <string.h>

#include "rig.h"

static int
open_rig(void **state)
{
	*state = rig_open(&(struct rig_config){ 0 });
	return 0;
}

static int
close_rig(void **state)
{
	rig_close(*state);
	return 0;
}

static void
checklist_127_a_whole_tree_comes_and_goes(void **state)
{
	struct rig *r = *state;
	struct rig_trio t = rig_offload(r);
	struct rig_bare *n = rig_bare(r, t.n->h);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_bare *c = rig_bare(r, t.t->h);

	assert_int_equal(r->ctl->counters.connections, 1);
	rig_add(&n->b, &p->b);
	rig_add(&p->b, &c->b);
	assert_int_equal(rig_do(r, CHIM_OP_TERMINATE, &n->b), CHIM_STATUS_SUCCESS);
	assert_int_equal(p->b.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(c->b.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(r->last.nb_blocks, 3);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(
		checklist_127_a_whole_tree_comes_and_goes, open_rig, close_rig),
};
CHIM_CMOCKA_SUITE(ctl_initiate_autotest, tests, NULL, NULL)
