# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# ./dev fuzz; sourced by it and by tools/check.sh.
#
# What is found is kept in .cache/fuzz: in corpus/TARGET the inputs that cover
# something new, for the next run to begin with; in crashes/TARGET those that
# break it, for as long as they are not deleted.

fuzz_build='build-fuzz'
fuzz_found=$here/.cache/fuzz

fuzz_targets() {
	local file
	for file in tests/fuzz/corpus/*; do
		basename "$file"
	done
}

# fuzz_make: the targets as libFuzzer's programs
fuzz_make() {
	local target programs=()

	export CC=clang
	configure "$fuzz_build" -Dfuzz=true -Db_lundef=false -Ddocs=disabled
	for target in $(fuzz_targets); do
		programs+=("tests/fuzz/fuzz-$target")
	done
	ninja -C "$fuzz_build" "${programs[@]}" >&2
}

# fuzz_one TARGET SECONDS CORPUS: what covers something new goes to CORPUS.
# Inputs that once broke the target are tried first.
fuzz_one() {
	local target=$1 seconds=$2 corpus=$3 crashes=$fuzz_found/crashes/$1
	local program=$fuzz_build/tests/fuzz/fuzz-$target dict=tests/fuzz/dict/$target.dict
	local options=(-timeout=60 -rss_limit_mb=3072 -max_len=4096)

	if [ -e "$dict" ]; then
		options+=(-dict="$dict")
	fi
	mkdir -p "$corpus" "$crashes"
	if [ -n "$(ls -A "$crashes")" ]; then
		"$program" "${options[@]}" "$crashes"/*
	fi
	"$program" "${options[@]}" -max_total_time="$seconds" -artifact_prefix="$crashes/" \
		"$corpus" "$here/tests/fuzz/corpus/$target"
}

# fuzz_excerpt LOG: what a target said before libFuzzer's or a sanitizer's report,
# and where that ends
fuzz_excerpt() {
	grep -m 1 -B 10 '^==.*ERROR: ' "$1" || true
	tail -n 40 "$1"
}

# fuzz_report TARGET LOG STATUS: how its run ended
fuzz_report() {
	if [ "$3" -eq 0 ]; then
		echo "ok $1: $(grep '^Done' "$2" | tail -n 1)"
	else
		fuzz_excerpt "$2" | sed 's/^/    /'
		echo "FAILED $1: input in $fuzz_found/crashes/$1, log $2"
	fi
}

# fuzz_run SECONDS CORPORA LOGS TARGET...: as many at a time as there are
# processors; fails if any does
fuzz_run() {
	local seconds=$1 corpora=$2 logs=$3 target rc failed=0
	local -A pid
	shift 3

	TMPDIR=$(mktemp -d)
	export TMPDIR
	mkdir -p "$logs"
	for target in "$@"; do
		while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
			sleep 0.5
		done
		fuzz_one "$target" "$seconds" "$corpora/$target" >"$logs/$target.log" 2>&1 &
		pid[$target]=$!
	done
	for target in "$@"; do
		rc=0
		wait "${pid[$target]}" || rc=$?
		fuzz_report "$target" "$logs/$target.log" "$rc"
		[ "$rc" -eq 0 ] || failed=1
	done
	rm -rf -- "$TMPDIR"
	return "$failed"
}

# fuzz [--seconds N] [TARGET...]: all targets, or those named
fuzz() {
	local seconds=600 targets=() target

	while [ $# -gt 0 ]; do
		case $1 in
		--seconds)
			[[ ${2-} =~ ^[1-9][0-9]*$ ]] || die "fuzz: --seconds takes a number"
			seconds=$2
			shift
			;;
		*)
			[ -d "tests/fuzz/corpus/$1" ] ||
				die "fuzz: no target '$1'; there are:" "$(fuzz_targets | xargs)"
			targets+=("$1")
			;;
		esac
		shift
	done
	if [ ${#targets[@]} -eq 0 ]; then
		mapfile -t targets < <(fuzz_targets)
	fi
	fuzz_make
	for target in "${targets[@]}"; do
		say "$target: corpus $fuzz_found/corpus/$target, crashes $fuzz_found/crashes/$target"
	done
	fuzz_run "$seconds" "$fuzz_found/corpus" "$fuzz_found/log" "${targets[@]}"
}
