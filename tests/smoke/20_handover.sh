#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# One live connection, moved by the hundred while both ends send. Arguments go
# to the program; without any, every kind is run in turn. The wire is clean, so
# the peer's kernel may not take a single segment for lost. As a soak:
#
#   20_handover.sh moves=10000 bytes=4096

. "$(dirname "$0")/_init.sh"

# repaired: how often the peer took something for lost
repaired() {
	local sum=0 name
	for name in TCPFastRetrans TCPSlowStartRetrans TCPTimeouts; do
		sum=$((sum + $(net_counter peer TcpExt$name)))
	done
	echo $sum
}

# The program says how long it waited for a CPU at most: only that excuses a
# repair, and only for another try. A soak of minutes has but one.
one() {
	for try in 1 2 3; do
		net_up || skip "machine: no veth pair between namespaces"
		echo "== $*"
		host "$HANDOVER" "$NET_PREFIX-peer" "$@" >"$work/said" || { cat "$work/said"; fail "handover $*"; }
		cat "$work/said"
		lost=$(peer cat /sys/class/net/wp/statistics/tx_dropped)
		[ "$lost" = 0 ] || fail "handover $*: the wire itself lost $lost frames"
		repairs=$(repaired)
		echo "the peer's repairs: $repairs, and tail loss probes:" \
			"$(net_counter peer TcpExtTCPLossProbes)"
		net_down
		[ "$repairs" = 0 ] && return
		[ "$(sed -n 's/^longest stall \([0-9]*\) us$/\1/p' "$work/said")" -ge $STALL_US ] ||
			fail "handover $*: the peer took segments for lost, and nothing had stalled"
		[ -n "$soak" ] && return
	done
	fail "handover $*: the peer took segments for lost each time"
}

soak=
if [ $# -gt 0 ]; then
	soak=yes
	one "$@"
	exit 0
fi
# Bytes enough to keep both directions busy while the moves last.
one moves=300 bytes=128
one moves=200 bytes=96 ip6
one moves=200 bytes=96 client
one moves=200 bytes=128 cc=bbr
one moves=300 bytes=160 half
one moves=100 bytes=32 conns=8
