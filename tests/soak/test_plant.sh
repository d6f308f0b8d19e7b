#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: test_plant.sh MISTAKE SOAK SOURCE ARCHIVE CC [ARGUMENT...]
#
# A planted mistake is found, cut down to a few ops, and shown by a program
# that compiles without a warning and fails.
set -eu

mistake=$1 soak=$2 source=$3 archive=$4
shift 4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$soak" --plant "$mistake" --ops 20000 --jobs 1 --program "$dir/found.c" ga102
[ "$mistake" != crash ] || exit 0	# that one is in the test, not in the program
"$@" -D_GNU_SOURCE -Wall -Wextra -Werror -I"$source/include" -I"$source/compat/include" \
	-I"$source/core" -I"$source/lib" -I"$source/sim" "$dir/found.c" "$archive" -lpthread \
	-o "$dir/found"
if "$dir/found" >"$dir/out"; then
	echo "the program finds nothing"
	exit 1
fi
grep 'line [0-9]*: 0 (success)' "$dir/out"
