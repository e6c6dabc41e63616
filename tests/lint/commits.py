#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Titles of the commits that are not in origin/main yet, or of the last ten:
`area: imperative in lower case`, at most 72 characters, the area a directory
(several with commas), or "project" for the tree as a whole."""
import os
import re

import source

TITLE = re.compile(r'([a-z_-]+(?:(?:, |/)[a-z_-]+)*): (.*[^.\s])')


def areas():
    """Names of the directories of the tree."""
    names = {'project'}
    for path in source.files():
        names.update(part.strip('.') for part in os.path.dirname(path).split('/') if part)
    return names


def lint(advice):
    """Apply it to the newest commits; without a repository there is nothing to read."""
    known = areas()
    log = ('log', '--no-merges', '--format=%h %s')
    titles = source.git(*log, 'origin/main..HEAD') or source.git(*log, '-n', '10') or ''
    for line in titles.splitlines():
        commit, title = line.split(' ', 1)
        match = TITLE.fullmatch(title)
        if len(title) > 72:
            advice.add(commit, 1, f'"{title}": {len(title)} characters, not 72')
        if not match:
            advice.add(commit, 1, f'"{title}": not "area: imperative summary"')
            continue
        for area in re.split(r', |/', match.group(1)):
            if area not in known:
                advice.add(commit, 1, f'"{title}": no directory is called {area}')
        if re.match(r'[A-Z][a-z]', match.group(2)):
            advice.add(commit, 1, f'"{title}": begin the summary in lower case')


if __name__ == '__main__':
    found = source.Advice()
    lint(found)
    found.done()
