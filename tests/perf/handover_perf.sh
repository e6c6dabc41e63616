#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Moves: connections of a kernel in another namespace, all of them handed to
# the engine and back, again and again. Moves a second each way as whoever asks
# for all of them sees it, and the pause of a move, from the first frame held
# to the flow released. Queues empty (nobody sends), and full (the peer has
# sent all that fits and reads nothing; an echo waits at the other end). Beside
# it the floor of as many: TCP_REPAIR's own calls, with no engine.

. "$(dirname "$0")/../smoke/_init.sh"
rounds=20 counts="1 100 1000 10000" full_counts="1 32 100"
[ "${CHIM_PERF_QUICK:-0}" = 1 ] && rounds=3 counts="1 100" full_counts=1

# measure NUMBER [full]: figures of so many connections
measure() {
	local number=$1 kind=${2:-empty}
	local name="$number connections, queues $kind"
	mkfifo "$work/hold"
	exec 8<>"$work/hold"
	net_run peer sh -c 'exec "$@" <"$0"' "$work/hold" python3 \
		"$(dirname "$0")/hold_connections.py" $HOST_IP 7000 "$number" "$kind" \
		>"$work/held.log" 2>&1
	local holder=$NET_PID
	wait_for 300 grep -q open "$work/held.log" || fail "$number connections did not open"
	python3 "$(dirname "$0")/move_all.py" "$work/control.sock" $rounds "$number" "$name" \
		>>"$work/figures" || fail "$name: a move"
	kill "$holder"
	exec 8>&-
	rm "$work/hold"
}

floor() {
	unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$REPAIR_FLOOR" "$1" $rounds \
		>>"$work/figures" || fail "the floor of $1"
}

for number in $counts; do
	floor "$number"
	engine_up --connections=16384
	measure "$number"
	net_end "$engine" KILL
	net_down
done
for number in $full_counts; do
	engine_up --connections=1024
	measure "$number" full
	net_end "$engine" KILL
	net_down
done
python3 "$(dirname "$0")/figures.py" handover_perf <"$work/figures"
