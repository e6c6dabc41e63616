/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * chimney: options, EAL, engine, agent; then everything runs until a signal.
 * The exit codes are those of --help.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pdump.h>

#include "agent.h"
#include "chim_log.h"
#include "signals.h"

static struct app_options options;
static struct app_engine engine;
static char why[APP_WHY];

static enum app_exit
complain(enum app_exit code)
{
	fprintf(stderr, "chimney: %s\n", why);
	return code;
}

/* EAL answers a wrong argument with pages of help on stdout, and what was wrong with it is a line
 * on stderr that scrolls away: only that one is of use. */
static int
init_eal(int argc, char **argv)
{
	int out = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc;

	fflush(stdout);
	if (out >= 0 && null >= 0)
		dup2(null, STDOUT_FILENO);
	rc = rte_eal_init(argc, argv);
	fflush(stdout);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		close(out);
	}
	if (null >= 0)
		close(null);
	return rc;
}

/* EAL's arguments: those of the file, then those of the command line. */
static enum app_exit
start_eal(int argc, char **argv)
{
	/* Its notes on what it found go beneath those of the user, who may want them. */
	static char quiet[2][40] = { "--log-level=lib.eal:warning",
		"--log-level=lib.telemetry:error" };
	char **args = calloc((size_t)argc + options.nb_eal + 4, sizeof(*args));
	int nb = 0;
	int rc;

	if (args == NULL)
		return APP_EXIT_START;
	args[nb++] = argv[0];
	args[nb++] = quiet[0];
	args[nb++] = quiet[1];
	for (uint32_t i = 0; i < options.nb_eal; i++)
		args[nb++] = options.eal[i];
	for (int i = 1; i < argc; i++)
		args[nb++] = argv[i];
	if (app_leftover_check(nb, args, why) != 0)
		return complain(APP_EXIT_START);
	/* EAL keeps pointers into args: never freed. */
	rc = init_eal(nb, args);
	if (rc >= 0)
		return APP_EXIT_OK;
	rc = rte_errno;
	if (rc != EINVAL && app_hugepages_check(nb, args, why) != 0)
		return complain(APP_EXIT_START);
	snprintf(why, sizeof(why),
		"EAL did not start (%s): what it says above names the argument of it, before "
		"\"--\" or in [eal]; 'dpdk-testpmd --help' lists them",
		rte_strerror(rc));
	return complain(rc == EINVAL ? APP_EXIT_USAGE : APP_EXIT_START);
}

static uint32_t
poll_ctl(void *arg, chim_us_t now)
{
	return chim_ctl_poll(arg, now);
}

static void *
agent_main(void *arg)
{
	struct agent *a = arg;
	enum app_exit code = agent_run(a);

	/* Ends the worker on the main lcore. */
	atomic_store_explicit(&engine.stop, true, memory_order_release);
	return (void *)(uintptr_t)code;
}

/* The main lcore is a worker: the agent gets a thread of its own, on the other CPUs. */
static enum app_exit
run_beside_worker(struct agent *a)
{
	pthread_t thread;
	void *code;

	if (rte_ctrl_thread_create(&thread, "chim-agent", NULL, agent_main, a) != 0)
		return APP_EXIT_START;
	app_signals_of_devices(SIG_UNBLOCK);
	chim_dp_run(engine.worker[0], poll_ctl, engine.ctl, &engine.stop);
	pthread_join(thread, &code);
	return (enum app_exit)(uintptr_t)code;
}

static enum app_exit
run_engine(void)
{
	struct agent *a = agent_create(&engine, !engine.main_is_worker, why);
	enum app_exit code;

	if (a == NULL)
		return complain(APP_EXIT_START);
	app_report_start(&engine, a->control_path);
	app_telemetry_register(&engine);
	/* dpdk-dumpcap captures at the ports; it shares the memory, hence needs hugepages. */
	if (rte_eal_has_hugepages() && rte_pdump_init() != 0)
		CHIM_LOG(APP, WARNING, "no capture by dpdk-dumpcap: %s", rte_strerror(rte_errno));
	if (app_engine_launch(&engine) != 0)
		code = APP_EXIT_START;
	else if (engine.main_is_worker)
		code = run_beside_worker(a);
	else
		code = agent_run(a);
	if (rte_eal_has_hugepages())
		rte_pdump_uninit();
	app_telemetry_unregister();
	app_engine_join(&engine);
	agent_destroy(a);
	return code;
}

int
main(int argc, char **argv)
{
	int ours = app_args_split(argc, argv);
	enum app_exit code;

	app_options_init(&options);
	if (app_args_parse(&options, argc - ours, argv + ours, why) != 0)
		return complain(APP_EXIT_USAGE);
	if (options.show_help)
		return fputs(app_help(), stdout) < 0;
	if (options.show_version)
		return printf("chimney %s\n", CHIM_VERSION) < 0;
	if (app_options_check(&options, why) != 0)
		return complain(APP_EXIT_USAGE);
	if (options.check_only)
		return printf("OK: %u port%s, %u listener%s\n", options.nb_ports,
			       options.nb_ports == 1 ? "" : "s", options.nb_listeners,
			       options.nb_listeners == 1 ? "" : "s") < 0;
	if (app_rights_check(why) != 0)
		return complain(APP_EXIT_RIGHTS);
	app_signals_begin();
	code = start_eal(ours > 1 ? ours - 1 : 1, argv);
	if (code != APP_EXIT_OK)
		return code;
	app_signals_adopt_overflow();
	if (app_engine_create(&engine, &options, why) != 0)
		code = complain(APP_EXIT_START);
	else
		code = run_engine();
	app_engine_destroy(&engine);
	rte_eal_cleanup();
	return code;
}
