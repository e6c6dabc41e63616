#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# One live connection, moved back and forth while both directions are full, at
# random instants, on a clean wire: every byte compared, no reset.
#
# usage: 02_moves.sh [ADDRESS PORT]
. "$(dirname "$0")/_init.sh"
engine_up
conduct "${1:-$HOST_IP}" "${2:-7000}" --quiet --moves 200 --mbytes 100 || fail "the connection"

[ "$(figure '.moves | length')" = 200 ] || fail "not 200 moves"
# A refused move is none: the connection stays where it is. No more than moves may be.
[ "$(figure '.refusals | length')" -le 200 ] || fail "refused: $(figure .refusals)"
# Moves of an idle connection would prove nothing.
busy=$(figure '[.moves[] | select(.send_unacked + .send_unsent + .recv_unread > 0)] | length')
[ "$busy" -ge 100 ] || fail "only $busy of 200 moves carried data"
kill -0 $engine || fail "the engine ended"
engine_down
