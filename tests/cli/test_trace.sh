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

# Accesses that hardware would refuse: a width that no register takes, BAR1 beyond its end
{
	cat "$tmp/trace"
	printf '%s\n' 'w 0 0x000000 2 0x1' 'W 1 0x4000000 0x0*3' 'w 0 0x000004 4 0x1'
} >"$tmp/refused"
first=$(($(wc -l <"$tmp/trace") + 1))
prints "what the model refuses is told with line, register and reason" \
	"^line $first: write of 2 bytes at BAR0 0x000000 \(PMC_BOOT_0\): write of 0x1 to register PMC_BOOT_0: not 32 bits wide$" \
	nvbar replay "$tmp/refused"
check "how often is told, too" grep -q 'the model refuses [1-9]' "$out"
nr_refused=$(sed -n 's/.*the model refuses //p' "$out")
check "each refused access is told" [ "$(grep -c '^line ' "$out")" -eq "$nr_refused" ]
prints "of many the first are told" "^and $((nr_refused - 1)) more that are refused$" \
	nvbar replay --refusals 1 "$tmp/refused"
check "and no others" [ "$(grep -c '^line ' "$out")" -eq 1 ]
run nvbar replay --strict "$tmp/refused"
[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q "$nr_refused accesses that the model refuses" "$err"
result $? "replay --strict fails if the model refuses an access"
works "replay --strict of a run that the model takes" nvbar replay --strict "$tmp/trace"
gives_json "replay --json tells refusals" "refused refusals" nvbar --json replay "$tmp/refused"
[ "$(grep -c '"line":' "$out")" -eq "$nr_refused" ] && grep -Eq "\"line\": *$first\b" "$out" &&
	grep -q '"where": *"PMC_BOOT_0"' "$out" && grep -q '"reason": *"write of 0x1 .*32 bits' "$out"
result $? "with line, register and reason"

# Limits, each met with what is one more than it allows
printf 'nvbar-trace 1\nbar1 0x10000000\nchip GA102 0x40000000\nW 1 0x0 0x1*1024\n' >"$tmp/limited"
works "a trace of as many accesses as the limit" nvbar replay --max-accesses 1024 "$tmp/limited"
refuses "a trace of one access more" 'line 4: more than 1023 accesses, the limit \(--max-accesses\)' \
	nvbar replay --max-accesses 1023 "$tmp/limited"
works "a trace that touches as much VRAM as the limit" nvbar replay --max-vram 8K "$tmp/limited"
refuses "a trace that touches a page more" \
	'line 4: more than 0x1000 bytes of VRAM are touched, the limit \(--max-vram\)' \
	nvbar replay --max-vram 4K "$tmp/limited"
{
	printf 'nvbar-trace 1\nbar1 0x10000000\nchip GA102 0x1000000000\n'
	for ((i = 0; i < 1024; i++)); do
		printf 'R 1 0x%x 0x1*131072\n' $((i * 1048576))
	done
} >"$tmp/huge"
refuses "a small trace of 134,217,728 accesses" 'line 260: more than 33554432 accesses' \
	nvbar replay "$tmp/huge"
misuse "a limit of nothing" nvbar replay --max-vram 0 "$tmp/trace"
misuse "too many refusals" nvbar replay --refusals 1001 "$tmp/trace"

# What the kernel's mmiotrace writes: BAR0, BAR1 and BAR3 of a GPU, its sound controller, another card
cat >"$tmp/mmio" <<'EOF'
VERSION 20070824
PCIDEV 0010 80861234 b 8000000c 0 0 0 0 0 0 10000000 0 0 0 0 0 0 i915
PCIDEV 0100 10de2206 7d f6000000 e000000c 0 f000000c 0 e001 f7000000 1000000 10000000 0 2000000 0 80 80000 nouveau
PCIDEV 0101 10de1aef 7e f7080000 0 0 0 0 0 0 4000 0 0 0 0 0 0 snd_hda_intel
LSPCI 01:00.0 VGA compatible controller: NVIDIA Corporation GA102 [GeForce RTX 3080]
MAP 10.000001 1 0xf6000000 0xffffa00000000000 0x1000000 0x0 0
R 4 10.000100 1 0xf6000000 0xb72000a1 0x0 0
R 4 10.000110 1 0xf6000a00 0x172a1000 0x0 0
R 4 10.000120 1 0xf61183a4 0x00002800 0x0 0
MARK 10.000130 the driver is loaded
R 4 10.000140 2 0xf7080000 0x01 0x0 0
W 4 10.000150 3 0x80000000 0x1 0x0 0
R 4 10.000160 1 0xf6400000 0x12345678 0x0 0
UNKNOWN 10.000170 1 0xf6000000 0f,b6,10 0x0 0
MARK 0.000000 Lost 7 events.
W 4 10.000200 1 0xf6001700 0x0000fe10 0x0 0
W 4 10.000210 1 0xf6700010 0x11223344 0x0 0
R 4 10.000220 1 0xf6700010 0x11223344 0x0 0
W 2 10.000230 1 0xf6000000 0x1 0x0 0
W 1 10.000240 4 0xe0fe1000 0x5 0x0 0
R 1 10.000250 4 0xe0fe1000 0x5 0x0 0
UNMAP 10.900000 1 0x0 0
EOF
prints "a log of mmiotrace replays" \
	'^9 accesses, 2 reads compared, 3 taken over, 0 too early; the model refuses 1$' \
	nvbar replay "$tmp/mmio"
check "what is left out of it is told" \
	grep -q '^left out: 3 accesses elsewhere, 1 to registers that the model has not; 7 events were lost$' "$out"
check "with its line, what the model refuses" grep -q '^line 19: write of 2 bytes at BAR0 0x000000' "$out"
sed 's/0xf6700010 0x11223344 0x0 0/0xf6700010 0x11223345 0x0 0/;t' "$tmp/mmio" |
	sed '17s/45/44/' >"$tmp/wrong"
refuses "a difference in a log of mmiotrace" \
	'line 18: read of 4 bytes at BAR0 0x700010 \(VRAM 0x.*\): 0x11223345 was recorded, the model gives 0x11223344' \
	nvbar replay "$tmp/wrong"
grep -v ^PCIDEV "$tmp/mmio" >"$tmp/wrong"
refuses "a log of mmiotrace that names no GPU" 'no.* a GPU that a PCIDEV line names' \
	nvbar replay "$tmp/wrong"
grep -v '0xf6000a00' "$tmp/mmio" >"$tmp/wrong"
prints "a log that tells the chip by PMC_BOOT_0 alone" '^8 accesses, 2 reads compared' nvbar replay "$tmp/wrong"
sed 's/0x172a1000/0x999a1000/' "$tmp/mmio" >"$tmp/wrong"
refuses "a log of mmiotrace of an unknown chip" 'PMC_BOOT_42 0x999a1000' nvbar replay "$tmp/wrong"
sed 's/^R 4 10.000220/R 3 10.000220/' "$tmp/mmio" >"$tmp/wrong"
refuses "a log of mmiotrace with a wrong width" 'line 18: width is' nvbar replay "$tmp/wrong"
sed '3s/ f6000000/ zz/' "$tmp/mmio" >"$tmp/wrong"
refuses "a log of mmiotrace with a wrong address" 'line 3: not a hexadecimal number: zz' \
	nvbar replay "$tmp/wrong"

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
