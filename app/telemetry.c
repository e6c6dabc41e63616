/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Read-only telemetry, for dpdk-telemetry.py and what collects from it:
 * /chimney/worker, /chimney/drops, /chimney/conns, /chimney/conn, /chimney/ctl.
 * Runs on the library's thread and reads counters that others write.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_telemetry.h>

#include "app.h"
#include "chim_handle.h"

#define MAX_HANDLES 200u /* of one answer; the library's limit of an array is 512 */

/* The library cannot be told to forget a command: NULL once the engine is going. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct app_engine *engine;

static void
add_family(struct rte_tel_data *d, const char *name, const struct chim_family_stats *st)
{
	struct rte_tel_data *o = rte_tel_data_alloc();

	if (o == NULL)
		return;
	rte_tel_data_start_dict(o);
#define ADD_FAMILY(field) rte_tel_data_add_dict_u64(o, #field, st->field);
	CHIM_FAMILY_STATS_LIST(ADD_FAMILY)
	rte_tel_data_add_dict_container(d, name, o, 0);
}

static void
add_tcp(struct rte_tel_data *d, const struct chim_tcp_counters *tcp)
{
	struct rte_tel_data *o = rte_tel_data_alloc();

	if (o == NULL)
		return;
	rte_tel_data_start_dict(o);
#define ADD_TCP(field) rte_tel_data_add_dict_u64(o, #field, tcp->field);
	CHIM_TCP_COUNTER_LIST(ADD_TCP)
	rte_tel_data_add_dict_container(d, "tcp", o, 0);
}

/* The worker that a parameter names, the first without one. */
static int
find_worker(const char *params, uint32_t *id)
{
	*id = params == NULL ? 0 : (uint32_t)strtoul(params, NULL, 10);
	return *id < engine->nb_workers ? 0 : -EINVAL;
}

static int
show_worker(struct rte_tel_data *d, const char *params)
{
	const struct chim_dp_counters *n;
	uint32_t id;

	if (find_worker(params, &id) != 0)
		return -EINVAL;
	n = chim_dp_counters(engine->worker[id]);
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_u64(d, "worker", id);
	rte_tel_data_add_dict_u64(d, "lcore", engine->lcore[id]);
	rte_tel_data_add_dict_u64(d, "connections", chim_dp_nb_connections(engine->worker[id]));
#define ADD_WORKER(field) rte_tel_data_add_dict_u64(d, #field, n->field);
	CHIM_DP_COUNTER_LIST(ADD_WORKER)
	add_tcp(d, &n->tcp);
	add_family(d, "ip4", &n->ip4);
	add_family(d, "ip6", &n->ip6);
	return 0;
}

static int
show_drops(struct rte_tel_data *d, const char *params)
{
	(void)params;
	rte_tel_data_start_dict(d);
	for (uint32_t why = CHIM_WHY_NONE + 1; why < CHIM_WHY_MAX; why++) {
		uint64_t nb = 0;

		for (uint32_t i = 0; i < engine->nb_workers; i++) {
			const struct chim_dp_counters *n = chim_dp_counters(engine->worker[i]);

			nb += n->why[why] + n->kernel_why[why];
		}
		rte_tel_data_add_dict_u64(d, chim_why_name(why), nb);
	}
	return 0;
}

/* Which connections /chimney/conns lists: "worker,from,what=value,...". */
struct conn_filter {
	uint32_t worker;
	uint32_t from;	     /* slot */
	const char *state;   /* NULL = any */
	const char *address; /* of the remote end; NULL = any */
	uint64_t local;	     /* ports; 0 = any */
	uint64_t remote;
};

static bool
read_number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return end != text && *end == '\0' && *out <= most;
}

/* The first two words are numbers, the others name what they ask for. */
static bool
take_word(struct conn_filter *f, uint32_t nth, char *word)
{
	char *value = strchr(word, '=');
	uint64_t n;

	if (value == NULL) {
		if (nth > 1 || !read_number(word, UINT32_MAX, &n))
			return false;
		*(nth == 0 ? &f->worker : &f->from) = (uint32_t)n;
		return true;
	}
	*value++ = '\0';
	if (strcmp(word, "state") == 0)
		f->state = value;
	else if (strcmp(word, "address") == 0)
		f->address = value;
	else if (strcmp(word, "local") == 0)
		return read_number(value, UINT16_MAX, &f->local);
	else if (strcmp(word, "remote") == 0)
		return read_number(value, UINT16_MAX, &f->remote);
	else
		return false;
	return true;
}

/* @param text what the filter's words point into. @return false: it is not one. */
static bool
read_filter(struct conn_filter *f, char *text)
{
	uint32_t nth = 0;
	char *save, *word;

	*f = (struct conn_filter){ 0 };
	for (word = strtok_r(text, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
		if (!take_word(f, nth++, word))
			return false;
	}
	return f->worker < engine->nb_workers;
}

static bool
matches(const struct conn_filter *f, const struct chim_dp_conn_view *v)
{
	const struct chim_tuple *t = &v->tuple;
	char text[INET6_ADDRSTRLEN] = "?";

	if (f->state != NULL && strcasecmp(f->state, chim_tcp_state_name(v->tcp.state)) != 0)
		return false;
	if ((f->local != 0 && f->local != ntohs(t->local_port)) ||
		(f->remote != 0 && f->remote != ntohs(t->remote_port)))
		return false;
	if (f->address == NULL)
		return true;
	inet_ntop(t->family == CHIM_AF_INET6 ? AF_INET6 : AF_INET, t->remote_addr, text,
		sizeof(text));
	return strcmp(f->address, text) == 0;
}

/* Handles of those that match, and the slot to go on from. */
static void
list_conns(struct rte_tel_data *list, const struct conn_filter *f, uint32_t *next)
{
	const struct chim_worker *w = engine->worker[f->worker];
	struct chim_dp_conn_view v;
	uint32_t at = f->from;
	int rc = 0;

	for (uint32_t nb = 0; nb < MAX_HANDLES; at++) {
		char text[24];

		rc = chim_dp_describe(w, at, &v);
		if (rc == -ERANGE)
			break;
		if (rc != 0 || !matches(f, &v))
			continue;
		snprintf(text, sizeof(text), "0x%016" PRIx64, v.handle);
		rte_tel_data_add_array_string(list, text);
		nb++;
	}
	*next = rc == -ERANGE ? 0 : at;
}

static int
show_conns(struct rte_tel_data *d, const char *params)
{
	struct rte_tel_data *list;
	struct conn_filter filter;
	uint32_t next;
	char text[256];

	if (params != NULL && strlen(params) >= sizeof(text))
		return -EINVAL;
	snprintf(text, sizeof(text), "%s", params != NULL ? params : "");
	if (!read_filter(&filter, text))
		return -EINVAL;
	list = rte_tel_data_alloc();
	if (list == NULL)
		return -ENOMEM;
	rte_tel_data_start_array(list, RTE_TEL_STRING_VAL);
	list_conns(list, &filter, &next);
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_container(d, "handles", list, 0);
	rte_tel_data_add_dict_u64(d, "next", next);
	return 0;
}

static void
add_address(struct rte_tel_data *d, const char *name, const struct chim_tuple *t, bool is_local)
{
	char host[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 8];

	inet_ntop(t->family == CHIM_AF_INET6 ? AF_INET6 : AF_INET,
		is_local ? t->local_addr : t->remote_addr, host, sizeof(host));
	snprintf(text, sizeof(text), "%s %u", host,
		ntohs(is_local ? t->local_port : t->remote_port));
	rte_tel_data_add_dict_string(d, name, text);
}

static void
add_tcp_view(struct rte_tel_data *d, const struct chim_tcp_view *v)
{
	rte_tel_data_add_dict_string(d, "state", chim_tcp_state_name(v->state));
#define ADD_VIEW(field) rte_tel_data_add_dict_u64(d, #field, v->field);
	ADD_VIEW(snd_una)
	ADD_VIEW(snd_nxt)
	ADD_VIEW(snd_max)
	ADD_VIEW(snd_wnd)
	ADD_VIEW(rcv_nxt)
	ADD_VIEW(rcv_wnd)
	ADD_VIEW(cwnd)
	ADD_VIEW(ssthresh)
	ADD_VIEW(mss)
	ADD_VIEW(srtt_us)
	ADD_VIEW(rttvar_us)
	ADD_VIEW(rto_us)
	ADD_VIEW(send_queue_bytes)
	ADD_VIEW(recv_queue_bytes)
	ADD_VIEW(reassembly_bytes)
	ADD_VIEW(retransmits)
	ADD_VIEW(bytes_in)
	ADD_VIEW(bytes_out)
	ADD_VIEW(in_recovery)
}

static int
show_conn(struct rte_tel_data *d, const char *params)
{
	chim_handle_t handle = params == NULL ? 0 : strtoull(params, NULL, 0);
	uint32_t id = chim_handle_owner(handle);
	struct chim_dp_conn_view v;

	if (handle == 0 || id >= engine->nb_workers ||
		chim_dp_describe(engine->worker[id], chim_handle_index(handle), &v) != 0 ||
		v.handle != handle)
		return -ENOENT;
	rte_tel_data_start_dict(d);
	add_address(d, "local", &v.tuple, true);
	add_address(d, "remote", &v.tuple, false);
	rte_tel_data_add_dict_u64(d, "host", v.host);
	rte_tel_data_add_dict_u64(d, "path", v.path);
	rte_tel_data_add_dict_u64(d, "invalid", v.is_invalid);
	add_tcp_view(d, &v.tcp);
	return 0;
}

static int
show_ctl(struct rte_tel_data *d, const char *params)
{
	const struct chim_ctl_counters *n = chim_ctl_counters(engine->ctl);

	(void)params;
	rte_tel_data_start_dict(d);
#define ADD_CTL(field) rte_tel_data_add_dict_u64(d, #field, n->field);
	CHIM_CTL_COUNTER_LIST(ADD_CTL)
	ADD_CTL(neighbors)
	ADD_CTL(paths)
	ADD_CTL(connections)
	for (uint32_t i = 0; i < CHIM_OP_MAX; i++)
		rte_tel_data_add_dict_u64(d, chim_op_name(i), n->op[i]);
	for (uint32_t i = CHIM_REASON_NONE + 1; i < CHIM_REASON_MAX; i++) {
		if (n->reason[i] > 0)
			rte_tel_data_add_dict_u64(d, chim_reason_name(i), n->reason[i]);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*show)(struct rte_tel_data *d, const char *params);
	const char *help;
} commands[] = {
	{ "/chimney/worker", show_worker, "Counters of a worker. Parameter: worker" },
	{ "/chimney/drops", show_drops, "Frames that left the straight path, by reason" },
	{ "/chimney/conns", show_conns,
		"Handles of connections. Parameters: worker,from,state=S,local=PORT,remote=PORT,address=A" },
	{ "/chimney/conn", show_conn, "One connection. Parameter: handle" },
	{ "/chimney/ctl", show_ctl, "Counters of the control lcore" },
};

static int
on_command(const char *cmd, const char *params, struct rte_tel_data *d)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < CHIM_DIM(commands) && engine != NULL; i++) {
		if (strcmp(commands[i].name, cmd) == 0)
			rc = commands[i].show(d, params);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int
app_telemetry_register(struct app_engine *e)
{
	engine = e;
	for (size_t i = 0; i < CHIM_DIM(commands); i++) {
		int rc = rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help);

		if (rc != 0)
			return rc;
	}
	return 0;
}

void
app_telemetry_unregister(void)
{
	pthread_mutex_lock(&lock);
	engine = NULL;
	pthread_mutex_unlock(&lock);
}
