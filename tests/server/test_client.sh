#!/bin/sh
# SPDX-License-Identifier: MIT
# nvbar against nvbar-sim serve.  Arguments: both programs, the random test, the chip.
set -u
nvbar=$1
sim=$2
random=$3
chip=$4
tmp=$(mktemp -d) || exit 1
device=vfio-user:$tmp/s
"$sim" serve --socket "$tmp/s" "$chip",bar1=64M >"$tmp/served" 2>"$tmp/err" </dev/null &
pid=$!
trap 'kill -9 $pid 2>/dev/null; rm -rf "$tmp"' EXIT
failed=0

# serves FILE: the server says so there, as soon as it gets to it, or has ended
serves()
{
	until [ -s "$1" ]; do
		kill -0 "$pid" 2>/dev/null || { echo "FAIL: it does not serve"; cat "$tmp/err"; exit 1; }
		sleep 0.1
	done
}
serves "$tmp/served"

try()
{
	"$@" >"$tmp/out" 2>&1 </dev/null || {
		echo "FAIL: $*: exit status $?"
		cat "$tmp/out"
		failed=1
	}
}

try "$nvbar" -d "$device" selftest
try "$nvbar" -d "$device" demo
try env NVBAR_TEST_DEVICE="$device" "$random" "$chip"
try "$nvbar" -d "$device" check
try env NVBAR_TRACE="$tmp/trace" "$nvbar" -d "$device" selftest
try "$nvbar" replay "$tmp/trace"

kill "$pid"
wait "$pid" || { echo "FAIL: the server's exit status"; failed=1; }
[ ! -s "$tmp/err" ] || { echo "FAIL: the server complains"; cat "$tmp/err"; failed=1; }

# What the server records can be replayed.
"$sim" serve --socket "$tmp/s" --record "$tmp/record" "$chip",bar1=64M >"$tmp/recorded" \
	2>"$tmp/err" </dev/null &
pid=$!
serves "$tmp/recorded"
try "$nvbar" -d "$device" demo
kill "$pid"
wait "$pid" || { echo "FAIL: the exit status of a server that records"; failed=1; }
[ ! -s "$tmp/err" ] || { echo "FAIL: the server complains"; cat "$tmp/err"; failed=1; }
try "$nvbar" replay "$tmp/record"
grep -q 'the model refuses 0' "$tmp/out" || { echo "FAIL: refused"; cat "$tmp/out"; failed=1; }

tail -n 1 "$tmp/served" | grep -q '^0 driver errors$' || { cat "$tmp/served"; failed=1; }
exit $failed
