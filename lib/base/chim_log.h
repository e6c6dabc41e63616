/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One log type for each area, and one macro. Never used on the datapath.
 *
 *   CHIM_LOG(CTL, INFO, "host %s attached", name);
 */
#ifndef CHIM_LOG_H
#define CHIM_LOG_H

#include <rte_log.h>

extern int chim_log_app;
extern int chim_log_ctl;
extern int chim_log_dp;
extern int chim_log_host;
extern int chim_log_kernel;
extern int chim_log_port;
extern int chim_log_serve;

#define CHIM_LOG_TYPE_APP    chim_log_app
#define CHIM_LOG_TYPE_CTL    chim_log_ctl
#define CHIM_LOG_TYPE_DP     chim_log_dp
#define CHIM_LOG_TYPE_HOST   chim_log_host
#define CHIM_LOG_TYPE_KERNEL chim_log_kernel
#define CHIM_LOG_TYPE_PORT   chim_log_port
#define CHIM_LOG_TYPE_SERVE  chim_log_serve

#define CHIM_LOG(type, level, fmt, ...) \
	rte_log(RTE_LOG_##level, CHIM_LOG_TYPE_##type, fmt "\n", ##__VA_ARGS__)

#endif /* CHIM_LOG_H */
