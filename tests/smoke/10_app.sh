#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The application alone: it starts, says what it runs on, forwards what is not
# offloaded, serves at home in the kernel, answers chimneyctl, and stops. Then
# a connection is offloaded at accept, and served in the engine.

. "$(dirname "$0")/_init.sh"
command -v curl >/dev/null || skip "curl is not installed"

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
moved=$(ctl stats --json | jq .kernel.offloads)
[ "$moved" -ge 5 ] || fail "only $moved connections were offloaded"
[ "$(ctl stats --json | jq .kernel.lost)" = 0 ] || fail "connections were lost"
stop
echo "ok: served in both homes, $moved connections offloaded at accept"
