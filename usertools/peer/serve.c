/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * An echo server on plain sockets, for trying the client and for comparing
 * with the kernel alone. One process a connection: it is not what is measured.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static void
echo(int fd)
{
	static uint8_t piece[PEER_PIECE];
	ssize_t n;

	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		for (ssize_t done = 0; done < n;) {
			ssize_t m = send(fd, piece + done, n - done, MSG_NOSIGNAL);

			if (m < 0)
				return;
			done += m;
		}
	}
}

int
peer_serve(const struct peer_options *opt)
{
	int one = 1, fd = socket(opt->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	signal(SIGCHLD, SIG_IGN);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		bind(fd, (const struct sockaddr *)&opt->to, opt->addr_len) < 0 ||
		listen(fd, 128) < 0) {
		perror("chimney-peer");
		return EXIT_FAILURE;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			continue;
		if (fork() == 0) {
			close(fd);
			echo(client);
			_exit(0);
		}
		close(client);
	}
}
