#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Thousands of connections alive in the engine at once, each with Linux as its
# peer: questions and answers of a kilobyte on half of them, bulk both ways on
# the other half. Beside them others come, get their bytes and go: reset by the
# peer, or closed by the service first. Then the peer closes its half of each,
# and all of them end. Each byte is compared, and what the peer's kernel counted
# looked at.
#
# usage: 22_crowd.sh [CONNECTIONS]
. "$(dirname "$0")/_init.sh"
nb=${1:-3000}
part=$((nb / 6)) some=$((nb / 6)) client=()
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge $((3 * nb)) ] ||
	skip "machine: no more than $(ulimit -n) open files"

count() { net_counter peer "$1"; }
in_engine() { [ "$(total .in_engine)" -ge "$1" ]; }
none_left() { [ "$(total .connections)" = 0 ] && [ "$(total .in_engine)" = 0 ]; }

# others SERVICE OPTION...: some of them, while the crowd goes on
others() {
	peer "$CHIMNEY_PEER" connect $HOST_IP6 "$@" --connections $some --parallel $((some / 2)) \
		--json >"$work/others.out" ||
		fail "$*: $(tail -n 1 "$work/others.out" | jq -r .error)"
}

engine_up --connections=$((nb + 2 * some)) --listen=7002,echo,offload=accept \
	--listen=[::]:7005,source=50000,offload=accept --listen=[::]:7008,echo,offload=accept
peer sysctl -q -w net.ipv4.ip_local_port_range="20000 59999" net.ipv4.tcp_tw_reuse=1
aborted=$(count TcpExtTCPAbortFailed) begun=$SECONDS

# all_in NUMBER: so many are in the engine. On a busy machine a hold may run out; such a connection
# stays in the kernel, and is asked again.
all_in() {
	for try in 1 2 3 4; do
		wait_for 10 in_engine "$1" && return
		ctl offload --all >/dev/null
	done
	fail "only $(total .in_engine) of $1 are in the engine"
}

# crowd NUMBER OPTION...: a part of them, until all are in the engine
crowd() {
	local number=$1
	shift
	net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections $part --parallel $part \
		--hold --stall 120 --json "$@" >"$work/crowd.$number" 2>&1
	client[$number]=$NET_PID
	all_in $((number * part))
}

for number in 1 3 5; do
	crowd $number --bytes 10000 --ahead 1
	crowd $((number + 1)) --bytes 40000
done
after=$((SECONDS - begun))
others 7008 --bytes 20000 --ahead 1 --reset
others 7005 --bytes 50000 --source
in_engine $((6 * part)) || fail "of $nb connections $(total .in_engine) are left"
for number in 1 2 3 4 5 6; do
	finish_client ${client[$number]} "$work/crowd.$number"
done
wait_for 30 none_left || fail "$(total .connections) connections are left"

[ "$(total .accepted)" = $((6 * part + 2 * some)) ] || fail "accepted $(total .accepted)"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
[ "$(count TcpExtTCPAbortFailed)" = "$aborted" ] || fail "the peer gave up"
# A veth under so many loses frames: a SYN-ACK that comes twice is an error in the peer's books.
[ "$(count TcpInCsumErrors)" = 0 ] || fail "the peer got bad checksums"
echo "$nb connections in the engine after $after s, all over after $((SECONDS - begun)) s;" \
	"peer resent $(count TcpRetransSegs) segments"
engine_down
