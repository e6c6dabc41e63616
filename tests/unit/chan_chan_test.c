/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Rings of entries and mailboxes of pointers: order, size, and what a full or
 * an empty one says.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include "chim_chan.h"
#include "test.h"

struct entry {
	uint64_t number;
	uint8_t rest[56];
};

static void
entries_come_out_in_order_and_by_value(void **state)
{
	struct chim_chan *c = chim_chan_create("chan_test", 8, SOCKET_ID_ANY);
	struct entry in[5];
	struct entry out[8];
	(void)state;

	assert_non_null(c);
	for (uint64_t i = 0; i < 20; i++) { /* around the ring's end more than once */
		for (uint64_t k = 0; k < 5; k++) {
			memset(&in[k], (int)(i + k), sizeof(in[k]));
			in[k].number = i * 5 + k;
		}
		assert_int_equal(chim_chan_put(c, in, 5), 5);
		assert_int_equal(chim_chan_count(c), 5);
		memset(in, 0xff, sizeof(in));
		assert_int_equal(chim_chan_take(c, out, 8), 5);
		for (uint64_t k = 0; k < 5; k++) {
			assert_int_equal(out[k].number, i * 5 + k);
			assert_int_equal(out[k].rest[55], (uint8_t)(i + k));
		}
	}
	assert_int_equal(chim_chan_take(c, out, 1), 0);
	chim_chan_destroy(c);
}

static void
a_full_ring_takes_what_fits(void **state)
{
	struct chim_chan *c = chim_chan_create("chan_test", 3, SOCKET_ID_ANY);
	struct entry e[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 } };
	(void)state;

	assert_int_equal(chim_chan_size(c), 3); /* exactly as asked */
	assert_int_equal(chim_chan_room(c), 3);
	assert_int_equal(chim_chan_put(c, e, 4), 3);
	assert_int_equal(chim_chan_room(c), 0);
	assert_int_equal(chim_chan_put(c, e, 1), 0);
	assert_int_equal(chim_chan_take(c, e, 1), 1);
	assert_int_equal(e[0].number, 1);
	assert_int_equal(chim_chan_room(c), 1);
	chim_chan_destroy(c);
}

/* Some are begun, fewer are put; what was begun goes up to the ring's end. */
static void
entries_are_written_in_place(void **state)
{
	struct chim_chan *c = chim_chan_create("chan_test", 5, SOCKET_ID_ANY);
	uint64_t written = 0, taken = 0;
	struct entry e;
	void *at;
	(void)state;

	for (uint32_t i = 0; i < 40; i++) {
		uint32_t nb = chim_chan_begin(c, 4, &at);
		uint32_t put = i % (nb + 1);

		assert_in_range(nb, 1, 4);
		for (uint32_t k = 0; k < put; k++)
			((struct entry *)at)[k].number = written++;
		assert_int_equal(chim_chan_count(c), 0);
		chim_chan_finish(c, put);
		assert_int_equal(chim_chan_count(c), put);
		while (chim_chan_take(c, &e, 1) != 0)
			assert_int_equal(e.number, taken++);
		assert_int_equal(taken, written);
		assert_int_equal(chim_chan_room(c), 5);
	}
	/* a copy comes behind it; a full ring has no place */
	assert_true(chim_chan_begin(c, 1, &at) == 1);
	((struct entry *)at)->number = 1;
	chim_chan_finish(c, 1);
	for (e.number = 2; e.number <= 5; e.number++)
		assert_int_equal(chim_chan_put(c, &e, 1), 1);
	assert_int_equal(chim_chan_begin(c, 1, &at), 0);
	for (uint64_t k = 1; k <= 5; k++) {
		assert_int_equal(chim_chan_take(c, &e, 1), 1);
		assert_int_equal(e.number, k);
	}
	chim_chan_destroy(c);
}

static void
a_mailbox_passes_pointers_in_order(void **state)
{
	struct chim_box *b = chim_box_create("box_test", 2, SOCKET_ID_ANY);
	int objects[3];
	void *in[] = { &objects[0], &objects[1], &objects[2] };
	void *out[3];
	(void)state;

	assert_non_null(b);
	assert_int_equal(chim_box_room(b), 2);
	assert_int_equal(chim_box_put(b, in, 3), 2);
	assert_int_equal(chim_box_room(b), 0);
	assert_int_equal(chim_box_take(b, out, 3), 2);
	assert_ptr_equal(out[0], &objects[0]);
	assert_ptr_equal(out[1], &objects[1]);
	assert_int_equal(chim_box_take(b, out, 1), 0);
	chim_box_destroy(b);
}

static void
sizes_and_names_that_cannot_be_are_refused(void **state)
{
	struct chim_chan *c = chim_chan_create("chan_test", 8, SOCKET_ID_ANY);
	(void)state;

	assert_null(chim_chan_create("chan_none", 0, SOCKET_ID_ANY));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(chim_box_create("box_none", UINT32_MAX, SOCKET_ID_ANY));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(chim_chan_create("chan_test", 8, SOCKET_ID_ANY));
	assert_int_equal(rte_errno, EEXIST);
	chim_chan_destroy(c);
	chim_chan_destroy(NULL);
	chim_box_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(entries_come_out_in_order_and_by_value),
	cmocka_unit_test(a_full_ring_takes_what_fits),
	cmocka_unit_test(entries_are_written_in_place),
	cmocka_unit_test(a_mailbox_passes_pointers_in_order),
	cmocka_unit_test(sizes_and_names_that_cannot_be_are_refused),
};
CHIM_CMOCKA_SUITE(chan_chan_autotest, tests, NULL, NULL)
