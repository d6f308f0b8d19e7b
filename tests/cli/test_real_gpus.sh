#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The tables of docs/real-gpus.md against what programs do on the bus: no
# register that is not there, and none there that nobody accesses.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99
doc=$(dirname -- "$0")/../../docs/real-gpus.md

# table HEADING CHIP: registers of this chip in the table below the heading, as "NAME OFFSET"
table() {
	awk -F ' *[|] *' -v heading="$1" -v chip="${2^^}" '
		/^#/ { here = $0 == heading }
		here && $2 ~ /^`/ && ($4 == "all" || index($4, chip)) {
			gsub("`", "", $2)
			print $2, $3
		}' "$doc"
}

# accesses KIND TRACE: the registers that were read (r) or written (w), likewise
accesses() {
	awk -v kind="$1" 'tolower($1) == kind && $2 == 0 {
		print $3 ~ /^0x7.....$/ ? "PRAMIN 0x700000" : $NF " " $3
	}' "$2" | sort -u
}

# holds_what NAME KIND TRACE HEADING...: the accesses are those of these tables
holds_what() {
	local name=$1 kind=$2 trace=$3 heading
	shift 3
	accesses "$kind" "$trace" >"$out"
	for heading; do
		table "$heading" "$chip"
	done | sort -u >"$tmp/want"
	diff "$tmp/want" "$out" >"$err"
	result $? "$name"
}

info='### By `nvbar info`'
fault='### If a fault is latched'
others='### By all other commands'
written='## What is written'

for chip in $chips; do
	export NVBAR_DEVICE=sim:$chip
	NVBAR_TRACE=$tmp/info works "$chip: info" "$NVBAR" info
	holds_what "$chip: what info reads" r "$tmp/info" "$info"
	accesses w "$tmp/info" >"$out"
	check "$chip: info writes nothing" test ! -s "$out"

	# A page that faults has all registers read that there are.
	NVBAR_TRACE=$tmp/faulted run "$NVBAR" -d "$NVBAR_DEVICE,poison=0x100000" read 0x100000 4
	for command in demo selftest; do
		NVBAR_TRACE=$tmp/$command works "$chip: $command" "$NVBAR" $command
		cat "$tmp/faulted" >>"$tmp/$command"
		holds_what "$chip: what $command reads" r "$tmp/$command" "$info" "$fault" "$others"
		holds_what "$chip: what $command writes" w "$tmp/$command" "$written"
	done

	# Page tables go to the driver's own region and nowhere else.
	reserved=$("$NVBAR" --json info | awk -F '[:,]' '/reserved_/ { print $2 }' | tr '\n' ' ')
	NVBAR_TRACE=$tmp/fill works "$chip: fill" "$NVBAR" -d "$NVBAR_DEVICE,file=$tmp/$chip" fill 0x10000000 1M 0
	awk '/^[wW] 0 .* # VRAM/ { print $NF }' "$tmp/fill" | while read -r pa; do
		# shellcheck disable=SC2086
		set -- $reserved
		((pa >= $1 && pa < $1 + $2)) || echo "$pa"
	done >"$out"
	[ ! -s "$out" ] && grep -q '^[wW] 0 .* # VRAM' "$tmp/fill"
	result $? "$chip: fill writes through PRAMIN to the driver's region only"
done

plan
