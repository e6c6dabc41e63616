# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Where the time of a served lcore goes: perf's samples (by a timer, where a
machine has no counters), by part of the program. Used by devtools/report.
"""
import collections
import os
import re
import shutil
import subprocess
import tempfile

import callgrind
import sources

# The benchmark, its case, and what the figures are called.
CASES = [('rpc_perf', '64/256', 'request and answer, 64 B, 256 connections, memif'),
         ('rpc_perf', '64/256, virtio', 'request and answer, 64 B, 256 connections, virtio'),
         ('rpc_perf', '64/256, virtio, software',
          'request and answer, 64 B, 256 connections, virtio, software'),
         ('rpc_perf', '8192/256', 'request and answer, 8192 B, 256 connections, memif'),
         ('bulk_perf', 'virtio, no TSO, sending 8948 B, 1 connections',
          'sending, 8948 B, 1 connection, virtio'),
         ('bulk_perf', 'virtio, sending 8948 B, 1 connections',
          'sending, 8948 B, 1 connection, virtio, TSO'),
         ('bulk_perf', 'virtio, no TSO, receiving 8948 B, 1 connections',
          'receiving, 8948 B, 1 connection, virtio')]

EAL = ['--no-huge', '--no-pci', '--no-telemetry', '-m', '3072', '-l', '0-1', '--log-level=error',
       '--file-prefix=sampled']
SERVED = re.compile(r'\s*(rte|lcore|dpdk)-worker')  # the name of its thread, in several releases
WIRE_ALONE = 'forward_main'  # from here on rpc_perf measures the wire

MAP = re.compile(r'PERF_RECORD_MMAP2 .*\[0x(\w+)\(0x(\w+)\) @ (0x)?(\w+) .*r-xp (.*)$')
SAMPLE = re.compile(r'\s*(\w+) (.*?) \((.*)\)$')


def record(build, test, case, data, is_realtime):
    """Run it under perf. @return the program."""
    program = os.path.join(build, 'tests', 'perf', 'chimney-bench')
    env = dict(os.environ, DPDK_TEST=test, CHIM_PERF_CASE=case)
    for name in ('CHIM_PERF_JSON', 'CHIM_PERF_QUICK'):
        env.pop(name, None)
    command = (['chrt', '-r', '10'] if is_realtime else []) + [program, *EAL]
    subprocess.run(['perf', 'record', '-q', '-e', 'cpu-clock', '-F', '4000', '-o', data, *command],
                   env=env, check=True, capture_output=True)
    return program


def samples(data):
    """(object, address in its file) of each sample of the served lcore."""
    said = subprocess.run(['perf', 'script', '-i', data, '--show-mmap-events', '-F',
                           'comm,event,ip,sym,dso'], check=True, capture_output=True, text=True)
    begins = {}
    for line in said.stdout.splitlines():
        mapped = MAP.search(line)
        if mapped:
            start, size, _, at, path = mapped.groups()
            begins.setdefault(path, []).append((int(start, 16), int(size, 16), int(at, 16)))
        elif SERVED.match(line) and 'PERF_RECORD' not in line:
            address, symbol, thing = SAMPLE.match(line.split(':', 1)[1]).groups()
            if symbol.startswith(WIRE_ALONE):
                return
            address = int(address, 16)
            for start, size, at in begins.get(thing, []):
                if start <= address < start + size:
                    address += at - start
            yield thing, address


def lines_of(program, addresses):
    """{address: (file, line)} of a program with line numbers: where inlined code is written."""
    told = subprocess.run(['addr2line', '-e', program], check=True, capture_output=True, text=True,
                          input='\n'.join(f'{a:x}' for a in addresses))
    places = (line.split(' ')[0].rsplit(':', 1) for line in told.stdout.splitlines())
    return {a: (file, int(line) if line.isdigit() else 0)
            for a, (file, line) in zip(addresses, places)}


def costs(build, is_realtime):
    """Figures of the suite "profile"."""
    found = []
    for test, case, name in CASES:
        with tempfile.TemporaryDirectory(prefix='chimney-perf-') as folder:
            data = os.path.join(folder, 'perf.data')
            program = os.path.realpath(record(build, test, case, data, is_realtime))
            at = collections.Counter(samples(data))
        ours = lines_of(program, [address for thing, address in at if thing == program])
        places = collections.Counter()
        for (thing, address), n in at.items():
            places[ours.get(address, (thing, 0)) if thing == program else (thing, 0)] += n
        found += [callgrind.figure(f'{name}: {group}', '% of time', share)
                  for group, share in sources.shares(places)]
    return found


def is_there():
    """Can it take samples?"""
    return all(shutil.which(tool) for tool in ('perf', 'addr2line', 'meson', 'ninja'))
