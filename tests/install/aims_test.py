#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""What devtools/report makes of figures: differences, ratios, and the distance
to an aim, met or missed, on hugepages where there are both; the parts of a
profile; and what devtools/tables puts between the marks of a page."""
import importlib.machinery
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'devtools'))
import aims  # noqa: E402, pylint: disable=wrong-import-position
import callgrind  # noqa: E402, pylint: disable=wrong-import-position
import sources  # noqa: E402, pylint: disable=wrong-import-position

DEVTOOLS = pathlib.Path(aims.__file__).parent
CALLGRIND = '''ob=(1) program
fl=(1) ../lib/tcp/input.c
fn=(1) take
10 3
+2 4
fi=(2) /usr/include/rte_mbuf.h
* 5
fe=(1)
cfi=(3) ../lib/wire/push.c
cfn=(2) push
calls=1 7
20 100
ob=(2) /usr/lib/librte_hash.so.23
fl=(4) ???
fn=(3) look_up
0 8
'''


def suite(title, **figures):
    """One of these figures: a name has spaces where the keyword has underlines."""
    return title, {'suite': title, 'tsc_hz': 0, 'results': [
        {'name': name.replace('_', ' '), 'unit': 'cycles', 'samples': 5, 'min': value,
         'median': value, 'max': value, 'spread': 1} for name, value in figures.items()]}


def check_lines():
    """A file of callgrind: inlined code is where it is written, calls are not counted twice."""
    with tempfile.NamedTemporaryFile('w', suffix='.callgrind') as out:
        out.write(CALLGRIND)
        out.flush()
        lines = callgrind.lines_of(out.name, '/tree/build')
    assert lines == {('/tree/lib/tcp/input.c', 10): 3, ('/tree/lib/tcp/input.c', 12): 4,
                     ('/usr/include/rte_mbuf.h', 12): 5,
                     ('/usr/lib/librte_hash.so.23', 0): 8}, lines
    assert sources.shares(lines) == [('rte_hash', 40), ('lib/tcp', 35), ('mbufs', 25)]


def check_counters():
    """Lines that only count, and lines that do not."""
    for text, counts in (('\tw->counters.why[seg->why]++;', True),
                         ('\tstats->ip_in_octets += len;', True),
                         ('\tc->rcv_nxt += s->len;', False), ('\tif (stats->x == 0)', False)):
        assert bool(sources.COUNTER.search(text)) == counts, text


def check_tables():
    """Between the marks, and nowhere else; what was not measured stays."""
    tables = importlib.machinery.SourceFileLoader('tables', str(DEVTOOLS / 'tables')).load_module()
    page = ('a\n<!-- table: idle -->\nold\n<!-- end -->\n'
            'b\n<!-- table: bulk -->\nkept\n<!-- end -->\n')
    measured = tables.Measured(dict([suite('idle_perf', **{
        'spin, memif: CPU while idle': 100, 'spin, memif: answer after a pause': 1234.5})]))
    made = {name: list(make(measured)) for name, make in tables.TABLES.items()}
    text, left = tables.fill(page, made)
    assert text.startswith('a\n<!-- table: idle -->\n| idle mode |'), text
    assert '\n| spin, memif | 100 | 1,234 |\n<!-- end -->\nb\n' in text, text
    assert 'kept' in text and left == ['bulk'], left


def main():
    """Fails by an assertion."""
    check_lines()
    check_counters()
    check_tables()
    suites = dict([
        suite('tax_perf', **{'plain forwarding': 10, 'passed on, nothing offloaded': 40}),
        suite('segment_perf, 1 connections', **{'data, bursts of 32': 100}),
        suite('segment_perf, 1 connections, hugepages', **{'data, bursts of 32': 300}),
        suite('memory_perf, active alone', data=100),
        suite('memory_perf, active among 1000000', data=220)])
    suites['profile, instructions'] = {'suite': 'profile, instructions', 'results': [
        callgrind.figure('data, bursts of 32, 1 connections: lib/tcp', '% of instructions', 60)]}
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
    assert rows['segment, hot, bursts of 32'].endswith('(% of instructions: lib/tcp 60) |'), rows


if __name__ == '__main__':
    main()
