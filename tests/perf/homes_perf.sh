#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Three homes for the same services and clients: the plain kernel on the bare
# veth with no poll-mode core and nothing of chimney on the way, the kernel
# behind the exception path, and offloaded. The services are chimney's own in
# all three: echo (64 bytes, asked by echo-load), http (a file of 1 KB, asked by
# wrk, where it is installed), and source (one stream, read by chimney-peer).
# The peer's receive work is spread over the CPUs (RPS, usertools/netns.sh), so
# that it does not run in our send call.
#
# CPU is what the serving process had, threads and system calls; the polls of
# a worker that found nothing are in it, and are left out of "busy". What the
# kernel does for it in interrupts is in no process, and not counted.

. "$(dirname "$0")/../smoke/_init.sh"
repeats=5 seconds=3 mbytes=500
[ "${CHIM_PERF_QUICK:-0}" = 1 ] && repeats=2 seconds=1 mbytes=100
hz=$(getconf CLK_TCK)
mkdir "$work/www"
head -c 1024 /dev/zero >"$work/www/small"
cat >"$work/latency.lua" <<-'LUA'
	done = function(summary, latency, requests)
	   for _, p in ipairs({ 50, 99, 99.9 }) do
	      io.write(string.format("latency %g %.1f\n", p, latency:percentile(p)))
	   end
	   io.write(string.format("requests %d %.6f\n", summary.requests, summary.duration / 1e6))
	end
LUA

# start OPTION...: chimney in the host's namespace on a wire
start() {
	net_run host "$CHIMNEY" -l $lcores --no-huge -m 512 --no-pci --file-prefix=$NET_PREFIX \
		--log-level=warning "$@" --listen=7000,echo --listen=7001,source=${mbytes}000000 \
		--listen=80,http="$work/www" --connections=2048 \
		--control="$work/control.sock" </dev/null >"$work/engine.log" 2>&1
	engine=$NET_PID
}

wire_is() { echo --vdev=net_af_packet0,iface=wd,blocksz=65536,framesz=2048,framecnt=4096; }

# home_NAME: chimney, and addresses where that home has them
home_bare() {
	start --vdev=net_null0,no-rx=1 --vdev=net_tap0,iface=chim0 \
		-- --port=net_null0,net_tap0 --offload=never --idle=sleep
	host nft delete table netdev wd || fail "the wire stays deaf"
	host ip addr add $HOST_IP/24 dev wd
}
home_exception() {
	start "$(wire_is)" --vdev=net_tap0,iface=chim0,mac=$HOST_MAC \
		-- --port=net_af_packet0,net_tap0 --offload=never
	net_tap_up || fail "no tap"
}
home_offloaded() {
	start "$(wire_is)" --vdev=net_tap0,iface=chim0,mac=$HOST_MAC \
		-- --port=net_af_packet0,net_tap0 --offload=accept
	net_tap_up || fail "no tap"
}

# cpu_s: seconds of CPU that chimney has had
cpu_s() { awk -v hz="$hz" '{ print ($14 + $15) / hz }' "/proc/$engine/stat"; }

# busy_cycles: of polls of the worker that found something
busy_cycles() {
	python3 - "/var/run/dpdk/$NET_PREFIX/dpdk_telemetry.v2" <<-'PYTHON'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.connect(sys.argv[1])
		s.recv(16384)
		s.send(b'/chimney/worker,0')
		worker = json.loads(s.recv(65536))['/chimney/worker']
		print(worker.get('busy_cycles', 0))
	PYTHON
}

tsc_hz() { awk '/^cpu MHz/ { print $4 * 1e6; exit }' /proc/cpuinfo; }

# ask_SERVICE CONNECTIONS: the client, its words into client.log
ask_http() {
	peer wrk -t1 -c"$1" -d"${seconds}s" -s "$work/latency.lua" "http://$HOST_IP/small" &&
		! grep -q "Non-2xx\|Socket errors" "$work/client.log"
}
ask_echo() { peer "$ECHO_LOAD" $HOST_IP 7000 "$1" $seconds 64; }

# measure HOME SERVICE CONNECTIONS: requests, and figures of them
measure() {
	local name="$1, $2, $3 connections" cpu busy cpu2 busy2
	cpu=$(cpu_s) busy=$(busy_cycles)
	ask_$2 "$3" >"$work/client.log" 2>&1 || fail "$name: $(tail -n 3 "$work/client.log")"
	cpu2=$(cpu_s) busy2=$(busy_cycles)
	awk -v name="$name" -v cpu="$cpu" -v cpu2="$cpu2" -v busy="$((busy2 - busy))" \
		-v hz="$(tsc_hz)" '
		$1 == "latency" { print name ": latency, " $2 "th percentile|us|" $3 }
		$1 == "requests" {
			print name ": requests|1/s|" $2 / $3
			print name ": CPU, all|us/request|" (cpu2 - cpu) / $2 * 1e6
			print name ": worker, busy|us/request|" busy / hz / $2 * 1e6
			if (cpu2 > cpu)
				print name ": requests per CPU second|1/s|" $2 / (cpu2 - cpu)
		}' "$work/client.log" >>"$work/figures"
}

# measure_stream HOME: one connection, as fast as it goes
measure_stream() {
	local cpu=$(cpu_s) took
	peer "$CHIMNEY_PEER" connect $HOST_IP 7001 --source --mbytes $mbytes --json \
		>"$work/client.log" 2>&1 || fail "$1: $(tail -n 1 "$work/client.log")"
	took=$(tail -n 1 "$work/client.log" | jq .seconds)
	awk -v name="$1, stream" -v cpu="$cpu" -v cpu2="$(cpu_s)" -v s="$took" -v mb=$mbytes '
		BEGIN {
			print name ": rate|Gbit/s|" mb * 8 / 1000 / s
			print name ": CPU, all|ns/byte|" (cpu2 - cpu) / mb * 1000
		}' >>"$work/figures"
}

services=echo
command -v wrk >/dev/null && services="echo http"
for home in bare exception offloaded; do
	net_up || fail "no namespaces"
	home_$home
	net_warm_up && wait_for 20 peer "$ECHO_LOAD" $HOST_IP 7000 1 1 64 || fail "$home: no answer"
	for _ in $(seq $repeats); do
		for service in $services; do
			for connections in 1 32 256; do
				measure $home $service $connections
			done
		done
		measure_stream $home
	done
	net_end "$engine" KILL
	net_down
	rm -f "$work/control.sock"
done
python3 "$(dirname "$0")/figures.py" homes_perf <"$work/figures"
