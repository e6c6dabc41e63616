#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# What an offloaded connection still costs the kernel: slab memory of a connected
# socket, measured on both ends at once, and of the placeholder that stands in
# for it while it is in the engine; and how many descriptors, of which each takes
# one, there can be. Of the machine's slabs only those are counted that sockets
# are made of, with a dentry for each, which others have by the million.

. "$(dirname "$0")/../smoke/_init.sh"
number=8000 repeats=5
[ "${CHIM_PERF_QUICK:-0}" = 1 ] && number=2000 repeats=2

# slab_bytes: objects of sockets in use, by their size
slab_bytes() {
	awk '$1 ~ /^(TCP|TCPv6|sock_inode_cache|filp|eventpoll_epi|eventpoll_pwq|tcp_bind_bucket|tcp_bind2_bucket|request_sock_TCP)$/ {
		sum += $2 * $4 } END { printf "%d", sum }' /proc/slabinfo
}
dentry_bytes() { awk '$1 == "dentry" { print $4 }' /proc/slabinfo; }

# settled: the slab's bytes when what was freed late is gone
settled() {
	sleep 1
	slab_bytes
}

is_open() { grep -q open "$work/held.log"; }
# A few may be refused for the moment; it is a mean that is wanted.
most_moved() { [ "$(total .in_engine)" -ge $((number * 95 / 100)) ]; }
none_moved() { [ "$(total .in_engine)" = 0 ]; }
none_left() { [ "$(total .connections)" = 0 ]; }

measure() {
	local empty opened moved back
	empty=$(settled)
	mkfifo "$work/hold"
	exec 8<>"$work/hold"
	net_run peer sh -c 'exec "$@" <"$0"' "$work/hold" python3 \
		"$(dirname "$0")/hold_connections.py" $HOST_IP 7000 $number >"$work/held.log" 2>&1
	local holder=$NET_PID
	wait_for 60 is_open || fail "$number connections did not open"
	opened=$(settled)
	ctl offload --all >"$work/move.log" || fail "offload"
	wait_for 30 most_moved || fail "$(total .in_engine) of $number are in the engine"
	moved=$(settled)
	ctl upload --all >"$work/move.log" || fail "upload"
	wait_for 30 none_moved || fail "$(total .in_engine) are not in the kernel"
	back=$(settled)
	kill "$holder"
	exec 8>&-
	rm "$work/hold"
	wait_for 20 none_left
	{
		echo "a connected socket|bytes of slab|$(((opened - empty) / 2 / number + $(dentry_bytes)))"
		echo "a placeholder instead of it, besides|bytes of slab|$(((moved - opened) / number))"
		echo "a socket that came back, besides|bytes of slab|$(((back - opened) / number))"
	} >>"$work/figures"
}
[ -r /proc/slabinfo ] || skip "machine: no /proc/slabinfo"
engine_up --connections=16384
# Those of earlier rounds are in TIME_WAIT.
peer sysctl -qw net.ipv4.ip_local_port_range="1024 65535" || fail "no more ports"
for _ in $(seq $repeats); do
	measure
done
engine_down
{
	echo "descriptors a process may have (fs.nr_open)|descriptors|$(cat /proc/sys/fs/nr_open)"
	echo "descriptors of the machine (fs.file-max)|descriptors|$(cat /proc/sys/fs/file-max)"
} >>"$work/figures"
python3 "$(dirname "$0")/figures.py" placeholder_perf <"$work/figures"
