/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * See signals.h. SIGINT and SIGTERM come by the agent's descriptor.
 *
 * The kernel tells a tap's driver of each frame by a queued signal, which any
 * thread may get: the workers, who read the frames, take it, not the agent in
 * the middle of its system calls. Where the queue is full (RLIMIT_SIGPENDING,
 * which all processes of a user share) it sends SIGIO in its place; that would
 * end the process, and the frame's news would be lost.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

void
app_signals_of_devices(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaddset(&set, i);
	pthread_sigmask(how, &set, NULL);
}

void
app_signals_begin(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	app_signals_of_devices(SIG_BLOCK);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
}

void
app_signals_adopt_overflow(void)
{
	struct sigaction of_driver;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
		if (sigaction(i, NULL, &of_driver) == 0 && of_driver.sa_handler != SIG_DFL &&
			of_driver.sa_handler != SIG_IGN) {
			sigaction(SIGIO, &of_driver, NULL);
			return;
		}
	}
}
