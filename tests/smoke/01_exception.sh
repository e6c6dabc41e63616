#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The exception path: with nothing offloaded the kernel behind the tap is an
# ordinary host. Neighbor discovery, ping, and TCP both ways, IPv4 and IPv6.
. "$(dirname "$0")/_init.sh"
engine_up

for ip in $HOST_IP $HOST_IP6; do
	peer ping -q -c 20 -i 0.02 -W 2 $ip >"$work/ping.log" || fail "ping $ip"
	grep -q ' 0% packet loss' "$work/ping.log" || fail "ping $ip: $(grep loss "$work/ping.log")"
	grep -q duplicates "$work/ping.log" && fail "ping $ip: answered twice"
	peer ip neigh show $ip | grep -q $HOST_MAC || fail "$ip is not at the port's address"
done

net_run host "$CHIMNEY_PEER" serve $HOST_IP 7100
net_run host "$CHIMNEY_PEER" serve $HOST_IP6 7100
net_run peer "$CHIMNEY_PEER" serve $PEER_IP 7100
net_run peer "$CHIMNEY_PEER" serve $PEER_IP6 7100
sleep 0.3
peer "$CHIMNEY_PEER" connect $HOST_IP 7100 --mbytes 20 || fail "IPv4 to the host"
peer "$CHIMNEY_PEER" connect $HOST_IP6 7100 --mbytes 20 || fail "IPv6 to the host"
host "$CHIMNEY_PEER" connect $PEER_IP 7100 --mbytes 20 || fail "IPv4 from the host"
host "$CHIMNEY_PEER" connect $PEER_IP6 7100 --mbytes 20 || fail "IPv6 from the host"
peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --mbytes 20 || fail "the echo service, in the kernel"
[ "$(total .in_engine)" = 0 ] || fail "something was offloaded"
engine_down
