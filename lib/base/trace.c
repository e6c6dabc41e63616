/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The names under which DPDK's tracer knows the points of chim_trace.h: what
 * --trace=PATTERN is matched against. They register before main().
 */
#include <rte_trace_point_register.h>

#include "chim_trace.h"

RTE_TRACE_POINT_REGISTER(chim_trace_install, chim.conn.install)
RTE_TRACE_POINT_REGISTER(chim_trace_state, chim.conn.state)
RTE_TRACE_POINT_REGISTER(chim_trace_recovery, chim.conn.recovery)
RTE_TRACE_POINT_REGISTER(chim_trace_rto, chim.conn.rto)
RTE_TRACE_POINT_REGISTER(chim_trace_persist, chim.conn.persist)
RTE_TRACE_POINT_REGISTER(chim_trace_event, chim.conn.event)
RTE_TRACE_POINT_REGISTER(chim_trace_terminate, chim.conn.terminate)
RTE_TRACE_POINT_REGISTER(chim_trace_hold, chim.flow.hold)
RTE_TRACE_POINT_REGISTER(chim_trace_hold_end, chim.flow.hold_end)
#ifdef CHIM_TRACE_FP
RTE_TRACE_POINT_REGISTER(chim_trace_segment_in, chim.segment.in)
RTE_TRACE_POINT_REGISTER(chim_trace_frame_out, chim.segment.out)
#endif
