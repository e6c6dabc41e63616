#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# Without the hold a move loses data or the connection: a run as in 02 must
# fail, or 02 proves nothing. It may survive by luck, so it has six tries.
. "$(dirname "$0")/_init.sh"
engine_up --no-hold
for try in 1 2 3 4 5 6; do
	if ! conduct $HOST_IP 7000 --quiet --moves 200 --mbytes 100; then
		kill -0 $engine || fail "the engine itself ended"
		echo "try $try: noticed"
		exit 0
	fi
done
fail "six runs of 200 moves without the hold lost nothing"
