#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Three homes for the same service and client (a file by HTTP, wrk): the plain
# kernel on the bare veth with nothing of chimney on the way, the kernel behind
# the exception path, and offloaded. The service is chimney's own in all three.
# The peer's receive work is spread over the CPUs (RPS), so that it does not
# run in our send call.
#
# CPU is what the serving process had, threads and system calls; the polls of
# a worker that found nothing are in it, and are left out of "busy".

. "$(dirname "$0")/../smoke/_init.sh"
for tool in wrk curl; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
repeats=5 seconds=3
[ "${CHIM_PERF_QUICK:-0}" = 1 ] && repeats=1 seconds=1
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
	net_run host "$CHIMNEY" -l 0-1 --no-huge -m 512 --no-pci --file-prefix=$NET_PREFIX \
		--log-level=warning "$@" --listen=80,http="$work/www" --connections=2048 \
		--control="$work/control.sock" </dev/null >"$work/engine.log" 2>&1
	engine=$NET_PID
}

wire_is() { echo --vdev=net_af_packet0,iface=wd,blocksz=65536,framesz=2048,framecnt=4096; }

# home_NAME: the namespaces, chimney, and addresses where that home has them
home_bare() {
	start --vdev=net_null0,no-rx=1 --vdev=net_tap0,iface=chim0 \
		-- --port=net_null0,net_tap0 --offload=never
	host nft delete table netdev wire
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

# measure HOME CONNECTIONS: wrk, and figures of it
measure() {
	local name="$1, $2 connections" cpu busy cpu2 busy2
	cpu=$(cpu_s) busy=$(busy_cycles)
	peer wrk -t1 -c"$2" -d"${seconds}s" -s "$work/latency.lua" "http://$HOST_IP/small" \
		>"$work/wrk.log" 2>&1 || fail "wrk: $(tail -n 3 "$work/wrk.log")"
	cpu2=$(cpu_s) busy2=$(busy_cycles)
	grep -q "Non-2xx\|Socket errors" "$work/wrk.log" && fail "$(cat "$work/wrk.log")"
	awk -v name="$name" -v cpu="$cpu" -v cpu2="$cpu2" -v busy="$((busy2 - busy))" \
		-v hz="$(tsc_hz)" '
		$1 == "latency" { print name ": latency, " $2 "th percentile|us|" $3 }
		$1 == "requests" {
			print name ": requests|1/s|" $2 / $3
			print name ": CPU, all|us/request|" (cpu2 - cpu) / $2 * 1e6
			print name ": worker, busy|us/request|" busy / hz / $2 * 1e6
		}' "$work/wrk.log" >>"$work/figures"
}

for home in bare exception offloaded; do
	net_up || fail "no namespaces"
	home_$home
	net_warm_up && wait_for 20 peer curl -s -o "$work/got" http://$HOST_IP/small ||
		fail "$home: no answer"
	for connections in 1 32 256; do
		for _ in $(seq $repeats); do
			measure $home $connections
		done
	done
	net_end "$engine" KILL
	net_down
	rm -f "$work/control.sock"
done
python3 "$(dirname "$0")/figures.py" homes_perf <"$work/figures"
