#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Shape: clang-format 14 has nothing to change (said once a file), no trailing
space, a newline at the end of each file, and codespell knows every word."""
import re
import shutil
import subprocess

import source


def run(advice, tool, paths, *args):
    """Turn what a tool prints into advice; a missing tool is advice too."""
    if shutil.which(tool) is None:
        advice.add('tests/lint/style.py', 1, f'{tool} is not installed')
        return
    done = subprocess.run([tool, *args, *paths], cwd=source.ROOT, capture_output=True, text=True,
                          check=False)
    said = set()
    for line in (done.stdout + done.stderr).splitlines():
        match = re.match(r'(\S+?):(\d+):(?:\d+: \w+:)? ?(.*)', line)
        if match and (match.group(1), match.group(3)) not in said:
            said.add((match.group(1), match.group(3)))
            advice.add(match.group(1), match.group(2), f'{tool}: {match.group(3)}')


def lint(advice):
    """Apply it to each file."""
    text = source.files()
    run(advice, 'clang-format', source.files('.c', '.h'), '--dry-run', '--Werror')
    run(advice, 'codespell', text, '--quiet-level=3', '--ignore-words=tests/lint/words.txt')
    for path in text:
        content = source.read(path)
        for number, line in enumerate(content.split('\n'), 1):
            if line != line.rstrip():
                advice.add(path, number, 'space at the end of the line')
        if content and not content.endswith('\n'):
            advice.add(path, content.count('\n') + 1, 'no newline at the end of the file')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
