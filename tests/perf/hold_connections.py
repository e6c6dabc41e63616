#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Open so many connections, say "open", and hold them until stdin ends. With
"full" each sends all that fits first and reads nothing, so that the queues of
both ends are full. usage: hold_connections.py ADDRESS PORT NUMBER [full]"""
import resource
import socket
import sys


def fill(held):
    """Whatever fits into the queues now."""
    held.setblocking(False)
    try:
        while held.send(bytes(65536)):
            pass
    except BlockingIOError:
        pass


def main():
    """Command line."""
    address, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = [socket.create_connection((address, port), 30) for _ in range(number)]
    if 'full' in sys.argv[4:]:
        for one in held:
            fill(one)
    print('open', flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
