#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# As 02, and of all frames in either direction 1 % is lost; then also 2 % of the
# peer's come late, behind later ones, and 2 % twice.
. "$(dirname "$0")/_init.sh"
engine_up
bad_wire 10
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 10 || fail "the connection"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves"
[ "$(figure '.retrans[2] - .retrans[0]')" -gt 0 ] || fail "nothing was lost: this proves nothing"

disorder 20
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 10 || fail "the connection, in disorder"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves in disorder"
late=$(peer cat /sys/class/net/back/statistics/rx_packets)
[ "$late" -gt 100 ] || fail "only $late frames came late or twice: this proves nothing"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
