#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Two workers and many connections: steered to the worker that owns them,
# moved there and back all at once, again and again, while they transfer;
# every byte compared. Then short ones, offloaded at accept.
. "$(dirname "$0")/_init.sh"
[ "$(nproc)" -gt 1 ] || skip "machine: only one CPU"
nb=60
lcores=0-1
wire_args=$wire_args,qpairs=2
engine_up --workers=0-1 --idle=sleep --listen=7002,echo,offload=accept
grep -q "^lcores: workers 0 1" "$work/engine.log" || fail "not two workers"

net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --connections $nb --parallel $nb \
	--until-usr1 --bytes 100000 --ahead 200 --json --progress 200 >"$work/peer.log" 2>&1
client=$NET_PID
there() { [ "$(total ".$1")" = "$2" ]; }
wait_for 10 there connections $nb || fail "only $(total .connections) connections"
for round in 1 2 3 4 5 6 7 8; do
	ctl offload --all >/dev/null || fail "offload"
	wait_for 20 there in_engine $nb || fail "only $(total .in_engine) of $nb in the engine"
	sleep 0.3
	ctl upload --all >/dev/null || fail "upload"
	wait_for 20 there in_engine 0 || fail "$(total .in_engine) are still in the engine"
done
# Who is on the way, or has yet to start, turns round.
for round in 1 2 3; do
	ctl offload --all >/dev/null && ctl upload --all >/dev/null || fail "offload and upload"
	wait_for 20 there in_engine 0 || fail "$(total .in_engine) did not turn round"
	sleep 0.2
	there in_engine 0 || fail "$(total .in_engine) went after all"
done
ctl offload --all >/dev/null
wait_for 20 there in_engine $nb || fail "only $(total .in_engine) of $nb in the engine"
worker() {
	echo "/chimney/worker,$1" | dpdk-telemetry.py -f $NET_PREFIX 2>/dev/null |
		grep '"/chimney/worker"' | jq ".[].$2"
}
if command -v dpdk-telemetry.py >/dev/null; then
	for w in 0 1; do
		[ "$(worker $w connections)" -ge 10 ] ||
			fail "worker $w has $(worker $w connections) of $nb connections"
	done
	echo "connections: $(worker 0 connections) + $(worker 1 connections)," \
		"frames passed between workers: $(worker 0 handed_over) + $(worker 1 handed_over)"
fi
finish_client $client "$work/peer.log"
tail -n 1 "$work/peer.log"

peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections 500 --parallel 20 --bytes 3000 ||
	fail "short connections"
none_left() { [ "$(total .connections)" = 0 ] && [ "$(total .in_engine)" = 0 ]; }
wait_for 10 none_left || fail "$(total .connections) connections are left"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
[ "$(total '.offloads["policy: accepted"]')" -gt 100 ] || fail "few were offloaded at accept"
total '{offloads, refusals, pause} | tojson'
engine_down
