#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# SIGTERM with live transfers in the engine: each is handed back and goes on,
# byte-exact, to its end; then the engine ends.
. "$(dirname "$0")/_init.sh"
nb=100
engine_up --drain=120 # for a busy machine

net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --connections $nb --parallel $nb \
	--until-usr1 --bytes 100000 --json --progress 500 >"$work/peer.log" 2>&1
client=$NET_PID
connected() { [ "$(total .connections)" = $nb ]; }
offloaded() { [ "$(total .in_engine)" = $nb ]; }
wait_for 10 connected || fail "only $(total .connections) connections"
ctl offload --all || fail "offload"
wait_for 20 offloaded || fail "only $(total .in_engine) of $nb are in the engine"
sleep 1

kill -TERM $engine
# A connection is home when the last of what it had to send fits in its socket again.
come_home() { [ "$(total .in_engine)" = 0 ]; }
wait_for 30 come_home || fail "$(total .in_engine) are still in the engine"
kill -0 $engine || fail "the engine ended before its connections"
moving() { [ "$(tail -n 1 "$work/peer.log" | jq .received)" -gt "$moved" ]; }
moved=$(tail -n 1 "$work/peer.log" | jq .received)
wait_for 10 moving || fail "nothing moves after SIGTERM"

finish_client $client "$work/peer.log"
wait_for 20 engine_is_gone || fail "the engine did not end after the last connection"
wait $engine || fail "the engine's exit status is $?"
tail -n 1 "$work/peer.log"
