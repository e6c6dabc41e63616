#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# As 02, on hugepages: 2 MB pages are reserved where the machine lets us, and
# given back as they were. And dpdk-dumpcap captures at the port meanwhile.
. "$(dirname "$0")/_init.sh"
pages=/sys/kernel/mm/hugepages/hugepages-2048kB
[ -w $pages/nr_hugepages ] || skip "machine: no 2 MB hugepages"
before=$(cat $pages/nr_hugepages)
needed=300

give_back() {
	umount "$work/huge" 2>/dev/null
	echo "$before" >$pages/nr_hugepages
}
# Behind clean_up: the engine has ended and let go of them by then.
trap 'status=$?; net_down; give_back; (exit $status); clean_up' EXIT
echo $((before + needed)) >$pages/nr_hugepages
[ "$(cat $pages/free_hugepages)" -ge $needed ] || skip "machine: not $needed free hugepages"
mkdir "$work/huge"
mount -t hugetlbfs -o pagesize=2M "$NET_PREFIX" "$work/huge" || skip "machine: no hugetlbfs"

memory="-m 512 --huge-dir $work/huge"
engine_up --connections=1024 --listen=7002,echo,offload=accept
[ "$(cat $pages/free_hugepages)" -lt $((before + needed - 200)) ] || fail "it took no hugepages"
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 40 || fail "the connection"
[ "$(figure '.moves | length')" = 100 ] || fail "not 100 moves"

# A capture at the port, by DPDK's own tool: a process of its own that shares the hugepages.
if command -v dpdk-dumpcap >/dev/null; then
	capture() {
		host dpdk-dumpcap --file-prefix=$NET_PREFIX -i 0 -a duration:4 -q \
			-w "$work/port.pcapng" >"$work/dumpcap.log" 2>&1
	}
	capture &
	sleep 2
	peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --bytes 100000 || fail "while capturing"
	wait $! || fail "dpdk-dumpcap: $(cat "$work/dumpcap.log")"
	tcpdump -n -r "$work/port.pcapng" 'tcp port 7002' 2>/dev/null >"$work/dump"
	grep -q 'Flags \[S\]' "$work/dump" && grep -q "$HOST_IP.7002 > .*length [1-9]" "$work/dump" ||
		fail "not in the capture: $(cat "$work/dumpcap.log")"
	echo "captured $(wc -l <"$work/dump") frames"
fi
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
grep -q "no hugepages" "$work/engine.log" && fail "it says that there are none"
grep "^memory: hugepages" "$work/engine.log" || fail "no report"
