#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# A program that lends its sockets: to a service, which answers in the engine,
# and to "park", which leaves what arrives in the connection; it gets them back
# with every byte, in their order, and goes on itself. What cannot be lent is
# refused with the reason, and stays what it was.
. "$(dirname "$0")/_init.sh"
engine_up

cat >"$work/lender.py" <<'PY'
import array, json, socket, sys, time

class Control:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.lines = self.s.makefile('r')
    def ask(self, lend=None, **request):
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [lend.fileno()]))] if lend else []
        self.s.sendmsg([json.dumps(request).encode() + b'\n'], more)
        return json.loads(self.lines.readline())

ctl = Control(sys.argv[1])

def is_home(ident, home):
    for _ in range(500):
        conn = ctl.ask(cmd='show', id=ident)['connection']
        if conn['home'] == home:
            return conn
        time.sleep(0.01)
    raise SystemExit(f'not in the {home}: {conn}')

def give_back(ident):
    for _ in range(500):
        answer = ctl.ask(cmd='return', id=ident)
        if not answer['ok'] or answer['returned']:
            return answer
        time.sleep(0.01)
    raise SystemExit('it does not come back')

def refused(words, lend=None, **request):
    answer = ctl.ask(lend, **request)
    assert not answer['ok'] and words in answer['error'], (words, answer)

door = socket.create_server((sys.argv[2], 7700))
door6 = socket.create_server(('::', 7701), family=socket.AF_INET6)
print('ready', flush=True)

def exactly(s, n):
    got = b''
    while len(got) < n:
        piece = s.recv(n - len(got))
        assert piece, 'closed'
        got += piece
    return got

for where in (door, door6):
    s = where.accept()[0]
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.settimeout(20)
    # The client counts: 4 bytes, big-endian, over and over.
    assert exactly(s, 4) == b'\0\0\0\0'
    s.sendall(b'serve')
    answer = ctl.ask(s, cmd='lend', service='echo', offload='accept')
    assert answer['ok'], answer
    ident = answer['id']
    is_home(ident, 'engine')
    refused('lent already', s, cmd='lend', service='echo')
    for _ in range(500):                       # the service has echoed 4000 bytes
        if ctl.ask(cmd='show', id=ident)['connection']['bytes_out'] == 4000:
            break
        time.sleep(0.01)
    answer = give_back(ident)
    assert answer['ok'], answer
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    s.sendall(b'mine!')
    assert exactly(s, 4) == b'mine'
    # Parked: what the client sends meanwhile waits, and comes back unread.
    s.sendall(b'park!')
    answer = ctl.ask(s, cmd='lend', service='park', offload='accept')
    assert answer['ok'], answer
    ident = answer['id']
    is_home(ident, 'engine')
    time.sleep(0.7)
    conn = ctl.ask(cmd='show', id=ident)['connection']
    assert conn['home'] == 'engine' and conn['bytes_in'] == 0, conn
    answer = give_back(ident)
    assert answer['ok'], answer
    got = exactly(s, 200000)
    assert got == b''.join(i.to_bytes(4, 'big') for i in range(50000)), 'not the same bytes'
    s.sendall(b'done!')
    assert s.recv(1) == b'', 'the client should have closed'
    refused('no such lent', cmd='return', id=ident)
    s.close()

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
refused('not a connected TCP socket', udp, cmd='lend', service='park')
refused('not a connected TCP socket', door, cmd='lend', service='park')
refused('comes with a socket', cmd='lend', service='park')
pair = socket.socketpair()
refused('not a connected TCP socket', pair[0], cmd='lend', service='park')
pair[1].sendall(b'x')
assert pair[0].recv(1) == b'x'
here = socket.create_connection((sys.argv[2], 7700))
there = door.accept()[0]
refused('is one of', here, cmd='lend', service='ftp')
refused('is none of', here, cmd='lend', service='park', offload='soon')
there.sendall(b'y')
assert here.recv(1) == b'y'
# A connection of this machine with itself has no port to leave by: it is served in the kernel.
answer = ctl.ask(here, cmd='lend', service='echo', offload='never')
assert answer['ok'], answer
ctl.ask(cmd='offload', id=answer['id'])
for _ in range(300):
    conn = ctl.ask(cmd='show', id=answer['id'])['connection']
    if conn['refused']:
        break
    time.sleep(0.01)
assert conn['refused'] and conn['home'] == 'kernel', conn
there.sendall(b'z')
assert there.recv(1) == b'z'
print('refused:', conn['refused'])
assert give_back(answer['id'])['returned']
# A lender that dies: its connection is served on.
answer = ctl.ask(there, cmd='lend', service='echo')
assert answer['ok'], answer
there.close()
ctl.s.close()
here.sendall(b'alone')
assert exactly(here, 5) == b'alone'
print('ok')
PY

cat >"$work/client.py" <<'PY'
import socket, sys, time
for address, port in ((sys.argv[1], 7700), (sys.argv[2], 7701)):
    s = socket.create_connection((address, port), 20)
    s.sendall(bytes(4))
    def exactly(n):
        got = b''
        while len(got) < n:
            piece = s.recv(n - len(got))
            assert piece, 'closed'
            got += piece
        return got
    assert exactly(5) == b'serve'
    for i in range(10):
        s.sendall(bytes([i]) * 400)
        assert exactly(400) == bytes([i]) * 400, i
        time.sleep(0.02)
    assert exactly(5) == b'mine!'
    s.sendall(b'mine')
    assert exactly(5) == b'park!'
    s.sendall(b''.join(i.to_bytes(4, 'big') for i in range(50000)))
    assert exactly(5) == b'done!'
    s.close()
print('ok')
PY

net_run host python3 "$work/lender.py" "$work/control.sock" $HOST_IP >"$work/lender.log" 2>&1
lender=$NET_PID
wait_for 10 grep -q ready "$work/lender.log" || fail "$(cat "$work/lender.log")"
peer timeout 60 python3 "$work/client.py" $HOST_IP $HOST_IP6 || fail "the client: $(ctl list)"
wait $lender || fail "the lender"
cat "$work/lender.log"

# Of another network namespace: its addresses mean something else here.
cat >"$work/foreign.py" <<'PY'
import array, json, socket, sys, time
door = socket.create_server(('127.0.0.1', 0))
s = socket.create_connection(door.getsockname())
there = door.accept()[0]
c = socket.socket(socket.AF_UNIX)
c.connect(sys.argv[1])
lines = c.makefile('r')
c.sendmsg([b'{"cmd": "lend", "service": "echo", "offload": "accept"}\n'],
          [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))])
ident = json.loads(lines.readline())['id']
conn = {'refused': None}
while not conn['refused']:
    time.sleep(0.01)
    c.sendall(json.dumps({'cmd': 'show', 'id': ident}).encode() + b'\n')
    conn = json.loads(lines.readline())['connection']
there.sendall(b'still')
assert there.recv(5) == b'still' and conn['home'] == 'kernel', conn
print('refused:', conn['refused'])
PY
peer timeout 20 python3 "$work/foreign.py" "$work/control.sock" | grep "namespace" ||
	fail "a socket of another namespace: $(total .refusals)"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
