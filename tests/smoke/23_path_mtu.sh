#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Jumbo frames on every link, and a router that passes only small ones on: the
# ICMP error concerns a connection that the kernel does not run, so it is the
# engine that must believe it. IPv4 and IPv6; the connection moves on, both
# ways, with every byte compared.
#
#   PREFIX-host  chim0      PREFIX-peer  a router: wp, near      PREFIX-far  far: the client
. "$(dirname "$0")/_init.sh"
FAR_IP=10.79.0.2 FAR_IP6=fd79::2

far() { ip netns exec "$NET_PREFIX-far" "$@"; }

far_up() {
	ip netns add "$NET_PREFIX-far" || fail "no third namespace"
	peer ip link add near mtu "$NET_MTU" type veth peer name far netns "$NET_PREFIX-far"
	peer sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	peer ip addr add 10.79.0.1/24 dev near
	peer ip addr add fd79::1/64 dev near nodad
	peer ip link set near up
	far ip link set lo up
	far ip addr add $FAR_IP/24 dev far
	far ip addr add $FAR_IP6/64 dev far nodad
	far ip link set far mtu "$NET_MTU" up
	far ip route add default via 10.79.0.1
	far ip route add default via fd79::1
	net_bound far
	far ethtool -K far tso off gso off gro off >/dev/null
	host ip route add 10.79.0.0/24 via $PEER_IP dev chim0
	host ip route add fd79::/64 via $PEER_IP6 dev chim0
}

# narrow FAMILY [MTU]: what the router passes on to the client; not the interface's, which would
# drop what is longer without a word
narrow() {
	local net=10.79.0.0/24
	[ "$1" = -4 ] || net="fd79::/64 metric 256" # of the route that the address has made
	peer ip "$1" route replace $net dev near ${2:+mtu lock $2}
}

conn() { ctl --json list | jq -r ".[0] | $1"; }
is() { [ "$(conn "$1")" = "$2" ]; }
received() { tail -n 1 "$work/peer.log" | jq .received; }
moving() { [ "$(received)" -gt $((seen + 200000)) ]; }

# goes_on WHERE WHAT: the bytes flow, and the connection is there
goes_on() {
	seen=$(received)
	wait_for 20 moving || { ctl --json list; fail "$2: nothing moves any more"; }
	is .home "$1" || fail "$2: it is in the $(conn .home)"
	echo "ok: $2"
}

# passes FAMILY ADDRESS PORT WIDE NARROW: the MSS before and behind the error
passes() {
	net_run far "$CHIMNEY_PEER" connect "$2" "$3" --until-usr1 --ahead 500 --json \
		--progress 100 >"$work/peer.log" 2>&1
	client=$NET_PID
	wait_for 10 is .home kernel || fail "$2: no connection"
	ctl offload "$(conn .id)" >/dev/null || fail "$2: not offloaded"
	is .mss "$4" || fail "$2: MSS $(conn .mss), not $4"
	goes_on engine "$2: an MSS of $4"
	before=$(total .kernel.path_updates)
	narrow "$1" 1400
	wait_for 10 is .mss "$5" || fail "$2: MSS $(conn .mss), not $5"
	[ "$(total .kernel.path_updates)" -gt "$before" ] || fail "$2: no update of the path"
	goes_on engine "$2: an MSS of $5 after the router's word"
	ctl upload "$(conn .id)" >/dev/null || fail "$2: upload"
	goes_on kernel "$2: back in the kernel"
	ctl offload "$(conn .id)" >/dev/null || fail "$2: not offloaded again"
	goes_on engine "$2: in the engine again"
	narrow "$1"
	finish_client $client "$work/peer.log"
	wait_for 10 none_left || fail "$2: $(total .connections) connections are left"
}
none_left() { [ "$(total .connections)" = 0 ]; }

engine_up
far_up
# Everything but addresses and options, with timestamps.
passes -4 $HOST_IP 7000 8948 1348
passes -6 $HOST_IP6 7006 8928 1328
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
