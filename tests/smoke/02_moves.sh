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

# On a clean wire no move makes the peer repair anything.
for try in 1 2 3; do
	repairs=
	conduct "${1:-$HOST_IP}" "${2:-7000}" --quiet --moves 200 --mbytes 100 ||
		fail "the connection"
	[ "$(figure '.moves | length')" = 200 ] || fail "not 200 moves"
	if [ "$(figure '.refusals | length')" != 0 ]; then
		# A hold has a deadline, which a machine that stands still can miss: refused, not lost.
		[ "$(figure '.refusals | map(test("the hold|exception port") | not) | any')" = false ] &&
			stalled || fail "refused: $(figure .refusals)"
		continue
	fi
	# Moves of an idle connection would prove nothing.
	busy=$(figure '[.moves[] | select(.send_unacked + .send_unsent + .recv_unread > 0)] | length')
	[ "$busy" -ge 100 ] || fail "only $busy of 200 moves carried data"
	[ "$(figure .wire_lost)" = 0 ] || fail "the wire itself lost $(figure .wire_lost) frames"
	repairs=$(figure '.repairs[2] - .repairs[1]')
	[ "$repairs" = 0 ] && break
	# Of other shapes it is not known that nothing but a stall makes one, rarely.
	[ "${NET_SHAPE:-plain}" != plain ] || stalled ||
		fail "the peer took segments for lost $repairs times, and nothing had stalled"
done
[ "$repairs" = 0 ] || fail "not once without a stall: ${repairs:-it was refused}"
kill -0 $engine || fail "the engine ended"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
