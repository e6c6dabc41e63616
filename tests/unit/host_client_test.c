/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A host's side of its slot, with nobody at the other end: opening, submitting
 * and reaping, the data rings, lent chains, and the helpers that make trees.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mempool.h>

#include "chim_handle.h"
#include "host_internal.h"
#include "test.h"

#define NB_WORKERS 3u
#define NB_MBUFS   63u

static struct chim_target *target;
static struct rte_mempool *pool;

static int
set_up(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create(
		"host_test", NB_MBUFS, 0, CHIM_NBL_PRIV_SIZE, 256, SOCKET_ID_ANY);
	target = chim_target_create(&(struct chim_target_config){ .nb_hosts = 2,
		.nb_workers = NB_WORKERS,
		.ring_entries = 4,
		.host_pool = pool,
		.socket_id = SOCKET_ID_ANY });
	return pool != NULL && target != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	bool is_full = rte_mempool_in_use_count(pool) == 0;

	(void)state;
	chim_target_destroy(target);
	rte_mempool_free(pool);
	return is_full ? 0 : -1;
}

static struct rte_mbuf *
lent(chim_handle_t owner)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	*chim_nbl(m) = (struct chim_nbl){ .cookie = owner };
	return m;
}

static void
slots_are_claimed_once_each(void **state)
{
	struct chim_host *h[2];
	(void)state;

	assert_null(chim_host_open(NULL));
	assert_null(chim_host_open(""));
	assert_null(chim_host_open("a name that is much too long for a slot"));
	assert_int_equal(rte_errno, EINVAL);
	h[0] = chim_host_open("one");
	h[1] = chim_host_open("two");
	assert_non_null(h[0]);
	assert_non_null(h[1]);
	assert_ptr_not_equal(h[0]->slot, h[1]->slot);
	assert_string_equal(h[1]->slot->name, "two");
	assert_null(chim_host_open("three"));
	assert_int_equal(rte_errno, EUSERS);
	assert_ptr_equal(chim_host_pool(h[0]), pool);
	assert_int_equal(chim_host_close(h[0]), 0);
	assert_int_equal(chim_host_close(h[1]), 0);
}

static void
an_engine_of_another_abi_is_not_used(void **state)
{
	(void)state;
	target->abi++;
	assert_null(chim_host_open("one"));
	assert_int_equal(rte_errno, EPROTO);
	target->abi--;
	target->magic = 0; /* half made */
	assert_null(chim_host_open("one"));
	assert_int_equal(rte_errno, ENOENT);
	target->magic = CHIM_TARGET_MAGIC;
}

static void
operations_go_to_the_worker_of_the_handle(void **state)
{
	struct chim_host *h = chim_host_open("one");
	struct chim_io io = { .op = CHIM_IO_DISCONNECT, .handle = chim_handle_make(2, 1, 7) };
	struct chim_io got;
	(void)state;

	assert_int_equal(chim_host_post(h, &io), 0);
	assert_int_equal(chim_chan_count(h->slot->to_worker[0]), 0);
	assert_int_equal(chim_chan_take(h->slot->to_worker[2], &got, 1), 1);
	assert_int_equal(got.handle, io.handle);
	for (int i = 0; i < 4; i++)
		assert_int_equal(chim_host_post(h, &io), 0);
	assert_int_equal(chim_host_post(h, &io), -EAGAIN);
	io.handle = chim_handle_make(NB_WORKERS, 1, 7);
	assert_int_equal(chim_host_post(h, &io), -EINVAL);
	io.op = CHIM_IO_SEND_DONE;
	assert_int_equal(chim_host_post(h, &io), -EINVAL);
	io = (struct chim_io){ .op = CHIM_IO_RETURN };
	assert_int_equal(chim_host_post(h, &io), -EINVAL);
	chim_host_close(h);
}

static void
a_reachability_answer_goes_to_every_worker_or_to_none(void **state)
{
	struct chim_host *h = chim_host_open("one");
	struct chim_io io = { .op = CHIM_IO_REACHABILITY,
		.handle = chim_handle_make(CHIM_OWNER_NEIGHBOR, 1, 0) };
	struct chim_io other = { .op = CHIM_IO_DISCONNECT, .handle = chim_handle_make(1, 1, 0) };
	(void)state;

	assert_int_equal(chim_host_post(h, &io), 0);
	for (uint32_t w = 0; w < NB_WORKERS; w++)
		assert_int_equal(chim_chan_count(h->slot->to_worker[w]), 1);
	for (int i = 0; i < 3; i++)
		chim_host_post(h, &other);
	assert_int_equal(chim_host_post(h, &io), -EAGAIN);
	assert_int_equal(chim_chan_count(h->slot->to_worker[0]), 1);
	io.handle = chim_handle_make(0, 1, 0);
	assert_int_equal(chim_host_post(h, &io), -EINVAL);
	/* every worker hears it: nobody could have a list that came with it */
	struct rte_mbuf data;

	io.handle = chim_handle_make(CHIM_OWNER_NEIGHBOR, 1, 0);
	io.m = &data;
	assert_int_equal(chim_host_post(h, &io), -EINVAL);
	chim_host_close(h);
}

static void
every_worker_is_heard_in_turn(void **state)
{
	struct chim_host *h = chim_host_open("one");
	struct chim_io io = { .op = CHIM_IO_EVENT };
	struct chim_io got[8];
	(void)state;

	for (uint32_t w = 0; w < NB_WORKERS; w++) {
		for (uint32_t i = 0; i < 2; i++) {
			io.handle = chim_handle_make(w, 1, i);
			chim_chan_put(h->slot->from_worker[w], &io, 1);
		}
	}
	/* One place: each of three calls hears another worker. */
	for (uint32_t w = 0; w < NB_WORKERS; w++) {
		assert_int_equal(chim_host_collect(h, got, 1), 1);
		assert_int_equal(chim_handle_worker(got[0].handle), w);
		assert_int_equal(chim_handle_index(got[0].handle), 0);
	}
	assert_int_equal(chim_host_collect(h, got, 8), 3);
	assert_int_equal(chim_host_collect(h, got, 8), 0);
	chim_host_close(h);
}

static void
checklist_175_lent_chains_of_any_connections_are_returned_together(void **state)
{
	struct chim_host *h = chim_host_open("one");
	struct rte_mbuf *m[5];
	struct rte_mbuf *rest;
	struct chim_io got;
	(void)state;

	for (uint32_t i = 0; i < 5; i++) {
		m[i] = lent(chim_handle_make(i % 2, 1, i));
		if (i > 0)
			chim_nbl(m[i - 1])->next = m[i];
	}
	chim_nbl(m[4])->cookie = chim_handle_make(200, 1, 0); /* names nobody: freed */
	assert_null(chim_host_return(h, m[0]));
	assert_int_equal(chim_chan_take(h->slot->to_worker[0], &got, 1), 1);
	assert_int_equal(got.op, CHIM_IO_RETURN);
	assert_ptr_equal(got.m, m[0]);
	assert_ptr_equal(chim_nbl(m[0])->next, m[2]);
	assert_null(chim_nbl(m[2])->next);
	assert_int_equal(chim_chan_take(h->slot->to_worker[1], &got, 1), 1);
	assert_ptr_equal(got.m, m[1]);
	/* A full ring gives its part of the list back. */
	for (int i = 0; i < 4; i++)
		chim_chan_put(h->slot->to_worker[1], &got, 1);
	chim_nbl(m[0])->next = m[1];
	rest = chim_host_return(h, m[0]);
	assert_ptr_equal(rest, m[1]);
	for (int i = 0; i < 4; i++)
		rte_pktmbuf_free(m[i]);
	chim_host_close(h);
}

static void
closing_gives_back_what_was_not_collected(void **state)
{
	struct chim_host *h = chim_host_open("one");
	struct chim_slot *s = h->slot;
	struct chim_io io = { .op = CHIM_IO_INDICATE, .m = lent(chim_handle_make(1, 1, 0)) };
	struct chim_io got;
	(void)state;

	chim_chan_put(s->from_worker[1], &io, 1);
	io = (struct chim_io){ .op = CHIM_IO_SEND_DONE, .m = lent(5) };
	chim_chan_put(s->from_worker[0], &io, 1);
	assert_int_equal(chim_host_close(h), 0);
	assert_int_equal(atomic_load(&s->state), CHIM_SLOT_CLOSING);
	assert_int_equal(chim_chan_take(s->to_worker[1], &got, 1), 1);
	assert_int_equal(got.op, CHIM_IO_RETURN);
	rte_pktmbuf_free(got.m);
}

static void
blocks_are_prepared_for_their_kind(void **state)
{
	struct chim_neighbor_block n;
	struct chim_path_block p;
	struct chim_tcp_block t[2];
	chim_handle_t h = 0;
	(void)state;

	memset(&n, 0xff, sizeof(n));
	memset(t, 0xff, sizeof(t));
	chim_neighbor_block_init(&n, &h);
	assert_int_equal(n.block.header.type, CHIM_STATE_NEIGHBOR);
	assert_int_equal(n.block.header.size, sizeof(struct chim_block));
	assert_int_equal(n.cached.header.length, sizeof(n.cached));
	assert_ptr_equal(n.block.context, &h);
	assert_null(n.block.next_block);
	chim_path_block_init(&p, CHIM_AF_INET6, NULL);
	assert_int_equal(p.block.header.type, CHIM_STATE_IP6);
	assert_int_equal(p.path_const.header.length, sizeof(p.path_const));
	chim_path_block_init(&p, CHIM_AF_INET, NULL);
	assert_int_equal(p.block.header.type, CHIM_STATE_IP4);
	for (int i = 0; i < 2; i++) {
		chim_tcp_block_init(&t[i], NULL);
		chim_block_add_dependent(&p.block, &t[i].block);
	}
	assert_int_equal(t[0].delegated.keep_alive_timeout_delta, CHIM_TICKS_NONE);
	assert_int_equal(t[0].delegated.retransmit_timeout_delta, CHIM_TICKS_NONE);
	assert_ptr_equal(p.block.dependent_list, &t[1].block);
	assert_ptr_equal(t[1].block.next_block, &t[0].block);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
	T(slots_are_claimed_once_each),
	T(an_engine_of_another_abi_is_not_used),
	T(operations_go_to_the_worker_of_the_handle),
	T(a_reachability_answer_goes_to_every_worker_or_to_none),
	T(every_worker_is_heard_in_turn),
	T(checklist_175_lent_chains_of_any_connections_are_returned_together),
	T(closing_gives_back_what_was_not_collected),
	T(blocks_are_prepared_for_their_kind),
};
CHIM_CMOCKA_SUITE(host_client_autotest, tests, NULL, NULL)
