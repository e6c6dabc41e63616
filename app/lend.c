/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Sockets of other processes: "lend" comes with a connected TCP socket
 * (SCM_RIGHTS) and names the service that uses its bytes meanwhile - park
 * leaves them in the connection. The lender keeps its own descriptor and does
 * not touch it until "return" answers that the socket is back: then everything
 * not read by a service is in it, and this process has closed its copy.
 *
 * A lender that dies changes nothing: its connection is served on.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"

static json_t *
fail(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

/* Which service, with which argument, under which policy? @return NULL when all is well. */
static const char *
read_request(const json_t *request, const struct chim_service **svc, const char **arg,
	struct app_policy *policy)
{
	static char why[APP_WHY];
	const char *name = json_string_value(json_object_get(request, "service"));
	const char *when = json_string_value(json_object_get(request, "offload"));

	*svc = name == NULL ? NULL : chim_service_find(name);
	*arg = json_string_value(json_object_get(request, "arg"));
	if (*svc == NULL)
		return "\"service\" is one of echo, discard, source, http, park";
	if (chim_service_check(*svc, *arg, why, sizeof(why)) != 0)
		return why;
	if (app_policy_parse(policy, when == NULL ? "never" : when, why) != 0)
		return why;
	return NULL;
}

static uint64_t
socket_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

/* Is it lent already, by another descriptor of the same socket? It would have two users. */
static bool
is_lent(const struct agent *a, int fd)
{
	uint64_t cookie = socket_cookie(fd);

	for (uint32_t i = 0; i < a->top; i++) {
		const struct agent_conn *c = &a->conn[i];

		if (c->generation != 0 && c->is_lent && socket_cookie(c->fd) == cookie)
			return true;
	}
	return false;
}

json_t *
agent_command_lend(struct agent *a, const json_t *request, int *lent_fd)
{
	const struct chim_service *svc;
	struct app_policy policy;
	struct agent_conn *c;
	const char *arg, *wrong;

	if (*lent_fd < 0)
		return fail("\"lend\" comes with a socket (SCM_RIGHTS)");
	if (a->is_stopping)
		return fail("chimney is stopping");
	wrong = read_request(request, &svc, &arg, &policy);
	if (wrong != NULL)
		return fail(wrong);
	if (is_lent(a, *lent_fd))
		return fail("this socket is lent already");
	c = agent_conn_create(a, *lent_fd, svc, arg, policy);
	if (c == NULL)
		return fail("no room for another connection");
	*lent_fd = -1;
	if (c->generation == 0)
		return fail("the connection is over");
	if (c->kc == NULL) {
		agent_conn_close(a, c);
		return fail("not a connected TCP socket");
	}
	c->is_lent = true;
	return json_pack("{s:b, s:I}", "ok", 1, "id", (json_int_t)agent_conn_cookie(a, c));
}

bool
agent_lent_is_home(const struct agent_conn *c)
{
	struct chim_stream_stats st;

	if (agent_conn_home(c) != CHIM_HOME_KERNEL || c->is_away)
		return false;
	chim_stream_stats(c->stream, &st);
	return st.unread == 0 && st.unsent == 0;
}

json_t *
agent_command_return(struct agent *a, const json_t *request, int *lent_fd)
{
	const json_t *id = json_object_get(request, "id");
	struct agent_conn *c = NULL;

	(void)lent_fd;
	if (json_is_integer(id))
		c = agent_conn_find(a, (uint64_t)json_integer_value(id));
	if (c == NULL || !c->is_lent)
		return fail("no such lent connection: it ended, or was returned");
	c->is_pinned = true;
	if (agent_lent_is_home(c)) {
		agent_conn_close(a, c);
		return json_pack("{s:b, s:b}", "ok", 1, "returned", 1);
	}
	if (c->want != AGENT_WANT_UPLOAD && agent_conn_home(c) != CHIM_HOME_TO_KERNEL)
		agent_move_want(a, c, AGENT_WANT_UPLOAD, AGENT_CAUSE_HAND);
	return json_pack("{s:b, s:b}", "ok", 1, "returned", 0);
}
