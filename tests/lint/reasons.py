#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Each reason of include/ can come about and is counted: lib/ or app/ gives it,
and a test expects it by its name."""
import re

import source

# Where the list is, and how its names go on in the code.
LISTS = {'CHIM_WHY_LIST': 'CHIM_WHY_', 'CHIM_REASON_LIST': 'CHIM_REASON_'}
DEFINE = re.compile(r'^#define (\w+)\(X\)')
ROW = re.compile(r'^\s+X\((\w+),')


def rows(lines):
    """(name of the list, line number, word) of each row of the X lists."""
    name = None
    for number, line in enumerate(lines, 1):
        begin, row = DEFINE.match(line), ROW.match(line)
        if begin:
            name = begin.group(1)
        elif name in LISTS and row:
            yield name, number, row.group(1)


def words(prefixes):
    """Every identifier of the C files below some folders."""
    found = set()
    for path in source.files('.c', '.h'):
        if path.startswith(prefixes):
            found.update(re.findall(r'\w+', '\n'.join(source.code(path))))
    return found


def lint(advice):
    """Apply it to the public headers."""
    given, expected = words(('lib/', 'app/')), words(('tests/',))
    for path in source.files('.h'):
        if not path.startswith('include/'):
            continue
        for name, number, word in rows(source.code(path)):
            constant = LISTS[name] + word
            if constant not in given:
                advice.add(path, number, f'nothing gives {constant}: take it out')
            if constant not in expected:
                advice.add(path, number, f'no test expects {constant}')


if __name__ == '__main__':
    found_advice = source.Advice()
    lint(found_advice)
    found_advice.done()
