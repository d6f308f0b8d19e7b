#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What comes from devices, files and arguments reaches a terminal as plain text.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

sim() {
	"$NVBAR_SIM" "$@"
}

# An escape sequence, C1's CSI in UTF-8 and in ISO 8859, a new line, DEL, text that turns
evil=$'a\e[31mb\xc2\x9b1mc\x9b1md\ne\x7ff\xe2\x80\xaeg'

# plain NAME COMMAND...: no control character but newlines on either stream, and no line that
# the evil text began
plain() {
	local name=$1
	shift
	run "$@"
	! cat "$out" "$err" | LC_ALL=C grep -aqP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae|(?<![\xc2-\xf4\x80-\xbf])[\x80-\x9f]' &&
		! cat "$out" "$err" | grep -aq '^e' && cat "$out" "$err" | grep -aq 'a?\[31mb\|\\u001b\|control character'
	result $? "$name"
}

# --- arguments --------------------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M
for tool in nvbar sim; do
	plain "$tool: a command" $tool "$evil"
	plain "$tool: an option" $tool "--$evil"
	plain "$tool: a short option" $tool $'-a\e[31mb\x9b'
	run $tool $'-\x9b'
	[ $status -eq 64 ] && ! grep -aq $'\x9b' "$err"
	result $? "$tool: a short option that is a control character"
done
plain "a number" nvbar read "$evil" 1
plain "a page" nvbar read --pages "1,$evil"
plain "a file of pages" nvbar read --pages "@$evil"
plain "a way" nvbar read --via "$evil" 0 1
plain "a test" nvbar memtest --test "$evil"
plain "a format" nvbar decode "$evil" pte 0
plain "a kind of entry" nvbar decode v2 "$evil" 0
plain "an option of a command" nvbar read "--$evil"
plain "help of a command" nvbar help "$evil"
plain "a device" nvbar -d "$evil" info
plain "a key" nvbar -d "sim:ga102,$evil=1" info
plain "a value" nvbar -d "sim:ga102,vram=$evil" info
plain "a file for VRAM" nvbar -d "sim:ga102,file=/none/$evil" info
plain "a socket" nvbar -d "vfio-user:$evil" info
plain "a PCI address" nvbar -d "pci:$evil" info
plain "an address to bind" nvbar bind "$evil"
plain "a trace to replay" nvbar replay "$evil"
plain "nvbar-sim: a VA" sim translate --snapshot "$GOLDEN/walks_public.txt" "$evil"
plain "nvbar-sim: a snapshot" sim translate --snapshot "$evil"
plain "nvbar-sim: a chip" sim regs "$evil"
plain "nvbar-sim: a socket" sim serve --socket "/none/$evil"
plain "nvbar-sim: a key" sim serve --socket "$tmp/s" "ga102,$evil=1"

# --- files --------------------------------------------------------------------

name=${evil//$'\n'/}
printf 'scenario %s 2 turing vid 0x1000\ntable vid 0x1000 0x20 3\nend\n' "$name" >"$tmp/snapshot"
plain "a scenario" nvbar walk --snapshot "$tmp/snapshot" 0
plain "a scenario as JSON" nvbar --json walk --snapshot "$tmp/snapshot" 0
check "which is JSON" "$JSON_CHECK" scenarios <"$out"
plain "a scenario that is not there" nvbar walk --snapshot "$tmp/snapshot" --scenario "x$evil" 0
plain "nvbar-sim: a scenario" sim translate --snapshot "$tmp/snapshot" 0
printf 'scenario x 2 %s vid 0x1000\nend\n' "$name" >"$tmp/wrong"
plain "a word of a snapshot" nvbar walk --snapshot "$tmp/wrong" 0
plain "nvbar-sim: a word of a snapshot" sim translate --snapshot "$tmp/wrong" 0
printf 'nvbar-trace 1\n%s 0 0 4 0\n' "$name" >"$tmp/trace"
plain "a word of a trace" nvbar replay "$tmp/trace"
printf '%s\n' "$name" >"$tmp/vas"
input=$tmp/vas
plain "a line of standard input" nvbar walk
plain "nvbar-sim: a line of standard input" sim translate --snapshot "$GOLDEN/walks_public.txt"
input=/dev/null

# --- devices ------------------------------------------------------------------

gpu=0000:01:00.0
dir=$NVBAR_SYSFS/bus/pci/devices/$gpu
mkdir -p "$dir/power"
echo 0x10de >"$dir/vendor"
echo 0x2204 >"$dir/device"
echo 0x030000 >"$dir/class"
echo "$name" >"$dir/power_state"
echo active >"$dir/power/runtime_status"
head -c 4096 /dev/zero >"$dir/config"
for _ in 1 2 3 4 5 6; do
	echo "0x0000000000000000 0x0000000000000000 0x0000000000000000"
done >"$dir/resource"
ln -s "../../drivers/$evil" "$dir/driver"
plain "a driver" nvbar list
plain "a driver as JSON" nvbar list --json
plain "a driver that has the GPU" nvbar -d "pci:$gpu" demo

# --- the progress bar -------------------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64G,bar1=64M
# bar_on COLUMNS COMMAND: nvbar is interrupted when its bar is seen; each line of what stood
# on the terminal
bar_on() {
	run "$INTERRUPT" 2 ' MiB' --columns "$1" sh -c "exec '$NVBAR' $2"
	tr '\r' '\n' <"$out" | sed 's/\x1b\[K//' >"$tmp/lines"
}
for columns in 20 40 63 80 200; do
	bar_on "$columns" 'read --via pramin 0 60G >/dev/null'
	awk -v n="$columns" '/ MiB/ && !/nvbar:/ { found = 1; if (length >= n) wide = 1 }
		END { exit !found || wide }' "$tmp/lines"
	result $? "the progress bar fits a terminal of $columns columns"
	grep -q '^nvbar: sim:ga102: read .*: interrupted$' "$tmp/lines"
	result $? "an error does not follow the progress bar in its line, on $columns columns"
done
check "the widest bar is a picture" grep -Eq '^read \[#* *\] +[0-9]+% [0-9]+ MiB, [0-9]+ MiB/s$' "$tmp/lines"
bar_on 80 'write --via pramin 0 </dev/zero'
check "a bar of what has no known end has no picture" \
	grep -Eq '^write [0-9]+ MiB, [0-9]+ MiB/s$' "$tmp/lines"

plan
