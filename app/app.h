/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What the files of the application share: the engine as it was built
 * (setup.c), and the agent that serves connections (agent.c and beside it).
 *
 * The agent reaches the engine through chim_host.h and chim_kernel.h alone;
 * what it shows of workers and connections it reads from their counters.
 */
#ifndef APP_H
#define APP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "chim_ctl.h"
#include "chim_dp.h"
#include "chim_host.h"
#include "chim_kernel.h"
#include "chim_port.h"
#include "options.h"

/* ---- setup.c: the engine ---- */

struct app_engine {
	const struct app_options *opt;
	uint32_t nb_ports;
	struct chim_port port[APP_MAX_PORTS];
	uint32_t nb_workers;
	unsigned int lcore[CHIM_MAX_WORKERS]; /* of each worker */
	bool main_is_worker;		      /* then ctl is its guest */
	struct rte_mempool *pool[CHIM_MAX_WORKERS];
	struct rte_mempool *clone_pool[CHIM_MAX_WORKERS];
	struct rte_mempool *exception_pool[CHIM_MAX_WORKERS];
	struct rte_mempool *host_pool;
	struct rte_mempool *content_pool; /* pieces of what services keep; NULL: none */
	uint32_t mbuf_size;		  /* bytes that an mbuf to receive holds */
	bool has_devices;		  /* a port reaches memory by its IOVA */
	struct chim_target *target;
	struct chim_box *to_worker[CHIM_MAX_WORKERS];		      /* from ctl */
	struct chim_box *from_worker[CHIM_MAX_WORKERS];		      /* to ctl */
	struct chim_box *between[CHIM_MAX_WORKERS][CHIM_MAX_WORKERS]; /* [from][to] */
	struct chim_ctl *ctl;
	struct chim_worker *worker[CHIM_MAX_WORKERS];
	atomic_bool stop;
};

/** Build everything, nothing runs yet. @return 0; -EINVAL, -ENOMEM, -ENODEV, -EIO with why. */
int app_engine_create(struct app_engine *e, const struct app_options *opt, char *why);

/** Start the workers that have an lcore of their own. @return 0; -EBUSY. */
int app_engine_launch(struct app_engine *e);

/** Stop and wait for them. */
void app_engine_join(struct app_engine *e);

/** Take apart what create built, however far it came. */
void app_engine_destroy(struct app_engine *e);

/** How port i is to be, without pools. */
void app_port_config(const struct app_engine *e, uint32_t i, struct chim_port_config *cfg);

/* ---- pools.c ---- */

/** Packet pools of every worker, and the host's. @return 0; -ENODEV, -EIO, -ENOMEM with why. */
int app_pools_create(struct app_engine *e, char *why);
void app_pools_destroy(struct app_engine *e);

/* ---- rights.c, leftover.c, hugepages.c, report.c ---- */

/** Which capabilities are missing? @return 0; -EPERM with why, which names the remedy. */
int app_rights_check(char *why);

/** Is something in the way that a killed process left? @param argv EAL's arguments. @return 0;
 *  -EBUSY with why, which names the remedy. */
int app_leftover_check(int argc, char **argv, char *why);

/** EAL got no memory: was it to take hugepages? @param argv EAL's arguments. @return 0 it was not;
 *  -ENOMEM with why, which says what is free and names the remedy. */
int app_hugepages_check(int argc, char **argv, char *why);

/** Bytes in hugepages of any size that nobody has. */
uint64_t app_hugepages_free(void);

/** Say in a few lines what it runs on, and what is missing with the command that mends it. */
void app_report_start(const struct app_engine *e, const char *control);

/** Kernel interface of port i's exception port. @return false when nobody tells it. */
bool app_exception_ifname(const struct app_engine *e, uint32_t i, char *name);

/* ---- telemetry.c ---- */

/** Register the read-only commands. @return 0, or the library's error. */
int app_telemetry_register(struct app_engine *e);

/** They answer with nothing from now on. */
void app_telemetry_unregister(void);

#endif /* APP_H */
