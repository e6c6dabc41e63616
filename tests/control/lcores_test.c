/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Control and two real workers, each polled by a thread of its own with an
 * lcore id, all at once; the test's thread is the host, the wire and the time.
 * Families of connections are moved in and out at random: what a terminate
 * returns is what the next initiate gives, while the peer goes on sending. At
 * the end every request has been completed once, every byte is where it
 * belongs, in order, and nothing is left.
 *
 * A family has one request in flight (or two that may overlap), so what its
 * requests are and how they must end is the seed's, whatever the threads do.
 *
 *   CHIM_SEED=n   replay one sequence (printed when one fails)
 *   CHIM_SOAK=n   so many sequences instead of the usual few
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lcores.h"
#include "pools.h"
#include "seeds.h"

#define REQUESTS  150u /* of each family */
#define SEQUENCES 3u
#define PATIENCE  20000000u /* turns of the host without any progress */
/* More than there can be at once. */
#define COMPLETIONS (4u * FAMILIES)

/* ---- requests: each a tree of the family's own blocks ---- */

static void
link_tree(struct family *f)
{
	struct chim_block **at = &f->p.block.dependent_list;

	f->n.block.dependent_list = &f->p.block;
	for (uint32_t i = 0; i < CONNS; i++) {
		if (!f->conn[i].is_in_tree)
			continue;
		*at = &f->conn[i].b.block;
		at = &f->conn[i].b.block.next_block;
	}
	*at = NULL;
}

/* Neighbor and path as given, as linkers, or as placeholders. */
static void
set_roots(struct family *f, bool has_state, bool has_context)
{
	f->n.block.header.type = has_state ? CHIM_STATE_NEIGHBOR : CHIM_STATE_NONE;
	f->p.block.header.type = has_state ? CHIM_STATE_IP4 : CHIM_STATE_NONE;
	f->n.block.context = has_context ? &f->nh : NULL;
	f->p.block.context = has_context ? &f->ph : NULL;
}

static void
submit(struct world *w, struct family *f, uint32_t op, struct chim_block *root)
{
	struct chim_request req = { .op = op, .cookie = (uintptr_t)f, .root = root };

	root->status = CHIM_STATUS_PENDING;
	EXPECT(w, chim_host_submit(w->host, &req) == 0);
	f->pending++;
	w->nb_submitted++;
}

/* Every connection that is not there; a bad one now and then. */
static void
ask_initiate(struct world *w, struct family *f)
{
	uint32_t nb = 0;
	uint32_t failed = 0;

	for (uint32_t i = 0; i < CONNS; i++) {
		struct conn *c = &f->conn[i];
		bool is_bad = !f->is_ending && pools_below(&f->random, 6) == 0;

		c->is_in_tree = !c->is_live;
		if (!c->is_in_tree)
			continue;
		c->h = CHIM_HANDLE_NONE;
		c->b.tcp_const.local_port = is_bad ? 0 : RTE_BE16(FRAME_LOCAL_PORT);
		c->expected = is_bad ? CHIM_STATUS_FAILURE : CHIM_STATUS_SUCCESS;
		failed += is_bad;
		nb++;
	}
	f->expected = CHIM_STATUS_SUCCESS;
	if (f->is_there && nb != 0 && failed == nb)
		f->expected = CHIM_STATUS_FAILURE;
	set_roots(f, !f->is_there, true);
	if (!f->is_there) {
		f->nh = CHIM_HANDLE_NONE;
		f->ph = CHIM_HANDLE_NONE;
	}
	link_tree(f);
	submit(w, f, CHIM_OP_INITIATE, &f->n.block);
}

/* Some of the connections, or all; of a terminate of all, path and neighbor too. */
static void
ask_of_live(struct world *w, struct family *f, uint32_t op, bool is_all)
{
	for (uint32_t i = 0; i < CONNS; i++) {
		struct conn *c = &f->conn[i];

		c->is_in_tree = c->is_live && (is_all || pools_below(&f->random, 2) == 0);
		c->expected = op == CHIM_OP_UPDATE && c->is_invalid ? CHIM_STATUS_FAILURE
								    : CHIM_STATUS_SUCCESS;
		c->b.cached.ttl = (uint8_t)(1 + pools_below(&f->random, 255));
	}
	f->is_whole = op == CHIM_OP_TERMINATE && is_all;
	f->expected = CHIM_STATUS_SUCCESS;
	set_roots(f, false, f->is_whole);
	link_tree(f);
	submit(w, f, op, &f->n.block);
}

static bool
has_live(const struct family *f)
{
	bool found = false;

	for (uint32_t i = 0; i < CONNS; i++)
		found |= f->conn[i].is_live;
	return found;
}

static void
ask(struct world *w, struct family *f)
{
	uint32_t which = pools_below(&f->random, 10);

	f->nb_requests++;
	if (!f->is_there || !has_live(f) || which < 3) {
		f->op = CHIM_OP_INITIATE;
		ask_initiate(w, f);
	} else if (which < 4) {
		f->op = CHIM_OP_QUERY;
		ask_of_live(w, f, f->op, true);
		/* Two queries of the path at once, of which this one has no tree. */
		chim_bare_block_init(&f->again, &f->ph);
		submit(w, f, CHIM_OP_QUERY, &f->again);
	} else if (which < 5) {
		f->op = CHIM_OP_UPDATE;
		ask_of_live(w, f, f->op, false);
	} else if (which < 6) {
		f->op = CHIM_OP_INVALIDATE;
		ask_of_live(w, f, f->op, false);
	} else {
		f->op = CHIM_OP_TERMINATE;
		ask_of_live(w, f, f->op, which == 9);
	}
}

/* ---- what control says ---- */

static uint32_t
bytes_of(struct world *w, struct rte_mbuf *list)
{
	uint32_t at = 0;
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list) {
		for (uint32_t i = 0; i < m->data_len; i++, at++) {
			uint8_t byte = *rte_pktmbuf_mtod_offset(m, uint8_t *, i);

			EXPECT(w, byte == frame_byte(RINGS_OUR_SEQ + at));
		}
	}
	return at;
}

/* The state is the host's again, and what the next initiate gives. */
static void
take_back(struct world *w, struct conn *c)
{
	struct rte_mbuf *m = c->b.delegated.buffered_data;

	c->is_live = false;
	c->is_invalid = false;
	EXPECT(w, c->b.delegated.state == CHIM_TCP_ESTABLISHED);
	EXPECT(w, bytes_of(w, c->b.block.send_chain) == c->posted);
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		world_read(w, c, m);
		chim_nbl(m)->next = w->give_back;
		w->give_back = m;
		m = next;
	}
	c->b.delegated.buffered_data = NULL;
	EXPECT(w, c->b.delegated.rcv_nxt == RINGS_PEER_SEQ + c->delivered);
}

static void
check_conn(struct world *w, const struct family *f, struct conn *c)
{
	EXPECT(w, c->b.block.status == c->expected);
	if (c->b.block.status != CHIM_STATUS_SUCCESS)
		return;
	if (f->op == CHIM_OP_INITIATE) {
		EXPECT(w, c->h != CHIM_HANDLE_NONE);
		c->is_live = true;
		c->is_known = true;
		c->b.block.send_chain = NULL;
	} else if (f->op == CHIM_OP_INVALIDATE) {
		c->is_invalid = true;
	} else if (f->op == CHIM_OP_TERMINATE) {
		take_back(w, c);
	}
}

static void
check_tree(struct world *w, struct family *f)
{
	EXPECT(w, f->n.block.status == f->expected);
	for (uint32_t i = 0; i < CONNS; i++) {
		if (f->conn[i].is_in_tree)
			check_conn(w, f, &f->conn[i]);
		f->conn[i].is_in_tree = false;
	}
	if (f->op == CHIM_OP_INITIATE)
		f->is_there = true;
	else if (f->op == CHIM_OP_TERMINATE && f->is_whole)
		f->is_there = false;
}

static void
take_completion(struct world *w, const struct chim_completion *e)
{
	struct family *f = (struct family *)(uintptr_t)e->cookie;

	w->nb_completed++;
	EXPECT(w, e->kind == CHIM_COMPLETION_REQUEST && f->pending != 0);
	f->pending--;
	atomic_fetch_add(&w->now, STEP_US);
	if (e->root == &f->again) {
		EXPECT(w, e->status == CHIM_STATUS_SUCCESS);
		return;
	}
	EXPECT(w, e->root == &f->n.block && e->op == f->op);
	check_tree(w, f);
}

/*
 * What a connection had to say before its terminate is collected first. While initiates are in
 * flight that takes a moment at which there is nothing to reap, before and after.
 */
static bool
reap(struct world *w)
{
	struct chim_completion e[COMPLETIONS];
	unsigned int nb = 0;
	unsigned int n;

	while ((n = chim_host_reap(w->host, e + nb, COMPLETIONS - nb)) != 0) {
		nb += n;
		world_collect(w);
	}
	EXPECT(w, nb < COMPLETIONS);
	for (unsigned int i = 0; i < nb; i++)
		take_completion(w, &e[i]);
	return nb != 0;
}

/* ---- the whole ---- */

static bool
is_all_read(const struct family *f)
{
	bool is_all = true;

	for (uint32_t i = 0; i < CONNS; i++)
		is_all &= f->conn[i].is_live && f->conn[i].delivered == f->conn[i].injected;
	return is_all;
}

/* At the end: everything in, until all that was sent is read; then everything out. */
static bool
end(struct world *w, struct family *f)
{
	f->is_ending = true;
	if (!f->is_there || !f->conn[0].is_live || !f->conn[1].is_live || !f->conn[2].is_live) {
		f->op = CHIM_OP_INITIATE;
		ask_initiate(w, f);
		return false;
	}
	return is_all_read(f);
}

/* Until done(f) of every family; false when nothing moves any more. */
static bool
run(struct world *w, bool (*done)(struct world *w, struct family *f), bool has_data)
{
	uint32_t idle = 0;
	uint32_t nb_done;

	do {
		bool is_busy = reap(w);

		is_busy |= world_collect(w);
		nb_done = 0;
		for (uint32_t i = 0; i < FAMILIES; i++) {
			struct family *f = &w->family[i];

			nb_done += f->pending == 0 && done(w, f);
		}
		if (has_data)
			world_move_data(w);
		else
			world_drain(w);
		idle = is_busy ? 0 : idle + 1;
		if (!is_busy)
			sched_yield();
	} while (nb_done < FAMILIES && idle < PATIENCE && w->failure == NULL);
	return nb_done == FAMILIES;
}

static bool
ask_more(struct world *w, struct family *f)
{
	if (f->nb_requests == REQUESTS)
		return true;
	ask(w, f);
	return false;
}

static bool
terminate_all(struct world *w, struct family *f)
{
	if (!f->is_there)
		return true;
	f->op = CHIM_OP_TERMINATE;
	ask_of_live(w, f, f->op, true);
	return false;
}

static void
free_sends(struct world *w)
{
	for (uint32_t i = 0; i < FAMILIES; i++) {
		for (uint32_t k = 0; k < CONNS; k++)
			chim_nbl_free(w->family[i].conn[k].b.block.send_chain);
	}
}

static void
tear_down(struct world *w)
{
	const struct chim_ctl_counters *n = chim_ctl_counters(w->ctl);

	assert_int_equal(w->nb_completed, w->nb_submitted);
	assert_int_equal(n->requests, w->nb_submitted);
	assert_int_equal(n->neighbors + n->paths + n->connections, 0);
	for (uint32_t i = 0; i < RINGS_WORKERS; i++)
		assert_int_equal(chim_dp_nb_connections(w->r.worker[i]), 0);
	/* Whatever came was a connection's, or was held for it. */
	assert_int_equal(w->nb_for_kernel, 0);
	assert_int_equal(chim_host_close(w->host), 0);
	chim_ctl_poll(w->ctl, atomic_load(&w->now));
	assert_int_equal(atomic_load(&w->r.target->slot[0].state), CHIM_SLOT_FREE);
	chim_ctl_destroy(w->ctl);
	free_sends(w);
	for (uint32_t i = 0; i < RINGS_WORKERS; i++) {
		chim_dp_poll(w->r.worker[i], atomic_load(&w->now));
		assert_int_equal(chim_dp_nb_lent(w->r.worker[i]), 0);
	}
	rings_down(&w->r);
}

static void
play(struct world *w, uint64_t seed)
{
	bool is_over;

	world_set_up(w, seed);
	world_start(w);
	is_over = run(w, ask_more, true);
	if (is_over)
		is_over = run(w, end, false);
	if (is_over)
		is_over = run(w, terminate_all, false);
	while (is_over && w->give_back != NULL)
		world_collect(w);
	world_stop(w);
	if (w->failure != NULL)
		fail_msg("%s", w->failure);
	assert_true(is_over);
	tear_down(w);
}

static void
random_moves_on_lcores_of_their_own_lose_nothing(void **state)
{
	const char *one = getenv("CHIM_SEED");
	const char *soak = getenv("CHIM_SOAK");
	uint64_t nb = soak != NULL ? strtoull(soak, NULL, 0) : SEQUENCES;

	struct world *w = calloc(1, sizeof(*w)); /* too large for a stack */

	assert_non_null(w);
	for (seeds_now = 1; one == NULL && seeds_now <= nb; seeds_now++)
		play(w, seeds_now);
	seeds_now = one != NULL ? strtoull(one, NULL, 0) : 0;
	if (seeds_now != 0)
		play(w, seeds_now);
	seeds_now = 0;
	free(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(random_moves_on_lcores_of_their_own_lose_nothing, seeds_tell),
};
CHIM_CMOCKA_SUITE(ctl_lcores_autotest, tests, NULL, NULL)
