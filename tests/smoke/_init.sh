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
	rm -rf "$work"
	exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

[ "$(id -u)" -eq 0 ] || skip "only root can make network namespaces"
for tool in ip nft ethtool sysctl ping jq; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
unshare -n true 2>/dev/null || skip "machine: no network namespaces here"
[ -c /dev/net/tun ] || skip "machine: no /dev/net/tun"
