#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The wire by AF_XDP on a veth: connections in both homes, and one moved while
# it talks. Then the engine is killed: its XDP program, which would stand in
# the way of the next, is named with the remedy, and after that one starts.
. "$(dirname "$0")/_init.sh"
python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null ||
	skip "machine: the kernel has no AF_XDP sockets"
ls /usr/lib/*/dpdk/pmds-*/librte_net_af_xdp.so* /usr/local/lib/*/dpdk/pmds-*/librte_net_af_xdp.so* \
	2>/dev/null | grep -q . || skip "this DPDK was built without the af_xdp driver"

wire=net_af_xdp0
wire_args=start_queue=0,queue_count=1
engine_up --mtu=1500 --listen=7002,echo,offload=accept
host ip link show wd | grep -q xdp || fail "no XDP program on the wire"
grep -q "^port 0: net_af_xdp0" "$work/engine.log" || fail "no report at start"

# Few frames: under load this driver was seen to stop sending (doc/troubleshooting.md).
peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --bytes 500000 || fail "IPv4 in the kernel"
peer "$CHIMNEY_PEER" connect $HOST_IP6 7006 --bytes 500000 || fail "IPv6 in the kernel"
peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections 20 --parallel 4 --bytes 50000 ||
	fail "in the engine"
[ "$(total '.offloads["policy: accepted"]')" = 20 ] || fail "offloaded: $(total .offloads)"
cat >"$work/talk.py" <<-PY
	import os, socket, time
	s = socket.create_connection(('$HOST_IP', 7000), 20)
	i = 0
	while not os.path.exists('$work/enough'):
	    text = i.to_bytes(4, 'big') * 250
	    s.sendall(text)
	    got = b''
	    while len(got) < len(text):
	        piece = s.recv(65536)
	        assert piece, 'closed'
	        got += piece
	    assert got == text, i
	    i += 1
	    time.sleep(0.005)
	print(i, 'answers')
PY
ip netns exec "$NET_PREFIX-peer" python3 "$work/talk.py" >"$work/talk.log" 2>&1 &
talk=$!
there() { [ "$(ctl --json list --port 7000 | jq length)" = 1 ]; }
wait_for 10 there || fail "no connection"
id=$(ctl --json list --port 7000 | jq '.[0].id')
for round in 1 2 3; do
	ctl offload "$id" || fail "offload $round"
	ctl upload "$id" || fail "upload $round"
done
touch "$work/enough"
wait $talk || fail "the talk: $(cat "$work/talk.log")"
cat "$work/talk.log"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
host ip link show wd | grep -q xdp && fail "the XDP program stayed after an orderly end"

# again NUMBER SECONDS: one more, with nothing in common with the last but the wire
again() {
	host timeout "$2" "$CHIMNEY" -l 0 $memory --no-pci --file-prefix=$NET_PREFIX-$1 \
		--log-level=warning --vdev=$wire,iface=wd,$wire_args --vdev=net_tap$1,iface=chim$1 \
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
