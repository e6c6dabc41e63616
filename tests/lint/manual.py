#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""doc/running.md has a row for each option of the table in app/options.c, in
its order and no other, and names each service and each command of chimneyctl.
"""
import re

import source

MANUAL = 'doc/running.md'
OPTION = re.compile(r'^\t\{ "([\w-]+)", (?:true|false), set_\w+ \},$', re.M)
ROW = re.compile(r'^\| `--([\w-]+)', re.M)
SERVICE = re.compile(r'^\t\.name = "(\w+)",$', re.M)
COMMAND = re.compile(r"\bcommand\('(\w+)'|\('(\w+)', do_")


def found_in(pattern, path):
    """What the pattern finds in a file; nothing where there is none."""
    return pattern.findall(source.read(path)) if path in source.files() else []


def lint(advice):
    """Compare the tables."""
    if MANUAL not in source.files('.md'):
        return
    manual = source.read(MANUAL)
    options, rows = found_in(OPTION, 'app/options.c'), ROW.findall(manual)
    for name in options:
        if name not in rows:
            advice.add(MANUAL, 1, f'no row for option `--{name}`')
    for name in rows:
        if name not in options:
            advice.add(MANUAL, 1, f'there is no option `--{name}`')
    if sorted(rows) == sorted(options) and rows != options:
        advice.add(MANUAL, 1, 'the rows of options are in another order than app/options.c')
    for path in source.files('.c'):
        for name in SERVICE.findall(source.read(path)) if path.startswith('lib/serve/') else ():
            if f'| `{name}' not in manual:
                advice.add(MANUAL, 1, f'no row for service `{name}`')
    for names in found_in(COMMAND, 'usertools/chimneyctl'):
        if f'| `{"".join(names)}' not in manual:
            advice.add(MANUAL, 1, f'no row for the command `chimneyctl {"".join(names)}`')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
