/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a connection has while something waits: data to be sent or acknowledged,
 * data received, requests of the host, and what the host is to be told. It is
 * taken from a pool when the first of it comes (tcp_queues_attach) and given
 * back when all of it has gone (tcp_queues_settle): an idle connection has none.
 *
 * When the pool is empty a segment with data is dropped, as if lost on the
 * wire, and an operation of the host comes back with the wish to be taken back
 * (queues.c): nothing is lost, and it is counted.
 */
#ifndef TCP_QUEUES_H
#define TCP_QUEUES_H

#include "tcp_list.h"
#include "tcp_reass.h"
#include "tcp_sack.h"

/* Slots of timers that run only while something waits. */
#define TCP_QUEUES_TIMERS 4u

/* A place in the send queue: the octet with sequence number seq is at off in seg of chain. */
struct tcp_place {
	struct rte_mbuf *chain; /* NULL: unknown, to be looked for from the head */
	struct rte_mbuf *seg;
	uint32_t seq;
	uint32_t off;
};

struct tcp_queues {
	/* receive: tcp_receive_data, chim_tcp_next_io */
	struct tcp_list rcvq;	  /* in order, not delivered */
	struct tcp_list requests; /* posted receive requests */
	struct tcp_reass reass;	  /* out of order */
	uint32_t rcvq_bytes;	  /* in rcvq and refused */
	uint32_t lent_bytes;	  /* with the host */
	struct tcp_dsack dsack;	  /* to be reported with the next ACK */

	/* send: tcp_sendq_*, tcp_emit */
	struct tcp_list sendq;
	struct tcp_place una;	   /* of snd_una; chain is the head of sendq */
	struct tcp_place fresh;	   /* of the last new data sent */
	struct tcp_list sent_done; /* acknowledged, to be told */
	struct tcp_place again;	   /* of the last data sent again */
	chim_ms_t deadline[TCP_QUEUES_TIMERS];
	uint32_t snd_sml; /* end of the last segment sent that was not full */

	/* rare, but asked for in every turn: is there any? */
	uint32_t gap_bytes;	 /* refused data still to come back, between refused and rcvq */
	struct tcp_list refused; /* refused data, precedes rcvq */
	uint32_t refused_bytes;	 /* in refused */
	uint8_t nb_ce_acks;
	uint8_t nb_disc_refused;
	struct tcp_list kept; /* frames for the host's own stack */
	struct tcp_list recv_done;
	struct rte_mbuf *disconnect; /* first chain of the graceful one that is in sendq */

	/* rare: frames kept behind urgent data, disconnects, ICMP */
	struct tcp_list disc_done;	 /* chains of the graceful one that have left sendq */
	struct tcp_list abort_done;	 /* chains of the abortive one */
	struct tcp_list disc_refused;	 /* chains of those that came too late */
	enum chim_status disc_status;	 /* of the graceful one */
	enum chim_status refused_status; /* of those that came too late */
	uint16_t event_mtu;		 /* info of PATH_MTU */
	uint16_t event_icmp;		 /* info of UNREACHABLE */
	chim_ms_t backlog_at;		 /* when the host was told of another send backlog */
	uint32_t ce_ack[4];		 /* ACKs that tell of CE as it was until there (RFC 8257) */
	uint32_t kept_bytes;		 /* of kept */
};
_Static_assert(offsetof(struct tcp_queues, sendq) == 64, "receiving touches a line");
_Static_assert(offsetof(struct tcp_queues, sent_done) == 128, "sending and its ACK, one more");
_Static_assert(offsetof(struct tcp_queues, disc_done) == 256, "what is rare, none");

#endif /* TCP_QUEUES_H */
