/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Workers on net_ring ports, polled by the test: it plays the wire, the
 * kernel, ctl and the host, and says what time it is.
 *
 *   struct rings r;
 *   rings_up(&r, &(struct rings_opts){ .nb_workers = 1 });
 *   chim_handle_t h = rings_install(&r, 0);
 *   rings_wire_in(&r, 0, rings_data(&r, 0, 0, 100));
 *   rings_poll(&r);
 *   ...
 *   rings_down(&r);          pools are full again, nothing is left anywhere
 *
 * Flow n is the tuple of tests/harness/frame.h with n added to the peer's
 * port. Sequence numbers are relative, and start just below the wrap; so does
 * the millisecond clock.
 */
#ifndef RINGS_H
#define RINGS_H

#include "chim_dp.h"
#include "chim_handle.h"
#include "chim_msg.h"
#include "chim_port.h"
#include "frame.h"
#include "test.h"

#define RINGS_WORKERS  2u /* of tests with several */
#define RINGS_MAX      4u
#define RINGS_OUR_SEQ  0xFFFFFF00u
#define RINGS_PEER_SEQ 0xFFFFFE00u
#define RINGS_WND      60000u
#define RINGS_HOST     1u /* slot of the host; slot 0 is another host */
#define RINGS_START_US (((chim_us_t)UINT32_MAX - 500) * 1000)

struct rings_opts {
	uint32_t nb_workers;	  /* 0 = 1 */
	uint32_t max_connections; /* 0 = 16 */
	uint32_t max_ip6;	  /* of them; 0 = all */
	uint32_t max_paths;	  /* and neighbors; 0 = 4 */
	uint32_t max_holds;
	uint32_t max_hold_bytes;
	uint32_t host_entries; /* of a host ring; 0 = 64 */
	uint32_t nb_mbufs;     /* 0 = 2047 */
	uint32_t wire_size;    /* frames the wire takes before it is full; 0 = 1023 */
	uint32_t kernel_size;  /* frames the exception port takes */
	uint32_t mailbox_size; /* messages; 0 = 63 */
	uint32_t challenges;   /* a second, of all workers; 0 = 1000 */
	bool has_no_exception;
	bool is_bare;	    /* no host attached, no replica set */
	bool has_one_queue; /* devices with a single queue pair */
	bool deliver_to_wrong_worker;
	const uint8_t
		*rss_key;     /* the wire is said to put this key's hash in its frames; 40 bytes */
	uint32_t mbuf_cache;  /* of the pool; 0 = none, so that counts are exact */
	uint32_t tx_offloads; /* CHIM_TX_* that the wire is said to have besides */
	bool has_only_these;  /* no others than tx_offloads */
	uint16_t tx_frame_mbufs;      /* mbufs of a frame that the wire is said to take */
	const struct chim_port *port; /* started by the test, instead of net_ring's */
};

struct rings_dev {
	struct rte_ring *in[RINGS_MAX];
	struct rte_ring *out[RINGS_MAX];
};

struct rings {
	struct rings_opts opts;
	chim_us_t now;
	struct rte_mempool *pool;
	struct rte_mempool *clone_pool;
	struct rings_dev wire;
	struct rings_dev kernel;
	struct chim_port port;
	struct chim_target *target;
	struct chim_box *to[RINGS_MAX];
	struct chim_box *from[RINGS_MAX];
	struct chim_box *between[RINGS_MAX][RINGS_MAX];
	struct chim_worker *worker[RINGS_MAX];
	struct chim_msg *msg;
	uint32_t next_msg;
};

void rings_up(struct rings *r, const struct rings_opts *opts);

/** Destroy; asserts that every mbuf is back in its pool. What is still on the devices is freed. */
void rings_down(struct rings *r);

/** One turn of each worker, in order. @return what was done. */
uint32_t rings_poll(struct rings *r);

/** Turns until nothing is done; fails when that takes too long. */
void rings_settle(struct rings *r);

/** Let time pass, then settle. */
void rings_wait(struct rings *r, uint32_t ms);

/* ---- the wire and the kernel ---- */

void rings_wire_in(struct rings *r, uint32_t queue, struct rte_mbuf *m);
void rings_kernel_in(struct rings *r, uint32_t queue, struct rte_mbuf *m);

/** The next frame that left. @return owned; NULL when there is none. */
struct rte_mbuf *rings_wire_out(struct rings *r, uint32_t queue);
struct rte_mbuf *rings_kernel_out(struct rings *r, uint32_t queue);

/** How many frames have left; frees them. */
uint32_t rings_wire_drain(struct rings *r);
uint32_t rings_kernel_drain(struct rings *r);

/** The next frame that left by any queue, parsed; frees it. @return false when there is none. */
bool rings_wire_seg(struct rings *r, struct chim_seg *seg);
bool rings_kernel_seg(struct rings *r, struct chim_seg *seg);

/** A frame of a flow; seq and ack of the spec are absolute. */
struct rte_mbuf *rings_frame(struct rings *r, const struct frame *spec, uint16_t flow);

/** Data of the peer: len bytes at rel of its stream, acknowledging all of ours up to ack. */
struct rte_mbuf *rings_data(struct rings *r, uint16_t flow, uint32_t rel, uint16_t len);
struct rte_mbuf *rings_ack(struct rings *r, uint16_t flow, uint32_t rel_ack);

/** What our kernel would send: len bytes at rel of our stream. */
struct rte_mbuf *rings_kernel_data(struct rings *r, uint16_t flow, uint32_t rel, uint16_t len);

/** A seal's marker frame. */
struct rte_mbuf *rings_marker(struct rings *r, uint64_t marker);

/* ---- ctl ---- */

struct chim_msg *rings_msg(struct rings *r, enum chim_msg_op kind);
void rings_send(struct rings *r, uint32_t worker, struct chim_msg *msg);

/** The next message from a worker. @return NULL when there is none. */
struct chim_msg *rings_reply(struct rings *r, uint32_t worker);

/** Send, poll once, and take the answer: it must be there. */
enum chim_status rings_call(struct rings *r, uint32_t worker, struct chim_msg *msg);

struct chim_tuple rings_tuple(uint16_t flow);

/** The worker that owns a flow, and a flow that a worker owns. */
uint32_t rings_owner(const struct rings *r, uint16_t flow);
uint16_t rings_flow_of(const struct rings *r, uint32_t worker);

/** Neighbor 0 and path 0 on every worker; rings_up() does it. */
void rings_set_neighbor(struct rings *r, uint8_t last_of_mac, bool is_invalid);
void rings_set_path(struct rings *r, uint32_t neighbor, uint32_t mtu);

/** An INSTALL of an established connection of a flow, to be changed and sent. */
struct chim_msg *rings_install_msg(struct rings *r, uint16_t flow);

/** Install it at its owner: it must succeed. What it sends at once is taken off the wire. */
chim_handle_t rings_install(struct rings *r, uint16_t flow);

enum chim_status
rings_hold(struct rings *r, uint16_t flow, uint32_t deadline_ms, uint32_t max_bytes);
enum chim_status rings_release(struct rings *r, uint16_t flow);

/** Terminate with state returned: it must succeed. @return the answer. */
struct chim_msg *rings_terminate(struct rings *r, chim_handle_t handle);

/* ---- the host ---- */

void rings_post(struct rings *r, const struct chim_io *io);
bool rings_collect(struct rings *r, uint32_t worker, struct chim_io *io);

/** Collect an INDICATE of len bytes and return it. */
void rings_expect_data(struct rings *r, uint32_t worker, uint32_t len);

/** Collect everything and free its buffers. */
void rings_host_drop(struct rings *r);

/** A send of len bytes. */
void rings_host_send(struct rings *r, chim_handle_t handle, uint32_t len);

uint64_t rings_why(const struct rings *r, enum chim_why why);
uint64_t rings_kernel_why(const struct rings *r, enum chim_why why);

#endif /* RINGS_H */
