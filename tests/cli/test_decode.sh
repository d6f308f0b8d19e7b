#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# nvbar decode against every row of the golden vectors.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

vectors=$GOLDEN/vectors_public.csv

# words TEXT: in an order of their own, without the level and the page size of
# the row, which are not in the entry
words() {
	tr '; ' '[\n*]' <<<"$1" | grep -Ev '^(page|level)=' | sort
}

decodes() {
	run "$NVBAR" decode "$version" "$entry" "$@"
	[ $status -eq 0 ] && [ ! -s "$err" ] && [ "$(words "$(<"$out")")" = "$(words "$fields")" ]
}

while IFS=, read -r version entry fields lo hi; do
	[ "$hi" != - ] || hi=
	check "$version $entry $lo $hi: $fields" decodes "$lo" ${hi:+"$hi"}
done < <(tail -n +2 "$vectors")
check "all rows" test "$nr" -eq $(($(wc -l <"$vectors") - 1))

gives_json "--json" "state aperture addr kind" "$NVBAR" --json decode v2 pte 0x0600000000000101
misuse "nothing" "$NVBAR" decode
misuse "no value" "$NVBAR" decode v2 pte
misuse "an unknown format" "$NVBAR" decode v4 pte 0
misuse "an unknown kind of entry" "$NVBAR" decode v2 pdf 0
misuse "no number" "$NVBAR" decode v2 pte 12x
misuse "a number too large" "$NVBAR" decode v2 pte 0x10000000000000000
misuse "too many words" "$NVBAR" decode v2 dual_pde 0 0 0
misuse "an unknown option" "$NVBAR" decode --nonsense v2 pte 0
plan
