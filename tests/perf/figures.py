#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Figures of a script: lines "name|unit|value" in, a table and the line of JSON
that figures.h describes out. usage: figures.py SUITE"""
import json
import os
import sys


def quartile(samples, n):
    """The n-th of four, from a sorted list."""
    return samples[min(len(samples) * n // 4, len(samples) - 1)]


def main():
    """Command line."""
    figures = {}
    for line in sys.stdin:
        name, unit, value = line.rstrip('\n').split('|')
        figures.setdefault((name, unit), []).append(float(value))
    results = []
    for (name, unit), samples in figures.items():
        samples.sort()
        results.append({'name': name, 'unit': unit, 'samples': len(samples), 'min': samples[0],
                        'median': quartile(samples, 2), 'max': samples[-1],
                        'spread': quartile(samples, 3) - quartile(samples, 1)})
        print(f'{name:<56} {unit:<14} {len(samples):>4} {samples[0]:>12.2f} '
              f'{quartile(samples, 2):>12.2f} {samples[-1]:>12.2f}')
    line = json.dumps({'suite': sys.argv[1], 'tsc_hz': 0, 'results': results})
    print(line)
    if 'CHIM_PERF_JSON' in os.environ:
        with open(os.environ['CHIM_PERF_JSON'], 'a', encoding='utf-8') as out:
            out.write(line + '\n')


if __name__ == '__main__':
    main()
