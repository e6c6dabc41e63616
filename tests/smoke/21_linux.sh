#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Linux as the peer, in many shapes: with and without timestamps, SACK, window
# scaling and ECN, IPv4 and IPv6, a clean wire and one that loses, small
# frames, jumbo frames, and frames with a VLAN tag. In each shape: bulk both ways, bulk from the engine, questions
# and answers, half-closes, resets, and many connections - all offloaded as
# they are accepted, all compared byte by byte, and what the peer's kernel
# counted looked at.
#
# usage: 21_linux.sh [SOAK]    SOAK: so many times the bytes and connections (1)
. "$(dirname "$0")/_init.sh"
soak=${1:-1} loses=

# shape NAME=VALUE...: the peer's kernel from now on
shape() {
	for setting in timestamps=1 sack=1 window_scaling=1 ecn=0 "$@"; do
		peer sysctl -q -w net.ipv4.tcp_"$setting"
	done
}

count() { net_counter peer "$1"; }

# connections that the engine has got so far
offloads() { total .kernel.offloads; }

# cut_frames: of several segments each, that the engine had its wire cut
cut_frames() {
	echo /chimney/worker,0 | dpdk-telemetry.py -f $NET_PREFIX 2>/dev/null |
		grep -F '"/chimney/worker"' | jq '.[].tcp.tso_frames'
}

# show: where the connections are, in both kernels and in the engine
show() {
	peer ss -Htanoi state all exclude time-wait
	host ss -Htano state all exclude listening
	ctl list
	ctl --json stats
}

# client OPTION...: chimney-peer; its last line in client.out
client() {
	if ! peer "$CHIMNEY_PEER" connect "$address" "$@" --json >"$work/client.out"; then
		show
		fail "$shape: $*: $(tail -n 1 "$work/client.out" | jq -r .error)"
	fi
	clients=$((clients + connections))
}

agreed() { tail -n 1 "$work/client.out" | jq .options; }

# traffic OPTIONS: one of each kind; tcpi_options must be those bits, of 15
traffic() {
	local echo=7002 source=7001
	[ "$address" = $HOST_IP ] || { echo=7008 source=7005; }
	connections=1 client $echo --bytes $((4000000 * soak))
	[ $(($(agreed) & 15)) = "$1" ] || fail "$shape: agreed on $(agreed), not on $1"
	connections=1 client $source --source --bytes 8000000
	connections=4 client $echo --ahead 1 --bytes $((100000 * soak)) --connections 4 --parallel 4
	connections=$((60 * soak))
	client $echo --connections $connections --parallel 20 --bytes 3000
	# A reset that the wire loses is not repeated: the other half would stay (RFC 9293 3.5.1).
	[ -n "$loses" ] ||
		client $echo --connections $connections --parallel 20 --bytes 3000 --reset
}

# try NAME ADDRESS OPTIONS NAME=VALUE...: all kinds of traffic in one shape
try() {
	local before=$(offloads) begun=$SECONDS aborted timeouts resent
	shape=$1 address=$2 clients=0
	shape "${@:4}"
	aborted=$(count TcpExtTCPAbortFailed) timeouts=$(count TcpExtTCPTimeouts)
	resent=$(count TcpRetransSegs)
	traffic "$3"
	# The shortest may be over before the engine has them.
	[ $(($(offloads) - before)) -ge $((clients / 2)) ] ||
		fail "$shape: only $(($(offloads) - before)) of $clients were offloaded"
	[ "$(count TcpExtTCPAbortFailed)" = "$aborted" ] || fail "$shape: the peer gave up"
	[ "$(count TcpInCsumErrors)" = 0 ] || fail "$shape: the peer got bad checksums"
	# A second SYN-ACK, where a handshake's last ACK is lost or late, makes the peer doubt.
	[ "$(count TcpInErrs)" -le "$(count TcpExtTCPSYNChallenge)" ] ||
		fail "$shape: the peer got bad segments"
	[ "$(count TcpExtTCPChallengeACK)" -le "$(net_counter host TcpExtTCPSynRetrans)" ] ||
		fail "$shape: the peer had $(count TcpExtTCPChallengeACK) doubts"
	echo "$shape: $clients connections, peer resent $(($(count TcpRetransSegs) - resent))," \
		"timed out $(($(count TcpExtTCPTimeouts) - timeouts)), $((SECONDS - begun)) s"
}

none_left() { [ "$(total .connections)" = 0 ] && [ "$(total .in_engine)" = 0 ]; }

# lossy: from now on the wire loses 5 of 1000 frames, either way
lossy() {
	bad_wire 5
	loses=yes
}

# done_with: nothing is left, and nothing was lost
done_with() {
	loses=
	wait_for 20 none_left || fail "$(total .connections) connections are left"
	[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
	engine_down
	net_down
}

services="--listen=7001,source=8000000,offload=accept --listen=7002,echo,offload=accept
	--listen=[::]:7005,source=8000000,offload=accept --listen=[::]:7008,echo,offload=accept"

# mss_is ADDRESS BYTES: what a connection that waits in the engine sends at most, and its peer
mss_is() {
	local at="$1 7000"
	[ "$1" = $HOST_IP ] || at="$1 7006"
	net_run peer "$CHIMNEY_PEER" connect $at --until-usr1 --json --progress 100 >"$work/mss.log" 2>&1
	client=$NET_PID
	waits() { [ "$(ctl --json list | jq length)" = 1 ]; }
	wait_for 10 waits || fail "no connection"
	ctl offload "$(ctl --json list | jq '.[0].id')" || fail "not offloaded"
	[ "$(ctl --json list | jq '.[0].mss')" = "$2" ] || fail "MSS: $(ctl --json list | jq '.[0].mss')"
	peer ss -Htni "dport = :${at#* }" | grep -q " mss:$2 " || fail "$(peer ss -Htni)"
	finish_client $client "$work/mss.log"
	wait_for 10 none_left || fail "$(total .connections) connections are left"
	echo "MSS of $1: $2"
}

# Bits of tcpi_options: timestamps 1, SACK 2, scaling 4, ECN 8.
many_shapes() {
	try "everything" $HOST_IP 7
	try "everything, IPv6" $HOST_IP6 7
	try "no timestamps" $HOST_IP 6 timestamps=0
	try "no SACK" $HOST_IP 5 sack=0
	try "no scaling" $HOST_IP 3 window_scaling=0
	try "nothing" $HOST_IP 0 timestamps=0 sack=0 window_scaling=0
	try "nothing, IPv6" $HOST_IP6 0 timestamps=0 sack=0 window_scaling=0
	try "ECN" $HOST_IP 15 ecn=1
	lossy
	try "loss" $HOST_IP 7
	try "loss, no SACK" $HOST_IP 5 sack=0
	try "loss, nothing" $HOST_IP 0 timestamps=0 sack=0 window_scaling=0
}

# few_shapes WHAT: what an MTU or a tag may change
few_shapes() {
	try "$1" $HOST_IP 7
	try "$1, IPv6, no timestamps" $HOST_IP6 6 timestamps=0
	lossy
	try "$1, loss" $HOST_IP 7
}

# start OPTION...: the engine with the services, and room for all the connections
start() {
	engine_up $services "$@"
	peer sysctl -q -w net.ipv4.ip_local_port_range="20000 59999" net.ipv4.tcp_tw_reuse=1
}

case "${NET_SHAPE:-plain}" in
plain)
	start
	many_shapes
	done_with
	NET_MTU=1280
	start
	few_shapes "small frames"
	;;
jumbo)
	start
	grep -q 'mbufs of 9216 bytes to receive' "$engine_log" || fail "$(grep memory "$engine_log")"
	[ "$(host cat /sys/class/net/chim0/mtu)" = 9000 ] || fail "the kernel's MTU is another"
	mss_is $HOST_IP 8948
	mss_is $HOST_IP6 8928
	few_shapes "jumbo frames"
	;;
tso)
	start
	grep -q "^port 0: .*, checksums by the NIC, TSO;" "$engine_log" ||
		fail "no offloads: $(grep '^port' "$engine_log")"
	try "TSO" $HOST_IP 7
	try "TSO, IPv6, no timestamps" $HOST_IP6 6 timestamps=0
	try "TSO, no SACK, ECN" $HOST_IP 13 sack=0 ecn=1
	[ "$(cut_frames)" -gt 100 ] || fail "only $(cut_frames) frames of several segments"
	lossy
	try "TSO, loss" $HOST_IP 7
	;;
vlan)
	start
	few_shapes "VLAN"
	;;
esac
done_with
