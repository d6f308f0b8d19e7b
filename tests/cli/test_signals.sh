#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Who is interrupted, or has nobody who reads on, closes the GPU, says what there is to
# say, and ends by the signal.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99
: "${NVBAR_BAD_VRAM:?}" "${INTERRUPT:?}"

export NVBAR_DEVICE=sim:ga102,vram=64M,bar1=64M
SIGHUP=1 SIGINT=2 SIGTERM=15

# died_of SIGNAL: so the last run did
died_of() {
	[ "$status" -eq $((128 + $1)) ]
}

# says REGEX: in its one line on stderr
says() {
	[ "$(wc -l <"$err")" -eq 1 ] && grep -Eq -- "$1" "$err"
}

# --- a signal -------------------------------------------------------------

# A dump waits for its reader, and no signal waits for more than a page of it: what is
# in the pipe, and a row is 16 bytes.
for signal in $SIGHUP $SIGINT $SIGTERM; do
	run "$INTERRUPT" "$signal" '' "$NVBAR" read -x 0 64M
	died_of "$signal" && says '^nvbar: sim:ga102: read 0x.*: interrupted$' &&
		[ "$(wc -c <"$out")" -lt $((2 * 65536)) ]
	result $? "a dump whose reader does not read ends by signal $signal at once"
done
run "$INTERRUPT" $SIGINT '' "$NVBAR" read 0 64M
died_of $SIGINT && says ': interrupted$' && [ "$(wc -c <"$out")" -lt $((2 * 65536)) ]
result $? "raw bytes, too"
run "$INTERRUPT" $SIGINT 'ok 1 ' "$NVBAR" selftest
died_of $SIGINT && says 'selftest after [0-9]+ tests, 0 of them failed: interrupted$' ||
	[ "$(grep -c '^ok' "$out")" -eq 20 ]
result $? "a self test says how far it came"

# stops_at NR SIGNAL COMMAND...: the signal comes with that read of VRAM
stops_at() {
	local at=$2:$1
	shift 2
	SIGNAL_AT=$at run "$NVBAR_BAD_VRAM" "$@"
}

export BAD_VRAM=stuck1:0x234560:1
# 8 blocks of 1 MiB are written, then 5 are read; a test of them all moves 13 times 8 MiB.
stops_at 5 $SIGINT memtest 0 8M
died_of $SIGINT && says 'memtest 0x0\+0x800000 after 1 errors: interrupted$' &&
	grep -q '^bad 0x234560+0x8: ' "$out" && grep -q '^written [0-9]* MiB/s' "$out" &&
	tail -n 1 "$out" | grep -qx \
	'not finished: interrupted in pass 1, test address, after 13 of 104 MiB; 1 errors so far'
result $? "memtest tells what it has found when it is interrupted, and how far it came"
stops_at 5 $SIGTERM --json memtest 0 8M
died_of $SIGTERM && "$JSON_CHECK" errors bad reason pass test bytes_done <"$out" &&
	grep -q '"finished": *false' "$out" && grep -q '"pa": *2311520' "$out" &&
	grep -q '"bytes_done": *13631488' "$out"
result $? "and as JSON"
unset BAD_VRAM

ignoring() {
	(
		trap '' HUP INT
		SIGNAL_AT=$1:1 exec "$NVBAR_BAD_VRAM" memtest 0 1M
	)
}
for signal in $SIGHUP $SIGINT; do
	run ignoring "$signal"
	[ $status -eq 0 ] && tail -n 1 "$out" | grep -qx 'passed: 0 errors'
	result $? "signal $signal that is to be ignored is ignored"
done

# What closing the GPU writes, a run writes that is cut short
closing_writes() {
	grep '^[wW] 0 ' "$tmp/trace" | tail -n 2
}
export NVBAR_TRACE=$tmp/trace
run "$NVBAR" read 0 16
closing_writes >"$tmp/want"
run "$INTERRUPT" $SIGTERM '' "$NVBAR" read -x 0 64M
died_of $SIGTERM && [ -s "$tmp/want" ] && closing_writes | cmp -s - "$tmp/want"
result $? "the GPU is closed before the end by a signal"
unset NVBAR_TRACE

# --- a reader that is gone --------------------------------------------------

# broken COMMAND...: its standard output is a pipe that nobody reads any more
broken() {
	local status
	exec 3> >(:)
	wait $!
	"$@" >&3
	status=$?
	exec 3>&-
	return $status
}
SIGPIPE=13
pages=$(seq -s, 1 2 4000)
# quiet COMMAND...: ends by SIGPIPE, and that is all
quiet() {
	run broken "$NVBAR" "$@"
	died_of $SIGPIPE && [ ! -s "$err" ]
	result $? "$1 $2 without a reader ends by SIGPIPE, and quietly"
}
quiet read 0 64M
quiet read -x 0 64M
quiet --json read 0 64M
quiet tables --map "$pages"
quiet --json tables --map "$pages"
quiet snapshot --map "$pages"
quiet info --json
quiet help read
for command in 'regs tu102' 'regs --json tu102'; do
	# shellcheck disable=SC2086
	run broken "$NVBAR_SIM" $command
	died_of $SIGPIPE && [ ! -s "$err" ]
	result $? "nvbar-sim $command without a reader ends by SIGPIPE, and quietly"
done
NVBAR_TRACE=$tmp/trace run broken "$NVBAR" read 0 64M
died_of $SIGPIPE && closing_writes | cmp -s - "$tmp/want"
result $? "the GPU is closed before the end by SIGPIPE"

deaf() {
	(
		trap '' PIPE
		broken "$@"
	)
}
run deaf "$NVBAR" read 0 64M
[ $status -eq 1 ] && says 'read 0x0\+0x4000000: standard output: Broken pipe$'
result $? "read says that nobody reads to who ignores SIGPIPE"
run deaf "$NVBAR" snapshot --map "$pages"
[ $status -eq 1 ] && says 'standard output: Broken pipe$'
result $? "and so do commands that print lines"

# --- standard input -----------------------------------------------------------

# Standard input is a pipe that stays open and empty: only the signal ends the wait.
waiting() {
	local status
	mkfifo "$tmp/silent"
	exec 4<>"$tmp/silent"
	"$INTERRUPT" $SIGINT '' sh -c "head -c 65536 /dev/zero; exec \"\$@\" <&4" sh "$@"
	status=$?
	exec 4>&-
	rm "$tmp/silent"
	return $status
}
run waiting "$NVBAR" write 0
died_of $SIGINT && { [ ! -s "$err" ] || says 'write 0x0\+0x0: standard input: interrupted$'; }
result $? "write that waits for its input is interrupted"
run waiting "$NVBAR" walk
died_of $SIGINT && { [ ! -s "$err" ] || says 'walk: standard input: interrupted$'; }
result $? "walk that waits for its input is interrupted"

plan
