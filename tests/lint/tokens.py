#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Words that may not appear in some part of the tree. usage: tokens.py RULE

Patterns match whole identifiers, outside comments and strings. Functions
named *_create, *_destroy or *_init run once at start and may allocate.
"""
import re
import sys

import source

LOG = r'(CHIM_LOG\w*|RTE_LOG\w*|rte_log)'
ALLOC = r'((rte_)?(malloc|calloc|zmalloc|realloc)(_socket)?|strdup|rte_\w+_create)'
FILES = r'(open|fopen|read|write|close|ioctl|usleep|nanosleep|sleep)(?=\()'
CLOCK = (r'(rte_rdtsc\w*|rte_get_(timer|tsc)_cycles|clock_gettime|gettimeofday|time(?=\(NULL)'
         r'|clock(?=\(\)))')

# rule: (where, except, pattern, advice)
RULES = {
    'layers': (r'^lib/tcp/', None,
               r'(rte_(eth|ring|hash)_\w+|rte_lcore_id|rte_log|RTE_LOG|CHIM_LOG\w*|'
               + ALLOC + '|' + CLOCK + r'|free(?=\()|#\s*(ifdef|ifndef|if)\b.*)',
               'the engine sees no ring, table, port, lcore, clock, log or heap, '
               'and its options are data'),
    'clock': (r'^(lib|include|tests/(unit|engine|datapath|control|harness))/',
              r'^lib/(dp|ctl)/loop\.c$|^lib/(kernel|serve)/', CLOCK,
              'time is an argument; only the two loop.c read a clock'),
    'quiet': (r'^lib/(dp/(receive|command|deliver|io)\.c|flow/|wire/)', None,
              '(' + LOG + '|' + ALLOC + '|' + FILES + ')',
              'the datapath neither logs, allocates nor calls the system'),
    'atomics': (r'^(lib|include|app|usertools|tests)/', None,
                r'(rte_atomic\d\w*|__sync_\w+|rte_smp_\w+|(?<!asm )volatile(?! sig_atomic_t))',
                'use <stdatomic.h> with an explicit order'),
    'exits': (r'^(lib|include)/', None,
              r'(rte_panic|rte_exit|abort|_?exit|v?f?printf|puts|perror)(?=\()',
              'a library returns a status; it neither ends the process nor prints'),
    'hygiene': (r'^tests/(unit|engine|datapath|control)/', None,
                r'((u?sleep|nanosleep|pthread_create|rte_ctrl_thread_create|rte_delay_\w+'
                r'|rte_eal_(mp_)?remote_launch)(?=\()|sin6?_port = \w+\([1-9])',
                'a test has virtual time, one thread, and no fixed port'),
}
START_UP = re.compile(r'^\w+_(create|destroy|init)\(')


def lint(rule, advice):
    """Apply one rule to the whole tree."""
    where, but, pattern, words = RULES[rule]
    find = re.compile(r'(?<![\w.>])' + pattern + r'(?!\w)')
    guard = re.compile(r'#\s*ifndef \w+_H\b')
    for path in source.files('.c', '.h'):
        if not re.search(where, path) or (but and re.search(but, path)):
            continue
        text = source.read(path).split('\n')
        starting = False
        for number, line in enumerate(source.code(path), 1):
            starting = bool(START_UP.match(line)) or (starting and not line.startswith('}'))
            if rule == 'quiet' and starting or guard.match(line) or line.startswith('#include'):
                continue
            hit = find.search(line)
            if hit and not source.is_tagged(text, number, rule):
                advice.add(path, number, f'{hit.group(0).strip()}: {words}')


if __name__ == '__main__':
    found = source.Advice()
    lint(sys.argv[1], found)
    found.done()
