/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Words that every layer uses: assertions by cost, array helpers, DPDK version
 * differences. The only file that looks at RTE_VERSION.
 */
#ifndef CHIM_BASE_H
#define CHIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_debug.h>
#include <rte_version.h>

#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "Chimney needs DPDK 22.11 or later"
#endif

/* Cheap, always on: what must hold for the next line to be safe. */
#define chim_assert(cond) RTE_VERIFY(cond)

/* Costly, in -Dcheck=true builds and tests only. */
#ifdef CHIM_CHECK
#define chim_assert_slow(cond) RTE_VERIFY(cond)
#else
#define chim_assert_slow(cond) \
	do {                   \
	} while (0)
#endif

#define CHIM_DIM(a) (sizeof(a) / sizeof((a)[0]))

#endif /* CHIM_BASE_H */
