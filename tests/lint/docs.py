#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Doc blocks: each exported prototype of include/ and lib/*/chim_*.h has one,
and one that returns something says what.

"@return" says it; so do a question for a bool ("Is it empty?"), and a short
block that begins with the value instead of a verb ("Entries that wait.").
"""
import re

import source

WHERE = re.compile(r'^(include/.*|lib/\w+/chim_\w+)\.h$')
PROTOTYPE = re.compile(r'^(?!static|typedef|return|extern "C"|#|else)[a-z][\w \*]*?(\w+)\(')
VERBS = set("""add arm attach begin build cancel check close configure count create destroy detach
    drop export find finish forget free get hold import inject invalidate know look make open parse
    poll put read receive release remove retry run send set start stop submit take tell update wait
    work write""".split())


def block_above(text, at):
    """The doc block that ends just above line `at`, or ''."""
    end = at - 1
    if end < 0 or not text[end].rstrip().endswith('*/'):
        return ''
    begin = end
    while begin > 0 and '/*' not in text[begin]:
        begin -= 1
    block = '\n'.join(text[begin:end + 1]).strip()
    return block if block.startswith('/**') else ''


def says_result(block, returns):
    """Does the block tell what the function returns?"""
    words = re.sub(r'[\s*/]+', ' ', block).strip()
    if re.fullmatch(r'(extern |const )?void', returns.strip()) or '@return' in words:
        return True
    if 'bool' in returns and '?' in words:
        return True
    return '@param' not in words and words.split()[:1][0].lower() not in VERBS


def prototypes(lines):
    """(name, what it returns, first line from 0) of each exported prototype."""
    for at, line in enumerate(lines):
        first = at
        if re.match(r'\w+\(', line) and at > 0 and re.fullmatch(r'[a-z][\w \*]*', lines[at - 1]):
            first, line = at - 1, lines[at - 1] + ' ' + line
        match = PROTOTYPE.match(line)
        end = at
        while match and end < len(lines) - 1 and ';' not in lines[end] and '{' not in lines[end]:
            end += 1
        if match and re.search(r'\)[^;{]*;', lines[end]):
            yield match.group(1), line[:match.start(1)], first


def lint(advice):
    """Apply it to each public header."""
    for path in filter(WHERE.match, source.files('.h')):
        text = source.read(path).split('\n')
        for name, returns, first in prototypes(source.code(path)):
            block = block_above(text, first)
            if not block:
                advice.add(path, first + 1, f'{name}: no doc block above')
            elif not says_result(block, returns):
                advice.add(path, first + 1, f'{name}: say what it returns (@return)')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
