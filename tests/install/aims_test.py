#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""What devtools/report makes of figures: differences, ratios, and the distance
to an aim, met or missed, on hugepages where there are both."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'devtools'))
import aims  # noqa: E402, pylint: disable=wrong-import-position


def suite(title, **figures):
    """One of these figures: a name has spaces where the keyword has underlines."""
    return title, {'suite': title, 'tsc_hz': 0, 'results': [
        {'name': name.replace('_', ' '), 'unit': 'cycles', 'samples': 5, 'min': value,
         'median': value, 'max': value, 'spread': 1} for name, value in figures.items()]}


def main():
    """Fails by an assertion."""
    suites = dict([
        suite('tax_perf', **{'plain forwarding': 10, 'passed on, nothing offloaded': 40}),
        suite('segment_perf, 1 connections', **{'data, bursts of 32': 100}),
        suite('segment_perf, 1 connections, hugepages', **{'data, bursts of 32': 300}),
        suite('memory_perf, active alone', data=100),
        suite('memory_perf, active among 1000000', data=220)])
    aims.add_differences(suites)
    aims.add_ratios(suites)
    rows = {row.split('|')[1].strip(): row for row in aims.table(suites)}
    assert '**30**' in rows['passing, nothing offloaded'], rows
    assert rows['passing, nothing offloaded'].endswith('| met |'), rows
    assert '**300**' in rows['segment, hot, bursts of 32'], 'hugepages go first'
    assert '2.0 times off: ' in rows['segment, hot, bursts of 32'], rows
    assert '**2.2** | 0.0' in rows['active ones among a million idle'], rows
    assert '2.0 times off: ' in rows['active ones among a million idle'], rows
    assert 'not run' in rows['RPC, gross'], rows


if __name__ == '__main__':
    main()
