/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Every trace point of the project, in the order of a connection's life, for
 * DPDK's tracer: start the program with --trace=chim (--trace-dir=DIR) and read
 * the CTF files with babeltrace. The numbers are those one would print.
 *
 * A point that is not switched on costs a load and a branch; those on the way
 * of each segment are there only with -Dtrace_fp=true.
 */
#ifndef CHIM_TRACE_H
#define CHIM_TRACE_H

#include <rte_trace_point.h>

#ifdef CHIM_TRACE_FP
#define CHIM_TRACE_POINT_FP(name, args, ...) RTE_TRACE_POINT(name, args, __VA_ARGS__)
#else
#define CHIM_TRACE_POINT_FP(name, args, ...)                    \
	static __rte_always_inline void name args               \
	{                                                       \
		void *mem = NULL; /* what the emits write to */ \
		if (mem == NULL)                                \
			return;                                 \
		__VA_ARGS__                                     \
	}
#endif

/* A point is a list of macros without commas between them, which no formatter understands. */
/* clang-format off */

/* ---- into the engine ---- */

RTE_TRACE_POINT(
	chim_trace_install, RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t worker, uint32_t status),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(worker);
	rte_trace_point_emit_u32(status);
)

/* ---- while it is there ---- */

CHIM_TRACE_POINT_FP(
	chim_trace_segment_in,
	RTE_TRACE_POINT_ARGS(
		uint64_t handle, uint32_t seq, uint32_t ack, uint16_t len, uint8_t flags),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(seq);
	rte_trace_point_emit_u32(ack);
	rte_trace_point_emit_u16(len);
	rte_trace_point_emit_u8(flags);
)

CHIM_TRACE_POINT_FP(
	chim_trace_frame_out,
	RTE_TRACE_POINT_ARGS(
		uint64_t handle, uint32_t seq, uint32_t len, uint32_t segs, uint8_t flags),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(seq);
	rte_trace_point_emit_u32(len);
	rte_trace_point_emit_u32(segs);
	rte_trace_point_emit_u8(flags);
)

RTE_TRACE_POINT(
	chim_trace_state, RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t from, uint32_t to),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(from);
	rte_trace_point_emit_u32(to);
)

RTE_TRACE_POINT(
	chim_trace_recovery,
	RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t una, uint32_t max, uint32_t cwnd),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(una);
	rte_trace_point_emit_u32(max);
	rte_trace_point_emit_u32(cwnd);
)

RTE_TRACE_POINT(
	chim_trace_rto,
	RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t una, uint32_t count, uint32_t rto_ms),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(una);
	rte_trace_point_emit_u32(count);
	rte_trace_point_emit_u32(rto_ms);
)

RTE_TRACE_POINT(
	chim_trace_persist, RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t unsent),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(unsent);
)

/* event: enum chim_event; info as in struct chim_io */
RTE_TRACE_POINT(
	chim_trace_event, RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t event, uint32_t info),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(event);
	rte_trace_point_emit_u32(info);
)

/* ---- and back ---- */

RTE_TRACE_POINT(
	chim_trace_terminate,
	RTE_TRACE_POINT_ARGS(uint64_t handle, uint32_t worker, uint32_t status),
	rte_trace_point_emit_u64(handle);
	rte_trace_point_emit_u32(worker);
	rte_trace_point_emit_u32(status);
)

/* ---- frames of a flow that is between two stacks ---- */

RTE_TRACE_POINT(
	chim_trace_hold,
	RTE_TRACE_POINT_ARGS(uint32_t worker, uint32_t index, uint32_t deadline_ms),
	rte_trace_point_emit_u32(worker);
	rte_trace_point_emit_u32(index);
	rte_trace_point_emit_u32(deadline_ms);
)

RTE_TRACE_POINT(
	chim_trace_hold_end, RTE_TRACE_POINT_ARGS(uint32_t worker, uint32_t index, uint32_t reason),
	rte_trace_point_emit_u32(worker);
	rte_trace_point_emit_u32(index);
	rte_trace_point_emit_u32(reason);
)

/* clang-format on */

#endif /* CHIM_TRACE_H */
