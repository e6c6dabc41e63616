/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Fuzz target: requests of a host, through the real control lcore to real
 * workers. Trees of blocks with arbitrary content and links, handles alive,
 * gone and made up, frame operations, parameters, data operations and frames in
 * between. Pointers are good or NULL: a host is trusted with its memory. Every
 * request is completed once; in the end what is left can be terminated, and
 * nothing is left.
 */
#include "../control/way.h"
#include "fuzz.h"
#include "pick.h"

#define CELLS	    10u
#define REQUESTS    4u /* under way at once */
#define HANDLES	    256u
#define TURNS_MAX   20000u
#define UNTOUCHED   0xDEADu
#define HOLD_MAX_MS 3000u

union state {
	struct chim_block block;
	struct chim_neighbor_block n;
	struct chim_path_block p;
	struct chim_tcp_block t;
	/* what a block of type TCP_DELEGATED is */
	struct {
		struct chim_block block;
		struct chim_tcp_delegated delegated;
	} d;
};

struct cell {
	union state s;
	chim_handle_t h;
	uint8_t source[16], destination[16];
	bool is_new;
	struct rte_mbuf *chain, *buffered; /* given with it */
};

struct request {
	struct chim_request req;
	struct cell cell[CELLS];
	struct chim_params params;
	struct chim_caps caps;
	struct chim_family_stats stats;
	bool is_open;
};

struct host {
	struct way w;
	struct pick *pick;
	struct chim_params params; /* at the start */
	struct request request[REQUESTS];
	chim_handle_t live[HANDLES]; /* or were */
	uint32_t nb_live;
	uint32_t nb_frames; /* that the wire and the kernel had when nothing ran */
};

static uint32_t
any(struct host *f, uint32_t n)
{
	return pick_below(f->pick, n);
}

/* ---- blocks ---- */

static struct rte_mbuf *
any_chain(struct host *f)
{
	struct rte_mbuf *m = any(f, 2) ? rte_pktmbuf_alloc(chim_host_pool(f->w.host)) : NULL;

	if (m == NULL)
		return NULL;
	memset(chim_nbl(m), 0, sizeof(struct chim_nbl));
	rte_pktmbuf_append(m, (uint16_t)any(f, 1500));
	return m;
}

static chim_handle_t
any_handle(struct host *f)
{
	uint64_t high = pick_word(f->pick);

	if (f->nb_live != 0 && any(f, 8) != 0)
		return f->live[any(f, f->nb_live)];
	return high << 32 | any(f, 16);
}

static void
make_neighbor(struct cell *c)
{
	chim_neighbor_block_init(&c->s.n, &c->h);
	memcpy(c->s.n.cached.dl_destination, &(uint8_t[]){ 2, 0, 0, 0, 0, 9 }, 6);
}

static void
make_path(struct cell *c)
{
	struct chim_tuple tuple = rings_tuple(0);

	chim_path_block_init(&c->s.p, CHIM_AF_INET, &c->h);
	memcpy(c->source, tuple.local_addr, 16);
	memcpy(c->destination, tuple.remote_addr, 16);
	c->s.p.cached.path_mtu = 1500;
}

static void
make_tcp(struct host *f, struct cell *c)
{
	struct chim_msg *model = rings_install_msg(&f->w.r, (uint16_t)any(f, 8));

	chim_tcp_block_init(&c->s.t, &c->h);
	c->s.t.tcp_const = model->tcp.tcp_const;
	c->s.t.cached = model->tcp.cached;
	c->s.t.delegated = model->tcp.delegated;
}

/* Any bytes in any place, of the block's head or of what follows it. */
static void
spoil(struct host *f, struct cell *c)
{
	uint32_t nb = any(f, 4) == 0 ? any(f, 8) : 0;

	while (nb-- != 0) {
		uint32_t at = any(f, 3) == 0 ? any(f, 8)
					     : (uint32_t)sizeof(struct chim_block) +
				any(f, sizeof(c->s) - sizeof(struct chim_block));

		((uint8_t *)&c->s)[at] = (uint8_t)any(f, 256);
	}
}

/* Pointers where the type now has some. */
static void
point(struct host *f, struct cell *c)
{
	uint8_t type = c->s.block.header.type;

	c->s.block.status = (enum chim_status)UNTOUCHED;
	if (type == CHIM_STATE_IP4 || type == CHIM_STATE_IP6 || type == CHIM_STATE_IP4_CONST ||
		type == CHIM_STATE_IP6_CONST) {
		c->s.p.path_const.source_address = any(f, 16) ? c->source : NULL;
		c->s.p.path_const.destination_address = any(f, 16) ? c->destination : NULL;
	} else if (type == CHIM_STATE_TCP) {
		c->chain = any_chain(f);
		c->buffered = any_chain(f);
		c->s.block.send_chain = c->chain;
		c->s.t.delegated.send_data_head = c->chain;
		c->s.t.delegated.send_data_tail = c->chain;
		c->s.t.delegated.buffered_data = c->buffered;
	} else if (type == CHIM_STATE_TCP_DELEGATED) {
		c->s.d.delegated.send_data_head = NULL;
		c->s.d.delegated.send_data_tail = NULL;
		c->s.d.delegated.buffered_data = NULL;
	}
}

static void
make_cell(struct host *f, struct cell *c, uint32_t kind)
{
	*c = (struct cell){ 0 };
	if (kind == 0)
		make_neighbor(c);
	else if (kind == 1)
		make_path(c);
	else
		make_tcp(f, c);
	switch (any(f, 8)) {
	case 0: /* a linker, or what is queried or terminated */
	case 1:
	case 2:
		c->h = any_handle(f);
		if (any(f, 2))
			chim_bare_block_init(&c->s.block, &c->h);
		else if (kind == 2 && any(f, 2))
			c->s.block.header.type = CHIM_STATE_TCP_DELEGATED;
		if (c->s.block.header.type == CHIM_STATE_TCP_DELEGATED)
			c->s.d.delegated = (struct chim_tcp_delegated){ .header.length = sizeof(
										c->s.d.delegated) };
		break;
	case 3:
		if (any(f, 4) == 0)
			chim_bare_block_init(&c->s.block, NULL);
		break;
	default:
		break;
	}
	spoil(f, c);
	point(f, c);
	c->is_new = c->s.block.context != NULL && c->h == CHIM_HANDLE_NONE;
}

/* Neighbors over paths over connections; sometimes any link to any block. */
static struct chim_block *
any_tree(struct host *f, struct request *r)
{
	uint32_t nb = 1 + any(f, CELLS);
	struct cell *last[3] = { NULL, NULL, NULL };

	for (uint32_t i = 0; i < nb; i++) {
		struct cell *c = &r->cell[i];
		uint32_t kind = RTE_MIN(i, any(f, 3));

		make_cell(f, c, kind);
		if (kind > 0 && last[kind - 1] != NULL)
			chim_block_add_dependent(&last[kind - 1]->s.block, &c->s.block);
		else if (i != 0)
			r->cell[i - 1].s.block.next_block = &c->s.block;
		last[kind] = c;
	}
	for (uint32_t n = any(f, 8) == 0 ? any(f, 4) : 0; n != 0; n--) {
		struct chim_block *to = any(f, 4) ? &r->cell[any(f, nb)].s.block : NULL;
		struct cell *from = &r->cell[any(f, nb)];

		if (any(f, 2))
			from->s.block.next_block = to;
		else
			from->s.block.dependent_list = to;
	}
	return any(f, 64) ? &r->cell[0].s.block : NULL;
}

/* ---- requests ---- */

static struct chim_tuple
any_tuple(struct host *f)
{
	struct chim_tuple t = rings_tuple((uint16_t)any(f, 8));

	if (any(f, 8) == 0)
		((uint8_t *)&t)[any(f, sizeof(t))] = (uint8_t)any(f, 256);
	return t;
}

static struct rte_mbuf *
any_frame(struct host *f)
{
	struct rings *r = &f->w.r;
	uint16_t flow = (uint16_t)any(f, 8);

	switch (any(f, 4)) {
	case 0:
		return rings_ack(r, flow, any(f, 3000));
	case 1:
		return rings_kernel_data(r, flow, any(f, 3000), 10);
	case 2:
		return rings_marker(r, any(f, 4));
	default:
		return rings_data(r, flow, any(f, 3000), (uint16_t)any(f, 500));
	}
}

static void
fill_request(struct host *f, struct request *r)
{
	struct chim_request *req = &r->req;

	switch (req->op) {
	case CHIM_OP_HOLD:
		req->flow.tuple = any_tuple(f);
		req->flow.limits.deadline_ms = any(f, HOLD_MAX_MS);
		req->flow.limits.max_bytes = any(f, 3000);
		break;
	case CHIM_OP_SEAL:
		req->flow.tuple = any_tuple(f);
		req->flow.marker = any(f, 4);
		break;
	case CHIM_OP_RELEASE:
		req->flow.tuple = any_tuple(f);
		break;
	case CHIM_OP_INJECT:
		req->inject.frames = any(f, 8) ? any_frame(f) : NULL;
		if (req->inject.frames != NULL)
			chim_nbl(req->inject.frames)->next = NULL;
		if (any(f, 4))
			req->inject.tuple = any_tuple(f);
		req->inject.tuple.port_number = any(f, 8) ? 0 : (uint16_t)pick_word(f->pick);
		break;
	case CHIM_OP_SET_PARAMS:
		for (uint32_t i = 0; i < sizeof(r->params) / 4; i++)
			((uint32_t *)&r->params)[i] = any(f, 4) ? 0 : pick_word(f->pick);
		req->params = any(f, 8) ? &r->params : NULL;
		break;
	case CHIM_OP_GET_CAPS:
		req->caps = any(f, 8) ? &r->caps : NULL;
		break;
	case CHIM_OP_GET_STATS:
	case CHIM_OP_RESET_STATS:
		req->stats.stats = any(f, 8) ? &r->stats : NULL;
		req->stats.family = any(f, 8);
		break;
	default:
		req->root = any_tree(f, r);
	}
}

static void
submit(struct host *f)
{
	struct request *r = &f->request[any(f, REQUESTS)];

	if (r->is_open)
		return;
	*r = (struct request){
		.req = {
			.op = any(f, 3) ? any(f, CHIM_OP_TERMINATE + 1) : any(f, CHIM_OP_MAX + 2),
			.flags = any(f, 32) ? 0 : pick_word(f->pick),
			.cookie = (uint64_t)(r - f->request),
		},
	};
	fill_request(f, r);
	r->is_open = chim_host_submit(f->w.host, &r->req) == 0;
	fuzz_expect(r->is_open);
}

/* What the engine did not take is ours again; what it gave is ours. */
static void
settle_cell(struct host *f, struct request *r, struct cell *c)
{
	bool is_done = c->s.block.status == CHIM_STATUS_SUCCESS;
	bool is_in =
		c->is_new && (is_done || c->s.block.status == CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	uint8_t type = c->s.block.header.type;

	fuzz_expect(c->s.block.status != CHIM_STATUS_PENDING);
	if (r->req.op != CHIM_OP_INITIATE || !is_in || type != CHIM_STATE_TCP)
		chim_nbl_free(c->chain);
	chim_nbl_free(c->buffered);
	if (r->req.op == CHIM_OP_INITIATE && is_in && f->nb_live < HANDLES)
		f->live[f->nb_live++] = c->h;
	if (r->req.op != CHIM_OP_TERMINATE || !is_done)
		return;
	if (c->s.block.send_chain != c->chain)
		chim_nbl_free(c->s.block.send_chain);
	if (type == CHIM_STATE_TCP && c->s.t.delegated.buffered_data != c->buffered)
		chim_nbl_free(c->s.t.delegated.buffered_data);
	if (type == CHIM_STATE_TCP_DELEGATED)
		chim_nbl_free(c->s.d.delegated.buffered_data);
}

static void
complete(struct host *f, const struct chim_completion *done)
{
	struct request *r = &f->request[done->cookie];

	if (done->kind != CHIM_COMPLETION_REQUEST)
		return;
	fuzz_expect(done->cookie < REQUESTS && r->is_open && r->req.op == done->op);
	fuzz_expect(done->status != CHIM_STATUS_PENDING);
	r->is_open = false;
	for (uint32_t i = 0; i < CELLS; i++)
		settle_cell(f, r, &r->cell[i]);
}

/* ---- data, frames, time ---- */

static void
hear(struct host *f)
{
	struct chim_completion done;
	struct chim_io io;

	while (chim_host_reap(f->w.host, &done, 1) == 1)
		complete(f, &done);
	while (chim_host_collect(f->w.host, &io, 1) == 1)
		chim_nbl_free(io.op == CHIM_IO_INDICATE ? chim_host_return(f->w.host, io.m) : io.m);
}

static void
some_turns(struct host *f)
{
	for (uint32_t n = any(f, 6); n != 0; n--) {
		chim_ctl_poll(f->w.ctl, f->w.r.now);
		chim_dp_poll(f->w.r.worker[any(f, 2)], f->w.r.now);
	}
	hear(f);
}

static void
post(struct host *f)
{
	static const uint16_t ops[] = { CHIM_IO_SEND, CHIM_IO_SEND, CHIM_IO_RECEIVE, CHIM_IO_REFUSE,
		CHIM_IO_DISCONNECT, CHIM_IO_FORWARD, CHIM_IO_REACHABILITY };
	struct chim_io io = {
		.op = any(f, 16) ? ops[any(f, CHIM_DIM(ops))] : (uint16_t)any(f, 64),
		.flags = (uint16_t)any(f, 8),
		.handle = any_handle(f),
		.m = any_chain(f),
		.bytes = any(f, 3000),
	};

	if (chim_host_post(f->w.host, &io) != 0)
		chim_nbl_free(io.m);
}

static void
speak(struct host *f)
{
	if (any(f, 2))
		rings_wire_in(&f->w.r, any(f, 2), any_frame(f));
	else
		rings_kernel_in(&f->w.r, any(f, 2), any_frame(f));
}

static void
step(struct host *f)
{
	uint32_t what = any(f, 16);

	if (what < 6)
		submit(f);
	else if (what < 11)
		some_turns(f);
	else if (what < 13)
		speak(f);
	else if (what < 15)
		post(f);
	else
		f->w.r.now += any(f, 1000) * CHIM_US_PER_MS;
	rings_wire_drain(&f->w.r);
	rings_kernel_drain(&f->w.r);
}

/* ---- the end ---- */

/* All is done in a bounded number of turns. */
static void
settle(struct host *f)
{
	uint32_t nb = 0;
	uint32_t work;

	do {
		work = chim_ctl_poll(f->w.ctl, f->w.r.now) + rings_poll(&f->w.r);
		hear(f);
		rings_wire_drain(&f->w.r);
		rings_kernel_drain(&f->w.r);
		fuzz_expect(++nb < TURNS_MAX);
	} while (work != 0);
	for (uint32_t i = 0; i < REQUESTS; i++)
		fuzz_expect(!f->request[i].is_open || f->request[i].req.op == CHIM_OP_SEAL);
}

static void
terminate_all(struct host *f)
{
	static const uint32_t owners[] = { 0, CHIM_OWNER_PATH, CHIM_OWNER_NEIGHBOR };
	struct request *r = &f->request[0];

	for (uint32_t k = 0; k < CHIM_DIM(owners); k++) {
		for (uint32_t i = 0; i < f->nb_live; i++) {
			uint32_t owner = chim_handle_worker(f->live[i]);

			if (owner != owners[k] && (k != 0 || owner >= RINGS_WORKERS))
				continue;
			*r = (struct request){ .req.op = CHIM_OP_TERMINATE, .is_open = true };
			r->cell[0].h = f->live[i];
			chim_bare_block_init(&r->cell[0].s.block, &r->cell[0].h);
			r->req.root = &r->cell[0].s.block;
			fuzz_expect(chim_host_submit(f->w.host, &r->req) == 0);
			settle(f);
		}
	}
	f->nb_live = 0;
}

static void
set_params(struct host *f)
{
	struct request *r = &f->request[0];

	*r = (struct request){ .req.op = CHIM_OP_SET_PARAMS, .is_open = true };
	r->params = f->params;
	r->req.params = &r->params;
	fuzz_expect(chim_host_submit(f->w.host, &r->req) == 0);
	settle(f);
}

static struct host *
the_host(void)
{
	static struct host f;
	struct chim_caps caps;

	if (f.w.host != NULL)
		return &f;
	way_up(&f.w, &(struct rings_opts){ .nb_workers = 2, .is_bare = true });
	way_run(&f.w);
	chim_host_caps(f.w.host, &caps);
	f.params = caps.params;
	f.nb_frames = rte_mempool_in_use_count(f.w.r.pool);
	return &f;
}

void
fuzz_control(const uint8_t *data, size_t size)
{
	struct pick pick = pick_by_bytes(data, size);
	struct host *f = the_host();
	const struct chim_ctl_counters *n = chim_ctl_counters(f->w.ctl);
	uint32_t rounds = 0;

	f->pick = &pick;
	while (!pick_is_over(&pick))
		step(f);
	/* a seal waits for its marker, at most as long as its hold */
	do {
		settle(f);
		f->w.r.now += HOLD_MAX_MS * CHIM_US_PER_MS;
	} while (++rounds < 4);
	terminate_all(f);
	set_params(f);
	fuzz_expect(n->neighbors + n->paths + n->connections == 0);
	for (uint32_t i = 0; i < RINGS_WORKERS; i++)
		fuzz_expect(chim_dp_nb_connections(f->w.r.worker[i]) == 0);
	uint32_t in_use = rte_mempool_in_use_count(f->w.r.pool);

	if (in_use != f->nb_frames)
		fail_msg("%u buffers are in use, %u were", in_use, f->nb_frames);
}
