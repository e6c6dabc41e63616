# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""What the lint scripts share: the files of the tree, C without its comments,
and advice as `file:line: words`.

A line answers a rule with a tag that gives the reason, on it or just above:
    /* lint atomics: the signal handler's flag */
"""
import os
import re
import subprocess
import sys

BINARY = ('tests/fuzz/corpus/',)  # inputs, byte for byte
ROOT = os.environ.get('CHIM_LINT_ROOT') or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def git(*args):
    """Output of a git command, or None where there is no repository."""
    try:
        run = subprocess.run(['git', '-c', 'safe.directory=*', '-C', ROOT, *args],
                             capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return run.stdout if run.returncode == 0 else None


def files(*suffixes):
    """Paths of the tree's own files, relative to its root."""
    listed = git('ls-files', '--cached', '--others', '--exclude-standard')
    if listed is not None:
        found = [f for f in listed.splitlines() if os.path.isfile(os.path.join(ROOT, f))]
    else:
        found = []
        for folder, below, names in os.walk(ROOT):
            below[:] = [d for d in below if not d.startswith(('build', '.git'))]
            found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names]
    return sorted(f for f in found if (not suffixes or f.endswith(suffixes))
                  and not f.startswith(BINARY))


def read(path):
    """The text of a file; empty for one that is not text."""
    try:
        with open(os.path.join(ROOT, path), encoding='utf-8') as f:
            return f.read()
    except UnicodeDecodeError:
        return ''


def blank(match):
    """As many lines and columns as before, with nothing in them."""
    text = match.group(0)
    if text.startswith('/'):
        return re.sub(r'[^\n]', ' ', text)
    return '"' + ' ' * (len(text) - 2) + '"'


def code(path):
    """Lines of a C file without comments and what is inside strings."""
    return COMMENT_OR_STRING.sub(blank, read(path)).split('\n')


def is_tagged(lines, number, rule):
    """Has line `number` (from 1) of the text a tag for the rule?"""
    near = ' '.join(lines[max(0, number - 2):number])
    return re.search(r'/\* lint ' + rule + r': \S', near) is not None


class Advice:
    """Collects advice; done() prints it and ends the script."""

    def __init__(self):
        self.lines = []

    def add(self, path, number, words):
        """One finding."""
        self.lines.append(f'{path}:{number}: {words}')

    def done(self):
        """Exit status 1 where there was anything to say."""
        print('\n'.join(self.lines) if self.lines else 'nothing to say')
        sys.exit(1 if self.lines else 0)
