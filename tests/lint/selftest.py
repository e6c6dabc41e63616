#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""The lint scripts find what is planted in a small tree, and no more."""
import os
import subprocess
import sys
import tempfile

HEAD = ('/* SPDX-License-Identifier: BSD-3-Clause */\n'
        '/* Copyright (c) 2026 The Chimney Authors */\n')
LONG = 'int\nlong_one(int a, int b, int c, int d, int e, int f)\n{\n' + '\ta++;\n' * 80 + '}\n'

# script and argument, file planted, its text, line of the advice (0: none expected)
PLANTED = [
    ('tokens.py layers', 'lib/tcp/a.c', '\tp = malloc(8); /* x */\n', 3),
    ('tokens.py layers', 'lib/tcp/b.c', '\t/* malloc(8) */ say("malloc(8)");\n', 0),
    ('tokens.py layers', 'lib/tcp/c.c', '#ifdef FAST\n#endif\n', 3),
    ('tokens.py clock', 'lib/dp/io.c', '\tt = rte_rdtsc();\n', 3),
    ('tokens.py clock', 'lib/dp/loop.c', '\tt = rte_rdtsc();\n', 0),
    ('tokens.py quiet', 'lib/flow/a.c', 'x_create(void)\n{\n\tcalloc(1, 2);\n}\n\tcalloc(1, 2);\n', 7),
    ('tokens.py atomics', 'lib/dp/b.c', 'volatile int x;\n', 3),
    ('tokens.py atomics', 'lib/dp/c.c', 'volatile int x; /* lint atomics: a register */\n', 0),
    ('tokens.py exits', 'lib/ctl/a.c', '\tprintf("x");\n', 3),
    ('tokens.py exits', 'lib/ctl/b.c', '\tsnprintf(b, 4, "x");\n', 0),
    ('tokens.py hygiene', 'tests/unit/a_test.c', '\tusleep(5);\n', 3),
    ('budgets.py', 'lib/ctl/c.c', LONG, 4),
    ('budgets.py', 'lib/ctl/d.c', '/* long: a table */\n' + LONG, 0),
    ('budgets.py', 'lib/ctl/e.c', 'int x;\n' * 700, 1),
    ('docs.py', 'include/a.h', 'int chim_a_get(int x);\n', 3),
    ('docs.py', 'include/b.h', '/** Get it. */\nint chim_a_get(int x);\n', 4),
    ('docs.py', 'include/c.h', '/** Get it. @return it. */\nint chim_a_get(int x);\n', 0),
    ('docs.py', 'include/d.h', '/** Entries. */\nint chim_a_count(int x);\n', 0),
    ('docs.py', 'include/e.h', '/** Get it. */\nstruct a *\nchim_a_get(int x);\n', 4),
    ('manual.py', 'doc/running.md', '| `--nothing` | |\n', 1),
    ('manual.py', 'doc/other.md', '| `--nothing` | |\n', 0),
    ('mirror.py', 'lib/ctl/f.c', 'int x;\n', 1),
    ('proofs.py', 'doc/proof.md', '| `a_autotest:nothing` | |\n', 3),
    ('proofs.py', 'doc/other.md', '| `a_autotest:nothing` | |\n', 0),
    ('reasons.py', 'include/f.h', '#define CHIM_WHY_LIST(X) \\\n\tX(A, none, "a")\n', 4),
    ('reasons.py', 'include/g.h', '#define A_LIST(X) \\\n\tX(A, none, "a")\n', 0),
    ('licence.py', 'app/a.c', None, 1),
    ('style.py', 'app/b.c', 'int   x;\n', 3),
    ('style.py', 'app/c.c', '/* x */ \n', 3),
    ('style.py', 'app/d.c', 'int x;\n', 0),
]


def look(script, path, text):
    """What the script says about a tree with this one file."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)))
        os.makedirs(os.path.join(root, 'tests/lint'))
        here = os.path.dirname(os.path.abspath(__file__))
        for name in ('tests/lint/mirror.txt', 'tests/lint/words.txt'):
            with open(os.path.join(root, name), 'w', encoding='utf-8'):
                pass
        os.symlink(os.path.join(here, '../../.clang-format'), os.path.join(root, '.clang-format'))
        with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
            f.write('int x;\n' if text is None else HEAD + text)
        name, *args = script.split()
        return subprocess.run([sys.executable, os.path.join(here, name), *args],
                              env={**os.environ, 'CHIM_LINT_ROOT': root},
                              capture_output=True, text=True, check=False).stdout


def main():
    """Exit status 1 where a script saw too much or too little."""
    wrong = 0
    for script, path, text, line in PLANTED:
        out = look(script, path, text)
        found = f'{path}:{line}:' in out if line else out.strip() == 'nothing to say'
        if not found:
            print(f'{script} on {path}: expected line {line}, got:\n{out}')
            wrong += 1
    print(f'{len(PLANTED) - wrong} of {len(PLANTED)} as expected')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
