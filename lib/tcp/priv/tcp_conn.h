/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The connection, by access, in four cache lines; the same for IPv4 and IPv6
 * (addresses are the path's).
 *
 *     0  the datapath's: todo, handle, links, ports; where the peer is
 *    64  every segment: sequence numbers, windows, flags
 *   128  what is sent and its ACK: congestion control, round trip
 *   184  timers and the bytes of headers, settings, what is rare
 *
 * What is only there while something waits or is in flight is in struct
 * tcp_queues and struct tcp_flight, from pools: an idle connection has neither.
 *
 * Everything is a number, an index or an mbuf: a connection may live in memory
 * that another process of the same build maps at the same address.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include "chim_seq.h"
#include "chim_tcp.h"
#include "tcp_queues.h"
#include "tcp_recover.h"

/* struct chim_conn.flags */
#define TCP_ACK_NOW	  0x00000001u /* an ACK goes out with the next output */
#define TCP_FIN_QUEUED	  0x00000002u /* the stream ends at snd_end: a FIN follows */
#define TCP_RST_DUE	  0x00000004u /* a reset goes out with the next output */
#define TCP_STOPPED	  0x00000008u /* nothing is sent any more: the host has to take over */
#define TCP_EXPORTED	  0x00000010u /* terminated: only completions are left */
#define TCP_UPLOADING	  0x00000020u /* asked to be taken back: new operations come back */
#define TCP_FULL_CLOSE	  0x00000040u /* the client reads no more: data that comes is reset */
#define TCP_REFUSED	  0x00000080u /* no indication until a receive request is posted */
#define TCP_FIN_RCVD	  0x00000100u /* the peer's FIN is just below rcv_nxt */
#define TCP_FIN_TOLD	  0x00000200u /* ... and the host knows */
#define TCP_TIME_WAIT_DUE 0x00000400u /* both sides have closed: the host is to be told last */
#define TCP_PERSIST	  0x00000800u /* the retransmit timer times a closed window */
#define TCP_PROBE_DUE	  0x00001000u /* a zero-window probe is to be sent */
#define TCP_KEEPALIVE_DUE 0x00002000u /* a keepalive probe is to be sent */
#define TCP_TLP_DUE	  0x00004000u /* a tail loss probe is to be sent */
#define TCP_BLIND	  0x00008000u /* keepalive runs because of a suspect RST or SYN */
#define TCP_CHALLENGED	  0x00010000u /* a suspect RST was challenged in this period */
#define TCP_SYN_TIMED	  0x00020000u /* syn_challenged_at is set */
#define TCP_URGENT	  0x00040000u /* frames are kept for the host's own stack */
#define TCP_TS_UNKNOWN	  0x00080000u /* ts_recent is to be learnt */
#define TCP_FORCE_SEND	  0x00100000u /* SWS timer: send what fits */
#define TCP_ECE_OWED	  0x00200000u /* CE seen, CWR not yet (RFC 3168, 6.1.3) */
#define TCP_DISCONNECTING 0x00400000u /* a graceful disconnect waits for its completion */
#define TCP_DISC_DONE	  0x00800000u /* ... and may be completed with disc_status */
#define TCP_ABORTING	  0x10000000u /* an abortive disconnect waits for its completion */
#define TCP_RST_SENT	  0x20000000u /* ... and may be completed */
#define TCP_RESEND_FIRST  0x02000000u /* the window opened: the probe's octet goes again at once */
#define TCP_ANSWERED	  0x04000000u /* answered_at is set */
#define TCP_WINDOW_UPDATE 0x08000000u /* the ACK that is owed opens the window */
#define TCP_MUTE	  0x40000000u /* the path is invalid: timers that would send wait */

#define TCP_WINDOW_MAX (65535u << 14) /* RFC 7323, 2.3 */

/* Timers; those from TCP_TIMER_KEPT on run only while something waits (tcp_queues.h). */
enum tcp_timer {
	TCP_TIMER_RETRANSMIT, /* also persist and FIN_WAIT_2, as the chimney's Retransmit does */
	TCP_TIMER_DELAYED_ACK,
	TCP_TIMER_KEEPALIVE,
	TCP_TIMER_KEPT,
	TCP_TIMER_PUSH = TCP_TIMER_KEPT,
	TCP_TIMER_SWS,
	TCP_TIMER_RACK,
	TCP_TIMER_TLP,
	TCP_TIMER_MAX
};
_Static_assert(TCP_TIMER_MAX - TCP_TIMER_KEPT == TCP_QUEUES_TIMERS, "a slot for each");

/* Events that wait to be told, the lowest bit first; the low ones are reasons to RETRIEVE. */
#define TCP_EVENT_RETRIEVE(reason) (1u << (reason)) /* enum chim_upload_reason, 1..11 */
#define TCP_EVENT_ABORT		   0x1000u
#define TCP_EVENT_PATH_MTU	   0x2000u
#define TCP_EVENT_UNREACHABLE	   0x4000u
#define TCP_EVENT_BACKLOG	   0x8000u

struct chim_conn {
	struct chim_conn_head head;
	uint32_t flags; /* TCP_* */
	uint32_t rcv_nxt;
	uint32_t rcv_adv;  /* right edge of the largest window ever advertised */
	uint32_t ack_sent; /* Last.ACK.sent (RFC 7323, 4.3) */
	uint32_t snd_una;
	uint32_t snd_max;

	/* every segment */
	struct tcp_queues *q; /* NULL: nothing waits */
	uint32_t ts_recent;
	uint32_t ts_recent_ms; /* when it was taken: 48 bits of milliseconds, */
	uint16_t ts_recent_era;
	uint16_t const_flags; /* CHIM_TCP_*_ENABLED */
	uint8_t state;	      /* enum chim_tcp_state */
	uint8_t armed;	      /* bit for each enum tcp_timer */
	uint8_t acks_delayed; /* data segments since the last ACK */
	uint8_t dupacks_owed; /* duplicate ACKs that must not be merged (RFC 5681, 4.2) */
	uint32_t snd_end;     /* after the last octet queued: the FIN's number when there is one */
	uint32_t snd_wnd;
	uint32_t snd_wl1;
	uint32_t max_snd_wnd;
	uint16_t mss; /* payload of a full segment, timestamps subtracted */
	uint8_t snd_wscale : 4;
	uint8_t rcv_wscale : 4;
	uint8_t dup_acks;
	uint64_t bytes_in;

	/* what is sent, and its ACK */
	struct tcp_recover recover; /* records are in a pool while data is out */
	uint64_t bytes_out;
	uint32_t srtt_us8;   /* 8 x microseconds, 0 = no sample (RFC 6298) */
	uint32_t rttvar_us4; /* 4 x microseconds */
	uint32_t ts_offset;  /* TSval is the clock at ts_hz, plus this */
	uint32_t initial_rcv_wnd;

	chim_ms_t deadline[TCP_TIMER_KEPT];
	uint32_t ts_hz; /* as given: 0 = 1000 */
	uint8_t ttl;
	uint8_t tos;
	uint8_t user_priority : 3;
	uint8_t backlog_log2 : 5; /* of the send backlog the host knows of */
	uint8_t retransmit_count;
	uint16_t cached_flags;
	uint16_t events; /* TCP_EVENT_* */
	uint32_t flow_label;

	/* rare: settings, and what tells trouble from a bad day */
	uint16_t remote_mss;
	uint16_t path_mtu;
	uint8_t snd_wscale_given : 4;
	uint8_t rcv_wscale_given : 4;
	uint8_t snd_wnd_probe_count;
	uint8_t keep_alive_probe_count;
	uint8_t ka_probe_count;
	uint32_t rcv_indication_size;
	chim_ticks_t ka_timeout;
	chim_ticks_t ka_interval;
	chim_ticks_t max_rt;
	uint32_t hash_value;
	uint32_t dwnd;
	uint32_t total_rt_ms; /* time spent resending the segment at snd_una */
	chim_ms_t syn_challenged_at;
	chim_ms_t answered_at; /* last answer to a segment that was not acceptable */
} __rte_cache_aligned;

_Static_assert(offsetof(struct chim_conn, head) == 0, "the datapath sees the head first");
_Static_assert(offsetof(struct chim_conn, q) == 64, "what came, and where it goes");
_Static_assert(sizeof(struct chim_conn) == 256, "what an idle connection costs here");

/* What waits, to be looked at: empty when nothing does. */
extern const struct tcp_queues tcp_queues_none;

static inline const struct tcp_queues *
tcp_queues(const struct chim_conn *c)
{
	return c->q != NULL ? c->q : &tcp_queues_none;
}

#endif /* TCP_CONN_H */
