#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# --dry-run: it tells what a run writes, and writes nothing.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

# tells COMMAND...: on stderr, line by line, what the trace of a real run has
tells() {
	NVBAR_TRACE=$tmp/trace run nvbar "$@"
	[ $status -eq 0 ]
	result $? "$NVBAR_DEVICE: $*"
	grep '^[wW] ' "$tmp/trace" >"$tmp/writes"
	cp "$out" "$tmp/real"
	run nvbar --dry-run "$@"
	[ $status -eq 0 ] && [ -s "$tmp/writes" ] && grep -v '^nvbar: .*: dry run: ' "$err" | cmp -s "$tmp/writes" -
	result $? "$NVBAR_DEVICE: --dry-run $* tells the same writes in the same order"
}

# A dry run makes no transaction.
same_but_for_the_bus() {
	cmp -s <(sed 's/ ([0-9]* transactions)//; $d' "$out") <(sed 's/ ([0-9]* transactions)//; $d' "$1") &&
		grep -q '(0 transactions)' "$out"
}

"$RANDOM_BYTES" "$seed" 1 | head -c 100001 >"$tmp/data"
for chip in $chips; do
	export NVBAR_DEVICE=sim:$chip,vram=1G,bar1=64M
	tells selftest
	tells demo
	check "... and the same story" same_but_for_the_bus "$tmp/real"
	tells check --map 5,3,4 --map 0x1000
	sed 's/: 0 problems$/; dry run: nothing was checked/' "$tmp/real" >"$tmp/want"
	check "... and that nothing was checked" same "$tmp/want"
	tells fill 0x7ff004 0x2008 0xdeadbeef
	input=$tmp/data
	tells write 0x12345
	tells write --via pramin 0x12345
	input=/dev/null
	tells walk --brief --map 7,1 0 0x1000
	check "... and the same translations" same "$tmp/real"
	tells read 1M 4K
done

# --- nothing changes ----------------------------------------------------

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M,file=$tmp/vram
input=$tmp/data
works "write" nvbar write 1M
cp "$tmp/vram" "$tmp/before"
run nvbar write 2M --dry-run
input=/dev/null
run nvbar --dry-run fill 1M 64K 0
input=$tmp/data
run nvbar --dry-run write 1M
input=/dev/null
run nvbar --dry-run memtest 1M 64K
run nvbar --dry-run selftest
# The last 8 bytes tell who had the file last.
check "VRAM is as it was, to the byte" cmp -s -n $(($(stat -c %s "$tmp/vram") - 8)) "$tmp/vram" "$tmp/before"
run nvbar read 1M 100001
check "and reads so" same "$tmp/data"

# --- nothing is judged ----------------------------------------------------

# untold NAME WORDS COMMAND...: stdout ends so, and says nothing that sounds like a result
untold() {
	local name=$1 words=$2
	shift 2
	run nvbar --dry-run "$@"
	[ $status -eq 0 ] && tail -n 1 "$out" | grep -q "$words" &&
		! grep -Eq 'MiB/s|errors|problems|as it should|^ok [0-9]+ - [^#]*$|[1-9][0-9]* (passed|failed)' "$out"
	result $? "$name"
}
untold "memtest has tested nothing" '^dry run: nothing was tested$' memtest 1M 64K
untold "selftest has passed nothing" ': 0 passed, 0 failed, 20 skipped$' selftest
untold "check has checked nothing" 'dry run: nothing was checked$' check --map 1
untold "demo has done nothing" '^This was a dry run: nothing of it was done.$' demo
misuse "bench has nothing to measure" nvbar --dry-run bench
misuse "and says so after the command, too" nvbar bench --dry-run
for options in '' -x --json '--via pramin'; do
	# shellcheck disable=SC2086
	run nvbar --dry-run read 1M 64K $options
	[ $status -eq 0 ] && { [ ! -s "$out" ] || ! grep -q data "$out"; } &&
		grep -q '^nvbar: sim:ga102: read 0x100000+0x10000: dry run: VRAM was not read$' "$err"
	result $? "read $options gives no data for VRAM that it has not read"
done
for command in 'memtest 1M 64K' check selftest demo 'read 0 16' 'fill 0 4K 1' maps; do
	# shellcheck disable=SC2086
	run nvbar --dry-run --json $command
	[ $status -eq 0 ] && "$JSON_CHECK" device <"$out" && grep -q '"dry_run": *true' "$out" &&
		! grep -Eq '"(errors|problems|data)"|"passed": *(true|[1-9])|"failed": *[1-9]' "$out"
	result $? "$command as JSON says that it was a dry run, and judges nothing"
done

# --- the rest ---------------------------------------------------------------


works "info writes nothing anyway" nvbar --dry-run info
run nvbar --dry-run --json fill 0 4K 1
[ $status -eq 0 ] && "$JSON_CHECK" bytes <"$out" && ! grep -qv '^[wW] ' "$err"
result $? "facts are on standard output, writes on standard error"
run nvbar --dry-run fill 64M 4K 1
[ $status -eq 1 ] && [ "$(grep -c '^nvbar: ' "$err")" -eq 1 ]
result $? "what is refused is refused"

plan
