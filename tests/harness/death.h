/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A mistake that must end the program is made in a child process:
 *
 *   assert_true(death_of(touch, object));
 *
 * What the child says as it dies is thrown away.
 */
#ifndef DEATH_H
#define DEATH_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define DEATH_SURVIVED 42

/** Does a call end the process? @return false when it came back. */
static inline bool
death_of(void (*mistake)(void *arg), void *arg)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		mistake(arg);
		_exit(DEATH_SURVIVED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != DEATH_SURVIVED;
}

#endif /* DEATH_H */
