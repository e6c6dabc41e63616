/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Building one segment (mechanism only). The payload is the host's: it is
 * copied behind the header when it is small or the port takes no frames in
 * several segments, else indirect mbufs refer to it. The host's mbufs are
 * never written to.
 *
 * Every segment acknowledges: what it says is entered in the connection here.
 */
#include "tcp_internal.h"

/* TCP options: 40 bytes; timestamps take 12, n SACK blocks 4 + 8n with padding. */
#define SACK_ROOM_TS 3u
#define ECT0	     0x02u
#define ECN_MASK     0x03u

static bool
can_attach(const struct chim_tcp_env *env)
{
	return env->clone_pool != NULL && (env->cfg->tx_offloads & CHIM_TX_MULTI_SEGS) != 0;
}

static bool
has_blocks(const struct chim_conn *c)
{
	return tcp_has_sack(c) &&
		(!tcp_reass_is_empty(&c->reass) || c->dsack.start != c->dsack.end);
}

uint32_t
tcp_emit_limit(const struct chim_conn *c, const struct chim_tmpl *t, const struct chim_tcp_env *env)
{
	uint32_t limit = c->mss;
	uint32_t copy = rte_pktmbuf_data_room_size(env->pool) - RTE_PKTMBUF_HEADROOM;
	uint32_t room = t->mtu - t->l3_len -
		chim_wire_tcp_len(tcp_has_ts(c), has_blocks(c) ? CHIM_SACK_OUT : 0);

	/* The template's MTU may be news that has not reached the connection. */
	if (t->mtu > t->l3_len + 80u)
		limit = RTE_MIN(limit, room);
	return can_attach(env) ? limit : RTE_MIN(limit, copy);
}

/* ---- payload ---- */

static bool
copy_payload(struct rte_mbuf *m, struct tcp_place *p, uint32_t len)
{
	uint8_t *to = (uint8_t *)rte_pktmbuf_append(m, len);

	if (to == NULL)
		return false;
	while (len > 0) {
		uint32_t part = RTE_MIN(len, p->seg->data_len - p->off);

		if (part == 0) {
			if (!tcp_sendq_next(p))
				return false;
			continue;
		}
		rte_memcpy(to, rte_pktmbuf_mtod_offset(p->seg, uint8_t *, p->off), part);
		to += part;
		p->off += part;
		p->seq += part;
		len -= part;
	}
	return true;
}

static bool
attach_payload(struct rte_mbuf *m, struct tcp_place *p, uint32_t len, struct chim_tcp_env *env)
{
	struct rte_mbuf *last = m;

	while (len > 0) {
		uint32_t part = RTE_MIN(len, p->seg->data_len - p->off);

		if (part == 0) {
			if (!tcp_sendq_next(p))
				return false;
			continue;
		}
		struct rte_mbuf *ref = rte_pktmbuf_alloc(env->clone_pool);

		if (ref == NULL)
			return false;
		rte_pktmbuf_attach(ref, p->seg);
		ref->data_off = p->seg->data_off + p->off;
		ref->data_len = part;
		ref->pkt_len = part;
		last->next = ref;
		last = ref;
		m->nb_segs++;
		m->pkt_len += part;
		p->off += part;
		p->seq += part;
		len -= part;
	}
	return true;
}

static bool
add_payload(
	struct chim_conn *c, struct rte_mbuf *m, const struct tcp_tx *tx, struct chim_tcp_env *env)
{
	struct tcp_place p = *tx->place;
	bool is_there = tcp_sendq_seek(c, &p, tx->seq);

	if (!is_there)
		return false;
	if (can_attach(env) && tx->len > env->cfg->copy_below)
		is_there = attach_payload(m, &p, tx->len, env);
	else
		is_there = copy_payload(m, &p, tx->len);
	if (is_there)
		*tx->place = p;
	return is_there;
}

/* PSH: a request of the host ends here, or the queue does (spec 5.1). */
static bool
is_pushed(const struct chim_conn *c, const struct tcp_tx *tx)
{
	const struct tcp_place *p = tx->place;

	if (tx->len == 0)
		return false;
	return tx->seq + tx->len == c->snd_end ||
		(p->off == p->seg->data_len && p->seg->next == NULL);
}

/* ---- header ---- */

static uint8_t
flags_of(struct chim_conn *c, const struct tcp_tx *tx)
{
	uint8_t flags = tx->flags | CHIM_ACK;

	if (is_pushed(c, tx))
		flags |= CHIM_PSH;
	if (!tcp_has_ecn(c))
		return flags;
	if (c->flags & TCP_ECE_OWED)
		flags |= CHIM_ECE;
	if ((c->recover.cc.flags & TCP_CC_CWR_DUE) && tx->is_new && tx->len != 0) {
		flags |= CHIM_CWR;
		c->recover.cc.flags &= ~TCP_CC_CWR_DUE;
	}
	return flags;
}

/* ECT on new data only: not on what is sent again, not on probes of a closed window (RFC 3168). */
static uint8_t
tos_of(const struct chim_conn *c, const struct tcp_tx *tx)
{
	bool is_ect = tcp_has_ecn(c) && tx->is_new && tx->len != 0 && (c->flags & TCP_PERSIST) == 0;

	return (c->tos & ~ECN_MASK) | (is_ect ? ECT0 : 0);
}

static uint16_t
next_ip_id(struct chim_tcp_env *env)
{
	env->ip_id = (env->ip_id + 1u) | 0x8000u;
	return env->ip_id;
}

static void
fill_header(
	struct chim_conn *c, const struct tcp_tx *tx, struct chim_hdr *h, struct chim_tcp_env *env)
{
	*h = (struct chim_hdr){
		.local_port = c->head.local_port,
		.remote_port = c->head.remote_port,
		.seq = tx->seq,
		.ack = c->rcv_nxt,
		.wnd = tcp_receive_window(c),
		.flags = flags_of(c, tx),
		.ttl = c->ttl,
		.tos = tos_of(c, tx),
		.user_priority = c->user_priority,
		.flow_label = c->flow_label,
	};
	if (!c->head.is_ip6)
		h->ip_id = next_ip_id(env);
	if (tcp_has_ts(c)) {
		h->has_ts = 1;
		h->tsval = tcp_rtt_tsval(c, env);
		h->tsecr = (c->flags & TCP_TS_UNKNOWN) ? 0 : c->ts_recent;
	}
	if (!has_blocks(c) || (tx->flags & CHIM_RST))
		return;
	env->counters->dsack_out += c->dsack.start != c->dsack.end;
	h->nb_sack = tcp_sack_blocks(
		&c->reass, &c->dsack, h->sack, h->has_ts ? SACK_ROOM_TS : CHIM_SACK_OUT);
}

/* What was said: the ACK that was owed is paid. */
static void
note_sent(struct chim_conn *c, const struct tcp_tx *tx, const struct chim_hdr *h,
	struct chim_tcp_env *env)
{
	struct chim_family_stats *stats = tcp_stats(c, env);

	c->ack_sent = c->rcv_nxt;
	c->acks_delayed = 0;
	tcp_timer_stop(c, TCP_TIMER_DELAYED_ACK);
	if (c->flags & TCP_WINDOW_UPDATE)
		env->counters->window_updates++;
	c->flags &= ~(TCP_ACK_NOW | TCP_WINDOW_UPDATE);
	if (tx->is_new)
		stats->tcp_out_segments++;
	else
		stats->tcp_retransmitted_segments++;
	stats->ip_out_requests++;
	stats->ip_out_octets += tx->t->l3_len + chim_wire_tcp_len(h->has_ts, h->nb_sack) + tx->len;
}

bool
tcp_emit(struct chim_conn *c, const struct tcp_tx *tx, struct chim_tcp_env *env)
{
	struct chim_hdr h;

	if (env->out->nb == env->out->room)
		return false;
	struct rte_mbuf *m = rte_pktmbuf_alloc(env->pool);

	if (m == NULL)
		return false;
	if (tx->len != 0 && !add_payload(c, m, tx, env)) {
		chim_row_put(env->row, m);
		return false;
	}
	fill_header(c, tx, &h, env);
	chim_wire_push(m, tx->t, &h, env->cfg->tx_offloads, 0);
	note_sent(c, tx, &h, env);
	env->out->m[env->out->nb++] = m;
	return true;
}
