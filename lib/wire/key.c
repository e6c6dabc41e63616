/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Keys of connections: from a tuple (control), from a packet (parse.c), and
 * back to a tuple. Every byte of the key that is looked up is written here.
 */
#include <string.h>

#include <rte_thash.h>

#include "wire_internal.h"

void
wire_key_ip4(const struct rte_ipv4_hdr *ip, const struct rte_tcp_hdr *tcp, bool is_local_src,
	struct chim_key4 *key)
{
	key->local_addr = is_local_src ? ip->src_addr : ip->dst_addr;
	key->remote_addr = is_local_src ? ip->dst_addr : ip->src_addr;
	key->local_port = is_local_src ? tcp->src_port : tcp->dst_port;
	key->remote_port = is_local_src ? tcp->dst_port : tcp->src_port;
	key->zero = 0;
}

void
wire_key_ip6(const struct rte_ipv6_hdr *ip, const struct rte_tcp_hdr *tcp, bool is_local_src,
	struct chim_key6 *key)
{
	memcpy(key->local_addr, is_local_src ? ip->src_addr : ip->dst_addr, 16);
	memcpy(key->remote_addr, is_local_src ? ip->dst_addr : ip->src_addr, 16);
	key->local_port = is_local_src ? tcp->src_port : tcp->dst_port;
	key->remote_port = is_local_src ? tcp->dst_port : tcp->src_port;
	key->zero = 0;
}

void
chim_wire_key(const struct chim_tuple *tuple, union chim_key *key)
{
	memset(key, 0, sizeof(*key));
	if (tuple->family == CHIM_AF_INET6) {
		memcpy(key->v6.remote_addr, tuple->remote_addr, 16);
		memcpy(key->v6.local_addr, tuple->local_addr, 16);
		key->v6.remote_port = tuple->remote_port;
		key->v6.local_port = tuple->local_port;
		key->v6.port_number = tuple->port_number;
		return;
	}
	memcpy(&key->v4.remote_addr, tuple->remote_addr, 4);
	memcpy(&key->v4.local_addr, tuple->local_addr, 4);
	key->v4.remote_port = tuple->remote_port;
	key->v4.local_port = tuple->local_port;
	key->v4.port_number = tuple->port_number;
}

void
chim_wire_tuple(const union chim_key *key, bool is_ip6, struct chim_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	if (is_ip6) {
		tuple->family = CHIM_AF_INET6;
		tuple->port_number = key->v6.port_number;
		tuple->local_port = key->v6.local_port;
		tuple->remote_port = key->v6.remote_port;
		memcpy(tuple->local_addr, key->v6.local_addr, 16);
		memcpy(tuple->remote_addr, key->v6.remote_addr, 16);
		return;
	}
	tuple->family = CHIM_AF_INET;
	tuple->port_number = key->v4.port_number;
	tuple->local_port = key->v4.local_port;
	tuple->remote_port = key->v4.remote_port;
	memcpy(tuple->local_addr, &key->v4.local_addr, 4);
	memcpy(tuple->remote_addr, &key->v4.remote_addr, 4);
}

/* Keys are laid out as RSS reads a frame: source, destination, ports. */
uint32_t
chim_wire_rss_hash(const union chim_key *key, bool is_ip6, const uint8_t *rss_key)
{
	uint32_t nb = is_ip6 ? 9 : 3;
	uint32_t words[9];
	uint32_t rss_words[10]; /* rte_softrss() reads whole words, one beyond its input */

	memcpy(words, key, nb * sizeof(words[0]));
	memcpy(rss_words, rss_key, (nb + 1) * sizeof(rss_words[0]));
	for (uint32_t i = 0; i < nb; i++)
		words[i] = rte_be_to_cpu_32(words[i]);
	return rte_softrss(words, nb, (const uint8_t *)rss_words);
}
