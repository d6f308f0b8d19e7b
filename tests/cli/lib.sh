# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of the tools share: run a program as a user does, look at what
# comes out, report in TAP.  meson passes the programs: NVBAR, NVBAR_SIM,
# JSON_CHECK, RANDOM_BYTES, NVBAR_BAD_VRAM, INTERRUPT; and the folder GOLDEN.

set -u
export LC_ALL=C
unset NVBAR_DEVICE
: "${NVBAR:?}" "${NVBAR_SIM:?}" "${JSON_CHECK:?}" "${RANDOM_BYTES:?}" "${GOLDEN:?}"

# shellcheck disable=SC2034 # for those who source this
chips="tu102 ga100 ga102 ad102 gh100 gb100 gb202"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export NVBAR_SYSFS=$tmp/sysfs	# this machine's devices are left alone
out=$tmp/out err=$tmp/err
input=/dev/null
nr=0

# result STATUS NAME: one line of TAP, and what the last run said if it is bad
result() {
	nr=$((nr + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $nr - $2"
		return
	fi
	echo "not ok $nr - $2"
	sed -e 's/^/# stdout: /' "$out" | head -c 2000 | cat -v
	sed -e 's/^/# stderr: /' "$err" | head -c 2000 | cat -v
	echo "# exit status: ${status-none}"
}

# plan: the last line of a test
plan() {
	echo "1..$nr"
}

# seed: what random data begins with; NVBAR_SEED repeats a run
seed=${NVBAR_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# NVBAR_SEED=$seed"

# run COMMAND...: with $input as standard input
run() {
	"$@" <"$input" >"$out" 2>"$err"
	status=$?
}

# check NAME COMMAND...: the command succeeds
check() {
	local name=$1
	shift
	"$@"
	result $? "$name"
}

# same FILE: it is what the last run printed
same() {
	cmp -s "$out" "$1"
}

# works NAME COMMAND...: exit status 0, nothing on stderr
works() {
	local name=$1
	shift
	run "$@"
	[ $status -eq 0 ] && [ ! -s "$err" ]
	result $? "$name"
}

# prints NAME REGEX COMMAND...: works, and a line of stdout matches
prints() {
	local name=$1 regex=$2
	shift 2
	run "$@"
	[ $status -eq 0 ] && [ ! -s "$err" ] && grep -Eq -- "$regex" "$out"
	result $? "$name"
}

# gives_json NAME "KEY..." COMMAND...: works, stdout is JSON with these keys
gives_json() {
	local name=$1 keys=$2
	shift 2
	run "$@"
	# shellcheck disable=SC2086
	[ $status -eq 0 ] && [ ! -s "$err" ] && "$JSON_CHECK" $keys <"$out"
	result $? "$name"
}

# refuses NAME REGEX COMMAND...: exit status 1, one line on stderr that matches
refuses() {
	local name=$1 regex=$2
	shift 2
	run "$@"
	[ $status -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -Eq -- "$regex" "$err"
	result $? "$name"
}

# misuse NAME COMMAND...: exit status 64, nothing on stdout, a reason on stderr
misuse() {
	local name=$1
	shift
	run "$@"
	[ $status -eq 64 ] && [ ! -s "$out" ] && [ -s "$err" ]
	result $? "$name"
}
