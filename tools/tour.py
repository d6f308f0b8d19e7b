#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the tour of README.md and compare what it prints.

usage: tour.py BIN

BIN is the folder with the programs.  The tour is the README's "console" block:
each line after "$ " is run by one shell, in an empty directory, and the lines
below it are what it must print to stdout and stderr; "..." stands for any
number of lines.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
MARK = "-- next command --"


def steps():
    block = re.search(r"^```console\n(.*?)^```", README.read_text(), re.M | re.S).group(1)
    for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = step.partition("\n")
        yield command, output.rstrip("\n")


def run(commands, path):
    script = f"\necho '{MARK}'\n".join(commands)
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as empty:
        shell = subprocess.run(["sh"], input=script, cwd=empty, env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return shell.stdout.split(MARK + "\n")


def matches(want, got):
    lines = ["(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in want.split("\n")]
    return re.fullmatch("".join(lines), got.rstrip("\n") + "\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tour = list(steps())
    printed = run([command for command, _ in tour], Path(sys.argv[1]).resolve())
    bad = len(printed) != len(tour)
    for (command, want), got in zip(tour, printed):
        good = matches(want, got)
        bad |= not good
        print(f"{'ok' if good else 'FAILED'} $ {command}" + ("" if good else f"\n{got}"))
    sys.exit(1 if bad else 0)


main()
