/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The socket of chimneyctl: requests and answers on lines. The socket's mode
 * says who may come (root, and the group of --group). A client is served one
 * request at a time and never waited for: what it does not read stays in its
 * buffer, and it gets nothing more until it has.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_string_fns.h>

#include "agent.h"
#include "chim_log.h"

static int
refuse(const struct agent *a, const char *what, char *why)
{
	snprintf(why, APP_WHY, "control socket %s: %s: %s", a->control_path, what, strerror(errno));
	return -EIO;
}

static int
choose_path(struct agent *a, char *why)
{
	const char *dir = rte_eal_get_runtime_dir();
	int n;

	if (a->opt->control[0] != '\0') {
		n = snprintf(a->control_path, sizeof(a->control_path), "%s", a->opt->control);
	} else {
		mkdir(dir, 0700);
		n = snprintf(a->control_path, sizeof(a->control_path), "%s/chimney.sock", dir);
	}
	if (n < (int)sizeof(a->control_path))
		return 0;
	snprintf(why, APP_WHY, "control socket: path too long, give --control=PATH");
	return -EINVAL;
}

/* A socket file that nobody listens on is left from a crash, and in the way. */
static int
remove_stale(struct agent *a, const struct sockaddr_un *un, char *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return refuse(a, "socket", why);
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0) {
		snprintf(why, APP_WHY,
			"control socket %s: another chimney answers there; give this one its own "
			"--file-prefix (EAL) or --control",
			a->control_path);
		rc = -EADDRINUSE;
	} else if (errno == ECONNREFUSED) {
		CHIM_LOG(APP, NOTICE, "removing the stale socket %s", a->control_path);
		unlink(a->control_path);
	}
	close(fd);
	return rc;
}

static int
set_access(struct agent *a, char *why)
{
	struct group *g;

	if (a->opt->group[0] == '\0')
		return chmod(a->control_path, 0600) == 0 ? 0 : refuse(a, "chmod", why);
	g = getgrnam(a->opt->group);
	if (g == NULL) {
		snprintf(why, APP_WHY, "--group: there is no group '%s'", a->opt->group);
		return -EINVAL;
	}
	if (chown(a->control_path, (uid_t)-1, g->gr_gid) != 0 || chmod(a->control_path, 0660) != 0)
		return refuse(a, "access", why);
	return 0;
}

int
agent_control_open(struct agent *a, char *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t old;
	int rc = choose_path(a, why);

	if (rc != 0)
		return rc;
	strlcpy(un.sun_path, a->control_path, sizeof(un.sun_path));
	rc = remove_stale(a, &un, why);
	if (rc != 0)
		return rc;
	a->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->control_fd < 0)
		return refuse(a, "socket", why);
	old = umask(0177); /* never open to others, not even for a moment */
	rc = bind(a->control_fd, (struct sockaddr *)&un, sizeof(un));
	umask(old);
	if (rc != 0)
		return refuse(a, "bind", why);
	if (set_access(a, why) != 0)
		return -EIO;
	if (listen(a->control_fd, (int)AGENT_MAX_CLIENTS) != 0)
		return refuse(a, "listen", why);
	return agent_watch(
		a, EPOLL_CTL_ADD, a->control_fd, EPOLLIN, agent_tag(AGENT_TAG_CONTROL, 0));
}

static void
drop_client(struct agent_client *cl)
{
	close(cl->fd);
	if (cl->lent_fd >= 0)
		close(cl->lent_fd);
	free(cl->out);
	cl->fd = -1;
	cl->out = NULL;
}

void
agent_control_close(struct agent *a)
{
	for (uint32_t i = 0; i < AGENT_MAX_CLIENTS; i++) {
		if (a->client[i].fd >= 0)
			drop_client(&a->client[i]);
	}
	if (a->control_fd < 0)
		return;
	close(a->control_fd);
	unlink(a->control_path);
	a->control_fd = -1;
}

void
agent_control_on_event(struct agent *a)
{
	int fd = accept4(a->control_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (uint32_t i = 0; i < AGENT_MAX_CLIENTS; i++) {
		struct agent_client *cl = &a->client[i];

		if (cl->fd >= 0)
			continue;
		*cl = (struct agent_client){ .fd = fd, .lent_fd = -1 };
		if (agent_watch(a, EPOLL_CTL_ADD, fd, EPOLLIN, agent_tag(AGENT_TAG_CLIENT, i)) != 0)
			drop_client(cl);
		return;
	}
	close(fd); /* more than AGENT_MAX_CLIENTS at once */
}

/* Answer a line. @return false when there is no memory for the answer. */
static bool
answer(struct agent *a, struct agent_client *cl, const char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, 0, &error);
	json_t *reply;
	char *text;

	if (request == NULL)
		reply = json_pack("{s:b, s:s}", "ok", 0, "error", error.text);
	else
		reply = agent_command_run(a, request, &cl->lent_fd);
	json_decref(request);
	text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (text == NULL)
		return false;
	cl->out_len = strlen(text);
	cl->out = realloc(text, cl->out_len + 1);
	cl->out[cl->out_len++] = '\n';
	cl->out_off = 0;
	return true;
}

/* Write what there is. @return false when the client is gone. */
static bool
write_out(struct agent *a, uint32_t index)
{
	struct agent_client *cl = &a->client[index];

	while (cl->out != NULL) {
		ssize_t n = send(cl->fd, cl->out + cl->out_off, cl->out_len - cl->out_off,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		cl->out_off += (size_t)n;
		if (cl->out_off < cl->out_len)
			continue;
		free(cl->out);
		cl->out = NULL;
	}
	agent_watch(a, EPOLL_CTL_MOD, cl->fd, cl->out != NULL ? EPOLLOUT : EPOLLIN,
		agent_tag(AGENT_TAG_CLIENT, index));
	return true;
}

/* Answer the lines that are complete, one at a time. @return false when the client is to go. */
static bool
answer_lines(struct agent *a, uint32_t index)
{
	struct agent_client *cl = &a->client[index];
	char *end;

	while (cl->out == NULL && (end = memchr(cl->in, '\n', cl->in_len)) != NULL) {
		size_t len = (size_t)(end - cl->in);

		if (!answer(a, cl, cl->in, len))
			return false;
		cl->in_len -= (uint32_t)len + 1;
		memmove(cl->in, end + 1, cl->in_len);
		if (!write_out(a, index))
			return false;
	}
	return cl->in_len < sizeof(cl->in); /* a line longer than that is no request */
}

/* Read what there is, and the socket that may come with it. @return as recv(). */
static ssize_t
receive(struct agent_client *cl)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { cl->in + cl->in_len, sizeof(cl->in) - cl->in_len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(cl->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		if (cl->lent_fd >= 0)
			close(cl->lent_fd);
		memcpy(&cl->lent_fd, CMSG_DATA(c), sizeof(int));
	}
	return n;
}

void
agent_client_on_event(struct agent *a, uint32_t index, uint32_t events)
{
	struct agent_client *cl = &a->client[index];
	bool stays = true;

	if (cl->fd < 0)
		return;
	if (events & EPOLLOUT) {
		stays = write_out(a, index);
	} else {
		ssize_t n = receive(cl);

		if (n <= 0)
			stays = n < 0 && errno == EAGAIN;
		else
			cl->in_len += (uint32_t)n;
	}
	if (!stays || !answer_lines(a, index))
		drop_client(cl);
}
