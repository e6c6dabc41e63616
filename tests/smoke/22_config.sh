#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The files of config/, run: each starts, serves what it says, and offloads by
# its own policy. Only names of devices, lcores and directories are this
# machine's; a veth and a tap stand in for a NIC and virtio-user. (flow-set.cfg
# is 12's.)
. "$(dirname "$0")/_init.sh"
[ "$(nproc)" -gt 1 ] || skip "machine: only one CPU"
command -v curl >/dev/null || skip "curl is not installed"
mkdir "$work/www"
head -c 5000000 /dev/urandom >"$work/www/file"

# as_shipped FILE [WIRE-ARGUMENT]: a copy with this machine's names
as_shipped() {
	sed -e "s/^l = .*/l = 0-1\nfile-prefix = $NET_PREFIX/" -e '/^main-lcore/d' \
		-e 's/^workers = .*/workers = 0-1/' -e 's/iface=vd/iface=wd/' \
		-e "s/^a = .*/no-huge = yes\nm = 1024\nno-pci = yes\nvdev = net_af_packet0,$wire_args${2:-}/" \
		-e 's/virtio_user0,path=[^,]*,\(iface=[^,]*\).*/net_tap0,\1/' \
		-e 's/^port = 0000:3b:00.0,[a-z0-9_]*/port = net_af_packet0,net_tap0/' \
		-e "s#^\[chimney\]#&\ncontrol = $work/control.sock#" -e "s#http=[^,]*#http=$work/www#" \
		"$here/../../config/$1" >"$work/$1"
}

# runs FILE WORKERS: and everything it is there for happens
runs() {
	net_up || fail "cannot make the namespaces"
	net_run host "$CHIMNEY" --config="$work/$1" </dev/null >"$engine_log" 2>&1
	engine=$NET_PID
	net_tap_up && wait_for 40 test -S "$work/control.sock" || fail "$1: it did not start"
	net_warm_up || fail "$1: no answer over the exception path"
	grep -q "^lcores: workers $2;" "$engine_log" || fail "$1: $(grep ^lcores "$engine_log")"
	peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --bytes 5000000 || fail "$1: echo"
	if grep -q '^listen = 80,' "$work/$1"; then
		peer curl -sS -m 30 -o "$work/got" http://$HOST_IP/file || fail "$1: http"
		cmp "$work/got" "$work/www/file" || fail "$1: http gives something else"
	fi
	[ "$(total '[.offloads[]] | add')" -gt 0 ] || fail "$1: nothing was offloaded"
	echo "ok: $1: $(total '.offloads | tojson')"
	[ "$(total .kernel.lost)" = 0 ] || fail "$1: lost $(total .kernel.lost)"
	engine_down
	net_down
}

for file in veth.cfg nic.cfg; do
	as_shipped $file
	runs $file 1
done
if why=$(lacks_af_xdp); then
	echo "not af-xdp.cfg: $why"
else
	as_shipped af-xdp.cfg
	runs af-xdp.cfg 1
fi
as_shipped workers.cfg ,qpairs=2
runs workers.cfg "0 1"
