# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Source lines of a profile: which part of the program they are, and which do
nothing but count. Used by devtools/callgrind.py and devtools/sampled.py.
"""
import collections
import functools
import pathlib
import re

# What a file is part of: the first that is found in its path. Inlined code is where it is written.
GROUPS = [(r'/lib/(base|chan|ctl|dp|flow|host|port|serve|tcp|wheel|wire)/', r'lib/\1'),
          (r'/(app|tests)/', r'\1'),
          (r'rte_(mbuf|mempool)', 'mbufs'), (r'rte_ring', 'rings'),
          (r'rte_(ethdev|ethdev_core)', 'ethdev'), (r'rte_memcpy|mem(cpy|move|set)', 'copies'),
          (r'librte_hash', 'rte_hash'), (r'rte_hash_crc', 'CRC by the service'),
          (r'rte_(ip|thash|jhash)', 'checksums and hashes'),
          (r'/rte_|/dpdk/rte', 'DPDK, inline'),
          (r'librte_(net_\w+|vhost)', r'\1'), (r'librte_', 'DPDK'),
          (r'\[kernel|vmlinux', 'Linux'), (r'/libc\.so|sysdeps/', 'libc')]

COUNTER = re.compile(r'(counters(->|\.)|stats->|tcp_stats\().*(\+\+|\+=)')


@functools.lru_cache(maxsize=None)
def group_of(path):
    """The part of the program that a file, or an object without line numbers, is."""
    for pattern, group in GROUPS:
        match = re.search(pattern, path)
        if match:
            return match.expand(group)
    return 'others'


@functools.lru_cache(maxsize=None)
def text_of(path):
    """Lines of a file; none where it is not there."""
    try:
        return pathlib.Path(path).read_text(encoding='utf-8', errors='replace').split('\n')
    except OSError:
        return []


def is_counter(path, line):
    """Does the line only count?"""
    text = text_of(path)
    return 0 < line <= len(text) and COUNTER.search(text[line - 1]) is not None


def shares(costs):
    """(group, % of all) of {(file, line): cost}, the largest first."""
    groups = collections.Counter()
    for (path, _), cost in costs.items():
        groups[group_of(path)] += cost
    total = sum(groups.values())
    return [(group, cost / total * 100) for group, cost in groups.most_common()]
