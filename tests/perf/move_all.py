#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Have all connections moved to the engine and back, over chimney's control
socket, and print figures: moves a second each way, from the command to the last
that has arrived, and the pauses that chimney measured. usage:
move_all.py SOCKET ROUNDS NUMBER NAME"""
import json
import socket
import sys
import time

WAIT_S = 60
POLL_S = 2e-6  # for each connection: some percent of the time it takes


def ask(lines, request):
    """A line each way."""
    lines.write(json.dumps(request) + '\n')
    lines.flush()
    return json.loads(lines.readline())


def move(lines, command, number):
    """All of them; a move counts when it has arrived. Asking costs the agent time,
    so it is not asked all the time. @return seconds."""
    wanted = ask(lines, {'cmd': 'stats'})['stats']['pause']['moves'] + number
    start = time.monotonic()
    ask(lines, {'cmd': command, 'all': True})
    while ask(lines, {'cmd': 'stats'})['stats']['pause']['moves'] < wanted:
        if time.monotonic() - start > WAIT_S:
            why = ask(lines, {'cmd': 'stats'})['stats']
            sys.exit(f'{command}: not all have arrived in {WAIT_S} s: {json.dumps(why)}')
        time.sleep(number * POLL_S)
    return time.monotonic() - start


def main():
    """Command line."""
    path, rounds, number, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.connect(path)
    with control.makefile('rw', encoding='utf-8') as lines:
        for _ in range(rounds):
            print(f'{name}: to the engine|moves/s|{number / move(lines, "offload", number)}')
            print(f'{name}: to the kernel|moves/s|{number / move(lines, "upload", number)}')
            pause = ask(lines, {'cmd': 'stats'})['stats']['pause']
            print(f'{name}: pause, median|us|{pause["median_us"]}')
            print(f'{name}: pause, 99th percentile|us|{pause["p99_us"]}')
            print(f'{name}: pause, longest|us|{pause["longest_us"]}')


if __name__ == '__main__':
    main()
