/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The table of options: one row each, with the function that understands its
 * value. args.c and config.c look names up here; the help text below is
 * checked against the table by a test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_string_fns.h>

#include "chim_base.h"
#include "chim_dp.h"
#include "chim_port.h"
#include "options.h"
#include "value.h"

static const char help_text[] =
	"chimney: take live Linux TCP connections onto DPDK lcores, and give them back\n"
	"  chimney <EAL arguments> -- <options>        or: chimney --config=FILE\n"
	"Ports and lcores\n"
	"  --port=WIRE,EXCEPTION[,IFNAME]  ethdev names; IFNAME if its driver does not tell it\n"
	"  --workers=LCORES     poll-mode lcores (all but the main one, or the main one alone)\n"
	"  --idle=HOW           spin, pause, sleep, interrupt (pause; sleep if no CPU is left)\n"
	"  --mtu=N --descriptors=N --software-only    of ports; no NIC offloads\n"
	"Size\n"
	"  --connections=N      of each worker (16384)   --connections-ip6=N  of them by IPv6 (all)\n"
	"  --mbufs=N            of each worker (by memory)   --host-mbufs=N  to send (by memory)\n"
	"  --mbuf-size=BYTES    to receive (2048, or what the MTU needs)\n"
	"  --content=MB         of files, kept to be sent from (by memory, 64 at most; 0: none)\n"
	"TCP\n"
	"  --congestion=NAME    cubic (default), newreno, dctcp\n"
	"  --profile=NAME       rfc (default); chimney: NewReno, RTO from 300 ms, L = 4\n"
	"Connections\n"
	"  --listen=[ADDR:]PORT,SERVICE[=ARG][,offload=WHEN]\n"
	"      echo, discard, park, source=LENGTH, http=DIRECTORY; IPv6 as [::]:80\n"
	"  --offload=WHEN       accept, never (default), or when it has proved worth it:\n"
	"      bytes:N  rate:N a second  age:MS  rtt:MS at most; BOTH+THIS; auto=bytes:130K+rtt:20\n"
	"  --upload-idle=S      back to the kernel after S idle seconds (0: never)\n"
	"  --hold-ms=N          longest pause of a move (1000)\n"
	"  --no-hold            do without: loses data, only to prove that it is needed\n"
	"Running\n"
	"  --config=FILE        every option as NAME = VALUE in [chimney]; EAL's in [eal]\n"
	"  --control=PATH --group=NAME    socket for chimneyctl, and who may use it\n"
	"  --drain=S            after SIGTERM go on for at most S seconds (30)\n"
	"  --check-config --version --help\n"
	"Exit: 0 stopped, 1 could not start, 2 bad option or file, 3 missing capability,\n"
	"  4 stopped with connections that had not ended\n";

const char *
app_help(void)
{
	return help_text;
}

static int
set_port(struct app_options *o, const char *value, char *why)
{
	struct app_port_options *p = &o->port[o->nb_ports];
	char text[200];
	char *part[4];
	int nb;

	if (o->nb_ports == APP_MAX_PORTS)
		return app_value_refuse(why, "'%s': at most 8 ports", value);
	if (strlcpy(text, value, sizeof(text)) >= sizeof(text))
		return app_value_refuse(why, "'%s' is too long", value);
	nb = rte_strsplit(text, (int)strlen(text), part, 4, ',');
	if (nb < 2 || nb > 3)
		return app_value_refuse(
			why, "'%s' is not WIRE,EXCEPTION[,IFNAME]: net_af_packet0,net_tap0", value);
	if (strlcpy(p->wire, part[0], sizeof(p->wire)) >= sizeof(p->wire) ||
		strlcpy(p->exception, part[1], sizeof(p->exception)) >= sizeof(p->exception))
		return app_value_refuse(why, "'%s': a name is too long", value);
	p->ifname[0] = '\0';
	if (nb == 3 && strlcpy(p->ifname, part[2], sizeof(p->ifname)) >= sizeof(p->ifname))
		return app_value_refuse(
			why, "'%s': an interface name has at most 15 letters", value);
	o->nb_ports++;
	return 0;
}

/* "[ADDR:]PORT", the address of IPv6 in brackets. */
static int
parse_address(struct sockaddr_storage *out, char *text, char *why)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	char *colon = strrchr(text, ':');
	const char *digits = colon == NULL ? text : colon + 1;
	uint32_t port;

	memset(out, 0, sizeof(*out));
	if (app_value_number(&port, digits, 1, 65535, why) != 0)
		return -EINVAL;
	if (colon != NULL)
		*colon = '\0';
	if (text[0] == '[' && colon != NULL) {
		text[strcspn(text, "]")] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, text + 1, &in6->sin6_addr) != 1)
			return app_value_refuse(why, "'%s]' is not an IPv6 address", text);
		return 0;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	if (colon != NULL && inet_pton(AF_INET, text, &in->sin_addr) != 1)
		return app_value_refuse(
			why, "'%s' is not an IPv4 address (IPv6 in brackets: [::]:80)", text);
	return 0;
}

static int
set_listen(struct app_options *o, const char *value, char *why)
{
	struct app_listener_options *l = &o->listener[o->nb_listeners];
	char text[300];
	char *part[4];
	int nb;

	if (o->nb_listeners == APP_MAX_LISTENERS)
		return app_value_refuse(why, "'%s': at most 32 listeners", value);
	if (strlcpy(text, value, sizeof(text)) >= sizeof(text))
		return app_value_refuse(why, "'%s' is too long", value);
	memset(l, 0, sizeof(*l));
	nb = rte_strsplit(text, (int)strlen(text), part, 4, ',');
	if (nb < 2 || nb > 3 || (nb == 3 && strncmp(part[2], "offload=", 8) != 0))
		return app_value_refuse(
			why, "'%s' is not [ADDR:]PORT,SERVICE[=ARG][,offload=WHEN]", value);
	if (parse_address(&l->addr, part[0], why) != 0)
		return -EINVAL;
	if (app_value_service(l->service, l->arg, part[1], why) != 0)
		return -EINVAL;
	l->has_policy = nb == 3;
	if (nb == 3 && app_policy_parse(&l->policy, part[2] + 8, why) != 0)
		return -EINVAL;
	o->nb_listeners++;
	return 0;
}

static int
set_idle(struct app_options *o, const char *value, char *why)
{
	static const char *const names[] = { [CHIM_IDLE_SPIN] = "spin",
		[CHIM_IDLE_PAUSE] = "pause",
		[CHIM_IDLE_SLEEP] = "sleep",
		[CHIM_IDLE_INTERRUPT] = "interrupt",
		NULL };

	return app_value_one_of(&o->idle, value, names, why);
}

static int
set_congestion(struct app_options *o, const char *value, char *why)
{
	static const char *const names[] = { "newreno", "cubic", "dctcp", NULL };
	int rc = app_value_one_of(&o->congestion, value, names, why);

	o->congestion += CHIM_CC_NEWRENO;
	return rc;
}

static int
set_profile(struct app_options *o, const char *value, char *why)
{
	static const char *const names[] = { "rfc", "chimney", NULL };
	uint32_t which = 0;
	int rc = app_value_one_of(&which, value, names, why);

	o->chimney_profile = which == 1;
	return rc;
}

static int
set_workers(struct app_options *o, const char *value, char *why)
{
	if (value[strspn(value, "0123456789,-")] != '\0')
		return app_value_refuse(why, "'%s' is not a list of lcores: 1-3 or 1,2", value);
	return app_value_text(o->workers, sizeof(o->workers), value, why);
}

static int
set_offload(struct app_options *o, const char *value, char *why)
{
	return app_policy_parse(&o->policy, value, why);
}

static int
set_config(struct app_options *o, const char *value, char *why)
{
	return app_value_text(o->config, sizeof(o->config), value, why);
}

static int
set_control(struct app_options *o, const char *value, char *why)
{
	if (value[0] != '/' || strlen(value) > 100)
		return app_value_refuse(
			why, "'%s' is not an absolute path of at most 100 letters", value);
	return app_value_text(o->control, sizeof(o->control), value, why);
}

static int
set_group(struct app_options *o, const char *value, char *why)
{
	if (getgrnam(value) == NULL)
		return app_value_refuse(why, "there is no group '%s'", value);
	return app_value_text(o->group, sizeof(o->group), value, why);
}

#define OPTION_NUMBER(name, field, least, most)                                    \
	static int set_##name(struct app_options *o, const char *value, char *why) \
	{                                                                          \
		return app_value_number(&o->field, value, least, most, why);       \
	}
OPTION_NUMBER(connections, max_connections, 1, 1u << 24)
OPTION_NUMBER(connections_ip6, max_ip6, 1, 1u << 24)
OPTION_NUMBER(mbufs, mbufs, 1024, 1u << 26)
OPTION_NUMBER(host_mbufs, host_mbufs, 256, 1u << 26)
OPTION_NUMBER(content, content_mb, 0, 1u << 20)
OPTION_NUMBER(mbuf_size, mbuf_size, 2048, 64512)
OPTION_NUMBER(mtu, mtu, 576, CHIM_PORT_MTU_MAX)
OPTION_NUMBER(descriptors, descriptors, 64, 32768)
OPTION_NUMBER(upload_idle, upload_idle_s, 0, 1u << 20)
OPTION_NUMBER(hold_ms, hold_ms, 10, 60000)
OPTION_NUMBER(drain, drain_s, 0, 86400)

#define OPTION_FLAG(name, field)                                                   \
	static int set_##name(struct app_options *o, const char *value, char *why) \
	{                                                                          \
		(void)value;                                                       \
		(void)why;                                                         \
		o->field = true;                                                   \
		return 0;                                                          \
	}
OPTION_FLAG(software_only, software_only)
OPTION_FLAG(no_hold, no_hold)
OPTION_FLAG(check_config, check_only)
OPTION_FLAG(version, show_version)
OPTION_FLAG(help, show_help)

static const struct option_row {
	const char *name;
	bool has_value;
	int (*set)(struct app_options *o, const char *value, char *why);
} rows[] = {
	{ "port", true, set_port },
	{ "workers", true, set_workers },
	{ "idle", true, set_idle },
	{ "mtu", true, set_mtu },
	{ "descriptors", true, set_descriptors },
	{ "software-only", false, set_software_only },
	{ "connections", true, set_connections },
	{ "connections-ip6", true, set_connections_ip6 },
	{ "mbufs", true, set_mbufs },
	{ "host-mbufs", true, set_host_mbufs },
	{ "mbuf-size", true, set_mbuf_size },
	{ "content", true, set_content },
	{ "congestion", true, set_congestion },
	{ "profile", true, set_profile },
	{ "listen", true, set_listen },
	{ "offload", true, set_offload },
	{ "upload-idle", true, set_upload_idle },
	{ "hold-ms", true, set_hold_ms },
	{ "no-hold", false, set_no_hold },
	{ "config", true, set_config },
	{ "control", true, set_control },
	{ "group", true, set_group },
	{ "drain", true, set_drain },
	{ "check-config", false, set_check_config },
	{ "version", false, set_version },
	{ "help", false, set_help },
};

static const struct option_row *
find_row(const char *name)
{
	for (size_t i = 0; i < CHIM_DIM(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static const char *
nearest(const char *name)
{
	const char *best = rows[0].name;

	for (size_t i = 1; i < CHIM_DIM(rows); i++) {
		if (app_word_distance(rows[i].name, name) < app_word_distance(best, name))
			best = rows[i].name;
	}
	return best;
}

int
app_option_set(struct app_options *o, const char *name, const char *value, char *why)
{
	const struct option_row *row = find_row(name);
	char detail[APP_WHY] = "";
	int rc;

	if (row == NULL) {
		snprintf(why, APP_WHY, "no option '%s'; is it '%s'?", name, nearest(name));
		return -ENOENT;
	}
	if (row->has_value && (value == NULL || value[0] == '\0')) {
		snprintf(why, APP_WHY, "option '%s' needs a value", name);
		return -EINVAL;
	}
	if (!row->has_value && value != NULL && value[0] != '\0' && strcmp(value, "yes") != 0) {
		snprintf(why, APP_WHY, "option '%s' takes no value (in a file: yes)", name);
		return -EINVAL;
	}
	rc = row->set(o, value, detail);
	if (rc != 0)
		snprintf(why, APP_WHY, "option '%s': %.200s", name, detail);
	return rc;
}

bool
app_option_has_value(const char *name)
{
	const struct option_row *row = find_row(name);

	return row != NULL && row->has_value;
}

void
app_options_init(struct app_options *o)
{
	memset(o, 0, sizeof(*o));
	o->idle = APP_IDLE_AUTO;
	o->max_connections = 16384;
	o->content_mb = APP_CONTENT_AUTO;
	o->congestion = CHIM_CC_CUBIC;
	o->policy.kind = APP_POLICY_NEVER;
	o->hold_ms = 1000;
	o->drain_s = 30;
}

int
app_options_check(const struct app_options *o, char *why)
{
	if (o->nb_ports == 0)
		return app_value_refuse(
			why, "there is no port: --port=net_af_packet0,net_tap0%s", "");
	for (uint32_t i = 0; i < o->nb_listeners; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (memcmp(&o->listener[i].addr, &o->listener[j].addr,
				    sizeof(o->listener[i].addr)) != 0)
				continue;
			snprintf(why, APP_WHY, "two listeners on one address and port: %s and %s",
				o->listener[j].service, o->listener[i].service);
			return -EINVAL;
		}
	}
	for (uint32_t i = 0; i < o->nb_ports; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(o->port[i].wire, o->port[j].wire) == 0)
				return app_value_refuse(
					why, "port '%s' is named twice", o->port[i].wire);
		}
		if (strcmp(o->port[i].wire, o->port[i].exception) == 0)
			return app_value_refuse(
				why, "port '%s' cannot be its own exception port", o->port[i].wire);
	}
	return 0;
}
