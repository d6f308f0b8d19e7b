#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What each command does when it is used badly: the right exit status, one
# clear line, nothing done.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

export NVBAR_DEVICE=sim:ga102,vram=8G,bar1=64M
end=0x200000000

# --- misuse -------------------------------------------------------------

misuse "no command" nvbar
misuse "an unknown command" nvbar frobnicate
misuse "an empty command" nvbar ''
misuse "an unknown option" nvbar --nonsense info
misuse "-d without a device" nvbar -d
misuse "help of an unknown command" nvbar help frobnicate
misuse "help of two commands" nvbar help read write
for command in list resize bind unbind info read write fill demo walk tables decode maps check snapshot replay \
	memtest selftest; do
	misuse "$command --nonsense" nvbar "$command" --nonsense
done
for command in info demo tables maps check snapshot selftest; do
	misuse "$command takes no argument" nvbar "$command" 0
done
for command in tables maps check snapshot walk; do
	for pages in '' ',' 1,,2 '1,' x 1,x -1 0x10000000000000000; do
		misuse "$command --map '$pages'" nvbar "$command" --map "$pages"
	done
done
for number in '' ' ' x 0x 0x0x1 -1 +1 1.5 ' 1' '1 ' 1Z 1KK 1KiBB 0b1 010 1__0 99999999999999999999 \
	0x10000000000000000 16777216T 0x4000000000000000K; do
	misuse "read '$number'" nvbar read -- "$number" 1
	misuse "read 0 '$number'" nvbar read -- 0 "$number"
	misuse "write '$number'" nvbar write -- "$number"
	misuse "fill '$number'" nvbar fill -- "$number" 4 0
	misuse "fill 0 '$number'" nvbar fill -- 0 "$number" 0
	misuse "fill 0 4 '$number'" nvbar fill -- 0 4 "$number"
	misuse "walk '$number'" nvbar walk -- "$number"
	misuse "decode '$number'" nvbar decode -- v2 pte "$number"
	misuse "--offset '$number'" nvbar read --pages 1 --offset "$number"
done

# both_readings HEX DECIMAL COMMAND...: a padded number is misuse, which names what it may be
both_readings() {
	local hex=$1 decimal=$2
	shift 2
	run nvbar "$@"
	[ $status -eq 64 ] && [ ! -s "$out" ] && grep -Eq "may be $hex or $decimal;" "$err"
	result $? "$* is refused with both readings"
}
both_readings 0x600000000480001 600000000480001 decode v2 pte 0600000000480001
both_readings 0x200000 200000 walk 0000000000200000
both_readings 0x100000 100000 read -x 00100000 16
both_readings 0x10 10 read --pages 010
both_readings 0x10 10 maps --map 1,010
both_readings 0x512M 512M resize 01:00.0 0512M
both_readings 0x7 7 memtest 0 4K --seed 07
run nvbar -d sim:ga102,vram=08G info
[ $status -eq 1 ] && grep -q "vram=08G: .*'08G' may be 0x8G or 8G;" "$err"
result $? "a padded number in a device string is refused with both readings"
run nvbar -d sim:ga102,poison=0x1000:010000 info
[ $status -eq 1 ] && grep -q "'010000' may be 0x10000 or 10000;" "$err"
result $? "and so is the second of a pair"
echo 0000000000200000 >"$tmp/vas"
input=$tmp/vas
run nvbar walk
[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q 'line 1: .* may be 0x200000 or 200000;' "$err"
result $? "and one on standard input"
input=/dev/null
for pages in 1-0 5-x 1+0 1-2-3 1++2 0xffffffffffffffff+2 0-0x8000000 @ "@$tmp" "@$NVBAR" - + ''; do
	run nvbar maps --map "$pages"
	[ $status -eq 64 ] || [ $status -eq 1 ] && [ ! -s "$out" ] && [ -s "$err" ]
	result $? "maps --map '$pages' is refused"
done
refuses "pages in a file that is not there" "^nvbar maps: $tmp/none: No such file" nvbar maps --map "@$tmp/none"
echo '1 2 x' >"$tmp/pages"
misuse "pages in a file that are none" nvbar maps --map "@$tmp/pages"
misuse "read of nothing" nvbar read
misuse "read without a length" nvbar read 0
misuse "read with too much" nvbar read 0 1 2
misuse "read --via nonsense" nvbar read --via bar2 0 1
misuse "read --pages with an address" nvbar read --pages 1 0 1
misuse "read --offset without --pages" nvbar read --offset 1 0 1
misuse "write to nowhere" nvbar write
misuse "write to two places" nvbar write 0 1
misuse "write to a place and pages" nvbar write 0 --pages 1
misuse "write --offset without --pages" nvbar write 0 --offset 1
misuse "decode of a second word that there is not" nvbar decode v2 pte 0x0600000000001001 0x123
misuse "and of a pde" nvbar decode v3 pde 1 2
misuse "fill --via nonsense" nvbar fill --via bar2 0 4 0
misuse "fill without a pattern" nvbar fill 0 4
misuse "fill with too much" nvbar fill 0 4 0 0
misuse "fill with more than 32 bits" nvbar fill 0 4 0x100000000
misuse "nvbar-sim without a command" "$NVBAR_SIM"
misuse "nvbar-sim with an unknown command" "$NVBAR_SIM" frobnicate
misuse "nvbar-sim regs --nonsense" "$NVBAR_SIM" regs --nonsense
misuse "nvbar-sim translate without a snapshot" "$NVBAR_SIM" translate 0
refuses "nvbar-sim regs of an unknown chip" 'gk104' "$NVBAR_SIM" regs gk104

# --- ranges -------------------------------------------------------------

# bad PA LEN REGEX: no range to read or fill, by any way
bad() {
	refuses "read $1 $2" "^nvbar: sim:ga102: read .*$3" nvbar read "$1" "$2"
	check "read $1 $2 prints nothing" test ! -s "$out"
	refuses "read --via pramin $1 $2" "^nvbar: sim:ga102: read .*$3" \
		nvbar read --via pramin "$1" "$2"
	refuses "fill $1 $2" "^nvbar: sim:ga102: fill " nvbar fill "$1" "$2" 0
}

bad 0 0 zero
bad $end 0 zero
bad $end 4 $end
bad 0x1fffffffc 8 $end
bad 0 0x200000004 $end
bad 0xfffffffffffffffc 4 $end
bad 0xfffffffffffffff0 0x20 $end
bad 4 0xfffffffffffffffc $end
bad 0xffffffffffffffff 0xffffffffffffffff $end
refuses "fill a misaligned address" 'multiples of 4' nvbar fill 2 4 0
refuses "fill a misaligned length" 'multiples of 4' nvbar fill 0 6 0

refuses "read --pages beyond VRAM" '^nvbar: sim:ga102: read --pages: ' nvbar read --pages 1,0x200000
refuses "read --pages far beyond" '^nvbar: sim:ga102: read --pages: ' \
	nvbar read --pages 0xffffffffffffffff
refuses "read --pages of more than BAR1" '^nvbar: sim:ga102: read --pages: ' \
	nvbar read --pages "$(printf '1,%.0s' {1..16384})1"
refuses "read --pages past their end" '0x1000' nvbar read --pages 1 4097
refuses "read --pages --offset past their end" '0x1000' nvbar read --pages 1 --offset 0x1001
refuses "read --pages --offset at their end" '' nvbar read --pages 1 --offset 4K
refuses "read --pages --offset, an overflow" '0x1000' \
	nvbar read --pages 1 --offset 0xffffffffffffffff 2
for command in tables maps check snapshot "walk 0"; do
	# shellcheck disable=SC2086
	refuses "$command --map beyond VRAM" '^nvbar: sim:ga102: --map 1' \
		nvbar $command --map 0x200000
	# shellcheck disable=SC2086
	refuses "$command --map far beyond" '^nvbar: sim:ga102: --map' \
		nvbar $command --map 0xffffffffffffffff
done

# --- write --------------------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=8G,bar1=64M,file=$tmp/vram
info=$("$NVBAR" --json info)
reserved=$(sed -n 's/.*"reserved_pa": *\([0-9]*\).*/\1/p' <<<"$info")
"$NVBAR" fill $((reserved - 4096)) 4096 0x11111111
"$NVBAR" read $((reserved - 4096)) 4096 >"$tmp/before"
head -c 8192 "$GOLDEN/walks_public.txt" >"$tmp/data"

untouched() {
	"$NVBAR" read $((reserved - 4096)) 4096 | cmp -s - "$tmp/before"
}

refuses "write of nothing" 'write 0x0\+0x0: standard input is empty$' nvbar write 0
refuses "write --pages of nothing" 'standard input is empty$' nvbar write --pages 1
input=$tmp/data
refuses "write past VRAM" "$end" nvbar write $end
refuses "write far past VRAM" "$end" nvbar write 0xffffffffffffffff
refuses "write over the end of VRAM" "$end" nvbar write 0x1fffff000
refuses "write --via pramin over the end" "$end" nvbar write --via pramin 0x1fffff000
refuses "write into the driver's own region" 'region' nvbar write "$reserved"
refuses "write that reaches the driver's own region" 'region' nvbar write $((reserved - 4096))
check "nothing was written before it" untouched
refuses "fill that reaches the driver's own region" 'region' \
	nvbar fill $((reserved - 4096)) 8K 0
check "nothing was filled before it" untouched
refuses "write --pages into the driver's own region" 'write --pages' \
	nvbar write --pages $((reserved >> 12))
refuses "write --pages of too much" '0x1000' nvbar write --pages $(((reserved >> 12) - 1))
check "nothing was written into the page" untouched
refuses "write --pages --offset past the end" '0x1000' nvbar write --pages 1 --offset 4097
refuses "write --pages with an overflow" '0x1000' \
	nvbar write --pages 1 --offset 0xffffffffffffffff
input=/
refuses "standard input is a directory" 'standard input: Is a directory' nvbar write 0
refuses "standard input is a directory, with pages" 'standard input: Is a directory' \
	nvbar write --pages 1
input=/dev/null

# A pipe has no size: what it holds is known as it comes
pipe_over_end() {
	"$RANDOM_BYTES" 1 20 | nvbar write $((reserved - (16 << 20)))
}
refuses "a pipe reaches the driver's own region" 'after [0-9]+ bytes.*region' pipe_over_end

closed_stdin() {
	nvbar write 0 <&-
}
refuses "standard input is closed" 'standard input' closed_stdin

# --- standard output ----------------------------------------------------

full() {
	nvbar "$@" >/dev/full
}
closed() {
	nvbar "$@" >&-
}
for way in full closed; do
	refuses "read, standard output $way" 'standard output' $way read 0 1M
	refuses "read -x, standard output $way" 'standard output' $way read -x 0 1M
	refuses "read --json, standard output $way" 'standard output' $way --json read 0 1M
	for command in info maps check snapshot demo selftest help --help --version; do
		refuses "$command, standard output $way" 'standard output' $way $command
	done
done
refuses "read --json of more than an object holds" '0x0\+0x10000001: .*0x10000000' \
	nvbar --json read 0 0x10000001
check "and prints nothing" test ! -s "$out"
for poison in 0x100000 0x1ff000 0x10ff000; do
	refuses "read --json that faults at $poison" 'POISONED' \
		nvbar -d "sim:ga102,bar1=64M,poison=$poison" --json read 0x100000 0x1000000
	check "and prints no half an object" test ! -s "$out"
done
run full read 0 64M
check "a full disk is told of the whole request" grep -q 'read 0x0+0x4000000: standard output: No space' "$err"
"$NVBAR" fill 0 4K 0x5a5a5a5a
head -c 4096 "$tmp/vram" >"$tmp/before"
closed info 2>/dev/null
check "a closed standard output does not become VRAM" cmp -s -n 4096 "$tmp/vram" "$tmp/before"

# --- devices ------------------------------------------------------------

unset NVBAR_DEVICE
for device in : sim: 'sim,' nonsense sim:gk104 sim:ga102: 'sim:ga102 ' SIM 'sim:ga102,' \
	sim:ga102,vram sim:ga102,vram= sim:ga102,vram=0 sim:ga102,vram=1 sim:ga102,vram=-1 \
	sim:ga102,vram=8Z sim:ga102,vram=16777216T sim:ga102,vram=0x10000000000000000 \
	sim:ga102,evict=x sim:ga102,evict=2147483648 sim:ga102,seed= \
	sim:ga102,reported-vram=0 sim:ga102,dead-at=0 sim:ga102,flip=0 sim:ga102,nomem=0 \
	sim:ga102,background= sim:ga102,background=0 \
	sim:ga102,ignore-write=0x1701 sim:ga102,ignore-write=0x1700:0 \
	sim:ga102,bar1= sim:ga102,bar1=1 sim:ga102,bar1=3M sim:ga102,bar1=300M \
	sim:ga102,bar1=1024T sim:ga102,nonsense=1 sim:ga102,=1 sim:ga102,,vram=8G sim:ga102,file= \
	sim:ga102,file=/ "sim:ga102,file=$tmp/no/such/file" pci: pci:nonsense pci:0000:99:00.0 \
	vfio:nonsense vfio-user: "vfio-user:$tmp/none"; do
	for command in info demo "read 0 1"; do
		# shellcheck disable=SC2086
		refuses "$command on '$device'" "^nvbar: .*open" nvbar -d "$device" $command
	done
done
refuses "the device is named once" '^nvbar: sim:ga102,bar1=3M: open: [^:]*BAR1' \
	nvbar -d sim:ga102,bar1=3M info
refuses "a device without a name" '^nvbar: "": open: ' nvbar -d '' info
refuses "a path has no options" "^nvbar: vfio-user:$tmp/a,b=c: open: No such file" \
	nvbar -d "vfio-user:$tmp/a,b=c" info
refuses "which chips there are" 'tu102 ga100 ga102 ad102 gh100 gb100 gb202' nvbar -d sim:x info
refuses "a very long device string" 'open' \
	nvbar -d "sim:ga102,file=$(head -c 100000 /dev/zero | tr '\0' x)" info
refuses "a device string of two lines" 'open' nvbar -d $'sim:\nga102' info
refuses "nonsense from the environment" '^nvbar: sim:gk104: open' \
	env NVBAR_DEVICE=sim:gk104 "$NVBAR" info

plan
