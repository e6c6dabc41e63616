#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The application alone: it starts, says what it runs on, forwards what is not
# offloaded, serves at home in the kernel, answers chimneyctl, and stops. Then
# a connection is offloaded at accept, and served in the engine.

. "$(dirname "$0")/_init.sh"
for tool in curl nc; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

ctl() { "$CHIMNEYCTL" --file-prefix="$NET_PREFIX" "$@"; }

# start OPTION...: chimney on the wire, its exception tap with addresses
start() {
	net_run host "$CHIMNEY" -l 0-1 --no-huge -m 512 --no-pci --file-prefix="$NET_PREFIX" \
		--vdev=net_af_packet0,iface=wd,blocksz=65536,framesz=2048,framecnt=512 \
		--vdev=net_tap0,iface=chim0 -- --port=net_af_packet0,net_tap0 \
		--connections=1024 --listen=7000,echo --listen=7002,source=20M \
		--listen=80,http="$work/www" "$@" >"$work/chimney.log" 2>&1
	chimney=$NET_PID
	net_tap_up || fail "the exception tap did not come"
	wait_for 10 ctl stats || fail "the control socket does not answer"
	net_warm_up || fail "no ping through the exception path"
}

# served WHERE: files, sizes and errors by HTTP, every byte by echo and source
served() {
	[ "$(peer curl -sS http://$HOST_IP/small)" = hello ] || fail "$1: small file"
	peer curl -sS http://$HOST_IP/big | cmp - "$work/www/big" || fail "$1: big file"
	peer curl -gsS "http://$HOST_IP/big" "http://$HOST_IP/small" -o /dev/null -o "$work/second" ||
		fail "$1: two on one connection"
	[ "$(cat "$work/second")" = hello ] || fail "$1: the second on one connection"
	[ "$(peer curl -sS -o /dev/null -w '%{http_code}' http://$HOST_IP/none)" = 404 ] ||
		fail "$1: 404"
	[ "$(peer curl -sS -r 1-3 http://$HOST_IP/small)" = ell ] || fail "$1: a range"
	[ "$(peer curl -sS -o /dev/null -w '%{http_code}' -r 100- http://$HOST_IP/small)" = 416 ] ||
		fail "$1: 416"
	head -c 4M "$work/www/big" >"$work/part"
	peer curl -sS -C - -o "$work/part" http://$HOST_IP/big || fail "$1: resuming"
	cmp "$work/part" "$work/www/big" || fail "$1: resumed"
	# nc, and requests in one piece: each answered, in order.
	printf 'HEAD /big HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET /small HTTP/1.0\r\n\r\n' |
		peer timeout 5 nc $HOST_IP 80 | tr -d '\r' | grep -E '^(HTTP|hello)' | xargs >"$work/nc"
	[ "$(cat "$work/nc")" = "HTTP/1.1 200 OK HTTP/1.1 404 Not Found HTTP/1.1 200 OK hello" ] ||
		fail "$1: pipelined by nc: $(cat "$work/nc")"
	peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --mbytes 20 || fail "$1: echo"
	peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --source --bytes $((20 << 20)) ||
		fail "$1: source"
}

# stop: SIGTERM, and the documented exit code when nothing is left
stop() {
	net_end "$chimney" TERM 10
	[ $? -eq 0 ] || fail "exit status after SIGTERM"
}

net_up || fail "no namespaces"
mkdir "$work/www"
echo hello >"$work/www/small"
head -c 10M /dev/urandom >"$work/www/big"

start --offload=never
grep -q '^port 0: net_af_packet0' "$work/chimney.log" || fail "no report at start"
served "in the kernel"
[ "$(ctl stats --json | jq .kernel.offloads)" = 0 ] || fail "something was offloaded"
stop

start --offload=accept
served "in the engine"
# A request cut in two: one half read in the engine, the other in the kernel, and vice versa.
cat >"$work/halves.py" <<PY
import socket, sys
s = socket.create_connection(('$HOST_IP', 80), 10)
for line in sys.stdin:
    s.sendall(b'GET /sm' if line == 'first\n' else b'all HTTP/1.1\r\n\r\n')
    if line == 'second\n':
        got = b''
        while not got.endswith(b'hello\n'):
            got += s.recv(1000)
    print(line, end='', flush=True)
s.sendall(b'nonsense\r\n\r\n')
s.recv(1000)
sys.stdin.read()
import time
time.sleep(300)
PY
mkfifo "$work/orders"
ip netns exec "$NET_PREFIX-peer" python3 "$work/halves.py" <"$work/orders" >"$work/halves" 2>&1 &
halves=$!
exec 5>"$work/orders"
is_home() { [ "$(ctl --json list --port 80 | jq -r '.[0].home')" = "$1" ]; }
said() { [ "$(wc -l <"$work/halves")" -eq "$1" ]; }
wait_for 10 is_home engine || fail "http is not in the engine"
at=0
for way in upload offload upload offload; do
	echo first >&5
	wait_for 10 said $((at + 1)) || fail "the first half: $(cat "$work/halves")"
	sleep 0.2
	ctl $way "$(ctl --json list --port 80 | jq '.[0].id')" >/dev/null || fail "$way"
	echo second >&5
	wait_for 10 said $((at + 2)) || fail "no answer after $way: $(cat "$work/halves")"
	at=$((at + 2))
done
exec 5>&-
# It was told to close, and does not: it is not waited for without end.
none_left() { [ "$(ctl --json stats | jq .connections)" = 0 ]; }
sleep 1
none_left && fail "nothing lingered"
wait_for 25 none_left || fail "a lingering connection is still there: $(ctl list)"
kill $halves
wait $halves 2>/dev/null
moved=$(ctl stats --json | jq .kernel.offloads)
[ "$moved" -ge 5 ] || fail "only $moved connections were offloaded"
[ "$(ctl stats --json | jq .kernel.lost)" = 0 ] || fail "connections were lost"
stop
echo "ok: served in both homes, $moved connections offloaded at accept"
