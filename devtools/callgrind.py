# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Instructions a segment, counted by callgrind in what segment_perf measures:
the same in every run. Used by devtools/compare and devtools/report.

What counters cost is the share of the source lines that do nothing but count;
what tracing costs, the difference to a run that records: with the trace points
there are in a build as it comes, and with those of each segment (-Dtrace_fp).
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import sources

EAL = ['--no-huge', '--no-shconf', '--no-pci', '--no-telemetry', '-m', '512', '-l', '0',
       '--log-level=error', '--file-prefix=callgrind']
CASES = [(1, 'data, bursts of 1'), (1, 'data, bursts of 32'), (1000, 'data, bursts of 32'),
         (1000, 'pure ACK, bursts of 32'), (1000, 'SACK in loss, bursts of 32'),
         (1000, 'out of order, bursts of 32'), (1000, 'request and answer, bursts of 32')]

Counted = collections.namedtuple('Counted', 'instructions lines')  # of a segment; {(file, line): n}


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


def lines_of(path, build):
    """{(file, line): instructions} of a callgrind file; what functions called do is theirs. Objects
    without line numbers stand for their files; relative paths are from the build."""
    names, found = {}, collections.Counter()
    file, thing, line, is_call = '', '', 0, False
    for text in open(path, encoding='utf-8'):
        name = re.match(r'(c?)(fl|fi|fe|ob)=\((\d+)\)(?: (.*))?', text)
        cost = re.match(r'([+-]?\d+|\*) (\d+)$', text)
        if name:
            said = names.setdefault((name[2] == 'ob', name[3]), name[4])
            if not name[1] and name[2] == 'ob':
                thing = said
            elif not name[1]:
                file = said
        elif cost:
            at = cost[1]
            line = line if at == '*' else line + int(at) if at[0] in '+-' else int(at)
            if not is_call:
                place = thing if file == '???' else os.path.join(build, file)
                found[os.path.normpath(place), line] += int(cost[2])
            is_call = False
        elif text.startswith('calls='):
            is_call = True
    return found


def count(build, connections, case, eal=()):
    """@return Counted; None where a build does not have the case."""
    with tempfile.NamedTemporaryFile(prefix='chimney-callgrind-') as out:
        results, _ = run(build, 'segment_perf', case, connections, [
            'valgrind', '--tool=callgrind', '--toggle-collect=segment_take',
            f'--callgrind-out-file={out.name}'], eal)
        lines = lines_of(out.name, build)
    if not results:
        return None
    calls = results[0]['calls']
    # perf.c: three of each power of two up to calls, then the samples.
    segments = results[0]['items'] * (3 * (2 * calls - 1) + 41 * calls)
    return Counted(sum(lines.values()) / segments,
                   {at: n / segments for at, n in lines.items()})


def instructions(build, connections, case, eal=()):
    """Instructions a segment; None where a build does not have the case."""
    counted = count(build, connections, case, eal)
    return counted and counted.instructions


def figure(name, unit, value):
    """One that was counted, not sampled."""
    return {'name': name, 'unit': unit, 'samples': 1, 'min': value, 'median': value, 'max': value,
            'spread': 0}


def traced(build, connections, case):
    """Instructions a segment with every trace point recorded that the build has."""
    with tempfile.TemporaryDirectory(prefix='chimney-trace-') as folder:
        return instructions(build, connections, case, ['--trace=chim', f'--trace-dir={folder}'])


def costs(plain, with_points):
    """Figures of two builds, with line numbers, the second with the trace points of each segment.
    @return those of the suite "instructions", and those of the suite "profile"."""
    found, shares, most = [], [], collections.Counter()
    for connections, case in CASES:
        name = f'{case}, {connections} connections'
        counted = count(plain, connections, case)
        off = counted.instructions
        counters = sum(n for at, n in counted.lines.items() if sources.is_counter(*at))
        added = {'tracing': traced(plain, connections, case) / off,
                 'counters': off / (off - counters),
                 'tracing each segment': traced(with_points, connections, case) / off,
                 'trace points that are not recorded':
                     instructions(with_points, connections, case) / off}
        found += [figure(name, 'instructions', off)]
        for what, times in added.items():
            found.append(figure(f'{name}: {what}', '% more', (times - 1) * 100))
            most[what] = max(most[what], (times - 1) * 100)
        shares += [figure(f'{name}: {group}', '% of instructions', share)
                   for group, share in sources.shares(counted.lines)]
    found += [figure(f'{what}: the most of these', '% more', value) for what, value in most.items()]
    return found, shares


def build_of(source, folder, *options):
    """A build of chimney-test and chimney-bench with line numbers, which change no instruction;
    made again where it is there already."""
    folder = pathlib.Path(folder)
    if not (folder / 'build.ninja').exists():
        subprocess.run(['meson', 'setup', folder, source, '-Ddebug=true', *options], check=True,
                       capture_output=True)
    subprocess.run(['ninja', '-C', folder, 'tests/chimney-test', 'tests/perf/chimney-bench'],
                   check=True, capture_output=True)
    return str(folder)


def is_there():
    """Can it count?"""
    return all(shutil.which(tool) for tool in ('valgrind', 'meson', 'ninja'))
