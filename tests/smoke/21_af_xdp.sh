#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The wire by AF_XDP on a veth: connections in both homes, and one moved by the
# hundred while both directions are full. Then the engine is killed: its XDP
# program, which would stand in the way of the next, is named with the remedy,
# and after that one starts.
. "$(dirname "$0")/_init.sh"
why=$(lacks_af_xdp) && skip "$why"

wire=net_af_xdp0
wire_args=iface=wd,start_queue=0,queue_count=1
engine_up --mtu=1500 --listen=7002,echo,offload=accept
host ip link show wd | grep -q xdp || fail "no XDP program on the wire"
grep -q "^port 0: net_af_xdp0" "$work/engine.log" || fail "no report at start"

peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --bytes 20000000 || fail "IPv4 in the kernel"
peer "$CHIMNEY_PEER" connect $HOST_IP6 7006 --bytes 20000000 || fail "IPv6 in the kernel"
peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections 20 --parallel 4 --bytes 2000000 ||
	fail "in the engine"
[ "$(total '.offloads["policy: accepted"]')" = 20 ] || fail "offloaded: $(total .offloads)"
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 200 || fail "the connection"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves"
[ "$(figure '.refusals | length')" = 0 ] || fail "refused: $(figure .refusals)"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
host ip link show wd | grep -q xdp && fail "the XDP program stayed after an orderly end"

# again NUMBER SECONDS: one more, with nothing in common with the last but the wire
again() {
	host timeout "$2" "$CHIMNEY" -l 0 $memory --no-pci --file-prefix=$NET_PREFIX-$1 \
		--log-level=warning --vdev=$wire,$wire_args --vdev=net_tap$1,iface=chim$1 \
		-- --port=$wire,net_tap$1 --mtu=1500 >"$work/again.log" 2>&1
}
again 1 20 &
wait_for 10 eval 'host ip link show wd | grep -q xdp && grep -q ^control "$work/again.log"' ||
	fail "a second start: $(cat "$work/again.log")"
for pid in $(ip netns pids "$NET_PREFIX-host"); do
	grep -qz chimney /proc/$pid/cmdline && kill -KILL "$pid"
done
wait $!
all_gone() { [ -z "$(ip netns pids "$NET_PREFIX-host")" ]; }
wait_for 10 all_gone || fail "the killed one is still there"
again 2 20
[ $? -eq 1 ] || fail "it started over a program of another"
remedy=$(grep -o 'ip link set wd xdp off' "$work/again.log") || fail "no remedy: $(cat "$work/again.log")"
host $remedy || fail "the remedy does not work"
again 3 4
[ $? -eq 124 ] || fail "it does not start after the remedy: $(cat "$work/again.log")"
