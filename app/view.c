/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What chimneyctl sees: a connection, whichever home it is in, in the same
 * fields; the totals; and the frames that left the straight path. Called by
 * command.c.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <rte_mempool.h>

#include "agent.h"
#include "chim_handle.h"

/* What both homes can tell of a connection. */
struct flow {
	const char *state;
	uint32_t recv_queue, send_queue;
	uint32_t rtt_us, rttvar_us, rto_us;
	uint32_t cwnd, ssthresh, mss, snd_wnd; /* bytes */
	uint32_t retransmits;
	bool has_ts, has_sack, has_ecn;
};

/* The kernel's state numbers are its own (enum in net/tcp_states.h). */
static const char *
kernel_state_name(uint8_t state)
{
	static const uint8_t to_ours[] = { CHIM_TCP_CLOSED, CHIM_TCP_ESTABLISHED, CHIM_TCP_SYN_SENT,
		CHIM_TCP_SYN_RCVD, CHIM_TCP_FIN_WAIT_1, CHIM_TCP_FIN_WAIT_2, CHIM_TCP_TIME_WAIT,
		CHIM_TCP_CLOSED, CHIM_TCP_CLOSE_WAIT, CHIM_TCP_LAST_ACK, CHIM_TCP_LISTEN,
		CHIM_TCP_CLOSING };

	return chim_tcp_state_name(state < sizeof(to_ours) ? to_ours[state] : UINT32_MAX);
}

static bool
kernel_flow(const struct agent_conn *c, struct flow *f)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int inq = 0, outq = 0;

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return false;
	if (ioctl(c->fd, SIOCINQ, &inq) != 0 || ioctl(c->fd, SIOCOUTQ, &outq) != 0)
		return false;
	*f = (struct flow){
		.state = kernel_state_name(info.tcpi_state),
		.recv_queue = (uint32_t)inq,
		.send_queue = (uint32_t)outq,
		.rtt_us = info.tcpi_rtt,
		.rttvar_us = info.tcpi_rttvar,
		.rto_us = info.tcpi_rto,
		.cwnd = info.tcpi_snd_cwnd * info.tcpi_snd_mss,
		.ssthresh = info.tcpi_snd_ssthresh > UINT32_MAX / info.tcpi_snd_mss
			? UINT32_MAX
			: info.tcpi_snd_ssthresh * info.tcpi_snd_mss,
		.mss = info.tcpi_snd_mss,
		.snd_wnd = info.tcpi_snd_wnd,
		.retransmits = info.tcpi_total_retrans,
		.has_ts = info.tcpi_options & TCPI_OPT_TIMESTAMPS,
		.has_sack = info.tcpi_options & TCPI_OPT_SACK,
		.has_ecn = info.tcpi_options & TCPI_OPT_ECN,
	};
	return true;
}

static bool
engine_flow(const struct agent *a, const struct agent_conn *c, struct flow *f)
{
	chim_handle_t handle = chim_kernel_handle(c->kc);
	uint32_t id = chim_handle_owner(handle);
	struct chim_dp_conn_view v;

	if (handle == CHIM_HANDLE_NONE || id >= a->e->nb_workers ||
		chim_dp_describe(a->e->worker[id], chim_handle_index(handle), &v) != 0 ||
		v.handle != handle)
		return false;
	*f = (struct flow){
		.state = chim_tcp_state_name(v.tcp.state),
		.recv_queue = v.tcp.recv_queue_bytes,
		.send_queue = v.tcp.send_queue_bytes,
		.rtt_us = v.tcp.srtt_us,
		.rttvar_us = v.tcp.rttvar_us,
		.rto_us = v.tcp.rto_us,
		.cwnd = v.tcp.cwnd,
		.ssthresh = v.tcp.ssthresh,
		.mss = v.tcp.mss,
		.snd_wnd = v.tcp.snd_wnd,
		.retransmits = v.tcp.retransmits,
		.has_ts = v.tcp.has_ts,
		.has_sack = v.tcp.has_sack,
		.has_ecn = v.tcp.has_ecn,
	};
	return true;
}

static json_t *
address(uint8_t family, const uint8_t *addr, uint16_t port)
{
	char host[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 10];

	inet_ntop(family == CHIM_AF_INET6 ? AF_INET6 : AF_INET, addr, host, sizeof(host));
	snprintf(text, sizeof(text), family == CHIM_AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		ntohs(port));
	return json_string(text);
}

static void
set_number(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void
set_text(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, text == NULL ? json_null() : json_string(text));
}

/* 64-bit values that JSON readers would round go as text. */
static void
set_hex(json_t *o, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%016" PRIx64, n);
	set_text(o, name, text);
}

static void
add_flow(json_t *o, const struct flow *f)
{
	set_text(o, "state", f->state);
	set_number(o, "recv_queue", f->recv_queue);
	set_number(o, "send_queue", f->send_queue);
	set_number(o, "rtt_us", f->rtt_us);
	set_number(o, "rttvar_us", f->rttvar_us);
	set_number(o, "rto_us", f->rto_us);
	set_number(o, "cwnd", f->cwnd);
	set_number(o, "ssthresh", f->ssthresh);
	set_number(o, "mss", f->mss);
	set_number(o, "snd_wnd", f->snd_wnd);
	set_number(o, "retransmits", f->retransmits);
	json_object_set_new(o, "timestamps", json_boolean(f->has_ts));
	json_object_set_new(o, "sack", json_boolean(f->has_sack));
	json_object_set_new(o, "ecn", json_boolean(f->has_ecn));
}

static json_t *
history(const struct agent *a, const struct agent_conn *c)
{
	uint32_t from = c->nb_history > AGENT_HISTORY ? c->nb_history - AGENT_HISTORY : 0;
	json_t *list = json_array();

	for (uint32_t i = from; i < c->nb_history; i++) {
		const struct agent_history *h = &c->history[i % AGENT_HISTORY];
		json_t *o = json_object();

		set_number(o, "ago_us", a->now - h->when);
		set_text(o, "what", h->what);
		set_text(o, "why", h->why);
		set_number(o, "pause_us", h->pause_us);
		json_array_append_new(list, o);
	}
	return list;
}

static void
add_last_move(json_t *o, const struct agent_conn *c)
{
	json_t *m = json_object();

	set_number(m, "pause_us", c->last.pause_us);
	set_number(m, "send_unacked", c->last.send_unacked);
	set_number(m, "send_unsent", c->last.send_unsent);
	set_number(m, "send_chains", c->last.send_chains);
	set_number(m, "recv_unread", c->last.recv_unread);
	set_number(m, "kept_frames", c->last.kept_frames);
	set_text(m, "state", chim_tcp_state_name(c->last.state));
	json_object_set_new(o, "last_move", m);
}

json_t *
agent_view_conn(struct agent *a, struct agent_conn *c, bool detail)
{
	enum chim_home home = agent_conn_home(c);
	struct chim_stream_stats st;
	struct chim_tuple t = { 0 };
	struct flow f = { .state = "-" };
	json_t *o = json_object();

	if (c->kc != NULL)
		chim_kernel_tuple(c->kc, &t);
	chim_stream_stats(c->stream, &st);
	set_number(o, "id", agent_conn_cookie(a, c));
	json_object_set_new(o, "local", address(t.family, t.local_addr, t.local_port));
	json_object_set_new(o, "remote", address(t.family, t.remote_addr, t.remote_port));
	set_text(o, "home", chim_home_name(home));
	set_text(o, "service", c->svc->name);
	if (home == CHIM_HOME_KERNEL && !c->is_away)
		kernel_flow(c, &f);
	else if (home == CHIM_HOME_ENGINE)
		engine_flow(a, c, &f);
	add_flow(o, &f);
	set_number(o, "bytes_in", st.bytes_in);
	set_number(o, "bytes_out", st.bytes_out);
	set_number(o, "rate_in", c->rate_in);
	set_number(o, "rate_out", c->rate_out);
	set_number(o, "age_us", a->now - c->born);
	set_number(o, "idle_us", a->now - c->active);
	set_number(o, "moves", c->moves);
	set_text(o, "cause", agent_cause_text(c->last_cause));
	set_text(o, "refused", c->refusals > 0 ? c->refusal : NULL);
	if (!detail)
		return o;
	set_hex(o, "handle", c->kc == NULL ? 0 : chim_kernel_handle(c->kc));
	set_hex(o, "hash_in", st.hash_in);
	set_hex(o, "hash_out", st.hash_out);
	set_number(o, "unread", st.unread);
	set_number(o, "unsent", st.unsent);
	set_number(o, "posted", st.posted);
	set_number(o, "bytes_referred", st.bytes_referred);
	json_object_set_new(o, "pinned", json_boolean(c->is_pinned));
	add_last_move(o, c);
	json_object_set_new(o, "history", history(a, c));
	return o;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The pauses of the last moves: how many, median, 99th percentile, longest. */
static json_t *
pauses(const struct agent *a)
{
	uint32_t nb = (uint32_t)RTE_MIN(a->nb_pauses, (uint64_t)AGENT_PAUSES);
	uint32_t sorted[AGENT_PAUSES];
	json_t *o = json_object();

	memcpy(sorted, a->pause_us, nb * sizeof(sorted[0]));
	qsort(sorted, nb, sizeof(sorted[0]), by_value);
	set_number(o, "moves", a->nb_pauses);
	set_number(o, "median_us", nb > 0 ? sorted[nb / 2] : 0);
	set_number(o, "p99_us", nb > 0 ? sorted[nb - 1 - nb / 100] : 0);
	set_number(o, "longest_us", nb > 0 ? sorted[nb - 1] : 0);
	return o;
}

static json_t *
causes(const uint64_t *count)
{
	json_t *o = json_object();

	for (int i = 0; i < AGENT_CAUSE_MAX; i++) {
		if (count[i] > 0)
			set_number(o, agent_cause_text((enum agent_cause)i), count[i]);
	}
	return o;
}

/* Packet buffers: how many there are, and how many nobody uses now. */
static json_t *
mbufs(const struct app_engine *e)
{
	json_t *o = json_object();
	uint64_t size = 0, left = 0;

	for (uint32_t i = 0; i < e->nb_workers; i++) {
		size += e->pool[i]->size;
		left += rte_mempool_avail_count(e->pool[i]);
	}
	set_number(o, "receive", size);
	set_number(o, "receive_free", left);
	set_number(o, "send", e->host_pool->size);
	set_number(o, "send_free", rte_mempool_avail_count(e->host_pool));
	return o;
}

static uint64_t
longest_gap(const struct app_engine *e)
{
	uint64_t us = 0;

	for (uint32_t i = 0; i < e->nb_workers; i++)
		us = RTE_MAX(us, chim_dp_counters(e->worker[i])->longest_gap_us);
	return us;
}

/* What became of the connections that nobody opened. */
static json_t *
flow_sets(const struct app_flow_sets *s)
{
	struct app_flow_stats st;
	json_t *o = json_object();

	app_flow_sets_stats(s, &st);
	set_number(o, "connections", st.connections);
	set_number(o, "offloaded", st.offloaded);
	set_number(o, "refused", st.refused);
	set_text(o, "refusal", st.refusal);
	set_number(o, "ended", st.ended);
	set_number(o, "bytes_in", st.bytes_in);
	set_number(o, "bytes_out", st.bytes_out);
	return o;
}

json_t *
agent_view_stats(struct agent *a)
{
	const struct chim_kernel_counters *k = chim_kernel_counters(a->kernel);
	json_t *refusals = json_object(), *kernel = json_object(), *o = json_object();

	set_text(o, "version", CHIM_VERSION);
	set_number(o, "connections", a->nb_conns);
	set_number(o, "in_engine", chim_kernel_nb_in_engine(a->kernel));
	set_number(o, "capacity", a->capacity);
	set_number(o, "places", a->max_conns);
	set_number(o, "accepted", a->accepted);
	set_number(o, "closed", a->closed);
	set_number(o, "broken", a->broken);
	set_number(o, "longest_gap_us", longest_gap(a->e));
	json_object_set_new(o, "stopping", json_boolean(a->is_stopping));
	json_object_set_new(o, "offloads", causes(a->offloads));
	json_object_set_new(o, "uploads", causes(a->uploads));
	for (uint32_t i = 0; i < AGENT_REASONS && a->refusal[i].text != NULL; i++)
		set_number(refusals, a->refusal[i].text, a->refusal[i].nb);
	json_object_set_new(o, "refusals", refusals);
	json_object_set_new(o, "pause", pauses(a));
	json_object_set_new(o, "mbufs", mbufs(a->e));
	if (a->flow_sets != NULL)
		json_object_set_new(o, "flow_sets", flow_sets(a->flow_sets));
#define ADD_COUNTER(name) set_number(kernel, #name, k->name);
	CHIM_KERNEL_COUNTER_LIST(ADD_COUNTER)
	json_object_set_new(o, "kernel", kernel);
	return o;
}

json_t *
agent_view_drops(struct agent *a)
{
	json_t *list = json_array();

	for (uint32_t why = CHIM_WHY_NONE + 1; why < CHIM_WHY_MAX; why++) {
		uint64_t wire = 0, kernel = 0;
		json_t *o;

		for (uint32_t i = 0; i < a->e->nb_workers; i++) {
			const struct chim_dp_counters *n = chim_dp_counters(a->e->worker[i]);

			wire += n->why[why];
			kernel += n->kernel_why[why];
		}
		if (wire == 0 && kernel == 0)
			continue;
		o = json_object();
		set_text(o, "why", chim_why_name(why));
		set_text(o, "text", chim_why_text(why));
		set_number(o, "from_wire", wire);
		set_number(o, "from_kernel", kernel);
		json_array_append_new(list, o);
	}
	return list;
}
