#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The flow set of config/flow-set.cfg, driven by what its TRex profile sends: a
# pcap of the same description, which testpmd replays (net_pcap) into the memif.
# Every byte is delivered, every connection acknowledged to its last byte, and
# nothing else is said.

. "$(dirname "$0")/_init.sh"
command -v dpdk-testpmd >/dev/null || skip "dpdk-testpmd is not installed"
tools=$here/../../devtools
rounds=200 connections=64 payload=512

ctl() { "$CHIMNEYCTL" --file-prefix="$NET_PREFIX" "$@"; }

all_in() { [ "$(ctl --json stats | jq .flow_sets.bytes_in)" = $((rounds * connections * payload)) ]; }

# The example's port and set, on another wire.
python3 - "$here/../../config/flow-set.cfg" >"$work/flow-set.cfg" <<-'PYTHON'
	import sys
	text = open(sys.argv[1]).read()
	print(text[text.index('[flow-set]'):])
PYTHON
"$tools/flow_pcap" "$here/../../config/trex/receive.py" $rounds "$work/in.pcap" || fail "no pcap"

net_up || fail "no namespaces"
memif=socket=$work/memif.sock,rsize=14,bsize=2048
net_run host "$CHIMNEY" -l 0-1 --no-huge -m 512 --no-pci --file-prefix="$NET_PREFIX" \
	--vdev=net_memif0,role=server,mac=$HOST_MAC,"$memif" --vdev=net_tap0,iface=chim0 \
	-- --port=net_memif0,net_tap0 --connections=1024 \
	--config="$work/flow-set.cfg" >"$work/chimney.log" 2>&1
chimney=$NET_PID
all_offloaded() { [ "$(ctl --json stats | jq .flow_sets.offloaded)" = $connections ]; }
wait_for 5 all_offloaded || fail "not every connection is there"
mkfifo "$work/say"
exec 9<>"$work/say"
net_run host sh -c 'exec "$@" <"$0"' "$work/say" dpdk-testpmd -l 0-1 --no-huge -m 256 \
	--no-pci --file-prefix="$NET_PREFIX-generator" \
	--vdev=net_pcap0,rx_pcap="$work/in.pcap",tx_pcap="$work/out.pcap" \
	--vdev=net_memif0,role=client,"$memif" \
	-- -i --no-flush-rx --forward-mode=io --port-topology=paired --total-num-mbufs=32768 \
	>"$work/generator.log" 2>&1
generator=$NET_PID
connected() { echo "show port info 1" >&9; grep -q "Link status: up" "$work/generator.log"; }
wait_for 5 connected || fail "the memif did not connect"
echo start >&9
wait_for 5 all_in || {
	ctl drops
	fail "not every byte arrived: $(ctl --json stats | jq -c .flow_sets)"
}
stats=$(ctl --json stats | jq -c .flow_sets)
[ "$(echo "$stats" | jq .offloaded)" = $connections ] || fail "offloaded: $stats"
[ "$(echo "$stats" | jq .refused)" = 0 ] || fail "refused: $stats"
sleep 0.2 # the last delayed acknowledgment
printf 'stop\nquit\n' >&9
wait $generator || fail "testpmd"
net_end "$chimney" TERM 10
[ $? -eq 0 ] || fail "exit status after SIGTERM"

python3 - "$work/out.pcap" $((1000 + rounds * payload)) $connections <<-'PYTHON' || fail "answers"
	import struct, sys
	data, last, connections = open(sys.argv[1], 'rb').read(), int(sys.argv[2]), int(sys.argv[3])
	at, acked, odd = 24, {}, 0
	while at < len(data):
	    length = struct.unpack_from('=I', data, at + 8)[0]
	    frame = data[at + 16:at + 16 + length]
	    at += 16 + length
	    if frame[12:14] != b'\x08\x00' or frame[23] != 6:
	        continue  # the kernel's own
	    source, target, seq, ack, offset, flags = struct.unpack_from('!HHIIBB', frame, 34)
	    size = struct.unpack_from('!H', frame, 16)[0] - 20 - (offset >> 4) * 4
	    odd += source != 7001 or seq != 1 or flags != 0x10 or size != 0
	    acked[target] = ack
	print(f'{len(acked)} connections acknowledged, {odd} odd segments')
	sys.exit(odd != 0 or len(acked) != connections or any(a != last for a in acked.values()))
PYTHON
echo "ok: $((rounds * connections)) segments replayed, every byte delivered and acknowledged"
