#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Both walkers, the driver's and the model's, on the golden page tables.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

walks=$GOLDEN/walks_public.txt
first=$(awk '$1 == "scenario" { print $2; exit }' "$walks")

# lines NAME FIELD: of the x lines of a scenario, or the whole line for 0
lines() {
	awk -v name="$1" -v field="$2" \
		'$1 == "scenario" { here = $2 == name } here && $1 == "x" { print $field }' "$walks"
}

# reproduces PROGRAM COMMAND SCENARIO: VAs on standard input
reproduces() {
	run "$1" "$2" --snapshot "$walks" --scenario "$3" --brief
	[ $status -eq 0 ] && [ ! -s "$err" ] && same "$tmp/want"
}

mapfile -t scenarios < <(awk '$1 == "scenario" { print $2 }' "$walks")
for scenario in "${scenarios[@]}"; do
	lines "$scenario" 0 >"$tmp/want"
	lines "$scenario" 2 >"$tmp/vas"
	input=$tmp/vas
	check "nvbar walk reproduces $scenario" reproduces "$NVBAR" walk "$scenario"
	check "nvbar-sim translate reproduces $scenario" reproduces "$NVBAR_SIM" translate "$scenario"
done
check "there are 20 scenarios" test ${#scenarios[@]} -eq 20

# VAs on the command line, and every scenario of the file
input=/dev/null
lines "$first" 2 | head -n 5 >"$tmp/vas"
mapfile -t vas <"$tmp/vas"
lines "$first" 0 | head -n 5 >"$tmp/want"
run "$NVBAR" walk --brief --snapshot "$walks" --scenario "$first" "${vas[@]}"
check "VAs on the command line" same "$tmp/want"
run "$NVBAR" walk --brief --snapshot "$walks" "${vas[@]}"
check "every scenario without --scenario" test "$(wc -l <"$out")" -eq 100
cp "$out" "$tmp/want"
run "$NVBAR_SIM" translate --brief --snapshot "$walks" "${vas[@]}"
check "nvbar-sim translate says the same" same "$tmp/want"
run "$NVBAR" walk --snapshot "$walks" "${vas[@]}"
check "a heading per scenario" test "$(grep -c '^scenario ' "$out")" -eq 20
prints "a line per level" '^PD[34] +[0-9]+ +vid 0x[0-9a-f]+ +0x[0-9a-f]{16}.* state=' \
	"$NVBAR" walk --snapshot "$walks" --scenario "$first" "${vas[0]}"
gives_json "walk --json" "snapshot scenarios" "$NVBAR" --json walk --snapshot "$walks" "${vas[@]}"
odd=$tmp/$'a"b\\c\td\ne\x1bf\x7fg\xc2\x9bh\xc3\xa9'
cp "$walks" "$odd"
gives_json "walk --json of a file with an odd name" "snapshot scenarios" \
	"$NVBAR" walk --json --snapshot "$odd" --scenario "$first" "${vas[0]}"
check "which is escaped, and no word to a terminal" \
	grep -qF '/a\"b\\c\td\ne\u001bf\u007fg\u009bhé",' "$out"
gives_json "walk --json of one scenario" "snapshot scenarios" \
	"$NVBAR" walk --json --snapshot "$walks" --scenario "$first" "${vas[0]}"

input=$walks
run "$NVBAR" walk --brief --snapshot - --scenario "$first" "${vas[@]}"
lines "$first" 0 | head -n 5 >"$tmp/want"
check "the snapshot on standard input" same "$tmp/want"

# CR, blanks and empty lines are no reason to fail
printf ' %s \r\n\n%s' "${vas[0]}" "${vas[1]}" >"$tmp/vas"
input=$tmp/vas
run "$NVBAR" walk --brief --snapshot "$walks" --scenario "$first"
head -n 2 "$tmp/want" >"$tmp/two"
check "blanks around the VAs on standard input" same "$tmp/two"

# What can't be walked
input=/dev/null
for name in nvbar nvbar-sim; do
	program=("$NVBAR" walk)
	[ $name = nvbar ] || program=("$NVBAR_SIM" translate)
	refuses "$name: a file that is not there" 'No such file' "${program[@]}" --snapshot "$tmp/none" 0
	refuses "$name: a directory" 'directory' "${program[@]}" --snapshot "$tmp" 0
	refuses "$name: an unknown scenario" 'nothing' \
		"${program[@]}" --snapshot "$walks" --scenario nothing 0
	misuse "$name: no number" "${program[@]}" --snapshot "$walks" zero
	misuse "$name: a number with a tail" "${program[@]}" --snapshot "$walks" 0x1000h
	misuse "$name: a number too large" "${program[@]}" --snapshot "$walks" 0x10000000000000000
	misuse "$name: an unknown option" "${program[@]}" --snapshot "$walks" --nonsense 0
	misuse "$name: --snapshot without a file" "${program[@]}" --snapshot
	prints "$name: the largest VA" '^x 0xffffffffffffffff va_range$' \
		"${program[@]}" --brief --snapshot "$walks" --scenario "$first" 0xffffffffffffffff
	for cut in 1 20 47 60 3000 12345; do
		head -c $cut "$walks" >"$tmp/cut"
		refuses "$name: a snapshot cut after $cut bytes" "$tmp/cut" \
			"${program[@]}" --snapshot "$tmp/cut" 0
	done
	"$RANDOM_BYTES" "$seed" 1 >"$tmp/noise"
	refuses "$name: noise" "$tmp/noise" "${program[@]}" --snapshot "$tmp/noise" 0
	: >"$tmp/empty"
	refuses "$name: an empty file" "$tmp/empty" "${program[@]}" --snapshot "$tmp/empty" 0
	printf '0x1000\nfoo\n' >"$tmp/vas"
	input=$tmp/vas
	refuses "$name: nonsense on standard input" 'line 2.*foo' "${program[@]}" --snapshot "$walks"
	input=/
	refuses "$name: standard input can't be read" 'standard input' "${program[@]}" --snapshot "$walks"
	input=/dev/null
done
refuses "nvbar: a file without end" '/dev/zero.*too large' "$NVBAR" walk --snapshot /dev/zero 0
refuses "nvbar-sim: a file without end" '/dev/zero.*too large' \
	"$NVBAR_SIM" translate --snapshot /dev/zero 0
misuse "--scenario without --snapshot" "$NVBAR" walk --scenario x 0
misuse "--map with --snapshot" "$NVBAR" walk --snapshot "$walks" --map 1 0
misuse "standard input can't be both" "$NVBAR" walk --snapshot -

# A table that the file does not hold: the rest is still answered
awk '$1 == "scenario" { n++ } n == 1 && !($1 == "table" && $5 == "PT4K")' "$walks" >"$tmp/torn"
mapfile -t ok < <(awk -v s="$first" '$1 == "scenario" { here = $2 == s }
	here && $1 == "x" && $3 == "ok" && $5 == "0x1000" { print $2; exit }' "$walks")
run "$NVBAR" walk --brief --snapshot "$tmp/torn" "${ok[0]}" 0xffffffffffffffff
[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] &&
	[ "$(sed -n 1p "$out")" = "x ${ok[0]} unreadable" ] &&
	[ "$(sed -n 2p "$out")" = "x 0xffffffffffffffff va_range" ]
result $? "a missing table is unreadable and exit status 1"

plan
