#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# A load generator with a stack of its own, behind the handshake that some
# have: no options at all, and the first request on the third segment. The
# connection is offloaded as soon as it is accepted, with that request unread;
# every answer must come, once and in order, from the engine.

. "$(dirname "$0")/_init.sh"
GENERATOR_IP=10.78.0.99

engine_up --offload=accept
mac=$(peer cat /sys/class/net/wp/address)
host ip neigh add $GENERATOR_IP lladdr "$mac" dev chim0
peer python3 "$here/third_segment.py" wp "$mac" $HOST_MAC $GENERATOR_IP $HOST_IP 7000 50 ||
	fail "a connection was not answered"
moved=$(total '.offloads | add // 0')
[ "$moved" -ge 45 ] || fail "only $moved of 50 connections were offloaded"
[ "$(total .kernel.lost)" = 0 ] || fail "connections were lost"
echo "ok: 50 connections, first request on the third segment, no options; $moved offloaded"
