#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Programs that know nothing of Chimney as its peers: curl, wrk and python
# against services that are offloaded at accept; iperf3 over the kernel
# beside them; ss and tcpdump show what one expects.
. "$(dirname "$0")/_init.sh"
for tool in curl wrk iperf3 tcpdump; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
mkdir "$work/www"
head -c 3000000 /dev/urandom >"$work/www/file"
echo small >"$work/www/small"
engine_up --listen=8000,http="$work/www",offload=accept --listen=7002,echo,offload=accept

peer curl -sS -m 20 -o "$work/got" http://$HOST_IP:8000/file || fail "curl"
cmp "$work/got" "$work/www/file" || fail "curl got something else"
peer curl -sS -m 20 -o /dev/null -w '%{http_code}\n' http://$HOST_IP:8000/none | grep -q 404 ||
	fail "curl: a missing file is not 404"
peer wrk -t 1 -c 20 -d 3s http://$HOST_IP:8000/small >"$work/wrk.log" || fail "wrk"
grep -E 'Socket errors|Non-2xx' "$work/wrk.log" && fail "wrk: errors"
grep 'Requests/sec' "$work/wrk.log" || fail "wrk: no requests"

peer python3 - <<-PY || fail "python"
	import socket
	s = socket.create_connection(('$HOST_IP', 7002), 10)
	for i in range(200):
	    text = bytes([i]) * (i * 37 + 1)
	    s.sendall(text)
	    got = b''
	    while len(got) < len(text):
	        got += s.recv(65536)
	    assert got == text, i
PY

# A connection in the engine: the host's kernel holds its place and says nothing.
net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --until-usr1 --json --progress 200 \
	>"$work/peer.log"
client=$NET_PID
engaged() { [ "$(ctl --json list | jq '[.[] | select(.home == "engine")] | length')" -ge 1 ]; }
wait_for 10 engaged || fail "not offloaded: $(ctl list)"
host ss -Htn 'sport = 7002' | grep -q ESTAB || fail "ss shows no placeholder"
host timeout 2 tcpdump -p -n -i chim0 'tcp port 7002' >"$work/dump" 2>/dev/null
grep ' IP ' "$work/dump" && fail "frames of an offloaded connection on the tap"
peer timeout 1 tcpdump -p -n -c 10 -i wp 'tcp port 7002' 2>/dev/null | grep -q . ||
	fail "none on the wire"

net_run host iperf3 -s -1 >/dev/null
sleep 0.3
peer iperf3 -c $HOST_IP -t 2 >"$work/iperf.log" || fail "iperf3 over the kernel"
finish_client $client "$work/peer.log"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
