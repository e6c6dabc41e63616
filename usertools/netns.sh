# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Sourced by chimney-demo and by the smoke tests: two network namespaces on a
# veth, a process on the host's end of it with an exception tap, and taking
# all of it away again.
#
#   PREFIX-host:  wd (the wire, no address)   chim0 (the kernel's interface)
#   PREFIX-peer:  wp  10.78.0.2, fd78::2      an unmodified kernel
#
# Set before: NET_PREFIX; NET_MTU, if not 1500; NET_MIDDLE, to have a place between the two. With NET_KERNEL=veth the kernel's interface is one
# end of a veth, kd the other, instead of a tap: the tap driver carries no jumbo frames. With
# NET_VLAN=ID the addresses are those of VLAN interfaces, chim0.ID and wp.ID, whose frames have
# priority 3. With NET_WIRE=COMMAND that command, run in the peer's namespace, makes wp there and is
# the wire; there is no wd. Everything made is named or noted, and net_down removes exactly that.

HOST_MAC=02:00:00:00:00:01
HOST_IP=10.78.0.1 PEER_IP=10.78.0.2
HOST_IP6=fd78::1 PEER_IP6=fd78::2
WIRE_BYTES=450000
NET_PIDS=

host() { ip netns exec "$NET_PREFIX-host" "$@"; }
peer() { ip netns exec "$NET_PREFIX-peer" "$@"; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -le 0 ] && return 1
		sleep 0.05
	done
}

# net_up: both namespaces and the wire between them
net_up() {
	ip netns add "$NET_PREFIX-host" && ip netns add "$NET_PREFIX-peer" || return 1
	host ip link set lo up
	peer ip link set lo up
	if [ -n "${NET_WIRE:-}" ]; then
		net_run peer $NET_WIRE </dev/null >"${NET_WIRE_LOG:-/dev/null}" 2>&1
		wait_for 20 peer ip link set wp txqueuelen 2000 || return 1
	else
		net_veth_up || return 1
	fi
	peer ip link set wp mtu ${NET_MTU:-1500} up
	net_tag peer wp
	peer ip addr add $PEER_IP/24 dev $NET_LINK
	peer ip addr add $PEER_IP6/64 dev $NET_LINK nodad
	net_bound peer
	[ "${NET_KERNEL:-tap}" = tap ] || net_kernel_up
}

# net_bound NAMESPACE: what it may have under way. Wires queue 1000 frames and lose the rest, and one
# queue may serve both directions, of which the other has a megabyte of the service's. (A route's
# cwnd binds only who has been there before.)
net_bound() { $1 sysctl -q -w net.ipv4.tcp_wmem="4096 16384 $WIRE_BYTES"; }

# net_veth_up: the wire as a veth; with NET_MIDDLE as two, and between their ends md and mp, in the
# peer's namespace, what may happen to frames on their way
net_veth_up() {
	if [ -n "${NET_MIDDLE:-}" ]; then
		ip link add wd netns "$NET_PREFIX-host" type veth peer name md netns "$NET_PREFIX-peer" &&
			peer ip link add wp type veth peer name mp && net_middle_up || return 1
	else
		ip link add wd netns "$NET_PREFIX-host" type veth peer name wp netns "$NET_PREFIX-peer" ||
			return 1
	fi
	host ip link set wd address $HOST_MAC mtu ${NET_MTU:-1500}
	host sysctl -q -w net.ipv6.conf.wd.disable_ipv6=1
	host ip link set wd up
	# A veth leaves checksums to be filled in by hardware that is not there,
	# and the af_packet driver does not tell.
	peer ethtool -K wp tx off >/dev/null
	# A veth delivers on the CPU that sends. Towards the peer its whole receive
	# path would run in the engine's send call; towards the host a sender on
	# two CPUs would reorder its own segments, and retransmit.
	local cpus=$(printf '%x' $(((1 << $(nproc)) - 1)))
	peer sh -c "echo $cpus >/sys/class/net/wp/queues/rx-0/rps_cpus"
	host sh -c "echo $cpus >/sys/class/net/wd/queues/rx-0/rps_cpus"
	net_deaf wd
}

# net_middle_up: what comes in at one end goes out at the other
net_middle_up() {
	local end
	for end in md mp; do
		peer sysctl -q -w net.ipv6.conf.$end.disable_ipv6=1
		peer ip link set $end mtu ${NET_MTU:-1500} up
	done
	peer nft -f - <<-RULES
	table netdev middle {
		chain out { type filter hook ingress device "md" priority 1; fwd to "mp"; }
		chain in { type filter hook ingress device "mp" priority 1; fwd to "md"; }
	}
	RULES
}

# net_tag NAMESPACE INTERFACE: its VLAN interface, if there are to be; NET_LINK is what has addresses
net_tag() {
	NET_LINK=$2
	[ -n "${NET_VLAN:-}" ] || return 0
	NET_LINK=$2.$NET_VLAN
	$1 ip link add link "$2" name "$NET_LINK" type vlan id "$NET_VLAN" egress-qos-map 0:3
	$1 ip link set "$NET_LINK" up
}

# net_deaf INTERFACE: af_packet only copies, and the kernel must not take what arrives there too
net_deaf() {
	host nft -f - <<-RULES
	table netdev $1 {
		chain in { type filter hook ingress device "$1" priority 0; policy drop; }
	}
	RULES
}

# net_kernel_up: the kernel's interface as one end of a veth
net_kernel_up() {
	host ip link add chim0 address $HOST_MAC type veth peer name kd
	host sysctl -q -w net.ipv6.conf.kd.disable_ipv6=1
	host ethtool -K chim0 tx off >/dev/null
	host ip link set kd mtu ${NET_MTU:-1500} up
	net_deaf kd
}

# net_tap_up [TAP]: addresses on the exception interface, once the engine made it
net_tap_up() {
	local tap=${1:-chim0}
	wait_for 30 host ip link show "$tap" || return 1
	host ip link set "$tap" mtu ${NET_MTU:-1500} up
	net_tag host "$tap"
	host ip addr add $HOST_IP/24 dev $NET_LINK
	host ip addr add $HOST_IP6/64 dev $NET_LINK nodad
}

# net_congestion NAME: of every connection that the host's kernel makes from
# now on; the kernel lets a namespace choose only some
net_congestion() {
	host sysctl -q -w net.ipv4.tcp_congestion_control="$1" 2>/dev/null
}

# net_guard PORT...: a stateful ruleset on the host, as a careful person has
# it: what conntrack calls invalid is dropped, and counted
net_guard() {
	local ports=$(echo "$*" | tr ' ' ',')
	host nft -f - <<-RULES
	table inet guard {
		counter invalid { }
		chain in {
			type filter hook input priority 0; policy drop;
			ct state invalid counter name invalid drop
			ct state established,related accept
			meta l4proto { icmp, ipv6-icmp } accept
			iifname lo accept
			tcp dport { $ports } ct state new accept
		}
		chain out {
			type filter hook output priority 0; policy accept;
			ct state invalid counter name invalid drop
		}
	}
	RULES
}

# net_guard_dropped: how many packets it found invalid
net_guard_dropped() {
	host nft list counter inet guard invalid | awk '$1 == "packets" { print $2 }'
}

# net_warm_up: the first second behind a new tap is slow; wait until it is not
net_warm_up() {
	wait_for 20 peer ping -q -c 3 -i 0.05 -W 1 $HOST_IP && sleep 1
}

# net_run NAMESPACE COMMAND...: in the background, ended by net_down; its pid in NET_PID
net_run() {
	ip netns exec "$NET_PREFIX-$1" "${@:2}" &
	NET_PID=$!
	NET_PIDS="$NET_PID $NET_PIDS" # the last ends first: what has a port before its wire
}

# net_end PID [SIGNAL] [SECONDS]: end one, kill it when it does not; its status
net_end() {
	local pid=$1 tries=$((${3:-5} * 10))
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	while kill -0 "$pid" 2>/dev/null && [ $tries -gt 0 ]; do
		sleep 0.1
		tries=$((tries - 1))
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# net_down: safe at any moment, also half way through net_up, also twice
net_down() {
	local pid
	for pid in $NET_PIDS; do
		kill -0 "$pid" 2>/dev/null && net_end "$pid" TERM 3
	done
	NET_PIDS=
	for ns in host peer far; do
		ip netns del "$NET_PREFIX-$ns" 2>/dev/null
	done
	return 0
}

# net_counter NAMESPACE NAME: one of the kernel's, as in "TcpRetransSegs"
net_counter() {
	"$1" nstat -asz "$2" 2>/dev/null | awk -v name="$2" '$1 == name { print $2 }'
}
