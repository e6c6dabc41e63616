#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# The runner's own test: exit status, last word and summary for each outcome,
# by DPDK_TEST, by arguments and at the prompt, as dpdk-test has them.
#
# usage: runner_test.sh RUNNER
runner=$1
eal="--no-huge --no-shconf --no-pci --no-telemetry -m 64 -l 0 --log-level=error --file-prefix=runner"
errors=0

# expect WHAT STATUS PATTERN: the last run's status, and a line of its output
expect() {
	if [ "$status" -ne "$2" ]; then
		echo "$1: exit status $status, not $2"
		errors=$((errors + 1))
	fi
	if ! printf '%s\n' "$out" | grep -q -- "$3"; then
		echo "$1: no line \"$3\" in:"
		printf '%s\n' "$out"
		errors=$((errors + 1))
	fi
}

by_env() {
	out=$(DPDK_TEST=$1 $runner $eal 2>/dev/null </dev/null)
	status=$?
}

by_args() {
	out=$(DPDK_TEST= $runner $eal -- "$@" 2>/dev/null </dev/null)
	status=$?
}

at_prompt() {
	out=$(printf '%s\n' "$@" | DPDK_TEST= $runner $eal 2>/dev/null)
	status=$?
}

by_env good_autotest
expect "a group that passes" 0 '^Test OK$'
expect "its passed" 0 'Tests Passed : *1$'
expect "its skipped" 0 'Tests Skipped : *1$'
by_env mixed_autotest
expect "a group that fails" 255 '^Test Failed$'
expect "its failed" 255 'Tests Failed : *3$'
expect "its passed" 255 'Tests Passed : *1$'
by_env skipped_autotest
expect "a group all skipped" 77 '^Test Skipped$'
by_env setup_autotest
expect "a group whose setup fails" 255 'Tests Failed : *2$'
by_env teardown_autotest
expect "a group whose teardown fails" 255 '^Test Failed$'
by_env absent_autotest
expect "a name that is none" 255 'invalid test command: absent_autotest'

by_args skipped_autotest good_autotest
expect "several names, the last passes" 0 '^Test OK$'
by_args mixed_autotest good_autotest
expect "several names, stops at a failure" 255 '^Test Failed$'
case $out in *good_autotest*) echo "went on after a failure"; errors=$((errors + 1)) ;; esac

at_prompt list quit
expect "list" 0 '^mixed_autotest$'
at_prompt good_autotest skipped_autotest
expect "the prompt returns the last result" 77 '^RTE>>'

out=$(DPDK_TEST_PARAMS=--no-such-option DPDK_TEST=good_autotest $runner $eal 2>&1 </dev/null)
status=$?
expect "a wrong EAL argument in DPDK_TEST_PARAMS" 1 '^EAL did not start'

[ "$errors" -eq 0 ]
