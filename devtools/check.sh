#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Everything that must hold, in one command: installs what is missing (as
# root, on Debian 12), builds with gcc and clang without a warning, runs every
# test but the benchmarks, and the tests without a network again under the
# sanitizers. Ends with one line, "N passed, N failed[, N skipped]".
#
# Counted: each build, the conformance table, each test case inside
# chimney-test, each other test.
# Build trees are kept under build/, so a second run is quick.

set -u
root=$(cd "$(dirname "$0")/.." && pwd) || exit 2
cd "$root" || exit 2
exec </dev/null
. devtools/packages.sh

passed=0 failed=0 skipped=0
started=$SECONDS
logs=build/check-logs
mkdir -p $logs || exit 2

say() {
	printf '\n== %s (%d s)\n' "$1" $((SECONDS - started))
}

# build DIR MESON-OPTION...: one check; CC says with what
build() {
	local dir=build/$1 log=$logs/$1.log
	shift
	[ -f "$dir/build.ninja" ] && set -- --reconfigure "$@"
	if meson setup "$dir" "$@" >"$log" 2>&1 &&
		ninja -C "$dir" >>"$log" 2>&1; then
		passed=$((passed + 1))
		return 0
	fi
	failed=$((failed + 1))
	echo "$dir does not build:"
	grep -A 20 -m 3 -E 'FAILED|ERROR|error:' "$log" || tail -n 30 "$log"
	return 1
}

# run DIR MESON-TEST-OPTION...: adds what the log of the run says
run() {
	local dir=build/$1 counts
	shift
	meson test -C "$dir" --no-rebuild --num-processes "$(nproc)" "$@"
	counts=$(python3 devtools/testlog.py "$dir/meson-logs/testlog.json") || counts="0 1 0"
	printf '%s\n' "$counts" | sed '$d'
	set -- $(printf '%s\n' "$counts" | tail -n 1)
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

say "packages"
install_packages $PACKAGES_BUILD $PACKAGES_RUN $PACKAGES_CHECK || exit 2

say "gcc: build"
if CC=gcc build check-gcc -Dwerror=true; then
	say "gcc: all suites but perf-tests"
	run check-gcc --no-suite perf-tests
	say "gcc: the tests that doc/conformance.md names, by the log of that run"
	if python3 devtools/check_conformance --log build/check-gcc/meson-logs/testlog.json; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
fi

# Without -Werror: gcc warns of what cannot be, where the sanitizers hide ranges.
say "gcc with AddressSanitizer and UndefinedBehaviorSanitizer: build"
if CC=gcc build check-asan -Dwerror=false --buildtype=debugoptimized -Dcheck=true \
	-Db_sanitize=address,undefined; then
	say "the suites without a network, under the sanitizers"
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	run check-asan --timeout-multiplier 10 \
		--suite unit --suite engine --suite datapath --suite control --suite fuzz
fi

say "clang: build, with the fuzzers"
if CC=clang build check-clang -Dwerror=true -Dfuzz=true -Db_lundef=false; then
	say "a short run of each fuzzer"
	run check-clang --suite fuzz
fi

say "done"
echo "counted: each build, the conformance table, each test case in chimney-test, each other test"
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
