#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# memtest: what it finds in VRAM that is broken, and what it leaves.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99
: "${NVBAR_BAD_VRAM:?}"

nvbar() {
	"$NVBAR" "$@"
}

# finds NAME FAULT REGEX ARGUMENT...: exit status 1, one line on stderr, and one bad range
finds() {
	local name=$1 fault=$2 regex=$3
	shift 3
	BAD_VRAM=$fault run "$NVBAR_BAD_VRAM" memtest "$@"
	[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q ' errors$' "$err" &&
		[ "$(grep -c '^bad 0x' "$out")" -eq 1 ] && grep -Eq -- "$regex" "$out" &&
		grep -Eqx 'failed: [1-9][0-9]* errors' "$out"
	result $? "$name"
}

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M
works "all of VRAM" nvbar memtest
check "the seed is told" grep -Eq ', seed 0x[0-9a-f]+: address checker walk random$' "$out"
check "and the throughput" grep -Eq '^written [0-9]+ MiB/s, read [0-9]+ MiB/s$' "$out"
check "and that it is well" grep -qx 'passed: 0 errors' "$out"
prints "a range, twice" '^sim:ga102: VRAM 0x100000\+0x200000, 2 passes, seed 0x5:' \
	nvbar memtest 1M 2M --passes 2 --seed 5
prints "one test" ': random$' nvbar memtest 0 4K --test random
prints "two tests" ': address walk$' nvbar memtest 0 12K -t walk,address
prints "two tests, one by one" ': walk random$' nvbar memtest 0 4K --test random --test walk
gives_json "memtest --json" "device pa len passes seed tests write_mib_s read_mib_s errors bad" \
	nvbar --json memtest 3M 1M --seed 18446744073709551615
check "JSON has the verdict" grep -q '"finished": *true' "$out"
check "JSON with all of the seed" grep -q '"seed": *18446744073709551615' "$out"
# Four patterns; two of them are written twice, and compared twice; then come zeroes.
check "JSON counts the bytes written" grep -q '"bytes_written": *7340032' "$out"
check "JSON counts the bytes read" grep -q '"bytes_read": *6291456' "$out"
for chip in $chips; do
	works "memtest of $chip with BAR1 smaller than VRAM" \
		nvbar -d "sim:$chip,vram=192M,bar1=64M" memtest 50M 100M -t address
done

# --- what is left -------------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M,file=$tmp/vram
"$RANDOM_BYTES" "$seed" 4 >"$tmp/data"
input=$tmp/data
works "write" nvbar write 1M
input=/dev/null
works "memtest of a part" nvbar memtest 2M 1M
{
	head -c 1048576 "$tmp/data"
	head -c 1048576 /dev/zero
	tail -c 2097152 "$tmp/data"
} >"$tmp/want"
run nvbar read 1M 4M
check "zeroes are left, and the rest is as it was" same "$tmp/want"

# --- what is found ------------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M
finds "a bit that is always 1" stuck1:0x234560:1 \
	'^bad 0x234560\+0x8: expected 0x0000000000234560, got 0x0000000000234562, xor 0x0000000000000002; .* \(address, pass 1\)$'
finds "a bit that is always 0" stuck0:0x234560:0x3f \
	'^bad 0x234560\+0x8: expected 0xaaaaaaaaaaaaaaaa, got 0x2aaaaaaaaaaaaaaa, xor 0x8000000000000000; .* \(checker, pass 1\)$'
finds "the same by walking bits" stuck0:0x234560:0x3f 'xor 0x8000000000000000; .*\(walk,' -t walk
finds "an address line" line:0x14 '^bad 0x0\+0x100000: expected 0x0{16}, got 0x0{10}100000, xor 0x0{10}100000;' \
	0 2M -t address
finds "a bit that another one sets when it falls" couple:0x1000:0x300000 \
	'^bad 0x1000\+0x8: .*xor 0x0000000000000001; .*\(checker,' 0 4M -t checker
NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M,poison=0x801000:0x3000
run nvbar memtest 8M 1M
[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] &&
	grep -Eq '^bad 0x801000\+0x3000: the GPU faults \(address, pass 1\)$' "$out"
result $? "pages that fault"
run nvbar memtest 8M 4K
[ $status -eq 0 ]
result $? "and none beside them"
run nvbar --json memtest 8M 1M
[ $status -eq 1 ] && "$JSON_CHECK" errors bad <"$out" && grep -q '"readable": *false' "$out"
result $? "pages that fault, as JSON"

# --- what is refused ----------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M
misuse "an address without a length" nvbar memtest 0
misuse "three numbers" nvbar memtest 0 1 2
misuse "no passes" nvbar memtest --passes 0
misuse "no such test" nvbar memtest --test march
misuse "no test" nvbar memtest --test ''
refuses "an odd address" 'multiples of 4096' nvbar memtest 8 4K
refuses "an odd length" 'multiples of 4096' nvbar memtest 0 8
refuses "nothing" 'the length is zero' nvbar memtest 0 0
refuses "beyond VRAM" 'VRAM ends at 0x4000000' nvbar memtest 0 65M
reserved=$(nvbar --json info | sed -n 's/.*"reserved_pa": *\([0-9]*\).*/\1/p')
refuses "the driver's own region" 'read-only' nvbar memtest "$reserved" 4K
refuses "a GPU without BAR1" 'no BAR1' nvbar -d sim:ga102,vram=64M,bar1=0 memtest
refuses "a GPU that dies" 'after 0 errors: .*all ones' nvbar -d "$NVBAR_DEVICE,dead-at=6000" memtest
check "its end is told among the results" \
	grep -Eqx 'not finished: .*all ones.* in pass 1, test address, after 0 of [0-9]+ MiB; 0 errors so far' "$out"

# A fault that memtest survives is not why it ends: 4 MiB are written as 64 thousand lines of
# 64 bytes at least, and as half a million words at most, before any of it is read.
poisoned=$NVBAR_DEVICE,poison=0x100000
run nvbar -d "$poisoned,dead-at=3000000" memtest 0 4M --passes 10
[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -Eq 'after [1-9][0-9]* errors: .*all ones' "$err" &&
	! grep -q POISONED "$err" && grep -q '^bad 0x100000+0x1000: the GPU faults' "$out"
result $? "a GPU that dies after it has faulted is named as the reason"

plan
