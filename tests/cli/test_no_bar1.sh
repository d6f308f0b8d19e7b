#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A GPU without BAR1: what PRAMIN can do is done and said, the rest is refused
# with the reason.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

# detours NAME COMMAND...: works, and the one line on stderr says which way
detours() {
	local name=$1
	shift
	run "$@"
	[ $status -eq 0 ] && [ "$(wc -l <"$err")" -eq 1 ] &&
		grep -Eq '^nvbar: sim:[a-z0-9]*: .*no BAR1: going through PRAMIN$' "$err"
	result $? "$name"
}

# Runs of random data that cross pages and the edge of the PRAMIN window
"$RANDOM_BYTES" "$seed" 1 | head -c 300000 >"$tmp/data"
size=300000
pa=$((0x2ffff1))

for chip in $chips; do
	export NVBAR_DEVICE=sim:$chip,bar1=0,file=$tmp/$chip
	prints "$chip: info" '^bar1 +absent$' nvbar info
	gives_json "$chip: info --json" "bar1_size protected fault" nvbar --json info

	input=$tmp/data
	detours "$chip: write" nvbar write $pa
	input=/dev/null
	detours "$chip: read" nvbar read $pa "$size"
	check "$chip: what was written is read" same "$tmp/data"
	works "$chip: read --via pramin" nvbar read --via pramin $pa "$size"
	check "$chip: the same is read with --via pramin" same "$tmp/data"

	detours "$chip: fill" nvbar fill 0x2ff000 0x2004 0x64636261
	works "$chip: read what was filled" nvbar read --via pramin 0x2ff000 0x2004
	{ yes abcd | head -n 2049 | tr -d '\n'; } >"$tmp/want"
	check "$chip: fill has filled" same "$tmp/want"

	head -c 9000 "$tmp/data" >"$tmp/some"
	input=$tmp/some
	detours "$chip: write --pages" nvbar write --pages 0x901,0x700,0x900 --offset 0x123
	input=/dev/null
	detours "$chip: read --pages" nvbar read --pages 0x901,0x700,0x900 --offset 0x123 9000
	check "$chip: what was written to pages is read" same "$tmp/some"
	works "$chip: read the second page" nvbar read --via pramin 0x700000 4K
	tail -c +$((0x1000 - 0x123 + 1)) "$tmp/some" | head -c 4096 >"$tmp/want"
	check "$chip: pages are where they belong" same "$tmp/want"

	run nvbar selftest
	[ $status -eq 0 ] && [ ! -s "$err" ] && ! grep -q '^not ok' "$out" &&
		grep -q '^# sim:[a-z0-9]*: 6 passed, 0 failed, 14 skipped$' "$out"
	result $? "$chip: selftest skips what needs BAR1"
	for command in demo "walk 0" tables maps check snapshot bench memtest "maps --map 1" \
		"read --via bar1 0 4" "write --via bar1 0"; do
		# shellcheck disable=SC2086
		refuses "$chip: $command" "^nvbar: sim:$chip: .*no BAR1" nvbar $command
	done
done

gives_json "selftest --json" "tests passed failed skipped" nvbar --json selftest
export NVBAR_DEVICE=sim:ga102,bar1=0
refuses "a range past VRAM" 'VRAM ends at' nvbar read 8G 1
refuses "a page past VRAM" 'VRAM ends at' nvbar read --pages 1,0x200000
refuses "a page that has no address" 'beyond VRAM' nvbar read --pages 0xffffffffffffffff
refuses "a range past the pages" 'the range ends at 0x1000' nvbar read --pages 1 0x1001
reserved=$(nvbar --json info | sed -n 's/.*"reserved_pa": *\([0-9]*\).*/\1/p')
input=$tmp/want
refuses "pages of which one is the driver's own" 'region' \
	nvbar write --pages "1,$((reserved / 4096))" --offset 1
refuses "fill into the driver's own region" 'region' nvbar fill "$reserved" 4 0
input=/dev/null
works "walk of a snapshot needs no BAR1" nvbar walk --brief --snapshot "$GOLDEN/walks_public.txt" 0

# With BAR1 the window can have lists of pages, too.
export NVBAR_DEVICE=sim:ga102,bar1=64M,file=$tmp/ga102
works "read --pages --via pramin" nvbar read --via pramin --pages 0x901,0x700,0x900 --offset 0x123 9000
check "the pages are the same" same "$tmp/some"

plan
