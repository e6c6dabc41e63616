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

one() {
	net_up || skip "machine: no veth pair between namespaces"
	echo "== $*"
	host "$HANDOVER" "$NET_PREFIX-peer" "$@" || fail "handover $*"
	lost=$(peer cat /sys/class/net/wp/statistics/tx_dropped)
	[ "$lost" = 0 ] || fail "handover $*: the wire itself lost $lost frames"
	for name in TCPFastRetrans TCPSlowStartRetrans TCPTimeouts; do
		repairs=$(net_counter peer TcpExt$name)
		[ "$repairs" = 0 ] || fail "handover $*: the peer's $name is $repairs"
	done
	echo "the peer's tail loss probes: $(net_counter peer TcpExtTCPLossProbes)"
	net_down
}

if [ $# -gt 0 ]; then
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
