/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a test says to workers on rings.c: frames of its flows, ctl's messages,
 * the host's data operations.
 */
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "rings.h"

#define MAC                         \
	{                           \
		0x02, 0, 0, 0, 0, 0 \
	}

/* ---- frames ---- */

/* Another port of the peer, with the checksum that goes with it (RFC 1624). */
static void
change_port(struct rte_mbuf *m, const struct frame *spec, uint16_t flow)
{
	uint16_t l3 = spec->is_ip6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, RTE_ETHER_HDR_LEN + l3);
	uint32_t sum = (uint16_t)~rte_be_to_cpu_16(tcp->cksum);

	sum += (uint16_t)~FRAME_REMOTE_PORT;
	sum += FRAME_REMOTE_PORT + flow;
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	tcp->cksum = rte_cpu_to_be_16((uint16_t)~sum);
	if (spec->is_from_us)
		tcp->dst_port = rte_cpu_to_be_16((uint16_t)(FRAME_REMOTE_PORT + flow));
	else
		tcp->src_port = rte_cpu_to_be_16((uint16_t)(FRAME_REMOTE_PORT + flow));
}

struct rte_mbuf *
rings_frame(struct rings *r, const struct frame *spec, uint16_t flow)
{
	struct rte_mbuf *m = frame_build(r->pool, spec);

	if (flow != 0) {
		assert_true(spec->nb_tags == 0 && spec->nb_ip_options == 0 && spec->l4 == NULL);
		change_port(m, spec, flow);
	}
	return m;
}

struct rte_mbuf *
rings_data(struct rings *r, uint16_t flow, uint32_t rel, uint16_t len)
{
	return rings_frame(r,
		&(struct frame){ .seq = RINGS_PEER_SEQ + rel,
			.ack = RINGS_OUR_SEQ,
			.flags = CHIM_ACK | CHIM_PSH,
			.wnd = RINGS_WND,
			.ttl = 64,
			.len = len },
		flow);
}

struct rte_mbuf *
rings_ack(struct rings *r, uint16_t flow, uint32_t rel_ack)
{
	return rings_frame(r,
		&(struct frame){ .seq = RINGS_PEER_SEQ,
			.ack = RINGS_OUR_SEQ + rel_ack,
			.flags = CHIM_ACK,
			.wnd = RINGS_WND,
			.ttl = 64 },
		flow);
}

struct rte_mbuf *
rings_kernel_data(struct rings *r, uint16_t flow, uint32_t rel, uint16_t len)
{
	return rings_frame(r,
		&(struct frame){ .is_from_us = true,
			.seq = RINGS_OUR_SEQ + rel,
			.ack = RINGS_PEER_SEQ,
			.flags = CHIM_ACK | CHIM_PSH,
			.wnd = 1234,
			.ttl = 64,
			.len = len },
		flow);
}

struct rte_mbuf *
rings_marker(struct rings *r, uint64_t marker)
{
	uint8_t bytes[CHIM_MARKER_LEN] = { 0 };
	rte_be64_t value = rte_cpu_to_be_64(marker);

	bytes[12] = CHIM_MARKER_ETHERTYPE >> 8;
	bytes[13] = CHIM_MARKER_ETHERTYPE & 0xFF;
	memcpy(bytes + 14, &value, sizeof(value));
	return frame_of_bytes(r->pool, bytes, sizeof(bytes));
}

/* ---- ctl ---- */

void
rings_send(struct rings *r, uint32_t worker, struct chim_msg *msg)
{
	assert_int_equal(chim_box_put(r->to[worker], (void **)&msg, 1), 1);
}

struct chim_msg *
rings_reply(struct rings *r, uint32_t worker)
{
	void *msg = NULL;

	chim_box_take(r->from[worker], &msg, 1);
	return msg;
}

enum chim_status
rings_call(struct rings *r, uint32_t worker, struct chim_msg *msg)
{
	rings_send(r, worker, msg);
	chim_dp_poll(r->worker[worker], r->now);
	assert_ptr_equal(rings_reply(r, worker), msg);
	assert_int_equal(msg->worker, worker);
	return msg->status;
}

struct chim_tuple
rings_tuple(uint16_t flow)
{
	return (struct chim_tuple){
		.family = CHIM_AF_INET,
		.local_port = RTE_BE16(FRAME_LOCAL_PORT),
		.remote_port = rte_cpu_to_be_16((uint16_t)(FRAME_REMOTE_PORT + flow)),
		.local_addr = { 10, 0, 0, 1 },
		.remote_addr = { 10, 0, 0, 2 },
	};
}

uint32_t
rings_owner(const struct rings *r, uint16_t flow)
{
	struct chim_tuple tuple = rings_tuple(flow);

	return chim_port_steer(&r->port, r->opts.nb_workers, &tuple);
}

uint16_t
rings_flow_of(const struct rings *r, uint32_t worker)
{
	uint16_t flow = 0;

	while (rings_owner(r, flow) != worker)
		flow++;
	return flow;
}

static void
call_all(struct rings *r, const struct chim_msg *msg)
{
	for (uint32_t i = 0; i < r->opts.nb_workers; i++) {
		struct chim_msg *one = rings_msg(r, msg->kind);

		*one = *msg;
		assert_int_equal(rings_call(r, i, one), CHIM_STATUS_SUCCESS);
	}
}

void
rings_set_neighbor(struct rings *r, uint8_t last_of_mac, bool is_invalid)
{
	struct chim_msg msg = {
		.kind = CHIM_MSG_NEIGHBOR_SET,
		.host = RINGS_HOST,
		.neighbor = {
			.is_invalid = is_invalid,
			.handle = 0xFF00000100000000,
			.dl_source = MAC,
			.dl_destination = MAC,
			.is_fresh = 1,
			.offload_handle = 77,
			.host = RINGS_HOST,
		},
	};

	msg.neighbor.dl_source[5] = 1;
	msg.neighbor.dl_destination[5] = last_of_mac;
	call_all(r, &msg);
}

void
rings_set_path(struct rings *r, uint32_t neighbor, uint32_t mtu)
{
	const struct chim_msg msg = {
		.kind = CHIM_MSG_PATH_SET,
		.host = RINGS_HOST,
		.path = {
			.neighbor = neighbor,
			.mtu = mtu,
			.source = { 10, 0, 0, 1 },
			.destination = { 10, 0, 0, 2 },
		},
	};

	call_all(r, &msg);
}

struct chim_msg *
rings_install_msg(struct rings *r, uint16_t flow)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_INSTALL);
	struct chim_tcp_delegated *d = &msg->tcp.delegated;

	msg->tcp.tuple = rings_tuple(flow);
	msg->tcp.offload_handle = 1000u + flow;
	msg->tcp.tcp_const = (struct chim_tcp_const){
		.header.length = sizeof(struct chim_tcp_const),
		.remote_port = msg->tcp.tuple.remote_port,
		.local_port = msg->tcp.tuple.local_port,
		.remote_mss = 1460,
	};
	msg->tcp.cached = (struct chim_tcp_cached){
		.header.length = sizeof(struct chim_tcp_cached),
		.ttl = 64,
		.initial_rcv_wnd = 65535,
	};
	*d = (struct chim_tcp_delegated){
		.header.length = sizeof(struct chim_tcp_delegated),
		.state = CHIM_TCP_ESTABLISHED,
		.rcv_nxt = RINGS_PEER_SEQ,
		.rcv_wnd = 65535,
		.snd_una = RINGS_OUR_SEQ,
		.snd_nxt = RINGS_OUR_SEQ,
		.snd_max = RINGS_OUR_SEQ,
		.snd_wnd = RINGS_WND,
		.max_snd_wnd = RINGS_WND,
		.snd_wl1 = RINGS_PEER_SEQ,
		.cwnd = 14600,
		.ssthresh = UINT32_MAX,
		.ts_recent_age = CHIM_TICKS_NONE,
		.keep_alive_timeout_delta = CHIM_TICKS_NONE,
		.retransmit_timeout_delta = CHIM_TICKS_NONE,
	};
	return msg;
}

chim_handle_t
rings_install(struct rings *r, uint16_t flow)
{
	struct chim_msg *msg = rings_install_msg(r, flow);
	uint32_t owner = rings_owner(r, flow);

	assert_int_equal(rings_call(r, owner, msg), CHIM_STATUS_SUCCESS);
	assert_int_equal(chim_handle_worker(msg->handle), owner);
	rings_wire_drain(r);
	return msg->handle;
}

enum chim_status
rings_hold(struct rings *r, uint16_t flow, uint32_t deadline_ms, uint32_t max_bytes)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_HOLD);

	msg->flow.tuple = rings_tuple(flow);
	msg->flow.limits.deadline_ms = deadline_ms;
	msg->flow.limits.max_bytes = max_bytes;
	return rings_call(r, rings_owner(r, flow), msg);
}

enum chim_status
rings_release(struct rings *r, uint16_t flow)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_RELEASE);

	msg->flow.tuple = rings_tuple(flow);
	return rings_call(r, rings_owner(r, flow), msg);
}

struct chim_msg *
rings_terminate(struct rings *r, chim_handle_t handle)
{
	struct chim_msg *msg = rings_msg(r, CHIM_MSG_TERMINATE);

	msg->handle = handle;
	msg->tcp.want = CHIM_WANT_DELEGATED;
	assert_int_equal(rings_call(r, chim_handle_worker(handle), msg), CHIM_STATUS_SUCCESS);
	return msg;
}

/* ---- the host ---- */

void
rings_post(struct rings *r, const struct chim_io *io)
{
	struct chim_slot *slot = &r->target->slot[RINGS_HOST];
	uint32_t worker = chim_handle_worker(io->handle) % r->opts.nb_workers;

	assert_int_equal(chim_chan_put(slot->to_worker[worker], io, 1), 1);
}

bool
rings_collect(struct rings *r, uint32_t worker, struct chim_io *io)
{
	return chim_chan_take(r->target->slot[RINGS_HOST].from_worker[worker], io, 1) == 1;
}

void
rings_expect_data(struct rings *r, uint32_t worker, uint32_t len)
{
	struct chim_io io;

	assert_true(rings_collect(r, worker, &io));
	assert_int_equal(io.op, CHIM_IO_INDICATE);
	assert_int_equal(io.bytes, len);
	rings_post(r, &(struct chim_io){ .op = CHIM_IO_RETURN, .handle = io.handle, .m = io.m });
}

void
rings_host_drop(struct rings *r)
{
	struct chim_io io;

	for (uint32_t i = 0; i < r->opts.nb_workers; i++) {
		while (rings_collect(r, i, &io)) {
			struct rte_mbuf *next;

			for (struct rte_mbuf *m = io.m; m != NULL; m = next) {
				next = chim_nbl(m)->next;
				rte_pktmbuf_free(m);
			}
		}
	}
}

void
rings_host_send(struct rings *r, chim_handle_t handle, uint32_t len)
{
	struct chim_io io = { .op = CHIM_IO_SEND, .handle = handle };
	char *at;

	io.m = rte_pktmbuf_alloc(r->pool);
	assert_non_null(io.m);
	at = rte_pktmbuf_append(io.m, (uint16_t)len);
	assert_non_null(at);
	for (uint32_t i = 0; i < len; i++)
		at[i] = (char)frame_byte(i);
	memset(chim_nbl(io.m), 0, sizeof(struct chim_nbl));
	chim_nbl(io.m)->cookie = len;
	rings_post(r, &io);
}

uint64_t
rings_why(const struct rings *r, enum chim_why why)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		sum += chim_dp_counters(r->worker[i])->why[why];
	return sum;
}

uint64_t
rings_kernel_why(const struct rings *r, enum chim_why why)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->opts.nb_workers; i++)
		sum += chim_dp_counters(r->worker[i])->kernel_why[why];
	return sum;
}
