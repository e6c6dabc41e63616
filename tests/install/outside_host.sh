#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
#
# outside_host.sh BUILD SOURCE: install into an empty folder, build a host
# program against that alone, and run it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson install -C "$1" --no-rebuild --quiet --destdir "$work"
root=$work$PREFIX
for program in chimney chimneyctl; do
	[ -x "$root/bin/$program" ] || { echo "bin/$program is not installed"; exit 1; }
done
"$root/bin/chimney" --version

# Installed below a folder: only chimney.pc must say so.
sed -i "s|^prefix=.*|prefix=$root|" "$root/$LIBDIR/pkgconfig/chimney.pc"
export PKG_CONFIG_PATH="$root/$LIBDIR/pkgconfig"
# shellcheck disable=SC2046 # words are what we want
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -o "$work/host" "$2" \
	$(pkg-config --cflags --libs chimney)
"$work/host" --no-huge --no-pci --no-shconf --no-telemetry -m 64 -l 0 --log-level=error
