#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# A connection of VLAN interfaces on both sides: the peer sees the same tags
# from either home, those of the kernel's side follow the interface's map of
# priorities, the VLAN may go and come back as another; and what stands on the
# exception interface otherwise is refused by name.
. "$(dirname "$0")/_init.sh"
command -v tcpdump >/dev/null || skip "tcpdump is not installed"
NET_VLAN=${NET_VLAN:-100}
vlan=chim0.$NET_VLAN

conn() { ctl --json list | jq -r ".[0] | $1"; }
at_home() { [ "$(conn .home)" = "$1" ]; }
received() { tail -n 1 "$work/peer.log" | jq .received; }
moving() { [ "$(received)" -gt $((seen + 200000)) ]; }
count() { total ".kernel.$1"; }

# goes_on WHERE WHAT [SECONDS]: the bytes flow, and the connection is there
goes_on() {
	seen=$(received)
	wait_for ${3:-20} moving || { ctl list; host ss -tino; fail "$2: nothing moves any more"; }
	wait_for 5 at_home "$1" || fail "$2: it is not in the $1"
	echo "ok: $2"
}

# to_engine: whatever the last step has left
to_engine() {
	local tries
	for tries in 1 2 3 4 5 6 7 8; do
		at_home kernel && ctl offload "$(conn .id)" >"$work/said" 2>&1
		wait_for 1 at_home engine && return
	done
	fail "it does not go to the engine: $(cat "$work/said")"
}

# tags_are TAG WHAT: of everything that the peer gets from port 7000
tags_are() {
	peer timeout 5 tcpdump -p -e -n -c 200 -Q in -i wp 2>/dev/null >"$work/frames"
	grep "$HOST_IP.7000 > " "$work/frames" >"$work/ours"
	[ "$(wc -l <"$work/ours")" -ge 50 ] || fail "$2: too few frames: $(wc -l <"$work/ours")"
	grep -v "vlan $1, " "$work/ours" && fail "$2: another tag"
	echo "ok: $2: each of $(wc -l <"$work/ours") frames has the tag $1"
}

engine_up
net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --until-usr1 --ahead 500 --json \
	--progress 100 >"$work/peer.log" 2>&1
client=$NET_PID
wait_for 10 at_home kernel || fail "no connection"
tags_are "$NET_VLAN, p 3" "in the kernel"
to_engine
goes_on engine "the engine has it"
tags_are "$NET_VLAN, p 3" "in the engine"
ctl drops | grep '^vlan ' && fail "frames of another VLAN"
for round in 1 2 3 4 5; do
	ctl upload "$(conn .id)" >/dev/null || fail "upload $round"
	goes_on kernel "back in the kernel, $round"
	to_engine
done
goes_on engine "moved five times"

before=$(count invalidates)
host ip link set $vlan type vlan egress-qos-map 0:5
goes_on kernel "another map of priorities: it comes back"
[ "$(count invalidates)" -gt "$before" ] || fail "the map was not followed"
to_engine
goes_on engine "and goes again"
tags_are "$NET_VLAN, p 5" "after the map has changed"

# The same addresses in another VLAN: while there is none, it waits in the engine.
host ip link del $vlan
wait_for 10 at_home to-kernel || fail "without an interface: $(conn .home)"
peer ip link add link wp name wp.7 type vlan id 7
peer ip link del wp.$NET_VLAN
peer ip link set wp.7 up
peer ip addr add $PEER_IP/24 dev wp.7
host ip link add link chim0 name chim0.7 type vlan id 7
host ip link set chim0.7 up
host ip addr add $HOST_IP/24 dev chim0.7
goes_on kernel "another VLAN: the kernel has it" 60 # the peer may wait long before it tries again
grep "has not heard" "$engine_log" && fail "another VLAN: injected into the old one"
to_engine
goes_on engine "another VLAN: the engine has it"
tags_are "7, p 0" "in another VLAN"
ctl upload "$(conn .id)" >/dev/null || fail "the last upload"
finish_client $client "$work/peer.log"

# ---- what is refused ----

# With nothing to send, so that it bears a route that leads nowhere.
cat >"$work/idle.py" <<-PY
	import signal, socket
	s = socket.create_connection(('$HOST_IP', 7000), 20)
	signal.sigwait({signal.SIGTERM})
PY
net_run peer python3 "$work/idle.py"
wait_for 10 at_home kernel || fail "no idle connection"

# refused WORDS LINK-NAME ARGUMENT...: the route by such an interface
refused() {
	local words=$1 link=$2
	if ! host ip link add "${@:2}" 2>/dev/null; then
		echo "not here: $link: $words"
		return
	fi
	host ip link set "$link" up
	host ip route add $PEER_IP/32 dev "$link" src $HOST_IP || fail "no route by $link"
	ctl offload "$(conn .id)" >"$work/said" 2>&1
	grep -qF "$words" "$work/said" || fail "$link: $(cat "$work/said")"
	at_home kernel || fail "$link: it is in the $(conn .home)"
	host ip link del "$link"
	echo "ok: refused: $words"
}
refused "a VLAN within a VLAN" inner link chim0.7 type vlan id 8
refused "a VLAN of 802.1ad" outer link chim0 type vlan proto 802.1ad id 9
host ip link add apart type veth
host ip link set apart up
refused "does not stand on a port" odd link apart type vlan id 9
refused "number 0" zero link chim0 type vlan id 0
refused "has a MAC of its own" own link chim0 address 02:00:00:00:00:99 type vlan id 9
refused "a macvlan interface" mac link chim0 type macvlan
refused "a bond" bonded type bond
refused "a bridge" bridged type bridge
refused "a port's exception interface" other type dummy
to_engine
echo "ok: and goes when the route is the VLAN's again"
ctl upload "$(conn .id)" >/dev/null || fail "the idle one does not come back"
[ "$(count lost)" = 0 ] || fail "lost $(count lost)"
kill $NET_PID
none_left() { [ "$(total .connections)" = 0 ]; }
wait_for 10 none_left || fail "$(total .connections) connections are left"
engine_down
