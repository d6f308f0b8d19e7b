#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The functions of tools/results.txt, and those of nvbar.h, with an attribute for clang.

usage: results.py FOLDER

Puts a header into FOLDER for each that declares some of them: it includes the real one
and declares these again, such that a dropped result is a warning.
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def listed():
    """Return: the functions of each header."""
    functions = defaultdict(list)
    for line in (ROOT / "tools/results.txt").read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            functions[words[0]] += words[1:]
    text = (ROOT / "include/nvbar/nvbar.h").read_text()
    functions["nvbar/nvbar.h"] = re.findall(r"^NVBAR_API int (nvbar_\w+)\(", text, re.M)
    return functions


for header, names in listed().items():
    path = Path(sys.argv[1], header)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["#pragma once", f"#include_next <{header}>"]
    lines += [f"extern __typeof__({n}) {n} __attribute__((warn_unused_result));" for n in names]
    path.write_text("\n".join(lines) + "\n")
