#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# As 02, and of all frames in either direction 1 % is lost.
. "$(dirname "$0")/_init.sh"
engine_up
bad_wire 10
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 10 || fail "the connection"
[ "$(figure '.moves | length')" -ge 100 ] || fail "not 100 moves"
[ "$(figure '.retrans[2] - .retrans[0]')" -gt 0 ] || fail "nothing was lost: this proves nothing"
engine_down
