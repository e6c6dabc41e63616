/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Flow sets: connections that nobody opened. A set names ranges of addresses
 * and ports and gives the numbers that a handshake would have agreed on, so
 * that a generator without a TCP stack can drive the engine.
 *
 * The connections of a set are every combination of its ranges. The remote port
 * varies fastest, then the local port, the remote address, the local address.
 */
#ifndef FLOW_OPTIONS_H
#define FLOW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define APP_MAX_FLOW_SETS 8u

struct app_flow_set {
	char name[64];
	char service[16];
	char arg[200];	      /* "" = none */
	uint32_t connections; /* 0 = every combination */
	uint32_t port;	      /* Chimney port */
	/* ranges; addresses differ in their last 32 bits only, network byte order */
	uint32_t family; /* CHIM_AF_*, 0 = no address given yet */
	uint8_t local[16], remote[16];
	uint32_t nb_local, nb_remote;
	uint16_t local_port, remote_port; /* the first, host byte order */
	uint32_t nb_local_ports, nb_remote_ports;
	/* frames */
	uint8_t local_mac[6]; /* all zero = the port's */
	uint8_t remote_mac[6];
	uint32_t vlan; /* 0 = none */
	uint32_t mtu;
	/* what the handshake would have left */
	uint32_t seq, peer_seq;	    /* next of ours, next of the peer's */
	uint32_t window;	    /* the peer's offer, bytes */
	uint32_t window_scale;	    /* of the peer's offers */
	uint32_t receive_buffer;    /* our offer, bytes */
	uint32_t mss;		    /* the peer's option */
	uint32_t congestion_window; /* bytes; 0 = ten segments (RFC 6928) */
	bool has_timestamps, has_sack;
};

/** Set every default. @param name of the section, "flow-set" or "flow-set NAME". */
void app_flow_set_init(struct app_flow_set *f, const char *name);

/**
 * Set one key of a section.
 *
 * @param why a sentence on failure (APP_WHY bytes).
 * @return 0; -ENOENT no such key; -EINVAL.
 */
int app_flow_set_key(struct app_flow_set *f, const char *name, const char *value, char *why);

/** Is everything there, and does it fit together? Counts the connections where none are given.
 *  @return 0; -EINVAL with why. */
int app_flow_set_check(struct app_flow_set *f, char *why);

#endif /* FLOW_OPTIONS_H */
