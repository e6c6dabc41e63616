/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * RSS over the full 4-tuple of TCP. The key is ours where its length is known,
 * so that it is the same after each start; what counts is what is read back.
 */
#include <string.h>

#include "port_internal.h"

#define RSS_TCP (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

/* The key of the public RSS verification suite, continued for devices with 52 bytes. */
static const uint8_t key_bytes[52] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
	0x1d, 0x4b, 0x9c, 0x63, 0x5e, 0xe8, 0x07, 0x92, 0xd4, 0x3f, 0x70, 0xa9 };

void
port_rss_ask(struct port_dev *d, struct rte_eth_conf *conf)
{
	uint8_t key_len = d->info.hash_key_size;

	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = RSS_TCP & d->info.flow_type_rss_offloads;
	if (key_len != 40 && key_len != sizeof(d->rss_key))
		return; /* the driver's own key */
	memcpy(d->rss_key, key_bytes, sizeof(d->rss_key));
	conf->rx_adv_conf.rss_conf.rss_key = d->rss_key;
	conf->rx_adv_conf.rss_conf.rss_key_len = key_len;
}

static bool
read_key(const struct port_dev *d, struct chim_port *p)
{
	struct rte_eth_rss_conf conf = { .rss_key = p->rss_key, .rss_key_len = sizeof(p->rss_key) };
	uint8_t key_len = d->info.hash_key_size != 0 ? d->info.hash_key_size : 40;

	/* Drivers write hash_key_size bytes; the tuple of IPv6 needs 40. */
	if (key_len < 40 || key_len > sizeof(p->rss_key))
		return false;
	conf.rss_key_len = key_len;
	if (rte_eth_dev_rss_hash_conf_get(d->id, &conf) != 0)
		return false;
	p->rss_key_len = key_len;
	return (conf.rss_hf & RSS_TCP) == RSS_TCP;
}

static bool
read_table(const struct port_dev *d, struct chim_port *p)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_DIM(p->reta) / RTE_ETH_RETA_GROUP_SIZE];
	uint16_t size = d->info.reta_size;

	if (size > RTE_DIM(p->reta) || !rte_is_power_of_2(size) || size < RTE_ETH_RETA_GROUP_SIZE)
		return false;
	for (uint32_t i = 0; i < RTE_DIM(reta); i++)
		reta[i].mask = UINT64_MAX;
	if (rte_eth_dev_rss_reta_query(d->id, reta, size) != 0)
		return false;
	for (uint16_t i = 0; i < size; i++)
		p->reta[i] = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	p->reta_size = size;
	return true;
}

void
port_rss_read(const struct port_dev *d, struct chim_port *p)
{
	p->has_rss = d->has_rss && read_key(d, p) && read_table(d, p);
	if (!p->has_rss)
		p->reta_size = 0;
}
