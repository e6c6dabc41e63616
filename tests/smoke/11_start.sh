#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# What somebody meets who starts chimney for the first time: help, a wrong
# option, a wrong line, too few rights, no memory, a port that is not there, a
# second instance, what a killed one left - each named, with the remedy and
# the documented exit code. Then signals and the drain time.
. "$(dirname "$0")/_init.sh"
command -v setpriv >/dev/null || skip "setpriv is not installed"

# says STATUS WORDS COMMAND...: that exit code, and those words
says() {
	local status=$1 words=$2
	shift 2
	"$@" >"$work/said" 2>&1 </dev/null
	local got=$?
	[ $got -eq "$status" ] || fail "exit $got, not $status: $*: $(cat "$work/said")"
	grep -qF -e "$words" "$work/said" || fail "no \"$words\": $*: $(cat "$work/said")"
}

says 0 --port= "$CHIMNEY" --help
[ "$(wc -l <"$work/said")" -le 40 ] || fail "--help does not fit a screen"
says 0 "chimney 0." "$CHIMNEY" --version
says 2 "is it 'port'" "$CHIMNEY" --prot=a,b
says 2 "there is no port" "$CHIMNEY"
says 2 'before "--"' "$CHIMNEY" -l 0 --port=a,b
says 2 "unrecognized option '--nohuge'" "$CHIMNEY" -l 0 --nohuge -- --port=a,b
for config in "$here"/../../config/*.cfg; do
	says 0 "OK: 1 port" "$CHIMNEY" --config="$config" --check-config
done
printf '[chimney]\nport = a,b\nlisten 80,echo\n' >"$work/wrong.cfg"
says 2 "wrong.cfg:3: 'listen 80,echo' is not NAME = VALUE" \
	"$CHIMNEY" --config="$work/wrong.cfg" --check-config
says 3 "capability cap_net_admin is missing" setpriv --reuid=65534 --regid=65534 \
	--clear-groups --bounding-set=-all "$CHIMNEY" -l 0 --no-huge -- --port=a,b
says 3 "capability cap_net_raw is missing" setpriv --bounding-set=-net_raw \
	"$CHIMNEY" -l 0 --no-huge -- --port=a,b
says 1 "there is no such ethdev; make it with --vdev=net_null7" "$CHIMNEY" -l 0 --no-huge -m 256 \
	--no-pci --file-prefix=$NET_PREFIX -- --port=net_null7,net_tap0
says 1 "its driver could not make it and says above why: a tap needs /dev/net/tun" \
	unshare -m sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh "$CHIMNEY" -l 0 --no-huge \
	-m 256 --no-pci --file-prefix=$NET_PREFIX --vdev=net_null7 --vdev=net_tap0 -- \
	--port=net_null7,net_tap0
says 1 "af_xdp an interface that is there" "$CHIMNEY" -l 0 --no-huge -m 256 --no-pci \
	--file-prefix=$NET_PREFIX --vdev=net_af_packet0,iface=nosuch -- --port=net_af_packet0,net_tap0
if ! grep -qhv "^0$" /sys/kernel/mm/hugepages/*/free_hugepages; then
	says 1 "dpdk-hugepages.py --setup" "$CHIMNEY" -l 0 --no-pci --file-prefix=$NET_PREFIX -- \
		--port=a,b
fi

# Further ones run in a namespace with taps; no wire is needed for this.
ip netns add "$NET_PREFIX-host" || fail "no namespace"
host ip link set lo up

# chimney_args PREFIX NUMBER: one that could run beside others
chimney_args() {
	echo "$CHIMNEY -l 0 --no-huge -m 256 --no-pci --file-prefix=$1 --vdev=net_null$2" \
		"--vdev=net_tap$2,iface=chim$2 -- --port=net_null$2,net_tap$2 --connections=64"
}

# up PREFIX NUMBER OPTION...: start one, its pid in NET_PID
up() {
	net_run host $(chimney_args "$1" "$2") "${@:3}" >"$work/up$2.log" 2>&1
	wait_for 20 "$CHIMNEYCTL" --file-prefix="$1" stats || fail "$(cat "$work/up$2.log")"
}

started=$(date +%s%N)
up $NET_PREFIX 0 --listen=127.0.0.1:7000,echo --drain=1
first=$NET_PID
echo "started in $((($(date +%s%N) - started) / 1000000)) ms"
for words in "^chimney .*DPDK" "^port 0: net_null0 .*kernel: chim0" "^lcores: workers 0" \
	"^memory: no hugepages.*capacity: 64" "^control: .*$NET_PREFIX" \
	"^missing: hugepages.*dpdk-hugepages.py" "^missing: an address: 'ip addr add"; do
	grep -q -e "$words" "$work/up0.log" || fail "no \"$words\": $(cat "$work/up0.log")"
done

# Side by side: its own prefix is enough; the same prefix, socket or address is told.
up $NET_PREFIX-b 1 --listen=127.0.0.1:7001,echo
second=$NET_PID
says 1 "another" host $(chimney_args $NET_PREFIX 2)
says 1 "another chimney answers there" host $(chimney_args $NET_PREFIX-c 2) \
	--control="/var/run/dpdk/$NET_PREFIX/chimney.sock"
says 1 "listener 7000 (echo): bind: Address already in use" host \
	$(chimney_args $NET_PREFIX-c 2) --listen=127.0.0.1:7000,echo
says 1 "no chimney is running here" env "$CHIMNEYCTL" --file-prefix=$NET_PREFIX-none list

# A killed one leaves its socket, which is in nobody's way.
kill -KILL $second
wait $second 2>/dev/null
[ -S /var/run/dpdk/$NET_PREFIX-b/chimney.sock ] || fail "no stale socket to try with"
says 1 "not running any more" "$CHIMNEYCTL" --file-prefix=$NET_PREFIX-b list
up $NET_PREFIX-b 1
second=$NET_PID
net_end $second TERM 5 || fail "exit status $? of an idle one"

# The drain time ends what does not end by itself; a second signal does not wait for it.
hang() { host bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1"'; sleep 30' & }
hang 7000
client=$!
wait_for 5 eval '"$CHIMNEYCTL" --file-prefix=$NET_PREFIX list | grep -q ESTABLISHED' ||
	fail "no connection"
begin=$SECONDS
net_end $first TERM 10
[ $? -eq 4 ] || fail "exit status after the drain time"
[ $((SECONDS - begin)) -le 4 ] || fail "the drain time of 1 s took $((SECONDS - begin)) s"
kill $client 2>/dev/null
up $NET_PREFIX 0 --listen=127.0.0.1:7000,echo --drain=60
hang 7000
client=$!
wait_for 5 eval '"$CHIMNEYCTL" --file-prefix=$NET_PREFIX list | grep -q ESTABLISHED' ||
	fail "no connection"
begin=$SECONDS
kill -INT $NET_PID
sleep 0.3
net_end $NET_PID INT 10
[ $? -eq 4 ] || fail "exit status after a second signal"
[ $((SECONDS - begin)) -le 3 ] || fail "a second signal took $((SECONDS - begin)) s"
kill $client 2>/dev/null

# Not root, with the capabilities that the complaint above asks for.
caps=+net_admin,+net_raw,+ipc_lock,+dac_override
says 124 "capacity: 64 connections" host timeout 5 setpriv --reuid=65534 --regid=65534 \
	--clear-groups --inh-caps=-all,$caps --ambient-caps=-all,$caps env XDG_RUNTIME_DIR="$work" \
	$(chimney_args $NET_PREFIX-d 3) --control="$work/d.sock"
