#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Ends of connections that the engine has. As a soak, the long stay longer:
#
# usage: 32_ends.sh [STAY-MS]     (5000)

. "$(dirname "$0")/_init.sh"
net_up || skip "machine: no veth pair between namespaces"
host "$ENDS" "$NET_PREFIX-peer" "${1:-5000}" || fail "an end"
