/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One ethdev on its way to being started: what is wanted of it, what it can
 * do, what it agreed to. Used by port.c for the wire and for the exception
 * port; filled by ethdev.c and rss.c.
 */
#ifndef PORT_INTERNAL_H
#define PORT_INTERNAL_H

#include <rte_ethdev.h>

#include "chim_port.h"

/* A tag beside the Ethernet header; the CRC is the driver's. */
#define PORT_L2_LEN (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

struct port_dev {
	/* Set by the caller. */
	uint16_t port_number;
	const char *role; /* "wire" or "exception port", for messages */
	const char *name;
	uint16_t nb_queues; /* wanted; 1 when the driver refuses more */
	uint16_t nb_rxd;
	uint16_t nb_txd;
	uint16_t mtu;	      /* 0 = the device's; what it is to be after find */
	bool has_rss;	      /* wanted; false when the driver refuses */
	bool has_interrupts;  /* likewise */
	uint64_t rx_offloads; /* wanted; those in use after start */
	uint64_t tx_offloads;
	struct rte_mempool *const *pool;
	char *why; /* receives the sentence on failure */
	size_t why_len;
	/* Found out. */
	uint16_t id;
	struct rte_eth_dev_info info;
	uint8_t rss_key[52]; /* asked for: rss.c */
};

/** Say what went wrong. @return err. */
int port_fail(const struct port_dev *d, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Find the ethdev and what it can do. @return 0, -ENODEV, -EIO. */
int port_dev_find(struct port_dev *d);

/** The largest MTU as ethdev reckons it, from the longest frame the driver states. */
uint32_t port_dev_max_mtu(const struct port_dev *d);

/** Is it on a bus of the machine? EAL's own devices (vdev) reach memory as we do. */
bool port_dev_is_device(const struct port_dev *d);

/**
 * Configure, set queues up and start; gives up interrupts, RSS and more than one queue, in that
 * order, when the driver refuses. @return 0, -EINVAL, -EIO, -ENOMEM.
 */
int port_dev_start(struct port_dev *d);

/** Do a pool's objects lie one behind the other, in one piece of memory? */
bool port_pool_is_dense(struct rte_mempool *mp);

/** Fill in what to ask of the device's RSS. */
void port_rss_ask(struct port_dev *d, struct rte_eth_conf *conf);

/** Read key and table back into p; has_rss stays false when the device cannot tell. */
void port_rss_read(const struct port_dev *d, struct chim_port *p);

/* ---- quirks.c ---- */

/** The largest MTU whose frames the driver carries, whatever it states. */
uint32_t port_quirk_mtu(const struct port_dev *d);

/** Beyond that: what to do. */
void port_quirk_mtu_remedy(const struct port_dev *d, char *text, size_t len);

/** Bytes that a buffer must hold for the device's MTU; 0 when it spreads frames over several. */
uint32_t port_quirk_buffer(const struct port_dev *d);

/** Must the buffers lie without gaps? */
bool port_quirk_needs_dense_pools(const struct port_dev *d);

/** May a frame still be on its way to the kernel when a transmit burst has taken it? */
bool port_quirk_is_late(const struct port_dev *d);

/** RTE_ETH_TX_OFFLOAD_* that the driver states, and does wrongly. */
uint64_t port_quirk_broken_offloads(const struct port_dev *d);

/* What the kernel says of an interface. */
struct port_link {
	char name[16];
	bool is_up;
	uint32_t mtu;
	struct rte_ether_addr mac;
};

/** Ask the kernel. @return false when it does not know the interface in this network namespace. */
bool port_link_read(uint32_t if_index, struct port_link *l);

/** The same by its name. */
bool port_link_find(const char *name, struct port_link *l);

/** Set its MTU. @return false when the kernel refuses. */
bool port_link_set_mtu(const struct port_link *l, uint32_t mtu);

#endif /* PORT_INTERNAL_H */
