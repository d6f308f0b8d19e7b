#!/bin/sh
# SPDX-License-Identifier: MIT
# nvbar-sim serve as a process.  Argument: the program.
set -u
sim=$1
tmp=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
failed=0

fail()
{
	echo "FAIL: $1"
	failed=1
}

# start SOCKET GPU...: until it says that it serves
start()
{
	socket=$1
	shift
	: >"$tmp/out"
	"$sim" serve --socket "$socket" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	wait_for_line || fail "it does not serve: $(cat "$tmp/err")"
}

# wait_for_line: as long as it takes, unless it ends without one
wait_for_line()
{
	until [ -s "$tmp/out" ]; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
}

# stop SIGNAL: exit status 0, the socket gone
stop()
{
	kill "-$1" "$pid"
	wait "$pid"
	status=$?
	pid=
	[ $status -eq 0 ] || fail "$1: exit status $status"
	[ ! -e "$socket" ] || fail "$1: the socket is still there"
	[ ! -s "$tmp/err" ] || fail "$1: $(cat "$tmp/err")"
	tail -n 1 "$tmp/out" | grep -q '^0 driver errors$' || fail "$1: $(cat "$tmp/out")"
}

# refused STATUS WHAT ARGUMENT...: with one line on stderr
refused()
{
	want=$1
	what=$2
	shift 2
	"$sim" serve "$@" >"$tmp/refused" 2>&1 </dev/null
	got=$?
	[ $got -eq "$want" ] || fail "$what: exit status $got, not $want"
	[ "$want" -ne 1 ] || [ "$(wc -l <"$tmp/refused")" -eq 1 ] || fail "$what: not one line"
}

start "$tmp/s"
head -n 1 "$tmp/out" | grep -q "^ga102 at $tmp/s\$" || fail "the default chip is ga102"
refused 1 "a socket in use" --socket "$tmp/s"
grep -q "$tmp/s: another server is there\$" "$tmp/refused" || fail "who is there: $(cat "$tmp/refused")"
[ -S "$tmp/s" ] || fail "it took away another's socket"
stop TERM

start "$tmp/s" gh100,vram=1G,bar1=512M
grep -q '^gh100 at' "$tmp/out" || fail "gh100"
stop INT

# What a killed one leaves is no obstacle.
start "$tmp/s" tu102
kill -9 "$pid"
wait "$pid" 2>/dev/null
[ -S "$tmp/s" ] || fail "kill -9 leaves the socket"
start "$tmp/s" ,vram=64M
stop TERM

start "$tmp/s" "ga102,vram=64M,file=$tmp/vram"
[ -s "$tmp/vram" ] || fail "VRAM in a file"
refused 1 "VRAM in use" --socket "$tmp/s2" "ga102,vram=64M,file=$tmp/vram"
stop TERM

# A record takes nobody's memory, and waits for no reader.
cp "$tmp/vram" "$tmp/before"
refused 1 "a record in its VRAM" --socket "$tmp/s2" --record "$tmp/vram" "ga102,vram=64M,file=$tmp/vram"
grep -q 'is the VRAM of a running GPU' "$tmp/refused" || fail "why there is no record in VRAM: $(cat "$tmp/refused")"
[ "$(stat -c %s "$tmp/vram")" -eq "$(stat -c %s "$tmp/before")" ] || fail "a record in VRAM"
mkfifo "$tmp/nobody"
refused 1 "a record in a FIFO that nobody reads" --socket "$tmp/s2" --record "$tmp/nobody" ga102
rm "$tmp/nobody" "$tmp/before"

# Nobody reads what it says any more.
mkfifo "$tmp/pipe"
"$sim" serve --socket "$tmp/s" ,vram=64M >"$tmp/pipe" 2>"$tmp/err" </dev/null &
pid=$!
head -n 1 "$tmp/pipe" >"$tmp/out"
grep -q '^ga102 at' "$tmp/out" || fail "a first line into a pipe"
kill -TERM "$pid"
wait "$pid"
[ $? -eq 141 ] || fail "a last line that nobody reads ends it by SIGPIPE"
[ ! -s "$tmp/err" ] || fail "a last line that nobody reads: $(cat "$tmp/err")"
pid=
[ ! -e "$tmp/s" ] || fail "without a reader the socket is still there"

# A socket of the same name that is another's by now stays.
start "$tmp/s" ,vram=64M
first=$pid
mv "$tmp/s" "$tmp/moved"
start "$tmp/s" ,vram=64M
kill -TERM "$first"
wait "$first" || fail "exit status of the first of two"
[ -S "$tmp/s" ] || fail "it took away the socket of its successor"
stop TERM

# Who does not get to serve leaves the record of who does alone.
start "$tmp/s" --record "$tmp/record" ga102,vram=64M
grep -q '^nvbar-trace 1$' "$tmp/record" || fail "a record begins with its first line"
cp "$tmp/record" "$tmp/before"
refused 1 "a socket in use, with a record" --socket "$tmp/s" --record "$tmp/record" gh100
cmp -s "$tmp/before" "$tmp/record" || fail "it made another's record anew"
stop TERM
cmp -s "$tmp/before" "$tmp/record" || fail "what is recorded of nobody"

# A record that is not all there is told, once the GPU has been served.
: >"$tmp/out"
"$sim" serve --socket "$tmp/s" --record /dev/full ga102,vram=64M >"$tmp/out" 2>"$tmp/err" </dev/null &
pid=$!
wait_for_line || fail "it does not serve with a record on a full disk"
kill "$pid"
wait "$pid"
[ $? -eq 1 ] || fail "a record on a full disk: the exit status"
pid=
[ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q /dev/full "$tmp/err" || fail "a record on a full disk"

"$sim" --version | grep -q '^nvbar-sim [0-9]' || fail "--version"
for arguments in --help --version 'regs ga102'; do
	"$sim" $arguments >/dev/full 2>"$tmp/err"
	[ $? -eq 1 ] && grep -q 'standard output' "$tmp/err" || fail "$arguments to a full disk"
	[ "$(wc -l <"$tmp/err")" -eq 1 ] || fail "$arguments to a full disk: not one line"
done

echo text >"$tmp/file"
refused 1 "a file that is no socket" --socket "$tmp/file"
grep -q 'is no socket' "$tmp/refused" || fail "a file that is no socket: $(cat "$tmp/refused")"
grep -q text "$tmp/file" || fail "it took away a file"
grep -q "$tmp/file: is there, and is no socket\$" "$tmp/refused" || fail "what is there: $(cat "$tmp/refused")"
[ "$(find "$tmp" -name '*.lock')" = "" ] || fail "a lock is left"
mkfifo "$tmp/fifo.lock"
refused 1 "a lock that is a FIFO of somebody's" --socket "$tmp/fifo"
rm "$tmp/fifo.lock"
cp "$tmp/file" "$tmp/data.lock"
refused 1 "a lock that is a file of somebody's" --socket "$tmp/data"
cmp -s "$tmp/file" "$tmp/data.lock" || fail "it took away a file for its lock"
rm "$tmp/data.lock"
ln -s file "$tmp/link.lock"
refused 1 "a lock that is a link" --socket "$tmp/link"
rm "$tmp/link.lock"

# One server at a path, whoever begins and ends meanwhile: of four at once one serves, and
# is there when the others have given up.
for _ in 1 2 3 4 5; do
	for i in 1 2 3 4; do
		"$sim" serve --socket "$tmp/race" ,vram=64M >"$tmp/race.$i" 2>"$tmp/race.err.$i" </dev/null &
		eval "racer$i=\$!"
	done
	for _ in $(seq 200); do
		said=0
		for i in 1 2 3 4; do
			[ ! -s "$tmp/race.$i" ] && [ ! -s "$tmp/race.err.$i" ] || said=$((said + 1))
		done
		[ $said -lt 4 ] || break
		sleep 0.05
	done
	[ "$(cat "$tmp"/race.[1-4] | wc -l)" -eq 1 ] || fail "$(cat "$tmp"/race.[1-4] | wc -l) servers at one path"
	[ -S "$tmp/race" ] || fail "those who gave up took away the socket"
	for i in 1 2 3 4; do
		eval "kill \$racer$i 2>/dev/null; wait \$racer$i"
	done
	[ ! -e "$tmp/race" ] || fail "the one of four leaves its socket"
done
refused 1 "no such folder" --socket "$tmp/none/s"
refused 1 "a path that is too long" --socket "$tmp/$(printf %0200d 0)"
refused 1 "no such chip" --socket "$tmp/s" gk104
grep -q 'tu102 ga100 ga102 ad102 gh100 gb100 gb202' "$tmp/refused" || fail "which chips there are"
refused 64 "a socket without a name" --socket '' ga102
refused 1 "no such key" --socket "$tmp/s" ga102,colour=green
refused 1 "not key=value" --socket "$tmp/s" ga102,vram
refused 1 "the memory of a driver" --socket "$tmp/s" ga102,nomem=1
refused 1 "a record in no folder" --socket "$tmp/s" --record "$tmp/none/record" ga102
[ ! -e "$tmp/s" ] || fail "a record in no folder leaves no socket"
refused 64 "no socket" ga102
refused 64 "two GPUs" --socket "$tmp/s" ga102 gh100
[ ! -e "$tmp/s" ] || fail "what was refused leaves no socket"
exit $failed
