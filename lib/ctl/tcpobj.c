/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * TCP connections: one message to the worker that owns the tuple, the same
 * message back. The connection itself is the worker's; here is only who owns
 * it, its path, and what is in progress on it. What the engine alone can judge
 * (states, sequence variables, the same tuple twice) is in the worker's answer.
 */
#include <string.h>

#include "chim_io.h"
#include "ctl_internal.h"

/* A list longer than this is not one that a host means. */
#define MAX_CHAINS 65536u

/* Below this a segment is mostly header: not worth an engine (RFC 879 asks for 536). */
#define MIN_USEFUL_MSS 64u

#define KNOWN_FLAGS                                                                             \
	(CHIM_TCP_TIMESTAMP_ENABLED | CHIM_TCP_SACK_ENABLED | CHIM_TCP_WINDOW_SCALING_ENABLED | \
		CHIM_TCP_ECN_ENABLED | CHIM_TCP_INDICATE_ON_REQUEST)

/* The record a handle names, whoever's it is; NULL when no worker has such a slot. */
struct ctl_conn *
ctl_tcp_at(const struct chim_ctl *c, chim_handle_t h)
{
	uint32_t worker = chim_handle_owner(h);
	uint32_t index = chim_handle_index(h);

	if (worker >= c->cfg.nb_workers || index >= c->cfg.max_connections_per_worker)
		return NULL;
	return &c->conns[worker][index];
}

static struct chim_msg *
message_to_owner(struct ctl_visit *v, enum chim_msg_op kind)
{
	struct chim_msg *m = ctl_mail_new(v->c, v->op, v->b, kind);

	m->handle = v->handle;
	ctl_node_of(v->b)->nb_open++;
	return m;
}

static enum chim_status
send_to_owner(struct ctl_visit *v, struct chim_msg *m)
{
	ctl_mail_send(v->c, chim_handle_owner(v->handle), m);
	return CHIM_STATUS_PENDING;
}

/* ---- offload ---- */

/* Sum of a buffer list, as far as max; BAD_BUFFER when it is not well formed. */
static enum chim_reason
sum_list(struct rte_mbuf *m, uint32_t max, enum chim_status *status, enum chim_status if_over)
{
	uint64_t bytes = 0;
	uint32_t nb = 0;

	for (; m != NULL; m = chim_nbl(m)->next) {
		if (m->priv_size < CHIM_NBL_PRIV_SIZE || ++nb > MAX_CHAINS)
			return CHIM_REASON_BAD_BUFFER;
		bytes += m->pkt_len;
		if (bytes > max) {
			*status = if_over;
			return CHIM_REASON_LIMIT;
		}
	}
	return CHIM_REASON_NONE;
}

static enum chim_reason
check_const(const struct chim_ctl *c, const struct chim_msg_tcp *t, enum chim_status *status)
{
	const struct chim_tcp_const *k = &t->tcp_const;

	if ((k->flags & ~KNOWN_FLAGS) != 0)
		return CHIM_REASON_UNSUPPORTED;
	if ((k->flags & CHIM_TCP_SACK_ENABLED) != 0 && (c->caps.support & CHIM_CAP_SACK) == 0)
		return CHIM_REASON_UNSUPPORTED;
	if ((k->flags & CHIM_TCP_ECN_ENABLED) != 0 && (c->caps.support & CHIM_CAP_ECN) == 0)
		return CHIM_REASON_UNSUPPORTED;
	if (k->local_port == 0 || k->remote_port == 0)
		return CHIM_REASON_BAD_ADDRESS;
	if (k->remote_mss < MIN_USEFUL_MSS) {
		*status = CHIM_STATUS_OFFLOAD_CONNECTION_REJECTED;
		return CHIM_REASON_POOR_CANDIDATE;
	}
	return CHIM_REASON_NONE;
}

static enum chim_reason
check_limits(const struct chim_ctl *c, const struct chim_msg_tcp *t, enum chim_status *status)
{
	enum chim_reason why;

	if (t->cached.initial_rcv_wnd > c->caps.max_rcv_wnd) {
		*status = CHIM_STATUS_OFFLOAD_TCP_RCV_WINDOW;
		return CHIM_REASON_LIMIT;
	}
	why = sum_list(
		t->send_chain, c->caps.max_send_bytes, status, CHIM_STATUS_OFFLOAD_TCP_XMIT_BUFFER);
	if (why != CHIM_REASON_NONE)
		return why;
	return sum_list(t->delegated.buffered_data, c->caps.max_recv_bytes, status,
		CHIM_STATUS_OFFLOAD_TCP_RCV_BUFFER);
}

/* The tuple is what the path says and the two ports. */
static void
fill_tuple(const struct chim_ctl *c, const struct ctl_path *path, struct chim_msg_tcp *t)
{
	const struct ctl_neighbor *nb = chim_slab_at(c->neighbors, path->replica.neighbor);

	memset(&t->tuple, 0, sizeof(t->tuple));
	t->tuple.family = path->replica.is_ip6 != 0 ? CHIM_AF_INET6 : CHIM_AF_INET;
	t->tuple.port_number = nb->replica.port_number;
	t->tuple.local_port = t->tcp_const.local_port;
	t->tuple.remote_port = t->tcp_const.remote_port;
	memcpy(t->tuple.local_addr, path->replica.source, sizeof(t->tuple.local_addr));
	memcpy(t->tuple.remote_addr, path->replica.destination, sizeof(t->tuple.remote_addr));
}

static enum chim_reason
take_state(struct ctl_visit *v, struct chim_msg_tcp *t)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);

	if (why != CHIM_REASON_NONE)
		return why;
	if (at.parts != CTL_PART_ALL)
		return CHIM_REASON_BAD_TYPE;
	t->offload_handle = v->b->offload_handle;
	t->path = ctl_node_of(v->parent)->index;
	t->want = 0;
	t->send_chain = v->b->send_chain;
	t->gate = &v->op->gate;
	t->gate_stamp = v->op->stamp;
	memcpy(&t->tcp_const, at.part[0], sizeof(t->tcp_const));
	memcpy(&t->cached, at.part[1], sizeof(t->cached));
	memcpy(&t->delegated, at.part[2], sizeof(t->delegated));
	if ((v->c->caps.support & CHIM_CAP_QOS) == 0)
		t->cached.user_priority = 0; /* spec 2.3: ignored without 802.1p */
	return CHIM_REASON_NONE;
}

static uint32_t
worker_for(const struct chim_ctl *c, const struct chim_tuple *tuple)
{
	if (c->cfg.nb_workers == 1)
		return 0;
	return chim_port_steer(c->cfg.port[tuple->port_number], c->cfg.nb_workers, tuple);
}

static bool
has_connection_left(const struct chim_ctl *c, uint32_t worker)
{
	return c->nb_reserved_conns < c->caps.max_connections &&
		c->nb_worker_conns[worker] < c->cfg.max_connections_per_worker;
}

static enum chim_reason
prepare(struct ctl_visit *v, struct chim_msg_tcp *t, enum chim_status *status)
{
	enum chim_reason why = take_state(v, t);

	if (why == CHIM_REASON_NONE)
		why = check_const(v->c, t, status);
	if (why == CHIM_REASON_NONE)
		why = check_limits(v->c, t, status);
	return why;
}

enum chim_status
ctl_tcp_offload(struct ctl_visit *v)
{
	struct chim_ctl *c = v->c;
	enum chim_status status = CHIM_STATUS_FAILURE;
	enum chim_reason why;
	struct ctl_path *path;
	struct chim_msg *m;
	uint32_t worker = 0;

	if (v->parent == NULL || (ctl_node_of(v->parent)->flags & CTL_NODE_OBJECT) == 0)
		return ctl_refuse(c, v->b, status, CHIM_REASON_NO_PARENT);
	m = ctl_mail_new(c, v->op, v->b, CHIM_MSG_INSTALL);
	why = prepare(v, &m->tcp, &status);
	if (why == CHIM_REASON_NONE) {
		path = chim_slab_at(c->paths, m->tcp.path);
		fill_tuple(c, path, &m->tcp);
		worker = worker_for(c, &m->tcp.tuple);
		if (!has_connection_left(c, worker)) {
			status = CHIM_STATUS_OFFLOAD_TCP_ENTRIES;
			why = CHIM_REASON_TABLE_FULL;
		}
	}
	if (why != CHIM_REASON_NONE) {
		ctl_mail_free(c, m);
		return ctl_refuse(c, v->b, status, why);
	}
	/* Counted from here on, so that neither the path nor the last slot goes meanwhile. */
	path->nb_connections++;
	c->nb_reserved_conns++;
	c->nb_worker_conns[worker]++;
	c->host[v->op->host].nb_objects++;
	ctl_node_of(v->b)->index = m->tcp.path;
	ctl_node_of(v->b)->nb_open++;
	ctl_mail_send(c, worker, m);
	return CHIM_STATUS_PENDING;
}

/* A connection has no dependents to link: naming one in an initiate means to offload it again. */
enum chim_status
ctl_tcp_link(struct ctl_visit *v)
{
	return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_DUPLICATE);
}

/* ---- query, update, invalidate, terminate ---- */

enum chim_status
ctl_tcp_query(struct ctl_visit *v)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);
	struct chim_msg *m;

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	if (at.parts == 0)
		return CHIM_STATUS_SUCCESS;
	m = message_to_owner(v, CHIM_MSG_QUERY);
	m->tcp.want = at.parts;
	v->conn->use.nb_queries++;
	return send_to_owner(v, m);
}

enum chim_status
ctl_tcp_update(struct ctl_visit *v)
{
	struct chim_tcp_cached cached;
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);
	struct chim_msg *m;

	/* Paths are relinked to neighbors, never connections to paths (spec 4.3). */
	if (why == CHIM_REASON_NONE && v->parent != NULL &&
		(ctl_node_of(v->parent)->flags & CTL_NODE_OBJECT) != 0 &&
		ctl_node_of(v->parent)->index != v->conn->path)
		why = CHIM_REASON_UNSUPPORTED;
	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	if ((at.parts & CTL_PART_CACHED) == 0)
		return CHIM_STATUS_SUCCESS;
	memcpy(&cached, at.part[1], sizeof(cached));
	if (cached.initial_rcv_wnd > v->c->caps.max_rcv_wnd)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, CHIM_REASON_LIMIT);
	if ((v->c->caps.support & CHIM_CAP_QOS) == 0)
		cached.user_priority = 0;
	m = message_to_owner(v, CHIM_MSG_UPDATE);
	m->tcp.cached = cached;
	ctl_use_mark(&v->conn->use, v->op, CTL_ACTION_UPDATE);
	return send_to_owner(v, m);
}

enum chim_status
ctl_tcp_invalidate(struct ctl_visit *v)
{
	struct chim_msg *m = message_to_owner(v, CHIM_MSG_INVALIDATE);

	v->conn->use.is_invalid = true;
	ctl_use_mark(&v->conn->use, v->op, CTL_ACTION_INVALIDATE);
	return send_to_owner(v, m);
}

enum chim_status
ctl_tcp_terminate(struct ctl_visit *v)
{
	struct ctl_state at;
	enum chim_reason why = ctl_state_find(v->b, v->type, &at);
	struct chim_msg *m;

	if (why != CHIM_REASON_NONE)
		return ctl_refuse(v->c, v->b, CHIM_STATUS_FAILURE, why);
	m = message_to_owner(v, CHIM_MSG_TERMINATE);
	/* Only what is delegated comes back (spec 1, ownership classes). */
	m->tcp.want = at.parts & CTL_PART_DELEGATED;
	ctl_use_mark(&v->conn->use, v->op, CTL_ACTION_TERMINATE);
	return send_to_owner(v, m);
}

/* ---- what the worker answered ---- */

static void
drop_connection(struct chim_ctl *c, uint32_t host, uint32_t worker, uint32_t path)
{
	struct ctl_path *p = chim_slab_at(c->paths, path);

	p->nb_connections--;
	c->nb_reserved_conns--;
	c->nb_worker_conns[worker]--;
	c->host[host].nb_objects--;
}

static void
installed(struct chim_ctl *c, struct ctl_op *op, const struct chim_msg *m)
{
	struct chim_block *b = m->block;
	struct ctl_conn *conn;

	if (b->status != CHIM_STATUS_PENDING) { /* refused */
		drop_connection(c, m->host, m->worker, ctl_node_of(b)->index);
		return;
	}
	conn = ctl_tcp_at(c, m->handle);
	chim_assert(conn != NULL && conn->generation == 0);
	memset(conn, 0, sizeof(*conn));
	conn->generation = chim_handle_generation(m->handle);
	conn->path = ctl_node_of(b)->index;
	conn->use.host = m->host;
	ctl_use_mark(&conn->use, op, CTL_ACTION_OFFLOAD);
	c->counters.connections++;
	ctl_walk_name(b, m->handle);
}

static void
write_parts(const struct chim_msg *m)
{
	const void *from[] = { &m->tcp.tcp_const, &m->tcp.cached, &m->tcp.delegated };
	static const size_t size[] = { sizeof(m->tcp.tcp_const), sizeof(m->tcp.cached),
		sizeof(m->tcp.delegated) };
	struct ctl_state at;

	if (!ctl_state_find_again(m->block, CTL_KIND_TCP, &at))
		return;
	for (uint32_t i = 0; i < CHIM_DIM(size); i++) {
		if ((at.parts & m->tcp.want & 1u << i) != 0)
			ctl_state_write(at.part[i], from[i], size[i]);
	}
}

/* The worker has let go of the connection, whatever it says of its state. */
static void
terminated(struct chim_ctl *c, const struct chim_msg *m)
{
	struct ctl_conn *conn = ctl_tcp_at(c, m->handle);

	drop_connection(c, conn->use.host, m->worker, conn->path);
	conn->generation = 0;
	c->counters.connections--;
	m->block->send_chain = m->tcp.send_chain;
	if (m->status == CHIM_STATUS_SUCCESS)
		write_parts(m);
}

void
ctl_tcp_reply(struct chim_ctl *c, struct ctl_op *op, const struct chim_msg *m)
{
	switch (m->kind) {
	case CHIM_MSG_INSTALL:
		installed(c, op, m);
		break;
	case CHIM_MSG_QUERY:
		ctl_tcp_at(c, m->handle)->use.nb_queries--;
		if (m->status == CHIM_STATUS_SUCCESS)
			write_parts(m);
		break;
	case CHIM_MSG_TERMINATE:
		terminated(c, m);
		break;
	default:
		break;
	}
}
