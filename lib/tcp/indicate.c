/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The receive side towards the host: the delivery algorithm of spec 5.4, on
 * rings. In-order data waits in rcvq, packet by packet, until
 * chim_tcp_next_io() asks (once a turn): posted requests are filled first, the
 * rest is indicated. Indications are accepted unless the host says otherwise,
 * so several may be on their way; refuse.c takes back what was not accepted.
 *
 * A FIN is told when everything before it has been handed over; when some of
 * that is refused afterwards, it is told again after it.
 */
#include <rte_memcpy.h>

#include "tcp_internal.h"

/* Packets chained into one indication at most: bounds the walk of whoever frees it. */
#define INDICATE_SEGS 64u
/* A packet of at most that many bytes is copied behind the one it follows, when that has room. */
#define COPY_MAX 256u

void
tcp_indicate_event(struct chim_conn *c, uint16_t event)
{
	c->head.todo |= CHIM_TODO_DELIVER;
	c->events |= event;
}

/* A window full of tiny segments would take a buffer for each (and every buffer there is). */
static bool
can_join(const struct rte_mbuf *tail, const struct rte_mbuf *m)
{
	return tail != NULL && m->pkt_len <= COPY_MAX && m->nb_segs == 1 && tail->nb_segs == 1 &&
		RTE_MBUF_DIRECT(tail) && rte_mbuf_refcnt_read(tail) == 1 &&
		rte_pktmbuf_tailroom(tail) >= m->data_len;
}

void
tcp_indicate_data(struct chim_conn *c, struct rte_mbuf *m, bool is_pushed, struct chim_tcp_env *env)
{
	struct rte_mbuf *tail = c->q->rcvq.tail;
	uint32_t push = is_pushed ? CHIM_NBL_PUSH : 0;

	c->q->rcvq_bytes += m->pkt_len;
	c->head.todo |= CHIM_TODO_DELIVER;
	if (can_join(tail, m)) {
		rte_memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len),
			rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		tail->data_len += m->data_len;
		tail->pkt_len += m->data_len;
		chim_nbl(tail)->flags |= push;
		chim_row_put(env->row, m);
		return;
	}
	chim_nbl(m)->status = CHIM_STATUS_SUCCESS;
	chim_nbl(m)->flags = push;
	tcp_list_append(&c->q->rcvq, m);
}

/* ---- FILL ---- */

/* Bytes a request buffer can take at all. */
static uint32_t
capacity(const struct rte_mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->next)
		n += m->buf_len - m->data_off;
	return n;
}

static uint32_t
room_of(struct rte_mbuf *request)
{
	uint32_t room = chim_nbl(request)->room;

	return room > request->pkt_len ? room - request->pkt_len : 0;
}

/* Move n bytes from a packet behind what the request has; it has room. */
static void
place(struct rte_mbuf *request, struct rte_mbuf *from, uint32_t n)
{
	struct rte_mbuf *seg = request;

	chim_nbl(request)->bytes += n;
	request->pkt_len += n;
	while (n > 0 && seg != NULL) {
		uint32_t part =
			RTE_MIN(n, (uint32_t)(seg->buf_len - seg->data_off - seg->data_len));
		uint8_t *to = rte_pktmbuf_mtod_offset(seg, uint8_t *, seg->data_len);

		tcp_chain_read(from, 0, to, part);
		tcp_chain_cut_front(from, part);
		seg->data_len += part;
		n -= part;
		seg = seg->next;
	}
}

static void
complete_first(struct chim_conn *c, enum chim_status status)
{
	struct rte_mbuf *m = tcp_list_pop(&c->q->requests);

	chim_nbl(m)->status = status;
	tcp_list_append(&c->q->recv_done, m);
	c->head.todo |= CHIM_TODO_DELIVER;
}

static bool
is_partly_filled(const struct chim_conn *c)
{
	return c->q->requests.head != NULL && c->q->requests.head->pkt_len != 0;
}

static bool
is_push_mode(struct rte_mbuf *request)
{
	return (chim_nbl(request)->flags & CHIM_NBL_NO_PUSH) == 0;
}

/* What may be delivered now: refused data whose rest is still to come back goes first, alone. */
static struct tcp_list *
source(struct chim_conn *c)
{
	return tcp_indicate_has_gap(c) ? &c->q->refused : &c->q->rcvq;
}

/* n bytes of a list have been handed over. */
static void
account(struct chim_conn *c, const struct tcp_list *from, uint32_t n)
{
	c->q->rcvq_bytes -= n;
	if (from == &c->q->refused)
		c->q->refused_bytes -= n;
}

/* Move what fits from the first packet to the first request. @return whether it was any. */
static bool
fill_one(struct chim_conn *c, struct tcp_list *from, struct chim_tcp_env *env)
{
	struct rte_mbuf *m = from->head;
	struct rte_mbuf *request = c->q->requests.head;
	uint32_t n = RTE_MIN(room_of(request), m->pkt_len);
	bool is_pushed = (chim_nbl(m)->flags & CHIM_NBL_PUSH) != 0;

	place(request, m, n);
	account(c, from, n);
	bool is_used_up = m->pkt_len == 0;
	bool is_pushable = is_used_up && is_pushed && is_push_mode(request);

	if (is_used_up)
		chim_row_put(env->row, tcp_list_pop(from));
	if (room_of(request) == 0 || (is_pushable && request->pkt_len != 0)) {
		complete_first(c, CHIM_STATUS_SUCCESS);
		tcp_timer_stop(c, TCP_TIMER_PUSH);
	}
	return n != 0;
}

/* Requests without room ask for indications again, and are completed in their turn. */
static void
complete_empty(struct chim_conn *c)
{
	while (c->q->requests.head != NULL && room_of(c->q->requests.head) == 0)
		complete_first(c, CHIM_STATUS_SUCCESS);
}

/* After the peer's FIN no more comes: requests complete with what they have. */
static void
complete_after_fin(struct chim_conn *c)
{
	if ((c->flags & TCP_FIN_RCVD) == 0 || c->q->rcvq_bytes != 0 || tcp_indicate_has_gap(c))
		return;
	while (c->q->requests.head != NULL)
		complete_first(c, CHIM_STATUS_SUCCESS);
	tcp_timer_stop(c, TCP_TIMER_PUSH);
}

void
tcp_indicate_fill(struct chim_conn *c, struct chim_tcp_env *env)
{
	bool is_placed = false;
	struct tcp_list *from;

	if (c->q == NULL || c->q->requests.head == NULL)
		return;
	complete_empty(c);
	from = source(c);
	while (c->q->requests.head != NULL && from->head != NULL) {
		is_placed |= fill_one(c, from, env);
		complete_empty(c);
		from = source(c);
	}
	/* More data restarts the timer of a partly filled request (spec 5.2). */
	if (is_placed && is_partly_filled(c) && is_push_mode(c->q->requests.head))
		tcp_timer_arm(c, TCP_TIMER_PUSH, env->cfg->push_ms, env);
	if (is_placed)
		tcp_receive_room(c);
	complete_after_fin(c);
}

void
tcp_indicate_push(struct chim_conn *c, struct chim_tcp_env *env)
{
	if (is_partly_filled(c) && is_push_mode(c->q->requests.head))
		complete_first(c, CHIM_STATUS_SUCCESS);
}

/* ---- posting and giving up ---- */

/* Make the buffer say what the host has put in, and check what it says itself. */
static bool
prepare_request(struct rte_mbuf *m)
{
	struct chim_nbl *nbl = chim_nbl(m);
	uint32_t left = nbl->bytes;

	if (!tcp_chain_is_sane(m) || nbl->room > capacity(m) || nbl->bytes > nbl->room)
		return false;
	m->pkt_len = left;
	for (struct rte_mbuf *seg = m; seg != NULL; seg = seg->next) {
		seg->data_len = RTE_MIN(left, (uint32_t)(seg->buf_len - seg->data_off));
		left -= seg->data_len;
	}
	nbl->bytes = 0;
	return true;
}

void
tcp_indicate_post(struct chim_conn *c, struct rte_mbuf *list, struct chim_tcp_env *env)
{
	while (list != NULL) {
		struct rte_mbuf *m = list;

		list = chim_nbl(m)->next;
		if (!prepare_request(m)) {
			chim_nbl(m)->status = CHIM_STATUS_FAILURE;
			chim_nbl(m)->bytes = 0;
			tcp_list_append(&c->q->recv_done, m);
			continue;
		}
		tcp_list_append(&c->q->requests, m);
	}
	c->flags &= ~TCP_REFUSED;
	/* The host has put something in already: its time runs from now (spec 5.2). */
	if (is_partly_filled(c) && is_push_mode(c->q->requests.head) &&
		!tcp_timer_is_armed(c, TCP_TIMER_PUSH))
		tcp_timer_arm(c, TCP_TIMER_PUSH, env->cfg->push_ms, env);
	c->head.todo |= CHIM_TODO_DELIVER;
}

void
tcp_indicate_flush(struct chim_conn *c, enum chim_status status)
{
	while (c->q->requests.head != NULL)
		complete_first(c, status);
	tcp_timer_stop(c, TCP_TIMER_PUSH);
}

void
tcp_indicate_drop(struct chim_conn *c, struct chim_tcp_env *env)
{
	tcp_conn_free_list(&c->q->refused, env);
	tcp_conn_free_list(&c->q->rcvq, env);
	c->q->rcvq_bytes = 0;
	c->q->refused_bytes = 0;
	c->q->gap_bytes = 0;
}

/* ---- INDICATE ---- */

/* Is it time to chain no more packets? A hint of the host, and a bound of ours. */
static bool
is_enough(const struct chim_conn *c, const struct rte_mbuf *head, const struct rte_mbuf *next)
{
	if (head->nb_segs + next->nb_segs > INDICATE_SEGS)
		return true;
	return c->rcv_indication_size != 0 &&
		head->pkt_len + next->pkt_len > c->rcv_indication_size;
}

static struct rte_mbuf *
gather(struct chim_conn *c)
{
	struct rte_mbuf *head = tcp_list_pop(&c->q->rcvq);
	struct rte_mbuf *last;

	if (c->q->rcvq.head == NULL)
		return head;
	last = rte_pktmbuf_lastseg(head);
	while (c->q->rcvq.head != NULL && !is_enough(c, head, c->q->rcvq.head)) {
		struct rte_mbuf *m = tcp_list_pop(&c->q->rcvq);

		last->next = m;
		last = rte_pktmbuf_lastseg(m);
		head->nb_segs += m->nb_segs;
		head->pkt_len += m->pkt_len;
		chim_nbl(head)->flags = chim_nbl(m)->flags;
	}
	return head;
}

static bool
can_indicate(const struct chim_conn *c)
{
	if (c->q->rcvq.head == NULL || tcp_indicate_has_gap(c))
		return false;
	/* Once it is exported nothing can be refused any more: what is left goes to the host. */
	return (c->flags & TCP_EXPORTED) || (c->flags & TCP_REFUSED) == 0;
}

static void
indicate(struct chim_conn *c, struct chim_io *io)
{
	struct rte_mbuf *m = gather(c);
	struct chim_nbl *nbl = chim_nbl(m);

	nbl->cookie = c->head.handle;
	nbl->room = m->pkt_len;
	/* Sequence number of its first octet: what tells the order of refusals. */
	nbl->bytes = tcp_indicate_nxt(c);
	account(c, &c->q->rcvq, m->pkt_len);
	c->q->lent_bytes += m->pkt_len;
	*io = (struct chim_io){
		.op = CHIM_IO_INDICATE,
		.flags = nbl->flags & CHIM_NBL_PUSH,
		.handle = c->head.handle,
		.m = m,
		.bytes = m->pkt_len,
	};
}

/* ---- what is next ---- */

static void
take_event(struct chim_conn *c, struct chim_io *io)
{
	uint32_t bit = rte_bsf32(c->events);

	c->events &= ~(1u << bit);
	*io = (struct chim_io){ .op = CHIM_IO_EVENT, .handle = c->head.handle };
	switch (1u << bit) {
	case TCP_EVENT_ABORT:
		io->event = CHIM_EVENT_ABORT;
		break;
	case TCP_EVENT_PATH_MTU:
		io->event = CHIM_EVENT_PATH_MTU;
		io->info = c->q->event_mtu;
		break;
	case TCP_EVENT_UNREACHABLE:
		io->event = CHIM_EVENT_UNREACHABLE;
		io->info = c->q->event_icmp;
		break;
	case TCP_EVENT_BACKLOG:
		io->event = CHIM_EVENT_SEND_BACKLOG_CHANGE;
		io->info = 1u << c->backlog_log2;
		break;
	default:
		io->event = CHIM_EVENT_RETRIEVE;
		io->info = bit;
		break;
	}
	chim_trace_event(c->head.handle, io->event, io->info);
}

/* All of a list is done. */
static void
take_done(struct chim_conn *c, struct tcp_list *l, uint16_t op, enum chim_status status,
	struct chim_io *io)
{
	*io = (struct chim_io){
		.op = op,
		.status = status,
		.handle = c->head.handle,
		.m = tcp_list_take(l),
	};
}

/* Disconnects that are done, the graceful one first. @return false: none. */
static bool
take_disconnect(struct chim_conn *c, struct chim_io *io)
{
	struct tcp_queues *q = c->q;

	if (c->flags & TCP_DISC_DONE) {
		c->flags &= ~(TCP_DISC_DONE | TCP_DISCONNECTING);
		take_done(c, &q->disc_done, CHIM_IO_DISCONNECT_DONE, q->disc_status, io);
		return true;
	}
	if (c->flags & TCP_RST_SENT) {
		c->flags &= ~(TCP_RST_SENT | TCP_ABORTING);
		take_done(c, &q->abort_done, CHIM_IO_DISCONNECT_DONE, CHIM_STATUS_SUCCESS, io);
		return true;
	}
	if (q->nb_disc_refused == 0)
		return false;
	q->nb_disc_refused--;
	take_done(c, &q->disc_refused, CHIM_IO_DISCONNECT_DONE, q->refused_status, io);
	return true;
}

/* The end of the stream, and of the connection, when all before it has been told. */
static bool
take_end(struct chim_conn *c, struct chim_io *io)
{
	bool is_fin_new = (c->flags & (TCP_FIN_RCVD | TCP_FIN_TOLD)) == TCP_FIN_RCVD;
	const struct tcp_queues *q = tcp_queues(c);

	if ((!is_fin_new && (c->flags & TCP_TIME_WAIT_DUE) == 0) || (c->flags & TCP_EXPORTED))
		return false;
	if (q->rcvq_bytes != 0 || q->gap_bytes != 0 || q->requests.head != NULL)
		return false;
	*io = (struct chim_io){ .op = CHIM_IO_EVENT, .handle = c->head.handle };
	if (is_fin_new) {
		c->flags |= TCP_FIN_TOLD;
		io->event = CHIM_EVENT_DISCONNECT;
	} else {
		c->flags &= ~TCP_TIME_WAIT_DUE;
		io->event = CHIM_EVENT_TIME_WAIT;
	}
	return true;
}

/* What is in the queues, in this order: nothing that is taken brings up what was before it. */
static uint32_t
take_queued(struct chim_conn *c, struct chim_io *io, uint32_t max)
{
	struct tcp_queues *q = c->q;
	uint32_t nb = 0;

	if (nb < max && q->sent_done.head != NULL)
		take_done(c, &q->sent_done, CHIM_IO_SEND_DONE, chim_nbl(q->sent_done.head)->status,
			&io[nb++]);
	while (nb < max && take_disconnect(c, &io[nb]))
		nb++;
	if (nb < max && q->recv_done.head != NULL)
		take_done(c, &q->recv_done, CHIM_IO_RECEIVE_DONE,
			chim_nbl(q->recv_done.head)->status, &io[nb++]);
	while (nb < max && can_indicate(c))
		indicate(c, &io[nb++]);
	return nb;
}

uint32_t
chim_tcp_next_io(struct chim_conn *c, struct chim_io *io, uint32_t max, struct chim_tcp_env *env)
{
	uint32_t nb = 0;

	if (tcp_queues(c)->requests.head != NULL && (c->flags & TCP_EXPORTED) == 0)
		tcp_indicate_fill(c, env);
	while (nb < max && c->events != 0)
		take_event(c, &io[nb++]);
	if (c->q != NULL)
		nb += take_queued(c, io + nb, max - nb);
	while (nb < max && take_end(c, &io[nb]))
		nb++;
	if (nb < max)
		tcp_queues_settle(c, env);
	return nb;
}
