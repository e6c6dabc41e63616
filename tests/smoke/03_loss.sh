#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# As 02, and of all frames in either direction 1 % is lost; then also 2 % of
# those in either direction come late, behind later ones, and 2 % twice.
. "$(dirname "$0")/_init.sh"
NET_MIDDLE=1
engine_up
bad_wire 10
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 10 || fail "the connection"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves"
[ "$(figure '.retrans[2] - .retrans[0]')" -gt 0 ] || fail "nothing was lost: this proves nothing"

disorder mp 20
disorder md 20
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 10 || fail "the connection, in disorder"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves in disorder"
for end in mp md; do
	late=$(disordered $end)
	echo "$late frames that came in at $end went on late or twice"
	[ "$late" -gt 100 ] || fail "only $late frames came late or twice: this proves nothing"
done
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
