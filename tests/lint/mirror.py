#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Each lib/<lib>/x.c has its test: tests/unit/<lib>_x_test.c, or the suite
that mirror.txt names for it, with the reason when it names none. A row may be
a pattern, lib/<lib>/cc_*.c, where one suite is about all of it."""
import fnmatch
import os

import source

TABLE = 'tests/lint/mirror.txt'


def table():
    """(line number, file, test or '-', reason) of each row."""
    for number, line in enumerate(source.read(TABLE).split('\n'), 1):
        if line and not line.startswith('#'):
            words = (line + ' ').split(None, 2) + ['', '']
            yield number, words[0], words[1], words[2]


def lint(advice):
    """Apply it to the tree, and the table to itself."""
    present = set(source.files())
    known = set()
    for number, path, test, reason in table():
        known.add(path)
        if not fnmatch.filter(present, path):
            advice.add(TABLE, number, f'{path} does not exist')
        if test == '-' and not reason.strip():
            advice.add(TABLE, number, f'{path} has no test: say why')
        if test != '-' and test not in present:
            advice.add(TABLE, number, f'{test} does not exist')
    for path in sorted(present):
        parts = path.split('/')
        if len(parts) != 3 or parts[0] != 'lib' or not path.endswith('.c'):
            continue
        unit = f'tests/unit/{parts[1]}_{os.path.splitext(parts[2])[0]}_test.c'
        if unit not in present and not any(fnmatch.fnmatch(path, row) for row in known):
            advice.add(path, 1, f'neither {unit} nor a row in {TABLE}')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
