#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Policy, live: a connection goes to the engine at accept, or once it has
# moved so much, so fast, lived so long, with so short a round trip, or all of
# these; it comes back when idle, and when a busier one needs its place. Each
# move is counted with its cause, and what a person moves, policy leaves alone.
. "$(dirname "$0")/_init.sh"
engine_up --profile=chimney --connections=3 --upload-idle=2 \
	--listen=7010,echo,offload=accept --listen=7011,echo,offload=bytes:100K \
	--listen=7012,echo,offload=rate:200K --listen=7013,echo,offload=age:2500 \
	--listen=7014,echo,offload=rtt:2000 --listen=7015,echo,offload=bytes:50K+age:3000 \
	--listen=7016,echo,offload=bytes:1000G --listen=7017,discard,offload=bytes:20K

# A client of many connections: "open NAME PORT", "send NAME BYTES" (echoed,
# compared), "push NAME BYTES EVERY-MS" (in the background), "close NAME".
cat >"$work/client.py" <<'PY'
import socket, sys, threading, time
conns = {}
def send(s, n):
    data = bytes(i * 7 & 255 for i in range(n))
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    got = b''
    while len(got) < n:
        piece = s.recv(65536)
        assert piece, 'closed'
        got += piece
    assert got == data, 'not the same'
def push(s, n, every):
    try:
        while True:
            s.sendall(bytes(n))
            time.sleep(every / 1000)
    except OSError:
        pass
for line in sys.stdin:
    cmd, name, *more = line.split()
    if cmd == 'open':
        conns[name] = socket.create_connection((sys.argv[1], int(more[0])), 10)
        conns[name].settimeout(10)
    elif cmd == 'send':
        send(conns[name], int(more[0]))
    elif cmd == 'push':
        threading.Thread(target=push, args=(conns[name], *map(int, more)), daemon=True).start()
    elif cmd == 'close':
        conns.pop(name).close()
    print(line.strip(), flush=True)
PY
mkfifo "$work/orders"
ip netns exec "$NET_PREFIX-peer" python3 "$work/client.py" $HOST_IP <"$work/orders" \
	>"$work/client.log" 2>&1 &
client=$!
exec 5>"$work/orders"
orders=0
is_done() { [ "$(wc -l <"$work/client.log")" -ge $orders ]; }
client() {
	orders=$((orders + 1))
	echo "$*" >&5
	wait_for 20 is_done || fail "client: $*: $(cat "$work/client.log")"
}

# home PORT: of the one connection to it; is_home HOME PORT: is it there?
home() { ctl --json list --port "$1" | jq -r '.[0].home'; }
is_home() { [ "$(home "$2")" = "$1" ]; }
stays() { sleep 0.4; is_home "$1" "$2" || fail "$3: it is in the $(home "$2")"; }
# counted WHICH CAUSE: how often
counted() { total ".$1.\"$2\" // 0"; }

# reaches PORT CAUSE: the connection x moves to the engine, and that is why
reaches() {
	wait_for 5 is_home engine "$1" || fail "$2: port $1 is in the $(home "$1")"
	[ "$(ctl --json list --port "$1" | jq -r '.[0].cause')" = "$2" ] ||
		fail "not \"$2\" but $(ctl --json list --port "$1" | jq -r '.[0].cause')"
	[ "$(counted offloads "$2")" -ge 1 ] || fail "\"$2\" is not counted"
	client send x 3000
	client close x
}

client open x 7010
reaches 7010 "policy: accepted"
client open x 7011
client send x 1000
stays kernel 7011 "too few bytes"
client send x 60000
reaches 7011 "policy: bytes moved"
client open x 7012
client send x 1000
sleep 1
stays kernel 7012 "too slow"
for ((i = 0; i < 30 && $(counted offloads "policy: rate") == 0; i++)); do client send x 100000; done
reaches 7012 "policy: rate"
client open x 7013
stays kernel 7013 "too young"
reaches 7013 "policy: age"
client open x 7014
client send x 1000
reaches 7014 "policy: round-trip time"
client open x 7015
client send x 60000
stays kernel 7015 "one threshold of two"
reaches 7015 "policy: every threshold"

# The profile: of the values documented for 2008, a retransmission timer from 300 ms.
client open x 7010
wait_for 5 is_home engine 7010
client send x 100
rto=$(ctl --json list --port 7010 | jq '.[0].rto_us')
[ "$rto" -ge 300000 ] && [ "$rto" -lt 400000 ] || fail "the timer of --profile=chimney is $rto us"
# Idle: back to the kernel; active: to the engine again.
wait_for 5 is_home kernel 7010 || fail "an idle one stays in the engine"
[ "$(counted uploads idle)" -ge 1 ] || fail "idle is not counted"
stays kernel 7010 "still idle"
client send x 1000
reaches 7010 "policy: accepted"

# By hand: policy leaves it where it was put, idle or not.
client open x 7016
id=$(ctl --json list --port 7016 | jq '.[0].id')
ctl offload "$id" || fail "by hand"
sleep 3.2
is_home engine 7016 || fail "policy took back what a person had moved"
[ "$(counted offloads "by hand")" -ge 1 ] || fail "by hand is not counted"
ctl upload "$id" || fail "back by hand"
client close x

# Full: three places, taken by slow ones; a fast one gets the slowest's.
for i in 1 2 3; do
	client open slow$i 7010
	client push slow$i $((i * 10)) 100
done
full() { [ "$(total .in_engine)" = 3 ]; }
wait_for 5 full || fail "$(total .in_engine) of 3 in the engine"
sleep 1.2
slowest=$(ctl --json list --port 7010 | jq -r 'min_by(.rate_in) | .id')
client open fast 7017
client push fast 20000 50
wait_for 10 is_home engine 7017 || fail "the fast one found no place: $(ctl list)"
[ "$(counted uploads "capacity runs short")" -ge 1 ] || fail "capacity is not counted"
[ "$(ctl --json show "$slowest" | jq -r '[.history[].why] | index("capacity runs short")')" != null ] ||
	fail "it was not the slowest that made room: $(ctl list)"
[ "$(counted refusals "the table is full")" -ge 1 ] || fail "not counted: $(total .refusals)"
[ "$(total .in_engine)" -le 3 ] || fail "more than there is room for"

exec 5>&-
kill $client
wait $client 2>/dev/null
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
[ "$(total .broken)" -le 8 ] || fail "broken: $(total .broken)"
total '{offloads, uploads, refusals} | tojson'
engine_down
