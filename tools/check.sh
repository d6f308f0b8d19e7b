# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The steps of ./dev check; sourced by it.
#
# A step is a function check_NAME, run in a subshell under set -e with its
# output in a log.  It fails if any command in it fails; a tool that is not
# there is such a failure.  What a step needs installed is in the table of
# ./dev.  A step that runs "meson test" counts as its tests, any other as one.
#
# What takes long and rarely finds anything is for --all: a step asks
# with_all WHAT before it.

steps=(
	test		# what README tells users to run
	gcc		# no warnings from an optimising gcc
	clang		# no warnings from clang; with --all its programs pass the tests
	sanitizers	# the tests under AddressSanitizer, LeakSanitizer and UBSan
	threads		# many threads on one GPU under ThreadSanitizer
	fuzz		# a minute of each fuzz target
	coverage	# the tests take every branch of core/, but for an explained few
	nomem		# no allocation that fails changes what the tools do
	results		# no result of what can fail is dropped
	valgrind	# no use of undefined memory by the tools
	analyzer	# gcc -fanalyzer on everything but the tests
	arm64		# no warnings for arm64, the barriers that it needs, and core's and lib's tests
	tidy		# no likely mistakes by the rules in .clang-tidy
	prove		# the codecs of page-table entries, for every value
	cppcheck	# no errors or likely mistakes by its rules
	kernel		# core/ as a kernel module, no warnings with W=1
	vm		# a real kernel and QEMU on served GPUs; skipped where it can't be set up
	header		# the public header alone, in several languages
	symbols		# the libraries show their API and nothing else
	install		# an installed copy is usable through pkg-config
	includes	# who may include what
	spdx		# every source file names its licence
	kernel_doc	# every item of the API is described
	links		# links in the documents resolve
	tour		# README's tour prints what README says
	mutants		# each of tools/mutants.txt can be applied; ./dev mutate tries them
	shell		# shellcheck
)

checks='build-check'
logs=$checks/log

check_test() {
	./dev test
}

check_gcc() {
	configure "$checks/gcc" -Dwerror=true -Dbuildtype=release
	ninja -C "$checks/gcc"
}

check_clang() {
	export CC=clang
	configure "$checks/clang" -Dwerror=true
	ninja -C "$checks/clang"
	if with_all 'the tests as clang compiles them'; then
		meson test -C "$checks/clang" --no-rebuild --print-errorlogs --timeout-multiplier 5
	fi
}

check_sanitizers() {
	local but=()

	with_all 'the suites slow and sparse under sanitizers' || but=(--no-suite slow --no-suite sparse)
	configure "$checks/sanitizers" -Db_sanitize=address,undefined \
		-Dc_args=-fno-sanitize-recover=all
	ninja -C "$checks/sanitizers"
	meson test -C "$checks/sanitizers" --no-rebuild --print-errorlogs --timeout-multiplier 5 \
		"${but[@]}"
}

check_threads() {
	configure "$checks/threads" -Db_sanitize=thread
	ninja -C "$checks/threads"
	meson test -C "$checks/threads" --no-rebuild --print-errorlogs --timeout-multiplier 5 \
		'system threads' 'system close'
}

# From the seeds, so that a run does not depend on those before it
check_fuzz() {
	local targets

	fuzz_build=$checks/fuzz
	fuzz_found=$here/$checks/fuzz-found
	mapfile -t targets < <(fuzz_targets)
	fuzz_make
	fuzz_run 60 "$scratch/fuzz" "$logs/fuzz" "${targets[@]}"
}

# Unoptimised, so that branches are those of the source; with a seed of its own,
# so that random tests take the same ones each time.
check_coverage() {
	configure "$checks/coverage" -Db_coverage=true -Dbuildtype=debug \
		-Dc_args=-fprofile-update=atomic
	ninja -C "$checks/coverage"
	find "$checks/coverage" -name '*.gcda' -delete
	NVBAR_SEED=1 meson test -C "$checks/coverage" --no-rebuild --print-errorlogs \
		--timeout-multiplier 5 --no-suite slow
	python3 tools/coverage.py "$checks/coverage"
}

check_nomem() {
	local all=()

	if with_all 'each allocation of the commands that make many'; then
		all=(--all)
	fi
	cmd_build
	python3 tests/nomem/nomem.py "$build/bin/nvbar" "$build/bin/nvbar-sim" \
		"$build/tests/nomem/libfail_alloc.so" "${all[@]}"
}

# clang's warning, which (void) ends, of each function in tools/results.txt
check_results() {
	local flags=(-fsyntax-only -std=gnu11 -D_GNU_SOURCE '-DNVBAR_VERSION="0"' -Werror=unused-result
		-I"$scratch/results" -I. -Iinclude -Icommon -Icompat -Icompat/include -Icore -Ilib
		-Isim -Iserver -Itool -Ibench)

	python3 tools/results.py "$scratch/results"
	printf '%s\n' {bench,cli,common,lib,server,sim,tool}/*.c |
		xargs -P "$(nproc)" -n 4 clang "${flags[@]}"
	# A result that is dropped, lest the headers are not those that are used
	if clang "${flags[@]}" -x c - <<<'#include <stdlib.h>
		void f(void) { atexit(f); }'; then
		return 1
	fi
}

check_valgrind() {
	local chip command

	cmd_build
	for chip in ga102 gh100; do
		for command in demo selftest; do
			valgrind --quiet --error-exitcode=1 --leak-check=full \
				"$build/bin/nvbar" -d "sim:$chip" "$command"
		done
	done
}

# Unoptimised: the analyzer then sees the functions as they were written
check_analyzer() {
	local dir=$checks/analyzer

	configure "$dir" -Dbuildtype=debug -Dtests=false -Dc_args=-fanalyzer
	ninja -C "$dir" -t clean
	ninja -C "$dir" | tee "$scratch/analyzer"
	if grep warning: "$scratch/analyzer" | grep -Evf <(grep '^[^#]' tools/analyzer.txt); then
		return 1
	fi
}

# The tests as an emulator runs them, which shows no order of accesses: that is read
# from the code
check_arm64() {
	local dir=$checks/arm64 tests

	arm64_setup || skip
	python3 tools/barriers.py aarch64-linux-gnu-objdump aarch64-linux-gnu-gcc
	python3 tools/barriers.py aarch64-linux-gnu-objdump clang --target=aarch64-linux-gnu \
		-isystem /usr/aarch64-linux-gnu/include
	configure "$dir" --cross-file "$arm64_cache/cross" -Dtools=false -Dwerror=true
	mapfile -t tests < <(arm64_tests "$dir")
	ninja -C "$dir" "${tests[@]}"
	meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
		"${arm64_suites[@]/#/--suite=}"
}

# Debian's own python3 is the one that has Debian's z3
check_prove() {
	/usr/bin/python3 -B tests/prove/entries.py
}

# One file at a time: clang-tidy 14 takes every va_list after the first file for uninitialised
check_tidy() {
	export CC=clang
	configure "$checks/clang" -Dwerror=true
	printf '%s\n' {cli,common,core,lib,server,sim,tool}/*.c |
		xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$checks/clang"
}

# -U: the kernel's max() and min() are more than its parser can take; the size of long
# is what compilers say
check_cppcheck() {
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,performance,portability \
		--suppressions-list=tools/cppcheck.txt -Umax -Umin \
		-D_GNU_SOURCE -D__SIZEOF_LONG__=8 -Iinclude -Icommon -Icompat/include -Icore -Itool \
		core lib sim common compat/*.c cli server tool examples
}

# Kbuild writes beside its sources and refuses paths with spaces: give it a copy
check_kernel() {
	local headers copy=$scratch/kernel

	headers=$(kernel_headers)
	[ -n "$headers" ]
	mkdir -p "$copy/tools"
	cp -r Kbuild core include "$copy"
	cp tools/kmod_stub.c "$copy/tools"
	make -k -C "$headers" M="$copy" W=1 KCFLAGS=-Werror modules 2>&1 | tee "$copy/log"
	[ -s "$copy/nvbar-core.ko" ]
	if grep -i warning "$copy/log"; then
		return 1
	fi
}

# The download is the part of it that needs more than this machine
check_vm() {
	local chips=(ga102 gb202)

	vm_setup || skip
	cmd_build
	(vm_test --nouveau ga102)
	if with_all 'virtual machines with the other chips'; then
		chips=()
	fi
	(vm_test --memtest 1M "${chips[@]}")	# of 64M it takes most of an hour
}

check_header() {
	local std source='#include <nvbar/nvbar.h>'
	local flags=(-Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude)

	for std in c99 c11 c17; do
		gcc -x c "-std=$std" "${flags[@]}" - <<<"$source"
		clang -x c "-std=$std" "${flags[@]}" - <<<"$source"
	done
	for std in c++11 c++20; do
		g++ -x c++ "-std=$std" "${flags[@]}" - <<<"$source"
	done
}

# What users of the shared and of the static library can see is what the header
# declares; the former under a version
check_symbols() {
	local lib=$build/lib

	cmd_build
	sed -n 's/^NVBAR_API [^(]*\b\(nvbar_\w*\)(.*/\1/p' include/nvbar/nvbar.h | sort >"$scratch/api"
	nm -D --defined-only "$lib/libnvbar.so" | awk '$2 != "A" { print $3 }' >"$scratch/shared"
	if grep -v '@@NVBAR_' "$scratch/shared"; then
		return 1
	fi
	sed 's/@.*//' "$scratch/shared" | sort | diff "$scratch/api" -
	nm -g --defined-only "$lib/libnvbar.a" | awk 'NF == 3 { print $3 }' | sort | diff "$scratch/api" -
}

# Man pages and examples come along; nothing of the checkout is needed
check_install() {
	local dest=$scratch/install example

	check_gcc
	meson install -C "$checks/gcc" --no-rebuild --destdir "$dest"
	[ -n "$(find "$dest" -name 'nvbar*.1*')" ]
	cp examples/*.c "$dest"
	cd "$dest"
	PKG_CONFIG_PATH=$(dirname "$(find "$dest" -name nvbar.pc)")
	LD_LIBRARY_PATH=$(dirname "$(find "$dest" -name libnvbar.so)")
	export PKG_CONFIG_PATH LD_LIBRARY_PATH PKG_CONFIG_SYSROOT_DIR=$dest
	for example in *.c; do
		example=${example%.c}
		# shellcheck disable=SC2046 # pkg-config prints words
		gcc "$example.c" -o "$example" $(pkg-config --cflags --libs nvbar)
		# shellcheck disable=SC2046
		gcc -static "$example.c" -o "$example-static" $(pkg-config --static --cflags --libs nvbar)
		"./$example"
		LD_LIBRARY_PATH='' "./$example-static"
	done
	"$(find "$dest" -path '*/bin/nvbar')" demo
	check_uninstalled
}

# As CONTRIBUTING.md says
check_uninstalled() {
	PKG_CONFIG_PATH=$here/$checks/gcc/meson-uninstalled
	LD_LIBRARY_PATH=$here/$checks/gcc/lib
	unset PKG_CONFIG_SYSROOT_DIR
	for example in "$here"/examples/*.c; do
		# shellcheck disable=SC2046
		gcc "$example" -o "$scratch/a.out" $(pkg-config --cflags --libs nvbar)
		"$scratch/a.out"
	done
}

check_includes() {
	python3 tools/lint.py includes
}

check_spdx() {
	python3 tools/lint.py spdx
}

check_kernel_doc() {
	python3 tools/lint.py kernel-doc
	perl "$(kernel_headers)/scripts/kernel-doc" -none -Werror include/nvbar/nvbar.h core/*.h
}

check_links() {
	python3 tools/lint.py links
}

check_tour() {
	cmd_build
	python3 tools/tour.py "$build/bin"
}

check_mutants() {
	python3 tools/mutate.py --list-check
}

check_shell() {
	shellcheck -x -a dev .ci/run tools/static_lib.sh tests/vm/init
	shellcheck -S error tests/cli/*.sh tests/soak/*.sh
}

# --- running them ------------------------------------------------------------

passed=0 failed=0 skipped=0
run_all=	# set: nothing is left out
scratch=		# a directory outside the checkout, for the steps

# skip: end a step that can't be run here, having said why; that is no pass
skip() {
	: >"$scratch/skip"
	exit
}

# with_all WHAT: whether to run this; if not, the end of all steps tells
with_all() {
	[ -n "$run_all" ] || ! echo "$1" >>"$scratch/left-out"
}

# meson_sum WORDS LOG: sum of these lines of the summaries that "meson test" prints
meson_sum() {
	awk -v line="^($1): " '$0 ~ line { sum += $NF } END { print sum + 0 }' "$2"
}

# run_step NAME: a test that was skipped is one that failed to run
run_step() {
	local name=$1 log=$logs/$1.log start=$SECONDS rc ok bad note

	set +e
	(
		set -e
		"check_$name"
	) </dev/null >"$log" 2>&1
	rc=$?
	set -e

	if [ -e "$scratch/skip" ]; then
		rm "$scratch/skip"
		skipped=$((skipped + 1))
		tail -n 10 "$log" | sed 's/^/    /'
		echo "skipped $name (log $log)"
		return
	fi
	ok=$(meson_sum 'Ok|Expected Fail' "$log")
	bad=$(meson_sum 'Fail|Timeout|Skipped|Unexpected Pass' "$log")
	note="$((SECONDS - start)) s"
	if [ $((ok + bad)) -gt 0 ]; then
		note="$ok of $((ok + bad)) tests, $note"
	elif [ $rc -eq 0 ]; then
		ok=1
	fi
	if [ $rc -ne 0 ] && [ "$bad" -eq 0 ] || grep -q '^No tests defined' "$log"; then
		bad=$((bad + 1))
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		echo "ok $name ($note)"
	else
		tail -n 40 "$log" | sed 's/^/    /'
		echo "FAILED $name ($note, log $log)"
	fi
}

# check [--all] [STEP...]: all steps, or those named
check() {
	local step

	if [ "${1-}" = --all ]; then
		run_all=yes
		shift
	fi
	[ $# -gt 0 ] || set -- "${steps[@]}"
	for step in "$@"; do
		declare -F "check_$step" >/dev/null || die "check: no step '$step'; there are: ${steps[*]}"
	done
	export CC=gcc	# but where a step says otherwise
	mkdir -p "$logs"
	scratch=$(mktemp -d)
	trap 'rm -rf -- "$scratch"' EXIT
	for step in "$@"; do
		run_step "$step"
	done
	echo "ran: $*, in $((SECONDS / 60)) min"
	if [ -e "$scratch/left-out" ]; then
		echo "left to --all: $(paste -sd ';' "$scratch/left-out" | sed 's/;/; /g')"
	fi
	echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
	[ $failed -eq 0 ]
}
