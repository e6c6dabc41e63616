#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# A stateful ruleset on the host that drops what is invalid: a connection stays
# valid over its stays in the engine, although conntrack sees nothing of them.
# What is translated, or followed by a helper, is refused.
. "$(dirname "$0")/_init.sh"
engine_up --listen=7001,echo
[ "$(host sysctl -n net.netfilter.nf_conntrack_tcp_be_liberal 2>/dev/null)" = 0 ] ||
	skip "machine: no conntrack, or one that minds nothing"
host nft -f - <<-RULES || skip "machine: no nft with connection tracking"
	table inet filter {
		ct helper ftp { type "ftp" protocol tcp; }
		chain in {
			type filter hook input priority 0; policy drop;
			tcp dport 7001 ct state new ct helper set "ftp"
			ct state invalid counter name invalid drop
			ct state established,related accept
			tcp dport { 7000, 7001, 7006 } ct state new accept
			meta l4proto { icmp, icmpv6 } accept
		}
		chain out {
			type filter hook output priority 0; policy accept;
			ct state invalid counter name invalid drop
		}
		counter invalid { }
	}
	table ip nat {
		chain pre {
			type nat hook prerouting priority dstnat;
			tcp dport 7007 redirect to :7000
		}
	}
RULES

invalid() { host nft -j list counter inet filter invalid | jq '[.nftables[].counter.packets // 0] | add'; }
conduct $HOST_IP 7000 --quiet --moves 100 --mbytes 50 || fail "a tracked connection"
[ "$(figure .resets)" = 0 ] || fail "there were resets"
[ "$(invalid)" = 0 ] || fail "$(invalid) segments were invalid"

# refused PORT SERVED WORDS: a connection to PORT is served, but stays
refused() {
	local id
	net_run peer "$CHIMNEY_PEER" connect $HOST_IP "$1" --until-usr1 --json --progress 100 \
		>"$work/peer.log" 2>&1
	client=$NET_PID
	here() { [ "$(total .connections)" = 1 ]; }
	wait_for 10 here || fail "no connection to port $1"
	id=$(ctl --json list | jq '.[].id')
	ctl offload "$id" 2>"$work/why" && fail "port $1 was offloaded"
	grep -q "$2" "$work/why" || fail "port $1: $(cat "$work/why")"
	finish_client $client "$work/peer.log"
	gone() { [ "$(total .connections)" = 0 ]; }
	wait_for 10 gone || fail "port $1: it is not gone"
	echo "ok: refused: $2"
}
refused 7007 "translated (NAT)"
refused 7001 "helper follows it"

# The entry is kept alive: with six seconds to live it survives a stay of ten.
host sysctl -q -w net.netfilter.nf_conntrack_tcp_timeout_established=6
entries() { host grep -c 'ESTABLISHED.*dport=7000' /proc/net/nf_conntrack; }
cat >"$work/idle.py" <<-PY
	import os, socket, time
	s = socket.create_connection(('$HOST_IP', 7000), 10)
	for _ in range(2):
	    s.sendall(b'x' * 1000)
	    got = 0
	    while got < 1000:
	        got += len(s.recv(1000))
	    while not os.path.exists('$work/go'):
	        time.sleep(.1)
	print('good')
PY
net_run peer python3 "$work/idle.py" >"$work/idle.log"
client=$NET_PID
wait_for 10 here || fail "no idle connection"
sleep 0.5
ctl offload "$(ctl --json list | jq '.[].id')" || fail "the idle one is refused"
sleep 10
[ "$(entries)" = 1 ] || fail "the entry of an offloaded connection has ended: $(host cat /proc/net/nf_conntrack)"
[ "$(total .kernel.renewals)" -ge 2 ] || fail "it was not renewed"
ctl upload "$(ctl --json list | jq '.[].id')" || fail "the idle one does not come home"
touch "$work/go"
wait $client || fail "the idle connection"
grep -q good "$work/idle.log" || fail "the idle connection"
[ "$(invalid)" = 0 ] || fail "$(invalid) segments were invalid in the end"
[ "$(total .kernel.lost)" = 0 ] || fail "lost"
echo "ok: $(total .kernel.renewals) renewals"
engine_down
