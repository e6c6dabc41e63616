#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# As 02, with both kernels sending by bbr, which paces, and the host behind a
# stateful ruleset that drops what conntrack calls invalid.
. "$(dirname "$0")/_init.sh"
grep -qw bbr /proc/sys/net/ipv4/tcp_available_congestion_control || skip "machine: no bbr"
engine_up
net_congestion bbr || fail "cannot choose bbr"
net_guard 7000 7006 || skip "machine: no conntrack for nft"
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 20 --cc bbr || fail "the connection"
[ "$(figure '.moves | length')" = 100 ] || fail "not 100 moves"
busy=$(figure '[.moves[] | select(.send_unacked + .send_unsent + .recv_unread > 0)] | length')
[ "$busy" -ge 50 ] || fail "only $busy of 100 moves carried data"
[ "$(net_guard_dropped)" = 0 ] || fail "conntrack found $(net_guard_dropped) packets invalid"
host nft list ruleset | grep -q 'ct state invalid counter' || fail "no ruleset"
engine_down
