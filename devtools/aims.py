# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""What is hoped for, the figures that are made of others, and the distance.

Used by devtools/report. Figures are {suite: {'results': [{'name', 'median', ...}]}}.
"""
import collections

# What: words; suite and figure (its beginning); relation and value; why it is missed, if it is, and
# the case of the profile that shows it.
Aim = collections.namedtuple('Aim', 'words suite name relation value reason profile',
                             defaults=[''])

SHARED = 'worker, control and service share the lcore, the wire copies each frame twice'
MEMORY = ('the instructions are those of a connection that is hot; the rest is waiting for its '
          'cache lines')
KERNEL = 'see doc/handover.md for whose time a move is'
READS = 'the service reads each byte for its CRC, on the same lcore'
REFERS = 'the service shares the lcore, though it sends by reference'
RECORDS = 'a record of each segment and frame is written; builds as they come have no such point'
SLICE = ('the client and the agent share a CPU: who yields it may wait for a slice of the '
         'scheduler')
VETH = 'a veth: frames cross the kernel by system calls in every home'
RPC = 'request and answer, 64 B, 256 connections, memif'
RPC_VIRTIO = 'request and answer, 64 B, 256 connections, virtio'

AIMS = [
    Aim('RPC, gross', 'rpc_perf', '64 B, 256 connections: gross', '<=', 600, SHARED,
        RPC),
    Aim('RPC, net of the wire', 'rpc_perf', '64 B, 256 connections: net', '<=', 450, SHARED, RPC),
    Aim('RPC on virtio, port sums, net', 'rpc_perf', '64 B, 256 connections, virtio: net', '<=',
        450, SHARED, RPC_VIRTIO),
    Aim('RPC on virtio, software sums, net', 'rpc_perf',
        '64 B, 256 connections, virtio, software: net', '<=', 450, SHARED,
        'request and answer, 64 B, 256 connections, virtio, software'),
    Aim('RPC, a million connections, gross', 'rpc_perf', '64 B, 1000000 connections: gross', '<=',
        1000, MEMORY),
    Aim('segment, hot, bursts of 32', 'segment_perf, 1 connections', 'data, bursts of 32', '<=',
        150, 'the ring to the host and the lending of its buffer are in it',
        'data, bursts of 32, 1 connections'),
    Aim('segment, a million connections', 'segment_perf, 1000000 connections',
        'data, bursts of 32', '<=', 350, MEMORY),
    Aim('bulk, receiving, checksum offload', 'bulk_perf',
        'virtio, no TSO, receiving 8948 B, 1 connections: rate of', '>=', 40, READS,
        'receiving, 8948 B, 1 connection, virtio'),
    Aim('bulk, sending, checksum offload', 'bulk_perf',
        'virtio, no TSO, sending 8948 B, 1 connections: rate of', '>=', 40, REFERS,
        'sending, 8948 B, 1 connection, virtio'),
    Aim('bulk, sending, TSO', 'bulk_perf', 'virtio, sending 8948 B, 1 connections: rate of', '>=',
        100, REFERS, 'sending, 8948 B, 1 connection, virtio, TSO'),
    Aim('initiates a second', 'control_perf', 'initiate, 1 workers, 1000 blocks: rate', '>=', 1e6,
        ''),
    Aim('terminates a second', 'control_perf', 'terminate, 1 workers, 1000 blocks: rate', '>=',
        1e6, ''),
    Aim('moves to the engine a second', 'handover_perf',
        '1000 connections, queues empty: to the engine', '>=', 50000, KERNEL),
    Aim('moves to the kernel a second', 'handover_perf',
        '1000 connections, queues empty: to the kernel', '>=', 50000, KERNEL),
    Aim('pause of a move, median', 'handover_perf', '1 connections, queues empty: pause, median',
        '<=', 30, KERNEL),
    Aim('pause of a move, 99th percentile', 'handover_perf',
        '1 connections, queues empty: pause, 99th', '<=', 200, KERNEL),
    Aim('idle connection, IPv4', 'memory_perf', 'idle connection, all, IPv4', '<=', 400, ''),
    Aim('idle connection, IPv6', 'memory_perf', 'idle connection, all, IPv6', '<=', 400, ''),
    Aim('active ones among a million idle', 'ratios', 'active among 1000000', '<=', 1.1, MEMORY),
    Aim('passing, nothing offloaded', 'tax_perf', 'tax, nothing offloaded', '<=', 40,
        'each frame is classified before anybody knows whose it is'),
    Aim('passing, connections offloaded', 'tax_perf', 'tax, 16384 connections offloaded', '<=',
        120, 'the hash of the 4-tuple is computed for each frame'),
    Aim('offloaded against exception: requests per CPU second, echo', 'ratios',
        'echo, 32 connections: requests per CPU second, offloaded to exception', '>=', 3, VETH),
    Aim('the same, http', 'ratios',
        'http, 32 connections: requests per CPU second, offloaded to exception', '>=', 3, VETH),
    Aim('the same, median latency, echo', 'ratios',
        'echo, 32 connections: latency, 50th percentile, offloaded to exception', '<=', 1, VETH),
    Aim('the same, 99th percentile, echo', 'ratios',
        'echo, 32 connections: latency, 99th percentile, offloaded to exception', '<=', 1, SLICE),
    Aim('offloaded against bare: median latency, one connection', 'ratios',
        'echo, 1 connections: latency, 50th percentile, offloaded to bare', '<=', 1, VETH),
    Aim('tracing on: instructions', 'instructions', 'tracing: the most', '<=', 2, ''),
    Aim('counters: instructions', 'instructions', 'counters: the most', '<=', 2,
        'twelve instructions of the 575 that a hot segment takes'),
    Aim('each segment traced (-Dtrace_fp): instructions', 'instructions',
        'tracing each segment: the most', '<=', 2, RECORDS),
]

# Figures that are the difference of two: suite, name, minuend, subtrahend. {} is the same in all.
DIFFERENCES = [
    ('rpc_perf', '{}: net', '{}: gross', '{}: wire alone'),
    ('tax_perf', 'tax, {}', 'passed on, {}', 'plain forwarding'),
]

# Suites of shares, and how many of them a reason names.
PROFILES = ('profile, time', 'profile, instructions')
MOST_PARTS = 5


def made_of(name, unit, of, value, spread):
    """A figure that was not sampled itself."""
    return {'name': name, 'unit': unit, 'samples': of.get('samples', 0), 'min': value,
            'median': value, 'max': value, 'spread': spread}


def add_differences(suites):
    """For whatever stands at {} in the minuend."""
    for title, suite in suites.items():
        for name_of, name, minuend, subtrahend in DIFFERENCES:
            if not title.startswith(name_of):
                continue
            by_name = {r['name']: r for r in suite['results']}
            before, after = minuend.split('{}')
            for full, of in by_name.items():
                if not (full.startswith(before) and full.endswith(after)):
                    continue
                middle = full[len(before):len(full) - len(after)]
                other = by_name.get(subtrahend.replace('{}', middle))
                if other is not None:
                    suite['results'].append(made_of(
                        name.replace('{}', middle), of.get('unit'), of,
                        of['median'] - other['median'], of['spread'] + other['spread']))


def ratio(name, of, to):
    """The figure of / to."""
    value = of['median'] / to['median']
    return made_of(name, 'times', of, value,
                   value * (of['spread'] / of['median'] + to['spread'] / to['median']))


def add_ratios(suites):
    """A suite of what is compared across runs: homes, and connections alone and among others."""
    results = []
    homes = {r['name']: r for r in figures(suites, 'homes_perf')}
    for name, of in homes.items():
        home, figure = name.split(', ', 1)
        for to in ('exception', 'bare') if home == 'offloaded' else ():
            other = homes.get(f'{to}, {figure}')
            if other is not None and other['median'] > 0:
                results.append(ratio(f'{figure}, offloaded to {to}', of, other))
    for pages in ('', ', hugepages'):
        alone = suites.get(f'memory_perf, active alone{pages}')
        for title, suite in suites.items():
            if alone and title.startswith('memory_perf, active among'):
                if title.endswith(', hugepages') == (pages != ''):
                    results.append(ratio(title.removeprefix('memory_perf, '),
                                         suite['results'][0], alone['results'][0]))
    if results:
        suites['ratios'] = {'suite': 'ratios', 'tsc_hz': 0, 'results': results}


def figures(suites, title):
    """Results of a suite; those on hugepages where there are both."""
    suite = suites.get(f'{title}, hugepages') or suites.get(title) or {'results': []}
    return suite['results']


def find(suites, aim):
    """The figure that an aim is about, or None."""
    found = [r for r in figures(suites, aim.suite) if r['name'].startswith(aim.name)]
    huge = [r for r in found if r['name'].endswith(', hugepages')]
    return (huge or found or [None])[0]


def where(suites, case):
    """The largest parts of a profile, as words."""
    found = [(r['name'].rsplit(': ', 1)[1], r) for title in PROFILES
             for r in figures(suites, title) if case and r['name'].rsplit(': ', 1)[0] == case]
    if not found:
        return ''
    parts = ', '.join(f'{group} {r["median"]:.0f}' for group, r in found[:MOST_PARTS])
    return f' ({found[0][1]["unit"]}: {parts})'


def amount(value):
    """Four digits, or all there are before the point."""
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.4g}'


def table(suites):
    """Rows of Markdown: each aim, what was measured, the distance, and why."""
    yield '| aim | wanted | measured | spread | |'
    yield '|---|---|---|---|---|'
    for aim in AIMS:
        got = find(suites, aim)
        if got is None:
            yield f'| {aim.words} | {aim.relation} {aim.value:,.10g} | not run | | |'
            continue
        value, unit = got['median'], got.get('unit') or 'cycles'
        is_met = value <= aim.value if aim.relation == '<=' else value >= aim.value
        off = value / aim.value if aim.relation == '<=' else aim.value / max(value, 1e-9)
        verdict = 'met'
        if not is_met:
            verdict = (f'{off:.{1 if off >= 1.1 else 2}f} times off' +
                       (aim.reason and f': {aim.reason}') + where(suites, aim.profile))
        yield (f'| {aim.words} | {aim.relation} {aim.value:,.10g} {unit} | **{amount(value)}** | '
               f'{amount(got["spread"])} | {verdict} |')
