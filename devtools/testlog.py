#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Count what a `meson test` run did, from its testlog.json.

A test that prints the runner's summary counts with the cases inside it, any
other counts as one. Names what failed or was skipped, and why as far as the
test said so, and ends with a line "passed failed skipped".

A skip is accepted when the test says "skip: machine: <what it lacks>"; any
other skip is a failure, because root on Debian could have provided it.
"""
import json
import re
import sys

SUMMARY = re.compile(r'^ \+ Tests (Passed|Failed|Skipped) : +(\d+)$', re.M)
REASON = re.compile(r'^skip: (.*)$', re.M)
WHY = re.compile(r'^(?:FAILED|ERROR|\[ +FAILED +\] \w|.*: error: |SUMMARY: ).*$', re.M)
CASE = re.compile(r'^\[ +OK \]', re.M)


def outcome(test):
    """(passed, failed, skipped) of one entry of the log."""
    out = test.get('stdout', '')
    cases = {'Passed': 0, 'Failed': 0, 'Skipped': 0}
    for word, number in SUMMARY.findall(out):
        cases[word] += int(number)
    inside = sum(cases.values()) > 0
    if test['result'] == 'OK':
        return (cases['Passed'], 0, cases['Skipped']) if inside else (1, 0, 0)
    if test['result'] == 'SKIP':
        return (0, 0, max(1, cases['Skipped']))
    if inside:
        return (cases['Passed'], max(1, cases['Failed']), cases['Skipped'])
    return (len(CASE.findall(out)), 1, 0)       # ended before its summary


def complaints(test):
    """The lines in which a test says what is wrong, the first few of them."""
    said = test.get('stdout', '') + '\n' + test.get('stderr', '')
    return [line[:300] for line in dict.fromkeys(WHY.findall(said))][:5]


def main(path):
    total = [0, 0, 0]
    with open(path, encoding='utf-8') as log:
        tests = [json.loads(line) for line in log]
    for test in tests:
        name = test['name'].split(' / ')[-1]
        passed, failed, skipped = outcome(test)
        if skipped:
            said = REASON.findall(test.get('stdout', '')) or ['no reason given']
            if all(why.startswith('machine: ') for why in said):
                print(f'skipped: {name}: {"; ".join(said)}')
            else:
                print(f'FAILED: {name}: skipped although it need not be: {"; ".join(said)}')
                failed, skipped = failed + skipped, 0
        elif failed:
            print(f'FAILED: {name}: {test["result"].lower()}, status {test.get("returncode")}')
            for line in complaints(test):
                print(f'    {line}')
        total = [a + b for a, b in zip(total, (passed, failed, skipped))]
    if not tests:
        print(f'FAILED: no test in {path}')
        total[1] += 1
    print(*total)


if __name__ == '__main__':
    main(sys.argv[1])
