# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Sourced first by each smoke test: programs and checks, a private pair of
# namespaces, and everything gone again however the test ends. meson passes
# the programs in CHIMNEY, CHIMNEY_PEER and CHIMNEYCTL.

set -u
here=$(cd "$(dirname "$0")" && pwd)
NET_PREFIX=chim-smoke-$$
. "$here/../../usertools/netns.sh"
work=$(mktemp -d)

# skip WHY: "machine: ..." where even root on Debian could not help it
skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	exit 1
}

clean_up() {
	local status=$?
	trap - EXIT
	net_down
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		tail -n 30 "$work"/*.log 2>/dev/null
	fi
	rm -rf "$work" /var/run/dpdk/"$NET_PREFIX" /var/run/dpdk/"$NET_PREFIX"-*
	exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

[ "$(id -u)" -eq 0 ] || skip "only root can make network namespaces"
for tool in ip nft ethtool sysctl ping jq; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

# What engine_up runs on; a test may say otherwise before it. wire_args are the
# arguments of WIRE.
memory="--no-huge -m 1024"
lcores=0
[ "$(nproc)" -gt 1 ] && lcores=0-1
wire=net_af_packet0
engine_log=$work/engine.log
wire_args=iface=wd,blocksz=65536,framesz=2048,framecnt=4096
kernel=net_tap0,iface=chim0,mac=$HOST_MAC

# The shape of the wire, where the test is run in several (NET_SHAPE of meson.build).
case "${NET_SHAPE:-plain}" in
jumbo)
	NET_MTU=9000 NET_KERNEL=veth
	wire_args=iface=wd,blocksz=36864,framesz=9216,framecnt=1024
	kernel=net_af_packet1,iface=kd,${wire_args#*,}
	;;
tso)
	NET_WIRE="$VNETWIRE --no-huge -m 256 --no-pci --no-telemetry --no-shconf
		--file-prefix=$NET_PREFIX-wire --lcores 0@0-$(($(nproc) - 1)) --log-level=warning --
		$work/wire.sock wp"
	NET_WIRE_LOG=$work/wire.log
	wire=net_virtio_user0
	wire_args=path=$work/wire.sock,mac=$HOST_MAC,queues=1,queue_size=1024
	;;
vlan)
	NET_VLAN=100
	unshare -n sh -c "ip link add v type veth && ip link add link v name v.5 type vlan id 5" \
		2>/dev/null || skip "machine: the kernel has no VLAN interfaces"
	;;
esac

# lacks_af_xdp: true, and why, where net_af_xdp cannot be used
lacks_af_xdp() {
	python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null ||
		{ echo "machine: the kernel has no AF_XDP sockets"; return; }
	ls /usr/lib/*/dpdk/pmds-*/librte_net_af_xdp.so* \
		/usr/local/lib/*/dpdk/pmds-*/librte_net_af_xdp.so* 2>/dev/null | grep -q . ||
		{ echo "this DPDK was built without the af_xdp driver"; return; }
	false
}

# engine_up [OPTION...]: the network, and chimney in it with an echo on port
# 7000 (and 7006 of IPv6); further options are chimney's. NET_MTU is the wire's.
engine_up() {
	net_up || fail "cannot make the namespaces"
	net_run host "$CHIMNEY" -l $lcores $memory --no-pci \
		--file-prefix=$NET_PREFIX --log-level=warning \
		--vdev=$wire,$wire_args --vdev=$kernel \
		-- --port=$wire,${kernel%%,*},chim0 --mtu=${NET_MTU:-1500} --offload=never \
		--control="$work/control.sock" \
		--listen=7000,echo --listen=[::]:7006,echo "$@" </dev/null >"$engine_log" 2>&1
	engine=$NET_PID
	net_tap_up && wait_for 40 test -S "$work/control.sock" || fail "the engine did not start"
	net_warm_up || fail "no answer over the exception path"
	kill -0 $engine || fail "the engine ended"
}

# engine_down: it ends by itself, with every connection gone
engine_down() {
	kill -TERM $engine
	wait_for 20 engine_is_gone || fail "the engine did not stop"
	wait $engine
	local status=$?
	[ $status -eq 0 ] || fail "the engine's exit status is $status"
}

engine_is_gone() { ! kill -0 $engine; }

ctl() { "$CHIMNEYCTL" --socket "$work/control.sock" "$@"; }

# total FILTER: something from the engine's totals, by a jq filter
total() { ctl --json stats | jq -r "$1"; }

# stalled: did the engine, or a move, wait for a CPU so long that the peer may
# have taken something for lost (its shortest timeout is 200 ms)? Nothing else
# excuses a repair on a clean wire, and only for another try.
STALL_US=100000
stalled() { [ "$(total '[.longest_gap_us, .pause.longest_us] | max')" -ge $STALL_US ]; }

# conduct ADDRESS PORT [OPTION...]: moves of one connection, all compared
conduct() {
	local address=$1 port=$2
	shift 2
	python3 "$here/../../usertools/demo_conduct.py" --control "$work/control.sock" \
		--peer "$CHIMNEY_PEER" --enter "ip netns exec $NET_PREFIX-peer" \
		--address "$address" --port "$port" --settle 0.5 --dwell 30 --json "$@" |
		tee "$work/conduct.out"
	return "${PIPESTATUS[0]}"
}

# finish_client PID LOG: end a chimney-peer started with --until-usr1 --json
# --progress: it stops sending, gets everything back, and closes
finish_client() {
	kill -USR1 "$1"
	wait_for 60 grep -q '"all_back":true\|"final"' "$2" || fail "not everything came back"
	kill -USR1 "$1"
	wait "$1" || fail "$(tail -n 1 "$2" | jq -r .error)"
}

# figure FILTER: from the last line that conduct printed, by a jq filter
figure() { tail -n 1 "$work/conduct.out" | jq -r "$1"; }

# bad_wire PERMILLE: so many frames of either direction lost for real - what
# the peer sends is led away behind its stack, which must not notice
bad_wire() {
	peer ip link add sink type veth peer name drain
	peer ip link set sink up
	peer ip link set drain up
	peer nft -f - <<-RULES
	table netdev bad {
		chain out {
			type filter hook egress device "wp" priority 0;
			ip protocol tcp numgen random mod 1000 < $1 fwd to "sink"
		}
		chain in {
			type filter hook ingress device "wp" priority 0;
			ip protocol tcp numgen random mod 1000 < $1 drop
		}
	}
	RULES
}

# disorder END PERMILLE: so many of the frames that come in at an end of the middle ("md" from the
# host, "mp" from the peer) go on late, behind later ones, and as many twice, the second time late.
# Not at the host's own end: af_packet leaves the rest of a burst in its ring for the next one to
# push out, when a frame of it is taken away.
disorder() {
	local other=mp
	[ "$1" = md ] || other=md
	peer ip link add "detour-$1" type veth peer name "back-$1"
	peer ip link set "detour-$1" up
	peer ip link set "back-$1" up
	peer nft -f - <<-RULES
	table netdev disorder-$1 {
		chain out {
			type filter hook ingress device "$1" priority 0;
			ip protocol tcp numgen random mod 1000 < $2 fwd to "detour-$1"
			ip protocol tcp numgen random mod 1000 < $2 dup to "detour-$1"
		}
		chain in {
			type filter hook ingress device "back-$1" priority 0;
			ip protocol tcp fwd to "$other"
		}
	}
	RULES
}

# disordered END: how many frames have gone that way
disordered() { peer cat "/sys/class/net/back-$1/statistics/rx_packets"; }

unshare -n true 2>/dev/null || skip "machine: no network namespaces here"
[ -c /dev/net/tun ] || skip "machine: no /dev/net/tun"
