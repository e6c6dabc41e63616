#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Each `suite:test` that doc/proof.md names is a test, and of that suite."""
import re

import source

PAGE = 'doc/proof.md'
NAMED = re.compile(r'`(\w+_autotest):(\w+)`')
SUITE = re.compile(r'^CHIM_CMOCKA_SUITE\(\s*(\w+)', re.M)
TEST = re.compile(r'^(\w+)\(void \*\*state\)', re.M)


def tests():
    """The names of the tests of each suite."""
    found = {}
    for path in source.files('.c'):
        if path.startswith('tests/'):
            text = source.read(path)
            for suite in SUITE.findall(text):
                found.setdefault(suite, set()).update(TEST.findall(text))
    return found


def lint(advice):
    """Apply it to the page."""
    if PAGE not in source.files('.md'):
        return
    found = tests()
    for number, line in enumerate(source.read(PAGE).split('\n'), 1):
        for suite, test in NAMED.findall(line):
            if test not in found.get(suite, ()):
                advice.add(PAGE, number, f'{suite} has no test {test}')


if __name__ == '__main__':
    found_advice = source.Advice()
    lint(found_advice)
    found_advice.done()
