/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The log types; --log-level=chimney.ctl:debug changes one, as for any DPDK
 * library.
 */
#include "chim_log.h"

RTE_LOG_REGISTER(chim_log_app, chimney.app, NOTICE);
RTE_LOG_REGISTER(chim_log_ctl, chimney.ctl, NOTICE);
RTE_LOG_REGISTER(chim_log_dp, chimney.dp, NOTICE);
RTE_LOG_REGISTER(chim_log_host, chimney.host, NOTICE);
RTE_LOG_REGISTER(chim_log_kernel, chimney.kernel, NOTICE);
RTE_LOG_REGISTER(chim_log_port, chimney.port, NOTICE);
RTE_LOG_REGISTER(chim_log_serve, chimney.serve, NOTICE);
