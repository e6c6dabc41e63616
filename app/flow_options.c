/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A section [flow-set] of the configuration file: one row for each key, with
 * the function that understands its value. config.c calls it line by line, then
 * once to check the whole.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "chim.h"
#include "chim_base.h"
#include "options.h"
#include "value.h"

#define MAX_SET	 (1u << 24)
#define MAX_WIND (1u << 30)

void
app_flow_set_init(struct app_flow_set *f, const char *name)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->mtu = 1500;
	f->seq = 1;
	f->peer_seq = 1;
	f->window = 65535;
	f->receive_buffer = 65535;
	f->mss = 1460;
}

/* ---- ranges ---- */

/* "FIRST" or "FIRST-LAST": the two halves. @return -EINVAL when it is too long. */
static int
split_range(char *first, char **last, size_t size, const char *value)
{
	char *dash;

	if (snprintf(first, size, "%s", value) >= (int)size)
		return -EINVAL;
	dash = strchr(first, '-');
	if (dash != NULL)
		*dash = '\0';
	*last = dash != NULL ? dash + 1 : first;
	return 0;
}

static uint32_t
parse_address(const char *text, uint8_t *out)
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out) == 1)
		return CHIM_AF_INET;
	if (inet_pton(AF_INET6, text, out) == 1)
		return CHIM_AF_INET6;
	return 0;
}

static uint32_t
low_bits(const uint8_t *addr, uint32_t family)
{
	uint32_t low;

	memcpy(&low, addr + (family == CHIM_AF_INET ? 0 : 12), sizeof(low));
	return ntohl(low);
}

/* Within a range only the last 32 bits change. */
static int
set_addresses(struct app_flow_set *f, uint8_t *first, uint32_t *nb, const char *value, char *why)
{
	char text[100];
	char *end;
	uint8_t last[16];
	uint32_t family;

	if (split_range(text, &end, sizeof(text), value) != 0)
		return app_value_refuse(why, "'%s' is too long", value);
	family = parse_address(text, first);
	if (family == 0 || parse_address(end, last) != family)
		return app_value_refuse(
			why, "'%s' is not ADDRESS or FIRST-LAST of one family", value);
	if (f->family != 0 && f->family != family)
		return app_value_refuse(
			why, "'%s' is of another family than the other addresses", value);
	if (family == CHIM_AF_INET6 && memcmp(first, last, 12) != 0)
		return app_value_refuse(why, "'%s': only the last 32 bits may differ", value);
	if (low_bits(last, family) < low_bits(first, family) ||
		low_bits(last, family) - low_bits(first, family) >= MAX_SET)
		return app_value_refuse(
			why, "'%s': the last is before the first, or too far off", value);
	f->family = family;
	*nb = low_bits(last, family) - low_bits(first, family) + 1;
	return 0;
}

static int
set_ports(uint16_t *first, uint32_t *nb, const char *value, char *why)
{
	uint32_t from, to;
	char text[32];
	char *end;

	if (split_range(text, &end, sizeof(text), value) != 0)
		return app_value_refuse(why, "'%s' is too long", value);
	if (app_value_number(&from, text, 1, 65535, why) != 0 ||
		app_value_number(&to, end, 1, 65535, why) != 0)
		return -EINVAL;
	if (to < from)
		return app_value_refuse(why, "'%s': the last is before the first", value);
	*first = (uint16_t)from;
	*nb = to - from + 1;
	return 0;
}

static int
set_local(struct app_flow_set *f, const char *value, char *why)
{
	return set_addresses(f, f->local, &f->nb_local, value, why);
}

static int
set_remote(struct app_flow_set *f, const char *value, char *why)
{
	return set_addresses(f, f->remote, &f->nb_remote, value, why);
}

static int
set_local_port(struct app_flow_set *f, const char *value, char *why)
{
	return set_ports(&f->local_port, &f->nb_local_ports, value, why);
}

static int
set_remote_port(struct app_flow_set *f, const char *value, char *why)
{
	return set_ports(&f->remote_port, &f->nb_remote_ports, value, why);
}

/* ---- the rest ---- */

static int
set_mac(uint8_t *out, const char *value, char *why)
{
	struct rte_ether_addr mac;

	if (rte_ether_unformat_addr(value, &mac) != 0 || !rte_is_valid_assigned_ether_addr(&mac))
		return app_value_refuse(why, "'%s' is not a station's MAC", value);
	memcpy(out, mac.addr_bytes, sizeof(mac.addr_bytes));
	return 0;
}

static int
set_local_mac(struct app_flow_set *f, const char *value, char *why)
{
	return set_mac(f->local_mac, value, why);
}

static int
set_remote_mac(struct app_flow_set *f, const char *value, char *why)
{
	return set_mac(f->remote_mac, value, why);
}

static int
set_service(struct app_flow_set *f, const char *value, char *why)
{
	return app_value_service(f->service, f->arg, value, why);
}

static int
set_yes(bool *out, const char *value, char *why)
{
	static const char *const names[] = { "no", "yes", NULL };
	uint32_t is_yes = 0;
	int rc = app_value_one_of(&is_yes, value, names, why);

	*out = is_yes != 0;
	return rc;
}

static int
set_timestamps(struct app_flow_set *f, const char *value, char *why)
{
	return set_yes(&f->has_timestamps, value, why);
}

static int
set_sack(struct app_flow_set *f, const char *value, char *why)
{
	return set_yes(&f->has_sack, value, why);
}

#define KEY_NUMBER(name, least, most)                                               \
	static int set_##name(struct app_flow_set *f, const char *value, char *why) \
	{                                                                           \
		return app_value_number(&f->name, value, least, most, why);         \
	}
KEY_NUMBER(connections, 1, MAX_SET)
KEY_NUMBER(port, 0, APP_MAX_PORTS - 1)
KEY_NUMBER(vlan, 1, 4094)
KEY_NUMBER(mtu, 576, 9600)
KEY_NUMBER(seq, 0, UINT32_MAX)
KEY_NUMBER(peer_seq, 0, UINT32_MAX)
KEY_NUMBER(window, 1, MAX_WIND)
KEY_NUMBER(window_scale, 0, 14)
KEY_NUMBER(receive_buffer, 536, MAX_WIND)
KEY_NUMBER(mss, 88, 65495)
KEY_NUMBER(congestion_window, 536, MAX_WIND)

static const struct key {
	const char *name;
	int (*set)(struct app_flow_set *f, const char *value, char *why);
} keys[] = {
	{ "service", set_service },
	{ "connections", set_connections },
	{ "port", set_port },
	{ "local", set_local },
	{ "local-port", set_local_port },
	{ "local-mac", set_local_mac },
	{ "remote", set_remote },
	{ "remote-port", set_remote_port },
	{ "remote-mac", set_remote_mac },
	{ "vlan", set_vlan },
	{ "mtu", set_mtu },
	{ "seq", set_seq },
	{ "peer-seq", set_peer_seq },
	{ "window", set_window },
	{ "window-scale", set_window_scale },
	{ "receive-buffer", set_receive_buffer },
	{ "mss", set_mss },
	{ "congestion-window", set_congestion_window },
	{ "timestamps", set_timestamps },
	{ "sack", set_sack },
};

int
app_flow_set_key(struct app_flow_set *f, const char *name, const char *value, char *why)
{
	char detail[APP_WHY] = "";
	int rc;

	for (size_t i = 0; i < CHIM_DIM(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (value == NULL || value[0] == '\0')
			return app_value_refuse(why, "'%s' needs a value", name);
		rc = keys[i].set(f, value, detail);
		if (rc != 0)
			snprintf(why, APP_WHY, "'%s': %.200s", name, detail);
		return rc;
	}
	snprintf(why, APP_WHY, "a flow set has no '%.100s'", name);
	return -ENOENT;
}

/* Saturates; every factor is below 2^24. */
static uint64_t
combinations(const struct app_flow_set *f)
{
	uint64_t nb = (uint64_t)f->nb_remote_ports * f->nb_local_ports;

	nb *= f->nb_remote;
	return nb >= MAX_SET ? nb : nb * f->nb_local;
}

int
app_flow_set_check(struct app_flow_set *f, char *why)
{
	static const uint8_t zero[6];
	uint64_t nb = combinations(f);

	if (f->service[0] == '\0')
		return app_value_refuse(why, "[%s] needs a service", f->name);
	if (nb == 0)
		return app_value_refuse(
			why, "[%s] needs local, local-port, remote, remote-port", f->name);
	if (memcmp(f->remote_mac, zero, sizeof(zero)) == 0)
		return app_value_refuse(why, "[%s] needs remote-mac, the generator's", f->name);
	if (f->connections > nb || (f->connections == 0 && nb > MAX_SET)) {
		snprintf(why, APP_WHY, "[%s]: its ranges make %llu connections", f->name,
			(unsigned long long)nb);
		return -EINVAL;
	}
	if (f->window > UINT16_MAX && f->window >> f->window_scale > UINT16_MAX)
		return app_value_refuse(
			why, "[%s]: a window over 65535 needs a window-scale", f->name);
	if (f->connections == 0)
		f->connections = (uint32_t)nb;
	return 0;
}
