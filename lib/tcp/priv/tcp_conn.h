/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The connection, by access; bytes are of the build for 64 bits, IPv4 and IPv6
 * alike (addresses are the path's).
 *
 *     0  head      datapath: todo, handles, links, ports
 *    48  receive   chim_tcp_input, tcp_receive_data, chim_tcp_next_io
 *   144  send      tcp_ack_process, chim_tcp_output
 *   192  queues    tcp_sendq_*, tcp_emit
 *   280  timers    tcp_timer_*, chim_tcp_expire, chim_tcp_deadline
 *   308  recovery  congestion control; records are in a pool while data is out
 *   376  cold      what is to be told, refused data, settings, counters
 *
 * Everything is a number, an index or an mbuf: a connection may live in memory
 * that another process of the same build maps at the same address.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include "chim_seq.h"
#include "chim_tcp.h"
#include "tcp_list.h"
#include "tcp_reass.h"
#include "tcp_recover.h"
#include "tcp_sack.h"

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

#define TCP_WINDOW_MAX (65535u << 14) /* RFC 7323, 2.3 */

/* Slots of deadline[]. */
enum tcp_timer {
	TCP_TIMER_RETRANSMIT, /* also persist and FIN_WAIT_2, as the chimney's Retransmit does */
	TCP_TIMER_DELAYED_ACK,
	TCP_TIMER_KEEPALIVE,
	TCP_TIMER_PUSH,
	TCP_TIMER_SWS,
	TCP_TIMER_RACK,
	TCP_TIMER_TLP,
	TCP_TIMER_MAX
};

/* A place in the send queue: the octet with sequence number seq is at off in seg of chain. */
struct tcp_place {
	struct rte_mbuf *chain; /* NULL: unknown, to be looked for from the head */
	struct rte_mbuf *seg;
	uint32_t seq;
	uint32_t off;
};

/* Events that wait to be told; each kind once. */
#define TCP_EVENT_MAX	   11
#define TCP_EVENT_RETRIEVE 0x80u

struct chim_conn {
	struct chim_conn_head head;

	/* receive */
	uint32_t flags; /* TCP_* */
	uint32_t rcv_nxt;
	uint32_t rcv_adv;  /* right edge of the largest window ever advertised */
	uint32_t ack_sent; /* Last.ACK.sent (RFC 7323, 4.3) */
	uint32_t ts_recent;
	uint8_t state; /* enum chim_tcp_state */
	uint8_t snd_wscale;
	uint8_t rcv_wscale;
	uint8_t armed;		  /* bit for each deadline[] */
	uint8_t acks_delayed;	  /* data segments since the last ACK */
	uint8_t dupacks_owed;	  /* duplicate ACKs that must not be merged (RFC 5681, 4.2) */
	uint16_t const_flags;	  /* CHIM_TCP_*_ENABLED */
	uint32_t rcvq_bytes;	  /* in rcvq and refused */
	uint32_t lent_bytes;	  /* with the host */
	chim_us_t ts_recent_at;	  /* when it was taken */
	struct tcp_list rcvq;	  /* in order, not delivered */
	struct tcp_reass reass;	  /* out of order */
	struct tcp_list requests; /* posted receive requests */

	/* send */
	uint32_t snd_una;
	uint32_t snd_max;
	uint32_t snd_end; /* after the last octet queued: the FIN's number when there is one */
	uint32_t snd_wnd;
	uint32_t snd_wl1;
	uint32_t max_snd_wnd;
	uint32_t srtt_us8;   /* 8 x microseconds, 0 = no sample (RFC 6298) */
	uint32_t rttvar_us4; /* 4 x microseconds */
	uint32_t ts_offset;  /* TSval is the clock at ts_hz, plus this */
	uint32_t ts_hz;
	uint32_t snd_sml; /* end of the last segment sent that was not full */
	uint16_t mss;	  /* payload of a full segment, timestamps subtracted */
	uint8_t dup_acks;
	uint8_t retransmit_count;

	/* queues */
	struct tcp_list sendq;
	struct tcp_place una;	/* of snd_una; chain is the head of sendq */
	struct tcp_place fresh; /* of the last new data sent */
	struct tcp_place again; /* of the last data sent again */

	/* timers */
	chim_ms_t deadline[TCP_TIMER_MAX];

	/* recovery */
	struct tcp_recover recover;

	/* cold: what is to be told */
	uint8_t nb_events;
	uint8_t event[TCP_EVENT_MAX]; /* in order: enum chim_event, or TCP_EVENT_RETRIEVE | reason
				       */
	uint16_t event_mtu;	      /* info of PATH_MTU */
	uint16_t event_icmp;	      /* info of UNREACHABLE */
	struct tcp_list sent_done;
	struct tcp_list recv_done;
	struct rte_mbuf *disconnect;	 /* first chain of the graceful one that is in sendq */
	struct tcp_list disc_done;	 /* chains of the graceful one that have left sendq */
	struct tcp_list abort_done;	 /* chains of the abortive one */
	struct tcp_list disc_refused;	 /* chains of those that came too late */
	enum chim_status disc_status;	 /* of the graceful one */
	enum chim_status refused_status; /* of those that came too late */
	uint8_t nb_disc_refused;

	/* cold: refused indications, frames kept behind urgent data */
	uint32_t ind_nxt;	 /* next octet to be handed over: the first of rcvq */
	uint32_t refused_end;	 /* after the last octet of refused; ind_nxt when there is no gap */
	uint32_t refused_bytes;	 /* in refused */
	struct tcp_list refused; /* refused, and later refusals still to come: precedes rcvq */
	struct tcp_list kept;	 /* frames for the host's own stack */
	uint32_t kept_bytes;

	/* cold: timers */
	uint32_t total_rt_ms; /* time spent resending the segment at snd_una */
	chim_ms_t syn_challenged_at;
	chim_ms_t answered_at;	/* last answer to a segment that was not acceptable */
	struct tcp_dsack dsack; /* to be reported with the next ACK */
	uint8_t snd_wnd_probe_count;
	uint8_t keep_alive_probe_count;

	/* cold: constants and cached values, as given */
	uint8_t ka_probe_count;
	uint8_t ttl;
	uint8_t tos;
	uint8_t user_priority;
	uint16_t cached_flags;
	uint16_t remote_mss;
	uint16_t path_mtu;
	uint32_t initial_rcv_wnd;
	uint32_t rcv_indication_size;
	chim_ticks_t ka_timeout;
	chim_ticks_t ka_interval;
	chim_ticks_t max_rt;
	uint32_t flow_label;
	uint32_t hash_value;
	uint32_t ts_hz_given;
	uint8_t snd_wscale_given;
	uint8_t rcv_wscale_given;
	uint32_t dwnd;

	/* counters for the view */
	uint32_t retransmits;
	uint64_t bytes_in;
	uint64_t bytes_out;
} __rte_cache_aligned;

_Static_assert(offsetof(struct chim_conn, head) == 0, "the datapath sees the head first");
_Static_assert(offsetof(struct chim_conn, flags) == 48, "receive begins in the head's last line");
_Static_assert(offsetof(struct chim_conn, snd_una) == 144, "send is behind receive");
_Static_assert(offsetof(struct chim_conn, deadline) == 280, "timers are behind the queues");
_Static_assert(sizeof(struct chim_conn) == 640, "what an idle connection costs here");

#endif /* TCP_CONN_H */
