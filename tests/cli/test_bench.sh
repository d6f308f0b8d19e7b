#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# nvbar bench: what it promises of its numbers that does not depend on time.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

bench() {
	"$NVBAR" -d "$1" bench
}

# counts: what the last run printed of bus accesses, without transactions and times
counts() {
	awk '/^ *[0-9]+ (scattered|contiguous)/ { print $1, $2, $3, $4, $5, $6, $8, $10, $11, $12, $14 }' "$out"
}

# counted LINE: it is among them
counted() {
	counts | grep -qx -- "$1"
}

prints "--help lists bench" '^ +bench +[^ ]' "$NVBAR" --help
prints "help bench" '^Usage: nvbar bench ' "$NVBAR" help bench

works "bench" bench sim:ga102
check "it names what it measures" grep -qx 'nvbar bench on sim:ga102' "$out"
counts >"$tmp/first"
check "18 cases of map and unmap" test "$(wc -l <"$tmp/first")" -eq 18
check "one page, warm: 2 reads and 4 writes each way" counted "1 scattered warm 2 4 0 1 2 4 0 1"
check "2 MiB, warm: an entry of two words" counted "512 contiguous warm 2 5 0 1 2 4 0 1"
check "copies up to 64 MiB" grep -Eq '^ *64M +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9]+' "$out"
check "1000 live mappings" grep -Eq '^ *1000 +2 +4 +0 +[0-9]+ +1 ' "$out"
check "more than fit are skipped" grep -Eq '^ *100000 skipped: ' "$out"

works "bench again" bench sim:ga102
check "the counts are the same" cmp -s "$tmp/first" <(counts)

works "bench on MMU v3 and a larger BAR1" bench sim:gh100,bar1=1G
check "one page, warm, v3" counted "1 scattered warm 2 4 0 1 2 4 0 1"
check "100,000 live mappings" grep -Eq '^ *100000 +2 +4 +0 +[0-9]+ +1 ' "$out"

works "bench with an aperture of 64M" bench sim:tu102,bar1=64M
check "65536 pages are skipped" grep -Eq '^ *65536 scattered +cold +skipped: ' "$out"
works "bench with little VRAM" bench sim:ga102,vram=256M
check "what VRAM can't hold is skipped" grep -Eq '^ *65536 scattered +cold +skipped: not enough' "$out"

run "$NVBAR" --json bench
[ $status -eq 0 ] && "$JSON_CHECK" device mappings access beside <"$out" &&
	[ "$(grep -c 'no device is named' "$err")" -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
result $? "bench --json, which says once that no device is named"
refuses "bench without BAR1" ': bench: this GPU has no BAR1$' "$NVBAR" -d sim:ga102,bar1=0 bench
misuse "bench with an argument" "$NVBAR" bench fast

# What was in VRAM is there afterwards, but for what bench may have allocated.
export NVBAR_DEVICE=sim:ga102,vram=2G,file=$tmp/vram
works "bench on a file" "$NVBAR" bench
prints "nothing is left mapped" ' 0 mappings: 0 problems$' "$NVBAR" check

plan
