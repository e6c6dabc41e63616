#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Trouble that must hurt no connection: a full table, packet memory that runs
# out while clients read nothing, clients of the control socket that are
# killed, stay silent or talk nonsense, a flood of the kernel's own, and a log on
# a full disk.
. "$(dirname "$0")/_init.sh"

# A disk that is full before the engine says its first word.
mkdir "$work/disk"
mount -t tmpfs -o size=4k "$NET_PREFIX" "$work/disk" || skip "machine: no tmpfs"
cat "$work/disk/engine.log" 2>/dev/null; trap 'status=$?; net_down; umount "$work/disk"; (exit $status); clean_up' EXIT
yes | dd of="$work/disk/fill" bs=4k count=1 status=none iflag=fullblock
engine_log=$work/disk/engine.log

# The smallest pools there may be, and four places for twelve connections.
engine_up --connections=4 --mbufs=1024 --host-mbufs=256 --group=root \
	--listen=7001,source=1G,offload=accept --listen=7002,echo,offload=accept
[ ! -s "$engine_log" ] || fail "the disk is not full: this proves nothing"

# Two that read nothing: what waits for them may not starve the others.
cat >"$work/deaf.py" <<-PY
	import socket, time
	deaf = [socket.create_connection(('$HOST_IP', 7001)) for _ in range(2)]
	time.sleep(300)
PY
net_run peer python3 "$work/deaf.py"
deaf() { [ "$(ctl --json list --port 7001 --home engine | jq length)" = 2 ]; }
wait_for 10 deaf || fail "not offloaded: $(ctl list)"

# Clients of the control socket: killed while an answer is on its way, silent
# with half a request, and as many as there may be at once.
cat >"$work/rude.py" <<'PY'
import os, socket, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s
asked = connect()
asked.sendall(b'{"cmd": "stats"}\n' * 200)
half = connect()
half.sendall(b'{"cmd": "off')
for text in (b'\n', b'[]\n', b'nonsense\n', b'{"cmd": 3}\n', b'{"cmd": "show", "id": -1}\n',
             b'{"cmd": "offload", "id": "all"}\n', b'\0\xff\n', b'{"cmd": "list", "from": -5}\n'):
    s = connect()
    s.sendall(text)
    print(s.recv(4096)[:100], flush=True)
long = connect()
try:
    long.sendall(b'x' * 100000)
    print(long.recv(10), flush=True)
except OSError as why:
    print(why, flush=True)
many = [connect() for _ in range(40)]
print('there', flush=True)
time.sleep(60)
PY

net_run peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections 10 --parallel 10 \
	--until-usr1 --bytes 100000 --ahead 500 --json --progress 200 >"$work/peer.log" 2>&1
client=$NET_PID
all() { [ "$(total .connections)" = 12 ]; }
wait_for 10 all || fail "$(total .connections) connections"
moving() {
	local before=$(tail -n 1 "$work/peer.log" | jq .received)
	wait_for 20 eval '[ "$(tail -n 1 "$work/peer.log" | jq .received)" -gt '$((before + 1000000))' ]'
}
moving || fail "nothing moves with a full table: $(ctl list; ctl stats)"
# Each is refused again and again, for want of a place or of packet memory.
full() { [ "$(total '.refusals["the table is full"]')" -ge 6 ]; }
wait_for 20 full || fail "refused: $(total .refusals)"
# Those on their way there, soon to be refused, do not count.
there=$(ctl --json list --home engine | jq length)
[ "$there" -le 4 ] || fail "$there in the engine, which has room for 4"
host python3 "$work/rude.py" "$work/control.sock" >"$work/rude.log" 2>&1 &
wait_for 10 grep -q there "$work/rude.log" || fail "$(cat "$work/rude.log")"
grep -c '"ok":false' "$work/rude.log" | grep -qx 7 || fail "answers: $(cat "$work/rude.log")"
moving || fail "nothing moves with rude clients"
for pid in $(pgrep -f "$work/rude.py"); do kill -KILL "$pid"; done
wait $! 2>/dev/null
wait_for 5 ctl stats || fail "the control socket does not answer any more"

# More frames from the kernel than the process may have signals waiting.
prlimit --pid $engine --sigpending=0
cat >"$work/flood.py" <<-PY
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.setblocking(False)
	for i in range(100000):
	    try:
	        s.sendto(b'x' * 100, ('$PEER_IP', 9))
	    except BlockingIOError:
	        pass
PY
host python3 "$work/flood.py"
kill -0 $engine || fail "the engine did not survive a flood"
moving || fail "nothing moves after a flood"
for i in 1 2 3; do
	ctl upload --all >/dev/null
	sleep 0.5
	ctl offload --all >/dev/null
	moving || fail "nothing moves after move $i"
done

finish_client $client "$work/peer.log"
tail -n 1 "$work/peer.log"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
[ "$(total .broken)" = 0 ] || fail "broken: $(total .broken)"
kill -0 $engine || fail "the engine ended"
