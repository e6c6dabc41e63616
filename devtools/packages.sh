# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Sourced by check.sh and chimney-demo: the Debian packages each needs, and
# installing those that are missing.

PACKAGES_BUILD="gcc libc6-dev libjansson-dev meson ninja-build pkg-config python3 libdpdk-dev libnuma-dev
	libmnl-dev libcmocka-dev"
PACKAGES_RUN="iproute2 nftables ethtool procps jq"
PACKAGES_CHECK="clang libclang-rt-14-dev clang-format codespell git tcpdump iputils-ping
	iperf3 curl wrk netcat-openbsd dpdk dpdk-dev"
# Pictures and profiles of devtools/report.
PACKAGES_REPORT="gnuplot-nox linux-perf valgrind"

# install_packages NAME...: apt-get, once, and only what is missing
install_packages() {
	missing=
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
			missing="$missing $package"
	done
	[ -z "$missing" ] && return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "missing packages:$missing"
		echo "install them (or run this as root): apt-get install$missing"
		return 1
	fi
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q </dev/null &&
		apt-get install -q -y --no-install-recommends $missing </dev/null
}
