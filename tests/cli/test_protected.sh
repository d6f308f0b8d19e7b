#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# VRAM that is the firmware's, and a GPU that another driver has.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

# WPR2 from 64 MiB below the workspace on: 0x1fbf00000
export NVBAR_DEVICE=sim:ga102,wpr2=64M,file=$tmp/vram
prints "info shows WPR2" '^protected +0x1fbf00000\+0x4000000 \(WPR2: closed\)$' nvbar info
prints "info shows the heap" '^protected +0x1fbe00000\+0x100000 \(firmware heap: read-only\)$' nvbar info
prints "info shows the workspace" '^protected +0x1fff00000\+0x100000 \(VGA workspace: kept\)$' nvbar info
gives_json "info --json" "protected" nvbar --json info
for via in bar1 pramin; do
	refuses "read of WPR2 through $via" 'WPR2 0x1fbf00000\+0x4000000 is closed to the CPU' \
		nvbar read --via $via 0x1fbf00000 4
	refuses "read up to WPR2 through $via" 'WPR2' nvbar read --via $via 0x1fbeffffc 5
	works "read of the heap through $via" nvbar read --via $via 0x1fbeffffc 4
	input=$GOLDEN/vectors_public.csv
	refuses "write into the heap through $via" 'firmware heap .* read-only' \
		nvbar write --via $via 0x1fbe00000
	input=/dev/null
done
refuses "fill of WPR2" "WPR2" nvbar fill 0x1fbf00000 4 0
refuses "read --pages of WPR2" 'WPR2' nvbar read --pages 1,0x1fbf00
refuses "read --pages --via pramin of WPR2" 'WPR2' nvbar read --via pramin --pages 1,0x1fbf00

nvbar fill 0x100000 64K 0x55aa55aa
nvbar read 0x100000 64K >"$tmp/before"
head -c $((0x101000)) /dev/zero >"$tmp/data"
input=$tmp/data
refuses "write that reaches the heap" 'firmware heap' nvbar write $((0x1fbe00000 - 4096))
head -c 4097 /dev/zero >"$tmp/data"
refuses "write --pages that ends in WPR2" 'WPR2' nvbar write --via pramin --pages 0x100,0x1fbf00
input=/dev/null
nvbar read 0x100000 64K >"$out"
check "nothing was written before a refusal" same "$tmp/before"
works "selftest beside firmware" nvbar selftest
works "demo beside firmware" nvbar demo

# Another driver's page tables
export NVBAR_DEVICE=sim:gh100,bound=0x140000000
for command in demo selftest "read 0 4" check bench; do
	# shellcheck disable=SC2086
	refuses "$command on a GPU that is bound" \
		'^nvbar: sim:gh100,.*: open: BAR1 is bound to .* 0x140000000: another driver' nvbar $command
done
prints "info on it" '^bar1 bind +virtual, instance block 0x140000000$' nvbar info
prints "info --force changes nothing" '^bar1 bind +virtual, instance block 0x140000000$' \
	nvbar --force info
works "selftest --force" nvbar selftest --force
works "check --force --map" nvbar check --force --map 1,2,3

for device in sim:ga102,wpr2=8G sim:ga102,wpr2=1G: sim:ga102,wpr2=:1G \
	sim:ga102,wpr1=1G sim:ga102,wpr1=1G:0 sim:ga102,wpr1=4K:1 sim:ga102,wpr1=8G:4K \
	sim:ga102,wpr1=0x8000000000000000:0x8000000000000000 sim:ga102,lock-range=1G:4K \
	sim:ga100,lock-range=x sim:ga102,bound=1 sim:ga102,bound=8G sim:ga102,bound=; do
	refuses "info on '$device'" '^nvbar: .*open' nvbar -d "$device" info
done

plan
