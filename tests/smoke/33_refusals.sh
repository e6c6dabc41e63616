#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# What may not be offloaded: a connection for each reason.

. "$(dirname "$0")/_init.sh"
net_up || skip "machine: no veth pair between namespaces"
host "$REFUSALS" "$NET_PREFIX-peer" || fail "a refusal"
