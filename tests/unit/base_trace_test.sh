#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Trace points: with --trace the events of a test run are in CTF files that
# name them, without it nothing is written.
#
# usage: base_trace_test.sh RUNNER
runner=$1
dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
eal="--no-huge --no-shconf --no-pci --no-telemetry -m 256 -l 0 --log-level=error --file-prefix=trace"

run() {
	DPDK_TEST=engine_timer_autotest "$runner" $eal --trace-dir="$dir" "$@" >"$dir/out" 2>&1 </dev/null ||
		{ cat "$dir/out"; exit 1; }
}

run
[ -z "$(find "$dir" -name metadata)" ] || { echo "a trace that nobody asked for"; exit 1; }
run --trace=chim.conn
metadata=$(find "$dir" -name metadata)
[ -n "$metadata" ] || { echo "no trace"; exit 1; }
for name in state rto persist event; do
	grep -q "name = \"chim.conn.$name\"" "$metadata" || { echo "no chim.conn.$name"; exit 1; }
done
# an event is its header, a handle and numbers: there are many of them
bytes=$(find "$dir" -name 'channel0_*' -size +1k | wc -l)
[ "$bytes" -gt 0 ] || { echo "no events"; exit 1; }
