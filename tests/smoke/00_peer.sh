#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# chimney-peer, by which the other tests judge: passes on a true echo, and
# notices one wrong byte, one missing byte and a reset. Kernel only, no engine.
. "$(dirname "$0")/_init.sh"

ip netns add "$NET_PREFIX-peer" || fail "no namespace"
peer ip link set lo up
net_run peer "$CHIMNEY_PEER" serve 127.0.0.1 7000

# A relay to the echo that damages what comes back: relay PORT HOW
cat >"$work/relay.py" <<'PY'
import socket, struct, sys, threading
port, how = int(sys.argv[1]), sys.argv[2]
door = socket.create_server(('127.0.0.1', port))
near = door.accept()[0]
far = socket.create_connection(('127.0.0.1', 7000))
def there():
    while data := near.recv(65536):
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
seen = 0
while data := bytearray(far.recv(65536)):
    at = 1000000 - seen
    seen += len(data)
    if 0 <= at < len(data):
        if how == 'flip':
            data[at] ^= 1
        elif how == 'miss':
            del data[at]
        else:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            break
    near.sendall(data)
near.close()
PY
net_run peer python3 "$work/relay.py" 7001 flip
net_run peer python3 "$work/relay.py" 7002 miss
net_run peer python3 "$work/relay.py" 7003 reset

listens() { peer ss -Hltn "sport = $1" | grep -q .; }
for port in 7000 7001 7002 7003; do
	wait_for 5 listens $port || fail "nothing listens on $port"
done
peer "$CHIMNEY_PEER" connect 127.0.0.1 7000 --mbytes 20 || fail "a true echo"
peer "$CHIMNEY_PEER" connect 127.0.0.1 7000 --connections 200 --parallel 10 --bytes 5000 ||
	fail "many connections"

# notices PORT WORDS: the run fails and says so
notices() {
	if peer "$CHIMNEY_PEER" connect 127.0.0.1 "$1" --mbytes 4 >"$work/peer.log"; then
		fail "port $1: nothing noticed"
	fi
	grep -q "$2" "$work/peer.log" || fail "port $1: no \"$2\""
	cat "$work/peer.log"
}
notices 7001 "byte 1000000 is 0x.. and should be 0x"
notices 7002 "byte 1000[0-9]* is 0x.. and should be 0x"
notices 7003 "Connection reset by peer"
