#!/bin/sh
# SPDX-License-Identifier: MIT
# nvbar-sim from the command line.  Arguments: the program, the golden folder.
set -u
sim=$1
walks=$2/walks_public.txt
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# expect STATUS WHAT COMMAND...: exit status; 1 comes with one line on stderr.
expect()
{
	want=$1
	what=$2
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if [ $got -ne "$want" ]; then
		echo "FAIL: $what: exit status $got, not $want"
		failed=1
	elif [ "$want" -eq 1 ] && [ "$(wc -l <"$tmp/err")" -ne 1 ]; then
		echo "FAIL: $what: not one line on stderr"
		failed=1
	fi
}

same()
{
	cmp -s "$2" "$3" || {
		echo "FAIL: $1"
		failed=1
	}
}

# Each scenario's x lines come out as they are in the file.
awk '$1 == "scenario" { print $2 }' "$walks" >"$tmp/names"
while read -r s; do
	awk -v s="$s" '$1 == "scenario" { on = $2 == s } on && $1 == "x"' "$walks" >"$tmp/want"
	awk '{ print $2 }' "$tmp/want" |
		"$sim" translate --snapshot "$walks" --scenario "$s" --brief >"$tmp/got" || failed=1
	same "walks of $s" "$tmp/want" "$tmp/got"
done <"$tmp/names"

# Without a name, every scenario answers for every VA.
"$sim" translate --snapshot "$walks" --brief 0x0 4096 >"$tmp/got"
[ "$(wc -l <"$tmp/got")" -eq 40 ] || { echo "FAIL: 20 scenarios, 2 VAs"; failed=1; }

expect 0 "levels" "$sim" translate --snapshot "$walks" 0x0
grep -q '^scenario v2-pub-0-small' "$tmp/out" && grep -q PD3 "$tmp/out" || failed=1
expect 0 "translate to JSON" "$sim" translate --snapshot "$walks" --json 0x0
head -c 1 "$tmp/out" | grep -q '{' && grep -q '"walks"' "$tmp/out" || { echo "FAIL: JSON is an object"; failed=1; }
expect 0 "no VA at all" "$sim" translate --snapshot "$walks"
expect 1 "no such file" "$sim" translate --snapshot "$tmp/none" 0
expect 1 "a folder" "$sim" translate --snapshot "$tmp" 0
expect 1 "no such scenario" "$sim" translate --snapshot "$walks" --scenario none 0
head -c 5000 "$walks" >"$tmp/cut"
expect 1 "truncated" "$sim" translate --snapshot "$tmp/cut" 0
printf 'scenario s 2 turing vid 0x1000\nend\n' >"$tmp/empty"
expect 1 "tables that are not there" "$sim" translate --snapshot "$tmp/empty" --brief 0
expect 64 "no snapshot" "$sim" translate 0
expect 64 "not a VA" "$sim" translate --snapshot "$walks" 0x
expect 64 "VA over 64 bits" "$sim" translate --snapshot "$walks" 0x10000000000000000
expect 64 "brief JSON" "$sim" translate --snapshot "$walks" --brief --json 0
echo 12z | "$sim" translate --snapshot "$walks" >/dev/null 2>&1
[ $? -eq 1 ] || { echo "FAIL: not a VA on stdin"; failed=1; }

for chip in tu102 ga100 ga102 ad102 gh100 gb100 gb202; do
	expect 0 "regs of $chip" "$sim" regs $chip
	grep -q PMC_BOOT_42 "$tmp/out" || { echo "FAIL: regs of $chip"; failed=1; }
	expect 0 "regs of $chip to JSON" "$sim" regs --json $chip
done
# Registers that stand for nothing but another driver's wish are few, and on few chips.
for chip in tu102:151 ga100:0 ga102:79 ad102:0 gh100:0 gb100:0 gb202:0; do
	"$sim" regs ${chip%:*} >"$tmp/out"
	bare=$(grep -c ' \*$' "$tmp/out")
	said=$(sed -n 's/^\* .*; \([0-9]*\) of them$/\1/p' "$tmp/out")
	[ "$bare" -eq ${chip#*:} ] && [ "${said:-0}" -eq "$bare" ] || {
		echo "FAIL: $chip has $bare bare registers, and says ${said:-nothing}"
		failed=1
	}
done
"$sim" regs >"$tmp/default"
"$sim" regs ga102 >"$tmp/ga102"
same "the default chip is ga102" "$tmp/default" "$tmp/ga102"
expect 1 "unknown chip" "$sim" regs gk104
expect 64 "two chips" "$sim" regs ga102 gh100
expect 64 "no command" "$sim"
expect 64 "unknown command" "$sim" fly
expect 0 "help" "$sim" --help
expect 0 "help of a command" "$sim" translate --help
if [ -w /dev/full ]; then
	"$sim" regs >/dev/full 2>"$tmp/err"
	[ $? -eq 1 ] || { echo "FAIL: output that cannot be written"; failed=1; }
fi
exit $failed
