/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Ports: a wire (any ethdev) and beside it the exception port towards the
 * host's kernel (tap, virtio-user, any ethdev). Configuring them, steering
 * connections to workers, and the transmit vector.
 */
#ifndef CHIM_PORT_H
#define CHIM_PORT_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "chim.h"
#include "chim_base.h"

#define CHIM_MAX_PORTS 8u
#define CHIM_TXQ_SIZE  256u /* frames a transmit vector holds */
#define CHIM_TXQ_BURST 32u  /* frames that are worth a flush before the end of the turn */

#define CHIM_PORT_MTU_MAX 9600u

struct chim_port_config {
	uint16_t port_number;	      /* Chimney's number, 0 .. CHIM_MAX_PORTS-1 */
	const char *wire;	      /* ethdev name (rte_eth_dev_get_port_by_name) */
	const char *exception;	      /* ethdev name, or NULL for none (flow sets, benches) */
	const char *exception_ifname; /* the kernel's interface behind it; NULL or "" = the one
				       * that its driver tells */
	uint16_t nb_workers;	      /* queue pairs wanted on each */
	uint16_t nb_rxd;	      /* 0 = 1024 */
	uint16_t nb_txd;	      /* 0 = 1024 */
	uint16_t mtu;		      /* 0 = the device's, or of the interface that it stands on */
	bool use_offloads;	      /* false: do everything in software (tests) */
	bool use_rx_interrupts;
	struct rte_mempool *pool[CHIM_MAX_WORKERS]; /* rx buffers of each worker's queue */
	struct rte_mempool *exception_pool[CHIM_MAX_WORKERS]; /* of the exception port's, so that a
							       * flood there empties no other pool;
							       * [0] NULL: the same as pool */
};

/* What a port turned out to be. */
struct chim_port {
	uint16_t port_number;
	uint16_t wire_id;      /* ethdev */
	uint16_t exception_id; /* ethdev, RTE_MAX_ETHPORTS for none */
	uint16_t nb_queues;    /* wire queue pairs: nb_workers, or 1 */
	uint16_t nb_exception_queues;
	uint16_t mtu; /* bytes of IP packet */
	uint16_t exception_mtu;
	char exception_ifname[16]; /* "" = the driver tells */
	bool is_exception_late;	   /* the kernel may get a frame after its driver has sent it */
	int socket_id;
	struct rte_ether_addr mac;
	uint32_t tx_offloads;		/* CHIM_TX_* of the wire */
	uint32_t exception_tx_offloads; /* CHIM_TX_* of the exception port */
	uint16_t tx_frame_mbufs;	/* mbufs of a frame that the wire takes; 0 = any number */
	uint16_t tx_seg_mbufs;		/* ... and of each segment that it cuts of one */
	uint64_t rx_offloads;		/* ethdev bits in use */
	bool has_rss;			/* hash in the mbuf, of the full 4-tuple, with rss_key */
	bool has_rx_interrupts;
	uint8_t rss_key[52];
	uint8_t rss_key_len;
	uint16_t reta[512]; /* queue of each entry */
	uint16_t reta_size; /* power of two; 0 without RSS */
};

/* What has to be known of a port before it has buffers. */
struct chim_port_need {
	uint16_t mtu;	       /* that it will have */
	uint32_t buffer_bytes; /* each of its buffers must hold, headroom apart; 0 = any number */
	bool is_device;	       /* a bus other than EAL's own: it reaches buffers by their IOVA */
};

/**
 * Look at a port that is not started. Of the configuration, pools are not looked at.
 *
 * @param why filled on failure as by chim_port_start().
 * @return 0; -ENODEV no such ethdev; -EIO its driver tells nothing.
 * Thread: start-up.
 */
int chim_port_look(
	struct chim_port_need *need, const struct chim_port_config *cfg, char *why, size_t why_len);

/**
 * Configure and start the wire and its exception port; promiscuous on the exception port. The
 * exception port gets the wire's MAC where its driver allows it, the kernel's interface the MTU.
 *
 * @param why filled with a sentence for a person on failure, names the port and the remedy.
 * @return 0; -ENODEV no such ethdev; -EINVAL a bad configuration, or buffers or devices too
 *   small for the MTU; -EIO the driver refused; -ENOMEM.
 * Thread: start-up.
 */
int
chim_port_start(struct chim_port *p, const struct chim_port_config *cfg, char *why, size_t why_len);

/** Stop and close both ethdevs; nothing after a start that failed. Thread: start-up. */
void chim_port_stop(struct chim_port *p);

/**
 * The worker that owns a tuple: where the port's RSS puts its frames, by software hash where
 * there is no RSS and more than one worker, else 0. A pure function of its arguments.
 *
 * Thread: any.
 */
uint32_t
chim_port_steer(const struct chim_port *p, uint32_t nb_workers, const struct chim_tuple *tuple);

/**
 * Look at the kernel's interface of the exception port: is it up, and does it have the wire's MAC?
 * Describes what is wrong in words. A port without exception port, or one whose ethdev has no
 * interface in this host's kernel, is taken as it is.
 *
 * @return 0; -ENETDOWN; -EADDRNOTAVAIL; -EIO the kernel does not tell.
 * Thread: control.
 */
int chim_port_check_exception(const struct chim_port *p, char *why, size_t why_len);

/* ---- transmit vector: frames towards one queue, in order ---- */

struct chim_txq {
	uint16_t ethdev;
	uint16_t queue;
	uint16_t nb;	/* waiting */
	uint16_t burst; /* flushed when this many wait */
	uint64_t sent;	/* frames, this lcore only */
	uint64_t sent_bytes;
	uint64_t refused;    /* times the device took less than offered */
	uint64_t unsendable; /* frames freed because the driver cannot send them */
	bool needs_prepare;  /* the device does checksums or segmentation */
	struct rte_mbuf *m[CHIM_TXQ_SIZE];
};

/** Make a transmit vector for a queue. */
void chim_txq_init(struct chim_txq *q, uint16_t ethdev, uint16_t queue);

/** Frames that are sure to fit now. */
static inline uint16_t
chim_txq_room(const struct chim_txq *q)
{
	return (uint16_t)(CHIM_TXQ_SIZE - q->nb);
}

/** Put a frame; takes it. Needs room: check first. Does not touch the device. */
static inline void
chim_txq_put(struct chim_txq *q, struct rte_mbuf *m)
{
	chim_assert(q->nb < CHIM_TXQ_SIZE);
	q->m[q->nb++] = m;
}

/**
 * Offer what waits to the device; what it does not take stays, in order, for the next flush.
 *
 * @return frames taken.
 */
uint16_t chim_txq_flush(struct chim_txq *q);

#endif /* CHIM_PORT_H */
