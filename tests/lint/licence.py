#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""SPDX and copyright in the first lines of every file that can hold a comment."""
import source

BARE = ('.md', '.txt', '.json', 'LICENSE', '.gitignore', '.clang-format', '.png', '.svg')


def lint(advice):
    """Apply it to each file."""
    for path in source.files():
        if path.endswith(BARE):
            continue
        head = source.read(path).split('\n')[:4]
        for wanted in ('SPDX-License-Identifier: BSD-3-Clause',
                       'Copyright (c) 2026 The Chimney Authors'):
            if not any(wanted in line for line in head):
                advice.add(path, 1, f'"{wanted}" is missing')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
