#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Following the kernel, with a busy connection in the engine: what changes in
# its neighbors, routes, links and addresses, and what ICMP says, becomes the
# update, relink, or invalidate that it should; the bytes go on wherever they
# can, and none is lost in any case.
#
#   PREFIX-host  chim0 10.78.0.1
#   PREFIX-peer  a router: wp 10.78.0.2, gate 10.78.0.3 (a MAC of its own), near
#   PREFIX-far   far 10.79.0.2: the client
. "$(dirname "$0")/_init.sh"

far() { ip netns exec "$NET_PREFIX-far" "$@"; }

far_up() {
	ip netns add "$NET_PREFIX-far" || fail "no third namespace"
	peer ip link add near type veth peer name far netns "$NET_PREFIX-far"
	peer ip link add link wp name gate type macvlan mode bridge ||
		skip "machine: no macvlan"
	# Each address is answered for with its own MAC.
	peer sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.arp_ignore=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.gate.rp_filter=0
	peer ip addr add 10.79.0.1/24 dev near
	peer ip link set near up
	peer ip addr add 10.78.0.3/32 dev gate
	peer ip link set gate up
	far ip link set lo up
	far ip addr add 10.79.0.2/24 dev far
	far ip link set far up
	far ip route add default via 10.79.0.1
	far ethtool -K far tso off gso off gro off >/dev/null
	host ip route add 10.79.0.0/24 via 10.78.0.2 dev chim0
}

# conn FILTER: of the connection
conn() { ctl --json list | jq -r ".[] | select(.local | endswith(\":7000\")) | $1"; }
at_home() { [ "$(conn .home)" = "$1" ]; }
count() { total ".kernel.$1"; }
neigh() { host ip neigh show "$1" dev chim0; }

received() { tail -n 1 "$work/peer.log" | jq .received; }
moving() { [ "$(received)" -gt $((seen + 200000)) ]; }

# tell: what both ends and the engine know, for a failure
tell() {
	ctl --json list
	host ss -tinom 'sport = 7000'
	far ss -tinom 'dport = 7000'
	host ip neigh
	host ip route
}

# goes_on WHERE WHAT: the bytes flow, and the connection is there
goes_on() {
	seen=$(received)
	wait_for 10 moving || { tell; fail "$2: nothing moves any more"; }
	wait_for 2 at_home "$1" || { tell; fail "$2: it is not in the $1"; }
	echo "ok: $2"
}

# to_engine: whatever the last step has left
to_engine() {
	local tries
	for tries in 1 2 3 4 5 6 7 8; do
		at_home kernel && ctl offload "$(conn .id)" >/dev/null
		wait_for 1 at_home engine && return
	done
	tell
	fail "it does not go to the engine"
}

# counted NAME: one more than before
note() { before=$(count "$1"); }
counted() { [ "$(count "$1")" -gt "$before" ]; }
must_count() { wait_for 10 counted "$1" || fail "$2: no $1"; }

engine_up
far_up
net_run far "$CHIMNEY_PEER" connect $HOST_IP 7000 --until-usr1 --ahead 500 --json \
	--progress 100 >"$work/peer.log" 2>&1
client=$NET_PID
wait_for 10 at_home kernel || fail "no connection"
to_engine
goes_on engine "through the router"

# ---- neighbors ----

note neighbor_updates
# A machine that takes an address over says so. That it merely asks for others would not do: for a
# second after each change of an entry, a confirmation too, the kernel disregards that (locktime).
peer sysctl -q -w net.ipv4.conf.wp.arp_notify=1
peer ip link set wp address 02:00:00:00:00:22
must_count neighbor_updates "another MAC"
goes_on engine "another MAC: the neighbor is updated"
neigh 10.78.0.2 | grep -q 02:00:00:00:00:22 || fail "the kernel has another MAC: $(neigh 10.78.0.2)"

# Nothing of the connection passes the kernel: left alone, its entry would be stale.
note confirmations
net_run peer timeout 6 tcpdump -p -n -i wp 'arp and src host 10.78.0.1' >"$work/arp" 2>/dev/null
dump=$NET_PID
host sysctl -q -w net.ipv4.neigh.chim0.base_reachable_time_ms=1000
sure=0
for _ in $(seq 20); do
	sleep 0.25
	neigh 10.78.0.2 | grep -q REACHABLE && sure=$((sure + 1))
done
must_count confirmations "reachability"
[ $sure -ge 5 ] || fail "reachable only $sure times of 20: $(neigh 10.78.0.2)"
wait $dump
[ "$(grep -c 'who-has 10.78.0.2' "$work/arp")" = 0 ] || fail "the kernel had to ask"
neigh 10.78.0.2 | grep -q 02:00:00:00:00:22 || fail "the confirmation changed the address"
goes_on engine "forward progress confirms the kernel's entry ($sure of 20 times reachable)"

host ip neigh replace 10.78.0.2 lladdr 02:00:00:00:00:22 nud stale router dev chim0
note confirmations
must_count confirmations "a router"
neigh 10.78.0.2 | grep -q router || fail "the router flag is gone: $(neigh 10.78.0.2)"
host ip neigh replace 10.78.0.2 lladdr 02:00:00:00:00:22 nud permanent router dev chim0
sleep 3
neigh 10.78.0.2 | grep -q PERMANENT || fail "not permanent any more: $(neigh 10.78.0.2)"
goes_on engine "a permanent entry and the router flag stay"

note invalidates
host ip neigh del 10.78.0.2 dev chim0
sleep 1
[ "$(count invalidates)" = "$before" ] || fail "a deleted entry was taken for a dead neighbor"
resolved() { neigh 10.78.0.2 | grep -q 02:00:00:00:00:22; }
wait_for 5 resolved || fail "a deleted entry was not resolved again: $(neigh 10.78.0.2)"
goes_on engine "a deleted entry is resolved again"

host ip neigh replace 10.78.0.2 nud failed dev chim0
must_count invalidates "an unreachable neighbor"
goes_on kernel "an unreachable neighbor is invalidated, the kernel goes on"

# ---- routes ----

to_engine
note relinks
gate_got() { peer cat /sys/class/net/gate/statistics/rx_packets; }
packets=$(gate_got)
host ip route replace 10.79.0.0/24 via 10.78.0.3 dev chim0
must_count relinks "another gateway"
goes_on engine "another gateway: the path is linked to it"
[ $(($(gate_got) - packets)) -gt 50 ] || fail "nothing goes to the other gateway"

# long_frames: how many of the connection's are longer than 1214 bytes
long_frames() {
	peer timeout 1 tcpdump -p -n -i near "tcp src port 7000 and greater 1220" 2>/dev/null | grep -c ' > '
}
# none_long: once those on their way have arrived
none_long() {
	local tries
	for tries in 1 2 3 4 5; do
		[ "$(long_frames)" = 0 ] && return
	done
	return 1
}
# some_long: once the machine has got to it
some_long() {
	local tries
	for tries in 1 2 3 4 5; do
		[ "$(long_frames)" -gt 10 ] && return
	done
	return 1
}
some_long || fail "no long frames before"
note path_updates
host ip route replace 10.79.0.0/24 via 10.78.0.3 dev chim0 mtu 1200
must_count path_updates "a route's MTU"
goes_on engine "a route's MTU: the path is updated"
none_long || fail "still long frames"
note path_updates
host ip route replace 10.79.0.0/24 via 10.78.0.3 dev chim0
must_count path_updates "no MTU"
goes_on engine "a route's MTU is given up"
some_long || fail "no long frames any more"

note path_updates
# Not the interface's: a veth would drop what is longer without a word.
peer ip route replace 10.79.0.0/24 dev near src 10.79.0.1 mtu lock 1200
must_count path_updates "ICMP"
goes_on engine "fragmentation needed, says the router: the path is updated"
none_long || fail "still long frames after ICMP"
peer ip route replace 10.79.0.0/24 dev near src 10.79.0.1

note invalidates
host ip route del 10.79.0.0/24
must_count invalidates "no route"
sleep 0.5
at_home to-kernel || fail "without a route it should wait: $(conn .home)"
host ip route add 10.79.0.0/24 via 10.78.0.3 dev chim0
goes_on kernel "the route goes: it waits in the engine until there is one"

# ---- link and address ----

to_engine
note invalidates
host ip link set chim0 down
must_count invalidates "interface down"
sleep 0.5
host ip link set chim0 up
host ip route replace 10.79.0.0/24 via 10.78.0.3 dev chim0
goes_on kernel "the interface goes down: the kernel has it when it is up again"

to_engine
note invalidates
host ip addr del $HOST_IP/24 dev chim0
must_count invalidates "address removed"
sleep 0.5
host ip addr add $HOST_IP/24 dev chim0
host ip route replace 10.79.0.0/24 via 10.78.0.3 dev chim0
goes_on kernel "the address is removed: the kernel has it when it is there again"

finish_client $client "$work/peer.log"
none_left() { [ "$(total .connections)" = 0 ]; }
wait_for 10 none_left || fail "$(total .connections) connections are left"
[ "$(count lost)" = 0 ] || fail "lost $(count lost)"
ctl --json stats | jq -c .kernel
engine_down
