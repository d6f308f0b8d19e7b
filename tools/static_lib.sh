#!/bin/sh
# SPDX-License-Identifier: MIT
#
# static_lib.sh COMPILER... -- ARCHIVE VERSION_SCRIPT OUTPUT
#
# Makes OUTPUT, a static library, of all objects in ARCHIVE, in which only the
# names that VERSION_SCRIPT lists as global can be seen.
set -eu

compiler=
while [ "$1" != -- ]; do
	compiler="$compiler $1"
	shift
done
archive=$2
map=$3
out=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Lines between "global:" and "local:", without their semicolons.
sed -n '/global:/,/local:/{/global:\|local:/d;s/[[:space:];]//g;p;}' "$map" >"$work/names"

# shellcheck disable=SC2086  # the compiler is several words
$compiler -r -nostdlib -o "$work/nvbar.o" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive
objcopy --keep-global-symbols="$work/names" "$work/nvbar.o"
rm -f "$out"
ar rcs "$out" "$work/nvbar.o"
