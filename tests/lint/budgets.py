#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Size: a file is one step, a function one thought.

Refused: a file over 700 lines, a function over 80, more than five parameters.
A tag with the reason answers, in the head comment of the file or just above
or inside the function: /* long: table */.
"""
import re

import source

FILE_LINES, FUNCTION_LINES, PARAMETERS = 700, 80, 5
TAG = re.compile(r'/\* long: \S')
DEFINITION = re.compile(r'^(\w+)\((.*)')


def nb_parameters(lines, at):
    """Commas of the outermost parentheses that open on line `at`, plus one."""
    depth = commas = 0
    for char in ' '.join(lines[at:at + 20]):
        depth += (char == '(') - (char == ')')
        commas += char == ',' and depth == 1
        if char == ')' and depth == 0:
            return commas + 1
    return 0


def functions(lines):
    """(name, first line, last line), from 0, of each definition."""
    at = 0
    while at < len(lines):
        match = DEFINITION.match(lines[at])
        opened = at
        while match and opened < min(at + 12, len(lines) - 1) and lines[opened] != '{':
            opened += 1
        if match and lines[opened] == '{':
            end = opened
            while end < len(lines) - 1 and lines[end] != '}':
                end += 1
            yield match.group(1), at, end
            at = end
        at += 1


def lint(advice):
    """Apply it to each C file."""
    for path in source.files('.c', '.h'):
        text = source.read(path).split('\n')
        lines = source.code(path)
        if len(text) - 1 > FILE_LINES and not TAG.search('\n'.join(text[:20])):
            advice.add(path, 1, f'{len(text) - 1} lines; more than {FILE_LINES} are two files')
        for name, first, last in functions(lines):
            size = last - first + 1
            if size > FUNCTION_LINES and not TAG.search('\n'.join(text[max(0, first - 5):last])):
                advice.add(path, first + 1, f'{name}: {size} lines; split it')
            count = nb_parameters(lines, first)
            if count > PARAMETERS and not TAG.search('\n'.join(text[max(0, first - 5):last])):
                advice.add(path, first + 1, f'{name}: {count} parameters are a struct')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
