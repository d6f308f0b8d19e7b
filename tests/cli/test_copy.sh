#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_copy.sh MIB BAR1: so much through a BAR1 of that size, and back.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

mib=$1
device=sim:ga102,bar1=$2,file=$tmp/vram
export NVBAR_DEVICE=$device

noise() {
	"$RANDOM_BYTES" "$seed" "$mib"
}

works "fill" "$NVBAR" fill 0x12340000 64K 0xa5a5a5a5

# An address that is aligned to nothing, so that windows begin and end oddly
pa=0x12345677
"$RANDOM_BYTES" "$seed" "$mib" | "$NVBAR" write $pa >"$out" 2>"$err"
status=$?
result $status "write ${mib}M from a pipe through a BAR1 of $2"

"$NVBAR" read $pa "${mib}M" 2>"$err" | cmp - <(noise) >"$out"
result $? "another run reads the same"

# VRAM byte pa is byte pa of the file
tail -c +$((pa + 1)) "$tmp/vram" | head -c "${mib}M" | cmp - <(noise) >"$out"
result $? "the file holds it at the same address"

"$NVBAR" read --via pramin $pa 1M 2>"$err" | cmp -n 1048576 - <(noise) >"$out"
result $? "the PRAMIN window shows it too"

"$NVBAR" read 0x12340000 0x5677 2>"$err" | tr -d '\245' >"$out"
[ ! -s "$out" ] && [ "$("$NVBAR" read 0x12340000 0x5677 | wc -c)" -eq $((0x5677)) ]
result $? "what lies before it is untouched"
plan
