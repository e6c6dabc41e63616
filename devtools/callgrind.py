# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Instructions a segment, counted by callgrind in what segment_perf measures:
the same in every run. Used by devtools/compare and devtools/report."""
import json
import os
import shutil
import subprocess
import tempfile

EAL = ['--no-huge', '--no-shconf', '--no-pci', '--no-telemetry', '-m', '512', '-l', '0',
       '--log-level=error', '--file-prefix=callgrind']
CASES = [(1, 'data, bursts of 1'), (1, 'data, bursts of 32'), (1000, 'data, bursts of 32'),
         (1000, 'pure ACK, bursts of 32'), (1000, 'SACK in loss, bursts of 32'),
         (1000, 'out of order, bursts of 32'), (1000, 'request and answer, bursts of 32')]


def run(build, command, case, connections=None, under=(), eal=()):
    """Run a benchmark of chimney-test. @return its results, and what a tool said."""
    env = dict(os.environ, DPDK_TEST=command, CHIM_PERF_CASE=case)
    env.pop('CHIM_PERF_JSON', None)
    if connections is not None:
        env['CHIM_PERF_CONNECTIONS'] = str(connections)
    program = os.path.join(build, 'tests', 'chimney-test')
    done = subprocess.run([*under, program, *EAL, *eal], env=env, capture_output=True, text=True,
                          check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    return [r for line in lines for r in line['results']], done.stderr


def instructions(build, connections, case, eal=()):
    """Instructions a segment; None where a build does not have the case."""
    with tempfile.NamedTemporaryFile(prefix='chimney-callgrind-') as out:
        results, said = run(build, 'segment_perf', case, connections, [
            'valgrind', '--tool=callgrind', '--toggle-collect=segment_take',
            f'--callgrind-out-file={out.name}'], eal)
    if not results:
        return None
    count = next(int(line.split()[-1]) for line in said.splitlines() if 'Collected :' in line)
    calls = results[0]['calls']
    # perf.c: three of each power of two up to calls, then the samples.
    return count / (results[0]['items'] * (3 * (2 * calls - 1) + 41 * calls))


def tracing(build):
    """Figures: instructions of each case, and with every trace point of ours recorded."""
    figures = []

    def add(name, unit, value):
        figures.append({'name': name, 'unit': unit, 'samples': 1, 'min': value, 'median': value,
                        'max': value, 'spread': 0})

    most = 0.0
    for connections, case in CASES:
        name = f'{case}, {connections} connections'
        with tempfile.TemporaryDirectory(prefix='chimney-trace-') as folder:
            off = instructions(build, connections, case)
            on = instructions(build, connections, case,
                              ['--trace=chim', f'--trace-dir={folder}'])
        add(name, 'instructions', off)
        add(f'{name}, traced', 'instructions', on)
        most = max(most, (on / off - 1) * 100)
    add('most that tracing adds', '%', most)
    return figures


def is_there():
    """Can it count?"""
    return shutil.which('valgrind') is not None
