/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One Linux TCP socket as plain numbers and bytes, and the short steps that
 * take it out of a descriptor and put it back (TCP_REPAIR). Nothing here knows
 * the engine.
 *
 * Out:  kernel_sock_read; with the flow held: kernel_sock_provoke,
 *       kernel_sock_freeze, kernel_sock_empty
 * Undo: kernel_sock_thaw (after freeze), kernel_sock_absorb and the way back
 *       (after empty)
 * Back: kernel_sock_rebuild, the frames of kernel_frames_plan() delivered,
 *       kernel_sock_close_half, kernel_sock_thaw, kernel_sock_write_tail,
 *       kernel_options_apply
 *
 * All functions return 0 or a negative errno. Thread: the agent's.
 */
#ifndef KERNEL_SOCK_H
#define KERNEL_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/socket.h>
#include <linux/tcp.h>

#include "chim.h"
#include "chim_block.h"
#include "chim_request.h"

/* Bytes on the C heap. */
struct kernel_bytes {
	uint8_t *at;
	uint32_t len;
};

/* Socket options that the engine is told, or that a move changes and puts back. */
struct kernel_options {
	int nodelay;
	int priority;
	int ttl;
	int tos;
	int keepalive;
	int keep_idle; /* seconds; these three only with keepalive */
	int keep_interval;
	int keep_count;
	int user_timeout; /* ms */
	int reuseaddr;
	int buf_lock; /* SO_BUF_LOCK: which sizes the user has fixed */
	int sndbuf;   /* as the kernel tells them, bookkeeping included */
	int rcvbuf;
	int window_clamp;
	char congestion[16];
};

/* What TCP_INFO tells and only one direction can use: the engine takes it, the kernel does not. */
struct kernel_numbers {
	uint32_t snd_cwnd;     /* segments */
	uint32_t snd_ssthresh; /* segments; 0x7fffffff = none yet */
	uint32_t snd_mss;      /* bytes, options subtracted */
	uint32_t rtt_us;
	uint32_t rttvar_us;
	uint32_t rto_us;
	uint32_t pmtu;
	uint32_t retransmits;
	uint32_t probes;
	uint32_t idle_ms; /* since anything was received */
};

struct kernel_sock_state {
	struct sockaddr_storage local; /* as getsockname() says, an IPv4-mapped one included */
	struct sockaddr_storage remote;
	socklen_t addr_len;

	uint32_t state; /* enum chim_tcp_state */
	bool has_ts;
	bool has_sack;
	bool has_wscale;
	bool has_ecn;
	uint8_t snd_wscale;
	uint8_t rcv_wscale;
	uint32_t mss; /* the peer's MSS option (mss_clamp) */

	uint32_t snd_una;
	uint32_t snd_max; /* everything that left, a sent FIN counted */
	uint32_t rcv_nxt; /* the peer's FIN counted */
	struct tcp_repair_window window;
	struct kernel_bytes send; /* from snd_una on, no FIN */
	struct kernel_bytes recv; /* up to rcv_nxt, no FIN */
	bool is_bare;		  /* ESTABLISHED, and all its queues are empty */

	uint32_t ts_val; /* TSval clock at ts_at_us of CLOCK_MONOTONIC */
	uint64_t ts_at_us;
	uint32_t ts_hz; /* 1000, or 1000000 on routes with that feature */
	bool has_ts_recent;
	uint32_t ts_recent;

	uint32_t rmem_max; /* the caller's: tcp_rmem's largest, 0 = no bound */
	struct kernel_numbers numbers;
	struct kernel_options options;
};

/* ---- small questions (sock_state.c) ---- */

/** Free the bytes; the rest stays readable. */
void kernel_sock_state_fini(struct kernel_sock_state *st);

/** Has our side closed (a FIN follows the bytes of send, or is acknowledged)? */
bool kernel_sock_has_closed(uint32_t state);

/** Has the peer's FIN been received? */
bool kernel_sock_has_peer_fin(uint32_t state);

/** Is our FIN acknowledged? */
bool kernel_sock_is_fin_acked(uint32_t state);

/** Bytes of send that have left already. */
uint32_t kernel_sock_sent_bytes(const struct kernel_sock_state *st);

/** Has our FIN left? */
bool kernel_sock_is_fin_sent(const struct kernel_sock_state *st);

/** TSval clock now, never behind what was sent: two more than elapsed time says (rounding). */
uint32_t kernel_sock_ts_now(const struct kernel_sock_state *st);

/**
 * Learn from what left while the flow was held: how far the kernel has sent, the window it promised
 * last, and its ts_recent.
 *
 * @return 0; -EIO when it has acknowledged what came after it was read, which nobody has.
 */
int kernel_sock_learn(struct kernel_sock_state *st, const struct chim_flow_record *rec);

/** CLOCK_MONOTONIC in microseconds. */
uint64_t kernel_now_us(void);

/** State of a descriptor now. @return enum chim_tcp_state, or a negative errno. */
int kernel_sock_tcp_state(int fd);

/** Map the kernel's state numbers. @return CHIM_TCP_CLOSED for what has no name in the list. */
uint32_t kernel_state_from_linux(uint8_t tcpi_state);

/** Addresses and ports as the engine names them; IPv4-mapped addresses are IPv4. */
void kernel_sock_tuple(const struct sockaddr_storage *local, const struct sockaddr_storage *remote,
	struct chim_tuple *t);

/* ---- repair mode (repair.c) ---- */

int kernel_repair_on(int fd);

/** Leave repair mode. @param probe lets the kernel send one ACK (ESTABLISHED only). */
int kernel_repair_off(int fd, bool probe);

/** Select a queue: TCP_NO_QUEUE, TCP_RECV_QUEUE, TCP_SEND_QUEUE. */
int kernel_repair_select(int fd, int queue);

/** Read the sequence number at the end of a queue. Leaves the queue selected. */
int kernel_repair_get_seq(int fd, int queue, uint32_t *seq);

/** Set it; only while the socket is closed. */
int kernel_repair_set_seq(int fd, int queue, uint32_t seq);

/** Copy a queue's bytes out: exactly len of them. */
int kernel_repair_peek(int fd, int queue, struct kernel_bytes *out, uint32_t len);

/** Put bytes into a queue. */
int kernel_repair_push(int fd, int queue, const uint8_t *at, uint32_t len);

/**
 * Silently leave the connection: state CLOSED, queues gone, still in repair mode. An error stays
 * behind, ECONNABORTED, which the next user of the queues would get.
 */
int kernel_repair_disconnect(int fd);

/** Forget that error. */
void kernel_repair_clear_error(int fd);

/* ---- options (options.c) ---- */

/** @param is_ip4 which layer's options its segments are made with. */
int kernel_options_read(int fd, bool is_ip4, struct kernel_options *o);

/** Timers that could end a socket which hears nothing. kernel_options_apply() starts them again. */
int kernel_options_stop_timers(int fd, const struct kernel_options *o);

/** SO_REUSEADDR, which leaving repair mode forgets. */
int kernel_options_apply_reuse(int fd, const struct kernel_options *o);

/** The bound on the window, before the kernel offers one. */
void kernel_options_apply_window_clamp(int fd, const struct kernel_options *o);

/** All others, the send buffer's size and the locks included. Call outside repair mode. */
void kernel_options_apply(int fd, const struct kernel_options *o);

/** Make a buffer so large whatever the limits. @param name SO_SNDBUFFORCE, SO_RCVBUFFORCE: fixes
 *  the size; kernel_options_apply() undoes that. */
int kernel_options_size(int fd, int name, uint32_t bytes);

/* ---- out (freeze.c, placeholder.c) ---- */

/**
 * Read what a hold need not wait for: addresses, options, the timestamp clock, and, to judge by,
 * state and features as they are now. Initializes st.
 */
int kernel_sock_read(int fd, struct kernel_sock_state *st);

/**
 * Let the kernel say what it owes, and what nothing else tells: its ts_recent, in an ACK that who
 * watches the wire reads. Reads the state, which nothing but a timer changes any more.
 *
 * A connection with timestamps that is not ESTABLISHED says nothing by itself; it has to be asked
 * with kernel_frame_question(st), for which rcv_nxt and window are filled in.
 *
 * SO_REUSEADDR is lost: kernel_sock_thaw(), or the way back, puts it right.
 */
int kernel_sock_provoke(int fd, struct kernel_sock_state *st);

/** Enter repair mode and read the rest: queues, sequences, windows. On failure the socket is as
 *  before kernel_sock_provoke(). */
int kernel_sock_freeze(int fd, struct kernel_sock_state *st);

/** Leave repair mode. @param probe as kernel_repair_off(). */
int kernel_sock_thaw(int fd, const struct kernel_sock_state *st, bool probe);

/**
 * Make the socket a placeholder: same tuple, same numbers, empty queues, no timers, in repair
 * mode, so that closing it is silent. A bare one stays the socket that it is. On failure the socket
 * is in repair mode, and closed where it had to be emptied: rebuild.
 */
int kernel_sock_empty(int fd, const struct kernel_sock_state *st);

/**
 * Take over what the kernel has accepted on the placeholder's behalf because a hold ended early.
 *
 * @return 0; -ECONNRESET the peer has reset the connection.
 */
int kernel_sock_absorb(int fd, struct kernel_sock_state *st);

/* ---- back (rebuild.c) ---- */

/**
 * A closed descriptor in repair mode becomes a connection with empty queues that end at these
 * sequence numbers: addresses, options, timestamp clock, no timers. The receive queue is selected.
 */
int
kernel_sock_open(int fd, const struct kernel_sock_state *st, uint32_t recv_seq, uint32_t send_seq);

/** Build the connection in the descriptor, in repair mode, whatever is in it now. Repeatable. */
int kernel_sock_rebuild(int fd, const struct kernel_sock_state *st);

/** LAST_ACK: our FIN, once the peer's has been injected. Others: nothing. */
int kernel_sock_close_half(int fd, const struct kernel_sock_state *st);

/**
 * Write what has not been sent, from *done on, then close our half if that is still to do.
 *
 * @return 0; -EAGAIN no memory now, call again; else the connection's own error.
 */
int kernel_sock_write_tail(int fd, const struct kernel_sock_state *st, uint32_t *done);

#endif /* KERNEL_SOCK_H */
