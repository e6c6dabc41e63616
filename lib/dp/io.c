/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Source 1b: the hosts' data operations, straight from their rings. What names
 * a connection that is gone, or another host's, is given back at once with
 * UPLOAD_IN_PROGRESS; so no more is taken than could be answered.
 */
#include "worker.h"

static struct chim_chan *
ring_to(const struct chim_worker *w, uint8_t host)
{
	return w->target->slot[host].to_worker[w->id];
}

static struct chim_chan *
ring_from(const struct chim_worker *w, uint8_t host)
{
	return w->target->slot[host].from_worker[w->id];
}

/* The connection an operation is for; none once it has been exported. */
static struct chim_conn *
find(struct chim_worker *w, chim_handle_t handle, uint8_t host)
{
	enum chim_reason why;
	struct chim_conn *c = dp_find(w, handle, host, &why);

	return c != NULL && !dp_side(w, c)->is_exported ? c : NULL;
}

static void
free_list(struct chim_worker *w, struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;

		chim_nbl(m)->next = NULL;
		chim_row_put(&w->row, m);
		m = next;
	}
}

/* Chains that were lent are ours again. A host that returns more than it got confuses nobody. */
static void
count_back(struct chim_worker *w, struct rte_mbuf *list)
{
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, list)
		w->nb_lent -= w->nb_lent != 0;
}

/* There is room: it was looked at before the operation was taken. */
static void
give_back(struct chim_worker *w, const struct chim_io *in, uint8_t host, uint16_t op,
	enum chim_status status)
{
	struct chim_io io = {
		.op = op,
		.status = status,
		.handle = in->handle,
		.m = in->m,
	};
	struct rte_mbuf *m;

	CHIM_NBL_FOREACH (m, io.m) {
		chim_nbl(m)->status = io.status;
		if (op != CHIM_IO_RECEIVE_DONE)
			chim_nbl(m)->bytes = 0;
	}
	chim_chan_put(ring_from(w, host), &io, 1);
}

static void
to_engine(struct chim_worker *w, uint8_t host, const struct chim_io *io, uint16_t done)
{
	struct chim_conn *c = find(w, io->handle, host);

	enum chim_status status = CHIM_STATUS_UPLOAD_IN_PROGRESS;

	if (c == NULL) {
		w->counters.host_stale++;
	} else {
		status = chim_tcp_host_io(c, io, &w->env);
		dp_touch(w, c);
	}
	if (status != CHIM_STATUS_SUCCESS)
		give_back(w, io, host, done, status);
}

static void
take_refusal(struct chim_worker *w, uint8_t host, const struct chim_io *io)
{
	struct chim_conn *c = find(w, io->handle, host);

	count_back(w, io->m);
	if (c == NULL) {
		w->counters.host_stale++;
		free_list(w, io->m);
		return;
	}
	chim_tcp_host_io(c, io, &w->env);
	dp_touch(w, c);
}

/* Lent data comes back, of any connections: also of those that are gone (spec 4.5, step 7). */
static void
take_return(struct chim_worker *w, uint8_t host, struct rte_mbuf *m)
{
	count_back(w, m);
	while (m != NULL) {
		struct rte_mbuf *next = chim_nbl(m)->next;
		struct chim_conn *c = find(w, chim_nbl(m)->cookie, host);

		if (c != NULL) {
			chim_tcp_credit(c, chim_nbl(m)->room, &w->env);
			dp_touch(w, c);
		}
		chim_nbl(m)->next = NULL;
		chim_row_put(&w->row, m);
		m = next;
	}
}

/* One forwarded segment, from its TCP header. The host keeps its buffer: the engine gets a copy. */
static enum chim_status
forward_one(struct chim_worker *w, struct chim_conn *c, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;
	struct chim_seg seg;

	if (chim_wire_parse_tcp(m, &seg) != CHIM_WHY_NONE)
		return CHIM_STATUS_FAILURE;
	copy = rte_pktmbuf_copy(m, w->env.pool, 0, UINT32_MAX);
	if (copy == NULL) {
		/* As good as lost on the wire: the peer sends it again. */
		w->counters.why[CHIM_WHY_NO_BUFFER]++;
		return CHIM_STATUS_SUCCESS;
	}
	w->counters.segments++;
	if (chim_tcp_input(c, copy, &seg, &w->env) != CHIM_VERDICT_HELD)
		chim_row_put(&w->row, copy);
	w->counters.why[seg.why]++;
	return CHIM_STATUS_SUCCESS;
}

/* Spec 5.9: a segment of a connection that does not run any more is not processed. */
static enum chim_status
forward(struct chim_worker *w, struct chim_conn *c, struct rte_mbuf *m)
{
	struct chim_tcp_view view;

	chim_tcp_view(c, &view);
	if (view.is_uploading)
		return CHIM_STATUS_UPLOAD_IN_PROGRESS;
	if (view.state == CHIM_TCP_CLOSED)
		return CHIM_STATUS_REQUEST_ABORTED;
	return forward_one(w, c, m);
}

static void
take_forward(struct chim_worker *w, uint8_t host, const struct chim_io *in)
{
	struct chim_conn *c = find(w, in->handle, host);
	struct chim_io io = { .op = CHIM_IO_FORWARD_DONE, .handle = in->handle, .m = in->m };
	struct rte_mbuf *m;

	if (c == NULL) {
		w->counters.host_stale++;
		give_back(w, in, host, CHIM_IO_FORWARD_DONE, CHIM_STATUS_UPLOAD_IN_PROGRESS);
		return;
	}
	io.offload_handle = dp_side(w, c)->offload_handle;
	CHIM_NBL_FOREACH (m, io.m) {
		chim_nbl(m)->status = forward(w, c, m);
		if (chim_nbl(m)->status != CHIM_STATUS_SUCCESS && io.status == CHIM_STATUS_SUCCESS)
			io.status = chim_nbl(m)->status;
	}
	dp_touch(w, c);
	chim_chan_put(ring_from(w, host), &io, 1);
}

static void
run(struct chim_worker *w, uint8_t host, const struct chim_io *io)
{
	switch (io->op) {
	case CHIM_IO_SEND:
		to_engine(w, host, io, CHIM_IO_SEND_DONE);
		break;
	case CHIM_IO_RECEIVE:
		to_engine(w, host, io, CHIM_IO_RECEIVE_DONE);
		break;
	case CHIM_IO_DISCONNECT:
		to_engine(w, host, io, CHIM_IO_DISCONNECT_DONE);
		break;
	case CHIM_IO_REFUSE:
		take_refusal(w, host, io);
		break;
	case CHIM_IO_RETURN:
		take_return(w, host, io->m);
		break;
	case CHIM_IO_FORWARD:
		take_forward(w, host, io);
		break;
	case CHIM_IO_REACHABILITY:
		dp_reach_answer(w, io->handle, io->bytes);
		break;
	default:
		/* No such operation: chim_host_post() refuses it, so nothing is known of its list.
		 */
		w->counters.host_stale++;
		break;
	}
}

/* At most n operations of a host, as far as their answers have room. */
static uint32_t
take(struct chim_worker *w, uint8_t host, uint32_t n)
{
	struct chim_io io[DP_IO];
	uint32_t room = RTE_MIN(chim_chan_room(ring_from(w, host)), DP_IO);
	uint32_t nb = chim_chan_take(ring_to(w, host), io, RTE_MIN(n, room));

	for (uint32_t i = 0; i < nb; i++)
		run(w, host, &io[i]);
	w->counters.host_io += nb;
	return nb;
}

bool
dp_io_drain(struct chim_worker *w, uint8_t host)
{
	uint32_t left = chim_chan_count(ring_to(w, host));

	while (left != 0) {
		uint32_t nb = take(w, host, left);

		if (nb == 0)
			return false;
		left -= nb;
	}
	return true;
}

uint32_t
dp_io(struct chim_worker *w)
{
	uint32_t done = 0;

	for (uint8_t host = 0; host < w->nb_hosts; host++) {
		if (chim_chan_count(ring_to(w, host)) != 0)
			done += take(w, host, DP_IO);
	}
	return done;
}
