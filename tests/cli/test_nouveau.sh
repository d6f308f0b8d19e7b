#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What Linux's nouveau did to served GPUs, recorded by ./dev vm-test --nouveau --trace:
# the model answers each read as it did then, and refuses nothing.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99
traces=$(dirname -- "$0")/../vm/traces

nvbar() {
	"$NVBAR" "$@"
}

# differs WHAT SED_PATTERN NEW: were one read of those another, it would be told
differs() {
	local line

	line=$(grep -n "$2" "$trace" | tail -n 1 | cut -d: -f1)
	[ -n "$line" ]
	result $? "${trace##*/} has $1"
	sed "${line}s/ 4 0x[0-9a-f]*/ 4 $3/; ${line}s/ 8 0x[0-9a-f]*/ 8 $3/" "$trace" >"$tmp/wrong"
	refuses "${trace##*/} with another answer to $1" \
		"line $line: read of .*: $3 was recorded" nvbar replay "$tmp/wrong"
}

for trace in "$traces"/nouveau_*.trace; do
	prints "${trace##*/} replays, and nothing is refused" 'the model refuses 0$' \
		nvbar replay "$trace"
	differs "a word of a buffer, through BAR1" '^r 1 ' 0x12345
	differs "the end of an invalidate" '^r 0 0xb830b0 ' 0x80000001
	differs "a bind's status" '^r 0 0xb80f50 ' 0x1
done

plan
