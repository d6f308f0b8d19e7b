#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Branch coverage of core/ by the tests that were run in a build directory.

usage: coverage.py BUILD

BUILD was made with -Db_coverage=true and no optimisation.  Prints how much of
each file was run, and exits 1 if less than LEAST percent of all branches were
taken, if a branch that was not is missing in tools/uncovered.txt, or if that
list names one that was taken.  The list has, for each line of code,

FILE: FUNCTION: BRANCHES: TEXT
<tab>why so many branches of it are not taken, on one line or several

with blanks in TEXT as one space; lines that read alike in a function are one.
"?" after BRANCHES: threads that meet may take them, so that fewer are fine too.
"""
import bisect
import collections
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools/uncovered.txt"
LEAST = 95.0

# Assertions, whose other branch is there not to be taken
ASSERTIONS = r".*\b(WARN_ON(_ONCE)?|lockdep_assert_held)\(.*"


def run_gcovr(build):
    command = ["gcovr", "--root", str(ROOT), "--filter", str(ROOT / "core") + "/",
               "--exclude-branches-by-pattern", ASSERTIONS, "--json", "-", build]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)["files"]


def share(taken, total):
    return f"{100 * taken / total if total else 100:6.1f} % of {total:5}"


def look_through(files):
    """Prints the files' coverage; returns the percentage and what was not taken."""
    uncovered = collections.Counter()
    sums = collections.Counter()
    for file in files:
        text = (ROOT / file["file"]).read_text().split("\n")
        functions = sorted((f["lineno"], f["name"]) for f in file["functions"])
        lines = [line for line in file["lines"] if not line["gcovr/noncode"]]
        branches = taken = 0
        for line in lines:
            nr = line["line_number"]
            missing = sum(not branch["count"] for branch in line["branches"])
            branches += len(line["branches"])
            taken += len(line["branches"]) - missing
            if missing:
                function = functions[bisect.bisect(functions, (nr, "~")) - 1][1]
                source = " ".join(text[nr - 1].split())
                uncovered[f"{file['file']}: {function}", source] += missing
        run = sum(line["count"] > 0 for line in lines)
        print(f"{file['file']:24} lines {share(run, len(lines))}  "
              f"branches {share(taken, branches)}")
        sums.update(lines=len(lines), run=run, branches=branches, taken=taken)
    print(f"{'core/':24} lines {share(sums['run'], sums['lines'])}  "
          f"branches {share(sums['taken'], sums['branches'])}")
    return 100 * sums["taken"] / sums["branches"], uncovered


def read_list():
    """The list's entries, each with how many branches may be missing."""
    listed = {}
    reasons = {}
    entry = None
    for nr, line in enumerate(LIST.read_text().split("\n"), 1):
        if line.startswith("\t") and entry:
            reasons[entry] = line.strip()
        elif line and not line.startswith("#"):
            match = re.fullmatch(r"(core/\S+: \w+): (\d+)(\??): (\S.*)", line)
            if not match or match.group(1, 4) in listed:
                sys.exit(f"{LIST.name}:{nr}: not an entry, or there already: {line}")
            entry = match.group(1, 4)
            listed[entry] = range(0 if match[3] else int(match[2]), int(match[2]) + 1)
    for where, source in listed.keys() - reasons.keys():
        sys.exit(f"{LIST.name}: no reason: {where}: {source}")
    return listed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    percent, uncovered = look_through(run_gcovr(sys.argv[1]))
    listed = read_list()
    wrong = [entry for entry in sorted(uncovered.keys() | listed.keys())
             if uncovered[entry] not in listed.get(entry, [0])]
    for entry in wrong:
        print(f"{entry[0]}: {uncovered[entry]}: {entry[1]}\n"
              f"\tnot taken; in {LIST.name}: {listed.get(entry, [0])[-1]}")
    print(f"{percent:.2f} % of branches taken, {len(listed)} lines explained, "
          f"{len(wrong)} lines not as {LIST.name} has them")
    sys.exit(percent < LEAST or bool(wrong))


if __name__ == "__main__":
    main()
