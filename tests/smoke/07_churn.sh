#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Thousands of short connections, offloaded as they are accepted and closed
# first by the client or by the service, with client ports used again.
. "$(dirname "$0")/_init.sh"
engine_up --listen=7001,source=5000,offload=accept --listen=7002,echo,offload=accept
peer sysctl -q -w net.ipv4.ip_local_port_range="40000 41999" net.ipv4.tcp_tw_reuse=1

peer "$CHIMNEY_PEER" connect $HOST_IP 7002 --connections 3000 --parallel 20 --bytes 3000 ||
	fail "closed by the client"
# Both sides have closed: the engine ends them where they are.
all_ended() { [ "$(total .kernel.ended)" = "$(total .kernel.offloads)" ]; }
wait_for 10 all_ended || fail "offloaded $(total .kernel.offloads), ended $(total .kernel.ended)"
[ "$(total .kernel.uploads)" = 0 ] || fail "uploaded $(total .uploads)"
peer "$CHIMNEY_PEER" connect $HOST_IP 7001 --connections 3000 --parallel 20 --bytes 5000 \
	--source || fail "closed by the service"

[ "$(total .accepted)" = 6000 ] || fail "accepted $(total .accepted), not 6000"
[ "$(total .kernel.offloads)" -gt 1000 ] || fail "only $(total .kernel.offloads) were offloaded"
echo "offloaded $(total .kernel.offloads) of 6000; refused: $(total ".refusals | tojson")"
none_left() { [ "$(total .connections)" = 0 ] && [ "$(total .in_engine)" = 0 ]; }
wait_for 10 none_left || fail "$(total .connections) connections are left"
[ "$(total .kernel.lost)" = 0 ] || fail "lost $(total .kernel.lost)"
engine_down
