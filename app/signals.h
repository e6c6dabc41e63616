/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Who gets which signal. The order: app_signals_begin() before EAL, so that
 * every thread inherits the mask; app_signals_adopt_overflow() after it, when
 * the drivers have their handlers; app_signals_of_devices() in each worker.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

/** Block what the agent reads from its descriptor and what is the workers'. Thread: main. */
void app_signals_begin(void);

/** Have the driver's handler serve SIGIO as well. Thread: main, after rte_eal_init(). */
void app_signals_adopt_overflow(void);

/** @param how SIG_BLOCK or SIG_UNBLOCK, for this thread and those it will make. */
void app_signals_of_devices(int how);

#endif /* SIGNALS_H */
