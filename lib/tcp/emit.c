/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Building one frame (mechanism only): a segment, or several that the port
 * cuts (TSO). The payload is the host's: it is copied behind the header when
 * it is small or the port takes no frames in several mbufs, else indirect
 * mbufs refer to it. The host's mbufs are never written to.
 *
 * Every segment acknowledges: what it says is entered in the connection here.
 */
#include "tcp_internal.h"

/* TCP options: 40 bytes; timestamps take 12, n SACK blocks 4 + 8n with padding. */
#define SACK_ROOM_TS 3u
#define ECT0	     0x02u
#define ECN_MASK     0x03u

#define IP_ID_FIRST 0x8000u /* spec 5.1: the host uses the lower half */
/* What ports cut: the IP length has 16 bits, and some refuse to cut smaller than this. */
#define TSO_BYTES_MAX (UINT16_MAX - 40u - 60u)
#define TSO_MSS_MIN   256u

static bool
can_attach(const struct chim_tcp_env *env)
{
	return env->clone_pool != NULL && (env->cfg->tx_offloads & CHIM_TX_MULTI_SEGS) != 0;
}

/* Payload that fits behind its header. */
static uint32_t
copy_room(const struct chim_tcp_env *env)
{
	return rte_pktmbuf_data_room_size(env->pool) - RTE_PKTMBUF_HEADROOM;
}

static bool
is_cwr_due(const struct chim_conn *c)
{
	return tcp_has_ecn(c) && (c->recover.cc.flags & TCP_CC_CWR_DUE) != 0;
}

static bool
has_blocks(const struct chim_conn *c)
{
	return tcp_has_sack(c) && c->q != NULL &&
		(!tcp_reass_is_empty(&c->q->reass) || c->q->dsack.start != c->q->dsack.end);
}

uint32_t
tcp_emit_limit(const struct chim_conn *c, const struct chim_tmpl *t, const struct chim_tcp_env *env)
{
	uint32_t plain = chim_wire_tcp_len(tcp_has_ts(c), 0);
	uint32_t blocks =
		has_blocks(c) ? chim_wire_tcp_len(tcp_has_ts(c), CHIM_SACK_OUT) - plain : 0;
	uint32_t room = t->mtu - t->l3_len - plain - blocks;
	/* The peer's MSS counts the options as data (RFC 9293, 3.7.1). */
	uint32_t limit = c->mss > blocks ? c->mss - blocks : 1;

	/* The template's MTU may be news that has not reached the connection. */
	if (t->mtu > t->l3_len + 80u)
		limit = RTE_MIN(limit, room);
	return can_attach(env) ? limit : RTE_MIN(limit, copy_room(env));
}

uint32_t
tcp_emit_most(const struct chim_conn *c, uint32_t mss, const struct chim_tcp_env *env)
{
	uint32_t bytes = RTE_MIN(env->cfg->tso_bytes, TSO_BYTES_MAX);
	bool can_cut = can_attach(env) && (env->cfg->tx_offloads & CHIM_TX_TSO) != 0;

	/* CWR is of one segment (RFC 3168, 6.1.2); ports may copy it to all they cut. */
	if (!can_cut || mss < TSO_MSS_MIN || bytes < mss || is_cwr_due(c))
		return mss;
	return bytes / mss * mss;
}

/* ---- payload ---- */

/*
 * Octets of [p, p + len) for which the port takes the mbufs, the header's counted: so many for a
 * frame, and so many for each segment it cuts. Whole segments; 0: not even one.
 */
static uint32_t
mbufs_allow(struct tcp_place p, uint32_t len, uint32_t mss, const struct chim_tcp_config *cfg)
{
	uint32_t nb = 2;
	uint32_t nb_of_seg = 1;
	uint32_t done = 0;  /* in whole segments */
	uint32_t begun = 0; /* of the next */

	while (done + begun < len) {
		uint32_t part = RTE_MIN(p.seg->data_len - p.off, len - done - begun);

		if (part == 0) {
			if (!tcp_sendq_next(&p))
				break;
			nb++;
			continue;
		}
		part = RTE_MIN(part, mss - begun);
		if (++nb_of_seg > cfg->tx_seg_mbufs || nb > cfg->tx_frame_mbufs)
			return done;
		p.off += part;
		begun += part;
		if (begun == mss) {
			done += mss;
			begun = 0;
			nb_of_seg = 1;
		}
	}
	return len;
}

void
tcp_emit_fit(struct chim_conn *c, struct tcp_tx *tx, const struct chim_tcp_env *env)
{
	const struct chim_tcp_config *cfg = env->cfg;

	tx->is_copied = !can_attach(env) || tx->len <= cfg->copy_below;
	if (tx->is_copied || (cfg->tx_frame_mbufs == UINT16_MAX && cfg->tx_seg_mbufs == UINT16_MAX))
		return;
	struct tcp_place p = *tx->place;
	uint32_t len;

	if (!tcp_sendq_seek(c, &p, tx->seq))
		return;
	len = mbufs_allow(p, tx->len, RTE_MIN(tx->len, tx->mss), cfg);
	if (len == 0) {
		tx->is_copied = true;
		len = RTE_MIN(tx->len, tx->mss);
		len = RTE_MIN(len, copy_room(env));
	}
	tx->len = len;
}

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
	if (tx->is_copied)
		is_there = copy_payload(m, &p, tx->len);
	else
		is_there = attach_payload(m, &p, tx->len, env);
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
	if (!tcp_has_ecn(c) || tx->is_apart)
		return flags;
	if (c->flags & TCP_ECE_OWED)
		flags |= CHIM_ECE;
	if (is_cwr_due(c) && tx->is_new && tx->len != 0) {
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

/* Ports count up from the first segment's: all numbers of a frame lie in the upper half. */
static uint16_t
next_ip_ids(struct chim_tcp_env *env, uint32_t nb)
{
	uint32_t first = (env->ip_id + 1u) | IP_ID_FIRST;

	if (first + nb - 1 > UINT16_MAX)
		first = IP_ID_FIRST;
	env->ip_id = (uint16_t)(first + nb - 1);
	return (uint16_t)first;
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
	if (tx->is_apart) {
		/* The window's edge stays where it is. */
		uint32_t wnd = h->wnd + ((c->rcv_nxt - tx->ack) >> c->rcv_wscale);

		h->ack = tx->ack;
		h->wnd = (uint16_t)RTE_MIN(wnd, (uint32_t)UINT16_MAX);
	}
	if (!c->head.is_ip6)
		h->ip_id = next_ip_ids(env, tcp_tx_segs(tx));
	if (tcp_has_ts(c)) {
		h->has_ts = 1;
		h->tsval = tcp_rtt_tsval(c, env);
		h->tsecr = (c->flags & TCP_TS_UNKNOWN) ? 0 : c->ts_recent;
	}
	if (!has_blocks(c) || (tx->flags & CHIM_RST))
		return;
	env->counters->dsack_out += c->q->dsack.start != c->q->dsack.end;
	h->nb_sack = tcp_sack_blocks(
		&c->q->reass, &c->q->dsack, h->sack, h->has_ts ? SACK_ROOM_TS : CHIM_SACK_OUT);
}

/* The ACK that was owed is paid. */
static void
pay_ack(struct chim_conn *c, struct chim_tcp_env *env)
{
	c->ack_sent = c->rcv_nxt;
	c->acks_delayed = 0;
	tcp_timer_stop(c, TCP_TIMER_DELAYED_ACK);
	if (c->flags & TCP_WINDOW_UPDATE)
		env->counters->window_updates++;
	c->flags &= ~(TCP_ACK_NOW | TCP_WINDOW_UPDATE);
}

/* What was said. */
static void
note_sent(struct chim_conn *c, const struct tcp_tx *tx, const struct rte_mbuf *m,
	struct chim_tcp_env *env)
{
	struct chim_family_stats *stats = tcp_stats(c, env);
	uint32_t headers = m->l3_len + m->l4_len;
	uint32_t nb = tcp_tx_segs(tx);

	if (!tx->is_apart)
		pay_ack(c, env);
	if (tx->is_new)
		stats->tcp_out_segments += nb;
	else
		stats->tcp_retransmitted_segments += nb;
	stats->ip_out_requests += nb;
	stats->ip_out_octets += nb * headers + tx->len;
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
		/* At once: a smaller frame may do with the indirect mbufs that this one had. */
		rte_pktmbuf_free(m);
		return false;
	}
	fill_header(c, tx, &h, env);
	chim_wire_push(
		m, tx->t, &h, env->cfg->tx_offloads, tx->len > tx->mss ? (uint16_t)tx->mss : 0);
	note_sent(c, tx, m, env);
	env->counters->tso_frames += tx->len > tx->mss;
	chim_trace_frame_out(c->head.handle, tx->seq, tx->len, tcp_tx_segs(tx), h.flags);
	env->out->m[env->out->nb++] = m;
	return true;
}
