/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What can be asked at the control socket. A request is one JSON object on a
 * line, {"cmd": "list", ...}; the answer is one as well, with "ok" and, where
 * that is false, "error". The table at the end is the list of commands.
 */
#include <errno.h>
#include <string.h>

#include "agent.h"

#define PAGE 256u

static json_t *
fail(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static struct agent_conn *
find_conn(struct agent *a, const json_t *request)
{
	const json_t *id = json_object_get(request, "id");

	return json_is_integer(id) ? agent_conn_find(a, (uint64_t)json_integer_value(id)) : NULL;
}

/* {"from": slot, "home": name}: a page of connections, and where the next one begins. */
static json_t *
do_list(struct agent *a, const json_t *request, int *lent_fd)
{
	const char *home = json_string_value(json_object_get(request, "home"));
	uint32_t at = (uint32_t)json_integer_value(json_object_get(request, "from"));
	json_t *list = json_array();

	(void)lent_fd;
	for (; at < a->top && json_array_size(list) < PAGE; at++) {
		struct agent_conn *c = &a->conn[at];

		if (c->generation == 0)
			continue;
		if (home != NULL && strcmp(home, chim_home_name(agent_conn_home(c))) != 0)
			continue;
		json_array_append_new(list, agent_view_conn(a, c, false));
	}
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "connections", list, "next",
		at < a->top ? json_integer(at) : json_null());
}

static json_t *
do_show(struct agent *a, const json_t *request, int *lent_fd)
{
	struct agent_conn *c = find_conn(a, request);

	(void)lent_fd;
	if (c == NULL)
		return fail("no such connection");
	return json_pack("{s:b, s:o}", "ok", 1, "connection", agent_view_conn(a, c, true));
}

/* Is it, or will it be, anywhere else? One that is on its way there turns round when it arrives. */
static bool
may_move(const struct agent_conn *c, enum agent_want want)
{
	enum chim_home home = agent_conn_home(c);
	bool is_engines = home == CHIM_HOME_ENGINE || home == CHIM_HOME_TO_ENGINE;
	bool is_kernels = home == CHIM_HOME_KERNEL || home == CHIM_HOME_TO_KERNEL;
	bool is_leaving = c->want != AGENT_WANT_NOTHING && c->want != want;

	if (c->kc == NULL || chim_stream_is_finished(c->stream))
		return false;
	return want == AGENT_WANT_OFFLOAD ? is_kernels || (is_engines && is_leaving)
					  : is_engines || (is_kernels && is_leaving);
}

/* {"id": n} one, {"all": true} every one that can. */
static json_t *
move(struct agent *a, const json_t *request, enum agent_want want)
{
	uint32_t started = 0;

	if (a->is_stopping && want == AGENT_WANT_OFFLOAD)
		return fail("chimney is stopping");
	if (!json_is_true(json_object_get(request, "all"))) {
		struct agent_conn *c = find_conn(a, request);

		if (c == NULL)
			return fail("no such connection");
		if (!may_move(c, want))
			return fail(want == AGENT_WANT_OFFLOAD ? "it is not at home in the kernel"
							       : "it is not in the engine");
		c->is_pinned = true;
		agent_move_want(a, c, want, AGENT_CAUSE_HAND);
		return json_pack("{s:b, s:i}", "ok", 1, "started", 1);
	}
	for (uint32_t i = 0; i < a->top; i++) {
		struct agent_conn *c = &a->conn[i];

		if (c->generation == 0 || !may_move(c, want))
			continue;
		c->is_pinned = true;
		agent_move_want(a, c, want, AGENT_CAUSE_HAND);
		started++;
	}
	return json_pack("{s:b, s:i}", "ok", 1, "started", (int)started);
}

static json_t *
do_offload(struct agent *a, const json_t *request, int *lent_fd)
{
	(void)lent_fd;
	return move(a, request, AGENT_WANT_OFFLOAD);
}

static json_t *
do_upload(struct agent *a, const json_t *request, int *lent_fd)
{
	(void)lent_fd;
	return move(a, request, AGENT_WANT_UPLOAD);
}

static json_t *
do_stats(struct agent *a, const json_t *request, int *lent_fd)
{
	(void)request;
	(void)lent_fd;
	return json_pack("{s:b, s:o}", "ok", 1, "stats", agent_view_stats(a));
}

static json_t *
do_drops(struct agent *a, const json_t *request, int *lent_fd)
{
	(void)request;
	(void)lent_fd;
	return json_pack("{s:b, s:o}", "ok", 1, "drops", agent_view_drops(a));
}

static const struct {
	const char *name;
	json_t *(*run)(struct agent *a, const json_t *request, int *lent_fd);
} commands[] = {
	{ "list", do_list },
	{ "show", do_show },
	{ "offload", do_offload },
	{ "upload", do_upload },
	{ "stats", do_stats },
	{ "drops", do_drops },
	{ "lend", agent_command_lend },
	{ "return", agent_command_return },
};

json_t *
agent_command_run(struct agent *a, const json_t *request, int *lent_fd)
{
	const char *name = json_string_value(json_object_get(request, "cmd"));

	if (name == NULL)
		return fail("a request is {\"cmd\": NAME, ...}");
	for (size_t i = 0; i < CHIM_DIM(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(a, request, lent_fd);
	}
	return fail("no such command: list, show, offload, upload, stats, drops, lend, return");
}
