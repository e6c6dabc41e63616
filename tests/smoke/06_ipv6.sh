#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# 02 over IPv6.
exec "$(dirname "$0")/02_moves.sh" fd78::1 7006
