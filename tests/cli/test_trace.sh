#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs that are recorded, and their replay.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

# records COMMAND...: to $tmp/trace
records() {
	NVBAR_TRACE=$tmp/trace run nvbar "$@"
	[ $status -eq 0 ] && [ ! -s "$err" ]
	result $? "record $*"
}

# What a real GPU may have had before
for chip in ga102 gh100; do
	records -d "sim:$chip,wpr2=64M,bound=0x140001000" --force selftest
	prints "selftest of $chip with firmware replays" ' 0$' nvbar replay "$tmp/trace"
done

for chip in $chips; do
	records -d "sim:$chip" selftest
	prints "selftest of $chip replays" ' 0$' nvbar replay "$tmp/trace"
	records -d "sim:$chip,bar1=64M" demo
	prints "demo of $chip replays" ' 0$' nvbar replay "$tmp/trace"
done
gives_json "replay --json" "accesses compared taken_over passed_over refused" \
	nvbar --json replay "$tmp/trace"
check "replay --json tells that nothing differs" grep -q '"same": *true' "$out"

input=$tmp/trace
prints "replay of standard input" ' 0$' nvbar replay -
input=/dev/null

# The word that demo writes, through BAR1
line=$(grep -n '^r 1 .* 4 0x12345678' "$tmp/trace" | head -n 1 | cut -d: -f1)
sed "${line}s/0x12345678/0x12345679/" "$tmp/trace" >"$tmp/wrong"
refuses "a difference" \
	"line $line: read of 4 bytes at BAR1 0x.* \(VRAM 0x.*\): 0x12345679 was recorded, the model gives 0x12345678" \
	nvbar replay "$tmp/wrong"
run nvbar --json replay "$tmp/wrong"
[ $status -eq 1 ] && "$JSON_CHECK" accesses difference <"$out" && grep -q '"same": *false' "$out" &&
	grep -Eq "\"line\": *$line\\b" "$out"
result $? "a difference as JSON"

misuse "replay of nothing" nvbar replay
misuse "replay of two files" nvbar replay "$tmp/trace" "$tmp/trace"
refuses "replay of what is not there" 'No such file' nvbar replay "$tmp/absent"
refuses "replay of what is no trace" 'line 1: ' nvbar replay "$NVBAR"
refuses "replay of what is empty" 'there is nothing' nvbar replay /dev/null
head -n 20 "$tmp/trace" >"$tmp/short"
refuses "replay of one that ends too early" 'no chip' nvbar replay "$tmp/short"
NVBAR_TRACE=/nonexistent/trace refuses "a trace that can't be written" 'trace /nonexistent/trace: No such' \
	nvbar info
NVBAR_TRACE=/dev/full run nvbar info
[ $status -eq 0 ] && grep -q 'trace /dev/full ends here: No space' "$err"
result $? "a trace that ends too early is told"

plan
