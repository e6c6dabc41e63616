#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# chimneyctl, each of its commands: what a person reads and what a program
# reads, filters, more connections than fit a page, and errors that say what
# to do. And telemetry: every command there is, none of which changes a thing.
. "$(dirname "$0")/_init.sh"
nb=300
engine_up --listen=7001,discard --connections=1024 --group=games

net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7000 --connections $nb --parallel $nb \
	--until-usr1 --bytes 1000 --ahead 10 --json --progress 500 >"$work/peer.log" 2>&1
client=$NET_PID
cat >"$work/idle.py" <<-PY
	import socket, time
	s = socket.create_connection(('$HOST_IP6', 7006))
	time.sleep(300)
PY
net_run peer python3 "$work/idle.py"
there() { [ "$(total .connections)" = $((nb + 1)) ]; }
wait_for 20 there || fail "$(total .connections) connections"

# says STATUS WORDS ARGUMENT...
says() {
	local status=$1 words=$2
	shift 2
	ctl "$@" >"$work/said" 2>&1
	local got=$?
	[ $got -eq "$status" ] && grep -qE -e "$words" "$work/said" ||
		fail "chimneyctl $*: status $got, no \"$words\": $(head -n 5 "$work/said")"
}
lines() { [ "$(wc -l <"$work/said")" -eq "$1" ] || fail "$(wc -l <"$work/said") lines, not $1"; }

# The list is of more than a page, whole, and each connection once.
says 0 "^ID +HOME +STATE +RECV-Q +SEND-Q +LOCAL +REMOTE .*RTT +CWND +RETR +MOVES +LAST" list
lines $((nb + 2))
ctl --json list >"$work/all"
[ "$(jq '[.[].id] | unique | length' "$work/all")" -eq $((nb + 1)) ] || fail "pages overlap"
jq -e 'all(.[]; has("rtt_us") and has("cwnd") and has("retransmits") and has("recv_queue") and
	has("rate_in") and has("cause") and has("home"))' "$work/all" >/dev/null || fail "a field is missing"
says 0 "fd78::1" list --port 7006
lines 2
says 0 "^ID" list --port 7001
lines 1
says 0 "ESTABLISHED" list --state established --service echo --peer fd78
lines 2
says 2 "invalid choice" list --home nowhere
says 2 "no state is called 'foo': established," list --state foo

# One of them, named by its number and by its remote end; moved, refused, traced.
id=$(ctl --json list --port 7006 | jq '.[0].id')
end=$(ctl --json list --port 7006 | jq -r '.[0].remote')
says 0 "^local +\[fd78::1\]:7006" show "$id"
says 0 "^remote +\[fd78::2\]" show "$end"
says 0 "is in the engine: pause .*0 bytes unacknowledged" offload "$end"
says 0 "engine +ESTABLISHED" list --home engine
lines 2
says 1 "not at home in the kernel" offload "$id"
says 0 "to engine: by hand \(pause" trace "$id"
[ "$(ctl --json trace "$id" | jq -r '.[-1].what')" = "to engine" ] || fail "trace as JSON"
says 0 "is in the kernel" upload "$id"
says 1 "is not in the engine" upload "$id"
says 1 "no such connection" show 12345
says 1 "no connections with an end at 10.0.0.1:1" show 10.0.0.1:1
says 1 "give an ID or a remote end" offload
says 2 "invalid choice: 'ofload'" ofload
says 0 "connections are asked to move" offload --all
away() { [ "$(total .in_engine)" -ge "$1" ]; }
wait_for 20 away $nb || fail "only $(total .in_engine) in the engine"

says 0 "301 connections, .* in the engine; .* moves, pause median" watch --count 2 --interval 0.1 \
	--port 7006
lines 6
[ "$(ctl --json watch --count 2 --interval 0.1 --port 7006 | jq -s 'map(.connections | length) | add')" = 2 ] ||
	fail "watch as JSON"
says 0 "^ +[0-9]+  by hand" stats
says 0 "^REASON +WIRE +KERNEL" drops
[ "$(ctl --json drops | jq 'map(select(.why == "miss")) | .[0].from_wire')" -gt 0 ] || fail "drops"
says 1 "no chimney is running" --socket "$work/none.sock" list

# Not root: only for the group.
chmod 755 "$work"
member() {
	setpriv --reuid=65534 --regid=65534 "$1" "$CHIMNEYCTL" --socket "$work/control.sock" list \
		>"$work/said" 2>&1
}
member --groups="$(getent group games | cut -d: -f3)" || fail "a member may not list: $(cat "$work/said")"
lines $((nb + 2))
member --clear-groups && fail "nobody may list"
grep -q "be root, or in the group" "$work/said" || fail "$(cat "$work/said")"

# It does not answer: that is said, and nobody waits for ever.
kill -STOP $engine
says 1 "does not answer" list
kill -CONT $engine
says 0 "^ID" list

# Telemetry tells the same, and nothing there changes anything.
telemetry() {
	echo "$1" | dpdk-telemetry.py -f $NET_PREFIX 2>/dev/null | grep -F "\"${1%%,*}\""
}
if command -v dpdk-telemetry.py >/dev/null; then
	[ "$(telemetry / | jq -r '.[][] | select(startswith("/chimney"))' | sort | xargs)" = \
		"/chimney/conn /chimney/conns /chimney/ctl /chimney/drops /chimney/worker" ] ||
		fail "telemetry: $(telemetry /)"
	[ "$(telemetry /chimney/worker,0 | jq '.[].connections')" -ge $nb ] || fail "/chimney/worker"
	telemetry /chimney/ctl | jq -e '.[].connections >= '$nb >/dev/null || fail "/chimney/ctl"
	telemetry /chimney/drops | jq -e '.[].miss > 0' >/dev/null || fail "/chimney/drops"
	handle=$(telemetry /chimney/conns,0 | jq -r '.[].handles[0]')
	[ "$(telemetry /chimney/conns,0,0 | jq '.[].next')" -gt 0 ] || fail "/chimney/conns has no page"
	# pages of 200, each connection once; filters, alone and together
	handles() { telemetry "/chimney/conns,$1" | jq -r '.[].handles[]?'; }
	next=$(telemetry /chimney/conns,0,0 | jq '.[].next')
	[ "$( (handles 0,0; handles "0,$next") | sort -u | wc -l)" -eq \
		"$(telemetry /chimney/worker,0 | jq '.[].connections')" ] || fail "pages overlap"
	[ "$(handles 0,0,local=7006 | wc -l)" -eq 1 ] || fail "/chimney/conns,local=7006"
	[ "$(handles 0,0,address=fd78::2,state=established)" = "$(handles 0,0,local=7006)" ] ||
		fail "/chimney/conns,address=fd78::2"
	[ -z "$(handles 0,0,state=close_wait)" ] || fail "/chimney/conns,state=close_wait"
	port=$(telemetry "/chimney/conn,$handle" | jq -r '.[].remote' | cut -d' ' -f2)
	[ "$(handles "0,0,remote=$port" | grep -c "$handle")" -eq 1 ] || fail "/chimney/conns,remote"
	for wrong in 99 x 0,0,color=red 0,0,local=x 0,0,0; do
		[ -z "$(handles "$wrong")" ] || fail "/chimney/conns,$wrong"
	done
	telemetry /chimney/worker,0 | jq -e '.[] | has("tcp") and has("ip4") and has("ip6") and
		(.turns > 0) and (.rx_frames > 0)' >/dev/null || fail "/chimney/worker: a field is missing"
	telemetry "/chimney/conn,$handle" | jq -e '.[] | has("snd_una") and has("cwnd") and
		has("srtt_us") and has("reassembly_bytes") and (.local | startswith("10.78.0.1"))' \
		>/dev/null || fail "/chimney/conn: a field is missing"
	telemetry "/chimney/conn,$handle" | jq -e '.[].state == "ESTABLISHED"' >/dev/null ||
		fail "/chimney/conn"
fi
away $nb || fail "looking moved connections"
finish_client $client "$work/peer.log"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
