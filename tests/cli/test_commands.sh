#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What each command does when it is used well.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

# with FILE: standard input of the next runs
with() {
	input=$1
}

# holds TEXT: the last run printed exactly this
holds() {
	printf '%s' "$1" | cmp -s "$out"
}

commands="info read write fill demo walk tables decode maps check snapshot selftest bench help"

# --- help ---------------------------------------------------------------

prints "--version" '^nvbar [0-9]+\.[0-9]+\.[0-9]+$' nvbar --version
prints "--help" '^Usage: nvbar ' nvbar --help
prints "help" '^Usage: nvbar ' nvbar help
for command in $commands; do
	prints "--help lists $command" "^ +$command +[^ ]" nvbar --help
	prints "$command --help" "^Usage: nvbar $command " nvbar "$command" --help
	prints "help $command" "^Usage: nvbar $command " nvbar help "$command"
done
for tool in "$NVBAR" "$NVBAR_SIM"; do
	for words in --help -h '-?' help 'help help'; do
		# shellcheck disable=SC2086
		prints "${tool##*/} $words" "^Usage: ${tool##*/} " "$tool" $words
	done
done
for command in translate serve regs; do
	for words in "help $command" "$command -h" "$command --help"; do
		# shellcheck disable=SC2086
		prints "nvbar-sim $words" "^Usage: nvbar-sim $command " "$NVBAR_SIM" $words
	done
done
prints "an option of nvbar's alone" '^Usage: nvbar read ' nvbar read -h

# documented PAGE HELP...: each option that the help shows is in the man page, short and long
documented() {
	local page=$GOLDEN/../../docs/man/$1.scd option missing=
	shift
	run "$@"
	for option in $(grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' "$out" | tr -d ,); do
		grep -qF -- "*$option*" "$page" || missing+=" $option"
	done
	[ $status -eq 0 ] && [ -z "$missing" ] && grep -q -- '  --\|, --' "$out"
	result $? "the man page has the options of ${*:2}${missing:+ but for$missing}"
}
for command in list info read write fill demo walk tables decode maps check snapshot replay memtest \
	selftest bench resize bind unbind; do
	documented nvbar.1 "$NVBAR" help "$command"
done
for command in translate serve regs; do
	documented nvbar-sim.1 "$NVBAR_SIM" help "$command"
done
for command in list decode replay; do
	run nvbar help $command
	[ $status -eq 0 ] && ! grep -q -- '--device\|--force\|--dry-run' "$out"
	result $? "$command has no options for a device"
done

# --- every chip ---------------------------------------------------------

for chip in $chips; do
	dev=sim:$chip
	prints "info on $chip" "^chip +${chip^^} " nvbar -d "$dev" info
	gives_json "info --json on $chip" "device chip boot0 boot42 mmu_version page_sizes
		vram_size vram_usable reserved_pa reserved_len bar1_size bar1_mode bar1_bound fault" \
		nvbar -d "$dev" --json info
	prints "demo on $chip" '^Everything was as it should be' nvbar -d "$dev" demo
	gives_json "demo --json on $chip" "pfns va len bus_reads model_driver_errors passed" \
		nvbar -d "$dev" --json demo
	gives_json "selftest --json on $chip" "device tests passed failed" \
		nvbar -d "$dev" --json selftest
	prints "check on $chip" ' 1 mappings: 0 problems$' nvbar -d "$dev" check --map 5,4,9
	gives_json "nvbar-sim regs --json on $chip" "chip registers" "$NVBAR_SIM" regs --json "$chip"
done
prints "the device from the environment" '^chip +GB202 ' env NVBAR_DEVICE=sim:gb202 "$NVBAR" info
prints "-d before the environment" '^chip +GH100 ' \
	env NVBAR_DEVICE=sim:gb202 "$NVBAR" -d sim:gh100 info
prints "-d after the command" '^chip +GH100 ' nvbar info -d sim:gh100

# --- no device named ----------------------------------------------------

# assumes COMMAND...: the modelled GPU, and says so in one line
assumes() {
	run nvbar "$@"
	[ $status -eq 0 ] && [ "$(wc -l <"$err")" -eq 1 ] &&
		grep -q '^nvbar: sim:ga102: no device is named: this is the modelled GPU' "$err"
	result $? "$* on no device says that it is the model"
}
assumes info
assumes memtest 0 1M
assumes check
assumes selftest
assumes maps
assumes --json info
NVBAR_DEVICE='' assumes info
works "sim is a name" nvbar -d sim info
works "what needs no device says nothing of one" nvbar decode v2 pte 0
for command in check maps selftest 'memtest 0 1M'; do
	# shellcheck disable=SC2086
	prints "${command%% *} names what it judges" 'sim:ad102' nvbar -d sim:ad102 $command
done

# forgotten COMMAND...: the model keeps nothing, and a line says so
forgotten() {
	run nvbar "$@"
	[ $status -eq 0 ] && [ "$(wc -l <"$err")" -eq 1 ] &&
		grep -q '^nvbar: sim:ga102: .*: the model forgets this now; ' "$err"
	result $? "$* says that it is forgotten"
}
with "$GOLDEN/README.md"
forgotten -d sim write 0
forgotten -d sim:ga102,vram=1G write --via pramin 0
with /dev/null
forgotten -d sim fill 0 4K 1
works "what is kept is not forgotten" nvbar -d "sim:ga102,file=$tmp/kept" fill 0 4K 1

prints "VRAM and BAR1 of a given size" '^vram +24G,' nvbar -d sim:ga102,vram=24G,bar1=1G info
prints "BAR1 of a given size" '^bar1 +1G,' nvbar -d sim:ga102,vram=24G,bar1=1G info

# --- read, write, fill --------------------------------------------------

export NVBAR_DEVICE=sim:ga102,bar1=64M,file=$tmp/vram
printf 'The quick brown fox jumps over the lazy dog.' >"$tmp/fox"
with "$tmp/fox"
works "write" nvbar write 0x10000ffd
with /dev/null
run nvbar read 0x10000ffd 44
check "read gives it back" same "$tmp/fox"
run nvbar read 0x10001000 4
check "read from its middle" holds ' qui'
run nvbar read --via pramin 0x10000ffd 44
check "read --via pramin" same "$tmp/fox"
gives_json "read --json" "device pa len data" nvbar --json read 0x10000ffd 44
check "read --json holds the bytes" grep -q '"54686520717569636b' "$out"
check "and is written as by a printer of JSON" same - <<'END'
{
  "device":"sim:ga102",
  "pa":268439549,
  "len":44,
  "data":"54686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672e"
}
END

with "$tmp/fox"
works "write --via pramin, across a MiB" nvbar write --via pramin 0x201ffff0
gives_json "write --json" "device command bytes" nvbar --json write 0x10000ffd
with /dev/null
run nvbar read 0x201ffff0 44
check "read through BAR1 what PRAMIN wrote" same "$tmp/fox"

works "fill" nvbar fill 0x20000000 20M 0x44434241
run nvbar read 0x213ffff8 8
check "fill reaches its end" holds ABCDABCD
works "fill --via pramin" nvbar fill --via pramin 0x30000000 4K 0x5a5a5a5a
run nvbar read 0x30000ffc 4
check "fill --via pramin fills" holds ZZZZ
works "fill with a decimal pattern" nvbar fill 0x213ffff8 4 1094795585
run nvbar read 0x213ffff4 12
check "fill of one word" holds ABCDAAAAABCD
gives_json "fill --json" "device command bytes" nvbar --json fill 0x20000000 4K 0
works "read, write and fill with sizes as addresses" nvbar fill 512M 4K 0x30303030

# The hexdump is that of hexdump -C, with VRAM addresses
works "fill for the dump" nvbar fill 0x30000000 4K 0
with "$tmp/fox"
works "write for the dump" nvbar write 0x30000020
with /dev/null
cat >"$tmp/want" <<END
30000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
30000020  54 68 65 20 71 75 69 63  6b 20 62 72 6f 77 6e 20  |The quick brown |
30000030  66 6f 78 20 6a 75 6d 70  73 20 6f 76 65 72 20 74  |fox jumps over t|
30000040  68 65 20 6c 61 7a 79 20  64 6f 67 2e 00 00 00 00  |he lazy dog.....|
30000050  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
30000060  00 00                                             |..|
30000062
END
run nvbar read -x 0x30000000 0x62
check "read -x" same "$tmp/want"
cat >"$tmp/want" <<END
30000021  68 65 20 71 75 69 63 6b  20 62 72 6f 77 6e 20     |he quick brown |
30000030  66 6f 78                                          |fox|
30000033
END
run nvbar read -x 0x30000021 0x12
check "read -x of an odd range" same "$tmp/want"
"$INTERRUPT" 0 - --columns 80 "$NVBAR" read 0x30000021 0x12 | tr -d '\r' >"$out"
check "a hexdump on a terminal" same "$tmp/want"

# Pages in their order
head -c 8192 "$GOLDEN/walks_public.txt" >"$tmp/two_pages"
with "$tmp/two_pages"
works "write --pages" nvbar write --pages 0x31005,0x31002
with /dev/null
run nvbar read --pages 0x31005,0x31002
check "read --pages gives it back" same "$tmp/two_pages"
for pages in 0x31005,0x31002 0x31005+1,0x31002-0x31002 "@$tmp/pages"; do
	printf '0x31005\n 0x31002+1,\n' >"$tmp/pages"
	run nvbar read --pages "$pages"
	check "read --pages ${pages/#@*/@FILE} reads the same" same "$tmp/two_pages"
done
head -c 4096 "$tmp/two_pages" >"$tmp/want"
run nvbar read 0x31005000 4K
check "the first page is where it belongs" same "$tmp/want"
tail -c 4096 "$tmp/two_pages" >"$tmp/want"
run nvbar read 0x31002000 4096
check "the second page, too" same "$tmp/want"
tail -c +4091 "$tmp/two_pages" | head -c 10 >"$tmp/want"
run nvbar read --pages 0x31005,0x31002 --offset 4090 10
check "read --pages --offset across the border" same "$tmp/want"
run nvbar read -x --pages 0x31005,0x31002 --offset 4090 10
check "its hexdump shows both addresses" grep -q '^31002000 ' "$out"
with "$tmp/fox"
works "write --pages --offset" nvbar write --pages 0x31005,0x31002 --offset 0xff0
with /dev/null
run nvbar read 0x31002000 8
check "write --pages --offset crosses the border" holds 'fox jump'
seq 1 60000 >"$tmp/pages"
gives_json "as many pages as a file lists" "mappings" nvbar -d sim:ga102 --json maps --map "@$tmp/pages"
check "are one mapping" grep -q '"len": *245760000' "$out"
run nvbar read -x 0x3000_0020 0x0_0010
check "numbers with underscores" grep -q '^30000020  54 68 65' "$out"
prints "sizes as lspci prints them" '^bar1 +512M,' nvbar -d sim:ga102,bar1=512MB info
prints "an address with a suffix" '^VA 0x100000 ' nvbar walk 1MiB
gives_json "read --pages --json" "device offset len data" nvbar --json read --pages 1,2 16

with /dev/null
info=$(nvbar --json info)
reserved=$(sed -n 's/.*"reserved_pa": *\([0-9]*\).*/\1/p' <<<"$info")
works "the driver's own region is readable" nvbar read "$reserved" 4K
works "the last byte of VRAM" nvbar read 0x1ffffffff 1

# typed COMMAND...: on a terminal, before the end of its input, with a hint
typed() {
	"$INTERRUPT" 2 'Ctrl-D ends it' --columns 80 "$NVBAR" "$@" >"$out"
	status=$?
	[ $status -eq 130 ] && grep -q "nvbar: .*: $1: waiting for .* on standard input" "$out"
	result $? "$1 on a terminal says what it waits for"
}
typed write 0
typed write --pages 1
typed walk

# --- looking inside -----------------------------------------------------

export NVBAR_DEVICE=sim:ad102
prints "maps of an empty BAR1" '^free +256M$' nvbar maps
prints "a size that is cut has the exact one beside it" '^free +255\.984M  \(0xfffc000\)$' \
	nvbar maps --map 1,2,3 --map 4
prints "usable VRAM is short to read" '^vram +96G, usable 9[0-9]\.[0-9]{1,3}G$' \
	nvbar -d sim:gh100,vram=96G,bar1=64G info
prints "maps sums to the aperture" '^aperture +256M$' nvbar maps --map 3,1,2 --map 7
prints "maps shows who holds what" '^0x[0-9a-f]+ +12K  rw  mapped +4K +--map 1$' \
	nvbar maps --map 3,1,2 --map 7
gives_json "maps --json" "mappings used free largest_free aperture" nvbar --json maps --map 3,1,2

va=$(nvbar maps --map 3,1,2 | awk '/--map 1/ { print $1 }')
va=$(printf '0x%x' "$va")
next=$(printf '0x%x' $((va + 0x1234)))
prints "walk" "^VA $va ok: vid 0x3000, 4K page, read-write" nvbar walk --map 3,1,2 "$va"
prints "walk has a line for the root" '^PD3 +0  vid 0x[0-9a-f]+ ' nvbar walk --map 3,1,2 "$va"
prints "walk --brief" "^x $next ok 0x1234 0x1000 vid 0 0 [01] 0 [01] [06]$" \
	nvbar walk --brief --map 3,1,2 "$next"
printf '%s\n%s\n' "$va" "$next" >"$tmp/vas"
with "$tmp/vas"
prints "walk with VAs on standard input" "^x $next ok 0x1234 " nvbar walk --brief --map 3,1,2
with /dev/null
works "walk with none at all" nvbar walk --brief
prints "walk where nothing is" '^x 0x0 invalid$' nvbar walk --brief 0
works "selftest where nothing faults" nvbar -d sim:gh100,background=sparse selftest
prints "maps of a BAR1 that VRAM does not fill" '^0x0100000000 +508G +unused *$' \
	nvbar -d sim:tu102,vram=1G,bar1=512G maps
prints "walk where nothing is, and no fault" '^x 0x0 sparse$' \
	nvbar -d sim:ga102,background=sparse walk --brief 0
prints "walk where nothing is, and faults all the same" '^x 0x0 invalid$' \
	nvbar -d sim:ga102,background=sparse --faults walk --brief 0
prints "walk of the largest VA" '^x 0xffffffffffffffff va_range$' \
	nvbar walk --brief 18446744073709551615
gives_json "walk --json" "device walks" nvbar --json walk --map 3,1,2 "$va"

nvbar snapshot --map 3,1,2 >"$out" 2>"$err"
cp "$out" "$tmp/snapshot"
prints "snapshot" '^scenario [^ ]+ 2 ampere vid 0x' nvbar snapshot --map 3,1,2
check "a snapshot ends" test "$(tail -n 1 "$out")" = end
gives_json "snapshot --json" "device lines" nvbar --json snapshot --map 3,1,2
run nvbar walk --brief --map 3,1,2 "$va" "$next" 0xfffffff
cp "$out" "$tmp/want"
run nvbar walk --brief --snapshot "$tmp/snapshot" "$va" "$next" 0xfffffff
check "a snapshot walks like the device" same "$tmp/want"
run "$NVBAR_SIM" translate --brief --snapshot "$tmp/snapshot" "$va" "$next" 0xfffffff
check "the model agrees on the snapshot" same "$tmp/want"

run nvbar tables --map 3,1,2
check "tables has three leaves" test "$(grep -c 'state=valid aperture=vid addr=0x[123]000 ' "$out")" -eq 3
check "tables begins with the root" grep -Eq '^PD3 ' "$out"
gives_json "tables --json" "device entries" nvbar --json tables --map 3,1,2
run nvbar tables
[ $status -eq 0 ] && [ ! -s "$out" ]
result $? "tables with nothing mapped"
check "tables with nothing mapped says so" grep -qx \
	'nvbar: sim:[^ ]*: tables: nothing is mapped; --map PAGES maps pages first' "$err"
gives_json "check --json" "device tables entries mappings problems kinds" nvbar --json check --map 3
check "check --json counts by kind" grep -Eq '"stale-tlb": *0' "$out"

plan
